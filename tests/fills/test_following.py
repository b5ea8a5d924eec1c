"""Film that is followed: neighbours show at each place what the centre shows there."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from fills.test_neighbours import window_of
from frdm.fills.following import along, motions
from frdm.fills.levels import levels
from frdm.film import Box, Encoding, Frame

SPEED = 3  # px to the left a frame


def moving(frames: int = 5, height: int = 120, width: int = 160) -> NDArray[np.float32]:
    """Levels (T, H, W) of texture that moves."""
    random = np.random.default_rng(8)
    wide = cv2.GaussianBlur(random.normal(0, 1, (height, width + frames * SPEED)).astype(np.float32), (0, 0), 2.0)
    wide = np.clip(0.5 + 0.2 * wide / wide.std(), 0, 1)
    return np.stack([wide[:, SPEED * t : SPEED * t + width] for t in range(frames)])


def scanned(film: NDArray[np.float32], encoding: Encoding) -> list[Frame]:
    frames = []
    for index, picture in enumerate(film):
        codes = tiny.codes(picture, 8)
        v, h = encoding.step(1) if encoding.pictures > 1 else (1, 1)
        differences = [np.full((-(-codes.shape[0] // v), -(-codes.shape[1] // h)), 128, np.uint8)] * (encoding.pictures - 1)
        frames.append(Frame(index, (codes, *differences)))
    return frames


@pytest.mark.parametrize("encoding", [Encoding("y", 8), Encoding("ycbcr", 8, subsampling=(2, 2))])
@pytest.mark.parametrize("corner", [(40, 60), (0, 0), (56, 96)])
def test_neighbours_lie_still(encoding: Encoding, corner: tuple[int, int]) -> None:
    """Also where the motion leads out of the frame, there only as far as there is film."""
    frames = scanned(moving(), encoding)
    window = window_of(frames, encoding, 2)
    box = Box(2, *corner, corner[0] + 64, corner[1] + 64)
    own, moved = levels(frames[2], encoding, box), motions(window, np.zeros(window.luma.shape, bool), box)
    assert sorted(moved) == [0, 1, 3, 4]
    for index, d in moved.items():
        shown = along(frames[index], encoding, box, d)
        assert shown.shape == own.shape and shown.dtype == np.float32
        inner = np.s_[:, 8:-8, 12:-12]
        assert np.abs(shown - own)[inner].mean() < 0.02 < 0.08 < np.abs(levels(frames[index], encoding, box) - own)[inner].mean()


def test_motion_is_carried_under_what_hides_the_film() -> None:
    encoding, film = Encoding("y", 8), moving()
    box, hidden = Box(2, 24, 40, 88, 104), np.zeros(film.shape[1:], bool)
    hidden[46:66, 62:82] = True
    dirty = film.copy()
    dirty[2, hidden] = np.random.default_rng(2).uniform(0, 1, int(hidden.sum()))
    window = window_of(scanned(dirty, encoding), encoding, 2)
    true = {
        index: along(frame, encoding, box, d)
        for frame in scanned(film, encoding)
        for index, d in motions(window, hidden, box).items()
        if index == frame.index
    }
    assert sorted(true) == [0, 1, 3, 4]
    inside = hidden[box.rows, box.columns]
    for shown in true.values():
        assert np.abs(shown[0] - film[2][box.rows, box.columns])[inside].mean() < 0.03


def test_what_lies_beyond_the_frame_repeats_its_edge() -> None:
    encoding = Encoding("y", 8)
    ramp = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (40, 1))
    (frame,) = scanned(ramp[None], encoding)
    d = np.zeros((2, 16, 16), np.float32)
    d[1] = 100
    assert np.all(along(frame, encoding, Box(0, 8, 20, 24, 36), d) == 1)
