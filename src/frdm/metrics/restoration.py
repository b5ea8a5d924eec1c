"""The score of a restored film whose truth is known: what was mended inside the damage, and the harm done everywhere else.

Frames are 8-bit, R G B or B G R alike. M is the painted mask; *visible* is M where the damage is at least 8 codes; *altered* is where the
output is at least 2 codes from the scan; the *ideal* repair is true content with other grain, the most that can be asked. Lengths are
for pictures 480 lines high and grow with the picture. The public benchmark suite has the same definitions, and frdm's numbers agree with
its own scorer to a millionth (tests/metrics/test_restoration.py).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from frdm.errors import MetricError
from frdm.film import Codes, Mask, Real
from frdm.metrics.places import LEAST, near_and_far, pieces, unit
from frdm.signal.grain import high_pass

VISIBLE = 8  # codes of 255
ALTERED = 2  # codes of 255
STANDING = 1000  # defects from this number on stand for many frames: lines
PEAK = 255.0
LEAST_ERROR = 1e-9  # squared codes: an equal picture has 10 log10(255² / 1e-9) = 138.1 dB


@dataclass(frozen=True, slots=True)
class RestorationScore:
    """What became of one film; None where there is nothing to measure (no visible damage, no lines, no mattes).

    Fields, unit, range, direction: `in_mask_db`, `ideal_db`, `damaged_db`: dB of PSNR over visible damage of the output, of the ideal
    repair and of the scan, up to 138, higher is better, the ideal is the ceiling. `recall` (of visible damage altered and nearer to the
    truth), `precision` (of the altered, within 4 px of M) and `f1`: 0 … 1, higher. `mended`, `lines_mended`: share of defects of a frame
    and of standing ones, 0 … 1, higher. `texture`: high-pass variance inside, output / truth, ≥ 0, best 1. `whole_gain_db`,
    `worst_frame_db`: dB of PSNR over all pixels gained against the scan, by the whole film and by its worst frame; below 0 is harm.
    `far_altered`: % of pixels more than 8 px from M that were altered, 0 … 100, lower. `false_per_frame`: wrong pieces far from M,
    ≥ 0, lower; `largest_false`: px of a 480-line picture, lower. `undeclared`: % of pixels changed where the matte says untouched, 0.
    """

    in_mask_db: float | None = None
    ideal_db: float | None = None
    damaged_db: float | None = None
    f1: float | None = None
    recall: float | None = None
    precision: float | None = None
    mended: float | None = None
    lines_mended: float | None = None
    texture: float | None = None
    whole_gain_db: float | None = None
    worst_frame_db: float | None = None
    far_altered: float | None = None
    false_per_frame: float | None = None
    largest_false: float | None = None
    undeclared: float | None = None

    def row(self) -> dict[str, float | None]:
        """The score under the public suite's own headings (`HEADINGS`)."""
        return {heading: getattr(self, name) for name, heading in HEADINGS.items()}


HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "in_mask_db": "in-mask dB",
        "damaged_db": "damaged dB",
        "ideal_db": "ideal dB",
        "f1": "F1",
        "recall": "recall",
        "precision": "precision",
        "mended": "mended",
        "lines_mended": "lines mended",
        "texture": "texture",
        "whole_gain_db": "whole gain dB",
        "worst_frame_db": "worst frame dB",
        "far_altered": "far-altered %",
        "false_per_frame": "false/frame",
        "largest_false": "largest false",
        "undeclared": "undeclared %",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """All that a score needs, of one film or of one frame (then without T).

    `clean`, `damaged`, `ideal`, `out`: (T, H, W, 3) uint8; `mask`: (T, H, W) bool; `ids`: (T, H, W) uint16, 0 none, 1 … a frame's own
    defects, 1000 … those that stand; `mattes`: (T, H, W) bool, where the restorer says that it touched, or None.
    """

    clean: Codes
    damaged: Codes
    mask: Mask
    ids: NDArray[np.uint16]
    ideal: Codes
    out: Codes
    mattes: Mask | None = None

    def frames(self) -> Iterator["Restoration"]:
        """One `Restoration` a frame. Raises `MetricError` where sizes or types don't fit."""
        self._check()
        for index in range(len(self.clean)):
            yield Restoration(*(None if film is None else film[index] for film in self._arrays()))

    def _arrays(self) -> list[Codes]:
        return [getattr(self, part.name) for part in fields(self)]

    def _check(self) -> None:
        shape = self.clean.shape
        if len(shape) != 4 or shape[3] != 3 or not shape[0]:
            raise MetricError(
                f"clean film: shape {shape} found, (frames, rows, columns, 3) wanted; repeat the one channel of black and white"
            )
        for part, film in zip(fields(self), self._arrays(), strict=True):
            picture = part.name in ("clean", "damaged", "ideal", "out")
            wanted = shape if picture else shape[:3]
            if film is not None and (film.shape != wanted or (picture and film.dtype != np.uint8)):
                form = f"{wanted}{' uint8' if picture else ''}"
                raise MetricError(
                    f"{part.name}: {film.dtype} {film.shape} found, {form} wanted as the clean film has; bring them to one form"
                )


