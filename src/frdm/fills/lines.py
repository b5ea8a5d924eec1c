"""Mend a standing line across itself: each row from both of its sides, along the direction in which they agree, with grain drawn anew.

Time never helps here, since the line stands in the neighbours too. Rows in which it does not stand out from both sides stay as they are.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.fills.neighbours import Fill, Ground, feather, on_plane, renew_grain, to_codes
from frdm.film import WHOLE, Box, Defect, Encoding, Mask, Patch, Provenance, Real
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import grain_alike

FLANK = 3  # samples of each side that a row is mended from
SLANTS = 3  # rows up or down at which the sides are compared, for a picture 480 lines high


def fill_line(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one line, or say why not."""
    unit = window.luma.shape[0] / 480
    crop, hole = _crop(defect, window.luma.shape, unit, ground.encoding)
    sound = ~ground.suspects
    sound[crop.rows, crop.columns] &= ~cv2.dilate(hole.astype(np.uint8), np.ones((1, 3), np.uint8)).astype(bool)
    stands = _stands(window.luma, hole, crop, unit)
    rows = hole.any(1)
    share = float(stands[rows].mean())
    sides = _sides(window.luma, hole, crop, sound)
    sigma = ground.noise[crop.rows, crop.columns]
    agreeing = np.abs(sides[0] - sides[1]) < 6 * sigma.mean(1) + 0.06
    trust = float(np.clip(share * (0.3 + 0.7 * agreeing[rows].mean()), 0, 1))
    provenance = Provenance("across", trust=trust)
    if trust < settings.least_trust:
        return Fill(None, provenance, f"its sides disagree (trust {trust:.2f})")
    soft = feather(hole, settings.feather * unit) * stands[:, None]
    mattes, codes = [], []
    for plane in range(ground.encoding.pictures):
        matte = on_plane(soft, ground.encoding, plane)
        fresh = _mended(window, crop, plane, matte > 0, sound, ground)
        mattes.append(np.rint(matte * WHOLE).astype(np.uint16))
        codes.append(to_codes(fresh, ground.encoding))
    return Fill(Patch(crop, tuple(mattes), tuple(codes)), replace(provenance, seed=crop.left))


