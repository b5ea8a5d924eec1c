from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.defects.area import PictureArea, find_area
from frdm.errors import RecipeError
from frdm.film import Encoding, Frame, Real, ScanInfo
from frdm.recipe import AreaSettings

HEIGHT, WIDTH = 240, 320
Paint = Callable[[Real, int, np.random.Generator], None]


def picture(rng: np.random.Generator, level: float = 0.5) -> Real:
    soft = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 10)
    return np.asarray(np.clip(level + 0.2 * soft / soft.std(), 0.02, 0.98), np.float32)


class Film:
    """40 frames of another picture every eighth frame, over which `paint` draws what a scanner sees around it."""

    def __init__(self, paint: Paint | None = None, level: float = 0.5, varied: bool = True) -> None:
        rng = np.random.default_rng(7)
        scene = picture(rng, level)
        self.codes = []
        for index in range(40):
            if varied and index % 8 == 0:
                scene = picture(rng, level)
            frame = np.roll(scene, index % 8, axis=1).copy()
            if paint:
                paint(frame, index, rng)
            frame += rng.normal(0, 0.005, frame.shape).astype(np.float32)
            self.codes.append(np.clip(frame * 255, 0, 255).astype(np.uint8))
        self.info = ScanInfo(Path("film"), WIDTH, HEIGHT, Fraction(18), 40, Encoding("y", 8), "png")
        self.seen: list[int] = []

    def frame(self, index: int) -> Frame:
        self.seen.append(index)
        return Frame(index, (self.codes[index],))


def area(film: Film, setting: str = "auto") -> PictureArea:
    return find_area(film, film.info, AreaSettings(setting))


def edges(found: PictureArea) -> tuple[int, int, int, int]:
    return found.box.top, found.box.left, found.box.bottom, found.box.right


def overscan(top: int = 0, left: int = 0, bottom: int = HEIGHT, right: int = WIDTH, level: float = 0.01) -> Paint:
    def paint(frame: Real, index: int, rng: np.random.Generator) -> None:
        frame[:top] = frame[bottom:] = level
        frame[:, :left] = frame[:, right:] = level

    return paint


def super8(frame: Real, index: int, rng: np.random.Generator) -> None:
    """One bright perforation in dark base at the left that weaves a little, black overscan elsewhere, rounded corners."""
    inner = np.zeros_like(frame)
    cv2.rectangle(inner, (60, 20), (299, 219), 1.0, -1)
    for y, x, cy, cx in ((20, 60, 32, 72), (20, 288, 32, 287), (208, 60, 207, 72), (208, 288, 207, 287)):
        inner[y : y + 12, x : x + 12] = 0
        cv2.circle(inner, (cx, cy), 12, 1.0, -1)
    frame *= inner
    weave = int(rng.integers(-1, 2))
    cv2.rectangle(frame, (10, 90 + weave), (34, 150 + weave), 1.0, -1)
    frame[:] = cv2.GaussianBlur(frame, (0, 0), 0.7)


def sound_track(frame: Real, index: int, rng: np.random.Generator) -> None:
    """A variable-density track between two black lines at the right."""
    frame[:, 290:] = 0.01
    frame[:, 297:312] = rng.uniform(0.1, 0.9, (HEIGHT, 1)).astype(np.float32)


def neighbour_frames(frame: Real, index: int, rng: np.random.Generator) -> None:
    """Slivers of the frames above and below beyond their frame lines."""
    frame[10:16] = frame[226:231] = 0.0


def test_black_overscan_is_not_picture() -> None:
    found = area(Film(overscan(16, 24, 230, 310)))
    assert edges(found) == pytest.approx((16, 24, 230, 310), abs=3)
    assert found.box.top >= 16 and found.box.left >= 24 and found.box.bottom <= 230 and found.box.right <= 310
    assert not found.whole and found.share == pytest.approx(214 * 286 / (HEIGHT * WIDTH), rel=0.03)


@pytest.mark.parametrize("level", [0.35, 0.99])
def test_flat_overscan_of_any_brightness_is_not_picture(level: float) -> None:
    assert edges(area(Film(overscan(left=30, level=level)))) == pytest.approx((0, 30, HEIGHT, WIDTH), abs=3)


def test_perforations_and_rounded_corners_are_not_picture() -> None:
    found = area(Film(super8))
    assert edges(found) == pytest.approx((20, 60, 220, 300), abs=4)
    corner, middle = found.mask[found.box.top, found.box.left], found.mask[120, 180]
    assert not corner and middle
    assert found.mask[found.box.rows, found.box.columns].mean() > 0.99


def test_the_sound_track_is_not_picture() -> None:
    assert edges(area(Film(sound_track))) == pytest.approx((0, 0, HEIGHT, 290), abs=3)


def test_neighbouring_frames_are_not_picture() -> None:
    assert edges(area(Film(neighbour_frames))) == pytest.approx((16, 0, 226, WIDTH), abs=3)


def test_plain_film_is_whole() -> None:
    assert area(Film()).whole


def test_one_still_shot_with_black_borders() -> None:
    assert edges(area(Film(overscan(top=30, bottom=210), varied=False))) == pytest.approx((30, 0, 210, WIDTH), abs=3)


def vignette(frame: Real, index: int, rng: np.random.Generator) -> None:
    """A night scene: one lamp's soft light in the dark."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frame *= np.exp(-(((x - 180) / 70.0) ** 2 + ((y - 120) / 60.0) ** 2)).astype(np.float32)


def sky(frame: Real, index: int, rng: np.random.Generator) -> None:
    """A white sky over a straight horizon."""
    frame[:70] = 0.97
    frame[70:] *= 0.6


def dim(frame: Real, index: int, rng: np.random.Generator) -> None:
    frame *= 0.06


def line_scratch(frame: Real, index: int, rng: np.random.Generator) -> None:
    frame[:, 40] = 0.0


@pytest.mark.parametrize("varied", [True, False])
def test_a_night_scenes_edge_is_picture(varied: bool) -> None:
    assert area(Film(vignette, varied=varied)).whole


def test_a_white_sky_is_picture() -> None:
    assert area(Film(sky, varied=False)).whole


def test_a_standing_scratch_is_no_border() -> None:
    assert area(Film(line_scratch)).whole


def test_a_dark_film_is_whole() -> None:
    assert area(Film(dim)).whole


def test_a_range_looks_at_its_own_frames() -> None:
    film = Film(overscan(left=24))
    assert find_area(film, film.info, AreaSettings(), start=10, stop=30).box.left == pytest.approx(24, abs=3)
    assert min(film.seen) == 10 and max(film.seen) == 29 and len(film.seen) == 12


def test_a_few_frames_are_whole() -> None:
    film = Film(overscan(left=24))
    assert find_area(film, film.info, AreaSettings(), start=0, stop=1).whole


def test_whole_and_given_areas_read_nothing() -> None:
    film = Film(overscan(left=24))
    assert area(film, "whole").whole
    given = area(film, "40, 20,200,100")
    assert edges(given) == (20, 40, 120, 240) and given.mask.sum() == 200 * 100 and given.mask[20, 40]
    assert film.seen == []
    with pytest.raises(ValueError, match="read-only"):
        given.mask[0, 0] = True


@pytest.mark.parametrize("text", ["40,20,200", "a,b,c,d", "0,0,0,10", "300,0,40,40", "-1,0,10,10", ""])
def test_a_wrong_area_is_one_sentence(text: str) -> None:
    with pytest.raises(RecipeError, match="area: ") as caught:
        area(Film(), text)
    assert "\n" not in str(caught.value)
