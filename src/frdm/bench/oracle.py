"""Fills with the true mask from motion-compensated neighbours: what a perfect detector would leave to mend, for three motions.

The motion is measured on the clean frames (which no restorer has), on the damaged ones, or on the damaged ones and carried smoothly across
the holes from around them. Neighbours ±1 and ±2 are weighted by whether motion goes there and back and by how they fit around the hole.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np

from frdm.bench.reference import Film, Reference, carried, filled_within, flow, telea
from frdm.display import Picture
from frdm.film import Mask, Real

Motion = Literal["clean", "damaged", "carried"]

REACH = 2  # frames
LOOSE = 1.0  # px of there-and-back error that is forgiven
MISFIT = 6.0  # codes of difference around the hole that are forgiven
LEAST = 1e-6  # weight of a neighbour that fits nowhere: used where there is nothing else
HOLE = 3  # px around the mask where motion is not believed, for pictures 480 lines high


def oracle(film: Film, index: int, *, motion: Motion) -> Picture:
    """The frame with its true mask filled from the neighbours; Telea where no neighbour shows the place."""
    frame, mask = film.picture("damaged", index), film.mask(index)
    near = film.near(index, REACH)
    if not mask.any() or not near:
        return telea(film, index)
    total, weights = np.zeros(frame.shape, np.float32), np.zeros(mask.shape, np.float32)
    for at in near:
        picture, weight = neighbour(film, index, at, motion)
        total += picture * weight[..., None]
        weights += weight
    inside = filled_within(frame, mask)
    known = mask & (weights > 0)
    out = np.where(mask[..., None], inside, frame)
    out[known] = np.clip(np.round(total[known] / weights[known][:, None]), 0, 255)
    return np.asarray(out, np.uint8)


def neighbour(film: Film, index: int, at: int, motion: Motion) -> tuple[Real, Real]:
    """One neighbour brought to the frame (H, W, 3), and its weight (H, W): 0 where it is damaged itself."""
    seen = "clean" if motion == "clean" else "damaged"
    there = flow(film.grey(seen, index), film.grey(seen, at))
    back = flow(film.grey(seen, at), film.grey(seen, index))
    if motion == "carried":
        there, back = across(there, hole(film.mask(index))), across(back, hole(film.mask(at)))
    picture = carried(film.picture("damaged", at), there)
    dirty = carried(film.mask(at), there) > 0
    error = np.hypot(*np.moveaxis(there + carried(back, there), -1, 0))
    misfit = np.abs(picture - film.picture("damaged", index)).mean(axis=-1)
    around = spread(misfit[..., None], ~(hole(film.mask(index)) | dirty))[..., 0]
    weight = np.exp(-((error / LOOSE) ** 2) / 2 - (around / MISFIT) ** 2 / 2) + LEAST
    return picture, np.where(dirty, 0, weight).astype(np.float32)


def hole(mask: Mask) -> Mask:
    """The mask and its surround, where motion is not believed."""
    reach = max(2, round(HOLE * mask.shape[0] / 480))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc)).astype(bool)


def across(d: Real, holes: Mask) -> Real:
    """A displacement with its holes filled smoothly from around them."""
    return np.where(holes[..., None], spread(d, ~holes), d).astype(np.float32)


def spread(values: Real, known: Mask) -> Real:
    """Means of known values near each place, each place with the smallest reach that finds some; values is (H, W, C)."""
    out, open_ = np.zeros_like(values), np.ones(known.shape, bool)
    reach = 2.0
    while open_.any() and reach < 2 * max(known.shape):
        near = blurred(known.astype(np.float32), reach)
        found = open_ & (near > 0.02)
        sums = np.dstack([blurred(np.where(known, plane, 0).astype(np.float32), reach) for plane in np.moveaxis(values, -1, 0)])
        out[found] = sums[found] / near[found][:, None]
        open_ &= ~found
        reach *= 2
    return out


def blurred(plane: Real, reach: float) -> Real:
    """Means over a box of about 3 × `reach`, twice: nearly a Gaussian, at any reach for one price."""
    side = 2 * round(reach * 1.2) + 1
    once = cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.blur(once, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


TRUE_MASK: Mapping[str, Reference] = MappingProxyType(
    {
        "telea": Reference("Telea, true mask", telea, truth=True),
        "oracle-damaged": Reference("neighbours, true mask, motion of the damaged frames", partial(oracle, motion="damaged"), truth=True),
        "oracle-carried": Reference("neighbours, true mask, motion carried across holes", partial(oracle, motion="carried"), truth=True),
        "oracle-clean": Reference("neighbours, true mask, motion of the clean frames", partial(oracle, motion="clean"), truth=True),
    }
)
