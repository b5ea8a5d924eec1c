"""Thin upright ridges of one frame: where a line runs farther down the picture than the texture around it would by chance.

Everything is measured on a small picture of `BANDS` bands of rows. Source: Newson 2014 (a-contrario lines in a frame);
the best line is found band by band (Smith and Waterman's local alignment) instead of by trying segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Polarity, Real

BANDS = 96  # bands of rows: a line may slant by one column from one band to the next
LINES = 720  # pictures higher than this are looked at reduced
TURN = np.float32(1.2)  # what a step to the next column costs: without it paths through mere grain would grow without end
KEPT = 0.85  # share of its bands in which a true line shows


@dataclass(frozen=True, slots=True, eq=False)
class Ridges:
    """Line evidence of one or more frames on the small picture; arrays (frames, 2, bands, columns), first bright, then dark."""

    hits: NDArray[np.bool_]  # a thin ridge of this sign passes here
    through: Real  # log-likelihood ratio of the best line through this place


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line on the centre's small picture."""

    path: Real  # (bands,) column, carried over bands where the line does not show
    shown: Mask  # (bands,)
    sign: NDArray[np.int8]  # (bands,) +1 bright, −1 dark, carried likewise
    ever: float = 0.0  # share of the picture's height where it shows in any frame of the window

    @property
    def share(self) -> float:
        """Of the picture's height."""
        return float(self.shown.mean())

    def straight(self, unit: float) -> bool:
        """Whether it keeps to a steep straight line, as what runs past a fixed grain of dirt does."""
        bands = np.flatnonzero(self.shown)
        if len(bands) < 3:
            return False
        slope, start = np.polyfit(bands, self.path[bands], 1)
        off = float(np.sqrt(((self.path[bands] - start - slope * bands) ** 2).mean()))
        return off < 2 * unit and abs(slope) * len(self.path) < 16 * unit


