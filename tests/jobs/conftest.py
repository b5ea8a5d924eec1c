"""A tiny film, and jobs on it with repairs that are made up, so that tests are quick and know what must come out."""

from pathlib import Path

import pytest

import mended
import tiny
from frdm import jobs
from frdm.recipe import Recipe
from mended import FRAMES, run


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 16-bit gray PNG frames in two shots; read only."""
    return tiny.write_png(tmp_path_factory.mktemp("film") / "scan", tiny.codes(tiny.two_shots(FRAMES // 2, height=48, width=64), 16))


@pytest.fixture(scope="session")
def made(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a finished restoration of it; not to be changed."""
    out = tmp_path_factory.mktemp("made") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(drawn, out, recipe=Recipe(span=3)))
    return out.with_name("out.frdm")


@pytest.fixture
def scan(drawn: Path, tmp_path: Path) -> Path:
    """The same film in a place of its own."""
    folder = tmp_path / "scan"
    folder.mkdir()
    for file in drawn.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def recipe() -> Recipe:
    """Spans of three frames: many of them in a tiny film."""
    return Recipe(span=3)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repairs are made up."""
    monkeypatch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)


@pytest.fixture
def restored(scan: Path, recipe: Recipe, faked: None) -> tuple[Path, Path]:
    """(output, project) of a finished run."""
    out = scan.with_name("out")
    run(jobs.restore(scan, out, recipe=recipe))
    return out, scan.with_name("out.frdm")
