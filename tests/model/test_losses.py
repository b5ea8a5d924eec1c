"""Losses against values worked out by hand."""

import pytest

pytest.importorskip("torch")

from dataclasses import replace

import torch
from small_models import TOY, awake, batch_of, latents, pictures, places, toy

from frdm.diffusion.schedule import Schedule
from frdm.model.codec import PixelCodec
from frdm.model.frdm import without
from frdm.model.losses import (
    LossParams,
    Tiles,
    decoded_defect_loss,
    defect_loss,
    min_snr_weights,
    neighbours_heard,
    noise_loss,
    preprocess_loss,
    rectangle_of,
    share_of_film,
    training_losses,
)


def test_noise_is_a_mean_of_squares() -> None:
    prediction, target = torch.tensor([[1.0, 2.0], [0.0, 4.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    assert noise_loss(prediction, target).item() == pytest.approx((0 + 4 + 1 + 9) / 4)
    assert noise_loss(prediction, target, torch.tensor([1.0, 0.5])).item() == pytest.approx((2 + 0.5 * 5) / 2)


def test_preprocess_sums_over_scales() -> None:
    clean = torch.tensor([[0.0, 1.0], [1.0, 1.0]]).view(1, 1, 1, 2, 2)
    fine, coarse = torch.full((1, 1, 1, 2, 2), 0.5), torch.full((1, 1, 1, 1, 1), 0.5)
    assert preprocess_loss((fine, coarse), clean).item() == pytest.approx(0.5 + 0.25)
    assert preprocess_loss((), clean).item() == 0
    looks = preprocess_loss((fine, coarse), clean, lambda a, b: (a - b).square().mean() + a.shape[0])
    assert looks.item() == pytest.approx(0.75 + 0.25 + 1)


def test_defects_count_by_all_pixels_of_the_tile() -> None:
    clean, restored = torch.zeros(1, 3, 2, 4, 4), torch.full((1, 3, 2, 4, 4), 0.5)
    mask = torch.zeros(1, 1, 2, 4, 4)
    mask[0, 0, 0, 1, 1:3] = 1
    assert defect_loss(restored, clean, mask).item() == pytest.approx(0.5 * 2 / 32)
    mask[0, 0, 1] = 1
    assert defect_loss(restored, clean, mask).item() == pytest.approx(0.5 * 18 / 32)


def test_decoding_only_around_defects_gives_the_loss_of_all() -> None:
    model = toy()
    batch, codec = batch_of(model), PixelCodec()
    latent = latents(model)
    wanted = defect_loss(codec.decode(latent), batch.tiles.clean, batch.mask)
    sizes: list[tuple[int, ...]] = []
    found = decoded_defect_loss(Watched(sizes), latent, batch, torch.ones(2), margin=3)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert sizes == [(4, 4)], "rows 4 … 19, columns 8 … 23 in cells of 4"
    nothing = replace(batch, mask=torch.zeros_like(batch.mask))
    assert decoded_defect_loss(codec, latent.requires_grad_(True), nothing, torch.ones(2), margin=3).item() == 0


class Watched(PixelCodec):
    """Notes what it decodes."""

    def __init__(self, sizes: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.sizes = sizes

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        self.sizes.append(tuple(latent.shape[3:]))
        return super().decode(latent)


def test_a_rectangle_of_whole_cells() -> None:
    mask = torch.zeros(2, 1, 2, 32, 32)
    assert rectangle_of(mask, 4, 0) is None
    mask[0, 0, 1, 9, 13] = mask[1, 0, 0, 10, 30] = 1
    assert rectangle_of(mask, 4, 0) == (slice(8, 12), slice(12, 32))
    assert rectangle_of(mask, 8, 9) == (slice(0, 24), slice(0, 32))


def test_weights_at_high_noise() -> None:
    t = torch.tensor([100.0, 900.0])
    noise, velocity, clean = (Schedule("cosine", predicts) for predicts in ("noise", "velocity", "clean"))
    shares = [noise.alpha_bar(float(at)) for at in t]
    snr = [share / (1 - share) for share in shares]
    assert share_of_film(t, noise).tolist() == pytest.approx([share**0.5 for share in shares])
    assert share_of_film(t, velocity).tolist() == [1, 1]
    assert min_snr_weights(t, velocity, None) is None
    capped = {name: min_snr_weights(t, one, 5.0) for name, one in {"noise": noise, "velocity": velocity, "clean": clean}.items()}
    assert snr[0] > 5 > snr[1]
    assert capped["noise"].tolist() == pytest.approx([5 / snr[0], 1])
    assert capped["velocity"].tolist() == pytest.approx([5 / (snr[0] + 1), snr[1] / (snr[1] + 1)])
    assert capped["clean"].tolist() == pytest.approx([5, snr[1]])


def test_the_sum_is_that_of_equation_6() -> None:
    model = awake(toy())
    with torch.no_grad():
        losses = training_losses(model, batch_of(model), torch.tensor([900.0, 300.0]))
        others = training_losses(model, batch_of(model), torch.tensor([900.0, 300.0]), params=LossParams(2.0, 0.0))
    parts = losses.noise.item(), losses.preprocess.item(), losses.defect.item()
    assert min(parts) > 0
    assert losses.total.item() == pytest.approx(parts[0] + parts[1] + 81 * parts[2], rel=1e-6)
    assert others.total.item() == pytest.approx(parts[0] + 2 * parts[1], rel=1e-6)


def test_a_perfect_prediction_leaves_only_the_preprocess_module_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy(replace(TOY, schedule=Schedule("cosine", "clean")))
    batch = batch_of(model)
    clean = model.backbone.codec.encode(batch.tiles.clean)
    monkeypatch.setattr(model, "denoise", lambda *shown: clean)
    losses = training_losses(model, batch, torch.tensor([900.0, 300.0]))
    assert losses.noise.item() == 0 and losses.defect.item() < 1e-8 and losses.preprocess.item() > 0


def test_neighbours_are_heard_and_not_learned_from() -> None:
    model = awake(toy())
    batch, t = batch_of(model), torch.tensor([900.0, 300.0])
    beside = Tiles(pictures(seed=11), pictures(seed=12), places(), latents(model, seed=13))
    with_both = replace(batch, left=beside, upper=beside, present=torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    whole = model.see_whole(batch.whole, batch.prompt)
    memory = neighbours_heard(model, with_both, whole, t)
    assert memory is not None and len(memory.left) == len(memory.upper) == 3
    assert not any(one.requires_grad for one in (*memory.left, *memory.upper))
    assert neighbours_heard(model, batch, whole, t) is None
    alone, heard = (training_losses(model, one, t).noise.item() for one in (batch, with_both))
    assert alone != heard


def test_without_self_attention_neighbours_are_not_heard_and_do_no_harm() -> None:
    model = awake(toy(without(TOY, "self_attention")))
    batch, t = batch_of(model), torch.tensor([900.0, 300.0])
    with_both = replace(batch, left=batch.tiles, upper=batch.tiles, present=torch.ones(2, 2))
    alone, heard = (training_losses(model, one, t).total.item() for one in (batch, with_both))
    assert alone == heard


def test_half_precision_learns_the_same_way() -> None:
    losses = []
    for half in (False, True):
        model = awake(toy())
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            total = training_losses(model, batch_of(model), torch.tensor([900.0, 300.0])).total
        total.backward()
        assert all(one.grad is not None and one.grad.isfinite().all() for one in model.parameters())
        losses.append(total.item())
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
