"""The main path: frames of a span → aligned windows → defects → fill or hold → repairs. One generator, which knows neither files nor
the ledger.

Everything that it says of a frame follows from that frame, at most `HALO` frames around it in the same shot, and a few frames of the same
stretch that are always looked at (`defects/stretch.py`), so that the result does not depend on how a film is cut into spans, ranges or
jobs. OpenCV is held to one thread a call, because motion's result depends on their number; windows are worked on side by side instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import cv2
import numpy as np

from frdm.defects import alone, classical, eye, joint
from frdm.defects.alone import noise_of
from frdm.defects.classical import Findings
from frdm.defects.given import apart_from, beyond, from_dirtmap
from frdm.defects.keep import keeps_flash, kept, recognised
from frdm.defects.lines import find_lines
from frdm.defects.outlook import Glance, Outlook
from frdm.defects.stretch import FEWEST, FrameSource, Stretches
from frdm.fills.choose import Scene, fill_all
from frdm.fills.hand_job import MEASURED_ON, HandJob, hand_job, measured_of, refuse_small
from frdm.fills.lone import small_luma
from frdm.fills.neighbours import Fill, Ground, on_plane
from frdm.fills.whole_frame import TOO_LARGE, Seen, fill_differing, frames_needed, restored_whole, seen_in, standing
from frdm.film import Defect, Encoding, Frame, Held, Mask, MendedFrame, Real, Repair, ScanInfo, Span
from frdm.motion.double import double_print
from frdm.motion.reel import HALO, Reel
from frdm.motion.window import Window
from frdm.recipe import Detection, Recipe
from frdm.signal.grain import measure_grain

UNSURE = "not certain enough for its size, or too much in this frame is undecided: rain, sparks, lost motion"
STILL = "a line that stands still with its scene, or that the frames around do not agree about, may be content: a moulding, a post, a fold"
NOTHING_SURE = "not certain enough where nothing in this stretch of the shot is surely dirt: rain, sparks, lost motion, grain"
TWICE = "two frames are printed over each other here, and what is dirt can't be told from the other picture"
WHOLE_FRAME = "whole frame"  # what a provenance calls the detector where there is none


class GivenMattes(Protocol):
    """Where a person or a scanner says that something is, or must not be, repaired."""

    def allowed(self, frame: Frame) -> Mask | None:
        """Where repairs may be made (the picture area less protected places); None: everywhere."""
        ...

    def dirt(self, frame: Frame) -> Mask | None:
        """Where dirt is known to be; None: nothing given."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What the spans of a job have in common."""

    hand: HandJob | None = None  # as the job opened it, where the recipe asks for it; None: each span opens it
    seen: dict[int, Glance | None] = field(default_factory=dict)  # what was seen of the film's stretches, which is added to


def mend(
    source: FrameSource, span: Span, *, info: ScanInfo, recipe: Recipe, given: GivenMattes, shared: Shared | None = None
) -> Iterator[MendedFrame]:
    """Repairs and held defects of every frame of a span, in order. Raises `WeightsError`, `RecipeError` where a hand can't be opened,
    before a frame is read.
    """
    shared = shared or Shared()
    cv2.setNumThreads(1)
    by = told(shared.hand or hand_job(recipe, info=info), source, span, Means(info, recipe, given))
    if by_stretch(recipe):
        stretches = Stretches(source, span.shot, info.encoding, recipe.detection, given.allowed, shared.seen)
        by = replace(by, stretches=stretches)
    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(2) as aligners, ThreadPoolExecutor(1) as ahead:
        if recipe.whole_frame.on:
            yield from mend_whole(source, span, by)
            return
        first, last = max(span.start - HALO, span.shot.start), min(span.stop + HALO, span.shot.stop)
        windows = Reel(source.frames(first, last), info.encoding, span.shot, first, aligners).windows(span.start, span.stop)
        coming = ahead.submit(next, windows, None)  # the next window is aligned while this one is mended
        while (window := coming.result()) is not None:
            coming = ahead.submit(next, windows, None)
            around = Outlook() if by.stretches is None else by.stretches.outlook(window.frame.index, aligners)
            yield mend_frame(window, by, pool, around)


