"""What training makes small (Eq. 3–6): the denoiser's error, the preprocess module's at every scale, and that inside of defects.

Pictures are in 0 … 1, so 81 weighs differences of such pictures, taken as a mean over *all* pixels of the tiles, not over the mask: a large
defect counts more than a small one, and a tile without defects adds nothing.

Source: HaineiFRDM §4.3, Eq. 3–6; Hang 2023 (min-SNR)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from frdm.diffusion.schedule import Schedule, clean_of, noised, prediction_of
from frdm.model.attention import Memory
from frdm.model.codec import Codec
from frdm.model.frdm import Frdm, Where, Whole

Perceptual = Callable[[Tensor, Tensor], Tensor]  # two batches of frames (N, planes, H, W) in 0 … 1 to how far apart they look, one number


@dataclass(frozen=True, slots=True)
class LossParams:
    """Weights of the sum, and what is done at high noise."""

    preprocess: float = 1.0  # α_p
    defect: float = 81.0  # α_d
    first: float = 0.0  # weight of defects in the first stage, which Eq. 4 hardly sees: a mean over all pixels; 0: as in the paper
    min_snr: float | None = None  # γ: how much the noise loss may weigh the almost clean; None: all times alike, as in the paper
    margin: int = 16  # px around defects that are decoded with them


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Degraded and clean tiles of one size, pictures in 0 … 1, with their places and their part of the frame's noise field."""

    degraded: Tensor  # (B, planes, T, H, W)
    clean: Tensor
    where: Where
    noise: Tensor  # like their latents
    matte: Tensor | None = None  # (B, 1, T, H, W), where defects are suspected, if the model is told


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step learns from. Left and upper neighbours, if given, are heard but not learned from."""

    tiles: Tiles
    mask: Tensor  # (B, 1, T, H, W), 1 in defects; less where they matter less
    whole: Tensor  # (B, planes, T, H', W'), the degraded whole frames, resized
    prompt: Tensor  # (B, n), numbers of the prompt
    left: Tiles | None = None  # both or none
    upper: Tiles | None = None
    present: Tensor | None = None  # (B, 2): which of the two a tile has; None: both


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Each part, and their sum with its weights."""

    total: Tensor
    noise: Tensor
    preprocess: Tensor
    defect: Tensor


def training_losses(model: Frdm, batch: Batch, t: Tensor, *, params: LossParams | None = None) -> Losses:
    """One step's losses at times t (B,) in 1 … 1000. Source: HaineiFRDM §4.3, Eq. 6"""
    params, codec, schedule, tiles = params or LossParams(), model.backbone.codec, model.params.schedule, batch.tiles
    whole, clean = model.see_whole(batch.whole, batch.prompt), codec.encode(tiles.clean)
    conditions = model.see_tiles(tiles.degraded, tiles.where, whole, tiles.matte)
    z = each(noised, clean, tiles.noise, t, schedule)
    prediction = model.denoise(z, t, conditions, neighbours_heard(model, batch, whole, t))
    target = each(prediction_of, clean, tiles.noise, t, schedule)
    noise_part = noise_loss(prediction, target, min_snr_weights(t, schedule, params.min_snr))
    preprocess_part = preprocess_loss(conditions.pictures, tiles.clean)
    guessed = each(clean_of, prediction, z, t, schedule)
    defect_part = decoded_defect_loss(codec, guessed, batch, share_of_film(t, schedule), margin=params.margin)
    total = noise_part + params.preprocess * preprocess_part + params.defect * defect_part
    return Losses(total, noise_part, preprocess_part, defect_part)


def first_losses(model: Frdm, batch: Batch, *, params: LossParams | None = None, perceptual: Perceptual | None = None) -> Losses:
    """The first stage's losses, of the preprocess module alone. Source: HaineiFRDM §6.1, Eq. 4"""
    assert model.preprocess is not None
    params, tiles = params or LossParams(), batch.tiles
    pictures = model.preprocess(tiles.degraded, tiles.matte).pictures
    scales, defects = preprocess_loss(pictures, tiles.clean, perceptual), defect_loss(pictures[0], tiles.clean, batch.mask)
    return Losses(scales + params.first * defects, scales.new_zeros(()), scales, defects)


