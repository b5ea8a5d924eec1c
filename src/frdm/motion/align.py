"""Neighbours brought to the centre, each with the trust that it deserves at every pixel.

Trust is 1 where a neighbour shows the same film (motion goes there and back, what it shows agrees with the centre's surround) and falls
to 0 where it can't.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Real
from frdm.motion.flow import warp


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One neighbour as the centre would see it."""

    offset: int  # frames from the centre: -2, -1, 1, 2 …
    luma: Real  # (H, W) of the neighbour, warped, its exposure matched to the centre's
    displacement: Real  # (2, H, W), centre(p) ≈ neighbour(p + d)
    inconsistency: Real  # (H, W) px, how far there-and-back misses
    exposure: Real  # (H, W) what was added to the neighbour to match the centre's exposure


def exposure_between(centre: Real, warped: Real, *, reach: int, limit: float) -> Real:
    """The slow difference to the centre (flicker, breathing, fades), to be added to `warped`.

    The difference is averaged over `reach` px after clipping to ± `limit`, so that a defect moves it little.
    """
    difference = np.clip(centre - warped, -4 * limit, 4 * limit)
    steady = np.median(difference[::8, ::8])
    local = cv2.boxFilter(np.clip(difference - steady, -limit, limit), -1, (reach, reach), borderType=cv2.BORDER_REFLECT)
    out: Real = local + np.float32(steady)
    return out


def align(centre: Real, neighbour: Real, d: Real, inconsistency: Real, offset: int) -> Aligned:
    """Bring `neighbour` to `centre` along the displacement `d`."""
    reach = 2 * max(8, round(centre.shape[0] / 20)) + 1
    warped = warp(neighbour, d)
    exposure = exposure_between(centre, warped, reach=reach, limit=0.04)
    return Aligned(offset, warped + exposure, d, inconsistency, exposure)
