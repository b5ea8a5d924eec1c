"""The model whole: what it takes and gives, what learns and what does not, and every module off by one word."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from small_models import (
    CAPTION,
    TOY,
    TOY_PAPER,
    awake,
    batch_of,
    conditions_of,
    latents,
    pictures,
    places,
    prompt_of,
    toy,
)

from frdm.errors import RecipeError
from frdm.model.conditioners import SmallConditionerParams
from frdm.model.frdm import Frdm, FrdmParams, Where, times, without
from frdm.model.guidance import Switches
from frdm.model.loading import BackboneFolders, open_backbone
from frdm.model.losses import training_losses
from frdm.model.state_space import StateSpaceParams


@pytest.fixture(scope="module")
def opened(backbone_folder: Path) -> Frdm:
    torch.manual_seed(0)
    return Frdm(TOY_PAPER, open_backbone(BackboneFolders(backbone_folder)))


@pytest.fixture
def paper(opened: Frdm) -> Iterator[Frdm]:
    """A fresh model of the size paper; what a test changes is undone."""
    before = {name: value.clone() for name, value in opened.state_dict().items()}
    yield opened
    opened.load_state_dict(before)
    opened.zero_grad(set_to_none=True)
    opened.eval()


def test_compact_is_of_the_size_that_was_asked_for() -> None:
    model = Frdm(FrdmParams.compact())
    count = sum(one.numel() for one in model.parameters())
    assert 3e6 <= count <= 6e6 and 2 * count <= 12 * 2**20
    assert len(model.learning()) == len(list(model.parameters()))


def test_a_prediction_is_like_z_and_whole_frames_are_seen_once_for_all_tiles() -> None:
    model = awake(toy())
    with torch.no_grad():
        conditions, z = conditions_of(model), latents(model)
        assert model.denoise(z, times(500, 2, z), conditions).shape == z.shape
        one = model.see_whole(pictures(1, seed=3), prompt_of(model, 1))
        assert model.see_tiles(pictures(2), places(2), one).seen.frame.shape[0] == 2


def test_each_tile_is_denoised_by_itself() -> None:
    model = awake(toy())
    with torch.no_grad():
        z, conditions = latents(model), conditions_of(model)
        both = model.denoise(z, times(500, 2, z), conditions)
        whole = model.see_whole(pictures(2, seed=3)[1:], prompt_of(model)[1:])
        matte = (pictures(2, seed=4)[1:, :1] > 0.9).float()
        alone = model.see_tiles(pictures(2)[1:], Where(places().box[1:], places().size[1:]), whole, matte)
        assert torch.allclose(model.denoise(z[1:], times(500, 1, z), alone), both[1:], atol=1e-4)


def test_what_a_tile_is_told_changes_what_it_becomes() -> None:
    model = awake(toy(), 0.2)
    with torch.no_grad():
        z = latents(model)
        t, tile, whole_frame, tags = times(500, 2, z), pictures(), pictures(seed=3), prompt_of(model)
        whole = model.see_whole(whole_frame, tags)
        here = model.denoise(z, t, model.see_tiles(tile, places(), whole))
        elsewhere = Where(places().box + 32, places().size)
        matte = torch.zeros(2, 1, *tile.shape[2:]).index_fill(4, torch.arange(8), 1.0)
        others = {
            "t": model.denoise(z, times(20, 2, z), model.see_tiles(tile, places(), whole)),
            "tile": model.denoise(z, t, model.see_tiles(1 - tile, places(), whole)),
            "place": model.denoise(z, t, model.see_tiles(tile, elsewhere, whole)),
            "matte": model.denoise(z, t, model.see_tiles(tile, places(), whole, matte)),
            "frame": model.denoise(z, t, model.see_tiles(tile, places(), model.see_whole(1 - whole_frame, tags))),
            "prompt": model.denoise(z, t, model.see_tiles(tile, places(), model.see_whole(whole_frame, 0 * tags))),
        }
    assert not [name for name, other in others.items() if torch.allclose(other, here, atol=1e-4)]


OTHERS = {
    "noise": replace(TOY, schedule=replace(TOY.schedule, predicts="noise")),
    "velocity": replace(TOY, schedule=replace(TOY.schedule, predicts="velocity")),
    "clean": replace(TOY, schedule=replace(TOY.schedule, predicts="clean")),
    "attention": replace(TOY, preprocess=replace(TOY.preprocess, mixing="attention", state_space=StateSpaceParams(4))),
}


@pytest.mark.parametrize("kind", list(OTHERS))
def test_every_weight_of_compact_learns(kind: str) -> None:
    model = awake(toy(OTHERS[kind]))
    training_losses(model, batch_of(model), torch.tensor([900.0, 300.0])).total.backward()
    unreached = [name for name, one in model.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert unreached == []


def test_only_what_should_learns_in_paper(paper: Frdm) -> None:
    for module in (paper.guidance, paper.preprocess):
        assert module is not None
        awake(module)
    training_losses(paper.train(), batch_of(paper), torch.tensor([900.0, 300.0])).total.backward()
    learning = {name for name, _ in paper.learning()}
    assert not [name for name in learning if name.startswith("backbone.") or ".temporal." in name]
    frozen = [name for name, _ in paper.named_parameters() if name not in learning]
    assert any(".temporal." in name for name in frozen) and any("backbone.codec" in name for name in frozen)
    assert {name for name, one in paper.named_parameters() if one.grad is not None and one.grad.abs().sum() > 0} == learning
    assert not paper.backbone.denoiser.unet.training and not paper.backbone.frames.encoder.training


def test_before_it_has_learned_the_guidance_changes_nothing(paper: Frdm) -> None:
    fresh = toy()
    for model in (fresh, paper):
        with torch.no_grad():
            z, conditions = latents(model), conditions_of(model)
            t = times(700, 2, z)
            alone = model.backbone.denoiser(z, t, conditions.text, None)
            assert torch.equal(model.denoise(z, t, conditions), alone)
            assert alone.abs().sum() > 0


def test_paper_begins_with_the_weights_of_its_backbone(paper: Frdm) -> None:
    unet, guidance = paper.backbone.denoiser.unet, paper.guidance
    assert guidance is not None
    attention, own = unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1, guidance.levels[0][0].attention
    assert torch.equal(own.query.weight, attention.to_q.weight) and own.query.weight.data_ptr() != attention.to_q.weight.data_ptr()
    assert torch.equal(guidance.first.weight, unet.conv_in.weight)
    assert torch.equal(guidance.levels[1][0].block.block.conv1.weight, unet.down_blocks[1].resnets[0].conv1.weight)


def test_paper_keeps_less_when_blocks_are_run_again(paper: Frdm) -> None:
    weights = {one.untyped_storage().data_ptr() for one in paper.parameters()}

    def learned() -> tuple[list[torch.Tensor], int]:
        """The gradients, and the bytes that the way back finds kept for it."""
        kept: dict[int, int] = {}

        def keep(one: torch.Tensor) -> torch.Tensor:
            storage = one.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage.nbytes()
            return one

        paper.zero_grad(set_to_none=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            losses = training_losses(paper.train(), batch_of(paper), torch.tensor([900.0, 300.0]))
        losses.total.backward()
        return [one.grad.clone() for _, one in paper.learning() if one.grad is not None], sum(kept.values())

    plain, all_kept = learned()
    paper.checkpoint_blocks()
    again, few_kept = learned()
    paper.checkpoint_blocks(False)
    assert len(plain) == len(again) and all(torch.allclose(a, b, atol=1e-5) for a, b in zip(plain, again, strict=True))
    assert few_kept < all_kept / 3, (few_kept, all_kept)
    assert learned()[1] == pytest.approx(all_kept, rel=0.2)  # and switched off it is as before


@pytest.mark.parametrize("module", list(Switches.__dataclass_fields__))
def test_every_module_is_off_by_one_word(module: str) -> None:
    whole, model = toy(), awake(toy(without(TOY, module)))
    counts = [sum(one.numel() for one in each.parameters()) for each in (model, whole)]
    assert counts[0] < counts[1] or module == "memory"
    training_losses(model, batch_of(model), torch.tensor([900.0, 300.0])).total.backward()
    unlearned = {"guidance": ("preprocess.up.1", "backbone.frames", "backbone.prompts"), "prompt_fusion": ("backbone.prompts",)}
    silent = (*unlearned.get(module, ()), *(("backbone.frames",) if module == "frame_fusion" else ()))
    unreached = [name for name, one in model.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert not [name for name in unreached if not name.startswith(silent or ("-",))]


def test_bad_input_is_refused_in_a_sentence() -> None:
    model = toy()
    with pytest.raises(RecipeError, match=r"tile: 36×36 found, sides in multiples of 8 wanted; take another tile size"):
        model.see_tiles(torch.zeros(1, 3, 3, 36, 36), places(1), model.see_whole(pictures(1), prompt_of(model, 1)))
    with pytest.raises(RecipeError, match=r"whole frame: 40×32 found, sides in multiples of 16 wanted"):
        model.see_whole(torch.zeros(1, 3, 3, 40, 32), prompt_of(model, 1))
    with pytest.raises(RecipeError, match=r"module 'fft': there is none of this name; give one of preprocess, guidance, .*texture"):
        without(TOY, "fft")
    with pytest.raises(RecipeError, match=r"tag gauge: '70mm' is none of its values; give one of 8mm, super8, 16mm, 35mm, or leave it out"):
        model.backbone.prompts.numbers([{"gauge": "70mm"}])
    with pytest.raises(RecipeError, match=r"tag 'lens': there is none of this name; give one of shot size, .*gauge"):
        model.backbone.prompts.numbers([{"lens": "wide"}])
    with pytest.raises(RecipeError, match=r"model of size paper: no backbone given; open one"):
        Frdm(TOY_PAPER)


def test_a_caption_is_spelled_whole_or_refused(paper: Frdm) -> None:
    numbers = paper.backbone.prompts.numbers([CAPTION, ""])
    assert numbers.shape == (2, 12)
    assert paper.see_whole(pictures(), numbers).prompt.shape == (2, 12, 24)
    with pytest.raises(RecipeError, match=r"prompt 'a man runs after a train': 21 tokens found, at most 12 wanted; say it in fewer words"):
        paper.backbone.prompts.numbers(["a man runs after a train"])


READER = replace(TOY, small=replace(TOY.small, conditioners=SmallConditionerParams(16, words=5)))  # type: ignore[type-var]


def test_a_compact_model_can_read_captions() -> None:
    model = awake(toy(READER), 0.2)
    read = model.backbone.prompts.numbers
    said = read([CAPTION, "A man, runs!", "runs a man", ""])
    assert said.shape == (4, 5)
    assert torch.equal(said[0], said[1]) and sorted(said[0].tolist()) == sorted(said[2].tolist())
    assert said[0, :3].all() and not said[0, 3:].any() and not said[3].any()
    assert torch.equal(said[3:], read([model.backbone.prompts.nothing]))
    with torch.no_grad():
        z, t = latents(model), times(500, 2, latents(model))

        def made(*captions: str) -> torch.Tensor:
            return model.denoise(z, t, model.see_tiles(pictures(), places(), model.see_whole(pictures(seed=3), read(captions))))

        assert not torch.allclose(made(CAPTION, CAPTION), made("", ""), atol=1e-4)
        other = (made(CAPTION, CAPTION) - made("runs a man", "runs a man")).abs().max()  # order counts, little before anything is learned
        assert other > 5e-6 and torch.equal(made(CAPTION, CAPTION), made(CAPTION, CAPTION))
    batch = replace(batch_of(toy()), prompt=read([CAPTION, CAPTION]))
    training_losses(model, batch, torch.tensor([900.0, 300.0])).total.backward()
    gradient = model.backbone.prompts.values.weight.grad
    assert gradient is not None
    assert set(gradient.abs().sum(1).nonzero().flatten().tolist()) == set(said[0].tolist())
    with pytest.raises(RecipeError, match=r"prompt 'a man runs after a train': 6 words found, at most 5 wanted; say it in fewer words"):
        read(["a man runs after a train"])


def test_boxes_are_shares_of_the_frame() -> None:
    assert places(2).shares.tolist() == [[0.25, 0, 0.5, 0.25], [0.25, 0.25, 0.5, 0.5]]
