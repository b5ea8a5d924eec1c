"""Two detectors as one: each finds what the other misses, and both, the frame and the film around are heard. The net is a stand-in."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from defects.test_eye_inputs import window_of
from frdm.defects import eye, joint
from frdm.defects.classical import find as find_classical
from frdm.defects.outlook import Glance, Outlook
from frdm.film import Defect
from frdm.recipe import Detection

SETTINGS = Detection()
SPOTS = ((slice(50, 58), slice(70, 78)), (slice(90, 98), slice(120, 128)))
DIRTY = Outlook((Glance(6, 8, 300.0, 30.0, 5), Glance(5, 7, 250.0, 30.0, 5), Glance(7, 7, 280.0, 20.0, 6)))
MOVING = Outlook((Glance(1, 1, 900.0, 90.0), Glance(2, 2, 2500.0, 200.0), Glance()))  # large pieces are sure, and no small one
CLEAN = Outlook((Glance(), Glance(), Glance()))


def dirty() -> tiny.Film:
    film = tiny.film(9, height=480, width=192, grain=0.006)
    for spot in SPOTS:
        film[4][spot] = 0.98
    return film


def saying(*spots: tuple[slice, slice], logit: float = 9.0, else_where: float = -9.0) -> Any:
    """A stand-in for the net that is sure of some places and of nothing else."""

    def net(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        logits = np.full((1, 2, *full.shape[2:]), else_where, np.float32)
        for spot in spots:
            logits[0, 0][spot] = logit
        return logits

    return net


def covered(found: tuple[Defect, ...], spot: tuple[slice, slice]) -> float:
    """Share of a spot that the defects cover."""
    mask = np.zeros((480, 192), bool)
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
    found = joint.find(both_seen, SETTINGS, around=DIRTY)
    assert len(found.defects) == 2
    assert all(covered(found.defects, spot) > 0.9 for spot in SPOTS)


def test_the_net_speaks_against_what_it_knows(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(SPOTS[0]))
    heard = {d.confidence for d in joint.find(both_seen, SETTINGS, around=DIRTY).defects if d.box.top > 80}
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*SPOTS))
    agreed = {d.confidence for d in joint.find(both_seen, SETTINGS, around=DIRTY).defects if d.box.top > 80}
    assert max(heard, default=0.0) < min(agreed)


def test_film_in_which_nothing_is_sure_asks_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same faint piece, half believed by the net, is likelier dirt on a film that is full of it."""
    monkeypatch.setattr(eye, "load_net", lambda _: saying(SPOTS[0], logit=0.4))
    film = tiny.film(9, height=480, width=192, grain=0.02)
    film[4][SPOTS[0]] += 0.06
    window = window_of(film, 4)
    believed = []
    for around in (CLEAN, DIRTY):
        found = joint.find(window, SETTINGS, around=around)
        believed.append(max(d.confidence for d in (*found.defects, *found.doubtful) if d.box.top < 80))
    assert believed[0] < believed[1]


def test_nothing_is_found_where_nothing_may_be_touched(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*SPOTS))
    allowed = np.ones((480, 192), bool)
    allowed[40:70] = False
    found = joint.find(both_seen, SETTINGS, allowed, around=DIRTY)
    assert covered((*found.defects, *found.doubtful), SPOTS[0]) < 0.2
    assert covered(found.defects, SPOTS[1]) > 0.9


def test_only_the_polarity_that_is_asked_for(both_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*SPOTS))
    dark = joint.find(both_seen, Detection(polarity="dark"), around=DIRTY)
    assert not dark.defects
    assert len(joint.find(both_seen, Detection(polarity="bright"), around=DIRTY).defects) == 2


