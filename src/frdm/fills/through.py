"""What the film shows through a standing line.

A scratch seldom hides all: scene and grain go on under it, darker or brighter. Continued from both sides, film has lost that detail; taken
as it lies, it has the line. Both are told apart along the line: what a column of the hole makes of the brightness of its sides, over a
stretch of it, is the line's own and is taken back. What is left is film that shows through, or the line's unrest, and is weighed band by
band against the sides, each by how far it errs. How far the sides err is rehearsed on sound film next to the line, where the truth is
known; what the scan is apart from them beyond that is the line's own. An opaque line ends as the sides have it, a shade keeps its film.

Source: Bruni 2008 (film is damaged by a line, not gone); the weight is Wiener's, of two estimates that err apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

BANDS = (3.0, 9.0, 27.0)  # px of a 480-line picture along the line: where one band of detail ends and the next begins …
REACH = (40.0, 60.0, 100.0)  # … and over how much of the line each is judged; chosen on drawn films (docs/lines.md) …
NEAR = 4.0  # … but the line adds no less than over so many times the band's own size
GAP = 4  # samples between the line and the place beside it where the sides are tried: beyond what they are continued from
KNOWN = 0.05  # share of the film beside a row's surroundings that must be sound, or the sides alone are believed there
EVEN = 1e-5  # of the square of the brightest: where film varies less, a line is taken for a shade that adds one tone …
STEEPEST = 1.5  # … and how much it may raise the film's contrast
TINY = 1e-9
FINE = 4.0  # rows of blur that are worked out row by row
Continued = Callable[[Mask], Real]  # a plane's crop with a hole continued from its sides


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The columns of a hole, each row counted from its own first one: arrays (rows, columns at most)."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    inside: Mask
    width: int  # of the picture

    @staticmethod
    def of(hole: Mask) -> "Ladder":
        """Those of a hole (h, w)."""
        width, first = hole.shape[1], hole.argmax(1)
        span = np.where(hole.any(1), width - hole[:, ::-1].argmax(1) - first, 0)
        at = first[:, None] + np.arange(int(span.max(initial=0)))
        rows, columns = np.broadcast_to(np.arange(len(hole))[:, None], at.shape), np.clip(at, 0, width - 1)
        return Ladder(rows, columns, (at < width) & hole[rows, columns], width)

    def moved(self, shift: int) -> "Ladder":
        """The same steps elsewhere; what falls outside of the picture is not `inside`."""
        at = self.columns + shift
        return Ladder(self.rows, np.clip(at, 0, self.width - 1), self.inside & (at >= 0) & (at < self.width), self.width)

    def take(self, picture: Real | Mask) -> Real:
        """What a picture (h, w) has there, 0 elsewhere."""
        return np.asarray(np.where(self.inside, picture[self.rows, self.columns], 0), np.float32)

    def put(self, values: Real, picture: Real) -> Real:
        """A picture (h, w) with these values there."""
        out = np.array(picture, np.float32)
        out[self.rows[self.inside], self.columns[self.inside]] = values[self.inside]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A plane's crop (h, w; codes), its hole filled twice."""

    mended: Real  # with what shows through
    sides: Real  # by its sides alone
    share: Real  # of the finest detail of `mended`, how much is the scan's own: 0 … 1

    def grained(self, renewed: Real) -> Real:
        """`mended` with the grain that it lacks, where `renewed` is `sides` with all the grain that *it* lacks."""
        return np.asarray(self.mended + np.sqrt(1 - self.share**2) * (renewed - self.sides), np.float32)


