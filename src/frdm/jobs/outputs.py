"""Where a film may be written: never over a scan, never over anything that this project did not make."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frdm.errors import FrdmError, OutputError
from frdm.film import ScanInfo
from frdm.ledger.records import OutputRow
from frdm.media.numbering import has_siblings
from frdm.media.scan import open_scan
from frdm.media.sequence_writer import staging_folder

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def default_out(info: ScanInfo, *, alone: bool = False) -> Path:
    """`NAME_frdm` beside a folder of frames, `STEM_frdm.mkv` beside a movie, `STEM_frdm.png` beside one picture or its sequence."""
    whole = film_place(info, alone=alone)
    if info.names and info.path.is_file():
        return whole.with_name(f"{info.path.stem}_frdm{info.path.suffix}")
    return whole.with_name(f"{whole.name}_frdm") if info.names else whole.with_name(f"{whole.stem}_frdm.mkv")


def named(out: Path) -> Path:
    """The same place by a name that others can be made from, also where it is called `.` or `..`. Raises `OutputError`."""
    place = out if out.name not in ("", "..") else out.resolve()
    if not place.name:
        raise OutputError(f"{out}: the root of a disk is no place for a film; give a name in it")
    return place


def film_place(info: ScanInfo, *, alone: bool = False) -> Path:
    """The movie, a picture that is no frame of a sequence (`alone`: that is known), or the folder that the frames lie in."""
    whole = info.path.resolve()
    if alone and whole.is_file():
        return whole
    alone = whole.is_dir() or not info.names or (whole.is_file() and not has_siblings(whole))
    return whole if alone else whole.parent


def refuse_overlap(film: Path, place: Path, what: str) -> None:
    """Raise `OutputError` when writing to `place` would touch the scan."""
    scan, out = film.resolve(), place.resolve()
    if scan == out or (place.exists() and film.samefile(place)):
        raise OutputError(f"{place}: {what} is the film itself, which is never written to; give another place")
    if film.is_dir() and out.is_relative_to(scan):
        raise OutputError(f"{place}: {what} lies inside the film's folder {film}; give a place outside it")
    if scan.is_relative_to(out):
        raise OutputError(f"{place}: the film {film} lies inside {what}; give another place")


def refuse_unwritable(out: Path) -> None:
    """Raise `OutputError` when nothing can be made beside `out`."""
    folder = out.resolve().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{out.name}.frdm-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: can't be written to ({error.strerror}); give another place with -o") from None


def empty(out: Path) -> bool:
    """Whether nothing stands at `out`, or only an empty folder."""
    return not out.exists() or (out.is_dir() and not any(out.iterdir()))


def is_ours(out: Path, outputs: list[OutputRow]) -> bool:
    """Whether what stands at `out` was made by this project and is as it was left."""
    rows = [row for row in outputs if row.path == str(out.resolve())]
    if any(row.state == "finishing" for row in rows):
        return True  # killed between giving the name and recording it: we had checked the place before
    known = {row.identity for row in rows if row.identity}
    return bool(known) and identity_of(out) in known


def identity_of(out: Path) -> str:
    """The identity of a written film; "" when it can't be read."""
    for stills in (False, True):  # a folder of unrelated pictures is no sequence
        try:
            with open_scan(out, transfer="video", stills=stills) as film:
                return film.identity()
        except FrdmError:
            continue
    return ""


def refuse_foreign(out: Path, outputs: list[OutputRow]) -> None:
    """Raise `OutputError` when `out` holds something that this project did not make."""
    if not empty(out) and not is_ours(out, outputs):
        raise OutputError(f"{out}: there is something here that this project did not make; give another place with -o, or move it away")


def place_to_write(out: Path) -> Path:
    """Where the film is made: at `out`, or beside what stands there, until it can take its place."""
    return out if empty(out) else _beside(out)


def recover(out: Path) -> None:
    """Tidy up after a job that was killed while a new film took an old one's place."""
    old, new = out.with_name(f"{out.name}.frdm-old"), _beside(out)
    if old.exists() and empty(out):
        clear_for(out)
        old.rename(out)
    for leftover in (old, new):
        if leftover.exists():
            _remove(leftover)


def drop_unfinished(out: Path) -> None:
    """Take away the frames that a job left which nothing can go on with."""
    for place in (out, _beside(out)):
        shutil.rmtree(staging_folder(place), ignore_errors=True)


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.stem}.frdm-new{out.suffix}")


def clear_for(place: Path) -> None:
    """Make room for a folder that is about to get its name."""
    if place.is_dir() and empty(place):
        place.rmdir()


def take_place(made: Path, out: Path) -> None:
    """Let the new film stand at `out` instead of the old one; a film is there at any moment, or (folders) its two names for an instant."""
    if made == out:
        return
    if made.is_dir() or out.is_dir():
        old = out.with_name(f"{out.name}.frdm-old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        made.rename(out)
        _remove(old)
    else:
        made.replace(out)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def fits(folder: Path, needed: int) -> None:
    """Raise `OutputError` when the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"{folder}: about {size(needed)} are needed, {size(free)} are free; make room or write elsewhere with -o")


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit, worth in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= worth:
            return f"{count / worth:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """A full disk or one that went away, as a sentence."""
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno in _FULL else f"can't be written ({error.strerror or error})"
        path = error.filename or place
        raise OutputError(f"{path}: {what}; mend that and run the same command again: it goes on where it stopped") from error
