"""How large, how long, how many, how close together real defects are: numbers fitted to 12,135 outlined ones, and draws from them.

The outlines are FilmDamageSimulator's (ten empty 35 mm still frames, 24 mm high, every defect outlined by hand); scripts/fit_damage.py
fits the constants and docs/damage-statistics.md shows the fit beside the data. Dirt has a size on the film, so it looks larger on a
smaller frame: lengths are px of a picture 480 lines high, and `gauge` says how high the frame is that fills them.
Source: Ivanova 2023
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frdm.errors import DamageError
from frdm.film import Real

Label = Literal["dust", "dirt", "short hair", "long hair", "scratch"]
Gauge = Literal["35 mm still", "35 mm", "16 mm", "super 8", "8 mm"]
Sized = Literal["dirt", "hair", "scratch"]
Floats = NDArray[np.float64]

LINES = 480
GAUGES: Mapping[Gauge, float] = MappingProxyType({"35 mm still": 24.0, "35 mm": 16.0, "16 mm": 7.49, "super 8": 4.22, "8 mm": 3.51})
"""Height of a camera's frame in mm. Source: SMPTE apertures"""


@dataclass(frozen=True, slots=True)
class LogNormal:
    """shift + exp(normal of mean `mu`, standard deviation `sigma`)."""

    shift: float
    mu: float
    sigma: float

    def draw(self, rng: np.random.Generator, count: int = 1) -> Floats:
        """`count` values."""
        return np.asarray(self.shift + np.exp(rng.normal(self.mu, self.sigma, count)))

    @property
    def median(self) -> float:
        return self.shift + float(np.exp(self.mu))


# From here to REACH: printed by scripts/fit_damage.py. Size (diameter of a disc of equal area), length and width in px on a still frame.
SHARES: Mapping[Label, float] = MappingProxyType(
    {"dust": 0.6288, "dirt": 0.2225, "short hair": 0.1105, "long hair": 0.0328, "scratch": 0.0054}
)
SIZE: Mapping[Label, LogNormal] = MappingProxyType({"dust": LogNormal(0.925, -1.347, 0.776), "dirt": LogNormal(0.794, -0.046, 0.535)})
ASPECT: Mapping[Label, LogNormal] = MappingProxyType({"dust": LogNormal(1.0, -2.120, 1.142), "dirt": LogNormal(1.0, -1.418, 1.219)})
LENGTH: Mapping[Label, LogNormal] = MappingProxyType(
    {
        "short hair": LogNormal(0.0, 1.683, 0.728),
        "long hair": LogNormal(0.169, 3.004, 0.522),
        "scratch": LogNormal(1.113, 3.530, 0.954),
    }
)
WIDTH: Mapping[Label, LogNormal] = MappingProxyType(
    {
        "short hair": LogNormal(0.0, -0.051, 0.272),
        "long hair": LogNormal(0.0, -0.117, 0.247),
        "scratch": LogNormal(0.0, 0.052, 0.507),
    }
)
CURL: Mapping[Label, LogNormal] = MappingProxyType(
    {"short hair": LogNormal(1.0, -2.923, 1.226), "long hair": LogNormal(1.0, -1.826, 1.210)}
)
CLUSTERING = 0.372  # variance of the logarithm of the density of defects
CLUSTERINGS = (0.0, 0.03, 0.85, 0.31, 0.39, 0.49, 0.37, 0.97, 0.83, 1.65)  # … of each of the ten frames
REACH = 33.5  # px over which the density keeps near itself
COUNT_SIZE = 2.24  # negative binomial size of counts from film to film: variance = mean + mean² / size

LABELS: Mapping[Sized, tuple[Label, ...]] = MappingProxyType(
    {"dirt": ("dust", "dirt"), "hair": ("short hair", "long hair"), "scratch": ("scratch",)}
)


def enlargement(gauge: Gauge) -> float:
    """How many times larger a defect looks on a frame of `gauge` than on a still frame, both shown 480 lines high."""
    if gauge not in GAUGES:
        raise DamageError(f'damage recipe: gauge is "{gauge}"; give one of {", ".join(GAUGES)}')
    return GAUGES["35 mm still"] / GAUGES[gauge]


def size(kind: Sized, rng: np.random.Generator, *, gauge: Gauge = "35 mm") -> float:
    """Size of one defect in px of 480 lines: of dirt the diameter of a disc of equal area, of a hair or scratch its length."""
    label = label_of(kind, rng)
    one = SIZE[label] if label in SIZE else LENGTH[label]
    return float(one.draw(rng)[0]) * enlargement(gauge)


