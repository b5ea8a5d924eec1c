"""What is measured of a candidate line: how it lies in its frame, how it stands in the neighbours, and what the scene does meanwhile.

A scratch keeps its place in the frame while the scene moves, changes the density beneath it by nearly the same amount wherever it runs,
crosses the scene's edges, wanders a little from frame to frame, and leaves each frame where it enters the next. A pole, a fence or a
window bar goes with the scene, hides what is behind it, ends somewhere, has company. No single one of these decides: the trees do.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.line_look import Look
from frdm.defects.ridges import Paths, best_paths
from frdm.film import Mask, Real

WANDER = 7.0  # px of a 480-line picture: so far from its place in the centre a line is looked for in a neighbour
SIDES = 14.0  # … to either side of a line its surroundings are looked at
SEGMENTS = 8  # of the picture's height, in each of which the scene moves in its own way
THIRDS = 3  # of the picture's height, in which small motion is measured


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Candidates followed through the window; lengths in columns of the small picture, strengths in working units."""

    sign: NDArray[np.int8]  # (n,)
    evidence: Real  # (n,)
    near: Real  # (n, bands)
    path: Real  # (n, bands) where each runs in the centre
    height: Real  # (n, bands) by how much it stands out there
    clutter: Real  # (n, bands) by how much its surroundings do
    shown: Mask  # (n, bands) where it is to be seen
    shift: Real  # (neighbours, n, bands) how far to the right of its path it is found in each neighbour
    raw: Real  # (neighbours, n, bands) by how much it stands out there
    fixed: Real  # (neighbours, n, bands) by how much it would if it had not moved
    rival: Real  # (n, bands) by how much the clearest other ridge within WANDER stands out in the centre
    taken: Real  # (neighbours, n, bands) by how much something stands out where the scene has taken the place of the line

    def __len__(self) -> int:
        return len(self.sign)

    def only(self, which: Mask) -> "Tracks":
        """Those that are chosen."""
        return Tracks(
            self.sign[which],
            self.evidence[which],
            self.near[which],
            self.path[which],
            self.height[which],
            self.clutter[which],
            self.shown[which],
            self.shift[:, which],
            self.raw[:, which],
            self.fixed[:, which],
            self.rival[which],
            self.taken[:, which],
        )


def ridge_picture(small: Real, unit: float) -> Real:
    """How much brighter a place is than its surroundings to the left and right."""
    fine, wide = (cv2.GaussianBlur(small, (0, 1), sigma * unit, sigmaY=0) for sigma in (0.8, 3.2))
    return np.asarray(fine - wide, np.float32)


def sample(picture: Real, columns: Real, rows: Real | None = None) -> Real:
    """(n, bands, k) of a picture at columns (n, bands, k), in each band or at `rows` (n, bands)."""
    n, bands, k = columns.shape
    if rows is None:
        rows = np.broadcast_to(np.arange(bands, dtype=np.float32), (n, bands))
    down = np.broadcast_to(rows[..., None], columns.shape).reshape(n * bands, k).astype(np.float32)
    across = columns.reshape(n * bands, k).astype(np.float32)
    got = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(got, np.float32).reshape(n, bands, k)


def along(values: Real, reach: int) -> Real:
    """The mean over `reach` bands of (…, bands) values."""
    flat = np.ascontiguousarray(values.reshape(-1, values.shape[-1]), np.float32)
    return np.asarray(cv2.blur(flat, (reach, 1), borderType=cv2.BORDER_REPLICATE), np.float32).reshape(values.shape)


def _crest(profile: Real, start: NDArray[np.intp], reach: int) -> Real:
    """(n, bands) sub-column place of the crest near `start`, from three samples averaged over `reach` bands; `profile` (n, bands, k)."""
    around = np.clip(start[..., None] + np.arange(-1, 2), 0, profile.shape[-1] - 1)
    three = along(np.take_along_axis(profile, around, -1).transpose(2, 0, 1), reach)
    bend = three[0] - 2 * three[1] + three[2]
    fine = np.where(bend < -1e-7, np.clip(0.5 * (three[0] - three[2]) / np.minimum(bend, -1e-7), -1, 1), 0)
    return along((start + fine).astype(np.float32), 5)


