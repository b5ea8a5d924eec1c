"""The numbers by which the line filter judges a candidate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.defects.line_features import (
    SEGMENTS,
    SIDES,
    THIRDS,
    Beside,
    Tracks,
    along,
    carried,
    follow,
    ridge_picture,
    sample,
    scene_beside,
    small_motion,
)
from frdm.defects.line_look import Look
from frdm.defects.ridges import Paths
from frdm.film import Real

Numbers = Iterator[tuple[str, NDArray[np.floating]]]


def measure(look: Look, paths: Paths) -> tuple[Tracks, dict[str, Real]]:
    """(the candidates followed, every number of each)."""
    ridges = [ridge_picture(p, look.unit) for p in look.small]
    tracks = follow(look, paths, ridges)
    beside = scene_beside(look, tracks)
    gone = carried(look, tracks, beside, ridges)
    tracks = replace(tracks, taken=along(gone.transpose(3, 0, 1, 2), 9).max(0))
    fine = small_motion(look, tracks, ridges)
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not known is NaN until the end
        numbers = dict(in_frame(look, tracks))
        numbers |= dict(across_it(look, tracks))
        numbers |= dict(in_time(look, tracks))
        numbers |= dict(against_scene(look, tracks, beside, gone))
        numbers |= dict(against_still(look, tracks, *fine))
        numbers |= dict(in_company(look, tracks, ridges[0]))
    return tracks, {k: np.nan_to_num(np.asarray(v, np.float32), nan=-1.0, posinf=99.0, neginf=-99.0) for k, v in numbers.items()}


def in_frame(look: Look, tracks: Tracks) -> Numbers:
    """Extent and course in the centre."""
    bands = tracks.path.shape[1]
    shown, count = tracks.shown, np.maximum(tracks.shown.sum(1), 1)
    every = np.arange(bands)
    yield "share", shown.mean(1)
    yield "first", np.where(shown.any(1), shown.argmax(1), bands) / bands
    yield "last", np.where(shown.any(1), shown[:, ::-1].argmax(1), bands) / bands
    yield "longest", _longest(shown) / bands
    yield "pieces", (np.diff(shown.astype(np.int8), axis=1, prepend=0) == 1).sum(1)
    yield "evidence", tracks.evidence / bands
    yield "evidence_mean", tracks.near.mean(1)
    yield "evidence_shown", (tracks.near * shown).sum(1) / count
    yield "evidence_low", np.percentile(tracks.near, 20, axis=1)
    weight = shown + 1e-3
    total = weight.sum(1)
    middle = (weight * every).sum(1) / total
    at = (weight * tracks.path).sum(1) / total
    spread = (weight * (every - middle[:, None]) ** 2).sum(1)
    slope = (weight * (every - middle[:, None]) * (tracks.path - at[:, None])).sum(1) / spread
    rest = tracks.path - at[:, None] - slope[:, None] * (every - middle[:, None])
    yield "slope", np.abs(slope) * bands / look.unit
    yield "bent", np.sqrt((weight * rest**2).sum(1) / total) / look.unit
    yield "rough", np.sqrt((np.diff(tracks.path, 2, axis=1) ** 2).mean(1)) / look.unit
    z = along(tracks.height, 5) / tracks.clutter
    yield "z", (z * shown).sum(1) / count
    yield "z_low", np.nanpercentile(_seen(z, shown), 15, axis=1)
    yield "border", np.minimum(at, look.small[0].shape[1] - 1 - at) / look.unit


def _longest(shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The longest unbroken run of each row, gaps of two bands bridged."""
    best, run, gap = (np.zeros(len(shown)) for _ in range(3))
    for band in range(shown.shape[1]):
        gap = np.where(shown[:, band], 0, gap + 1)
        run = np.where(gap > 2, 0, run + shown[:, band])
        best = np.maximum(best, run)
    return best


