"""Dirt on a drawn film, with the truth kept: dust, hairs and blotches, dark (on the print) or bright (on the negative)."""

from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Box, Kind, Mask, Real, frozen

VISIBLE = 8 / 255  # a change of this size is seen


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One piece of dirt that we made: where it lies (`cover` has the box's shape, 0 … 1), and whether it is dark."""

    kind: Kind
    dark: bool
    box: Box
    cover: Real


@dataclass(frozen=True, slots=True)
class Dirtiness:
    """How dirty the film is: pieces a frame in the mean, and the share that is dark."""

    dust: float = 9.0
    hairs: float = 0.8
    blotches: float = 0.5
    dark: float = 0.65


def marks(index: int, size: tuple[int, int], random: np.random.Generator, dirtiness: Dirtiness) -> list[Mark]:
    """The dirt of one frame of `size` (height, width)."""
    unit = size[0] / 480
    pieces: list[tuple[Kind, Real]] = []
    pieces += [("dirt", speck(random, unit * min(14, 3 * random.pareto(2.2) + 3))) for _ in range(random.poisson(dirtiness.dust))]
    pieces += [("hair", hair(random, unit * random.uniform(25, 90))) for _ in range(random.poisson(dirtiness.hairs))]
    pieces += [("dirt", speck(random, unit * random.uniform(18, 42))) for _ in range(random.poisson(dirtiness.blotches))]
    return [placed(piece, index, size=size, random=random, dark=dirtiness.dark) for piece in pieces]


def placed(piece: tuple[Kind, Real], index: int, *, size: tuple[int, int], random: np.random.Generator, dark: float) -> Mark:
    """A piece of dirt somewhere in the frame, wholly inside; dark with a probability."""
    kind, cover = piece
    height, width = cover.shape
    top, left = (int(random.integers(2, max(3, room - 2))) for room in (size[0] - height, size[1] - width))
    return Mark(kind, bool(random.random() < dark), Box(index, top, left, top + height, left + width), frozen(cover))


def speck(random: np.random.Generator, across: float) -> Real:
    """A ragged blob about `across` pixels wide."""
    side = int(2 * across) + 6
    noise = random.normal(0, 1, (side, side)).astype(np.float32)
    rough = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(1.0, across / 5)), np.float32)
    rough = rough / max(float(rough.std()), 1e-6)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2
    stretch = random.uniform(0.6, 1.6)
    far = np.hypot(rows * stretch, columns / stretch) / (across / 2)
    return softened((far + 0.28 * rough < 1).astype(np.float32))


def hair(random: np.random.Generator, length: float) -> Real:
    """A curled thread about `length` pixels long."""
    steps = max(8, int(length / 2))
    heading = random.uniform(0, 2 * np.pi) + np.cumsum(random.normal(0, 0.14, steps)) + np.linspace(0, random.normal(0, 2), steps)
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * 2, axis=0)
    path -= path.min(axis=0) - 4
    width, height = (path.max(axis=0) + 5).astype(int)
    cover = np.zeros((height, width), np.uint8)
    cv2.polylines(cover, [np.round(path * 16).astype(np.int32)], False, 255, int(random.integers(1, 3)), cv2.LINE_AA, 4)
    return softened(np.asarray(cover / 255, np.float32))


def softened(cover: Real) -> Real:
    """The cover as a scanner sees it."""
    return np.asarray(np.clip(cv2.GaussianBlur(cover, (0, 0), 0.7), 0, 1), np.float32)


def dirtied(picture: Real, made: list[Mark], random: np.random.Generator) -> Real:
    """The picture (R G B, sRGB levels) with dirt: density is added where it is dark, light passes where it is bright."""
    light = np.power(np.clip(picture, 0, 1), 2.2)
    for mark in made:
        place = light[mark.box.rows, mark.box.columns]
        cover = mark.cover[..., None] * random.uniform(0.8, 1)
        if mark.dark:
            place *= np.power(10.0, -random.uniform(0.8, 1.8) * cover)
        else:
            place += cover * (random.uniform(0.75, 0.95) - place)
    return np.asarray(np.power(np.clip(light, 0, 1), 1 / 2.2), np.float32)


def visible(clean: Real, dirty: Real) -> Mask:
    """Where the dirt can be seen: height × width."""
    return np.asarray(np.abs(dirty - clean).max(axis=2) >= VISIBLE)
