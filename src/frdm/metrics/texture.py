"""Whether fills look like the film around them: grain ratio, distance of grain spectra, seams.

Planes are (H, W) of one scale; masks are (H, W) bool. No truth is needed: the surround of a fill is its measure.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask
from frdm.metrics.places import grown, reach
from frdm.signal.grain import high_pass

REACH = 5  # px: longest lag of the autocorrelation; the high-pass keeps nothing coarser
GRID = 16  # frequencies in each direction
BANDS = np.array([0.06, 0.14, 0.22, 0.30, 0.38, 0.46, 0.54])  # cycles per px, edges of six rings
FEWEST = 200  # samples that a spectrum needs
FLOOR = 1e-3  # of the mean power: below lies the estimate's own noise


def surround(mask: Mask) -> Mask:
    """A ring around a mask, from 3 to 9 px of a 480-line picture away."""
    height = mask.shape[0]
    return grown(mask, reach(9, height)) & ~grown(mask, reach(3, height))


@dataclass(frozen=True, slots=True, eq=False)
class GrainSpectrum:
    """The autocorrelation of the high-pass at a place of any shape; adds up over frames and fills."""

    products: NDArray[np.float64]  # (2R + 1, 2R + 1): sums over pairs of samples at each lag
    pairs: NDArray[np.float64]  # … and their number

    def __add__(self, other: "GrainSpectrum") -> "GrainSpectrum":
        return GrainSpectrum(self.products + other.products, self.pairs + other.pairs)

    @property
    def samples(self) -> int:
        return int(self.pairs[REACH, REACH])

    @property
    def variance(self) -> float:
        """Variance of the high-pass, in squared units of the plane."""
        return float(self.products[REACH, REACH] / max(self.samples, 1))

    def bands(self) -> NDArray[np.float64] | None:
        """Power in six rings of 0.06 … 0.54 cycles per px, squared units of the plane; None of too few samples."""
        if self.samples < FEWEST:
            return None
        lags, steps = np.arange(-REACH, REACH + 1), np.arange(GRID) / GRID - 0.5
        taper = np.cos(np.pi / 2 * lags / (REACH + 1)) ** 2
        correlation = self.products / np.maximum(self.pairs, 1) * taper[:, None] * taper
        waves = np.exp(-2j * np.pi * np.outer(steps, lags))
        power = (waves @ correlation @ waves.T).real
        ring = np.digitize(np.hypot(steps[:, None], steps), BANDS) - 1
        found = np.array([power[ring == band].mean() for band in range(len(BANDS) - 1)])
        return np.asarray(np.maximum(found, FLOOR * abs(float(found.mean())) + 1e-12), np.float64)


def empty_spectrum() -> GrainSpectrum:
    """A spectrum of nothing, to add to."""
    size = 2 * REACH + 1
    return GrainSpectrum(np.zeros((size, size)), np.zeros((size, size)))


def grain_spectrum(plane: NDArray[Any], where: Mask) -> GrainSpectrum:
    """The spectrum of a plane's high-pass at a place. Source: Blackman 1958 (spectrum by way of the autocorrelation)."""
    if not where.any():
        return empty_spectrum()
    fine, weight = (np.pad(values, REACH) for values in (high_pass(plane.astype(np.float32)) * where, where.astype(np.float32)))
    samples, stride = np.flatnonzero(weight), fine.shape[1]
    own, flat, weight = fine.ravel()[samples], fine.ravel(), weight.ravel()
    out = empty_spectrum()
    for down in range(REACH + 1):
        for right in range(-REACH, REACH + 1):
            there = samples + (down * stride + right)
            for target, total in ((out.products, own @ flat[there]), (out.pairs, weight[there].sum(dtype=np.float64))):
                target[REACH + down, REACH + right] = target[REACH - down, REACH - right] = total
    return out


def grain_distance(one: GrainSpectrum, other: GrainSpectrum) -> float | None:
    """Root mean square over six bands of the difference of two power spectra in dB: ≥ 0, 0 is the same grain; None of too few samples.

    Compare it with the distance of two parts of the surround, which is never 0. Rewards wrongly: nothing of the picture itself is judged.
    """
    first, second = one.bands(), other.bands()
    if first is None or second is None:
        return None
    return float(np.sqrt(np.mean((10 * np.log10(first / second)) ** 2)))


def grain_ratio(inside: GrainSpectrum, around: GrainSpectrum) -> float | None:
    """Standard deviation of the high-pass inside by that around: ≥ 0, 1 is as grainy, below is smeared; None of too few samples.

    Rewards wrongly: any noise of the right strength; see `grain_distance` for its structure.
    """
    if min(inside.samples, around.samples) < FEWEST or around.variance <= 0:
        return None
    return math.sqrt(inside.variance / around.variance)


@dataclass(frozen=True, slots=True)
class Seams:
    """Sums of gradients across borders and elsewhere in filled area; adds up over frames."""

    across: float = 0.0
    borders: int = 0
    elsewhere: float = 0.0
    others: int = 0

    def __add__(self, other: "Seams") -> "Seams":
        return Seams(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    @property
    def ratio(self) -> float | None:
        """Mean gradient across borders by that elsewhere: ≥ 0, 1 is no seam, wanted at most 1.02; None where there is nothing to compare.

        Rewards wrongly: blurred borders, which bring it below 1.
        """
        if not self.borders or not self.others or self.elsewhere <= 0:
            return None
        return (self.across / self.borders) / (self.elsewhere / self.others)


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Which neighbouring samples a border runs between: (H − 1, W) of a sample and the one below, (H, W − 1) and the one to the right."""

    below: Mask
    beside: Mask


def tile_borders(height: int, width: int, *, tile: int) -> Borders:
    """The borders of a grid of square tiles."""
    below, beside = np.zeros((height - 1, width), np.bool_), np.zeros((height, width - 1), np.bool_)
    below[tile - 1 :: tile], beside[:, tile - 1 :: tile] = True, True
    return Borders(below, beside)


def outline(mask: Mask) -> Borders:
    """The border of a mask, where a fill meets the film."""
    return Borders(mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1])


def seams(plane: NDArray[Any], filled: Mask, borders: Borders) -> Seams:
    """Gradients of one plane across `borders` that touch the filled area, and elsewhere in it."""
    values = plane.astype(np.float32)
    total = Seams()
    for axis, border in ((0, borders.below), (1, borders.beside)):
        gradient = np.abs(np.diff(values, axis=axis))
        first, second = (filled[1:], filled[:-1]) if axis == 0 else (filled[:, 1:], filled[:, :-1])
        across, elsewhere = gradient[border & (first | second)], gradient[~border & first & second]
        total += Seams(float(across.sum(dtype=np.float64)), across.size, float(elsewhere.sum(dtype=np.float64)), elsewhere.size)
    return total
