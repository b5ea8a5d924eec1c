"""Frames of a film for people who jump about in it: one reader a scan, the last frames kept, the next ones read while one is looked at."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Self

from frdm.film import Encoding, Frame, ScanInfo
from frdm.media.scan import Scan, info_at

KEPT = 192 << 20  # bytes of decoded frames


class Frames:
    """Reads frames in one thread, which alone touches the scan; safe to be asked from any other."""

    def __init__(self, scan: Scan, *, kept: int = KEPT) -> None:
        self._scan, self._room = scan, kept
        self._reader = ThreadPoolExecutor(1, "frdm-reader")
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._coming: dict[int, Future[Frame]] = {}
        self._lock = Lock()
        self._size = self._looked = 0

    @property
    def info(self) -> ScanInfo:
        """What is known of the film."""
        return self._scan.info

    @property
    def scan(self) -> Scan:
        """The film itself: only to be asked for what it knows without reading."""
        return self._scan

    def info_at(self, index: int) -> ScanInfo:
        """What is known of one frame."""
        return info_at(self._scan, index)

    def encoding(self, index: int) -> Encoding:
        """How one frame's codes lie."""
        return self.info_at(index).encoding

    def frame(self, index: int) -> Frame:
        """One frame. Raises `MediaError`."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
            coming = self._asked(index)
        return coming.result()

    def follow(self, index: int) -> None:
        """Read ahead of a frame that is being looked at, the way that the looking goes; nothing while something is still awaited."""
        with self._lock:
            way = 1 if index >= self._looked else -1
            self._looked = index
            if self._coming:
                return
            for near in (index + way, index + 2 * way):
                if 0 <= near < self.info.length and near not in self._kept:
                    self._asked(near)

    def _asked(self, index: int) -> "Future[Frame]":
        if index not in self._coming:
            self._coming[index] = self._reader.submit(self._read, index)
        return self._coming[index]

    def _read(self, index: int) -> Frame:
        try:
            frame = self._scan.frame(index)
        except BaseException:
            with self._lock:
                self._coming.pop(index, None)
            raise
        with self._lock:
            self._coming.pop(index, None)
            self._kept[index] = frame
            self._size += _bytes(frame)
            while self._size > self._room and len(self._kept) > 1:
                self._size -= _bytes(self._kept.popitem(last=False)[1])
        return frame

    def close(self) -> None:
        """Wait for the reader and let go of the film."""
        self._reader.shutdown(cancel_futures=True)
        self._scan.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bytes(frame: Frame) -> int:
    return sum(plane.nbytes for plane in frame.planes)
