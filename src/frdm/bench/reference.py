"""Plain methods that every engine is compared with: a temporal median, the script that everyone writes first, Telea with the true mask.

A method is a function of a film and a frame's number to the restored frame, (H, W, 3) uint8 R G B. Those that need the truth say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.bench.case import Case
from frdm.display import Picture
from frdm.errors import BenchError
from frdm.film import Mask, Real
from frdm.signal.luma import LUMA

SPIKE = 24  # codes of 255: the plain script's threshold
SOFT = 1.0  # px, standard deviation of the blur that takes grain off before the test: without it four times as much is altered in vain
GROW = 5  # px: how far the plain script grows what it found


class Film:
    """The frames of a case, read when they are needed; the last few are kept."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.length = len(case.names)
        self.picture = lru_cache(24)(self._picture)
        self.mask = lru_cache(8)(self._mask)
        self.grey = lru_cache(16)(self._grey)

    def _picture(self, role: Any, index: int) -> Picture:
        """One frame (H, W, 3), R G B; `role` is damaged or clean."""
        return self.case.picture(role, self.case.names[index])

    def _mask(self, index: int) -> Mask:
        """The true mask, (H, W). Raises `BenchError` where the case has none."""
        if self.case.facts.kind != "reference":
            raise BenchError(
                f"{self.case.folder}: this method needs the true mask, and the case has none; leave the method or the case out"
            )
        return self.case.plane("mask", self.case.names[index]) > 0

    def _grey(self, role: Any, index: int) -> NDArray[np.uint8]:
        """One frame's luma (H, W) uint8."""
        return np.round(self.picture(role, index).astype(np.float32) @ LUMA).astype(np.uint8)

    def near(self, index: int, reach: int) -> list[int]:
        """The frames at most `reach` away, in order, without the frame itself."""
        return [at for at in range(max(0, index - reach), min(self.length, index + reach + 1)) if at != index]


Restorer = Callable[[Film, int], Picture]


@dataclass(frozen=True, slots=True)
class Reference:
    """A plain method: what it is, how it restores a frame, and whether it is given the truth."""

    title: str
    restore: Restorer
    truth: bool = False


def untouched(film: Film, index: int) -> Picture:
    """The scan itself."""
    return film.picture("damaged", index)


def median(film: Film, index: int) -> Picture:
    """The median of a frame and its two neighbours, pixel by pixel, without motion; first and last frame stay."""
    near = film.near(index, 1)
    if len(near) < 2:
        return film.picture("damaged", index)
    one, centre, other = (film.picture("damaged", at) for at in (near[0], index, near[1]))
    return np.maximum(np.minimum(one, centre), np.minimum(np.maximum(one, centre), other))


def telea(film: Film, index: int) -> Picture:
    """The true mask filled from around it in the same frame. Source: Telea 2004 (as OpenCV implements it)."""
    frame, mask = film.picture("damaged", index), film.mask(index)
    return filled_within(frame, mask) if mask.any() else frame


def filled_within(frame: Picture, mask: Mask) -> Picture:
    """A place of a picture filled from around it."""
    reach = max(2, round(3 * frame.shape[0] / 480))
    return np.asarray(cv2.inpaint(frame, mask.astype(np.uint8), reach, cv2.INPAINT_TELEA), np.uint8)


def sdip(film: Film, index: int) -> Picture:
    """Spikes in softened luma (24 codes from both neighbours brought by DIS, to the same side), grown, filled with the neighbours' mean."""
    near = film.near(index, 1)
    frame = film.picture("damaged", index)
    if len(near) < 2:
        return frame
    grey = film.grey("damaged", index)
    brought = [carried(film.picture("damaged", at), flow(grey, film.grey("damaged", at))) for at in near]
    one, other = (cv2.GaussianBlur(frame @ LUMA - picture @ LUMA, (0, 0), SOFT) for picture in brought)
    spikes = (np.minimum(np.abs(one), np.abs(other)) > SPIKE) & (one * other > 0)
    mask = cv2.dilate(spikes.astype(np.uint8), np.ones((GROW, GROW), np.uint8)).astype(bool)
    mean = np.round((brought[0] + brought[1]) / 2).astype(np.uint8)
    return np.where(mask[..., None], mean, frame)


def flow(target: NDArray[np.uint8], source: NDArray[np.uint8]) -> Real:
    """Displacement (H, W, 2) in (dx, dy) px with target(p) ≈ source(p + d(p)), DIS at full size. Source: Kroeger 2016."""
    nothing: Any = None  # no first guess
    d = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(target, source, nothing)
    return np.asarray(d, np.float32)


def carried(source: NDArray[Any], d: Real) -> Real:
    """`source` (H, W[, C]) brought along a displacement, as float32."""
    height, width = d.shape[:2]
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    moved = cv2.remap(source.astype(np.float32), columns + d[..., 0], rows + d[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


BLIND: Mapping[str, Reference] = MappingProxyType(
    {
        "input": Reference("damaged input", untouched),
        "median": Reference("temporal median, no motion", median),
        "sdip": Reference("plain SDIp + DIS ±1, 24/255", sdip),
    }
)