def _crop(defect: Defect, shape: tuple[int, ...], unit: float, encoding: Encoding) -> tuple[Box, Mask]:
    """The box around a line with room for its matte, on the chroma grid, and the line in it."""
    box, margin = defect.box, max(4, round(5 * unit))
    v, h = encoding.step(1)
    top, left = box.top // v * v, max(box.left - margin, 0) // h * h
    bottom, right = min(-(-box.bottom // v) * v, shape[0]), min(-(-(box.right + margin) // h) * h, shape[1])
    hole = np.zeros((bottom - top, right - left), bool)
    hole[box.top - top : box.bottom - top, box.left - left : box.right - left] = defect.mask
    return Box(box.frame, top, left, bottom, right), hole


def _bounds(hole: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last column of the hole in each row, carried over rows that have none."""
    rows = np.flatnonzero(hole.any(1))
    every = np.arange(hole.shape[0])
    nearest = rows[np.abs(np.searchsorted(rows, every).clip(0, len(rows) - 1))]
    first, last = hole.argmax(1), hole.shape[1] - 1 - hole[:, ::-1].argmax(1)
    return first[nearest], last[nearest]


def _side(plane: Real, edge: NDArray[np.intp], rows: NDArray[np.intp], sound: Mask, towards: int) -> Real:
    """Mean of the sound samples beside the hole in each row; `towards` −1 left, +1 right."""
    columns = edge[:, None] + towards * np.arange(1, FLANK + 2)
    inside = (columns >= 0) & (columns < plane.shape[1])
    columns = np.clip(columns, 0, plane.shape[1] - 1)
    weight = np.where(sound[rows[:, None], columns], 1.0, 0.02) * np.where(inside, 1.0, 1e-6)
    weight[:, 0] *= 0.25  # the sample next to the hole may still carry the line's skirt
    out: Real = ((plane[rows[:, None], columns] * weight).sum(1) / weight.sum(1)).astype(np.float32)
    return out


def _sides(plane: Real, hole: Mask, crop: Box, sound: Mask) -> tuple[Real, Real]:
    first, last = _bounds(hole)
    rows = np.arange(crop.top, crop.top + hole.shape[0])
    return _side(plane, first + crop.left, rows, sound, -1), _side(plane, last + crop.left, rows, sound, 1)


def _stands(luma: Real, hole: Mask, crop: Box, unit: float) -> Real:
    """(rows,) 1 where the line stands out from both sides with one sign, 0 where it does not, softly between."""
    part = luma[crop.rows, crop.columns]
    count = np.maximum(hole.sum(1), 1)
    middle = np.where(hole, part, 0).sum(1) / count
    left, right = _sides(luma, hole, crop, np.ones(luma.shape, bool))
    reach = round(9 * unit) | 1
    a, b = _smooth(middle - left, reach), _smooth(middle - right, reach)
    clear = (a * b > 0) & (np.minimum(np.abs(a), np.abs(b)) > 0.15 * np.maximum(np.abs(a), np.abs(b)))
    out: Real = np.clip(2 * _smooth(clear, reach) * hole.any(1), 0, 1)
    return out


def _smooth(values: NDArray[Any], reach: int) -> Real:
    """(rows,) the mean over `reach` rows."""
    return np.asarray(cv2.blur(values.astype(np.float32)[:, None], (1, reach), borderType=cv2.BORDER_REPLICATE), np.float32)[:, 0]


def _mended(window: Window, crop: Box, plane: int, hole: Mask, sound: Mask, ground: Ground) -> Real:
    """The crop on one plane with the hole filled from its sides (float codes)."""
    codes = window.frame.planes[plane].astype(np.float32)
    rows, columns = crop.on_plane(ground.encoding, plane)
    out = codes[rows, columns].copy()
    if not hole.any():
        return out
    v, h = ground.encoding.step(plane)
    sound = sound[::v, ::h]
    where = Box(crop.frame, rows.start, columns.start, rows.stop, columns.stop)
    base = across(codes, hole, where, sound, round(SLANTS * window.luma.shape[0] / 480 / v))
    filled = np.where(hole, base, out)
    alike = plane and grain_alike(window.frame.planes[0][crop.rows, crop.columns].astype(np.float32), out, ~hole)
    rng = np.random.default_rng((crop.frame, crop.top, crop.left, 0 if alike else plane))
    fresh = renew_grain(filled, ground.grain[plane], 0.3, rng)
    return np.where(hole, fresh, out)


def across(plane: Real, hole: Mask, crop: Box, sound: Mask, slants: int) -> Real:
    """(rows, columns) of the crop: between the sides of each row, or of rows up to `slants` apart where those agree better."""
    left, right = _sides(plane, hole, crop, sound)
    first, last = _bounds(hole)
    every = np.arange(len(left))
    choices, costs = [], []
    for slant in range(-slants, slants + 1):
        a, b = left[np.clip(every + slant, 0, len(every) - 1)], right[np.clip(every - slant, 0, len(every) - 1)]
        gap = cv2.blur(np.abs(a - b)[:, None], (1, 5), borderType=cv2.BORDER_REPLICATE)[:, 0]
        choices.append((a, b))
        costs.append(gap + np.float32(1.0) * abs(slant) * float(np.median(np.abs(np.diff(left))) + 1e-6) * 0.5)
    best = np.argmin(costs, axis=0)
    a, b = (np.stack([c[i] for c in choices])[best, every] for i in (0, 1))
    t = (np.arange(hole.shape[1])[None] - first[:, None] + 1) / (last - first + 2)[:, None]
    t = np.clip(t, 0, 1).astype(np.float32)
    out: Real = a[:, None] * (1 - t) + b[:, None] * t
    return out
