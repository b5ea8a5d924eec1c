"""Boxes on a picture whose line tells a status without its colour too: a whole line, dashes, a line through it."""

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from frdm.display import Picture
from frdm.film import Box, Real
from frdm.studio.colours import LINE, STATUS

RIM = (16, 16, 16)  # beneath every line, so that it is seen on any film
ARROWS = 10  # across a picture
STILL = 0.5  # px below which a place stands still
Point = tuple[int, int]  # x, y
Stroke = tuple[Point, Point]


def marked(picture: Picture, places: Iterable[tuple[Box, str]]) -> Picture:
    """The picture with a box around each place, drawn as its status ("accepted", "held", "rejected") is drawn."""
    out = picture.copy()
    width = max(1, picture.shape[1] // 480)
    drawn = [(_strokes(box, status, width), STATUS[status]) for box, status in places]
    for strokes, _ in drawn:
        _lines(out, strokes, RIM, width + 2)
    for strokes, colour in drawn:
        _lines(out, strokes, colour, width)
    return out


def _strokes(box: Box, status: str, width: int) -> list[Stroke]:
    """The lines that a status draws around a box, some room between."""
    room = 3 * width + 1
    left, top, right, bottom = box.left - room, box.top - room, box.right + room, box.bottom + room
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    match LINE[status]:
        case "dashed":
            return [dash for side in sides for dash in _dashes(*side, length=8 * width)]
        case "crossed":
            return [*sides, ((left, bottom), (right, top))]
        case _:
            return [*sides]


def _dashes(start: Point, stop: Point, *, length: int) -> list[Stroke]:
    """A side as an odd number of parts about so long, of which every other is drawn: its corners always are."""
    parts = max(3, 2 * round(math.dist(start, stop) / (2 * length)) + 1)
    (x, y), (x2, y2) = start, stop
    points = [(round(x + (x2 - x) * n / parts), round(y + (y2 - y) * n / parts)) for n in range(parts + 1)]
    return [(points[n], points[n + 1]) for n in range(0, parts, 2)]


def _lines(out: Picture, strokes: Sequence[Stroke], colour: tuple[int, int, int], width: int) -> None:
    for start, stop in strokes:
        oblique = start[0] != stop[0] and start[1] != stop[1]
        cv2.line(out, start, stop, colour, width, cv2.LINE_AA if oblique else cv2.LINE_8)


def with_arrows(picture: Picture, d: Real) -> Picture:
    """The picture with arrows along a displacement (2, h, w) of it, whatever their sizes; none where less than half a pixel moves."""
    out = picture.copy()
    height, width = picture.shape[:2]
    step = width / ARROWS
    line = max(1, width // 480)
    most = max(float(np.quantile(np.hypot(*d[:, ::4, ::4]), 0.99)), 1.0)
    starts = [(column * step + step / 2, row * step + step / 2) for row in range(int(height / step)) for column in range(ARROWS)]
    for colour, wide in ((RIM, line + 2), ((255, 255, 255), line)):
        for x, y in starts:
            dy, dx = d[:, int(y * d.shape[1] / height), int(x * d.shape[2] / width)]
            speed = math.hypot(dx, dy)
            if speed >= STILL:
                reach = 0.8 * step * min(speed / most, 1) / speed
                tip = (round(x + dx * reach), round(y + dy * reach))
                cv2.arrowedLine(out, (round(x), round(y)), tip, colour, wide, cv2.LINE_AA, tipLength=0.35)
    return out
