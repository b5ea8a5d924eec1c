"""No join shows: a slope with texture, restored in tiles by a net that sees nothing beyond its tile and whose tones hang on what the tile
holds. Gradients across the borders of the last step's tiles are no larger than elsewhere.
"""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from diffusion.nets import Known, moody, moody_of_windows
from frdm.diffusion.arrays import Array
from frdm.diffusion.asking import Conditions, Footage, Inference
from frdm.diffusion.inference import restore, tiling_for
from frdm.diffusion.planning import Plan
from frdm.diffusion.streaming import Reading, restored_frames
from frdm.diffusion.tiles import Extent, grid

Picture = NDArray[np.float32]

JOINED = Inference(tile=128, overlap=32, frames=1, frames_overlap=0, steps=4, sampler="ddim")
LARGE = replace(JOINED, tile=512, overlap=128)
HARD = {"overlap": 0, "moving": False}


def textured_slope(height: int, width: int) -> Picture:
    texture = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.2)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.asarray(0.25 + 0.25 * columns / width + 0.25 * rows / height + 0.08 * texture, np.float32)


def seam_ratio(restored: Picture, settings: Inference, factor: int) -> float:
    """Mean gradient across the tiles' borders over the mean of all others, along both axes."""
    height, width = restored.shape
    tiling = tiling_for(settings, factor, (1, 1, height, width))
    tiles = grid(Extent(0, 1, 0, height // factor, 0, width // factor), tiling, settings.steps - 1)
    at_border, elsewhere = [], []
    for axis, begins in enumerate(({tile.top for tile in tiles}, {tile.left for tile in tiles})):
        ends = {begin + more for begin in begins for more in (0, tiling.size)}
        steps = np.abs(np.diff(restored, axis=axis)).mean(1 - axis)
        across = np.zeros(len(steps), bool)
        across[[end * factor - 1 for end in ends if 0 < end * factor < restored.shape[axis]]] = True
        at_border.append(steps[across])
        elsewhere.append(steps[~across])
    return float(np.concatenate(at_border).mean() / np.concatenate(elsewhere).mean())


def ratio_of(height: int, width: int, settings: Inference) -> float:
    film = textured_slope(height, width)
    restored = restore(Known(moody), Footage(film[None, None], first=0, shot=0), settings)
    return seam_ratio(restored[0, 0], settings, Known().factor)


@pytest.mark.parametrize("residual", [True, False])
def test_no_join_shows(residual: bool) -> None:
    assert ratio_of(480, 640, replace(JOINED, residual=residual)) <= 1.02


def test_hard_joins_would_show() -> None:
    assert ratio_of(480, 640, replace(JOINED, **HARD)) > 1.2


@pytest.mark.slow
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("height", "width"), [(1556, 2048), (3112, 4096)])
def test_no_join_shows_in_film_of_2k_and_4k(height: int, width: int, residual: bool) -> None:
    assert ratio_of(height, width, replace(LARGE, residual=residual)) <= 1.02


@pytest.mark.slow
def test_hard_joins_would_show_in_film_of_2k() -> None:
    assert ratio_of(1556, 2048, replace(LARGE, **HARD)) > 1.2


def moody_in_time(z: Array, t: float, conditions: Conditions) -> Array:
    """As `moody`, of a window's frames: its tones hang on what the window holds."""
    tone = conditions.latents.mean((1, 2, 3, 4), keepdims=True)
    return np.asarray(conditions.latents + 0.3 * np.sin(300 * tone), np.float32)


def join_ratio(settings: Inference) -> float:
    """How far frames are apart at the borders of the last step's windows, over the mean of all others."""
    frames = 64
    film = np.random.default_rng(1).normal(0.5, 0.01, (1, frames, 32, 32)) + np.linspace(0, 0.2, frames)[:, None, None]
    restored = restore(Known(moody_in_time), Footage(film.astype(np.float32), first=0, shot=0), settings)
    apart = np.abs(np.diff(restored[0], axis=0)).mean((1, 2))
    tiling = tiling_for(settings, Known().factor, film.shape)
    starts = {tile.frame for tile in grid(Extent(0, frames, 0, 16, 0, 16), tiling, settings.steps - 1)}
    borders = np.zeros(frames - 1, bool)
    borders[[at - 1 for start in starts for at in (start, start + tiling.frames) if 0 < at < frames]] = True
    return float(apart[borders].mean() / apart[~borders].mean())


def test_windows_in_time_join_without_a_step() -> None:
    settings = Inference(tile=32, overlap=0, frames=16, frames_overlap=8, steps=4)
    assert join_ratio(settings) <= 1.02
    assert join_ratio(replace(settings, frames_overlap=0, moving=False)) > 1.5


# Whole frames, window by window -------------------------------------------------------------------------------------------------------


def drawn_shot(frames: int, height: int, width: int) -> Picture:
    """A textured slope that pans, gets brighter and has grain of its own in every frame (T, H, W)."""
    random = np.random.default_rng(1)
    scene = textured_slope(height, width + frames)
    shot = [scene[:, i : i + width] + 0.2 * i / frames + random.normal(0, 0.01, (height, width)) for i in range(frames)]
    return np.asarray(shot, np.float32)


def streamed_ratio(settings: Inference, frames: int) -> float:
    """How far restored frames are apart where one window gives way to the next, in units of how far the scan's are, over the mean of all
    others between the first and the last such place (before and after them only one window shows).
    """
    shot = drawn_shot(frames, 64, 96)
    film = Reading(0, frames, lambda index: shot[index][None])
    made = restored_frames(lambda: Known(moody_of_windows), film, range(frames), settings, Plan())
    restored = np.stack([one.restored[0] for one in made])
    apart = np.abs(np.diff(restored, axis=0)).mean((1, 2)) / np.abs(np.diff(shot, axis=0)).mean((1, 2))
    joins = [window.start + settings.frames_overlap // 2 - 1 for window in film.windows(range(frames), settings)[1:]]
    others = sorted({*range(joins[0], joins[-1])} - {*joins})
    return float(apart[joins].mean() / apart[others].mean())


STREAMED = Inference(tile=48, overlap=12, frames=5, frames_overlap=2, steps=4, sampler="ddim")


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("length", "overlap", "frames"), [(5, 2, 26), (16, 8, 40)])
def test_windows_of_whole_frames_join_without_a_step(length: int, overlap: int, frames: int, residual: bool) -> None:
    settings = replace(STREAMED, frames=length, frames_overlap=overlap, residual=residual)
    assert streamed_ratio(settings, frames) <= 1.02


def test_hard_joins_of_whole_frames_would_show() -> None:
    assert streamed_ratio(replace(STREAMED, frames_overlap=0), 25) > 1.2
