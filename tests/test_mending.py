"""The main path: what is protected is not touched by a grown edge either, and large frames are mended as small ones are."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

import tiny
from frdm.film import Encoding, Frame, MendedFrame, ScanInfo, Shot, Span
from frdm.mending import mend
from frdm.recipe import Recipe


class Drawn:
    """Frames in memory, with a matte of where repairs may be made."""

    def __init__(self, frames: list[Frame], allowed: np.ndarray | None = None) -> None:
        self._frames, self._allowed = frames, allowed

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        yield from self._frames[start:stop]

    def allowed(self, frame: Frame) -> np.ndarray | None:
        return self._allowed

    def dirt(self, frame: Frame) -> np.ndarray | None:
        return None


def mended(film: np.ndarray, encoding: Encoding, allowed: np.ndarray | None = None) -> list[MendedFrame]:
    """What comes of a film (T, H, W) of codes."""
    from fractions import Fraction
    from pathlib import Path

    drawn = Drawn([Frame(i, (np.ascontiguousarray(f),)) for i, f in enumerate(film)], allowed)
    info = ScanInfo(Path("film"), film.shape[2], film.shape[1], Fraction(24), len(film), encoding, "png")
    span = Span(Shot(0, len(film)), 0, len(film))
    return list(mend(drawn, span, info=info, recipe=Recipe(), given=drawn))


def dirty_film(height: int, width: int, radius: int, at: tuple[int, int]) -> np.ndarray:
    """Seven frames of 8 bits; the fourth has one black speck."""
    film = tiny.film(7, height=height, width=width, pan=1.0, grain=0.006)
    codes = np.stack([tiny.codes(f, 8) for f in film])
    cv2.circle(codes[3], at[::-1], radius, 8, -1, cv2.LINE_AA)
    return codes


@pytest.mark.parametrize("edge", [3, 1, 0])
def test_nothing_protected_is_touched_by_a_defect_beside_it(edge: int) -> None:
    film = dirty_film(160, 200, 7, (80, 100))
    allowed = np.ones((160, 200), bool)
    allowed[:, 100 + edge :] = False  # the speck lies across the edge
    (repair,) = mended(film, Encoding("y", 8), allowed)[3].repairs
    box = repair.patch.box
    forbidden = ~allowed[box.rows, box.columns]
    assert forbidden.any()
    assert not repair.patch.mattes[0][forbidden].any()
    assert repair.patch.mattes[0].any()


def test_a_large_frame_is_mended_where_the_speck_lies() -> None:
    film = dirty_film(1200, 1500, 17, (611, 703))
    (repair,) = mended(film, Encoding("y", 8))[3].repairs
    placed = np.zeros(film.shape[1:], bool)
    placed[repair.patch.box.rows, repair.patch.box.columns] = repair.patch.mattes[0] > 0
    rows, columns = np.mgrid[:1200, :1500]
    distance = np.hypot(rows - 611, columns - 703)
    assert placed[distance <= 17].all()
    assert distance[placed].max() < 17 + 10 * 1200 / 480
    clean = tiny.codes(tiny.film(7, height=1200, width=1500, pan=1.0, grain=0.006)[3], 8).astype(float)
    filled = repair.patch.codes[0].astype(float)
    truth = clean[repair.patch.box.rows, repair.patch.box.columns]
    assert np.abs(filled - truth)[placed[repair.patch.box.rows, repair.patch.box.columns]].mean() < 6
