"""Grain spectra against the transfer functions of the filters that made the grain; seams by hand."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.metrics.texture import (
    BANDS,
    Seams,
    empty_spectrum,
    grain_distance,
    grain_ratio,
    grain_spectrum,
    outline,
    seams,
    surround,
    tile_borders,
)
from frdm.signal.grain import SCALE

Plane = NDArray[np.float32]


def grain(seed: int, *, strength: float = 4.0, blur: float = 0.0, shape: tuple[int, int] = (160, 200)) -> Plane:
    noise = np.random.default_rng(seed).normal(0, strength, shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), blur)) if blur else noise


def everywhere(plane: Plane) -> NDArray[np.bool_]:
    return np.ones(plane.shape, np.bool_)


def disc(radius: int, shape: tuple[int, int] = (160, 200)) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(rows - shape[0] / 2, columns - shape[1] / 2) <= radius)


def test_white_noise_has_the_high_pass_for_a_spectrum() -> None:
    """S(f) = s² (1 − exp(−2π² σ² f²))², by theory."""
    plane = grain(1)
    found = grain_spectrum(plane, everywhere(plane)).bands()
    middles = (BANDS[1:] + BANDS[:-1]) / 2
    expected = 16 * (1 - np.exp(-2 * np.pi**2 * SCALE**2 * middles**2)) ** 2
    assert found is not None
    assert np.abs(10 * np.log10(found[1:] / expected[1:])).max() < 1.0  # dB
    assert found[0] < found[1] < found[2]


def test_softer_grain_has_the_blurs_spectrum() -> None:
    """Blurred by σ = 0.7 the power falls by exp(−4π² σ² f²): by 9.7 dB at 0.34 cycles per px; few lags leak a little."""
    sharp, soft = (grain_spectrum(p, everywhere(p)).bands() for p in (grain(1), grain(2, blur=0.7)))
    assert sharp is not None and soft is not None
    middles = (BANDS[1:] + BANDS[:-1]) / 2
    fall = 10 * np.log10(sharp / soft)
    assert fall[1:5] == pytest.approx(10 * np.log10(np.exp(4 * np.pi**2 * 0.7**2 * middles[1:5] ** 2)), abs=2.2)


def test_two_parts_of_one_grain_are_near_and_the_distance_grows_with_smearing() -> None:
    around = grain_spectrum(grain(1), everywhere(grain(1)))
    distances = [grain_distance(grain_spectrum(grain(2, blur=blur), disc(30)), around) for blur in (0, 0.5, 0.9, 1.5)]
    assert distances[0] is not None and distances[0] < 1
    assert all(a < b for a, b in pairwise(distances))  # type: ignore[operator]
    assert grain_distance(around, around) == 0


def test_the_shape_of_a_place_doesnt_matter() -> None:
    plane = grain(5)
    scratch = np.zeros(plane.shape, np.bool_)
    scratch[:, ::20] = scratch[:, 1::20] = True
    whole, thin = grain_spectrum(plane, everywhere(plane)), grain_spectrum(plane, scratch)
    assert (grain_distance(whole, thin) or 9) < 1.5
    assert grain_ratio(thin, whole) == pytest.approx(1, abs=0.05)


def test_the_grain_ratio_by_hand() -> None:
    strong, weak = (grain_spectrum(p, everywhere(p)) for p in (grain(1, strength=6), grain(2, strength=3)))
    assert grain_ratio(weak, strong) == pytest.approx(0.5, abs=0.02)
    assert grain_distance(weak, strong) == pytest.approx(20 * np.log10(2), abs=0.4)
    assert (strong + strong).variance == pytest.approx(strong.variance)
    ratios = [grain_ratio(grain_spectrum(grain(2, blur=blur), disc(40)), strong) for blur in (0, 0.6, 1.2)]
    assert all(a > b for a, b in pairwise(ratios))  # type: ignore[operator]


def test_too_small_a_place_says_nothing() -> None:
    plane = grain(1)
    small = grain_spectrum(plane, disc(3))
    assert small.samples == disc(3).sum()
    assert grain_distance(small, small) is None
    assert grain_ratio(small, small) is None
    assert grain_spectrum(plane, disc(-1)).samples == empty_spectrum().samples == 0


def test_the_surround_is_a_ring() -> None:
    mask = disc(10, (480, 480))
    ring = surround(mask)
    assert not (ring & disc(12, (480, 480))).any()
    assert (ring & disc(18, (480, 480))).sum() == pytest.approx((disc(18, (480, 480)) & ~disc(13, (480, 480))).sum(), rel=0.1)
    assert not (ring & ~disc(20, (480, 480))).any()


def test_seams_by_hand() -> None:
    """A ramp of 1 a column; tiles of 8 that are lifted by 3 each: gradient 4 across upright borders, 1 or 0 elsewhere."""
    rows, columns = np.mgrid[:16, :24].astype(np.float32)
    plane = columns + 3 * (columns // 8)
    borders = tile_borders(16, 24, tile=8)
    whole = np.ones(plane.shape, np.bool_)
    found = seams(plane, whole, borders)
    assert (found.borders, found.across) == (2 * 16 + 24, 4 * 2 * 16)
    assert found.ratio == pytest.approx((128 / 56) / (16 * 21 / (16 * 21 + 24 * 14)))
    left = columns < 10  # holds the border at 8, not that at 16; rows' borders only where it is filled
    found = seams(plane, left, borders)
    assert (found.borders, found.across, found.others) == (16 + 10, 4 * 16, 16 * 8 + 14 * 10)
    assert seams(rows, whole, tile_borders(16, 24, tile=30)).ratio is None
    assert (found + found).ratio == found.ratio
    assert Seams().ratio is None


def test_no_seam_is_one_and_it_grows_with_the_step() -> None:
    mask = disc(40)
    steps = [seams(grain(3) + step * mask, mask, outline(mask)).ratio for step in (0, 2, 6, 20)]
    assert steps[0] == pytest.approx(1, abs=0.06)
    assert all(a < b for a, b in pairwise(steps))  # type: ignore[operator]
    tiles = tile_borders(160, 200, tile=40)
    assert seams(grain(3), mask, tiles).ratio == pytest.approx(1, abs=0.08)
