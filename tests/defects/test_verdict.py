"""What comes before the verdict: the net's pieces, weak ones apart from strong ones, then those of the pixel tests beside them."""

import numpy as np
import pytest

import tiny
from defects.test_eye_inputs import window_of
from frdm.defects import classical, verdict
from frdm.defects.classical import Tests
from frdm.defects.judge import load_file
from frdm.defects.outlook import Glance, Outlook
from frdm.film import Real
from frdm.recipe import Detection

SETTINGS = Detection()
SPOT, OTHER = (slice(50, 58), slice(70, 78)), (slice(90, 98), slice(120, 128))
AT = {name: place for place, name in enumerate(verdict.FEATURES)}


def saying(*spots: tuple[tuple[slice, slice], float], shape: tuple[int, int] = (480, 192)) -> Real:
    """Probabilities of the net: those at the spots, else nothing."""
    out = np.zeros(shape, np.float32)
    for spot, chance in spots:
        out[spot] = chance
    return out


def test_bodies_strong_and_weak() -> None:
    dirt = saying((SPOT, 0.9), (OTHER, 0.2))
    dirt[58:60, 70:78] = 0.2  # the skirt of a strong piece is no piece of its own
    dirt[20:24, 20:24] = 0.15  # and what is nowhere likely is none at all
    labels, boxes, areas, weak = verdict.bodies(dirt, 1.0, SETTINGS)
    assert areas.tolist() == [64, 64]
    assert weak.tolist() == [False, True]
    assert boxes.tolist() == [[70, 50, 8, 8], [120, 90, 8, 8]]
    assert (labels[SPOT] == 1).all()
    assert (labels[OTHER] == 2).all()
    assert labels.max() == 2


@pytest.mark.parametrize("chance", [0.9, 0.2])
def test_what_both_see_comes_once_and_what_one_sees_comes_too(chance: float) -> None:
    film = tiny.film(9, height=480, width=192, grain=0.006)
    film[4][SPOT] = film[4][OTHER] = 0.98
    window = window_of(film, 4)
    tests = Tests.of(window)
    examined = classical.examine(window, SETTINGS, None, tests)
    around = Outlook((Glance(3, 4, 80.0, 5.0), Glance(2, 2, 60.0, 5.0)))
    found = list(verdict.candidates(examined, saying((SPOT, chance)), SETTINGS, around))
    assert [one.pieces.sign for one in found] == [1, 1]
    assert [len(one.pieces) for one in found] == [1, 1]
    by_net, by_tests = (one.features[0] for one in found)
    assert found[0].pieces.labels[SPOT].all()
    assert not found[1].pieces.labels[SPOT].any()
    assert found[1].pieces.labels[OTHER].any()
    assert by_net[AT["net"]] == pytest.approx(chance)
    assert by_net[AT["by_net"]] == 1
    assert by_net[AT["weak"]] == (chance < 0.5)
    assert by_tests[AT["by_net"]] == by_tests[AT["net"]] == 0
    assert by_tests[AT["filter"]] > verdict.FILTERED
    assert by_net[AT["filter_over"]] > verdict.FILTERED, "it is told that the object filter sees it too"
    assert by_net[AT["sure"]] == by_tests[AT["sure"]] == pytest.approx(np.log(2.75))
    assert all(np.isfinite(one.features).all() for one in found)


def test_the_picture_s_edge_is_no_mirror() -> None:
    """A piece that lies alone is told of nothing nearby, at the edge as in the middle."""
    film = tiny.film(9, height=480, width=192, grain=0.006)
    window = window_of(film, 4)
    examined = classical.examine(window, SETTINGS, None, Tests.of(window))
    middle, edge = (
        next(verdict.candidates(examined, saying(((slice(row, row + 8), slice(70, 78)), 0.9)), SETTINGS, Outlook())).features[0]
        for row in (200, 0)
    )
    for name in ("net_near", "net_near_open"):
        assert edge[AT[name]] == pytest.approx(middle[AT[name]], abs=1e-5), name


def test_the_frame_s_own_glance_leaves_nothing_out_of_the_rest() -> None:
    """A piece says nothing about itself: what is told of the rest of the frame does not hang on its own probability."""
    film = tiny.film(9, height=480, width=192, grain=0.006)
    film[4][SPOT] = 0.98
    window = window_of(film, 4)
    examined = classical.examine(window, SETTINGS, None, Tests.of(window))
    around = Outlook((Glance(), Glance()))
    first, second = (
        next(verdict.candidates(examined, saying((SPOT, chance), (OTHER, 0.9)), SETTINGS, around)).features[0] for chance in (0.6, 0.9)
    )
    for name in ("net_rest", "net_clear", "net_near", "net_near_open", "sure", "open"):
        assert first[AT[name]] == pytest.approx(second[AT[name]], abs=1e-5), name
    assert first[AT["net"]] < second[AT["net"]]


def test_the_trees_that_ship_are_made_for_these_features() -> None:
    trees = load_file("verdict.npz", verdict.FEATURES)
    chance = trees.probability(np.zeros((3, len(verdict.FEATURES)), np.float32))
    assert chance.shape == (3,)
    assert ((chance > 0) & (chance < 1)).all()
    assert trees.feature.max() < len(verdict.FEATURES)
