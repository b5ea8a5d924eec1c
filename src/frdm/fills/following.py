"""Film that is followed: neighbours brought to the centre along the motion, so that the same place of every frame shows the same thing.

What the hand is shown of a hole's surroundings lies still then, however the film moves, and the true film of a hole is in the same place
of a neighbour if it is anywhere. Under the hole itself, where motion can't be measured, it is carried on from around.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from frdm.fills.levels import levels
from frdm.film import Box, Encoding, Frame, Mask, Real
from frdm.motion.window import Window, carry

REACH = 3.0  # px over which motion is carried under a hole, at first; twice as far again where that does not meet any
ROOM = 4  # px beyond the farthest motion, for the interpolation


def motions(window: Window, suspects: Mask, box: Box) -> Mapping[int, Real]:
    """Of every neighbour, by its frame's number, the displacement (2, h, w) in px of the film over a box inside of the frame.

    `suspects` (of the searched picture): where motion can't be measured, for the centre may be damaged there.
    """
    small = window.scale.box(box)
    place = small.rows, small.columns
    carried = {
        neighbour.frame.index: carry(neighbour.aligned.displacement[:, place[0], place[1]], suspects[place], REACH)
        for neighbour in window.neighbours
    }
    return {index: window.scale.motion(d, small, box) for index, d in carried.items()}


def along(frame: Frame, encoding: Encoding, box: Box, d: Real) -> Real:
    """Levels (3, h, w) of a frame where the displacement (2, h, w) of a box leads; beyond the frame its last rows and columns go on."""
    (v, h), (height, width) = encoding.step(1) if encoding.pictures > 1 else (1, 1), frame.planes[0].shape
    down, across = (int(np.abs(part).max()) + ROOM for part in d)
    top, left = max(box.top - down, 0) // v * v, max(box.left - across, 0) // h * h
    bottom, right = min(-(-(box.bottom + down) // v) * v, height), min(-(-(box.right + across) // h) * h, width)
    wide = levels(frame, encoding, Box(frame.index, top, left, bottom, right))
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(box.top - top) + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + np.float32(box.left - left) + d[1]
    return np.stack([cv2.remap(plane, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE) for plane in wide])
