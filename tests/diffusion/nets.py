"""Nets whose answers are known, for tests of what is built around a net."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.arrays import Array
from frdm.diffusion.asking import Conditions, Memory
from frdm.diffusion.planning import Offload
from frdm.diffusion.schedule import Schedule

TEXTURE = 0.1  # of `moody`, in latents

Guess = Callable[[Array, float, Conditions], Array]  # the clean latents of tiles (N, C, T, h, w)


def as_scanned(z: Array, t: float, conditions: Conditions) -> Array:
    """The guess that nothing is damaged."""
    return conditions.latents


@dataclass
class Known:
    """A net of given guesses on unshuffled pixels; keeps what it is asked."""

    guess: Guess = as_scanned
    factor: int = 2
    schedule: Schedule = field(default_factory=lambda: Schedule("cosine", "clean"))
    torch: bool = False
    asked: list[Conditions] = field(default_factory=list)
    remembers: Callable[[], Memory] | None = None

    def hold(self, array: NDArray[Any], offload: Offload) -> Array:
        if not self.torch:
            return array
        import torch

        return torch.from_numpy(array)

    def encode(self, frames: Array) -> Array:
        planes, length, height, width = frames.shape
        f = self.factor
        cells = frames.reshape(planes, length, height // f, f, width // f, f)
        order = (0, 3, 5, 1, 2, 4)
        moved = cells.permute(*order) if self.torch else cells.transpose(*order)
        return moved.reshape(planes * f * f, length, height // f, width // f) * 2 - 1

    def decode(self, latents: Array) -> Array:
        channels, length, height, width = latents.shape
        f = self.factor
        cells = latents.reshape(channels // f**2, f, f, length, height, width)
        order = (0, 3, 4, 1, 5, 2)
        moved = cells.permute(*order) if self.torch else cells.transpose(*order)
        return (moved.reshape(channels // f**2, length, height * f, width * f) + 1) / 2

    def memory(self) -> Memory:
        return self.remembers() if self.remembers else None

    def denoise(self, z: Array, t: float, conditions: Conditions) -> Array:
        self.asked.append(conditions)
        return self.guess(z, t, conditions)


def local(z: Array, t: float, conditions: Conditions) -> Array:
    """Film of three by three pixels around: nothing beyond one pixel is seen, the tile's edge is repeated."""
    padded = np.pad(z, [(0, 0)] * 3 + [(1, 1), (1, 1)], mode="edge")
    near = sum(padded[..., i : i + z.shape[-2], j : j + z.shape[-1]] for i in range(3) for j in range(3)) / 9
    return (0.7 * conditions.latents + 0.3 * near).astype(z.dtype)


def moody(z: Array, t: float, conditions: Conditions) -> Array:
    """As real nets are: it believes in smooth film around what it sees, with a texture that it draws from z; it sees nothing beyond its
    tile, and its tones hang on what the tile holds of each frame.
    """
    return in_a_mood(z, t, conditions, conditions.latents.mean((3, 4)))


def moody_of_windows(z: Array, t: float, conditions: Conditions) -> Array:
    """As `moody`, its tones the same in all frames: they hang on what the whole window holds."""
    tones = conditions.latents.mean((1, 2, 3, 4))
    return in_a_mood(z, t, conditions, np.broadcast_to(tones[:, None, None], conditions.latents.shape[:3]))


def in_a_mood(z: Array, t: float, conditions: Conditions, tones: Array) -> Array:
    """What a net makes of tiles whose tones are drawn to `tones` (N, C, T)."""
    alpha, sigma = Schedule("cosine", "clean").at(t)
    trust = alpha * TEXTURE**2 / (alpha**2 * TEXTURE**2 + sigma**2)
    out = np.empty_like(z)
    for place in np.ndindex(z.shape[:3]):
        seen = cv2.GaussianBlur(conditions.latents[place], (0, 0), 1.5, borderType=cv2.BORDER_CONSTANT)
        seen += 0.15 * (tones[place] - seen) + 0.03 * np.sin(40 * tones[place])
        out[place] = seen + trust * (z[place] - alpha * seen)
    return out
