"""The contract of one picture file's format: what its header says, its code planes, and the same file with some codes changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from frdm.errors import UnreadableFrame
from frdm.film import Codes, Encoding, Mask, Transfer


@dataclass(frozen=True, slots=True)
class Still:
    """What is known of a picture file before its pixels are read."""

    width: int
    height: int
    encoding: Encoding
    rate: Fraction | None = None
    pixel_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def sort(self) -> tuple[object, ...]:
        """What all frames of a sequence must share."""
        e = self.encoding
        return self.width, self.height, e.layout, e.bits, e.floating, e.extra

    def __str__(self) -> str:
        e = self.encoding
        number = "float" if e.floating else "bit"
        return f"{self.width}×{self.height} {e.bits}-{number} {' + '.join((e.layout.upper(), *e.extra))}"


class StillFormat(Protocol):
    """One format of numbered files. The methods raise `MediaError` with the file's name."""

    @property
    def container(self) -> str: ...

    def describe(self, path: Path, transfer: Transfer | None) -> Still:
        """What the header says; `transfer` overrides it."""
        ...

    def read(self, path: Path, wanted: Still) -> tuple[Codes, ...]:
        """The planes; raises `UnreadableFrame` when the file is broken or of another sort than `wanted`."""
        ...

    def rewrite(self, source: Path, target: Path, *, planes: Sequence[Codes], changed: Sequence[Mask]) -> str | None:
        """Write `target` as `source` with the codes of `planes` where `changed`; a sentence when it is in another form than it came."""
        ...


def require_same(path: Path, found: Still, wanted: Still) -> None:
    """Raises `UnreadableFrame` unless the frame is of the sequence's sort."""
    if found.sort != wanted.sort:
        raise UnreadableFrame(f"{path}: {found} found, {wanted} wanted as in the first frame; a sequence has one size and one form")


def read_bytes(path: Path) -> bytearray:
    """The file's bytes, writable; raises `UnreadableFrame`."""
    try:
        with path.open("rb") as stream:
            data = bytearray(path.stat().st_size)
            count = stream.readinto(data)
    except OSError as error:
        raise UnreadableFrame(f"{path}: {error.strerror or error}; put the frame back or leave it out with --range") from None
    del data[count:]
    return data
