"""Whole films train or validate, and stay on their side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frdm.dataset.split import SplitRule
from frdm.errors import DatasetError

names = st.text(min_size=1, max_size=30)


@given(names, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_side_hangs_on_the_name_alone(film: str, validation: float, test: float) -> None:
    assert SplitRule(validation, test).of(film) == SplitRule(validation, test).of(film)


@given(names, st.floats(0, 0.5))
def test_a_film_that_validates_still_does_when_more_do(film: str, share: float) -> None:
    if SplitRule(share).of(film) == "validation":
        assert SplitRule(share + 0.1).of(film) == "validation"


def test_shares_are_kept() -> None:
    sides = [SplitRule(0.2, 0.1).of(f"film {number}") for number in range(2000)]
    assert abs(sides.count("validation") / 2000 - 0.2) < 0.03 and abs(sides.count("test") / 2000 - 0.1) < 0.03


def test_named_films_go_where_they_are_named() -> None:
    rule = SplitRule(0.0, validation_films=("davis-*",), test_films=("bench",))
    assert [rule.of(film) for film in ("davis-bear", "bench", "other")] == ["validation", "test", "train"]
    with pytest.raises(DatasetError, match="one side"):
        SplitRule(validation_films=("a*",), test_films=("ab",)).of("ab")
    with pytest.raises(DatasetError, match="shares"):
        SplitRule(0.7, 0.6)