def shown_through(plane: Real, hole: Mask, sound: Mask, continued: Continued, unit: float) -> Shown:
    """A plane's crop (h, w; codes) with its hole mended.

    `sound` (h, w) is film without any damage; `unit` is the height of the whole plane over 480. Where hardly any film beside the line is
    sound, the hole is as `continued` has it.
    """
    peak = np.float32(np.abs(plane).max() or 1)  # a sample of infinite light must not overflow a square
    plane, base, ladder = plane / peak, continued(hole) / peak, Ladder.of(hole)
    places = [ladder.moved(side * (ladder.inside.shape[1] + GAP)) for side in (-1, 1)]
    left, right = (Beside.of(plane, place, sound, lambda one: continued(one) / peak, unit) for place in places)
    known, inside = left.weight + right.weight, ladder.inside.astype(np.float32)
    scan, sides = ladder.take(plane), ladder.take(base)
    apart = _bands(_unexplained(scan, sides, inside, unit), inside, unit)
    mended, share = sides, np.zeros_like(inside)
    for place in reversed(range(len(BANDS))):
        reach = REACH[place] * unit
        erring = _mean(left.errors[place] ** 2 + right.errors[place] ** 2, known, reach)
        power = apart[place] ** 2 * inside
        own = np.maximum(np.maximum(_mean(power, inside, reach), _mean(power, inside, NEAR * BANDS[place] * unit)) - erring, 0)
        share = np.where(_along(_spread(known), reach) > KNOWN, erring / (erring + own + TINY), 0)
        mended = mended + share * apart[place]
    reach, detail = REACH[0] * unit, _bands(scan, inside, unit)[0]
    there, wanted = _mean(detail**2 * inside, inside, reach), _mean(left.detail**2 + right.detail**2, known, reach)
    share = ladder.put(share * np.sqrt(np.minimum(there / (wanted + TINY), 1)), np.zeros_like(base))
    return Shown(ladder.put(mended, base) * peak, base * peak, share)


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What the film beside a line tells, as if the line lay there: arrays (rows, columns at most), 0 where it is not sound."""

    weight: Real
    errors: Sequence[Real]  # of its sides, band by band
    detail: Real  # its finest

    @staticmethod
    def of(plane: Real, place: Ladder, sound: Mask, continued: Continued, unit: float) -> "Beside":
        """That at a place on a plane's crop."""
        weight = (place.inside & (place.take(sound) > 0)).astype(np.float32)
        if not weight.any():
            return Beside(weight, [weight] * len(BANDS), weight)
        hole = place.put(np.ones_like(weight), np.zeros_like(plane)) > 0
        errors = _bands(place.take(plane - continued(hole)) * weight, weight, unit)
        return Beside(weight, [one * weight for one in errors], _bands(place.take(plane) * weight, weight, unit)[0] * weight)


def _unexplained(scan: Real, sides: Real, inside: Real, unit: float) -> Real:
    """What (rows, columns) of the scan is told neither by the sides nor by the line's own effect, which is linear in the brightness of the
    film: a shade takes the same share of light and dark, paint lays one tone on both.
    """
    sigma = BANDS[-1] * unit
    count = np.maximum(_along(inside, sigma), TINY)
    level, ground = _along(scan * inside, sigma) / count, _along(sides * inside, sigma) / count
    both = _along(scan * sides * inside, sigma) / count - level * ground
    spread = np.maximum(_along(sides**2 * inside, sigma) / count - ground**2, 0)
    steep = np.clip((both + EVEN) / (spread + EVEN), 0, STEEPEST)
    return np.asarray((scan - level - steep * (sides - ground)) * inside, np.float32)


def _bands(values: Real, weight: Real, unit: float) -> list[Real]:
    """What (rows, columns) holds along each column, finest first, of what counts; the last is what is left when all bands are taken."""
    out, left = [], values
    for size in BANDS:
        slow = np.where(weight > 0, _along(left * weight, size * unit) / np.maximum(_along(weight, size * unit), TINY), 0)
        out.append(np.asarray(left - slow, np.float32))
        left = np.asarray(slow, np.float32)
    return [*out, left]


def _mean(values: Any, weight: Real, reach: float) -> Real:
    """The mean around each place, of its own column and the next ones."""
    total, count = (_along(_spread(np.asarray(one, np.float32)), reach) for one in (values, weight))
    return np.asarray(total / np.maximum(count, TINY), np.float32)


def _along(values: Real, sigma: float) -> Real:
    """(rows, columns) blurred along the columns; nothing lies beyond the ends. Wide blurs are made on fewer rows."""
    rows, columns = values.shape
    fewer = max(1, int(sigma / FINE))
    if fewer > 1:
        values = np.pad(values, ((0, -rows % fewer), (0, 0))).reshape(-1, fewer, columns).mean(1)
    sigma = max(sigma / fewer, 0.3)
    out = cv2.GaussianBlur(values, (1, 2 * int(3 * sigma) + 1), sigmaX=1.0, sigmaY=sigma, borderType=cv2.BORDER_CONSTANT)
    if fewer > 1:
        out = cv2.resize(out, (columns, len(out) * fewer), interpolation=cv2.INTER_LINEAR)[:rows]
    return np.asarray(out, np.float32)


def _spread(values: Real) -> Real:
    return np.asarray(cv2.blur(values, (3, 1), borderType=cv2.BORDER_REPLICATE), np.float32)
