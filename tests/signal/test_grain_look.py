"""Grain is drawn anew as it was measured: as coarse, and shared between planes as far."""

import itertools

import cv2
import numpy as np
import pytest

from frdm.film import Mask, Real
from frdm.signal.grain import high_pass, residue
from frdm.signal.grain_look import CLUMP, deviation, look_of

SHAPE = (90, 90)


def around_a_hole() -> Mask:
    """Sound film, 20 px wide around a hole."""
    sound = np.ones(SHAPE, bool)
    sound[20:70, 20:70] = False
    return sound


def grain(shared: float, blur: float, planes: int = 3) -> list[Real]:
    """Planes of grain of deviation 1, `shared` of whose power is the same in all."""
    noise = np.random.default_rng(5).standard_normal((planes + 1, *SHAPE))
    soft = [cv2.GaussianBlur(one.astype(np.float32), (0, 0), blur) for one in noise]
    return [(np.sqrt(shared) * soft[-1] + np.sqrt(1 - shared) * one) / float(soft[-1].std()) for one in soft[:-1]]


def drawn_like(planes: list[Real], sound: Mask) -> Real:
    look = look_of([residue(one, sound, CLUMP) for one in planes], sound)
    assert look is not None
    return look.drawn((400, 400), np.random.default_rng(2))


def bands(picture: Real) -> list[float]:
    """Powers of the high-pass, fine, middling and coarse, the sum 1."""
    blurred = [picture, *(cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (0.7, 1.5, 3.0))]
    powers = [float(((a - b)[10:-10, 10:-10] ** 2).mean()) for a, b in itertools.pairwise(blurred)]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_planes_share_grain_as_far_as_they_did(shared: float) -> None:
    fine = [high_pass(one) for one in drawn_like(grain(shared, 0.8), around_a_hole())]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.corrcoef(fine[a].ravel(), fine[b].ravel())[0, 1] == pytest.approx(shared, abs=0.12)
    for one in fine:
        assert float(one.std()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("blur", [0.5, 0.9, 1.2])
def test_grain_is_as_coarse_as_it_was(blur: float) -> None:
    (truth,) = grain(0.0, blur, planes=1)
    (drawn,) = drawn_like([truth], around_a_hole())
    assert bands(drawn) == pytest.approx(bands(truth), abs=0.1)


def test_what_lies_in_the_hole_and_a_strong_edge_are_no_grain() -> None:
    planes, sound = grain(0.0, 0.8), around_a_hole()
    for one in planes:
        one[20:70, 20:70] += 200
        one[:, 8:10] += 40
    fine = [high_pass(one) for one in drawn_like(planes, sound)]
    assert abs(np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1]) < 0.15
    clean = deviation(residue(grain(0.0, 0.8)[0], sound), sound)
    assert deviation(residue(planes[0], sound), sound) == pytest.approx(clean, rel=0.2)


def test_too_little_film_tells_no_look() -> None:
    planes = [residue(one, around_a_hole()) for one in grain(0.0, 0.8)]
    few = np.zeros(SHAPE, bool)
    few[:10, :10] = True
    assert look_of(planes, few) is None
    assert look_of([one * 0 for one in planes], around_a_hole()) is None
    assert deviation(planes[0], np.zeros(SHAPE, bool)) == 0


def test_a_narrow_place_tells_one_too() -> None:
    planes, sound = [one[:, :6] for one in grain(1.0, 0.8)], np.ones((SHAPE[0], 6), bool)
    drawn = drawn_like(planes, sound)
    assert np.corrcoef(drawn[0].ravel(), drawn[2].ravel())[0, 1] == pytest.approx(1, abs=0.01)
