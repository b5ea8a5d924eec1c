"""What the neighbours show at suspected pixels when motion is carried there from around: a large defect tears the motion that is
measured under it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real
from frdm.motion.align import Aligned

COARSE = 4  # motion is carried on a grid of every fourth pixel


def carried_places(carried: Real, width: int, places: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(rows, columns) of a neighbour that its `carried_motion` leads to from the flat pixel numbers `places` of a picture `width` wide."""
    rows, columns = (np.asarray(v, np.float32) for v in np.divmod(places, width))
    coarse_rows, coarse_columns = (np.asarray(v / COARSE - 0.375, np.float32) for v in (rows, columns))  # centres of coarse pixels
    down, across = (sample(plane, coarse_rows, coarse_columns) for plane in carried)
    return rows + down, columns + across


def carried_values(
    aligned: Sequence[Aligned], raw: Sequence[Real], carried: Sequence[Real], places: NDArray[np.intp]
) -> NDArray[np.float32]:
    """(neighbours, n): each neighbour's luma at the flat pixel numbers `places`, along its `carried_motion`, exposure
    matched.
    """
    found = []
    for neighbour, luma, d in zip(aligned, raw, carried, strict=True):
        found.append(sample(luma, *carried_places(d, luma.shape[1], places)) + neighbour.exposure.ravel()[places])
    return np.stack(found)


def carried_motion(d: Real, hole: Mask) -> Real:
    """The displacement on the coarse grid (2, h / COARSE, w / COARSE), the hole filled from ever wider surrounds (normalised
    convolution).
    """
    height, width = hole.shape
    size = (max(2, width // COARSE), max(2, height // COARSE))
    known = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    weighed = [cv2.resize(plane * ~hole, size, interpolation=cv2.INTER_AREA) for plane in d]
    out = np.stack([plane / np.maximum(known, 1e-3) for plane in weighed])
    todo, sigma = known < 0.5, 1.5
    while todo.any():
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        sure = todo & (weight > 0.05) if sigma < max(size) else todo
        for target, plane in zip(out, weighed, strict=True):
            target[sure] = (cv2.GaussianBlur(plane, (0, 0), sigma) / np.maximum(weight, 1e-6))[sure]
        todo &= ~sure
        sigma *= 2
    return out


def sample(picture: Real, rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture between its pixels at n places (in strips, since OpenCV bounds a picture's side)."""
    strips = [
        cv2.remap(picture, columns[i : i + 16384, None], rows[i : i + 16384, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
        for i in range(0, len(columns), 16384)
    ]
    return np.concatenate(strips) if strips else np.zeros(0, np.float32)
