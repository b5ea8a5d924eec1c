"""A frame without its neighbours, as fills are shown it."""

import cv2
import numpy as np

from frdm.defects.alone import noise_of
from frdm.fills.neighbours import Ground
from frdm.film import Encoding, Frame, Mask, Real
from frdm.motion.scale import SearchScale
from frdm.motion.window import Window
from frdm.signal.grain import measure_grain
from frdm.signal.working import luma, small_chroma


def lone_window(frame: Frame, encoding: Encoding) -> Window:
    """A window of nothing but its centre."""
    scale = SearchScale.of(*frame.planes[0].shape)
    small = small_luma(frame, encoding, scale)
    return Window(frame, small, small_chroma(frame, encoding, small), (), scale)


def small_luma(frame: Frame, encoding: Encoding, scale: SearchScale) -> Real:
    """A frame's luma, of the size that is searched."""
    return scale.shrink(luma(frame.planes, encoding))


def ground_of(window: Window, encoding: Encoding, suspects: Mask) -> Ground:
    """What a fill must know of the frame; `suspects` (of the film's size) is where other damage lies."""
    shape = window.luma.shape
    small = suspects if window.scale.same else cv2.resize(suspects.view(np.uint8), shape[::-1], interpolation=cv2.INTER_AREA) > 0
    noise = np.full(shape, noise_of(window.luma), np.float32)
    return Ground(encoding, small, noise, tuple(measure_grain(plane) for plane in window.frame.planes[: encoding.pictures]))
