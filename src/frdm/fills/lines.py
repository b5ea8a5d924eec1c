"""Mend a standing line across itself: the film on both sides is continued into it (Telea's fast marching), what shows through it
is kept (through.py), and where nothing does grain is drawn anew.

Time does not help here: the line stands in the neighbours too, and where the scene has moved away from under it the sides of so thin a
hole still know better (docs/training-log.md). Rows in which the line does not stand out from both sides stay as they are.
Source: Telea 2004 (inpainting by fast marching).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.fills.neighbours import Fill, Ground, on_plane, to_codes
from frdm.fills.regrain import fresh_grain, planes_by_size, renew_grain
from frdm.fills.through import Shown, shown_through
from frdm.film import WHOLE, Box, Defect, Mask, Patch, Provenance, Real
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import calmed

FLANK = 3  # samples of each side by which a row is judged
MARGIN = 11  # px of a 480-line picture beside a line that are looked at
BESIDE, MOST = 10, 40  # … and px more than it is wide, of a wide one; but no more than these
RADIUS = 3  # px from which each pixel is continued
LARGE = 1e5  # OpenCV adds a half to what it fills, of floats too: values are made so large that it is nothing
LEFT = 0.1  # of one frame's grain power that is left in what was continued


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A line's place: the crop around it on the film and on the searched picture, the hole, and where the film beside it is sound."""

    window: Window
    ground: Ground
    crop: Box
    small: Box
    hole: Mask
    sound: Mask

    @staticmethod
    def of(window: Window, defect: Defect, ground: Ground) -> "Strip":
        """The line's place with room beside it to try it there, on the chroma grid."""
        scale, near = window.scale, window.scale.box(defect.box)
        widest = int(defect.mask.sum(1).max()) * scale.reduced[0] // scale.whole[0]
        margin = max(8, round(MARGIN * scale.reduced[0] / 480), min(widest + BESIDE, MOST))
        small = Box(near.frame, near.top, max(near.left - margin, 0), near.bottom, min(near.right + margin, scale.reduced[1]))
        crop = scale.whole_box(small, step=ground.encoding.step(1))
        hole = np.zeros((crop.bottom - crop.top, crop.right - crop.left), bool)
        box = defect.box
        hole[box.top - crop.top : box.bottom - crop.top, box.left - crop.left : box.right - crop.left] = defect.mask
        suspects = ground.suspects[small.rows, small.columns].astype(np.float32)
        return Strip(window, ground, crop, small, hole, (scale.enlarged(suspects, small, crop) < 0.5) & ~hole)

    def luma(self) -> Real:
        """The centre's luma in the crop, working units."""
        return self.window.scale.enlarged(self.window.luma[self.small.rows, self.small.columns], self.small, self.crop)

    def codes(self, plane: int) -> Real:
        """One plane of the centre in the crop, as floats."""
        rows, columns = self.crop.on_plane(self.ground.encoding, plane)
        return np.nan_to_num(self.window.frame.planes[plane][rows, columns].astype(np.float32))


