"""JPEG on tensors: libjpeg's tables and 4:2:0 colour, what `copying_codecs.stored` does, for batches on any device."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]

# Quantisation at quality 50, row by row. Source: ITU-T T.81 Annex K
_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99" + " 99" * 32
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))  # Source: JFIF
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def stored_batch(frames: "Tensor", quality: int) -> "Tensor":
    """Frames (N, C, H, W) 0 … 1 as they come back from JPEG at `quality` 1 … 100, in 8-bit steps; C = 1 or 3 (R, G, B)."""
    import torch
    from torch.nn.functional import avg_pool2d, pad

    height, width = frames.shape[2:]
    codes = pad((frames * 255).round(), (0, -width % 16, 0, -height % 16), mode="replicate")
    if frames.shape[1] == 1:
        return (_plane(codes, quality, _LUMA, 128.0).round().clamp(0, 255) / 255)[..., :height, :width]
    ycc = torch.einsum("ij,njhw->nihw", frames.new_tensor(_TO_YCC), codes)
    luma = _plane(ycc[:, :1].round(), quality, _LUMA, 128.0)
    colour = _plane(avg_pool2d(ycc[:, 1:].round(), 2).round(), quality, _CHROMA, 0.0)
    whole = torch.cat([luma, _doubled(colour)], 1).round()
    back = torch.einsum("ij,njhw->nihw", frames.new_tensor(_TO_RGB), whole)
    return (back.round().clamp(0, 255) / 255)[..., :height, :width]


def _plane(codes: "Tensor", quality: int, table: str, middle: float) -> "Tensor":
    """Planes (N, C, H, W) of whole 8 × 8 blocks through cosine transform, quantisation and back."""
    number, channels, height, width = codes.shape
    blocks = (codes - middle).reshape(number, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    cosines, steps = codes.new_tensor(_cosines()), codes.new_tensor(_steps(table, quality))
    kept = (cosines @ blocks @ cosines.T / steps).round() * steps
    back = cosines.T @ kept @ cosines
    return back.transpose(3, 4).reshape(codes.shape) + middle


def _doubled(planes: "Tensor") -> "Tensor":
    """Twice as large, three parts of the nearer sample and one of the further, as libjpeg grows colour."""
    from torch.nn.functional import interpolate

    return interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """The orthonormal cosine transform of eight values."""
    place = np.arange(8)
    matrix = np.cos((2 * place[None] + 1) * place[:, None] * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


@lru_cache(maxsize=64)
def _steps(table: str, quality: int) -> Floats:
    """Quantisation steps (8, 8) of a table at a quality, as libjpeg scales them."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = (np.array(table.split(), np.int64).reshape(8, 8) * scale + 50) // 100
    return np.clip(steps, 1, 255).astype(np.float32)
