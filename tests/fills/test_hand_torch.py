"""A model in torch as the hand: opened, asked, told and counted as exported ones are."""

import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from numpy.typing import NDArray

from fills.torch_hands import LONGEST, compact, write_compact, write_paper
from frdm.diffusion.asking import Crop, Footage, Inference
from frdm.diffusion.inference import restore, restore_tiles
from frdm.diffusion.planning import OFFLOADS, Plan, plan
from frdm.diffusion.tags import numbers_of
from frdm.errors import FrdmError, RecipeError, WeightsError
from frdm.fills.hand_costs import costs_of
from frdm.fills.hand_job import hand_job, heard
from frdm.fills.hand_net import HandParams
from frdm.fills.hand_opening import open_hand
from frdm.fills.hand_torch import HELD, TorchHand
from frdm.film import Encoding, ScanInfo
from frdm.model.counting import counted, weights_of
from frdm.model.net import TorchNet
from frdm.recipe import Filling, Recipe, ShotPrompt, WholeFrameSettings
from model.small_models import TOY

SETTINGS = Inference(tile=32, overlap=8, frames=3, frames_overlap=1, steps=2, sampler="ddim", context=8)
ONE = replace(SETTINGS, steps=1, residual=False)
TILES = replace(SETTINGS, frames_overlap=0, residual=False)


@pytest.fixture(scope="module")
def awake_hand(tmp_path_factory: pytest.TempPathFactory) -> TorchHand:
    """Its answer hangs on all that it is shown and told."""
    return torch_hand(write_compact(tmp_path_factory.mktemp("hand") / "hand.safetensors", amount=0.05))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    return write_paper(tmp_path_factory.mktemp("paper"))


def torch_hand(path: Path, backbone: Path | None = None) -> TorchHand:
    found = open_hand(path, backbone=backbone)
    assert isinstance(found, TorchHand)
    return found


def film(seed: int = 1, *, height: int = 40, width: int = 48) -> NDArray[np.float32]:
    out: NDArray[np.float32] = np.random.default_rng(seed).random((3, 4, height, width)).astype(np.float32)
    out.setflags(write=False)
    return out


def tile(seed: int, matte: tuple[slice, slice], top: int = 0) -> Footage:
    """One tile of a frame of 64 × 64, damaged in its middle frame."""
    shown = film(seed, height=32, width=32)[:, :3]
    damaged = np.zeros(shown.shape[1:], bool)
    damaged[1][matte] = True
    return Footage(shown, first=7, shot=0, matte=damaged, crop=Crop(top, 0, 64, 64, film(9, height=32, width=32)[:, :3]))


def test_it_restores_what_the_net_of_torch_restores(awake_hand: TorchHand) -> None:
    matte = np.zeros((4, 40, 48), bool)
    matte[1, 14:18, 16:20] = True
    shown = Footage(film(), 0, 0, matte=matte)
    made = restore(awake_hand.net(), shown, SETTINGS)
    assert isinstance(made, np.ndarray)
    model = compact(amount=0.05)
    assert np.abs(made - restore(TorchNet(model), shown, SETTINGS).numpy()).max() < 1e-5
    assert np.abs(made - film())[:, matte].max() > 0.01
    deaf = restore(awake_hand.net(), shown, replace(SETTINGS, cache=False))
    assert np.abs(made - deaf).max() > 1e-5


@pytest.mark.parametrize("chosen", [Plan(3, 4), Plan(2, 1, "weights")])
def test_a_plan_changes_no_bit(awake_hand: TorchHand, chosen: Plan) -> None:
    pieces = [tile(seed, (slice(8 + seed, 12 + seed), slice(9, 14)), top=8 * seed) for seed in range(3)]
    wanted = [restore_tiles(awake_hand.net(), [piece], TILES)[0] for piece in pieces]
    for made, alone in zip(restore_tiles(awake_hand.net(), pieces, TILES, chosen), wanted, strict=True):
        assert np.array_equal(made, alone)
    shown = Footage(film(), 0, 0)
    assert np.array_equal(restore(awake_hand.net(), shown, ONE, chosen), restore(awake_hand.net(), shown, ONE))


def test_two_mattes_at_one_place_are_two_looks(awake_hand: TorchHand) -> None:
    pieces = [tile(1, matte) for matte in ((slice(4, 9), slice(4, 9)), (slice(20, 26), slice(18, 24)), (slice(4, 9), slice(4, 9)))]
    alone = [restore_tiles(awake_hand.net(), [piece], TILES)[0] for piece in pieces]
    together = restore_tiles(awake_hand.net(), pieces, TILES, Plan(3))
    assert all(np.array_equal(one, other) for one, other in zip(together, alone, strict=True))
    assert not np.array_equal(together[0], together[1])


def test_the_number_of_threads_is_its_own_and_given_back(awake_hand: TorchHand) -> None:
    before = torch.get_num_threads()
    try:
        made = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            made.append(restore_tiles(awake_hand.net(), [tile(1, (slice(4, 9), slice(4, 9)))], TILES)[0])
            assert torch.get_num_threads() == threads
        assert np.array_equal(*made)
    finally:
        torch.set_num_threads(before)


