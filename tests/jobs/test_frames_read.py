"""Frames for people who jump about: one reader, the last ones kept within their room, the next ones read ahead."""

import time
from fractions import Fraction
from pathlib import Path
from threading import get_ident

import numpy as np
import pytest

from frdm.errors import UnreadableFrame
from frdm.film import Encoding, Frame, ScanInfo
from frdm.jobs.reading import Frames

SIDE = 10


class Film:
    """Ten frames, one of which can't be read; remembers what was asked for, and by which threads."""

    def __init__(self) -> None:
        self.info = ScanInfo(Path("film"), SIDE, SIDE, Fraction(24), 10, Encoding("y", 8), "png")
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.closed = False

    def frame(self, index: int) -> Frame:
        self.asked.append(index)
        self.threads.add(get_ident())
        if index == 7:
            raise UnreadableFrame("frame 7 is broken")
        return Frame(index, (np.full((SIDE, SIDE), index, np.uint8),))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def film() -> Film:
    return Film()


def settled(film: Film, count: int) -> list[int]:
    """What was asked for once so many were; a moment later no more."""
    until = time.monotonic() + 10
    while len(film.asked) < count and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(0.02)
    return film.asked


def test_a_frame_is_read_once_and_by_one_thread(film: Film) -> None:
    with Frames(film) as frames:  # type: ignore[arg-type]
        for index in (3, 4, 3, 3, 4):
            assert frames.frame(index).planes[0][0, 0] == index
        assert film.asked == [3, 4]
        assert len(film.threads) == 1
        assert get_ident() not in film.threads
    assert film.closed


def test_the_oldest_frame_makes_room(film: Film) -> None:
    with Frames(film, kept=3 * SIDE * SIDE) as frames:  # type: ignore[arg-type]
        for index in (0, 1, 2, 0, 3, 0, 1):
            frames.frame(index)
        assert film.asked == [0, 1, 2, 3, 1]


def test_frames_are_read_ahead_the_way_one_goes(film: Film) -> None:
    with Frames(film) as frames:  # type: ignore[arg-type]
        frames.frame(2)
        frames.follow(2)
        assert settled(film, 3) == [2, 3, 4]
        frames.frame(1)
        frames.follow(1)
        assert settled(film, 5) == [2, 3, 4, 1, 0]
        frames.frame(9)
        frames.follow(9)  # there is none behind the last
        assert settled(film, 6)[5:] == [9]


def test_a_broken_frame_is_told_every_time_and_harms_no_other(film: Film) -> None:
    with Frames(film) as frames:  # type: ignore[arg-type]
        for _ in range(2):
            with pytest.raises(UnreadableFrame, match="frame 7"):
                frames.frame(7)
        assert frames.frame(8).index == 8
