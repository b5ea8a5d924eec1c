"""Samplers: from noise to film in a few steps, each a plain function that takes `denoise(z, t) -> prediction`.

`times` fall and end where sampling ends (0: film). `fuse(z, t)`, if given, changes z before each step: that is where the global residual
comes in (`frdm.diffusion.residual`). Arrays of numpy and torch alike; what the net predicts is the schedule's to say.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from frdm.diffusion.arrays import Array
from frdm.diffusion.schedule import Schedule, clean_of, noised

Denoise = Callable[[Array, float], Array]
Fuse = Callable[[Array, float], Array]


def as_it_is(z: Array, t: float) -> Array:
    """The `fuse` that changes nothing."""
    return z


def ddim(denoise: Denoise, z: Array, times: Sequence[float], schedule: Schedule, *, fuse: Fuse = as_it_is) -> Array:
    """Deterministic, of first order: each step keeps the noise that was found. Source: Song 2021, Eq. 12 with σ = 0."""
    for t, after in pairwise(times):
        z = fuse(z, t)
        clean = clean_of(denoise(z, t), z, t, schedule)
        alpha, sigma = schedule.at(t)
        z = noised(clean, (z - alpha * clean) / sigma, after, schedule)
    return z


def dpm_solver(denoise: Denoise, z: Array, times: Sequence[float], schedule: Schedule, *, fuse: Fuse = as_it_is) -> Array:
    """DPM-Solver++ 2M: deterministic, of second order, one call a step; the step to t = 0 is of first order, for λ has no end there.

    Source: Lu 2022, Algorithm 2.
    """
    earlier, width = None, 0.0
    for t, after in pairwise(times):
        z = fuse(z, t)
        clean = clean_of(denoise(z, t), z, t, schedule)
        step = schedule.half_log_snr(after) - schedule.half_log_snr(t)
        ahead = clean if earlier is None or not after else clean + (clean - earlier) * (step / width / 2)
        (alpha, sigma), before = schedule.at(after), schedule.at(t)[1]
        z = sigma / before * z + (alpha - sigma / before * schedule.at(t)[0]) * ahead
        earlier, width = clean, step
    return z


def consistency(
    denoise: Denoise, z: Array, times: Sequence[float], schedule: Schedule, *, fresh: Callable[[float], Array], fuse: Fuse = as_it_is
) -> Array:
    """For one to four steps: the film is guessed whole and, but for the last time, noised again with `fresh(t)` (unit noise).

    Source: Luo 2023 (multistep sampling).
    """
    for t, after in pairwise(times):
        z = fuse(z, t)
        clean = clean_of(denoise(z, t), z, t, schedule)
        z = noised(clean, fresh(after), after, schedule) if after else clean
    return z