def told(job: HandJob | None, source: FrameSource, span: Span, means: "Means") -> "Means":
    """The means with a hand that is told of the span's shot, measured on its first frames where the recipe wants that."""
    if job is None:
        return means

    def measure() -> Mapping[str, object]:
        stop = min(span.shot.start + MEASURED_ON, span.shot.stop)
        return measured_of(list(source.frames(span.shot.start, stop)), means.info.encoding, means.recipe.detection.film)

    return replace(means, hand=job.of_shot(span.shot, measure))


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What frames are mended by: the film's nature, the recipe, mattes, and the hand where it is asked for."""

    info: ScanInfo
    recipe: Recipe
    mattes: GivenMattes
    hand: HandJob | None = None
    stretches: Stretches | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One defect on its way: who found it, and why it will not be touched, if so."""

    defect: Defect
    detector: str
    reason: str = ""


def mend_frame(window: Window, by: Means, pool: Executor, around: Outlook = eye.NOWHERE) -> MendedFrame:
    """Repairs and held defects of the window's centre; `around`: what the film around shows."""
    info, recipe = by.info, by.recipe
    repeated = window.cadence.original(window.frame.index)
    if len(window.neighbours) < FEWEST and not recipe.stills:
        return MendedFrame(window.frame, (), (), 0.0, repeated)
    allowed, dirt = by.mattes.allowed(window.frame), by.mattes.dirt(window.frame)
    find = finder(recipe, around)
    findings = find(window, recipe.detection, None if allowed is None else window.scale.where_all(allowed), pool=pool)
    found = gather(window, findings, recipe, allowed=allowed, dirt=dirt, unsure=NOTHING_SURE if around.nothing_sure else UNSURE)
    found = [decide(one, info, recipe, stands=lasting(window, one.defect)) for one in found]
    reason = too_much(found, window, recipe) or keeps_flash(recipe.detection, window.luma, [n.raw for n in window.neighbours])
    reason = reason or (printed_twice(window) if found else "")
    if reason:
        found = [replace(one, reason=reason) for one in found]
    fills = _fills(window, found, findings, by, pool)
    if allowed is not None:
        fills = [spared(one, allowed, info.encoding) for one in fills]
    return _settled(window, found, fills, findings.level, repeated)


def mend_whole(source: FrameSource, span: Span, by: Means) -> Iterator[MendedFrame]:
    """Repairs and held defects of a span whose frames are restored whole: what then differs is a defect."""
    assert by.hand is not None, "whole frames are restored by the hand alone"
    refuse_small(by.info, by.hand.hand.params)
    shot, wanted = range(span.shot.start, span.shot.stop), range(span.start, span.stop)
    needed = frames_needed(by.hand, shot, wanted)
    frames = source.frames(needed.start, needed.stop)
    for frame, near, made in restored_whole(frames, by.info.encoding, shot, wanted, by.hand):
        allowed = by.mattes.allowed(frame)
        seen = seen_in(frame, near, made, encoding=by.info.encoding, recipe=by.recipe, allowed=allowed)
        yield _mended_whole(seen, by, by.hand, allowed)


def _mended_whole(seen: Seen, by: Means, hand: HandJob, allowed: Mask | None) -> MendedFrame:
    """One frame of them. Where far too much would change, all of it is held."""
    window, recipe, encoding = seen.window, by.recipe, by.info.encoding
    found = [Found(one, WHOLE_FRAME) for one in seen.found.defects] + [Found(one, WHOLE_FRAME, TOO_LARGE) for one in seen.found.large]
    found = [decide(one, by.info, recipe, stands=standing(seen, one.defect, encoding)) for one in found]
    reason = too_much(found, window, recipe)
    if found and not reason:
        near = [small_luma(frame, encoding, window.scale) for frame in seen.near]
        reason = keeps_flash(recipe.detection, window.luma, near) or ""
    if reason:
        found = [replace(one, reason=reason) for one in found]
    fills = side_by_side(found, fill_differing(seen, still_open(found), encoding, hand, recipe.filling))
    if allowed is not None:
        fills = [spared(one, allowed, encoding) for one in fills]
    return _settled(window, found, fills, noise_of(window.luma), None)


def by_stretch(recipe: Recipe) -> bool:
    """Whether stretches are looked at before they are mended: where the net looks at film frame by frame."""
    return recipe.detection.by_stretch and recipe.detection.detector != "classical" and not recipe.stills and not recipe.whole_frame.on


def finder(recipe: Recipe, around: Outlook = eye.NOWHERE) -> Callable[..., Findings]:
    """What the recipe finds defects with: frames beside their neighbours, or pictures by themselves."""
    if recipe.stills:
        return alone.find_alone if recipe.detection.detector == "classical" else eye.find_alone
    if recipe.detection.detector == "classical":
        return classical.find
    return partial(eye.find if recipe.detection.detector == "net" else joint.find, around=around)


def gather(
    window: Window, findings: Findings, recipe: Recipe, *, allowed: Mask | None, dirt: Mask | None, unsure: str = UNSURE
) -> list[Found]:
    """What was given, then standing lines, then what the detector found apart from both; lines are held where the recipe says so."""
    settings, shape = recipe.detection, window.scale.whole
    known = [] if dirt is None else from_dirtmap(window, dirt, allowed, settings.max_size)
    lines, still = (apart_from(some, known, shape) for some in standing_lines(window, findings.noise, settings, allowed))
    mend_lines = settings.lines == "mend"
    name, line_reason = settings.detector, "" if mend_lines else "a standing line: lines = mend mends it across"
    found = [Found(d, "dirt map") for d in known] + [Found(d, name, line_reason) for d in lines]
    found += [Found(d, name, line_reason or STILL) for d in still]
    for pieces, reason in ((findings.defects, ""), (findings.doubtful, unsure)):
        left = beyond(apart_from(pieces, known, shape), lines if mend_lines else (), shape)
        found += [Found(d, name, reason) for d in left]
    return found


