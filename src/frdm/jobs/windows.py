"""Single windows of a film, for mending by hand and for looking at how a frame was worked on: the same that an analysis sees."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import cv2

from frdm.fills.lone import lone_window
from frdm.film import Shot
from frdm.jobs.reading import Frames
from frdm.motion.reel import HALO, Reel
from frdm.motion.window import Window


class Windows:
    """Windows of one film, one at a time; the last one is kept, since a repair is often made again."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._last: tuple[int, Shot, Window] | None = None
        self._busy = Lock()

    def window(self, index: int, shot: Shot) -> Window:
        """The window around one frame of a shot. Raises `MediaError`."""
        with self._busy:
            if self._last is None or self._last[:2] != (index, shot):
                (window,) = self._made(index, index + 1, shot)
                self._last = index, shot, window
            return self._last[2]

    def windows(self, start: int, stop: int, shot: Shot) -> Iterator[Window]:
        """The windows around frames start … stop-1 of a shot, in order. Raises `MediaError`."""
        if stop - start == 1:
            yield self.window(start, shot)
        else:
            yield from self._made(start, stop, shot)

    def _made(self, start: int, stop: int, shot: Shot) -> Iterator[Window]:
        cv2.setNumThreads(1)  # motion's result depends on their number
        first, last = max(start - HALO, shot.start), min(stop + HALO, shot.stop)
        encoding = self._frames.encoding(start)
        with ThreadPoolExecutor(2) as pool:
            coming = (self._frames.frame(index) for index in range(first, last))
            yield from Reel(coming, encoding, shot, first, pool).windows(start, stop)

    def lone(self, index: int) -> Window:
        """A frame's window without neighbours, which is quick: enough to mend across a line or from the surround. Raises `MediaError`."""
        return lone_window(self._frames.frame(index), self._frames.encoding(index))
