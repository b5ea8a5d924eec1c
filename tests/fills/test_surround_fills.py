"""The fill from a defect's surround: error falls, edges and texture go on, grain comes back, what nothing can tell is held."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from frdm.fills.exemplar import copied, find_pieces
from frdm.fills.neighbours import Fill, Ground
from frdm.fills.surround import fill_from_surround, trust_of
from frdm.film import Box, Codes, Defect, Encoding, Frame, Real
from frdm.motion.scale import SearchScale
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.rendering import composite
from frdm.signal.grain import high_pass, measure_grain
from frdm.signal.working import working

ENCODINGS = {
    "8-bit grey": Encoding("y", 8),
    "16-bit RGB": Encoding("rgb", 16, white=65535.0),
    "half linear RGB": Encoding("rgb", 16, floating=True, transfer="linear", white=1.0),
    "10-bit 4:2:0": Encoding("ycbcr", 10, subsampling=(2, 2), black=64.0, white=940.0),
}


def coded(picture: Real, encoding: Encoding) -> tuple[Codes, ...]:
    """A grey picture 0 … 1 as planes."""
    shown = picture.astype(np.float64)
    if encoding.floating:
        return (np.power(np.clip(shown, 0, 1), 2.4).astype(encoding.dtype),) * 3
    codes = np.rint(encoding.black + np.clip(shown, 0, 1) * (encoding.white - encoding.black)).astype(encoding.dtype)
    if encoding.layout != "ycbcr":
        return (codes,) * encoding.pictures
    return (codes, *(np.full(encoding.plane_shape(plane, *picture.shape), 1 << (encoding.bits - 1), encoding.dtype) for plane in (1, 2)))


def spot(height: int, width: int, *, at: tuple[int, int], radius: int) -> NDArray[np.bool_]:
    hole = np.zeros((height, width), np.uint8)
    cv2.circle(hole, (at[1], at[0]), radius, 1, -1)
    return hole > 0


def mended(
    clean: Real, hole: NDArray[np.bool_], encoding: Encoding, *, noise: float = 0.01, suspects: bool = False
) -> tuple[Fill, Frame, Frame]:
    """(fill, the damaged frame, the frame after it) of white dirt in `hole`."""
    damaged = Frame(7, coded(np.where(hole, np.float32(0.98), clean), encoding))
    luma = working(damaged, encoding).luma
    window = Window(damaged, luma, None, (), SearchScale(luma.shape, luma.shape))
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    box = Box(7, int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    defect = Defect("dirt", "bright", box, hole[box.rows, box.columns], 1.0)
    grain = tuple(measure_grain(plane) for plane in damaged.planes[: encoding.pictures])
    ground = Ground(encoding, hole | suspects, np.full(luma.shape, noise, np.float32), grain)
    made = fill_from_surround(window, defect, ground, Filling())
    after = damaged if made.patch is None else composite(damaged, [made.patch], encoding)[0]
    return made, damaged, after


def stripes(height: int = 160, width: int = 200, *, grain: float = 0.008) -> Real:
    """A slanted edge and regular stripes, under grain."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    shown = 0.45 + 0.12 * np.sin(2 * np.pi * columns / 8) + 0.2 * (rows > 0.4 * columns + 40)
    return (shown + np.random.default_rng(3).normal(0, grain, shown.shape)).astype(np.float32)


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_every_encoding_is_mended_and_nothing_else_touched(encoding: Encoding) -> None:
    clean = tiny.film(1, height=120, width=140, grain=0.01)[0]
    hole = spot(120, 140, at=(60, 70), radius=5)
    made, damaged, after = mended(clean, hole, encoding)
    assert made.provenance is not None
    assert (made.provenance.engine, made.provenance.sources) == ("surround", (7,))
    truth = working(Frame(7, coded(clean, encoding)), encoding).luma
    before_error, after_error = (float(np.abs(working(f, encoding).luma - truth)[hole].mean()) for f in (damaged, after))
    assert after_error < 0.06 < 0.3 < before_error
    for old, new in zip(damaged.planes, after.planes, strict=True):
        reached = cv2.resize(hole.astype(np.float32), old.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        assert not (old != new)[~reached].any()


def test_texture_goes_on_where_smooth_continuation_would_lose_it() -> None:
    clean = stripes()
    hole = spot(160, 200, at=(40, 140), radius=7)
    _, _, after = mended(clean, hole, ENCODINGS["8-bit grey"])
    got, smooth = after.planes[0] / 255, cv2.inpaint(tiny.codes(clean), hole.astype(np.uint8), 3, cv2.INPAINT_NS) / 255
    errors = [float(np.abs(shown - clean)[hole].mean()) for shown in (got, smooth)]
    assert errors[0] < 0.6 * errors[1]


def test_grain_comes_back() -> None:
    clean = (0.5 + np.random.default_rng(5).normal(0, 0.03, (160, 160))).astype(np.float32)
    hole = spot(160, 160, at=(80, 80), radius=7)
    made, _, after = mended(clean, hole, ENCODINGS["8-bit grey"], noise=0.03)
    assert made.patch is not None
    inside, around = (float(high_pass(after.planes[0].astype(np.float32))[where].std()) for where in (hole, ~hole))
    assert 0.7 < inside / around < 1.3


def test_calm_film_gets_no_grain_of_the_rest() -> None:
    clean = (0.5 + np.random.default_rng(5).normal(0, 0.03, (160, 240))).astype(np.float32)
    clean[:, :130] = 0.5
    hole = spot(160, 240, at=(80, 50), radius=6)
    _, _, after = mended(clean, hole, ENCODINGS["16-bit RGB"])
    assert float(after.planes[0][hole].std()) < 0.003 * 65535


def test_the_same_again_gives_the_same_codes() -> None:
    hole = spot(160, 200, at=(110, 60), radius=7)
    one, other = (mended(stripes(), hole, ENCODINGS["16-bit RGB"])[2] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True))


