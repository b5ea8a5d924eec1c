"""Boxes that tell a status by their line alone, and arrows that point where motion goes."""

import numpy as np
import pytest

from frdm.film import Box
from frdm.studio.marking import marked, with_arrows

BOX = Box(0, 40, 60, 80, 140)
ROOM = 4  # px between a box and its line, in a picture of this size


def drawn(status: str, ground: int = 128) -> np.ndarray:
    """Where a box with this status changed a grey picture."""
    picture = np.full((120, 200, 3), ground, np.uint8)
    return np.asarray((marked(picture, [(BOX, status)]) != picture).any(-1))


def rim(changed: np.ndarray) -> list[np.ndarray]:
    """The four sides of the line, without its corners."""
    top, bottom, left, right = BOX.top - ROOM, BOX.bottom + ROOM, BOX.left - ROOM, BOX.right + ROOM
    across, down = slice(left + 4, right - 3), slice(top + 4, bottom - 3)
    return [changed[top, across], changed[bottom, across], changed[down, left], changed[down, right]]


def test_an_accepted_repair_has_a_whole_line_around_it_and_nothing_on_it() -> None:
    changed = drawn("accepted")
    assert all(side.all() for side in rim(changed))
    assert not changed[BOX.rows, BOX.columns].any()


def test_a_held_one_has_dashes_with_its_corners_and_nothing_on_it() -> None:
    changed = drawn("held")
    assert all(0.3 < side.mean() < 0.9 for side in rim(changed))
    assert all(changed[row, column] for row in (BOX.top - ROOM, BOX.bottom + ROOM) for column in (BOX.left - ROOM, BOX.right + ROOM))
    assert not changed[BOX.rows, BOX.columns].any()


def test_a_rejected_one_is_crossed_out() -> None:
    changed = drawn("rejected")
    assert all(side.all() for side in rim(changed))
    assert changed[BOX.bottom - 3 :, BOX.left : BOX.left + 8].any()
    assert changed[BOX.top : BOX.top + 4, BOX.right - 8 : BOX.right].any()
    assert not changed[BOX.top : BOX.top + 4, BOX.left : BOX.left + 8].any()


@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("status", ["accepted", "held", "rejected"])
def test_a_line_is_seen_on_any_film(status: str, ground: int) -> None:
    """It is light on a dark rim: one of both stands out."""
    picture = np.full((120, 200, 3), ground, np.uint8)
    level = marked(picture, [(BOX, status)]).astype(int).sum(-1)
    assert max(level.max() - 3 * ground, 3 * ground - level.min()) > 250


def test_a_box_at_the_frames_edge_is_drawn_as_far_as_there_is_frame() -> None:
    picture = np.full((20, 20, 3), 90, np.uint8)
    assert marked(picture, [(Box(0, 0, 0, 20, 20), "held"), (Box(0, 0, 0, 2, 2), "rejected")]).shape == picture.shape


def test_arrows_point_where_it_goes() -> None:
    picture = np.full((140, 140, 3), 90, np.uint8)
    d = np.zeros((2, 70, 70), np.float32)
    assert np.array_equal(with_arrows(picture, d), picture)
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        d[:] = 0
        d[axis, 34:40, 34:40] = 6 * sign  # one arrow, from (77, 77)
        rows, columns = np.nonzero((with_arrows(picture, d) != picture).any(-1))
        middle = (rows.min() + rows.max()) / 2 - 77, (columns.min() + columns.max()) / 2 - 77
        assert sign * middle[axis] > 3
        assert abs(middle[1 - axis]) <= 1
