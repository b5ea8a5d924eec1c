"""Standing lines: drawn ones are found over moving and over still film; poles, stripes and fences are left alone."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

import tiny
from frdm.defects import line_agree, lines
from frdm.defects.line_agree import agreed, candidates, passing, seen_from
from frdm.defects.line_features import Tracks
from frdm.defects.line_judge import load_judge
from frdm.defects.line_look import Look
from frdm.defects.lines import MANY, extent, find_lines, least_shown, resting, stepping
from frdm.defects.ridges import through_scores
from frdm.errors import RecipeError
from frdm.film import Encoding, Frame, Mask, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Detection

HEIGHT, WIDTH, FRAMES = 241, 323, 9
MIDDLE = 4
WANDER = (0.0, 0.4, -0.3, 0.2, -0.4, 0.4, 0.1, -0.4, 0.3)  # px, one a frame
STANDS = (0.0,) * FRAMES


def window_of(film: tiny.Film, index: int = MIDDLE) -> Window:
    frames = [Frame(i, (tiny.codes(f),)) for i, f in enumerate(film)]
    with ThreadPoolExecutor(2) as pool:
        return Reel(frames, Encoding("y", 8), Shot(0, len(frames)), 0, pool).window(index)


def found(window: Window, settings: Detection | None = None, allowed: Mask | None = None, *, doubtful: bool = False) -> Mask:
    mask = np.zeros(window.luma.shape, bool)
    lines = find_lines(window, np.full(window.luma.shape, 0.01, np.float32), settings or Detection(), allowed)
    for defect in lines.doubtful if doubtful else lines.defects:
        assert (
            defect.kind == "line"
            and 0 < defect.confidence <= 1
            and defect.mask.shape
            == (
                defect.box.bottom - defect.box.top,
                defect.box.right - defect.box.left,
            )
        )
        mask[defect.box.rows, defect.box.columns] |= defect.mask
    return mask


def draw(film: tiny.Film, column: float, tone: float, places: tuple[float, ...], rows: slice = slice(None)) -> Mask:
    """Draw a soft line about 2 px wide on the film; where it lies in the middle frame."""
    truth = np.zeros(film.shape[1:], bool)
    for i, frame in enumerate(film):
        y = np.arange(film.shape[1])
        centre = column + places[i] + 0.8 * np.sin(y / 70 + 0.2 * i) * (places is WANDER)
        weight = np.exp(-(((np.arange(film.shape[2]) - centre[:, None]) / 1.1) ** 2)).astype(np.float32)
        part = weight[rows]
        frame[rows] = frame[rows] * (1 - 0.85 * part) + tone * 0.85 * part
        if i == MIDDLE:
            truth[rows] = part > 0.5
    return truth


def scene(pan: float, grain: float = 0.012) -> tiny.Film:
    return tiny.film(FRAMES, height=HEIGHT, width=WIDTH, grain=grain, pan=pan)


def near(mask: Mask) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((1, 7), np.uint8)) > 0


@pytest.mark.parametrize("pan", [0.0, 2.5])
@pytest.mark.parametrize("tone", [0.02, 0.98])
def test_a_wandering_line_is_found_over_still_and_moving_film(pan: float, tone: float) -> None:
    film = scene(pan)
    truth = draw(film, 140, tone, WANDER)
    window = window_of(film)
    mask = found(window, doubtful=not pan)
    assert (mask & truth).sum() > 0.85 * truth.sum()
    assert not (mask & ~near(truth)).any()
    assert not found(window, doubtful=bool(pan)).any(), "on a scene that stands still a line may be content: it is doubtful"


@pytest.mark.parametrize("columns", [(60, 140, 230, 290), (50, 110, 190, 260, 300)])
def test_one_of_many_lines_is_a_scratch_on_still_film_too(columns: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    film = scene(0.0)
    for place, column in enumerate(columns):
        draw(film, column, 0.98, WANDER[-place:] + WANDER[:-place] if place else WANDER)
    window, noise = window_of(film), np.full((HEIGHT, WIDTH), 0.01, np.float32)
    found = find_lines(window, noise, Detection())
    assert len(found.defects) + len(found.doubtful) == len(columns) - 1, "one is too faint for the trees"
    assert len(found.defects) == len(columns) - 2, "the frames around do not agree about one more"
    monkeypatch.setattr(lines, "STEP", -1.0)  # as if each had an edge of the scene beside it
    assert len(find_lines(window, noise, Detection()).defects) == (MANY - 1 if len(columns) > MANY else 0)


def between(left: float, right: float) -> tuple[Look, Tracks]:
    """(look, the track) of a line that stands between two tones of a film that does too."""
    film = scene(0.0)
    film[:, :, 110:140], film[:, :, 140:170] = left, right
    film[:, :, 110:170] += np.random.default_rng(5).normal(0, 0.012, film[:, :, 110:170].shape)
    draw(film, 140, 0.98, STANDS)
    look = Look.of(window_of(film), np.full((HEIGHT, WIDTH), 0.01, np.float32))
    every = candidates(look)
    assert every is not None
    which = np.flatnonzero((np.abs(every[0].path.mean(1) - 140) < 2) & (every[0].sign > 0))
    return look, every[0].only(which[:1])


@pytest.mark.parametrize(("left", "right"), [(0.5, 0.5), (0.47, 0.53), (0.4, 0.6), (0.6, 0.4)])
def test_how_much_the_sides_of_a_line_differ_is_told_in_its_contrast(left: float, right: float) -> None:
    look, track = between(left, right)
    assert stepping(look, track)[0] == pytest.approx(abs(right - left) / (0.85 * (0.98 - (left + right) / 2)), abs=0.15)
    assert not len(stepping(look, track.only(np.zeros(1, bool))))


def test_a_line_on_still_film_rests_where_its_sides_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    look, track = between(0.4, 0.6)
    assert resting(look, track).all()
    monkeypatch.setattr(lines, "STEP", 0.7)
    assert not resting(look, track).any()


def test_a_line_that_stands_is_found_where_the_scene_moves() -> None:
    film = scene(2.5)
    truth = draw(film, 140, 0.02, STANDS)
    mask = found(window_of(film))
    assert (mask & truth).sum() > 0.85 * truth.sum()
    assert not (mask & ~near(truth)).any()


def test_a_broken_line_is_found_piece_by_piece() -> None:
    film = scene(2.5)
    pieces = (slice(0, 70), slice(120, HEIGHT))
    truth = np.logical_or(*(draw(film, 90, 0.98, STANDS, rows) for rows in pieces))
    mask = found(window_of(film))
    assert (mask & truth).sum() > 0.7 * truth.sum()
    assert not mask[78:112].any()


def test_a_post_beside_some_of_its_rows_does_not_make_a_line_wide() -> None:
    luma = np.full((480, 200), 0.3, np.float32)
    luma[:, 99:102] = 0.6
    luma[:150, 103:107] = 0.6
    left, right = extent(luma, np.full(480, 100.0), np.ones(480, bool), 1)
    assert -2.5 < left < -1.4 and 1.4 < right < 2.5
    narrow = extent(luma[150:], np.full(330, 100.0), np.ones(330, bool), 1)
    assert abs(narrow[0] - left) < 0.5 and abs(narrow[1] - right) < 0.5


def test_more_is_asked_of_the_bands_of_a_broken_line_than_of_a_whole_one() -> None:
    asked = least_shown(np.array([0.2, 0.85, 0.95, 1.0]))
    assert (np.diff(asked) < 0).all()
    assert asked[0] > 0.85 and asked[-1] < 0.7


def test_a_line_of_which_no_band_is_sure_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    film = scene(2.5)
    draw(film, 140, 0.02, STANDS)
    window = window_of(film)
    assert found(window).any()
    monkeypatch.setattr(lines, "SHOWN", (1.1, 1.1))
    assert not found(window).any()


@pytest.mark.parametrize("index", [0, 1, 8])
def test_lines_at_the_ends_of_a_shot_are_found(index: int) -> None:
    film = scene(2.5)
    draw(film, 140, 0.02, STANDS)
    assert found(window_of(film, index))[:, 137:144].any(1).mean() > 0.8


@pytest.mark.parametrize("pan", [0.0, 1.0, 2.5])
def test_a_pole_that_belongs_to_the_scene_is_left_alone(pan: float) -> None:
    film = scene(pan)
    draw(film, 160, 0.02, tuple(-pan * i for i in range(FRAMES)))
    assert not found(window_of(film)).any()


def test_a_pole_in_a_shaking_picture_is_left_alone() -> None:
    shake = (0.0, 0.6, -0.4, 0.7, -0.6, 0.5, 0.2, -0.7, 0.4)
    film = scene(0.0, grain=0.0)
    draw(film, 160, 0.02, STANDS)
    moved = [
        cv2.warpAffine(f, np.float32([[1, 0, s], [0, 1, 0]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        for f, s in zip(film, shake, strict=True)
    ]
    noise = np.random.default_rng(3).normal(0, 0.012, film.shape)
    assert not found(window_of((np.stack(moved) + noise).astype(np.float32))).any()


@pytest.mark.parametrize("pan", [0.0, 0.5, 2.0, 4.0])
def test_fences_and_stripes_are_left_alone(pan: float) -> None:
    film = scene(pan)
    for k in range(-3, 30):
        draw(film, 12 * k, 0.1, tuple(-pan * i for i in range(FRAMES)), slice(40, 200))
    assert not found(window_of(film)).any()


def test_undamaged_film_is_left_alone() -> None:
    for pan in (0.0, 1.5):
        assert not found(window_of(scene(pan, grain=0.03)), Detection(strength=1.0)).any()


def test_settings_are_obeyed() -> None:
    film = scene(2.5)
    draw(film, 140, 0.02, STANDS)
    window = window_of(film)
    assert not found(window, Detection(polarity="bright")).any()
    assert found(window, Detection(polarity="dark")).any()
    allowed = np.ones(window.luma.shape, bool)
    allowed[:100] = False
    mask = found(window, allowed=allowed)
    assert mask[110:].any() and not mask[:100].any()


def test_strength_finds_more() -> None:
    film = scene(2.5, grain=0.03)
    draw(film, 60, 0.02, STANDS)
    draw(film, 200, 0.4, STANDS, slice(30, 85))
    window = window_of(film)
    shares = [found(window, replace(Detection(), strength=s)).sum() for s in (0.0, 0.5, 1.0)]
    assert 0 < shares[0] <= shares[1] <= shares[2]


def test_too_few_neighbours_say_nothing() -> None:
    film = scene(2.5)
    draw(film, 140, 0.02, STANDS)
    window = window_of(film)
    assert not found(replace(window, neighbours=window.neighbours[:1])).any()


def test_the_best_line_through_a_place_is_the_best_of_all_lines() -> None:
    score = np.full((1, 4, 5), -1.0, np.float32)
    score[0, [0, 1, 2, 3], [1, 2, 2, 2]] = 2.0
    best = through_scores(score)[0]
    assert best[3, 2] == pytest.approx(8.0 - 1.2)
    assert best[0, 1] == pytest.approx(8.0 - 1.2)
    assert best[1, 1] < best[1, 2]


def test_a_room_of_panelling_in_a_weaving_picture_is_left_alone() -> None:
    weave = (0.0, 0.3, -0.2, 0.25, -0.3, 0.1, 0.3, -0.1, 0.2)
    rng = np.random.default_rng(8)
    streaks = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(25):
        at, size, top = rng.uniform(5, WIDTH - 5), rng.uniform(0.6, 2.5), int(rng.uniform(0, 120))
        streaks[top : top + int(rng.uniform(60, 240))] += rng.normal() * 0.05 * np.exp(-0.5 * ((np.arange(WIDTH) - at) / size) ** 2)
    room = scene(0.0, grain=0.0)[0] + streaks
    moved = [
        cv2.warpAffine(room, np.float32([[1, 0, s], [0, 1, 0]]), (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for s in weave
    ]
    noise = np.random.default_rng(3).normal(0, 0.012, (FRAMES, HEIGHT, WIDTH))
    assert not found(window_of((np.stack(moved) + noise).astype(np.float32))).any()


def test_the_same_window_says_the_same_without_a_word() -> None:
    film = scene(2.5)
    draw(film, 140, 0.02, STANDS)
    window = window_of(film)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (find_lines(window, np.full(window.luma.shape, 0.01, np.float32), Detection()).defects for _ in range(2))
    assert [(d.box, d.confidence) for d in first] == [(d.box, d.confidence) for d in second] and first
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(first, second, strict=True))


def test_a_blank_film_says_nothing() -> None:
    assert not found(window_of(np.full((FRAMES, HEIGHT, WIDTH), 0.4, np.float32))).any()


def test_trees_made_for_other_numbers_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"lines\.npz"):
        load_judge("line").chance({"share": np.zeros(3, np.float32)})


@pytest.mark.parametrize(("slant", "bow", "seed"), [(0.04, 2.0, 1), (0.02, 2.0, 4)])
def test_a_line_that_bends_is_one_defect(slant: float, bow: float, seed: int) -> None:
    """Two candidates run apart above and show on the same line below: it is listed once, and mended where either showed."""
    film = tiny.film(FRAMES, height=HEIGHT, width=WIDTH, grain=0.012, pan=1.5, seed=seed)
    rows, columns = np.arange(HEIGHT), np.arange(WIDTH)
    for i, frame in enumerate(film):
        centre = 150 + slant * (rows - HEIGHT / 2) + bow * np.sin(6.9 * rows / HEIGHT + 0.2 * i) + WANDER[i]
        weight = 0.85 * np.exp(-(((columns - centre[:, None]) / 1.1) ** 2)).astype(np.float32)
        frame[:] = frame * (1 - weight) + 0.02 * weight
    window = window_of(film)
    (line,) = find_lines(window, np.full(window.luma.shape, 0.01, np.float32), Detection()).defects
    assert line.mask.any(1).sum() > 80


def test_two_lines_beside_each_other_stay_two() -> None:
    film = scene(1.5)
    for column in (150.0, 160.0):
        draw(film, column, 0.95, WANDER)
    window = window_of(film)
    assert len(find_lines(window, np.full(window.luma.shape, 0.01, np.float32), Detection()).defects) == 2


# Do the frames around agree? ----------------------------------------------------------------------------------------------------------


def asked(film: tiny.Film, column: float = 140) -> tuple[bool, bool]:
    """(whether the frames around agree about the candidate at `column`, whether it passes through the centre alone)."""
    window = window_of(film)
    look = Look.of(window, np.full(window.luma.shape, 0.01, np.float32))
    every = candidates(look)
    assert every is not None
    away = np.abs(every[0].path - column).mean(1)
    tracks = every[0].only(away == away.min())
    assert away.min() < 3
    return bool(agreed(look, tracks, tracks.shown)[0]), bool(passing(tracks)[0])


def test_the_frames_around_agree_about_what_stands_and_about_what_is_in_one_frame_alone() -> None:
    standing = scene(2.5)
    draw(standing, 140, 0.98, STANDS)
    assert asked(standing) == (True, False)
    alone = scene(2.5)
    middle = alone[MIDDLE].copy()
    draw(alone, 140, 0.98, STANDS)
    alone[:MIDDLE], alone[MIDDLE + 1 :] = scene(2.5)[:MIDDLE], scene(2.5)[MIDDLE + 1 :]
    assert not np.array_equal(alone[MIDDLE], middle)
    assert asked(alone) == (True, True)


def test_they_do_not_agree_about_what_goes_with_the_scene() -> None:
    film = scene(2.5)
    draw(film, 140, 0.98, tuple(-2.5 * (i - MIDDLE) for i in range(FRAMES)))
    assert asked(film) == (False, False)


def test_a_likely_line_that_the_frames_around_do_not_agree_about_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    film = scene(2.5)
    truth = draw(film, 140, 0.98, STANDS)
    window = window_of(film)
    assert found(window)[truth].mean() > 0.8
    monkeypatch.setattr(line_agree, "STANDS", 1.1)
    assert not found(window).any()
    assert found(window, doubtful=True)[truth].mean() > 0.8


def test_a_line_in_one_frame_of_still_film_is_mended() -> None:
    """A moulding would be in the frames around as well."""
    film = scene(0.0)
    clean = film.copy()
    truth = draw(film, 140, 0.98, STANDS)
    film[:MIDDLE], film[MIDDLE + 1 :] = clean[:MIDDLE], clean[MIDDLE + 1 :]
    window = window_of(film)
    look = Look.of(window, np.full(window.luma.shape, 0.01, np.float32))
    every = candidates(look)
    assert every is not None
    assert not lines.resting(look, every[0]).all()
    assert found(window, Detection(strength=1.0))[truth].mean() > 0.8


def test_a_look_from_a_neighbour_is_that_neighbours_own() -> None:
    film = scene(2.5)
    window, beside = window_of(film), window_of(film, MIDDLE + 1)
    noise = np.full(window.luma.shape, 0.01, np.float32)
    look, own = Look.of(window, noise), Look.of(beside, noise)
    seen = seen_from(look, look.offsets.tolist().index(1))
    assert seen.offsets.tolist() == [-1, 1, -2, -3]
    np.testing.assert_array_equal(seen.small[0], own.small[0])
    for k, offset in enumerate(seen.offsets.tolist()):
        np.testing.assert_array_equal(seen.small[1 + k], Look.of(window_of(film, MIDDLE + 1 + offset), noise).small[0])
        if offset in own.offsets:
            both = seen.sound[k] & own.sound[own.offsets.tolist().index(offset)]
            across = own.across[own.offsets.tolist().index(offset)]
            assert np.abs(seen.across[k] - across)[both].mean() < 0.3
