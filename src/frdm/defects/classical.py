"""The classical detector: pixel tests on aligned neighbours, then the object filter. The floor that learned detectors must beat."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from operator import attrgetter

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.carried import carried_motion
from frdm.defects.judge import Trees, load_trees
from frdm.defects.objects import Pieces, Scene, measure, pieces, torn_by
from frdm.defects.spikes import Spikes, candidates, find_spikes, noise_level
from frdm.defects.surround import in_colour
from frdm.film import Box, Defect, Kind, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

SMALLEST = 3.0  # px of a 480-line picture that a piece must have to be measured at all
TONES = 8
AREAS, LEAST = (25.0, 50.0, 300.0, 800.0, 2000.0), (0.5, 0.4, 0.4, 0.35, 0.4)
REPORTED = 0.5  # probability from which a piece that is not believed is held and reported
WORTH = 0.1  # probability at best below which a piece is not searched for elsewhere
DOUBT = 0.3  # probability from which a piece counts as suspected in its surround
CALM, UPSET = 0.32, 0.48  # frame_doubt up to which probabilities are believed, and from which only `SUREST` ones are
SUREST = 0.97
ANY_SIZE = 0.0, float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the detector says of one frame."""

    defects: tuple[Defect, ...]  # in the film's pixels, as `doubtful` is; the pictures below are of the size that was searched
    doubtful: tuple[Defect, ...]  # found as well, and not believed: too large for their certainty, or in a frame that is undecided all over
    suspects: Mask  # every pixel that some test doubts; wider than the defects
    noise: Real  # (H, W) working units
    level: float  # one number for the same


@dataclass(frozen=True, slots=True, eq=False)
class Tests:
    """The pixel tests on one window, and the film's noise as they show it."""

    spikes: Spikes
    noise: Real  # (H, W) working units
    level: float  # one number for the same

    @staticmethod
    def of(window: Window) -> "Tests":
        """The tests on the window's centre."""
        spikes = find_spikes(window.luma, window.aligned)
        level = noise_level(spikes.difference)
        return Tests(spikes, tonal_noise(spikes, level), level)


def find(
    window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None, tests: Tests | None = None
) -> Findings:
    """All defects of the window's centre whose probability reaches what `settings.strength` asks; only where `allowed`
    (a mask of the size that is searched). Dark and bright are worked on side by side in `pool`; `tests` if they were made already.
    """
    examined = examine(window, settings, allowed, tests or Tests.of(window), pool)
    defects, doubtful = settled(window, examined, settings)
    return Findings(defects, doubtful, examined.doubted, examined.tests.noise, examined.tests.level)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One polarity's pieces, what was measured of them, and the object filter's probabilities."""

    pieces: Pieces
    features: NDArray[np.float32]  # (n, len(objects.FEATURES))
    chance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What the pixel tests and the object filter say of a window."""

    tests: Tests
    scene: Scene  # what pieces are measured against
    trees: Trees
    suspects: Mask
    judged: tuple[Judged, ...]

    @property
    def doubted(self) -> Mask:
        """Every pixel that some test doubts, and the pieces that the object filter gives some chance."""
        out = self.suspects.copy()
        for one in self.judged:
            out |= np.concatenate([[False], one.chance > DOUBT])[one.pieces.labels]
        return out

    def measured(self, found: Pieces) -> Judged:
        """Pieces of anybody, measured and judged as the detector's own."""
        features = measure(found, self.scene, lambda best: self.trees.probability(best) >= WORTH)
        return Judged(found, features, self.trees.probability(features))


def examine(window: Window, settings: Detection, allowed: Mask | None, tests: Tests, pool: Executor | None = None) -> Examined:
    """The pixel tests' pieces, measured and judged; only where `allowed`. Dark and bright are worked on side by side in `pool`."""
    run = map if pool is None else pool.map
    spikes, noise = tests.spikes, tests.noise
    marked = dict(zip((1, -1), run(lambda sign: candidates(spikes, noise, sign, settings.strength), (1, -1)), strict=True))
    suspects = marked[1][0] | marked[-1][0]
    unit = window.luma.shape[0] / 480

    def limited(sign: int) -> Pieces:
        seeds, bodies = marked[sign]
        return _limited(seeds if allowed is None else seeds & allowed, bodies, sign, unit, settings)

    every = list(run(limited, (1, -1)))
    torn = torn_by(every, unit)
    carried = list(run(lambda neighbour: carried_motion(neighbour.aligned.displacement, torn), window.neighbours))
    raw, raw_chroma = [n.raw for n in window.neighbours], [n.chroma for n in window.neighbours]
    scene = Scene(window.luma, spikes, window.aligned, raw, noise, suspects, torn, carried, window.chroma, raw_chroma)
    examined = Examined(tests, scene, load_trees(colour=in_colour(window.chroma)), suspects, ())
    return replace(examined, judged=tuple(run(examined.measured, [got for got in every if len(got)])))


