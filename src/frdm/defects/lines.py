"""Standing line scratches: thin, nearly upright lines that stay at their column while the scene goes its own way.

Two questions are asked. Is it a line: does a thin ridge run farther down the picture than it would by chance (defects/ridges.py)?
Is it damage: does it stand in the neighbours as they lie, and move otherwise than the scene beside it? Where the scene stands still:
does it wander such that it leaves each frame where it enters the next, as what was scratched along the film does, or does all of it
move restlessly? A pole, a mast or a window bar passes the first and fails the second. A line that stands exactly still on a scene that
does too cannot be told from one and is left alone. Source: Newson 2014 (lines of each frame, then what moves with the scene goes).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.ridges import Line, alone, best_path, find_ridges, gather, shifted, shrink, small_unit, small_width
from frdm.film import Box, Defect, Mask, Polarity, Real
from frdm.motion.window import Neighbour, Window
from frdm.recipe import Detection

MOVING = 0.7  # px of a 480-line picture a frame: a scene that moves by less does not tell a pole from a line
WANDER = 7.0  # px of a 480-line picture: so far from its place in the centre a line is looked for in a neighbour
STILL = 3.0  # px of a 480-line picture a frame: of a scene that moves by more its motion is not measured finely
PARTS = 4  # of the picture's height: a line crosses things that move differently, a thing seldom
RESTLESS = 0.3  # px of a 480-line picture: a line that wanders by less on a still scene cannot be told from a pole
UNREST = 0.45  # px of a 480-line picture: the same where its ends do not join, as in film that was cut or stabilised
JOINED = 0.5  # of its wandering: where a line leaves one frame and enters the next, it is off by no more


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
    carried: Real  # (PARTS, neighbours) the same in the neighbour aligned to the centre's scene, at its place in the centre
    track: Real  # (neighbours, bands) how far to the right of its place in the centre it is found
    left: Real  # (3, PARTS, neighbours) the scene's motion left of the line: quartiles (NaN: nothing to be seen)
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
    lines = [line for line in gathered if line.share > 0.2 * ease and line.straight(unit) and _inside(line, small[0].shape[1], unit)]
    lines = [line for line in lines if alone(small[0], line, unit)]
    if not lines:
        return []
    views = [View.of(n, small[0], raw, unit) for n, raw in zip(window.neighbours, small[1:], strict=True)]
    scene = Scene.of(small[0], ridges.through[0].max(0) > 20, unit)
    stands = [standing(scene, views, line, unit) for line in lines]
    sure = [confidence(line, stood, unit, ease) for line, stood in zip(lines, stands, strict=True)]
    found = [d for line, s in zip(lines, sure, strict=True) if s > 0 for d in _defects(window, line, s, allowed)]
    return sorted(found, key=lambda d: d.box)


def _inside(line: Line, width: int, unit: float) -> bool:
    """Whether a line lies off the picture's border, which stands as well."""
    at = float(np.median(line.path))
    return 5 * unit < at < width - 1 - 5 * unit


# Is it damage? ------------------------------------------------------------------------------------------------------------------------


def standing(scene: Scene, views: Sequence[View], line: Line, unit: float) -> Standing:
    """What the neighbours say of a line."""
    reach = int(np.ceil(WANDER * unit))
    own = _profile(scene.centre, line, reach, unit)
    start, full = _track(own, line, round(unit))
    slack = round(unit)
    near = slice(reach - slack, reach + slack + 1)
    parts = _parts(line)
    strength, carried, track = [], [], []
    for view in views:
        path, height = _track(_profile(view.raw, line, reach, unit), line, reach)
        strength.append(height / full)
        taken = _profile(view.aligned, line, reach, unit)[near]
        carried.append([float(taken[:, p].mean(1).max()) / full if p.any() else np.nan for p in parts])
        track.append(path - start)
    away = np.arange(scene.centre.shape[1]) - line.path[:, None]
    sides = np.array([[_scene(scene, v, away, p, unit) for p in parts] for v in views], np.float32)
    left, right = sides.transpose(2, 3, 1, 0)
    still = np.array([_still(v, away, scene.sound, unit) for v in views], np.float32).T
    offsets = np.array([v.offset for v in views], np.float32)
    return Standing(np.array(strength), np.array(carried).T, np.stack(track), left, right, still, offsets)


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


def _track(profile: Real, line: Line, reach: int) -> tuple[Real, float]:
    """(where the line runs beside its path in each band, its mean height there), looked for within `reach` columns of the middle."""
    middle = profile.shape[0] // 2
    smooth = np.asarray(cv2.blur(profile, (5, 1), borderType=cv2.BORDER_REPLICATE), np.float32)
    gain = np.where(line.shown, smooth, 0)[middle - reach : middle + reach + 1]
    gain /= 1e-9 + np.abs(gain).mean()
    bands = gain.shape[1]
    crest = best_path(gain, np.float32(1.5)) - reach + middle
    around = np.clip(crest[None] + np.arange(-1, 2)[:, None], 0, profile.shape[0] - 1)
    three = cv2.blur(np.where(line.shown, profile, 0)[around, np.arange(bands)], (15, 1), borderType=cv2.BORDER_REPLICATE)
    bend = three[0] - 2 * three[1] + three[2]
    fine = np.where(bend < -1e-9, np.clip(0.5 * (three[0] - three[2]) / np.minimum(bend, -1e-9), -1, 1), 0)
    path = np.asarray(cv2.blur((crest - middle + fine).astype(np.float32)[None], (9, 1), borderType=cv2.BORDER_REPLICATE), np.float32)[0]
    return path, float(profile[crest.clip(0, profile.shape[0] - 1), np.arange(bands)][line.shown].mean()) + 1e-9


