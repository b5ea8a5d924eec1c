"""Single pictures that a person gives along with a film: mattes in PNG, TIFF or EXR."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frdm.errors import MediaError
from frdm.film import Real, frozen

SUFFIXES = (".png", ".tif", ".tiff", ".exr")


@dataclass(frozen=True, slots=True, eq=False)
class MattePicture:
    """A picture's luminance and alpha channel, float32 (height, width); integer codes are scaled to 0 … 1, floats are as they are."""

    luma: Real
    alpha: Real | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "luma", frozen(self.luma))
        if self.alpha is not None:
            object.__setattr__(self, "alpha", frozen(self.alpha))


def read_matte(path: Path) -> MattePicture:
    """Read a picture; colours are weighed as BT.709 does, on the codes. Raises `MediaError`."""
    import OpenImageIO

    if not path.is_file():
        raise MediaError(f"{path}: no such picture; give a PNG, TIFF or EXR that exists")
    hints = OpenImageIO.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)  # colours as they are stored, not multiplied by alpha
    file = OpenImageIO.ImageInput.open(str(path), hints)
    if file is None:
        raise MediaError(f"{path}: can't be read as a picture ({_reason(OpenImageIO.geterror())}); give a PNG, TIFF or EXR")
    try:
        spec = file.spec()
        pixels = file.read_image(OpenImageIO.FLOAT)
        if pixels is None:
            raise MediaError(f"{path}: is broken ({_reason(file.geterror())}); export it again")
    finally:
        file.close()
    values = np.asarray(pixels, np.float32).reshape(spec.height, spec.width, spec.nchannels)
    alpha = values[..., spec.alpha_channel] if spec.alpha_channel >= 0 and spec.nchannels > 1 else None
    colours = [values[..., c] for c in range(spec.nchannels) if alpha is None or c != spec.alpha_channel]
    luma = 0.2126 * colours[0] + 0.7152 * colours[1] + 0.0722 * colours[2] if len(colours) >= 3 else colours[0]
    return MattePicture(luma, alpha)


def _reason(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else "no reason given"
