import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frdm.film import Encoding, Frame
from frdm.signal.transfer import perceptual_from_linear
from frdm.signal.working import luma, small_luma, working

LOG = Encoding("rgb", 10, transfer="log", black=95, white=685)
HD = Encoding("ycbcr", 10, subsampling=(2, 2), black=64, white=940)


def flat(codes: tuple[float, ...], dtype: type = np.uint16, shape: tuple[int, int] = (5, 7)) -> Frame:
    return Frame(0, tuple(np.full(shape, code, dtype) for code in codes))


def test_black_is_0_and_white_is_1_in_every_encoding() -> None:
    for encoding in (LOG, HD, Encoding("y", 8, white=255), Encoding("rgb", 16, transfer="linear", white=65535)):
        for code, expected in ((encoding.black, 0.0), (encoding.white, 1.0)):
            grey = float(1 << (encoding.bits - 1))
            codes = (code, grey, grey) if encoding.layout == "ycbcr" else (code,) * encoding.pictures
            picture = working(flat(codes, encoding.dtype.type), encoding)
            assert picture.luma.dtype == np.float32
            assert picture.luma == pytest.approx(expected, abs=1e-6)
            assert picture.chroma is None or picture.chroma == pytest.approx(0, abs=1e-6)


def test_codes_beyond_black_and_white_are_kept() -> None:
    assert working(flat((0, 0, 0)), LOG).luma.max() < -0.15
    assert working(flat((1023,) * 3), LOG).luma.min() > 1.5


def test_luma_and_colour_of_primaries() -> None:
    """The rows of BT.709's matrix for R'G'B' to Y'CbCr."""
    full = Encoding("rgb", 8, white=255)
    expected = {0: (0.2126, -0.1146, 0.5), 1: (0.7152, -0.3854, -0.4542), 2: (0.0722, 0.5, -0.0458)}
    for plane, (bright, blue, red) in expected.items():
        codes = tuple(255 if p == plane else 0 for p in range(3))
        picture = working(flat(codes, np.uint8), full)
        assert picture.chroma is not None
        assert picture.luma == pytest.approx(bright, abs=1e-4)
        assert picture.chroma[0] == pytest.approx(blue, abs=1e-4)
        assert picture.chroma[1] == pytest.approx(red, abs=1e-4)


def test_chroma_has_its_planes_own_size_and_reach() -> None:
    frame = Frame(0, (np.full((5, 7), 64, np.uint16), np.full((3, 4), 960, np.uint16), np.full((3, 4), 64, np.uint16)))
    picture = working(frame, HD)
    assert picture.chroma is not None and picture.chroma.shape == (2, 3, 4)
    assert picture.chroma[0] == pytest.approx(0.5) and picture.chroma[1] == pytest.approx(-0.5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_broken_floats_do_no_harm(dtype: type) -> None:
    encoding = Encoding("rgb", np.dtype(dtype).itemsize * 8, floating=True, transfer="linear", white=1)
    plane = np.array([[np.nan, np.inf, -np.inf, -0.5, 0.18]], dtype)
    picture = working(Frame(0, (plane, plane, plane)), encoding)
    assert picture.chroma is not None
    assert np.isfinite(picture.luma).all() and np.isfinite(picture.chroma).all()
    assert picture.luma[0, 0] == 0 and picture.luma[0, 3] < 0
    assert picture.luma[0, 4] == pytest.approx(float(perceptual_from_linear(np.float32(dtype(0.18)))), abs=1e-5)


def test_half_and_full_floats_agree() -> None:
    codes = np.linspace(-1, 20, 2000, dtype=np.float16).reshape(50, 40)
    half = working(Frame(0, (codes,)), Encoding("y", 16, floating=True, transfer="linear", white=1))
    whole = working(Frame(0, (codes.astype(np.float32),)), Encoding("y", 32, floating=True, transfer="linear", white=1))
    assert half.luma == pytest.approx(whole.luma, abs=1e-6)


@given(code=st.integers(0, 1023), rows=st.integers(1, 140))
def test_every_row_is_converted(code: int, rows: int) -> None:
    """Heights that are no multiple of a strip."""
    picture = working(flat((code,) * 3, shape=(rows, 3)), LOG)
    assert picture.luma == pytest.approx((code - 95) / 590, abs=1e-5)


def test_extra_planes_are_not_looked_at() -> None:
    infrared = Encoding("y", 8, white=255, extra=("ir",))
    assert working(flat((51, 200), np.uint8), infrared).luma == pytest.approx(0.2)
    assert small_luma(flat((51, 200), np.uint8), infrared, 4) == pytest.approx(0.2)


def test_luma_alone_is_the_working_pictures() -> None:
    rng = np.random.default_rng(1)
    frame = Frame(0, tuple(rng.integers(0, 1024, (70, 9), dtype=np.uint16) for _ in range(3)))
    assert np.array_equal(luma(frame.planes, LOG), working(frame, LOG).luma)


def test_a_frame_is_left_alone() -> None:
    frame = flat((500,) * 3)
    picture = working(frame, LOG)
    with pytest.raises(ValueError, match="read-only"):
        picture.luma[0, 0] = 0
    assert (frame.planes[0] == 500).all()


@pytest.mark.parametrize(("size", "small"), [((100, 200), (16, 32)), ((30, 20), (30, 20)), ((1, 400), (1, 32))])
def test_small_luma(size: tuple[int, int], small: tuple[int, int]) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, size[1]).astype(np.uint8), size)
    picture = small_luma(Frame(0, (ramp,)), Encoding("y", 8, white=255), 32)
    assert picture.shape == small and picture.dtype == np.float32
    assert np.all(np.diff(picture, axis=1) >= 0) and 0.4 < picture.mean() < 0.6
