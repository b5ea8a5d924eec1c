"""Standing line scratches: thin, nearly upright lines that stay at their column while the scene goes its own way.

Two questions are asked, in this order. Is it a line: does a thin ridge run down the picture, farther than the texture around it would by chance? Is it
damage: does it stand in the neighbours as they lie, and move otherwise than the scene beside it? A pole, a mast or a window bar passes the first and
fails the second; a line that stands exactly still on a scene that stands exactly still cannot be told from one and is left alone.
Everything is measured on a small picture of `BANDS` bands of rows. Source: Newson 2014 (a-contrario detection in each frame, then the scene's motion).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Box, Defect, Mask, Polarity, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

BANDS = 96  # bands of rows: a line may slant by one column from one band to the next
LINES = 720  # pictures higher than this are looked at reduced
TURN = np.float32(1.2)  # what a step to the next column costs: without it paths through mere grain would grow without end
KEPT = 0.85  # share of its bands in which a true line shows
MOVING = 0.7  # px of a 480-line picture a frame: a scene that moves by less does not tell a pole from a line
STANDING = 2.5  # px of a 480-line picture a frame: a line wanders by no more


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

    @property
    def share(self) -> float:
        """Of the picture's height."""
        return float(self.shown.mean())


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How a line stands in the neighbours: one value a neighbour, columns of the small picture."""

    strength: Real  # against the centre's own, 1: as strong
    carried: Real  # the same in the neighbour aligned to the centre's scene
    shift: Real  # (2, neighbours) measured on even and on odd bands apart
    left: Real  # (3, neighbours) the scene's motion left of the line: lower quartile, median, upper quartile (NaN: nothing to be seen)
    right: Real
    anywhere: Real  # the same of the whole picture
    offsets: Real  # (neighbours,) frames from the centre


def find_lines(window: Window, noise: Real, settings: Detection, allowed: Mask | None = None) -> list[Defect]:
    """Standing lines of the window's centre, each one defect over all its pieces; only where `allowed`.

    `noise` (H, W) is the film's in working units. Says nothing with fewer than two neighbours.
    """
    if len(window.neighbours) < 2 or min(window.luma.shape) < 32:
        return []
    small = [shrink(p) for p in (window.luma, *(n.raw for n in window.neighbours))]
    unit = small_unit(window.luma.shape)
    ease = 1.45 - 0.9 * settings.strength
    ridges = find_ridges(small, float(np.median(noise[::8, ::8])), unit)
    busy = cv2.dilate((ridges.through[0].max(0) > 20).astype(np.uint8), np.ones((1, round(5 * unit) | 1))) > 0
    found = []
    for line in gather(ridges, unit, ease, settings.polarity):
        sure = confidence(line, standing(window, small, line, busy, unit), unit, ease)
        if sure > 0:
            found += _defects(window, line, sure, allowed)
    return found


def shrink(picture: Real) -> Real:
    """The small picture (bands, columns): rows averaged in bands, columns kept or a little reduced."""
    height, width = picture.shape
    bands = min(BANDS, height // 2)
    out: Real = cv2.resize(picture, (round(width / max(1.0, height / LINES)), bands), interpolation=cv2.INTER_AREA)
    return out


def small_unit(shape: tuple[int, ...]) -> float:
    """Columns of the small picture for one px of a 480-line picture."""
    return min(shape[0], LINES) / 480


# Is it a line? ------------------------------------------------------------------------------------------------------------------------


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
    side = cv2.blur(picture, (flank, 1), anchor=(0, 0))  # mean of x … x+flank-1
    for width in sorted({max(1, round(w * unit) | 1) for w in (1, 3, 5)}):
        middle = cv2.blur(picture, (width, 1))
        off = width // 2 + max(1, round(unit)) + 1
        left, right = _shifted(side, -off - flank + 1), _shifted(side, off)
        contrast = middle - 0.5 * (left + right)
        size = np.abs(contrast)
        usual = float(np.median(size[:, ::3])) * 1.48
        spread = cv2.blur(np.minimum(size, 4 * usual), (round(61 * unit) | 1, 11)) * 1.25
        spread = np.maximum(spread, max(0.25 * noise, 0.001))
        for k, sign in enumerate((1, -1)):
            least = np.minimum(sign * (middle - left), sign * (middle - right))
            out[k] |= (least > spread) & (np.abs(left - right) < least + 2 * spread)
    return out


def _shifted(picture: Real, by: int) -> Real:
    """out[:, x] = picture[:, x + by], the border repeated."""
    columns = np.clip(np.arange(picture.shape[1]) + by, 0, picture.shape[1] - 1)
    return picture[:, columns]


def through_scores(score: Real) -> Real:
    """The best sum of scores of any piece of a line through each place; a line moves by at most one column a band. Score (…, bands, columns)."""
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
    np.maximum.at(peak, labels[marked], best[marked])
    seeds = [i for i in np.argsort(-peak, kind="stable") if i and peak[i] > 36 * ease]
    lines, free = [], np.ones(count, bool)
    for seed in seeds:
        if free[seed]:
            near = np.flatnonzero(free & (np.abs(centres[:, 0] - centres[seed, 0]) < 4 * unit) & (np.arange(count) > 0))
            near = near[stats[near, cv2.CC_STAT_WIDTH] < np.maximum(stats[near, cv2.CC_STAT_HEIGHT], 8 * unit)]
            free[near] = False
            if len(near):
                lines.append(_line(best, sign, ridges.hits[0], np.isin(labels, near)))
    return [line for line in lines if line.shown.any()]


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
    hit[bands] = [hits[0 if s > 0 else 1, b, max(round(c) - 1, 0) : round(c) + 2].any() for b, c, s in zip(bands, columns, signs, strict=True)]
    shown = (cv2.blur(hit[:, None], (1, 5), borderType=cv2.BORDER_REPLICATE)[:, 0] > 0.5) & where.any(1)
    path = np.interp(every, bands, columns).astype(np.float32)
    path = cv2.GaussianBlur(path[:, None], (1, 0), 0, sigmaY=1.2, borderType=cv2.BORDER_REPLICATE)[:, 0] if len(path) > 4 else path
    return Line(path, shown, full_sign)


# Is it damage? ------------------------------------------------------------------------------------------------------------------------


def standing(window: Window, small: Sequence[Real], line: Line, busy: Mask, unit: float) -> Standing:
    """What the neighbours say of a line."""
    reach = int(np.ceil(2 * STANDING * unit))
    own = _profile(small[0], line, reach, unit)
    even, odd = _halves(own, line)
    zero = np.array([_peak(even), _peak(odd)])
    strength, carried, shift, scene = [], [], [], []
    slack = round(unit)
    for neighbour, raw in zip(window.neighbours, small[1:], strict=True):
        there = _profile(raw, line, reach, unit)
        aligned = _profile(shrink(neighbour.aligned.luma), line, reach, unit)
        full = float(own[:, line.shown].mean(1).max()) + 1e-9
        strength.append(float(there[:, line.shown].mean(1).max()) / full)
        carried.append(float(aligned[reach - slack : reach + slack + 1][:, line.shown].mean(1).max()) / full)
        shift.append(np.array([_peak(p) for p in _halves(there, line)]) - zero)
        scene.append(_scene(small[0], neighbour.aligned.displacement[1], neighbour.aligned.inconsistency, line, busy, unit))
    left, right, anywhere = np.array(scene, np.float32).transpose(1, 2, 0)
    offsets = np.array([n.aligned.offset for n in window.neighbours], np.float32)
    return Standing(np.array(strength), np.array(carried), np.array(shift).T, left, right, anywhere, offsets)


def _profile(picture: Real, line: Line, reach: int, unit: float) -> Real:
    """(2 reach + 1, bands): how much of a line of its sign lies so many columns beside its path; strong places are cut down so that none decides alone."""
    ridge = cv2.GaussianBlur(picture, (0, 1), 1.2 * unit, sigmaY=0) - cv2.GaussianBlur(picture, (0, 1), 4 * unit, sigmaY=0)
    rows = np.arange(len(line.path), dtype=np.float32)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)[:, None]
    columns = (line.path + offsets).astype(np.float32)
    got = cv2.remap(ridge, columns, np.broadcast_to(rows, columns.shape).copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) * line.sign
    limit = 2.0 * float(np.median(np.abs(got[:, line.shown]))) + 1e-6
    out: Real = np.clip(got, -3 * limit, 3 * limit)
    return out


def _halves(profile: Real, line: Line) -> tuple[Real, Real]:
    """The profile's mean over even and over odd bands where the line shows."""
    shown = np.flatnonzero(line.shown)
    return profile[:, shown[::2]].mean(1), profile[:, shown[1::2] if len(shown) > 1 else shown].mean(1)


