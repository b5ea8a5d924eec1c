"""A short film through a lossy movie codec and back, in memory: what old copies on disc and tape went through."""

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from frdm.errors import MediaError

ENCODERS = {"mpeg2": "mpeg2video", "mpeg4": "mpeg4", "h264": "libx264"}
DECODERS = {"mpeg2": "mpeg2video", "mpeg4": "mpeg4", "h264": "h264"}


def recode(frames: NDArray[np.uint8], codec: str, quality: int) -> NDArray[np.uint8]:
    """`frames` (T, H, W, C) of 8 bits, C = 1 or 3 (R, G, B), as they come back from `codec` at `quality` 1 (worst) … 100 (best).

    4:2:0 in one thread, so that the same frames give the same bytes. Raises `MediaError` for a codec that this FFmpeg lacks.
    """
    encoder = _encoder(codec)
    length, height, width, channels = frames.shape
    padded = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    if channels == 1:
        padded = np.repeat(padded, 3, axis=3)
    back = [picture.to_ndarray(format="rgb24")[:height, :width] for picture in _decoded(codec, _packets(encoder, padded, quality))]
    if len(back) != length:
        raise MediaError(f"{codec} gave {len(back)} frames back where {length} went in; choose another codec")
    return np.asarray(np.stack(back)[..., :channels], np.uint8)


def _encoder(codec: str) -> VideoCodecContext:
    try:
        return cast(VideoCodecContext, av.CodecContext.create(ENCODERS[codec], "w"))
    except (KeyError, av.error.FFmpegError):
        raise MediaError(f'no encoder for "{codec}" is in this FFmpeg; give one of {", ".join(ENCODERS)}') from None


def _packets(encoder: VideoCodecContext, frames: NDArray[np.uint8], quality: int) -> Iterator[bytes]:
    encoder.width, encoder.height, encoder.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(24), Fraction(1, 24)
    encoder.thread_count = 1
    if encoder.name == "libx264":
        encoder.options = {"crf": str(round(45 - 0.33 * quality)), "preset": "veryfast"}
    else:
        worst = round(31 - 0.29 * quality)
        encoder.qmin = encoder.qmax = max(2, worst)
    for number, codes in enumerate(frames):
        picture = VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv420p")
        picture.pts = number
        yield from (bytes(packet) for packet in encoder.encode(picture))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _decoded(codec: str, packets: Iterator[bytes]) -> Iterator[VideoFrame]:
    decoder = cast(VideoCodecContext, av.CodecContext.create(DECODERS[codec], "r"))
    decoder.thread_count = 1
    for data in packets:
        yield from decoder.decode(av.Packet(data))
    yield from decoder.decode(None)
