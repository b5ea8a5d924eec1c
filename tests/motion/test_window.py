"""The window: which neighbours it has, where damage spoils motion, and motion carried across a hole."""

import numpy as np

from frdm.motion.window import carry, choose_offsets, dragged_along


def test_the_nearest_usable_frames_of_the_shot() -> None:
    assert choose_offsets(5, 0, 11) == (-1, 1, -2, 2)
    assert choose_offsets(0, 0, 11) == (1, 2, 3, 4)
    assert choose_offsets(5, 0, 11, skip=frozenset({4})) == (1, -2, 2, -3)
    assert choose_offsets(5, 5, 6) == ()


def test_damage_drags_motion_along_unless_the_median_takes_it_off() -> None:
    damaged = np.zeros((40, 60), bool)
    damaged[15:22, 20:27] = True
    damaged[5:7, 50:52] = True
    spoilt = dragged_along(damaged, 6)
    assert spoilt[18, 26 + 6] and not spoilt[18, 26 + 7]
    assert spoilt[15 - 6, 23] and not spoilt[15 - 7, 23]
    assert spoilt[:, 40:].sum() == 4
    assert not (damaged & ~spoilt).any()


def test_motion_is_carried_across_a_hole() -> None:
    """As it is beside the hole on either side, and untouched outside."""
    d = np.zeros((2, 40, 60), np.float32)
    d[1, :, 30:] = 4
    hole = np.zeros((40, 60), bool)
    hole[10:20, 5:15] = hole[10:20, 45:55] = True
    spoilt = d.copy()
    spoilt[:, hole] = 99
    carried = carry(spoilt, hole, 3.0)
    np.testing.assert_array_equal(carried[:, ~hole], d[:, ~hole])
    np.testing.assert_allclose(carried[:, hole], d[:, hole], atol=0.05)
    np.testing.assert_array_equal(carry(d, np.ones((40, 60), bool), 3.0), d)