def shrink(picture: Real) -> Real:
    """The small picture (bands, columns): rows averaged in bands, columns kept or a little reduced."""
    bands = min(BANDS, picture.shape[0] // 2)
    return np.asarray(cv2.resize(picture, (small_width(picture.shape), bands), interpolation=cv2.INTER_AREA), np.float32)


def small_unit(shape: tuple[int, ...]) -> float:
    """Columns of the small picture for one px of a 480-line picture."""
    return min(shape[0], LINES) / 480


def small_width(shape: tuple[int, ...]) -> int:
    """Columns of the small picture of a picture of `shape`."""
    return round(shape[1] / max(1.0, shape[0] / LINES))


def shifted(picture: Real, by: int) -> Real:
    """out[:, x] = picture[:, x + by], the border repeated."""
    columns = np.clip(np.arange(picture.shape[1]) + by, 0, picture.shape[1] - 1)
    return picture[:, columns]


def find_ridges(small: Sequence[Real], noise: float, unit: float) -> Ridges:
    """Line evidence of every picture, both signs."""
    hits = np.stack([_hits(p, noise, unit) for p in small])
    reach = (round(41 * unit) | 1, 11)
    chance = np.stack([[cv2.blur(h.astype(np.float32), reach) for h in both] for both in hits])
    chance = np.clip(chance, 0.03, 0.5)
    score = np.where(hits, np.log(KEPT / chance), np.log((1 - KEPT) / (1 - chance))).astype(np.float32)
    return Ridges(hits, through_scores(score))


def _hits(picture: Real, noise: float, unit: float) -> NDArray[np.bool_]:
    """(2, bands, columns): where a thin ridge stands out from both of its sides, and the sides agree with each other."""
    out = np.zeros((2, *picture.shape), bool)
    flank = max(3, round(4 * unit))
    side = np.asarray(cv2.blur(picture, (flank, 1), anchor=(0, 0)), np.float32)  # mean of x … x+flank-1
    for width in sorted({max(1, round(w * unit) | 1) for w in (1, 3, 5)}):
        middle = cv2.blur(picture, (width, 1))
        off = width // 2 + max(1, round(unit)) + 1
        left, right = shifted(side, -off - flank + 1), shifted(side, off)
        contrast = middle - 0.5 * (left + right)
        size = np.abs(contrast)
        usual = float(np.median(size[:, ::3])) * 1.48
        spread = cv2.blur(np.minimum(size, 4 * usual), (round(61 * unit) | 1, 11)) * 1.25
        spread = np.maximum(spread, max(0.25 * noise, 0.001))
        for k, sign in enumerate((1, -1)):
            least = np.minimum(sign * (middle - left), sign * (middle - right))
            out[k] |= (least > spread) & (np.abs(left - right) < least + 2 * spread)
    return out


def through_scores(score: Real) -> Real:
    """The best sum of scores of any piece of a line through each place; `score` (…, bands, columns)."""
    down = _sums(score)
    up = _sums(score[..., ::-1, :])[..., ::-1, :]
    return down + up - score


def _sums(score: Real) -> Real:
    """The best sum of a piece that ends at each place; a piece begins anew where nothing is left of it."""
    out = np.empty_like(score)
    last = np.zeros_like(score[..., 0, :])
    for band in range(score.shape[-2]):
        best, aside = last.copy(), last - TURN
        np.maximum(best[..., 1:], aside[..., :-1], out=best[..., 1:])
        np.maximum(best[..., :-1], aside[..., 1:], out=best[..., :-1])
        out[..., band, :] = best + score[..., band, :]
        last = np.maximum(out[..., band, :], 0)
    return out


def best_path(gain: Real, turn: np.float32) -> NDArray[np.intp]:
    """(bands,) the column of the path with the greatest sum of `gain` (columns, bands); each step aside costs `turn`."""
    columns, bands = gain.shape
    total = np.empty((bands, columns), np.float32)
    total[0] = gain[:, 0]
    for band in range(1, bands):
        last = np.pad(total[band - 1], 1, constant_values=-np.inf)
        total[band] = gain[:, band] + np.maximum(last[1:-1], np.maximum(last[:-2], last[2:]) - turn)
    out = np.empty(bands, np.intp)
    out[-1] = total[-1].argmax()
    for band in range(bands - 1, 0, -1):
        near = np.pad(total[band - 1], 1, constant_values=-np.inf)[out[band] : out[band] + 3] - np.array([turn, 0, turn], np.float32)
        out[band - 1] = out[band] + int(near.argmax()) - 1
    return out


def gather(ridges: Ridges, unit: float, ease: float, polarity: Polarity | str) -> list[Line]:
    """Lines of the first picture: pieces at nearly one column, the certain and the fainter that continue them."""
    through = ridges.through[0].copy()
    if polarity != "both":
        through[1 if polarity == "bright" else 0] = -np.inf
    sign = np.where(through[0] >= through[1], 1, -1).astype(np.int8)
    best = np.maximum(through[0], through[1])
    crest = best > cv2.dilate(best, np.ones((1, round(9 * unit) | 1), np.uint8)) - 1.0
    faint = cv2.dilate((crest & (best > 9 * ease) & ridges.hits[0].any(0)).astype(np.uint8), np.ones((5, 1), np.uint8))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(faint, connectivity=8)
    if count == 1:
        return []
    peak = np.zeros(count, np.float32)
    marked = labels > 0
    np.maximum.at(peak, labels[marked].astype(np.intp), best[marked])
    seeds = [i for i in np.argsort(-peak, kind="stable") if i and peak[i] > 36 * ease]
    lines, free = [], np.ones(count, bool)
    for seed in seeds:
        if free[seed]:
            near = np.flatnonzero(free & (np.abs(centres[:, 0] - centres[seed, 0]) < 4 * unit) & (np.arange(count) > 0))
            near = near[stats[near, cv2.CC_STAT_WIDTH] < np.maximum(stats[near, cv2.CC_STAT_HEIGHT], 8 * unit)]
            free[near] = False
            if len(near):
                chosen = np.zeros(count, bool)
                chosen[near] = True
                lines.append(_line(best, sign, ridges.hits[0], chosen[labels]))
    return [replace(line, ever=_ever(line, ridges.through, unit)) for line in lines if line.share > 0.1]


def _ever(line: Line, through: Real, unit: float) -> float:
    """Share of the height where the line shows in some frame within reach of its wandering."""
    columns = np.rint(line.path).astype(int)[:, None] + np.arange(-round(2 * unit), round(2 * unit) + 1)
    columns = columns.clip(0, through.shape[-1] - 1)
    bands = np.arange(len(line.path))[:, None]
    return float((line.shown | (through[:, :, bands, columns].max((0, 1, 3)) > 36)).mean())


def _line(best: Real, sign: NDArray[np.int8], hits: NDArray[np.bool_], where: Mask) -> Line:
    """The ridge of some pieces: in each band the middle of the best columns."""
    masked = np.where(where, best, -np.inf)
    top = masked.max(1, keepdims=True)
    crest = where & (masked > top - 1.0)
    bands = np.flatnonzero(where.any(1))
    columns = np.array([np.flatnonzero(crest[b]).mean() for b in bands])
    every = np.arange(best.shape[0])
    signs = np.array([sign[b, round(c)] for b, c in zip(bands, columns, strict=True)])
    nearest = bands[np.abs(every[:, None] - bands).argmin(1)]
    full_sign = signs[np.searchsorted(bands, nearest)].astype(np.int8)
    hit = np.zeros(len(every), np.float32)
    hit[bands] = [
        hits[0 if s > 0 else 1, b, max(round(c) - 1, 0) : round(c) + 2].any() for b, c, s in zip(bands, columns, signs, strict=True)
    ]
    shown = (cv2.blur(hit[:, None], (1, 5), borderType=cv2.BORDER_REPLICATE)[:, 0] > 0.5) & where.any(1)
    path = np.interp(every, bands, columns).astype(np.float32)
    path = cv2.GaussianBlur(path[:, None], (1, 0), 0, sigmaY=1.2, borderType=cv2.BORDER_REPLICATE)[:, 0] if len(path) > 4 else path
    return Line(path, _continued(shown, path, hits), full_sign)


def _continued(shown: Mask, path: Real, hits: NDArray[np.bool_]) -> Mask:
    """Where a line shows, with the gaps of a nearly whole one in which it shows with the other sign, as on darker or brighter things."""
    bands = np.flatnonzero(shown)
    if shown.mean() < 0.7:
        return shown
    there = hits[:, np.arange(len(path)), np.asarray(np.rint(path), np.intp)]
    either = np.logical_or(there[0], there[1])[:, None].astype(np.float32)
    share = np.asarray(cv2.blur(either, (1, 7), borderType=cv2.BORDER_REPLICATE), np.float32)
    out: Mask = np.logical_or(shown, share[:, 0] > 0.55)
    out[: bands[0]] = False
    out[bands[-1] + 1 :] = False
    return out


def alone(picture: Real, line: Line, unit: float) -> bool:
    """Whether it is the line that stands out, and not the film between two lines of the other sign."""
    reach = round(24 * unit)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    columns = (line.path[:, None] + offsets).astype(np.float32)
    rows = np.repeat(np.arange(len(line.path), dtype=np.float32)[:, None], len(offsets), 1)
    strip = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) * line.sign[:, None]
    profile = strip[line.shown].mean(0)
    far = np.abs(offsets) > 6 * unit
    beside = (np.abs(offsets) > 3 * unit) & ~far
    top = float(profile[np.abs(offsets) <= unit].max())
    return top - float(np.median(profile[far])) > 0.4 * (top - float(np.median(profile[beside]))) > 0
