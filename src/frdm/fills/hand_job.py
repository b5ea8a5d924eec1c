"""The hand as one job uses it: its weights opened once, its memory planned once, and of each shot what it is told of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from frdm.diffusion.planning import Costs, Plan, plan
from frdm.diffusion.tags import numbers_of, tags_in, told_by
from frdm.errors import RecipeError
from frdm.fills.hand import BATCH, HandSettings
from frdm.fills.hand_net import HandParams, LoadedHand, load_hand, open_hand
from frdm.fills.levels import levels
from frdm.film import Box, Codes, Encoding, Frame, ScanInfo, Shot
from frdm.motion.tags import measured_tags
from frdm.recipe import Recipe, ShotPrompt, refuse_contradictions

MEASURED_ON = 8  # first frames of a shot that are measured, at most: they are known before the shot's end is
FIXED = 200 << 20  # bytes that ONNX Runtime, the program and the looks of tiles that are remembered take
PIXEL = 1800  # bytes of activations for one pixel of a tile, in one frame of it: 1,640 measured (compact, batches of 1 to 8)
CARRIED = 14  # numbers that are kept for each one of the film's own (levels, latents, z, noise, reference, what is joined), whole frames
UNPACKED = 4  # bytes of weights in memory for one of the files, which hold them in half precision, and folded sums besides


@dataclass(frozen=True, slots=True, eq=False)
class HandJob:
    """Weights, settings and prompts of a job; `of_shot` is the same for one shot, its prompt among the settings."""

    hand: LoadedHand
    how: HandSettings
    prompts: tuple[ShotPrompt, ...] = ()
    measured: bool = False

    def of_shot(self, shot: Shot, measure: Callable[[], Mapping[str, Any]]) -> "HandJob":
        """Told what is measured of a shot, if the recipe wants that, and over that what it says of shots that begin there."""
        said = told_by(measure()) if self.measured else {}
        numbers = numbers_of(said | tags_in(prompt_at(self.prompts, shot.start)))
        return replace(self, how=replace(self.how, prompt=tuple(int(number) for number in numbers)))


def hand_job(recipe: Recipe, *, info: ScanInfo | None = None, memory: int | None = None) -> HandJob | None:
    """What the recipe asks of the hand; None where it asks for real film alone. With `memory`, in bytes, no more than that is used.

    Raises `WeightsError` without weights, and `RecipeError` for settings that contradict each other, a prompt that the weights don't
    understand, a memory that holds not even one tile, and (with `info`) a frame that is smaller than a tile.
    """
    if not recipe.by_diffusion:
        return None
    refuse_contradictions(recipe)
    filling = recipe.filling
    hand = load_hand() if filling.weights is None else open_hand(Path(filling.weights))
    for one in filling.prompts:
        numbers_of(tags_in(one.prompt))
    if info is not None and (filling.engine == "diffusion" or recipe.whole_frame.on) and not recipe.stills:
        refuse_small(info, hand.params)
    chosen = Plan(BATCH, hand.params.frames)
    if memory is not None:
        whole = info if recipe.whole_frame.on else None
        chosen = plan(memory, costs_of(hand, whole), hand.params.frames, largest=BATCH)
    how = HandSettings(filling.steps, filling.sampler, residual=recipe.whole_frame.on, seed=filling.seed, plan=chosen)
    return HandJob(hand, how, filling.prompts, filling.measured)


def refuse_small(info: ScanInfo, params: HandParams) -> None:
    """Raise `RecipeError` where no tile fits into a frame."""
    if min(info.width, info.height) < params.side:
        raise RecipeError(
            f"{info.path}: a frame of {info.width} × {info.height} is smaller than a tile of the hand ({params.side} × {params.side} px); "
            "give --engine neighbours, and no --whole-frame"
        )


def costs_of(hand: LoadedHand, info: ScanInfo | None = None) -> Costs:
    """What the hand needs in bytes: for tiles of its own size, or with `info` for whole frames of a film.

    ONNX Runtime keeps all where it is: nothing that is always there can be offloaded.
    """
    params, weights = hand.params, UNPACKED * hand.size
    pixels = params.side**2 if info is None else info.width * info.height
    kept = 4 * 3 * CARRIED * pixels * params.frames
    return Costs(weights, weights, tile=PIXEL * params.side**2 * params.frames, coded_frame=0, frame=0, fixed=FIXED + kept)


def prompt_at(prompts: Sequence[ShotPrompt], start: int) -> str:
    """What is said of a shot that begins at frame `start`; nothing where no prompt begins so early."""
    heard = [one for one in prompts if one.first <= start]
    return max(heard, key=lambda one: one.first).prompt if heard else ""


def measured_of(frames: Sequence[Frame], encoding: Encoding, gauge: str | None) -> dict[str, Any]:
    """The measured tags of a shot's first frames."""
    return measured_tags(np.stack([_codes(frame, encoding) for frame in frames]), gauge=gauge or "unknown")


def _codes(frame: Frame, encoding: Encoding) -> Codes:
    """A frame as 8-bit levels (H, W, 3)."""
    height, width = frame.planes[0].shape
    shown = levels(frame, encoding, Box(frame.index, 0, 0, height, width))
    return np.asarray(np.rint(np.clip(shown.transpose(1, 2, 0), 0, 1) * 255), np.uint8)
