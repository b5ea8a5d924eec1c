"""Large dirt laid over film that the eye learns from."""

import numpy as np
import pytest

from frdm.damage.recipe import PRESETS
from frdm.damage.reel import Damaged, damage_reel
from frdm.film import Codes
from frdm.train.eye_blots import FIRST_ID, SIZES, blotted
from frdm.train.eye_windows import DIRT, STANDING, label


def film(channels: int) -> Codes:
    random = np.random.default_rng(4)
    scene = np.linspace(60, 180, 320)[None, None, :, None] + random.normal(0, 3, (7, 240, 320, channels))
    return np.asarray(np.clip(scene, 0, 255), np.uint8)


def undamaged(channels: int = 3) -> Damaged:
    return damage_reel(film(channels), PRESETS["none"], seed=3)


@pytest.mark.parametrize("channels", [1, 3])
def test_large_pieces_lie_on_single_frames_and_nothing_else_changes(channels: int) -> None:
    made = undamaged(channels)
    laid = blotted(made, np.random.default_rng(1))
    new = laid.mask & ~made.mask
    assert new.any()
    assert np.array_equal(laid.degraded[~laid.mask], made.degraded[~laid.mask])
    assert np.array_equal(laid.pristine, made.pristine)
    assert set(np.unique(laid.ids[new])) <= set(range(FIRST_ID, STANDING))
    shared = (new[:-1] & new[1:]).sum() / new[1:].sum()
    assert shared < 0.5, "a piece lies on one frame, not on all of them"


def test_pieces_are_as_large_as_said_and_are_to_be_found_as_dirt() -> None:
    made = undamaged()
    longest, found = [], 0
    for seed in range(12):
        laid = blotted(made, np.random.default_rng(seed))
        for t in range(len(laid.mask)):
            found += int((label(laid, t) & DIRT > 0).sum())
            for number in np.unique(laid.ids[t][laid.mask[t]]):
                rows, columns = np.nonzero(laid.ids[t] == number)
                longest.append(max(np.ptp(rows), np.ptp(columns)) * 480 / laid.mask.shape[1])
    assert max(longest) > 0.5 * SIZES[1]
    assert max(longest) < 1.6 * SIZES[1]
    assert found > 10_000


def test_the_same_draw_lays_the_same_pieces() -> None:
    made = undamaged(1)
    one, again, other = (blotted(made, np.random.default_rng(seed)).degraded for seed in (5, 5, 6))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_laid_pieces_are_never_taken_for_what_stands() -> None:
    made = damage_reel(film(1), PRESETS["lines"], seed=9)
    laid = blotted(made, np.random.default_rng(2))
    apart = laid.ids != made.ids
    assert (made.ids >= STANDING).any()
    assert np.all((laid.ids[apart] >= FIRST_ID) & (laid.ids[apart] < STANDING))
