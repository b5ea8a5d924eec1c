"""Dense motion between two frames of a shot, measured on the picture that is searched (motion/scale.py).

The convention of the whole project: a displacement d is an array (2, H, W) of (dy, dx) in pixels with `target(p) ≈ source(p + d(p))`.
Knows nothing of defects. Source: Kroeger 2016 (DIS), as OpenCV implements it.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

LEAST = 32  # px a side: smaller pictures are enlarged by their edges, for DIS takes scales that they don't hold and reads beyond them


def flow_picture(luma: Real) -> NDArray[np.uint8]:
    """The 8-bit picture that motion is measured on: small specks and grain taken off by a median so that motion does not follow them."""
    codes = np.rint(np.clip(np.nan_to_num(luma), 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(codes, 5))


def displacement(target: NDArray[np.uint8], source: NDArray[np.uint8], *, far: bool = False) -> Real:
    """Displacement (2, h, w) in pixels; one thread, since DIS's result depends on their number.

    `far`: the two are not next to each other; a coarser and quicker search, which measured better there (docs/benchmark.md).
    """
    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if far else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    dis = cv2.DISOpticalFlow.create(preset)
    nothing: Any = None  # no first guess
    height, width = target.shape
    if min(height, width) < LEAST:
        down, across = max(LEAST - height, 0), max(LEAST - width, 0)
        target, source = (np.pad(one, ((0, down), (0, across)), mode="edge") for one in (target, source))
    flow = dis.calc(target, source, nothing)[:height, :width]
    return np.ascontiguousarray(flow[..., ::-1].transpose(2, 0, 1), dtype=np.float32)


def warp(source: Real, d: Real, *, cubic: bool = False) -> Real:
    """`source` brought to the target: out(p) = source(p + d(p)); border pixels repeat."""
    height, width = d.shape[1:]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    kernel = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(source, columns + d[1], rows + d[0], kernel, borderMode=cv2.BORDER_REPLICATE))


def round_trip(there: Real, back: Real) -> Real:
    """How far (px) a point lands from itself after going to the source and back: 0 where motion is consistent. (H, W), worked out at
    every second pixel and interpolated, for it is as smooth as motion.
    """
    height, width = there.shape[1:]
    rows, columns = np.arange(0, height, 2, dtype=np.float32)[:, None], np.arange(0, width, 2, dtype=np.float32)
    down, across = there[0, ::2, ::2], there[1, ::2, ::2]
    at = columns + across, rows + down
    returned = [cv2.remap(part, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for part in back]
    missed = cv2.magnitude(down + returned[0], across + returned[1])
    return np.asarray(cv2.resize(missed, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
