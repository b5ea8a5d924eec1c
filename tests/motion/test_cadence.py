from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.film import Real
from frdm.motion.cadence import Cadence, blend_of, cadence_picture, change, find_cadence, grain_level, repeats

GRAIN = 0.02


def film(count: int, grain: float = GRAIN, step: float = 1.0, seed: int = 0) -> list[Real]:
    """Frames of film, each with its own grain, of a scene that pans by `step` px."""
    rng = np.random.default_rng(seed)
    scene = rng.standard_normal((160, 260)).astype(np.float32)
    scene = cv2.GaussianBlur(scene, (0, 0), 3) + (cv2.GaussianBlur(scene, (0, 0), 8) > 0.01) * np.float32(0.3)
    scene = 0.5 + 0.2 * (scene - scene.mean()) / scene.std()
    shifted = (cv2.warpAffine(scene, np.float32([[1, 0, -i * step], [0, 1, 0]]), (260, 160))[10:150, 30:220] for i in range(count))
    return [np.asarray(p + rng.normal(0, grain, p.shape), np.float32) for p in shifted]


def recompressed(pictures: Sequence[Real]) -> list[Real]:
    rng = np.random.default_rng(5)
    return [np.asarray(p + rng.normal(0, 0.002, p.shape), np.float32) for p in pictures]


def at(pictures: Sequence[Real], index: int, reach: int = 4, noise: float | None = None) -> Cadence:
    near = range(max(0, index - reach), min(len(pictures), index + reach + 1))
    return find_cadence({i: pictures[i] for i in near}, index, noise)


def test_true_film_has_no_cadence() -> None:
    for step in (0.0, 0.3, 2.0):
        pictures = film(12, step=step)
        assert all(at(pictures, i) == Cadence() for i in range(12))


@pytest.mark.parametrize("step", [0.0, 1.0])
def test_sixteen_frames_made_twenty_four(step: float) -> None:
    """A A B C C D E E F: every second film frame stands for two."""
    order = [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]
    pictures = recompressed([film(8, step=step)[k] for k in order])
    for i in range(12):
        found = at(pictures, i, noise=GRAIN)
        assert found.repeats == {j for j in (i - 1, i + 1) if 0 <= j < 12 and order[j] == order[i]}
        left = [j for j in range(max(0, i - 4), min(12, i + 5)) if j != i and j not in found.skip]
        assert len({order[j] for j in left}) == len(left) and order[i] not in {order[j] for j in left}


def test_the_nearer_of_two_repeats_is_kept() -> None:
    pictures = [film(4)[k] for k in (0, 0, 1, 2, 2)]
    assert at(pictures, 2).doubles == {0, 4}


def test_original_is_the_first_of_the_repeats() -> None:
    pictures = [film(4)[k] for k in (0, 1, 1, 1, 2)]
    assert at(pictures, 3).repeats == {1, 2} and at(pictures, 3).original(3) == 1
    assert at(pictures, 1).original(1) is None


def test_drawings_without_grain_held_for_two_frames() -> None:
    pictures = [film(5, grain=0.0)[k] for k in (0, 0, 1, 1, 2, 2)]
    assert at(pictures, 2).repeats == {3}


def test_a_film_in_which_nothing_changes_repeats_nothing() -> None:
    """Else a still scene would have no neighbour to mend it from."""
    assert at([film(1, grain=0.0)[0]] * 9, 4).skip == frozenset()
    assert at(recompressed([film(1, grain=0.0)[0]] * 9), 4).skip == frozenset()


def test_dirt_on_one_frame_of_a_still_scene_is_not_hidden() -> None:
    pictures = [film(1, grain=0.0)[0].copy() for _ in range(9)]
    pictures[4][50:54, 60:64] = 0
    assert {3, 5}.isdisjoint(at(pictures, 4).skip)


def test_dirt_on_a_repeated_frame_is_repeated() -> None:
    one, two, three = film(3)
    two[50:60, 60:70] = 0
    assert at([one, two, two, three], 1).repeats == {2}


@given(share=st.floats(0.25, 0.75))
@settings(max_examples=20, deadline=None)
def test_a_blend_and_its_share(share: float) -> None:
    one, two = film(2)
    mixed = np.asarray((1 - share) * one + share * two, np.float32)
    assert blend_of(one, mixed, two) == pytest.approx(share, abs=0.02)


def test_film_is_no_blend() -> None:
    for step in (0.0, 0.3, 2.0):
        one, two, three = film(3, step=step)
        assert blend_of(one, two, three) is None
    assert blend_of(one, one, one) is None


def test_single_blends_are_found() -> None:
    pure = film(7)
    pictures = recompressed(
        [pure[0], pure[1], 0.5 * pure[1] + 0.5 * pure[2], pure[2], pure[3], pure[4], 0.5 * pure[4] + 0.5 * pure[5], pure[5]]
    )
    assert at(pictures, 2).blend == pytest.approx(0.5, abs=0.05)
    assert at(pictures, 1).blends == {2} and at(pictures, 3).blends == {2}
    assert at(pictures, 4).blend is None


def test_slow_motion_without_grain_is_not_taken_for_blends() -> None:
    pictures = film(9, grain=0.0, step=0.2)
    assert at(pictures, 4).skip == frozenset() and at(pictures, 4).blend is None


def test_what_is_found_follows_from_the_window_alone() -> None:
    order = [0, 0, 1, 2, 2, 3, 4, 4, 5, 6]
    pictures = [film(7)[k] for k in order]
    assert at(pictures, 4, reach=3) == find_cadence({i: pictures[i] for i in (7, 6, 5, 4, 3, 2, 1)}, 4)


def test_pair_of_frames() -> None:
    one, two = film(2, step=0)
    assert repeats(one, one, GRAIN) and not repeats(one, two, GRAIN)
    assert change(one, one) == 0 < change(one, two)
    assert grain_level(np.asarray(np.random.default_rng(1).normal(0.5, 0.03, (200, 200)), np.float32)) == pytest.approx(0.03, rel=0.05)


def test_wide_pictures_are_sampled() -> None:
    wide = np.random.default_rng(0).random((60, 2100)).astype(np.float32)
    assert cadence_picture(wide).shape == (20, 700) and cadence_picture(wide[:, :100]).shape == (60, 100)
    assert cadence_picture(wide).std() == pytest.approx(wide.std(), rel=0.02)
