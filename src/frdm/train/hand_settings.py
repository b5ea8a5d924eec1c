"""How the hand is trained: both stages of the paper, either size."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from frdm.diffusion.schedule import LAST
from frdm.model.frdm import FrdmParams
from frdm.model.losses import LossParams
from frdm.train.hand_data import TileSettings
from frdm.train.hand_mattes import MatteSettings

Stage = Literal["preprocess", "frdm"]
Optimiser = Literal["adamw", "adamw8bit", "paged"]
MAY_DIFFER = ("device", "threads", "checkpoint", "log", "validate", "strips", "board")  # between the parts of one run


@dataclass(frozen=True, slots=True)
class HandTraining:
    """One run. Of the paper's two stages (§6.1) the first teaches the preprocess module, the second all that learns."""

    stage: Stage = "frdm"
    params: FrdmParams = field(default_factory=FrdmParams.compact)
    losses: LossParams = field(default_factory=LossParams)
    tiles: TileSettings = field(default_factory=TileSettings)
    last_time: float = 0.4  # share of tiles at the last t, where every restoration begins; the others are even in 1 … 1000
    steps: int = 6_000
    batch: int = 2  # tiles at once, in each process
    accumulate: int = 1  # batches a step
    rate: float = 4e-4  # AdamW's greatest; it rises over `warmup` steps and falls as a half cosine to `last` of itself
    warmup: int = 100
    last: float = 0.02
    decay: float = 0.01
    average: float = 0.998  # of the weights that are kept (EMA)
    seed: int = 0
    start: str | None = None  # what to begin from: a run's checkpoint, weights, a folder of an exported hand, or shipped
    backbone: str | None = None  # folder of a pretrained backbone
    optimiser: Optimiser = "adamw"
    recompute: bool = False  # blocks are run again on the way back: slower, far less memory
    precision: Literal["bf16", "fp32"] = "fp32"
    device: str = "cpu"
    threads: int = 1
    checkpoint: float = 120.0  # seconds between checkpoints
    log: int = 50  # steps between rows of the curve
    validate: int = 500  # steps between validations
    strips: int = 0  # steps between sheets of samples; 0: none
    board: bool = False  # TensorBoard too


def tiles_for(params: FrdmParams, *, heard: bool = True) -> TileSettings:
    """How tiles are taken for a model: of its size; with those that they hear where it has a memory and the stage uses it."""
    factor = params.small.codec.factor if params.small is not None else 8
    step = params.side * 3 // 4 // factor * factor
    mattes = MatteSettings() if params.preprocess.matte else MatteSettings(told=False)
    return TileSettings(params.side, step, factor, TileSettings().heard if heard and params.modules.memory else 0.0, mattes=mattes)


def rate_at(step: int, settings: HandTraining) -> float:
    """The learning rate of a step."""
    if step < settings.warmup:
        return settings.rate * (step + 1) / settings.warmup
    done = (step - settings.warmup) / max(settings.steps - settings.warmup, 1)
    return settings.rate * (settings.last + (1 - settings.last) * 0.5 * (1 + float(np.cos(np.pi * min(done, 1.0)))))


def drawn_time(random: np.random.Generator, last_time: float) -> float:
    """The t at which a tile is learned."""
    at_last, other = random.random() < last_time, int(random.integers(1, LAST + 1))
    return float(LAST if at_last else other)
