"""What the frames around one show as a whole: how much of it is surely dirt.

A frame by itself can't tell rain, sparks, foliage or lost motion from dirt where it has nothing to compare them with; a stretch of film
can. On damaged film some piece is clearly dirt in nearly every frame, on undamaged film next to never; and film that is scratched is dirty.
Which frames are looked at: `frdm.defects.stretch`. Figures: docs/eye.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = ("sure", "some", "amount", "open")
HANDY = 300.0  # px of a 480-line picture from which a sure piece may be an arm, a tool or a light
SURE, SOME = 0.7, 0.45  # mean probabilities of pieces that are surely dirt, and that are rather dirt than not
FEWEST = 2  # frames, besides the one that is asked about, without which nothing is said


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen of one frame; areas in px of a 480-line picture."""

    sure: int = 0  # pieces of `SURE`
    some: int = 0  # pieces of `SOME`
    amount: float = 0.0  # Σ p · area of all pieces
    open: float = 0.0  # Σ p(1 − p) · area
    small: int = 0  # pieces of `SURE` below `HANDY`
    lines: int = 0  # standing lines that the frames around agree about

    @staticmethod
    def of(chance: NDArray[np.float64], areas: NDArray[np.float64]) -> "Glance":
        """From the mean probabilities and the areas of a frame's pieces."""
        undecided = float((chance * (1 - chance) * areas).sum())
        sure = chance >= SURE
        small = int((sure & (areas < HANDY)).sum())
        return Glance(int(sure.sum()), int((chance >= SOME).sum()), float((chance * areas).sum()), undecided, small)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Glances at other frames of the stretch that a frame lies in; too few of them say nothing."""

    others: Sequence[Glance] = ()

    @property
    def tells(self) -> bool:
        return len(self.others) >= FEWEST

    @property
    def nothing_sure(self) -> bool:
        """Whether none of the other frames shows anything that is surely dirt, nor a scratch: film that is scratched is dirty, too."""
        return self.tells and not any(one.sure or one.lines for one in self.others)

    @property
    def nothing_small_sure(self) -> bool:
        """Whether none of the other frames shows a *small* piece that is surely dirt: film that is dirty enough for large pieces has small
        ones, and a fast arm may be sure in several frames.
        """
        return self.tells and not any(one.small or one.lines for one in self.others)

    def features(self, own: Glance) -> NDArray[np.float64]:
        """`FEATURES` of the stretch; where too few frames were looked at, of the frame's own glance."""
        looked = self.others if self.tells else (own,)
        sure, some, amount, undecided = (
            float(np.mean([getattr(one, name) for one in looked])) for name in ("sure", "some", "amount", "open")
        )
        share = undecided * len(looked) / max(amount * len(looked), 20.0)
        return np.array([np.log(sure + 0.25), np.log(some + 0.25), np.log(amount + 5), share])
