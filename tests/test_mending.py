"""The main path: what is protected is not touched by a grown edge either, and large frames are mended as small ones are."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import tiny
from frdm.film import Encoding, Frame, MendedFrame, ScanInfo, Shot, Span
from frdm.mending import NOTHING_SURE, mend
from frdm.recipe import Detection, Recipe


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


def test_a_blot_that_a_line_crosses_is_not_lost() -> None:
    film = tiny.film(7, height=240, width=320, pan=2.5, grain=0.012)
    film = film * (1 - 0.6 * np.exp(-(((np.arange(320) - 140) / 1.1) ** 2)))
    codes = np.stack([tiny.codes(f, 8) for f in film])
    cv2.circle(codes[3], (144, 120), 9, 250, -1, cv2.LINE_AA)
    frame = mended(codes, Encoding("y", 8))[3]
    found = [one.defect for one in frame.repairs] + [one.defect for one in frame.held]
    (line,) = (one for one in found if one.kind == "line")
    (blot,) = (one for one in found if one.kind != "line")
    assert blot.box.left < line.box.left and line.box.right < 148 <= blot.box.right
    over = blot.mask[:, line.box.left - blot.box.left : line.box.right - blot.box.left]
    assert not (over & line.mask[blot.box.top : blot.box.bottom]).any(), "what lies on the line is the line's"
    assert blot.mask.sum() > 250


class FaintEverywhere:
    """A stand-in for the net that half believes in one place of every frame, and in `sure` ones wholly."""

    def __init__(self, *, sure: bool) -> None:
        self.sure = sure

    def __call__(self, full: np.ndarray, half: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        logits = np.full((1, 2, *full.shape[2:]), -9.0, np.float32)
        logits[0, 0, 20:28, 30:38] = 0.6
        if self.sure:
            logits[0, 0, 40:48, 60:68] = 9.0
        return logits


def long_film(length: int) -> np.ndarray:
    """A grey film in which something is suspected in every frame, so that the net is asked."""
    film = tiny.film(length, height=64, width=96, grain=0.01)
    film[:, 22:26, 32:36] += 0.3 * np.sin(np.arange(length))[:, None, None]
    return np.stack([tiny.codes(f, 8) for f in film])


def of_spans(film: np.ndarray, recipe: Recipe, *spans: tuple[int, int]) -> list[list[str]]:
    """What is said of each frame when the film is mended in these spans."""
    drawn = Drawn([Frame(i, (np.ascontiguousarray(f),)) for i, f in enumerate(film)])
    info = ScanInfo(Path("film"), film.shape[2], film.shape[1], Fraction(24), len(film), Encoding("y", 8), "png")
    shot, out = Shot(0, len(film)), []
    for start, stop in spans:
        for one in mend(drawn, Span(shot, start, stop), info=info, recipe=recipe, given=drawn):
            out.append([*(f"{r.defect.box} {r.defect.confidence}" for r in one.repairs), *(f"{h.defect.box} {h.reason}" for h in one.held)])
    return out


def test_a_film_says_the_same_however_it_is_cut_into_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.defects.eye.load_net", lambda _: FaintEverywhere(sure=True))
    film, recipe = long_film(30), Recipe(detection=Detection(detector="net"))
    whole = of_spans(film, recipe, (0, 30))
    assert of_spans(film, recipe, (0, 7), (7, 26), (26, 30)) == whole
    assert of_spans(film, recipe, (28, 29)) == [whole[28]]


@pytest.mark.parametrize(("sure", "by_stretch"), [(True, True), (False, True), (False, False)])
def test_where_nothing_is_sure_what_is_found_is_held(sure: bool, by_stretch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.defects.eye.load_net", lambda _: FaintEverywhere(sure=sure))
    said = of_spans(long_film(12), Recipe(detection=Detection(detector="net", by_stretch=by_stretch)), (5, 6))[0]
    told = [one for one in said if NOTHING_SURE in one]
    assert bool(told) is (by_stretch and not sure)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_films_of_a_few_frames_are_gone_through(length: int) -> None:
    assert len(of_spans(long_film(length), Recipe(), (0, length))) == length
