"""The physics of damage: marks add density to film, or take it away, and are seen on video codes.

Density is what dirt stops and what a scratch lets through, so it is where marks add up. A video code is light to the power of 1 / 2.4
(Source: BT.1886), so density D more is a factor of 10^(−D / 2.4) on codes. Dirt on a positive adds density to it: dark. Dirt on the
negative keeps light from the print: the print loses density there: bright. Both end where the film does: at its blackest black and
its clear base.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frdm.film import KINDS, Codes, Kind, Mask, Real

GAMMA = 2.4  # Source: BT.1886
FLARE = 0.02  # code that stray light adds: opaque dirt on the negative prints white in shadows as well
LAYERS = {
    "print": (1, 0, 2),
    "reversal": (2, 1, 0),
    "negative": (2, 1, 0),
}  # R G B order: the channels whose dyes a scratch meets, outermost first

NUMBERS: dict[Kind, int] = {kind: number for number, kind in enumerate(KINDS, 1)}  # what `Damaged.kinds` holds

PERSISTENT = 1000  # least number of a defect that stands for many frames


@dataclass(frozen=True, slots=True)
class Stock:
    """The film that the damage lies on: codes of its blackest black and of its clear base, and its dye layers from the top."""

    black: float = 0.03
    white: float = 0.97
    layers: tuple[int, int, int] = LAYERS["print"]
    cut: float = -1.0  # sign of the density that a cut into the emulsion leaves on the print: −1 bright, +1 dark


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One defect: where its upper left corner lies, and the density that it adds (below 0: takes away).

    `density` is float32 (height, width), or (height, width, 3) where it colours (R, G, B).
    """

    kind: Kind
    density: Real
    top: int
    left: int


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """One frame with its damage: `film` (H, W, C) codes 0 … 1 and the maps of `Damaged` for it."""

    film: Real
    matte: Real
    mask: Mask
    kinds: NDArray[np.uint8]
    polarity: NDArray[np.int8]
    ids: NDArray[np.uint16]


class Canvas:
    """The damage of one frame, summed in density before it is seen."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        """An undamaged frame."""
        self.density: Real = np.zeros((height, width, channels), np.float32)
        self._strongest: Real = np.zeros((height, width), np.float32)
        self._kinds = np.zeros((height, width), np.uint8)
        self._ids = np.zeros((height, width), np.uint16)

    def add(self, mark: Mark, number: int) -> None:
        """Lay a mark on the frame, cut at its borders; where marks meet, the strongest gives its kind and number."""
        height, width = self._strongest.shape
        top, left = max(mark.top, 0), max(mark.left, 0)
        rows = slice(top, min(mark.top + mark.density.shape[0], height))
        columns = slice(left, min(mark.left + mark.density.shape[1], width))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        part = mark.density[rows.start - mark.top : rows.stop - mark.top, columns.start - mark.left : columns.stop - mark.left]
        colours = part if part.ndim == 3 else part[..., None]
        if colours.shape[2] > self.density.shape[2]:
            colours = colours.mean(2, keepdims=True)
        self.density[rows, columns] += colours
        strength = _largest(np.abs(colours))
        known = self._strongest[rows, columns]
        more = strength > known
        np.copyto(known, strength, where=more)
        np.copyto(self._kinds[rows, columns], np.uint8(NUMBERS[mark.kind]), where=more)
        np.copyto(self._ids[rows, columns], np.uint16(number), where=more)

    def develop(self, film: Real, stock: Stock, *, tau: float, top: int) -> Painted:
        """The frame (H, W, C; codes 0 … 1 whose integers go to `top`) with what reaches an opacity of `tau`, and the maps of it.

        A pixel whose integer codes stay as they were is not damaged: dark dirt in black.
        """
        place = np.nonzero(self._strongest > 0)
        change = self.density[place]
        strength = _largest(np.abs(change))
        enough = strength >= opaque(tau)
        place, change, strength = (place[0][enough], place[1][enough]), change[enough], strength[enough]
        before = film[place]
        after = seen(before, change, stock)
        old, new = (quantised(values, top).astype(np.int32) for values in (before, after))
        moved = new - old
        changed = moved.any(1)
        place = (place[0][changed], place[1][changed])
        out, mask, matte = film.copy(), np.zeros(film.shape[:2], np.bool_), np.zeros(film.shape[:2], np.float32)
        out[place], mask[place] = after[changed], True
        matte[place] = np.maximum(1 - np.power(np.float32(10), -strength[changed]), np.float32(tau))
        polarity = np.zeros(film.shape[:2], np.int8)
        polarity[place] = np.sign(moved[changed].sum(1))
        return Painted(out, matte, mask, self._kinds * mask, polarity, self._ids * mask)


def _largest(colours: Real) -> Real:
    """The largest of the channels, which are last; numpy's own `max` is slow over so short an axis."""
    if colours.shape[-1] == 1:
        return colours[..., 0]
    return np.maximum(np.maximum(colours[..., 0], colours[..., 1]), colours[..., 2])


