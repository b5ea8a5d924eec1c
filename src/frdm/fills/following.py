"""Film that is followed: neighbours brought to the centre along the motion, so that the same place of every frame shows the same thing.

What the hand is shown of a hole's surroundings lies still then, however the film moves, and the true film of a hole is in the same place
of a neighbour if it is anywhere. Under the hole itself, where motion can't be measured, and beside it, where the hole drags it along, it
is carried on from around. Where exposure flickers, what is brought is as bright as the centre.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from frdm.fills.levels import levels
from frdm.fills.neighbours import FEWEST, Rim, joined
from frdm.film import Box, Encoding, Frame, Mask, Real
from frdm.motion.window import MEDIAN, Window, carry, dragged_along
from frdm.signal.smooth import wide_blur

REACH = 3.0  # px over which motion is carried under a hole, at first; twice as far again where that does not meet any
DRAGGED = 8  # px of the searched picture beside damage that it spoils motion over: a place's motion is measured on 16 px around it
ROOM = 4  # px beyond the farthest motion, for the interpolation
SLOW = 0.25  # of a box's side: px over which exposure hardly changes; over half as many, grain and missed motion pass for flicker
SPARSE = 0.02  # share of sound film near a place; where there is no more, it is taken to be as bright as the box as a whole


def motions(window: Window, suspects: Mask, box: Box) -> Mapping[int, Real]:
    """Of every neighbour, by its frame's number, the displacement (2, h, w) in px of the film over a box inside of the frame.

    `suspects` (of the searched picture): where motion can't be measured, for the centre may be damaged there.
    """
    small = window.scale.box(box)
    place, spoilt = (small.rows, small.columns), dragged(suspects, small)
    carried = {
        neighbour.frame.index: carry(neighbour.aligned.displacement[:, place[0], place[1]], spoilt, REACH)
        for neighbour in window.neighbours
    }
    return {index: window.scale.motion(d, small, box) for index, d in carried.items()}


def dragged(suspects: Mask, box: Box) -> Mask:
    """Where in a box of the searched picture motion is spoilt by what is suspected: under it, and beside what is large enough to pass the
    median that motion's picture goes through. Under it alone, where that would be everywhere.
    """
    reach = DRAGGED + MEDIAN
    top, left = max(box.top - reach, 0), max(box.left - reach, 0)
    near = suspects[top : box.bottom + reach, left : box.right + reach]
    spoilt = dragged_along(near, DRAGGED)
    inside = np.s_[box.top - top : box.bottom - top, box.left - left : box.right - left]
    return near[inside] if spoilt[inside].all() else spoilt[inside]


def along(frame: Frame, encoding: Encoding, box: Box, d: Real) -> Real:
    """Levels (3, h, w) of a frame where the displacement (2, h, w) of a box leads; beyond the frame its last rows and columns go on. Cubic
    interpolation overshoots at edges: that is kept `within` the film.
    """
    (v, h), (height, width) = encoding.step(1) if encoding.pictures > 1 else (1, 1), frame.planes[0].shape
    down, across = (int(np.abs(part).max()) + ROOM for part in d)
    top, left = max(box.top - down, 0) // v * v, max(box.left - across, 0) // h * h
    bottom, right = min(-(-(box.bottom + down) // v) * v, height), min(-(-(box.right + across) // h) * h, width)
    wide = levels(frame, encoding, Box(frame.index, top, left, bottom, right))
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(box.top - top) + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + np.float32(box.left - left) + d[1]
    shown = np.stack([cv2.remap(plane, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE) for plane in wide])
    return within(shown, wide)


def within(picture: Real, *films: Real) -> Real:
    """Levels of what was worked out from films, kept in 0 … 1, or as far beyond as a film goes itself."""
    low, high = (float(edge([edge(film) for film in films])) for edge in (np.min, np.max))
    return np.clip(picture, min(low, 0.0), max(high, 1.0))


def matched(own: Real, shown: Real, sound: Mask) -> Real:
    """A neighbour's levels (3, h, w) that were brought to the centre's `own`, exposed as those are on sound film (h, w)."""
    return within(shown + exposure(own, shown, sound), own, shown)


def exposure(own: Real, shown: Real, sound: Mask) -> Real:
    """What `matched` adds: in each colour the slow difference of both on sound film, carried on across the rest, as the neighbours' fill
    has it; nothing where too little film is sound to tell.
    """
    if sound.sum() < FEWEST:
        return np.zeros_like(shown)
    reach = SLOW * max(sound.shape)
    rim = Rim(sound, reach, wide_blur(sound.astype(np.float32), reach) + np.float32(SPARSE))
    return np.stack([joined(a, [b], [1.0], rim) - b for a, b in zip(own, shown, strict=True)])
