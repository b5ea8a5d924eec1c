"""How well damage was found: precision, recall, F1, average precision and ROC, by pixel and by defect, and the clicks that are left.

Masks are (H, W) bool, scores (H, W) float in 0 … 1. Everything adds up over frames. What people left unlabelled goes in as `ignored`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from frdm.errors import MetricError
from frdm.film import Mask, Real
from frdm.metrics.places import Pieces, grown, pieces
from frdm.metrics.restoration import FrameCounts

RATES = (1e-4, 1e-3, 1e-2)  # false alarms among clean pixels
LEVELS = 65536  # scores are told apart to 16 bits, as mattes are stored


@dataclass(frozen=True, slots=True)
class Counts:
    """Right and wrong answers, of pixels or of defects; add them up over frames.

    `precision`, `recall`, `f1`: 0 … 1, higher is better; None where nothing was found, nothing was there, neither.
    """

    hits: int = 0  # of what was there, found
    missed: int = 0
    right: int = 0  # of what was found, there
    wrong: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.hits + other.hits, self.missed + other.missed, self.right + other.right, self.wrong + other.wrong)

    @property
    def precision(self) -> float | None:
        """Share of what was found that is there. Rewards wrongly: finding only the plainest defect."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of what is there that was found. Rewards wrongly: painting everything."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing was there nor found."""
        if not (self.hits + self.missed + self.right + self.wrong):
            return None
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def pixel_counts(found: Mask, truth: Mask, *, tolerance: int = 0, ignored: Mask | None = None) -> Counts:
    """Counts of pixels; one within `tolerance` px of its counterpart is right, as hand-drawn outlines are that loose."""
    same_places(found, truth)
    counted = np.ones(truth.shape, np.bool_) if ignored is None else ~ignored
    reached, allowed = (grown(mask, tolerance) if tolerance else mask for mask in (found, truth))
    hits, right = int((truth & reached & counted).sum()), int((found & allowed & counted).sum())
    return Counts(hits, int((truth & counted).sum()) - hits, right, int((found & counted).sum()) - right)


def defect_counts(
    found: Mask, truth: Mask, *, cover: float = 0.5, tolerance: int = 1, least: int = 1, ignored: Mask | None = None
) -> Counts:
    """Counts of defects: connected pieces of at least `least` px.

    A defect is a hit when `cover` of its pixels lie within `tolerance` px of what was found; a found piece is right when it comes within
    `tolerance` px of any defect. Pieces that touch `ignored` count neither way.
    """
    same_places(found, truth)
    real, claimed = (pieces(mask).at_least(least) for mask in (truth, found))
    covered = np.bincount(real.numbers[grown(found, tolerance)], minlength=len(real) + 1)[1:] >= cover * real.areas
    touching = claimed.touched(grown(truth, tolerance))
    real_counts, claimed_counts = (_counted(one, ignored) for one in (real, claimed))
    return Counts(
        hits=int((covered & real_counts).sum()),
        missed=int((~covered & real_counts).sum()),
        right=int((touching & claimed_counts).sum()),
        wrong=int((~touching & claimed_counts).sum()),
    )


def _counted(one: Pieces, ignored: Mask | None) -> NDArray[np.bool_]:
    return np.ones(len(one), np.bool_) if ignored is None else ~one.touched(ignored)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """How many damaged and clean pixels have each score, in 65,536 steps: the whole ROC and precision-recall curve of a film."""

    damaged: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LEVELS, np.int64))
    clean: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LEVELS, np.int64))

    def __add__(self, other: "ScoreCounts") -> "ScoreCounts":
        return ScoreCounts(self.damaged + other.damaged, self.clean + other.clean)

    def average_precision(self) -> float | None:
        """Area under precision over recall, by steps: 0 … 1, higher is better; None without damaged pixels.

        Chance gives the share of damaged pixels. Rewards wrongly: large defects, that have most of the pixels.
        """
        hits, alarms = (np.cumsum(counts[::-1]) for counts in (self.damaged, self.clean))
        if not hits[-1]:
            return None
        gained = np.diff(hits, prepend=0)
        return float((gained * hits / np.maximum(hits + alarms, 1)).sum() / hits[-1])

    def roc_at(self, rates: Sequence[float] = RATES) -> dict[float, float | None]:
        """For each rate of false alarms (share of clean pixels) the largest recall with no more of them: 0 … 1, higher is better."""
        hits, alarms = (np.cumsum(np.concatenate([[0], counts[::-1]])) for counts in (self.damaged, self.clean))
        if not hits[-1] or not alarms[-1]:
            return dict.fromkeys(rates)
        return {rate: float(hits[alarms <= rate * alarms[-1]][-1] / hits[-1]) for rate in rates}


def score_counts(scores: Real, truth: Mask, *, ignored: Mask | None = None) -> ScoreCounts:
    """The counts of one frame's scores (H, W), 0 … 1. Raises `MetricError` outside that range."""
    same_places(scores, truth)
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise MetricError(f"scores: {scores.min()} … {scores.max()} found, 0 … 1 wanted; scale them")
    steps = np.rint(scores * np.float32(LEVELS - 1)).astype(np.int64)
    counted = np.ones(truth.shape, np.bool_) if ignored is None else ~ignored
    return ScoreCounts(*(np.bincount(steps[which & counted], minlength=LEVELS) for which in (truth, ~truth)))


