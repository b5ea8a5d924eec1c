"""Tiles: where they lie, that joining them gives back what they were cut from, and that a part of a shot has the tiles of the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.diffusion.tiles import Extent, Tiling, assembled, covered, grid, needed, origins, waves, weights, with_context
from frdm.errors import RecipeError

TILINGS = st.builds(
    lambda size, overlap, frames, shared: Tiling(size, min(overlap, size // 2), frames, min(shared, frames // 2)),
    *(st.integers(4, 20), st.integers(0, 10), st.integers(1, 6), st.integers(0, 3)),
)


@settings(max_examples=30, deadline=None)
@given(TILINGS, st.integers(0, 50), st.integers(20, 60), st.integers(20, 60), st.integers(0, 500))
def test_cut_and_joined_is_what_was_there(tiling: Tiling, step: int, height: int, width: int, first: int) -> None:
    film = np.random.default_rng(step).normal(size=(2, 7, height, width)).astype(np.float32)
    extent = Extent(first, first + 7, 3, 3 + height, 5, 5 + width)
    tiles = grid(extent, tiling, step)
    joined = assembled(((tile, film[tile.within(extent, tiling)]) for tile in tiles), np.full_like(film, 99), tiling, extent)
    assert np.abs(joined - film).max() < 1e-5
    assert all(film[tile.within(extent, tiling)].shape == (2, tiling.frames, tiling.size, tiling.size) for tile in tiles)


def test_the_order_of_tiles_does_not_matter() -> None:
    tiling = Tiling(16, 6, 4, 2)
    rng = np.random.default_rng(1)
    extent = Extent(5, 15, 0, 40, 0, 50)
    tiles = grid(extent, tiling, 3)
    parts = [(tile, rng.normal(size=(3, 4, 16, 16)).astype(np.float32)) for tile in tiles]
    base = np.zeros((3, 10, 40, 50), np.float32)
    one, other = (assembled(order, base, tiling, extent) for order in (parts, [parts[i] for i in rng.permutation(len(parts))]))
    assert np.abs(one - other).max() < 1e-6


def test_weights_of_neighbours_sum_to_one() -> None:
    tiling = Tiling(16, 6, 1, 0, moving=False)
    extent = Extent(0, 1, 0, 36, 0, 46)
    tiles = grid(extent, tiling)
    total = np.zeros((1, 1, 36, 46))
    for tile in tiles:
        total[tile.within(extent, tiling)] += weights(tile, extent, tiling)
    assert len(tiles) == 3 * 4
    assert np.allclose(total, 1, atol=1e-6)


def test_the_grid_moves_and_comes_back_the_same() -> None:
    tiling = Tiling(16, 4)
    extent = Extent(0, 1, 0, 64, 0, 64)
    tops = [{tile.top for tile in grid(extent, tiling, step)} - {0, 48} for step in range(8)]
    assert len({frozenset(one) for one in tops}) == 8
    assert grid(extent, tiling, 5) == grid(extent, tiling, 5)
    still = Tiling(16, 4, moving=False)
    assert grid(extent, still, 5) == grid(extent, still, 0)


@pytest.mark.parametrize("step", [0, 1, 7])
def test_windows_in_time_hang_on_the_films_own_numbers(step: int) -> None:
    tiling = Tiling(8, 2, 5, 2)
    whole = {tile.frame for tile in grid(Extent(100, 160, 0, 8, 0, 8), tiling, step)}
    part = {tile.frame for tile in grid(Extent(117, 150, 0, 8, 0, 8), tiling, step)}
    inner = {frame for frame in whole if frame >= 117 and frame + 5 <= 150}
    assert inner <= part
    assert part - inner <= {117, 145}


@given(st.integers(0, 99), st.integers(1, 80), st.integers(1, 20), st.integers(0, 10), st.integers(0, 30))
def test_every_place_lies_in_a_piece(first: int, length: int, size: int, overlap: int, shift: int) -> None:
    size = min(size, length)
    overlap = min(overlap, size // 2)
    found = origins(first, first + length, (size, overlap), shift % (size - overlap))
    assert {place for at in found for place in range(at, at + size)} == set(range(first, first + length))


def test_only_tiles_that_touch_the_matte() -> None:
    tiling = Tiling(8, 2, 2, 0, moving=False)
    matte = np.zeros((4, 40, 40), bool)
    matte[3, 20, 20] = True
    extent = Extent(10, 14, 0, 40, 0, 40)
    chosen = needed(grid(extent, tiling), matte, tiling, extent)
    assert {tile.frame for tile in chosen} == {12}
    assert {(tile.top, tile.left) for tile in chosen} == {(18, 18)}
    seen = covered(chosen, tiling, extent)
    assert seen[2:, 18:26, 18:26].all()
    assert seen.sum() == 2 * 8 * 8


def test_context_is_a_square_around_the_matte() -> None:
    matte = np.zeros((5, 30, 30), bool)
    matte[2, 10, 1] = True
    grown = with_context(matte, 3)
    wanted = np.zeros_like(matte)
    wanted[2, 7:14, 0:5] = True
    assert np.array_equal(grown, wanted)


def test_a_wave_waits_for_its_left_and_upper_neighbours() -> None:
    tiles = grid(Extent(0, 9, 0, 40, 0, 56), Tiling(16, 4, 4, 1), 2)
    done: set[tuple[int, int, int]] = set()
    there = {(tile.window, tile.row, tile.column) for tile in tiles}
    for wave in waves(tiles, raster=True):
        for tile in wave:
            earlier = {(tile.window, tile.row, tile.column - 1), (tile.window, tile.row - 1, tile.column)}
            assert earlier & there <= done
        done |= {(tile.window, tile.row, tile.column) for tile in wave}
    assert done == there
    assert len(waves(tiles, raster=False)) == 1


def test_a_tile_larger_than_the_frame_is_one_sentence() -> None:
    with pytest.raises(RecipeError, match="tile 64: the frame has 40 × 80 of these pixels"):
        grid(Extent(0, 1, 0, 40, 0, 80), Tiling(64, 8))


@pytest.mark.parametrize(("size", "overlap"), [(16, 9), (16, -1), (0, 0)])
def test_an_overlap_that_can_not_be_is_one_sentence(size: int, overlap: int) -> None:
    with pytest.raises(RecipeError, match="an overlap of"):
        Tiling(size, overlap)


def test_torch_gives_the_same() -> None:
    torch = pytest.importorskip("torch")
    tiling = Tiling(16, 6, 4, 2)
    film = np.random.default_rng(2).normal(size=(3, 6, 40, 50)).astype(np.float32)
    extent = Extent(0, 6, 0, 40, 0, 50)
    tiles = grid(extent, tiling, 3)[::2]
    parts = [(tile, film[tile.within(extent, tiling)] * np.float32(1 + k % 3)) for k, tile in enumerate(tiles)]
    by_numpy = assembled(parts, film, tiling, extent)
    by_torch = assembled([(tile, torch.from_numpy(part)) for tile, part in parts], torch.from_numpy(film), tiling, extent)
    assert np.allclose(by_torch.numpy(), by_numpy, atol=1e-6)
