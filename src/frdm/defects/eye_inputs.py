"""What the eye (the learned detector) is shown of a window: nine pictures of the size that is searched, nine of half of it, as whole
numbers of 8 bits.

The same function makes them for training and for restoring, so that the net never meets what it was not trained on. Differences are
in units of the film's own noise and compressed (asinh), so that a film's grain and contrast need not be learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real
from frdm.motion.flow import warp
from frdm.motion.window import Neighbour, Window
from frdm.runtime.eye_layout import FULL, HALF, SLOTS

Codes8 = NDArray[np.int8]

STEP = 24.0  # codes of a difference of asinh⁻¹(1) noise
QUIETEST = 0.004  # working units: noise below it counts as this


@dataclass(frozen=True, slots=True, eq=False)
class EyeInputs:
    """The pictures of one window; H and W are even (an odd last row or column is repeated)."""

    full: Codes8  # (len(FULL), H, W)
    half: Codes8  # (len(HALF), H/2, W/2)
    offsets: Codes8  # (SLOTS,) frames from the centre, times 12; 0 where there is no neighbour


def eye_inputs(window: Window, noise: Real) -> EyeInputs:
    """The pictures of a window; `noise` (H, W) in working units (`frdm.defects.classical.tonal_noise`)."""
    height, width = (size + size % 2 for size in window.luma.shape)
    full = np.zeros((len(FULL), height, width), np.int8)
    half = np.zeros((len(HALF), height // 2, width // 2), np.int8)
    offsets = np.zeros(SLOTS, np.int8)
    per_noise = np.asarray(np.float32(1) / np.maximum(noise, np.float32(QUIETEST)), np.float32)
    _show(full, 0, window.luma * np.float32(255) - np.float32(128))
    _show_half(half, 8, np.log(np.maximum(noise, np.float32(QUIETEST)) / np.float32(QUIETEST)) * np.float32(30))
    shown = window.neighbours[:SLOTS]
    for place, neighbour in enumerate(shown):
        offsets[place] = np.clip(neighbour.aligned.offset * 12, -127, 127)
        _show(full, 1 + place, squashed(window.luma - neighbour.aligned.luma, per_noise))
        _show_half(half, place, np.log1p(neighbour.aligned.inconsistency) * np.float32(48))
        if place < 2:
            _show(full, 5 + place, squashed(window.luma - neighbour.raw - neighbour.aligned.exposure, per_noise))
    _show_halfway(full, window, shown, per_noise)
    _show_colour(half, window, shown, per_noise)
    return EyeInputs(full, half, offsets)


def squashed(difference: Any, per_noise: Real) -> Real:
    """asinh of a difference in units of noise, in steps of 1 / STEP: below the noise almost as it is, large ones by their order."""
    out: Real = np.arcsinh(difference * per_noise) * np.float32(STEP)
    return out


def _show_halfway(full: Codes8, window: Window, shown: Sequence[Neighbour], per_noise: Real) -> None:
    """What both nearest neighbours show by the motion between them, which nothing on the centre can disturb."""
    pair = [n for n in shown if n.halfway is not None]
    if len(pair) != 2:
        return
    there = [warp(n.raw, n.halfway) + n.aligned.exposure for n in pair if n.halfway is not None]
    _show(full, 7, squashed(window.luma - (there[0] + there[1]) * np.float32(0.5), per_noise))
    _show(full, 8, squashed(there[0] - there[1], per_noise))


def _show_colour(half: Codes8, window: Window, shown: Sequence[Neighbour], per_noise: Real) -> None:
    if window.chroma is None:
        return
    size = (half.shape[2], half.shape[1])
    own = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in window.chroma]
    for place, plane in enumerate(own):
        half[6 + place] = coded(plane * np.float32(254))
    near = [n for n in shown[:2] if n.chroma is not None]
    if not near:
        return
    strength: Real = np.asarray(cv2.resize(per_noise, size, interpolation=cv2.INTER_AREA), np.float32)
    motions = [_half_motion(n.aligned.displacement, size) for n in near]
    for place in range(2):
        film = [
            warp(np.asarray(cv2.resize(n.chroma[place], size, interpolation=cv2.INTER_AREA), np.float32), motion)
            for n, motion in zip(near, motions, strict=True)
            if n.chroma is not None
        ]
        half[4 + place] = coded(squashed(own[place] - sum(film) / np.float32(len(film)), strength))


def _half_motion(d: Real, size: tuple[int, int]) -> Real:
    """A displacement at half the size (width, height), in its pixels."""
    return np.stack([np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32) for part in d]) * np.float32(0.5)


def coded(values: Any) -> Codes8:
    """The nearest whole numbers, −127 … 127."""
    return np.asarray(np.clip(np.rint(values), -127, 127), np.int8)


def _show(full: Codes8, place: int, picture: Real) -> None:
    height, width = picture.shape
    full[place, :height, :width] = coded(picture)
    full[place, height:, :], full[place, :, width:] = full[place, height - 1, :], full[place, :, width - 1 : width]


def _show_half(half: Codes8, place: int, picture: Real) -> None:
    half[place] = coded(cv2.resize(picture, (half.shape[2], half.shape[1]), interpolation=cv2.INTER_AREA))
