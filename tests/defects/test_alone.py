"""The detector for a frame without neighbours: sharp specks on soft film are found, the scene's own detail is not."""

import cv2
import numpy as np
import pytest

import tiny
from frdm.defects.alone import find_alone, noise_of
from frdm.film import Encoding, Frame, Real
from frdm.motion.scale import SearchScale
from frdm.motion.window import Window
from frdm.recipe import Detection
from frdm.signal.working import working

GREY = Encoding("y", 16, white=65535.0)
SPOTS = ((100, 120), (300, 200), (200, 400), (420, 560))


def scene(seed: int = 2) -> Real:
    """Soft shapes under fine grain, 480 × 640."""
    soft = 0.25 + 0.5 * tiny.film(1, height=480, width=640, seed=seed, grain=0)[0]
    grain = np.random.default_rng(seed).normal(0, 0.006, soft.shape)
    return (cv2.GaussianBlur(soft, (0, 0), 12) + grain).astype(np.float32)


def window(picture: Real) -> Window:
    frame = Frame(3, (tiny.codes(picture, 16),))
    luma = working(frame, GREY).luma
    scale = SearchScale.of(*luma.shape)
    return Window(frame, scale.shrink(luma), None, (), scale)


def speckled(tone: float) -> Real:
    picture = scene()
    for row, column in SPOTS:
        cv2.circle(picture, (column, row), 3, tone, -1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize(("tone", "polarity"), [(0.95, "bright"), (0.03, "dark")])
def test_specks_are_found_with_their_polarity(tone: float, polarity: str) -> None:
    found = find_alone(window(speckled(tone)), Detection())
    assert {d.polarity for d in found.defects} == {polarity}
    assert {d.box.frame for d in found.defects} == {3}
    mask = np.zeros((480, 640), bool)
    for defect in found.defects:
        mask[defect.box.rows, defect.box.columns] |= defect.mask
    assert all(mask[row - 2 : row + 3, column - 2 : column + 3].all() for row, column in SPOTS)
    assert len(found.defects) == len(SPOTS)
    assert found.suspects[mask].mean() > 0.3


def test_a_clean_scene_has_none() -> None:
    found = find_alone(window(scene(5)), Detection(strength=1.0))
    assert found.defects == ()


def test_only_the_polarity_that_is_asked_for() -> None:
    assert find_alone(window(speckled(0.95)), Detection(polarity="dark")).defects == ()


def test_only_where_it_is_allowed() -> None:
    allowed = np.zeros((480, 640), bool)
    allowed[:250] = True
    found = find_alone(window(speckled(0.95)), Detection(), allowed)
    assert len(found.defects) == sum(row < 250 for row, _ in SPOTS)


def test_the_cautious_find_no_more() -> None:
    picture = speckled(0.95)
    counts = [len(find_alone(window(picture), Detection(strength=strength)).defects) for strength in (0.0, 0.5, 1.0)]
    assert counts == sorted(counts)


def test_texture_of_both_polarities_is_scene() -> None:
    picture = scene()
    rng = np.random.default_rng(1)
    for _ in range(4000):  # gravel
        row, column = int(rng.integers(480)), int(rng.integers(640))
        cv2.circle(picture, (column, row), int(rng.integers(2, 5)), float(rng.uniform(0.1, 0.9)), -1)
    assert len(find_alone(window(picture), Detection()).defects) <= 2


def test_a_large_picture_is_searched_reduced_and_found_at_its_own_size() -> None:
    large = cv2.resize(speckled(0.95), (1920, 1440), interpolation=cv2.INTER_LINEAR)
    found = find_alone(window(np.asarray(large, np.float32)), Detection())
    assert len(found.defects) == len(SPOTS)
    row, column = SPOTS[0]
    assert any(d.box.top <= 3 * row < d.box.bottom and d.box.left <= 3 * column < d.box.right for d in found.defects)


def test_noise_is_that_of_the_calmest_places() -> None:
    flat = np.random.default_rng(0).normal(0.5, 0.02, (240, 320)).astype(np.float32)
    busy = flat.copy()
    busy[:120] += np.random.default_rng(1).normal(0, 0.2, (120, 320)).astype(np.float32)
    assert noise_of(busy) == pytest.approx(noise_of(flat), rel=0.1)
    assert noise_of(np.zeros((4, 4), np.float32)) > 0
