"""Pictures with alpha that are laid over a scan: EXR has its colours multiplied by alpha, PNG has not, as their standards want."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.errors import OutputError
from frdm.media.timecode import timecode_bits


def encode_png(picture: NDArray[Any]) -> bytes:
    """A PNG's bytes of (height, width, R G B A) in 8 or 16 bits, colours not multiplied by alpha; no chunk says how to read its codes."""
    import cv2

    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data.tobytes()


def write_exr(path: Path, picture: NDArray[Any], *, rate: Fraction, aspect: Fraction, timecode: str | None) -> None:
    """Write (height, width, R G B A) of half or float, colours multiplied by alpha. Raises `OutputError`."""
    import OpenImageIO

    height, width, channels = picture.shape
    spec: Any = OpenImageIO.ImageSpec(width, height, channels, "half" if picture.dtype == np.float16 else "float")
    spec["compression"] = "zips"  # what compositors read fastest
    spec["DateTime"] = ""  # else the time of writing, and no two runs would give the same file
    spec["PixelAspectRatio"] = float(aspect)
    spec.attribute("FramesPerSecond", OpenImageIO.TypeDesc("rational"), (rate.numerator, rate.denominator))
    if timecode is not None:
        spec.attribute("smpte:TimeCode", OpenImageIO.TypeDesc("timecode"), (timecode_bits(timecode), 0))
    out: Any = OpenImageIO.ImageOutput.create("openexr")
    whole = out.open(str(path), spec) and out.write_image(np.ascontiguousarray(picture))
    reason = out.geterror()
    if not (out.close() and whole):
        reason = " ".join((reason or out.geterror()).split()).rstrip(".")
        raise OutputError(f"{path}: it can't be written ({reason}); look at the disk and run the command again")
