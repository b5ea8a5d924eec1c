"""Pixel tests: what differs from every aligned neighbour in the same direction.

Each test keeps dark and bright apart. They find too much by design; defects/objects.py decides which connected pieces are defects.
Source: Kokaram 1998 (SDIp: the centre differs from both neighbours with one sign), Corrigan 2008 (five frames tell a blotch from
pathological motion).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Mask, Real
from frdm.motion.align import Aligned

STRIP = 32  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """Per pixel, in working units 0 … 1 (H, W)."""

    middle: Real  # the middle of the neighbours: what the film is expected to show
    difference: Real  # centre − middle
    beyond: Real  # how far the centre lies outside all but one neighbour's range, signed; 0 inside
    beyond_all: Real  # the same outside every neighbour's range
    spread: Real  # disagreement of the neighbours among themselves


def sorted_neighbours(values: Sequence[Real]) -> list[Real]:
    """The neighbours' values in rising order at each pixel (an odd–even exchange: arrays of pictures, no axis sort)."""
    rank = list(values)
    for start in range(len(rank)):
        for i in range(start % 2, len(rank) - 1, 2):
            rank[i], rank[i + 1] = np.asarray(cv2.min(rank[i], rank[i + 1])), np.asarray(cv2.max(rank[i], rank[i + 1]))
    return rank


def outside(centre: Real, low: Real, high: Real) -> Real:
    """Signed distance of `centre` from the interval [low, high], 0 inside."""
    out: Real = np.maximum(centre - high, 0) + np.minimum(centre - low, 0)
    return out


def find_spikes(centre: Real, neighbours: Sequence[Aligned], slack: int = 3) -> Spikes:
    """The tests on one window; `slack` px is the extent over which a neighbour may be off and still count as agreeing.

    Worked on in strips of rows that fit the processor's cache: the tests pass over the same pixels some sixty times.
    """
    height, reach = len(centre), slack // 2
    strips = []
    for top in range(0, height, STRIP):
        bottom = min(top + STRIP, height)
        first, last = max(top - reach, 0), min(bottom + reach, height)
        rows = slice(top - first, bottom - first)
        strips.append(_spikes(centre[top:bottom], [n.luma[first:last] for n in neighbours], rows, slack))
    return Spikes(*(np.concatenate(parts) for parts in zip(*strips, strict=True)))


def _spikes(centre: Real, lumas: Sequence[Real], rows: slice, slack: int) -> tuple[Real, Real, Real, Real, Real]:
    """The fields of `Spikes` on one strip; `rows` are its own rows in the neighbours' higher strips."""
    kernel = np.ones((slack, slack), np.uint8)
    rank = sorted_neighbours([luma[rows] for luma in lumas])
    lows = lowest_two([np.asarray(cv2.erode(luma, kernel), np.float32)[rows] for luma in lumas])
    highs = [-v for v in lowest_two([-np.asarray(cv2.dilate(luma, kernel), np.float32)[rows] for luma in lumas])]
    count = len(rank)
    middle: Real = (rank[(count - 1) // 2] + rank[count // 2]) * np.float32(0.5)
    second = int(count >= 3)
    spread: Real = rank[-2] - rank[1] if count >= 4 else rank[-1] - rank[0]
    beyond = outside(centre, lows[second], highs[second])
    return middle, centre - middle, beyond, outside(centre, lows[0], highs[0]), spread


def lowest_two(values: Sequence[Real]) -> list[Real]:
    """The smallest and the second smallest at each pixel (of one: the same twice)."""
    first, second = values[0], values[1] if len(values) > 1 else values[0]
    first, second = np.asarray(cv2.min(first, second)), np.asarray(cv2.max(first, second))
    for value in values[2:]:
        second = np.asarray(cv2.min(second, cv2.max(first, value)))
        first = np.asarray(cv2.min(first, value))
    return [first, second]


def noise_level(difference: Real) -> float:
    """Standard deviation of the film's noise as the window shows it: the median absolute difference, which defects and motion errors
    hardly move.
    """
    sample = np.abs(difference[1::3, 1::3] if min(difference.shape) > 1 else difference)
    return float(np.median(sample)) * 1.4826 + 1e-4


def candidates(spikes: Spikes, noise: Real, sign: int, strength: float) -> tuple[Mask, Mask]:
    """(seeds, bodies) of one polarity: certain pixels, and the weaker pixels that may belong to them.

    `sign` +1 bright, -1 dark; `noise` (H, W) the local noise; `strength` 0 … 1 lowers the thresholds.
    """
    ease = np.float32(1.45 - 0.9 * strength)
    smooth = cv2.GaussianBlur(spikes.difference, (0, 0), 0.8) * sign
    seeds = (spikes.beyond * sign > np.maximum(2.2 * noise, 0.018) * ease) & (smooth > np.maximum(2.5 * noise, 0.025) * ease)
    bodies = smooth > np.maximum(1.1 * noise, 0.012)
    return seeds, bodies
