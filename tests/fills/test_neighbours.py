"""The neighbours' fill: shows the true film, keeps grain without freezing it, holds where it can't know, follows every plane's
resolution.
"""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import tiny
from frdm.defects.classical import find
from frdm.fills.neighbours import (
    HUGE_TRUST,
    LARGE_TRUST,
    Ground,
    feather,
    fill,
    least_trust,
    make_candidates,
    on_plane,
    site_of,
    to_codes,
    trust_of,
)
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Real, Shot
from frdm.motion.align import Aligned
from frdm.motion.reel import Reel
from frdm.motion.scale import SearchScale
from frdm.motion.window import Neighbour, Window
from frdm.recipe import Detection, Filling
from frdm.signal.grain import draw_grain, high_pass, measure_grain


def window_of(frames: list[Frame], encoding: Encoding, index: int) -> Window:
    with ThreadPoolExecutor(2) as pool:
        return Reel(frames, encoding, Shot(0, len(frames)), 0, pool).window(index)


def hole_at(index: int, top: int, left: int, size: int) -> Defect:
    return Defect("dirt", "dark", Box(index, top, left, top + size, left + size), np.ones((size, size), bool), 1.0)


def ground_of(window: Window, defect: Defect, encoding: Encoding) -> Ground:
    suspects = np.zeros(window.luma.shape, bool)
    suspects[defect.box.rows, defect.box.columns] = True
    noise = np.full(window.luma.shape, find(window, Detection()).level, np.float32)
    grain = tuple(measure_grain(p.astype(np.float32)) for p in window.frame.planes[: encoding.pictures])
    return Ground(encoding, suspects, noise, grain)


@pytest.mark.parametrize("flicker", [0.0, 0.06])
def test_the_true_film_shows_in_the_hole(flicker: float) -> None:
    clean = tiny.film(7, height=160, width=200, grain=0.0, pan=1.5)
    film = clean * np.float32([1 + flicker * (-1) ** i for i in range(7)])[:, None, None] + np.random.default_rng(3).normal(
        0, 0.01, clean.shape
    )
    encoding, defect = Encoding("y", 16, white=65535), hole_at(3, 70, 90, 14)
    scanned = [tiny.codes(f.astype(np.float32), 16) for f in film]
    scanned[3][defect.box.rows, defect.box.columns] = 0
    window = window_of([Frame(i, (c,)) for i, c in enumerate(scanned)], encoding, 3)
    made = fill(window, defect, ground_of(window, defect, encoding), Filling())
    assert made.patch is not None
    got = made.patch.codes[0].astype(float) / 65535
    truth = (clean[3] * (1 + flicker * (-1) ** 3))[made.patch.box.rows, made.patch.box.columns]
    inside = made.patch.mattes[0] == WHOLE
    assert np.sqrt(((got - truth)[inside] ** 2).mean()) < 0.02
    assert abs((got - truth)[inside].mean()) < 0.008


def test_grain_is_neither_frozen_nor_gone() -> None:
    rng = np.random.default_rng(1)
    grain = np.stack([cv2.GaussianBlur(rng.normal(0, 1, (160, 200)).astype(np.float32), (0, 0), 0.6) * 0.06 for _ in range(7)])
    film = 0.5 + grain
    encoding, defect = Encoding("y", 16, white=65535), hole_at(3, 60, 80, 40)
    window = window_of([Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(film)], encoding, 3)
    made = fill(window, defect, ground_of(window, defect, encoding), Filling())
    assert made.patch is not None
    inside = made.patch.mattes[0] == WHOLE
    fine = high_pass(made.patch.codes[0].astype(np.float32) / 65535)[inside]
    ratio = float((fine**2).mean() / (high_pass(film[3])[defect.box.rows, defect.box.columns] ** 2).mean())
    assert 0.75 < ratio < 1.25
    for other in (1, 2, 4, 5):
        source = high_pass(film[other].astype(np.float32))[made.patch.box.rows, made.patch.box.columns][inside]
        assert abs(np.corrcoef(fine, source)[0, 1]) <= 0.3


def test_dirt_does_not_drag_the_motion_beside_it() -> None:
    """Motion measured on the dirty frame is wrong beside the dirt as well; what is laid follows the film."""
    film, encoding, defect = tiny.film(7, height=140, width=180, grain=0.0, pan=3.0), Encoding("y", 8), hole_at(3, 60, 80, 18)
    film[3, defect.box.rows, defect.box.columns] = 0
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(film)], encoding, 3)
    site = site_of(window, defect, ground_of(window, defect, encoding))
    beside = feather(site.small_hole, 5.0) > 0
    nearest = [n for n in window.neighbours if abs(n.aligned.offset) == 1]
    truth = {n.aligned.offset: np.array([0, -3 * n.aligned.offset], np.float32)[:, None, None] for n in nearest}
    measured = [n.aligned.displacement[:, site.small.rows, site.small.columns] - truth[n.aligned.offset] for n in nearest]
    assert min(np.hypot(*missed)[beside].max() for missed in measured) > 4
    taken = [(window.neighbours[c.neighbour].aligned.offset, c.displacement) for c in make_candidates(site)]
    laid = [np.hypot(*(d - truth[offset]))[beside].max() for offset, d in taken if offset in truth]
    assert len(laid) == 4
    assert max(laid) < 0.75


def still_neighbour(offset: int, luma: Real) -> Neighbour:
    """A neighbour whose motion was found to be none."""
    nothing = np.zeros((2, *luma.shape), np.float32)
    return Neighbour(Frame(3 + offset, (tiny.codes(luma),)), luma, Aligned(offset, luma, nothing, nothing[0], nothing[0]), None, None)