def test_what_is_too_large_is_held() -> None:
    clean = tiny.film(1, height=160, width=200)[0]
    made, _, _ = mended(clean, spot(160, 200, at=(80, 100), radius=30), ENCODINGS["8-bit grey"])
    assert made.patch is None
    assert "too large" in made.reason


def test_what_no_surround_can_tell_is_held() -> None:
    clean = np.random.default_rng(9).random((160, 200)).astype(np.float32)
    clean = cv2.resize(clean[::8, ::8], (200, 160), interpolation=cv2.INTER_NEAREST)  # a patchwork without any order
    made, _, _ = mended(np.asarray(clean, np.float32), spot(160, 200, at=(80, 100), radius=8), ENCODINGS["8-bit grey"])
    assert made.patch is None
    assert made.reason


def test_without_sound_film_around_it_is_held() -> None:
    clean = tiny.film(1, height=96, width=96)[0]
    made, _, _ = mended(clean, spot(96, 96, at=(40, 40), radius=5), ENCODINGS["8-bit grey"], suspects=True)
    assert made.patch is None
    assert made.reason == "no sound film around it"


def test_trust_falls_with_what_was_missed() -> None:
    assert trust_of(0.01, 0.02) == 1
    assert trust_of(0.06, 0.02) == pytest.approx(0.5)
    assert trust_of(0.2, 0.02) < 0.1


def test_pieces_come_from_sound_film_alone_and_fill_the_hole() -> None:
    luma = stripes(grain=0)
    hole = spot(160, 200, at=(100, 60), radius=6)
    sound = ~hole
    sound[:, :40] = False
    pieces = find_pieces([np.where(hole, 1, luma).astype(np.float32)], hole, sound, side=7, noise=0.01)
    filled = np.zeros_like(hole)
    for piece in pieces:
        rows, columns = piece.top + piece.away[0], piece.left + piece.away[1]
        assert sound[rows : rows + 7, columns : columns + 7].all()
        filled[piece.top : piece.top + 7, piece.left : piece.left + 7] |= piece.new
    assert np.array_equal(filled, hole)
    made = copied(np.where(hole, 1, luma).astype(np.float32), pieces, lift=0.06)
    assert float(np.abs(made - luma)[hole].mean()) < 0.03
    assert find_pieces([luma], hole, np.zeros_like(hole), side=7, noise=0.01) == []
