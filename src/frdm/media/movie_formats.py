"""Where the code values of each pixel format lie: one table, and one loop each way between a movie's memory and frdm's planes.

A format's memory planes are written as strings of the samples that follow one another in a row: "YUYV" is packed 4:2:2,
("Y", "UV") semi-planar, ("G", "B", "R") planar RGB; "x" is padding. No value is converted: samples kept in the upper bits of a
word are shifted down, nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import av
import numpy as np
from av.video.format import VideoFormat

from frdm.film import Codes, Encoding, Layout, Transfer

_SUBSAMPLINGS = {"410": (4, 4), "411": (4, 1), "420": (2, 2), "422": (2, 1), "440": (1, 2), "444": (1, 1)}
_DEPTHS = (8, 9, 10, 12, 14, 16)


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """One pixel format's memory: `planes` as in the module's docstring, elements of `element`, codes in bits shift … shift+bits-1."""

    name: str
    planes: tuple[str, ...]
    bits: int
    element: np.dtype[Any]
    subsampling: tuple[int, int] = (1, 1)  # (horizontal, vertical)
    shift: int = 0
    full: bool = False  # JPEG range without a tag
    word: str = ""  # samples from the lowest bit up, where all three share an element

    @property
    def samples(self) -> str:
        """The samples that exist, in frdm's plane order, e.g. "RGBA"."""
        present = set("".join(self.planes) + self.word)
        return "".join(letter for letter in "RGBYUVA" if letter in present)

    @property
    def layout(self) -> Layout:
        return "rgb" if "R" in self.samples else "ycbcr" if "U" in self.samples else "y"

    @property
    def floating(self) -> bool:
        return self.element.kind == "f"

    @property
    def padded(self) -> bool:
        """Whether memory holds more than codes, such as the fourth byte of rgb0."""
        return bool(self.word) or any("x" in plane for plane in self.planes)

    def holds(self, encoding: Encoding) -> bool:
        """Whether every code of `encoding` fits exactly, with the same meaning."""
        extra = ("alpha",) if "A" in self.samples else ()
        same = (self.layout, self.bits, self.floating, self.subsampling) == (
            encoding.layout,
            encoding.bits,
            encoding.floating,
            encoding.subsampling,
        )
        return same and len(extra) == len(encoding.extra) and set(encoding.extra) <= {"alpha"}

    def place(self, letter: str) -> tuple[int, int, int]:
        """(memory plane, first element, step in elements) of a sample."""
        if self.word:
            return 0, 0, 1
        index = next(i for i, plane in enumerate(self.planes) if letter in plane)
        plane = self.planes[index]
        return index, plane.index(letter), len(plane) // plane.count(letter)

    def bit(self, letter: str) -> int:
        """The lowest bit of a sample in its element."""
        return self.shift + self.bits * self.word.index(letter) if self.word else self.shift


def _both_orders(name: str, bits: int, kind: str = "u") -> Iterator[tuple[str, np.dtype[Any]]]:
    size = 1 if bits <= 8 and kind == "u" else 2 if bits <= 16 else 4
    if size == 1:
        yield name, np.dtype(np.uint8)
        return
    for suffix, order in (("le", "<"), ("be", ">")):
        yield name + suffix, np.dtype(f"{order}{kind}{size}")


def _planar() -> Iterator[PixelFormat]:
    for digits, subsampling in _SUBSAMPLINGS.items():
        yield PixelFormat(f"yuvj{digits}p", ("Y", "U", "V"), 8, np.dtype(np.uint8), subsampling, full=True)
        for bits in _DEPTHS:
            depth = "" if bits == 8 else str(bits)
            for name, element in _both_orders(f"yuv{digits}p{depth}", bits):
                yield PixelFormat(name, ("Y", "U", "V"), bits, element, subsampling)
                yield PixelFormat(name.replace("yuv", "yuva"), ("Y", "U", "V", "A"), bits, element, subsampling)
    for bits in _DEPTHS:
        depth = "" if bits == 8 else str(bits)
        for stem, planes in (("gray", ("Y",)), ("gbrp", ("G", "B", "R")), ("gbrap", ("G", "B", "R", "A"))):
            for name, element in _both_orders(f"{stem}{depth}", bits):
                yield PixelFormat(name, planes, bits, element)
    for bits in (10, 12):
        for stem, planes in (("yuv444p", ("Y", "U", "V")), ("gbrp", ("G", "B", "R"))):
            for name, element in _both_orders(f"{stem}{bits}msb", bits):
                yield PixelFormat(name, planes, bits, element, shift=16 - bits)


