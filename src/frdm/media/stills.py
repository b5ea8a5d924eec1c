"""EXR and TIFF pictures through OpenImageIO: native code values, and the same picture written again with its metadata."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO

from frdm.errors import OutputError, UnreadableFrame, UnsupportedFilm
from frdm.film import Codes, Encoding, Layout, Mask, Transfer
from frdm.media.still import Still, read_bytes, require_same
from frdm.media.tiff_bytes import directory, replace_samples, set_photometric, uncompressed

_KINDS = {"uint8": (8, False), "uint16": (16, False), "half": (16, True), "float": (32, True)}  # OpenImageIO's name → (bits, floating)
_TIFF_KEPT = {"none", "lzw", "zip", "packbits", "lzma", "zstd"}
_WHITE_IS_ZERO, _PALETTE, _CMYK, _LAB = 0, 3, 5, 8  # TIFF photometric interpretations that need care
_LONGEST_TEXT = 200  # characters of one attribute that count as metadata for the record; files keep all


class Exr:
    """The format of .exr files."""

    container = "exr"

    def describe(self, path: Path, transfer: Transfer | None) -> Still:
        with _opened(path) as file:
            return _still(file, path, transfer or "linear")

    def read(self, path: Path, wanted: Still) -> tuple[Codes, ...]:
        with _opened(path) as file:
            return _planes(file, path, wanted)

    def rewrite(self, source: Path, target: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> str | None:
        with _opened(source) as file:
            spec, places = file.spec(), _places(file.spec(), source)
        was = str(spec.get_string_attribute("compression", "none")).split(":")[0]
        lossy = was.startswith(("b44", "dwa")) or (was == "pxr24" and "float" in _channel_types(spec))
        if lossy:
            spec["compression"] = "zip"
        _write("openexr", target, spec, planes=_in_file_order(planes, places))
        return _said(was) if lossy else None


class Tiff:
    """The format of .tif and .tiff files."""

    container = "tiff"

    def describe(self, path: Path, transfer: Transfer | None) -> Still:
        with _opened(path) as file:
            _require_plain(file.spec(), path)
            floating = str(file.spec().format) in ("half", "float")
            return _still(file, path, transfer or ("linear" if floating else "video"))

    def read(self, path: Path, wanted: Still) -> tuple[Codes, ...]:
        with _opened(path) as file:
            _require_plain(file.spec(), path)
            return _planes(file, path, wanted)

    def rewrite(self, source: Path, target: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> str | None:
        with _opened(source) as file:
            spec, places = file.spec(), _places(file.spec(), source)
        tags = directory(read_bytes(source))
        if tags is not None and uncompressed(tags):
            replace_samples(tags, places, planes=planes, changed=changed)
            target.write_bytes(tags.data)
            return None
        was = str(spec.get_string_attribute("compression", "none"))
        lossy = was not in _TIFF_KEPT
        if lossy:
            spec["compression"] = "zip"
            spec.erase_attribute("tiff:PhotometricInterpretation")  # JPEG's YCbCr; it was read as RGB
            spec.erase_attribute("tiff:ColorSpace")
        spec.erase_attribute("tiff:Compression")
        _write("tiff", target, spec, planes=_in_file_order(planes, places))
        if _white_is_zero(spec):
            _say_white_is_zero(target)
        return _said(was) if lossy else None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open picture whose codes are left as they are: no alpha multiplied in or out."""
    hints = OpenImageIO.ImageSpec()
    hints["oiio:UnassociatedAlpha"] = 1
    file = OpenImageIO.ImageInput.open(str(path), hints)
    if file is None:
        raise UnreadableFrame(
            f"{path}: it can't be opened ({_one_line(OpenImageIO.geterror())}); the frame is missing or broken, export it anew"
        )
    try:
        yield file
    finally:
        file.close()


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".") or "no reason given"


def _say_white_is_zero(target: Path) -> None:
    """OpenImageIO reads such codes as they are and then calls them black is zero."""
    written = directory(read_bytes(target))
    assert written is not None
    set_photometric(written, _WHITE_IS_ZERO)
    target.write_bytes(written.data)


def _said(was: str) -> str:
    return f"Frames with repairs are written with lossless ZIP compression, because {was.upper()} would change codes outside of repairs."


def _require_plain(spec: Any, path: Path) -> None:
    meaning = spec.get_int_attribute("tiff:PhotometricInterpretation", 1)
    names = {_PALETTE: "a palette of colours", _CMYK: "CMYK", _LAB: "CIE Lab"}
    if meaning in names:
        raise UnsupportedFilm(f"{path}: {names[meaning]} found, which frdm doesn't read; convert it to grey or RGB")


def _channel_types(spec: Any) -> tuple[str, ...]:
    return tuple(str(spec.channelformat(channel)) for channel in range(spec.nchannels))


