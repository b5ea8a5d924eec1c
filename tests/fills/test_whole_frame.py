"""What differs between a restored frame and its scan: beyond grain, by hysteresis, within the recipe's sizes."""

from dataclasses import replace

import numpy as np
import pytest

import tiny
from fills.test_hand import hand, levels_of
from frdm.diffusion.streaming import RestoredFrame
from frdm.fills.hand import STRANGE, HandSettings
from frdm.fills.hand_job import HandJob
from frdm.fills.lone import lone_window
from frdm.fills.neighbours import Fill
from frdm.fills.whole_frame import Differing, Seen, differing, excess_of, fill_differing, standing
from frdm.film import Box, Defect, Encoding, Frame, Real
from frdm.recipe import Detection, Filling, WholeFrameSettings

SETTINGS = WholeFrameSettings(on=True)
GRAIN = 0.02


def pair(amount: float = 0.0, *, size: int = 8, polish: bool = False) -> tuple[Real, Real]:
    """(restored, coded) pictures (3, H, W) of grainy film; `amount` is added to a square, and `polish` takes all grain away."""
    scan = np.repeat(tiny.film(1, grain=GRAIN, seed=3), 3, 0)
    restored = np.repeat(tiny.film(1, grain=0.0, seed=3), 3, 0) if polish else scan.copy()
    restored[:, 40 : 40 + size, 60 : 60 + size] += np.float32(amount)
    return restored, scan


def found(
    restored: Real, coded: Real, settings: WholeFrameSettings = SETTINGS, detection: Detection | None = None
) -> list[tuple[str, int]]:
    made = RestoredFrame(7, restored, coded, range(5, 10))
    seen = differing(excess_of(restored, coded), made, settings, detection or Detection())
    assert all(one.box.frame == 7 for one in (*seen.defects, *seen.large))
    return [(one.polarity, int(one.mask.sum())) for one in seen.defects]


def test_what_is_left_as_it_is_is_no_find() -> None:
    assert found(*pair()) == []


def test_grain_that_is_taken_away_is_no_find() -> None:
    assert found(*pair(polish=True)) == []


@pytest.mark.parametrize(("amount", "polarity"), [(0.3, "dark"), (-0.3, "bright")])
def test_a_square_that_was_mended_is_found_with_its_skirt(amount: float, polarity: str) -> None:
    ((what, area),) = found(*pair(amount))
    assert what == polarity
    assert 8 * 8 <= area <= 14 * 14
    assert found(*pair(amount), detection=Detection(polarity="dark" if polarity == "bright" else "bright")) == []


def test_below_the_limit_nothing_is_found_and_the_edge_follows_its_own() -> None:
    restored, coded = pair(0.3)
    assert found(restored, coded, replace(SETTINGS, beyond=60.0)) == []
    ((_, narrow),) = found(restored, coded, replace(SETTINGS, edge=12.0))
    ((_, wide),) = found(restored, coded, replace(SETTINGS, edge=1.5))
    assert narrow < wide


def test_what_is_smaller_or_larger_than_a_defect_may_be_is_none() -> None:
    restored, coded = pair(0.3, size=1)
    assert found(restored, coded, detection=Detection(min_size=40)) == []
    restored, coded = pair(0.3, size=30)
    seen = differing(excess_of(restored, coded), RestoredFrame(0, restored, coded, range(1)), SETTINGS, Detection(max_size=20))
    assert not seen.defects
    assert len(seen.large) == 1
    assert seen.suspects.sum() >= 900


def test_colour_that_changes_under_the_same_brightness_is_found() -> None:
    scan = np.stack([tiny.film(1, grain=GRAIN, seed=k)[0] for k in (3, 4, 5)])
    restored = scan.copy()
    restored[2, 40:48, 60:68] += np.float32(0.4)
    made = RestoredFrame(0, restored, scan, range(1))
    assert len(differing(excess_of(restored, scan), made, SETTINGS, Detection()).defects) == 1


@pytest.mark.parametrize(("marked", "stands"), [((3,), 1), ((2, 3, 4), 3), ((1, 3), 2)])
def test_a_mark_stands_in_the_frames_near_that_show_it(marked: tuple[int, ...], stands: int) -> None:
    film = tiny.film(6, pan=0.0, grain=0.004)
    clean = np.repeat(film[3][None], 3, 0)
    for index in marked:
        film[index, 40:48, 60:68] = 0.98
    encoding = Encoding("y", 16, white=65535.0)
    frames = [Frame(index, (picture,)) for index, picture in enumerate(tiny.codes(film, 16))]
    defect = Defect("dirt", "bright", Box(3, 40, 60, 48, 68), np.ones((8, 8), bool), 1.0)
    near = tuple(frames[index] for index in (1, 2, 4, 5))
    seen = Seen(lone_window(frames[3], encoding), near, clean, (1, 2, 4, 5), Differing((defect,), (), np.zeros(film.shape[1:], bool)))
    assert standing(seen, defect, encoding) == stands


def invented(tone: float, *, elsewhere: float | None = None) -> Fill:
    """The fill of a dark square on the third of five frames of plain film, where the hand made the film's own tones brighter by `tone`;
    the frames near show the square brighter by `elsewhere` of themselves.
    """
    clean = 0.4 + 0.1 * tiny.film(5, height=161, width=203, pan=0.0, grain=0.0)
    film = clean + np.random.default_rng(1).normal(0, 0.004, clean.shape).astype(np.float32)
    place, encoding = Box(2, 70, 90, 90, 110), Encoding("y", 16, white=65535)
    for index in (0, 1, 3, 4):
        film[index, place.rows, place.columns] += np.float32(elsewhere or 0.0)
    film[2, place.rows, place.columns] = 0.02
    frames = [Frame(index, (picture,)) for index, picture in enumerate(tiny.codes(film, 16))]
    restored = np.repeat(clean[2][None], 3, 0)
    restored[:, place.rows, place.columns] += np.float32(tone)
    defect = Defect("dirt", "dark", place, np.ones((20, 20), bool), 1.0)
    suspects = np.zeros(clean.shape[1:], bool)
    suspects[place.rows, place.columns] = True
    near = tuple(frames[index] for index in (0, 1, 3, 4))
    seen = Seen(lone_window(frames[2], encoding), near, restored, (0, 1, 3, 4), Differing((defect,), (), suspects))
    (made,) = fill_differing(seen, [defect], encoding, HandJob(hand(levels_of(clean)), HandSettings()), Filling())
    return made


@pytest.mark.parametrize("tone", [0.2, -0.2])
def test_tones_that_no_frame_near_shows_are_not_believed(tone: float) -> None:
    held = invented(tone)
    assert held.patch is None
    assert held.reason.startswith("the hand made tones there that no frame near shows (trust 0.")
    assert held.provenance is not None
    assert held.provenance.trust == 0


@pytest.mark.parametrize(("tone", "elsewhere"), [(0.0, None), (STRANGE, None), (0.2, 0.2), (-0.2, -0.2)])
def test_tones_that_the_film_around_or_the_frames_near_show_are_believed(tone: float, elsewhere: float | None) -> None:
    made = invented(tone, elsewhere=elsewhere)
    assert made.patch is not None
    assert made.provenance is not None
    assert made.provenance.trust > 0.9
