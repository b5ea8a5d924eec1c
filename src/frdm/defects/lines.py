"""Standing line scratches: thin, nearly upright lines that stay at their column while the scene goes its own way.

Two questions are asked. Is it a line: does a thin ridge run farther down the picture than it would by chance (defects/ridges.py)?
Is it damage: does it stand in the neighbours as they lie, and move otherwise than the scene beside it?
A pole, a mast or a window bar passes the first and fails the second. A line that stands exactly still on a scene that stands exactly
still cannot be told from one and is left alone. Source: Newson 2014 (lines of each frame, then what moves with the scene is taken out).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.ridges import Line, alone, find_ridges, gather, shifted, shrink, small_unit, small_width
from frdm.film import Box, Defect, Mask, Polarity, Real
from frdm.motion.window import Neighbour, Window
from frdm.recipe import Detection

MOVING = 0.7  # px of a 480-line picture a frame: a scene that moves by less does not tell a pole from a line
STANDING = 2.5  # px of a 480-line picture a frame: a line wanders by no more
STILL = 0.8  # px of a 480-line picture: a scene that moves by no more stands still, as far as its motion can be measured so finely
STEADY = 0.5  # px of a 480-line picture a frame: a line that goes on steadily by more is a thing that passes
COMPANY = 2  # proven lines in a frame that speak for others


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A neighbour on the small picture."""

    offset: int  # frames from the centre
    raw: Real
    aligned: Real
    across: Real  # the scene's motion to the right, columns
    trusted: Mask  # where that motion is consistent
    slopes: Real  # (3, bands, columns) of the centre and this neighbour, smoothed: across, down, and centre − neighbour

    @staticmethod
    def of(neighbour: Neighbour, centre: Real, raw: Real, unit: float) -> "View":
        size = (raw.shape[1], raw.shape[0])
        aligned = neighbour.aligned
        scale = np.float32(size[0] / aligned.luma.shape[1])
        flow, astray = (
            np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_NEAREST), np.float32)
            for p in (aligned.displacement[1], aligned.inconsistency)
        )
        return View(aligned.offset, raw, shrink(aligned.luma), flow * scale, astray < 1.0, _slopes(centre, raw, unit))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What of the centre's small picture the scene's motion is taken from."""

    centre: Real
    textured: Mask  # where dense motion has something to follow, lines apart
    sound: Mask  # where small motion is measured: away from lines and borders

    @staticmethod
    def of(centre: Real, lines: Mask, unit: float) -> "Scene":
        soft = np.asarray(cv2.GaussianBlur(centre, (0, 1), 1.5 * unit, sigmaY=0), np.float32)
        slope = np.abs(shifted(soft, 2) - shifted(soft, -2))
        away = [cv2.dilate(lines.astype(np.uint8), np.ones((1, round(reach * unit) | 1), np.uint8)) == 0 for reach in (5, 13)]
        margin = round(6 * unit)
        away[1][:, :margin] = away[1][:, -margin:] = False
        away[1][:, np.arange(centre.shape[1]) % 3 > 0] = False  # smoothed as it is, every third column says all
        return Scene(centre, away[0] & (slope > max(0.012, 2.0 * float(np.median(slope)))), away[1])


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How a line stands in the neighbours: one value a neighbour, columns of the small picture."""

    strength: Real  # against the centre's own, 1: as strong
    carried: Real  # the same in the neighbour aligned to the centre's scene
    shift: Real  # (2, neighbours) measured on even and on odd bands apart
    left: Real  # (3, neighbours) the scene's motion left of the line: lower quartile, median, upper quartile (NaN: nothing to be seen)
    right: Real
    still: Real  # (2, neighbours) the surroundings' small motion and its standard error (NaN: nothing to be seen)
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
    gathered = gather(ridges, unit, ease, settings.polarity)
    lines = [line for line in gathered if line.share > 0.2 * ease and line.straight(unit) and alone(small[0], line, unit)]
    if not lines:
        return []
    views = [View.of(n, small[0], raw, unit) for n, raw in zip(window.neighbours, small[1:], strict=True)]
    scene = Scene.of(small[0], ridges.through[0].max(0) > 20, unit)
    stands = [standing(scene, views, line, unit) for line in lines]
    sure = [confidence(line, stood, unit, ease) for line, stood in zip(lines, stands, strict=True)]
    if sum(s > 0 for s in sure) >= COMPANY:
        sure = [s or in_company(line, stood, unit, ease) for s, line, stood in zip(sure, lines, stands, strict=True)]
    found = [d for line, s in zip(lines, sure, strict=True) if s > 0 for d in _defects(window, line, s, allowed)]
    return sorted(found, key=lambda d: d.box)


# Is it damage? ------------------------------------------------------------------------------------------------------------------------


