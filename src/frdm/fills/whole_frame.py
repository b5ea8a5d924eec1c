"""Defects without a detector: a frame is restored whole by the hand, and what then differs from the scan beyond grain was a defect.

Compared are the restored picture and the scan as it comes through the net's codec, so that what the codec alone changes is no find. What
differs less than the film's grain hides, and all that lies around the finds, stays the scan's own.
Source: HaineiFRDM §4.2 (restoration without a mask; finding defects in its result is ours).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from frdm.defects.classical import SMALLEST, kind_of
from frdm.diffusion.asking import Inference
from frdm.diffusion.streaming import Reading, RestoredFrame, restored_frames
from frdm.fills.hand import OVERLAP, STRANGE, settled, tones
from frdm.fills.hand_job import HandJob
from frdm.fills.levels import levels
from frdm.fills.lone import ground_of, lone_window, small_luma
from frdm.fills.neighbours import FEWEST, Fill, Site, least_trust, site_of
from frdm.film import Box, Defect, Encoding, Frame, Mask, Polarity, Real
from frdm.motion.window import Window
from frdm.recipe import Detection, Filling, Recipe, WholeFrameSettings
from frdm.signal.grain import measure_grain
from frdm.signal.luma import LUMA

SMOOTH = 0.8  # px of the Gaussian over the difference: half of white grain's deviation is left, most of soft grain's
FAINTEST = 0.004  # levels: the least that counts as grain
TOO_LARGE = "larger than max_size allows"


@dataclass(frozen=True, slots=True, eq=False)
class Differing:
    """What differs in one frame: pieces that may be mended, those that are larger than a defect may be, and all pixels of both."""

    defects: tuple[Defect, ...]
    large: tuple[Defect, ...]
    suspects: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame with what the hand made of it: `window` has no neighbours, `near` are the frames around it as they lie, `restored` is
    levels (3, H, W).
    """

    window: Window
    near: tuple[Frame, ...]
    restored: Real
    sources: tuple[int, ...]
    found: Differing


def whole_frame_inference(job: HandJob) -> Inference:
    """How frames are restored whole: tiles of the net's own size, windows that overlap by half."""
    params, how = job.hand.params, job.how
    return Inference(
        tile=params.side,
        overlap=round(OVERLAP * params.side / params.factor) * params.factor,
        frames=params.frames,
        frames_overlap=params.frames // 2,
        steps=how.steps,
        sampler=how.sampler,
        residual=how.residual,
        seed=how.seed,
    )


def frames_needed(job: HandJob, shot: range, wanted: range) -> range:
    """The frames of a shot that what is made of `wanted` hangs on."""
    windows = Reading(shot.start, shot.stop, _unread).windows(wanted, whole_frame_inference(job))
    return range(windows[0].start, windows[-1].stop)


def _unread(index: int) -> Real:
    raise AssertionError(f"frame {index} was not to be read")


def restored_whole(
    frames: Iterator[Frame], encoding: Encoding, shot: range, wanted: range, job: HandJob
) -> Iterator[tuple[Frame, tuple[Frame, ...], RestoredFrame]]:
    """The frames `wanted` of a shot, the shot's frames around each, and what the hand makes of it; `frames` gives those of
    `frames_needed`.
    """
    held: dict[int, Frame] = {}
    settings = whole_frame_inference(job)
    reach = settings.frames_overlap  # so many frames on both sides are always among those that a frame is made of

    def read(index: int) -> Real:
        while index not in held:
            frame = next(frames)
            held[frame.index] = frame
        for old in [number for number in held if number <= index - settings.frames - reach]:
            del held[old]
        frame = held[index]
        height, width = frame.planes[0].shape
        return levels(frame, encoding, Box(index, 0, 0, height, width))

    film = Reading(shot.start, shot.stop, read)
    for made in restored_frames(job.hand.net, film, wanted, settings, job.how.plan, prompt=job.how.prompt):
        around = range(max(made.index - reach, shot.start), min(made.index + reach + 1, shot.stop))
        yield held[made.index], tuple(held[index] for index in around if index != made.index), made


def seen_in(
    frame: Frame, near: tuple[Frame, ...], made: RestoredFrame, *, encoding: Encoding, recipe: Recipe, allowed: Mask | None
) -> Seen:
    """A restored frame with what differs in it, where that is `allowed`."""
    window = lone_window(frame, encoding)
    excess = excess_of(made.restored, made.coded)
    found = differing(excess if allowed is None else excess * allowed, made, recipe.whole_frame, recipe.detection)
    return Seen(window, near, made.restored, tuple(index for index in made.shown if index != frame.index), found)


def differing(excess: Real, made: RestoredFrame, settings: WholeFrameSettings, detection: Detection) -> Differing:
    """The pieces of a frame that differ beyond grain, by how far they do (H, W): from `edge` on, where `beyond` is reached."""
    unit = excess.shape[0] / 480
    count, labels, stats, _ = cv2.connectedComponentsWithStats((excess > settings.edge).astype(np.uint8), connectivity=8)
    least, most = max(SMALLEST, detection.min_size**2) * unit**2, (detection.max_size * unit) ** 2
    darker = np.tensordot(LUMA, made.restored - made.coded, 1)
    lists: tuple[list[Defect], list[Defect]] = ([], [])
    kept = np.zeros(count, bool)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        if area < least:
            continue
        box = Box(made.index, top, left, top + height, left + width)
        mask = labels[box.rows, box.columns] == label
        peak = float(excess[box.rows, box.columns][mask].max())
        if peak < settings.beyond:
            continue
        polarity: Polarity = "dark" if float(darker[box.rows, box.columns][mask].mean()) > 0 else "bright"
        if detection.polarity not in ("both", polarity):
            continue
        kept[label] = True
        sure = round(1 - settings.beyond / (settings.beyond + peak), 4)
        lists[int(area > most)].append(_grown(Defect(kind_of(mask, unit), polarity, box, mask, sure), excess.shape))
    return Differing(tuple(lists[0]), tuple(lists[1]), kept[labels])


