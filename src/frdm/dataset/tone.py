"""Giving one version of a frame the tones of the other: a rising curve a channel, and a slow field for flicker that is not even."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

BINS = 40
REACH = (-0.5, 1.5)  # levels that a curve is asked for
STEPS = 4097  # of its table
STEP = 3  # px between the samples that are looked at
FIELD = (6, 8)  # rows and columns of the field: coarse, so that no stain is taken for flicker
CLIPPED = 0.015  # of the range: nearer to its ends, codes may have been cut off
LEAST_FIELD = 0.003  # what the field must reach to be believed
MOST_FIELD = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A rising curve through (x, y); beyond its ends it goes on with `slopes`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    slopes: tuple[float, float]

    def __call__(self, levels: Real) -> Real:
        """The levels (−0.5 … 1.5; others as these) through the curve, by a table."""
        x = np.linspace(*REACH, STEPS)
        table = np.interp(x, self.x, self.y)
        table = np.where(x < self.x[0], self.y[0] + (x - self.x[0]) * self.slopes[0], table)
        table = np.where(x > self.x[-1], self.y[-1] + (x - self.x[-1]) * self.slopes[1], table).astype(np.float32)
        place = (np.clip(levels, *REACH) - np.float32(REACH[0])) * np.float32((STEPS - 1) / (REACH[1] - REACH[0]))
        whole = np.minimum(place.astype(np.int32), STEPS - 2)
        part = place - whole
        return np.asarray(table[whole] * (1 - part) + table[whole + 1] * part, np.float32)


def toned(after: Real, before: Real, where: Mask) -> tuple[Real, tuple[float, float]]:
    """AFTER (H, W, C) with BEFORE's tones, measured `where` both show the same and no defect is; and the levels within which neither is
    clipped, so that they may be compared.
    """
    out, ends = _curved(after, before, where)
    field = uneven(before - out, where)
    if field.any():  # once more: what was uneven has bent the curves
        out, ends = _curved(after, before - field[..., None], where)
        field = field + uneven(before - out - field[..., None], where)
    return out + field[..., None], ends


def _curved(after: Real, before: Real, where: Mask) -> tuple[Real, tuple[float, float]]:
    """AFTER through a curve a channel, and the levels between which neither is clipped."""
    curves = [fit_curve(after[..., c], before[..., c], where) for c in range(after.shape[2])]
    out: Real = np.stack([curve(after[..., c]) for c, curve in enumerate(curves)], axis=-1)
    reached = [curve(np.array([CLIPPED, 1 - CLIPPED], np.float32)) for curve in curves]
    low, high = max(CLIPPED, *(float(each[0]) for each in reached)), min(1 - CLIPPED, *(float(each[1]) for each in reached))
    return out, (min(low, 0.2), max(high, 0.8))


def fit_curve(source: Real, target: Real, where: Mask) -> Curve:
    """The rising curve that brings `source` to `target`: medians of equally filled bins, made to rise. Source: Barlow 1972 (isotonic).

    Both are blurred first, or else grain that only one of them has would flatten the curve.
    """
    kernel = (0, 0)
    pairs = [cv2.GaussianBlur(picture, kernel, 1.5)[::STEP, ::STEP] for picture in (source, target)]
    chosen = where[::STEP, ::STEP]
    x, y = (picture[chosen].astype(np.float64) for picture in pairs)
    if x.size < 4 * BINS or float(np.ptp(x)) < 0.01:
        shift = float(np.median(y) - np.median(x)) if x.size else 0.0
        return Curve(np.array([0.0, 1.0]), np.array([shift, 1 + shift]), (1.0, 1.0))
    order = np.argsort(x, kind="stable")
    parts = np.array_split(order, BINS)
    middle_x = np.array([np.median(x[part]) for part in parts])
    middle_y = rising(np.array([np.median(y[part]) for part in parts]))
    keep = np.concatenate([[True], np.diff(middle_x) > 1e-4])
    return _curve(middle_x[keep], middle_y[keep])


def _curve(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """The curve through the knots; its ends go on as its outer quarters do."""
    if len(x) < 4:
        return Curve(x, y, (1.0, 1.0))
    quarter = max(3, len(x) // 4)
    slopes = [float(np.clip(np.polyfit(x[part], y[part], 1)[0], 0.2, 5)) for part in (slice(0, quarter), slice(-quarter, None))]
    return Curve(x, y, (slopes[0], slopes[1]))


def rising(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest sequence that never falls: neighbours that fall are pooled."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return np.concatenate([np.full(count, value) for value, count in pools])


def uneven(residual: Real, where: Mask) -> Real:
    """A slow field (H, W) of what brightness BEFORE has more, place by place; zero where there is no need of one."""
    height, width = where.shape
    luma = residual.mean(2)
    field = np.zeros(FIELD, np.float32)
    for row in range(FIELD[0]):
        for column in range(FIELD[1]):
            place = (
                slice(row * height // FIELD[0], (row + 1) * height // FIELD[0], 2),
                slice(column * width // FIELD[1], (column + 1) * width // FIELD[1], 2),
            )
            seen = luma[place][where[place]]
            field[row, column] = np.median(seen) if seen.size > 100 else 0
    field = np.asarray(cv2.medianBlur(field, 3), np.float32)
    if float(np.abs(field).max()) < LEAST_FIELD:
        return np.zeros((height, width), np.float32)
    slow = cv2.GaussianBlur(np.clip(field, -MOST_FIELD, MOST_FIELD), (0, 0), 0.8)
    return np.asarray(cv2.resize(slow, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
