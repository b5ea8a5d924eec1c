"""A burn's halo belongs to it; the film beside it, small dirt, and what moves do not."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import tiny
from frdm.fills.choose import Scene, by_film
from frdm.fills.halo import REACH, with_halo
from frdm.fills.neighbours import Ground
from frdm.film import Box, Defect, Encoding, Frame, Mask, Real, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import measure_grain

ENCODING = Encoding("y", 8)
CENTRE, RADIUS = (110, 150), 22  # px


def distance() -> Real:
    y, x = np.mgrid[:220, :300]
    return np.asarray(np.hypot(y - CENTRE[0], x - CENTRE[1]) - RADIUS, np.float32)


def burnt(film: Real, halo: float, tone: float) -> Window:
    """The window around the fourth frame, which has a round burn that fades out over `halo` px."""
    shown = film.copy()
    matte = np.where(distance() < 0, 1, 0.6 * np.clip(1 - distance() / max(halo, 1e-3), 0, 1))
    shown[3] += matte * (tone - shown[3])
    with ThreadPoolExecutor(2) as pool:
        return Reel([Frame(i, (tiny.codes(f),)) for i, f in enumerate(shown)], ENCODING, Shot(0, 7), 0, pool).window(3)


def found(radius: float, polarity: str = "bright") -> Defect:
    """What a detector makes of it."""
    top, left, side = CENTRE[0] - 40, CENTRE[1] - 40, 80
    mask = (distance() + RADIUS < radius)[top : top + side, left : left + side]
    return Defect("burn", polarity, Box(3, top, left, top + side, left + side), mask, 1.0)  # type: ignore[arg-type]


def ground_of(window: Window) -> Ground:
    grain = (measure_grain(window.frame.planes[0].astype(np.float32)),)
    return Ground(ENCODING, distance() < 2, np.full(window.luma.shape, 0.012, np.float32), grain)


def whole(defect: Defect) -> Mask:
    out = np.zeros((220, 300), bool)
    out[defect.box.rows, defect.box.columns] = defect.mask
    return out


@pytest.fixture(scope="module")
def film() -> Real:
    return np.asarray(0.2 + 0.5 * tiny.film(7, height=220, width=300, grain=0.01, pan=2.0), np.float32)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' frames have 220 lines."""
    monkeypatch.setattr("frdm.fills.halo.REACH", REACH * 480 / 220)


def test_the_halo_is_taken_along_and_little_else(film: Real) -> None:
    window = burnt(film, 9.0, 1.0)
    got = whole(with_halo(found(RADIUS + 2), window, ground_of(window)))
    assert (got | (distance() > 6))[distance() < 6].all()
    assert not got[distance() > 12].any()


def test_a_fill_reaches_as_far(film: Real) -> None:
    window = burnt(film, 9.0, 1.0)
    made = by_film(found(RADIUS + 2), Scene(window, ground_of(window), Filling(least_trust=0)))
    assert made.patch is not None
    matte = np.zeros((220, 300))
    matte[made.patch.box.rows, made.patch.box.columns] = made.patch.mattes[0]
    assert matte[distance() < 6].all()


@pytest.mark.parametrize(("halo", "radius", "polarity"), [(0.0, RADIUS + 2, "bright"), (9.0, 6, "bright"), (9.0, RADIUS + 2, "dark")])
def test_without_a_halo_of_its_own_a_defect_stays_as_it_is(film: Real, halo: float, radius: float, polarity: str) -> None:
    window, defect = burnt(film, halo, 1.0), found(radius, polarity)
    grown = whole(with_halo(defect, window, ground_of(window))) & ~whole(defect)
    assert grown.sum() < 30


def test_where_neighbours_show_something_else_nothing_is_taken(film: Real) -> None:
    """Lost motion: every frame another picture."""
    random = np.random.default_rng(2)
    lost = np.stack([cv2.GaussianBlur(random.random((220, 300)).astype(np.float32), (0, 0), 4) * 4 - 1.5 for _ in range(7)]).clip(0, 0.8)
    window, defect = burnt(lost.astype(np.float32), 9.0, 1.0), found(RADIUS + 2)
    grown = whole(with_halo(defect, window, ground_of(window))) & ~whole(defect)
    assert grown[distance() > 11].sum() < 60
