"""Work that runs in its own thread a few steps ahead of the one who uses it: reading and analysing overlap with writing."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_PATIENCE = 0.1  # seconds between looks at whether the user has gone


class _GoneError(Exception):
    """The user of the items has left; the work may stop."""


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


@contextmanager
def ahead(work: Callable[[Callable[[T], None]], None], *, depth: int) -> Iterator[Iterator[T]]:
    """The items that `work` gives to the function it is called with, at most `depth` of them waiting.

    An error of the work is raised where the items are used; leaving the `with` early stops the work at its next item.
    """
    items: queue.Queue[T | _End] = queue.Queue(depth)
    gone = threading.Event()

    def put(item: T | _End) -> None:
        while not gone.is_set():
            try:
                return items.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
        raise _GoneError

    def run() -> None:
        error: BaseException | None = None
        try:
            work(put)
        except _GoneError:
            return
        except BaseException as raised:
            error = raised
        try:
            put(_End(error))
        except _GoneError:
            return

    thread = threading.Thread(target=run, name="frdm-analysis", daemon=True)
    thread.start()
    try:
        yield _until_end(items)
    finally:
        gone.set()
        thread.join()


def _until_end(items: "queue.Queue[T | _End]") -> Iterator[T]:
    while True:
        item = items.get()
        if not isinstance(item, _End):
            yield item
        elif item.error is not None:
            raise item.error
        else:
            return
