"""The fill across a line: error falls, edges that cross it go on, grain comes back, chroma follows, what is no line is not touched."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tiny
from frdm.fills.lines import fill_line
from frdm.fills.neighbours import Fill, Ground
from frdm.film import WHOLE, Box, Codes, Defect, Encoding, Frame, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import high_pass, measure_grain

GREY = Encoding("y", 8)


def window_of(frames: list[Frame], encoding: Encoding, index: int) -> Window:
    with ThreadPoolExecutor(2) as pool:
        return Reel(frames, encoding, Shot(0, len(frames)), 0, pool).window(index)


def line_at(left: int, right: int, rows: slice) -> Defect:
    size = (rows.stop - rows.start, right - left)
    return Defect("line", "dark", Box(2, rows.start, left, rows.stop, right), np.ones(size, bool), 1.0)


def ground_of(window: Window, encoding: Encoding) -> Ground:
    noise = np.full(window.luma.shape, 0.01, np.float32)
    return Ground(
        encoding, np.zeros(window.luma.shape, bool), noise, tuple(measure_grain(p.astype(np.float32)) for p in window.frame.planes)
    )


def mended(clean: tiny.Film, left: int, right: int, tone: float = 0.02) -> tuple[Fill, Codes, Codes]:
    """(fill, the frame after it, the clean frame) of a line of one tone over the whole height."""
    damaged = clean.copy()
    damaged[:, :, left:right] = tone
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(damaged)], GREY, 2)
    made = fill_line(window, line_at(left, right, slice(0, clean.shape[1])), ground_of(window, GREY), Filling())
    return made, laid(made, window.frame.planes[0], 0, GREY), tiny.codes(clean[2])


def laid(made: Fill, plane: Codes, number: int, encoding: Encoding) -> Codes:
    assert made.patch is not None
    out = plane.astype(float)
    rows, columns = made.patch.box.on_plane(encoding, number)
    share = made.patch.mattes[number] / WHOLE
    out[rows, columns] += share * (made.patch.codes[number].astype(float) - out[rows, columns])
    return np.rint(out).astype(plane.dtype)


@pytest.mark.parametrize("tone", [0.02, 0.98])
@pytest.mark.parametrize("height", [161, 200])
def test_the_line_is_gone_and_nothing_else_changed(tone: float, height: int) -> None:
    clean = tiny.film(5, height=height, width=181, grain=0.01, pan=1.0)
    made, after, truth = mended(clean, 90, 94, tone)
    assert made.provenance is not None and made.provenance.engine == "across" and not made.provenance.sources
    error = np.abs(after.astype(int) - truth)[:, 90:94]
    assert error.mean() < 0.05 * 255
    assert (after[:, :85] == truth[:, :85]).all() and (after[:, 99:] == truth[:, 99:]).all()


def test_a_slanted_edge_goes_on_across_the_line() -> None:
    y, x = np.mgrid[:200, :181]
    picture = np.where(y > 60 + 0.4 * x, 0.7, 0.3).astype(np.float32)
    clean = np.stack([picture] * 5) + np.random.default_rng(1).normal(0, 0.004, (5, 200, 181)).astype(np.float32)
    _, after, truth = mended(clean, 90, 95)
    wrong = np.abs(after.astype(int) - truth)[:, 90:95] > 40
    assert wrong.sum() <= 6


def test_grain_is_renewed() -> None:
    rng = np.random.default_rng(2)
    clean = (0.5 + rng.normal(0, 0.04, (5, 400, 180))).astype(np.float32)
    _, after, truth = mended(clean, 90, 95)
    power = [float((high_pass(f.astype(np.float32))[:, 90:95] ** 2).mean()) for f in (after, truth)]
    assert 0.5 < power[0] / power[1] < 1.6


def test_the_same_line_is_filled_the_same_and_other_frames_otherwise() -> None:
    clean = tiny.film(5, height=160, width=180, grain=0.02)
    first, second = mended(clean, 90, 94)[0], mended(clean, 90, 94)[0]
    assert first.patch is not None and second.patch is not None
    assert np.array_equal(first.patch.codes[0], second.patch.codes[0])


def test_chroma_is_mended_on_its_own_grid_at_odd_sizes() -> None:
    encoding = Encoding("ycbcr", 8, subsampling=(2, 2), black=16, white=235)
    height, width = 161, 181
    luma = tiny.codes(tiny.film(5, height=height, width=width, grain=0.01))
    frames = []
    for i in range(5):
        planes = [luma[i].copy(), np.full((81, 91), 110, np.uint8), np.full((81, 91), 150, np.uint8)]
        for plane, columns in zip(planes, (slice(90, 94), slice(45, 47), slice(45, 47)), strict=True):
            plane[:, columns] = 20
        frames.append(Frame(i, tuple(planes)))
    window = window_of(frames, encoding, 2)
    made = fill_line(window, line_at(90, 94, slice(0, height)), ground_of(window, encoding), Filling())
    assert made.patch is not None
    for number, value in ((1, 110), (2, 150)):
        assert made.patch.codes[number].shape == made.patch.mattes[number].shape
        after = laid(made, frames[2].planes[number], number, encoding)
        assert after.shape == (81, 91)
        assert np.abs(after[:, 44:48].astype(int) - value).mean() < 8


def test_rows_in_which_nothing_stands_out_are_left() -> None:
    clean = tiny.film(5, height=240, width=180, grain=0.0, pan=0.0)
    ramp = np.linspace(0.2, 0.8, 180, dtype=np.float32)
    clean[:] = ramp
    damaged = clean.copy()
    damaged[:, :120, 90:94] = 0.02
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(damaged)], GREY, 2)
    made = fill_line(window, line_at(90, 94, slice(0, 240)), ground_of(window, GREY), Filling())
    assert made.patch is not None
    assert made.patch.mattes[0][:110].max() == WHOLE
    assert not made.patch.mattes[0][135:].any()


def test_what_is_no_line_is_held_with_a_reason() -> None:
    clean = np.full((5, 160, 180), 0.2, np.float32)
    clean[:, :, 92:] = 0.8
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(clean)], GREY, 2)
    made = fill_line(window, line_at(90, 94, slice(0, 160)), ground_of(window, GREY), Filling())
    assert made.patch is None and made.reason


@pytest.mark.parametrize("columns", [(0, 3), (177, 180)])
def test_a_line_at_the_border_does_no_harm(columns: tuple[int, int]) -> None:
    clean = tiny.film(5, height=160, width=180, grain=0.01)
    damaged = clean.copy()
    damaged[:, :, columns[0] : columns[1]] = 0.02
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(damaged)], GREY, 2)
    made = fill_line(window, line_at(*columns, slice(0, 160)), ground_of(window, GREY), Filling())
    if made.patch is not None:
        after = laid(made, window.frame.planes[0], 0, GREY)
        miss = [np.abs(f.astype(int) - tiny.codes(clean[2]))[:, columns[0] : columns[1]].mean() for f in (after, window.frame.planes[0])]
        assert miss[0] < miss[1]


def test_grey_film_in_colour_planes_stays_grey() -> None:
    encoding = Encoding("rgb", 8)
    film = tiny.film(5, height=160, width=180, grain=0.03)
    film[:, :, 90:94] = 0.02
    window = window_of([Frame(i, (tiny.codes(f),) * 3) for i, f in enumerate(film)], encoding, 2)
    made = fill_line(window, line_at(90, 94, slice(0, 160)), ground_of(window, encoding), Filling())
    assert made.patch is not None
    assert all(np.array_equal(made.patch.codes[0], c) for c in made.patch.codes[1:])


def test_on_large_film_which_is_searched_reduced_the_line_is_mended_at_the_films_own_size() -> None:
    clean = tiny.film(5, height=1400, width=400, grain=0.01, pan=2.0)
    damaged = clean.copy()
    damaged[:, :, 200:208] = 0.02
    window = window_of([Frame(i, (tiny.codes(f),)) for i, f in enumerate(damaged)], GREY, 2)
    assert not window.scale.same
    made = fill_line(window, line_at(200, 208, slice(0, 1400)), ground_of(window, GREY), Filling())
    after, truth = laid(made, window.frame.planes[0], 0, GREY), tiny.codes(clean[2])
    assert np.abs(after.astype(int) - truth)[:, 200:208].mean() < 0.05 * 255
    assert (after[:, :195] == truth[:, :195]).all() and (after[:, 213:] == truth[:, 213:]).all()
