"""Places in a picture: near a mask, far from it, and the connected pieces of a mask. Lengths are of a picture 480 lines high."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask

LINES = 480  # the picture height for which lengths and areas are given
NEAR = 4  # px: an alteration so close to painted damage belongs to it
FAR = 8  # px: farther than this it was altered without cause
LEAST = 4  # px: the smallest piece that a person would see


def unit(height: int) -> float:
    """Pixels of a picture `height` lines high in one pixel of a 480-line picture."""
    return height / LINES


def reach(length: float, height: int) -> int:
    """A length given for 480 lines in whole pixels of a picture `height` lines high, at least half of itself."""
    return max(round(length / 2), round(length * unit(height)))


def grown(mask: Mask, radius: int) -> Mask:
    """A mask (H, W) and everything within `radius` px of it (a disc)."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc)).astype(bool)


def near_and_far(mask: Mask) -> tuple[Mask, Mask]:
    """Within 4 px of a mask (H, W), and farther than 8 px from it."""
    height = mask.shape[0]
    return grown(mask, reach(NEAR, height)), ~grown(mask, reach(FAR, height))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The connected pieces (8 neighbours) of a mask: `numbers` (H, W) int32, 0 outside.

    Of piece 1 … N: `areas` (N,) in px, `boxes` (N, 4) top, left, bottom, right, half-open.
    """

    numbers: NDArray[np.int32]
    areas: NDArray[np.int64]
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.areas)

    def touched(self, mask: Mask) -> NDArray[np.bool_]:
        """Which pieces a mask (H, W) has a pixel of; (N,)."""
        return np.bincount(self.numbers[mask], minlength=len(self) + 1)[1:] > 0

    def at_least(self, area: float) -> "Pieces":
        """The pieces of at least `area` px, numbered anew."""
        kept = np.flatnonzero(self.areas >= area)
        table = np.zeros(len(self) + 1, np.int32)
        table[kept + 1] = np.arange(1, len(kept) + 1)
        return Pieces(table[self.numbers], self.areas[kept], self.boxes[kept])


def pieces(mask: Mask) -> Pieces:
    """The connected pieces of a mask (H, W)."""
    _, numbers, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    left, top, width, height, areas = np.asarray(table[1:], np.int64).T
    return Pieces(np.asarray(numbers, np.int32), areas, np.stack([top, left, top + height, left + width], axis=1))
