"""Double prints: two pictures over each other are told with their distance and weight, and no damage or movement is taken for them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import tiny
from frdm.film import Encoding, Frame, Mask, MendedFrame, ScanInfo, Shot, Span
from frdm.mending import TWICE, mend
from frdm.motion import double
from frdm.motion.double import SMALLEST, double_print
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Recipe

GREY = Encoding("y", 8)
HEIGHT, WIDTH, FRAMES = 240, 320, 9
MIDDLE = 4


def scene(*, pan: float = 1.5, height: int = HEIGHT, width: int = WIDTH, seed: int = 1) -> tiny.Film:
    return tiny.film(FRAMES, height=height, width=width, pan=pan, grain=0.0, seed=seed)


def window_of(film: tiny.Film, index: int = MIDDLE) -> Window:
    grain = np.random.default_rng(3).normal(0, 0.01, film.shape).astype(np.float32)
    frames = [Frame(i, (tiny.codes(f),)) for i, f in enumerate(film + grain)]
    with ThreadPoolExecutor(1) as pool:
        return Reel(frames, GREY, Shot(0, len(frames)), 0, pool).window(index)


def printed(film: tiny.Film, *, down: int, right: int = 0, weight: float = 0.4, index: int = MIDDLE) -> tiny.Film:
    """The film with the frame after `index` printed over that frame."""
    out = film.copy()
    out[index] = (1 - weight) * film[index] + weight * np.roll(film[index + 1], (down, right), (0, 1))
    return out


@pytest.mark.parametrize(("down", "right", "weight"), [(7, 0, 0.5), (12, 0, 0.3), (-20, 3, 0.5), (2, 15, 0.3)])
def test_two_frames_over_each_other_are_told(down: int, right: int, weight: float) -> None:
    told = double_print(window_of(printed(scene(), down=down, right=right, weight=weight)))
    assert told is not None
    assert abs(told.apart - 2 * float(np.hypot(down, right))) < 5
    assert abs(told.weight - weight) < 0.12


def flash(film: tiny.Film) -> tiny.Film:
    film[MIDDLE] = np.clip(film[MIDDLE] * 0.7 + 0.4, 0, 1)
    return film


def fade(film: tiny.Film) -> tiny.Film:
    return film * np.linspace(1, 0.1, FRAMES, dtype=np.float32)[:, None, None]


def dissolve(film: tiny.Film) -> tiny.Film:
    share = np.linspace(0, 1, FRAMES, dtype=np.float32)[:, None, None]
    return film * (1 - share) + scene(seed=9) * share


def blended_all_along(film: tiny.Film) -> tiny.Film:
    return 0.5 * film + 0.5 * np.roll(film, 12, 1)


def burn(film: tiny.Film) -> tiny.Film:
    cv2.circle(film[MIDDLE], (150, 110), 85, 0.98, -1)
    return film


def dirt(film: tiny.Film) -> tiny.Film:
    return tiny.dirty(film, specks=150, radius=4)[0]


def jump(film: tiny.Film) -> tiny.Film:
    film[MIDDLE] = np.roll(film[MIDDLE], 12, 0)
    return film


def torn(film: tiny.Film) -> tiny.Film:
    film[MIDDLE, HEIGHT // 2 :] = np.roll(film[MIDDLE], 12, 0)[HEIGHT // 2 :]
    return film


def patchwork(film: tiny.Film) -> tiny.Film:
    """Things in front of others, which jump: each place shows one picture alone."""
    front = np.kron(np.random.default_rng(2).random((HEIGHT // 40, WIDTH // 40)) < 0.5, np.ones((40, 40))) > 0
    film[MIDDLE] = np.where(front, film[MIDDLE], np.roll(film[MIDDLE], 12, 0))
    return film


def blur(film: tiny.Film) -> tiny.Film:
    film[MIDDLE] = cv2.blur(film[MIDDLE], (1, 17))
    return film


@pytest.mark.parametrize("damage", [flash, fade, dissolve, blended_all_along, burn, dirt, jump, torn, patchwork, blur, np.copy])
def test_nothing_else_is_taken_for_a_double_print(damage: Callable[[tiny.Film], tiny.Film]) -> None:
    film = damage(scene())
    assert [i for i in (MIDDLE, MIDDLE + 1) if double_print(window_of(film, i)) is not None] == []


def test_layers_are_told_by_their_blocks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    window = window_of(patchwork(scene()))
    monkeypatch.setattr(double, "MOST", 0.0)
    assert double_print(window) is not None, "two points, but no block shows both"


def test_the_first_and_last_frame_of_a_shot_and_small_pictures_are_not_judged() -> None:
    film = scene()
    assert double_print(window_of(printed(film, down=12, index=0), 0)) is None
    small = tiny.film(FRAMES, height=SMALLEST - 2, width=WIDTH, grain=0.0)
    assert double_print(window_of(printed(small, down=12))) is None


class Drawn:
    """Frames in memory."""

    def __init__(self, film: tiny.Film) -> None:
        self.film = film

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        yield from (Frame(i, (tiny.codes(self.film[i]),)) for i in range(*slice(start, stop).indices(len(self.film))))

    def allowed(self, frame: Frame) -> Mask | None:
        return None

    def dirt(self, frame: Frame) -> Mask | None:
        return None


def mended(film: tiny.Film) -> MendedFrame:
    info = ScanInfo(Path("film"), WIDTH, HEIGHT, Fraction(24), FRAMES, GREY, "png")
    drawn = Drawn(film)
    (frame,) = mend(drawn, Span(Shot(0, FRAMES), MIDDLE, MIDDLE + 1), info=info, recipe=Recipe(), given=drawn)
    return frame


def test_a_double_print_is_held_whole_with_its_reason() -> None:
    film = tiny.dirty(scene(), specks=6, radius=4)[0]
    assert mended(film).repairs, "the same film is mended where it is printed once"
    frame = mended(printed(film, down=12))
    assert frame.held
    assert not frame.repairs
    assert {one.reason for one in frame.held} == {f"{TWICE} (12 px apart)"}
