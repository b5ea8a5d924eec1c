"""Fill a hole with pieces of the film close by: where its rim continues, the nearest sound place that looks like it is copied.

Pieces are laid from the rim inwards, first where most is known and where edges run into the hole, so that edges are continued before
flat ground closes over them. The same pieces serve every plane. Source: Criminisi 2004 (order of filling, copying of exemplars).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Mask, Real

REACH = 40  # px around a place in which its like is searched
NEAR = 0.3  # how much farther places must be better, in noise variances a pixel at `REACH`
LIFT = 0.06  # working units by which a copied piece may be lightened or darkened to meet the rim


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One copy: where to (top, left of a square), which of its pixels, which were known before, and from where (rows, columns away)."""

    top: int
    left: int
    new: Mask
    known: Mask
    away: tuple[int, int]


def find_pieces(guide: Sequence[Real], hole: Mask, sound: Mask, *, side: int, noise: float) -> list[Piece]:
    """The pieces that fill `hole` (H, W), in order. `guide`: planes (H, W) in working units that are compared, luma first; only `sound`
    places are copied from. `side` px, odd. Empty when there is no sound place to copy.
    """
    search = _Search(guide, hole, sound, side=side, noise=noise)
    pieces: list[Piece] = []
    while (at := search.next()) is not None:
        piece = search.piece(*at)
        if piece is None:
            return []
        pieces.append(piece)
    return pieces


def copied(plane: Real, pieces: Sequence[Piece], *, lift: float) -> Real:
    """The plane with the pieces copied in it, each moved by at most `lift` to meet what was known at its place."""
    out = plane.copy()
    for piece in pieces:
        rows, columns = (slice(at, at + size) for at, size in zip((piece.top, piece.left), piece.new.shape, strict=True))
        down, across = piece.away
        source = out[rows.start + down : rows.stop + down, columns.start + across : columns.stop + across]
        there = out[rows, columns]
        move = float(np.clip((there - source)[piece.known].mean(), -lift, lift)) if piece.known.any() else 0.0
        there[piece.new] = (source + np.float32(move))[piece.new]
    return out


class _Search:
    """The state of one filling."""

    def __init__(self, guide: Sequence[Real], hole: Mask, sound: Mask, *, side: int, noise: float) -> None:
        self._half, self._noise = side // 2, noise
        self._planes = [np.where(sound | hole, plane, 0).astype(np.float32) for plane in guide]
        self._known, self._todo = sound & ~hole, hole.copy()
        self._certain = self._known.astype(np.float32)
        box = np.ones((side, side), np.uint8)
        usable = cv2.erode(self._known.astype(np.uint8), box, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        self._usable = usable > 0  # squares of `side` around these are known film throughout
        self._side = side
        self._inward = _gradient(np.asarray(cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.5), np.float32))

    def next(self) -> tuple[int, int] | None:
        """The middle of the square to fill next; None when all is filled."""
        if not self._todo.any():
            return None
        front = self._todo & (cv2.dilate(self._known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
        front = front if front.any() else self._todo
        certain = cv2.blur(self._certain, (self._side, self._side), borderType=cv2.BORDER_CONSTANT)
        down, across = _gradient(self._planes[0])
        inside = cv2.erode(self._known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        along = np.abs(down * self._inward[1] - across * self._inward[0]) * inside  # an edge that runs into the hole
        edges = cv2.dilate(along, np.ones((self._side, self._side), np.uint8))
        priority = np.where(front, certain * (np.float32(self._noise) + edges), -1)
        row, column = np.unravel_index(int(np.argmax(priority)), priority.shape)
        return int(row), int(column)

    def piece(self, row: int, column: int) -> Piece | None:
        """Fill the square around a place and say how; None when nothing near is usable."""
        height, width = self._todo.shape
        half = self._half
        top, left = min(max(row - half, 0), height - self._side), min(max(column - half, 0), width - self._side)
        square = slice(top, top + self._side), slice(left, left + self._side)
        known, new = self._known[square].copy(), self._todo[square].copy()
        away = self._best(top, left, known)
        if away is None:
            return None
        down, across = away
        for plane in self._planes:
            source = plane[top + down : top + down + self._side, left + across : left + across + self._side]
            move = float(np.clip((plane[square] - source)[known].mean(), -LIFT, LIFT)) if known.any() else 0.0
            plane[square][new] = (source + np.float32(move))[new]
        self._certain[square][new] = self._certain[square].mean()
        self._known[square] |= new
        self._todo[square] &= ~new
        return Piece(top, left, new, known, away)

    def _best(self, top: int, left: int, known: Mask) -> tuple[int, int] | None:
        """(rows, columns) from the square at top, left to the one most like it."""
        height, width = self._todo.shape
        half = self._half
        first_row, last_row = max(top - REACH, 0), min(top + REACH, height - self._side)
        first_column, last_column = max(left - REACH, 0), min(left + REACH, width - self._side)
        usable = self._usable[first_row + half : last_row + half + 1, first_column + half : last_column + half + 1]
        if not usable.any():
            return None
        mask = known.astype(np.float32)
        count = max(float(mask.sum()), 1.0)
        miss = np.zeros(usable.shape, np.float32)
        for plane in self._planes:
            wide = plane[first_row : last_row + self._side, first_column : last_column + self._side]
            template = plane[top : top + self._side, left : left + self._side]
            middle = np.float32((template * mask).sum() / count)
            squares = cv2.filter2D((wide - middle) ** 2, -1, mask, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
            cross = cv2.filter2D(wide - middle, -1, mask * (template - middle), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
            means = cv2.filter2D(wide - middle, -1, mask, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT) / np.float32(count)
            moved = np.clip(-means, -LIFT, LIFT)  # the piece is lightened by this before it is laid
            own = np.float32((mask * (template - middle) ** 2).sum())
            total = squares - 2 * cross + own + 2 * moved * means * np.float32(count) + moved**2 * np.float32(count)
            miss += total[: usable.shape[0], : usable.shape[1]]
        rows, columns = np.ogrid[first_row : last_row + 1, first_column : last_column + 1]
        far = ((rows - top) ** 2 + (columns - left) ** 2).astype(np.float32) / np.float32(REACH**2)
        miss += np.float32(NEAR * self._noise**2 * count) * far
        row, column = np.unravel_index(int(np.argmin(np.where(usable, miss, np.inf))), miss.shape)
        return int(row) + first_row - top, int(column) + first_column - left


def _gradient(picture: Real) -> tuple[Real, Real]:
    """Slopes down and across."""
    return np.asarray(cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=0.125)), np.asarray(cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=0.125))
