"""Two detectors as one: each finds what the other misses, the net speaks against false alarms of the pixel tests."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from defects.test_eye_inputs import window_of
from frdm.defects import eye, joint
from frdm.defects.classical import find as find_classical
from frdm.film import Defect
from frdm.recipe import Detection

SETTINGS = Detection()
SPOTS = ((slice(50, 58), slice(70, 78)), (slice(90, 98), slice(120, 128)))


def dirty() -> tiny.Film:
    film = tiny.film(9, height=144, width=192, grain=0.006)
    for spot in SPOTS:
        film[4][spot] = 0.98
    return film


def saying(*spots: tuple[slice, slice], else_where: float = -9.0) -> Any:
    """A stand-in for the net that is sure of some places and of nothing else."""

    def net(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        logits = np.full((1, 2, *full.shape[2:]), else_where, np.float32)
        for spot in spots:
            logits[0, 0][spot] = 9
        return logits

    return net


def covered(found: tuple[Defect, ...], spot: tuple[slice, slice]) -> float:
    """Share of a spot that the defects cover."""
    mask = np.zeros((144, 192), bool)
    for defect in found:
        mask[defect.box.rows, defect.box.columns] |= defect.mask
    return float(mask[spot].mean())


@pytest.fixture
def both_seen() -> Any:
    window = window_of(dirty(), 4)
    assert all(covered(find_classical(window, SETTINGS).defects, spot) > 0.9 for spot in SPOTS), "the pixel tests see both specks"
    return window


def test_what_both_see_is_found_once(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*SPOTS))
    found = joint.find(both_seen, SETTINGS)
    assert len(found.defects) == 2
    assert all(covered(found.defects, spot) > 0.9 for spot in SPOTS)


def test_the_net_speaks_against_what_it_knows(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(SPOTS[0]))
    found = joint.find(both_seen, SETTINGS)
    assert covered(found.defects, SPOTS[1]) == 0
    assert covered(found.doubtful, SPOTS[1]) > 0.9, "refused is held and reported, not forgotten"


def test_what_the_net_does_not_know_is_left_to_the_pixel_tests(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(else_where=-1.5))  # 0.18: neither for nor against
    found = joint.find(both_seen, SETTINGS)
    assert all(covered(found.defects, spot) > 0.9 for spot in SPOTS)


def test_what_the_net_alone_sees_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    window = window_of(tiny.film(9, height=144, width=192, grain=0.006), 4)
    assert not find_classical(window, SETTINGS).defects
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*SPOTS))
    monkeypatch.setattr(eye, "busy_tiles", lambda *_: [(0, 0)])  # nothing is suspected on this film: let the net look all the same
    found = joint.find(window, SETTINGS)
    assert all(covered(found.defects, spot) > 0.9 for spot in SPOTS)
