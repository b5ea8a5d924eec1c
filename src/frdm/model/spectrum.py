"""Spectra of clips: the 3-D Fourier transform of real clips and its inverse, the part of a spectrum that a coarser grid can hold, bands.

A spectrum is (re, im), each (B, C, T, H, W/2 + 1): of the last axis half of the frequencies tell the whole. Both transforms keep lengths.
There are two ways to the same numbers: torch's FFT, and products with matrices, which ONNX Runtime knows and which cost little in tiles.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from frdm.model.layout import unflattened

Spectrum = tuple[Tensor, Tensor]
AXES = (2, 3, 4)


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Frequencies of a grid by their radius: of each (T·H·(W/2 + 1)) its band; band 0 is the mean alone."""

    of: NDArray[np.int64]  # (bins,)
    present: tuple[int, ...]  # bands that have any, rising
    means: NDArray[np.float32]  # (present, bins): a product with it takes the mean over each band


@cache
def bands_of(length: int, height: int, width: int, count: int) -> Bands:
    """`count` bands, each twice as wide as the one below; the outermost reaches the corner of the grid's frequencies."""
    t, y, x = (np.abs(np.fft.fftfreq(size) * 2) for size in (length, height, width))
    radius = np.sqrt(t[:, None, None] ** 2 + y[:, None] ** 2 + x[: width // 2 + 1] ** 2).ravel()
    rank = np.ceil(count - 1 + np.log2(np.maximum(radius / np.sqrt(3), 1e-9)))
    of = np.where(radius == 0, 0, np.clip(rank, 1, count - 1)).astype(np.int64)
    present = np.unique(of)
    members = (of == present[:, None]).astype(np.float32)
    return Bands(of, tuple(int(one) for one in present), members / members.sum(1, keepdims=True))


def transformed(clip: Tensor, *, by_matrices: bool) -> Spectrum:
    """The spectrum of a real clip (B, C, T, H, W), in single precision."""
    clip = clip.float()
    if not by_matrices:
        both = torch.fft.rfftn(clip, dim=AXES, norm="ortho")
        return both.real, both.imag
    cos, sin = _waves(clip.shape[4], clip)
    half = clip.shape[4] // 2 + 1
    re, im = clip @ cos[:, :half], -(clip @ sin[:, :half])
    for axis in (3, 2):
        re, im = _turned(re, im, axis, -1.0)
    return re, im


def inverted(spectrum: Spectrum, width: int, *, by_matrices: bool) -> Tensor:
    """The real clip of a spectrum; `width` is W, which half of the frequencies don't tell. What no real clip has is dropped."""
    re, im = spectrum
    if not by_matrices:
        back: Tensor = torch.fft.irfftn(torch.complex(re, im), s=(*re.shape[2:4], width), dim=AXES, norm="ortho")
        return back
    for axis in (2, 3):
        re, im = _turned(re, im, axis, 1.0)
    cos, sin = _waves(width, re)
    half = width // 2 + 1
    times = torch.full((half, 1), 2.0, dtype=re.dtype, device=re.device)
    times[0] = 1.0
    if width % 2 == 0:
        times[-1] = 1.0
    return re @ (times * cos[:half]) - im @ (times * sin[:half])


def _turned(re: Tensor, im: Tensor, axis: int, sign: float) -> Spectrum:
    """The transform along one of the axes T and H: times exp(sign · i · angle)."""
    cos, sin = _waves(re.shape[axis], re)
    re, im = re.transpose(axis, 4), im.transpose(axis, 4)
    out = re @ cos - sign * (im @ sin), im @ cos + sign * (re @ sin)
    return out[0].transpose(axis, 4), out[1].transpose(axis, 4)


def _waves(length: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of 2π·jk/length, (length, length), scaled so that the transform keeps lengths."""
    cos, sin = _waves_of(int(length))  # traced for export, a length is a tensor
    return like.new_tensor(cos), like.new_tensor(sin)


@cache
def _waves_of(length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angles = 2 * np.pi * (np.outer(np.arange(length), np.arange(length)) % length) / length
    return np.cos(angles) / np.sqrt(length), np.sin(angles) / np.sqrt(length)


def cropped(spectrum: Spectrum, height: int, width: int) -> Spectrum:
    """The frequencies that a grid of `height` × `width` holds, of a spectrum of at least that size: an ideal reduction."""
    re, im = (_rows(part, height)[..., : width // 2 + 1] for part in spectrum)
    return re, im


def _rows(part: Tensor, height: int) -> Tensor:
    if part.shape[3] == height:
        return part
    low = (height + 1) // 2
    return torch.cat([part[:, :, :, :low], part[:, :, :, part.shape[3] - (height - low) :]], 3)


def as_bins(spectrum: Spectrum) -> Tensor:
    """(B, T·H·(W/2 + 1), 2·C): each frequency with its real and its imaginary part."""
    return torch.cat(spectrum, 1).flatten(2).transpose(1, 2)


def from_bins(bins: Tensor, shape: tuple[int, int, int]) -> Spectrum:
    """The way back to (T, H, W/2 + 1)."""
    re, im = unflattened(bins.transpose(1, 2), 2, *shape).chunk(2, 1)
    return re, im
