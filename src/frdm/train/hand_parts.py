"""What a run of the hand is put together from: the model with what learns in a stage, the optimiser, the processes, the perceptual term."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from frdm.errors import DatasetError, WeightsError
from frdm.model.backbone import Backbone
from frdm.model.codec import LatentCodec
from frdm.model.frdm import Frdm
from frdm.model.loading import BackboneFolders, check_schedule, fingerprint, open_backbone
from frdm.model.losses import Batch, Perceptual, first_losses, training_losses
from frdm.train.hand_settings import HandTraining

BETAS = (0.9, 0.99)
PARTS = ("total", "noise", "preprocess", "defect")  # of a step's losses


class Learner(nn.Module):
    """The model with its stage's losses: one call a batch, as several processes need it."""

    def __init__(self, model: Frdm, settings: HandTraining, perceptual: Perceptual | None = None) -> None:
        super().__init__()
        self.model, self.settings, self.perceptual = model, settings, perceptual

    def forward(self, batch: Batch, t: Tensor) -> tuple[Tensor, ...]:
        """The losses of `PARTS`."""
        if self.settings.stage == "preprocess":
            losses = first_losses(self.model, batch, params=self.settings.losses, perceptual=self.perceptual)
        else:
            losses = training_losses(self.model, batch, t, params=self.settings.losses)
        return tuple(getattr(losses, name) for name in PARTS)


def refuse_device(device: str) -> None:
    """Raise `DatasetError` where torch has no such device here."""
    kind, _, number = device.partition(":")
    cards = torch.cuda.device_count() if kind == "cuda" else 0
    if device != "cpu" and not (kind == "cuda" and (number or "0").isdigit() and int(number or 0) < cards):
        raise DatasetError(f"--device {device}: {cards} graphics cards found that torch can use; give cpu, or cuda where there is one")


def built(settings: HandTraining, backbone: Backbone | None = None) -> tuple[Frdm, Perceptual | None]:
    """The model on its device, with what learns in this stage; the perceptual term where there is a backbone and the stage has one.

    `backbone` takes the place of the one on disk that the settings name.
    """
    torch.manual_seed(settings.seed)
    params = settings.params
    if backbone is None and settings.backbone is not None:
        folders = BackboneFolders(Path(settings.backbone))
        if params.small is None:
            check_schedule(folders.folder, params.schedule)
        backbone = open_backbone(folders)
    elif backbone is None and params.small is None:
        raise WeightsError("size paper: no backbone given; name its folder with --backbone DIR, or take --size compact")
    model = Frdm(params, backbone if params.small is None else None)
    if settings.stage == "preprocess":
        if model.preprocess is None:
            raise DatasetError("stage preprocess: the module is switched off; leave out --without preprocess")
        model.requires_grad_(False)
        model.preprocess.requires_grad_(True)
    model.checkpoint_blocks(settings.recompute)
    first = settings.stage == "preprocess" and backbone is not None
    return model.to(settings.device), LatentDistance(backbone.codec).to(settings.device) if first and backbone else None


def backbone_of(settings: HandTraining) -> str:
    """What tells the backbone that a model was trained around from all others; empty where it has none."""
    if settings.backbone is None or settings.params.small is not None:
        return ""
    return fingerprint(BackboneFolders(Path(settings.backbone)))


class LatentDistance(nn.Module):
    """How far apart frames look to the backbone's encoder: differences of its maps, each place of which has length 1, at every size.

    Source: Zhang 2018 (distances between a net's maps), with the encoder that is at hand in place of a classifier.
    """

    def __init__(self, codec: Any) -> None:
        super().__init__()
        if not isinstance(codec, LatentCodec) or not hasattr(codec.autoencoder.encoder, "down_blocks"):
            raise WeightsError("perceptual term: a backbone with an AutoencoderKL was wanted; give another --backbone, or none")
        self.codec = codec
        self._encoder = codec.autoencoder.encoder

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Frames (N, 3, H, W) in 0 … 1 to one number."""
        maps = zip(self._maps(one), self._maps(other.detach()), strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in maps]).mean()

    def _maps(self, frames: Tensor) -> Iterator[Tensor]:
        x = self._encoder.conv_in(2 * frames - 1)
        for block in self._encoder.down_blocks:
            x = block(x)
            yield nn.functional.normalize(x, dim=1)


def optimiser_of(model: Frdm, settings: HandTraining) -> torch.optim.Optimizer:
    """AdamW, or one of bitsandbytes' that keep its memory in 8 bits or outside of the card. Raises `DatasetError` where that is missing."""
    learning = [one for _, one in model.learning()]
    groups = [
        {"params": [one for one in learning if one.ndim > 1], "weight_decay": settings.decay},
        {"params": [one for one in learning if one.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=settings.rate, betas=BETAS)
    if importlib.util.find_spec("bitsandbytes") is None:
        raise DatasetError(f"--optimiser {settings.optimiser}: bitsandbytes is not installed; pip install it, or take adamw")
    bitsandbytes: Any = importlib.import_module("bitsandbytes")
    kind = bitsandbytes.optim.AdamW8bit if settings.optimiser == "adamw8bit" else bitsandbytes.optim.PagedAdamW32bit
    made: torch.optim.Optimizer = kind(groups, lr=settings.rate, betas=BETAS)
    return made


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that torchrun or accelerate started; alone where neither did."""

    rank: int = 0
    count: int = 1
    local: int = 0  # on this machine

    @staticmethod
    def here() -> "Processes":
        """As the launcher says it in the environment."""
        return Processes(*(int(os.environ.get(name, start)) for name, start in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))))

    @property
    def first(self) -> bool:
        """The one that writes and tells."""
        return self.rank == 0

    def device(self, asked: str) -> str:
        """The device of this process."""
        return f"cuda:{self.local}" if asked == "cuda" and self.count > 1 else asked

    @contextmanager
    def joined(self, device: str) -> Iterator[None]:
        """Connected with the others, where there are any."""
        if self.count == 1:
            yield
            return
        torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=timedelta(minutes=30))
        try:
            yield
        finally:
            torch.distributed.destroy_process_group()

    def after_first(self, work: Callable[[], Path]) -> Path:
        """What `work` gives, done by the first process before the others begin with it."""
        done = work() if self.first else None
        if self.count > 1:
            torch.distributed.barrier()
        return done or work()

    def shared(self, learner: Learner, device: str) -> nn.Module:
        """The learner, whose gradients are means over all processes."""
        if self.count == 1:
            return learner
        places = [torch.device(device)] if device.startswith("cuda") else None
        return nn.parallel.DistributedDataParallel(learner, device_ids=places, find_unused_parameters=True)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.count > 1:
            torch.distributed.all_reduce(values)
            values /= self.count
        return values
