"""One small set of windows, made once: two drawn films, one to learn from and one to validate."""

from pathlib import Path

import numpy as np
import pytest

import tiny
from frdm.dataset.sources import Clip, find_clips
from frdm.train.eye_windows import WindowSettings, make_file, write_file


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Two drawn films as folders of PNG frames."""
    folder = tmp_path_factory.mktemp("films")
    for number, name in enumerate(("harbour", "mill")):
        film = tiny.film(9, height=208, width=240, seed=20 + number, grain=0.0)
        tiny.write_png(folder / name, np.repeat(tiny.codes(film)[..., None], 3, -1))
    return find_clips([folder / "harbour", folder / "mill"])


@pytest.fixture(scope="session")
def windows(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of windows: one file to learn from, one to validate."""
    folder = tmp_path_factory.mktemp("windows")
    settings = WindowSettings(segments=2, undamaged=0.3)
    write_file(folder / "train-0000.npy", make_file(clips[:1], settings, seed=3, number=0))
    write_file(folder / "val-0000.npy", make_file(clips[1:], settings, seed=4, number=0))
    return folder
