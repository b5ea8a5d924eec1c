"""The searched picture and the film's own: places, masks and motion go from one to the other and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frdm.film import Box, Defect
from frdm.motion.scale import SearchScale


@pytest.mark.parametrize(
    ("height", "reduced"), [(480, 480), (720, 720), (1049, 1049), (1080, 540), (1556, 778), (2160, 720), (3112, 778), (4320, 720)]
)
def test_only_large_pictures_are_reduced(height: int, reduced: int) -> None:
    scale = SearchScale.of(height, 2 * height)
    assert scale.reduced == (reduced, 2 * reduced)
    assert scale.same == (height == reduced)


def test_a_picture_of_the_same_size_is_not_touched() -> None:
    picture = np.random.default_rng(1).random((60, 80)).astype(np.float32)
    scale = SearchScale.of(60, 80)
    assert scale.shrink(picture) is picture
    assert scale.whole_box(Box(0, 3, 5, 11, 21)) == scale.box(Box(0, 3, 5, 11, 21)) == Box(0, 3, 5, 11, 21)


def test_boxes_on_the_chroma_grid_hold_the_box() -> None:
    assert SearchScale.of(60, 80).whole_box(Box(0, 3, 5, 11, 21), step=(2, 4)) == Box(0, 2, 4, 12, 24)


@given(st.integers(0, 1500), st.integers(0, 2000), st.integers(1, 56), st.integers(1, 48), st.integers(1500, 1600), st.integers(2001, 2100))
def test_a_box_lies_within_its_box_there_and_back(top: int, left: int, high: int, wide: int, height: int, width: int) -> None:
    scale = SearchScale.of(height, width)
    box = Box(7, min(top, height - 1), min(left, width - 1), min(top + high, height), min(left + wide, width))
    there = scale.box(box)
    back = scale.whole_box(there)
    assert 0 <= there.top < there.bottom <= scale.reduced[0]
    assert 0 <= there.left < there.right <= scale.reduced[1]
    assert back.top <= box.top
    assert back.left <= box.left
    assert back.bottom >= box.bottom
    assert back.right >= box.right


def test_a_defect_of_the_searched_picture_covers_the_same_place_of_the_film() -> None:
    scale = SearchScale((1557, 2049), (778, 1024))
    rows, columns = np.mgrid[:1557, :2049]
    disc = (rows - 700.0) ** 2 + (columns - 900.0) ** 2 < 40.0**2
    small = scale.shrink(disc.astype(np.float32)) > 0.5
    ys, xs = np.nonzero(small)
    box = Box(3, int(ys.min()), int(xs.min()), int(ys.max()) + 1, int(xs.max()) + 1)
    found = scale.whole_defect(Defect("dirt", "dark", box, small[box.rows, box.columns], 0.9))
    placed = np.zeros_like(disc)
    placed[found.box.rows, found.box.columns] = found.mask
    assert (placed & disc).sum() / (placed | disc).sum() > 0.95
    assert (found.box.frame, found.kind, found.confidence) == (3, "dirt", 0.9)
    again = scale.within(found.box, found.mask, scale.box(found.box))
    here = scale.box(found.box)
    assert (again & small[here.rows, here.columns]).sum() / (again | small[here.rows, here.columns]).sum() > 0.9


def test_motion_is_in_the_films_pixels() -> None:
    scale = SearchScale((1556, 2048), (778, 1024))
    d = np.stack([np.full((778, 1024), 2.0, np.float32), np.full((778, 1024), -3.0, np.float32)])
    crop, small = Box(0, 101, 201, 151, 261), Box(0, 40, 90, 90, 140)
    moved = scale.motion(d[:, small.rows, small.columns], small, crop)
    assert moved.shape == (2, 50, 60)
    np.testing.assert_allclose(moved[0], 4.0)
    np.testing.assert_allclose(moved[1], -6.0)


def test_a_crop_shows_what_lies_there() -> None:
    scale = SearchScale((1556, 2048), (778, 1024))
    slope = np.mgrid[:778, :1024][1].astype(np.float32) * 2 + 0.5  # the film's column at each reduced pixel's centre
    small, crop = Box(0, 40, 90, 90, 140), Box(0, 100, 200, 150, 260)
    shown = scale.enlarged(slope[small.rows, small.columns], small, crop)
    np.testing.assert_allclose(shown, np.broadcast_to(np.arange(200, 260), (50, 60)), atol=0.04)


def test_where_all_takes_only_whole_pixels() -> None:
    scale = SearchScale.of(1556, 2048)
    mask = np.ones((1556, 2048), bool)
    mask[500, 600] = False
    assert (~scale.where_all(mask)).sum() == 1
    assert not scale.where_all(mask)[250, 300]
