"""Another seed of the ground is another draw of the grain and of nothing else; none is the draw that every restoration makes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tiny
from frdm.fills.lines import fill_line
from frdm.fills.neighbours import HUGE_TRUST, Fill, Ground, fill, least_trust, site_of
from frdm.fills.surround import fill_from_surround
from frdm.film import Box, Defect, Encoding, Frame, Kind, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import measure_grain

ENCODING = Encoding("y", 16)


@pytest.fixture(scope="module")
def window() -> Window:
    frames = [Frame(index, (picture,)) for index, picture in enumerate(tiny.codes(tiny.film(5), 16))]
    with ThreadPoolExecutor(1) as pool:
        (found,) = Reel(iter(frames), ENCODING, Shot(0, 5), 0, pool).windows(2, 3)
    return found


def ground(window: Window, seed: int) -> Ground:
    noise = np.full(window.luma.shape, 0.01, np.float32)
    return Ground(ENCODING, np.zeros(window.luma.shape, np.bool_), noise, (measure_grain(window.frame.planes[0]),), seed)


def defect(kind: Kind, box: Box) -> Defect:
    return Defect(kind, "dark", box, np.ones((box.bottom - box.top, box.right - box.left), np.bool_), 1.0)


@pytest.mark.parametrize("way", [fill, fill_line, fill_from_surround])
def test_a_seed_draws_other_grain_at_the_same_place(window: Window, way: Callable[..., Fill]) -> None:
    line = defect("line", Box(2, 30, 40, 60, 43))
    made = [way(window, line, ground(window, seed), Filling(least_trust=0.0)).patch for seed in (0, 1, 2, 1)]
    assert all(patch is not None and patch.box == made[0].box for patch in made)  # type: ignore[union-attr]
    codes = [patch.codes[0].astype(int) for patch in made]  # type: ignore[union-attr]
    assert np.array_equal(codes[1], codes[3])
    assert len({one.tobytes() for one in codes[:3]}) == 3
    assert all(np.abs(one - codes[0]).mean() < 0.02 * 65535 for one in codes[1:])


def test_no_seed_is_the_draw_that_every_restoration_made_so_far(window: Window) -> None:
    crop = Box(2, 30, 40, 60, 43)
    assert ground(window, 0).dice(crop, 1).integers(1 << 60) == np.random.default_rng((2, 30, 40, 1)).integers(1 << 60)


def test_who_asks_for_no_trust_is_not_refused_a_large_hole(window: Window) -> None:
    site = site_of(window, defect("stain", Box(2, 20, 20, 70, 80)), ground(window, 0))
    assert least_trust(site, Filling(least_trust=0.01)) == HUGE_TRUST
    assert least_trust(site, Filling(least_trust=0.0)) == 0