def _still(file: Any, path: Path, transfer: Transfer) -> Still:
    spec = file.spec()
    _require_single(file, path)
    places = _places(spec, path)
    pictures = 1 if len(places) < 3 or spec.channelnames[places[0]].upper() != "R" else 3
    kinds = {_channel_types(spec)[place] for place in places[:pictures]}
    kind = kinds.pop()
    if kinds or not set(_channel_types(spec)) <= _KINDS.keys():
        found = ", ".join(sorted({kind, *_channel_types(spec)}))
        raise UnsupportedFilm(f"{path}: channels of type {found} found, 8 or 16 bits, half or float wanted; convert it")
    bits, floating = _KINDS[kind]
    stored = spec.get_int_attribute("oiio:BitsPerSample", bits)
    if stored != bits:
        raise UnsupportedFilm(f"{path}: {stored} bits a code found, 8 or 16 wanted; convert it")
    layout: Layout = "rgb" if pictures == 3 else "y"
    extra = tuple("alpha" if place == spec.alpha_channel else str(spec.channelnames[place]) for place in places[pictures:])
    black, white = 0.0, 1.0 if floating else float((1 << bits) - 1)
    if _white_is_zero(spec):
        black, white = white, black
    encoding = Encoding(layout, bits, floating, transfer=transfer, black=black, white=white, extra=extra)
    aspect = Fraction(spec.get_float_attribute("PixelAspectRatio", 1.0)).limit_denominator(1000)
    aspect = aspect if Fraction(1, 8) <= aspect <= 8 else Fraction(1)
    return Still(spec.width, spec.height, encoding, _rate(spec), aspect, metadata=_texts(spec))


def _require_single(file: Any, path: Path) -> None:
    spec = file.spec()
    if spec.deep:
        raise UnsupportedFilm(f"{path}: deep pixels found, which frdm doesn't read; flatten it")
    several = file.seek_subimage(1, 0) or file.seek_subimage(0, 1)
    file.geterror()  # there being no other is no error
    if several:
        raise UnsupportedFilm(f"{path}: more than one picture found, of which the others would be lost; export one part or page by itself")
    file.seek_subimage(0, 0)


def _places(spec: Any, path: Path) -> list[int]:
    """Channel numbers in frdm's order: R, G, B or Y first, then the others as they come."""
    names = [str(name).upper() for name in spec.channelnames]
    if {"RY", "BY"} & set(names):
        raise UnsupportedFilm(f"{path}: luminance with subsampled chroma found, which frdm doesn't read; convert it to RGB")
    for letters in ("RGB", "Y", "I"):
        if all(names.count(letter) == 1 for letter in letters):
            first = [names.index(letter) for letter in letters]
            return first + [place for place in range(len(names)) if place not in first]
    if len(names) == 1:
        return [0]
    raise UnsupportedFilm(f"{path}: channels {', '.join(spec.channelnames)} found, one Y or R, G and B wanted; export them by these names")


def _rate(spec: Any) -> Fraction | None:
    value = spec.getattribute("FramesPerSecond")
    try:
        rate = Fraction(*value) if isinstance(value, tuple) else Fraction(value).limit_denominator(1001)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return rate if 1 <= rate <= 1000 else None


def _texts(spec: Any) -> dict[str, str]:
    every = {str(a.name): a.value for a in spec.extra_attribs}
    return {name: value[:_LONGEST_TEXT] for name, value in every.items() if isinstance(value, str) and value and "oiio:" not in name}


def _planes(file: Any, path: Path, wanted: Still) -> tuple[Codes, ...]:
    require_same(path, _still(file, path, wanted.encoding.transfer), wanted)
    spec = file.spec()
    types = _channel_types(spec)
    count = spec.nchannels
    pieces = [(0, count)] if len(set(types)) == 1 else [(channel, channel + 1) for channel in range(count)]
    codes = [_channels(file, path, first=first, last=last) for first, last in pieces]
    every = [array[..., channel] for array in codes for channel in range(array.shape[-1])]
    return tuple(np.ascontiguousarray(every[place]) for place in _places(spec, path))


def _channels(file: Any, path: Path, *, first: int, last: int) -> Codes:
    codes = file.read_image(0, 0, first, last, str(file.spec().channelformat(first)))
    if codes is None or file.has_error:
        raise UnreadableFrame(f"{path}: its pixels can't be read ({_one_line(file.geterror())}); the frame is broken, export it anew")
    if codes.dtype == np.uint8 and _white_is_zero(file.spec()):
        codes = ~codes  # OpenImageIO turns 8-bit codes (and only these) over, back to what the file holds
    return np.asarray(codes).reshape(file.spec().height, file.spec().width, last - first)


def _white_is_zero(spec: Any) -> bool:
    return bool(spec.get_int_attribute("tiff:PhotometricInterpretation", 1) == _WHITE_IS_ZERO)


def _in_file_order(planes: Sequence[Codes], places: Sequence[int]) -> Codes:
    ordered = [plane for _, plane in sorted(zip(places, planes, strict=True), key=lambda pair: pair[0])]
    return np.stack(ordered, axis=-1)


def _write(form: str, target: Path, spec: Any, *, planes: Codes) -> None:
    if not spec.get_string_attribute("DateTime"):
        spec["DateTime"] = ""  # else the time of writing, and no two runs would give the same file
    out: Any = OpenImageIO.ImageOutput.create(form)
    whole = out.open(str(target), spec) and out.write_image(np.ascontiguousarray(planes))
    reason = out.geterror()
    if not (out.close() and whole):
        reason = _one_line(reason or out.geterror())
        raise OutputError(f"{target}: it can't be written ({reason}); look at the disk and run the command again")
