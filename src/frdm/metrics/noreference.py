"""Scores without a reference: BRISQUE and NIQE, how natural the statistics of a picture are. Never quote them alone.

They reward invention, and punish film grain as noise: a restorer that smears scores well. `Naturalness` therefore has no number of its own
to print; it is put beside a fidelity score. Planes are (H, W) lumas scaled by `peak`.
Source: Mittal 2012 (BRISQUE); Mittal 2013 (NIQE).
"""

import pickle
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.arrays import read_arrays
from frdm.errors import MetricError
from frdm.metrics.extras import extra, weight_file
from frdm.metrics.fidelity import Pixels

Values = NDArray[np.float64]

PATCH = 96  # px of NIQE's patches, half of it at half size
SHARPEST = 0.75  # of the sharpest patch: pristine patches at least so sharp are learned from
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # right, below, and the two diagonals
RANGES = 36  # features of BRISQUE and NIQE each: 18 at each of two sizes


def luminance_contrast(plane: Pixels, *, border: int = cv2.BORDER_REPLICATE) -> tuple[Values, Values]:
    """(normalised plane, local deviation): (x − mean) / (deviation + 1) under a Gaussian of 7/6 px, codes of 255."""
    values = plane.astype(np.float64)

    def mean(of: Values) -> Values:
        return np.asarray(cv2.GaussianBlur(of, (7, 7), 7 / 6, borderType=border), np.float64)

    middle = mean(values)
    deviation = np.sqrt(np.abs(mean(values**2) - middle**2))
    return (values - middle) / (deviation + 1), deviation


@lru_cache(maxsize=1)
def shapes() -> tuple[Values, Values]:
    """Shape parameters 0.2 … 10 of a generalised Gaussian, and (mean of |x|)² / mean of x² that each has."""
    special = extra("scipy.special", score="BRISQUE and NIQE")
    shape = np.arange(200, 10001) / 1000
    log = special.gammaln
    return shape, np.exp(2 * log(2 / shape) - log(1 / shape) - log(3 / shape))


def symmetric_fit(values: Values) -> tuple[float, float]:
    """(shape, variance) of a generalised Gaussian, by moments."""
    shape, ratios = shapes()
    power = float(np.square(values).mean())
    ratio = float(np.abs(values).mean()) ** 2 / max(power, 1e-12)
    return float(shape[np.abs(ratios - ratio).argmin()]), power


def lopsided_fit(values: Values) -> tuple[float, float, float]:
    """(shape, left deviation, right deviation) of an asymmetric generalised Gaussian, by moments."""
    shape, ratios = shapes()
    left, right = (
        np.sqrt(max(float(np.square(side).mean()) if side.size else 0.0, 1e-12)) for side in (values[values < 0], values[values > 0])
    )
    skew = left / right
    ratio = np.abs(values).mean() ** 2 / max(float(np.square(values).mean()), 1e-12)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    return float(shape[np.abs(ratios - ratio).argmin()]), float(left), float(right)


def products(normalised: Values) -> Iterable[Values]:
    """Each sample times its neighbour, in four directions; the borders go round."""
    for down, right in NEIGHBOURS:
        yield normalised * np.roll(normalised, (down, right), (0, 1))


def _gammas(shape: float) -> tuple[float, float]:
    """√(Γ(1/a) / Γ(3/a)) and Γ(2/a) / Γ(1/a)."""
    log = extra("scipy.special", score="BRISQUE and NIQE").gammaln
    return float(np.exp((log(1 / shape) - log(3 / shape)) / 2)), float(np.exp(log(2 / shape) - log(1 / shape)))


def brisque_features(plane: Pixels, *, peak: float = 255.0) -> Values:
    """The 36 features of BRISQUE: shapes and variances of the normalised luma and of its neighbours' products, at two sizes."""
    values = 255 * np.asarray(plane, np.float64) / peak
    found: list[float] = []
    for level in (values, halved(values)):
        normalised, _ = luminance_contrast(level, border=cv2.BORDER_CONSTANT)
        found += symmetric_fit(normalised)
        for product in products(normalised):
            shape, left, right = lopsided_fit(product)
            spread, mean = _gammas(shape)
            found += [shape, (right - left) * mean * spread, left**2, right**2]
    return np.array(found)


