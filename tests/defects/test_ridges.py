"""Candidates: upright ridges of either sign are traced, one candidate a line, and chance alone makes few."""

import numpy as np
import pytest

from frdm.defects.ridges import best_paths, find_paths, shifted, shrink, small_unit
from frdm.film import Real


def noisy(height: int = 96, width: int = 300, seed: int = 1) -> Real:
    return np.random.default_rng(seed).normal(0.5, 0.01, (height, width)).astype(np.float32)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_slanted_ridge_is_one_candidate_along_its_whole_length(sign: int) -> None:
    picture = noisy()
    place = 120 + np.arange(96) * 0.08
    picture[np.arange(96), np.rint(place).astype(int)] += sign * 0.06
    paths = find_paths([picture], 0.01, 1.0)
    own = [i for i in range(len(paths)) if paths.sign[i] == sign and np.abs(paths.columns[i] - place).mean() < 1.5]
    assert len(own) == 1
    assert paths.evidence[own[0]] == paths.evidence[paths.sign == sign].max()
    assert not [i for i in range(len(paths)) if paths.sign[i] == -sign and np.abs(paths.columns[i] - place).mean() < 1.5]


def test_two_pieces_at_one_column_are_one_candidate() -> None:
    picture = noisy()
    picture[:30, 150] += 0.06
    picture[60:, 151] += 0.06
    paths = find_paths([picture], 0.01, 1.0)
    first = paths.columns[0]
    assert np.abs(first[:30] - 150).max() <= 1 and np.abs(first[60:] - 151).max() <= 1


def test_neighbours_lend_evidence_to_what_stands_in_them() -> None:
    faint = [noisy(seed=k) for k in range(5)]
    for picture in faint:
        picture[:, 77] += 0.012
    alone, helped = (find_paths(some, 0.01, 1.0) for some in (faint[:1], faint))
    at = [max((p.evidence[i] for i in range(len(p)) if abs(np.median(p.columns[i]) - 77) <= 1), default=0.0) for p in (alone, helped)]
    assert at[1] > 1.2 * at[0]


def test_noise_makes_few_candidates() -> None:
    assert len(find_paths([noisy(seed=k) for k in range(5)], 0.01, 1.0)) < 6


def test_best_paths_pay_for_steps() -> None:
    gain = np.zeros((1, 4, 5), np.float32)
    gain[0, :, 2] = 1.0
    gain[0, 2, 3] = 2.0
    assert best_paths(gain, 1.5)[0].tolist() == [2, 2, 2, 2]
    assert best_paths(gain, 0.2)[0].tolist() == [2, 2, 3, 2]


@pytest.mark.parametrize("by", [-3, 0, 2])
def test_shifted_repeats_the_border(by: int) -> None:
    picture = np.arange(12, dtype=np.float32).reshape(2, 6)
    expected = picture[:, np.clip(np.arange(6) + by, 0, 5)]
    assert np.array_equal(shifted(picture, by), expected)


@pytest.mark.parametrize("shape", [(1556, 2048), (480, 640), (241, 323), (1001, 1333)])
def test_shrink_keeps_the_mean(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(2).random(shape, np.float32)
    small = shrink(picture)
    assert small.shape[0] <= 96 and small.dtype == np.float32
    assert abs(float(small.mean()) - float(picture.mean())) < 2e-3
    assert small_unit(shape) == pytest.approx(min(shape[0], 720) / 480)
