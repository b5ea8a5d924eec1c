from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.defects.area import area_of_box
from frdm.defects.keep import is_cue_mark, is_flash, is_splice, keeps_flash, kept, recognised
from frdm.film import Box, Defect, Encoding, Real, ScanInfo
from frdm.recipe import Detection

HEIGHT, WIDTH = 480, 640


def film(aspect: Fraction = Fraction(1)) -> ScanInfo:
    return ScanInfo(Path("film"), WIDTH, HEIGHT, Fraction(24), 100, Encoding("y", 8), "png", pixel_aspect=aspect)


def defect(painted: NDArray[np.uint8]) -> Defect:
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    box = Box(9, int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return Defect("dirt", "bright", box, painted[box.rows, box.columns] > 0, 0.9)


def ellipse(x: int = 600, y: int = 40, wide: int = 12, high: int = 14, thickness: int = -1) -> Defect:
    return defect(cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (x, y), (wide, high), 0, 0, 360, 1, thickness))


def rectangle(left: int, top: int, right: int, bottom: int) -> Defect:
    return defect(cv2.rectangle(np.zeros((HEIGHT, WIDTH), np.uint8), (left, top), (right - 1, bottom - 1), 1, -1))


@pytest.mark.parametrize("mark", [ellipse(), ellipse(wide=8, high=16), ellipse(x=560, y=90, wide=20, high=20), ellipse(thickness=3)])
def test_cue_marks(mark: Defect) -> None:
    assert is_cue_mark(mark, film())
    assert recognised(mark, film()).kind == "cue mark"


hair = defect(cv2.line(np.zeros((HEIGHT, WIDTH), np.uint8), (570, 20), (610, 60), 1, 3))


@pytest.mark.parametrize(
    "other",
    [
        ellipse(x=40),  # upper left
        ellipse(y=440),  # below
        ellipse(x=320),  # in the middle
        ellipse(wide=3, high=3),  # a speck
        ellipse(x=560, y=60, wide=50, high=50),  # a lamp
        rectangle(590, 30, 614, 54),
        ellipse(wide=22, high=8),  # lying
        hair,
    ],
)
def test_other_things_are_no_cue_marks(other: Defect) -> None:
    assert not is_cue_mark(other, film())
    assert recognised(other, film()).kind == "dirt"


def test_how_long_a_cue_mark_stands() -> None:
    assert is_cue_mark(ellipse(), film(), lasting=4)
    assert not is_cue_mark(ellipse(), film(), lasting=1) and not is_cue_mark(ellipse(), film(), lasting=100)


def test_a_cue_mark_on_a_squeezed_print_is_judged_as_projected() -> None:
    assert is_cue_mark(ellipse(wide=6, high=20), film(Fraction(2)))
    assert not is_cue_mark(ellipse(wide=6, high=20), film())


def test_the_corner_is_the_pictures_not_the_scans() -> None:
    area = area_of_box(film(), Box(0, 60, 0, 420, 480))
    assert is_cue_mark(ellipse(x=440, y=100), film(), area=area) and not is_cue_mark(ellipse(x=440, y=100), film())


def test_splices() -> None:
    assert is_splice(rectangle(0, 0, WIDTH, 20), film()) and is_splice(rectangle(30, 455, 600, 475), film())
    assert recognised(rectangle(0, 0, WIDTH, 20), film()).kind == "splice"
    for other in (rectangle(0, 200, WIDTH, 220), rectangle(0, 0, 300, 20), rectangle(0, 0, WIDTH, 90)):
        assert not is_splice(other, film())
    slanting = defect(cv2.line(np.zeros((HEIGHT, WIDTH), np.uint8), (0, 0), (639, 40), 1, 2))
    assert not is_splice(slanting, film())


def scene(seed: int = 1) -> Real:
    return np.asarray(cv2.GaussianBlur(np.random.default_rng(seed).random((120, 160)).astype(np.float32), (0, 0), 4), np.float32)


def test_flash_frames() -> None:
    still = scene()
    assert is_flash(still + 0.2, [still] * 4)
    assert is_flash(np.minimum(still * 1.6, 1).astype(np.float32), [still, still])
    assert is_flash(still + 0.2, [still])  # the first frame of a shot


def test_what_is_no_flash() -> None:
    still = scene()
    burnt = still.copy()
    burnt[:, :100] = 1.0
    for other in (still, still + 0.03, still - 0.2, burnt):
        assert not is_flash(np.asarray(other, np.float32), [still] * 4)
    assert not is_flash(still + 0.2, [still + 0.2, still + 0.2, still])  # a change that stays
    white = np.full_like(still, 0.97)
    assert not is_flash(white + 0.1, [white]) and not is_flash(still, [])


def test_the_recipe_decides() -> None:
    mark = recognised(ellipse(), film())
    assert kept(mark, Detection()) == "a cue mark, which the recipe keeps"
    assert kept(mark, Detection(keep=())) is None and kept(ellipse(), Detection()) is None
    still = scene()
    assert keeps_flash(Detection(), still + 0.2, [still]) and not keeps_flash(Detection(flash_frames="repair"), still + 0.2, [still])
