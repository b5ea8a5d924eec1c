"""The search for shots in its own thread: what it gives to whoever asks, and how it ends."""

import time
from collections.abc import Iterator

import pytest

from frdm.film import Shot
from frdm.jobs.cutting import LEAD, Cuts


def steps(lengths: list[int]) -> Iterator[Shot | int]:
    """A search through shots of these lengths, two frames behind the film."""
    start = 0
    for length in lengths:
        for frame in range(start, start + length):
            yield max(frame - 2, start)
        yield Shot(start, start + length)
        start += length


def test_a_shot_is_given_before_it_has_ended() -> None:
    with Cuts(lambda: steps([4000, 5])) as cuts:
        grown = cuts.certain(0, 20)
        assert isinstance(grown, int)
        assert 20 <= grown < 4000
        assert cuts.shot(0) == Shot(0, 4000)
        assert cuts.certain(0, 20) == Shot(0, 4000)
        assert cuts.shot(1) == Shot(4000, 4005)
        assert cuts.certain(2, 5000) is None


def test_the_search_does_not_run_away() -> None:
    seen: list[int] = []

    def follow() -> Iterator[Shot | int]:
        for step in steps([100_000]):
            seen.append(step if isinstance(step, int) else step.stop)
            yield step

    with Cuts(follow) as cuts:
        cuts.certain(0, 30)
        time.sleep(0.2)
        assert seen[-1] <= 30 + LEAD + 1


def test_a_broken_film_is_told_to_whoever_asks() -> None:
    def follow() -> Iterator[Shot | int]:
        yield 0
        yield 1
        raise OSError("gone")

    with Cuts(follow) as cuts:
        assert cuts.certain(0, 1) == 1
        with pytest.raises(OSError, match="gone"):
            cuts.certain(0, 5)
        with pytest.raises(OSError, match="gone"):
            cuts.shot(0)


def test_leaving_early_ends_the_search() -> None:
    with Cuts(lambda: steps([100_000])) as cuts:
        cuts.certain(0, 3)
    assert not cuts._thread.is_alive()
