"""Film grain for `print_film`: as strong as the tone asks, correlated over neighbouring pixels, per dye layer in colour."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

CLUMP = 3  # a clump of grains is so many times as large as a grain
FLOOR = 0.08  # grain of clear and of black film, share of the strongest tone's
APART = 61  # px, much more than a clump
_BARE = 0.2  # px: grain smaller than this is white noise


@dataclass(frozen=True, slots=True)
class GrainLook:
    """One reel's grain: `strength` at the strongest tone (share of white), `size` in px, `clumps` and `layers` shares of power.

    `skew` 0 … 1 moves the strongest tone from the middle (0) towards the shadows; `blue` is a factor on the blue layer's grain.
    """

    strength: float
    size: float
    clumps: float
    layers: float
    skew: float
    blue: float = 1.0


def is_grey(frames: Real) -> bool:
    """Whether the channels show the same picture (within 1 % of white, on a sparse sample)."""
    if frames.shape[-1] == 1:
        return True
    sample = frames[:: max(1, len(frames) // 3), ::7, ::5]
    return bool(np.abs(sample[..., :1] - sample[..., 1:]).mean() < 0.01)


def add_grain(frame: Real, look: GrainLook, rng: np.random.Generator, *, grey: bool) -> None:
    """Add grain to a frame (H, W, C) in place and hold it to 0 … 1. Grey film has one grain for all channels."""
    if look.strength > 0:
        channels = 1 if grey else frame.shape[-1]
        grain = draw_layers((*frame.shape[:2], channels), look, rng)
        grain *= tone_weight(frame if channels > 1 else frame[..., :1], look)
        frame += grain
    np.clip(frame, 0, 1, out=frame)


def tone_weight(codes: Real, look: GrainLook) -> Real:
    """Standard deviation of the grain at each code: a hump over the mid-tones, at most about `strength`, little at both ends."""
    weight = 1 - codes
    weight *= codes
    tilt = codes * np.float32(-2 * look.skew)
    tilt += np.float32(1 + look.skew)
    weight *= tilt
    top = hump_top(look.skew)
    weight *= np.float32((1 - FLOOR) * look.strength / top)
    weight += np.float32(FLOOR * look.strength)
    out: Real = np.maximum(weight, 0, out=weight)
    return out


def hump_top(skew: float) -> float:
    """The most that x (1 − x) (1 + skew (1 − 2x)) reaches between 0 and 1."""
    x = np.linspace(0, 1, 257)
    return float((x * (1 - x) * (1 + skew * (1 - 2 * x))).max())


def draw_layers(shape: tuple[int, int, int], look: GrainLook, rng: np.random.Generator) -> Real:
    """Grain of unit variance (the blue layer's: `look.blue`²), (H, W, layers); layers share 1 − `look.layers` of their power.

    All layers read one noise field, `APART` px from one another: drawing it is most of the work.
    """
    height, width, layers = shape
    field = spots((height, width + (layers - 1) * APART), look, rng)
    if layers == 1:
        return field[..., None]
    apart = cv2.merge([field[:, n * APART : n * APART + width] for n in range(layers)])
    return np.asarray(cv2.transform(apart, mixing(look)), np.float32)


def mixing(look: GrainLook) -> NDArray[np.float32]:
    """3 × 3 mixture of independent layers after which any two correlate by 1 − `look.layers`."""
    shared = 1 - look.layers
    each, all_ = np.sqrt(1 - shared), np.sqrt(1 + 2 * shared)
    mix = each * np.eye(3) + (all_ - each) / 3
    return np.asarray(mix * np.array([[1.0], [1.0], [look.blue]]), np.float32)


def spots(shape: tuple[int, int], look: GrainLook, rng: np.random.Generator) -> Real:
    """White noise (H, W) seen through grains and clumps of them, unit variance up to the borders."""
    height, width = shape
    fine, coarse = spot_kernels(look)
    r = len(fine) // 2 if coarse is None else len(coarse) // 2
    noise = rng.standard_normal((height + 2 * r, width + 2 * r), dtype=np.float32)
    grain = cv2.sepFilter2D(noise, -1, fine, fine) if len(fine) > 1 else noise * fine[0] ** 2
    if coarse is not None:
        cv2.add(grain, cv2.sepFilter2D(noise, -1, coarse, coarse), dst=grain)
    return np.asarray(grain, np.float32)[r : r + height, r : r + width]


def spot_kernels(look: GrainLook) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """The separable filters of grains and (where there are any) of clumps: their sum keeps the variance of white noise."""
    fine = bell(look.size) if look.size > _BARE else np.ones(1)
    if look.clumps <= 0 or look.size * CLUMP <= _BARE:
        return np.asarray(fine, np.float32), None
    coarse = bell(look.size * CLUMP)
    share = look.clumps
    margin = (len(coarse) - len(fine)) // 2
    common = float((np.pad(fine, margin) * coarse).sum()) ** 2  # both filters see the same noise
    whole = 1 + 2 * np.sqrt(share * (1 - share)) * common
    return np.asarray(fine * ((1 - share) / whole) ** 0.25, np.float32), np.asarray(coarse * (share / whole) ** 0.25, np.float32)


def bell(size: float) -> NDArray[np.float64]:
    """A Gaussian of `size` px whose squares sum to 1."""
    radius = max(1, int(np.ceil(3 * size)))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / size) ** 2)
    return np.asarray(kernel / np.sqrt((kernel**2).sum()))
