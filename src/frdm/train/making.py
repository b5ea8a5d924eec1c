"""Files of windows, several at a time."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from frdm.dataset.sources import Clip, find_clips
from frdm.dataset.split import named
from frdm.errors import DatasetError
from frdm.runtime.session import load_net
from frdm.train.eye_windows import WindowSettings, make_file, write_file


@dataclass(frozen=True, slots=True)
class Making:
    """What is made: files `files` of the `kind` train or val; films in `hold_out` (names or patterns) only validate."""

    kind: Literal["train", "val"] = "train"
    files: Iterable[int] = range(80)
    hold_out: tuple[str, ...] = ()
    seed: int = 11
    alarms: bool = False  # only crops in which the shipped net is wrong
    windows: WindowSettings = field(default_factory=WindowSettings)  # what they are made of; `val` draws no scenes and less speed


def make_windows(places: Sequence[Path], out: Path, making: Making, *, processes: int = 2) -> Iterator[str]:
    """Make the files that are missing under `out`; a sentence for each. Raises `DatasetError`."""
    clips, settings = chosen(find_clips(places), making)
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{making.kind}-alarms" if making.alarms else making.kind
    places_of = {number: out / f"{stem}-{making.seed}-{number:04d}.npy" for number in making.files}
    missing = {number: path for number, path in places_of.items() if not path.exists()}
    one = partial(_one, clips=clips, settings=settings, making=making)
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, missing.items())


def chosen(clips: Sequence[Clip], making: Making) -> tuple[list[Clip], WindowSettings]:
    """The clips of one side, and how they are used. Raises `DatasetError`."""
    validates = making.kind == "val"
    side = [clip for clip in clips if named(clip.name, making.hold_out) == validates]
    if not side:
        raise DatasetError(f"--kind {making.kind}: no clip is left; change --hold-out")
    return side, dataclasses.replace(making.windows, scenes={}, strides=(0.7, 0.2, 0.1)) if validates else making.windows


def _one(job: tuple[int, Path], *, clips: Sequence[Clip], settings: WindowSettings, making: Making) -> str:
    number, path = job
    records = make_file(clips, settings, seed=making.seed, number=number, net=load_net("eye") if making.alarms else None)
    write_file(path, records)
    return f"{path.name}: {len(records)} crops"
