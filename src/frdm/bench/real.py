"""Suites of real film: without a reference (stability, what was touched, sheets to look at), and with what people marked by hand."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.bench.case import Case, Facts, cleared, frame_names, read_picture, write_manifest, write_png
from frdm.display import Picture, look
from frdm.errors import BenchError
from frdm.media.scan import open_scan
from frdm.pictures import contact_sheet, evenly

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
MARKED = 127  # a label's code above it is damage


@dataclass(frozen=True, slots=True)
class Strata:
    """What a user knows of real film."""

    gauge: str = "unknown"
    stock: str = "unknown"
    licence: str = ""


def build_real(out: Path, films: Sequence[Path], strata: Strata, *, frames: int) -> Iterator[str]:
    """Write a case for each film (a movie or a folder of frames): `frames` consecutive ones from its middle, at its own size, 8-bit.

    A name each as it is done. Raises `MediaError`, `BenchError`.
    """
    for stem, path in named(films, "real").items():
        name = f"real_{stem}"
        cleared(out / name)
        with open_scan(path) as scan:
            length = min(frames, scan.info.length)
            start = (scan.info.length - length) // 2
            for frame, place in zip(scan.frames(start, start + length), frame_names(length), strict=True):
                write_png(out / name / "damaged" / place, look(frame, scan.info.encoding))
        facts = Facts("real", strata.gauge, strata.stock, ("without reference",), path.name, strata.licence)
        write_manifest(out, {name: facts}, {"name": "real", "made by": "frdm bench build"})
        yield name


def named(places: Sequence[Path], suite: str) -> dict[str, Path]:
    """Films or folders by their names, which their cases get. Raises `BenchError` where there is none, or one name twice."""
    if not places:
        raise BenchError(f"--suite {suite}: no film was given; name some with --films")
    found: dict[str, Path] = {}
    for path in places:
        name = path.resolve().name if path.is_dir() else path.stem
        if found.setdefault(name, path) != path:
            raise BenchError(f"{path}: two films have this name, {found[name]} is the other; rename one, so that their cases differ")
    return found


@dataclass(frozen=True, slots=True)
class Pair:
    """A frame that a person marked, its number in the film, and what belongs to the same piece of film."""

    frame: Path
    label: Path
    number: int
    group: str


def build_labelled(out: Path, folders: Sequence[Path], strata: Strata) -> Iterator[str]:
    """Write cases from folders of frames with hand-made labels: NAME_frame.* beside NAME_label.*, or frames/ beside labels/.

    Frames whose numbers follow each other become one case; those that stand alone become one case of single frames. A name each as it is
    done. Raises `BenchError`.
    """
    for stem, folder in named(folders, "labels").items():
        found = pairs_in(folder)
        if not found:
            raise BenchError(f"{folder}: no labelled frames found; NAME_frame.* beside NAME_label.*, or frames/ beside labels/, wanted")
        runs = runs_of(found)
        cases = [(f"{stem}_{run[0].number:04d}", run, False) for run in runs if len(run) > 1]
        alone = [run[0] for run in runs if len(run) == 1]
        cases += [(f"{stem}_single", alone, True)] if alone else []
        for name, run, single in cases:
            write_labelled(cleared(out / name), run)
            facts = Facts("labelled", strata.gauge, strata.stock, ("labelled by hand",), stem, strata.licence, single=single)
            write_manifest(out, {name: facts}, {"name": "labels", "made by": "frdm bench build"})
            yield name


def pairs_in(folder: Path) -> list[Pair]:
    """The labelled frames of a folder, in order."""
    if (folder / "frames").is_dir() and (folder / "labels").is_dir():
        labels = {path.stem: path for path in pictures(folder / "labels")}
        return [Pair(path, labels[path.stem], number_of(path.stem), "") for path in pictures(folder / "frames") if path.stem in labels]
    found = []
    for path in pictures(folder) if folder.is_dir() else []:
        label = path.with_name(path.name.replace("_frame.", "_label."))
        if "_frame." in path.name and label.exists():
            stem = path.stem.removesuffix("_frame")
            found.append(Pair(path, label, number_of(stem), re.sub(r"^\d+", "", stem)))
    return found


def pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def number_of(stem: str) -> int:
    """The first number of a name. Raises `BenchError`."""
    found = re.search(r"\d+", stem)
    if not found:
        raise BenchError(f"{stem}: no frame number in the name, without which what follows what can't be known; number the frames")
    return int(found[0])


def runs_of(found: Sequence[Pair]) -> list[list[Pair]]:
    """Frames that follow each other, together."""
    runs: list[list[Pair]] = []
    for pair in sorted(found, key=lambda one: (one.group, one.number)):
        follows = runs and runs[-1][-1].group == pair.group and pair.number == runs[-1][-1].number + 1
        if follows:
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def write_labelled(folder: Path, run: Sequence[Pair]) -> None:
    """Write one case's frames and labels. Raises `BenchError` where sizes differ."""
    for name, pair in zip(frame_names(len(run)), run, strict=True):
        frame, label = any_picture(pair.frame), any_picture(pair.label)
        marked = label if label.ndim == 2 else label.max(axis=-1)
        if frame.shape[:2] != marked.shape:
            raise BenchError(f"{pair.label}: {marked.shape[::-1]} px found, the frame has {frame.shape[1::-1]}; make them of one size")
        write_png(folder / "damaged" / name, frame)
        write_png(folder / "label" / name, (marked > MARKED).astype(np.uint8) * 255)


def any_picture(path: Path) -> NDArray[np.uint8]:
    """A picture of any kind, (H, W) or (H, W, 3) R G B, 8-bit. Raises `BenchError`."""
    try:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_ANYCOLOR)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise BenchError(f"{path}: no picture can be read there; leave the file out")
    return np.asarray(picture if picture.ndim == 2 else picture[..., ::-1], np.uint8)


def real_sheet(case: Case, frames: Path, *, count: int = 3) -> Picture:
    """A contact sheet of a restored case: scan, output and what was altered, for some frames."""
    tiles: list[tuple[Picture, str]] = []
    for index in evenly(len(case.names), count):
        name = case.names[index]
        before, after = case.picture("damaged", name), read_picture(frames / name)
        change = np.abs(after.astype(np.int16) - before).max(axis=-1)
        shown = np.repeat((np.clip(change * 8, 0, 255).astype(np.uint8))[..., None], 3, axis=-1)
        share = 100 * float((change >= 2).mean())
        tiles += [(before, f"frame {index}: scan"), (after, "restored"), (shown, f"altered: {share:.3f} % (8 times as strong)")]
    return contact_sheet(tiles, columns=3, width=640)