def _floats() -> Iterator[PixelFormat]:
    for stem, planes in (
        ("gray", ("Y",)),
        ("ya", ("YA",)),
        ("gbrp", ("G", "B", "R")),
        ("gbrap", ("G", "B", "R", "A")),
        ("rgb", ("RGB",)),
        ("rgba", ("RGBA",)),
    ):
        for bits in (16, 32):
            for name, element in _both_orders(f"{stem}f{bits}", bits, "f"):
                yield PixelFormat(name, planes, bits, element)


def _packed() -> Iterator[PixelFormat]:
    eight = {"rgb24": "RGB", "bgr24": "BGR", "rgba": "RGBA", "bgra": "BGRA", "argb": "ARGB", "abgr": "ABGR"}
    eight |= {"rgb0": "RGBx", "bgr0": "BGRx", "0rgb": "xRGB", "0bgr": "xBGR", "ya8": "YA"}
    eight |= {"ayuv": "AYUV", "uyva": "UYVA", "vuya": "VUYA", "vuyx": "VUYx", "vyu444": "VYU"}
    for name, order in eight.items():
        yield PixelFormat(name, (order,), 8, np.dtype(np.uint8))
    for name in ("yuyv422", "uyvy422", "yvyu422"):
        yield PixelFormat(name, (name[:4].upper(),), 8, np.dtype(np.uint8), (2, 1))
    wide = {
        "rgb48": "RGB",
        "bgr48": "BGR",
        "rgba64": "RGBA",
        "bgra64": "BGRA",
        "ya16": "YA",
        "ayuv64": "AYUV",
        "xv48": "UYVx",
        "xv36": "UYVx",
    }
    for stem, order in wide.items():
        bits = 12 if stem == "xv36" else 16
        for name, element in _both_orders(stem, bits):
            yield PixelFormat(name, (order,), bits, element, shift=16 - bits)
    for stem, word, shift in (("v30x", "UYV", 2), ("xv30", "UYV", 0), ("x2rgb10", "BGR", 0), ("x2bgr10", "RGB", 0)):
        for suffix, order in (("le", "<"), ("be", ">")):
            yield PixelFormat(stem + suffix, (), 10, np.dtype(f"{order}u4"), shift=shift, word=word)
    for bits in (10, 12, 16):
        for name, element in _both_orders(f"y2{bits}", bits):
            yield PixelFormat(name, ("YUYV",), bits, element, (2, 1), shift=16 - bits)


def _semi_planar() -> Iterator[PixelFormat]:
    for name, digits, order in (
        ("nv12", "420", "UV"),
        ("nv21", "420", "VU"),
        ("nv16", "422", "UV"),
        ("nv24", "444", "UV"),
        ("nv42", "444", "VU"),
    ):
        yield PixelFormat(name, ("Y", order), 8, np.dtype(np.uint8), _SUBSAMPLINGS[digits])
    for name, element in _both_orders("nv20", 10):
        yield PixelFormat(name, ("Y", "UV"), 10, element, (2, 1))
    for digit, digits in (("0", "420"), ("2", "422"), ("4", "444")):
        for bits in (10, 12, 16):
            for name, element in _both_orders(f"p{digit}{bits}", bits):
                yield PixelFormat(name, ("Y", "UV"), bits, element, _SUBSAMPLINGS[digits], shift=16 - bits)


def _known() -> Iterator[PixelFormat]:
    """The formats above that the installed FFmpeg knows."""
    for source in (_planar(), _floats(), _packed(), _semi_planar()):
        for entry in source:
            try:
                VideoFormat(entry.name)
            except ValueError:
                continue
            yield entry


PIXEL_FORMATS: Mapping[str, PixelFormat] = MappingProxyType({entry.name: entry for entry in _known()})


