"""Drawn cases for the scores: a clean film, its damage, an ideal repair, and restorers of several kinds."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.metrics.restoration import Restoration

Film = NDArray[np.uint8]
SHAPE = (3, 96, 128)


def textured(seed: int = 1, shape: tuple[int, int, int] = SHAPE, grain: float = 3.0) -> Film:
    """A soft colour texture under grain, (T, H, W, 3)."""
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(rng.normal(0, 1, (*shape[1:], 3)).astype(np.float32), (0, 0), 4)
    base = 40 + 170 * (soft - soft.min()) / np.ptp(soft)
    return np.clip(base + rng.normal(0, grain, (*shape, 3)), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Marks:
    """Painted damage: mask (T, H, W), numbers, and the damaged film."""

    mask: NDArray[np.bool_]
    ids: NDArray[np.uint16]
    damaged: Film


def painted(clean: Film, *, specks: int = 5, lines: int = 0, seed: int = 7) -> Marks:
    """Dark and bright specks, others in every frame, and lines that stand."""
    rng = np.random.default_rng(seed)
    ids, damaged = np.zeros(clean.shape[:3], np.uint16), clean.copy()
    columns = rng.integers(10, clean.shape[2] - 10, lines)
    for frame, numbers in zip(damaged, ids, strict=True):
        for number in range(1, specks + 1):
            place = tuple(int(rng.integers(6, size - 6)) for size in clean.shape[2:0:-1])
            spot = np.zeros(clean.shape[1:3], np.uint8)
            cv2.circle(spot, place, int(rng.integers(1, 5)), 1, -1)
            numbers[spot > 0] = number
            frame[spot > 0] = 10 if number % 2 else 250
        for number, column in enumerate(columns, 1000):
            numbers[:, column : column + 2] = number
            frame[:, column : column + 2] = 245
    return Marks(ids > 0, ids, damaged)


def case(seed: int = 1, *, specks: int = 5, lines: int = 0) -> Restoration:
    """A case whose restorer did nothing."""
    clean = textured(seed)
    marks = painted(clean, specks=specks, lines=lines, seed=seed + 6)
    rng = np.random.default_rng(seed + 50)
    regrained = np.clip(clean + rng.normal(0, 4, clean.shape), 0, 255).astype(np.uint8)
    ideal = np.where(marks.mask[..., None], regrained, clean)
    return Restoration(clean, marks.damaged, marks.mask, marks.ids, ideal, marks.damaged)


def half_mended(one: Restoration, seed: int = 3) -> Restoration:
    """Every other number mended, a little wide, with mattes that say so."""
    wide = np.stack([cv2.dilate((ids % 2).astype(np.uint8), np.ones((3, 3), np.uint8)) for ids in one.ids]).astype(bool)
    rng = np.random.default_rng(seed)
    fill = np.clip(
        cv2.blur(one.clean.reshape(-1, *one.clean.shape[2:]), (3, 3)).reshape(one.clean.shape) + rng.normal(0, 2, one.clean.shape), 0, 255
    )
    out = np.where(wide[..., None], fill.astype(np.uint8), one.damaged)
    return replace(one, out=out, mattes=wide)


def harmed(one: Restoration, seed: int = 4, blots: int = 4) -> Restoration:
    """Blots that no damage asked for, some of which the mattes own up to."""
    rng = np.random.default_rng(seed)
    out = one.out.copy()
    mattes = np.zeros(one.mask.shape, bool) if one.mattes is None else one.mattes.copy()
    for frame, matte in zip(out, mattes, strict=True):
        for blot in range(blots):
            top, left = (int(rng.integers(0, size - 9)) for size in one.clean.shape[1:3])
            frame[top : top + 4 + blot, left : left + 5] ^= 24
            matte[top : top + 3, left : left + 5] = True
    return replace(one, out=out, mattes=mattes)
