"""What the tests of the hand's training share: windows of two drawn films, a model small enough, settings for a few steps."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from frdm.dataset.sources import Clip
from frdm.diffusion.schedule import Schedule
from frdm.train.eye_windows import WindowSettings
from frdm.train.hand_settings import HandTraining, tiles_for
from frdm.train.hand_windows import FilmSettings, Source, make_file, write_file
from model.small_models import TOY

MODEL = replace(TOY, schedule=Schedule("cosine", "clean"), adds=True)
WINDOWS = FilmSettings(
    frames=MODEL.frames, cut=56, square=MODEL.side, crops=6, segments=2, end=0.3, damage=WindowSettings(undamaged=0.0, blotchy=1.0)
)


def write_windows(folder: Path, clips: Sequence[Clip]) -> Path:
    """One file to learn from, of the first film; one to score, of the second."""
    for kind, clip, seed in (("train", clips[0], 3), ("val", clips[1], 4)):
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / f"{kind}-0000.npy", make_file([Source(clip.name, clip)], WINDOWS, seed=seed, number=0))
    return folder


def settings(**changes: Any) -> HandTraining:
    """Of a run of 8 steps of 2 tiles."""
    usual = HandTraining(params=MODEL, tiles=tiles_for(MODEL), steps=8, batch=2, rate=2e-3, warmup=2, log=2, validate=4)
    return replace(usual, **changes)