def opaque(opacity: float) -> float:
    """The density that stops a share `opacity` (0 … < 1) of the light. Source: ISO 5-2."""
    return float(-np.log10(1 - opacity))


def seen(codes: Real, density: Real, stock: Stock) -> Real:
    """Video codes of film after `density` more (same shape); neither beyond the film's black nor its clear base, unless it was."""
    flare = np.float32(FLARE)
    after = (codes + flare) * np.power(np.float32(10), density * np.float32(-1 / GAMMA)) - flare
    dark = np.maximum(after, np.minimum(codes, np.float32(stock.black)))
    bright = np.minimum(after, np.maximum(codes, np.float32(stock.white)))
    return np.asarray(np.where(density > 0, dark, bright), np.float32)


def quantised(codes: Real, top: int) -> Codes:
    """Codes 0 … 1 as integers 0 … top."""
    values = np.rint(codes * np.float32(top))
    return np.asarray(np.clip(values, 0, top), np.uint8 if top < 256 else np.uint16)


def stopped(cover: Real, density: float) -> Real:
    """Density of something of `density` that covers a share of each pixel (`cover`, 0 … 1): optics blur the light that passes it.

    A half covered pixel lets at least half of the light through, however opaque the piece is.
    """
    share = np.float32(min(1 - 10**-density, 0.9999)) * np.clip(cover, 0, 1)
    return np.asarray(-np.log10(1 - share), np.float32)


def cut_layers(depth: Real, stock: Stock, *, clear: float = 2.0) -> Real:
    """Density (H, W, 3) that a scratch of `depth` (H, W; 0 … 1 of the emulsion) leaves on colour film.

    The three dye layers lie one under the other; a layer that is cut through is clear. On a print the outermost is magenta, the next
    cyan, the last yellow: shallow scratches are green, deeper ones yellow, the deepest white. Reversal film has yellow outermost, then
    magenta, then cyan: blue, cyan, white. So has the negative, and the print made from it shows yellow, red, black.
    """
    out = np.zeros((*depth.shape, 3), np.float32)
    for order, channel in enumerate(stock.layers):
        gone = np.clip(depth * np.float32(2.4) - np.float32(0.7 * order), 0, 1)
        out[..., channel] = gone * gone * (3 - 2 * gone) * np.float32(stock.cut * clear)
    return out


def refracted(profile: Real, *, strength: float, lean: float, core: float) -> Real:
    """Density of a groove in the base along `profile` (H, W; 0 … 1): it stops no light but bends it, so one flank dims, the other gleams.

    `lean` 0 … 1: how much brighter one flank is than the other is dark; `core` 0 … 1: light lost in the groove itself.
    """
    flank = np.gradient(profile, axis=1).astype(np.float32)
    most = max(float(np.abs(flank).max(initial=0)), 1e-6)
    flank *= np.float32(strength / most)
    return np.asarray(np.where(flank < 0, flank * np.float32(lean), flank) + np.float32(core * strength) * profile, np.float32)
