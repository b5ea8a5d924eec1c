"""Damage recipes: presets, TOML, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from frdm.damage.copying import CopySettings
from frdm.damage.look import draw_reel
from frdm.damage.recipe import CATEGORIES, PRESETS, DamageRecipe, LookSettings, damage_recipe_from, load_damage_recipe
from frdm.errors import DamageError


def test_presets_are_found_by_name() -> None:
    assert set(PRESETS) == {"light", "medium", "heavy", "home-movie", "lines", "none"}
    for name, recipe in PRESETS.items():
        assert load_damage_recipe(name) is recipe
        assert damage_recipe_from({"preset": name}) == recipe
    assert PRESETS["none"].copying == CopySettings.none()


def test_a_file_starts_from_a_preset_and_changes_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('preset = "light"\ntau = 0.1\n[dirt]\ndust = 3.5\n[copying]\ngrain = [0.0, 0.01]\n', encoding="utf-8")
    recipe = load_damage_recipe(file)
    light = PRESETS["light"]
    assert recipe.dirt.dust == 3.5 and recipe.tau == 0.1 and recipe.copying.grain == (0.0, 0.01)
    assert recipe.dirt.clumps == light.dirt.clumps and recipe.lines == light.lines
    assert load_damage_recipe(str(file)) == recipe


def test_a_template_folder_counts_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('templates = "pack"\n', encoding="utf-8")
    assert load_damage_recipe(file).templates == str(tmp_path / "pack")


def test_text_of_equal_recipes_is_equal() -> None:
    assert DamageRecipe().as_json() == PRESETS["medium"].as_json() != PRESETS["heavy"].as_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dirt]\ndust = -1\n", "dirt.dust"),
        ('[dirt]\ndust = "much"\n', "dirt.dust"),
        ("[dirt]\nduts = 1\n", "dirt.duts"),
        ("[look]\ncontrast = [2.0, 1.0]\n", "look.contrast"),
        ("[look]\nsource = 'both'\n", "look.source"),
        ("[copying]\ngrain = [2.0, 1.0]\n", "copying.grain"),
        ("tau = 0\n", "tau"),
        ("preset = 'awful'\n", "awful"),
        ("preset = ['light']\n", "light"),
        ("not toml", "not TOML"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DamageError, match=said):
        load_damage_recipe(file)


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(DamageError, match=r"gone\.toml.*light, medium"):
        load_damage_recipe("gone.toml")


def test_ranges_upside_down_are_refused_in_python_too() -> None:
    with pytest.raises(DamageError, match="softness"):
        dataclasses.replace(PRESETS["light"], look=LookSettings(softness=(1.0, 0.5)))


def test_every_rate_has_a_category() -> None:
    """A rate that is not listed would never be drawn."""
    tables = {name: getattr(PRESETS["medium"], name) for name in ("dirt", "hair", "scratch", "stain", "lines", "gate", "edge")}
    settings = {"dirt.size", "dirt.clustering", "scratch.emulsion", "lines.density", "edge.jump", "edge.glue"}
    every = {f"{table}.{field.name}" for table, values in tables.items() for field in dataclasses.fields(values)}
    assert every - settings == set(CATEGORIES)


@pytest.mark.parametrize("category", ["transient", "persistent", "mixed"])
def test_a_recipe_can_keep_to_a_category(category: str) -> None:
    rates = draw_reel(damage_recipe_from({"preset": "heavy", "categories": [category]}), 1, height=480, width=640).rates
    assert all((rates[name] > 0) == (CATEGORIES[name] == category) for name in CATEGORIES)


def test_every_setting_is_documented() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "damage.md").read_text(encoding="utf-8")
    names = set()
    for field in dataclasses.fields(DamageRecipe):
        inner = getattr(PRESETS["medium"], field.name)
        tables = dataclasses.is_dataclass(inner) and field.name != "copying"
        names |= {f"{field.name}.{each.name}" for each in dataclasses.fields(inner)} if tables else {field.name}
    assert not [name for name in sorted(names) if f"`{name}`" not in manual]
