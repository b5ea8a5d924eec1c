"""Pictures and maps as bytes and back: PNG and lossless WebP keep every code, JPEG and lossy WebP keep the look; masks are always exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.errors import DatasetError
from frdm.film import Codes, Mask, frozen

Form = Literal["png", "webp", "jpeg"]
LOSSLESS = 101  # OpenCV: a WebP quality above 100
MATTE_STEPS = 65535
TILE = 512  # px of the noise that is laid over pictures, at another place in each


@dataclass(frozen=True, slots=True)
class Coding:
    """How pictures are stored. `quality` None keeps every code; else 1 … 100 as the library counts it."""

    form: Form = "webp"
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise DatasetError(f"quality {self.quality} found, wanted 1 … 100, or none at all to keep every code")
        if self.form == "jpeg" and self.quality is None:
            raise DatasetError("jpeg keeps no exact codes: give a quality, or store png or webp")
        if self.form == "png" and self.quality is not None:
            raise DatasetError(f"png keeps every code and takes no quality, found {self.quality}; leave it out or store webp or jpeg")

    @property
    def exact(self) -> bool:
        """Whether every code comes back."""
        return self.quality is None

    def suffix(self, dtype: np.dtype[Any]) -> str:
        """The suffix of a picture's file; only PNG holds 16 bits."""
        return "png" if dtype == np.uint16 else {"png": "png", "webp": "webp", "jpeg": "jpg"}[self.form]

    def __str__(self) -> str:
        return f"{self.form}, every code kept" if self.exact else f"{self.form} of quality {self.quality}"


def picture_bytes(picture: Codes, coding: Coding) -> bytes:
    """A picture (H, W, 1 or 3) as a file's bytes. 16-bit pictures are PNG; raises `DatasetError` where a quality was asked for them."""
    if picture.dtype == np.uint16:
        if not coding.exact:
            raise DatasetError(f"a 16-bit picture can't be stored as {coding}; leave the quality out, or make 8-bit samples")
        return encoded(".png", picture, [])
    suffix = "." + coding.suffix(picture.dtype)
    if suffix == ".webp":
        return encoded(suffix, picture, [cv2.IMWRITE_WEBP_QUALITY, coding.quality or LOSSLESS])
    if suffix == ".jpg":
        full = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        return encoded(suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, coding.quality or 95, cv2.IMWRITE_JPEG_OPTIMIZE, 1, *full])
    return encoded(suffix, picture, [])


def picture_from(data: bytes, channels: int) -> Codes:
    """The picture (H, W, channels) of a file's bytes. Raises `DatasetError`."""
    picture = decoded(data)
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[2] == 3 and channels == 1:
        return np.ascontiguousarray(picture[..., 1:2])  # WebP has no grey: its three channels are equal, or nearly so when it is lossy
    if picture.shape[2] != channels:
        raise DatasetError(f"a picture of {picture.shape[2]} channels found, wanted {channels}; the pack is broken, make it anew")
    return np.ascontiguousarray(picture[..., ::-1])


def mask_bytes(mask: Mask) -> bytes:
    """A mask (H, W) as a PNG of one bit a pixel."""
    return encoded(".png", mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])


def mask_from(data: bytes) -> Mask:
    """The mask of a PNG's bytes."""
    return np.asarray(decoded(data) > 0)


def map_bytes(name: str, values: NDArray[Any]) -> bytes:
    """One of a sample's maps (H, W) as a PNG: the matte in 65,535 steps, polarity shifted by 1, kinds and ids as they are."""
    if name == "matte":
        return encoded(".png", np.rint(np.clip(values, 0, 1) * MATTE_STEPS).astype(np.uint16), [])
    if name == "polarity":
        return encoded(".png", (values.astype(np.int16) + 1).astype(np.uint8), [])
    return encoded(".png", values.astype(np.uint16 if name == "ids" else np.uint8), [])


def map_from(name: str, data: bytes) -> NDArray[Any]:
    """The map of a PNG's bytes, in the type that `Sample` says."""
    values = decoded(data)
    if name == "matte":
        return np.asarray(values.astype(np.float32) / np.float32(MATTE_STEPS))
    if name == "polarity":
        return np.asarray(values.astype(np.int8) - 1, np.int8)
    return np.asarray(values.astype(np.uint16 if name == "ids" else np.uint8))


def encoded(suffix: str, picture: NDArray[Any], settings: Sequence[int]) -> bytes:
    """The picture's file, R G B turned into the library's order."""
    turned = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 and picture.shape[2] == 3 else picture
    made, data = cv2.imencode(suffix, turned, list(settings))
    if not made:
        raise DatasetError(f"a picture of {picture.shape} can't be stored as {suffix}; this OpenCV was built without it, choose png")
    return data.tobytes()


def decoded(data: bytes) -> NDArray[Any]:
    """The file's picture as the library gives it. Raises `DatasetError`."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise DatasetError("a picture that can't be decoded found; the pack is broken, make it anew")
    return np.asarray(picture)


def dithered(picture: Codes, amount: float, name: str) -> Codes:
    """The picture with triangular noise of standard deviation `amount` codes, always the same for a `name`.

    It breaks up the steps that a codec leaves in flat places, so that blocks are not learned as film's texture.
    """
    if amount <= 0:
        return picture
    down, right = (2 * byte for byte in blake2b(name.encode(), digest_size=2).digest())
    height, width, channels = picture.shape
    more, less = _noise(amount, -(-(height + TILE) // TILE), -(-(width + TILE) // TILE))
    place = slice(down, down + height), slice(right, right + width), slice(channels)
    steps = more[place].astype(picture.dtype), less[place].astype(picture.dtype)
    return np.asarray(cv2.subtract(cv2.add(picture, steps[0]), steps[1])).reshape(picture.shape)  # both stop at the ends of the range


@lru_cache(maxsize=4)
def _noise(amount: float, down: int, across: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(what is added, what is taken off) in codes: one tile of triangular noise, repeated."""
    even = np.random.default_rng(0).random((2, TILE, TILE, 3), np.float32)
    noise = np.rint((even[0] + even[1] - 1) * np.float32(amount * np.sqrt(6)))  # the sum of two even noises of ± 1/2 deviates by 1 / √6
    both = [np.tile(np.clip(part, 0, 255).astype(np.uint8), (down, across, 1)) for part in (noise, -noise)]
    return frozen(both[0]), frozen(both[1])
