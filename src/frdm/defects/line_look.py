"""What a window shows to the line finder: small pictures of its frames and the scene's motion between them, a few hundred kilobytes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frdm.defects.ridges import shrink, small_unit
from frdm.film import Real
from frdm.motion.window import Window

COARSE = 4  # px of a 480-line picture from one place where motion is looked up to the next


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The centre first, then its neighbours; motion in columns and bands of the small picture, each neighbour as seen from the centre."""

    small: tuple[Real, ...]  # (bands, columns) each
    offsets: NDArray[np.int64]  # (neighbours,) frames from the centre
    across: Real  # (neighbours, bands, places) the scene's motion to the right
    down: Real
    sound: NDArray[np.bool_]  # (neighbours, bands, places) where that motion is consistent
    step: int  # columns from place to place
    noise: float  # of the film, working units
    unit: float  # columns for one px of a 480-line picture

    @staticmethod
    def of(window: Window, noise: Real) -> "Look":
        """The window on a small scale; `noise` (H, W) is the film's in working units."""
        small = tuple(shrink(p) for p in (window.luma, *(n.raw for n in window.neighbours)))
        height, width = window.luma.shape
        bands, columns = small[0].shape
        unit = small_unit(window.luma.shape)
        step = max(2, round(COARSE * unit))
        rows = np.clip(((np.arange(bands) + 0.5) * height / bands).astype(int), 0, height - 1)
        places = np.clip(((np.arange(step // 2, columns, step) + 0.5) * width / columns).astype(int), 0, width - 1)
        at = np.ix_(rows, places)
        across = np.stack([n.aligned.displacement[1][at] for n in window.neighbours]) * np.float32(columns / width)
        down = np.stack([n.aligned.displacement[0][at] for n in window.neighbours]) * np.float32(bands / height)
        sound = np.stack([n.aligned.inconsistency[at] for n in window.neighbours]) < height / 480
        offsets = np.array([n.aligned.offset for n in window.neighbours])
        return Look(small, offsets, across, down, sound, step, float(np.median(noise[::8, ::8])), unit)
