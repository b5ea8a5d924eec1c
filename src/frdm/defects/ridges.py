"""Thin upright ridges: where a line runs farther down the picture than the texture around it would by chance.

Everything is measured on a small picture of `BANDS` bands of rows, since a line lives over many of them.
Source: Newson 2014 (a-contrario lines in a frame); the best line is found band by band (Smith and Waterman's local alignment) instead
of by trying segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

BANDS = 96  # bands of rows: a line may slant by one column from one band to the next
LINES = 720  # pictures higher than this are looked at reduced
TURN = np.float32(1.2)  # what a step to the next column costs: without it paths through mere grain would grow without end
MOST = 64  # candidates of one sign that are looked at, the most evident first
PEAKS = 128  # places of one sign at which a candidate is looked for
LEAST = 9.0  # evidence from which a ridge is a candidate
REACH = 12  # px of a 480-line picture to either side of where it is most evident that a candidate may run
POOLED = 0.6  # weight of the neighbours' evidence beside the centre's


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Candidate lines, one a row: where they run on the small picture."""

    columns: NDArray[np.intp]  # (n, bands)
    sign: NDArray[np.int8]  # (n,) +1 bright, −1 dark
    evidence: Real  # (n,) of its best piece
    near: Real  # (n, bands) the evidence along it

    def __len__(self) -> int:
        return len(self.sign)