def standing(scene: Scene, views: Sequence[View], line: Line, unit: float) -> Standing:
    """What the neighbours say of a line."""
    reach = int(np.ceil(2 * STANDING * unit))
    own = _profile(scene.centre, line, reach, unit)
    full = float(own[:, line.shown].mean(1).max()) + 1e-9
    zero = np.array([_peak(p) for p in _halves(own, line)])
    slack = round(unit)
    near = slice(reach - slack, reach + slack + 1)
    strength, carried, shift = [], [], []
    for view in views:
        there = _profile(view.raw, line, reach, unit)
        strength.append(float(there[:, line.shown].mean(1).max()) / full)
        carried.append(float(_profile(view.aligned, line, reach, unit)[near][:, line.shown].mean(1).max()) / full)
        shift.append(np.array([_peak(p) for p in _halves(there, line)]) - zero)
    away = np.arange(scene.centre.shape[1]) - line.path[:, None]
    left, right = np.array([_scene(scene, v, away, line, unit) for v in views], np.float32).transpose(1, 2, 0)
    still = np.array([_still(v, away, scene.sound, unit) for v in views], np.float32).T
    return Standing(
        np.array(strength), np.array(carried), np.array(shift).T, left, right, still, np.array([v.offset for v in views], np.float32)
    )


