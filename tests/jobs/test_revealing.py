"""What a person lets show through a hole follows the film, not the dirt."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tiny
from frdm.errors import RecipeError
from frdm.fills.neighbours import Ground
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Real, Shot
from frdm.jobs.revealing import Reveal, reveal
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.signal.grain import measure_grain

ENCODING = Encoding("y", 8)
HOLE = Defect("dirt", "dark", Box(3, 60, 80, 78, 98), np.ones((18, 18), bool), 1.0)


@pytest.fixture(scope="module")
def film() -> Real:
    """Seven frames that pan by 3 px a frame."""
    return tiny.film(7, height=140, width=180, grain=0.0, pan=3.0)


@pytest.fixture(scope="module")
def window(film: Real) -> Window:
    """Around its fourth, which has a black hole."""
    shown = film.copy()
    shown[3, HOLE.box.rows, HOLE.box.columns] = 0
    with ThreadPoolExecutor(2) as pool:
        return Reel([Frame(i, (tiny.codes(f),)) for i, f in enumerate(shown)], ENCODING, Shot(0, 7), 0, pool).window(3)


def ground_of(window: Window) -> Ground:
    suspects = np.zeros(window.luma.shape, bool)
    suspects[HOLE.box.rows, HOLE.box.columns] = True
    grain = (measure_grain(window.frame.planes[0].astype(np.float32)),)
    return Ground(ENCODING, suspects, np.full(window.luma.shape, 0.01, np.float32), grain)


@pytest.mark.parametrize("source", [2, 4])
def test_dirt_does_not_drag_along_what_shows_through_it(film: Real, window: Window, source: int) -> None:
    made = reveal(window, HOLE, ground_of(window), Reveal(source))
    assert made.patch is not None
    box = made.patch.box
    inside = made.patch.mattes[0] == WHOLE
    missed = made.patch.codes[0].astype(float) / 255 - film[3][box.rows, box.columns]
    assert np.abs(missed[inside]).max() < 0.04
    assert made.provenance is not None
    assert made.provenance.sources == (source,)


def test_a_frame_that_is_no_neighbour_is_refused(window: Window) -> None:
    with pytest.raises(RecipeError, match="frame 0 is no neighbour of frame 3"):
        reveal(window, HOLE, ground_of(window), Reveal(0))
