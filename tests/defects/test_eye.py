"""The learned detector around its net: where it looks, how pieces come of probabilities, and what is left alone. The net is a stand-in."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from defects.test_eye_inputs import window_of
from frdm.defects import eye
from frdm.defects.eye_inputs import EyeInputs
from frdm.recipe import Detection
from frdm.runtime.eye_layout import FULL, HALF, SLOTS

SPOT = (slice(50, 58), slice(70, 78))


class Bright:
    """Calls dirt what is far brighter than all four neighbours, or far darker; counts its calls and the pixels it was shown."""

    def __init__(self) -> None:
        self.calls, self.pixels = 0, 0

    def __call__(self, full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        assert full.shape[2] % 32 == full.shape[3] % 32 == 0
        assert half.shape[2:] == (full.shape[2] // 2, full.shape[3] // 2)
        self.calls += 1
        self.pixels += full.shape[2] * full.shape[3]
        far = np.minimum(np.abs(full[:, 1:5]).min(1), 127) / 127
        return np.stack([20 * (far - 0.5), np.full_like(far, -9)], 1).astype(np.float32)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Bright:
    stand_in = Bright()
    monkeypatch.setattr(eye, "load_net", lambda name: stand_in)
    return stand_in


def dirty(tone: float, **shape: int) -> tiny.Film:
    film = tiny.film(7, height=120, width=160, grain=0.008, **shape)
    film[3][SPOT] = tone
    return film


@pytest.mark.parametrize(("tone", "polarity"), [(1.0, "bright"), (0.0, "dark")])
def test_a_speck_is_found_with_its_polarity(tone: float, polarity: str, net: Bright) -> None:
    found = eye.find(window_of(dirty(tone), 3), Detection(detector="eye"))
    assert [d.polarity for d in found.defects] == [polarity]
    (defect,) = found.defects
    assert defect.confidence > 0.9
    mask = np.zeros((120, 160), bool)
    mask[defect.box.rows, defect.box.columns] = defect.mask
    assert mask[SPOT].mean() > 0.9
    assert mask.sum() < 3 * 64


def test_only_the_polarity_that_is_asked_for(net: Bright) -> None:
    window = window_of(dirty(1.0), 3)
    assert not eye.find(window, Detection(detector="eye", polarity="dark")).defects
    assert eye.find(window, Detection(detector="eye", polarity="bright")).defects


def test_nothing_is_found_where_nothing_may_be_touched(net: Bright) -> None:
    allowed = np.ones((120, 160), bool)
    allowed[40:70, 60:90] = False
    found = eye.find(window_of(dirty(1.0), 3), Detection(detector="eye"), allowed)
    assert not found.defects
    assert not found.doubtful


def test_where_nothing_is_suspected_the_net_does_not_look(net: Bright) -> None:
    still = np.repeat(tiny.film(1, height=120, width=160, grain=0.0), 7, 0)
    assert not eye.find(window_of(still, 3), Detection(detector="eye")).defects
    assert net.calls == 0


def inputs_of(height: int, width: int, seed: int = 1) -> EyeInputs:
    random = np.random.default_rng(seed)
    full = random.integers(-60, 60, (len(FULL), height, width)).astype(np.int8)
    half = random.integers(-60, 60, (len(HALF), height // 2, width // 2)).astype(np.int8)
    return EyeInputs(full, half, np.zeros(SLOTS, np.int8))


def test_a_few_tiles_are_looked_at_alone_and_the_rest_is_0() -> None:
    net, wanted = Bright(), np.zeros((800, 1000), bool)
    wanted[300, 500] = True
    seen = eye.look(inputs_of(800, 1000), wanted, net)
    inside = slice(192, 384), slice(384, 576)
    assert net.calls == 1
    assert net.pixels < 0.2 * 800 * 1000
    assert (seen.dirt[inside] > 0).all()
    rest = seen.dirt.copy()
    rest[inside] = 0
    assert not rest.any()


def test_many_tiles_are_one_picture() -> None:
    net = Bright()
    seen = eye.look(inputs_of(400, 600), np.ones((400, 600), bool), net)
    assert net.calls == 1
    assert seen.share == 1
    assert (seen.dirt > 0).all()


def test_a_tile_says_the_same_whatever_other_tiles_are_wanted() -> None:
    inputs, one, two = inputs_of(800, 1000), np.zeros((800, 1000), bool), np.zeros((800, 1000), bool)
    one[10, 10] = two[10, 10] = two[500, 900] = True
    apart, together = (eye.look(inputs, wanted, Bright()).dirt for wanted in (one, two))
    assert np.array_equal(apart[:192, :192], together[:192, :192])


def test_strength_asks_for_less_or_more_certainty() -> None:
    chances = [eye.least_chance(strength, 100.0) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(eye.SUREST)
    assert chances[-1] > 0


def test_pieces_need_a_sure_pixel_and_a_size() -> None:
    dirt = np.zeros((120, 160), np.float32)
    dirt[10:20, 10:20] = 0.4  # never sure
    dirt[40:50, 40:50], dirt[44, 44] = 0.4, 0.9
    dirt[80, 80] = 0.99  # one pixel
    found = eye.pieces(dirt, np.ones_like(dirt), 1.0, Detection())
    assert found.boxes.tolist() == [[40, 40, 10, 10]]
    assert found.chance[0] == pytest.approx(0.405)


def test_a_frame_alone_needs_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    def brightest(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        assert not full[:, 1:].any()
        return np.stack([np.where(full[:, 0] > 120, 9, -9), np.full_like(full[:, 0], -9)], 1).astype(np.float32)

    monkeypatch.setattr(eye, "load_net", lambda name: {"eye_alone": brightest}[name])
    found = eye.find_alone(window_of(dirty(1.0), 3), Detection(detector="eye"))
    assert [d.polarity for d in found.defects] == ["bright"]
