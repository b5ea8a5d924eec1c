"""DPX pictures (SMPTE 268M): headers read with patience, code values unpacked, single words replaced in a copy of the file."""

import dataclasses
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from frdm.errors import TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.film import Codes, Encoding, Mask, Transfer
from frdm.media.dpx_words import Method, Packing, Place, decode, packing, replace
from frdm.media.still import Still, read_bytes, require_same

_UNDEFINED = 0xFFFFFFFF
_CHANNELS = {0: "Y", 1: "R", 2: "G", 3: "B", 4: "A", 6: "Y", 8: "Z", 50: "RGB", 51: "RGBA", 52: "ABGR"}
_NAMES = {"A": "alpha", "Z": "depth"}
_TRANSFERS: dict[int, Transfer] = {1: "log", 2: "linear", 3: "log", 13: "log", **dict.fromkeys((4, 5, 6, 7, 8, 9, 10), "video")}
_METHODS: tuple[Method, ...] = ("packed", "filled A", "filled B")
_HEADER = 2048
_TEXTS = {"creator": (160, 100), "project": (260, 200), "copyright": (460, 200), "input device": (1556, 32), "slate": (1764, 100)}


@dataclass(frozen=True, slots=True)
class Element:
    """One picture element of a DPX file as its header has it."""

    channels: str  # e.g. "RGB", "Y", "ABGR", in the order they lie in the file
    bits: int
    method: Method
    transfer: int
    low: int
    high: int
    offset: int
    line_padding: int


@dataclass(frozen=True, slots=True)
class Header:
    """What frdm uses of a DPX header."""

    width: int
    height: int
    order: Literal["<", ">"]
    elements: tuple[Element, ...]
    pixel_aspect: Fraction
    rate: Fraction | None
    interlaced: bool
    metadata: dict[str, str]

    @property
    def names(self) -> str:
        """All channels of all elements, in file order."""
        return "".join(element.channels for element in self.elements)


