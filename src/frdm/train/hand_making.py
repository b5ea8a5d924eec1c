"""Files of the hand's windows, several at a time; from clips of clean film, or from packs that `frdm dataset` wrote."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from frdm.dataset.manifest import NAME
from frdm.dataset.shards import Pack
from frdm.dataset.sources import find_clips
from frdm.dataset.split import named
from frdm.errors import DatasetError
from frdm.train.hand_settings import HandTraining
from frdm.train.hand_windows import GRID, FilmSettings, Source, make_file, write_file

Kind = Literal["train", "val"]
ROUNDS = 3  # segments cut from each sample of a pack
MOST_FILES = 40  # of windows that are made of a pack


@dataclass(frozen=True, slots=True)
class Making:
    """What is made: files `files` of the `kind` train or val; films in `hold_out` (names or patterns) only validate."""

    kind: Kind = "train"
    files: Iterable[int] = range(40)
    hold_out: tuple[str, ...] = ()
    seed: int = 21
    windows: FilmSettings = field(default_factory=FilmSettings)  # what they are made of; `val` is always damaged, with less speed


def make_windows(places: Sequence[Path], out: Path, making: Making, *, processes: int = 2) -> Iterator[str]:
    """Make the files that are missing under `out`; a sentence for each. Raises `DatasetError`."""
    sources = chosen(places, making)
    settings = making.windows
    if making.kind == "val":
        settings = replace(settings, followed=1.0, anywhere=0.0, strides=(0.7, 0.2, 0.1), damage=replace(settings.damage, undamaged=0.0))
    out.mkdir(parents=True, exist_ok=True)
    paths = {number: out / f"{making.kind}-{making.seed}-{number:04d}.npy" for number in making.files}
    missing = {number: path for number, path in paths.items() if not path.exists()}
    one = partial(_one, sources=sources, settings=settings, seed=making.seed)
    if processes == 1:
        yield from map(one, missing.items())
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, missing.items())


def chosen(places: Sequence[Path], making: Making) -> list[Source]:
    """The films of one side. Of a pack, `train` takes what its manifest says trains, `val` what validates. Raises `DatasetError`."""
    packs = [place for place in places if (place / NAME).is_file()]
    clips = [place for place in places if place not in packs]
    validates = making.kind == "val"
    found = [Source(clip.name, clip) for clip in (find_clips(clips) if clips else []) if named(clip.name, making.hold_out) == validates]
    for place in packs:
        pack = Pack(place)
        for number, entry in enumerate(pack.entries):
            side = "val" if entry.split == "validation" or named(entry.film, making.hold_out) else entry.split
            if side == making.kind and entry.frames >= making.windows.frames:
                found.append(Source(entry.film, pack=pack, number=number))
    if not found:
        raise DatasetError(f"{', '.join(map(str, places))}: no film of the kind {making.kind} is left; change --hold-out or name more film")
    return found


def windows_in(data: Path, out: Path, settings: HandTraining, tell: Callable[[str], None]) -> Path:
    """The folder of windows: `data` itself, or `out`/windows, made of the pack that `data` is. What is there is not made again."""
    if not (data / NAME).is_file():
        return data
    folder, params = out / "windows", settings.params
    entries = [entry for entry in Pack(data).entries if entry.frames >= params.frames]
    if not entries:
        raise DatasetError(f"{data}: samples of {params.frames} frames or more wanted, none found; make the pack with longer samples")
    _refuse_another(data, folder)
    least = min(min(entry.height, entry.width) for entry in entries) // GRID * GRID
    cut = max(min(params.side + settings.tiles.step, least), params.side)
    for kind, split in (("train", "train"), ("val", "validation")):
        segments = ROUNDS * sum(entry.split == split for entry in entries)
        if not segments and kind == "val":
            tell(f"{data}: no film validates; the run is not scored on film that it does not learn from")
            continue
        made = FilmSettings(frames=params.frames, cut=cut, square=params.side, segments=min(segments, FilmSettings().segments) or 1)
        files = range(min(MOST_FILES, -(-segments // made.segments)) if kind == "train" else 1)
        for done in make_windows([data], folder, Making(kind, files, windows=made), processes=1):  # type: ignore[arg-type]
            tell(done)
    return folder


def _refuse_another(data: Path, folder: Path) -> None:
    """Note beside windows of which pack they are. Raises `DatasetError` where those that are there are of another one."""
    digest, note = hashlib.sha256((data / NAME).read_bytes()).hexdigest(), folder / "pack.sha256"
    if note.is_file() and note.read_text(encoding="utf-8").strip() != digest:
        raise DatasetError(f"{folder}: windows of another pack found, or {data} was changed since; give another --out")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(digest + "\n", encoding="utf-8")


def _one(job: tuple[int, Path], *, sources: Sequence[Source], settings: FilmSettings, seed: int) -> str:
    number, path = job
    records = make_file(sources, settings, seed=seed, number=number)
    write_file(path, records)
    return f"{path.name}: {len(records)} windows"
