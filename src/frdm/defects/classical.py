"""The classical detector: pixel tests on aligned neighbours, then the object filter. The floor that learned detectors must beat."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.judge import load_trees
from frdm.defects.objects import Pieces, Scene, measure, pieces, torn_by
from frdm.defects.spikes import Spikes, candidates, find_spikes, noise_level
from frdm.film import Box, Defect, Kind, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection

SMALLEST = 3.0  # px of a 480-line picture that a piece must have to be measured at all
TONES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the detector says of one frame."""

    defects: tuple[Defect, ...]
    suspects: Mask  # every pixel that some test doubts; wider than the defects
    noise: Real  # (H, W) working units
    level: float  # one number for the same


def find(window: Window, settings: Detection, allowed: Mask | None = None) -> Findings:
    """All defects of the window's centre whose probability reaches what `settings.strength` asks; only where `allowed`."""
    spikes = find_spikes(window.luma, window.aligned)
    level = noise_level(spikes.difference)
    noise = tonal_noise(spikes, level)
    marked = {sign: candidates(spikes, noise, sign, settings.strength) for sign in (1, -1)}
    suspects = marked[1][0] | marked[-1][0]
    unit = window.luma.shape[0] / 480
    every = [
        _limited(seeds if allowed is None else seeds & allowed, bodies, sign, unit, settings) for sign, (seeds, bodies) in marked.items()
    ]
    scene = Scene(window.luma, spikes, window.aligned, [n.raw for n in window.neighbours], noise, suspects, torn_by(every, unit))
    found: list[Defect] = []
    doubted = suspects.copy()
    for got in (e for e in every if len(e) and e.sign in signs(settings)):
        chance = load_trees().probability(measure(got, scene))
        doubted |= np.concatenate([[False], chance > 0.2])[got.labels]
        found += [_defect(window, got, int(i), float(chance[i])) for i in np.flatnonzero(chance >= least_probability(settings.strength))]
    return Findings(tuple(sorted(found, key=lambda d: d.box)), doubted, noise, level)


def least_probability(strength: float) -> float:
    """The probability at which a piece counts as a defect: 0.97 at strength 0, 0.8 at 0.5, 0.4 at 1 (chosen for harm on films of its
    own; MODEL_CARD.md).
    """
    return float(np.interp(strength, [0.0, 0.5, 1.0], [0.95, 0.5, 0.2]))


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


def _defect(window: Window, found: Pieces, place: int, confidence: float) -> Defect:
    """One piece as a defect, a little grown: the faint skirt of dirt belongs to it."""
    x, y, w, h = (int(v) for v in found.boxes[place])
    height, width = window.luma.shape
    reach = max(1, round(1.6 * height / 480))
    top, left, bottom, right = max(y - reach, 0), max(x - reach, 0), min(y + h + reach, height), min(x + w + reach, width)
    mask = (found.labels[top:bottom, left:right] == place + 1).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    box = Box(window.frame.index, top, left, bottom, right)
    return Defect(kind_of(mask > 0, height / 480), "bright" if found.sign > 0 else "dark", box, grown, round(confidence, 4))


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
