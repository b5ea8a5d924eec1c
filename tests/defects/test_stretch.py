"""Stretches of a shot: which frames are looked at, that each is looked at once, and what is said of the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from frdm.defects import eye, stretch
from frdm.defects.lines import Lines
from frdm.defects.outlook import Glance, Outlook
from frdm.defects.stretch import BLOCK, GLANCES, SHORT, Stretches, around, block_end, blocks, places, whole_blocks
from frdm.film import Box, Defect, Encoding, Frame, Shot
from frdm.motion.window import Window
from frdm.recipe import Detection

GREY = Encoding("y", 8)


class Drawn:
    """A film in memory that counts the frames that are read."""

    def __init__(self, length: int) -> None:
        self.read = 0
        self._frames = [Frame(i, (tiny.codes(f, 8),)) for i, f in enumerate(tiny.film(length, height=64, width=80))]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for frame in self._frames[start:stop]:
            self.read += 1
            yield frame


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 24, [4, 12, 20]), (100, 124, [104, 112, 120]), (0, 9, [1, 4, 7]), (5, 7, [6]), (0, 1, [0]), (0, 7, [1, 5])],
)
def test_places_of_a_block(start: int, stop: int, expected: list[int]) -> None:
    assert places(start, stop) == expected


@given(st.integers(0, 500), st.integers(1, 400), st.data())
def test_every_frame_lies_in_a_stretch_of_its_own_shot(start: int, length: int, data: st.DataObject) -> None:
    shot = Shot(start, start + length)
    index = data.draw(st.integers(start, shot.stop - 1))
    found = blocks(shot, index)
    (first, last) = found[-1]
    assert first <= index < last
    assert all(shot.start <= a < b <= shot.stop and b - a < BLOCK + SHORT for a, b in found)
    assert [b for _, b in found[:-1]] == [first][: len(found) - 1]
    assert len(found) == (1 if first == shot.start else 2)
    assert all(blocks(shot, other)[-1] == (first, last) for other in range(first, last)), "a block is the same to all of its frames"
    for a, b in found:
        looked = places(a, b)
        assert 1 <= len(looked) == len(set(looked)) <= GLANCES
        assert all(a <= place < b for place in looked)


@given(st.integers(0, 500), st.integers(1, 300))
def test_blocks_of_a_shot_that_goes_on_end_where_those_of_the_whole_do(start: int, length: int) -> None:
    end = block_end(start, start + length)
    assert blocks(Shot(start, start + 1000), start + length - 1)[-1][1] == end
    assert whole_blocks(start, end) == end
    assert whole_blocks(start, end - 1) < start + length


@given(st.integers(0, 500), st.integers(1, 300), st.integers(0, 400))
def test_a_range_sees_the_stretches_of_the_whole_film(start: int, length: int, cut: int) -> None:
    """Whatever shot a range seems to begin in: its frames' stretches are those that they have in the film."""
    first, last = around(start, start + length)
    cut = min(cut, first - 1)
    for index in (start, start + length - 1):
        whole, seen = blocks(Shot(min(cut, 0), 2000), index), blocks(Shot(first, last), index)
        assert whole == seen
        assert all(a - stretch.HALO - BLOCK > first and b + stretch.HALO + BLOCK <= last for a, b in seen)


