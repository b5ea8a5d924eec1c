"""Whether planes carry the same grain, which decides whether a fill's is drawn once or for each."""

import numpy as np
import pytest

from frdm.film import Real
from frdm.signal.grain import grain_alike

EVERYWHERE = np.ones((64, 64), bool)


def planes(shared: float, edge: float) -> tuple[Real, Real]:
    """Two planes of one scene, with an edge of so many codes; `shared` is the part of their grain's power that is the same."""
    random = np.random.default_rng(3)
    both, first, other = random.normal(0, 4, (3, 64, 64))
    scene = np.full((64, 64), 90.0)
    scene[:, 30:] += edge
    return tuple((scene + np.sqrt(shared) * both + np.sqrt(1 - shared) * own).astype(np.float32) for own in (first, other))  # type: ignore[return-value]


@pytest.mark.parametrize("edge", [0.0, 120.0])
def test_grain_of_its_own_is_told_from_grain_that_is_shared_beside_an_edge_too(edge: float) -> None:
    assert grain_alike(*planes(1.0, edge), EVERYWHERE)
    assert grain_alike(*planes(0.95, edge), EVERYWHERE), "a scanner adds a little noise of its own to black-and-white film"
    assert not grain_alike(*planes(0.5, edge), EVERYWHERE)
    assert not grain_alike(*planes(0.0, edge), EVERYWHERE)


def test_where_nothing_can_be_told_grain_is_not_alike() -> None:
    first, other = planes(1.0, 0.0)
    assert not grain_alike(first, other, ~EVERYWHERE)
    assert not grain_alike(first, other[:, 1:], EVERYWHERE)
