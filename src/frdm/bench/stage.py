"""One method on one film: a fresh, neutrally named folder, the command in a process of its own, its frames checked and taken.

A blind method sees nothing but frames named 00000.png …: neither the case's name nor its truth lies in the folder that it is given.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.bench.case import Case, frame_names, read_picture, read_png, write_png
from frdm.bench.methods import Method, ffmpeg_program
from frdm.bench.peers import filled
from frdm.bench.watched import Cost, run_watched
from frdm.errors import BenchError
from frdm.media.writer import MOVIES

MIRRORED = 4  # a labelled film of so many frames or fewer is mirrored at its ends …
MIRROR = 2  # … by so many frames


@dataclass(frozen=True, slots=True)
class Restored:
    """What a method made: a folder with the frames under the case's own names, one with its mattes or None, and what it cost."""

    frames: Path
    mattes: Path | None
    cost: Cost
    count: int


def stage(method: Method, case: Case, work: Path, *, scan: Path | None = None) -> Restored:
    """Run a method on a case (on `scan` in place of its damaged frames, where given). Raises `BenchError`.

    A case whose frames are not consecutive is run frame by frame. `work` is emptied first.
    """
    work = work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    seconds, peak, mattes = 0.0, 0, None
    for number, film in enumerate(laid_films(case)):
        run = Run(method, case, film, work / f"film{number:03d}", scan or case.folder / "damaged")
        cost = run.run()
        run.take(work / "frames")
        mattes = run.take_mattes(work / "mattes")
        seconds, peak = seconds + cost.seconds, max(peak, cost.peak)
        shutil.rmtree(run.work, ignore_errors=True)
    return Restored(work / "frames", mattes, Cost(seconds, peak), len(case.names))


@dataclass(frozen=True, slots=True)
class Laid:
    """A film as it is laid before a method: the names of its frames, some of them mirrored at its ends, and which of them count."""

    names: tuple[str, ...]
    counted: slice