def fill_line(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one line, or say why not."""
    strip = Strip.of(window, defect, ground)
    luma, hole = strip.luma(), strip.hole
    stands = _stands(luma, hole, window.scale.whole[0] / 480)
    rows = hole.any(1)
    left, right = _sides(luma, hole, strip.sound)
    sigma = float(ground.noise[strip.small.rows, strip.small.columns].mean())
    agreeing = np.abs(left - right) < 6 * sigma + 0.06
    trust = float(np.clip(float(stands[rows].mean()) * (0.3 + 0.7 * agreeing[rows].mean()), 0, 1))
    provenance = Provenance("across", trust=trust)
    if trust < settings.least_trust:
        return Fill(None, provenance, f"its sides disagree (trust {trust:.2f})")
    matte = hole * stands[:, None]
    mattes = [on_plane(matte.astype(np.float32), ground.encoding, plane) for plane in range(ground.encoding.pictures)]
    codes = [to_codes(one, ground.encoding) for one in _mended(strip, [own > 0 for own in mattes])]
    whole = tuple(np.rint(own * WHOLE).astype(np.uint16) for own in mattes)
    return Fill(Patch(strip.crop, whole, tuple(codes)), replace(provenance, seed=strip.crop.left))


def _mended(strip: Strip, holes: Sequence[Mask]) -> list[Real]:
    """The crop on every plane with its hole filled (float codes)."""
    encoding = strip.ground.encoding
    out: dict[int, Real] = {}
    for planes in planes_by_size(encoding):
        sound = on_plane(strip.sound.astype(np.float32), encoding, planes[0]) > 0.99
        owns = [strip.codes(plane) for plane in planes]
        grains = [calmed(strip.ground.grain[plane], own, sound) for plane, own in zip(planes, owns, strict=True)]
        fresh = fresh_grain(owns, sound, [grain.softness for grain in grains], planes, partial(strip.ground.dice, strip.crop))
        for plane, own, grain, new in zip(planes, owns, grains, fresh, strict=True):
            out[plane] = own
            if holes[plane].any():
                shown = _through(own, holes[plane], strip, plane)
                renewed = renew_grain(shown.sides, grain.at(shown.sides), LEFT, new, clumps=False)
                out[plane] = np.where(holes[plane], shown.grained(renewed), own)
    return [out[plane] for plane in sorted(out)]


def _through(plane: Real, hole: Mask, strip: Strip, number: int) -> Shown:
    """A plane's crop with its hole filled; what is not sound beside it is no witness."""
    v, h = strip.ground.encoding.step(number)
    unit = strip.window.scale.whole[0] / v / 480
    return shown_through(plane, hole, strip.sound[::v, ::h], lambda place: across(plane, place, strip, number), unit)


def across(plane: Real, hole: Mask, strip: Strip, number: int) -> Real:
    """A plane's crop with its hole continued from around it; other damage close by is taken for hole as well."""
    v, h = strip.ground.encoding.step(number)
    beside = cv2.dilate(hole.astype(np.uint8), np.ones((1, 2 * RADIUS + 3), np.uint8)) > 0
    unsound = beside & ~strip.sound[::v, ::h]
    unknown = hole | unsound if (beside & ~unsound & ~hole).sum() > 0.5 * (beside & ~hole).sum() else hole
    scale = np.float32(LARGE / (float(np.abs(plane).max()) or 1.0))
    got = cv2.inpaint(np.ascontiguousarray(plane * scale, np.float32), unknown.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)
    return np.where(hole, np.asarray(got, np.float32) / scale, plane)


# Does it stand out? -------------------------------------------------------------------------------------------------------------------


def _bounds(hole: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last column of the hole in each row, carried over rows that have none."""
    rows, every = np.flatnonzero(hole.any(1)), np.arange(hole.shape[0])
    after = np.searchsorted(rows, every).clip(0, len(rows) - 1)
    before = (after - 1).clip(0)
    nearest = np.where(np.abs(rows[before] - every) < np.abs(rows[after] - every), rows[before], rows[after])
    first, last = hole.argmax(1), hole.shape[1] - 1 - hole[:, ::-1].argmax(1)
    return first[nearest], last[nearest]


def _side(plane: Real, edge: NDArray[np.intp], sound: Mask, towards: int) -> Real:
    """Mean of the sound samples beside the hole in each row; `towards` −1 left, +1 right."""
    columns = edge[:, None] + towards * np.arange(1, FLANK + 2)
    inside = (columns >= 0) & (columns < plane.shape[1])
    columns, rows = np.clip(columns, 0, plane.shape[1] - 1), np.arange(len(plane))[:, None]
    weight = np.where(sound[rows, columns], 1.0, 0.02) * np.where(inside, 1.0, 1e-6)
    weight[:, 0] *= 0.25  # the sample next to the hole may still carry the line's skirt
    out: Real = ((plane[rows, columns] * weight).sum(1) / weight.sum(1)).astype(np.float32)
    return out


def _sides(plane: Real, hole: Mask, sound: Mask) -> tuple[Real, Real]:
    first, last = _bounds(hole)
    return _side(plane, first, sound, -1), _side(plane, last, sound, 1)


def _stands(luma: Real, hole: Mask, unit: float) -> Real:
    """(rows,) 1 where the line stands out from both sides with one sign, 0 where it does not, softly between."""
    count = np.maximum(hole.sum(1), 1)
    middle = np.where(hole, luma, 0).sum(1) / count
    left, right = _sides(luma, hole, np.ones(luma.shape, bool))
    a, b = (_smooth(middle - side, round(9 * unit) | 1) for side in (left, right))
    out: Real = np.clip(3 * _smooth(a * b > 0, round(21 * unit) | 1) - 0.5, 0, 1) * hole.any(1)
    return out


def _smooth(values: NDArray[Any], reach: int) -> Real:
    """(rows,) the mean over `reach` rows."""
    return np.asarray(cv2.blur(values.astype(np.float32)[:, None], (1, reach), borderType=cv2.BORDER_REPLICATE), np.float32)[:, 0]
