"""Scan + repairs: exact inside, bit-identical outside."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mended
import tiny
from frdm.film import WHOLE, Box, Encoding, Frame, Patch
from frdm.rendering import altered_mask, altered_pixels, blend, changed_masks, composite, digest, digest_outside, first_difference

ENCODINGS = [
    Encoding("y", 8),
    Encoding("y", 16),
    Encoding("rgb", 10),
    Encoding("rgb", 16, extra=("alpha",)),
    Encoding("ycbcr", 8, subsampling=(2, 2)),
    Encoding("ycbcr", 10, subsampling=(2, 1)),
    Encoding("ycbcr", 12, subsampling=(4, 1)),
    Encoding("rgb", 16, floating=True),
    Encoding("rgb", 32, floating=True, extra=("alpha", "Z")),
]


@st.composite
def boxes(draw: st.DrawFn, height: int, width: int) -> Box:
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return Box(0, top, left, draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width)))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(ENCODINGS), st.integers(5, 23), st.integers(5, 29), st.integers(0, 2**32))
def test_codes_outside_the_mattes_keep_their_bits(data: st.DataObject, encoding: Encoding, height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scan = tiny.random_frame(rng, encoding, height=height, width=width)
    patches = [mended.a_patch(rng, data.draw(boxes(height, width)), encoding) for _ in range(data.draw(st.integers(0, 3)))]
    before = [plane.tobytes() for plane in scan.planes]
    out, changed = composite(scan, patches, encoding)
    assert [plane.tobytes() for plane in scan.planes] == before
    for number, (old, new) in enumerate(zip(scan.planes, out.planes, strict=True)):
        touched = np.zeros(old.shape, np.bool_)
        for patch in patches if number < encoding.pictures else ():
            touched[patch.box.on_plane(encoding, number)] |= patch.mattes[number] > 0
        assert new.dtype == old.dtype
        assert np.array_equal(new[~touched].view(np.uint8), old[~touched].view(np.uint8))
        if changed is not None and number < encoding.pictures:
            assert np.array_equal(changed[number], touched)
    assert (changed is None) == (not patches)


@given(st.integers(0, WHOLE), st.integers(0, WHOLE), st.integers(0, WHOLE))
def test_the_blend_is_the_exactly_rounded_fraction(scan: int, fill: int, matte: int) -> None:
    exact = scan + Fraction(matte, WHOLE) * (fill - scan)
    made = blend(np.array([scan], np.uint16), np.array([fill], np.uint16), np.array([matte], np.uint16))
    assert abs(int(made[0]) - exact) < Fraction(1, 2)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(-2, 2, width=32), st.integers(1, WHOLE))
def test_the_blend_of_floats_is_rounded_once(scan: float, fill: float, matte: int) -> None:
    made = blend(np.array([scan], np.float32), np.array([fill], np.float32), np.array([matte], np.uint16))
    wanted = np.float32(fill) if matte == WHOLE else np.float32(scan + (matte / WHOLE) * (fill - scan))
    assert made[0] == wanted or abs(float(made[0]) - float(wanted)) <= np.spacing(np.abs(wanted))


def test_a_whole_matte_gives_the_fill_and_codes_that_are_no_number_are_replaced() -> None:
    scan = np.array([np.nan, np.inf, -np.inf, 1.0, 3.0], np.float16)
    made = blend(scan, np.full(5, 0.25, np.float16), np.array([1, 100, WHOLE, WHOLE, WHOLE], np.uint16))
    assert made.tolist() == [0.25] * 5


def test_nan_outside_a_matte_keeps_its_payload() -> None:
    encoding = Encoding("y", 32, floating=True)
    plane = np.zeros((4, 4), np.float32)
    plane.view(np.uint32)[1, 1] = 0x7FC12345  # a NaN with a message in it
    plane.view(np.uint32)[2, 2] = 0x80000000  # −0
    mattes = np.zeros((4, 4), np.uint16)
    mattes[0, 0] = WHOLE
    patch = Patch(Box(0, 0, 0, 4, 4), (mattes,), (np.ones((4, 4), np.float32),))
    out, _ = composite(Frame(0, (plane,)), [patch], encoding)
    assert out.planes[0].view(np.uint32)[1, 1] == 0x7FC12345
    assert out.planes[0].view(np.uint32)[2, 2] == 0x80000000
    assert out.planes[0][0, 0] == 1


def test_overlapping_patches_are_laid_in_order() -> None:
    encoding = Encoding("y", 8)
    whole = np.full((4, 4), WHOLE, np.uint16)
    first, second = (Patch(Box(0, 0, 0, 4, 4), (whole,), (np.full((4, 4), code, np.uint8),)) for code in (10, 200))
    scan = Frame(0, (np.zeros((6, 6), np.uint8),))
    assert composite(scan, [first, second], encoding)[0].planes[0][0, 0] == 200
    assert composite(scan, [second, first], encoding)[0].planes[0][0, 0] == 10


def test_a_patch_that_does_not_fit_is_an_error() -> None:
    whole = np.full((4, 5), WHOLE, np.uint16)
    patch = Patch(Box(0, 0, 0, 4, 4), (whole,), (np.zeros((4, 4), np.uint8),))
    with pytest.raises(ValueError, match="plane 0"):
        composite(Frame(0, (np.zeros((6, 6), np.uint8),)), [patch], Encoding("y", 8))


def test_a_fill_beyond_the_scans_depth_is_an_error() -> None:
    patch = Patch(Box(0, 0, 0, 2, 2), (np.full((2, 2), 9, np.uint16),), (np.full((2, 2), 1024, np.uint16),))
    with pytest.raises(ValueError, match="10 bits"):
        composite(Frame(0, (np.zeros((6, 6), np.uint16),)), [patch], Encoding("y", 10))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(ENCODINGS), st.integers(0, 2**32))
def test_altered_pixels_are_those_of_the_mask(data: st.DataObject, encoding: Encoding, seed: int) -> None:
    height, width = 16, 24  # whole chroma samples, so that none hangs over the frame's edge
    patch = mended.a_patch(np.random.default_rng(seed), data.draw(boxes(height, width)), encoding)
    changed = changed_masks([patch], encoding, height=height, width=width)
    assert altered_pixels(patch, encoding) == np.count_nonzero(altered_mask(changed, encoding, height=height, width=width))


def test_a_chroma_sample_alters_all_its_pixels_at_odd_sizes() -> None:
    encoding = Encoding("ycbcr", 8, subsampling=(2, 2))
    none, one = np.zeros((1, 1), np.uint16), np.full((1, 1), 7, np.uint16)
    patch = Patch(Box(0, 4, 4, 5, 5), (none, one, none), tuple(np.zeros((1, 1), np.uint8) for _ in range(3)))
    mask = altered_mask(changed_masks([patch], encoding, height=5, width=5), encoding, height=5, width=5)
    assert mask.shape == (5, 5)
    assert np.argwhere(mask).tolist() == [[4, 4]]


def test_digests_outside_are_equal_and_see_every_other_sample() -> None:
    encoding = Encoding("rgb", 16, extra=("alpha",))
    rng = np.random.default_rng(3)
    scan = tiny.random_frame(rng, encoding, height=20, width=30)
    out, changed = composite(scan, [mended.a_patch(rng, Box(0, 3, 3, 12, 20), encoding)], encoding)
    assert digest_outside(scan, changed) == digest_outside(out, changed)
    assert digest(scan) != digest(out)
    for plane in range(4):
        planes = [p.copy() for p in out.planes]
        planes[plane][19, 29] ^= 1
        assert digest_outside(Frame(0, tuple(planes)), changed) != digest_outside(scan, changed)


def test_the_first_difference_is_found_by_bits() -> None:
    a = np.zeros((3, 4), np.float32)
    b = a.copy()
    assert first_difference([a], [b]) is None
    b[1, 2] = -0.0
    assert first_difference([a, a], [a, b]) == (1, 1, 2)
    assert first_difference([a], [a[:2]]) == (0, 0, 0)
    assert first_difference([a], [a, a]) == (1, 0, 0)