def _parts(line: Line) -> list[Mask]:
    """(bands,) where the line shows in each part of the picture's height; none where it shows in less than half of a part."""
    part = np.arange(len(line.path)) * PARTS // len(line.path)
    every = [line.shown & (part == i) for i in range(PARTS)]
    return [p if p.sum() * PARTS * 2 >= len(p) else np.zeros_like(p) for p in every]


def _scene(scene: Scene, view: View, away: Real, rows: Mask, unit: float) -> list[NDArray[np.float64]]:
    """The scene's motion on either side of some rows of a line: quartiles over the places that have something to be followed."""
    trusted = view.trusted & scene.textured & rows[:, None]
    seen = [view.across[trusted & (s * away > 3 * unit) & (s * away < 70 * unit)] for s in (-1, 1)]
    return [np.quantile(v, [0.25, 0.5, 0.75]) if v.size >= 20 else np.full(3, np.nan) for v in seen]


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
    there = stands.strength > 0.55
    if there.sum() < 2:
        return 0.0
    passed, against = left_behind(line, stands, unit, ease)
    if passed >= 2 and passed > against and line.share > 0.3 * ease:
        return float(np.clip(0.6 + 0.1 * passed * min(1.0, 2 * line.share), 0, 1))
    wander = joined_wander(line, stands, unit)
    careful = max(ease, 0.8) * unit
    if line.share > 0.7 and wander > RESTLESS * careful:
        return float(np.clip(0.5 + 0.2 * wander / unit, 0, 0.95))
    unrest = unrest_alone(line, stands, unit)
    if line.share > 0.9 and unrest > UNREST * careful:
        return float(np.clip(0.4 + 0.2 * unrest / unit, 0, 0.9))
    return 0.0


def left_behind(line: Line, stands: Standing, unit: float, ease: float) -> tuple[int, int]:
    """In how many parts of the height the scene moves away on both sides and takes the line not with it; in how many it does not."""
    there = stands.strength > 0.55
    shift = stands.track[:, line.shown].mean(1)
    least = (MOVING * ease * unit) + 0.8 * np.abs(shift)
    left, right = _apart(shift, stands.left), _apart(shift, stands.right)
    both = (np.minimum(np.abs(left), np.abs(right)) > least) & (left * right > 0)
    one = (np.isnan(left) ^ np.isnan(right)) & (np.fmax(np.abs(left), np.abs(right)) > 4 * least)
    passed = there & (both | one) & (stands.carried < 0.55 * stands.strength)
    known = ~np.isnan(stands.carried[:, 0])
    proven = passed.sum(1) >= 2
    return int(proven.sum()), int((known & ~proven).sum())


def _apart(shift: Real, scene: Real) -> Real:
    """How far the line's motion lies outside the middle half of the scene's, signed (NaN where nothing is known)."""
    out: Real = np.minimum(shift - scene[0], 0) + np.maximum(shift - scene[2], 0)
    return out


def joined_wander(line: Line, stands: Standing, unit: float) -> float:
    """How restlessly a line moves from frame to frame against the scene (columns), if it leaves each frame where it enters the next;
    else 0.

    A scratch runs along the film through one frame after the other, a thing stands or moves within its scene. Asked only of lines that
    show from the top to the bottom.
    """
    edge = round(0.1 * len(line.path))
    shown = np.flatnonzero(line.shown)
    if len(shown) < 2 * edge or shown[0] > edge or shown[-1] < len(line.path) - 1 - edge:
        return 0.0
    order = np.argsort(np.append(stands.offsets, 0))
    k, strong, scene = (np.append(v, c)[order] for v, c in ((stands.offsets, 0), (stands.strength > 0.55, True), (stands.still[0], 0)))
    paths = np.vstack([stands.track + line.path, line.path[None]])[order]
    pairs = np.flatnonzero((np.diff(k) == 1) & strong[1:] & strong[:-1] & (np.abs(np.diff(scene)) < STILL * unit))
    if len(pairs) < 3:
        return 0.0
    tops, bottoms = paths[:, :edge].mean(1), paths[:, -edge:].mean(1)
    gap = tops[pairs + 1] - bottoms[pairs]
    jumps = np.stack([np.diff(tops)[pairs], np.diff(bottoms)[pairs]])
    against = jumps - np.diff(scene)[pairs]
    restless = min(float(v.std(ddof=1)) for v in (jumps, against))
    return restless if float(np.sqrt((gap**2).mean())) < JOINED * restless else 0.0


def unrest_alone(line: Line, stands: Standing, unit: float) -> float:
    """How restlessly a whole line moves (columns) over a scene that is measured to stand still; 0 where that may explain it."""
    there = stands.strength > 0.75
    moved, error = stands.still
    if there.sum() < 3 or not (np.abs(moved) + 2 * error <= 0.8 * unit).all():
        return 0.0
    shift, k = stands.track[:, line.shown].mean(1)[there], stands.offsets[there]
    unrest = []
    for against in (shift, shift - moved[there]):
        own, at = np.append(against, 0), np.append(k, 0)
        own, at = own - own.mean(), at - at.mean()
        steady = float(own @ at / (at @ at))
        size = float(np.sqrt(((own - steady * at) ** 2).sum() / (len(at) - 2)))
        unrest.append(size if abs(steady) < max(0.5 * unit, 0.8 * size) else 0.0)
    return min(unrest)


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
