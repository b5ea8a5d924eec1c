"""The hand as a job opens it: prompts, memory, and what is refused before a frame is read."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import tiny
from fills.test_hand import GREY, PARAMS, hand, levels_of
from frdm.diffusion.planning import OFFLOADS, Plan
from frdm.diffusion.tags import TAGS, numbers_of, tags_in, told_by
from frdm.errors import RecipeError, WeightsError
from frdm.fills.hand import HandSettings
from frdm.fills.hand_costs import costs_of
from frdm.fills.hand_job import HandJob, hand_job, measured_of, prompt_at, refuse_small
from frdm.film import Encoding, Frame, ScanInfo, Shot
from frdm.recipe import Filling, Recipe, ShotPrompt, WholeFrameSettings


def info(width: int, height: int) -> ScanInfo:
    return ScanInfo(Path("film"), width, height, Fraction(24), 10, GREY, "png")


def test_a_recipe_of_real_film_opens_nothing() -> None:
    assert hand_job(Recipe()) is None


@pytest.mark.parametrize("recipe", [Recipe(filling=Filling(engine="auto")), Recipe(whole_frame=WholeFrameSettings(on=True))])
def test_a_folder_without_weights_is_one_sentence(recipe: Recipe, tmp_path: Path) -> None:
    there = replace(recipe, filling=replace(recipe.filling, weights=str(tmp_path)))
    with pytest.raises(WeightsError, match=r"hand_see\.onnx: can't be read \(No such file or directory\); give the folder"):
        hand_job(there)


def test_a_frame_smaller_than_a_tile_is_one_sentence() -> None:
    refuse_small(info(96, 96), PARAMS)
    with pytest.raises(RecipeError, match=r"film: a frame of 120 × 95 is smaller than a tile of the hand \(96 × 96 px\); give --engine"):
        refuse_small(info(120, 95), PARAMS)


def test_the_last_prompt_that_begins_before_a_shot_is_its_own() -> None:
    prompts = [ShotPrompt(40, "motion: fast"), ShotPrompt(0, "motion: slow"), ShotPrompt(90, "motion: still")]
    heard = [prompt_at(prompts, start) for start in (0, 39, 40, 89, 90, 500)]
    assert heard == [f"motion: {w}" for w in ["slow", "slow", "fast", "fast", "still", "still"]]
    assert prompt_at(prompts[:1], 0) == ""


def test_a_shots_numbers_are_what_is_measured_and_over_that_what_is_said() -> None:
    job = HandJob(hand(levels_of(tiny.film(5))), HandSettings(), (ShotPrompt(10, "gauge: 16mm, colour: mono"),), measured=True)

    def measured() -> dict[str, str]:
        return {"colour": "colour", "motion": "moderate", "camera": "steady", "gauge": "unknown"}

    first, second = (job.of_shot(Shot(start, start + 5), measured).how.prompt for start in (0, 10))
    assert first == (0, 0, 1 + TAGS["motion"].index("fast"), 1 + TAGS["colour"].index("colour"), 0)
    assert second == (0, 0, 1 + TAGS["motion"].index("fast"), 1 + TAGS["colour"].index("mono"), 1 + TAGS["gauge"].index("16mm"))


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a man runs across a square", "prompt 'a man runs across a square': a caption found, these weights know tags alone"),
        ("motion: fast, motion: slow", "prompt 'motion: fast, motion: slow': too long, motion is said twice"),
        ("speed: fast", "tag 'speed': there is none of this name; give one of shot size"),
        ("motion: quick", "tag motion: 'quick' is none of its values; give one of still, slow, fast"),
    ],
)
def test_what_the_weights_can_t_hear_is_one_sentence(prompt: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        numbers_of(tags_in(prompt))


def test_tags_are_read_in_any_order() -> None:
    assert tags_in(" gauge :16mm,motion: fast ,") == {"gauge": "16mm", "motion": "fast"}
    assert tags_in("") == {}
    assert told_by({"motion": "fast", "colour": "toned", "gauge": "9.5mm"}) == {"motion": "fast", "colour": "colour"}


def test_tags_of_the_nets_in_torch_are_the_same() -> None:
    pytest.importorskip("torch")
    from frdm.model.conditioners import TagEncoder

    said = [{"gauge": "16mm"}, {"motion": "fast", "shot size": "wide"}]
    assert np.array_equal(TagEncoder().numbers(said).numpy(), np.stack([numbers_of(one) for one in said]))


def test_a_shot_is_measured_on_its_frames() -> None:
    rgb = Encoding("rgb", 8)
    red, blue = tiny.film(4, pan=0.0, grain=0.0), tiny.film(4, pan=0.0, grain=0.0, seed=7)
    frames = [Frame(i, (tiny.codes(r), tiny.codes(b), tiny.codes(b))) for i, (r, b) in enumerate(zip(red, blue, strict=True))]
    tags = measured_of(frames, rgb, "16mm")
    assert (tags["colour"], tags["motion"], tags["gauge"]) == ("colour", "still", "16mm")
    assert measured_of([Frame(0, frames[0].planes[:1])], GREY, None)["gauge"] == "unknown"


def test_a_larger_batch_and_larger_frames_need_more_memory() -> None:
    known = replace(hand(levels_of(tiny.film(5))), size=1 << 20)
    costs = costs_of(known)
    assert costs.tile > 0
    for batch in (1, 2, 4):
        assert Plan(batch).needs(costs, 5) < Plan(batch + 1).needs(costs, 5)
    assert all(Plan(1, 1, offload).needs(costs, 5) == Plan(1).needs(costs, 5) for offload in OFFLOADS)
    assert costs_of(known, info(4096, 3112)).fixed > costs.fixed + 12 * 5 * 4096 * 3112
