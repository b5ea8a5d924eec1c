"""Scratches along the film, which stand for many frames: steady, wandering and broken ones, tramlines, and rain.

A place on film is s = frame + row / height: what is drawn as a function of s goes on from frame to frame, as a scratch does.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.events import Event
from frdm.damage.look import ReelLook
from frdm.damage.painting import Mark, cut_layers, refracted
from frdm.damage.shapes import random_of
from frdm.film import Real

Way = Literal["steady", "wandering", "broken"]
WAYS: tuple[Way, ...] = ("steady", "wandering", "broken")

LIVES: dict[str, float] = {"steady": 120.0, "wandering": 60.0, "broken": 80.0, "rain": 150.0}  # frames, in the mean


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One scratch, or two that run side by side. The waves of `path` are (amplitude, turns a frame, phase), one a row."""

    left: float  # px, its mean column
    width: float
    density: float  # signed: above 0 dark
    lean: float  # of a groove in the base: how much of a bright flank it has
    base: bool
    depth: float  # of a cut into the emulsion, 0 … 1
    path: NDArray[np.float64]
    presence: NDArray[np.float64]  # (2, 128) of noise along the film, coarse and fine
    pace: float  # coarse values a frame
    duty: float  # share of its way that can be seen
    beside: tuple[float, ...]  # px, where its companions run


def draw_line(random: np.random.Generator, look: ReelLook, width: int, way: Way) -> Line:
    """A line of a reel, in pictures `width` px wide."""
    unit = look.unit
    sway = {"steady": random.uniform(0.0, 0.5), "wandering": random.uniform(2, 14), "broken": random.uniform(0, 1.5)}[way] * unit
    periods = np.exp(random.uniform(np.log(1.5), np.log(40), 4))
    path = np.stack([sway * random.dirichlet(np.ones(4)), 1 / periods, random.uniform(0, 2 * np.pi, 4)], 1)
    base = bool(random.random() >= look.emulsion)
    dark = random.random() < look.dark
    strength = look.scratch * float(np.exp(random.normal(0, 0.5)))
    company = random.random()
    beside = () if company > 0.3 else tuple(float(v) for v in random.uniform(2, 14, 1 if company > 0.08 else 2) * unit)
    return Line(
        left=float(random.uniform(0, width)),
        width=float(np.exp(random.normal(0.15, 0.45))) * unit,
        density=strength if dark else -1.4 * strength,
        lean=float(random.uniform(0, 1)),
        base=base,
        depth=float(random.beta(1.2, 1.6)),
        path=path,
        presence=random.standard_normal((2, 128)),
        pace=float(np.exp(random.uniform(np.log(0.4), np.log(9)))),
        duty={"steady": float(random.uniform(0.85, 1.3)), "wandering": 1.0, "broken": float(random.uniform(0.15, 0.65))}[way],
        beside=beside,
    )


def line_mark(line: Line, look: ReelLook, frame: int, *, size: tuple[int, int], colour: bool) -> Mark | None:
    """What frame `frame` of `size` (height, width) shows of a line; None where it has left the picture."""
    s = frame + np.arange(size[0]) / size[0]
    centre = line.left + _waves(line.path, s)
    here = _seen(line, s)
    if not here.any():
        return None
    reach = line.width / 2 + 3 * look.softness + 1.5
    low = int(np.floor(centre.min() + min(0.0, *line.beside, 0.0) - reach))
    high = int(np.ceil(centre.max() + max(0.0, *line.beside, 0.0) + reach)) + 1
    if high <= 0 or low >= size[1]:
        return None
    columns = np.arange(low, high, dtype=np.float32)
    profile = np.zeros((size[0], len(columns)), np.float32)
    for number, offset in enumerate((0.0, *line.beside)):
        away = columns[None, :] - (centre + offset)[:, None].astype(np.float32)
        edge = np.float32(1 / (1.2 * look.softness))
        half = np.float32(line.width / 2)
        profile += (np.tanh((away + half) * edge) - np.tanh((away - half) * edge)) * np.float32(0.5 if number == 0 else 0.35)
    profile *= here[:, None]
    return Mark("line", _density(line, profile, look, colour), 0, low)


def _density(line: Line, profile: Real, look: ReelLook, colour: bool) -> Real:
    strength = abs(line.density)
    if line.base:
        out = refracted(profile, strength=strength, lean=line.lean, core=0.6)
        return out * np.float32(np.sign(line.density))
    if colour:
        return cut_layers(profile * np.float32(line.depth), look.stock)
    return profile * np.float32(line.density)