def test_strength_asks_for_less() -> None:
    for usual in (joint.LEAST, joint.ENOUGH):
        asked = [joint.least_chance(usual, strength) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert asked == sorted(asked, reverse=True)
        assert asked[0] == pytest.approx(joint.SUREST)
        assert asked[2] == usual
        assert asked[-1] == pytest.approx(usual / 2)


LARGE_SPOTS = ((slice(30, 50), slice(40, 60)), (slice(90, 110), slice(120, 140)))


@pytest.fixture
def large_seen() -> Any:
    film = tiny.film(9, height=480, width=192, grain=0.006)
    for spot in LARGE_SPOTS:
        film[4][spot] = 0.98
    window = window_of(film, 4)
    assert all(covered(find_classical(window, SETTINGS).defects, spot) > 0.9 for spot in LARGE_SPOTS), "the pixel tests see both blots"
    return window


def test_of_large_pieces_the_net_speaks_against_what_it_knows(large_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(LARGE_SPOTS[0]))
    found = joint.find(large_seen, SETTINGS, around=DIRTY)
    assert covered(found.defects, LARGE_SPOTS[0]) > 0.9
    assert covered(found.defects, LARGE_SPOTS[1]) == 0
    assert covered(found.doubtful, LARGE_SPOTS[1]) > 0.9, "refused is held and reported, not forgotten"


def test_of_large_pieces_what_the_net_hardly_knows_is_held(large_seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(else_where=-1.5))  # 0.18 everywhere: enough for small pieces alone
    for around in (DIRTY, CLEAN):
        found = joint.find(large_seen, SETTINGS, around=around)
        assert all(covered(found.defects, spot) == 0 for spot in LARGE_SPOTS)
        assert all(covered(found.doubtful, spot) > 0.9 for spot in LARGE_SPOTS), "held and reported, not forgotten"


@pytest.mark.parametrize(("around", "mended"), [(DIRTY, True), (eye.NOWHERE, True), (MOVING, False), (CLEAN, False)])
def test_a_large_piece_is_believed_where_small_dirt_is_sure_nearby(
    large_seen: Any, monkeypatch: pytest.MonkeyPatch, around: Outlook, mended: bool
) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*LARGE_SPOTS))
    for detector in (joint, eye):
        found = detector.find(large_seen, SETTINGS, around=around)
        assert all((covered(found.defects, spot) > 0.9) is mended for spot in LARGE_SPOTS), detector.__name__
        assert mended or all(covered(found.doubtful, spot) > 0.9 for spot in LARGE_SPOTS), "held and reported"
    bold = joint.find(large_seen, replace(SETTINGS, strength=1.0), around=around)
    assert all(covered(bold.defects, spot) > 0.9 for spot in LARGE_SPOTS), "who asks for everything gets it"


def test_large_pieces_that_the_net_alone_sees_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    window = window_of(tiny.film(9, height=480, width=192, grain=0.006), 4)
    assert not find_classical(window, SETTINGS).defects
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*LARGE_SPOTS))
    monkeypatch.setattr(eye, "busy_tiles", lambda *_: [(0, 0)])  # nothing is suspected on this film: let the net look all the same
    found = joint.find(window, SETTINGS, around=DIRTY)
    assert all(covered(found.defects, spot) > 0.9 for spot in LARGE_SPOTS)


@pytest.mark.parametrize(("chance", "taken"), [(0.2, False), (0.4, True)])
def test_of_large_pieces_the_net_must_half_agree(large_seen: Any, monkeypatch: pytest.MonkeyPatch, chance: float, taken: bool) -> None:
    """A heel that moves fast is all that the pixel tests ask for; of small pieces less agreement is asked."""
    logit = float(np.log(chance / (1 - chance)))
    monkeypatch.setattr(eye, "load_net", lambda _: saying(*LARGE_SPOTS, logit=logit))
    found = joint.find(large_seen, SETTINGS, around=DIRTY)
    assert chance > joint.VETO
    for spot in LARGE_SPOTS:
        assert (covered(found.defects, spot) > 0.9) == taken
        assert covered((*found.defects, *found.doubtful), spot) > 0.9
