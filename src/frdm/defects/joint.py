"""Both detectors together: the net, and the pixel tests with their object filter.

The net knows content (few false alarms, sure of what it was trained on), the object filter knows differences (finds what no net has
seen). Each is a second opinion on what the other found: one is taken where the other does not speak against it, and what one alone would
hold where both see it. Small pieces, of which there are many, come before the verdict besides (`verdict.py`), which hears both, the frame
and the film around: what it is sure of needs nobody else, and what it doubts is not taken. Of large ones there are too few to learn a
verdict from: of them the net must half agree, and what may have just come into the shot is left (`newcomer.py`).
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frdm.defects import classical, eye, verdict
from frdm.defects.classical import Examined, Findings, Tests, defect_of, signs
from frdm.defects.eye import LARGE
from frdm.defects.judge import load_file
from frdm.defects.newcomer import apart_from_newcomers
from frdm.defects.outlook import Outlook
from frdm.film import Defect, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

VETO, VETO_LARGE = 0.12, 0.3  # mean probability of the net below which it speaks against a piece of the object filter, or a large one
AGREED = 0.3  # … and from which it agrees with one that the object filter would hold
OVERLAP = 0.3  # share of a piece that must be the other's for both to be one
LEAST = 0.8  # the verdict from which a small piece is mended …
ENOUGH = 0.3  # … or this, where the rules would take it
SUREST = 0.95  # … at strength 0
REPORTED = 0.3  # the verdict from which a small piece that is not believed is held and reported


def find(
    window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None, around: Outlook = eye.NOWHERE
) -> Findings:
    """All defects of the window's centre; only where `allowed` (a mask of the size that is searched). `around`: what other frames nearby
    show.
    """
    tests = Tests.of(window)
    examined = classical.examine(window, settings, allowed, tests, pool)
    dirt = eye.seen_of(window, tests, allowed)
    heard = Heard(window, examined, dirt, eye.found_in(dirt, window, tests, settings), settings, around)
    large, unsure = by_rules(heard, (LARGE, classical.ANY_SIZE[1]))
    taken, newcomers = apart_from_newcomers(window, large)
    unsure += newcomers
    believed, doubted = by_verdict(heard, by_rules(heard, (0.0, LARGE))[0])
    taken += apart(believed, taken, window)
    unsure += apart(doubted, [*taken, *unsure], window)
    suspects = examined.doubted | (dirt > eye.BODY / 2)
    return Findings(_in_order(taken), _in_order(unsure), suspects, tests.noise, tests.level)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Everything that is said of a window."""

    window: Window
    examined: Examined
    dirt: Real  # (H, W) the net's probabilities …
    found: eye.EyePieces  # … and the pieces of them
    settings: Detection
    around: Outlook


def by_rules(heard: Heard, sizes: tuple[float, float]) -> tuple[list[Defect], list[Defect]]:
    """(defects, doubtful ones) of the pieces of some sizes (px of a 480-line picture), each detector a second opinion."""
    window, settings, dirt = heard.window, heard.settings, heard.dirt
    asked = eye.asked_around(heard.around)
    learnt, open_ones = eye.settled(window, heard.found, settings, asked, sizes)
    tested, held = classical.settled(window, heard.examined, settings, sizes)
    large = sizes[0] >= LARGE
    mine = asked[int(large)] * scaled(settings.strength)
    veto, agreement = (max(least, mine) for least in (VETO_LARGE if large else VETO, AGREED))
    kept = [defect for defect in tested if mean_over(dirt, window, defect) >= veto]
    agreed = [defect for defect in held if mean_over(dirt, window, defect) >= agreement]
    taken = [*learnt, *apart([*kept, *agreed], learnt, window)]
    return taken, apart([*open_ones, *(d for d in (*tested, *held) if d not in kept and d not in agreed)], taken, window)


def by_verdict(heard: Heard, ruled: Sequence[Defect]) -> tuple[list[Defect], list[Defect]]:
    """(defects, doubtful ones) of the pieces below `LARGE`; `ruled`: those that the rules would take, of which less is asked."""
    window, settings = heard.window, heard.settings
    trees, most = load_file("verdict.npz", verdict.FEATURES), LARGE * (window.luma.shape[0] / 480) ** 2
    least, enough = least_chance(LEAST, settings.strength), least_chance(ENOUGH, settings.strength)
    covered = covered_by(ruled, window)
    lists: tuple[list[Defect], list[Defect]] = ([], [])
    for found in verdict.candidates(heard.examined, heard.dirt, settings, heard.around):
        pieces, chance = found.pieces, trees.probability(found.features)
        if pieces.sign in signs(settings):
            for i in np.flatnonzero((chance >= min(enough, REPORTED)) & (pieces.areas < most)):
                defect = defect_of(window, pieces.labels, pieces.boxes[i], (int(i) + 1, pieces.sign), float(chance[i]))
                defect = window.scale.whole_defect(defect)
                place = covered[defect.box.rows, defect.box.columns] & defect.mask
                agreed = place.sum() > OVERLAP * defect.mask.sum()
                lists[int(chance[i] < (enough if agreed else least))].append(defect)
    return lists


def least_chance(usual: float, strength: float) -> float:
    """The verdict from which a small piece is mended: `usual` at strength 0.5, `SUREST` at 0, half of the usual at 1."""
    return usual + (SUREST - usual) * (1 - 2 * strength) if strength < 0.5 else usual * scaled(strength)


def scaled(strength: float) -> float:
    """What is left of a probability that is asked: all of it up to strength 0.5, half of it at 1."""
    return 1.5 - max(strength, 0.5)


def mean_over(dirt: Real, window: Window, defect: Defect) -> float:
    """The net's mean probability over a defect's own pixels (the upper half of them: a defect's mask is a little grown)."""
    near = window.scale.box(defect.box)
    values: NDArray[np.float32] = dirt[near.rows, near.columns][window.scale.within(defect.box, defect.mask, near)]
    return float(np.sort(values)[len(values) // 2 :].mean()) if values.size else 0.0


def apart(found: Sequence[Defect], others: Sequence[Defect], window: Window) -> list[Defect]:
    """Those of `found` that do not lie on `others`, nor on each other."""
    covered = covered_by(others, window)
    out = []
    for defect in found:
        place = covered[defect.box.rows, defect.box.columns]
        if (place & defect.mask).sum() <= OVERLAP * defect.mask.sum():
            out.append(defect)
            place |= defect.mask
    return out


def covered_by(defects: Sequence[Defect], window: Window) -> Mask:
    """Every pixel of the film's frame that lies in one of them."""
    out = np.zeros(window.scale.whole, bool)
    for defect in defects:
        out[defect.box.rows, defect.box.columns] |= defect.mask
    return out


def _in_order(found: Iterable[Defect]) -> tuple[Defect, ...]:
    return tuple(sorted(found, key=lambda defect: defect.box))
