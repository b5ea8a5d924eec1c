"""Film that is followed: neighbours show at each place what the centre shows there."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from fills.test_neighbours import window_of
from frdm.fills.following import DRAGGED, along, dragged, exposure, matched, motions, within
from frdm.fills.levels import codes_of, levels
from frdm.fills.neighbours import to_codes
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


def test_dirt_does_not_drag_the_motion_beside_it_along() -> None:
    """Film that stands still under dark dirt of 16 px, which other frames don't have: it stands still beside the dirt and under it."""
    encoding, random = Encoding("y", 8), np.random.default_rng(7)
    film = np.repeat(moving(1), 5, 0) + random.normal(0, 0.01, (5, 120, 160)).astype(np.float32)
    hidden = np.zeros(film.shape[1:], bool)
    hidden[50:66, 70:86] = True
    film[2, hidden] = 0
    window, box = window_of(scanned(film, encoding), encoding, 2), Box(2, 12, 32, 108, 128)
    spoilt = max(np.abs(n.aligned.displacement[:, 46:70, 66:90]).max() for n in window.neighbours)
    away = max(np.hypot(*d)[34:58, 34:58].mean() for d in motions(window, hidden, box).values())
    assert away < 0.5 and spoilt > 4


def test_where_motion_is_spoilt() -> None:
    """As far as `DRAGGED` from dirt, also from what lies beyond the box, but not beside specks; under the dirt alone where nothing else is
    left.
    """
    suspects = np.zeros((60, 80), bool)
    suspects[28:35, 38:45] = suspects[18:25, 1:8] = True
    suspects[12:14, 60:62] = True
    spoilt = dragged(suspects, Box(0, 10, 10, 50, 70))
    assert spoilt.shape == (40, 60)
    row, column = 31 - 10, 41 - 10
    assert spoilt[row, column - 3 - DRAGGED] and not spoilt[row, column - 3 - DRAGGED - 1]
    assert spoilt[row + 3 + DRAGGED, column] and not spoilt[row + 3 + DRAGGED + 1, column]
    assert spoilt[21 - 10, 7 + DRAGGED - 10] and not spoilt[21 - 10, 7 + DRAGGED + 1 - 10]
    assert spoilt[:8, 44:].sum() == 4
    small = Box(0, 26, 36, 37, 47)
    np.testing.assert_array_equal(dragged(suspects, small), suspects[small.rows, small.columns])


def test_what_lies_beyond_the_frame_repeats_its_edge() -> None:
    encoding = Encoding("y", 8)
    ramp = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (40, 1))
    (frame,) = scanned(ramp[None], encoding)
    d = np.zeros((2, 16, 16), np.float32)
    d[1] = 100
    assert np.all(along(frame, encoding, Box(0, 8, 20, 24, 36), d) == 1)


def edges(low: float, high: float, encoding: Encoding) -> Frame:
    """Stripes of four px, from one level to the other."""
    picture = np.where(np.arange(40) // 4 % 2 == 0, np.float32(low), np.float32(high))
    planes = codes_of(np.tile(picture, (3, 40, 1)).astype(np.float32), encoding)[: encoding.pictures]
    return Frame(0, tuple(to_codes(plane, encoding) for plane in planes))


SCREEN, LIGHT = Encoding("y", 10, black=64, white=940), Encoding("rgb", 32, floating=True, transfer="linear", white=1.0)


@pytest.mark.parametrize(
    ("encoding", "low", "high"),
    [
        (Encoding("y", 8), 0.0, 1.0),
        (SCREEN, 0.0, 1.0),
        (SCREEN, -0.05, 1.06),  # blacker than black and whiter than white, as codes allow it
        (LIGHT, 0.0, 1.6),
    ],
    ids=["codes", "screen", "beyond the screen", "light"],
)
def test_nothing_is_shown_beyond_the_film(encoding: Encoding, low: float, high: float) -> None:
    """Half a pixel between stripes, where cubic interpolation overshoots."""
    frame, box = edges(low, high, encoding), Box(0, 8, 8, 32, 32)
    own, d = levels(frame, encoding, box), np.full((2, 24, 24), 0.5, np.float32)
    assert (own.min(), own.max()) == pytest.approx((low, high), abs=1e-3)
    shown = along(frame, encoding, box, d)
    assert (shown.min(), shown.max()) == (own.min(), own.max())
    np.testing.assert_array_equal(along(frame, encoding, box, d * 0), own)  # what is really there stays, beyond white or not


def test_edges_inside_of_the_range_stay_sharp() -> None:
    frame = edges(0.3, 0.8, Encoding("y", 8))
    shown = along(frame, Encoding("y", 8), Box(0, 8, 8, 32, 32), np.full((2, 24, 24), 0.5, np.float32))
    assert 0.2 < shown.min() < 0.28 and 0.82 < shown.max() < 0.9


HOLE = np.s_[:, 30:52, 40:66]


def pictures(grain: float = 0.01) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """A centre in three colours, the same film with other grain as a neighbour brought to it shows it, and that film without grain."""
    random = np.random.default_rng(6)
    film = np.stack([moving(1, 96, 96)[0] * share for share in (0.9, 0.7, 0.5)]).astype(np.float32)
    own, shown = (film + random.normal(0, grain, film.shape).astype(np.float32) for _ in range(2))
    return own, shown, film


def sound_film() -> NDArray[np.bool_]:
    sound = np.ones((96, 96), bool)
    sound[HOLE[1:]] = False
    return sound


@pytest.mark.parametrize("flicker", [-0.06, -0.02, 0.02, 0.06])
@pytest.mark.parametrize("even", [True, False])
def test_a_neighbour_is_as_bright_as_the_centre(flicker: float, even: bool) -> None:
    """Each colour by itself, under the hole too; also where exposure is uneven, and where the neighbour has dirt of its own."""
    own, shown, film = pictures()
    share = 1 + flicker * (np.ones((96, 96)) if even else np.linspace(0.3, 1.7, 96)[None] * np.linspace(1.2, 0.8, 96)[:, None])
    flickering = (shown * share * np.array([1.0, 0.98, 1.01])[:, None, None]).astype(np.float32)
    flickering[:, 10:16, 70:76] = 0.02
    away, before = ((one - film)[HOLE].mean((1, 2)) for one in (matched(own, flickering, sound_film()), flickering))
    assert np.abs(away).max() < 0.006
    assert np.abs(away).max() < np.abs(before).max() / 2


def test_without_flicker_a_neighbour_stays_as_it_is() -> None:
    own, shown, _ = pictures()
    added = exposure(own, shown, sound_film())
    assert np.abs(added).max() < 0.003 and np.abs(added.mean((1, 2))).max() < 0.001  # grain: 0.01


def test_what_hides_the_centre_does_not_count() -> None:
    own, shown, _ = pictures()
    dirty = own.copy()
    dirty[HOLE] = 0.02
    np.testing.assert_array_equal(exposure(own, shown, sound_film()), exposure(dirty, shown, sound_film()))
    assert not exposure(own, 0.5 * shown, np.zeros((96, 96), bool)).any()  # none is sound: nothing is known


def test_a_brighter_neighbour_does_not_grow_whiter_than_white() -> None:
    own, shown, _ = pictures(grain=0.0)
    bright = np.clip(own * 1.3, 0, 1)
    made = matched(bright, np.clip(shown * 1.2, 0, 1), sound_film())
    assert made.max() == 1.0 and made.min() >= 0.0
    assert within(np.float32([-0.2, 0.5, 1.9]), np.float32([0.1, 1.4]), np.float32([-0.1, 0.9])).tolist() == pytest.approx([-0.1, 0.5, 1.4])
