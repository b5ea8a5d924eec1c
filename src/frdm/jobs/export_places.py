"""Where exports may be written, and how: whole or not at all, never over the scan, the project or anything unasked."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from frdm.errors import OutputError
from frdm.jobs import outputs
from frdm.jobs.project import Project
from frdm.ledger.patches import sync_folder
from frdm.media.numbering import is_pattern
from frdm.media.sequence_writer import staging_folder

_STATE = "export.json"  # in an unfinished folder: what its pictures show


def refuse_place(project: Project, out: Path, *, overwrite: bool = False) -> None:
    """Raise `OutputError` where `out` lies in the scan or the project, or something stands there that may not be replaced."""
    film = Path(project.row.film)
    film = film.parent if is_pattern(film) else film
    if film.exists():
        outputs.refuse_overlap(film, out, "the export")
    if out.resolve().is_relative_to(project.folder.resolve()):
        raise OutputError(f"{out}: the export lies inside the project {project.folder}; give a place outside of it")
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: the folder exists and isn't empty; choose another name or remove it")
    if out.is_file() and not overwrite:
        raise OutputError(f"{out}: a file of this name exists; choose another name or give --overwrite")
    outputs.refuse_unwritable(out)


def write_text(out: Path, pieces: Iterable[str]) -> None:
    """Write a text file in UTF-8, whole or not at all. Raises `OutputError`."""
    if out.is_dir():
        raise OutputError(f"{out}: a folder where a file was wanted; give a file's name")
    part = out.with_name(out.name + ".part")
    with outputs.disk_errors(out):
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(out.resolve().parent)


class ExportFolder:
    """A folder of pictures in the making, under a hidden name beside its place; taken up again where it shows the same state."""

    def __init__(self, out: Path, state: dict[str, object]) -> None:
        """`state`: all that decides the pictures. Raises `OutputError`."""
        if out.is_file():
            raise OutputError(f"{out}: a file of this name exists, a folder was wanted; choose another name")
        self._out, self.folder = out, staging_folder(out)
        text = json.dumps(state, sort_keys=True)
        note = self.folder / _STATE
        with outputs.disk_errors(out):
            if self.folder.exists() and not (note.is_file() and note.read_text(encoding="utf-8") == text):
                shutil.rmtree(self.folder)
            self.folder.mkdir(exist_ok=True)
            note.write_text(text, encoding="utf-8")

    def has(self, name: str) -> bool:
        """Whether an interrupted run has made this picture."""
        return (self.folder / name).is_file()

    def part(self, name: str) -> Path:
        """Where a picture is written before it is whole."""
        return self.folder / f"{name}.part"

    def whole(self, name: str) -> None:
        """The picture at `part` is whole: give it its name."""
        part = self.part(name)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(self.folder / name)

    def finish(self) -> None:
        """Put the folder under its final name."""
        with outputs.disk_errors(self._out):
            (self.folder / _STATE).unlink()
            outputs.clear_for(self._out)
            self.folder.replace(self._out)
            sync_folder(self._out.resolve().parent)