@dataclass(frozen=True, slots=True)
class RankedDefects:
    """Found pieces with their scores and whether they are right, and how many defects there are; adds up over frames."""

    ranked: tuple[tuple[float, bool], ...] = ()
    defects: int = 0

    def __add__(self, other: "RankedDefects") -> "RankedDefects":
        return RankedDefects(self.ranked + other.ranked, self.defects + other.defects)

    def average_precision(self) -> float | None:
        """Average precision over defects: 0 … 1, higher is better; None without defects. Every defect counts alike, large or small."""
        if not self.defects:
            return None
        ordered = sorted(self.ranked, key=lambda one: -one[0])
        scores, right = (np.array([one[part] for one in ordered]) for part in (0, 1))
        hits = np.cumsum(right.astype(np.int64))
        last = (
            np.flatnonzero(np.diff(scores, append=-np.inf)) if len(scores) else np.zeros(0, np.int64)
        )  # pieces of one score come together
        gained = np.diff(hits[last], prepend=0)
        return float((gained * hits[last] / (last + 1)).sum() / self.defects)


def ranked_defects(scores: Real, truth: Mask, *, threshold: float = 0.1, tolerance: int = 1, least: int = 1) -> RankedDefects:
    """Pieces of `scores` above `threshold`, ranked by their highest score.

    A piece is right for every defect within `tolerance` px of it that no better piece has; one that only repeats what a better piece has
    counts neither way, as a hair found in two parts is no false alarm; one that reaches no defect is wrong.
    """
    same_places(scores, truth)
    real, claimed = (pieces(mask).at_least(least) for mask in (truth, scores > threshold))
    taken: set[int] = set()
    ranked: list[tuple[float, bool]] = []
    for score, reached in sorted(_claims(scores, claimed, real, tolerance), key=lambda one: -one[0]):
        ranked += [(score, True)] * len(reached - taken) if reached else [(score, False)]
        taken |= reached
    return RankedDefects(tuple(ranked), len(real))


def _claims(scores: Real, claimed: Pieces, real: Pieces, tolerance: int) -> list[tuple[float, set[int]]]:
    """(highest score, numbers of the defects within reach) of every found piece."""
    claims = []
    for number, (top, left, bottom, right) in enumerate(claimed.boxes, 1):
        place = slice(max(top - tolerance, 0), bottom + tolerance), slice(max(left - tolerance, 0), right + tolerance)
        mine = claimed.numbers[place] == number
        reached = real.numbers[place][grown(mine, tolerance) if tolerance else mine]
        claims.append((float(scores[place][mine].max()), {int(n) for n in np.unique(reached) if n}))
    return claims


@dataclass(frozen=True, slots=True)
class ClicksLeft:
    """What a person still has to touch: defects that were not mended, and false repairs."""

    missed: int
    lines_missed: int
    false: int
    frames: int

    @property
    def per_thousand(self) -> float:
        """Clicks per 1,000 frames: ≥ 0, lower is better. Rewards wrongly: harm too small or too faint to count as a piece."""
        return 1000 * (self.missed + self.lines_missed + self.false) / max(self.frames, 1)


def clicks_left(counts: Sequence[FrameCounts]) -> ClicksLeft:
    """The clicks of one film, from the counts of its frames.

    Each visible defect of a frame that was not mended and each wrong piece far from damage is one; a standing line is one for the whole
    film, as a person draws it once, unless it was mended in every frame that shows it.
    """
    left: frozenset[int] = reduce(frozenset.union, (frame.lines_left for frame in counts), frozenset())
    missed = sum(frame.mended[1] - frame.mended[0] for frame in counts)
    return ClicksLeft(missed, len(left), sum(frame.false_pieces for frame in counts), len(counts))


def same_places(one: NDArray[np.generic], other: NDArray[np.generic]) -> None:
    """Raises `MetricError` unless both have one shape (H, W)."""
    if one.shape != other.shape or one.ndim != 2:
        raise MetricError(f"what was found and what is there: shapes {one.shape} and {other.shape} found, one (rows, columns) wanted")
