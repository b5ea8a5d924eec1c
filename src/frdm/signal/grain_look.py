"""How grain looks: its spectrum in every plane and how far the planes share it, measured where film is sound and drawn anew like that.

What is measured is a residue, sound film less what is known to be picture: a fill that was laid over it for trial, or its own slow part.
Black-and-white film scanned in colour has one grain in all planes, the layers of colour film have their own, and copies and compression
leave anything between.
Source: Blackman 1958 (spectrum by way of the autocorrelation).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real
from frdm.signal.grain import high_pass

CLUMP = 6.0  # px of the Gaussian that separates grain with its clumps from picture
REACH = 10  # px over which grain may be like itself
TAPER = 5.0  # px of the Gaussian by which farther likeness is believed less: of few samples it is chance
LEAST = 120  # samples that tell a look
PAIRS = 30  # of samples that tell the likeness at a distance
OUTLYING = 3.0  # times the residue's usual power, from which a place shows something else than grain
CLIPPED = 2.5  # standard deviations
MEDIAN = 0.6745  # of a normal law's standard deviation: below it half of the magnitudes lie
AROUND = 2.0  # px over which a place's power is taken


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Kernels (n, n, size, size) that turn n white noises into the grain of n planes, whose high-passes have unit variance."""

    kernels: Real

    def drawn(self, shape: tuple[int, int], rng: np.random.Generator) -> Real:
        """Fresh grain (n, h, w) for all planes."""
        count, height, width = len(self.kernels), shape[0] + 2 * REACH, shape[1] + 2 * REACH
        noise = rng.standard_normal((count, height, width), dtype=np.float32)
        inner = slice(REACH, -REACH)
        planes = [sum(cv2.filter2D(one, -1, k)[inner, inner] for one, k in zip(noise, row, strict=True)) for row in self.kernels]
        return np.asarray(planes, np.float32)


def deviation(values: Real, where: Mask) -> float:
    """Standard deviation of a residue of normal law, by its median magnitude: edges hardly count. 0 of nothing."""
    return float(np.median(np.abs(values[where]))) / MEDIAN if where.any() else 0.0


def look_of(residues: Sequence[Real], sound: Mask) -> Look | None:
    """The look of the grain that residues (h, w) of planes show on sound film; None where too little of it does."""
    usual = [deviation(one, sound) for one in residues]
    grainy = np.logical_and.reduce([_usual_power(one, sound, d) for one, d in zip(residues, usual, strict=True)]) & sound
    if int(grainy.sum()) < LEAST or min(usual) <= 0:
        return None
    clipped = [np.where(grainy, np.clip(one, -CLIPPED * d, CLIPPED * d), 0) for one, d in zip(residues, usual, strict=True)]
    return Look(_kernels(_spectra(_covariance(clipped, grainy))))


def _usual_power(one: Real, sound: Mask, usual: float) -> Mask:
    """Where a residue is no stronger than grain that is `usual` strong."""
    power, share = (cv2.GaussianBlur(part, (0, 0), AROUND) for part in (one**2, sound.astype(np.float32)))
    return np.asarray(power < OUTLYING * usual**2 * share)


def _covariance(residues: Sequence[NDArray[np.float32]], where: Mask) -> NDArray[np.float64]:
    """(n, n, size, size) covariance between planes at every distance up to `REACH`, no distance in the middle."""
    height, width = (max(size + REACH, 2 * REACH + 1) for size in where.shape)  # so that no distance wraps round
    shape = height, width

    def lags(product: NDArray[np.complex128]) -> NDArray[np.float64]:
        rolled = np.roll(np.fft.irfft2(product, shape), (REACH, REACH), (0, 1))
        return np.asarray(rolled[: 2 * REACH + 1, : 2 * REACH + 1], np.float64)

    pairs = np.maximum(lags(np.abs(np.fft.rfft2(where.astype(np.float32), shape)).astype(np.complex128) ** 2), 1)
    distance = np.arange(-REACH, REACH + 1)
    believed = np.exp(-(distance[:, None] ** 2 + distance**2) / (2 * TAPER**2)) * np.minimum(1, pairs / PAIRS) / pairs
    waves = [np.fft.rfft2(one, shape) for one in residues]
    return np.array([[lags(a * b.conj()) * believed for b in waves] for a in waves])


def _spectra(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(radii, n, n) the real cross-spectra, alike in all directions: the mean of each ring of frequencies."""
    grid = np.real(np.fft.fft2(np.fft.ifftshift(covariance, axes=(2, 3))))
    rings = np.rint(_radius()).astype(int).ravel()
    means = [[np.bincount(rings, one.ravel()) / np.bincount(rings) for one in row] for row in grid]
    spectra = np.moveaxis(np.array(means), 2, 0)
    return np.asarray(spectra + spectra.swapaxes(1, 2)) / 2


def _radius() -> NDArray[np.float64]:
    """(size, size) how far each frequency of a kernel's transform lies from zero, in steps."""
    steps = np.fft.fftfreq(2 * REACH + 1) * (2 * REACH + 1)
    return np.asarray(np.hypot(steps[:, None], steps))


def _kernels(spectra: NDArray[np.float64]) -> Real:
    """The symmetric roots of cross-spectra as kernels, scaled to unit variance of each plane's high-pass."""
    values, vectors = np.linalg.eigh(spectra)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None, :] @ vectors.swapaxes(1, 2)
    radius, at = _radius(), np.arange(len(spectra))
    waves = np.array([[np.interp(radius, at, roots[:, p, q]) for q in range(roots.shape[2])] for p in range(roots.shape[1])])
    kernels = np.fft.fftshift(np.real(np.fft.ifft2(waves)), axes=(2, 3)).astype(np.float32)
    padded = np.pad(kernels, ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH)))
    for plane, row in enumerate(padded):
        kernels[plane] /= np.sqrt(sum(float((high_pass(one) ** 2).sum()) for one in row)) or 1
    return np.asarray(kernels)