def shrink(picture: Real) -> Real:
    """The small picture (bands, columns): rows averaged in bands, columns kept or a little reduced."""
    bands, width = min(BANDS, picture.shape[0] // 2), small_width(picture.shape)
    deep = max(1, picture.shape[0] // (4 * bands))  # plain sums first: several times faster than resampling everything
    if deep > 1 and picture.shape[0] % deep == 0:
        picture = picture.reshape(-1, deep, picture.shape[1]).mean(1)
    return np.asarray(cv2.resize(picture, (width, bands), interpolation=cv2.INTER_AREA), np.float32)


def small_unit(shape: tuple[int, ...]) -> float:
    """Columns of the small picture for one px of a 480-line picture."""
    return min(shape[0], LINES) / 480


def small_width(shape: tuple[int, ...]) -> int:
    """Columns of the small picture of a picture of `shape`."""
    return round(shape[1] / max(1.0, shape[0] / LINES))


def shifted(picture: Real, by: int) -> Real:
    """out[:, x] = picture[:, x + by], the border repeated."""
    out = np.empty_like(picture)
    if by >= 0:
        out[:, : picture.shape[1] - by] = picture[:, by:]
        out[:, picture.shape[1] - by :] = picture[:, -1:]
    else:
        out[:, -by:] = picture[:, :by]
        out[:, :-by] = picture[:, :1]
    return out


def find_paths(small: Sequence[Real], noise: float, unit: float) -> Paths:
    """Candidate lines of the first picture, the others standing by it."""
    score = _evidence(small[0], noise, unit)
    if len(small) > 1:
        wide = np.ones((1, round(unit) * 2 + 1), np.uint8)
        others = _evidence(np.mean(small[1:], 0, dtype=np.float32), noise, unit)
        score += np.float32(POOLED) * np.stack([cv2.dilate(sign, wide) for sign in others])
    through = through_scores(score)
    found = [_paths(score[k], through[k], unit, sign) for k, sign in enumerate((1, -1))]
    return Paths(*(np.concatenate([getattr(f, name) for f in found]) for name in Paths.__slots__))


def _evidence(picture: Real, noise: float, unit: float) -> Real:
    """(2, bands, columns): how far a thin ridge, bright or dark, stands out from both of its sides; below 0 where none does."""
    out = np.full((2, *picture.shape), -np.inf, np.float32)
    flank = max(3, round(4 * unit))
    side = np.asarray(cv2.blur(picture, (flank, 1), anchor=(0, 0)), np.float32)  # mean of x … x+flank-1
    for width in sorted({max(1, round(w * unit) | 1) for w in (1, 3, 5)}):
        middle = cv2.blur(picture, (width, 1))
        off = width // 2 + max(1, round(unit)) + 1
        left, right = middle - shifted(side, -off - flank + 1), middle - shifted(side, off)
        size = np.abs(left + right) * np.float32(0.5)
        usual = float(np.median(size[::2, ::3])) * 1.48
        spread = cv2.blur(np.minimum(size, 4 * usual), (round(61 * unit) | 1, 11)) * np.float32(1.25)
        spread = np.maximum(spread, max(0.25 * noise, 0.001))
        step = np.abs(left - right) - 2 * spread
        for k, (a, b) in enumerate(((left, right), (-left, -right))):
            least = np.minimum(a, b)
            np.maximum(out[k], (least - np.maximum(step - least, 0)) / spread, out=out[k])
    return np.asarray(np.clip(out - np.float32(0.9), -1.5, 2.0), np.float32)


def through_scores(score: Real) -> Real:
    """The best sum of scores of any piece of a line through each place; `score` (…, bands, columns)."""
    both = _sums(np.stack([score, score[..., ::-1, :]]))
    out: Real = both[0] + both[1][..., ::-1, :] - score
    return out


def _sums(score: Real) -> Real:
    """The best sum of a piece that ends at each place; a piece begins anew where nothing is left of it."""
    out = np.empty_like(score)
    last = np.zeros_like(score[..., 0, :])
    for band in range(score.shape[-2]):
        best, aside = last.copy(), last - TURN
        np.maximum(best[..., 1:], aside[..., :-1], out=best[..., 1:])
        np.maximum(best[..., :-1], aside[..., 1:], out=best[..., :-1])
        np.add(best, score[..., band, :], out=out[..., band, :])
        last = np.maximum(out[..., band, :], 0)
    return out


def best_paths(gain: Real, turn: float) -> NDArray[np.intp]:
    """(n, bands) the columns of the paths with the greatest sums of `gain` (n, bands, columns); each step aside costs `turn`."""
    n, bands, columns = gain.shape
    total = np.full((bands, n, columns + 2), -np.inf, np.float32)
    total[0, :, 1:-1] = gain[:, 0]
    for band in range(1, bands):
        last = total[band - 1]
        total[band, :, 1:-1] = gain[:, band] + np.maximum(last[:, 1:-1], np.maximum(last[:, 2:], last[:, :-2]) - np.float32(turn))
    out = np.empty((n, bands), np.intp)
    out[:, -1] = total[-1].argmax(1)
    every, cost = np.arange(n), np.array([turn, 0, turn], np.float32)
    for band in range(bands - 1, 0, -1):
        near = total[band - 1][every[:, None], out[:, band, None] + np.arange(-1, 2)]
        out[:, band - 1] = out[:, band] + (near - cost).argmax(1) - 1
    return out - 1


def _paths(score: Real, through: Real, unit: float, sign: int) -> Paths:
    """Candidates of one sign, the most evident first; none runs along another."""
    bands, width = score.shape
    peaks = _peaks(through.max(0), max(2, round(3 * unit)))
    reach = round(REACH * unit)
    offsets = np.arange(-reach, reach + 1)
    rows = through[:, peaks].argmax(0)
    columns = peaks[:, None] + offsets
    strips = score[:, np.clip(columns, 0, width - 1)].transpose(1, 0, 2).copy()
    strips[np.broadcast_to(((columns < 0) | (columns >= width))[:, None], strips.shape)] = -9.0
    strips[np.arange(len(peaks)), rows, reach] += 1000.0  # each runs through where it is most evident
    paths = best_paths(strips, float(TURN)) + peaks[:, None] - reach
    chosen = _apart(paths, 2 * unit)
    kept = np.clip(paths[chosen].reshape(-1, bands), 0, width - 1)
    near = score[np.arange(bands), kept]
    return Paths(kept, np.full(len(chosen), sign, np.int8), through.max(0)[peaks[chosen]], near)


def _apart(paths: NDArray[np.intp], least: float) -> list[int]:
    """Which of the paths to keep, such that none runs along an earlier one for half of the height."""
    chosen: list[int] = []
    for i, path in enumerate(paths):
        if len(chosen) < MOST and (not chosen or ((np.abs(paths[chosen] - path) <= least).mean(1) < 0.5).all()):
            chosen.append(i)
    return chosen


def _peaks(height: Real, apart: int) -> NDArray[np.intp]:
    """Columns of the highest places, the highest first, that lie `apart` from each other."""
    free = height > LEAST
    out: list[int] = []
    for column in np.argsort(-height, kind="stable"):
        if len(out) == PEAKS or height[column] <= LEAST:
            break
        if free[column]:
            out.append(int(column))
            free[max(column - apart, 0) : column + apart + 1] = False
    return np.array(out, np.intp)