def follow(look: Look, paths: Paths, ridges: list[Real]) -> Tracks:
    """Every candidate in the centre and in each neighbour."""
    unit, sign = look.unit, paths.sign[:, None, None].astype(np.float32)
    near = np.arange(-3, 4, dtype=np.float32)
    own = sample(ridges[0], paths.columns[..., None] + near) * sign
    path = paths.columns + _crest(own, np.full(paths.columns.shape, 3, np.intp), 7) - 3
    reach = round(WANDER * unit)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    columns = path[..., None] + offsets
    profile = sample(ridges[0], columns) * sign
    height = profile[..., reach]
    away = np.abs(offsets) > 3.5 * unit
    clutter = along(np.median(np.abs(profile[..., away]), -1) * 1.48, 9) + 1e-4
    smooth = along(height, 5)
    typical = np.percentile(smooth, 75, axis=1)[:, None]
    shown = (smooth > 0.4 * typical) & (smooth > clutter) & (height > 0)
    limit = 3 * np.median(np.abs(height), 1)[:, None, None] + 1e-4
    others = np.stack([np.clip(sample(r, columns) * sign, -limit, limit) for r in ridges[1:]])
    flat = others.reshape(-1, *profile.shape[1:])
    alike = np.tile(1.1 * np.maximum(typical, 1e-4)[..., None], (len(others), 1, 1))  # what stands out more is no better match
    gain = np.minimum(flat, alike)
    gain = gain / (np.abs(gain).mean((1, 2), keepdims=True) + 1e-6) - np.float32(0.05 / unit) * np.abs(offsets)
    crest = best_paths(gain, 1.5)
    shift = (_crest(flat, crest, 15) - reach).reshape(others.shape[:-1])
    raw = np.take_along_axis(flat, crest[..., None], -1)[..., 0].reshape(others.shape[:-1])
    fixed = along(others[..., reach - 1 : reach + 2].transpose(3, 0, 1, 2), 12).max(0)
    rival = along(profile[..., np.abs(offsets) > 2 * unit].transpose(2, 0, 1), 12).max(0)
    return Tracks(paths.sign, paths.evidence, paths.near, path, height, clutter, shown, shift, raw, fixed, rival, np.zeros_like(raw))


# The scene beside it -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The scene's motion beside each candidate, (neighbours, n, SEGMENTS); NaN where nothing is known."""

    low: Real  # quartiles of the motion to the right, columns
    middle: Real
    high: Real
    down: Real  # bands
    known: Real  # share of the places looked at that have a consistent motion


def scene_beside(look: Look, tracks: Tracks) -> Beside:
    """Motion from 6 to 40 px to either side, away from every candidate."""
    unit, (bands, columns) = look.unit, look.small[0].shape
    offsets = np.concatenate([-np.arange(6, 41, 5), np.arange(6, 41, 5)]) * unit
    rows = np.arange(1, bands, 3)
    at = tracks.path[:, rows, None] + offsets
    place = np.clip((at / look.step).astype(np.intp), 0, look.across.shape[-1] - 1)
    busy = _busy(tracks, columns, unit, 2.5)
    free = ~busy[rows[:, None], np.clip(np.rint(at).astype(np.intp), 0, columns - 1)] & (at >= 0) & (at < columns)
    good = look.sound[:, rows[:, None], place] & free
    across = _segments(np.where(good, look.across[:, rows[:, None], place], np.inf))
    down = _segments(np.where(good, look.down[:, rows[:, None], place], np.inf))
    count = np.isfinite(across).sum(-1)
    known = np.where(count >= 6, count, 0)
    low, middle, high = (_ranked(across, known, q) for q in (0.25, 0.5, 0.75))
    return Beside(low, middle, high, _ranked(down, known, 0.5), known / across.shape[-1])