def across_it(look: Look, tracks: Tracks) -> Numbers:
    """Profile, sides, and how the contrast goes with the ground beneath."""
    unit, shown = look.unit, tracks.shown
    count = np.maximum(shown.sum(1), 1)
    reach = round(SIDES * unit)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    picture = sample(look.small[0], tracks.path[..., None] + offsets)
    sign = tracks.sign[:, None].astype(np.float32)
    beside = (np.abs(offsets) > 3.5 * unit) & (np.abs(offsets) < 9 * unit)
    left, right = (picture[..., beside & (np.sign(offsets) == s)].mean(-1) for s in (-1, 1))
    ground = 0.5 * (left + right)
    middle = picture[..., np.abs(offsets) <= 0.8 * unit].mean(-1)
    contrast = (middle - ground) * sign
    profile = (picture * shown[..., None]).sum(1) / count[:, None]
    level = np.median(profile[:, np.abs(offsets) > 5 * unit], 1)[:, None]
    shape = (profile - level) * sign
    top = np.maximum(shape[:, np.abs(offsets) <= 1.5 * unit].max(1), 1e-4)
    yield "width", ((shape > 0.5 * top[:, None]) & (np.abs(offsets) < 8 * unit)).sum(1) / unit
    for name, skirt in (("skirt", (np.abs(offsets) > 3 * unit) & (np.abs(offsets) < 6 * unit)), ("far_skirt", np.abs(offsets) > 8 * unit)):
        yield name, np.abs(shape[:, skirt]).sum(1) / max(int(skirt.sum()), 1) / top
    yield "rim", -shape[:, np.abs(offsets) < 5 * unit].min(1) / top
    usual = np.maximum((contrast * shown).sum(1) / count, 1e-4)
    yield "contrast", usual
    yield "contrast_noise", usual / max(look.noise, 1e-3)
    yield "step", np.abs(((left - right) * shown).sum(1) / count) / usual
    yield "steps", (np.abs(left - right) * shown).sum(1) / count / usual
    for name, value in (("steady", contrast), ("steady_density", contrast / (ground + 0.03)), ("steady_tone", middle)):
        smooth = along(value, 5)
        yield name, _spread(smooth, shown) / (np.abs(_median(smooth, shown)) if name != "steady_tone" else usual)
    yield "ground", _median(ground, shown)
    varies = _spread(along(ground, 5), shown)
    yield "ground_varies", varies / usual
    yield from _follows(middle, ground, shown)
    soft = along(tracks.height, 3)
    yield "abrupt", np.abs(np.diff(soft, axis=1)).max(1) / usual


def _follows(middle: Real, ground: Real, shown: NDArray[np.bool_]) -> Numbers:
    """How the line's tone goes with its ground's from band to band: slope 1 where it lets the scene through, 0 where it hides it."""
    weight = shown / np.maximum(shown.sum(1), 1)[:, None]
    a, b = along(middle, 3), along(ground, 3)
    a, b = a - (weight * a).sum(1)[:, None], b - (weight * b).sum(1)[:, None]
    both, own, other = (weight * a * b).sum(1), (weight * a * a).sum(1), (weight * b * b).sum(1)
    yield "follows", np.clip(both / (other + 1e-6), -3, 3)
    yield "follows_closely", both / np.sqrt(own * other + 1e-9)
    yield "ground_power", np.sqrt(other)


def _median(values: Real, where: NDArray[np.bool_]) -> NDArray[np.floating]:
    out: NDArray[np.floating] = np.nanmedian(_seen(values, where), axis=1)
    return out


