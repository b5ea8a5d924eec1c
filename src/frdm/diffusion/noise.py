"""Noise as a function of the place: the same seed, shot, frame, row, column and channel give the same bits, whoever asks for how much of
it in which order.

A counter-based generator turns the place into 32 bits; two halves of them choose two quantiles of the normal law from a table, whose sum is
the sample. Whole numbers, a table and one addition: nothing rounds otherwise on another machine. Source: Salmon 2011 (Philox4x32-10).
"""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

WORD = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
BUMPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
AT_ONCE = 1 << 14  # places worked on together: their words stay in the processor's cache
STREAM = 16  # bits of the channel's word below the stream's

Words = tuple[Any, Any, Any, Any]  # arrays of uint64, or single ones


@dataclass(frozen=True, slots=True)
class NoiseField:
    """Unit normal noise over a shot's latents, endless in every direction."""

    seed: int
    shot: int  # the shot's first frame in the film
    channels: int

    def at(self, frames: range, rows: range, columns: range, *, stream: int = 0, where: Mask | None = None) -> Real:
        """(channels, frames, rows, columns) of the field, positions absolute and not negative; each `stream` is another field.

        With `where` (frames, rows, columns) it is made there and left 0 far from it.
        """
        out = np.zeros((self.channels, len(frames), len(rows), len(columns)), np.float32)
        strip = max(1, AT_ONCE // max(1, len(columns)))
        for place, frame in enumerate(frames):
            for top in range(0, len(rows), strip):
                asked = slice(0, len(columns)) if where is None else _span(np.asarray(where[place, top : top + strip].any(0), bool))
                self._draw(out[:, place, top : top + strip, asked], frame, rows[top : top + strip], columns[asked], stream)
        return out

    def _draw(self, out: Real, frame: int, rows: range, columns: range, stream: int) -> None:
        across, down = np.array(columns, np.uint64), np.array(rows, np.uint64)[:, None]
        for first in range(0, self.channels, 4):
            block = np.uint64(stream << STREAM | first // 4)
            words = philox((across, down, np.uint64(frame), block), (self.seed & WORD, self.shot & WORD))
            for channel, word in zip(range(first, min(first + 4, self.channels)), words, strict=False):
                out[channel] = normal(word)


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Four random words of 32 bits (in uint64) for every counter of four; arrays broadcast. Source: Salmon 2011."""
    a, b, c, d = counter
    word, shift = np.uint64(WORD), np.uint64(32)
    for turn in range(ROUNDS):
        left, right = (np.uint64((k + turn * bump) & WORD) for k, bump in zip(key, BUMPS, strict=True))
        first, second = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a, b, c, d = (second >> shift) ^ b ^ left, second & word, (first >> shift) ^ d ^ right, first & word
    return a, b, c, d


def normal(words: NDArray[np.uint64]) -> Real:
    """A sample of the normal law, mean 0, variance 1, for each word of 32 bits."""
    table = _quantiles()
    out: Real = np.asarray(table[words & np.uint64(0xFFFF)] + table[words >> np.uint64(16)], np.float32)
    return out


def _span(columns: Mask) -> slice:
    """From the first true one to the last; nothing where there is none."""
    places = np.flatnonzero(columns)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)


@cache
def _quantiles() -> Real:
    """The middle quantiles of 65,536 equal parts of the normal law, scaled so that a sum of two has variance 1."""
    count = 1 << 16
    law = NormalDist()
    upper = np.array([law.inv_cdf((place + 0.5) / count) for place in range(count // 2, count)])
    table = np.concatenate([-upper[::-1], upper])
    scaled: Real = (table / np.sqrt(2 * np.mean(table**2))).astype(np.float32)
    return scaled
