"""The classical detector: finds drawn dirt of both polarities, leaves moving film alone, obeys its settings."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

import tiny
from frdm.defects.classical import find, kind_of, least_probability
from frdm.defects.judge import load_trees
from frdm.defects.objects import FEATURES
from frdm.defects.spikes import outside, sorted_neighbours
from frdm.film import Encoding, Frame, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Detection


def window_of(film: tiny.Film, index: int) -> Window:
    frames = [Frame(i, (tiny.codes(f),)) for i, f in enumerate(film)]
    with ThreadPoolExecutor(2) as pool:
        return Reel(frames, Encoding("y", 8), Shot(0, len(frames)), 0, pool).window(index)


@pytest.fixture(scope="module")
def damaged() -> tuple[tiny.Film, np.ndarray]:
    return tiny.dirty(tiny.film(9, height=240, width=320, grain=0.012), specks=6, radius=4)


def found_mask(window: Window, settings: Detection, allowed: np.ndarray | None = None) -> np.ndarray:
    mask = np.zeros(window.luma.shape, bool)
    for defect in find(window, settings, allowed).defects:
        mask[defect.box.rows, defect.box.columns] |= defect.mask
    return mask


@pytest.mark.parametrize("index", [0, 1, 4, 8])
def test_drawn_dirt_is_found_and_little_else(damaged: tuple[tiny.Film, np.ndarray], index: int) -> None:
    film, truth = damaged
    mask = found_mask(window_of(film, index), Detection())
    near = cv2.dilate(truth[index].astype(np.uint8), np.ones((11, 11))) > 0
    assert (mask & truth[index]).sum() >= 0.7 * truth[index].sum()
    assert (mask & ~near).sum() <= 0.1 * truth[index].sum()  # a fringe at most
    for defect in find(window_of(film, index), Detection()).defects:
        assert (defect.mask & truth[index][defect.box.rows, defect.box.columns]).any()  # none of them beside the dirt


def test_undamaged_film_is_left_alone() -> None:
    film = tiny.film(9, height=240, width=320, grain=0.012, pan=2.0)
    assert not found_mask(window_of(film, 4), Detection()).any()


@pytest.mark.parametrize("step", [4, 10, 14])
def test_a_moving_ball_is_not_dirt(step: int) -> None:
    film = tiny.film(9, height=240, width=320, grain=0.01, pan=0.0)
    for i, frame in enumerate(film):
        cv2.circle(frame, (30 + step * i, 120), 6, 0.95, -1)
    assert not found_mask(window_of(film, 4), Detection()).any()


def test_polarity_and_allowed_and_size_are_obeyed(damaged: tuple[tiny.Film, np.ndarray]) -> None:
    film, _ = damaged
    window = window_of(film, 4)
    assert {d.polarity for d in find(window, Detection(polarity="dark")).defects} == {"dark"}
    assert {d.polarity for d in find(window, Detection(polarity="bright")).defects} == {"bright"}
    assert not found_mask(window, Detection(), np.zeros(window.luma.shape, bool)).any()
    assert not find(window, Detection(min_size=40.0)).defects
    assert not find(window, Detection(max_size=4.0)).defects


def test_strength_finds_more() -> None:
    areas = np.array([5.0, 100.0, 5000.0])
    least = [least_probability(s, areas) for s in (0.0, 0.3, 0.5, 0.8, 1.0)]
    assert all((a > b).all() for a, b in itertools.pairwise(least))
    film, _ = tiny.dirty(tiny.film(9, height=240, width=320, grain=0.03), specks=12, radius=2)
    window = window_of(film, 4)
    counts = [len(find(window, replace(Detection(), strength=s)).defects) for s in (0.0, 0.5, 1.0)]
    assert counts[0] <= counts[1] <= counts[2] > counts[0]


def test_neighbours_are_sorted_at_each_pixel() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 3, 4, 5):
        stack = rng.random((count, 7, 9), dtype=np.float32)
        np.testing.assert_array_equal(np.stack(sorted_neighbours(list(stack))), np.sort(stack, axis=0))


def test_outside_is_signed() -> None:
    low, high = np.float32([[0.2]]), np.float32([[0.4]])
    assert [float(outside(np.float32([[v]]), low, high)[0, 0]) for v in (0.1, 0.3, 0.6)] == pytest.approx([-0.1, 0, 0.2])


@pytest.mark.parametrize(("kind", "draw"), [("dirt", "disc"), ("hair", "curve"), ("scratch", "upright"), ("stain", "large")])
def test_kind_follows_shape(kind: str, draw: str) -> None:
    picture = np.zeros((160, 160), np.uint8)
    if draw == "disc":
        cv2.circle(picture, (80, 80), 6, 1, -1)
    elif draw == "curve":
        cv2.ellipse(picture, (80, 80), (50, 30), 20, 0, 150, 1, 2)
    elif draw == "upright":
        cv2.line(picture, (80, 20), (80, 120), 1, 2)
    else:
        cv2.circle(picture, (80, 80), 60, 1, -1)
    assert kind_of(picture > 0, 1.0) == kind


def test_trees_are_whole() -> None:
    trees = load_trees()
    assert trees.feature.max() < len(FEATURES)
    chance = trees.probability(np.random.default_rng(0).normal(size=(50, len(FEATURES))).astype(np.float32))
    assert chance.shape == (50,)
    assert ((chance >= 0) & (chance <= 1)).all()