def laid_films(case: Case) -> list[Laid]:
    """A case as the films that a method is run on: one, or one a frame where they don't follow each other.

    Very short labelled films get neighbours on both sides of every frame: two frames A, B become B A B and A B A (for A B A B would
    show each frame again two frames on, and what is seen again is no dirt); three or four go on in a mirror.
    """
    names = case.names
    if case.facts.single:
        return [Laid((name,), slice(0, 1)) for name in names]
    if case.facts.kind != "labelled" or not 1 < len(names) <= MIRRORED:
        return [Laid(names, slice(0, len(names)))]
    if len(names) == 2:
        one, two = names
        return [Laid((two, one, two), slice(1, 2)), Laid((one, two, one), slice(1, 2))]
    period = 2 * (len(names) - 1)
    places = [min(at % period, -at % period) for at in range(-MIRROR, len(names) + MIRROR)]
    return [Laid(tuple(names[place] for place in places), slice(MIRROR, MIRROR + len(names)))]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a method on consecutive frames of a case."""

    method: Method
    case: Case
    film: Laid
    work: Path
    scan: Path

    def run(self) -> Cost:
        """Lay out what the method may see, and run it."""
        height, width = self.laid_out()
        values = self.places() | {"width": width, "height": height, "shorter": min(height, width), "count": len(self.film.names)}
        if not self.method.makes_out:
            self.out.mkdir(parents=True)
        if any("{video}" in word for word in self.method.command):
            make_movie(self.frames, self.work / "film.mkv")
        command = [filled(word, values) for word in self.method.command]
        folder = Path(filled(self.method.folder, values))
        return run_watched(command, folder=folder, environment=environment())

    @property
    def frames(self) -> Path:
        return self.work / "clips" / "film"

    @property
    def out(self) -> Path:
        return self.work / "out"

    def places(self) -> dict[str, Any]:
        """The placeholders of the command that are places."""
        own = {"clips": self.frames.parent, "frames": self.frames, "out": self.out, "mattes": self.work / "mattes", "work": self.work}
        return {**self.method.settings, **own, "case": self.given, "mask": self.given / "mask", "video": self.work / "film.mkv"}

    @property
    def given(self) -> Path:
        """A case as plain methods read it: the scan, and the truth for those that are given it."""
        return self.work / "case"

    def laid_out(self) -> tuple[int, int]:
        """Copy the scan, and the truth for a method that is given it; (height, width) as laid out."""
        size = (0, 0)
        for name, fresh in zip(self.film.names, frame_names(len(self.film.names)), strict=True):
            size = self.lay(self.scan / name, self.frames / fresh)
            if any("{case}" in word for word in self.method.command):
                self.lay(self.scan / name, self.given / "damaged" / fresh)
            if self.method.truth:
                self.lay_truth(name, fresh)
        return size

    def lay(self, source: Path, target: Path) -> tuple[int, int]:
        """Copy a picture, padded to what the method can take; its (height, width) then."""
        height, width, _ = self.expected(*png_size(source))
        if (height, width) == png_size(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        else:
            write_png(target, padded(read_png(source), self.method.multiple))
        return height, width

    def lay_truth(self, name: str, fresh: str) -> None:
        """The truth of one frame, for a method that is given it. Raises `BenchError` where the case has none."""
        if self.case.facts.kind != "reference":
            raise BenchError(f"{self.method.name} needs the true mask, which {self.case.name} has not; leave one of them out")
        for role in ("clean", "mask"):
            self.lay(self.case.folder / role / name, self.given / role / fresh)

    def take(self, target: Path) -> None:
        """Move the restored frames to `target` under the case's names, cropped to its size. Raises `BenchError`."""
        pattern = filled(self.method.collect, self.places())
        target.mkdir(parents=True, exist_ok=True)
        for name, path in self.counted(collected(pattern), "frames"):
            self.take_one(path, target / name)

    def counted(self, found: list[Path], what: str) -> list[tuple[str, Path]]:
        """(the case's own name, the file) of every frame that counts. Raises `BenchError` where files are missing."""
        wanted = len(self.film.names)
        if len(found) != wanted:
            raise BenchError(f"{len(found)} {what} came out, {wanted} wanted; look at what the method writes, and where")
        return list(zip(self.film.names, found, strict=True))[self.film.counted]

    def take_one(self, path: Path, target: Path) -> None:
        """Move one restored frame to its name, checked and cropped. Raises `BenchError`."""
        height, width = png_size(self.scan / target.name)
        if path.suffix == ".png" and png_size(path) == (height, width):
            shutil.move(path, target)  # perhaps from another disk; its codes are looked at when it is scored
            return
        picture = read_picture(path)
        if picture.shape != self.expected(height, width):
            raise BenchError(
                f"frame {target.name}: {picture.shape[1]} × {picture.shape[0]} came out, "
                f"{width} × {height} wanted; give its recipe a `multiple` that it can take"
            )
        write_png(target, picture[:height, :width])

    def expected(self, height: int, width: int) -> tuple[int, int, int]:
        """The shape that must come out: the scan's, padded as it was given."""
        multiple = self.method.multiple
        return -(-height // multiple) * multiple, -(-width // multiple) * multiple, 3

    def take_mattes(self, target: Path) -> Path | None:
        """Move what the method says that it touched to `target`; None where it says nothing."""
        if not self.method.mattes:
            return None
        for name, path in self.counted(sorted((self.work / "mattes").glob("*.png")), "mattes"):
            write_png(target / name, read_png(path))
        return target


def png_size(path: Path) -> tuple[int, int]:
    """(height, width) of a PNG as its head tells it; (0, 0) of anything else."""
    with path.open("rb") as stream:
        head = stream.read(24)
    if len(head) < 24 or head[12:16] != b"IHDR":
        return 0, 0
    width, height = struct.unpack(">II", head[16:24])
    return int(height), int(width)


def environment() -> Mapping[str, str]:
    """The user's environment; Python's own search path is left out, for a peer has another Python."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}


def padded(picture: NDArray[Any], multiple: int) -> NDArray[Any]:
    """The picture with its last row and column repeated up to a multiple."""
    height, width = picture.shape[:2]
    room = [(0, -height % multiple), (0, -width % multiple)] + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, room, mode="edge")


def collected(pattern: str) -> list[Path]:
    """The files of a pattern in order, or the frames of the movie that it names."""
    if Path(pattern).suffix.lower() in MOVIES:
        return from_movie(Path(pattern))
    fixed = Path(pattern)
    while "*" in str(fixed):
        fixed = fixed.parent
    return sorted(path for path in fixed.glob(str(Path(pattern).relative_to(fixed))) if path.is_file())


def from_movie(path: Path) -> list[Path]:
    """The frames of a movie as pictures beside it. Raises `MediaError`."""
    from frdm.display import look
    from frdm.media.scan import open_scan

    folder = path.with_suffix(".frames")
    with open_scan(path) as scan:
        for index, frame in enumerate(scan.frames()):
            write_png(folder / f"{index:05d}.png", look(frame, scan.info.encoding))
    return sorted(folder.glob("*.png"))


def make_movie(frames: Path, target: Path) -> None:
    """The frames as a lossless movie, for peers that read nothing else. Raises `BenchError`."""
    lossless = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
    command = [ffmpeg_program(), "-v", "error", "-framerate", "24", "-i", str(frames / "%05d.png"), *lossless, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BenchError(f"{target.name}: ffmpeg can't make it: {' '.join(done.stderr.split())[-300:]}")
