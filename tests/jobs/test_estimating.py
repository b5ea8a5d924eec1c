"""What a job is said to cost: frames that are looked at before others are mended count too."""

from dataclasses import replace
from pathlib import Path

import pytest

from frdm.defects.stretch import blocks, places
from frdm.film import Shot
from frdm.jobs.estimating import GLANCE, START, estimate, frame_seconds, looked_at
from frdm.media.scan import open_scan
from frdm.recipe import Detection, Recipe, WholeFrameSettings


@pytest.mark.parametrize(
    ("start", "stop", "length", "count"),
    [(0, 240, 240, 30), (0, 24, 240, 3), (48, 72, 240, 6), (50, 51, 240, 6), (0, 6, 6, 2), (0, 1, 1, 1), (30, 30, 240, 0)],
)
def test_three_frames_of_each_block_and_of_the_one_before_are_looked_at(start: int, stop: int, length: int, count: int) -> None:
    assert looked_at(start, stop, length) == count
    shot = Shot(0, length)
    assert count == len({place for index in range(start, stop) for block in blocks(shot, index) for place in places(*block)})


@pytest.mark.parametrize(("width", "height", "measured"), [(640, 480, 0.37), (1024, 778, 0.76), (2048, 1556, 1.2), (4096, 3112, 1.67)])
def test_a_frame_takes_about_what_was_measured(width: int, height: int, measured: float) -> None:
    """Seconds a frame of docs/benchmark.md (how it grows) less the start; above a thousand lines the search is no larger."""
    assert frame_seconds(width, height) == pytest.approx(measured, rel=0.2)


def seconds(scan: Path, recipe: Recipe, *, jobs: int = 1) -> float:
    with open_scan(scan) as film:
        return estimate(film, recipe, jobs=jobs).seconds


def test_looking_costs_time_where_stretches_are_looked_at(drawn: Path) -> None:
    with open_scan(drawn) as film:
        frames = film.info.length
        plain = frames * frame_seconds(film.info.width, film.info.height)
    usual = Recipe()
    assert seconds(drawn, usual) == pytest.approx(START + plain * (1 + GLANCE * looked_at(0, frames, frames) / frames))
    for recipe in (
        replace(usual, detection=Detection(by_stretch=False)),
        replace(usual, detection=Detection(detector="classical")),
        replace(usual, whole_frame=WholeFrameSettings(on=True)),
    ):
        assert seconds(drawn, recipe) == pytest.approx(START + plain)
    assert seconds(drawn, usual, jobs=2) == pytest.approx(START + (seconds(drawn, usual) - START) / 2)
