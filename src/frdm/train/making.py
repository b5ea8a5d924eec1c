"""Files of windows, several at a time."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from frdm.dataset.sources import Clip, find_clips
from frdm.dataset.split import named
from frdm.errors import DatasetError
from frdm.runtime.session import load_net
from frdm.train.eye_windows import WindowSettings, make_file, write_file


@dataclass(frozen=True, slots=True)
class Making:
    """What is made: files `files` of the `kind` train or val; films in `hold_out` (names or patterns) only validate."""

    kind: str = "train"
    files: Iterable[int] = range(80)
    hold_out: tuple[str, ...] = ()
    seed: int = 11
    alarms: bool = False  # only crops in which the shipped net is wrong


def make_windows(places: Sequence[Path], out: Path, making: Making, *, processes: int = 2) -> Iterator[str]:
    """Make the files that are missing under `out`; a sentence for each. Raises `DatasetError`."""
    clips, settings = chosen(find_clips(places), making.kind, making.hold_out)
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{making.kind}-alarms" if making.alarms else making.kind
    missing = {number: path for number in making.files if not (path := out / f"{stem}-{number:04d}.npy").exists()}
    one = partial(_one, clips=clips, settings=settings, making=making)
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, missing.items())


def chosen(clips: Sequence[Clip], kind: str, hold_out: tuple[str, ...]) -> tuple[list[Clip], WindowSettings]:
    """The clips of one side, and how they are used. Raises `DatasetError`."""
    if kind not in ("train", "val"):
        raise DatasetError(f"--kind {kind}: give train or val")
    side = [clip for clip in clips if named(clip.name, hold_out) == (kind == "val")]
    if not side:
        raise DatasetError(f"--kind {kind}: no clip is left; change --hold-out")
    usual = WindowSettings()
    return side, usual if kind == "train" else dataclasses.replace(usual, scenes={}, strides=(0.7, 0.2, 0.1))


def _one(job: tuple[int, Path], *, clips: Sequence[Clip], settings: WindowSettings, making: Making) -> str:
    number, path = job
    records = make_file(clips, settings, seed=making.seed, number=number, net=load_net("eye") if making.alarms else None)
    write_file(path, records)
    return f"{path.name}: {len(records)} crops"
