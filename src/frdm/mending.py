"""The main path: frames of a span → aligned windows → defects → fill or hold → repairs. One generator, which knows neither files nor
the ledger.

Everything that it says of a frame follows from that frame and at most `HALO` frames around it in the same shot, so that the result does
not depend on how a
film is cut into spans, ranges or jobs. OpenCV is held to one thread a call, because motion's result depends on their number; windows
are worked on side by side instead.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np

from frdm.defects.classical import Findings, find
from frdm.defects.given import apart_from, from_dirtmap
from frdm.defects.keep import keeps_flash, kept, recognised
from frdm.fills.neighbours import Fill, Ground, fill
from frdm.film import Defect, Frame, Held, Mask, MendedFrame, Real, Repair, ScanInfo, Span
from frdm.motion.reel import HALO, Reel
from frdm.motion.window import Window
from frdm.recipe import Recipe
from frdm.signal.grain import measure_grain

FEWEST = 2  # neighbours without which nothing is judged: one other frame can't tell dirt from film


class FrameSource(Protocol):
    """Whatever gives a film's frames in order."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


class GivenMattes(Protocol):
    """Where a person or a scanner says that something is, or must not be, repaired."""

    def allowed(self, frame: Frame) -> Mask | None:
        """Where repairs may be made (the picture area less protected places); None: everywhere."""
        ...

    def dirt(self, frame: Frame) -> Mask | None:
        """Where dirt is known to be; None: nothing given."""
        ...


def mend(source: FrameSource, span: Span, *, info: ScanInfo, recipe: Recipe, given: GivenMattes) -> Iterator[MendedFrame]:
    """Repairs and held defects of every frame of a span, in order."""
    cv2.setNumThreads(1)
    first, last = max(span.start - HALO, span.shot.start), min(span.stop + HALO, span.shot.stop)
    with ThreadPoolExecutor(2) as pool:
        reel = Reel(source.frames(first, last), info.encoding, span.shot, first, pool)
        for index in range(span.start, span.stop):
            yield mend_frame(reel.window(index), info=info, recipe=recipe, given=given, pool=pool)
            reel.forget(index)


def mend_frame(window: Window, *, info: ScanInfo, recipe: Recipe, given: GivenMattes, pool: Executor) -> MendedFrame:
    """Repairs and held defects of the window's centre."""
    repeated = window.cadence.original(window.frame.index)
    if len(window.neighbours) < FEWEST:
        return MendedFrame(window.frame, (), (), 0.0, repeated)
    allowed, dirt = given.allowed(window.frame), given.dirt(window.frame)
    findings = find(window, recipe.detection, allowed)
    known = [] if dirt is None else from_dirtmap(window, dirt, allowed, recipe.detection.max_size)
    found = known + (apart_from(findings.defects, known, window.luma.shape) if known else list(findings.defects))
    defects = [recognised(d, info, lasting=lasting(window, d)) for d in found]
    reason = too_much(defects, window, recipe) or keeps_flash(recipe.detection, window.luma, [n.raw for n in window.neighbours])
    fills = [Fill(None, None, reason)] * len(defects) if reason else _fills(window, defects, findings, info, recipe, pool)
    fills = [_by_dirtmap(f) if place < len(known) else f for place, f in enumerate(fills)]
    return _settled(window, defects, fills, findings.level, repeated)


def too_much(defects: Sequence[Defect], window: Window, recipe: Recipe) -> str:
    """Why the whole frame is held, or nothing: suspicion everywhere is rain, fire, a flash or lost motion, not dirt."""
    share = sum(float(d.mask.sum()) for d in defects) / window.luma.size
    return f"{share:.0%} of the frame is suspected, more than most_altered allows" if share > recipe.most_altered else ""


def lasting(window: Window, defect: Defect) -> int:
    """In how many frames of the window something as bright stands where the defect is (1: in its own alone), which tells a cue mark
    from dirt.
    """
    expected = float(np.median([_level(n.aligned.luma, defect) for n in window.neighbours]))
    contrast = (_level(window.luma, defect) - expected) or 1.0
    return 1 + sum((_level(n.raw, defect) - expected) / contrast > 0.5 for n in window.neighbours)


def _level(luma: Real, defect: Defect) -> float:
    return float(luma[defect.box.rows, defect.box.columns][defect.mask].mean())


def _fills(window: Window, defects: Sequence[Defect], findings: Findings, info: ScanInfo, recipe: Recipe, pool: Executor) -> list[Fill]:
    if not defects:
        return []
    suspects = findings.suspects.copy()
    for defect in defects:
        suspects[defect.box.rows, defect.box.columns] |= defect.mask
    planes = window.frame.planes[: info.encoding.pictures]
    ground = Ground(info.encoding, suspects, findings.noise, tuple(measure_grain(p.astype(np.float32)) for p in planes))

    def mended(defect: Defect) -> Fill:
        reason = kept(defect, recipe.detection)
        return Fill(None, None, reason) if reason else fill(window, defect, ground, recipe.filling)

    return list(pool.map(mended, defects))


def _by_dirtmap(made: Fill) -> Fill:
    return made if made.provenance is None else replace(made, provenance=replace(made.provenance, detector="dirt map"))


def _settled(window: Window, defects: Sequence[Defect], fills: Sequence[Fill], noise: float, repeated: int | None) -> MendedFrame:
    repairs, held = [], []
    for number, (defect, made) in enumerate(zip(defects, fills, strict=True)):
        name = f"{window.frame.index:06d}-{number:03d}"
        if made.patch is None or made.provenance is None:
            held.append(Held(name, defect, made.reason))
        else:
            repairs.append(Repair(name, defect, made.patch, made.provenance))
    return MendedFrame(window.frame, tuple(repairs), tuple(held), noise, repeated)