def excess_of(restored: Real, coded: Real) -> Real:
    """(H, W) how far two pictures (3, H, W) lie apart, in units of the grain that each plane has at its tone: the most of the planes."""
    alike = bool((coded[0] == coded[1]).all() and (coded[0] == coded[2]).all())
    out = np.zeros(coded.shape[1:], np.float32)
    for before, after in zip(coded[:1] if alike else coded, np.mean(restored, 0, keepdims=True) if alike else restored, strict=True):
        grain = np.maximum(measure_grain(before).at(before), np.float32(FAINTEST))
        np.maximum(out, np.abs(cv2.GaussianBlur(after - before, (0, 0), SMOOTH)) / grain, out=out)
    return out


def standing(seen: Seen, defect: Defect, encoding: Encoding) -> int:
    """In how many frames near it something as bright stands where the defect is, its own included: what tells a cue mark from dirt."""
    rows, columns = defect.box.rows, defect.box.columns
    expected = _level(seen.restored[:, rows, columns], defect)
    contrast = (_level(levels(seen.window.frame, encoding, defect.box), defect) - expected) or 1.0
    others = (_level(levels(frame, encoding, replace(defect.box, frame=frame.index)), defect) for frame in seen.near)
    return 1 + sum((other - expected) / contrast > 0.5 for other in others)


def _level(picture: Real, defect: Defect) -> float:
    """The mean luma of a defect's place (3, h, w)."""
    return float(np.tensordot(LUMA, picture, 1)[defect.mask].mean())


def _grown(defect: Defect, shape: tuple[int, ...]) -> Defect:
    """The defect with its faint skirt."""
    reach, box = max(1, round(shape[0] / 480)), defect.box
    top, left = max(box.top - reach, 0), max(box.left - reach, 0)
    place = Box(box.frame, top, left, min(box.bottom + reach, shape[0]), min(box.right + reach, shape[1]))
    mask = np.zeros((place.bottom - top, place.right - left), np.uint8)
    mask[box.top - top : box.bottom - top, box.left - left : box.right - left] = defect.mask
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    return Defect(defect.kind, defect.polarity, place, grown, defect.confidence)


def fill_differing(seen: Seen, defects: Sequence[Defect], encoding: Encoding, job: HandJob, settings: Filling) -> list[Fill]:
    """For each defect the restored picture in its place, matched to the rim and with the film's grain, or why not."""
    ground = ground_of(seen.window, encoding, seen.found.suspects)
    near = [small_luma(frame, encoding, seen.window.scale) for frame in seen.near] if defects else []
    return [_filled(seen, site_of(seen.window, defect, ground), near, job, settings) for defect in defects]


def _filled(seen: Seen, site: Site, near: Sequence[Real], job: HandJob, settings: Filling) -> Fill:
    if site.small_ring.sum() < FEWEST:
        return Fill(None, None, "no sound film around it")
    made = seen.restored[:, site.crop.rows, site.crop.columns]
    return in_tone(settled(made, site, settings, (job.hand, job.how), seen.sources), made, site, near, settings)


def in_tone(fill: Fill, made: Real, site: Site, near: Sequence[Real], settings: Filling) -> Fill:
    """The fill with no more trust than its tones allow, held where that is less than the hole asks for: restored whole, a frame has no
    window whose neighbours would tell.
    """
    if fill.patch is None or fill.provenance is None:
        return fill
    noise = float(site.ground.noise[site.small.rows, site.small.columns][site.small_ring].mean())
    allowed = max(noise, STRANGE)
    likely = float(np.interp(beyond_tones(made, site, near), (allowed, 3 * allowed), (1.0, 0.0)))
    trust = round(min(fill.provenance.trust, likely), 4)
    provenance = replace(fill.provenance, trust=trust)
    if trust < least_trust(site, settings):
        return Fill(None, provenance, f"the hand made tones there that no frame near shows (trust {trust:.2f})")
    return replace(fill, provenance=provenance)


def beyond_tones(made: Real, site: Site, near: Sequence[Real]) -> float:
    """How far what was made of a hole, levels (3, h, w) of its crop, goes beyond the tones of the sound film around it and beyond those of
    the frames `near` (lumas of the searched size, as they lie) in its place. A tenth of the hole may go farther.
    """
    place, hole, ring = (site.small.rows, site.small.columns), site.small_hole, site.small_ring
    if not hole.any():
        return 0.0
    luma = np.asarray(cv2.resize(np.tensordot(LUMA, made, 1), hole.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    known = [tones(site.window.luma[place], ring), *(tones(picture[place], hole) for picture in near)]
    low, high = np.array([np.quantile(one, (0.02, 0.98)) for one in known]).T
    shown = tones(luma, hole)
    return float(np.quantile(np.maximum(np.maximum(shown - high.max(), low.min() - shown), 0), 0.9))
