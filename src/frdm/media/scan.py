"""The contract of a film that is read: `Scan`, and `open_scan`, which finds the right reader.

A scan gives native code planes, never converted, scaled or padded. It is never written to.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from frdm.errors import MediaError
from frdm.film import Frame, ScanInfo, Transfer


class Scan(Protocol):
    """A film that can be read from any frame on. Used with `with`; several iterators may be open at once."""

    @property
    def info(self) -> ScanInfo: ...

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames start … stop-1 in order (stop None: to the end). Raises `UnreadableFrame`; never skips one silently."""
        ...

    def frame(self, index: int) -> Frame:
        """One frame."""
        ...

    def identity(self) -> str:
        """A hex digest that changes when the film does: of names, sizes and the head and tail of each file, so that terabytes are cheap."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def open_scan(path: str | Path, *, transfer: Transfer | None = None, fields: bool = False, stills: bool = False) -> Scan:
    """Open a movie, a folder of numbered frames, a pattern such as a.%04d.dpx, or one picture as a film of one frame.

    `stills`: pictures need have nothing in common, neither name nor size nor format; `info_at` then tells what each is.

    `transfer` says what the codes are where the film can't (raises `TransferUnknown` when needed and not given); `fields` allows interlaced
    film, whose fields are then treated as part of one frame. Raises `MediaError`.
    """
    from frdm.media.numbering import is_pattern, is_picture

    place = Path(path)
    pictures = place.is_dir() or is_pattern(place) or (place.is_file() and is_picture(place))
    if pictures and stills:
        from frdm.media.album import open_album

        return open_album(place, transfer=transfer, fields=fields)
    if pictures:
        from frdm.media.sequence import open_sequence

        return open_sequence(place, transfer=transfer, fields=fields)
    if not place.exists():
        raise MediaError(f"{place}: no such file or folder; look at the name")
    from frdm.media.movie import open_movie

    return open_movie(place, transfer=transfer, fields=fields)


def info_at(scan: Scan, index: int) -> ScanInfo:
    """What is known of the film at one frame: of unrelated pictures each has a size and an encoding of its own."""
    from frdm.media.album import Album

    return scan.info_at(index) if isinstance(scan, Album) else scan.info


def warnings_of(scan: Scan) -> tuple[str, ...]:
    """Sentences about the film that a user must read."""
    from frdm.media.sequence import SequenceScan

    return scan.warnings if isinstance(scan, SequenceScan) else ()
