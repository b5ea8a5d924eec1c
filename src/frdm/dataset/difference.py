"""Where two versions of one frame differ beyond grain: the defect mask of a real pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.dataset.registration import slopes
from frdm.film import Mask, Real

TONE_BINS = tuple(place / 12 for place in range(13))  # quantiles of tone between which the residual is judged apart
STEEPNESS = (0.0, 0.5, 0.75, 0.9, 0.97, 0.99, 1.0)  # quantiles of slope between which the residual is …
Ends = tuple[float, float]

FLOOR = 0.6 / 255  # rounding alone
STEPS = 1024  # of tables
SAMPLES = 100_000  # pixels that medians are taken of
SOFT = 0.8  # px of the blur under which faint places are looked for


@dataclass(frozen=True, slots=True)
class DifferenceSettings:
    """What counts as a defect. `visible` is of the range 0 … 1; the others are multiples of the noise that is measured."""

    visible: float = 8 / 255  # as in design/method.md §6: what the eye can see
    certain: float = 5.0
    grow: float = 2.2
    least_pixels: int = 3  # smaller places must be twice as certain


def noise_map(residual: Real, picture: Real, where: Mask) -> Real:
    """Standard deviation of the residual (H, W) that is no defect, as it hangs on tone and on slope: grain, and what registration left.

    Medians tell it, so that defects don't count while they are fewer than half of any tone.
    """
    right, down = slopes(picture)
    slope = np.asarray(cv2.magnitude(right, down), np.float32)
    size = np.abs(residual)
    by_tone = _by_bins(picture, size, where, TONE_BINS)
    ratio = size / by_tone
    by_slope = _by_bins(slope, np.asarray(ratio, np.float32), where, STEEPNESS)
    return np.asarray(np.maximum(by_tone * np.maximum(by_slope, 1.0), FLOOR), np.float32)


def _by_bins(guide: Real, size: Real, where: Mask, quantiles: Sequence[float]) -> Real:
    """Deviation by median of `size` as a function of `guide`, at every pixel."""
    every_nth = max(1, int(np.count_nonzero(where)) // SAMPLES)
    seen = guide[where][::every_nth]
    if seen.size < 200:
        return np.full(guide.shape, max(FLOOR, 1.4826 * float(np.median(size))), np.float32)
    edges = np.unique(np.quantile(seen, quantiles))
    places = np.clip(np.searchsorted(edges, seen, "right") - 1, 0, max(len(edges) - 2, 0))
    sizes = size[where][::every_nth]
    every = float(np.median(sizes))
    middles, levels = [], []
    for number in range(max(len(edges) - 1, 1)):
        mine = places == number
        if int(mine.sum()) >= 50:
            middles.append(float(np.median(seen[mine])))
            levels.append(1.4826 * float(np.median(sizes[mine])))
    if not middles:
        return np.full(guide.shape, max(FLOOR, 1.4826 * every), np.float32)
    out = _looked_up(guide, middles, levels)
    return np.asarray(np.maximum(out, 1e-3 if out.max() > 0.5 else FLOOR), np.float32)


def _looked_up(guide: Real, x: Sequence[float], y: Sequence[float]) -> Real:
    """np.interp through a table: much quicker, and finer than what is asked of it."""
    low, high = x[0], max(x[-1], x[0] + 1e-6)
    table = np.interp(np.linspace(low, high, STEPS), x, y).astype(np.float32)
    place = np.clip((guide - low) * ((STEPS - 1) / (high - low)), 0, STEPS - 1).astype(np.int32)
    return np.asarray(table[place])


def defect_mask(before: Real, after: Real, where: Mask, settings: DifferenceSettings, *, ends: Ends = (-1.0, 2.0)) -> tuple[Mask, float]:
    """(mask, noise): where BEFORE (H, W, C) differs visibly and beyond noise from AFTER on its grid; the noise's median, 0 … 1.

    Nothing is compared beyond `ends`, the levels at which one of the two is clipped.
    """
    judged = [_judged(before[..., channel], after[..., channel], where, (settings, ends)) for channel in range(before.shape[2])]
    seed = np.any([each[0] for each in judged], axis=0) & where
    grown = np.any([each[1] for each in judged], axis=0) & where
    strength = np.max([each[2] for each in judged], axis=0)
    return _whole(seed, grown, strength, settings), max(each[3] for each in judged)


def _judged(before: Real, after: Real, where: Mask, how: tuple[DifferenceSettings, Ends]) -> tuple[Mask, Mask, Real, float]:
    """(certainly a defect, perhaps one, how many times the noise, the noise's median) of one channel."""
    settings, ends = how
    noise, noise_soft = (noise_map(residual, after, where) for residual in _residuals(before, after))
    before, after = (np.clip(picture, *ends) for picture in (before, after))
    residual, soft = _residuals(before, after)
    need = np.maximum(settings.visible, settings.certain * noise)
    need_soft = np.maximum(settings.visible, settings.certain * noise_soft)
    size = np.abs(residual)
    new = beyond(before, after)
    certain = ((size >= need) & (new >= 0.5 * need)) | ((np.abs(soft) >= need_soft) & (new >= 0.5 * need_soft))
    perhaps = size >= np.maximum(settings.visible, settings.grow * noise)
    strength = np.maximum(size / noise, np.abs(soft) / noise_soft)
    return certain, perhaps, strength, float(np.median(noise[where])) if where.any() else 0.0


def _residuals(before: Real, after: Real) -> tuple[Real, Real]:
    """The difference, and the same softened."""
    residual = before - after
    return residual, np.asarray(cv2.GaussianBlur(residual, (0, 0), SOFT), np.float32)


def beyond(before: Real, after: Real) -> Real:
    """How far BEFORE lies outside of all that AFTER shows within a pixel: an edge that lies half a pixel off does not."""
    around = np.ones((3, 3), np.uint8)
    return np.asarray(np.maximum(before - cv2.dilate(after, around), cv2.erode(after, around) - before).clip(0), np.float32)


def _whole(seed: Mask, grown: Mask, strength: Real, settings: DifferenceSettings) -> Mask:
    """Every connected piece of `grown` that holds a seed, but for the smallest that are not certain enough."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((seed | grown).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[np.unique(labels[seed])] = True
    small = stats[:, cv2.CC_STAT_AREA] < settings.least_pixels
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, np.asarray(labels[seed], np.intp), strength[seed])
    kept &= ~small | (peak >= 2 * settings.certain)
    kept[0] = False
    return np.asarray(kept[labels])