def _waves(waves: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((waves[:, :1] * np.sin(2 * np.pi * waves[:, 1:2] * s + waves[:, 2:])).sum(0))


def _seen(line: Line, s: NDArray[np.float64]) -> Real:
    """How much of the line is there along s, 0 … 1: its strength varies, and broken ones end and begin again."""
    coarse, fine = (_between(values, s * pace) for values, pace in zip(line.presence, (line.pace, 7 * line.pace), strict=True))
    noise = (coarse + 0.5 * fine) * 1.1
    level = (noise + np.interp(line.duty, _DUTIES, _LEVELS)) * 2.5
    return np.asarray(np.clip(level, 0, 1), np.float32)


def _between(values: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a ring at places between them."""
    before = np.floor(place).astype(int)
    share = place - before
    count = len(values)
    return np.asarray(values[before % count] * (1 - share) + values[(before + 1) % count] * share)


_DUTIES = (0.0, 0.16, 0.31, 0.5, 0.69, 0.84, 0.98, 1.3)  # share of a normal variable above −level
_LEVELS = (-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.5)


@dataclass(frozen=True, slots=True)
class Rain:
    """A shower of short fine lines."""

    number: float  # that begin in a frame
    length: float  # frames, in the mean
    density: float
    dark: float  # share
    streak: float  # how much lines crowd together, 0 … 1


def draw_rain(random: np.random.Generator, look: ReelLook, across: float, density: float) -> Rain:
    """A shower over a picture `across` times 640 px of 480 lines wide."""
    length = float(np.exp(random.uniform(np.log(0.03), np.log(0.3)) if random.random() < 0.7 else random.uniform(-1.2, 0.2)))
    shown = float(np.exp(random.uniform(np.log(15), np.log(150))))
    return Rain(
        number=shown / (1 + length) * across * density,
        length=length,
        density=look.scratch * float(random.uniform(0.2, 0.8)) * min(look.unit, 1.0),
        dark=float(np.clip(look.dark + random.normal(0, 0.2), 0, 1)),
        streak=float(random.uniform(0, 1)),
    )


def rain_mark(rain: Rain, look: ReelLook, event: Event, *, seed: int, frame: int, size: tuple[int, int]) -> Mark:
    """A frame's part of a shower: the lines that began in it and in the two frames before."""
    dark, bright = (np.zeros(size, np.uint8) for _ in range(2))
    thick = max(1, round(0.9 * look.unit))
    for begun in range(max(frame - 2, event.start), frame + 1):
        random = random_of(seed, *event.place, 2, begun - event.start)
        count = int(random.poisson(rain.number))
        x = _columns(random, count, size[1], rain.streak)
        top = (begun - frame + random.uniform(0, 1, count)) * size[0]
        long = np.minimum(random.exponential(rain.length, count), 2.0) * size[0] + 3
        slip = random.normal(0, 0.6, count) * look.unit
        shade = np.clip(255 * np.exp(random.normal(-0.9, 0.7, count)), 20, 255)
        below = random.random(count) < rain.dark
        for each in np.flatnonzero(top + long > 0):
            ends = np.rint(np.array([x[each], top[each], x[each] + slip[each], top[each] + long[each]]) * 16).astype(int).tolist()
            _streak(dark if below[each] else bright, ends, float(shade[each]), thick)
    signed = dark.astype(np.float32) - np.float32(1.4) * bright
    blurred = np.asarray(cv2.GaussianBlur(signed, (0, 0), sigmaX=max(0.6 * look.softness, 0.3), sigmaY=0.8), np.float32)
    return Mark("line", blurred * np.float32(rain.density / 255 * 1.5), 0, 0)


def _streak(canvas: NDArray[np.uint8], ends: list[int], shade: float, thick: int) -> None:
    """A fine line from ends[:2] to ends[2:] (x, y in sixteenths of a px) that grows stronger towards its middle."""
    x, y, to_x, to_y = ends
    for inset, strength in ((0.0, 0.3), (0.12, 0.65), (0.25, 1.0)):
        start = (round(x + (to_x - x) * inset), round(y + (to_y - y) * inset))
        stop = (round(to_x - (to_x - x) * inset), round(to_y - (to_y - y) * inset))
        cv2.line(canvas, start, stop, shade * strength, thick, cv2.LINE_AA, 4)


def _columns(random: np.random.Generator, count: int, width: int, streak: float) -> NDArray[np.float64]:
    """Where lines run: anywhere, or crowded at a few places where rollers touched."""
    anywhere = random.uniform(0, width, count)
    crowds = random.uniform(0, width, 4)[random.integers(0, 4, count)] + random.normal(0, 0.06 * width, count)
    return np.where(random.random(count) < 0.6 * streak, crowds, anywhere)
