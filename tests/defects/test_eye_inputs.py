"""What the eye is shown: dirt stands out in every difference, still film in none, and the same film gives the same numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tiny
from frdm.defects.classical import tonal_noise
from frdm.defects.eye_inputs import EyeInputs, eye_inputs
from frdm.defects.spikes import find_spikes, noise_level
from frdm.film import Encoding, Frame, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.runtime.eye_layout import FULL, HALF


def window_of(film: tiny.Film, index: int) -> Window:
    """The window around one frame of a drawn film (T, H, W) or (T, H, W, 3)."""
    planes = [tuple(np.ascontiguousarray(p) for p in (np.moveaxis(f, -1, 0) if f.ndim == 3 else f[None])) for f in tiny.codes(film)]
    encoding = Encoding("rgb" if film.ndim == 4 else "y", 8)
    with ThreadPoolExecutor(1) as pool:
        reel = Reel((Frame(i, p) for i, p in enumerate(planes)), encoding, Shot(0, len(film)), 0, pool)
        return reel.window(index)


def shown(film: tiny.Film, index: int) -> EyeInputs:
    window = window_of(film, index)
    spikes = find_spikes(window.luma, window.aligned)
    return eye_inputs(window, tonal_noise(spikes, noise_level(spikes.difference)))


def test_dirt_stands_out_against_every_neighbour() -> None:
    film = tiny.film(7, height=120, width=160, grain=0.01)
    film[3, 50:58, 70:78] = 1.0
    inputs = shown(film, 3)
    inside = inputs.full[1:8, 51:57, 71:77].astype(int)
    outside = np.abs(inputs.full[1:8, 90:110, 20:140].astype(int))
    assert (inside > 60).all()
    assert np.median(outside, axis=(1, 2))[:4].max() < 30


def test_offsets_say_where_the_neighbours_lie() -> None:
    film = tiny.film(7, height=96, width=128)
    assert (shown(film, 3).offsets // 12).tolist() == [-1, 1, -2, 2]
    assert (shown(film, 0).offsets // 12).tolist() == [1, 2, 3, 4]
    assert (shown(film[:3], 0).offsets // 12).tolist() == [1, 2, 0, 0]


def test_odd_sizes_are_made_even_by_their_last_row_and_column() -> None:
    inputs = shown(tiny.film(5, height=97, width=129), 2)
    assert inputs.full.shape == (len(FULL), 98, 130)
    assert inputs.half.shape == (len(HALF), 49, 65)
    assert np.array_equal(inputs.full[:, 97], inputs.full[:, 96])
    assert np.array_equal(inputs.full[:, :, 129], inputs.full[:, :, 128])


@pytest.mark.parametrize("colour", [False, True])
def test_colour_is_shown_where_there_is_any(colour: bool) -> None:
    film = np.repeat(tiny.film(5, height=96, width=128)[..., None], 3, -1)
    if colour:
        film[..., 2] *= 0.6
    half = shown(film, 2).half
    assert (np.abs(half[6].astype(int)).mean() > 5) == colour


def test_one_plane_has_no_colour() -> None:
    assert not shown(tiny.film(5, height=96, width=128), 2).half[4:8].any()


def test_the_same_film_gives_the_same_numbers() -> None:
    film = tiny.film(6, height=96, width=128)
    one, again = shown(film, 2), shown(film, 2)
    assert np.array_equal(one.full, again.full)
    assert np.array_equal(one.half, again.half)
