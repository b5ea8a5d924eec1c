"""How a copied film was stored: at a smaller size, as JPEG frames, as an MPEG movie."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real


@dataclass(frozen=True, slots=True)
class CodecLook:
    """One reel's storage; None is not done. `factor` of size, qualities 1 … 100."""

    factor: float | None
    jpeg: int | None
    mpeg: int | None
    codec: str = "mpeg2"


def stored_frame(frame: Real, look: CodecLook) -> Real:
    """A frame (H, W, C) 0 … 1 as it comes back from a smaller size and from JPEG, which leaves 8-bit values."""
    if look.factor is not None:
        frame = resized(frame, look.factor)
    if look.jpeg is None:
        return frame
    codes = stored(np.rint(frame * 255).astype(np.uint8), look.jpeg)
    return codes.astype(np.float32) * np.float32(1 / 255)


def stored_movie(film: Real, look: CodecLook) -> Real:
    """A film (T, H, W, C) 0 … 1 as it comes back from a movie codec, in 8-bit values."""
    if look.mpeg is None:
        return film
    from frdm.media.recode import recode

    codes = recode(np.rint(film * 255).astype(np.uint8), look.codec, look.mpeg)
    return codes.astype(np.float32) * np.float32(1 / 255)


def resized(frame: Real, factor: float) -> Real:
    """A frame (H, W, C) made smaller by `factor` and large again, held to 0 … 1."""
    small = [max(1, round(size * factor)) for size in frame.shape[:2]]
    grown = scaled(scaled(frame, small[0], small[1]), *frame.shape[:2])
    return np.asarray(np.clip(grown, 0, 1), np.float32)


def scaled(frame: Real, height: int, width: int) -> Real:
    """A frame (H, W, C) at another size: means over areas when it shrinks, cubic when it grows."""
    shrinks = height * width < frame.shape[0] * frame.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, (width, height), interpolation=how), np.float32).reshape(height, width, frame.shape[2])


def stored(frame: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """An 8-bit frame (H, W, C) through JPEG."""
    colour = frame.shape[-1] == 3
    done, data = cv2.imencode(".jpg", frame[..., ::-1] if colour else frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    back = cv2.imdecode(data, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
    assert back is not None
    out = back[..., ::-1] if colour else back[..., None]
    return np.ascontiguousarray(out, np.uint8)
