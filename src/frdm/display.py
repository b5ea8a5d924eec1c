"""Code values to 8-bit sRGB, for looking only: nothing that is written to a film passes here."""

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Encoding, Frame, Real
from frdm.signal.luma import LIMITED_CHROMA, MATRICES
from frdm.signal.transfer import CINEON_BLACK, CINEON_WHITE, linear_from_cineon, srgb_from_linear

Picture = NDArray[np.uint8]  # height × width × 3, R G B, sRGB


def look(frame: Frame, encoding: Encoding) -> Picture:
    """The frame as a person would see it: height × width × 3, 8-bit sRGB."""
    shown = displayed(colours(frame, encoding), encoding)
    return np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def colours(frame: Frame, encoding: Encoding) -> Real:
    """R G B in the film's own transfer, 0 … 1 from black to white, unclipped."""
    planes = [plane.astype(np.float32) for plane in frame.planes[: encoding.pictures]]
    reach = encoding.white - encoding.black
    if encoding.layout == "ycbcr":
        return from_ycbcr(planes, encoding)
    levels = [(plane - encoding.black) / reach for plane in planes]
    return np.dstack(levels if len(levels) == 3 else levels * 3)


def from_ycbcr(planes: list[Real], encoding: Encoding) -> Real:
    """R G B from luma and (enlarged) colour differences."""
    height, width = planes[0].shape
    reach = encoding.white - encoding.black
    chroma = reach * (LIMITED_CHROMA if encoding.black > 0 else 1)
    middle = float(1 << (encoding.bits - 1)) if not encoding.floating else 0.0
    luma = (planes[0] - encoding.black) / reach
    blue, red = (enlarged((plane - middle) / chroma, height, width) for plane in planes[1:])
    kr, kb = MATRICES[encoding.matrix]
    r = luma + 2 * (1 - kr) * red
    b = luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return np.dstack([r, g, b])


def enlarged(plane: Real, height: int, width: int) -> Real:
    """A subsampled plane at full size."""
    if plane.shape == (height, width):
        return plane
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def displayed(levels: Real, encoding: Encoding) -> Real:
    """Levels in the film's transfer as sRGB levels, 0 … 1 where they can be shown."""
    if encoding.transfer == "log":
        light = linear_from_cineon(CINEON_BLACK + levels * (CINEON_WHITE - CINEON_BLACK))
        return srgb_from_linear(np.clip(light, 0, 1))
    return srgb_from_linear(np.clip(levels, 0, 1)) if encoding.transfer == "linear" else levels
