"""What goes before what, where defects meet."""

import numpy as np
import pytest

from frdm.defects.given import apart_from, beyond
from frdm.film import Box, Defect, Mask

SHAPE = (480, 640)


def piece(top: int, left: int, height: int, width: int) -> Defect:
    return Defect("dust", "dark", Box(0, top, left, top + height, left + width), np.ones((height, width), bool), 0.9)


def line(left: int = 100, width: int = 4, height: int = 480) -> Defect:
    return Defect("line", "bright", Box(0, 0, left, height, left + width), np.ones((height, width), bool), 0.9)


def laid(defects: list[Defect]) -> Mask:
    out = np.zeros(SHAPE, bool)
    for one in defects:
        out[one.box.rows, one.box.columns] |= one.mask
    return out


def test_a_blot_that_a_line_crosses_is_kept_beyond_the_line() -> None:
    blot = piece(200, 85, 40, 40)
    left = beyond([blot], [line()], SHAPE)
    assert len(left) == 1 and left[0].box == blot.box and left[0].confidence == blot.confidence
    assert (laid(left) == (laid([blot]) & ~laid([line()]))).all()


@pytest.mark.parametrize("found", [piece(50, 99, 200, 6), piece(50, 102, 200, 4), piece(50, 96, 60, 12)])
def test_what_runs_along_a_line_is_the_line(found: Defect) -> None:
    assert beyond([found], [line()], SHAPE) == []


def test_what_touches_no_line_stays_as_it_is() -> None:
    near, far = piece(50, 104, 200, 2), piece(10, 300, 5, 5)
    assert beyond([near, far], [line()], SHAPE) == [near, far]
    assert beyond([near], [], SHAPE) == [near]


def test_beside_a_line_is_nearer_in_a_small_picture() -> None:
    found = piece(50, 100, 20, 12)
    assert beyond([found], [line(100, 2, 240)], (240, 640)), "1.5 px beside the line: 8 of 12 columns are its own"
    assert not beyond([found], [line(100, 2, 960)], (960, 640)), "6 px beside the line: 4 of 12 columns are"


def test_a_dirt_map_goes_before_all_that_touches_it() -> None:
    mark, touching, other = piece(200, 200, 10, 10), piece(205, 205, 40, 40), piece(10, 10, 5, 5)
    assert apart_from([touching, other], [mark], SHAPE) == [other]
