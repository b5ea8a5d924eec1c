"""What moves that should not: warping error and flicker.

Pictures are (H, W) or (H, W, 3); motion is measured on the reference, so that a restorer isn't judged by its own film's motion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np

from frdm.errors import MetricError
from frdm.film import Box, Mask, Real
from frdm.metrics.fidelity import NO_ERROR, Pixels, SquaredError, same_size
from frdm.motion.flow import displacement, flow_picture, round_trip, warp
from frdm.motion.scale import SearchScale
from frdm.signal.luma import LUMA

CUT = 0.25  # less than this share of trusted motion: a cut, or nothing to follow


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """From a frame to the one before: `displacement` (2, H, W), later(p) ≈ earlier(p + d(p)), and where it can be trusted (H, W)."""

    displacement: Real
    trusted: Mask

    @property
    def cut(self) -> bool:
        """Whether the two frames have too little in common to compare."""
        return float(self.trusted.mean()) < CUT


def motion_between(earlier: Pixels, later: Pixels, *, peak: float = 255.0) -> Motion:
    """Motion of a pair of frames; trusted where there and back again ends at most about ¾ px from where it began.

    Source: Ruder 2016 §3.2 (the occlusion test).
    """
    same_size(earlier, later)
    scale = SearchScale.of(*later.shape[:2])
    first, second = (flow_picture(scale.shrink(_luma(picture, peak))) for picture in (earlier, later))
    reduced, whole = (Box(0, 0, 0, *size) for size in (scale.reduced, scale.whole))
    there, back = (scale.motion(displacement(*pair), reduced, whole) for pair in ((second, first), (first, second)))
    lengths = np.square(there).sum(0) + sum(np.square(warp(plane, there)) for plane in back)
    inside = _lands_inside(there)
    return Motion(there, np.asarray(inside & (np.square(round_trip(there, back)) < 0.01 * lengths + 0.5)))


def _luma(picture: Pixels, peak: float) -> Real:
    values = picture.astype(np.float32) / np.float32(peak)
    return np.asarray(values if picture.ndim == 2 else values @ LUMA, np.float32)


def _lands_inside(d: Real) -> Mask:
    height, width = d.shape[1:]
    rows, columns = np.arange(height, dtype=np.float32)[:, None] + d[0], np.arange(width, dtype=np.float32) + d[1]
    return np.asarray((rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1))


def motions(film: Iterable[Pixels], *, peak: float = 255.0) -> Iterator[Motion]:
    """The motion of each pair of neighbours of a film, one by one."""
    for earlier, later in pairwise(film):
        yield motion_between(earlier, later, peak=peak)


def warped_error(earlier: Pixels, later: Pixels, motion: Motion, *, peak: float = 255.0) -> SquaredError:
    """The squared error between a frame and its predecessor brought to it, where motion can be trusted; nothing at a cut."""
    same_size(earlier, later)
    if motion.trusted.shape != later.shape[:2]:
        raise MetricError(
            f"warping error: motion of {motion.trusted.shape} and frames of {later.shape[:2]} found; give the motion of this film"
        )
    if motion.cut:
        return SquaredError()
    moved = warp(earlier.astype(np.float32), motion.displacement)
    wrong = ((later.astype(np.float32) - moved) / np.float32(peak))[motion.trusted]
    return SquaredError(float(np.square(wrong).sum(dtype=np.float64)), wrong.size)


def warping_error(film: Iterable[Pixels], *, peak: float = 255.0, along: Iterable[Motion] | None = None) -> float | None:
    """Mean squared difference between each frame and its predecessor brought to it: 0 … 1 in units of the peak, lower is steadier.

    `along`: the motion to follow, the film's own without it. None of a film without two frames of one shot. Frames come one by one.
    Rewards wrongly: smearing, and a film that stands still: judge it beside a fidelity score. Source: Lai 2018 §4 (pooled over pixels).
    """
    total = SquaredError()
    given: Iterator[Motion | None] = repeat(None) if along is None else iter(along)
    for (earlier, later), motion in zip(pairwise(film), given, strict=False):
        total += warped_error(earlier, later, motion or motion_between(earlier, later, peak=peak), peak=peak)
    return total.error / total.samples if total.samples else None


@dataclass(frozen=True, slots=True)
class Flicker:
    """Warping errors of an output and of its reference along the reference's motion; adds up over pairs of frames."""

    output: SquaredError = NO_ERROR
    reference: SquaredError = NO_ERROR

    def __add__(self, other: "Flicker") -> "Flicker":
        return Flicker(self.output + other.output, self.reference + other.reference)

    @property
    def ratio(self) -> float | None:
        """Warping error of the output by that of the reference: ≥ 0, 1 is as steady as the reference, wanted at most 1.1.

        Rewards wrongly: below 1 grain was taken off. None where there is nothing to compare or the reference has no error at all.
        """
        return self.output.error / self.reference.error if self.reference.error > 0 else None


def flicker_of(reference: tuple[Pixels, Pixels], output: tuple[Pixels, Pixels], *, peak: float = 255.0) -> Flicker:
    """The flicker of one pair of neighbours: (earlier, later) of the reference and of the output."""
    motion = motion_between(*reference, peak=peak)
    return Flicker(warped_error(*output, motion, peak=peak), warped_error(*reference, motion, peak=peak))


def flicker(reference: Iterable[Pixels], output: Iterable[Pixels], *, peak: float = 255.0) -> float | None:
    """The flicker of a whole film; see `Flicker.ratio`."""
    pairs = zip(pairwise(reference), pairwise(output), strict=True)
    return sum((flicker_of(ours, theirs, peak=peak) for ours, theirs in pairs), Flicker()).ratio