def _busy(tracks: Tracks, columns: int, unit: float, reach: float) -> Mask:
    """(bands, columns) where some candidate is to be seen."""
    bands = tracks.path.shape[1]
    out = np.zeros((bands, columns), np.uint8)
    n, band = np.nonzero(tracks.shown)
    out[band, np.clip(np.rint(tracks.path[n, band]).astype(np.intp), 0, columns - 1)] = 1
    return np.asarray(cv2.dilate(out, np.ones((3, round(reach * unit) * 2 + 1), np.uint8))) > 0


def _segments(values: NDArray[np.float64] | Real) -> Real:
    """(k, n, rows, places) → (k, n, SEGMENTS, all of a segment)."""
    k, n, rows, places = values.shape
    each = rows // SEGMENTS
    return np.asarray(values[:, :, : each * SEGMENTS].reshape(k, n, SEGMENTS, each * places), np.float32)


def _ranked(values: Real, known: NDArray[np.int64], share: float) -> Real:
    """The quantile of each row's finite values; NaN where none are `known`."""
    ordered = np.sort(values, -1)
    at = np.maximum((known - 1) * share, 0).astype(np.intp)
    got = np.take_along_axis(ordered, at[..., None], -1)[..., 0]
    return np.where(known > 0, got, np.nan).astype(np.float32)


def carried(look: Look, tracks: Tracks, beside: Beside, ridges: list[Real]) -> Real:
    """(neighbours, n, bands, offsets): how much stands out in each neighbour where the scene has gone from beside the line."""
    bands = tracks.path.shape[1]
    segment = np.arange(bands) * SEGMENTS // bands
    reach = round(1.5 * look.unit)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    sign = tracks.sign[:, None, None].astype(np.float32)
    out = []
    for k, ridge in enumerate(ridges[1:]):
        right, down = np.nan_to_num(beside.middle[k][:, segment]), np.nan_to_num(beside.down[k][:, segment])
        columns = (tracks.path + right)[..., None] + offsets
        out.append(sample(ridge, columns, np.arange(bands, dtype=np.float32) + down) * sign)
    return np.stack(out)


def small_motion(look: Look, tracks: Tracks, ridges: list[Real]) -> tuple[Real, Real]:
    """((neighbours, n, THIRDS) columns to the right, standard errors): the fine motion of what lies within 70 px, lines apart."""
    unit, (bands, columns) = look.unit, look.small[0].shape
    free = (~_busy(tracks, columns, unit, 4)).astype(np.float32)
    soft = [np.asarray(cv2.GaussianBlur(r, (0, 0), 1.2 * unit, sigmaY=1.0), np.float32) for r in ridges]
    reach, each = round(70 * unit), bands // THIRDS
    at = np.clip(np.rint(tracks.path[:, each // 2 :: each][:, :THIRDS]).astype(np.intp), 0, columns - 1)
    moved, error = [], []
    for other in soft[1:]:
        slope = np.gradient(np.float32(0.5) * (soft[0] + other), axis=1) * free
        change = (soft[0] - other) * free
        sums = [_near(p[: each * THIRDS].reshape(THIRDS, each, columns).sum(1), reach) for p in (slope**2, slope * change, change**2)]
        power, product, rest = (s[np.arange(THIRDS), at] for s in sums)
        found = product / (power + 1e-9)
        left = np.maximum(rest - found * product, 0) / (reach * each)
        moved.append(found)
        error.append(np.sqrt(left * 3 * unit / (power + 1e-9)))
    return np.stack(moved).astype(np.float32), np.stack(error).astype(np.float32)


def _near(rows: Real, reach: int) -> Real:
    """Sums over ± `reach` columns."""
    return np.asarray(cv2.blur(rows.astype(np.float32), (2 * reach + 1, 1), borderType=cv2.BORDER_REPLICATE), np.float32) * (2 * reach + 1)
