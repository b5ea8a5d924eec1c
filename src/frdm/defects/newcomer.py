"""Large things that the first or the last frame of a shot shows in a colour of their own: they may have just come in, or be about to leave.

There only one side of time can speak, and a ball that flies in is as new as a blot. Its colour tells: dirt takes colour away from the film
below it or adds a grey, so what it shows lies between grey and the colour of the film around; a thing brings a colour of its own.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from frdm.film import Defect, Mask
from frdm.motion.window import Window

OWN = 0.06  # distance of two colour differences (working units) from which a colour is a thing's own
GAP, RING = 2.0, 8.0  # px of a 480-line picture around a piece: its skirt, and the film that it is compared with


def apart_from_newcomers(window: Window, large: Sequence[Defect]) -> tuple[list[Defect], list[Defect]]:
    """(defects, possible newcomers) of some large pieces."""
    lists: tuple[list[Defect], list[Defect]] = ([], [])
    one_sided = len({neighbour.aligned.offset > 0 for neighbour in window.neighbours}) == 1
    for defect in large:
        lists[int(one_sided and own_colour(window, defect) > OWN)].append(defect)
    return lists


def own_colour(window: Window, defect: Defect) -> float:
    """How far a piece's mean colour differences lie from all that grey laid over the film around it can show; 0 for film of one plane."""
    if window.chroma is None:
        return 0.0
    height, width = window.luma.shape
    unit, near = height / 480, window.scale.box(defect.box)
    inside = np.zeros((height, width), np.uint8)
    inside[near.rows, near.columns] = window.scale.within(defect.box, defect.mask, near)
    reach = round((GAP + RING) * unit) + 1
    part = slice(max(near.top - reach, 0), near.bottom + reach), slice(max(near.left - reach, 0), near.right + reach)
    core, ring = _core_and_ring(inside[part], unit)
    if not core.any() or not ring.any():
        return 0.0
    own, film = (np.array([float(plane[part][where].mean()) for plane in window.chroma]) for where in (core, ring))
    share = float(np.clip(own @ film / max(float(film @ film), 1e-9), 0, 1))
    return float(np.hypot(*(own - share * film)))


def _core_and_ring(inside: np.ndarray, unit: float) -> tuple[Mask, Mask]:
    """The piece without its skirt where that leaves anything, and the film around it."""
    distance = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    deep = cv2.erode(inside, np.ones((2 * round(GAP * unit) + 1,) * 2, np.uint8)) > 0
    return (deep if deep.any() else inside > 0), (distance > GAP * unit) & (distance <= (GAP + RING) * unit)