def _peak(profile: Real) -> float:
    """Place of the highest value, finer than a column."""
    i = int(np.clip(profile.argmax(), 1, len(profile) - 2))
    a, b, c = (float(v) for v in profile[i - 1 : i + 2])
    bend = a - 2 * b + c
    return i + (float(np.clip(0.5 * (a - c) / bend, -1, 1)) if bend < -1e-9 else 0.0)


def _scene(centre: Real, dx: Real, astray: Real, line: Line, busy: Mask, unit: float) -> list[NDArray[np.float64]]:
    """The scene's motion on either side of a line: quartiles over the places that have something to be followed."""
    size = (centre.shape[1], centre.shape[0])
    scale = np.float32(size[0] / dx.shape[1])
    across = cv2.resize(dx, size, interpolation=cv2.INTER_NEAREST) * scale
    trusted = cv2.resize(astray, size, interpolation=cv2.INTER_NEAREST) < 1.0
    soft = cv2.GaussianBlur(centre, (0, 1), 1.5 * unit, sigmaY=0)
    slope = np.abs(_shifted(soft, 2) - _shifted(soft, -2))
    trusted &= (slope > max(0.012, 2.0 * float(np.median(slope)))) & ~busy
    away = np.arange(size[0]) - line.path[:, None]
    beside = [trusted & (s * away > 3 * unit) & (s * away < 70 * unit) & line.shown[:, None] for s in (-1, 1)]
    seen = [across[where] for where in (*beside, trusted)]
    return [np.quantile(v, [0.25, 0.5, 0.75]) if v.size >= 30 else np.full(3, np.nan) for v in seen]


