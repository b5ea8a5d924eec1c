"""The classical detector for a frame without neighbours: small pieces that stand out from the film around them as nothing else there does.

One frame can't tell dirt from a glint, a star or a bird, so this finds only what is compact, closed, far above the film's noise, and far
above what the scene itself shows of the other polarity nearby: dirt has one polarity, texture has both.
"""

from collections.abc import Mapping
from concurrent.futures import Executor

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.classical import Findings, defect_of, signs
from frdm.defects.objects import Pieces, Sums, pieces, rings
from frdm.defects.surround import in_colour, openness
from frdm.film import Defect, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection
from frdm.signal.grain import high_pass
from frdm.signal.smooth import wide_blur

WIDEST = 10.0  # px of a 480-line picture, thickness of what can be found
NEARBY = 14.0  # px of a 480-line picture within which the scene's own detail counts
SEED, BODY, LEAST = 5.0, 2.5, 0.04  # noise levels of a piece's certain pixels and of all; working units they must reach at least
DETAIL = 2.0  # how far above the scene's detail of the other polarity it must stand
SURE, HELD = 0.5, 0.35  # confidence from which a piece is a defect at the usual strength, and is reported at all
SMALLEST = 3.0  # px of the searched picture
CENTRE = (1.245, 2.588, 2.479, 3.185, 1.063, 0.041, 0.133, 1.053, 3.353, 0.498, -0.126, 0.323)  # of the measures of dirt …
SCALE = (1.097, 0.469, 0.481, 0.673, 0.895, 0.134, 0.322, 0.267, 1.355, 0.372, 0.449, 0.28)  # … and their spread over all pieces
BIAS = -1.089  # learnt on drawn dirt in films that have none (docs/stills.md), as are the next two
LINEAR = (1.076, 0.381, 0.726, -0.365, 0.433, -0.281, -0.41, -0.004, -1.028, -0.218, -0.791, -0.115)
SQUARE = (0.195, 0.009, -0.232, -0.24, -0.286, 0.092, 0.181, -0.137, -0.008, 0.27, 0.031, 0.005)
Values = NDArray[np.float64]


def find_alone(window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None) -> Findings:
    """All defects of the window's centre that it shows by itself; only where `allowed` (a mask of the size that is searched)."""
    run = map if pool is None else pool.map
    luma, unit = window.luma, window.luma.shape[0] / 480
    level = noise_of(luma)
    hats = dict(zip((1, -1), run(lambda sign: hat(luma, sign, unit), (1, -1)), strict=True))
    detail = dict(zip((1, -1), run(lambda sign: wide_blur(hats[sign], NEARBY * unit), (1, -1)), strict=True))
    suspects = np.zeros(luma.shape, bool)
    sure: list[Defect] = []
    doubtful: list[Defect] = []
    for sign in (1, -1):
        found = candidates_alone(hats[sign], detail[-sign], level, sign=sign, settings=settings, allowed=allowed)
        suspects |= found.labels > 0
        if sign not in signs(settings) or not len(found):
            continue
        chance = confidence(features(window, found, hats, detail, level))
        least = SURE + (0.97 - SURE) * (1 - 2 * settings.strength) if settings.strength < 0.5 else SURE * (1.5 - settings.strength)
        for place in np.flatnonzero(chance >= min(HELD, least)):
            defect = window.scale.whole_defect(
                defect_of(window, found.labels, found.boxes[place], (int(place) + 1, sign), float(chance[place]))
            )
            (sure if chance[place] >= least else doubtful).append(defect)
    order = sorted(sure, key=lambda d: d.box), sorted(doubtful, key=lambda d: d.box)
    noise = np.full(luma.shape, level, np.float32)
    return Findings(tuple(order[0]), tuple(order[1]), suspects, noise, level)


