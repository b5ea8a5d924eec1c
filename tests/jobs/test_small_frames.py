"""Film of a few pixels a side is restored like any other: motion, detectors and fills hold, and nothing but repairs is altered."""

from pathlib import Path

import numpy as np
import pytest

import tiny
from frdm import jobs
from frdm.cli import main
from frdm.recipe import Detection, Recipe
from mended import run

SIZES = ((1, 40), (2, 2), (3, 9), (8, 8), (16, 16), (24, 64), (12, 200), (16, 400), (31, 500), (40, 40))


def written(folder: Path, height: int, width: int, *, frames: int, colour: bool) -> Path:
    """A panning film of 16 bits with a dark speck on its middle frame."""
    film = tiny.film(frames, height=height, width=width)
    film[frames // 2, height // 2 : height // 2 + 3, width // 2 : width // 2 + 3] = 0.02
    shown = np.stack([film, film * 0.8, film * 0.9], -1) if colour else film
    return tiny.write_png(folder / "scan", tiny.codes(shown, 16))


@pytest.mark.parametrize("frames", [1, 6])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_small_film_is_restored(height: int, width: int, frames: int, tmp_path: Path) -> None:
    for colour in (False, True):
        folder = tmp_path / str(colour)
        scan, out, mattes = written(folder, height, width, frames=frames, colour=colour), folder / "out", folder / "mattes"
        summary = run(jobs.restore(scan, out, recipe=Recipe(), mattes=mattes))
        before, after, matte = (tiny.read_png(place) for place in (scan, out, mattes))
        assert summary.frames == frames
        assert after.shape == before.shape
        assert np.array_equal(after[matte == 0], before[matte == 0])
        assert summary.mended > 0 or np.array_equal(after, before)


def test_a_speck_on_small_film_is_mended(tmp_path: Path) -> None:
    scan = written(tmp_path, 24, 96, frames=6, colour=False)
    summary = run(jobs.restore(scan, tmp_path / "out", recipe=Recipe(detection=Detection(detector="classical", strength=0.8))))
    clean, there = tiny.film(6, height=24, width=96)[3], np.s_[12:15, 48:51]
    assert summary.mended >= 1
    assert np.abs(tiny.read_png(tmp_path / "out")[3][there] / 65535 - clean[there]).mean() < 0.05


@pytest.mark.parametrize(("height", "width"), [(2, 2), (16, 16), (12, 200)])
def test_small_pictures_are_restored_each_by_itself(height: int, width: int, tmp_path: Path) -> None:
    scan = written(tmp_path, height, width, frames=2, colour=True)
    assert run(jobs.restore(scan, tmp_path / "out", recipe=Recipe(stills=True))).frames == 2
    assert tiny.read_png(tmp_path / "out").shape == (2, height, width, 3)


@pytest.mark.parametrize("words", [("--engine", "diffusion"), ("--whole-frame",)])
def test_film_smaller_than_a_tile_is_refused_before_any_work(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = written(tmp_path, 40, 300, frames=3, colour=False)
    assert main(["restore", str(scan), "-o", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said == [
        f"frdm: {scan}: a frame of 300 × 40 is smaller than a tile of the hand (96 × 96 px); give --engine neighbours, and no --whole-frame"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["scan"]
