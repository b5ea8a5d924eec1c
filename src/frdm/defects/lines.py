"""Standing line scratches: thin, nearly upright lines that stay at their column while the scene goes its own way.

Candidates are thin ridges that run farther down the picture than chance would have them (defects/ridges.py); each is followed into the
neighbours and measured against the scene beside it (line_features.py, line_measure.py); trees that were trained on drawn scratches and on
poles, fences and window bars decide (line_judge.py). The frames around must agree about it (line_agree.py). A line that stands still on a
scene that does too, and whose sides differ, can't be told from a moulding or a door post by anything, and is doubtful whatever the trees
say, unless it is one of many. Source: Newson 2014 (lines of each frame, then what moves with the scene goes).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.line_agree import agreed, candidates, passing
from frdm.defects.line_bands import band_numbers
from frdm.defects.line_features import SEGMENTS, Tracks, sample, scene_beside
from frdm.defects.line_judge import load_judge
from frdm.defects.line_look import Look
from frdm.film import Box, Defect, Mask, Polarity, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

LEAST = 0.89  # probability from which a candidate is a line at the usual strength; chosen on held-out folds of the training films
SUREST, EASIEST = 0.98, 0.6  # … at strength 0 and at strength 1
SHOWN = (0.9, 0.65)  # probability from which a band of it is mended: of a line that is broken, of one that goes on …
WHOLE = (0.8, 0.98)  # … by the share of its bands that are likelier than LIKELY; chosen on drawn films (docs/lines.md)
LIKELY = 0.5
WIDEST = 4.5  # px of a 480-line picture that a line may reach to either side …
SKIRT = 0.5  # … and that is mended beside it, for its soft edge
CALM = 0.01  # working units: rows whose sides are calmer than this weigh alike where a line's width is measured
SMALLEST = 96  # rows and columns of a picture in which lines are looked for
SAME = 0.5  # share of the smaller of two lines of one sign that lies on the other, from which on they are one
FEWEST = 4  # bands of the picture's height that a line must show in
STILL = 1.0  # px of a 480-line picture that the scene beside a line must move sideways from some neighbour to the centre, …
STEP = 0.4  # … and that has an edge here: of its contrast, by how much its sides differ, …
AWAY = np.arange(4, 9)  # px of a 480-line picture from its middle, where these are looked at
MANY = 4  # … unless as many lines stand in the frame: such film is scratched (docs/lines.md)


@dataclass(frozen=True, slots=True)
class Lines:
    """The standing lines of a frame."""

    defects: Sequence[Defect] = ()
    doubtful: Sequence[Defect] = ()  # those that the frames around don't agree about, and few that stand on a scene that does too


def find_lines(window: Window, noise: Real, settings: Detection, allowed: Mask | None = None) -> Lines:
    """Standing lines of the window's centre, each one defect over all its pieces; only where `allowed`.

    `noise` (H, W) is the film's in working units; all is of the size that is searched. Says nothing with fewer than two neighbours.
    """
    if len(window.neighbours) < 2 or min(window.luma.shape) < SMALLEST:
        return Lines()
    return lines_of(Look.of(window, noise), window.luma, window.frame.index, settings, allowed)


def lines_of(look: Look, luma: Real, index: int, settings: Detection, allowed: Mask | None = None) -> Lines:
    """The lines of one look; `luma` (H, W) is the centre's picture, in whose pixels they are given."""
    every = candidates(look)
    if every is None:
        return Lines()
    tracks, chance = every
    wanted = {"both": (1, -1), "bright": (1,), "dark": (-1,)}[settings.polarity]
    sure = (chance >= least_chance(settings.strength)) & np.isin(tracks.sign, wanted)
    tracks, chance = tracks.only(sure), chance[sure]
    shown = visible(look, tracks, chance)
    seen = np.asarray(shown.any(1))
    tracks, chance, shown = tracks.only(seen), chance[seen], shown[seen]
    agree, rests = agreed(look, tracks, shown), resting(look, tracks)
    found: list[tuple[Mask, int, float]] = []
    kept: list[int] = []
    for i in np.lexsort((-chance, ~agree)):
        mask = drawn(luma, tracks.path[i], shown[i], int(tracks.sign[i]), look.small[0].shape)
        if allowed is not None:
            mask &= allowed
        if mask.any() and not joined(found, mask, int(tracks.sign[i]), float(chance[i])):
            kept.append(int(i))
    sound = (agree[kept] & (~rests[kept] | (len(kept) >= MANY))) | (int(agree[kept].sum()) >= MANY)
    lines = [_defect(mask, index, sign, certain) for mask, sign, certain in found]
    return Lines(_chosen(lines, sound), _chosen(lines, ~sound))


