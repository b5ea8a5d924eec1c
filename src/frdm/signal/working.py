"""The working picture: a frame's codes on one perceptual scale, whatever the film's encoding, for finding and comparing.

It is made from the codes and never turned back into them: repairs are filled in native codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Encoding, Frame, Real, frozen
from frdm.signal.luma import BLUE, GREEN, RED
from frdm.signal.transfer import BRIGHTEST, perceptual_from_linear

STRIP = 64  # rows converted at a time: small enough to stay in the processor's cache, twice as fast as whole planes


@dataclass(frozen=True, slots=True, eq=False)
class WorkingPicture:
    """Brightness and colour of one frame on the perceptual scale: black 0, white 1, values beyond both are kept.

    `luma` is float32 (height, width); `chroma` is float32 (2, rows, columns) at the chroma planes' own size, blue and red difference,
    −0.5 … 0.5 (None for film of one plane). Never NaN or Inf.
    """

    luma: Real
    chroma: Real | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "luma", frozen(self.luma))
        if self.chroma is not None:
            object.__setattr__(self, "chroma", frozen(self.chroma))


def working(frame: Frame, encoding: Encoding) -> WorkingPicture:
    """The working picture of a frame.

    Video, sRGB and log codes are scaled as they are; linear ones go through `perceptual_from_linear`.
    R, G and B are weighed as BT.709 does, on that scale.
    """
    if encoding.layout == "rgb":
        return _from_rgb(frame.planes[:3], encoding)
    chroma = _colour_differences(frame.planes[1:3], encoding) if encoding.layout == "ycbcr" else None
    return WorkingPicture(_scaled(frame.planes[0], encoding), chroma)


def luma(planes: Sequence[Codes], encoding: Encoding) -> Real:
    """The working picture's luma alone, of picture planes of any one size."""
    if encoding.layout != "rgb":
        return _scaled(planes[0], encoding)
    out = np.empty(planes[0].shape, np.float32)
    for rows in _strips(out):
        red, green, blue = (_scaled(plane[rows], encoding) for plane in planes[:3])
        _weigh(red, green, blue, out[rows])
    return out


def small_chroma(frame: Frame, encoding: Encoding, luma: Real) -> Real | None:
    """Blue and red colour differences (2, h, w) at the size of `luma`, the frame's own luma reduced (h, w); None for film of one plane."""
    size = luma.shape[::-1]
    if encoding.layout == "y":
        return None
    if encoding.layout == "ycbcr":
        planes = _colour_differences(frame.planes[1:3], encoding)
        return np.stack([cv2.resize(plane, size, interpolation=_kernel(plane, luma)) for plane in planes])
    blue, red = (_scaled_to(frame.planes[i], encoding, size) for i in (2, 0))
    return np.stack([(blue - luma) * np.float32(0.5 / (1 - BLUE)), (red - luma) * np.float32(0.5 / (1 - RED))])


def _scaled_to(plane: Codes, encoding: Encoding, size: tuple[int, ...]) -> Real:
    """`_scaled` at another size (width, height); whole-number codes are averaged as they are, to the nearest code, where that will do."""
    if plane.shape[::-1] == size:
        return _scaled(plane, encoding)
    if plane.dtype.kind == "u" and encoding.transfer != "linear":
        return _scaled(np.asarray(cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_AREA)), encoding)
    return np.asarray(cv2.resize(_scaled(plane, encoding), size, interpolation=cv2.INTER_AREA), np.float32)


def _kernel(plane: Real, like: Real) -> int:
    return cv2.INTER_AREA if plane.shape[0] > like.shape[0] or plane.shape[1] > like.shape[1] else cv2.INTER_LINEAR


def small_luma(frame: Frame, encoding: Encoding, width: int) -> Real:
    """The frame's luma reduced to `width` columns (never enlarged), float32, shape in the frame's own proportions, at least 1 row.

    Codes are skipped before they are averaged: every sample of the result still rests on four by four codes or more.
    """
    rows, columns = frame.planes[0].shape
    skip = max(1, columns // (4 * width))
    picture = luma([plane[::skip, ::skip] for plane in frame.planes[: encoding.pictures]][:3], encoding)
    if columns <= width:
        return picture
    return np.asarray(cv2.resize(picture, (width, max(1, round(rows * width / columns))), interpolation=cv2.INTER_AREA), np.float32)


def _from_rgb(planes: Sequence[Codes], encoding: Encoding) -> WorkingPicture:
    out = np.empty((3, *planes[0].shape), np.float32)
    for rows in _strips(out[0]):
        red, green, blue = (_scaled(plane[rows], encoding) for plane in planes)
        bright = _weigh(red, green, blue, out[0][rows])
        cv2.addWeighted(blue, 0.5 / (1 - BLUE), bright, -0.5 / (1 - BLUE), 0, dst=out[1][rows])
        cv2.addWeighted(red, 0.5 / (1 - RED), bright, -0.5 / (1 - RED), 0, dst=out[2][rows])
    return WorkingPicture(out[0], out[1:])


def _weigh(red: Real, green: Real, blue: Real, out: Real) -> Real:
    cv2.addWeighted(red, RED, green, GREEN, 0, dst=out)
    cv2.scaleAdd(blue, BLUE, out, dst=out)
    return out


def _colour_differences(planes: Sequence[Codes], encoding: Encoding) -> Real:
    """Cb and Cr around 0; their codes reach a little further than luma's where the range is limited (224 steps of 8 bits against 219)."""
    reach = (encoding.white - encoding.black) * (224 / 219 if encoding.black > 0 else 1)
    middle = 0.0 if encoding.floating else float(1 << (encoding.bits - 1))
    out = np.empty((2, *planes[0].shape), np.float32)
    for target, plane in zip(out, planes, strict=True):
        for rows in _strips(target):
            _scale(_clean(plane[rows]), middle, reach, target[rows])
    return out


def _scaled(plane: Codes, encoding: Encoding) -> Real:
    """One plane's codes with black 0 and white 1, linear light made perceptual."""
    if encoding.transfer == "linear" and plane.dtype.itemsize <= 2:
        return np.take(_table(encoding), plane.view(np.uint16) if plane.dtype == np.float16 else plane, mode="clip")
    out = np.empty(plane.shape, np.float32)
    for rows in _strips(out):
        _scale(_clean(plane[rows]), encoding.black, encoding.white - encoding.black, out[rows])
    return perceptual_from_linear(out) if encoding.transfer == "linear" else out


def _scale(codes: Real, zero: float, reach: float, out: Real) -> None:
    np.subtract(codes, np.float32(zero), out=out)
    np.multiply(out, np.float32(1 / reach), out=out)


def _clean(codes: Codes) -> Real:
    """Codes as float32, NaN as 0 and Inf as the largest half float, so that no sum downstream is poisoned."""
    values = np.asarray(codes.astype(np.float32))
    if codes.dtype.kind == "f":
        cv2.patchNaNs(values, 0.0)
        np.clip(values, -BRIGHTEST, BRIGHTEST, out=values)
    return values


@lru_cache(maxsize=4)
def _table(encoding: Encoding) -> NDArray[Any]:
    """The perceptual value of every possible 8- or 16-bit linear code (of half floats, by their bits)."""
    codes = np.arange(1 << 16, dtype=np.uint16)
    values = _clean(codes.view(np.float16)) if encoding.floating else codes.astype(np.float32)
    return frozen(perceptual_from_linear((values - np.float32(encoding.black)) / np.float32(encoding.white - encoding.black)))


def _strips(picture: NDArray[Any]) -> list[slice]:
    return [slice(top, top + STRIP) for top in range(0, picture.shape[0], STRIP)]
