"""The demo's score of a restoration whose truth is known."""

import numpy as np
import pytest

from frdm.demo.dirt import Mark
from frdm.demo.score import Score, score
from frdm.film import Box

CLEAN = np.full((96, 128, 3), 120, np.uint8)
MARK = Mark("dirt", True, Box(0, 40, 50, 50, 60), np.ones((10, 10), np.float32))


def spoiled(picture: np.ndarray, box: Box, level: int) -> np.ndarray:
    out = picture.copy()
    out[box.rows, box.columns] = level
    return out


DIRTY = spoiled(CLEAN, MARK.box, 20)


def test_an_untouched_film_has_all_missed_and_nothing_false() -> None:
    result = score(CLEAN, DIRTY, DIRTY, [MARK])
    assert (result.visible, result.found, result.missed, result.mended) == (1, 0, 1, 0)
    assert (result.far, result.wrong) == (0, 0)
    assert result.gain == pytest.approx(0)


def test_a_good_mend_is_found_and_mended() -> None:
    result = score(CLEAN, DIRTY, spoiled(CLEAN, MARK.box, 123), [MARK])
    assert (result.found, result.mended, result.far) == (1, 1, 0)
    assert result.gain > 20


def test_a_bad_mend_is_found_but_not_mended() -> None:
    result = score(CLEAN, DIRTY, spoiled(CLEAN, MARK.box, 180), [MARK])
    assert (result.found, result.mended) == (1, 0)


def test_harm_far_from_dirt_is_counted() -> None:
    harmed = spoiled(DIRTY, Box(0, 5, 5, 10, 10), 200)
    result = score(CLEAN, DIRTY, harmed, [MARK])
    assert (result.far, result.wrong) == (25, 1)
    assert result.far_percent == pytest.approx(100 * 25 / (96 * 128))


def test_dirt_that_cannot_be_seen_does_not_count() -> None:
    assert score(CLEAN, spoiled(CLEAN, MARK.box, 118), CLEAN, [MARK]).visible == 0


def test_scores_add_up() -> None:
    one = score(CLEAN, DIRTY, CLEAN, [MARK])
    both = one.plus(one).plus(Score())
    assert (both.visible, both.mended, both.frames) == (2, 2, 2)