def resting(look: Look, tracks: Tracks) -> Mask:
    """(n,) whether each line stands in the neighbours, on a scene that does too and has an edge there."""
    return ~passing(tracks) & ~moving_beside(look, tracks) & (stepping(look, tracks) >= STEP)


def stepping(look: Look, tracks: Tracks) -> Real:
    """(n,) by how much the two sides of each line differ, in units of its contrast: a paper or a post has an edge, a scratch has not."""
    if not len(tracks):
        return np.zeros(0, np.float32)
    picture = sample(look.small[0], tracks.path[..., None] + np.concatenate([-AWAY, AWAY]).astype(np.float32) * np.float32(look.unit))
    sides = np.stack([picture[..., : len(AWAY)].mean(-1), picture[..., len(AWAY) :].mean(-1)])
    middle = sample(look.small[0], tracks.path[..., None] + np.float32(look.unit) * np.linspace(-0.8, 0.8, 3, dtype=np.float32)).mean(-1)
    contrast = (middle - sides.mean(0)) * tracks.sign[:, None]
    count = np.maximum(tracks.shown.sum(1), 1)
    own = np.maximum((contrast * tracks.shown).sum(1) / count, 1e-4)
    out: Real = np.abs(((sides[0] - sides[1]) * tracks.shown).sum(1) / count) / own
    return out


def moving_beside(look: Look, tracks: Tracks) -> Mask:
    """(n,) whether the scene beside each line moves sideways by `STILL` and more from some neighbour to the centre: the median of the parts
    of the height in which the line shows and anything is known of the scene.
    """
    if not len(tracks):
        return np.zeros(0, bool)
    sideways = np.abs(scene_beside(look, tracks).middle) / look.unit
    parts = np.array_split(tracks.shown, SEGMENTS, axis=1)
    seen = np.stack([part.any(1) for part in parts], 1)
    known = np.where(seen, sideways, np.nan)
    out = np.zeros(len(tracks), bool)
    for neighbour in known:
        some = np.isfinite(neighbour).any(1)
        out[some] |= np.nanmedian(neighbour[some], axis=1) >= STILL
    return out


def joined(found: list[tuple[Mask, int, float]], mask: Mask, sign: int, chance: float) -> bool:
    """Add a line (mask, sign, probability) to those that are surer; whether to one of them, which it lies on for `SAME` of the smaller.

    Two candidates may run apart over most of the height, which is why both are looked at, and show on the same line where they meet.
    """
    for other, of, _ in found:
        if of == sign and (other & mask).sum() >= SAME * min(other.sum(), mask.sum()):
            other |= mask
            return True
    found.append((mask, sign, chance))
    return False


def least_chance(strength: float) -> float:
    """The probability that a strength of 0 … 1 asks for."""
    return float(np.interp(strength, [0, 0.5, 1], [SUREST, LEAST, EASIEST]))


def visible(look: Look, tracks: Tracks, chance: NDArray[np.float64]) -> Mask:
    """(n, bands) where each line is to be mended; nothing of lines that show in too little of the height."""
    if not len(tracks):
        return np.zeros(tracks.path.shape, bool)
    likely = load_judge("band").chance(band_numbers(look, tracks, chance))
    sure = likely >= least_shown((likely >= LIKELY).mean(1))[:, None]
    runs = cv2.morphologyEx(sure.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, 3), np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    out: Mask = runs & (runs.sum(1) >= FEWEST)[:, None]
    return out


