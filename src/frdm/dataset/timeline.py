"""Which frame of AFTER belongs to which of BEFORE: films that begin at different moments, lost frames, frames shown twice, scenes left out.

Every frame's thumbnails are compared coarsely first; the chain that keeps its offset best is then settled on finer pictures by dynamic
programming. Offsets are AFTER's frame number minus BEFORE's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

ANCHORS = 4000  # at most so many frames are looked for in the whole of AFTER
CHOICES = 4  # partners that are kept of each
APART = 3  # frames between two choices
SPREAD = 3  # frames before and after that must be alike as well
ALIKE = 0.6  # likeness below which two frames are no partners
CHANGE = 0.35  # what a change of offset costs, in likenesses
BACK = 24  # anchors that are looked back at
NEAR = 90  # frames: offsets of anchors so near are tried
WIGGLE = 2  # offsets on either side of them
SHARP = 2.0  # how much a worse partner counts, relative to the best one's distance
JUMP = 0.8  # what a change of offset costs on the fine pictures, in frames
TOLERATED = 1.3  # times the usual distance of partners: a best candidate that is farther away is none
STRANGE = 0.75  # distance of fine pictures above which frames are strangers


@dataclass(frozen=True, slots=True)
class Anchor:
    """A frame of BEFORE with a likely partner."""

    before: int
    after: int
    alike: float


def find_anchors(before: Real, after: Real) -> list[Anchor]:
    """The chain of likely partners, both rising, that is most alike and changes its offset least. Vectors are `Signatures.coarse`."""
    step = max(1, len(before) // ANCHORS)
    choices = [_choices(before, after, index) for index in range(0, len(before), step)]
    return _chain([each for each in choices if each])


def _choices(before: Real, after: Real, index: int) -> list[Anchor]:
    """The likeliest partners of one frame, judged with the frames around it."""
    total, count = np.zeros(len(after), np.float32), np.zeros(len(after), np.float32)
    for k in (-SPREAD, 0, SPREAD):
        if 0 <= index + k < len(before):
            alike = after @ before[index + k]  # (frames of AFTER,)
            low, high = max(0, -k), min(len(after), len(after) - k)
            total[low:high] += alike[low + k : high + k]
            count[low:high] += 1
    scores = total / np.maximum(count, 1)
    found: list[Anchor] = []
    for _ in range(CHOICES):
        best = int(scores.argmax())
        if scores[best] < ALIKE:
            break
        found.append(Anchor(index, best, float(scores[best])))
        scores[max(0, best - APART) : best + APART + 1] = -1
    return found


def _chain(choices: Sequence[Sequence[Anchor]]) -> list[Anchor]:
    """The best chain through at most one choice of each frame."""
    states: list[tuple[Anchor, float, int]] = []  # anchor, score, predecessor
    starts = [0]
    for each in choices:
        recent = range(starts[-BACK] if len(starts) >= BACK else 0, len(states))
        new = []
        for anchor in each:
            score, come = anchor.alike, -1
            for number in recent:
                last, total, _ = states[number]
                if last.after < anchor.after:
                    same = last.after - last.before == anchor.after - anchor.before
                    reached = total + anchor.alike - (0 if same else CHANGE)
                    if reached > score:
                        score, come = reached, number
            new.append((anchor, score, come))
        starts.append(len(states))
        states += new
    if not states:
        return []
    at = max(range(len(states)), key=lambda number: states[number][1])
    chain = []
    while at >= 0:
        chain.append(states[at][0])
        at = states[at][2]
    return chain[::-1]


def candidates(anchors: Sequence[Anchor], length: int, other: int) -> list[list[int]]:
    """For each of BEFORE's `length` frames the frames of AFTER (of `other`) that may be its partner, rising."""
    near: list[set[int]] = [set() for _ in range(length)]
    runs: dict[int, list[tuple[int, int]]] = {}
    for anchor in anchors:  # stretches of frames in which an offset is near
        spans = runs.setdefault(anchor.after - anchor.before, [])
        low, high = max(0, anchor.before - NEAR), min(length, anchor.before + NEAR + 1)
        if spans and spans[-1][1] >= low:
            spans[-1] = (spans[-1][0], high)
        else:
            spans.append((low, high))
    for offset, spans in runs.items():
        for low, high in spans:
            for index in range(low, high):
                near[index].update(range(offset - WIGGLE, offset + WIGGLE + 1))
    return [sorted(index + offset for offset in offsets if 0 <= index + offset < other) for index, offsets in enumerate(near)]


def settled(distances: Sequence[Mapping[int, float]], length: int) -> list[int | None]:
    """Every BEFORE frame's partner, or None, given the distances to its candidates; `length` is AFTER's.

    The rising path that fits best; a change of offset must pay for itself.
    """
    best_to = _Best(length)
    last_at: dict[int, tuple[float, int]] = {}  # offset → (score, state)
    states: list[tuple[int, int, int]] = []  # before, after, predecessor
    usual = _usual([min(near.values(), default=STRANGE) for near in distances])
    for index, near in enumerate(distances):
        fair = {j: d for j, d in near.items() if d < STRANGE}
        least = min([*fair.values(), TOLERATED * usual[index]])
        new = []
        for j, d in fair.items():
            gain = max(-1.0, 1 - SHARP * (d - least) / (least + 0.02))
            stay, jump = last_at.get(j - index, (0.0, -1)), best_to.below(j)
            score, come = max(stay, (jump[0] - JUMP, jump[1]), key=lambda way: way[0])
            new.append((j, score + gain, come))
        for j, score, come in new:
            states.append((index, j, come))
            last_at[j - index] = (score, len(states) - 1)
            best_to.put(j, score, len(states) - 1)
    partners: list[int | None] = [None] * len(distances)
    at = best_to.below(length)[1]
    while at >= 0:
        index, j, at = states[at]
        partners[index] = j
    return partners


def _usual(least: Sequence[float]) -> list[float]:
    """What distance partners have around each frame: the median of the best ones nearby."""
    return [float(np.median(least[max(0, index - NEAR) : index + NEAR + 1])) for index in range(len(least))]


class _Best:
    """The best score among states whose AFTER frame is below a number (a Fenwick tree of maxima)."""

    def __init__(self, length: int) -> None:
        self._score: NDArray[np.float64] = np.zeros(length + 2)
        self._state: NDArray[np.int64] = np.full(length + 2, -1)

    def put(self, j: int, score: float, state: int) -> None:
        at = j + 1
        while at < len(self._score):
            if score > self._score[at]:
                self._score[at], self._state[at] = score, state
            at += at & -at

    def below(self, j: int) -> tuple[float, int]:
        best, at = (0.0, -1), j
        while at > 0:
            if self._score[at] > best[0]:
                best = (float(self._score[at]), int(self._state[at]))
            at -= at & -at
        return best
