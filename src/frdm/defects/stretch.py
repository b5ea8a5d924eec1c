"""The stretch of a shot that a frame lies in: which of its frames are looked at before any of them is mended, and what they show.

Always the same frames, so that what comes of a frame does not depend on how a film is cut into spans, ranges or jobs: blocks lie on a grid
of the film's own frame numbers, which a range does not move.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Protocol

from frdm.defects import eye
from frdm.defects.classical import Tests
from frdm.defects.lines import find_lines
from frdm.defects.outlook import Glance, Outlook
from frdm.film import Encoding, Frame, Mask, Shot
from frdm.motion.reel import HALO, Reel
from frdm.motion.window import Window
from frdm.recipe import Detection

BLOCK = 24  # frames; a stretch is a frame's own block and the one before. Blocks lie where the film's frame numbers say, within a shot
SHORT = 12  # frames of a shot's first block below which it is one with the next
GLANCES = 3  # frames of a block that are looked at; of a short one every third
SPACING = 3
FEWEST = 2  # neighbours without which nothing is judged: one other frame can't tell dirt from film
ENOUGH = 3  # frames of a stretch that must have been looked at; fewer say nothing to any of its frames


class FrameSource(Protocol):
    """Whatever gives a film's frames in order."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """The stretches of one shot. What was seen of a frame is kept in `seen`, which the spans of a film may share."""

    source: FrameSource
    shot: Shot
    encoding: Encoding
    settings: Detection
    allowed: Callable[[Frame], Mask | None]  # where repairs may be made
    seen: dict[int, Glance | None] = field(default_factory=dict)  # None: a frame without neighbours enough

    def outlook(self, index: int, pool: Executor) -> Outlook:
        """What the other frames show that were looked at in the stretch of frame `index`. `pool` is for the motion."""
        stretch = blocks(self.shot, index)
        for start, stop in stretch:
            self._look(start, stop, pool)
        looked = {place: self.seen[place] for start, stop in stretch for place in places(start, stop)}
        told = {place: glance for place, glance in looked.items() if glance is not None}
        return Outlook(tuple(glance for place, glance in told.items() if place != index)) if len(told) >= ENOUGH else Outlook()

    def _look(self, start: int, stop: int, pool: Executor) -> None:
        missing = [place for place in places(start, stop) if place not in self.seen]
        if not missing:
            return
        first, last = max(missing[0] - HALO, self.shot.start), min(missing[-1] + HALO + 1, self.shot.stop)
        reel = Reel(self.source.frames(first, last), self.encoding, self.shot, first, pool)
        for place in missing:
            self.seen[place] = self._glance(reel.window(place))
            reel.forget(place)

    def _glance(self, window: Window) -> Glance | None:
        if len(window.neighbours) < FEWEST:
            return None
        allowed = self.allowed(window.frame)
        where = None if allowed is None else window.scale.where_all(allowed)
        tests = Tests.of(window)
        lines = find_lines(window, tests.noise, self.settings, where).defects
        return replace(eye.glance(window, tests, self.settings, where), lines=len(lines))


def blocks(shot: Shot, index: int) -> list[tuple[int, int]]:
    """(first, last + 1) of the block before that of frame `index`, if the shot has one, and of its own."""
    first = _first_end(shot.start)
    if index < first:
        return [(shot.start, min(first, shot.stop))]
    own = index // BLOCK * BLOCK
    return [(shot.start if own == first else own - BLOCK, own), (own, min(own + BLOCK, shot.stop))]


def block_end(start: int, frame: int) -> int:
    """Where the block ends, in a shot from `start` that goes on, in which the frame before `frame` lies."""
    return max(_first_end(start), -(-frame // BLOCK) * BLOCK)


def whole_blocks(start: int, stop: int) -> int:
    """Where the last whole block of a shot from `start` ends, at `stop` or before; `start` if none does."""
    return stop // BLOCK * BLOCK if stop >= _first_end(start) else start


def around(start: int, stop: int) -> tuple[int, int]:
    """The frames, first and last + 1, that those of a range hang on: their stretches, and room to find the cuts in them."""
    return start // BLOCK * BLOCK - 3 * BLOCK, -(-stop // BLOCK) * BLOCK + HALO + BLOCK


def _first_end(start: int) -> int:
    """Where the first block of a shot ends, if the shot is as long."""
    end = (start // BLOCK + 1) * BLOCK
    return end + BLOCK if end - start < SHORT else end


def places(start: int, stop: int) -> list[int]:
    """The frames of a block that are looked at, in order."""
    length = stop - start
    count = min(GLANCES, max(1, length // SPACING))
    return [start + (2 * i + 1) * length // (2 * count) for i in range(count)]