def confidence(line: Line, stands: Standing, unit: float, ease: float) -> float:
    """0 … 1 that a line is damage; 0 where it may be a thing of the scene."""
    shift = stands.shift.mean(0)
    certain = np.abs(stands.shift[0] - stands.shift[1]) < 0.6 * unit
    there = certain & (stands.strength > 0.35) & (np.abs(shift) < STANDING * unit)
    if there.sum() < 2:
        return 0.0
    apart = np.minimum(np.abs(_apart(shift, stands.left)), np.abs(_apart(shift, stands.right))) > MOVING * unit * ease
    opposed = np.sign(stands.left[1] - shift) != np.sign(stands.right[1] - shift)
    passed = there & apart & ~opposed & (stands.carried < 0.5 * stands.strength)
    if passed.sum() >= 2 and line.share > 0.2 * ease:
        return float(np.clip(0.6 + 0.1 * passed.sum() * min(1.0, 2 * line.share), 0, 1))
    wander = _wander(stands, there)
    if line.share > 0.65 * ease and wander > 0.3 * unit * ease:
        return float(np.clip(0.4 + 0.3 * wander / unit + 0.2 * line.share, 0, 0.95))
    return 0.0


def _apart(shift: Real, scene: Real) -> Real:
    """How far the line's motion lies outside the middle half of the scene's, signed (0 where nothing is known)."""
    out: Real = np.nan_to_num(np.minimum(shift - scene[0], 0) + np.maximum(shift - scene[2], 0))
    return out