def test_each_frame_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def glance(window: Window, *_: object) -> Glance:
        looked.append(window.frame.index)
        return Glance(sure=window.frame.index)

    monkeypatch.setattr(eye, "glance", glance)
    film = Drawn(30)
    of_shot = Stretches(film, Shot(2, 30), GREY, Detection(), lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        outlooks = {index: of_shot.outlook(index, pool) for index in range(2, 30)}
    assert looked == [5, 13, 20, 25, 28]
    assert [one.sure for one in outlooks[2].others] == [5, 13, 20]
    assert [one.sure for one in outlooks[13].others] == [5, 20], "a frame says nothing about itself"
    assert [one.sure for one in outlooks[29].others] == [5, 13, 20, 25, 28]
    assert film.read < 40


@pytest.mark.parametrize(("length", "tells"), [(1, False), (2, False), (8, False), (9, True), (12, True)])
def test_a_short_shot_says_nothing_to_any_of_its_frames(length: int, tells: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "glance", lambda *_: Glance())
    of_shot = Stretches(Drawn(length), Shot(0, length), GREY, Detection(), lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        assert {of_shot.outlook(index, pool).tells for index in range(length)} == {tells}


def test_a_frame_without_neighbours_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "glance", lambda *_: pytest.fail("one other frame can't tell dirt from film"))
    of_shot = Stretches(Drawn(2), Shot(0, 2), GREY, Detection(), lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        assert not of_shot.outlook(0, pool).others
    assert of_shot.seen == {1: None}


def test_what_is_seen_is_shared_and_the_same_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "load_net", lambda _: lambda **given: np.zeros((1, 2, *given["full"].shape[2:]), np.float32))
    film, seen = Drawn(30), dict[int, Glance | None]()
    with ThreadPoolExecutor(1) as pool:
        whole = Stretches(film, Shot(0, 30), GREY, Detection(), lambda _: None, seen)
        forwards = [whole.outlook(index, pool) for index in range(30)]
        alone = [Stretches(film, Shot(0, 30), GREY, Detection(), lambda _: None).outlook(index, pool) for index in (29, 13, 0)]
        again = film.read
        shared = Stretches(film, Shot(0, 30), GREY, Detection(), lambda _: None, seen).outlook(29, pool)
    assert alone == [forwards[29], forwards[13], forwards[0]]
    assert shared == forwards[29]
    assert film.read == again, "nothing was read a second time"


def test_a_shot_that_goes_on_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shot is mended before its end is known, by whole blocks: frames of those see what they see when the end is known."""
    monkeypatch.setattr(eye, "glance", lambda window, *_: Glance(sure=window.frame.index))
    film = Drawn(60)
    with ThreadPoolExecutor(1) as pool:
        ended = Stretches(film, Shot(0, 60), GREY, Detection(), lambda _: None)
        growing = Stretches(film, Shot(0, block_end(0, 40) + stretch.HALO), GREY, Detection(), lambda _: None)
        for index in range(48):
            assert growing.outlook(index, pool) == ended.outlook(index, pool)


@pytest.mark.parametrize(
    ("sure", "tells", "nothing"), [((0, 0), True, True), ((0, 1), True, False), ((0,), False, False), ((), False, False)]
)
def test_nothing_is_sure_only_where_enough_was_looked_at(sure: tuple[int, ...], tells: bool, nothing: bool) -> None:
    around = Outlook(tuple(Glance(sure=count) for count in sure))
    assert around.tells is tells
    assert around.nothing_sure is nothing


def test_a_glance_counts_what_is_sure_and_small_by_itself() -> None:
    chance, areas = np.array([0.9, 0.9, 0.5, 0.75]), np.array([20.0, 900.0, 20.0, 299.0])
    seen = Glance.of(chance, areas)
    assert (seen.sure, seen.some, seen.small) == (3, 4, 2)
    arm = Glance.of(np.array([0.95]), np.array([2000.0]))
    assert not Outlook((arm, arm, Glance())).nothing_sure
    assert Outlook((arm, arm, Glance())).nothing_small_sure
    assert not Outlook((arm, seen)).nothing_small_sure
    assert not Outlook((arm,)).nothing_small_sure, "one frame says nothing"


def test_scratched_film_is_dirty_whatever_the_net_is_sure_of() -> None:
    scratched = Outlook((Glance(), Glance(lines=1), Glance()))
    assert not scratched.nothing_sure and not scratched.nothing_small_sure
    assert Outlook((Glance(), Glance(), Glance())).nothing_sure


def test_lines_that_the_frames_around_agree_about_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Defect("line", "dark", Box(0, 0, 4, 8, 6), np.ones((8, 2), bool), 0.9)
    monkeypatch.setattr(eye, "glance", lambda *_: Glance(sure=3))
    monkeypatch.setattr(stretch, "find_lines", lambda *_: Lines((one, one), (one,)))
    of_shot = Stretches(Drawn(12), Shot(0, 12), GREY, Detection(), lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        assert set(of_shot.outlook(0, pool).others) == {Glance(sure=3, lines=2)}


def test_features_of_a_stretch() -> None:
    around = Outlook((Glance(3, 5, 100.0, 20.0), Glance(1, 1, 60.0, 4.0)))
    own = Glance(9, 9, 9.0, 9.0)
    expected = [np.log(2.25), np.log(3.25), np.log(85), 24 / 160]
    assert around.features(own) == pytest.approx(expected)
    for too_few in (Outlook((own,)), Outlook()):
        assert too_few.features(own) == pytest.approx([np.log(9.25), np.log(9.25), np.log(14), 9 / 20])