def least_shown(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) the probability asked of each line's bands, by the share (n,) of them in which it may be.

    What is doubtful of a line that goes on all the way is nearly always the line; of a broken one it is as often the scene in its gaps.
    """
    return np.asarray(np.interp(share, WHOLE, SHOWN))


# Where does it lie? -------------------------------------------------------------------------------------------------------------------


def drawn(luma: Real, path: Real, shown: Mask, sign: int, small: tuple[int, int]) -> Mask:
    """(H, W) the pixels of one line whose path (bands,) runs on the small picture."""
    (height, width), (bands, columns) = luma.shape, small
    place = (np.arange(height) + 0.5) * bands / height - 0.5
    middle = (np.interp(place, np.arange(bands), path) + 0.5) * width / columns - 0.5
    seen = shown[np.clip(np.rint(place).astype(int), 0, bands - 1)]
    low, high = extent(luma, middle, seen, sign)
    across = np.arange(width)
    out: Mask = (across >= (middle + low)[:, None]) & (across <= (middle + high)[:, None]) & seen[:, None]
    return out


def extent(luma: Real, path: NDArray[np.float64], shown: Mask, sign: int) -> tuple[float, float]:
    """How far the line reaches left and right of its path (px): where its mean profile has fallen to a fifth, and a little more."""
    unit = luma.shape[0] / 480
    reach = max(4, round(8 * unit))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    rows = np.flatnonzero(shown)
    columns = (path[rows, None] + offsets).astype(np.float32)
    down = np.repeat(rows[:, None], len(offsets), 1).astype(np.float32)
    strip = cv2.remap(luma, columns, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profile = mean_profile(np.asarray(strip, np.float32), sign)
    near = max(1, round(1.5 * unit))
    top = reach - near + int(profile[reach - near : reach + near + 1].argmax())
    low = high = top
    most = max(2, round(WIDEST * unit))
    while low > max(0, reach - most) and profile[low - 1] > 0.2 * profile[top]:
        low -= 1
    while high < min(2 * reach, reach + most) and profile[high + 1] > 0.2 * profile[top]:
        high += 1
    beyond = 0.5 + SKIRT * unit
    return float(offsets[low]) - beyond, float(offsets[high]) + beyond


def mean_profile(strip: Real, sign: int) -> Real:
    """(k,) by how much the line stands out at each distance from its path, of the rows (n, k) around it.

    A row counts the more the calmer its sides are and the more they are alike: a post or a fence beside some of its rows would make the
    whole line wide.
    """
    edge = max(2, strip.shape[1] // 8)
    left, right = strip[:, :edge].mean(1, keepdims=True), strip[:, -edge:].mean(1, keepdims=True)
    t = np.linspace(0, 1, strip.shape[1], dtype=np.float32)
    profile = np.clip((strip - left * (1 - t) - right * t) * sign, -0.5, 0.5)
    unrest = np.abs(profile[:, : edge + 1]).mean(1) + np.abs(profile[:, -edge - 1 :]).mean(1) + np.abs(left - right)[:, 0]
    weight = 1 / (unrest + CALM)
    out: Real = (profile * weight[:, None]).sum(0) / weight.sum()
    return out


def _chosen(lines: Sequence[Defect], which: Mask) -> list[Defect]:
    """Those of the lines, in the order of their boxes."""
    return sorted((line for line, one in zip(lines, which, strict=True) if one), key=lambda line: line.box)


def _defect(mask: Mask, index: int, sign: int, chance: float) -> Defect:
    """A line's pixels as a defect."""
    rows, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = Box(index, int(rows[0]), int(across[0]), int(rows[-1]) + 1, int(across[-1]) + 1)
    polarity: Polarity = "bright" if sign > 0 else "dark"
    return Defect("line", polarity, box, mask[box.rows, box.columns], round(chance, 4))
