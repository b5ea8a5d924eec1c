"""The compact model at toy size learns one short clip: all its parts work together, from noise to repaired film."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from small_models import TOY, prompt_of, toy
from torch import Tensor

from frdm.diffusion.sampler import ddim
from frdm.diffusion.schedule import LAST, Schedule, few_times
from frdm.model.denoiser import SmallUNetParams
from frdm.model.frdm import Frdm, Where, times
from frdm.model.losses import Batch, Tiles, training_losses
from frdm.model.preprocess import PreprocessParams
from frdm.model.state_space import StateSpaceParams
from tiny import dirty, film

FRAMES, SIDE = 5, 48
LEARNER = replace(
    TOY,
    frames=FRAMES,
    side=SIDE,
    schedule=Schedule("cosine", "clean"),
    small=replace(TOY.small, denoiser=SmallUNetParams((32, 48), 16, 64)),  # type: ignore[type-var]
    preprocess=PreprocessParams((32, 32), state_space=StateSpaceParams(2, 4, 16)),
)


def clip() -> tuple[Tensor, Tensor, Tensor]:
    """(degraded, clean, mask) as a batch of one; the film is gray in three planes."""
    clean = np.clip(film(FRAMES, height=SIDE, width=SIDE), 0, 1)
    damaged, mask = dirty(clean, specks=3)
    both = (torch.from_numpy(one).float()[None, None].expand(1, 3, -1, -1, -1) for one in (damaged, clean))
    degraded, whole = both
    return degraded, whole, torch.from_numpy(mask).float()[None, None]


def in_mask_db(picture: Tensor, clean: Tensor, mask: Tensor) -> float:
    square = ((picture - clean).square() * mask).sum() / (mask.sum() * 3)
    return float(-10 * torch.log10(square))


def restored(model: Frdm, batch: Batch, steps: int) -> Tensor:
    """By the sampler, from noise alone."""
    with torch.no_grad():
        tiles = batch.tiles
        conditions = model.see_tiles(tiles.degraded, tiles.where, model.see_whole(batch.whole, batch.prompt), tiles.matte)
        z = torch.randn(tiles.noise.shape, generator=torch.Generator().manual_seed(99))
        z = ddim(
            lambda z, t: model.denoise(z, times(t, 1, z), conditions), z, few_times(steps, model.params.schedule), model.params.schedule
        )
        picture: Tensor = model.backbone.codec.decode(z)
    return picture


@pytest.mark.slow
def test_one_clip_is_learned_and_repaired_from_noise() -> None:
    model, random = toy(LEARNER), torch.Generator().manual_seed(0)
    degraded, clean, mask = clip()
    where = Where(torch.tensor([[0.0, 0.0, SIDE, SIDE]]), torch.tensor([[float(SIDE), float(SIDE)]]))
    noise = torch.zeros(1, 48, FRAMES, SIDE // 4, SIDE // 4)
    batch = Batch(Tiles(degraded, clean, where, noise, mask), mask, degraded, prompt_of(model, 1))
    assert in_mask_db(degraded, clean, mask) < 15 and in_mask_db(restored(model, batch, 4), clean, mask) < 20
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    steps = 400
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 20) * (1 - step / steps)
        tiles = replace(batch.tiles, noise=torch.randn(noise.shape, generator=random))
        t = torch.randint(1, LAST + 1, (1,), generator=random).float()
        training_losses(model, replace(batch, tiles=tiles), t).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    found = in_mask_db(restored(model.eval(), batch, 4), clean, mask)
    assert found >= 30, f"{found:.1f} dB"
