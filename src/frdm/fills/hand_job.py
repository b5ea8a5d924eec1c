"""The hand as one job uses it: its weights opened once, its memory planned once, and of each shot what it is told of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from frdm.diffusion.planning import Plan, plan
from frdm.diffusion.tags import numbers_of, tags_in, told_by
from frdm.errors import RecipeError
from frdm.fills.hand import BATCH, HandSettings
from frdm.fills.hand_costs import costs_of
from frdm.fills.hand_net import HandParams, load_hand
from frdm.fills.hand_opening import open_hand, refuse_for_torch
from frdm.fills.hand_torch import Hand, TorchHand
from frdm.fills.levels import levels
from frdm.film import Box, Codes, Encoding, Frame, ScanInfo, Shot
from frdm.motion.tags import measured_tags
from frdm.recipe import Filling, Recipe, ShotPrompt, refuse_contradictions

MEASURED_ON = 8  # first frames of a shot that are measured, at most: they are known before the shot's end is


@dataclass(frozen=True, slots=True, eq=False)
class HandJob:
    """Weights, settings and prompts of a job; `of_shot` is the same for one shot, its prompt among the settings."""

    hand: Hand
    how: HandSettings
    prompts: tuple[ShotPrompt, ...] = ()
    measured: bool = False

    def of_shot(self, shot: Shot, measure: Callable[[], Mapping[str, Any]]) -> "HandJob":
        """Told what is measured of a shot, if the recipe wants that, and over that what it says of shots that begin there."""
        said = told_by(measure()) if self.measured else {}
        return replace(self, how=replace(self.how, prompt=heard(self.hand, said, prompt_at(self.prompts, shot.start))))


def hand_job(recipe: Recipe, *, info: ScanInfo | None = None, memory: int | None = None, side_by_side: int = 1) -> HandJob | None:
    """What the recipe asks of the hand; None where it asks for real film alone. With `memory`, in bytes, no more than that is used, by as
    many spans `side_by_side`; those that ask a model on a card do so one after the other.

    Raises `WeightsError` without weights, and `RecipeError` for settings that contradict each other, a prompt that the weights don't
    understand, a memory that holds not even one tile, and (with `info`) a frame that is smaller than a tile.
    """
    if not recipe.by_diffusion:
        return None
    refuse_contradictions(recipe)
    filling = recipe.filling
    hand = opened(filling)
    for one in filling.prompts:
        heard(hand, {}, one.prompt)
    if info is not None and (filling.engine == "diffusion" or recipe.whole_frame.on) and not recipe.stills:
        refuse_small(info, hand.params)
    chosen = Plan() if isinstance(hand, TorchHand) else Plan(BATCH, hand.params.frames)
    if memory is not None:
        whole = info if recipe.whole_frame.on else None
        turns = isinstance(hand, TorchHand) and hand.device != "cpu"
        chosen = plan(memory if turns else memory // side_by_side, costs_of(hand, whole), hand.params.frames, largest=chosen.batch)
    how = HandSettings(filling.steps, filling.sampler, residual=recipe.whole_frame.on, seed=filling.seed, plan=chosen)
    return HandJob(hand, how, filling.prompts, filling.measured)


def opened(filling: Filling) -> Hand:
    """The weights that a recipe names, or those that ship. Raises `WeightsError`, and `RecipeError` where they can't be used so."""
    backbone = None if filling.backbone is None else Path(filling.backbone)
    if filling.weights is None:
        refuse_for_torch(backbone, filling.device)
        return load_hand()
    hand = open_hand(Path(filling.weights), backbone=backbone, device=filling.device)
    if filling.measured and isinstance(hand, TorchHand) and hand.captions:
        raise RecipeError(
            "measured: what is measured of a shot is told in tags, found weights that read captions; leave --measured-tags out"
        )
    return hand


def heard(hand: Hand, measured: Mapping[str, str], prompt: str) -> tuple[int, ...]:
    """What is said of a shot as the hand takes it: a caption, or tags with those that were measured. Raises `RecipeError` where it can't
    be understood, or is too long.
    """
    if isinstance(hand, TorchHand) and hand.captions:
        return hand.caption(prompt)
    return tuple(int(number) for number in numbers_of({**measured, **tags_in(prompt)}))


def refuse_small(info: ScanInfo, params: HandParams) -> None:
    """Raise `RecipeError` where no tile fits into a frame."""
    if min(info.width, info.height) < params.side:
        raise RecipeError(
            f"{info.path}: a frame of {info.width} × {info.height} is smaller than a tile of the hand ({params.side} × {params.side} px); "
            "give --engine neighbours, and no --whole-frame"
        )


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
