"""Options override the recipe file, and what is not understood is one sentence."""

import json
from pathlib import Path

import pytest

from frdm.cli import main
from frdm.cli.settings import PLACES, RecipeOptions, chosen_recipe, frame_range
from frdm.errors import RecipeError
from frdm.presets import apply_preset
from frdm.recipe import Recipe, ShotPrompt, recipe_from


def test_without_options_the_recipe_is_the_default() -> None:
    assert chosen_recipe(RecipeOptions()) == Recipe()


def test_options_override_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('span = 48\n[detection]\nstrength = 0.2\npolarity = "dark"\n', encoding="utf-8")
    recipe = chosen_recipe(RecipeOptions(recipe=file, strength=0.9))
    assert (recipe.span, recipe.detection.strength, recipe.detection.polarity) == (48, 0.9, "dark")


def test_every_option_arrives() -> None:
    given = RecipeOptions(
        shots="cuts.edl",
        min_size=3.0,
        max_size=50.0,
        polarity="bright",
        keep=("hair",),
        film_gauge="16mm",
        source="negative",
        area="1,2,30,40",
        transfer="log",
        fields=True,
        protect="keep.png",
        dirtmap="infrared",
    )
    recipe = chosen_recipe(given)
    assert recipe.shots.list == "cuts.edl"
    assert (recipe.detection.min_size, recipe.detection.max_size, recipe.detection.polarity) == (3, 50, "bright")
    assert (recipe.detection.keep, recipe.detection.film, recipe.detection.source) == (("hair",), "16mm", "negative")
    assert (recipe.area.area, recipe.transfer, recipe.fields) == ("1,2,30,40", "log", True)
    assert (recipe.protect, recipe.dirtmap) == ("keep.png", "infrared")


def test_where_a_model_in_torch_lies_and_runs_arrives() -> None:
    filling = chosen_recipe(RecipeOptions(engine="diffusion", weights="a.safetensors", backbone="b", device="cuda")).filling
    assert (filling.weights, filling.backbone, filling.device) == ("a.safetensors", "b", "cuda")
    assert chosen_recipe(RecipeOptions(device="cpu")) == Recipe(), "what is the default may be said of any engine"


@pytest.mark.parametrize("in_file", [True, False])
def test_what_a_person_says_wins_over_a_preset_even_when_it_is_the_default(tmp_path: Path, in_file: bool) -> None:
    file = tmp_path / "r.toml"
    file.write_text('[detection]\nmin_size = 2.0\npolarity = "both"\n' if in_file else "span = 48\n", encoding="utf-8")
    said = {} if in_file else {"min_size": 2.0, "polarity": "both"}
    recipe = chosen_recipe(RecipeOptions(recipe=file, film_gauge="super8", source="negative", **said))
    found = recipe.detection
    assert (found.min_size, found.polarity) == (2.0, "both")
    assert (found.max_size, found.strength) == (180.0, 0.45)  # not said: the preset's
    assert apply_preset(recipe).detection == found  # as the job does that is given it


@pytest.mark.parametrize(
    "options",
    [
        RecipeOptions(steps=2),
        RecipeOptions(sampler="dpm"),
        RecipeOptions(seed=0),
        RecipeOptions(weights="hand"),
        RecipeOptions(prompt="motion: fast", engine="neighbours"),
        RecipeOptions(measured_tags=True),
        RecipeOptions(whole_frame=True, engine="neighbours"),
        RecipeOptions(whole_frame=True, engine="auto"),
        RecipeOptions(whole_frame=True, detector="net"),
        RecipeOptions(whole_frame=True, strength=0.5),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(options: RecipeOptions) -> None:
    with pytest.raises(RecipeError, match="leave it"):
        chosen_recipe(options)


def test_options_of_diffusion_go_with_diffusion() -> None:
    every = {"steps": 2, "sampler": "dpm", "seed": 3, "weights": "hand", "prompt": "motion: fast", "measured_tags": True}
    for way in ({"engine": "diffusion"}, {"engine": "auto"}, {"whole_frame": True}, {"whole_frame": True, "engine": "diffusion"}):
        filling = chosen_recipe(RecipeOptions(**every, **way)).filling
        assert (filling.steps, filling.sampler, filling.seed, filling.weights, filling.measured) == (2, "dpm", 3, "hand", True)
        assert filling.prompts == (ShotPrompt(0, "motion: fast"),)


def test_a_recipe_from_before_diffusion_still_opens() -> None:
    values = json.loads(Recipe(span=48).as_json())
    del values["whole_frame"]
    values["filling"] = {name: values["filling"][name] for name in ("engine", "least_trust", "feather")}
    assert recipe_from(values) == Recipe(span=48)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"filling\.seed"):
        chosen_recipe(RecipeOptions(engine="diffusion", seed=2**64))


def test_memory_without_diffusion_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", str(tmp_path), "--vram", "24GiB"]) == 2
    assert "--vram 24GiB: only diffusion keeps to it" in capsys.readouterr().err


def test_every_recipe_option_has_a_place() -> None:
    assert set(PLACES) | {"recipe", "shots", "prompt", "prompt_file"} == set(RecipeOptions.__dataclass_fields__)


def test_shots_none_takes_the_film_as_one_shot() -> None:
    assert not chosen_recipe(RecipeOptions(shots="none")).shots.detect


@pytest.mark.parametrize(
    "options",
    [RecipeOptions(engine="magic"), RecipeOptions(detector="nose"), RecipeOptions(film_gauge="9.5mm"), RecipeOptions(keep=("fluff",))],
)
def test_an_unknown_value_is_refused_by_name(options: RecipeOptions) -> None:
    with pytest.raises(RecipeError, match="magic|nose|9.5mm|fluff"):
        chosen_recipe(options)


@pytest.mark.parametrize(
    ("text", "wanted"), [(None, (0, None)), ("0-0", (0, 1)), ("10-47", (10, 48)), ("10-", (10, None)), ("-9", (0, 10)), ("7", (7, 8))]
)
def test_a_range_includes_both_ends(text: str | None, wanted: tuple[int, int | None]) -> None:
    assert frame_range(text) == wanted


@pytest.mark.parametrize("text", ["9-3", "a-b", "1-2-3", "3.5", "1:2"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="--range"):
        frame_range(text)