def _profile(picture: Real, line: Line, reach: int, unit: float) -> Real:
    """(2 reach + 1, bands): a line's height so far beside its path, cut down where it is great so that no place decides alone."""
    ridge = cv2.GaussianBlur(picture, (0, 1), 1.2 * unit, sigmaY=0) - cv2.GaussianBlur(picture, (0, 1), 4 * unit, sigmaY=0)
    rows = np.arange(len(line.path), dtype=np.float32)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)[:, None]
    columns = (line.path + offsets).astype(np.float32)
    got = (
        cv2.remap(ridge, columns, np.broadcast_to(rows, columns.shape).copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        * line.sign
    )
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


def _scene(scene: Scene, view: View, away: Real, line: Line, unit: float) -> list[NDArray[np.float64]]:
    """The scene's motion on either side of a line: quartiles over the places that have something to be followed."""
    trusted = view.trusted & scene.textured & line.shown[:, None]
    seen = [view.across[trusted & (s * away > 3 * unit) & (s * away < 70 * unit)] for s in (-1, 1)]
    return [np.quantile(v, [0.25, 0.5, 0.75]) if v.size >= 30 else np.full(3, np.nan) for v in seen]


def _slopes(centre: Real, other: Real, unit: float) -> Real:
    """What small motion is measured from."""
    a, b = (np.asarray(cv2.GaussianBlur(p, (0, 0), 2 * unit, sigmaY=1.0), np.float32) for p in (centre, other))
    both = np.float32(0.5) * (a + b)
    return np.stack([0.5 * (shifted(both, 1) - shifted(both, -1)), np.gradient(both, axis=0), a - b])


def _still(view: View, away: Real, sound: Mask, unit: float) -> tuple[float, float]:
    """(columns to the right, standard error) of the small motion of a line's surroundings, else of the whole picture."""
    for where in (sound & (np.abs(away) < 80 * unit), sound):
        values = view.slopes[:, where]
        if values.shape[1] > 200:
            moved, error = _least_squares(values, 2 * unit)
            if error < 0.15 * unit:
                return moved, error
    return float("nan"), float("nan")


def _least_squares(slopes: Real, together: float) -> tuple[float, float]:
    """(motion across that explains the change, standard error), reweighted thrice; so many samples `together` count as one."""
    across, down, change = slopes
    basis = np.stack([across, down, np.ones_like(across)], 1).astype(np.float64)
    weight = np.ones(len(change))
    for _ in range(3):
        normal = (basis * weight[:, None]).T @ basis + 1e-12 * np.eye(3)
        found = np.linalg.solve(normal, (basis * weight[:, None]).T @ change)
        rest = np.abs(change - basis @ found)
        scale = 1.48 * float(np.median(rest[::7])) + 1e-9
        weight = 1 / (1 + (rest / (2 * scale)) ** 2) ** 2
    error = np.sqrt(np.linalg.inv(normal)[0, 0] * together) * scale
    return float(found[0]), float(error)


def confidence(line: Line, stands: Standing, unit: float, ease: float) -> float:
    """0 … 1 that a line is damage; 0 where it may be a thing of the scene."""
    shift = stands.shift.mean(0)
    certain = np.abs(stands.shift[0] - stands.shift[1]) < 0.6 * unit
    there = certain & (stands.strength > 0.35) & (np.abs(shift - np.median(np.append(shift, 0.0))) < STANDING * unit)
    if there.sum() < 2:
        return 0.0
    apart = np.minimum(np.abs(_apart(shift, stands.left)), np.abs(_apart(shift, stands.right))) > MOVING * unit * ease
    opposed = np.sign(stands.left[1] - shift) != np.sign(stands.right[1] - shift)
    strays = (np.abs(shift) > STANDING * unit) & (stands.strength > 0.35)
    exact = np.abs(stands.shift[0] - stands.shift[1]) < 0.25 * unit  # threads that hang from a moving thing are not
    passed = there & exact & ~strays & apart & ~opposed & (stands.carried < 0.5 * stands.strength)
    if passed.sum() >= 2 and not strays.any() and line.share > 0.2 * ease:
        return float(np.clip(0.6 + 0.1 * passed.sum() * min(1.0, 2 * line.share), 0, 1))
    wander = _wander(stands, there, unit)
    if line.ever > min(0.8 * ease, 0.95) and line.share > 0.5 and wander > 0.25 * unit * ease:
        return float(np.clip(0.4 + 0.3 * wander / unit + 0.2 * line.ever, 0, 0.95))
    return 0.0


def in_company(line: Line, stands: Standing, unit: float, ease: float) -> float:
    """0 … 1 for a line that nothing proves among lines that are proven: scratches seldom come alone, poles seldom run from edge to edge."""
    shift = stands.shift.mean(0)
    there = (np.abs(stands.shift[0] - stands.shift[1]) < 0.6 * unit) & (stands.strength > 0.35) & (np.abs(shift) < STANDING * unit)
    full = line.share > min(0.9 * ease, 0.97) and line.ever > 0.97
    return 0.5 if full and there.sum() >= 2 and not _passes(stands, there, unit) else 0.0


def _passes(stands: Standing, there: Mask, unit: float) -> bool:
    """Whether it goes on steadily, as a thing of a moving scene does."""
    k = stands.offsets[there]
    steady = float((stands.shift.mean(0)[there] @ k) / (k @ k))
    return abs(steady) > STEADY * unit


def _apart(shift: Real, scene: Real) -> Real:
    """How far the line's motion lies outside the middle half of the scene's, signed (0 where nothing is known)."""
    out: Real = np.nan_to_num(np.minimum(shift - scene[0], 0) + np.maximum(shift - scene[2], 0))
    return out


def _wander(stands: Standing, there: Mask, unit: float) -> float:
    """Root mean square of the line's own restless motion against a scene that stands nearly still (columns); 0 where the scene explains it.

    Two independent measurements are multiplied, so that noise adds nothing; steady motion is taken off: near things have it too.
    """
    moved, error = stands.still[:, there]
    if there.sum() < 3 or not np.isfinite(moved).all() or np.abs(moved).max() > STILL * unit:
        return 0.0
    shift, k = stands.shift[:, there], stands.offsets[there]
    size = float(np.sqrt((shift**2).mean()))
    for side in (stands.left[:, there], stands.right[:, there]):
        plain = side[2] - side[0] < 0.8 * unit
        if plain.sum() >= 2 and float(np.sqrt(((shift - side[1])[:, plain] ** 2).mean())) < 0.6 * size:
            return 0.0
    hull = np.stack([moved - 2 * error, moved, moved + 2 * error])
    against = np.stack([_apart(s, hull) for s in shift])
    return min(_unrest(against, k, unit), _unrest(shift, k, unit))


def _unrest(shift: Real, offsets: Real, unit: float) -> float:
    """Standard deviation of a line's places in the window's frames about steady motion; 0 where it moves steadily."""
    own, k = np.pad(shift, ((0, 0), (1, 0))), np.pad(offsets, (1, 0))  # the centre's own place is 0
    own, k = own - own.mean(1, keepdims=True), k - k.mean()
    steady = own @ k / (k @ k)
    rest = own - steady[:, None] * k
    unrest = float(np.sqrt(max(float((rest[0] * rest[1]).sum()) / (len(k) - 2), 0.0)))
    return unrest if abs(float(steady.mean())) < max(STEADY * unit, 0.8 * unrest) else 0.0


# Where does it lie? -------------------------------------------------------------------------------------------------------------------


def _defects(window: Window, line: Line, sure: float, allowed: Mask | None) -> list[Defect]:
    """The line in the film's own pixels, nothing if none of it is allowed."""
    height, width = window.luma.shape
    unit = height / 480
    bands = len(line.path)
    place = (np.arange(height) + 0.5) * bands / height - 0.5
    scale = width / small_width(window.luma.shape)
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


def _extent(luma: Real, path: NDArray[np.float64], sign: NDArray[np.int8], shown: Mask, unit: float) -> tuple[float, float]:
    """How far the line reaches left and right of its path (px): where its mean profile has fallen to a fifth, and half a pixel more."""
    reach = max(4, round(8 * unit))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    rows = np.flatnonzero(shown)
    columns = (path[rows, None] + offsets).astype(np.float32)
    strip = cv2.remap(
        luma, columns, np.repeat(rows[:, None], len(offsets), 1).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
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
