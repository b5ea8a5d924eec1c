"""Motion: the convention, identity, and that neighbours brought to the centre show the centre."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tiny
from frdm.film import Encoding, Frame, Shot
from frdm.motion.align import exposure_between
from frdm.motion.flow import displacement, flow_picture, round_trip, warp
from frdm.motion.reel import HALO, Reel
from frdm.motion.window import carry, choose_offsets


def test_no_motion_is_identity() -> None:
    picture = tiny.film(1, grain=0.0)[0]
    small = flow_picture(picture)
    d = displacement(small, small)
    assert np.abs(d).max() < 0.05
    np.testing.assert_allclose(warp(picture, np.zeros_like(d)), picture, atol=1e-6)


@pytest.mark.parametrize("pan", [0.0, 1.0, 3.0])
def test_displacement_follows_the_convention(pan: float) -> None:
    a, b = tiny.film(2, pan=pan, grain=0.002, height=160, width=240)
    small = [flow_picture(f) for f in (a, b)]
    d = displacement(small[0], small[1])
    inner = (slice(24, -24), slice(24, -24))
    assert np.median(d[1][inner]) == pytest.approx(-pan, abs=0.15)
    assert np.abs(a - warp(b, d))[inner].mean() < 0.01
    assert np.median(round_trip(d, displacement(small[1], small[0]))[inner]) < 0.2


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (8, 8), (12, 200), (200, 12), (16, 400), (20, 640), (31, 33)])
def test_pictures_smaller_than_the_search_have_motion_too(height: int, width: int, far: bool) -> None:
    a, b = (flow_picture(picture) for picture in tiny.film(2, pan=1.0, grain=0.002, height=height, width=width))
    d = displacement(a, b, far=far)
    assert d.shape == (2, height, width)
    assert np.isfinite(d).all()
    assert np.abs(displacement(a, a, far=far)).max() < 0.05


@pytest.mark.parametrize("far", [False, True])
def test_a_small_picture_follows_the_convention(far: bool) -> None:
    a, b = (flow_picture(picture) for picture in tiny.film(2, pan=2.0, grain=0.0, height=24, width=240))
    assert np.median(displacement(a, b, far=far)[1][4:-4, 40:-40]) == pytest.approx(-2, abs=0.25)


def test_exposure_is_matched_and_a_speck_stays() -> None:
    film = tiny.film(1, grain=0.0, height=120, width=160)[0]
    centre = film * 0.9 + 0.03
    centre[50:56, 60:66] = 0.0
    matched = film + exposure_between(centre, film, reach=25, limit=0.04)
    difference = np.abs(centre - matched)
    assert np.median(difference) < 0.006
    assert difference[51:55, 61:65].min() > 0.1


@pytest.mark.parametrize(("index", "expected"), [(10, (-1, 1, -2, 2)), (0, (1, 2, 3, 4)), (19, (-1, -2, -3, -4)), (1, (-1, 1, 2, 3))])
def test_offsets_are_the_nearest_of_the_shot(index: int, expected: tuple[int, ...]) -> None:
    assert choose_offsets(index, 0, 20) == expected
    assert max(abs(k) for k in expected) <= HALO


def test_offsets_leave_out_repeats() -> None:
    assert choose_offsets(10, 0, 20, skip=frozenset({11})) == (-1, -2, 2, -3)


def test_motion_is_carried_over_a_hole() -> None:
    d = np.stack([np.full((40, 40), 2.0), np.tile(np.linspace(0, 4, 40), (40, 1))]).astype(np.float32)
    torn, hole = d.copy(), np.zeros((40, 40), bool)
    hole[12:28, 12:28] = True
    torn[:, hole] = 50.0
    assert np.abs(carry(torn, hole, 3.0) - d).max() < 0.8


def test_windows_do_not_depend_on_where_reading_began() -> None:
    frames = [Frame(i, (tiny.codes(f),)) for i, f in enumerate(tiny.film(14))]
    shot = Shot(0, 14)
    with ThreadPoolExecutor(2) as pool:
        whole, late = Reel(frames, Encoding("y", 8), shot, 0, pool), Reel(frames[4:], Encoding("y", 8), shot, 4, pool)
        for i in range(8):
            whole.window(i)
            whole.forget(i)
        one, other = whole.window(8), late.window(8)
    for a, b in zip(one.neighbours, other.neighbours, strict=True):
        np.testing.assert_array_equal(a.aligned.luma, b.aligned.luma)