def _window(memory: av.VideoFrame, format_: PixelFormat, letter: str) -> Codes:
    """A view on one sample's places in `memory`, rows × columns of elements, still shifted and in the format's byte order."""
    index, first, step = format_.place(letter)
    plane = memory.planes[index]
    lines: Codes = np.frombuffer(plane, np.uint8).reshape(plane.height, abs(plane.line_size))  # type: ignore[call-overload]
    if plane.line_size < 0:
        lines = lines[::-1]
    horizontal, vertical = format_.subsampling if letter in "UV" else (1, 1)
    rows, columns = -(-memory.height // vertical), -(-memory.width // horizontal)
    size = format_.element.itemsize
    words = lines[:rows, : lines.shape[1] // size * size].view(format_.element)
    return words[:, first::step][:, :columns]


def planes_of(memory: av.VideoFrame, format_: PixelFormat) -> tuple[Codes, ...]:
    """Copy a decoded picture into native code planes."""
    planes = []
    for letter in format_.samples:
        words = _window(memory, format_, letter)
        codes = words.astype(format_.element.newbyteorder("="), order="C")
        if format_.word or format_.shift:
            codes = ((codes >> format_.bit(letter)) & ((1 << format_.bits) - 1)).astype(np.uint16)
        planes.append(codes)
    return tuple(planes)


def fill_memory(memory: av.VideoFrame, format_: PixelFormat, planes: Sequence[Codes]) -> None:
    """Copy native code planes into a picture that was just allocated; padding becomes 0, so that equal codes give equal bytes."""
    for plane in memory.planes:
        np.frombuffer(plane, np.uint8)[:] = 0  # type: ignore[call-overload]
    for letter, codes in zip(format_.samples, planes, strict=True):
        window = _window(memory, format_, letter)
        if format_.word:
            window |= codes.astype(np.uint32) << format_.bit(letter)
        else:
            window[:] = codes << format_.shift if format_.shift else codes


def holding(encoding: Encoding, names: Iterable[str], *, first: str = "") -> list[str]:
    """The pixel formats among `names` that hold every code of `encoding`, best first: `first`, then the plainest."""
    able = [name for name in names if name in PIXEL_FORMATS and PIXEL_FORMATS[name].holds(encoding)]
    return sorted(able, key=lambda name: (name != first, PIXEL_FORMATS[name].padded, -len(PIXEL_FORMATS[name].planes), name.endswith("be")))


_RANGES: Mapping[int, Literal["limited", "full"]] = MappingProxyType({1: "limited", 2: "full"})  # AVColorRange
_TRANSFERS: Mapping[int, Transfer] = MappingProxyType({8: "linear", 9: "log", 10: "log", 13: "srgb"})  # AVColorTransferCharacteristic
_MATRICES: Mapping[int, Literal["bt601", "bt709", "bt2020"]] = MappingProxyType(  # AVColorSpace
    {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020"}
)
SD_HEIGHT = 576  # lines up to which untagged YCbCr is taken as BT.601, as players do


@dataclass(frozen=True, slots=True)
class ColourTags:
    """A stream's colour description in FFmpeg's numbers (0 or 2: not given)."""

    range: int = 0
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2


def encoding_of(format_: PixelFormat, tags: ColourTags, height: int, transfer: Transfer) -> Encoding:
    """The encoding of a movie in `format_`: black and white from the range tag.

    Without one YCbCr is limited, RGB and grey are full, as players take them.
    """
    untagged: Literal["limited", "full"] = "limited" if format_.layout == "ycbcr" and not format_.full else "full"
    unit = 2.0 ** (format_.bits - 8)
    black, white = 0.0, 1.0 if format_.floating else 256 * unit - 1
    if _RANGES.get(tags.range, untagged) == "limited" and not format_.floating:
        black, white = 16 * unit, 235 * unit
    matrix = _MATRICES.get(tags.matrix, "bt601" if height <= SD_HEIGHT else "bt709")
    extra = ("alpha",) if "A" in format_.samples else ()
    return Encoding(format_.layout, format_.bits, format_.floating, format_.subsampling, transfer, black, white, matrix, extra)


def tagged_transfer(tags: ColourTags) -> Transfer:
    """What the transfer tag says; "video" is the norm of untagged movies."""
    return _TRANSFERS.get(tags.transfer, "video")


def described(encoding: Encoding) -> str:
    """An encoding in a user's words, e.g. "10-bit 4:2:2 YCbCr with alpha"."""
    depth = f"{encoding.bits}-bit {'float ' if encoding.floating else ''}"
    names: dict[tuple[int, int], str] = {sub: ":".join(digits) for digits, sub in _SUBSAMPLINGS.items()}
    body = {"y": "grey", "rgb": "RGB", "ycbcr": f"{names.get(encoding.subsampling, '')} YCbCr"}[encoding.layout]
    return depth + body + (f" with {' and '.join(encoding.extra)}" if encoding.extra else "")