def niqe_features(normalised: Values) -> Values:
    """The 18 features of NIQE of one patch of a normalised plane."""
    shape, left, right = lopsided_fit(normalised)
    spread, _ = _gammas(shape)
    found = [shape, spread * (left + right) / 2]
    for product in products(normalised):
        shape, left, right = lopsided_fit(product)
        spread, mean = _gammas(shape)
        found += [shape, spread * (right - left) * mean, spread * left, spread * right]
    return np.array(found)


def halved(plane: Values) -> Values:
    """Half the size, by the cubic kernel of a = −½ spread over eight samples, as Matlab's imresize does; borders are mirrored."""
    distance = np.abs(np.arange(-3.5, 4)) / 2
    near, far = 1.5 * distance**3 - 2.5 * distance**2 + 1, -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    taps = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    taps /= taps.sum()
    height, width = (-(-size // 2) for size in plane.shape)
    wide = np.pad(plane, ((3, 5), (3, 5)), mode="symmetric")
    rows = sum(tap * wide[k : k + 2 * height : 2] for k, tap in enumerate(taps))
    return np.asarray(sum(tap * np.asarray(rows)[:, k : k + 2 * width : 2] for k, tap in enumerate(taps)), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Brisque:
    """BRISQUE: about 0 … 100, lower is said to be better; a support vector regression on 36 features, trained by people's ratings of
    compressed, blurred and noisy photographs. Rewards wrongly: taking off grain. Source: Mittal 2012.
    """

    vectors: Values  # (N, 36)
    factors: Values  # (N,)
    gamma: float
    offset: float
    low: Values
    high: Values

    def __call__(self, plane: Pixels, *, peak: float = 255.0) -> float:
        """The score of one luma plane."""
        scaled = 2 * (brisque_features(plane, peak=peak) - self.low) / (self.high - self.low) - 1
        return float(self.factors @ np.exp(-self.gamma * np.square(self.vectors - scaled).sum(1)) - self.offset)


def load_brisque(model: Path | str | None, ranges: Path | str | None = None) -> Brisque:
    """BRISQUE on local files: a libsvm text model of an RBF regression, and the features' ranges as svm-scale saves them.

    Raises `MetricError`.
    """
    place = weight_file(model, score="BRISQUE", wanted="a libsvm model of its 36 features")
    limits = weight_file(ranges, score="BRISQUE", wanted="the ranges of its 36 features, as svm-scale saves them")
    head, _, body = place.read_text(encoding="utf-8", errors="replace").partition("\nSV\n")
    settings = dict(line.split(maxsplit=1) for line in head.splitlines() if " " in line)
    try:
        if settings["kernel_type"] != "rbf" or not body.strip():
            raise ValueError(settings["kernel_type"])
        vectors, factors = _vectors([line.split() for line in body.splitlines() if line.strip()])
        gamma, offset = float(settings["gamma"]), float(settings["rho"])
    except (KeyError, ValueError, IndexError):
        raise MetricError(
            f"{place}: no libsvm model with an RBF kernel of {RANGES} features found; BRISQUE wants its authors' regression as libsvm text"
        ) from None
    low, high = _ranges(limits)
    return Brisque(vectors, factors, gamma, offset, low, high)


def _vectors(rows: Sequence[Sequence[str]]) -> tuple[Values, Values]:
    """Support vectors (N, 36) and their factors (N,) of a libsvm text's lines; a `ValueError` or `IndexError` where they are none."""
    vectors = np.zeros((len(rows), RANGES))
    for vector, (_, *pairs) in zip(vectors, rows, strict=True):
        for index, value in (pair.split(":") for pair in pairs):
            vector[int(index) - 1] = float(value)
    return vectors, np.array([float(row[0]) for row in rows])


def _ranges(path: Path) -> tuple[Values, Values]:
    """Lowest and highest value of each feature, of a text in svm-scale's form: index, lowest, highest a line."""
    rows = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    found = {int(row[0]): (float(row[1]), float(row[2])) for row in rows if len(row) == 3 and row[0].isdigit()}
    if sorted(found) != list(range(1, RANGES + 1)):
        raise MetricError(
            f"{path}: the ranges of {len(found)} features found, of features 1 to {RANGES} wanted, one `index low high` a line"
        )
    low, high = np.array([found[index] for index in range(1, RANGES + 1)]).T
    return low, high


@dataclass(frozen=True, slots=True, eq=False)
class Niqe:
    """NIQE: ≥ 0, about 2 … 10, lower is said to be better; distance of a picture's patch statistics from those of pristine pictures.

    Rewards wrongly: invention, and smoothness where the pristine pictures had no grain. Source: Mittal 2013.
    """

    mean: Values  # (36,)
    covariance: Values  # (36, 36)

    def __call__(self, plane: Pixels, *, peak: float = 255.0) -> float:
        """The score of one luma plane of at least two patches (96 px and 192 px)."""
        found, _ = patch_features(plane, peak=peak)
        mean, covariance = found.mean(0), np.cov(found, rowvar=False)
        away = mean - self.mean
        return float(np.sqrt(max(away @ np.linalg.pinv((self.covariance + covariance) / 2) @ away, 0.0)))


def patch_features(plane: Pixels, *, peak: float = 255.0) -> tuple[Values, Values]:
    """(N, 36) features of a plane's patches and (N,) their sharpness. Raises `MetricError` of fewer than two patches."""
    rows, columns = (size // PATCH for size in plane.shape)
    if rows * columns < 2:
        raise MetricError(f"NIQE: a picture of {plane.shape[1]} × {plane.shape[0]} found, at least two patches of {PATCH} px wanted")
    values = 255 * np.asarray(plane, np.float64)[: rows * PATCH, : columns * PATCH] / peak
    both, sharpness = [], np.zeros(rows * columns)
    for level in (values, halved(values)):
        normalised, deviation = luminance_contrast(level)
        cut = [
            (slice(r * n, (r + 1) * n), slice(c * n, (c + 1) * n))
            for n in (len(level) // rows,)
            for r in range(rows)
            for c in range(columns)
        ]
        both.append(np.stack([niqe_features(normalised[place]) for place in cut]))
        sharpness = sharpness if len(both) > 1 else np.array([deviation[place].mean() for place in cut])
    return np.concatenate(both, axis=1), sharpness


def fit_niqe(planes: Iterable[Pixels], *, peak: float = 255.0) -> Niqe:
    """NIQE's picture of what is natural, learned from pristine lumas: say films of the same stock, that grain may count as natural."""
    chosen = []
    for plane in planes:
        found, sharpness = patch_features(plane, peak=peak)
        chosen.append(found[sharpness >= SHARPEST * sharpness.max()])
    every = np.concatenate(chosen) if chosen else np.zeros((0, RANGES))
    if len(every) < 2:
        raise MetricError(f"NIQE: {len(every)} sharp patches found, many wanted to learn from; give more pristine pictures")
    return Niqe(every.mean(0), np.cov(every, rowvar=False))


def load_niqe(path: Path | str | None) -> Niqe:
    """NIQE on a local file of its mean and covariance: .npz (`mean`, `covariance`) or the .mat of its authors. Raises `MetricError`."""
    place = weight_file(path, score="NIQE", wanted="the mean and covariance of its 36 features (.npz or .mat)")
    try:
        found = read_arrays(place.read_bytes()) if place.suffix == ".npz" else extra("scipy.io", score="NIQE").loadmat(str(place))
    except (OSError, ValueError, NotImplementedError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise MetricError(f"{place}: not a file that can be read ({error}); NIQE wants its mean and covariance as .npz or .mat") from None
    for first, second in (("mean", "covariance"), ("mu_prisparam", "cov_prisparam"), ("pop_mu", "pop_cov")):
        if first in found and np.size(found[first]) == RANGES and np.shape(found[second]) == (RANGES, RANGES):
            return Niqe(np.ravel(found[first]).astype(np.float64), np.asarray(found[second], np.float64))
    raise MetricError(f"{place}: {', '.join(sorted(k for k in found if k[0] != '_'))} found, a mean of {RANGES} and its covariance wanted")


def save_niqe(niqe: Niqe, path: Path | str) -> None:
    """Write a fitted NIQE as .npz for `load_niqe`."""
    np.savez(path, mean=niqe.mean, covariance=niqe.covariance)