def test_its_params_are_the_models(awake_hand: TorchHand, paper: tuple[Path, Path]) -> None:
    assert awake_hand.params == HandParams(compact().params.schedule, 3, 32, 4)
    assert torch_hand(*paper).params.factor == 2
    assert awake_hand.step.provider == f"torch {torch.__version__} cpu"
    assert (awake_hand.captions, torch_hand(*paper).captions) == (False, True)


def test_one_that_is_open_is_opened_again_only_when_a_file_has_changed(tmp_path: Path, paper: tuple[Path, Path]) -> None:
    path = write_compact(tmp_path / "hand.safetensors")
    first = open_hand(path)
    assert open_hand(path) is first
    write_compact(path, seed=1)
    os.utime(path, ns=(1, 1))
    assert open_hand(path).sha256 != first.sha256
    before = torch_hand(*paper)
    vocabulary = paper[1] / "tokenizer" / "tokenizer_config.json"
    kept = vocabulary.read_text(encoding="utf-8")
    vocabulary.write_text(kept + " ", encoding="utf-8")
    (first_sum, other), (sum_of_file, sum_of_backbone) = torch_hand(*paper).sha256.split(), before.sha256.split()
    vocabulary.write_text(kept, encoding="utf-8")
    assert first_sum == sum_of_file
    assert other != sum_of_backbone
    moved = paper[1].rename(tmp_path / "moved")
    assert torch_hand(paper[0], moved).sha256 == before.sha256
    moved.rename(paper[1])


# What it is told ----------------------------------------------------------------------------------------------------------------------


def test_tags_are_told_as_ever_and_captions_where_they_are_read(awake_hand: TorchHand, tmp_path: Path, paper: tuple[Path, Path]) -> None:
    said = {"motion": "slow", "gauge": "16mm"}
    assert heard(awake_hand, {"motion": "slow"}, "gauge: 16mm") == tuple(numbers_of(said))
    reads = torch_hand(write_compact(tmp_path / "reads.safetensors", words=4))
    assert len(heard(reads, {}, "a man runs")) == 4
    with pytest.raises(RecipeError, match=r"5 words found, at most 4 wanted; say it in fewer words"):
        heard(reads, {}, "a man runs very fast")
    hears = torch_hand(*paper)
    assert len(heard(hears, {}, "a man")) == LONGEST
    assert heard(hears, {}, "a man") != heard(hears, {}, "") != heard(hears, {}, "a cat")


def recipe_of(path: Path, backbone: Path | None = None, **more: Any) -> Recipe:
    return Recipe(filling=Filling(engine="diffusion", weights=str(path), backbone=None if backbone is None else str(backbone), **more))


def test_what_it_can_t_hear_is_one_sentence_before_a_frame_is_read(awake_hand: TorchHand, paper: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"prompt 'a man runs over a field': \d+ tokens found, at most 12 wanted; say it in fewer words"):
        hand_job(recipe_of(*paper, prompts=(ShotPrompt(0, "a man"), ShotPrompt(9, "a man runs over a field"))))
    with pytest.raises(RecipeError, match=r"measured: .* found weights that read captions; leave --measured-tags out"):
        hand_job(recipe_of(*paper, measured=True))
    knows_tags = write_compact(tmp_path / "hand.safetensors")
    with pytest.raises(RecipeError, match=r"prompt 'a man runs': a caption found, these weights know tags alone"):
        hand_job(recipe_of(knows_tags, prompts=(ShotPrompt(0, "a man runs"),)))
    assert hand_job(recipe_of(knows_tags, prompts=(ShotPrompt(0, "motion: fast"),), measured=True)) is not None


# What is refused ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["torch", "safetensors"])
def test_without_torch_it_says_which_extra_is_missing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_compact(tmp_path / "hand.safetensors")
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        WeightsError, match=rf"hand\.safetensors: a model in torch found, and {name} isn't installed; pip install 'frdm\[train\]'"
    ):
        open_hand(path)