def score_restoration(*film: NDArray[np.generic] | None, **named: NDArray[np.generic] | None) -> RestorationScore:
    """`score_restoration(clean, damaged, mask, ids, ideal, out, mattes=None)`, the score of one film; see `Restoration` for the arrays.

    Raises `MetricError` where sizes or types don't fit.
    """
    restoration = Restoration(*film, **named)  # type: ignore[arg-type]
    return total([measured(frame) for frame in restoration.frames()])


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """What one frame adds to the score: counts of pixels, sums of squared codes over all channels, and pieces."""

    pixels: int
    visible: int
    hit: int
    altered: int
    altered_near: int
    far: int
    altered_far: int
    undeclared: int | None
    false_pieces: int
    largest_false: float
    mended: tuple[int, int]  # (mended, all) of the frame's own defects
    lines_mended: tuple[int, int]
    lines_left: frozenset[int]  # numbers of the standing ones that were not mended
    error_out: float  # over the whole frame
    error_damaged: float
    inside_out: float  # over the visible damage
    inside_ideal: float
    inside_damaged: float
    fine_out: float  # of the high-pass, over the visible damage
    fine_clean: float

    @property
    def gain(self) -> float:
        """dB that the frame gained."""
        return decibels(self.error_out, 3 * self.pixels) - decibels(self.error_damaged, 3 * self.pixels)


def measured(frame: Restoration) -> FrameCounts:
    """The counts of one frame; arrays without T."""
    near, far = near_and_far(frame.mask)
    change = farthest(frame.out, frame.damaged)
    altered, visible = change >= ALTERED, frame.mask & (farthest(frame.clean, frame.damaged) >= VISIBLE)
    after, before, best = (squared(frame.clean, picture) for picture in (frame.out, frame.damaged, frame.ideal))
    wrong = pieces(altered & far & (farthest(frame.out, frame.clean) >= VISIBLE)).areas / unit(len(frame.mask)) ** 2
    fate = fates(np.where(visible, frame.ids, 0), altered, (before, after, best))
    return FrameCounts(
        pixels=frame.mask.size,
        visible=int(visible.sum()),
        hit=int((visible & altered & (after < before)).sum()),
        altered=int(altered.sum()),
        altered_near=int((altered & near).sum()),
        far=int(far.sum()),
        altered_far=int((altered & far).sum()),
        undeclared=None if frame.mattes is None else int(((change > 0) & ~frame.mattes).sum()),
        false_pieces=int((wrong >= LEAST).sum()),
        largest_false=float(wrong.max(initial=0)),
        mended=fate.mended,
        lines_mended=fate.lines_mended,
        lines_left=fate.lines_left,
        error_out=3 * float(after.sum(dtype=np.float64)),
        error_damaged=3 * float(before.sum(dtype=np.float64)),
        inside_out=3 * float(after[visible].sum(dtype=np.float64)),
        inside_ideal=3 * float(best[visible].sum(dtype=np.float64)),
        inside_damaged=3 * float(before[visible].sum(dtype=np.float64)),
        fine_out=fine(frame.out, visible),
        fine_clean=fine(frame.clean, visible),
    )