class Dpx:
    """The format of .dpx files."""

    container = "dpx"

    def describe(self, path: Path, transfer: Transfer | None) -> Still:
        return still(read_header(path), path, transfer)

    def read(self, path: Path, wanted: Still) -> tuple[Codes, ...]:
        data = read_bytes(path)
        header = parse(data, path)
        require_same(path, still(header, path, wanted.encoding.transfer), wanted)
        return planes_of(data, header, path)

    def rewrite(self, source: Path, target: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> None:
        data = read_bytes(source)
        replace_words(data, parse(data, source), source, planes=planes, changed=changed)
        target.write_bytes(data)


def read_header(path: Path) -> Header:
    """The header alone; the picture isn't read."""
    try:
        with path.open("rb") as stream:
            return parse(stream.read(_HEADER), path)
    except OSError as error:
        raise UnreadableFrame(f"{path}: {error.strerror or error}; put the frame back or leave it out with --range") from None


def parse(data: bytes | bytearray, path: Path) -> Header:
    """The header in a file's first bytes (2048 are enough)."""
    orders: dict[bytes, Literal["<", ">"]] = {b"SDPX": ">", b"XPDS": "<"}
    order = orders.get(bytes(data[:4]))
    if order is None or len(data) < 1408:
        found = "an empty file" if not data else f"{len(data)} bytes" if order else f"first bytes {bytes(data[:4])!r}"
        raise UnreadableFrame(f"{path}: {found} found, a DPX header (SDPX or XPDS) wanted; the frame is broken or no DPX, export it anew")
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    data = bytes(data[: min(_HEADER, first if first >= 1408 else _HEADER)])  # short headers are seen: what follows is picture
    data += b"\xff" * (_HEADER - len(data))
    count, width, height = struct.unpack_from(f"{order}HII", data, 770)
    if not (0 < width <= 1 << 20 and 0 < height <= 1 << 20):
        raise UnreadableFrame(f"{path}: the header says {width}×{height} pixels; the frame is broken, export it anew")
    count = count if 1 <= count <= 8 else 1  # 0 and garbage are seen from writers that only know one element
    elements = tuple(_element(data, order, number=number, path=path) for number in range(count))
    return Header(
        width,
        height,
        order,
        _with_offsets(elements, first),
        _pixel_aspect(data, order),
        _rate(data, order),
        data[1928] == 1,
        _texts(data),
    )


def _element(data: bytes, order: str, *, number: int, path: Path) -> Element:
    sign, low, _, high, _, descriptor, transfer, _, bits, method, encoding, offset, padding = struct.unpack_from(
        f"{order}IIIIIBBBBHHII", data, 780 + 72 * number
    )
    where = f"{path}: element {number + 1}"
    if descriptor not in _CHANNELS:
        kind = "YCbCr" if 100 <= descriptor <= 103 else "an unknown kind"
        wanted = "frdm reads RGB, RGBA, ABGR and Y, convert it to one of them"
        raise UnsupportedFilm(f"{where} has {kind} of picture (descriptor {descriptor}); {wanted}")
    if bits not in (8, 10, 12, 16):
        raise UnsupportedFilm(f"{where} has {bits} bits a component; frdm reads DPX of 8, 10, 12 and 16 bits, convert it to one of them")
    if encoding == 1:
        raise UnsupportedFilm(f"{where} is run-length encoded, which frdm doesn't read; export it without compression")
    if sign == 1:
        raise UnsupportedFilm(f"{where} has signed code values, which frdm doesn't read; export it with unsigned ones")
    known: Method = _METHODS[method] if method < len(_METHODS) else "filled A"  # by far the most common
    padding = 0 if padding == _UNDEFINED else padding
    return Element(_CHANNELS[descriptor], bits, known, transfer, low, high, offset, padding)


def _with_offsets(elements: tuple[Element, ...], first: int) -> tuple[Element, ...]:
    """The first element's offset is often undefined or 0, then the file header's holds; later ones' 0 means: right after the one before."""
    fixed = []
    for number, element in enumerate(elements):
        offset = element.offset
        if offset in (0, _UNDEFINED) or offset < 1408:
            offset = 0 if number else (first if 1408 <= first < _UNDEFINED else _HEADER)
        fixed.append(dataclasses.replace(element, offset=offset))
    return tuple(fixed)


def _pixel_aspect(data: bytes, order: str) -> Fraction:
    across, down = struct.unpack_from(f"{order}II", data, 1628)
    sane = 0 < across < 1 << 24 and 0 < down < 1 << 24 and 1 / 8 <= across / down <= 8
    return Fraction(across, down) if sane else Fraction(1)


def _rate(data: bytes, order: str) -> Fraction | None:
    """Frames a second of the film header, else of the television header."""
    for offset in (1724, 1940):
        (value,) = struct.unpack_from(f"{order}f", data, offset)
        if math.isfinite(value) and 1 <= value <= 1000:
            whole, ntsc = Fraction(value).limit_denominator(1000), Fraction(round(value * 1.001) * 1000, 1001)
            return ntsc if abs(float(ntsc) - value) < 0.002 and whole.denominator != 1 else whole
    return None


def _texts(data: bytes) -> dict[str, str]:
    texts = {name: data[at : at + size].split(b"\0")[0].split(b"\xff")[0].decode("latin-1").strip() for name, (at, size) in _TEXTS.items()}
    return {name: text for name, text in texts.items() if text}


def still(header: Header, path: Path, transfer: Transfer | None) -> Still:
    """What the header says as frdm's own words; raises `TransferUnknown` where it says nothing and `transfer` neither."""
    order = channel_order(header, path)
    layout: Literal["rgb", "y"] = "rgb" if order[0][2] == "R" else "y"
    count = 3 if layout == "rgb" else 1
    main = header.elements[order[0][0]]
    depths = {header.elements[e].bits for e, _, _ in order[:count]}
    if len(depths) != 1:
        raise UnsupportedFilm(f"{path}: R, G and B have different depths ({sorted(depths)} bits), one was wanted; convert it to one depth")
    known = transfer or _transfer(main, header, path)
    black, white = _reference(main, known)
    extra = tuple(_NAMES.get(letter, letter) for _, _, letter in order[count:])
    encoding = Encoding(layout, main.bits, transfer=known, black=black, white=white, extra=_numbered(extra))
    return Still(header.width, header.height, encoding, header.rate, header.pixel_aspect, header.interlaced, header.metadata)


def _numbered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if names.index(name) == number else f"{name} {number + 1}" for number, name in enumerate(names))


def _transfer(main: Element, header: Header, path: Path) -> Transfer:
    known = _TRANSFERS.get(main.transfer)
    if known == "linear" and header.metadata.get("creator", "").startswith("Lavc"):
        known = None  # ffmpeg writes "linear" into every DPX, whatever the codes are
    if known is None:
        raise TransferUnknown(
            f"{path}: the header doesn't say what the codes mean (transfer characteristic {main.transfer}); "
            "give --transfer log for film scans in Cineon log, video, srgb or linear"
        )
    return known


