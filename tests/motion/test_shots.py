from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.film import Encoding, Frame, Real, ScanInfo, Shot, Span
from frdm.motion.shots import clipped, compared_picture, find_shots, follow_shots, likeness, spans_of, stream_shots
from frdm.recipe import ShotSettings

GREY = Encoding("y", 8, white=255)
SIZE = (90, 120)


def scene(seed: int, level: float = 0.5, contrast: float = 0.2) -> Real:
    """A larger picture of soft shapes, over which a camera can pan."""
    noise = np.random.default_rng(seed).standard_normal((SIZE[0] + 60, SIZE[1] + 60)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 12)
    return np.asarray(level + soft / soft.std() * contrast / 2, np.float32)


def take(seed: int, length: int, *, pan: float = 0.5, level: float = 0.5, contrast: float = 0.2) -> list[Real]:
    whole = scene(seed, level, contrast)
    return [whole[int(i * pan) :, int(i * pan) :][: SIZE[0], : SIZE[1]] for i in range(length)]


def grained(pictures: list[Real], grain: float = 0.04) -> list[Real]:
    rng = np.random.default_rng(99)
    return [p + rng.normal(0, grain, p.shape).astype(np.float32) for p in pictures]


class Film:
    """Pictures of 0 … 1 as a film of 8-bit frames that notes which were asked for."""

    def __init__(self, pictures: list[Real]) -> None:
        self.codes = [np.clip(p * 255, 0, 255).astype(np.uint8) for p in pictures]
        self.info = ScanInfo(Path("film"), SIZE[1], SIZE[0], Fraction(24), len(pictures), GREY, "png")
        self.seen: list[int] = []

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for index in range(start, len(self.codes) if stop is None else stop):
            self.seen.append(index)
            yield Frame(index, (self.codes[index],))


def cuts(pictures: list[Real], recipe: ShotSettings | None = None) -> list[int]:
    film = Film(pictures)
    shots = find_shots(film, film.info, recipe or ShotSettings())
    assert [s.stop for s in shots[:-1]] == [s.start for s in shots[1:]] and shots[0].start == 0 and shots[-1].stop == len(pictures)
    return [shot.start for shot in shots[1:]]


def test_cuts_are_found_in_grainy_panning_film() -> None:
    assert cuts(grained(take(1, 20) + take(2, 15) + take(3, 30))) == [20, 35]


def test_a_cut_between_dark_shots_is_found() -> None:
    assert cuts(grained(take(1, 12, level=0.06, contrast=0.05) + take(2, 12, level=0.07, contrast=0.05), 0.01)) == [12]


@pytest.mark.parametrize("lasting", [1, 2, 3])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_flashes_and_burns_are_no_cuts(lasting: int, level: float) -> None:
    pictures = take(1, 30)
    for index in range(12, 12 + lasting):
        pictures[index] = np.full(SIZE, level, np.float32)
    assert cuts(grained(pictures)) == []


def test_a_burn_over_most_of_a_frame_is_no_cut() -> None:
    pictures = [p.copy() for p in take(1, 30)]
    pictures[14][:, 20:] = scene(8)[: SIZE[0], : SIZE[1] - 20] + 0.5
    assert cuts(grained(pictures)) == []


def test_heavy_dirt_is_no_cut() -> None:
    rng = np.random.default_rng(3)
    pictures = [p.copy() for p in take(1, 30)]
    for index in (9, 10, 17, 22):
        for _ in range(60):
            centre = (int(rng.integers(SIZE[1])), int(rng.integers(SIZE[0])))
            cv2.circle(pictures[index], centre, int(rng.integers(2, 9)), float(rng.choice([0.0, 1.0])), -1)
    assert cuts(grained(pictures)) == []


def test_flicker_is_no_cut() -> None:
    rng = np.random.default_rng(4)
    pictures = [p * float(rng.uniform(0.5, 1.4)) + float(rng.uniform(-0.08, 0.08)) for p in take(1, 60)]
    assert cuts(grained(pictures)) == []


def test_cuts_are_found_through_flicker_and_flashes() -> None:
    rng = np.random.default_rng(5)
    pictures = [p * float(rng.uniform(0.6, 1.3)) for p in take(1, 20) + take(2, 20)]
    pictures[8] = pictures[31] = np.ones(SIZE, np.float32)
    assert cuts(grained(pictures)) == [20]


def test_a_fade_is_no_cut() -> None:
    pictures = take(1, 60)
    faded = [p * (1 - abs(30 - i) / 30) for i, p in enumerate(pictures)]
    assert cuts(grained(faded, 0.01)) == []


def test_a_dissolve_is_no_cut() -> None:
    one, two = take(1, 40), take(2, 40)
    mixed = [a * (1 - w) + b * w for a, b, w in zip(one, two, np.clip((np.arange(40) - 10) / 20, 0, 1), strict=True)]
    assert cuts(grained([np.asarray(p, np.float32) for p in mixed])) == []


