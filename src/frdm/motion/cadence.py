"""Cadence: frames that were repeated or blended when film of 16 or 18 frames a second became video of 24, 25 or 30.

A repeated frame shows its dirt twice, so that a neighbour "confirms" it; a blended one shows half of it. Both spoil every test of one frame
against the next, and are left out of the neighbours. All here follows from the frames of one window; nothing is remembered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Real

WIDEST = 1024  # columns of the pictures that are compared; wider ones are sampled, not averaged, since grain tells most
BLOCK = 16  # px of a square in which change is averaged
UPPER = 0.01  # share of the squares, the most changed, that decide
LEAST = 0.004  # change that recompression alone makes
EQUAL = 0.5  # share of independent grain's change below which two frames hold the same grain
STANDING = 0.15  # middle change of a repeat, as a share of the usual one around it
CLEAR = 0.25  # … and of the greatest change nearby: where nothing changes at all, nothing can be told
SOFTER = 0.93  # grain of a blend as a share of that of the frames that it is made of, at most; slow motion leaves it as it is
BLENDED = 0.35  # what a blend leaves unexplained, as a share of the change between the frames that it is made of


@dataclass(frozen=True, slots=True)
class Cadence:
    """What a window tells of its centre; numbers are frames of the film."""

    repeats: frozenset[int] = frozenset()  # neighbours that are the centre once more
    doubles: frozenset[int] = frozenset()  # neighbours that are a nearer neighbour once more
    blends: frozenset[int] = frozenset()  # neighbours that are blended of the frames beside them
    blend: float | None = None  # share of the following frame in the centre, if the centre is blended

    @property
    def skip(self) -> frozenset[int]:
        """Neighbours that say nothing of their own."""
        return self.repeats | self.doubles | self.blends

    def original(self, index: int) -> int | None:
        """The first frame of which the centre `index` is a repeat, None where it is none."""
        earlier = [i for i in self.repeats if i < index]
        return min(earlier) if earlier else None


def cadence_picture(luma: Real) -> Real:
    """A frame's luma as the functions here compare it: sampled to at most `WIDEST` columns, grain and all."""
    step = -(-luma.shape[1] // WIDEST)
    return np.ascontiguousarray(luma[::step, ::step])


def change(one: Real, other: Real) -> float:
    """Mean difference of two pictures in the squares where they differ most; 0 for equal ones."""
    height, width = one.shape
    difference = cv2.absdiff(one, other)
    squares = cv2.resize(difference, (max(1, width // BLOCK), max(1, height // BLOCK)), interpolation=cv2.INTER_AREA).ravel()
    count = max(1, round(UPPER * squares.size))
    return float(np.partition(squares, squares.size - count)[-count:].mean())


def middle_change(one: Real, other: Real) -> float:
    """Median difference of two pictures: what most of the picture does, whatever specks and codecs add in places."""
    return float(np.median(cv2.absdiff(one[::2, ::2], other[::2, ::2])))


def grain_level(picture: Real) -> float:
    """Standard deviation of a picture's grain (and of whatever fine texture it has). Source: Immerkær 1996."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.abs(cv2.filter2D(picture, -1, kernel)).mean() * np.sqrt(np.pi / 2) / 6)


def repeats(one: Real, other: Real, noise: float) -> bool:
    """Whether two frames hold the same picture down to its grain; `noise` is the grain's standard deviation."""
    return change(one, other) <= _limit(noise)


def blend_of(before: Real, centre: Real, after: Real) -> float | None:
    """The share w of `after` if `centre` ≈ (1 − w) · before + w · after down to the grain, else None (always, in film without grain)."""
    difference = after - before
    power = float((difference * difference).mean())
    if power < LEAST**2:
        return None
    share = float(((centre - before) * difference).mean()) / power
    if not 0.15 < share < 0.85:
        return None
    height, width = centre.shape
    size = (max(1, width // BLOCK), max(1, height // BLOCK))
    left = cv2.resize(np.abs(centre - before - np.float32(share) * difference), size, interpolation=cv2.INTER_AREA)
    moved = cv2.resize(np.abs(difference), size, interpolation=cv2.INTER_AREA)
    telling = moved >= np.median(moved)
    if float(np.quantile(left[telling] / np.maximum(moved[telling], 1e-6), 0.9)) > BLENDED:
        return None
    softer = grain_level(centre) <= SOFTER * min(grain_level(before), grain_level(after))
    return share if softer else None


def find_cadence(
    pictures: Mapping[int, Real],
    index: int,
    noise: float | None = None,
    *,
    changes: Mapping[int, float] | None = None,
    middles: Mapping[int, float] | None = None,
) -> Cadence:
    """What the frames around `index` (made by `cadence_picture`, keyed by frame, consecutive and all of one shot) tell of it.

    `noise` is the grain's standard deviation, measured where it is not given. Two frames on either side tell of repeats, three of blends.
    `changes` and `middles`, from each of the frames to its next, may be given by whoever keeps them: they cost most.
    """
    if middles is None:
        middles = {i: middle_change(pictures[i], pictures[i + 1]) for i in pictures if i + 1 in pictures}
    if changes is None:
        changes = {i: change(pictures[i], pictures[i + 1]) for i in pictures if i + 1 in pictures}
    level = grain_level(pictures[index]) if noise is None else noise
    held = held_with(changes, index, level, middles)
    coarse = {i: np.ascontiguousarray(picture[::2, ::2]) for i, picture in pictures.items() if abs(i - index) <= 3}
    shares = {i: blend_of(coarse[i - 1], coarse[i], coarse[i + 1]) for i in range(index - 2, index + 3) if _between(coarse, i)}
    single = {i for i, w in shares.items() if w is not None and shares.get(i - 1) is None and shares.get(i + 1) is None}
    blends = frozenset(single & {index - 1, index + 1})
    return Cadence(held, _doubles(changes, index, level, middles) - held, blends, shares[index] if index in single else None)


def held_with(changes: Mapping[int, float], index: int, noise: float, middles: Mapping[int, float] | None = None) -> frozenset[int]:
    """Frames that repeat frame `index` without a break, given the change (and middle change) from each frame to its next."""
    same = _unchanged(changes, noise) | _standing(middles or {})
    held: set[int] = set()
    i = index
    while i in same:
        i += 1
        held.add(i)
    i = index
    while i - 1 in same:
        i -= 1
        held.add(i)
    return frozenset(held)


def _unchanged(changes: Mapping[int, float], noise: float) -> set[int]:
    """Frames whose next is the same, where the frames around show that the film does change."""
    most = max(changes.values(), default=0.0)
    if most < LEAST:
        return set()
    return {i for i, amount in changes.items() if amount <= min(_limit(noise), CLEAR * most)}


def _standing(middles: Mapping[int, float]) -> set[int]:
    """Frames of which most is the next once more, where most of the frames around change: repeats that were dirtied or compressed after."""
    usual = float(np.quantile([*middles.values()], 0.75)) if middles else 0.0
    return {i for i, amount in middles.items() if amount <= STANDING * usual} if usual >= LEAST else set()


def _doubles(changes: Mapping[int, float], index: int, noise: float, middles: Mapping[int, float]) -> frozenset[int]:
    """Of neighbours that repeat each other, those farther from the centre."""
    same = _unchanged(changes, noise) | _standing(middles)
    return frozenset({i + 1 for i in same if i > index} | {i for i in same if i + 1 < index})


def _limit(noise: float) -> float:
    independent = 2 / np.sqrt(np.pi) * noise  # mean difference of two grains
    return max(float(EQUAL * independent), LEAST)


def _between(pictures: Mapping[int, Real], i: int) -> bool:
    return i - 1 in pictures and i in pictures and i + 1 in pictures
