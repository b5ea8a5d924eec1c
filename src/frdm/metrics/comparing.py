"""Two films compared frame by frame: meters see one pair after another and say at the end what they measured.

Nothing but sums is kept, so that films of any length can be compared. Pictures are R G B on one scale, black 0 and white 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Mask, Real
from frdm.metrics.detection import (
    RATES,
    Counts,
    RankedDefects,
    ScoreCounts,
    clicks_left,
    defect_counts,
    pixel_counts,
    ranked_defects,
    score_counts,
)
from frdm.metrics.fidelity import SMALLEST_MS_SSIM, MaskedError, SquaredError, masked_error, ms_ssim, squared_error, ssim, worst
from frdm.metrics.places import pieces
from frdm.metrics.restoration import FrameCounts, Restoration, measured, total
from frdm.metrics.temporal import Flicker, flicker_of
from frdm.metrics.texture import (
    Seams,
    empty_spectrum,
    grain_distance,
    grain_ratio,
    grain_spectrum,
    outline,
    seams,
    surround,
)
from frdm.signal.grain import draw_grain, measure_grain
from frdm.signal.luma import LUMA

Better = Literal["higher", "lower", "near 1"]
Found = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a score's number means."""

    unit: str
    better: Better
    span: str  # the range in words


FACTS: Mapping[str, Fact] = MappingProxyType(
    {
        "PSNR": Fact("dB", "higher", "0 … 138"),
        "PSNR, worst frame": Fact("dB", "higher", "0 … 138"),
        "SSIM": Fact("", "higher", "−1 … 1"),
        "SSIM, worst frame": Fact("", "higher", "−1 … 1"),
        "MS-SSIM": Fact("", "higher", "0 … 1"),
        "pixels changed at all": Fact("%", "lower", "0 … 100"),
        "pixels altered": Fact("%", "lower", "0 … 100"),
        "flicker": Fact("", "near 1", "≥ 0"),
        "warping error": Fact("white²", "lower", "0 … 1"),
        "warping error of A": Fact("white²", "lower", "0 … 1"),
        "PSNR in the mask": Fact("dB", "higher", "0 … 138"),
        "PSNR outside": Fact("dB", "higher", "0 … 138"),
        "far-altered": Fact("%", "lower", "0 … 100"),
        "grain ratio": Fact("", "near 1", "≥ 0"),
        "grain distance": Fact("dB", "lower", "≥ 0"),
        "grain distance of A": Fact("dB", "lower", "≥ 0"),
        "seam ratio": Fact("", "near 1", "≥ 0"),
        "seam ratio of A": Fact("", "near 1", "≥ 0"),
        "PSNR of an ideal repair": Fact("dB", "higher", "0 … 138"),
        "precision": Fact("", "higher", "0 … 1"),
        "recall": Fact("", "higher", "0 … 1"),
        "F1": Fact("", "higher", "0 … 1"),
        "defects mended": Fact("", "higher", "0 … 1"),
        "texture": Fact("", "near 1", "≥ 0"),
        "whole gain": Fact("dB", "higher", "above 0 is gain"),
        "worst frame's gain": Fact("dB", "higher", "below 0 is harm"),
        "false repairs a frame": Fact("", "lower", "≥ 0"),
        "clicks left per 1,000 frames": Fact("", "lower", "≥ 0"),
        "found, precision by pixel": Fact("", "higher", "0 … 1"),
        "found, recall by pixel": Fact("", "higher", "0 … 1"),
        "found, F1 by pixel": Fact("", "higher", "0 … 1"),
        "found, AP by pixel": Fact("", "higher", "0 … 1"),
        "found, precision by defect": Fact("", "higher", "0 … 1"),
        "found, recall by defect": Fact("", "higher", "0 … 1"),
        "found, F1 by defect": Fact("", "higher", "0 … 1"),
        "found, AP by defect": Fact("", "higher", "0 … 1"),
        **{f"found, recall at {rate:g} false alarms": Fact("", "higher", "0 … 1") for rate in RATES},
        "VMAF": Fact("", "higher", "0 … 100"),
        "VMAF, worst frame": Fact("", "higher", "0 … 100"),
        "LPIPS": Fact("", "lower", "0 … about 1"),
        "ST-LPIPS": Fact("", "lower", "0 … about 1"),
        "DISTS": Fact("", "lower", "0 … 1"),
        "FVD": Fact("", "lower", "≥ 0"),
        "BRISQUE": Fact("", "lower", "about 0 … 100"),
        "BRISQUE of A": Fact("", "lower", "about 0 … 100"),
        "NIQE": Fact("", "lower", "≥ 0"),
        "NIQE of A": Fact("", "lower", "≥ 0"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One frame of the reference A and of the film that is judged, B: (H, W, 3) float32, black 0 and white 1.

    `mask` (H, W): where the damage is; `damaged`: the scan before it was restored, when A is the truth; `found` (H, W): what a detector
    said, 0 … 1; `changed`: the share of pixels of which any code differs, where both films have one encoding.
    """

    index: int
    reference: Real
    output: Real
    changed: float | None = None
    mask: Mask | None = None
    damaged: Real | None = None
    found: Real | None = None


class Meter(Protocol):
    """Sees every pair in order, then says what it measured by the names in `FACTS`."""

    def see(self, pair: Pair) -> None: ...

    def say(self) -> Found: ...


class FidelityMeter:
    """PSNR of the film and of its worst frame, and the share of pixels that differ: at all, and by 2 codes of 255 or more."""

    def __init__(self) -> None:
        self.errors: list[SquaredError] = []
        self.changed: list[float] = []
        self.altered: list[float] = []

    def see(self, pair: Pair) -> None:
        self.errors.append(squared_error(pair.reference, pair.output, peak=1.0))
        self.changed += [] if pair.changed is None else [pair.changed]
        self.altered.append(float((np.abs(pair.reference - pair.output).max(axis=2) * 255 >= 2 - 1e-4).mean()))

    def say(self) -> Found:
        whole = sum(self.errors, SquaredError())
        return {
            "PSNR": whole.db,
            "PSNR, worst frame": worst([error.db for error in self.errors]),
            "pixels changed at all": mean(self.changed, 100),
            "pixels altered": mean(self.altered, 100),
        }


class SimilarityMeter:
    """SSIM of the colours, and MS-SSIM of the luma where it is asked for and the pictures are large enough."""

    def __init__(self, *, scales: bool = False) -> None:
        self.scales = scales
        self.single: list[float] = []
        self.multi: list[float] = []

    def see(self, pair: Pair) -> None:
        self.single.append(ssim(pair.reference, pair.output, peak=1.0))
        if self.scales and min(pair.output.shape[:2]) >= SMALLEST_MS_SSIM:
            self.multi.append(ms_ssim(luma(pair.reference), luma(pair.output), peak=1.0))

    def say(self) -> Found:
        several: Found = {"MS-SSIM": mean(self.multi)} if self.scales else {}
        return {"SSIM": mean(self.single), "SSIM, worst frame": worst(self.single), **several}


class FlickerMeter:
    """Flicker and warping errors along the reference's motion."""

    def __init__(self) -> None:
        self.before: Pair | None = None
        self.sums = Flicker()

    def see(self, pair: Pair) -> None:
        if self.before is not None:
            reference, output = (self.before.reference, pair.reference), (self.before.output, pair.output)
            self.sums += flicker_of(reference, output, peak=1.0)
        self.before = replace(pair, mask=None, damaged=None, found=None)

    def say(self) -> Found:
        errors = [part.error / part.samples if part.samples else None for part in (self.sums.output, self.sums.reference)]
        return {"flicker": self.sums.ratio, "warping error": errors[0], "warping error of A": errors[1]}


class MaskMeter:
    """Errors inside and outside a mask, and whether what lies inside looks like what lies around it."""

    def __init__(self) -> None:
        self.errors = MaskedError()
        self.inside, self.around, self.there = empty_spectrum(), empty_spectrum(), empty_spectrum()
        self.seams, self.seams_there = Seams(), Seams()

    def see(self, pair: Pair) -> None:
        if pair.mask is None:
            return
        self.errors += masked_error(pair.reference, pair.output, pair.mask, peak=1.0)
        ours, theirs, border = luma(pair.output), luma(pair.reference), outline(pair.mask)
        self.inside += grain_spectrum(ours, pair.mask)
        self.there += grain_spectrum(theirs, pair.mask)
        self.around += grain_spectrum(ours, surround(pair.mask))
        self.seams += seams(ours, pair.mask, border)
        self.seams_there += seams(theirs, pair.mask, border)

    def say(self) -> Found:
        return {
            "PSNR in the mask": self.errors.in_mask_db,
            "PSNR outside": self.errors.outside.db,
            "far-altered": self.errors.far_percent,
            "grain ratio": grain_ratio(self.inside, self.around),
            "grain distance": grain_distance(self.inside, self.around),
            "grain distance of A": grain_distance(self.there, self.around),
            "seam ratio": self.seams.ratio,
            "seam ratio of A": self.seams_there.ratio,
        }


class RestorationMeter:
    """What was mended and what was harmed, when A is the truth and the damaged scan is given.

    Each piece of the mask is a defect; the ideal repair is the truth with other grain, as strong as the truth's own.
    """

    def __init__(self) -> None:
        self.counts: list[FrameCounts] = []

    def see(self, pair: Pair) -> None:
        if pair.mask is None or pair.damaged is None:
            return
        clean, damaged, out = (codes(picture) for picture in (pair.reference, pair.damaged, pair.output))
        numbers = pieces(pair.mask).numbers
        ids = np.where(numbers > 0, (numbers - 1) % 999 + 1, 0).astype(np.uint16)
        ideal = codes(other_grain(pair.reference, seed=pair.index))
        self.counts.append(measured(Restoration(clean, damaged, pair.mask, ids, ideal, out)))

    def say(self) -> Found:
        if not self.counts:
            return {}
        score = total(self.counts)
        return {
            "PSNR of an ideal repair": score.ideal_db,
            "precision": score.precision,
            "recall": score.recall,
            "F1": score.f1,
            "defects mended": score.mended,
            "texture": score.texture,
            "whole gain": score.whole_gain_db,
            "worst frame's gain": score.worst_frame_db,
            "false repairs a frame": score.false_per_frame,
            "clicks left per 1,000 frames": clicks_left(self.counts).per_thousand,
        }


class DetectionMeter:
    """How well what was found fits the mask."""

    def __init__(self, *, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.pixels, self.defects = Counts(), Counts()
        self.scores, self.ranked = ScoreCounts(), RankedDefects()

    def see(self, pair: Pair) -> None:
        if pair.mask is None or pair.found is None:
            return
        self.pixels += pixel_counts(pair.found >= self.threshold, pair.mask)
        self.defects += defect_counts(pair.found >= self.threshold, pair.mask)
        self.scores += score_counts(pair.found, pair.mask)
        self.ranked += ranked_defects(pair.found, pair.mask)

    def say(self) -> Found:
        said: dict[str, float | None] = {}
        for kind, counts, area in (
            ("pixel", self.pixels, self.scores.average_precision()),
            ("defect", self.defects, self.ranked.average_precision()),
        ):
            said |= {f"found, precision by {kind}": counts.precision, f"found, recall by {kind}": counts.recall}
            said |= {f"found, F1 by {kind}": counts.f1, f"found, AP by {kind}": area}
        return said | {f"found, recall at {rate:g} false alarms": recall for rate, recall in self.scores.roc_at().items()}


class PairMeter:
    """The mean of a score of pairs of pictures, such as LPIPS, over every so many frames."""

    def __init__(self, name: str, score: Callable[[Real, Real], float], *, every: int = 1) -> None:
        self.name, self.score, self.every = name, score, every
        self.values: list[float] = []

    def see(self, pair: Pair) -> None:
        if pair.index % self.every == 0:
            self.values.append(self.score(pair.reference, pair.output))

    def say(self) -> Found:
        return {self.name: mean(self.values)}


class AloneMeter:
    """The mean of a score without a reference, of B and of A: never one without the other."""

    def __init__(self, name: str, score: Callable[[Real], float], *, every: int = 1) -> None:
        self.name, self.score, self.every = name, score, every
        self.values: list[tuple[float, float]] = []

    def see(self, pair: Pair) -> None:
        if pair.index % self.every == 0:
            self.values.append((self.score(luma(pair.output)), self.score(luma(pair.reference))))

    def say(self) -> Found:
        return {self.name: mean([ours for ours, _ in self.values]), f"{self.name} of A": mean([theirs for _, theirs in self.values])}


def luma(picture: Real) -> Real:
    """Luma (H, W) of R G B."""
    return np.asarray(picture @ LUMA, np.float32)


def other_grain(picture: Real, *, seed: int) -> Real:
    """The picture with other grain of the same strength and softness in its place: its error is that of two grains."""
    rng = np.random.default_rng(seed)
    out = picture.copy()
    for channel in range(picture.shape[2]):
        plane = np.ascontiguousarray(picture[..., channel])
        grain = measure_grain(plane)
        out[..., channel] += np.float32(np.sqrt(2)) * grain.at(plane) * draw_grain(plane.shape, grain.softness, rng)
    return out


def codes(picture: Real) -> Codes:
    """8-bit codes of a scaled picture, for scores that are defined on them."""
    rounded: NDArray[np.uint8] = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return rounded


def mean(values: Sequence[float], factor: float = 1.0) -> float | None:
    """Mean, None of nothing."""
    return factor * float(np.mean(values)) if values else None
