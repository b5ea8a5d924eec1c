"""Drawing tools for damage: ragged outlines, threads, clouds and soft edges, as covers (float32, 0 … 1) just large enough to hold them.

All lengths are px of the picture at hand; a cover carries its own margin.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

Points = NDArray[np.float64]  # (N, 2), x and y

_SHIFT = 4  # fractional bits of OpenCV's drawing


def random_of(seed: int, *place: int) -> np.random.Generator:
    """The random numbers of one thing: a function of the seed and of what and where it is, so that spans don't matter."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, *place))))


def fineness(size: float) -> int:
    """How many times finer than the picture something of `size` px is drawn."""
    return 4 if size < 24 else 2 if size < 96 else 1


@lru_cache(maxsize=8)
def _circle(corners: int, waves: int) -> tuple[Points, Points]:
    """(cosine and sine of k·angle for k = 1 … waves at each corner), each (waves, corners)."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    order = np.arange(1, waves + 1)[:, None]
    return np.cos(order * turn), np.sin(order * turn)


def ragged(random: np.random.Generator, size: float, *, rough: float, aspect: float, smooth: float = 0.9) -> Points:
    """A closed outline around (0, 0) whose area is about `size`², stretched by `aspect` in any direction.

    `rough` is how far it bulges, `smooth` how little of that is in fine teeth (0.9 torn … 2 a drop).
    """
    corners, waves = (14, 5) if size < 6 else (28, 9) if size < 30 else (72, 24)
    cosines, sines = _circle(corners, waves)
    weights = random.standard_normal((2, waves)) * (rough / np.arange(1, waves + 1) ** smooth)
    weights[:, 0] *= 0.3
    radius = np.maximum(1 + weights[0] @ cosines + weights[1] @ sines, 0.25)
    stretch, turn = np.sqrt(aspect), random.uniform(0, np.pi)
    x, y = radius * cosines[0] * stretch, radius * sines[0] / stretch
    around = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1)
    return _of_area(around, size)


def shard(random: np.random.Generator, size: float, *, aspect: float) -> Points:
    """A splinter with three to six straight edges, area about `size`²."""
    corners = int(random.integers(3, 7))
    turn = np.sort(random.uniform(0, 2 * np.pi, corners)) + random.uniform(0, 6.3)
    radius = random.uniform(0.6, 1.3, corners)
    lean = random.uniform(0, np.pi)
    x, y = radius * np.cos(turn) * np.sqrt(aspect), radius * np.sin(turn) / np.sqrt(aspect)
    return _of_area(np.stack([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)], 1), size)


def _of_area(points: Points, size: float) -> Points:
    x, y = points[:, 0], points[:, 1]
    area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
    reach = float(np.abs(points).max())
    scale = min(size / np.sqrt(max(area, 1e-9)), 3 * size / max(reach, 1e-9))
    return np.asarray(points * scale)


def filled(points: Points, *, fine: int, margin: float = 1.0) -> tuple[Real, Points]:
    """(cover of a closed outline, position of the outline's (0, 0) in it): drawn `fine` times finer, then averaged."""
    low = np.floor(points.min(0) - margin)
    width, height = (int(v) for v in np.ceil(points.max(0) + margin) - low)
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    corners = ((points - low) * fine - 0.5) * (1 << _SHIFT)
    cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_8, _SHIFT)
    return reduced(canvas, fine), -low


def reduced(canvas: NDArray[np.uint8], fine: int) -> Real:
    """A finely drawn canvas (0 … 255) averaged down to the picture's px, 0 … 1."""
    if fine > 1:
        height, width = canvas.shape
        canvas = np.asarray(cv2.resize(canvas, (width // fine, height // fine), interpolation=cv2.INTER_AREA))
    return np.asarray(canvas, np.float32) * np.float32(1 / 255)


def stroke(path: Points, *, width: float, fine: int = 3) -> tuple[Real, Points]:
    """(cover of a thread of `width` px along `path`, position of (0, 0) in it); thinner than the drawing is fainter."""
    margin = width / 2 + 1.5
    low = np.floor(path.min(0) - margin)
    across, down = (int(v) for v in np.ceil(path.max(0) + margin) - low)
    canvas = np.zeros((down * fine, across * fine), np.uint8)
    points = np.rint(((path - low) * fine - 0.5) * (1 << _SHIFT)).astype(np.int32)
    thick = max(1, round(width * fine))
    faint = min(1.0, width * fine / thick)
    cv2.polylines(canvas, [points], False, 255 * faint, thick, cv2.LINE_8, _SHIFT)
    return reduced(canvas, fine), -low


def cloud(random: np.random.Generator, shape: tuple[int, int], grain: float) -> Real:
    """Smooth noise (mean 0, deviation about 1) whose lumps are about `grain` px wide."""
    height, width = (max(3, int(np.ceil(side / max(grain, 1)))) + 2 for side in shape)
    coarse = random.standard_normal((height, width), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def softened(cover: Real, sigma: float) -> Real:
    """The cover as optics see it, with the margin that this needs."""
    if sigma < 0.2:
        return cover
    margin = int(np.ceil(2.5 * sigma))
    grown = cv2.copyMakeBorder(cover, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0.0)
    return np.asarray(cv2.GaussianBlur(grown, (2 * margin + 1, 2 * margin + 1), sigma, borderType=cv2.BORDER_CONSTANT), np.float32)
