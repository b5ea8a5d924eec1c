"""A moving stretch of a shot: frames, working pictures and motions, each made once and forgotten when no window needs it any more."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from frdm.film import Encoding, Frame, Real, Shot, frozen
from frdm.motion.align import Aligned, align
from frdm.motion.cadence import Cadence, cadence_picture, change, find_cadence, middle_change
from frdm.motion.flow import displacement, flow_picture, round_trip
from frdm.motion.scale import SearchScale
from frdm.motion.window import Neighbour, Window, choose_offsets
from frdm.signal.working import luma as luma_of
from frdm.signal.working import small_chroma

HALO = 4  # frames on either side on which a window may depend


class Reel:
    """Windows of one shot, asked for in rising order."""

    def __init__(self, frames: Iterable[Frame], encoding: Encoding, shot: Shot, first: int, pool: Executor) -> None:
        self._coming: Iterator[Frame] = iter(frames)
        self._encoding, self._shot, self._next, self._pool = encoding, shot, first, pool
        self._frames: dict[int, Frame] = {}
        self._lumas: dict[int, Real] = {}
        self._chromas: dict[int, Real | None] = {}
        self._small: dict[int, NDArray[np.uint8]] = {}
        self._sampled: dict[int, Real] = {}
        self._changes: dict[int, float] = {}
        self._middles: dict[int, float] = {}
        self._flows: dict[tuple[int, int], Real] = {}
        self._scale: SearchScale | None = None

    def windows(self, start: int, stop: int) -> Iterator[Window]:
        """The windows around frames start … stop-1, in order."""
        for index in range(start, stop):
            window = self.window(index)
            self.forget(index)
            yield window

    def window(self, index: int) -> Window:
        """The window around frame `index`."""
        self._read_to(min(index + HALO, self._shot.stop - 1))
        cadence = self._cadence(index)
        offsets = choose_offsets(index, self._shot.start, self._shot.stop, skip=cadence.skip)
        pairs = [pair for k in offsets for pair in ((index, index + k), (index + k, index))]
        if {-1, 1} <= set(offsets):
            pairs += [(index - 1, index + 1), (index + 1, index - 1)]
        self._measure(pairs)
        neighbours = list(self._pool.map(lambda k: self._neighbour(index, k), offsets))
        assert self._scale is not None
        return Window(self._frames[index], self._lumas[index], self._chromas[index], neighbours, self._scale, cadence)

    def forget(self, index: int) -> None:
        """Frames before `index` - HALO + 1 will not be asked for again."""
        oldest = index + 1 - HALO
        for store in (self._frames, self._lumas, self._chromas, self._small, self._sampled, self._changes, self._middles):
            for key in [k for k in store if k < oldest]:
                del store[key]
        for pair in [p for p in self._flows if min(p) < oldest]:
            del self._flows[pair]

    def _cadence(self, index: int) -> Cadence:
        near = range(max(index - HALO, self._shot.start), min(index + HALO, self._shot.stop - 1) + 1)
        changes, middles = ({i: kept[i] for i in near if i + 1 in near} for kept in (self._changes, self._middles))
        return find_cadence({i: self._sampled[i] for i in near}, index, changes=changes, middles=middles)

    def _read_to(self, last: int) -> None:
        while self._next <= last:
            frame = next(self._coming)
            whole = luma_of(frame.planes, self._encoding)
            self._scale = self._scale or SearchScale.of(*whole.shape)
            luma = frozen(self._scale.shrink(whole))
            self._frames[frame.index], self._lumas[frame.index] = frame, luma
            self._chromas[frame.index] = small_chroma(frame, self._encoding, luma)
            self._small[frame.index] = flow_picture(luma)
            self._sampled[frame.index] = cadence_picture(whole)
            if frame.index - 1 in self._sampled:
                pair = self._sampled[frame.index - 1], self._sampled[frame.index]
                self._changes[frame.index - 1], self._middles[frame.index - 1] = change(*pair), middle_change(*pair)
            self._next += 1

    def _measure(self, pairs: list[tuple[int, int]]) -> None:
        """Make the motions that are still missing, side by side."""
        missing = [p for p in dict.fromkeys(pairs) if p not in self._flows]
        self._flows.update(zip(missing, self._pool.map(self._motion, missing), strict=True))

    def _motion(self, pair: tuple[int, int]) -> Real:
        target, source = pair
        return displacement(self._small[target], self._small[source], far=abs(target - source) > 1)

    def _neighbour(self, index: int, offset: int) -> Neighbour:
        other, mirror = index + offset, index - offset
        there, back = self._flows[index, other], self._flows[other, index]
        aligned: Aligned = align(self._lumas[index], self._lumas[other], there, round_trip(there, back), offset)
        across = self._flows.get((mirror, other)) if abs(offset) == 1 else None
        halfway = None if across is None else across * np.float32(0.5)
        return Neighbour(self._frames[other], self._lumas[other], aligned, self._chromas[other], halfway)
