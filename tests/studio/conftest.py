"""A tiny film that was restored with repairs that are made up, and the studio on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opened import copied, served

import mended
import tiny
from frdm import jobs
from frdm.recipe import Recipe
from mended import FRAMES, run

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film (scan/), its project and the film that was made of it (out/): read only."""
    place = tmp_path_factory.mktemp("drawn")
    tiny.write_png(place / "scan", tiny.codes(tiny.two_shots(FRAMES // 2, height=HEIGHT, width=WIDTH), 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(place / "scan", place / "out", recipe=Recipe(span=3)))
    return place


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """Film, project and restored film, to be changed."""
    return copied(drawn, tmp_path / "work")


@pytest.fixture
def client(place: Path) -> Iterator[TestClient]:
    """The studio as one seat sees it, to be changed."""
    with served(place) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for tests that change nothing."""
    return copied(drawn, tmp_path_factory.mktemp("shared") / "work")


@pytest.fixture(scope="session")
def reader(shared: Path) -> Iterator[TestClient]:
    """The studio for tests that change nothing."""
    with served(shared) as opened:
        yield opened
