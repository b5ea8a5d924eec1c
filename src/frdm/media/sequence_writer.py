"""Writes a folder of numbered pictures: the scan's own files where nothing changed, else the same files with new codes."""

import errno
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from frdm.errors import OutputError
from frdm.film import Frame, Mask
from frdm.media.numbering import PICTURES, is_picture
from frdm.media.sequence import SequenceScan

_WRITERS = 2  # frames compressed and written at once
_WAITING = 4  # frames handed over and not yet on disk; bounds the memory


class SequenceWriter:
    """A `FilmWriter` for folders.

    Frames are made in a folder beside the output, each flushed to disk before it gets its name: what has its name is whole, even after a
    power failure. Frames and masks handed over must not be changed afterwards.
    """

    def __init__(self, scan: SequenceScan, out: Path, *, start: int, stop: int) -> None:
        self._scan, self._out, self._range = scan, out, range(start, stop)
        self._staging = staging_folder(out)
        self._warnings: dict[str, None] = dict.fromkeys(scan.warnings)
        self._pool = ThreadPoolExecutor(_WRITERS, "frdm-write")
        self._pending: deque[Future[str | None]] = deque()
        with _told(out):
            self._staging.mkdir(exist_ok=True)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._warnings)

    def has(self, index: int) -> bool:
        return index in self._range and self._place(index).is_file()

    def write(self, frame: Frame, changed: Sequence[Mask] | None) -> None:
        if frame.index not in self._range:
            raise ValueError(f"frame {frame.index} is outside of {self._range}")
        while len(self._pending) >= _WAITING:
            self._settle()
        self._pending.append(self._pool.submit(self._make, frame, changed))

    def sync(self) -> None:
        while self._pending:
            self._settle()
        _sync_folder(self._staging)

    def finish(self) -> None:
        self.sync()
        names = {self._place(index).name for index in self._range}
        with _told(self._out):
            present = {file.name: file for file in self._staging.iterdir()}
            missing = sorted(names - present.keys())
            if missing:
                raise OutputError(f"{self._out}: {len(missing)} frames are missing, {missing[0]} first; run the command again")
            for name in present.keys() - names:
                present[name].unlink()
            if _is_one_picture(self._scan, self._out):
                self._place(0).replace(self._out)
                self._staging.rmdir()
            else:
                if self._out.exists():
                    self._out.rmdir()
                self._staging.replace(self._out)
            _sync_folder(self._out.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        for leftover in self._staging.glob("*.part") if self._staging.exists() else ():
            leftover.unlink(missing_ok=True)
        if self._staging.exists() and not any(self._staging.iterdir()):
            self._staging.rmdir()

    def _place(self, index: int) -> Path:
        return self._staging / self._scan.files[index].name

    def _settle(self) -> None:
        """Wait for the oldest frame; its error becomes ours."""
        warning = self._pending.popleft().result()
        if warning:
            self._warnings[warning] = None

    def _make(self, frame: Frame, changed: Sequence[Mask] | None) -> str | None:
        source, target = self._scan.files[frame.index], self._place(frame.index)
        part = target.with_name(target.name + ".part")
        warning = None
        with _told(target):
            if changed is None or not any(mask.any() for mask in changed):
                shutil.copyfile(source, part)
            else:
                warning = self._scan.form_at(frame.index).rewrite(source, part, planes=frame.planes, changed=changed)
            _flush(part)
            part.replace(target)
        return warning


def open_sequence_writer(scan: SequenceScan, out: Path, *, start: int, stop: int, codec: str | None) -> SequenceWriter:
    """Checks the place before anything is written; raises `OutputError`."""
    if codec is not None:
        raise OutputError(f"{out}: --codec {codec} is for movies; a folder gets the scan's own file type, leave --codec out or name a .mkv")
    _require_room(scan, out)
    return SequenceWriter(scan, out, start=start, stop=stop)


def staging_folder(out: Path) -> Path:
    """Where a folder is made before it gets its name."""
    return out.with_name(f".{out.name}.partial")


def _is_one_picture(scan: SequenceScan, out: Path) -> bool:
    """Whether a single picture is to become a picture, not a folder with one in it."""
    return scan.info.path.is_file() and is_picture(out)


def _require_room(scan: SequenceScan, out: Path) -> None:
    film, place = scan.info.path.resolve(), out.resolve()
    if place == film or (scan.info.path.is_dir() and film in place.parents):
        raise OutputError(f"{out}: the output lies in the scan itself, which is never written to; choose another place")
    if is_picture(out) and not out.is_dir():
        _require_picture(scan, out)
    elif out.is_file():
        raise OutputError(f"{out}: a file of this name exists, a folder was wanted; choose another name")
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: the folder exists and isn't empty; choose another name or remove it")
    if not place.parent.is_dir():
        raise OutputError(f"{out}: the folder {place.parent} doesn't exist; make it or choose another place")


def _require_picture(scan: SequenceScan, out: Path) -> None:
    if not _is_one_picture(scan, out):
        raise OutputError(f"{out}: the scan has numbered files, so a folder was wanted; give a name without {out.suffix}")
    if PICTURES[out.suffix.lower()] != scan.info.container:
        raise OutputError(f"{out}: the scan is a {scan.info.container} file and stays one; give a name with {scan.files[0].suffix}")
    if out.exists():
        raise OutputError(f"{out}: a file of this name exists; choose another name or remove it")


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Turns the system's errors into one sentence about `place`."""
    try:
        yield
    except OSError as error:
        names = {
            "ENOSPC": "the disk is full; make room and run the command again",
            "EDQUOT": "your share of the disk is full; make room and run the command again",
            "EACCES": "no permission to write here; choose another place",
            "EPERM": "no permission to write here; choose another place",
            "EROFS": "this disk can't be written to; choose another place",
        }
        told = names.get(errno.errorcode.get(error.errno or 0, ""))
        raise OutputError(f"{place}: {told or f'{error.strerror or error}; look at the disk and run the command again'}") from None


def _flush(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make names safe too, where the system can open folders (Windows can't and needs not)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
