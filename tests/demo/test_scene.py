"""The drawn film and its dirt."""

from itertools import pairwise

import numpy as np
import pytest

from frdm.demo.dirt import Dirtiness, dirtied, marks, visible
from frdm.demo.scene import Stage, film

SMALL = Stage(height=120, width=160, shot=4)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return list(film(SMALL))


def test_the_film_is_as_long_and_as_large_as_asked(frames: list[np.ndarray]) -> None:
    assert len(frames) == SMALL.length == 8
    assert {frame.shape for frame in frames} == {(120, 160, 3)}
    assert all(frame.min() >= 0 and frame.max() <= 1 for frame in frames)


def test_the_same_seed_draws_the_same_film_and_another_another(frames: list[np.ndarray]) -> None:
    again, other = next(film(SMALL)), next(film(Stage(height=120, width=160, shot=4, seed=2)))
    assert (again == frames[0]).all()
    assert not (other == frames[0]).all()


def test_it_moves_and_cuts_once(frames: list[np.ndarray]) -> None:
    steps = [float(np.abs(a - b).mean()) for a, b in pairwise(frames)]
    cut = steps.pop(SMALL.shot - 1)
    assert min(steps) > 0.005
    assert cut > 2 * max(steps)


def test_dirt_lies_only_where_its_marks_are(frames: list[np.ndarray]) -> None:
    random = np.random.default_rng(3)
    made = marks(0, (120, 160), random, Dirtiness(dust=30, hairs=3, blotches=3))
    dirty = dirtied(frames[0], made, random)
    allowed = np.zeros((120, 160), bool)
    for mark in made:
        allowed[mark.box.rows, mark.box.columns] |= mark.cover > 0
    changed = np.abs(dirty - frames[0]).max(axis=2) > 1e-4
    assert visible(frames[0], dirty).any()
    assert not (changed & ~allowed).any()


def test_dark_dirt_darkens_and_bright_dirt_brightens(frames: list[np.ndarray]) -> None:
    for dark, sign in ((1.0, -1), (0.0, 1)):
        random = np.random.default_rng(4)
        made = marks(0, (120, 160), random, Dirtiness(dust=20, hairs=2, blotches=2, dark=dark))
        change = dirtied(frames[0], made, random) - frames[0]
        assert (sign * change > -0.02).all()
        assert (sign * change > 0.1).any()


def test_both_kinds_and_polarities_occur() -> None:
    random = np.random.default_rng(5)
    made = [mark for index in range(20) for mark in marks(index, (480, 640), random, Dirtiness())]
    assert {(mark.kind, mark.dark) for mark in made} == {("dirt", True), ("dirt", False), ("hair", True), ("hair", False)}
    assert all(0 <= m.box.top < m.box.bottom <= 480 and 0 <= m.box.left < m.box.right <= 640 for m in made)
