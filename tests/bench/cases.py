"""Small cases on disk, drawn from tests/tiny.py, in the public suite's layout."""

from pathlib import Path

import numpy as np

from frdm.bench.case import Case, frame_names, open_suite, write_png
from tiny import codes, dirty, film

FRAMES = 5


def write_case(folder: Path, *, damage: bool = True, height: int = 96, seed: int = 3) -> None:
    """A case of grey film under grain, as R G B pictures."""
    clean = film(FRAMES, height=height, width=128, seed=seed)
    other = film(FRAMES, height=height, width=128, seed=seed) + np.random.default_rng(99).normal(0, 0.008, clean.shape).astype(np.float32)
    damaged, mask = dirty(clean, specks=3) if damage else (clean, np.zeros(clean.shape, bool))
    for index, name in enumerate(frame_names(FRAMES)):
        for role, picture in (("clean", clean), ("damaged", damaged), ("ideal", other)):
            write_png(folder / role / name, np.repeat(codes(picture[index])[..., None], 3, axis=-1))
        ids = np.where(mask[index], 1, 0).astype(np.uint16)
        ids[:, 40:60] *= 1000  # some of it stands
        write_png(folder / "ids" / name, ids)
        write_png(folder / "mask" / name, mask[index].astype(np.uint8) * 255)


def case_of(folder: Path, name: str) -> Case:
    return next(case for case in open_suite(folder).cases if case.name == name)
