"""Levels of red, green and blue: there and back for every encoding, and the same as those that people are shown."""

import numpy as np
import pytest

import tiny
from frdm.display import colours
from frdm.fills.levels import codes_of, levels, levels_of
from frdm.film import Box, Encoding

ENCODINGS = [
    Encoding("y", 16, white=65535),
    Encoding("rgb", 10, transfer="log", black=95, white=685),
    Encoding("rgb", 8),
    Encoding("rgb", 16, floating=True, transfer="linear", white=1.0),
    Encoding("ycbcr", 8, subsampling=(2, 2), black=16, white=235),
    Encoding("ycbcr", 10, subsampling=(2, 1), black=64, white=940, matrix="bt2020"),
    Encoding("ycbcr", 8, subsampling=(4, 1), black=16, white=235, matrix="bt601"),
    Encoding("ycbcr", 12, black=0, white=4095),
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: f"{e.layout} {e.bits} {e.subsampling} {e.transfer}")
def test_levels_and_codes_are_each_others_inverse(encoding: Encoding) -> None:
    frame = tiny.random_frame(np.random.default_rng(1), encoding, height=19, width=27)
    seen = levels(frame, encoding, Box(0, 4, 8, 19, 27))
    assert seen.shape == (3, 15, 19)
    reach = encoding.white - encoding.black
    for plane, back in enumerate(codes_of(seen, encoding)):
        rows, columns = Box(0, 4, 8, 19, 27).on_plane(encoding, plane)
        assert np.allclose(back, frame.planes[plane][rows, columns].astype(np.float32), atol=2e-5 * reach, rtol=1e-3)


@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if e.subsampling == (1, 1) and e.transfer != "linear"], ids=lambda e: e.layout)
def test_they_are_what_people_are_shown(encoding: Encoding) -> None:
    frame = tiny.random_frame(np.random.default_rng(2), encoding, height=8, width=12)
    assert np.allclose(levels(frame, encoding, Box(0, 0, 0, 8, 12)).transpose(1, 2, 0), colours(frame, encoding), atol=1e-5)


def test_black_and_white() -> None:
    limited = Encoding("ycbcr", 8, black=16, white=235)
    planes = [np.array([[16, 235]], np.uint8), *[np.full((1, 2), 128, np.uint8)] * 2]
    assert np.allclose(levels_of(planes, limited), np.array([[[0, 1]]] * 3), atol=1e-6)


def test_what_is_no_number_is_black() -> None:
    encoding = Encoding("y", 32, floating=True, transfer="linear", white=1.0)
    assert not levels_of([np.full((2, 2), np.nan, np.float32)], encoding).any()
