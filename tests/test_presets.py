import json
from itertools import pairwise
from typing import get_args

import pytest

from frdm.presets import GAUGES, Settled, apply_preset
from frdm.recipe import Detection, Gauge, Recipe, recipe_from


def preset(**detection: object) -> Detection:
    return apply_preset(Recipe(detection=Detection(**detection))).detection  # type: ignore[arg-type]


def test_nothing_named_changes_nothing() -> None:
    assert apply_preset(Recipe()) == Recipe()


def test_every_gauge_has_a_preset() -> None:
    assert set(GAUGES) == set(get_args(Gauge))


def test_smaller_frames_have_larger_dirt() -> None:
    order = sorted(GAUGES.values(), key=lambda p: p.frame)
    for smaller, larger in pairwise(order):
        assert smaller.min_size >= larger.min_size and smaller.max_size > larger.max_size and smaller.strength <= larger.strength


def test_a_gauge_sets_sizes_and_strength() -> None:
    found = preset(film="super8")
    assert (found.min_size, found.max_size, found.strength) == (3.0, 180.0, 0.45) and found.polarity == "both"


@pytest.mark.parametrize(("source", "polarity"), [("negative", "bright"), ("positive", "dark")])
def test_what_was_scanned_sets_the_polarity(source: str, polarity: str) -> None:
    assert preset(source=source).polarity == polarity


def test_what_a_person_set_stays() -> None:
    found = preset(film="35mm", source="negative", min_size=7.0, polarity="dark")
    assert (found.min_size, found.max_size, found.polarity) == (7.0, 80.0, "dark")


def test_twice_is_once() -> None:
    recipe = apply_preset(Recipe(detection=Detection(film="8mm", source="positive")))
    assert apply_preset(recipe) == recipe


def test_a_settled_recipe_says_the_same_as_one_without_that_name() -> None:
    """So that what is recorded of it, and read back, is a recipe like any other."""
    recipe = apply_preset(Recipe(span=48, detection=Detection(film="8mm")))
    assert isinstance(recipe, Settled) and recipe_from(json.loads(recipe.as_json())).as_json() == recipe.as_json()
    assert (recipe.span, recipe.detection.max_size) == (48, 200.0)


def test_what_was_said_stays_though_it_is_the_default() -> None:
    recipe = apply_preset(Recipe(detection=Detection(film="8mm")), {"min_size"})
    assert (recipe.detection.min_size, recipe.detection.max_size) == (2.0, 200.0)
    assert apply_preset(recipe) is recipe
