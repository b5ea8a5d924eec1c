"""Film grain: measured per plane and tone on a frame, and drawn anew for fills.

Grain is what is left of a flat place after a Gaussian of `SCALE` px is taken off; its strength is a function of tone, its softness one
number.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Mask, Real

SCALE = 1.5  # px of the Gaussian that separates grain from picture
TONES = 8
BLOCK = 8
ENOUGH = 1 << 19  # samples of a plane that tell its grain
BAND, MARGIN = 32, 6  # rows
QUARTER = 0.3186  # of a normal law's standard deviation, below which a quarter of the magnitudes lie (the rest may be edges)
CALM = 3.0  # times the median magnitude: beyond that a sample is an edge's, which all planes share whatever their grain
UNSURE = 1.15  # by how much a few pixels may understate grain


def high_pass(picture: Real) -> Real:
    """The picture without its slow part."""
    out: Real = picture - cv2.GaussianBlur(picture, (0, 0), SCALE)
    return out


def residue(picture: Real, sound: Mask, reach: float = SCALE) -> Real:
    """What a picture (h, w) has beside its slow part, a Gaussian of `reach` px over sound film alone; 0 where it is not sound."""
    weight = sound.astype(np.float32)
    slow = cv2.GaussianBlur(np.where(sound, picture, 0).astype(np.float32), (0, 0), reach)
    return np.asarray(np.where(sound, picture - slow / np.maximum(cv2.GaussianBlur(weight, (0, 0), reach), 1e-6), 0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """Grain of one plane: standard deviation of the high-pass at `TONES` levels between `low` and `high`, and the blur (px) that gives
    its softness.
    """

    low: float
    high: float
    strength: NDArray[np.float64]  # (TONES,) in codes
    softness: float

    def at(self, picture: Real) -> Real:
        """Standard deviation of grain for each sample's tone."""
        place = (picture - self.low) / max(self.high - self.low, 1e-9) * (TONES - 1)
        out: Real = np.interp(place.ravel(), np.arange(TONES), self.strength).reshape(picture.shape).astype(np.float32)
        return out


def measure_grain(plane: Codes) -> Grain:
    """Grain of a plane (H, W) in codes, from its flattest blocks in every tone: where little else than grain can be. Of large planes
    only bands are looked at.
    """
    bands = _bands(plane)
    fine, picture = (
        np.concatenate(parts) for parts in zip(*((high_pass(b)[m : len(b) - m], b[m : len(b) - m]) for b, m in bands), strict=True)
    )
    h, w = (s // BLOCK * BLOCK for s in picture.shape)
    if h < BLOCK or w < BLOCK:
        return Grain(0.0, 1.0, np.full(TONES, float(fine.std())), 0.5)
    blocks = fine[:h, :w].reshape(h // BLOCK, BLOCK, w // BLOCK, BLOCK)
    power = (blocks**2).mean((1, 3)).ravel()
    level = cv2.resize(picture[:h, :w], (w // BLOCK, h // BLOCK), interpolation=cv2.INTER_AREA).ravel()
    low, high = (float(v) for v in np.quantile(level, [0.01, 0.99]))
    place = np.clip(np.rint((level - low) / max(high - low, 1e-9) * (TONES - 1)), 0, TONES - 1).astype(int)
    every = float(np.quantile(power, 0.25))
    strength = np.array([np.quantile(power[place == i], 0.25) if (place == i).sum() >= 12 else every for i in range(TONES)])
    strength = np.convolve(np.pad(strength, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    flat = np.flatnonzero(power <= every)
    return Grain(low, high, np.sqrt(np.maximum(strength, 0) * 1.2), _softness(blocks, flat))


def _bands(plane: Codes) -> list[tuple[Real, int]]:
    """(rows as floats, margin) of the bands that are measured, spread over the plane; the margin's rows are for the filter alone."""
    height, width = plane.shape
    if plane.size <= ENOUGH or height < 4 * BAND:
        return [(np.nan_to_num(plane.astype(np.float32)), 0)]
    count = max(1, round(ENOUGH / (width * BAND)))
    tops = np.linspace(MARGIN, height - BAND - MARGIN, count).astype(int)
    return [(np.nan_to_num(plane[top - MARGIN : top + BAND + MARGIN].astype(np.float32)), MARGIN) for top in tops]


def _softness(blocks: NDArray[np.float32], flat: NDArray[np.intp]) -> float:
    """The Gaussian blur of white noise whose high-pass has the flat blocks' correlation between neighbouring samples."""
    rows, columns = np.divmod(flat, blocks.shape[2])
    chosen = blocks[rows, :, columns, :]
    energy = float((chosen**2).mean()) or 1.0
    correlation = float((chosen[:, :, 1:] * chosen[:, :, :-1]).mean() + (chosen[:, 1:] * chosen[:, :-1]).mean()) / (2 * energy)
    return float(np.interp(correlation, _CORRELATIONS, _BLURS))


# Correlation at distance 1 of the high-pass of white noise blurred by so many px (computed by scripts/grain_table.py).
_BLURS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
_CORRELATIONS = (-0.091, -0.085, -0.022, 0.118, 0.274, 0.403, 0.497, 0.566, 0.619, 0.698)


def calmed(grain: Grain, plane: Real, sound: Mask) -> Grain:
    """The film's grain, weaker where the film around (`sound`) shows less: out of focus, faded, or smoothed by a scanner."""
    if not sound.any():
        return grain
    shown = float(np.quantile(np.abs(residue(plane, sound)[sound]), 0.25)) / QUARTER
    return at_most(grain, UNSURE * shown, plane[sound])


def at_most(grain: Grain, shown: float, tones: Real) -> Grain:
    """The film's grain, no stronger than `shown` (a standard deviation in codes of the high-pass) where film has these tones."""
    usual = float(np.sqrt((grain.at(tones) ** 2).mean()))
    return replace(grain, strength=grain.strength * min(1.0, shown / max(usual, 1e-9)))


def grain_alike(first: Real, other: Real, where: Mask) -> bool:
    """Whether two planes carry the same grain, as black-and-white film scanned in colour does: drawn apart it would turn into colour, and
    that of colour film drawn alike into specks. Told by what is no edge.
    """
    if first.shape != other.shape or not where.any():
        return False
    fine = [high_pass(p)[where].astype(np.float64) for p in (first, other)]
    calm = np.logical_and(*(np.abs(one) <= CALM * np.median(np.abs(one)) for one in fine))
    a, b = (one[calm] for one in fine)
    return float((a * b).sum()) > 0.8 * float(np.sqrt((a * a).sum() * (b * b).sum())) > 0


def draw_grain(shape: tuple[int, int], softness: float, rng: np.random.Generator) -> Real:
    """Fresh grain whose high-pass has unit variance."""
    margin = 6
    noise = rng.standard_normal((shape[0] + 2 * margin, shape[1] + 2 * margin), dtype=np.float32)
    if softness > 0.2:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), softness))
    fine = high_pass(noise)[margin:-margin, margin:-margin]
    out: Real = fine / np.float32(_high_pass_deviation(softness))
    return out


def _high_pass_deviation(softness: float) -> float:
    """Standard deviation of the high-pass of unit white noise blurred by `softness`: the root of the filters' energy."""
    impulse = np.zeros((33, 33), np.float32)
    impulse[16, 16] = 1
    if softness > 0.2:
        impulse = np.asarray(cv2.GaussianBlur(impulse, (0, 0), softness))
    return float(np.sqrt((high_pass(impulse) ** 2).sum()))
