"""Suites that several tests read."""

from pathlib import Path

import numpy as np
import pytest

from bench.cases import write_case
from frdm.bench.case import Facts, frame_names, write_manifest, write_png
from tiny import codes, film


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite of a dirty and an undamaged case, without a manifest; not to be written to."""
    folder = tmp_path_factory.mktemp("suite")
    write_case(folder / "dirty")
    write_case(folder / "still", damage=False, seed=8)
    return folder


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A suite of all three kinds, with a manifest."""
    folder = tmp_path / "mixed"
    write_case(folder / "known")
    for name, picture in zip(frame_names(3), codes(film(3)), strict=True):
        write_png(folder / "old" / "damaged" / name, picture)
        write_png(folder / "marked" / "damaged" / name, picture)
        label = np.zeros(picture.shape, np.uint8)
        label[20:26, 30:36] = 255
        write_png(folder / "marked" / "label" / name, label)
    facts = {"known": Facts(), "old": Facts("real", "16 mm", "black and white"), "marked": Facts("labelled", single=True)}
    write_manifest(folder, facts, {"name": "mixed"})
    return folder