def settled(
    window: Window, examined: Examined, settings: Detection, sizes: tuple[float, float] = ANY_SIZE
) -> tuple[tuple[Defect, ...], tuple[Defect, ...]]:
    """(defects, doubtful ones), each in the order of their boxes: the pieces of some sizes, least … most px of a 480-line picture."""
    unit = window.luma.shape[0] / 480
    doubt = frame_doubt([one.chance for one in examined.judged])
    raised = float(np.clip((doubt - CALM) / (UPSET - CALM), 0, 1))
    lists: tuple[list[Defect], list[Defect]] = ([], [])
    for got, chance in ((one.pieces, one.chance) for one in examined.judged if one.pieces.sign in signs(settings)):
        least = least_probability(settings.strength, got.areas / unit**2)
        sure = chance >= least + raised * (SUREST - least)
        size = got.areas / unit**2
        for i in np.flatnonzero((chance >= np.minimum(least, REPORTED)) & (size >= sizes[0]) & (size < sizes[1])):
            defect = defect_of(window, got.labels, got.boxes[i], (int(i) + 1, got.sign), float(chance[i]))
            lists[int(not sure[i])].append(window.scale.whole_defect(defect))
    by_box = attrgetter("box")
    return tuple(sorted(lists[0], key=by_box)), tuple(sorted(lists[1], key=by_box))


def frame_doubt(chances: Sequence[NDArray[np.float64]]) -> float:
    """0 … 1: how undecided the filter is over a whole frame, Σp(1 − p) / Σp.

    On damaged film most pieces are clearly dirt or clearly not; in rain, sparks or lost motion a great many lie between, and then even
    a high probability deserves less belief.
    """
    every = np.concatenate([*chances, np.zeros(1)])
    return float((every * (1 - every)).sum() / max(every.sum(), 1e-9))


def least_probability(strength: float, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability at which pieces of these areas (px of a 480-line picture) count as defects.

    Chosen for harm on held-out folds of the training films (docs/training-log.md): a large piece that is wrong is an erased limb, and
    among the smallest most are wrong. `strength` 0.5 takes the table as it is, 0 asks for 0.97 of all, 1 for half of the table.
    """
    table = np.interp(np.log(np.maximum(areas, 1.0)), np.log(AREAS), LEAST)
    out: NDArray[np.float64] = table + (0.97 - table) * (1 - 2 * strength) if strength < 0.5 else table * (1.5 - strength)
    return out


def signs(settings: Detection) -> tuple[int, ...]:
    return {"both": (1, -1), "bright": (1,), "dark": (-1,)}[settings.polarity]


def tonal_noise(spikes: Spikes, level: float) -> Real:
    """Noise by tone: the median absolute difference in each of eight tones, smoothed over them."""
    tone = np.clip(spikes.middle[::2, ::2] * TONES, 0, TONES - 1).astype(np.int8)
    absolute = np.abs(spikes.difference[::2, ::2])
    every = [absolute[tone == i] for i in range(TONES)]
    sigma = np.array([np.median(values) * 1.4826 if values.size > 400 else level for values in every])
    sigma = np.clip(sigma, 0.5 * level, 2.5 * level)
    sigma = np.convolve(np.pad(sigma, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    steps = np.interp(np.linspace(0, 1, 256), (np.arange(TONES) + 0.5) / TONES, sigma).astype(np.float32)
    codes = np.clip(spikes.middle * 255, 0, 255).astype(np.uint8)
    out: Real = np.maximum(cv2.LUT(codes, steps), np.float32(0.004))
    return out


def _limited(seeds: Mask, bodies: Mask, sign: int, unit: float, settings: Detection) -> Pieces:
    least = max(SMALLEST, settings.min_size**2) * unit**2
    return pieces(seeds, bodies, sign, least, (settings.max_size * unit) ** 2)


def defect_of(window: Window, labels: NDArray[np.int32], box: NDArray[np.int32], which: tuple[int, int], confidence: float) -> Defect:
    """One piece as a defect, a little grown: the faint skirt of dirt belongs to it. `box` is x, y, w, h; `which` its label and its sign."""
    (number, sign), (x, y, w, h) = which, (int(v) for v in box)
    height, width = window.luma.shape
    reach = max(1, round(1.6 * height / 480))
    top, left, bottom, right = max(y - reach, 0), max(x - reach, 0), min(y + h + reach, height), min(x + w + reach, width)
    mask = (labels[top:bottom, left:right] == number).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    place = Box(window.frame.index, top, left, bottom, right)
    return Defect(kind_of(mask > 0, height / 480), "bright" if sign > 0 else "dark", place, grown, round(confidence, 4))


def kind_of(mask: NDArray[np.bool_], unit: float) -> Kind:
    """The kind that a piece's shape suggests: thin and long is a hair, thin, straight and upright a scratch, wide a stain, the rest
    dirt.
    """
    area = float(mask.sum())
    rows, columns = np.nonzero(mask)
    length = float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1))
    thickness = 2 * float(cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5).max())
    if length > 14 * unit and thickness < 0.2 * length and area < 0.25 * length**2:
        upright = float(columns.std()) < 1.5 * unit and np.ptp(rows) > 8 * np.ptp(columns)
        return "scratch" if upright else "hair"
    return "stain" if area > (45 * unit) ** 2 else "dirt"