def _reference(main: Element, transfer: Transfer) -> tuple[float, float]:
    """Codes of black and white: the header's where they are sane, else Cineon's 95 … 685 for log and the full range for all others."""
    top = (1 << main.bits) - 1
    sane = 0 <= main.low < main.high <= top and main.high - main.low >= top // 4
    if transfer == "log":
        scale = 2.0 ** (main.bits - 10)
        narrower = sane and main.low > 0 and main.high < top
        return (float(main.low), float(main.high)) if narrower else (95 * scale, 685 * scale)
    return (float(main.low), float(main.high)) if sane else (0.0, float(top))


def _places(header: Header, size: int, path: Path) -> list[tuple[Place, Packing]]:
    """Where each element lies in a file of `size` bytes; raises `UnreadableFrame` when the file is too short."""
    places: list[tuple[Place, Packing]] = []
    end = 0
    for element in header.elements:
        start = element.offset or end
        after = [e.offset for e in header.elements if e.offset > start]
        place, layout = _fit(element, header, start=start, stop=min([size, *after]))
        end = start + place.stride * (place.lines - 1) + layout.words_for(place.pixels * len(element.channels)) * layout.size
        if end > size:
            wanted = f"{end} wanted for {header.width}×{header.height} pixels"
            raise UnreadableFrame(f"{path}: {size} bytes found, {wanted}; the frame is cut short, export it anew")
        places.append((place, layout))
    return places


def _fit(element: Element, header: Header, *, start: int, stop: int) -> tuple[Place, Packing]:
    """The way of laying out lines that fills start … stop exactly, else the first that fits, else the standard's.

    The standard pads lines to 32-bit words; many writers don't, some let words run on over lines, some say packed and fill.
    """
    channels = len(element.channels)
    pixels, lines, room = header.width, header.height, stop - start
    methods: list[Method] = [element.method] + (["filled A"] if element.method == "packed" and element.bits == 10 else [])
    ways: list[tuple[Place, Packing]] = []
    for method in methods:
        layout = packing(element.bits, method, single=channels == 1)
        row = layout.words_for(pixels * channels) * layout.size
        aligned = -(-row // 4) * 4
        strides = [aligned + element.line_padding, row + element.line_padding, aligned, row]
        ways += [(Place(start, stride, lines, pixels, header.order), layout) for stride in strides]
        whole = layout.words_for(pixels * lines * channels) * layout.size
        ways.append((Place(start, whole, 1, pixels * lines, header.order), layout))
    exact = [way for way in ways if way[0].stride * way[0].lines == room]
    fitting = [way for way in ways[:5] if way[0].stride * way[0].lines <= room]
    return [*exact, *fitting, ways[0]][0]


def channel_order(header: Header, path: Path) -> list[tuple[int, int, str]]:
    """(element, channel in it, name) of each plane in frdm's order: R, G, B or Y first, then the others as they come."""
    every = [(e, c, name) for e, element in enumerate(header.elements) for c, name in enumerate(element.channels)]
    names = [name for _, _, name in every]
    pictures = next((letters for letters in ("RGB", "Y") if set(letters) <= set(names)), None)
    if pictures is None:
        raise UnsupportedFilm(f"{path}: channels {'+'.join(names)} found, one Y or R, G and B wanted; convert it to RGB or Y")
    first = [every[names.index(letter)] for letter in pictures]
    return first + [channel for channel in every if channel not in first]


def planes_of(data: bytearray, header: Header, path: Path) -> tuple[Codes, ...]:
    """All planes of a file's bytes, (height, width) each."""
    decoded = []
    for element, (place, layout) in zip(header.elements, _places(header, len(data), path), strict=True):
        words = place.words(data, layout, len(element.channels))
        decoded.append(decode(words, layout, pixels=place.pixels, channels=len(element.channels)))
    return tuple(decoded[e][c].reshape(header.height, header.width) for e, c, _ in channel_order(header, path))


def replace_words(data: bytearray, header: Header, path: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> None:
    """Put the changed codes into a scan's bytes, in place; every bit that holds no changed code stays."""
    places = _places(header, len(data), path)
    for (e, c, _), plane, mask in zip(channel_order(header, path), planes, changed, strict=False):
        element, (place, layout) = header.elements[e], places[e]
        if not mask.any():
            continue
        codes, where = (a.reshape(place.lines, place.pixels) for a in (plane, mask))
        if int(np.max(codes, where=where, initial=0)) >> element.bits:
            raise ValueError(f"{path}: a code beyond {element.bits} bits")
        replace(
            place.words(data, layout, len(element.channels)), layout, channel=c, codes=codes, changed=where, channels=len(element.channels)
        )
