"""The scores of one restored case, frame by frame: against the truth, against a person's labels, or, with neither, against itself."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.bench.case import Case, read_picture, read_png
from frdm.bench.crops import Place, boxed, defects_shown
from frdm.display import Picture
from frdm.film import Mask
from frdm.metrics.detection import Counts, clicks_left, defect_counts, pixel_counts
from frdm.metrics.fidelity import SquaredError
from frdm.metrics.places import near_and_far, pieces
from frdm.metrics.restoration import ALTERED, STANDING, VISIBLE, FrameCounts, Restoration, measured, total
from frdm.metrics.temporal import Flicker, Motion, motion_between, warped_error
from frdm.metrics.texture import empty_spectrum, grain_distance, grain_spectrum, surround
from frdm.pictures import evenly
from frdm.signal.luma import LUMA

LOOSE = 2  # px: how far a person's outline may lie from the defect
PAIRS = 6  # pairs of frames that flicker is measured on
LEAST = 4  # px: smaller labels and finds are not counted as defects

Scores = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """A case's scores and the places worth showing."""

    scores: Scores
    places: tuple[Place, ...]


def score_case(case: Case, frames: Path, mattes: Path | None) -> Scored:
    """The scores of a restored case that can be had from one run; `frames` and `mattes` are folders with the case's own names."""
    if case.facts.kind == "reference":
        return against_truth(case, frames, mattes)
    worst = Worst("largest change")
    scores = against_labels(case, frames, worst) if case.facts.kind == "labelled" else against_scan(case, frames, worst)
    return Scored(scores, worst.places())


class Worst:
    """Keeps the largest piece that it is shown."""

    def __init__(self, why: str) -> None:
        self.why = why
        self.area = 0.0
        self.place: Place | None = None

    def see(self, index: int, mask: Mask) -> None:
        found = pieces(mask)
        if len(found) and found.areas.max() > self.area:
            largest = int(found.areas.argmax())
            self.area = float(found.areas[largest])
            self.place = Place(boxed(index, found.boxes[largest]), f"{self.why}: {self.area:.0f} px")

    def places(self) -> tuple[Place, ...]:
        return (self.place,) if self.place else ()


def against_truth(case: Case, frames: Path, mattes: Path | None) -> Scored:
    """The public suite's scores; the clicks that are left per 1,000 frames; which share of the damage is lines; grain and flicker."""
    counts: list[FrameCounts] = []
    standing = visible = 0
    worst, grain = Worst("largest false repair"), Grain()
    for index, name in enumerate(case.names):
        declared = None if mattes is None else told(mattes / name)
        frame = case.truth(name, read_picture(frames / name), declared)
        counts.append(measured_frame(frame))
        worst.see(index, wrong(frame))
        grain.see(frame)
        seen = frame.mask & (largest(frame.clean, frame.damaged) >= VISIBLE)
        visible += int(seen.sum())
        standing += int((seen & (frame.ids >= STANDING)).sum())
    scores: Scores = dict(asdict(total(counts)))
    scores |= {"clicks": clicks_left(counts).per_thousand, "line_share": standing / visible if visible else None}
    scores |= {"grain_distance": grain.distance, "flicker": flicker_ratio(case, frames)}
    return Scored(scores, (*defects_shown(case), *worst.places()))


class Grain:
    """The grain of what was filled inside the damage, and of the untouched film around it."""

    def __init__(self) -> None:
        self.inside, self.around = empty_spectrum(), empty_spectrum()

    def see(self, frame: Restoration) -> None:
        filled = frame.mask & (largest(frame.out, frame.damaged) >= ALTERED)
        if filled.any():
            luma = frame.out.astype(np.float32) @ LUMA
            self.inside += grain_spectrum(luma, filled)
            self.around += grain_spectrum(luma, surround(frame.mask))

    @property
    def distance(self) -> float | None:
        """dB between the two spectra; the larger, the plainer a fill shows."""
        return grain_distance(self.inside, self.around)


def flicker_ratio(case: Case, frames: Path) -> float | None:
    """The warping error of the output by that of the clean film, along the clean film's motion, over a few pairs of frames."""
    found = Flicker()
    for pair in pairs_of(case):
        output = warped_error(read_picture(frames / pair.earlier), read_picture(frames / pair.later), pair.motion)
        found += Flicker(output, pair.error)
    return found.ratio


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two frames of a case, the clean film's motion between them, and its own warping error."""

    earlier: str
    later: str
    motion: Motion
    error: SquaredError


