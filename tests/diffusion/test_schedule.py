"""Schedules: their ends, the published values, what a net may predict, and few times."""

from itertools import pairwise

import numpy as np
import pytest

from frdm.diffusion.schedule import LAST, Schedule, clean_of, few_times, noise_of, noised, prediction_of
from frdm.errors import RecipeError

CURVES = ("cosine", "scaled linear")


@pytest.mark.parametrize("curve", CURVES)
def test_film_at_the_beginning_noise_at_the_end_and_falling_between(curve: str) -> None:
    schedule = Schedule(curve)
    shares = [schedule.alpha_bar(t) for t in range(LAST + 1)]
    assert shares[0] == 1
    assert shares[-1] < 0.005
    assert (np.diff(shares) < 0).all()
    for t in (1, 300, LAST):
        alpha, sigma = schedule.at(t)
        assert alpha**2 + sigma**2 == pytest.approx(1, abs=1e-12)


def test_the_published_values() -> None:
    assert Schedule("cosine").alpha_bar(500) == pytest.approx(np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) ** 2 / 0.99984459, rel=1e-6)
    linear = Schedule("scaled linear")
    assert linear.alpha_bar(1) == pytest.approx(1 - 0.00085, rel=1e-9)
    assert linear.alpha_bar(LAST) == pytest.approx(0.00466, abs=1e-5)  # Lin 2024, Table 1: √ᾱ 0.068265
    assert linear.at(LAST)[0] == pytest.approx(0.068265, abs=1e-6)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("predicts", ["noise", "velocity", "clean"])
@pytest.mark.parametrize("t", [1, 250, 900])
def test_what_is_predicted_can_be_told_from_film_and_noise_and_back(curve: str, predicts: str, t: int) -> None:
    rng = np.random.default_rng(t)
    clean, noise = rng.normal(size=(2, 3, 4, 5))
    schedule = Schedule(curve, predicts)
    z = noised(clean, noise, t, schedule)
    prediction = prediction_of(clean, noise, t, schedule)
    assert np.allclose(clean_of(prediction, z, t, schedule), clean, atol=1e-9)
    assert np.allclose(noise_of(prediction, z, t, schedule), noise, atol=1e-9)


@pytest.mark.parametrize("spacing", ["even", "snr"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 20, 50, 1000])
@pytest.mark.parametrize("curve", CURVES)
def test_few_times_fall_from_all_noise_to_film(spacing: str, count: int, curve: str) -> None:
    times = few_times(count, Schedule(curve), spacing)
    assert len(times) == count + 1
    assert times[0] == LAST
    assert times[-1] == 0
    assert all(a > b for a, b in pairwise(times))


def test_times_even_in_the_logarithm_are_even_in_it() -> None:
    schedule = Schedule("scaled linear")
    levels = [schedule.half_log_snr(t) for t in few_times(10, schedule, "snr")[:-1]]
    steps = np.diff(levels)
    assert steps[:-1] == pytest.approx(steps.mean(), rel=0.1)  # times are whole numbers


@pytest.mark.parametrize("count", [0, 1001])
def test_steps_that_can_not_be_are_one_sentence(count: int) -> None:
    with pytest.raises(RecipeError, match="1 to 1000 were wanted"):
        few_times(count, Schedule())