def noise_of(luma: Real) -> float:
    """Standard deviation of grain in working units, of the calmest quarter of the picture, where little else is."""
    fine = high_pass(luma)
    height, width = (size // 8 * 8 for size in fine.shape)
    if not height or not width:
        return float(fine.std()) + 1e-3
    power = (fine[:height, :width].reshape(height // 8, 8, width // 8, 8) ** 2).mean((1, 3))
    return float(np.sqrt(np.quantile(power, 0.25))) * 1.1 + 1e-3


def hat(luma: Real, sign: int, unit: float) -> Real:
    """(H, W) how far each pixel stands above (`sign` 1) or below (−1) what remains when all that is thinner than `WIDEST` is taken off."""
    size = 2 * round(WIDEST * unit / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    soft = np.asarray(cv2.GaussianBlur(luma, (0, 0), 0.6), np.float32) * np.float32(sign)
    return np.asarray(cv2.morphologyEx(soft, cv2.MORPH_TOPHAT, kernel), np.float32)


def candidates_alone(raised: Real, detail: Real, level: float, *, sign: int, settings: Detection, allowed: Mask | None) -> Pieces:
    """The pieces of one polarity; `raised` is its hat, `detail` the mean hat of the other polarity nearby."""
    ease = np.float32(1.45 - 0.9 * settings.strength)
    unit = raised.shape[0] / 480
    needed = np.maximum(DETAIL * detail, max(SEED * level, LEAST)) * ease
    seeds = raised > needed
    if allowed is not None:
        seeds &= allowed
    bodies = raised > np.maximum(0.4 * needed, BODY * level + 0.5 * detail)
    least = max(SMALLEST, (0.6 * settings.min_size * unit) ** 2)
    return pieces(seeds, bodies, sign, least, (settings.max_size * unit) ** 2)


def features(window: Window, found: Pieces, hats: Mapping[int, Real], detail: Mapping[int, Real], level: float) -> Values:
    """(n, 12) measures of each piece."""
    luma, unit, count, sign = window.luma, window.luma.shape[0] / 480, len(found), found.sign
    inside = Sums(found.labels, count)
    ring = rings(found, found.labels > 0, max(1, round(1.5 * unit)), max(3, round(5 * unit)))
    around = Sums(ring, count)
    contrast = np.maximum((inside.mean(luma) - around.mean(luma)) * sign, 1e-4)
    spread = np.sqrt(np.maximum(around.mean(luma**2) - around.mean(luma) ** 2, 0))
    chroma = window.chroma if in_colour(window.chroma) else None
    whole, side = openness(luma, chroma, found.labels, ring, found.boxes, contrast)
    peak = inside.greatest(hats[sign])
    own = np.zeros((2, count)) if chroma is None else np.stack([inside.mean(plane) for plane in chroma])
    other = np.zeros((2, count)) if chroma is None else np.stack([around.mean(plane) for plane in chroma])
    area = found.areas / unit**2
    box = (found.boxes[:, 2] * found.boxes[:, 3]) / unit**2
    near = np.bincount(ring.ravel(), weights=(hats[-sign] > 0.5 * LEAST).ravel(), minlength=count + 1)[1:] / around.size
    return np.stack(
        [
            np.log(np.clip(contrast / np.maximum(spread, level), 0.1, 30)),
            np.log(np.clip(peak / np.maximum(inside.mean(detail[-sign]), 0.3 * level), 0.5, 100)),
            np.log(np.clip(peak / np.maximum(inside.mean(detail[sign]), 0.3 * level), 0.5, 100)),
            np.log(np.clip(peak / level, 1, 60)),
            np.log(np.clip(spread / level, 0.5, 60)),
            whole,
            side,
            np.clip(edge_share(luma, found, peak), 0, 1.5),
            np.log(area),
            np.log(box / area),
            np.clip((np.hypot(*own) - np.hypot(*other)) / contrast, -1, 2),
            near,
        ],
        axis=1,
    )


def confidence(measured: Values) -> Values:
    """(n,) 0 … 1: the logistic regression over the measures and their squares."""
    numbers = (measured - CENTRE) / SCALE
    score: Values = BIAS + numbers @ np.asarray(LINEAR) + np.clip(numbers, -3, 3) ** 2 @ np.asarray(SQUARE)
    return np.asarray(1 / (1 + np.exp(-score)))


def edge_share(luma: Real, found: Pieces, peak: Values) -> Values:
    """(n,) how steep each piece's rim is: its greatest slope a pixel as a share of its height."""
    down, across = (np.asarray(cv2.Sobel(luma, cv2.CV_32F, *order, scale=0.125)) for order in ((0, 1), (1, 0)))
    slope = np.asarray(cv2.magnitude(down, across), np.float32)
    return Sums(found.labels, len(found)).greatest(slope) / np.maximum(peak, 1e-3) * 2