@torch.no_grad()
def neighbours_heard(model: Frdm, batch: Batch, whole: Whole, t: Tensor) -> Memory | None:
    """What the left and upper neighbours leave at the same t; None where none are given. Source: HaineiFRDM §4.2"""
    if batch.left is None or batch.upper is None:
        return None
    edges = []
    for tiles in (batch.left, batch.upper):
        conditions = model.see_tiles(tiles.degraded, tiles.where, whole, tiles.matte)
        z = each(noised, model.backbone.codec.encode(tiles.clean), tiles.noise, t, model.params.schedule)
        edges.append(model.denoise_and_keep(z, t, conditions)[1])
    present = torch.ones(t.shape[0], 2, device=t.device) if batch.present is None else batch.present
    return Memory(edges[0].right, edges[1].lower, present)


def noise_loss(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean square of the difference; weights (B,). Source: HaineiFRDM Eq. 3"""
    errors = (prediction.float() - target.float()).square().flatten(1).mean(1)
    return errors.mean() if weights is None else (weights * errors).mean()


def preprocess_loss(pictures: tuple[Tensor, ...], clean: Tensor, perceptual: Perceptual | None = None) -> Tensor:
    """The sum over scales of mean differences to the clean tile, reduced to the scale by means over areas; `perceptual` adds to the finest.

    Source: HaineiFRDM Eq. 4, §6.1 (L1 and perceptual in the first stage)
    """
    total = clean.new_zeros(())
    for place, picture in enumerate(pictures):
        target = functional.avg_pool3d(clean, (1, 2**place, 2**place)) if place else clean
        total = total + (picture - target).abs().mean()
    if perceptual is not None and pictures:
        total = total + perceptual(pictures[0].transpose(1, 2).flatten(0, 1), clean.transpose(1, 2).flatten(0, 1))
    return total


def defect_loss(restored: Tensor, clean: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Differences inside of defects, as a mean over all pixels of the tiles; weights (B,). Source: HaineiFRDM Eq. 5"""
    errors = ((restored - clean) * mask).abs().flatten(1).mean(1)
    return errors.mean() if weights is None else (weights * errors).mean()


def decoded_defect_loss(codec: Codec, latent: Tensor, batch: Batch, weights: Tensor, *, margin: int) -> Tensor:
    """`defect_loss` of a decoded latent, decoding only the rectangle that holds all defects of the batch, with a margin."""
    crop = rectangle_of(batch.mask, codec.factor, margin)
    if crop is None:
        return latent.sum() * 0.0
    rows, columns = crop
    cells = slice(rows.start // codec.factor, rows.stop // codec.factor), slice(columns.start // codec.factor, columns.stop // codec.factor)
    restored = codec.decode(latent[..., cells[0], cells[1]])
    clean, mask = batch.tiles.clean[..., rows, columns], batch.mask[..., rows, columns]
    share = mask.shape[3] * mask.shape[4] / (batch.mask.shape[3] * batch.mask.shape[4])
    return share * defect_loss(restored, clean, mask, weights)


def rectangle_of(mask: Tensor, factor: int, margin: int) -> tuple[slice, slice] | None:
    """(rows, columns) that hold the mask of every frame of (B, 1, T, H, W) with a margin, in whole cells; None where nothing is masked."""
    any_frame = mask.flatten(0, 2).amax(0) > 0
    if not bool(any_frame.any()):
        return None
    sides = []
    for hit in (any_frame.any(1), any_frame.any(0)):
        places = hit.nonzero()
        first = max(int(places[0]) - margin, 0) // factor * factor
        last = min(-(-(int(places[-1]) + 1 + margin) // factor) * factor, hit.shape[0])
        sides.append(slice(first, last))
    return sides[0], sides[1]


def each(formula: Callable[..., Tensor], one: Tensor, other: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
    """A formula of the schedule for every tile of a batch at its own t."""
    return torch.stack([formula(a, b, float(at), schedule) for a, b, at in zip(one, other, t, strict=True)])


def share_of_film(t: Tensor, schedule: Schedule) -> Tensor:
    """Weights (B,) of the defect loss: α_t where noise is predicted, whose error comes to ẑ0 divided by α_t, else 1."""
    if schedule.predicts != "noise":
        return torch.ones_like(t, dtype=torch.float32)
    return t.new_tensor([schedule.at(float(at))[0] for at in t], dtype=torch.float32)


def min_snr_weights(t: Tensor, schedule: Schedule, limit: float | None) -> Tensor | None:
    """Weights (B,) of the noise loss that limit what a time weighs, as error of the clean film, to γ. Source: Hang 2023, Eq. 7 ff."""
    if limit is None:
        return None
    out = []
    for at in t:
        share = schedule.alpha_bar(float(at))
        snr = share / (1 - share)
        against = {"noise": snr, "velocity": snr + 1, "clean": 1.0}[schedule.predicts]
        out.append(min(snr, limit) / against)
    return t.new_tensor(out, dtype=torch.float32)