def test_the_ring_close_by_decides() -> None:
    """Something passes through the outer ring in one neighbour, fainter and beside the hole in the other: the first is taken."""
    centre = np.full((100, 120), 0.5, np.float32)
    far, close = centre.copy(), centre.copy()
    far[49:52, 30:65], close[44:47, 40:54] = 0.9, 0.7
    defect, scale = hole_at(3, 30, 40, 14), SearchScale.of(100, 120)
    window = Window(Frame(3, (tiny.codes(centre),)), centre, None, [still_neighbour(-1, close), still_neighbour(1, far)], scale)
    best, other = make_candidates(site_of(window, defect, ground_of(window, defect, Encoding("y", 8))))
    assert (best.neighbour, other.neighbour) == (1, 0)
    assert best.cost < 0.5 * other.cost


def test_no_trust_no_fill() -> None:
    film = np.random.default_rng(2).random((7, 120, 160)).astype(np.float32)
    film = np.stack([cv2.GaussianBlur(f, (0, 0), 4) for f in film])
    film = (film - film.min()) / np.ptp(film)
    encoding, defect = Encoding("y", 8), hole_at(3, 50, 60, 12)
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(film)], encoding, 3)
    ground = ground_of(window, defect, encoding)
    quiet = Ground(encoding, ground.suspects, np.full_like(ground.noise, 0.005), ground.grain)
    made = fill(window, defect, quiet, Filling())
    assert made.patch is None
    assert "trust" in made.reason


def test_chroma_planes_are_filled_at_their_own_size() -> None:
    luma = tiny.film(7, height=97, width=131, grain=0.01)
    encoding = Encoding("ycbcr", 8, subsampling=(2, 2), black=16, white=235)
    chroma = [np.full((49, 66), 128, np.uint8) + np.uint8(20) * (np.arange(66) > 30).astype(np.uint8) for _ in range(2)]
    frames = [Frame(i, (tiny.codes(f), chroma[0], chroma[1])) for i, f in enumerate(luma)]
    defect = Defect("dirt", "dark", Box(3, 81, 111, 97, 131), np.ones((16, 20), bool), 1.0)
    window = window_of(frames, encoding, 3)
    made = fill(window, defect, ground_of(window, defect, encoding), Filling())
    assert made.patch is not None
    for plane in range(3):
        rows, columns = made.patch.box.on_plane(encoding, plane)
        shape = frames[3].planes[plane][rows, columns].shape
        assert made.patch.mattes[plane].shape == made.patch.codes[plane].shape == shape


def test_black_and_white_scanned_in_colour_stays_without_colour() -> None:
    film = [tiny.codes(f) for f in tiny.film(7, height=120, width=160, grain=0.02)]
    encoding, defect = Encoding("rgb", 8), hole_at(3, 50, 60, 14)
    window = window_of([Frame(i, (c, c, c)) for i, c in enumerate(film)], encoding, 3)
    made = fill(window, defect, ground_of(window, defect, encoding), Filling())
    assert made.patch is not None
    for plane in (1, 2):
        np.testing.assert_array_equal(made.patch.codes[plane], made.patch.codes[0])


def test_small_helpers() -> None:
    hole = np.zeros((21, 21), bool)
    hole[10, 10] = True
    soft = feather(hole, 2.0)
    assert soft[10, 10] == 1
    assert soft[10, 12] > 0 == soft[10, 14]
    assert trust_of(0.01, 0.01) == 1 > trust_of(0.03, 0.01) > trust_of(0.1, 0.01)
    assert on_plane(np.ones((5, 7), np.float32), Encoding("ycbcr", 8, subsampling=(2, 2)), 1).shape == (3, 4)
    assert to_codes(np.float32([-3.2, 255.4, 300.0]), Encoding("y", 8)).tolist() == [0, 255, 255]


@pytest.mark.parametrize("blur", [0.0, 0.5, 0.9])
def test_drawn_grain_is_like_measured_grain(blur: float) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (256, 256)).astype(np.float32)
    grain = measure_grain(100 + 4 * (cv2.GaussianBlur(noise, (0, 0), blur) if blur else noise))
    drawn = draw_grain((256, 256), grain.softness, rng)
    assert drawn.std() == pytest.approx(1, abs=0.08)
    assert grain.softness == pytest.approx(blur, abs=0.2 if blur else 0.35)  # below 0.3 px blur can hardly be told from none


def test_a_large_hole_asks_for_more_trust() -> None:
    film = tiny.film(7, height=480, width=200, grain=0.01)
    frames = [Frame(i, (tiny.codes(f, 8),)) for i, f in enumerate(film)]
    window = window_of(frames, Encoding("y", 8), 3)
    asked = []
    for size in (10, 20, 30):
        defect = hole_at(3, 200, 80, size)
        asked.append(least_trust(site_of(window, defect, ground_of(window, defect, Encoding("y", 8))), Filling()))
    assert asked[0] == Filling().least_trust
    assert Filling().least_trust < asked[1] < asked[2] == LARGE_TRUST
    huge = hole_at(3, 200, 80, 80)
    assert least_trust(site_of(window, huge, ground_of(window, huge, Encoding("y", 8))), Filling()) == HUGE_TRUST
    strict = Filling(least_trust=0.9)
    assert least_trust(site_of(window, defect, ground_of(window, defect, Encoding("y", 8))), strict) == 0.9
