"""Frames restored whole, window by window: the same bits for any stretch, the film itself where the net finds nothing."""

from collections.abc import Sequence

import numpy as np
import pytest

from diffusion.nets import Guess, Known, as_scanned, local
from frdm.diffusion.asking import Inference
from frdm.diffusion.planning import Plan
from frdm.diffusion.streaming import Reading, RestoredFrame, restored_frames

SETTINGS = Inference(tile=24, overlap=8, frames=5, frames_overlap=2, steps=2, sampler="ddim")
FIRST, STOP = 103, 117


class Shot:
    """Noise of its own in every frame; keeps what was read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def levels(self, index: int) -> np.ndarray:
        self.read.append(index)
        return np.random.default_rng(index).random((1, 50, 61)).astype(np.float32)


def restored(wanted: range, *, guess: Guess = local, stop: int = STOP) -> tuple[Sequence[RestoredFrame], Shot]:
    shot = Shot()
    film = Reading(FIRST, stop, shot.levels)
    return list(restored_frames(lambda: Known(guess), film, wanted, SETTINGS, Plan())), shot


def test_a_net_that_finds_nothing_gives_the_film_back() -> None:
    made, shot = restored(range(FIRST, STOP), guess=as_scanned)
    assert [one.index for one in made] == list(range(FIRST, STOP))
    for one in made:
        assert np.abs(one.restored - shot.levels(one.index)).max() < 1e-5
        assert np.abs(one.coded - shot.levels(one.index)).max() < 1e-6


@pytest.mark.parametrize("wanted", [range(103, 104), range(109, 112), range(116, 117)])
def test_any_stretch_gives_the_same_bits(wanted: range) -> None:
    whole, _ = restored(range(FIRST, STOP))
    part, shot = restored(wanted)
    assert [one.index for one in part] == list(wanted)
    for one in part:
        same = whole[one.index - FIRST]
        assert np.array_equal(one.restored, same.restored)
        assert one.index in one.shown
        assert one.shown == same.shown
    assert set(shot.read) <= set(range(max(FIRST, wanted.start - 4), min(STOP, wanted.stop + 4)))


def test_where_a_shot_ends_is_not_asked_far_before_it() -> None:
    here, _ = restored(range(103, 107))
    longer, _ = restored(range(103, 107), stop=STOP + 30)
    assert all(np.array_equal(a.restored, b.restored) for a, b in zip(here, longer, strict=True))


def test_a_shot_that_is_shorter_than_a_window_is_restored_too() -> None:
    made, shot = restored(range(FIRST, FIRST + 3), guess=as_scanned, stop=FIRST + 3)
    assert [one.index for one in made] == [103, 104, 105]
    assert max(np.abs(one.restored - shot.levels(one.index)).max() for one in made) < 1e-5
    assert set(shot.read) == {103, 104, 105}
