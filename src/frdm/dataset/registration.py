"""Laying one version of a frame onto the other: crop, scale, shift and weave, to a few hundredths of a pixel.

An `Affine` is (2, 3) and leads from a place (x, y) of BEFORE to the place in AFTER that shows the same, in pixels of each.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

Affine = NDArray[np.float64]

FEATURES = 2000
LEAST_INLIERS = 16
WIDEST = 960  # px: larger pictures are registered at this width, and the result scaled
TILE = 64  # px of the squares in which what is left of a shift is measured
STEPS = (30, 1e-5)  # of ECC: iterations, gain in correlation
EDGE = 3  # px at the border that Lanczos makes up


@dataclass(frozen=True, slots=True)
class Fit:
    """A geometry, and the correlation (0 … 1) that it reaches."""

    affine: Affine
    likeness: float


def rough_geometry(before: Real, after: Real) -> Fit:
    """The geometry between two lumas of one moment that may differ in size, crop, scale and tone.

    Whole upon whole, centre upon centre, and what SIFT features say (Source: Lowe 2004) are tried; the best is refined.
    """
    tried = [stretched(before.shape, after.shape), centred(before.shape, after.shape)]
    by_features = matched(before, after)
    if by_features is not None:
        tried.insert(0, by_features)
    best = max((judged(before, after, start) for start in tried), key=lambda fit: fit.likeness)
    return refined(before, after, best.affine, whole=True)


def stretched(before: tuple[int, ...], after: tuple[int, ...]) -> Affine:
    """The whole of one picture upon the whole of the other."""
    (height, width), (rows, columns) = before[:2], after[:2]
    sx, sy = columns / width, rows / height
    return np.array([[sx, 0, 0.5 * (sx - 1)], [0, sy, 0.5 * (sy - 1)]])


def centred(before: tuple[int, ...], after: tuple[int, ...]) -> Affine:
    """Pixel upon pixel, the centres on each other."""
    (height, width), (rows, columns) = before[:2], after[:2]
    return np.array([[1, 0, (columns - width) / 2], [0, 1, (rows - height) / 2]], np.float64)


def matched(before: Real, after: Real) -> Affine | None:
    """The geometry that most features agree on, None where they are too few."""
    sift = cv2.SIFT.create(FEATURES)
    (places, words), (others, answers) = (sift.detectAndCompute(_bytes(luma), None) for luma in (before, after))
    if words is None or answers is None or min(len(words), len(answers)) < LEAST_INLIERS:
        return None
    pairs = [
        pair for pair in cv2.BFMatcher().knnMatch(words, answers, k=2) if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance
    ]
    if len(pairs) < LEAST_INLIERS:
        return None
    here = np.array([places[pair[0].queryIdx].pt for pair in pairs], np.float32)
    there = np.array([others[pair[0].trainIdx].pt for pair in pairs], np.float32)
    cv2.setRNGSeed(1)
    affine, agree = cv2.estimateAffine2D(here, there, ransacReprojThreshold=2.0, confidence=0.999)
    if affine is None or int(agree.sum()) < LEAST_INLIERS or not sane(np.asarray(affine, np.float64)):
        return None
    return np.asarray(affine, np.float64)


def sane(affine: Affine) -> bool:
    """Whether a geometry is one that prints and scans have: hardly turned, sheared or stretched to one side."""
    linear = affine[:, :2]
    scale = scale_of(affine)
    return 0.2 < scale < 5 and bool(np.abs(linear / scale - np.eye(2)).max() < 0.25)


def scale_of(affine: Affine) -> float:
    """Pixels of AFTER for one of BEFORE."""
    return float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))


def refined(before: Real, after: Real, start: Affine, *, whole: bool = False) -> Fit:
    """The geometry near `start` that fits two lumas best: a shift, or (`whole`) any affine. Source: Evangelidis 2008 (ECC)."""
    factor = min(1.0, WIDEST / before.shape[1])
    small = before if factor == 1 else cv2.resize(before, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    grid = stretched(small.shape, before.shape)  # small → before
    base = warped(after, chained(start, grid), small.shape)
    seen = inside(after.shape, chained(start, grid), small.shape)
    first = np.eye(2, 3, dtype=np.float32)
    kind = cv2.MOTION_AFFINE if whole else cv2.MOTION_TRANSLATION
    steps = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, *STEPS)
    try:
        _, found = cv2.findTransformECC(small, base, first, kind, steps, seen.astype(np.uint8), 5)
    except cv2.error:  # does not converge: nothing to see, or nothing alike
        found = first
    back = inverse(grid)
    affine = chained(start, chained(grid, chained(found.astype(np.float64), back)))
    return max((judged(before, after, each) for each in (affine, start)), key=lambda fit: fit.likeness)


def judged(before: Real, after: Real, affine: Affine) -> Fit:
    """A geometry with the correlation that it reaches."""
    return Fit(affine, likeness(before, warped(after, affine, before.shape), inside(after.shape, affine, before.shape)))


def chained(outer: Affine, inner: Affine) -> Affine:
    """The geometry that goes through `inner` first."""
    return np.asarray((_square(outer) @ _square(inner))[:2])


def inverse(affine: Affine) -> Affine:
    """The way back."""
    return np.asarray(np.linalg.inv(_square(affine))[:2])


def warped(after: Real, affine: Affine, shape: tuple[int, ...]) -> Real:
    """AFTER (any number of channels) on BEFORE's grid of `shape`: averaged where it is finer, Lanczos where it is not."""
    finer = scale_of(affine)
    if finer > 1.2:
        rows, columns = (max(8, round(size / finer)) for size in after.shape[:2])
        small = np.asarray(cv2.resize(after, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
        small = small.reshape(rows, columns, *after.shape[2:])
        return warped(small, chained(stretched(after.shape, small.shape), affine), shape)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(after, affine, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32).reshape(*shape[:2], *after.shape[2:])


def inside(after: tuple[int, ...], affine: Affine, shape: tuple[int, ...]) -> Mask:
    """Where on BEFORE's grid AFTER shows anything."""
    full = np.zeros(after[:2], np.float32)
    full[EDGE : after[0] - EDGE, EDGE : after[1] - EDGE] = 1
    out = cv2.warpAffine(full, affine, (shape[1], shape[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(out > 0.999)


def likeness(one: Real, other: Real, where: Mask) -> float:
    """Correlation of two pictures where both are seen, 0 … 1 (0 where that is less than a tenth)."""
    if where.mean() < 0.1:
        return 0.0
    a, b = one[where], other[where]
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return max(0.0, float(np.dot(a, b)) / power) if power > 1e-6 else 0.0


def left_over(residual: Real, picture: Real, where: Mask) -> tuple[float, Real]:
    """(their 90th percentile, all) shifts in px, (n, 2) as (dx, dy), that squares of a picture still have against the other version.

    `residual` = BEFORE − AFTER. Squares without texture, or mostly outside `where`, say nothing.
    """
    right, down = slopes(picture)
    noise = float(np.median(np.abs(residual[where]))) * 1.4826 + 1e-4 if where.any() else 1.0
    fair = where & (np.abs(residual) < 6 * noise + 0.02)
    found = []
    for top in range(0, picture.shape[0] - TILE // 2, TILE):
        for left in range(0, picture.shape[1] - TILE // 2, TILE):
            place = slice(top, top + TILE), slice(left, left + TILE)
            shift = _tile_shift(residual[place][fair[place]], right[place][fair[place]], down[place][fair[place]], noise)
            if shift is not None:
                found.append(shift)
    shifts = np.array(found, np.float32).reshape(-1, 2)
    return (float(np.quantile(np.hypot(*shifts.T), 0.9)) if len(shifts) else 0.0), shifts


def slopes(picture: Real) -> tuple[Real, Real]:
    """How much brighter a softened picture becomes a pixel to the right, and down."""
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    right, down = (cv2.Sobel(soft, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    return np.asarray(right, np.float32), np.asarray(down, np.float32)


def _tile_shift(residual: Real, right: Real, down: Real, noise: float) -> tuple[float, float] | None:
    """The shift that explains a square's residual by its slopes, None where they are too weak to tell 0.1 px."""
    if residual.size < TILE * TILE // 3:
        return None
    both = np.stack([right, down])
    power = (both @ both.T).astype(np.float64)
    if np.linalg.eigvalsh(power)[0] < (noise / 0.05) ** 2:
        return None
    shift = np.linalg.solve(power, both @ residual)
    return float(shift[0]), float(shift[1])


def _square(affine: Affine) -> Affine:
    return np.vstack([affine, [0, 0, 1]])


def _bytes(luma: Real) -> NDArray[Any]:
    low, high = np.quantile(luma, [0.005, 0.995])
    return np.asarray(np.clip((luma - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8))