@lru_cache(maxsize=1)
def pairs_of(case: Case) -> list[Pair]:
    """A few pairs of a case's frames; the same for all methods on it."""
    every = list(pairwise(case.names))
    found = []
    for earlier, later in (every[place] for place in evenly(len(every), PAIRS)):
        one, two = case.picture("clean", earlier), case.picture("clean", later)
        motion = motion_between(one, two)
        found.append(Pair(earlier, later, motion, warped_error(one, two, motion)))
    return found


def measured_frame(frame: Restoration) -> FrameCounts:
    """The counts of one frame, after the check of sizes that a whole film gets."""
    mattes = None if frame.mattes is None else frame.mattes[None]
    film = (frame.clean[None], frame.damaged[None], frame.mask[None], frame.ids[None], frame.ideal[None], frame.out[None])
    return measured(next(Restoration(*film, mattes).frames()))


def largest(one: Picture, other: Picture) -> NDArray[np.uint8]:
    """The largest difference of any channel, (H, W), in codes: `frdm.metrics.restoration.farthest` for 8 bits, several times as quick."""
    red, green, blue = cv2.split(cv2.absdiff(one, other))
    return np.asarray(np.maximum(np.maximum(red, green), blue), np.uint8)


def wrong(frame: Restoration) -> Mask:
    """Where film was altered away from any damage, and differs from the truth so that it is seen."""
    altered = (largest(frame.out, frame.damaged) >= ALTERED) & (largest(frame.out, frame.clean) >= VISIBLE)
    if not (altered & ~frame.mask).any():
        return np.zeros_like(altered)
    return np.asarray(altered & near_and_far(frame.mask)[1])


def told(path: Path) -> Mask:
    """Where a method says that it touched, (H, W)."""
    stored = read_png(path)
    return np.asarray((stored if stored.ndim == 2 else stored.max(axis=-1)) > 0)


def changes(case: Case, frames: Path, *, before: Path | None = None) -> Iterator[tuple[str, Mask, float]]:
    """Each frame's name, where it was altered against `before` (the scan), and the mean change there in codes."""
    for name in case.names:
        old = case.picture("damaged", name) if before is None else read_picture(before / name)
        change = largest(read_picture(frames / name), old)
        altered = change >= ALTERED
        yield name, altered, float(change[altered].mean()) if altered.any() else 0.0


def against_scan(case: Case, frames: Path, worst: Worst, *, before: Path | None = None) -> Scores:
    """With no truth: the share of pixels altered (%), how strongly (codes), in how many pieces a frame, and in the worst frame."""
    shares, strengths, counted = [], [], 0
    for index, (_, altered, strength) in enumerate(changes(case, frames, before=before)):
        shares.append(float(altered.mean()))
        strengths.append(strength * shares[-1])
        counted += len(pieces(altered).at_least(LEAST))
        worst.see(index, altered)
    return {
        "altered": 100 * float(np.mean(shares)),
        "altered_worst": 100 * max(shares),
        "strength": sum(strengths) / sum(shares) if sum(shares) else 0.0,
        "pieces": counted / len(shares),
    }


def again(case: Case, first: Path, second: Path) -> Scores:
    """Restored again: what the second run still altered (% of pixels), and that as a share of what the first did; 0 is stable."""
    once = against_scan(case, first, Worst(""))
    twice = against_scan(case, second, Worst(""), before=first)
    share = twice["altered"] / once["altered"] if once["altered"] and twice["altered"] is not None else None
    return {"again": twice["altered"], "again_share": share, "again_pieces": twice["pieces"]}


def against_labels(case: Case, frames: Path, worst: Worst) -> Scores:
    """What was altered against what a person marked, by pixel (within 2 px) and by defect."""
    by_pixel, by_defect = Counts(), Counts()
    for index, (name, altered, _) in enumerate(changes(case, frames)):
        label = case.plane("label", name) > 127
        by_pixel += pixel_counts(altered, label, tolerance=LOOSE)
        by_defect += defect_counts(altered, label, tolerance=LOOSE, least=LEAST)
        worst.see(index, altered & ~label)
    named = {"pixel": by_pixel, "defect": by_defect}
    return {f"{kind}_{what}": getattr(counts, what) for kind, counts in named.items() for what in ("f1", "recall", "precision")}
