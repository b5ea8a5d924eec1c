"""A lossy movie codec and back, in memory."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.errors import MediaError
from frdm.media.recode import recode


def film(frames: int, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Soft coloured noise that moves by a pixel a frame."""
    noise = np.random.default_rng(7).random((height, width + frames, 3), dtype=np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 4)
    codes = np.rint((picture - picture.min()) / (picture.max() - picture.min()) * 255).astype(np.uint8)
    return np.stack([codes[:, f : f + width, :channels] for f in range(frames)])


@pytest.mark.parametrize("codec", ["mpeg2", "mpeg4", "h264"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_codec_keeps_shape_and_order_and_loses_more_at_lower_quality(codec: str, channels: int) -> None:
    codes = film(5, 45, 63, channels)
    low, high = (recode(codes, codec, quality).astype(int) for quality in (10, 95))
    assert low.shape == high.shape == codes.shape
    assert np.abs(high - codes).mean() < 5
    assert np.abs(high - codes).mean() < np.abs(low - codes).mean()
    nearest = [int(np.argmin([np.abs(frame - other).mean() for other in codes.astype(int)])) for frame in high]
    assert nearest == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("codec", ["mpeg2", "mpeg4", "h264"])
def test_the_same_frames_give_the_same_bytes(codec: str) -> None:
    codes = film(4, 32, 48, 3)
    assert np.array_equal(recode(codes, codec, 60), recode(codes, codec, 60))


def test_grey_stays_at_its_level() -> None:
    flat = np.full((2, 32, 32, 1), 90, np.uint8)
    assert np.abs(recode(flat, "mpeg2", 90).astype(int) - 90).max() <= 2


def test_an_unknown_codec_is_told_in_a_sentence() -> None:
    with pytest.raises(MediaError, match="mpeg2, mpeg4, h264"):
        recode(film(1, 16, 16, 3), "indeo", 50)
