"""What a person draws on a frame, as a mask: polygons, strokes of a brush, rectangles, small pictures; each may also rub out."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.errors import RecipeError
from frdm.film import Box, Mask

PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
FINE = 4  # binary digits after the point in which OpenCV takes places


@dataclass(frozen=True, slots=True)
class Polygon:
    """The inside of a closed line through points (x, y)."""

    points: Sequence[tuple[float, float]]
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Stroke:
    """A round brush of `width` px led along points (x, y)."""

    points: Sequence[tuple[float, float]]
    width: float
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Rows top … bottom-1, columns left … right-1."""

    top: int
    left: int
    bottom: int
    right: int
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """A gray PNG laid down at a corner: 128 and more is inside."""

    top: int
    left: int
    data: bytes
    erase: bool = False


Drawing = NDArray[np.uint8]
Shape = Polygon | Stroke | Rectangle | Stamp


def drawn(shapes: Sequence[Shape], *, height: int, width: int, frame: int) -> tuple[Box, Mask]:
    """The mask of all shapes, each laid over those before it, with its box. Raises `RecipeError` where nothing lies in the picture."""
    canvas = np.zeros((height, width), np.uint8)
    for shape in shapes:
        _lay(canvas, shape)
    rows, columns = np.flatnonzero(canvas.any(1)), np.flatnonzero(canvas.any(0))
    if not len(rows):
        raise RecipeError(f"frame {frame}: nothing was drawn inside of the picture ({width} × {height}); draw on it")
    box = Box(frame, int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return box, canvas[box.rows, box.columns] > 0


def _lay(canvas: Drawing, shape: Shape) -> None:
    ink = 0 if shape.erase else 1
    match shape:
        case Polygon():
            cv2.fillPoly(canvas, [_places(shape.points)], ink, cv2.LINE_8, FINE)
        case Stroke():
            _brush(canvas, shape, ink)
        case Rectangle():
            canvas[max(shape.top, 0) : max(shape.bottom, 0), max(shape.left, 0) : max(shape.right, 0)] = ink
        case Stamp():
            _stamp(canvas, shape, ink)


def _places(points: Sequence[tuple[float, float]]) -> NDArray[np.int32]:
    """Points in OpenCV's fixed numbers; its pixels lie around whole numbers, ours between them."""
    return np.rint((np.asarray(points, np.float64) - 0.5) * (1 << FINE)).astype(np.int32)


def _brush(canvas: Drawing, stroke: Stroke, ink: int) -> None:
    places = _places(stroke.points)
    thickness = max(1, round(stroke.width))
    if thickness > 1:
        radius = round(stroke.width / 2 * (1 << FINE))
        for x, y in (places[0].tolist(), places[-1].tolist()):
            cv2.circle(canvas, (x, y), radius, ink, -1, cv2.LINE_8, FINE)
    else:
        cv2.circle(canvas, (int(places[0][0]) >> FINE, int(places[0][1]) >> FINE), 0, ink, -1)
    cv2.polylines(canvas, [places], False, ink, thickness, cv2.LINE_8, FINE)


def _stamp(canvas: Drawing, stamp: Stamp, ink: int) -> None:
    if not _fits(stamp.data, canvas.shape):
        raise RecipeError("a drawn picture must be a gray PNG no larger than the frame; draw it again")
    picture = cv2.imdecode(np.frombuffer(stamp.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise RecipeError("a drawn picture must be a gray PNG no larger than the frame; this one can't be read")
    height, width = canvas.shape
    top, left = min(max(stamp.top, 0), height), min(max(stamp.left, 0), width)
    bottom, right = (
        min(max(at, 0), end) for at, end in zip((stamp.top + len(picture), stamp.left + picture.shape[1]), canvas.shape, strict=True)
    )
    if top < bottom and left < right:
        inside = picture[top - stamp.top : bottom - stamp.top, left - stamp.left : right - stamp.left] >= 128
        canvas[top:bottom, left:right][inside] = ink


def _fits(data: bytes, room: tuple[int, ...]) -> bool:
    """Whether a PNG says in its head that it is no larger than (height, width): it is not decoded to find out."""
    if not data.startswith(PNG_HEAD) or len(data) < len(PNG_HEAD) + 8:
        return False
    width, height = struct.unpack_from(">II", data, len(PNG_HEAD))
    return bool(0 < height <= room[0] and 0 < width <= room[1])
