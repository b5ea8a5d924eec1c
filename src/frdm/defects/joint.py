"""Both detectors together: the net and the pixel tests with their object filter, each a second opinion on what the other found.

The net knows content (few false alarms, sure of what it was trained on), the object filter knows differences (finds what no net has
seen). A piece of one is taken where the other does not speak against it, and what one alone would hold is taken where both see it.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from frdm.defects import classical, eye
from frdm.defects.classical import Findings, Tests
from frdm.film import Defect, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

VETO = 0.12  # mean probability of the net below which it speaks against a piece of the object filter
AGREED = 0.3  # … and from which it agrees with one that the object filter would hold
OVERLAP = 0.3  # share of a piece that must be the other's for both to be one


def find(window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None) -> Findings:
    """All defects of the window's centre; only where `allowed` (a mask of the size that is searched)."""
    tests = Tests.of(window)
    tested = classical.find(window, settings, allowed, pool=pool, tests=tests)
    learnt, dirt = eye.find_with_map(window, settings, allowed, tests)
    opinion = [mean_over(dirt, window, defect) for defect in tested.defects]
    kept = [defect for defect, chance in zip(tested.defects, opinion, strict=True) if chance >= VETO]
    refused = [defect for defect, chance in zip(tested.defects, opinion, strict=True) if chance < VETO]
    agreed = [defect for defect in tested.doubtful if mean_over(dirt, window, defect) >= AGREED]
    taken = [*learnt.defects, *apart([*kept, *agreed], learnt.defects, window)]
    unsure = apart([*learnt.doubtful, *refused, *(d for d in tested.doubtful if d not in agreed)], taken, window)
    order = sorted(taken, key=lambda d: d.box), sorted(unsure, key=lambda d: d.box)
    return replace(learnt, defects=tuple(order[0]), doubtful=tuple(order[1]), suspects=learnt.suspects | tested.suspects)


def mean_over(dirt: Real, window: Window, defect: Defect) -> float:
    """The net's mean probability over a defect's own pixels (the upper half of them: a defect's mask is a little grown)."""
    near = window.scale.box(defect.box)
    values = dirt[near.rows, near.columns][window.scale.within(defect.box, defect.mask, near)]
    return float(np.sort(values)[len(values) // 2 :].mean()) if values.size else 0.0


def apart(found: Sequence[Defect], others: Sequence[Defect], window: Window) -> list[Defect]:
    """Those of `found` that do not lie on `others`, nor on each other."""
    covered = np.zeros(window.scale.whole, bool)
    for defect in others:
        covered[defect.box.rows, defect.box.columns] |= defect.mask
    out = []
    for defect in found:
        place = covered[defect.box.rows, defect.box.columns]
        if (place & defect.mask).sum() <= OVERLAP * defect.mask.sum():
            out.append(defect)
            place |= defect.mask
    return out
