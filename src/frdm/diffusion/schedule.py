"""Variance-preserving schedules: how much of clean film and of noise z_t holds, what a net predicts, and the few times it is asked at.

z_t = α_t · clean + σ_t · noise with α² + σ² = 1; t counts from 0 (clean film) to `LAST` (noise). A backbone that was trained with times
0 … 999 has its time k here at t = k + 1.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.arrays import Array
from frdm.errors import RecipeError

LAST = 1000  # T

Curve = Literal["cosine", "scaled linear"]
Predicts = Literal["noise", "velocity", "clean"]  # ε, v, x0
Spacing = Literal["even", "snr"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a net was trained with."""

    curve: Curve = "cosine"
    predicts: Predicts = "velocity"

    def alpha_bar(self, t: float) -> float:
        """α_t², 1 at t = 0; between whole times log-linear."""
        return float(np.exp(np.interp(t, np.arange(LAST + 1), _log_alpha_bar(self.curve))))

    def at(self, t: float) -> tuple[float, float]:
        """(α_t, σ_t)."""
        share = self.alpha_bar(t)
        return float(np.sqrt(share)), float(np.sqrt(1 - share))

    def half_log_snr(self, t: float) -> float:
        """λ_t = log(α_t / σ_t), infinite at t = 0."""
        alpha, sigma = self.at(t)
        return float(np.log(alpha / sigma)) if sigma else float("inf")


@cache
def _log_alpha_bar(curve: Curve) -> NDArray[np.float64]:
    """log ᾱ at 0 … LAST. Source: Nichol 2021, Eq. 17 (cosine, steps cut at 0.999); Rombach 2022 (scaled linear)."""
    if curve == "cosine":
        share = np.cos((np.arange(LAST + 1) / LAST + 0.008) / 1.008 * np.pi / 2) ** 2
        betas = np.minimum(1 - share[1:] / share[:-1], 0.999)
    else:
        betas = np.linspace(0.00085**0.5, 0.012**0.5, LAST) ** 2
    return np.concatenate([[0.0], np.cumsum(np.log1p(-betas))])


def noised(clean: Array, noise: Array, t: float, schedule: Schedule) -> Array:
    """z_t of clean film and noise. Source: Ho 2020, Eq. 4."""
    alpha, sigma = schedule.at(t)
    return alpha * clean + sigma * noise


def clean_of(prediction: Array, z: Array, t: float, schedule: Schedule) -> Array:
    """The clean film x0 that a net's prediction at z_t means."""
    alpha, sigma = schedule.at(t)
    if schedule.predicts == "noise":
        return (z - sigma * prediction) / alpha
    return alpha * z - sigma * prediction if schedule.predicts == "velocity" else prediction


def noise_of(prediction: Array, z: Array, t: float, schedule: Schedule) -> Array:
    """The noise ε that a net's prediction at z_t means; t > 0."""
    alpha, sigma = schedule.at(t)
    if schedule.predicts == "clean":
        return (z - alpha * prediction) / sigma
    return sigma * z + alpha * prediction if schedule.predicts == "velocity" else prediction


def prediction_of(clean: Array, noise: Array, t: float, schedule: Schedule) -> Array:
    """What a net should predict at z_t of this clean film and noise. Source: Salimans 2022 (v = α·ε − σ·x0)."""
    alpha, sigma = schedule.at(t)
    if schedule.predicts == "velocity":
        return alpha * noise - sigma * clean
    return noise if schedule.predicts == "noise" else clean


def few_times(count: int, schedule: Schedule, spacing: Spacing = "even") -> tuple[int, ...]:
    """`count` + 1 falling times from LAST to 0: a net is asked at all but the last.

    "even" in t, always beginning at full noise, as few steps need it; "snr" even in log(α/σ) down to t = 1. Source: Lin 2024, §3.3.
    """
    if not 1 <= count <= LAST:
        raise RecipeError(f"steps {count}: 1 to {LAST} were wanted; give another number")
    if spacing == "even":
        return tuple(round(LAST * (count - k) / count) for k in range(count + 1))
    whole = np.arange(LAST, 0, -1)
    levels = np.array([schedule.half_log_snr(float(t)) for t in whole])
    ideal = np.interp(np.linspace(levels[0], levels[-1], count), levels, whole)
    times = [LAST]
    for place, t in enumerate(ideal[1:], 1):  # whole times, each below the last and with room for those that follow
        times.append(max(min(round(t), times[-1] - 1), count - place))
    return (*times, 0)
