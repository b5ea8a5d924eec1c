"""Threads: hairs, lint, fibres; and the one that stands in the gate. Covers are float32, 0 … 1; lengths are px."""

import numpy as np

from frdm.damage.dirt import hollow, lay, trimmed
from frdm.damage.shapes import Points, softened, stroke
from frdm.film import Real


def curve(random: np.random.Generator, length: float, *, bend: float, step: float = 2.0) -> Points:
    """A path of `length` px from (0, 0) whose direction turns as a stiff thread's does; `bend` is turns of the whole thread."""
    steps = max(4, round(length / step))
    wander = np.cumsum(random.standard_normal(steps))
    wander -= np.linspace(0, wander[-1], steps)
    heading = (
        random.uniform(0, 2 * np.pi) + np.linspace(0, random.normal(0, 1) * bend * 2 * np.pi, steps) + bend * wander / np.sqrt(steps) * 2.5
    )
    moves = np.stack([np.cos(heading), np.sin(heading)], 1) * (length / steps)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(moves, 0)])


def hair(random: np.random.Generator, length: float, *, width: float, softness: float) -> Real:
    """A hair: even width, a smooth bow or a curl."""
    cover, _ = stroke(curve(random, length, bend=float(random.choice([0.08, 0.25, 0.7], p=[0.4, 0.4, 0.2]))), width=width, fine=3)
    return softened(rounded(cover) if width > 2.5 * softness else cover, softness)


def rounded(cover: Real) -> Real:
    """A thick thread as light sees it: it bends light at its borders, which are darker than its core."""
    return hollow(cover, 0.45)


def fibre(random: np.random.Generator, length: float, *, width: float, softness: float) -> Real:
    """A long thin fibre with loops, fainter here and there where it leaves the focus."""
    path = curve(random, length, bend=float(random.uniform(0.3, 1.6)))
    cover, _ = stroke(path, width=width, fine=3)
    rows, columns = np.ogrid[: cover.shape[0], : cover.shape[1]]
    turn, wave = random.uniform(0, 2 * np.pi), 2 * np.pi / max(length * random.uniform(0.3, 0.8), 8)
    fade = 0.75 + 0.25 * np.sin((columns * np.cos(turn) + rows * np.sin(turn)) * wave + random.uniform(0, 6.3))
    return softened(np.asarray(cover * fade, np.float32), softness)


def lint(random: np.random.Generator, length: float, *, width: float, softness: float) -> Real:
    """A flock of short threads that hold together at one place."""
    side = int(2.2 * length) + 6
    out = np.zeros((side, side), np.float32)
    middle = side / 2
    for number in range(int(random.integers(1, 5))):
        own = length if number == 0 else length * float(random.uniform(0.2, 0.6))
        path = curve(random, own, bend=float(random.uniform(0.2, 0.9)))
        path -= path[random.integers(len(path))]
        thick = width * float(random.uniform(0.7, 1.6)) if number == 0 else width * float(random.uniform(0.5, 1.0))
        cover, origin = stroke(path, width=thick, fine=3)
        lay(out, cover, np.rint(middle - origin))
    return softened(trimmed(out), softness)


def gate_thread(random: np.random.Generator, length: float) -> Points:
    """The path of a hair in the gate, from its root at (0, 0) inwards along x; it leans and bends."""
    path = curve(random, length, bend=float(random.uniform(0.05, 0.35)))
    whole = path[-1]
    lean = -np.arctan2(whole[1], whole[0]) + random.normal(0, 0.45)
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    return np.asarray(path @ turn.T)


def fluttered(path: Points, sway: float) -> Points:
    """The same thread with its tip moved sideways by `sway` px and its root held."""
    along = np.linspace(0, 1, len(path)) ** 2
    return path + np.stack([np.zeros(len(path)), sway * along], 1)
