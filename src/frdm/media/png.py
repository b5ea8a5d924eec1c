"""PNG pictures: code values without any interpretation, and the same file with new pixels and every other chunk as it was."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frdm.errors import UnreadableFrame, UnsupportedFilm
from frdm.film import Codes, Encoding, Layout, Mask, Transfer
from frdm.media.still import Still, read_bytes, require_same

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: "Y", 2: "RGB", 4: "YA", 6: "RGBA"}
_LEVEL = 2  # of zlib: restoring is not slowed by it, and the files are hardly larger
_CROP = 1 << 20  # bytes of one IDAT chunk


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a file, whole: `raw` is with length, name and sum."""

    name: bytes
    body: memoryview
    raw: memoryview


class Png:
    """The format of .png files."""

    container = "png"

    def describe(self, path: Path, transfer: Transfer | None) -> Still:
        try:
            with path.open("rb") as stream:
                return _still(stream.read(33), path, transfer)
        except OSError as error:
            raise UnreadableFrame(f"{path}: {error.strerror or error}; put the frame back or leave it out with --range") from None

    def read(self, path: Path, wanted: Still) -> tuple[Codes, ...]:
        data = read_bytes(path)
        require_same(path, _still(data, path, wanted.encoding.transfer), wanted)
        return _decode(_chunks(data, path), path)

    def rewrite(self, source: Path, target: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> None:
        chunks = _chunks(read_bytes(source), source)
        header = bytearray(chunks[0].body)
        header[12] = 0  # interlaced files are written without interlacing
        first = next(number for number, chunk in enumerate(chunks) if chunk.name == b"IDAT")
        with target.open("wb") as out:
            out.write(_SIGNATURE + _chunk(b"IHDR", bytes(header)))
            out.writelines(chunk.raw for chunk in chunks[1:first])
            packed = _encode(planes)
            out.writelines(_chunk(b"IDAT", packed[at : at + _CROP]) for at in range(0, len(packed), _CROP))
            out.writelines(chunk.raw for chunk in chunks[first:] if chunk.name != b"IDAT")


def _still(data: bytes | bytearray, path: Path, transfer: Transfer | None) -> Still:
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        found = "an empty file" if not data else "something else"
        raise UnreadableFrame(f"{path}: {found} found, a PNG picture wanted; the frame is broken or no PNG, export it anew")
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if colour not in _CHANNELS:
        raise UnsupportedFilm(f"{path}: a palette of colours found, which frdm doesn't read; convert it to grey or RGB")
    if bits not in (8, 16):
        raise UnsupportedFilm(f"{path}: {bits} bits a code found, 8 or 16 wanted; convert it")
    names = _CHANNELS[colour]
    layout: Layout = "y" if names[0] == "Y" else "rgb"
    encoding = Encoding(layout, bits, transfer=transfer or "video", white=float((1 << bits) - 1), extra=("alpha",) if "A" in names else ())
    return Still(width, height, encoding)


def _chunks(data: bytearray, path: Path) -> list[Chunk]:
    """Every chunk, its sum checked: libraries fill broken pictures with grey and say nothing."""
    chunks: list[Chunk] = []
    view, at = memoryview(data), 8
    while at + 12 <= len(data) and (not chunks or chunks[-1].name != b"IEND"):
        size, name = struct.unpack_from(">I4s", data, at)
        chunk = Chunk(name, view[at + 8 : at + 8 + size], view[at : at + 12 + size])
        if len(chunk.raw) != size + 12 or zlib.crc32(chunk.raw[4:-4]) != int.from_bytes(chunk.raw[-4:], "big"):
            raise UnreadableFrame(f"{path}: chunk {name.decode('latin-1')} at byte {at} is broken; export the frame anew")
        chunks.append(chunk)
        at += size + 12
    names = [chunk.name for chunk in chunks]
    if b"IEND" not in names or b"IDAT" not in names:
        raise UnreadableFrame(f"{path}: the file ends before its picture does; export the frame anew")
    for name, what in ((b"tRNS", "a transparent colour"), (b"acTL", "an animation")):
        if name in names:
            raise UnsupportedFilm(f"{path}: {what} found, which frdm doesn't keep; convert it to a plain picture")
    return chunks


def _decode(chunks: list[Chunk], path: Path) -> tuple[Codes, ...]:
    """Only the pixels go to the library, no gamma, profile or rotation."""
    import cv2

    bare = b"".join([_SIGNATURE, *(chunk.raw for chunk in chunks if chunk.name in (b"IHDR", b"IDAT", b"IEND"))])
    picture = cv2.imdecode(np.frombuffer(bare, np.uint8), cv2.IMREAD_UNCHANGED)
    width, height, _, colour = struct.unpack_from(">IIBB", chunks[0].body, 0)
    if picture is None or picture.shape[:2] != (height, width):
        raise UnreadableFrame(f"{path}: its pixels can't be decoded; the frame is broken, export it anew")
    planes = [picture] if picture.ndim == 2 else list(cv2.split(picture))
    names = "Y" if len(planes) == 1 else "BGRA"
    wanted = _CHANNELS[colour].replace("Y", "Y" if len(planes) == 1 else "B")
    return tuple(planes[names.index(name)] for name in wanted)


def _encode(planes: Sequence[Codes]) -> bytes:
    """A zlib stream of filtered lines: each byte less the one a pixel before it."""
    codes = np.stack(planes, axis=-1)
    pixel = codes.itemsize * len(planes)
    lines = codes.astype(codes.dtype.newbyteorder(">")).reshape(len(codes), -1).view(np.uint8)
    filtered = np.empty((len(lines), lines.shape[1] + 1), np.uint8)
    filtered[:, 0] = 1
    filtered[:, 1 : pixel + 1] = lines[:, :pixel]
    np.subtract(lines[:, pixel:], lines[:, :-pixel], out=filtered[:, pixel + 1 :])
    return zlib.compress(filtered.data, _LEVEL)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
