"""What shows through a line: a shade keeps its film, an opaque line is continued, and nothing is taken from what is not sound."""

from functools import partial

import cv2
import numpy as np
import pytest

from frdm.fills.through import Ladder, Shown, shown_through
from frdm.film import Mask, Real

HEIGHT, WIDTH, LEFT, RIGHT = 400, 60, 28, 32


def continued(plane: Real, hole: Mask) -> Real:
    scale = np.float32(1e5 / np.abs(plane).max())
    return cv2.inpaint(np.ascontiguousarray(plane * scale), hole.astype(np.uint8), 3, cv2.INPAINT_TELEA) / scale


def film(grain: float = 6.0) -> Real:
    """Uneven tones with grain; 8-bit codes as floats."""
    random = np.random.default_rng(4)
    wide = cv2.GaussianBlur(random.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 5)
    return np.asarray(120 + 25 * wide / wide.std() + random.normal(0, grain, (HEIGHT, WIDTH)), np.float32)


def hole_of(left: int = LEFT, right: int = RIGHT) -> Mask:
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[:, left:right] = True
    return hole


def mended(scan: Real, hole: Mask, sound: Mask | None = None) -> Shown:
    scan = scan.astype(np.float32)
    return shown_through(scan, hole, ~hole if sound is None else sound & ~hole, partial(continued, scan), HEIGHT / 480)


def miss(picture: Real, truth: Real, hole: Mask) -> float:
    return float(np.sqrt(((picture - truth)[hole] ** 2).mean()))


@pytest.mark.parametrize("shade", [-40.0, 25.0])
def test_film_is_kept_under_a_shade(shade: float) -> None:
    truth, hole = film(), hole_of()
    fading = shade * (1 + 0.3 * np.sin(np.arange(HEIGHT) / 60, dtype=np.float32))[:, None]
    made = mended(truth + hole * fading, hole)
    assert miss(made.mended, truth, hole) < 0.5 * miss(made.sides, truth, hole)
    assert made.share[hole].mean() > 0.7
    assert not made.share[~hole].any() and np.allclose(made.mended[~hole], truth[~hole], atol=1e-3)


def test_an_opaque_line_is_continued_from_its_sides() -> None:
    truth, hole = film(grain=1.0), hole_of()
    made = mended(np.where(hole, 230 + np.random.default_rng(5).normal(0, 15, truth.shape).astype(np.float32), truth), hole)
    assert miss(made.mended, truth, hole) < 1.1 * miss(made.sides, truth, hole)
    assert made.share[hole].mean() < 0.2


def test_a_smooth_line_lacks_grain_and_says_so() -> None:
    truth, hole = film(), hole_of()
    made = mended(np.where(hole, np.float32(240), truth), hole)
    assert made.share[hole].max() < 0.3
    grained = made.grained(made.sides + np.float32(7))
    assert np.abs(grained - made.mended)[hole].min() > 6 and np.abs(grained - made.mended)[hole].max() <= 7.001


def test_what_the_scan_keeps_gets_no_more_grain() -> None:
    truth, hole = film(), hole_of()
    made = mended(truth - 30 * hole, hole)
    added = np.abs(made.grained(made.sides + np.float32(7)) - made.mended)[hole].mean()
    assert added < 4


def test_one_line_may_be_a_shade_here_and_opaque_there() -> None:
    truth, hole = film(grain=1.0), hole_of()
    lower = np.arange(HEIGHT)[:, None] >= HEIGHT // 2
    noise = np.random.default_rng(6).normal(0, 15, truth.shape).astype(np.float32)
    made = mended(np.where(hole & lower, 230 + noise, truth - 30 * hole).astype(np.float32), hole)
    assert made.share[: HEIGHT // 3][hole[: HEIGHT // 3]].mean() > 0.5
    assert made.share[-HEIGHT // 3 :][hole[-HEIGHT // 3 :]].mean() < 0.25


def test_a_line_adds_more_to_the_dark_than_to_the_light_and_leaves_nothing_where_they_meet() -> None:
    truth, hole = film(grain=2.0) - 60, hole_of()
    truth[HEIGHT // 2 :] += 110
    made = mended(np.where(hole, 0.3 * truth + 0.7 * 225, truth), hole)
    wrong, before = (np.abs((one - truth)[:, LEFT:RIGHT].mean(1)) for one in (made.mended, made.sides))
    near = np.abs(np.arange(HEIGHT) - HEIGHT // 2) < 40
    assert wrong[near].max() < before[near].max(), "nothing of it stands out more than with the sides alone"
    assert wrong[near].mean() < before[near].mean()


@pytest.mark.parametrize(("left", "right"), [(0, 4), (56, 60), (5, 9)])
def test_at_the_border_one_side_is_enough(left: int, right: int) -> None:
    truth, hole = film(), hole_of(left, right)
    made = mended(truth - 30 * hole, hole)
    assert miss(made.mended, truth, hole) < 0.8 * miss(made.sides, truth, hole)


def test_nothing_sound_beside_it_leaves_the_sides_alone() -> None:
    truth, hole = film(), hole_of()
    made = mended(truth - 30 * hole, hole, np.zeros_like(hole))
    assert np.allclose(made.mended, made.sides, atol=1e-3) and not made.share.any()


def test_what_is_not_sound_is_no_witness() -> None:
    truth, hole = film(), hole_of()
    scan = truth - 30 * hole
    good = mended(scan, hole)
    scan[:, : LEFT - 4] = 255 * (np.arange(HEIGHT)[:, None] % 7 < 3)  # stripes that the sides would miss by far
    sound = np.ones_like(hole)
    sound[:, : LEFT - 4] = False
    assert np.abs(mended(scan, hole, sound).mended - good.mended)[hole].mean() < 1.5


def test_a_hole_that_wanders_and_breaks_off_is_followed() -> None:
    truth = film()
    first = (28 + 6 * np.sin(np.arange(HEIGHT) / 40)).astype(int)
    columns = np.arange(WIDTH)
    hole = (columns >= first[:, None]) & (columns < first[:, None] + 4)
    hole[150:190] = False
    made = mended(truth - 30 * hole, hole)
    assert miss(made.mended, truth, hole) < 0.6 * miss(made.sides, truth, hole)
    assert np.allclose(made.mended[150:190], truth[150:190], atol=1e-3)


def test_light_beyond_all_bounds_makes_no_nonsense() -> None:
    truth, hole = film() / 255, hole_of()
    truth[3, 40] = np.finfo(np.float32).max
    made = mended(truth, hole)
    assert np.isfinite(made.mended).all() and np.isfinite(made.share).all()


def test_a_ladder_counts_each_row_from_its_own_first_column() -> None:
    hole = np.zeros((3, 9), bool)
    hole[0, 2:5], hole[2, 4:6] = True, True
    picture = np.arange(27, dtype=np.float32).reshape(3, 9)
    ladder = Ladder.of(hole)
    assert ladder.take(picture).tolist() == [[2, 3, 4], [0, 0, 0], [22, 23, 0]]
    assert ladder.moved(4).take(picture).tolist() == [[6, 7, 8], [0, 0, 0], [26, 0, 0]]
    assert ladder.moved(-3).take(picture).tolist() == [[0, 0, 1], [0, 0, 0], [19, 20, 0]]
    assert (ladder.put(np.full((3, 3), -1, np.float32), picture) == np.where(hole, -1, picture)).all()