def label_of(kind: Sized, rng: np.random.Generator) -> Label:
    """One of the labels that make up a kind, as often as it was outlined."""
    if kind not in LABELS:
        raise DamageError(f'no sizes were fitted to "{kind}"; give one of {", ".join(LABELS)}')
    labels = LABELS[kind]
    shares = np.array([SHARES[label] for label in labels])
    return labels[int(rng.choice(len(labels), p=shares / shares.sum()))]


@dataclass(frozen=True, slots=True)
class Speck:
    """A piece of dirt: `size` px (diameter of a disc of equal area), `aspect` ≥ 1 of its tightest rectangle."""

    size: float
    aspect: float


@dataclass(frozen=True, slots=True)
class Strand:
    """A hair or a scratch: `length` and `width` in px, `curl` ≥ 1: its length over the longest side of its tightest rectangle."""

    length: float
    width: float
    curl: float


def speck(rng: np.random.Generator, *, gauge: Gauge = "35 mm", label: Label | None = None) -> Speck:
    """One piece of dust or dirt."""
    chosen = label or label_of("dirt", rng)
    return Speck(float(SIZE[chosen].draw(rng)[0]) * enlargement(gauge), float(ASPECT[chosen].draw(rng)[0]))


def strand(kind: Literal["hair", "scratch"], rng: np.random.Generator, *, gauge: Gauge = "35 mm") -> Strand:
    """One hair or scratch. Longer hairs are curlier (rank correlation ½ in the outlines); scratches are straight."""
    label = label_of(kind, rng)
    long, other = rng.standard_normal(2)
    length, width, scale = LENGTH[label], WIDTH[label], enlargement(gauge)
    curl = 1.0
    if label in CURL:
        bend = CURL[label]
        curl = bend.shift + float(np.exp(bend.mu + bend.sigma * (0.6 * long + 0.8 * other)))
    pixels = (length.shift + float(np.exp(length.mu + length.sigma * long))) * scale
    return Strand(pixels, float(width.draw(rng)[0]) * scale, min(curl, 4.0))


def count(mean: float, rng: np.random.Generator, *, spread: float = COUNT_SIZE) -> int:
    """How many defects of which there are `mean` on average: negative binomial, variance = mean + mean² / spread."""
    return int(rng.poisson(mean * rng.gamma(spread, 1 / spread))) if mean > 0 else 0


def clustering(rng: np.random.Generator) -> float:
    """One reel's clustering: a variance as of one of the ten frames, or between two of them."""
    return float(np.quantile(CLUSTERINGS, rng.random()))


def density(height: int, width: int, rng: np.random.Generator, *, variance: float = CLUSTERING, reach: float = REACH) -> Real:
    """Where defects gather: a log-Gaussian field (H, W) of mean about 1 on cells that `places` draws from.

    Its logarithm has `variance` and correlation exp(−distance / reach), so that pairs at a distance r are exp(variance · exp(−r / reach))
    times as frequent as by chance. Made on a ring twice as large, whose spectrum gives the correlation. Source: Møller 1998
    """
    waves = np.fft.rfft2(rng.standard_normal((2 * height, 2 * width))) * (_spectrum(height, width, reach) * np.sqrt(variance))
    field = np.fft.irfft2(waves, (2 * height, 2 * width))[:height, :width]
    return np.asarray(np.exp(field - variance / 2), np.float32)


@lru_cache(maxsize=16)
def _spectrum(height: int, width: int, reach: float) -> Floats:
    """Root of the spectrum of exp(−distance / reach) on a ring of 2 H × 2 W cells."""
    down, right = (np.minimum(np.arange(2 * s), 2 * s - np.arange(2 * s)) for s in (height, width))
    return np.sqrt(np.maximum(np.fft.rfft2(np.exp(-np.hypot(down[:, None], right[None]) / reach)).real, 0))


def places(number: int, shape: tuple[int, int], rng: np.random.Generator, *, variance: float = CLUSTERING, reach: float = REACH) -> Floats:
    """`number` positions (row, column) in a picture of `shape` (H, W) px, gathered as real defects are; (number, 2)."""
    cell = max(1.0, reach / 6)
    rows, columns = (max(1, int(np.ceil(s / cell))) for s in shape)
    if variance <= 0:
        return np.asarray(rng.random((number, 2)) * shape)
    weight = np.cumsum(density(rows, columns, rng, variance=variance, reach=reach / cell).ravel().astype(np.float64))
    chosen = np.minimum(np.searchsorted(weight, rng.random(number) * weight[-1]), rows * columns - 1)
    corner = np.stack(np.divmod(chosen, columns), axis=1)
    return np.asarray((corner + rng.random((number, 2))) * (shape[0] / rows, shape[1] / columns))
