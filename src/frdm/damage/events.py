"""What stands for many frames: when each piece comes and goes, a function of the seed and of absolute frame numbers alone.

Film time is cut into stretches as long as a piece lives in the mean. Each stretch draws how many pieces begin in it, where, and how long
they live (three means at most), so a frame looks at four stretches to know all that stands in it.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from frdm.damage.painting import PERSISTENT
from frdm.damage.shapes import random_of

_LONGEST = 3  # means
_EARLIEST = 1 << 20  # stretches before frame 0, so that no number is negative
_NUMBERS = 65536 - PERSISTENT


@dataclass(frozen=True, slots=True)
class Event:
    """One piece that stands in frames start … stop-1.

    `place` draws its random numbers; `number` is its id, 1000 … 65535, which may come again far off.
    """

    start: int
    stop: int
    number: int
    place: tuple[int, int, int]

    def random(self, seed: int) -> np.random.Generator:
        """Its own random numbers, always the same."""
        return random_of(seed, *self.place, 1)


def standing(seed: int, stream: int, frame: int, *, number: float, life: float) -> list[Event]:
    """The events that stand in `frame` when `number` stand at a time in the mean, each for `life` frames (exponential, ≥ 1)."""
    if number <= 0:
        return []
    stretch = max(1, round(life))
    here = frame // stretch
    found: list[Event] = []
    for index in range(here - _LONGEST, here + 1):
        found += _of_stretch(seed, stream, index, number * stretch / life, stretch)
    return [event for event in found if event.start <= frame < event.stop]


def of_shot(seed: int, stream: int, frame: int, *, number: float, starts: tuple[int, ...]) -> list[Event]:
    """The events that stand for the whole shot that `frame` lies in, `number` in the mean; shots begin at `starts`, in order."""
    place = bisect_right(starts, frame)
    start = starts[place - 1] if place else 0
    stop = starts[place] if place < len(starts) else frame + 1
    count = int(random_of(seed, stream, start, 0).poisson(number))
    return [Event(start, stop, PERSISTENT + (stream * 7919 + start * 61 + each) % _NUMBERS, (stream, start, each)) for each in range(count)]


@lru_cache(maxsize=4096)
def _of_stretch(seed: int, stream: int, index: int, rate: float, stretch: int) -> tuple[Event, ...]:
    place = (stream, index + _EARLIEST)
    random = random_of(seed, *place, 0)
    out = []
    for each in range(int(random.poisson(rate))):
        start = index * stretch + int(random.integers(stretch))
        lives = max(1, round(min(float(random.exponential()), _LONGEST - 1e-9) * stretch))
        stop = min(start + lives, (index + _LONGEST + 1) * stretch)
        number = PERSISTENT + (stream * 7919 + (index % _NUMBERS) * 61 + each) % _NUMBERS
        out.append(Event(start, stop, number, (*place, each)))
    return tuple(out)
