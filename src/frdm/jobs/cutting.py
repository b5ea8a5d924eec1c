"""Shots found in a thread of their own, ahead of those who mend them: a long shot need not have ended before work on it begins."""

from collections.abc import Callable, Iterator
from threading import Condition, Thread
from types import TracebackType

from frdm.film import Shot

LEAD = 512  # frames that the search may be ahead of what was asked for

Follow = Callable[[], Iterator[Shot | int]]  # as frdm.motion.shots.follow_shots


class Cuts:
    """The shots of a film in order. Used in a `with`; an error of the search is raised to whoever asks."""

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._changed = Condition()
        self._shots: list[Shot] = []
        self._certain = self._wanted = 0
        self._ended = self._left = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="frdm-shots", daemon=True)

    def __enter__(self) -> "Cuts":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()
        self._thread.join()

    def certain(self, place: int, frame: int) -> int | Shot | None:
        """Wait until the film's shot number `place` (from 0) has ended, and give it, or until frames up to `frame` (exclusive) are certain
        to belong to it, and give how far it is certain to go. None: the film has fewer shots.
        """
        with self._changed:
            self._want(frame)
            self._changed.wait_for(
                lambda: self._ended or len(self._shots) > place or (len(self._shots) == place and self._certain >= frame)
            )
            if len(self._shots) > place:
                return self._shots[place]
            if self._reached(place, frame):
                return self._certain
            self._raise()
            return None

    def shot(self, place: int) -> Shot:
        """Wait for the end of the film's shot number `place` (from 0), which was found to begin."""
        with self._changed:
            self._want(None)
            self._changed.wait_for(lambda: self._ended or len(self._shots) > place)
            if len(self._shots) <= place:
                self._raise()
                raise IndexError(f"shot {place} of a film of {len(self._shots)}")
            self._wanted = self._shots[place].stop
            return self._shots[place]

    def _want(self, frame: int | None) -> None:
        """Let the search go on, to `LEAD` frames beyond `frame` or without bound."""
        self._wanted = 1 << 62 if frame is None else max(frame, self._wanted)
        self._changed.notify_all()

    def _reached(self, place: int, frame: int) -> bool:
        return len(self._shots) == place and self._certain >= frame

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for step in self._follow():
                with self._changed:
                    if isinstance(step, Shot):
                        self._shots.append(step)
                    else:
                        self._certain = step
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._left or self._certain < self._wanted + LEAD)
                    if self._left:
                        return
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
