"""What is laid over windows while they are learned from: more defects, and mattes with the errors that a detector makes.

Defects fill a few pixels in a hundred, and a net that is trained for a few thousand steps must see more of them: shapes of damage of other
windows are laid over a tile in a tone of their own, some at one place of several frames, where no neighbour helps.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

SEEN = 0.05  # opacity from which a pixel counts as damaged
GROWN = (0, 1, 2, 3, 5)  # px by which mattes are larger than the damage …
GROWN_SHARES = (0.2, 0.3, 0.25, 0.15, 0.1)  # … and how often


@dataclass(frozen=True, slots=True)
class MatteSettings:
    """Shares, of tiles where nothing else is said. Where neighbours were brought to the centre, the matte is that of the centre alone."""

    told: bool = True  # False: no mattes at all, for models that take none
    none: float = 0.6  # of tiles of film as it lies: no matte at all, the whole-frame mode; in the others all frames have theirs
    astray: float = (
        0.5  # of tiles whose neighbours were brought to the centre: the motion under the matte is wrong, as where it was carried …
    )
    wrong: float = 2.0  # … by so many px at most, as a standard deviation
    missed: float = 0.08  # of pieces: not in the matte
    shrunk: float = 0.1  # the matte is a pixel smaller all round
    false: float = 0.35  # with pieces where there is no damage
    laid: float = 0.7  # with more defects than the window has
    most: int = 4  # of them
    several: float = 0.35  # of laid defects: at one place of the centre and other frames
    elsewhere: float = 0.1  # of laid defects: on another frame alone
    beside: float = 0.25  # weight of damage that is in no matte while the centre has one


Shapes = list[Mask]  # (S, S), pieces of damage of other windows


def laid_over(degraded: Real, mask: Mask, shapes: Shapes, centre: int, how: MatteSettings, random: np.random.Generator) -> None:
    """Lay defects of these shapes over a degraded tile (3, T, S, S) of levels, in place, with its mask (T, S, S)."""
    for shape in shapes:
        frames = drawn_frames(len(mask), centre, how, random)
        soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), random.uniform(0.3, 1.0))
        cover = soft * np.float32(random.uniform(0.35, 1.0))
        kind = random.random()
        tone = random.uniform(0, 0.3) if kind < 0.45 else random.uniform(0.7, 1.05) if kind < 0.9 else random.uniform(0.2, 0.8)
        tint = random.normal(0, 0.05 if random.random() < 0.3 else 0.0, (3, 1, 1))
        rough = cv2.resize(random.normal(0, 0.05, (12, 12)).astype(np.float32), shape.shape[::-1])
        for frame in frames:
            degraded[:, frame] += cover * ((tone + tint + rough).astype(np.float32) - degraded[:, frame])
            mask[frame] |= cover > SEEN


def drawn_frames(count: int, centre: int, how: MatteSettings, random: np.random.Generator) -> list[int]:
    """The frames that a defect lies on."""
    chance = random.random()
    if chance < how.several:
        first = int(random.integers(max(centre - 2, 0), centre + 1))
        return list(range(first, min(first + int(random.integers(2, 5)), count)))
    return [int(random.integers(count))] if chance < how.several + how.elsewhere else [centre]


def drawn_shapes(damage: Mask, most: int, random: np.random.Generator) -> Shapes:
    """At most so many pieces (S, S) of the damage of some frame."""
    count, names = cv2.connectedComponents(damage.astype(np.uint8), connectivity=8)
    few = random.permutation(np.arange(1, count))[:most]
    return [names == name for name in few]


def suspected(mask: Mask, false: Shapes, how: MatteSettings, random: np.random.Generator) -> Mask:
    """A frame's mask (S, S) as a detector says it: pieces missed, grown or shrunk, and pieces that are none."""
    count, names = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = random.random(count) >= how.missed
    kept[0] = False
    out = kept[names]
    for shape in false:
        out |= shape
    small = out.astype(np.uint8)
    if random.random() < how.shrunk:
        return np.asarray(cv2.erode(small, np.ones((3, 3), np.uint8)) > 0)
    reach = 2 * int(random.choice(GROWN, p=GROWN_SHARES)) + 1
    return np.asarray(cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0)


def told(mask: Mask, false: Shapes, centre: int, how: MatteSettings, random: np.random.Generator, *, alone: bool) -> tuple[Mask, Real]:
    """The matte (T, S, S) that a net is told of a tile's mask, that of the centre `alone` or another, and how much each pixel weighs
    among defects, 0 … 1.

    Where the matte is, film is going to be replaced: there errors weigh as much as inside of damage.
    """
    matte, weight = np.zeros(mask.shape, bool), mask.astype(np.float32)
    if not how.told or (not alone and random.random() < how.none):
        return matte, weight
    for frame in [centre] if alone else range(len(mask)):
        matte[frame] = suspected(mask[frame], false, how, random)
    weight[~matte.any((1, 2))] *= np.float32(how.beside)
    return matte, np.maximum(weight, matte)


def led_astray(films: tuple[Real, ...], matte: Mask, centre: int, how: MatteSettings, random: np.random.Generator) -> None:
    """Move what the neighbours show under the centre's matte (S, S) a little, in place: motion that was carried under a hole is not the
    film's. All that lies on them goes alike: levels (3, T, S, S), degraded and clean, and how much their damage weighs (1, T, S, S).
    """
    soft = cv2.GaussianBlur(cv2.dilate(matte.astype(np.float32), np.ones((7, 7), np.uint8)), (0, 0), 3.0)
    rows, columns = np.mgrid[: matte.shape[0], : matte.shape[1]].astype(np.float32)
    size = random.uniform(0, how.wrong)
    for frame in range(films[0].shape[1]):
        if frame == centre:
            continue
        coarse = random.normal(0, size, (2, 4, 4)).astype(np.float32)
        down, across = (soft * cv2.resize(part, matte.shape[::-1], interpolation=cv2.INTER_CUBIC) for part in coarse)
        for film in films:
            for plane in film[:, frame]:
                plane[:] = cv2.remap(
                    np.ascontiguousarray(plane), columns + across, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )


def mirrored_square(square: NDArray[np.uint8], inner: tuple[int, int], axis: int) -> NDArray[np.uint8]:
    """A whole frame's square (…, side, side) with the part that shows the frame mirrored along an axis (-2, -1), padded as it was."""
    rows, columns = inner
    part = np.flip(square[..., :rows, :columns], axis)
    pad = [(0, 0)] * (square.ndim - 2) + [(0, square.shape[-2] - rows), (0, square.shape[-1] - columns)]
    return np.pad(part, pad, mode="edge")
