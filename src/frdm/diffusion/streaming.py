"""A shot's frames restored whole, one after the other, in no more memory than one window in time needs.

Windows of a net's length overlap and are sampled each by itself, on one noise field, and what they make of a frame is joined as film. They
hang on the film's frame numbers: a frame comes out the same, bit by bit, for whatever stretch it is asked. `restore` joins windows at every
step instead, which agrees better and must hold the whole stretch at once, with steps × window frames around it.
Source: HaineiFRDM §4.2 (restoration of a whole film).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.asking import Footage, Inference, Net
from frdm.diffusion.inference import restore, through_codec
from frdm.diffusion.planning import Plan
from frdm.diffusion.tiles import origins
from frdm.film import Real


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Film to be restored: the shot's frames first … stop-1, and how one of them is had as levels (planes, H, W)."""

    first: int
    stop: int
    levels: Callable[[int], Real]  # asked for in rising order, the last window's again

    def windows(self, wanted: range, settings: Inference) -> list[range]:
        """The windows in time that hold any frame of `wanted`; none is longer than the shot."""
        length = min(settings.frames, self.stop - self.first)
        starts = origins(self.first, self.stop, (length, min(settings.frames_overlap, length // 2)), 0)
        every = (range(start, start + length) for start in starts)
        return [window for window in every if window.start < wanted.stop and window.stop > wanted.start]


@dataclass(frozen=True, slots=True, eq=False)
class RestoredFrame:
    """One frame (planes, H, W) as the net makes it, and as it comes through the net's codec alone; `shown`: the frames it was made of."""

    index: int
    restored: Real
    coded: Real
    shown: range


def restored_frames(
    fresh: Callable[[], Net], film: Reading, wanted: range, settings: Inference, plan: Plan, *, prompt: object = None
) -> Iterator[RestoredFrame]:
    """The frames `wanted` of a shot, in order. `fresh` gives a net with nothing seen yet: each window has its own.

    Raises `RecipeError` where tiles don't fit into the frame or one into memory.
    """
    windows = film.windows(wanted, settings)
    sums: dict[int, tuple[Real, float, range]] = {}
    coded: dict[int, Real] = {}
    for number, window in enumerate(windows):
        net, shown = fresh(), np.stack([film.levels(index) for index in window], 1)
        made = _window(net, shown, window.start, settings, (plan, prompt))
        back = np.asarray(through_codec(net, shown, plan), np.float32)
        overlap = min(settings.frames_overlap, len(window) // 2)
        weights = faded(len(window), overlap, (window.start == film.first, window.stop == film.stop))
        for place, index in enumerate(window):
            total, weight, seen = sums.get(index, (np.float32(0), 0.0, window))
            share = float(weights[place])
            sums[index] = np.asarray(total + np.float32(share) * made[:, place], np.float32), weight + share, range(seen.start, window.stop)
            coded[index] = back[:, place]
        after = windows[number + 1].start if number + 1 < len(windows) else window.stop
        for index in sorted(index for index in sums if index < after):
            total, weight, seen = sums.pop(index)
            back_there = coded.pop(index)
            if index in wanted:
                yield RestoredFrame(index, total / np.float32(weight), back_there, seen)


def faded(length: int, overlap: int, border: tuple[bool, bool]) -> NDArray[np.float64]:
    """The weights of a window's frames, in even steps over the overlap; `border`: whether nothing lies before and behind.

    A window passes to the next by the same share from frame to frame: a curve that is steeper in the middle (`ramp`) would show there, for
    windows are few frames long.
    """
    out = np.ones(length)
    rise = np.arange(1, overlap + 1) / (overlap + 1)
    if not border[0]:
        out[:overlap] = rise
    if not border[1]:
        out[length - overlap :] *= rise[::-1]
    return out


def _window(net: Net, shown: Real, first: int, settings: Inference, how: tuple[Plan, object]) -> Real:
    """One window restored; in shots that are shorter than the net's windows the last frame is shown again."""
    missing = settings.frames - shown.shape[1]
    film = np.concatenate([shown, np.repeat(shown[:, -1:], max(missing, 0), 1)], 1)
    restored = restore(net, Footage(film, first=first, shot=0, prompt=how[1]), replace(settings, frames_overlap=0), how[0])
    return np.asarray(restored, np.float32)[:, : shown.shape[1]]
