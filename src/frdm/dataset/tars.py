"""Tar files as WebDataset has them, the same bytes for the same members: plain ustar, no times, no owners."""

import io
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from frdm.errors import DatasetError

BLOCK = 512
END = b"\0" * (2 * BLOCK)
LONGEST = 100  # letters of a member's name in ustar


def member(name: str, data: bytes) -> bytes:
    """Header, data and padding of one file."""
    if len(name) > LONGEST:
        raise DatasetError(f"{name}: a name of {len(name)} letters, at most {LONGEST} fit in a shard; give the film a shorter name")
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), 0, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT) + data + b"\0" * (-len(data) % BLOCK)


def members(block: bytes, *, where: str) -> Iterator[tuple[str, memoryview]]:
    """(name, data) of every file of a piece of a tar. Raises `DatasetError` where it is broken."""
    stream, view = io.BytesIO(block), memoryview(block)
    while stream.tell() + BLOCK <= len(block):
        header = stream.read(BLOCK)
        if not header.strip(b"\0"):
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except tarfile.HeaderError as error:
            raise DatasetError(f"{where}: no member where one was wanted ({error}); the shard is broken, copy it again") from None
        place = stream.tell()
        if place + info.size > len(block):
            raise DatasetError(f"{where}: {info.name} is cut short; the shard is broken, copy it again")
        yield info.name, view[place : place + info.size]
        stream.seek(place + info.size + -info.size % BLOCK)


def append(stream: BinaryIO, named: Iterator[tuple[str, bytes]]) -> tuple[int, int]:
    """Write members at the stream's end; their (offset, bytes)."""
    start = stream.tell()
    for name, data in named:
        stream.write(member(name, data))
    return start, stream.tell() - start
