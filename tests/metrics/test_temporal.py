"""Warping error and flicker on films whose motion and noise are known."""

from itertools import pairwise

import numpy as np
import pytest

import tiny
from frdm.errors import MetricError
from frdm.metrics.temporal import Flicker, flicker, flicker_of, motion_between, motions, warping_error

SIZE = {"height": 120, "width": 160}
GRAIN = 0.01


@pytest.fixture(scope="module")
def still() -> tiny.Film:
    return tiny.film(5, pan=0, grain=GRAIN, **SIZE)


@pytest.fixture(scope="module")
def moving() -> tiny.Film:
    return tiny.film(5, pan=3, grain=0, **SIZE)


def test_a_still_film_has_twice_the_variance_of_its_grain(still: tiny.Film) -> None:
    assert warping_error(still, peak=1.0) == pytest.approx(2 * GRAIN**2, rel=0.12)


def test_motion_is_followed(moving: tiny.Film) -> None:
    motion = motion_between(moving[0], moving[1], peak=1.0)
    assert np.median(motion.displacement[1][motion.trusted]) == pytest.approx(3, abs=0.1)
    assert np.median(np.abs(motion.displacement[0][motion.trusted])) < 0.1
    assert not motion.trusted[:, -1].any()  # what leaves the picture has nothing to be compared with
    unmoved = float(np.mean([(b - a) ** 2 for a, b in pairwise(moving)]))
    assert (warping_error(moving, peak=1.0) or 1) < unmoved / 100


def test_codes_and_scaled_pictures_agree(still: tiny.Film) -> None:
    codes = tiny.codes(still)
    assert warping_error(codes) == pytest.approx(warping_error(codes / np.float32(255), peak=1.0), rel=1e-4)
    colour = np.repeat(codes[..., None], 3, -1)
    assert warping_error(colour) == pytest.approx(warping_error(codes), rel=1e-3)


def test_flicker_by_hand(still: tiny.Film) -> None:
    """Noise of the grain's own strength on top doubles the error; the reference against itself is 1; none of it is smoothness."""
    more = still + np.random.default_rng(9).normal(0, GRAIN, still.shape).astype(np.float32)
    assert flicker(still, still, peak=1.0) == 1
    assert flicker(still, more, peak=1.0) == pytest.approx(2, rel=0.12)
    smooth = np.repeat(still.mean(0, keepdims=True), len(still), 0)
    assert flicker(still, smooth, peak=1.0) == pytest.approx(0, abs=0.02)


def test_flicker_grows_with_flicker(moving: tiny.Film) -> None:
    grained = moving + np.random.default_rng(1).normal(0, GRAIN, moving.shape).astype(np.float32)
    ratios = [
        flicker(grained, grained * (1 + step * np.array([0, 1, 0, 1, 0], np.float32)[:, None, None]), peak=1.0)
        for step in (0, 0.02, 0.05, 0.1)
    ]
    assert ratios[0] == 1
    assert all(a < b for a, b in pairwise(ratios))  # type: ignore[operator]


def test_a_repair_that_boils_is_seen_though_each_frame_is_near(moving: tiny.Film) -> None:
    grained = moving + np.random.default_rng(1).normal(0, 0.003, moving.shape).astype(np.float32)
    boiling = grained.copy()
    boiling[::2, 40:80, 60:100] += 0.03
    steady = grained.copy()
    steady[:, 40:80, 60:100] += 0.03
    assert (flicker(grained, boiling, peak=1.0) or 0) > 1.5 * (flicker(grained, steady, peak=1.0) or 9)


def test_a_cut_is_left_out() -> None:
    film = tiny.two_shots(3, **SIZE)
    whole, parts = warping_error(film, peak=1.0), [warping_error(film[:3], peak=1.0), warping_error(film[3:], peak=1.0)]
    assert whole == pytest.approx(np.mean([p for p in parts if p]), rel=0.02)
    assert warping_error(film[2:4], peak=1.0) is None
    assert warping_error(film[:1], peak=1.0) is None
    assert Flicker().ratio is None


def test_motion_may_be_handed_in(moving: tiny.Film, still: tiny.Film) -> None:
    assert warping_error(moving, peak=1.0, along=motions(moving, peak=1.0)) == warping_error(moving, peak=1.0)
    pair = flicker_of((moving[0], moving[1]), (still[0], still[1]), peak=1.0)
    assert pair.ratio == pytest.approx((pair.output.error / pair.output.samples) / (pair.reference.error / pair.reference.samples))
    with pytest.raises(MetricError, match="give the motion of this film"):
        warping_error(still[:, 2:], peak=1.0, along=motions(still, peak=1.0))


def test_large_frames_are_measured_on_a_reduced_picture() -> None:
    film = tiny.film(2, pan=8, grain=0.0, height=1400, width=600)
    motion = motion_between(film[0], film[1], peak=1.0)
    assert motion.displacement.shape == (2, 1400, 600)
    assert np.median(motion.displacement[1][motion.trusted]) == pytest.approx(8, abs=0.4)
