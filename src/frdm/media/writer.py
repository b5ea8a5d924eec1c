"""The contract of a film that is written: `FilmWriter`, and `open_writer`, which finds the right one.

Nothing stands under its final name before it is whole: a sequence is made in a folder beside the output and renamed at the end,
a movie in a file beside it.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from frdm.errors import OutputError
from frdm.film import Frame, Mask
from frdm.media.scan import Scan

MOVIES = frozenset({".mkv", ".mov", ".mp4", ".m4v", ".mxf", ".avi", ".webm", ".nut", ".ts", ".m2ts", ".mpg", ".wmv", ".y4m"})


class FilmWriter(Protocol):
    """Takes the frames of the asked range in order. `with` closes it; without `finish` nothing appears under the final name."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences a user must read: what a lossy output loses, what was written in another form than it came."""
        ...

    def has(self, index: int) -> bool:
        """Whether frame `index` already lies whole in the unfinished output of an interrupted run (movies: never)."""
        ...

    def write(self, frame: Frame, changed: Sequence[Mask] | None) -> None:
        """Write the next frame. `changed`: a mask a picture plane, True where a code may differ from the scan's; None: nowhere.

        DPX: the scan's bytes with only the words of changed pixels replaced; None is a byte copy. Raises `OutputError`.
        """
        ...

    def sync(self) -> None:
        """Return when all that was written lies safely on disk (fsync); called at the end of each span."""
        ...

    def finish(self) -> None:
        """Put the whole output under its final name."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def open_writer(scan: Scan, out: Path, *, start: int, stop: int, codec: str | None = None) -> FilmWriter:
    """A writer for frames start … stop-1 of `scan`: a folder for a folder (same names, type, depth), else a movie by `out`'s suffix.

    Raises `OutputError` before anything is written when the place, the suffix or the codec won't do.
    """
    from frdm.media.sequence import SequenceScan

    if out.suffix.lower() in MOVIES and not out.is_dir():
        from frdm.media.movie_writer import open_movie_writer

        return open_movie_writer(scan, out, start=start, stop=stop, codec=codec)
    if isinstance(scan, SequenceScan):
        from frdm.media.sequence_writer import open_sequence_writer

        return open_sequence_writer(scan, out, start=start, stop=stop, codec=codec)
    raise OutputError(f"{out}: a movie in gives a movie out, and {out.suffix or 'a name without a suffix'} is none; name a .mkv or .mov")
