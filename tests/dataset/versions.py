"""Two versions of a drawn film, one dirty, one restored in some way, with the truth about both."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import load_damage_recipe
from frdm.damage.reel import Damaged, damage_reel
from frdm.demo.scene import Stage
from frdm.demo.scene import film as drawn
from frdm.film import Codes, Mask
from tiny import write_png

SHOT = 8
VISIBLE = 8


@lru_cache(maxsize=1)
def clean() -> Codes:
    """Two shots of 8 frames of 192 × 256, R G B, with grain."""
    pictures = np.stack(list(drawn(Stage(height=192, width=256, shot=SHOT))))
    return np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def damaged() -> Damaged:
    """The same film, heavily damaged; grain of 0.02 lies on both sides. It isn't compressed: what a codec adds around dirt is visible too,
    but no one painted it.
    """
    recipe = load_damage_recipe("heavy")
    copying = dataclasses.replace(recipe.copying, grain=(0.02, 0.02), rescale=0.0, jpeg=0.0, mpeg=0.0)
    return damage_reel(clean(), dataclasses.replace(recipe, copying=copying), seed=11)


def visible(made: Damaged, index: int) -> Mask:
    """Where a frame's damage can be seen."""
    away = np.abs(made.degraded[index].astype(int) - made.pristine[index]).max(2)
    return np.asarray(made.mask[index] & (away >= VISIBLE))


def moved(
    picture: NDArray[np.float32], dx: float, dy: float, *, scale: float = 1.0, size: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """The picture sampled at scale · (x, y) + (dx, dy); `size` is (width, height)."""
    size = size or (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    affine = np.array([[scale, 0, dx], [0, scale, dy]])
    return np.asarray(cv2.warpAffine(picture, affine, size, flags=flags, borderMode=cv2.BORDER_REFLECT), np.float32)


def levels(codes: Codes) -> NDArray[np.float32]:
    return codes.astype(np.float32) / np.float32(255)


def codes(picture: NDArray[np.float32]) -> Codes:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class Versions:
    """Folders of both versions; `shows[j]` is the frame of BEFORE that frame j of AFTER shows."""

    before: Path
    after: Path
    shows: tuple[int, ...]


def written(folder: Path, shows: Sequence[int], change: Callable[[NDArray[np.float32], int], NDArray[np.float32]]) -> Versions:
    """Write the damaged film and, of the undamaged one, the frames `shows`, each changed."""
    made = damaged()
    before = write_png(folder / "before", made.degraded)
    after = write_png(folder / "after", [codes(change(levels(made.pristine[i]), i)) for i in shows])
    return Versions(before, after, tuple(shows))


def agreement(found: Mask, truth: Mask) -> tuple[int, int]:
    """(pixels on which two masks agree within a pixel, pixels of either): their ratio is the IoU with 1-pixel tolerance."""
    around = np.ones((3, 3), np.uint8)
    near = [cv2.dilate(mask.astype(np.uint8), around) > 0 for mask in (truth, found)]
    return int(((found & near[0]) | (truth & near[1])).sum()), int((found | truth).sum())