def _seen(values: Real, where: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The values there, NaN elsewhere; rows that are nowhere are 0."""
    some = np.asarray(where.any(1, keepdims=True))
    return np.where(some, np.where(where, values, np.nan), 0)


def _spread(values: Real, where: NDArray[np.bool_]) -> NDArray[np.floating]:
    return 1.48 * _median(np.abs(values - _median(values, where)[:, None]).astype(np.float32), where)


def in_time(look: Look, tracks: Tracks) -> Numbers:
    """How it stands in the neighbours as they lie."""
    unit, shown, n = look.unit, tracks.shown, len(tracks)
    count = np.maximum(shown.sum(1), 1)
    own = np.maximum((tracks.height * shown).sum(1) / count, 1e-4)
    strength = (tracks.raw * shown).sum(-1) / count / own
    yield "stands", np.median(strength, 0)
    yield "stands_least", strength.min(0)
    yield "stands_most", strength.max(0)
    fixed = (tracks.fixed * shown).sum(-1) / count / own
    yield "stands_fixed", np.median(fixed, 0)
    yield "wandering_gains", np.median(strength - fixed, 0)
    yield "rival", (tracks.rival * shown).sum(1) / count / own
    there = along(tracks.raw, 5) > 0.4 * own[:, None]
    yield "there", (there & shown).sum(-1).mean(0) / count
    yield "there_ever", (there.any(0) | shown).mean(1)
    yield "there_always", (there.all(0) & shown).mean(1)
    yield "comes_and_goes", (there.any(0) & ~there.all(0)).mean(1)
    whole = (tracks.shift * shown).sum(-1) / count
    yield "shift", np.sqrt((whole**2).mean(0)) / unit
    k = look.offsets.astype(np.float32)[:, None]
    steady = (whole * k).sum(0) / (k * k).sum()
    yield "drifts", np.abs(steady) / unit
    yield "restless", np.sqrt(((whole - steady * k) ** 2).mean(0)) / unit
    bend = along(tracks.shift, 9) - whole[..., None]
    yield "writhes", np.sqrt((np.clip(bend, -3 * unit, 3 * unit) ** 2 * shown).sum(-1).mean(0) / count) / unit
    yield from _joined(look, tracks)
    yield "neighbours", np.full(n, len(look.offsets))


def _joined(look: Look, tracks: Tracks) -> Numbers:
    """By how much it misses itself where it leaves one frame and enters the next, and by how much it would if it stood still or jumped."""
    bands = tracks.path.shape[1]
    edge = round(0.1 * bands)
    order = np.argsort(np.append(look.offsets, 0))
    places = np.concatenate([tracks.path[None] + tracks.shift, tracks.path[None]])[order]
    frames = np.append(look.offsets, 0)[order]
    pairs = np.flatnonzero(np.diff(frames) == 1)
    if not len(pairs):
        missing = np.full(len(tracks), np.nan)
        yield from (("gap", missing), ("gap_share", missing), ("tilt", missing))
        return
    tops, bottoms = places[..., :edge].mean(-1), places[..., -edge:].mean(-1)
    gap = np.sqrt(((tops[pairs + 1] - bottoms[pairs]) ** 2).mean(0))
    tilt = np.sqrt(((tops - bottoms) ** 2).mean(0))
    yield "gap", gap / look.unit
    yield "gap_share", gap / (tilt + 0.1 * look.unit)
    yield "tilt", tilt / look.unit


def against_scene(look: Look, tracks: Tracks, beside: Beside, gone: Real) -> Numbers:
    """Whether it goes with the scene beside it: where the scene moves away, is the line left behind?"""
    unit = look.unit
    own = _per_segment(tracks.height)
    typical = np.maximum(np.percentile(own, 75, axis=1), 1e-4)
    there = own > 0.5 * typical[:, None]
    raw = _per_segment(tracks.raw) / np.maximum(own, 0.3 * typical[:, None])
    taken = np.stack([_per_segment(gone[..., o]) for o in range(gone.shape[-1])]).max(0) / np.maximum(own, 0.3 * typical[:, None])
    shift = _per_segment(tracks.shift)
    apart = np.maximum(np.maximum(beside.low - shift, shift - beside.high), 0) / unit
    sunk = np.abs(beside.down) * look.small[0].shape[0] / 96
    known = there & (beside.known > 0)
    total = np.maximum(known.sum((0, 2)), 1)
    yield "known", known.sum((0, 2)) / np.maximum(there.sum(1) * len(look.offsets), 1)
    yield "apart", _nanstat(np.nanmedian, np.where(known, apart, np.nan))
    yield "apart_most", _nanstat(np.nanmax, np.where(known, apart, np.nan))
    away = known & (apart > 0.8)
    yield "left", (away & (raw > 0.5) & (taken < 0.5)).sum((0, 2)) / total
    yield "taken", (away & (taken > 0.6) & (raw < 0.6)).sum((0, 2)) / total
    yield "left_segments", (away & (raw > 0.5) & (taken < 0.5)).any(0).sum(1)
    yield "carried", _nanstat(np.nanmedian, np.where(known, taken, np.nan))
    yield "carried_most", _nanstat(np.nanmax, np.where(away, taken, np.nan))
    yield "carried_away", _nanstat(np.nanmedian, np.where(away, taken, np.nan))
    yield "raw_away", _nanstat(np.nanmedian, np.where(away, raw, np.nan))
    fixed = _per_segment(tracks.fixed) / np.maximum(own, 0.3 * typical[:, None])
    yield "fixed_less_carried", _nanstat(np.nanmean, np.where(known, fixed - taken, np.nan))
    yield "raw_less_carried", _nanstat(np.nanmean, np.where(known, raw - taken, np.nan))
    less = np.where(known, raw - taken, 0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)
    yield "raw_less_carried_least", _nanstat(np.nanmin, less[None])
    yield "scene_moves", _nanstat(np.nanmedian, np.abs(beside.middle)) / unit
    yield "scene_sinks", _nanstat(np.nanmedian, sunk)
    yield "scene_unruly", _nanstat(np.nanmedian, beside.high - beside.low) / unit


def _per_segment(values: Real) -> Real:
    """(…, bands) → (…, SEGMENTS) means."""
    each = values.shape[-1] // SEGMENTS
    return np.asarray(values[..., : each * SEGMENTS].reshape(*values.shape[:-1], SEGMENTS, each).mean(-1))


def _nanstat(of: Callable[..., Any], values: Real) -> Real:
    """(k, n, segments) → (n,), −1 where nothing is known."""
    flat = values.transpose(1, 0, 2).reshape(values.shape[1], -1)
    some = np.isfinite(flat).any(1)
    out = np.full(len(flat), np.nan, np.float32)
    out[some] = of(flat[some], axis=1)
    return out


def against_still(look: Look, tracks: Tracks, moved: Real, error: Real) -> Numbers:
    """Where the scene all but stands: whether the line moves otherwise than it, by less than a pixel."""
    unit = look.unit
    each = tracks.path.shape[1] // THIRDS
    cut = slice(0, each * THIRDS)
    shape = (*tracks.shift.shape[:-1], THIRDS, each)
    weight = tracks.shown[:, cut].reshape(len(tracks), THIRDS, each) + 1e-6
    shift = (tracks.shift[..., cut].reshape(shape) * weight).sum(-1) / weight.sum(-1)
    good = (np.abs(moved) < 1.5 * unit) & (error < 0.3 * unit) & (weight.mean(-1) > 0.3)
    rest = np.where(good, shift - moved, np.nan)
    k = look.offsets.astype(np.float32)[:, None, None]
    slope = np.nansum(rest * k, 0) / np.maximum((good * k * k).sum(0), 1)
    yield "still_known", good.mean((0, 2))
    yield "still_rest", np.sqrt(_nanstat(np.nanmean, rest**2)) / unit
    yield "still_restless", np.sqrt(_nanstat(np.nanmean, (rest - slope * k) ** 2)) / unit
    yield "still_sure", _nanstat(np.nanmedian, np.abs(rest) / (error + 0.03 * unit))
    yield "still_scene", np.sqrt(_nanstat(np.nanmean, np.where(good, moved, np.nan) ** 2)) / unit
    yield "still_error", _nanstat(np.nanmedian, error) / unit


def in_company(look: Look, tracks: Tracks, ridge: Real) -> Numbers:
    """How it stands out among all else in the frame."""
    unit, sign = look.unit, tracks.sign
    shown = np.maximum(tracks.shown.sum(1), 1)
    mine = np.maximum((tracks.height * tracks.shown).sum(1) / shown, 1e-4)
    at = np.median(tracks.path, 1)
    apart = np.abs(at[:, None] - at) / unit
    similar = (sign[:, None] == sign) & (mine > 0.4 * mine[:, None]) & (tracks.shown.mean(1) > 0.15)
    yield "company_near", (similar & (apart < 25)).sum(1) - 1.0
    yield "company", (similar & (apart < 90)).sum(1) - 1.0
    yield "company_all", np.full(len(tracks), len(tracks))
    yield "company_whole", np.full(len(tracks), (tracks.shown.mean(1) > 0.6).sum())
    size = np.abs(ridge[::2, ::2])
    yield "above_frame", mine / (np.percentile(size, 95) + 1e-4)
    reach = round(60 * unit)
    columns = np.clip(np.rint(at)[:, None].astype(np.intp) + np.arange(-reach, reach + 1, 4), 0, ridge.shape[1] - 1)
    local = np.percentile(np.abs(ridge[::3][:, columns]).transpose(1, 0, 2).reshape(len(tracks), -1), 90, axis=1)
    yield "above_near", mine / (local + 1e-4)
    yield "noise", np.full(len(tracks), look.noise)
    yield "sign", sign.astype(np.float32)
