"""What a step of training the hand needs: peak memory and seconds, measured with random tiles (and, around a backbone, random weights).

Every tile is damaged all over, so that all of it is decoded for the loss of defects, and hears the tiles left and above where the stage has
them: the most that a step can need.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch

from frdm.diffusion.planning import GIB, out_of_memory
from frdm.diffusion.tags import TAGS
from frdm.errors import DatasetError
from frdm.model.backbone import Backbone
from frdm.train.hand import Run
from frdm.train.hand_data import Tile
from frdm.train.hand_settings import HandTraining

STEPS = 3  # the first makes the optimiser's own memory, the others are timed
HEAD = "| model | stage | tiles | learned with | on | peak memory | s/step |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Needed:
    """What a step took: bytes at peak (of the card, or resident) and seconds by the clock."""

    settings: HandTraining
    peak: int
    seconds: float
    budget: int | None = None

    def row(self) -> str:
        """A line of the table of docs/frdm-training.md."""
        one, params = self.settings, self.settings.params
        how = [one.precision, one.optimiser, *(["blocks run again"] if one.recompute else [])]
        on = one.device + ("" if self.budget is None else f", cap {self.budget / GIB:.0f} GiB")
        tiles = f"{one.batch} × {params.frames} × {params.side}²"
        cells = (params.size, one.stage, tiles, ", ".join(how), on, f"{self.peak / GIB:.2f} GiB", f"{self.seconds:.1f}")
        return f"| {' | '.join(cells)} |"


def measure(settings: HandTraining, resident: Callable[[], int], *, backbone: Backbone | None = None, budget: int | None = None) -> Needed:
    """Learn a few steps of random tiles, around `backbone` in place of one on disk; `budget` caps a card's memory, in bytes.

    `resident` says how many bytes this process had at most, which is the peak on the processor. Raises `DatasetError` where memory is too
    little.
    """
    torch.set_num_threads(settings.threads)
    card = settings.device.startswith("cuda")
    if card and budget is not None:
        whole = torch.cuda.get_device_properties(settings.device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, budget / whole), torch.device(settings.device).index)
    try:
        seconds = _learned(settings, backbone)
    except Exception as error:
        if not out_of_memory(error):
            raise
        room = "memory" if budget is None else f"memory of {budget / GIB:.1f} GiB"
        ways = "--recompute, --optimiser adamw8bit or a smaller --batch"
        raise DatasetError(f"{room}: too little for a step of {settings.params.size} on {settings.device}; give {ways}") from None
    return Needed(settings, torch.cuda.max_memory_reserved(settings.device) if card else resident(), seconds, budget)


def _learned(settings: HandTraining, backbone: Backbone | None) -> float:
    """Seconds of a step."""
    run = Run(settings, backbone=None if backbone is None else without_words(backbone))
    began, places = 0.0, count()
    for step in range(STEPS):
        if step == 1:
            began = time.perf_counter()
        batches = [[next(places) for _ in range(settings.batch)] for _ in range(settings.accumulate)]
        run.learn([([random_tile(settings, place) for place in batch], batch) for batch in batches])
    return (time.perf_counter() - began) / (STEPS - 1)


def random_tile(settings: HandTraining, place: int) -> Tile:
    """A tile of noise with those that it hears, damaged all over."""
    params, how = settings.params, settings.tiles
    random = np.random.default_rng(place)
    size = how.side + (how.step if how.heard else 0)
    shape = params.frames, size, size
    degraded, clean = (random.random((3, *shape), np.float32) for _ in range(2))
    matte = np.full(shape, how.mattes.told, bool)
    squares = random.random((3, params.frames, how.side, how.side), np.float32)
    tags = np.zeros(len(TAGS), np.int64)
    whole = (0, 0, 4 * how.side, 4 * how.side)
    return Tile(degraded, clean, matte, np.ones(shape, np.float32), squares, whole, params.frames // 2, tags, "")


def without_words(backbone: Backbone) -> Backbone:
    """A backbone of random weights that takes the empty caption, for which its tokenizer is missing; in place."""
    backbone.prompts.tokenizer = _NoWords(backbone.prompts.longest)
    return backbone


class _NoWords:
    """A tokenizer that spells every caption as nothing."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def __call__(self, said: str | list[str], **_: Any) -> dict[str, Any]:
        return {"input_ids": [] if isinstance(said, str) else torch.zeros(len(said), self.longest, dtype=torch.int64)}
