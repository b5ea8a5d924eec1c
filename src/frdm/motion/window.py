"""A window as detection and filling see it: the centre, its neighbours, and the motion between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from frdm.film import Frame, Mask, Real
from frdm.motion.align import Aligned
from frdm.motion.cadence import Cadence
from frdm.motion.scale import SearchScale

MEDIAN = 5  # px of the median that takes off what is smaller before motion is measured (`motion.flow`)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A frame near the centre, aligned to it; pictures and motion are of the size that is searched."""

    frame: Frame
    raw: Real  # its luma as it lies, working units
    aligned: Aligned
    chroma: Real | None  # (2, H, W) its blue and red colour differences as they lie; None for film of one plane
    halfway: Real | None  # (2, H, W) displacement from the motion between this frame and its mirror, which the centre's dirt cannot disturb


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One centre frame with its neighbours, nearest first. `luma` has the size that is searched, `frame` the film's own."""

    frame: Frame
    luma: Real
    chroma: Real | None  # (2, H, W) blue and red colour differences, None for film of one plane
    neighbours: Sequence[Neighbour]
    scale: SearchScale
    cadence: Cadence = field(default_factory=Cadence)

    @property
    def aligned(self) -> list[Aligned]:
        return [n.aligned for n in self.neighbours]


def choose_offsets(
    index: int, start: int, stop: int, *, skip: frozenset[int] = frozenset(), count: int = 4, reach: int = 4
) -> tuple[int, ...]:
    """Offsets of the `count` nearest usable frames of the shot start … stop-1, nearest first; `skip` holds frames that repeat the
    centre.
    """
    usable = (
        k for k in sorted(range(-reach, reach + 1), key=lambda k: (abs(k), k)) if k and start <= index + k < stop and index + k not in skip
    )
    return tuple(k for k, _ in zip(usable, range(count), strict=False))


def dragged_along(damaged: NDArray[np.bool_], reach: int) -> Mask:
    """Where motion follows damage (h, w) of the searched picture instead of the film: under it, and within `reach` px of what is large
    enough to pass the median that motion's picture goes through.
    """
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return damaged | (cv2.dilate(cv2.medianBlur(damaged.astype(np.uint8), MEDIAN), disc) > 0)


def carry(displacement: NDArray[np.float32], hole: NDArray[np.bool_], reach: float) -> Real:
    """The displacement with the hole's values replaced by a smooth continuation of those around it (normalised convolution)."""
    import cv2

    if not hole.any() or hole.all():
        return displacement
    known = (~hole).astype(np.float32)
    out = displacement.copy()
    todo = hole.copy()
    sigma = reach
    while todo.any():
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        sure = todo & (weight > 1e-3)
        if sigma > 4 * max(hole.shape):
            sure = todo
        for plane, target in zip(displacement, out, strict=True):
            target[sure] = (cv2.GaussianBlur(plane * known, (0, 0), sigma) / np.maximum(weight, 1e-9))[sure]
        todo &= ~sure
        sigma *= 2
    return out