def _wander(stands: Standing, there: Mask) -> float:
    """Root mean square of the line's own restless motion against the scene (columns).

    Two independent measurements are multiplied, so that noise adds nothing; steady motion is taken off, since a thing nearer to the camera has it too.
    """
    if there.sum() < 3:
        return 0.0
    beside = np.stack([stands.left, stands.right])
    hull = np.stack([np.fmin(*beside[:, 0]), np.fmin(*beside[:, 1]), np.fmax(*beside[:, 2])])
    hull = np.where(np.isfinite(hull), hull, stands.anywhere)
    if not np.isfinite(hull[:, there]).all():
        return 0.0
    k = stands.offsets[there]
    even, odd = (_apart(s, hull)[there] for s in stands.shift)
    even, odd = (v - k * (v @ k) / (k @ k) for v in (even, odd))
    return float(np.sqrt(max((even * odd).mean(), 0.0)))


# Where does it lie? -------------------------------------------------------------------------------------------------------------------


def _defects(window: Window, line: Line, sure: float, allowed: Mask | None) -> list[Defect]:
    """The line in the film's own pixels, nothing if none of it is allowed."""
    height, width = window.luma.shape
    unit = height / 480
    bands = len(line.path)
    place = (np.arange(height) + 0.5) * bands / height - 0.5
    scale = width / shrink_width(window.luma.shape)
    path = (np.interp(place, np.arange(bands), line.path) + 0.5) * scale - 0.5
    nearest = np.clip(np.rint(place).astype(int), 0, bands - 1)
    shown, sign = line.shown[nearest], line.sign[nearest]
    low, high = _extent(window.luma, path, sign, shown, unit)
    columns = np.arange(width)
    mask = (columns >= (path + low)[:, None]) & (columns <= (path + high)[:, None]) & shown[:, None]
    if allowed is not None:
        mask &= allowed
    if not mask.any():
        return []
    rows, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = Box(window.frame.index, int(rows[0]), int(across[0]), int(rows[-1]) + 1, int(across[-1]) + 1)
    signs = set(sign[rows].tolist())
    polarity: Polarity = "mixed" if len(signs) == 2 else "bright" if 1 in signs else "dark"
    return [Defect("line", polarity, box, mask[box.rows, box.columns], round(sure, 4))]


def shrink_width(shape: tuple[int, ...]) -> int:
    """Columns of the small picture."""
    return round(shape[1] / max(1.0, shape[0] / LINES))


def _extent(luma: Real, path: NDArray[np.float64], sign: NDArray[np.int8], shown: Mask, unit: float) -> tuple[float, float]:
    """How far the line reaches left and right of its path (px): where its mean profile has fallen to a fifth, and half a pixel more."""
    reach = max(4, round(8 * unit))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    rows = np.flatnonzero(shown)
    columns = (path[rows, None] + offsets).astype(np.float32)
    strip = cv2.remap(luma, columns, np.repeat(rows[:, None], len(offsets), 1).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edge = max(2, reach // 4)
    left, right = strip[:, :edge].mean(1, keepdims=True), strip[:, -edge:].mean(1, keepdims=True)
    t = np.linspace(0, 1, len(offsets), dtype=np.float32)
    profile = np.clip((strip - left * (1 - t) - right * t) * sign[rows, None], -0.5, 0.5).mean(0)
    middle = slice(reach - max(1, round(1.5 * unit)), reach + max(1, round(1.5 * unit)) + 1)
    top = middle.start + int(profile[middle].argmax())
    low, high = top, top
    while low > 0 and profile[low - 1] > 0.2 * profile[top]:
        low -= 1
    while high < 2 * reach and profile[high + 1] > 0.2 * profile[top]:
        high += 1
    return float(offsets[low]) - 0.5, float(offsets[high]) + 0.5
