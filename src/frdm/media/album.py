"""Unrelated pictures as a scan: a folder of them, or one, each with a size, a depth and a format of its own."""

from fractions import Fraction
from pathlib import Path

from frdm.errors import MediaError, UnsupportedFilm
from frdm.film import Frame, ScanInfo, Transfer
from frdm.media.identity import files_identity
from frdm.media.numbering import is_pattern, numbered_files, unrelated_files
from frdm.media.sequence import SequenceScan, format_of, require_content
from frdm.media.still import Still, StillFormat


class Album(SequenceScan):
    """A scan of one file a picture, by name. `info` tells of the largest one and of all names; `info_at` of each."""

    def __init__(self, path: Path, files: tuple[Path, ...], stills: tuple[Still, ...], *, left_out: tuple[str, ...] = ()) -> None:
        self.left_out = left_out
        self._stills = stills
        largest = max(range(len(files)), key=lambda index: stills[index].width * stills[index].height)
        super().__init__(path, files, form=format_of(files[largest]), still=stills[largest])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know of the pictures that aren't among them."""
        if not self.left_out:
            return ()
        count, first = len(self.left_out), self.left_out[0]
        what = "1 picture is" if count == 1 else f"{count} pictures are"
        return (f"{self.info.path}: {what} left out, {first} first, in formats that frdm doesn't read; convert them to PNG or TIFF",)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of every picture."""
        return tuple((still.width, still.height) for still in self._stills)

    def info_at(self, index: int) -> ScanInfo:
        """What is known of one picture, as of a film of one frame."""
        still, file = self._stills[index], self.files[index]
        return ScanInfo(
            path=file,
            width=still.width,
            height=still.height,
            rate=still.rate or Fraction(24),
            length=1,
            encoding=still.encoding,
            container=self.form_at(index).container,
            pixel_aspect=still.pixel_aspect,
            names=(file.name,),
            metadata=still.metadata,
        )

    def form_at(self, index: int) -> StillFormat:
        return format_of(self.files[index])

    def frame(self, index: int) -> Frame:
        if not 0 <= index < len(self.files):
            raise MediaError(f"{self.info.path}: picture {index} was asked for, there are 0 to {len(self.files) - 1}")
        return Frame(index, self.form_at(index).read(self.files[index], self._stills[index]))

    def identity(self) -> str:
        return files_identity(self.files)


def open_album(path: Path, *, transfer: Transfer | None, fields: bool) -> Album:
    """The pictures of a folder or pattern, or one picture file. Every header is read. Raises `MediaError`."""
    left_out: tuple[str, ...] = ()
    if path.is_dir():
        files, left_out = unrelated_files(path)
    else:
        files = numbered_files(path) if is_pattern(path) else (path,)
    require_content(files)
    stills = tuple(format_of(file).describe(file, transfer) for file in files)
    for file, still in zip(files, stills, strict=True):
        if still.interlaced and not fields:
            raise UnsupportedFilm(f"{file}: the header says that it is interlaced; give --fields to restore both fields as one frame")
    return Album(path, files, stills, left_out=left_out)
