"""The nouns of frdm: frozen types over numpy arrays, used by every room.

Knows nothing of files, codecs, flow or databases. Positions are (row, column); boxes and ranges are half-open; arrays inside types are
read-only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[Any]  # native code values: uint8, uint16, float16 or float32
Mask = NDArray[np.bool_]
Real = NDArray[np.float32]

Layout = Literal["y", "rgb", "ycbcr"]
Transfer = Literal["video", "srgb", "log", "linear"]
Kind = Literal["dirt", "hair", "scratch", "line", "stain", "burn", "gate hair", "spot", "splice", "tear", "cue mark"]
Polarity = Literal["dark", "bright", "mixed"]
Status = Literal["accepted", "rejected", "held"]

WHOLE = 65535  # a matte sample that is entirely repair


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view of `array` (the array itself stays as it is)."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class KindRule:
    """What frdm does with one kind of defect unless told otherwise."""

    polarity: Polarity | None  # the only polarity that occurs, None: either
    label: Literal["dirt", "line", "other"]  # the class the learned detector gives it
    keep: bool  # left alone by default
    persistent: bool  # stands in one place for many frames


KINDS: Mapping[Kind, KindRule] = MappingProxyType(
    {
        "dirt": KindRule(None, "dirt", keep=False, persistent=False),
        "hair": KindRule(None, "dirt", keep=False, persistent=False),
        "scratch": KindRule(None, "dirt", keep=False, persistent=False),
        "line": KindRule(None, "line", keep=False, persistent=True),
        "stain": KindRule(None, "dirt", keep=False, persistent=False),
        "burn": KindRule(None, "other", keep=False, persistent=False),
        "gate hair": KindRule("dark", "other", keep=False, persistent=True),
        "spot": KindRule(None, "other", keep=False, persistent=True),
        "splice": KindRule(None, "other", keep=True, persistent=False),
        "tear": KindRule(None, "other", keep=False, persistent=False),
        "cue mark": KindRule(None, "other", keep=True, persistent=True),
    }
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a film's code values lie in its planes and what they mean.

    Picture planes come first (Y, or R G B, or Y Cb Cr), then `extra` planes (alpha, infrared …) at full size, which are never repaired.
    """

    layout: Layout
    bits: int  # significant bits of an integer code, 8 … 16; 16 or 32 for floats
    floating: bool = False
    subsampling: tuple[int, int] = (1, 1)  # (horizontal, vertical) of Cb and Cr
    transfer: Transfer = "video"
    black: float = 0.0  # luma (or R, G, B) code of black
    white: float = 255.0  # … and of white
    matrix: Literal["bt601", "bt709", "bt2020"] = "bt709"
    extra: tuple[str, ...] = ()

    @property
    def pictures(self) -> int:
        """Number of picture planes, 1 or 3."""
        return 1 if self.layout == "y" else 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one code value in memory."""
        if self.floating:
            return np.dtype(np.float16 if self.bits == 16 else np.float32)
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    def step(self, plane: int) -> tuple[int, int]:
        """(vertical, horizontal) size in luma pixels of one sample of `plane`."""
        chroma = self.layout == "ycbcr" and plane in (1, 2)
        return (self.subsampling[1], self.subsampling[0]) if chroma else (1, 1)

    def plane_shape(self, plane: int, height: int, width: int) -> tuple[int, int]:
        """(rows, columns) of `plane` in a frame of height × width; odd sizes round up."""
        vertical, horizontal = self.step(plane)
        return -(-height // vertical), -(-width // horizontal)


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What is known of a film before a frame is decoded."""

    path: Path
    width: int
    height: int
    rate: Fraction  # frames a second; for variable rates the average
    length: int  # number of frames
    encoding: Encoding
    container: str  # "dpx", "exr", "tiff", "png", or the movie's format ("matroska" …)
    codec: str = ""  # movies: the decoder's name
    pixel_aspect: Fraction = Fraction(1)
    names: tuple[str, ...] = ()  # sequences: one file name a frame
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame's native code planes; `index` counts from 0 in the whole film."""

    index: int
    planes: tuple[Codes, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "planes", tuple(frozen(p) for p in self.planes))


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """Frames start … stop-1 between two cuts."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The unit of work: a shot, or a piece of at most `Recipe.span` frames of it; done wholly or not at all."""

    shot: Shot
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A place in one frame, in luma pixels; rows top … bottom-1, columns left … right-1."""

    frame: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    def on_plane(self, encoding: Encoding, plane: int) -> tuple[slice, slice]:
        """(rows, columns) of every sample of `plane` that the box touches."""
        v, h = encoding.step(plane)
        return slice(self.top // v, -(-self.bottom // v)), slice(self.left // h, -(-self.right // h))


@dataclass(frozen=True, slots=True, eq=False)
class Defect:
    """Something found: where, what, how sure. `mask` has the box's shape; `confidence` is in 0 … 1."""

    kind: Kind
    polarity: Polarity
    box: Box
    mask: Mask
    confidence: float
    track: int | None = None  # defects of one standing line or hair share a number

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", frozen(self.mask))


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The pixels of a repair, per picture plane and at that plane's resolution.

    `mattes` are 16-bit (0 … 65535 = none … whole); `codes` are fills at scan depth, stored whole, so that taking one repair back never
    needs another.
    Plane p covers `box.on_plane(encoding, p)`.
    """

    box: Box
    mattes: tuple[NDArray[np.uint16], ...]
    codes: tuple[Codes, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mattes", tuple(frozen(m) for m in self.mattes))
        object.__setattr__(self, "codes", tuple(frozen(c) for c in self.codes))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fill came from: enough to make it again and to tell real film from invention."""

    engine: str  # "neighbours", "across" (lines), "diffusion", "painted"
    sources: tuple[int, ...] = ()  # frame numbers that gave pixels, main source first
    weights: str = ""  # sha256 of the network's weights
    seed: int | None = None
    trust: float = 0.0  # 0 … 1, of the main source at this place
    detector: str = "classical"  # "classical", "eye", "dirt map", "person"


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """A defect with its fill. `id` is stable over runs: `frame-ordinal`, e.g. `000123-004`."""

    id: str
    defect: Defect
    patch: Patch
    provenance: Provenance
    status: Status = "accepted"


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A defect that was found and not touched, with the reason in words."""

    id: str
    defect: Defect
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class MendedFrame:
    """What analysis says of one frame: its repairs, what was held, and the noise it measured (working units, 0 … 1)."""

    frame: Frame
    repairs: tuple[Repair, ...]
    held: tuple[Held, ...]
    noise: float
    repeats: int | None = None  # index of the frame that this one repeats, in a cadence with doubled frames
