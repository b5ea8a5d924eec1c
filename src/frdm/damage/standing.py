"""All that stands for many frames of one reel, as marks with their numbers; each piece is drawn once and kept while it stands."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from frdm.damage.edge import TEAR_LIFE, TEARS, tear_mark
from frdm.damage.events import Event, of_shot, standing
from frdm.damage.gate import CUE_LIFE, HAIR_LIFE, SPOT_LIFE, draw_cue_mark, draw_gate_hair, draw_spot, gate_hair_mark
from frdm.damage.lines import LIVES, WAYS, Line, Rain, draw_line, draw_rain, line_mark, rain_mark
from frdm.damage.look import ReelLook
from frdm.damage.painting import Mark
from frdm.damage.shapes import random_of

_STREAMS = {"steady": 31, "wandering": 32, "broken": 33, "rain": 34}  # of the seed's random numbers
_HAIR, _SPOT, _CUE, _SHOT = 35, 36, 37, 38
_KEPT = 256  # pieces

T = TypeVar("T")


class Standing:
    """What stands in a reel's pictures of `size` (height, width)."""

    def __init__(self, look: ReelLook, seed: int, size: tuple[int, int], *, density: float, starts: tuple[int, ...] = ()) -> None:
        """`density` is the recipe's factor on how many lines a shower has; `starts` are the frames at which shots begin, if known."""
        self._look, self._seed, self._size, self._density, self._starts = look, seed, size, density, starts
        self._pieces: dict[tuple[int, int, int], object] = {}

    def marks(self, frame: int, *, colour: bool) -> Iterator[tuple[int, Mark]]:
        """(number, mark) of everything that stands in frame `frame`."""
        yield from self._lines(frame, colour)
        yield from self._gate(frame)

    def tears(self, frame: int) -> Iterator[Mark]:
        """Torn perforations, whose shape is another in each frame."""
        rate = self._look.rates["edge.tears"]
        for event in standing(self._seed, TEARS, frame, number=rate * TEAR_LIFE, life=TEAR_LIFE):
            left = bool(event.random(self._seed).random() < 0.5)
            random = random_of(self._seed, *event.place, 2, frame - event.start)
            yield tear_mark(random, self._look, size=self._size, left=left)

    def _lines(self, frame: int, colour: bool) -> Iterator[tuple[int, Mark]]:
        look, size = self._look, self._size
        for way in WAYS:
            for event in self._events("lines", way, frame, LIVES[way]):
                line: Line = self._piece(event, lambda random, way=way: draw_line(random, look, size[1], way))  # type: ignore[misc]
                mark = line_mark(line, look, frame, size=size, colour=colour)
                if mark is not None:
                    yield event.number, mark
        for event in self._events("lines", "rain", frame, LIVES["rain"]):
            rain: Rain = self._piece(event, lambda random: draw_rain(random, look, size[1] / (640 * look.unit), self._density))
            yield event.number, rain_mark(rain, look, event, seed=self._seed, frame=frame, size=size)

    def _gate(self, frame: int) -> Iterator[tuple[int, Mark]]:
        look, seed, size = self._look, self._seed, self._size
        for event in self._hairs(frame):
            thread = self._piece(event, lambda random: draw_gate_hair(random, look, size=size))
            yield event.number, gate_hair_mark(thread, event, seed=seed, frame=frame, size=size)
        for event in standing(seed, _SPOT, frame, number=look.rates["gate.spots"], life=SPOT_LIFE):
            yield event.number, self._piece(event, lambda random: draw_spot(random, look, size=size))
        for event in standing(seed, _CUE, frame, number=look.rates["edge.cue_marks"] * CUE_LIFE, life=CUE_LIFE):
            yield event.number, self._piece(event, lambda random: draw_cue_mark(random, look, size=size))

    def _hairs(self, frame: int) -> list[Event]:
        """Hairs in the gate stand for a shot where shots are known, else for a drawn time."""
        rate = self._look.rates["gate.hairs"]
        if self._starts:
            return of_shot(self._seed, _SHOT, frame, number=rate, starts=self._starts)
        return standing(self._seed, _HAIR, frame, number=rate, life=HAIR_LIFE)

    def _events(self, table: str, name: str, frame: int, life: float) -> list[Event]:
        return standing(self._seed, _STREAMS[name], frame, number=self._look.rates[f"{table}.{name}"], life=life)

    def _piece(self, event: Event, draw: Callable[[np.random.Generator], T]) -> T:
        """What the event is, drawn when it is first seen."""
        if event.place not in self._pieces:
            if len(self._pieces) >= _KEPT:
                self._pieces.clear()
            self._pieces[event.place] = draw(event.random(self._seed))
        return self._pieces[event.place]  # type: ignore[return-value]