def standing_lines(window: Window, noise: Real, settings: Detection, allowed: Mask | None) -> tuple[list[Defect], list[Defect]]:
    """(lines, doubtful ones) of the window's centre, in the film's pixels."""
    found = find_lines(window, noise, settings, None if allowed is None else window.scale.where_all(allowed))
    return [window.scale.whole_defect(d) for d in found.defects], [window.scale.whole_defect(d) for d in found.doubtful]


def decide(found: Found, info: ScanInfo, recipe: Recipe, *, stands: int) -> Found:
    """The same, recognised as what the recipe keeps where it is that; `stands`: in how many frames it does."""
    defect = recognised(found.defect, info, lasting=stands)
    return replace(found, defect=defect, reason=found.reason or kept(defect, recipe.detection) or "")


def too_much(found: Sequence[Found], window: Window, recipe: Recipe) -> str:
    """Why the whole frame is held, or nothing: suspicion everywhere is rain, fire, a flash or lost motion, not dirt."""
    share = sum(float(one.defect.mask.sum()) for one in found) / (window.scale.whole[0] * window.scale.whole[1])
    return f"{share:.0%} of the frame is suspected, more than most_altered allows" if share > recipe.most_altered else ""


def printed_twice(window: Window) -> str:
    """Why the whole frame is held where it is a double print, or nothing."""
    double = double_print(window)
    return "" if double is None else f"{TWICE} ({double.apart * window.scale.whole[0] / 480:.0f} px apart)"


def lasting(window: Window, defect: Defect) -> int:
    """In how many frames of the window something as bright stands where the defect is (1: in its own alone), which tells a cue mark
    from dirt.
    """
    if not window.neighbours:
        return 1
    near = window.scale.box(defect.box)
    mask = window.scale.within(defect.box, defect.mask, near)

    def level(luma: Real) -> float:
        return float(luma[near.rows, near.columns][mask].mean())

    expected = float(np.median([level(n.aligned.luma) for n in window.neighbours]))
    contrast = (level(window.luma) - expected) or 1.0
    return 1 + sum((level(n.raw) - expected) / contrast > 0.5 for n in window.neighbours)


def _fills(window: Window, found: Sequence[Found], findings: Findings, by: Means, pool: Executor) -> list[Fill]:
    """A fill for each, made side by side."""
    if all(one.reason for one in found):
        return [Fill(None, None, one.reason) for one in found]
    suspects = findings.suspects.copy()
    for one in found:
        near = window.scale.box(one.defect.box)
        suspects[near.rows, near.columns] |= window.scale.within(one.defect.box, one.defect.mask, near)
    encoding, recipe = by.info.encoding, by.recipe
    ground = Ground(encoding, suspects, findings.noise, tuple(measure_grain(p) for p in window.frame.planes[: encoding.pictures]))
    scene = Scene(window, ground, recipe.filling, recipe.stills, by.hand)
    return side_by_side(found, fill_all(scene, still_open(found), lambda defect: lasting(window, defect), pool))


def still_open(found: Sequence[Found]) -> list[Defect]:
    """The defects that nothing speaks against."""
    return [one.defect for one in found if not one.reason]


def side_by_side(found: Sequence[Found], fills: Sequence[Fill]) -> list[Fill]:
    """A fill for each that was found: those of `still_open`, and for the others why there is none."""
    made = iter(fills)
    return [Fill(None, None, one.reason) if one.reason else found_by(next(made), one.detector) for one in found]


def found_by(made: Fill, detector: str) -> Fill:
    """The fill with the name of who found its defect."""
    return made if made.provenance is None else replace(made, provenance=replace(made.provenance, detector=detector))


def spared(fill: Fill, allowed: Mask, encoding: Encoding) -> Fill:
    """The fill with no part of its matte outside of `allowed` (H, W), on any plane; without a patch if nothing is left of it."""
    if fill.patch is None:
        return fill
    patch = fill.patch
    inside = allowed[patch.box.rows, patch.box.columns].astype(np.float32)
    mattes = [np.where(on_plane(inside, encoding, plane) == 1, matte, 0) for plane, matte in enumerate(patch.mattes)]
    if not any(matte.any() for matte in mattes):
        return Fill(None, None, "protected, or outside of the picture")
    return replace(fill, patch=replace(patch, mattes=tuple(matte.astype(np.uint16) for matte in mattes)))


def _settled(window: Window, found: Sequence[Found], fills: Sequence[Fill], noise: float, repeated: int | None) -> MendedFrame:
    """Repairs and held ones, numbered together."""
    repairs, held = [], []
    for number, (one, made) in enumerate(zip(found, fills, strict=True)):
        name = f"{window.frame.index:06d}-{number:03d}"
        if made.patch is None or made.provenance is None:
            held.append(Held(name, one.defect, made.reason))
        else:
            repairs.append(Repair(name, one.defect, made.patch, made.provenance))
    return MendedFrame(window.frame, tuple(repairs), tuple(held), noise, repeated)
