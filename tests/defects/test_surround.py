"""A piece in its surround: what hangs on something like it, and what has a colour of its own."""

import numpy as np
import pytest

from frdm.defects.objects import Pieces, pieces, rings
from frdm.defects.surround import colours, openness
from frdm.film import Encoding, Frame
from frdm.signal.working import luma, small_chroma


def lone_and_attached() -> tuple[np.ndarray, Pieces, np.ndarray]:
    """(picture, pieces, their surrounds): a bright blob alone, and the end of a bright arm of which the rest is no piece."""
    picture = np.random.default_rng(2).normal(0.3, 0.01, (120, 240)).astype(np.float32)
    marked = np.zeros(picture.shape, bool)
    marked[40:60, 40:60] = True
    marked[40:60, 160:180] = True
    picture[marked] += 0.4
    picture[44:56, 180:230] += 0.4  # the arm, which stays in the next frames
    found = pieces(marked, marked, 1, 10, 1e6)
    return picture, found, rings(found, marked, 2, 5)


def test_what_hangs_on_an_arm_is_open_on_that_side() -> None:
    picture, found, ring = lone_and_attached()
    every, side = openness(picture, None, found.labels, ring, found.boxes, np.array([0.4, 0.4]))
    assert every[0] == side[0] == 0
    assert 0.05 < every[1] < 0.4
    assert side[1] > 0.4  # it may lie across two directions


def test_another_colour_closes_the_outline() -> None:
    picture, found, ring = lone_and_attached()
    chroma = np.zeros((2, *picture.shape), np.float32)
    chroma[1, 44:56, 180:230] = 0.3
    side = openness(picture, chroma, found.labels, ring, found.boxes, np.array([0.4, 0.4]))[1]
    assert side[1] < 0.1


def test_a_large_piece_is_judged_by_its_outline_not_its_size() -> None:
    picture, found, ring = lone_and_attached()
    one = openness(picture, None, found.labels, ring, found.boxes, np.array([0.4, 0.4]))
    moved = Pieces(1, found.labels[:, ::-1].copy(), found.boxes, found.areas)
    boxes = found.boxes.copy()
    boxes[:, 0] = picture.shape[1] - boxes[:, 0] - boxes[:, 2]
    other = openness(picture[:, ::-1].copy(), None, moved.labels, ring[:, ::-1].copy(), boxes, np.array([0.4, 0.4]))
    np.testing.assert_allclose(one, other, atol=0.15)  # directions turn over with the picture


def test_colour_is_told_from_what_the_neighbours_show() -> None:
    chroma = np.zeros((2, 60, 80), np.float32)
    chroma[1] = 0.1  # a reddish film …
    labels = np.zeros((60, 80), np.int32)
    labels[10:20, 10:20], labels[30:40, 50:60] = 1, 2
    ring = np.zeros_like(labels)
    ring[22:25, 10:20], ring[42:45, 50:60] = 1, 2
    neighbour = chroma.copy()
    chroma[:, 10:20, 10:20] = 0  # … with grey dirt
    chroma[1, 30:40, 50:60] = 0.3  # … and a red glove
    still = np.zeros((2, 15, 20), np.float32)
    told = colours(chroma, [(neighbour, still), (neighbour, still)], labels, ring, 2)
    np.testing.assert_allclose(told["colour"], [0, 0.3], atol=1e-6)
    np.testing.assert_allclose(told["colour_ring"], [0.1, 0.1], atol=1e-6)
    np.testing.assert_allclose(told["colour_change"], [0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(told["colour_gain"], [-0.1, 0.2], atol=1e-6)


def test_film_of_one_plane_has_no_colour() -> None:
    labels = np.ones((4, 4), np.int32)
    assert all((v == 0).all() for v in colours(None, [], labels, labels, 1).values())


@pytest.mark.parametrize(("layout", "subsampling"), [("rgb", (1, 1)), ("ycbcr", (2, 2)), ("ycbcr", (1, 1)), ("y", (1, 1))])
@pytest.mark.parametrize("size", [(40, 60), (20, 30)])
def test_colour_differences_come_at_the_size_that_is_searched(layout: str, subsampling: tuple[int, int], size: tuple[int, int]) -> None:
    encoding = Encoding(layout, 8, subsampling=subsampling)  # type: ignore[arg-type]
    grey = [np.full(encoding.plane_shape(i, 40, 60), 128, np.uint8) for i in range(encoding.pictures)]
    red = [plane.copy() for plane in grey]
    if layout != "y":
        red[0 if layout == "rgb" else 2][:] = 200
    for planes, colourful in ((grey, False), (red, layout != "y")):
        frame = Frame(0, tuple(planes))
        whole = luma(frame.planes, encoding)
        small = whole[:: 40 // size[0], :: 60 // size[1]]
        chroma = small_chroma(frame, encoding, np.ascontiguousarray(small))
        if layout == "y":
            assert chroma is None
            continue
        assert chroma is not None
        assert chroma.shape == (2, *size)
        assert (float(chroma[1].mean()) > 0.1) == colourful
        assert abs(float(chroma[0].mean())) < 0.12
