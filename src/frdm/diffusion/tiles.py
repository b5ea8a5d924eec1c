"""Tiles of a shot's latents: where they lie, which of them are needed, and how what was made in them is joined.

The grid hangs on the frame's corner and the film's frame numbers and moves from step to step by a fixed rule, so that no join stands still
and nothing depends on who asks. Tiles that would stick out are moved inside, so that all have one size. Latents are (C, T, H, W).
Source: Bar-Tal 2023 (one denoising step of overlapping tiles, averaged); Du 2024 (the moving grid).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.arrays import Array, like, zeros
from frdm.errors import RecipeError
from frdm.film import Mask, Real

MOVES = (0.302776, 0.618034, 0.414214)  # shares of a stride by which the grid moves in time, down, across: far from every simple fraction
Slices = tuple[slice, slice, slice, slice]  # channels, frames, rows, columns


class Extent(NamedTuple):
    """What an array (C, T, H, W) covers of a shot: frames, rows and columns, half-open, in the film's numbers and latent pixels."""

    first: int
    stop: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.stop - self.first, self.bottom - self.top, self.right - self.left


@dataclass(frozen=True, slots=True)
class Tiling:
    """Size and overlap of tiles, in latent pixels and frames; both belong to the recipe."""

    size: int
    overlap: int
    frames: int = 1
    frames_overlap: int = 0
    moving: bool = True  # the grid moves from step to step

    def __post_init__(self) -> None:
        for size, overlap, what in ((self.size, self.overlap, "px"), (self.frames, self.frames_overlap, "frames")):
            if size < 1 or not 0 <= overlap <= size // 2:
                raise RecipeError(f"tiles of {size} {what}: an overlap of 0 to {max(size, 0) // 2} was wanted, {overlap} found; give less")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile: its place in the grid (window in time, row, column), then its first frame, row and column in the shot."""

    window: int
    row: int
    column: int
    frame: int
    top: int
    left: int

    def within(self, extent: Extent, tiling: Tiling) -> Slices:
        """What it covers of an array (C, T, H, W) of this extent."""
        frame, top, left = self.frame - extent.first, self.top - extent.top, self.left - extent.left
        return slice(None), slice(frame, frame + tiling.frames), slice(top, top + tiling.size), slice(left, left + tiling.size)


def grid(extent: Extent, tiling: Tiling, step: int = 0) -> list[Tile]:
    """All tiles of a step in raster order, window by window. Raises `RecipeError` where a tile is larger than the frame."""
    _, height, width = extent.shape
    if tiling.size > min(height, width):
        raise RecipeError(f"tile {tiling.size}: the frame has {height} × {width} of these pixels; give a tile that fits into it")
    shifts = [int(step * share % 1 * (size - overlap)) * tiling.moving for share, size, overlap in _axes(tiling)]
    starts = origins(extent.first, extent.stop, (tiling.frames, tiling.frames_overlap), shifts[0])
    tops = origins(extent.top, extent.bottom, (tiling.size, tiling.overlap), shifts[1])
    lefts = origins(extent.left, extent.right, (tiling.size, tiling.overlap), shifts[2])
    return [Tile(w, r, c, frame, top, left) for w, frame in enumerate(starts) for r, top in enumerate(tops) for c, left in enumerate(lefts)]


def _axes(tiling: Tiling) -> list[tuple[float, int, int]]:
    space, time = (tiling.size, tiling.overlap), (tiling.frames, tiling.frames_overlap)
    return [(share, *axis) for share, axis in zip(MOVES, (time, space, space), strict=True)]


def origins(first: int, stop: int, piece: tuple[int, int], shift: int) -> list[int]:
    """Where pieces of (size, overlap) begin that cover first … stop-1: at shift + k · stride, those that stick out moved inside."""
    size, overlap = piece
    if size > stop - first:
        raise RecipeError(f"windows of {size} frames: there are {stop - first}; give windows that are no longer than the shot")
    stride = size - overlap
    begin = shift + (first - shift) // stride * stride
    return sorted({min(max(at, first), stop - size) for at in range(begin, stop - overlap, stride)})


def needed(tiles: Sequence[Tile], wanted: Mask, tiling: Tiling, extent: Extent) -> list[Tile]:
    """The tiles that touch what is wanted (T, H, W), the context around the matte included."""
    return [tile for tile in tiles if wanted[tile.within(extent, tiling)[1:]].any()]


def covered(tiles: Iterable[Tile], tiling: Tiling, extent: Extent) -> Mask:
    """Where (T, H, W) any of the tiles lies."""
    out = np.zeros(extent.shape, bool)
    for tile in tiles:
        out[tile.within(extent, tiling)[1:]] = True
    return out


def with_context(matte: Mask, reach: int) -> Mask:
    """The matte (T, H, W) grown by squares of `reach` px, each frame by itself."""
    return _grown(_grown(np.asarray(matte, bool), reach, 1), reach, 2)


def _grown(mask: Mask, by: int, axis: int) -> Mask:
    """True within `by` places of a true one along an axis."""
    length = mask.shape[axis]
    sums = np.concatenate([np.zeros_like(np.take(mask, [0], axis), int), np.cumsum(mask, axis)], axis)
    places = np.arange(length)
    after, before = np.minimum(places + by + 1, length), np.maximum(places - by, 0)
    return np.asarray(np.take(sums, after, axis) > np.take(sums, before, axis))


def waves(tiles: Sequence[Tile], raster: bool) -> list[list[Tile]]:
    """Tiles in groups that may be denoised together: all at once, or by diagonal, where each needs its left and upper neighbours first."""
    if not raster:
        return [list(tiles)]
    diagonals: dict[int, list[Tile]] = {}
    for tile in tiles:
        diagonals.setdefault(tile.row + tile.column, []).append(tile)
    return [diagonals[number] for number in sorted(diagonals)]


def weights(tile: Tile, extent: Extent, tiling: Tiling) -> Real:
    """The tile's weight (1, T, h, w): up over the overlap as sin², down as cos², whole at the borders of frame and shot."""
    size = tiling.size
    time = ramp(tiling.frames, tiling.frames_overlap, (tile.frame == extent.first, tile.frame + tiling.frames == extent.stop))
    down = ramp(size, tiling.overlap, (tile.top == extent.top, tile.top + size == extent.bottom))
    across = ramp(size, tiling.overlap, (tile.left == extent.left, tile.left + size == extent.right))
    return np.asarray(time[None, :, None, None] * down[:, None] * across, np.float32)


def ramp(size: int, overlap: int, border: tuple[bool, bool]) -> NDArray[np.float64]:
    """The weights along one axis; `border`: whether nothing lies before and behind."""
    out = np.ones(size)
    rise = np.sin((np.arange(overlap) + 0.5) / max(overlap, 1) * np.pi / 2) ** 2
    if not border[0]:
        out[:overlap] = rise
    if not border[1]:
        out[size - overlap :] *= rise[::-1]
    return out


def assembled(parts: Iterable[tuple[Tile, Array]], base: Array, tiling: Tiling, extent: Extent) -> Array:
    """What was made in tiles, joined by their weights over `base` (C, T, H, W), which shows where no tile lies."""
    total, weight = zeros(base, base.shape), zeros(base, (1, *base.shape[1:]))
    for tile, part in parts:
        place, own = tile.within(extent, tiling), like(base, weights(tile, extent, tiling))
        total[place] += own * part
        weight[place] += own
    bare = weight == 0
    return total / (weight + bare) + bare * base