def test_a_film_in_which_nothing_moves() -> None:
    assert cuts([np.full(SIZE, 0.4, np.float32)] * 30) == []
    assert cuts([scene(1)[: SIZE[0], : SIZE[1]]] * 10 + [scene(2)[: SIZE[0], : SIZE[1]]] * 10) == [10]


def test_drawings_that_stand_for_two_or_three_frames() -> None:
    for hold in (2, 3):
        pictures = [p for p in take(1, 20, pan=1.5) for _ in range(hold)] + [p for p in take(2, 12, pan=1.5) for _ in range(hold)]
        assert cuts(pictures) == [20 * hold]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_short_film_is_one_shot(length: int) -> None:
    assert cuts(take(1, length)) == []


def test_no_frames_no_shots() -> None:
    assert list(stream_shots([], GREY, ShotSettings())) == []


def test_shots_shorter_than_the_shortest_are_joined() -> None:
    pictures = grained(take(1, 20) + take(2, 4) + take(3, 20))
    assert len(cuts(pictures)) == 1
    assert cuts(pictures, ShotSettings(shortest=4)) == [20, 24]


def test_no_detection_is_one_shot_and_reads_nothing() -> None:
    film = Film(take(1, 20) + take(2, 20))
    assert find_shots(film, film.info, ShotSettings(detect=False)) == (Shot(0, 40),)
    assert film.seen == []


def test_a_range_reads_no_other_frame_and_moves_no_cut() -> None:
    film = Film(grained(take(1, 20) + take(2, 20) + take(3, 20)))
    assert find_shots(film, film.info, ShotSettings(), start=9, stop=50) == (Shot(9, 20), Shot(20, 40), Shot(40, 50))
    assert film.seen == list(range(9, 50))


def test_shots_come_while_the_film_runs() -> None:
    film = Film(grained(take(1, 20) + take(2, 20)))
    assert next(stream_shots(film.frames(), GREY, ShotSettings())) == Shot(0, 20)
    assert max(film.seen) < 32


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 24)), min_size=1, max_size=5))
def test_what_is_certain_to_belong_to_a_shot_does(takes: list[tuple[int, int]]) -> None:
    film = Film(grained([picture for seed, length in takes for picture in take(seed, length)]))
    start = certain = 0
    for step in follow_shots(film.frames(), GREY, ShotSettings()):
        if isinstance(step, Shot):
            assert step.start == start and step.stop >= min(certain, step.stop) and step.stop >= certain
            start = step.stop
        else:
            certain = step
            assert certain >= start


def test_the_middle_of_a_long_shot_is_certain_at_once() -> None:
    film = Film(grained(take(1, 60)))
    ahead = [film.seen[-1] - step for step in follow_shots(film.frames(), GREY, ShotSettings()) if isinstance(step, int)]
    assert max(ahead) <= 4


def test_a_list_is_clipped_to_the_range(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("start,stop\n0,20\n20,40\n")
    film = Film(take(1, 40))
    given_list = ShotSettings(list=str(tmp_path / "list.csv"))
    assert find_shots(film, film.info, given_list, start=5, stop=30) == (Shot(5, 20), Shot(20, 30))
    assert film.seen == []


def test_likeness_ignores_exposure_and_small_shifts() -> None:
    one, other = (compared_picture(Frame(0, (np.clip(p * 255, 0, 255).astype(np.uint8),)), GREY) for p in (take(1, 9)[0], take(1, 9)[8]))
    assert likeness(one, other * 0.6 + 0.1) > 0.95
    assert likeness(one, compared_picture(Frame(0, ((scene(2)[: SIZE[0], : SIZE[1]] * 255).astype(np.uint8),)), GREY)) < 0.6
    assert likeness(one, np.zeros_like(one)) == 0 and likeness(np.zeros_like(one), np.zeros_like(one)) == 1


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=6), longest=st.integers(1, 60))
def test_spans_cover_every_shot(lengths: list[int], longest: int) -> None:
    ends = np.cumsum([0, *lengths])
    shots = [Shot(int(a), int(b)) for a, b in pairwise(ends)]
    spans = spans_of(shots, longest)
    assert [i for span in spans for i in range(span.start, span.stop)] == list(range(int(ends[-1])))
    assert all(
        len(s) <= longest and (s.start - s.shot.start) % longest == 0 and s.shot.start <= s.start < s.stop <= s.shot.stop for s in spans
    )


def test_spans_are_counted_from_the_shots_start() -> None:
    shot = Shot(7, 20)
    assert spans_of([shot], 5) == (Span(shot, 7, 12), Span(shot, 12, 17), Span(shot, 17, 20))
    assert clipped([Shot(0, 7), shot], 7, 9) == (Shot(7, 9),)


@settings(max_examples=5, deadline=None)
@given(st.data())
def test_the_same_film_gives_the_same_shots(data: st.DataObject) -> None:
    pictures = grained(take(data.draw(st.integers(0, 50)), 15) + take(data.draw(st.integers(51, 99)), 15))
    assert cuts(pictures) == cuts(pictures)
