"""Folders of numbered pictures as a scan."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from frdm.errors import MediaError, UnreadableFrame, UnsupportedFilm
from frdm.film import Frame, ScanInfo, Transfer
from frdm.media.identity import files_identity
from frdm.media.numbering import PICTURES, is_pattern, numbered_files
from frdm.media.still import Still, StillFormat, require_same

_LOOKED_AT = 200  # headers read when a film is opened, evenly spread, so that a frame of another size is found before hours of work


class SequenceScan:
    """A scan of one file a frame. Reading is safe from several threads."""

    def __init__(self, path: Path, files: tuple[Path, ...], *, form: StillFormat, still: Still) -> None:
        self.files = files
        self.form = form
        self._still = still
        self._info = ScanInfo(
            path=path,
            width=still.width,
            height=still.height,
            rate=still.rate or Fraction(24),
            length=len(files),
            encoding=still.encoding,
            container=form.container,
            pixel_aspect=still.pixel_aspect,
            names=tuple(file.name for file in files),
            metadata=still.metadata,
        )

    @property
    def info(self) -> ScanInfo:
        return self._info

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that a user must read before the film is restored."""
        return ()

    def form_at(self, index: int) -> StillFormat:
        """The format of one frame's file."""
        return self.form

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for index in range(*slice(start, stop).indices(len(self.files))):
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        if not 0 <= index < len(self.files):
            raise MediaError(f"{self._info.path}: frame {index} was asked for, the film has frames 0 to {len(self.files) - 1}")
        return Frame(index, self.form.read(self.files[index], self._still))

    def identity(self) -> str:
        return files_identity(self.files)

    def close(self) -> None:
        """Nothing stays open between frames."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_sequence(path: Path, *, transfer: Transfer | None, fields: bool) -> SequenceScan:
    """A folder of numbered pictures, a pattern such as a.%04d.dpx, or one picture file as a film of one frame. Raises `MediaError`."""
    files = numbered_files(path) if path.is_dir() or is_pattern(path) else (path,)
    form = format_of(files[0])
    still = form.describe(files[0], transfer)
    if still.interlaced and not fields:
        raise UnsupportedFilm(f"{files[0]}: the header says that it is interlaced; give --fields to restore both fields as one frame")
    require_content(files)
    for file in _spread(files):
        require_same(file, form.describe(file, still.encoding.transfer), still)
    return SequenceScan(path, files, form=form, still=still)


def format_of(file: Path) -> StillFormat:
    """The format of a picture file, by its suffix."""
    container = PICTURES[file.suffix.lower()]
    if container == "dpx":
        from frdm.media.dpx import Dpx

        return Dpx()
    if container == "png":
        from frdm.media.png import Png

        return Png()
    from frdm.media.stills import Exr, Tiff

    return Exr() if container == "exr" else Tiff()


def require_content(files: tuple[Path, ...]) -> None:
    """Raise `UnreadableFrame` for empty files, which interrupted copies leave."""
    for file in files:
        if file.stat().st_size == 0:
            raise UnreadableFrame(f"{file}: the file is empty; copy the frame again from its source")


def _spread(files: tuple[Path, ...]) -> list[Path]:
    step = max(1, len(files) // _LOOKED_AT)
    return [*files[step::step], files[-1]]
