"""Dense motion between two frames of a shot, measured on a reduced picture.

The convention of the whole project: a displacement d is an array (2, H, W) of (dy, dx) in pixels with `target(p) ≈ source(p + d(p))`.
Knows nothing of defects. Source: Kroeger 2016 (DIS), as OpenCV implements it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

FLOW_LINES = 700  # motion is measured on a picture of about this height: finer costs time and follows the grain


@dataclass(frozen=True, slots=True)
class FlowScale:
    """Size (width, height) of the picture that motion is measured on, and of the film's."""

    reduced: tuple[int, int]
    whole: tuple[int, int]

    @staticmethod
    def of(height: int, width: int) -> "FlowScale":
        factor = max(1, round(height / FLOW_LINES))
        return FlowScale((max(16, width // factor), max(16, height // factor)), (width, height))


def flow_picture(luma: Real, scale: FlowScale) -> NDArray[np.uint8]:
    """The 8-bit picture that motion is measured on: reduced, small specks and grain taken off by a median so that motion does not
    follow them.
    """
    small = cv2.resize(luma, scale.reduced, interpolation=cv2.INTER_AREA) if scale.reduced != scale.whole else luma
    codes = np.rint(np.clip(np.nan_to_num(small), 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(codes, 5))


def displacement(target: NDArray[np.uint8], source: NDArray[np.uint8], *, far: bool = False) -> Real:
    """Displacement (2, h, w) in pixels of the reduced pictures; one thread, since DIS's result depends on their number.

    `far`: the two are not next to each other; a coarser and quicker search, which measured better there (docs/benchmark.md).
    """
    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if far else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    dis = cv2.DISOpticalFlow.create(preset)
    nothing: Any = None  # no first guess
    flow = dis.calc(target, source, nothing)
    return np.ascontiguousarray(flow[..., ::-1].transpose(2, 0, 1), dtype=np.float32)


def enlarge(d: Real, scale: FlowScale) -> Real:
    """The displacement on the film's own grid, in its pixels."""
    if scale.reduced == scale.whole:
        return d
    width, height = scale.whole
    factors = (height / scale.reduced[1], width / scale.reduced[0])
    planes = [cv2.resize(p, scale.whole, interpolation=cv2.INTER_LINEAR) * np.float32(f) for p, f in zip(d, factors, strict=True)]
    return np.stack(planes)


def warp(source: Real, d: Real, *, cubic: bool = False) -> Real:
    """`source` brought to the target: out(p) = source(p + d(p)); border pixels repeat."""
    height, width = d.shape[1:]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    kernel = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(source, columns + d[1], rows + d[0], kernel, borderMode=cv2.BORDER_REPLICATE))


def round_trip(there: Real, back: Real) -> Real:
    """How far (px) a point lands from itself after going to the source and back: 0 where motion is consistent."""
    returned = np.stack([warp(back[0], there), warp(back[1], there)])
    out: Real = np.hypot(there[0] + returned[0], there[1] + returned[1])
    return out
