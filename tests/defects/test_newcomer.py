"""Large things in a colour of their own at the end of a shot: they may have just come in."""

import cv2
import numpy as np
import pytest

import tiny
from defects.test_eye_inputs import window_of
from frdm.defects.newcomer import OWN, apart_from_newcomers, own_colour
from frdm.film import Box, Defect
from frdm.motion.window import Window

CLAY, BALL, GREY = (0.72, 0.42, 0.28), (0.85, 0.92, 0.35), (0.9, 0.9, 0.9)
WHERE = Box(0, 80, 100, 110, 130)


def clay(index: int, tone: tuple[float, float, float], share: float = 1.0) -> Window:
    """Nine frames of reddish ground; frame `index`, whose window is returned, shows a disc of `tone`, as opaque as `share`."""
    film = tiny.film(9, height=240, width=240, grain=0.01)
    colour = np.stack([0.9 * np.array(CLAY) + 0.1 * frame[..., None] for frame in film]).astype(np.float32)
    disc = np.zeros((240, 240), np.uint8)
    cv2.circle(disc, (115, 95), 13, 1, -1)
    colour[index][disc > 0] = (1 - share) * colour[index][disc > 0] + share * np.array(tone)
    return window_of(colour, index)


def piece() -> Defect:
    disc = np.zeros((30, 30), np.uint8)
    cv2.circle(disc, (15, 15), 13, 1, -1)
    return Defect("dirt", "bright", WHERE, disc > 0, 0.9)


def counts(lists: tuple[list[Defect], list[Defect]]) -> tuple[int, int]:
    return len(lists[0]), len(lists[1])


@pytest.mark.parametrize("index", [0, 8])
def test_a_ball_that_the_end_of_a_shot_alone_shows_is_held(index: int) -> None:
    assert counts(apart_from_newcomers(clay(index, BALL), [piece()])) == (0, 1)


def test_amid_a_shot_both_sides_of_time_speak_and_nothing_is_held() -> None:
    window = clay(4, BALL)
    assert own_colour(window, piece()) > OWN
    assert counts(apart_from_newcomers(window, [piece()])) == (1, 0)


@pytest.mark.parametrize("tone", [GREY, (0.05, 0.05, 0.05)])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_dirt_adds_grey_and_is_mended(tone: tuple[float, float, float], share: float) -> None:
    window = clay(8, tone, share)
    assert own_colour(window, piece()) < OWN / 2
    assert counts(apart_from_newcomers(window, [piece()])) == (1, 0)


def test_film_of_one_plane_has_no_colours() -> None:
    assert own_colour(window_of(tiny.film(9, height=240, width=240), 8), piece()) == 0
