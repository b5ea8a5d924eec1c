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
    """The tests on one window; `slack` px is the extent over which a neighbour may be off and still count as agreeing."""
    kernel = np.ones((slack, slack), np.uint8)
    rank = sorted_neighbours([n.luma for n in neighbours])
    lows = sorted_neighbours([np.asarray(cv2.erode(n.luma, kernel)) for n in neighbours])
    highs = sorted_neighbours([np.asarray(cv2.dilate(n.luma, kernel)) for n in neighbours])
    count = len(rank)
    if count >= 3:
        middle: Real = (rank[(count - 1) // 2] + rank[count // 2]) * np.float32(0.5)
        most = outside(centre, lows[1], highs[-2])
        spread: Real = rank[-2] - rank[1] if count >= 4 else rank[-1] - rank[0]
    else:
        middle = np.mean(rank, axis=0, dtype=np.float32)
        most = outside(centre, lows[0], highs[-1])
        spread = rank[-1] - rank[0]
    return Spikes(middle, centre - middle, most, outside(centre, lows[0], highs[-1]), spread)


def noise_level(difference: Real) -> float:
    """Standard deviation of the film's noise as the window shows it: the median absolute difference, which defects and motion errors
    hardly move.
    """
    sample = np.abs(difference[1::3, 1::3])
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
