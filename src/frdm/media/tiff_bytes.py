"""The bytes of a TIFF file's samples (TIFF 6.0), so that uncompressed pictures are the scan's own file with only those bytes replaced."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Mask

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}  # field type → bytes of one value
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_COMPRESSION, _PHOTOMETRIC = 259, 262


@dataclass(frozen=True, slots=True)
class Directory:
    """The first picture's tags: `places[tag]` is (byte, type, number of values)."""

    data: bytearray
    order: Literal["<", ">"]
    places: dict[int, tuple[int, int, int]]

    def values(self, tag: int, default: int = 0) -> tuple[int, ...]:
        """Whole numbers of a tag."""
        if tag not in self.places or self.places[tag][1] not in _LETTERS:
            return (default,)
        at, kind, count = self.places[tag]
        return struct.unpack_from(f"{self.order}{count}{_LETTERS[kind]}", self.data, at)


def directory(data: bytearray) -> Directory | None:
    """The first directory of a classic or Big TIFF; None where the bytes aren't one."""
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders.get(bytes(data[:2]))
    if order is None:
        return None
    try:
        big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
        (at,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", data, 8 if big else 4)
        (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, at)
        start, step, inline = (at + 8, 20, 8) if big else (at + 2, 12, 4)
        return Directory(data, order, dict(_entry(data, order, at=start + step * number, inline=inline) for number in range(count)))
    except struct.error:
        return None


def _entry(data: bytearray, order: str, *, at: int, inline: int) -> tuple[int, tuple[int, int, int]]:
    tag, kind, count = struct.unpack_from(f"{order}HHI" if inline == 4 else f"{order}HHQ", data, at)
    place = at + (8 if inline == 4 else 12)
    if count * _SIZES.get(kind, 8) > inline:
        (place,) = struct.unpack_from(f"{order}I" if inline == 4 else f"{order}Q", data, place)
    return tag, (place, kind, count)


def uncompressed(tags: Directory) -> bool:
    """Whether each sample has bytes of its own."""
    return tags.values(_COMPRESSION, 1) == (1,)


def set_photometric(tags: Directory, meaning: int) -> None:
    """Say again what the codes mean (0: white is 0), in place."""
    if _PHOTOMETRIC in tags.places:
        struct.pack_into(f"{tags.order}H", tags.data, tags.places[_PHOTOMETRIC][0], meaning)


def replace_samples(tags: Directory, channels: Sequence[int], *, planes: Sequence[Codes], changed: Sequence[Mask]) -> None:
    """Put the changed codes of `planes` (samples `channels` of a pixel) into the file's bytes, in place."""
    target = np.frombuffer(tags.data, np.uint8)
    for channel, plane, mask in zip(channels, planes, changed, strict=False):
        rows, columns = np.nonzero(mask)
        codes = plane[rows, columns].astype(plane.dtype.newbyteorder(tags.order))
        first = _first_bytes(tags, channel, rows=rows, columns=columns)
        target[first[:, None] + np.arange(plane.itemsize)] = codes.view(np.uint8).reshape(-1, plane.itemsize)


def _first_bytes(tags: Directory, channel: int, *, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in the file the samples of one channel begin."""
    (width,), (height,) = tags.values(256), tags.values(257)
    tiled = 322 in tags.places
    across = tags.values(322)[0] if tiled else width
    down = tags.values(323)[0] if tiled else min(tags.values(278, height)[0], height)
    samples = tags.values(277, 1)[0]
    pieces = np.array(tags.values(324 if tiled else 273), np.int64)
    a_row = -(-width // across)
    piece = rows // down * a_row + columns // across
    if tags.values(284, 1)[0] == 2:  # each channel lies by itself
        piece, samples, channel = piece + channel * a_row * -(-height // down), 1, 0
    size = tags.values(258, 1)[0] // 8
    first: NDArray[np.int64] = pieces[piece] + ((rows % down * across + columns % across) * samples + channel) * size
    return first
