"""A part of a frame as levels of red, green and blue, as nets are shown film, and levels as code values again.

Black is 0 and white 1 on the scale of the working picture: video, sRGB and log codes as they are, linear light made perceptual. Film of one
plane shows it three times.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Box, Encoding, Frame, Real
from frdm.signal.luma import LIMITED_CHROMA, LUMA, MATRICES
from frdm.signal.transfer import linear_from_perceptual, perceptual_from_linear


def levels(frame: Frame, encoding: Encoding, box: Box) -> Real:
    """Red, green and blue (3, h, w) of a box whose edges lie on the chroma grid or on the frame's; NaN is black."""
    planes = [frame.planes[plane][box.on_plane(encoding, plane)] for plane in range(encoding.pictures)]
    return levels_of(planes, encoding)


def levels_of(planes: list[NDArray[Any]], encoding: Encoding) -> Real:
    """Red, green and blue (3, h, w) of picture planes in codes."""
    reals = [np.nan_to_num(plane.astype(np.float32)) for plane in planes]
    reach = np.float32(encoding.white - encoding.black)
    if encoding.layout == "ycbcr":
        return _from_ycbcr(reals, encoding)
    scaled = [(plane - np.float32(encoding.black)) / reach for plane in reals]
    if encoding.transfer == "linear":
        scaled = [np.asarray(perceptual_from_linear(plane), np.float32) for plane in scaled]
    return np.stack(scaled if len(scaled) == 3 else scaled * 3)


def codes_of(picture: Real, encoding: Encoding) -> list[Real]:
    """Picture planes in codes, not rounded, of levels (3, h, w)."""
    reach = encoding.white - encoding.black
    if encoding.layout == "ycbcr":
        return _to_ycbcr(picture, encoding)
    planes = list(picture) if encoding.layout == "rgb" else [np.tensordot(LUMA, picture, 1)]
    if encoding.transfer == "linear":
        planes = [linear_from_perceptual(plane) for plane in planes]
    return [np.asarray(plane * np.float32(reach) + np.float32(encoding.black), np.float32) for plane in planes]


def _differences(encoding: Encoding) -> tuple[float, float]:
    """(middle, reach) of the codes of colour differences."""
    reach = (encoding.white - encoding.black) * (LIMITED_CHROMA if encoding.black > 0 else 1)
    return (0.0 if encoding.floating else float(1 << (encoding.bits - 1))), reach


def _from_ycbcr(planes: list[Real], encoding: Encoding) -> Real:
    (kr, kb), (middle, reach) = MATRICES[encoding.matrix], _differences(encoding)
    height, width = planes[0].shape
    luma = (planes[0] - np.float32(encoding.black)) / np.float32(encoding.white - encoding.black)
    blue, red = (_enlarged((plane - np.float32(middle)) / np.float32(reach), (height, width), encoding) for plane in planes[1:])
    r, b = luma + np.float32(2 * (1 - kr)) * red, luma + np.float32(2 * (1 - kb)) * blue
    return np.stack([r, (luma - np.float32(kr) * r - np.float32(kb) * b) / np.float32(1 - kr - kb), b])


def _to_ycbcr(picture: Real, encoding: Encoding) -> list[Real]:
    (kr, kb), (middle, reach) = MATRICES[encoding.matrix], _differences(encoding)
    r, g, b = picture
    luma = np.float32(kr) * r + np.float32(1 - kr - kb) * g + np.float32(kb) * b
    differences = (b - luma) / np.float32(2 * (1 - kb)), (r - luma) / np.float32(2 * (1 - kr))
    reduced = [_reduced(plane, encoding) * np.float32(reach) + np.float32(middle) for plane in differences]
    return [luma * np.float32(encoding.white - encoding.black) + np.float32(encoding.black), *reduced]


def _enlarged(plane: Real, shape: tuple[int, int], encoding: Encoding) -> Real:
    """A plane of colour differences at luma's size (h, w): each sample for all of its pixels, so that reducing gives it back."""
    v, h = encoding.step(1)
    return np.repeat(np.repeat(plane, v, 0), h, 1)[: shape[0], : shape[1]]


def _reduced(plane: Real, encoding: Encoding) -> Real:
    """A plane of luma's size at the colour differences' own: the mean over each sample's pixels, edges repeated."""
    v, h = encoding.step(1)
    if (v, h) == (1, 1):
        return plane
    padded = cv2.copyMakeBorder(plane, 0, -plane.shape[0] % v, 0, -plane.shape[1] % h, cv2.BORDER_REPLICATE)
    out: Real = padded.reshape(padded.shape[0] // v, v, padded.shape[1] // h, h).mean((1, 3))
    return out
