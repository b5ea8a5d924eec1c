"""Which frame belongs to which: offsets, lost and doubled frames, scenes left out."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.dataset.timeline import Anchor, candidates, find_anchors, settled
from frdm.film import Real


def film(length: int, seed: int = 0) -> Real:
    """Vectors of a film that changes slowly and evenly, with a cut every 40 frames; (length, 60), of mean 0 and length 1."""
    rng = np.random.default_rng(seed)
    out = []
    for index in range(length):
        if index % 40 == 0:
            here, there = rng.normal(0, 1, (2, 60))
        turned = 0.04 * (index % 40)  # four times the noise of distances: a film that all but stands has frames that nobody can tell apart
        out.append(np.cos(turned) * here + np.sin(turned) * there)
    vectors = np.array(out)
    vectors -= vectors.mean(1, keepdims=True)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def partners(before: Real, after: Real, noise: float = 0.01) -> list[int | None]:
    """The partners that are found for films of which only vectors are known."""
    rng = np.random.default_rng(9)
    tried = candidates(find_anchors(before, after), len(before), len(after))
    far = [{j: float(np.linalg.norm(before[i] - after[j])) + noise * rng.random() for j in near} for i, near in enumerate(tried)]
    return settled(far, len(after))


def expected(shows: Sequence[int], length: int) -> list[int | None]:
    """The first frame of AFTER that shows each frame of BEFORE."""
    first: dict[int, int] = {}
    for j, i in enumerate(shows):
        first.setdefault(i, j)
    return [first.get(i) for i in range(length)]


def agree(found: Sequence[int | None], shows: Sequence[int]) -> float:
    """Share of BEFORE's frames whose partner shows that very frame, or that rightly have none."""
    right = [(j is None and i not in shows) or (j is not None and shows[j] == i) for i, j in enumerate(found)]
    return float(np.mean(right))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 25), st.integers(30, 90), st.sets(st.integers(31, 115), max_size=3), st.integers(0, 1000))
def test_offsets_lost_and_doubled_frames(begin: int, doubled: int, lost: set[int], seed: int) -> None:
    shows = [i for i in range(begin, 120) for _ in range(2 if i == doubled and i >= begin else 1) if i not in lost]
    before = film(120, seed)
    found = partners(before, before[shows])
    assert agree(found, shows) > 0.96
    rising = [j for j in found if j is not None]
    assert rising == sorted(set(rising)), "no frame is used twice, and none out of order"


def test_a_scene_that_was_left_out_has_no_partners() -> None:
    before = film(200)
    shows = [*range(80), *range(120, 200)]
    found = partners(before, before[shows])
    assert agree(found, shows) > 0.97
    assert sum(j is not None for j in found[82:118]) == 0


def test_films_that_are_not_one_have_no_partners() -> None:
    assert find_anchors(film(60, 1), film(60, 2)) == [] or len(find_anchors(film(60, 1), film(60, 2))) < 6


def test_a_standing_picture_keeps_its_offset() -> None:
    still = np.repeat(film(1), 50, axis=0)
    moving = film(60, 5)
    before = np.concatenate([moving[:30], still, moving[30:]])
    found = partners(before, before[3:], noise=0.005)
    assert agree(found, list(range(3, len(before)))) > 0.9


def test_candidates_lie_around_the_anchors() -> None:
    near = candidates([Anchor(10, 12, 1.0), Anchor(300, 290, 1.0)], 400, 380)
    assert near[10] == [10, 11, 12, 13, 14] and near[300] == [288, 289, 290, 291, 292] and near[0] == [0, 1, 2, 3, 4]
    assert near[200] == [] and near[399] == []
