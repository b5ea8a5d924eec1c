"""A part of a film's picture as a film: before-and-after videos often show both versions side by side, or one under the other."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from frdm.errors import DatasetError
from frdm.film import Box, Frame, ScanInfo, Transfer
from frdm.media.scan import Scan, open_scan

HALVES = ("left", "right", "top", "bottom")
LEAST = 32  # px of a side


class AreaScan:
    """A scan of which every frame is cut to one place; its codes stay what they are."""

    def __init__(self, scan: Scan, box: Box) -> None:
        self._scan, self._box = scan, box
        self._info = dataclasses.replace(scan.info, width=box.right - box.left, height=box.bottom - box.top)

    @property
    def info(self) -> ScanInfo:
        return self._info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames start … stop-1, cut."""
        return (self._cut(frame) for frame in self._scan.frames(start, stop))

    def frame(self, index: int) -> Frame:
        """One frame, cut."""
        return self._cut(self._scan.frame(index))

    def identity(self) -> str:
        """The scan's, with the place."""
        box = self._box
        return f"{self._scan.identity()}-{box.left}-{box.top}-{box.right}-{box.bottom}"

    def close(self) -> None:
        self._scan.close()

    def _cut(self, frame: Frame) -> Frame:
        places = [self._box.on_plane(self._scan.info.encoding, number) for number in range(len(frame.planes))]
        return Frame(frame.index, tuple(plane[place] for plane, place in zip(frame.planes, places, strict=True)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_area(path: Path, area: str | None, *, transfer: Transfer | None = None) -> Scan:
    """The film, or the part of its picture that `area` names: left, right, top, bottom, or x,y,w,h in pixels.

    Raises `DatasetError`, and what opening the film raises.
    """
    scan = open_scan(path, transfer=transfer)
    if area is None:
        return scan
    try:
        return AreaScan(scan, place(area, scan.info))
    except DatasetError:
        scan.close()
        raise


def place(area: str, info: ScanInfo) -> Box:
    """The box that `area` names; halves lose the odd pixel in the middle. Raises `DatasetError`."""
    width, height = info.width, info.height
    down, across = (max(info.encoding.step(number)[axis] for number in range(info.encoding.pictures)) for axis in (0, 1))
    if area in HALVES:
        w, h = (width // 2, height) if area in ("left", "right") else (width, height // 2)
        w, h = w // across * across, h // down * down
        x = (width - w) // across * across if area == "right" else 0
        y = (height - h) // down * down if area == "bottom" else 0
    else:
        try:
            x, y, w, h = (int(number) for number in area.split(","))
        except ValueError:
            raise DatasetError(f"{info.path}: area {area} found, wanted left, right, top, bottom or x,y,w,h in pixels") from None
    if x < 0 or y < 0 or w < LEAST or h < LEAST or x + w > width or y + h > height:
        raise DatasetError(f"{info.path}: area {area} doesn't lie in {width} × {height}, or is under {LEAST} px; give another")
    if x % across or w % across or y % down or h % down:
        raise DatasetError(f"{info.path}: area {area} cuts through colour samples; give multiples of {across} across and {down} down")
    return Box(0, y, x, y + h, x + w)
