"""In which bands of the height a line is to be mended: what is measured of each band of an accepted line."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from frdm.defects.line_features import Tracks, along, sample
from frdm.defects.line_look import Look
from frdm.film import Mask, Real


def band_numbers(look: Look, tracks: Tracks, chance: NDArray[np.float64]) -> dict[str, Real]:
    """(n, bands) of every number; `chance` (n,) is the probability that each track is damage."""
    every = dict(_measured(look, tracks, chance))
    return {k: np.nan_to_num(np.broadcast_to(v, tracks.path.shape).astype(np.float32), nan=-1.0) for k, v in every.items()}


def _measured(look: Look, tracks: Tracks, chance: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.floating]]]:
    shown = tracks.shown
    count = np.maximum(shown.sum(1), 1)[:, None]
    usual = np.maximum((tracks.height * shown).sum(1)[:, None] / count, 1e-4)
    for reach in (3, 7, 15, 31):
        yield f"height_{reach}", along(tracks.height, reach) / usual
    yield "clear", along(tracks.height, 5) / tracks.clutter
    yield "clear_wide", along(tracks.height, 15) / along(tracks.clutter, 15)
    yield "near_5", along(tracks.near, 5)
    yield "near_15", along(tracks.near, 15)
    raw = along(tracks.raw, 7) / usual
    yield "raw", np.median(raw, 0)
    yield "raw_most", raw.max(0)
    yield "raw_least", raw.min(0)
    fixed, taken = along(tracks.fixed, 7) / usual, along(tracks.taken, 7) / usual
    yield "fixed", np.median(fixed, 0)
    yield "taken", np.median(taken, 0)
    yield "taken_most", taken.max(0)
    yield "raw_less_taken", np.median(raw - taken, 0)
    yield "shift", np.abs(along(tracks.shift, 7)).mean(0) / look.unit
    yield "near_shown", along(shown.astype(np.float32), 25)
    yield "run", runs(shown)
    yield "away", _away(shown)
    yield "bent", np.abs(tracks.path - along(tracks.path, 21)) / look.unit
    yield "step", _step(look, tracks) / usual
    yield "chance", chance[:, None]
    yield "share", shown.mean(1)[:, None]
    yield "usual_noise", usual / max(look.noise, 1e-3)


def _step(look: Look, tracks: Tracks) -> Real:
    """By how much the two sides differ."""
    offsets = np.concatenate([-np.arange(4, 9), np.arange(4, 9)]).astype(np.float32) * np.float32(look.unit)
    sides = sample(look.small[0], tracks.path[..., None] + offsets)
    return along(np.abs(sides[..., :5].mean(-1) - sides[..., 5:].mean(-1)), 3)


def runs(shown: Mask) -> NDArray[np.float64]:
    """(n, bands) how many bands the unbroken piece has to which each belongs, 0 where nothing is shown."""
    out = np.zeros(shown.shape)
    for row, line in enumerate(shown):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            out[row, start:stop] = stop - start
    return out


def _away(shown: Mask) -> NDArray[np.float64]:
    """(n, bands) how many bands away the nearest is in which the line shows."""
    bands = shown.shape[1]
    every = np.arange(bands)
    before = np.maximum.accumulate(np.where(shown, every, -bands), 1)
    after = np.minimum.accumulate(np.where(shown, every, 2 * bands)[:, ::-1], 1)[:, ::-1]
    return np.minimum(every - before, after - every).astype(np.float64)
