"""How far a large defect really reaches: burns and stains fade out over many pixels, and a pale rim of them would stay.

The frame is compared with what its neighbours show, along motion that is carried in from well outside. From the defect's edge outwards,
whatever is still brighter (or darker, as the defect is) than in every neighbour that fits belongs to it.
"""

from dataclasses import replace

import cv2
import numpy as np

from frdm.fills.neighbours import FEWEST, Ground, Site, make_candidates, site_of
from frdm.film import Box, Defect, Mask, Real
from frdm.motion.window import Window

LARGE = 1000.0  # px of a 480-line picture from which a defect's halo is looked for
REACH = 10.0  # px of a 480-line picture that a halo is followed at most
BEYOND = 2.5  # times the film's noise by which a halo differs …
USUAL = 0.98  # … and share of the film around that differs less
FITTING = 1.5  # times the best candidate's cost: the others don't show this place
SMOOTH = 1.0  # px over which is compared


def with_halo(defect: Defect, window: Window, ground: Ground) -> Defect:
    """The defect with its halo; itself, where it is small or shows none."""
    unit = window.scale.whole[0] / 480
    if defect.mask.sum() < LARGE * unit**2 or not window.neighbours:
        return defect
    site = site_of(window, _padded(defect, round(REACH * unit), window.scale.whole), ground)
    halo = _halo(site, 1.0 if defect.polarity == "bright" else -1.0)
    if not halo.any():
        return defect
    scale = window.scale
    whole = halo if scale.same else scale.enlarged(halo.astype(np.float32), site.small, site.crop) > 0.5
    return _trimmed(defect, site.crop, site.hole | whole)


def _halo(site: Site, sign: float) -> Mask:
    """Where the defect goes on beyond its hole, of the searched picture."""
    reach = REACH * site.window.scale.reduced[0] / 480
    distance = cv2.distanceTransform((~site.small_hole).astype(np.uint8), cv2.DIST_L2, 5)
    outside = site.small_ring & (distance > reach)
    if outside.sum() < FEWEST:
        return np.zeros_like(site.small_hole)
    far = replace(site, small_ring=outside)
    beyond = _beyond(far, sign)
    sigma = site.ground.noise[site.small.rows, site.small.columns]
    least = np.maximum(BEYOND * sigma, float(np.quantile(beyond[outside], USUAL)))
    return _connected(site.small_hole, (beyond > least) & (distance <= reach), round(reach))


def _beyond(site: Site, sign: float) -> Real:
    """By how much (working units) the frame is brighter, or darker for `sign` −1, than in every neighbour that fits around it."""
    candidates = make_candidates(site)
    fitting = [one for one in candidates if one.cost <= FITTING * candidates[0].cost]
    centre = site.window.luma[site.small.rows, site.small.columns]
    least = np.min([np.float32(sign) * (centre - one.luma) for one in fitting], axis=0)
    return np.asarray(cv2.GaussianBlur(least, (0, 0), SMOOTH), np.float32)


def _connected(hole: Mask, where: Mask, steps: int) -> Mask:
    """The part of `where` that is reached from the hole in so many steps, a pixel wider."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    allowed, reached = hole | where, hole
    for _ in range(steps):
        reached = (cv2.dilate(reached.astype(np.uint8), disc) > 0) & allowed
    halo = reached & ~hole
    return (cv2.dilate(halo.astype(np.uint8), disc) > 0) & ~hole


def _padded(defect: Defect, margin: int, shape: tuple[int, int]) -> Defect:
    """The same with a wider box, inside of the frame."""
    box = defect.box
    wide = Box(
        box.frame,
        max(box.top - margin, 0),
        max(box.left - margin, 0),
        min(box.bottom + margin, shape[0]),
        min(box.right + margin, shape[1]),
    )
    mask = np.zeros((wide.bottom - wide.top, wide.right - wide.left), bool)
    mask[box.top - wide.top : box.bottom - wide.top, box.left - wide.left : box.right - wide.left] = defect.mask
    return replace(defect, box=wide, mask=mask)


def _trimmed(defect: Defect, crop: Box, mask: Mask) -> Defect:
    """The defect with another mask, which lies in `crop`, and the box that just holds it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    box = Box(crop.frame, crop.top + top, crop.left + left, crop.top + bottom, crop.left + right)
    return replace(defect, box=box, mask=mask[top:bottom, left:right])
