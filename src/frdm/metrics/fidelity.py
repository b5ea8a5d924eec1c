"""How near a picture is to its reference: PSNR, SSIM, MS-SSIM, and what lies inside or far from a mask.

Pictures are (H, W) or (H, W, 3) of one type; `peak` is the code of white over black (255 for 8 bits, 1.0 for scaled pictures).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.errors import MetricError
from frdm.film import Mask
from frdm.metrics.extras import extra
from frdm.metrics.places import near_and_far

Pixels = NDArray[Any]

SAME_DB = 138.1308  # PSNR is given no higher: 10 log10(255² / 1e-9), an equal picture
ALTERED = 2 / 255  # of the peak: a difference that counts as altered
SMALLEST_MS_SSIM = 176  # px: the fifth scale still holds one 11 px window


@dataclass(frozen=True, slots=True)
class SquaredError:
    """A sum of squared errors (in units of the peak, squared) over so many samples: adds up over frames, so that films can be streamed."""

    error: float = 0.0
    samples: int = 0

    def __add__(self, other: "SquaredError") -> "SquaredError":
        return SquaredError(self.error + other.error, self.samples + other.samples)

    @property
    def db(self) -> float | None:
        """PSNR: −∞ … 138.1 dB, higher is nearer; None of no samples."""
        if not self.samples:
            return None
        return SAME_DB if self.error <= 0 else min(SAME_DB, 10 * math.log10(self.samples / self.error))


NO_ERROR = SquaredError()


def squared_error(one: Pixels, other: Pixels, *, peak: float = 255.0, where: Mask | None = None) -> SquaredError:
    """The squared error of two pictures, inside `where` (H, W) if given. Raises `MetricError` on different sizes."""
    same_size(one, other)
    difference = (one.astype(np.float64) - other) / peak
    chosen = difference if where is None else difference[where]
    return SquaredError(float(np.square(chosen).sum()), chosen.size)


def psnr(one: Pixels, other: Pixels, *, peak: float = 255.0, where: Mask | None = None) -> float | None:
    """Peak signal-to-noise ratio: −∞ … 138.1 dB (equal), higher is nearer; inside `where` if given, None where that is empty.

    10 log10(peak² / mean squared error). Over a film add `squared_error`s: the mean of decibels favours still frames.
    Rewards wrongly: blur in place of grain.
    """
    return squared_error(one, other, peak=peak, where=where).db


def ssim(one: Pixels, other: Pixels, *, peak: float = 255.0) -> float:
    """Structural similarity: −1 … 1 (equal), higher is nearer; the mean of the channels, of pictures at least 11 px wide and high.

    scikit-image's, with the paper's Gaussian window of 1.5 px, K1 = 0.01, K2 = 0.03. Rewards wrongly: flat places, where any constant is
    alike, and hardly sees a small repair. Source: Wang 2004 §III.B. Raises `MetricError`.
    """
    same_size(one, other)
    if min(one.shape[:2]) < 11:
        raise MetricError(f"SSIM: a picture of {one.shape[1]} × {one.shape[0]} found, at least 11 × 11 wanted; give a larger one")
    compare = extra("skimage.metrics", score="SSIM").structural_similarity
    axis = 2 if one.ndim == 3 else None
    first, second = (picture.astype(np.float64) for picture in (one, other))
    return float(compare(first, second, data_range=peak, channel_axis=axis, gaussian_weights=True, sigma=1.5, use_sample_covariance=False))


def ms_ssim(one: Pixels, other: Pixels, *, peak: float = 255.0) -> float:
    """Multi-scale structural similarity: 0 … 1 (equal), higher is nearer; pictures of at least 176 px.

    torchmetrics', five scales with the paper's weights. Rewards wrongly: as SSIM; grain counts less still.
    Source: Wang 2003. Raises `MetricError`.
    """
    same_size(one, other)
    if min(one.shape[:2]) < SMALLEST_MS_SSIM:
        size = f"{one.shape[1]} × {one.shape[0]}"
        raise MetricError(f"MS-SSIM: a picture of {size} found, at least {SMALLEST_MS_SSIM} px wanted for its five scales; use SSIM")
    torch = extra("torch", score="MS-SSIM", install="frdm[train]")
    image = extra("torchmetrics.functional.image", score="MS-SSIM", install="frdm[train]")

    def batch(picture: Pixels) -> Any:
        planes = picture.reshape(*picture.shape[:2], -1).transpose(2, 0, 1)[None]
        return torch.from_numpy(np.ascontiguousarray(planes, np.float32) / np.float32(peak))

    return float(image.multiscale_structural_similarity_index_measure(batch(other), batch(one), data_range=1.0, normalize="relu"))


@dataclass(frozen=True, slots=True)
class MaskedError:
    """Error and alteration by place, of one frame or (added up) of a film; see `masked_error`."""

    inside: SquaredError = NO_ERROR
    outside: SquaredError = NO_ERROR
    far: int = 0
    far_altered: int = 0

    def __add__(self, other: "MaskedError") -> "MaskedError":
        return MaskedError(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    @property
    def in_mask_db(self) -> float | None:
        """PSNR inside the mask: … 138.1 dB, higher is nearer; None of an empty mask. Rewards wrongly: averaged, grainless fills."""
        return self.inside.db

    @property
    def far_percent(self) -> float:
        """Share of pixels more than 8 px (of 480 lines) from the mask that differ by ≥ 2 codes of 255: 0 … 100 %, lower is better."""
        return 100 * self.far_altered / max(self.far, 1)


def masked_error(one: Pixels, other: Pixels, mask: Mask, *, peak: float = 255.0) -> MaskedError:
    """Error inside and outside a mask (H, W), and what differs far from it."""
    same_size(one, other)
    if mask.shape != one.shape[:2]:
        raise MetricError(f"mask: {shown(mask)} found, {shown(one)} wanted as the pictures have; give the mask of this film")
    change = np.abs(one.astype(np.float32) - other).reshape(*mask.shape, -1).max(axis=2) / np.float32(peak)
    altered = change >= ALTERED * (1 - 1e-6)
    _, far = near_and_far(mask)
    return MaskedError(
        inside=squared_error(one, other, peak=peak, where=mask),
        outside=squared_error(one, other, peak=peak, where=~mask),
        far=int(far.sum()),
        far_altered=int((far & altered).sum()),
    )


def same_size(one: Pixels, other: Pixels) -> None:
    """Raises `MetricError` unless both pictures have one shape."""
    if one.shape != other.shape:
        raise MetricError(f"two pictures to compare: {shown(one)} and {shown(other)} found, one size wanted; scale or crop one of them")


def shown(picture: Pixels) -> str:
    """A picture's size in words."""
    height, width = picture.shape[:2]
    return f"{width} × {height}" + (f" × {picture.shape[2]}" if picture.ndim == 3 else "")


def worst(values: Sequence[float | None]) -> float | None:
    """The lowest of the values that there are."""
    return min((value for value in values if value is not None), default=None)