def farthest(one: Codes, other: Codes) -> NDArray[np.int16]:
    """The largest difference of any channel, in codes; (H, W)."""
    return np.asarray(np.abs(one.astype(np.int16) - other).max(axis=-1), np.int16)


def squared(one: Codes, other: Codes) -> Real:
    """The squared difference in codes, mean of the channels; (H, W)."""
    return np.asarray(np.square(one.astype(np.float32) - other).mean(axis=-1), np.float32)


def fine(picture: Codes, where: Mask) -> float:
    """The sum of squares of a picture's high-pass at a place."""
    return float(np.square(high_pass(picture.astype(np.float32))[where]).sum(dtype=np.float64)) if where.any() else 0.0


@dataclass(frozen=True, slots=True)
class Fates:
    """(mended, all) of a frame's own defects and of the standing ones, and the numbers of those standing ones that were not mended."""

    mended: tuple[int, int]
    lines_mended: tuple[int, int]
    lines_left: frozenset[int]


def fates(ids: NDArray[np.uint16], altered: Mask, errors: tuple[Real, Real, Real]) -> Fates:
    """What became of a frame's defects; a defect of at least 4 visible px counts.

    `ids` (H, W) are 0 outside visible damage; `errors` are squared errors before and after, and the ideal repair's. A defect is mended
    when at least half of it was altered and its error fell to a quarter, or to 1.5 times the ideal's.
    """
    numbers, place = np.unique(ids, return_inverse=True)
    place, size = place.ravel(), np.bincount(place.ravel())
    share, before, after, best = (np.bincount(place, values.ravel()) / size for values in (altered, *errors))
    counted = (numbers > 0) & (size >= LEAST)
    good = counted & (share >= 0.5) & (after <= np.maximum(before / 4, 1.5 * best))
    stands = numbers >= STANDING
    own, standing = ((int((good & which).sum()), int((counted & which).sum())) for which in (~stands, stands))
    return Fates(own, standing, frozenset(int(number) for number in numbers[counted & stands & ~good]))


def decibels(error: float, samples: int) -> float:
    """PSNR in dB of a sum of squared errors, in codes of 255, over so many samples."""
    return 10 * math.log10(PEAK**2 / max(error / samples, LEAST_ERROR))


def total(counts: Sequence[FrameCounts]) -> RestorationScore:
    """The score of a film from its frames' counts, in any order; so a film need never lie in memory whole."""

    def summed(name: str) -> float:
        return float(sum(getattr(frame, name) for frame in counts))

    harm = RestorationScore(
        far_altered=100 * summed("altered_far") / max(summed("far"), 1),
        false_per_frame=summed("false_pieces") / len(counts),
        largest_false=max(frame.largest_false for frame in counts),
        undeclared=None if any(f.undeclared is None for f in counts) else 100 * summed("undeclared") / summed("pixels"),
    )
    if not summed("visible"):
        return harm
    recall, precision = summed("hit") / summed("visible"), summed("altered_near") / max(summed("altered"), 1)
    inside, every = 3 * int(summed("visible")), 3 * int(summed("pixels"))
    return RestorationScore(
        in_mask_db=decibels(summed("inside_out"), inside),
        ideal_db=decibels(summed("inside_ideal"), inside),
        damaged_db=decibels(summed("inside_damaged"), inside),
        f1=2 * precision * recall / (precision + recall + 1e-9),
        recall=recall,
        precision=precision,
        mended=share([frame.mended for frame in counts]),
        lines_mended=share([frame.lines_mended for frame in counts]),
        texture=summed("fine_out") / max(summed("fine_clean"), 1e-6 * inside),
        whole_gain_db=decibels(summed("error_out"), every) - decibels(summed("error_damaged"), every),
        worst_frame_db=min(frame.gain for frame in counts),
        far_altered=harm.far_altered,
        false_per_frame=harm.false_per_frame,
        largest_false=harm.largest_false,
        undeclared=harm.undeclared,
    )


def share(parts: Sequence[tuple[int, int]]) -> float | None:
    """Sum of the firsts over sum of the seconds; None when there are none."""
    every = sum(whole for _, whole in parts)
    return sum(part for part, _ in parts) / every if every else None
