"""The whole frame at a tile's size, and back: what the global pass restores, and what a net is shown of the frame around a tile.

Both ways are products with one matrix an axis, so that numpy and torch give the same.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from frdm.diffusion.arrays import Array, like
from frdm.film import Real, frozen


@dataclass(frozen=True, slots=True)
class WholeFrame:
    """How a frame (height, width) lies in a square of `side`: reduced in its own proportions to the upper left, its last row or column
    repeated below or beside it.
    """

    height: int
    width: int
    side: int

    @property
    def inner(self) -> tuple[int, int]:
        """(rows, columns) of the square that show the frame."""
        share = self.side / max(self.height, self.width)
        return max(1, round(self.height * share)), max(1, round(self.width * share))

    def reduced(self, frames: Array) -> Array:
        """Frames (…, H, W) as squares (…, side, side); each pixel is the mean over its area."""
        rows, columns = self.inner
        small = resized(frames, (rows, columns))
        down, across = np.minimum(np.arange(self.side), rows - 1), np.minimum(np.arange(self.side), columns - 1)
        return small[..., down, :][..., across]

    def enlarged(self, squares: Array, part: tuple[slice, slice] = (slice(None), slice(None))) -> Array:
        """Squares (…, side, side) as frames (…, H, W), or a part of them, between pixels linearly."""
        rows, columns = self.inner
        down, across = resampling(rows, self.height)[part[0]], resampling(columns, self.width)[part[1]]
        return like(squares, down) @ squares[..., :rows, :columns] @ like(squares, across).T


def resized(picture: Array, size: tuple[int, int]) -> Array:
    """A picture (…, h, w) at another size: the mean over each pixel's area where it shrinks, linear where it grows, edges repeated."""
    down, across = (resampling(old, new) for old, new in zip(picture.shape[-2:], size, strict=True))
    return like(picture, down) @ picture @ like(picture, across).T


@cache
def resampling(source: int, target: int) -> Real:
    """(target, source) weights, rows of which sum to 1, that make `target` samples of `source`."""
    scale = source / target
    middles = (np.arange(target)[:, None] + 0.5) * scale
    edges = np.arange(source)
    if scale > 1:
        weights = np.minimum(edges + 1, middles + scale / 2) - np.maximum(edges, middles - scale / 2)
    else:
        weights = 1 - np.abs(np.clip(middles, 0.5, source - 0.5) - 0.5 - edges)
    weights = np.maximum(weights, 0)
    return frozen((weights / weights.sum(1, keepdims=True)).astype(np.float32))