def test_without_the_libraries_of_a_backbone_too(paper: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    hand_torch_cache_clear()
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(WeightsError, match=r"and diffusers isn't installed; pip install 'frdm\[train\]'"):
        open_hand(paper[0], backbone=paper[1])


def hand_torch_cache_clear() -> None:
    from frdm.fills.hand_torch import _opened

    _opened.cache_clear()


def test_a_card_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    path = write_compact(tmp_path / "hand.safetensors")
    with pytest.raises(RecipeError, match="--device cuda: this machine has no graphics card that torch can use; leave it out"):
        hand_job(recipe_of(path, device="cuda"))


def test_mistakes_are_one_sentence(tmp_path: Path, paper: tuple[Path, Path]) -> None:
    good = write_compact(tmp_path / "hand.safetensors")
    first = write_compact(tmp_path / "first.safetensors", stage="preprocess")
    (tmp_path / "text.safetensors").write_text("nothing", encoding="utf-8")
    cases: list[tuple[Filling, str]] = [
        (recipe_of(paper[0]).filling, "was trained around a pretrained backbone; give its folder with --backbone DIR"),
        (recipe_of(paper[0], tmp_path / "none").filling, "none: no folder of a backbone; give one with vae"),
        (recipe_of(good, paper[1]).filling, "a compact model found, which has no backbone; leave --backbone"),
        (recipe_of(first).filling, "weights of stage preprocess found, which know no diffusion; train the second"),
        (recipe_of(tmp_path / "text.safetensors").filling, "text.safetensors: can't be read"),
        (recipe_of(tmp_path / "gone.safetensors").filling, "gone.safetensors: can't be read"),
        (Filling(engine="auto", backbone="somewhere"), "--backbone somewhere: exported weights have none"),
        (Filling(engine="auto", device="cuda"), "--device cuda: exported weights run by ONNX Runtime"),
        (Filling(engine="auto", weights=str(tmp_path), device="cuda"), "--device cuda: exported weights run by ONNX Runtime"),
    ]
    for filling, sentence in cases:
        with pytest.raises(FrdmError, match=sentence) as raised:
            hand_job(Recipe(filling=filling))
        assert "\n" not in str(raised.value)


def test_weights_with_params_of_another_version_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "hand.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"kind": "frdm model 1", "params": '{"frames": "many"}', "backbone": ""})
    with pytest.raises(WeightsError, match=r"params: frames: .*found 'many'; it was made by another version"):
        open_hand(path)


def test_a_file_that_a_list_beside_it_doesn_t_know_so_is_refused(tmp_path: Path) -> None:
    path = write_compact(tmp_path / "hand.safetensors")
    sha256 = open_hand(path).sha256
    (tmp_path / "SHA256SUMS").write_text(f"{sha256}  hand.safetensors\n{'1' * 64}  other.safetensors\n", encoding="utf-8")
    assert open_hand(path).sha256 == sha256
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  hand.safetensors\n", encoding="utf-8")
    hand_torch_cache_clear()
    with pytest.raises(
        WeightsError, match=r"hand\.safetensors: sha256 \w{12}… found, 000000000000… wanted by SHA256SUMS; fetch them again"
    ):
        open_hand(path)


# Memory -------------------------------------------------------------------------------------------------------------------------------


def info(width: int, height: int) -> ScanInfo:
    return ScanInfo(Path("film"), width, height, Fraction(24), 10, Encoding("y", 16, white=65535), "png")


@pytest.mark.parametrize("kind", ["compact", "paper"])
def test_a_model_is_counted_on_shapes_and_stays_as_it_is(kind: str, tmp_path: Path, paper: tuple[Path, Path]) -> None:
    hand = torch_hand(*paper) if kind == "paper" else torch_hand(write_compact(tmp_path / "hand.safetensors", amount=0.05))
    shown = Footage(film(), 0, 0)
    before = restore(hand.net(), shown, ONE)
    every, largest = weights_of(hand.model)
    assert every == sum(one.nbytes for one in (*hand.model.parameters(), *hand.model.buffers()))
    assert 0.3 * every < largest < every
    (tile_bytes, coded), (same, more) = (counted(hand.model, size, held=HELD) for size in ((32, 32), (64, 96)))
    assert tile_bytes == same > 10 * 4 * 3 * 3 * 32 * 32 + HELD
    assert coded >= 4 * 3 * 32 * 32
    assert more > coded
    assert all(one.device.type == "cpu" for one in hand.model.parameters())
    assert np.array_equal(restore(hand.net(), shown, ONE), before)


def test_memory_is_planned_for_it(tmp_path: Path) -> None:
    path = write_compact(tmp_path / "hand.safetensors")
    hand = torch_hand(path)
    costs = costs_of(hand)
    assert all(Plan(1, 1, offload).needs(costs, 3) == Plan().needs(costs, 3) for offload in OFFLOADS), "nothing is saved on a processor"
    assert costs_of(hand, info(4096, 3112)).fixed > costs.fixed + 12 * 3 * 4096 * 3112
    on_card = costs_of(replace(hand, device="cuda"))
    need = on_card.fixed + on_card.largest_part + on_card.tile
    assert plan(need, on_card, 3, largest=1).offload == "weights"
    with pytest.raises(RecipeError, match="one tile with all else offloaded needs"):
        plan(need - 1, on_card, 3, largest=1)
    job = hand_job(recipe_of(path), memory=1 << 30)
    assert job is not None and job.how.plan == Plan() == hand_job(recipe_of(path)).how.plan  # type: ignore[union-attr]
    whole = replace(recipe_of(path), whole_frame=WholeFrameSettings(on=True))
    with pytest.raises(RecipeError, match="give that much, or a recipe"):
        hand_job(whole, info=info(4096, 3112), memory=1 << 30)


def test_the_toy_is_as_the_tests_suppose() -> None:
    assert (TOY.side, TOY.frames) == (SETTINGS.tile, SETTINGS.frames)
