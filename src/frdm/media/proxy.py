"""Small movies for looking at: H.264 in MP4, 4:2:0, never a film's output."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from frdm.errors import OutputError


def write_proxy(path: Path, pictures: Iterable[NDArray[np.uint8]], *, rate: Fraction) -> None:
    """Write 8-bit sRGB pictures of one size (height × width × 3) as a movie that stands under its name when it is whole.

    Odd sizes lose their last row or column. Raises `OutputError`.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as movie:
            encode(movie, pictures, rate)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: the movie can't be written ({error.strerror}); choose another place") from None
    finally:
        part.unlink(missing_ok=True)


def encode(movie: Any, pictures: Iterable[NDArray[np.uint8]], rate: Fraction) -> None:
    """Encode the pictures as the movie's only stream."""
    stream = None
    for picture in pictures:
        even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        if stream is None:
            stream = movie.add_stream("libx264", rate=rate, options={"crf": "16", "preset": "veryfast"})
            stream.height, stream.width = even.shape[:2]
            stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        movie.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))  # with more threads swscale's result is not always the same
    if stream is not None:
        movie.mux(stream.encode())
