"""Finds each frame's time, and whether the file is whole, from a movie's own tables, so that terabytes needn't be read to count frames.

Only what is certain is used: for anything unusual the answer is None, and all packets are read instead.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from av.video.stream import VideoStream

_SEGMENT, _CLUSTER, _TIMESTAMP, _SIMPLE, _GROUP, _BLOCK = 0x18538067, 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
_REFERENCE, _TRACKS, _TRACK, _NUMBER, _KIND = 0xFB, 0x1654AE6B, 0xAE, 0xD7, 0x83
_MXF_PARTITION = bytes.fromhex("060e2b34020501010d01020101")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is known of one video packet: when it is shown, whether decoding can begin there, whether all its bytes are there."""

    time: int | None
    key: bool
    size: int = 1
    whole: bool = True


def skim(path: Path, stream: VideoStream) -> list[Stamp] | None:
    """All stamps of the film in the file's order, or None where packets must be read."""
    name, codec = stream.container.format.name, stream.codec_context.codec
    if not codec.intra_only and codec.name != "ffv1":
        return None  # the order of showing differs from that of the file
    if "matroska" in name:
        return _skim_matroska(path)
    if "mov" in name or name == "avi":
        return _skim_table(path, stream)
    return _skim_mxf(path, stream) if name == "mxf" else None


def _skim_table(path: Path, stream: VideoStream) -> list[Stamp] | None:
    """From the sample table of MOV and MP4, the index of AVI."""
    entries = list(stream.index_entries)
    if not entries or len(entries) != stream.frames or any(entry.is_discard or not entry.size for entry in entries):
        return None
    size = path.stat().st_size
    return [Stamp(entry.timestamp, entry.is_keyframe, entry.size, entry.pos + entry.size <= size) for entry in entries]


def _skim_mxf(path: Path, stream: VideoStream) -> list[Stamp] | None:
    """From the length in edit units that MXF's index gives."""
    if not stream.duration or stream.start_time or stream.time_base is None or stream.time_base * (stream.average_rate or 0) != 1:
        return None
    return [Stamp(time, key=True) for time in range(stream.duration)] if is_whole(path, "mxf") else None


def is_whole(path: Path, container: str) -> bool:
    """Whether the file is as long as it says itself; True where it doesn't say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if "matroska" in container:
            return all(not last or end <= size for _, _, end, last in _top(file, size))
        if container == "avi":
            return all(end <= size for end in _riff_ends(file, size))
        if container == "mxf":
            footer = _mxf_footer(file)
            return footer is None or 0 < footer < size
    return True


def _riff_ends(file: BinaryIO, size: int) -> Iterator[int]:
    place = 0
    while place + 8 <= size:
        file.seek(place)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF":
            return
        place += 8 + length + length % 2
        yield place - length % 2


def _mxf_footer(file: BinaryIO) -> int | None:
    """Where the footer stands, 0 for one that was never written, None for an unusual file."""
    head = file.read(1 << 16)
    start = head.find(_MXF_PARTITION)
    if start < 0 or start + 60 > len(head):
        return None
    value = start + 17 + (head[start + 16] & 0x7F if head[start + 16] & 0x80 else 0)
    (footer,) = struct.unpack(">Q", head[value + 24 : value + 32])
    return int(footer)


def _number(file: BinaryIO, *, keep: bool) -> int | None:
    """An EBML variable-length number: an element's name (`keep` its length bits) or size (None: not known)."""
    first = file.read(1)
    if not first or not first[0]:
        raise EOFError
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        raise EOFError
    value = int.from_bytes((first if keep else bytes([first[0] & (0xFF >> length)])) + rest, "big")
    return None if not keep and value == (1 << 7 * length) - 1 else value


def elements(file: BinaryIO, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(name, begin, end) of the contents of each element between two places. Raises `EOFError` for a size that isn't known."""
    while place < end:
        file.seek(place)
        name, length = _number(file, keep=True), _number(file, keep=False)
        if name is None or length is None:
            raise EOFError
        begin = file.tell()
        place = begin + length
        yield name, begin, place


def _top(file: BinaryIO, size: int) -> Iterator[tuple[int, int, int, bool]]:
    """The elements of a Matroska file's level 0, with whether their length is that of the file."""
    try:
        for name, begin, end in elements(file, 0, size):
            yield name, begin, end, name == _SEGMENT
    except EOFError:
        return


def _skim_matroska(path: Path) -> list[Stamp] | None:
    """From the heads of the blocks, past whose contents the file is sought."""
    size = path.stat().st_size
    with path.open("rb", buffering=4096) as file:
        for name, begin, end, _ in _top(file, size):
            if name == _SEGMENT:
                return _segment(file, begin, min(end, size))
    return None


def _segment(file: BinaryIO, place: int, end: int) -> list[Stamp] | None:
    film: int | None = None
    stamps: list[Stamp] = []
    try:
        for name, begin, stop in elements(file, place, end):
            if name == _TRACKS:
                film = _only_film(file, begin, stop)
            elif name == _CLUSTER and film is None:
                return None
            elif name == _CLUSTER and film is not None:
                stamps += _cluster(file, begin, min(stop, end), film)
    except EOFError:
        return None  # an unusual or broken file: packets are read, which finds where it breaks
    return stamps or None


def _only_film(file: BinaryIO, place: int, end: int) -> int | None:
    """The number of the video track, if there is one alone."""
    films = []
    for name, begin, stop in elements(file, place, end):
        if name == _TRACK:
            values = {inner: _integer(file, at, to) for inner, at, to in elements(file, begin, stop) if inner in (_NUMBER, _KIND)}
            if values.get(_KIND) == 1:
                films.append(values.get(_NUMBER, 0))
    return films[0] if len(films) == 1 else None


def _integer(file: BinaryIO, begin: int, end: int) -> int:
    file.seek(begin)
    return int.from_bytes(file.read(end - begin), "big")


def _cluster(file: BinaryIO, place: int, end: int, film: int) -> Iterator[Stamp]:
    """The stamps of the film's blocks; one that reaches beyond `end` isn't whole."""
    time = 0
    for name, begin, stop in elements(file, place, end):
        found: Stamp | None = None
        if name == _TIMESTAMP:
            time = _integer(file, begin, stop)
        elif name == _SIMPLE:
            found = _block(file, begin, stop, film)
        elif name == _GROUP:
            inside = {inner: (at, to) for inner, at, to in elements(file, begin, min(stop, end))}
            found = _block(file, *inside[_BLOCK], film) if _BLOCK in inside else None
            found = replace(found, key=_REFERENCE not in inside) if found else None
        if found is not None and found.time is not None:
            yield replace(found, time=time + found.time, whole=stop <= end)


def _block(file: BinaryIO, begin: int, stop: int, film: int) -> Stamp | None:
    """The stamp of one block, its time counted from the cluster's; None if not the film's. Raises `EOFError` for several frames in one."""
    file.seek(begin)
    if _number(file, keep=False) != film:
        return None
    head = file.read(3)
    if len(head) < 3 or head[2] & 0x06:
        raise EOFError
    return Stamp(struct.unpack(">h", head[:2])[0], bool(head[2] & 0x80), stop - file.tell())
