"""Samplers on film whose exact denoiser is known: a Gaussian is sampled to its own law, faster with a higher order."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.diffusion.noise import NoiseField
from frdm.diffusion.sampler import consistency, ddim, dpm_solver
from frdm.diffusion.schedule import LAST, Schedule, few_times, noise_of, noised, prediction_of

MEAN, SPREAD = 0.4, 0.5
Values = NDArray[np.float64]


def exact(schedule: Schedule) -> Callable[[Values, float], Values]:
    """The best denoiser of film that is N(MEAN, SPREAD²): its prediction as the schedule has it."""

    def denoise(z: Values, t: float) -> Values:
        alpha, sigma = schedule.at(t)
        clean = MEAN + alpha * SPREAD**2 / (alpha**2 * SPREAD**2 + sigma**2) * (z - alpha * MEAN)
        return prediction_of(clean, noise_of(clean, z, t, Schedule(schedule.curve, "clean")), t, schedule)

    return denoise


def path(z: Values, t: float, after: float, schedule: Schedule) -> Values:
    """Where the exact flow takes z_t: its place in the law stays what it was."""

    def law(at: float) -> tuple[float, float]:
        alpha, sigma = schedule.at(at)
        return alpha * MEAN, float(np.sqrt(alpha**2 * SPREAD**2 + sigma**2))

    (mean, spread), (mean_after, spread_after) = law(t), law(after)
    return mean_after + spread_after * (z - mean) / spread


def start(schedule: Schedule, count: int = 20000) -> Values:
    """z at full noise, of the law's own."""
    field = NoiseField(1, 0, 2).at(range(1), range(1), range(count)).astype(float)
    return noised(MEAN + SPREAD * field[0], field[1], LAST, schedule)


@pytest.mark.parametrize("curve", ["cosine", "scaled linear"])
@pytest.mark.parametrize("predicts", ["noise", "velocity", "clean"])
@pytest.mark.parametrize("sampler", [ddim, dpm_solver])
def test_a_gaussian_is_sampled_to_its_law(curve: str, predicts: str, sampler: Callable[..., Values]) -> None:
    schedule = Schedule(curve, predicts)
    z = start(schedule)
    times = few_times(500, schedule)
    got = sampler(exact(schedule), z, times, schedule)
    assert got.mean() == pytest.approx(MEAN, abs=0.01)
    assert got.std() == pytest.approx(SPREAD, abs=0.01)
    assert np.abs(got - path(z, LAST, 0, schedule)).max() < 0.05


def miss(sampler: Callable[..., Values], count: int, schedule: Schedule) -> float:
    """How far from the exact path the sampler lands, between times where nothing is cut off."""
    first, last = 900, 100
    levels = np.linspace(schedule.half_log_snr(first), schedule.half_log_snr(last), count + 1)
    whole = np.arange(LAST, 0, -1)
    times = np.interp(levels, [schedule.half_log_snr(float(t)) for t in whole], whole)
    z = start(schedule, 100)
    return float(np.abs(sampler(exact(schedule), z, times, schedule) - path(z, times[0], times[-1], schedule)).max())


@pytest.mark.parametrize(("sampler", "least", "most"), [(ddim, 1.7, 2.3), (dpm_solver, 3.3, 4.7)])
def test_half_the_step_halves_or_quarters_the_error(sampler: Callable[..., Values], least: float, most: float) -> None:
    schedule = Schedule("cosine", "clean")
    errors = [miss(sampler, count, schedule) for count in (40, 80, 160)]
    for coarse, fine in pairwise(errors):
        assert least < coarse / fine < most, errors


def test_few_steps_of_the_higher_order_are_better() -> None:
    schedule = Schedule("scaled linear", "noise")
    assert miss(dpm_solver, 20, schedule) < miss(ddim, 20, schedule) / 4


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_consistent_net_samples_the_law_in_any_number_of_steps(count: int) -> None:
    schedule = Schedule("cosine", "clean")
    z = start(schedule)
    times = few_times(count, schedule)

    def fresh(t: float) -> Values:
        return NoiseField(5, 0, 1).at(range(1), range(1), range(z.size), stream=int(t))[0].astype(float)

    got = consistency(lambda z, t: path(z, t, 0, schedule), z, times, schedule, fresh=fresh)
    assert got.mean() == pytest.approx(MEAN, abs=0.015)
    assert got.std() == pytest.approx(SPREAD, abs=0.015)


@pytest.mark.parametrize("sampler", [ddim, dpm_solver])
def test_fuse_comes_before_every_step(sampler: Callable[..., Values]) -> None:
    schedule, seen = Schedule("cosine", "clean"), []

    def fuse(z: Values, t: float) -> Values:
        seen.append(t)
        return z * 0

    def denoise(z: Values, t: float) -> Values:
        assert not z.any()
        return z + 0.25

    times = few_times(5, schedule)
    got = sampler(denoise, np.ones(3), times, schedule, fuse=fuse)
    assert seen == list(times[:-1])
    assert got == pytest.approx(0.25)


@pytest.mark.parametrize("sampler", [ddim, dpm_solver])
def test_torch_gives_the_same(sampler: Callable[..., Values]) -> None:
    torch = pytest.importorskip("torch")
    schedule = Schedule("cosine", "velocity")
    z, times = start(schedule, 50), few_times(8, schedule)
    by_numpy = sampler(exact(schedule), z, times, schedule)
    by_torch = sampler(exact(schedule), torch.from_numpy(z), times, schedule)
    assert np.allclose(by_torch.numpy(), by_numpy, atol=1e-12)
