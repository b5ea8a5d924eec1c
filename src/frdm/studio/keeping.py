"""The last answers, kept up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that takes room."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


class Kept(Generic[T]):
    """What was asked for last, by key; the oldest goes first. Safe from several threads."""

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._items: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key]

    def put(self, key: Hashable, item: T) -> None:
        with self._lock:
            if key in self._items:
                self._used -= self._items.pop(key).size
            self._items[key] = item
            self._used += item.size
            while self._used > self._room and len(self._items) > 1:
                self._used -= self._items.popitem(last=False)[1].size
