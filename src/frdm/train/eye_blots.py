"""Large dirt for windows: flakes, blots, puddles and clusters of every outline and tone, each on one frame alone.

`frdm.damage` draws large dirt as seldom as film has it, and the arms, rackets and balls that are drawn as content (`eye_bursts`) are as
large. A net that hardly meets large blots takes whatever is large for content, however plain it is.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.reel import Damaged
from frdm.film import Real

SIZES = 14.0, 190.0  # px of a 480-line picture, the long side
FEWEST, MOST = 0.5, 4.0  # pieces a frame in the mean
FAINTEST = 0.02  # opacity that is painted
FIRST_ID = 700  # of the pieces that are laid here: below those that stand
SMOOTH = 2.0  # px: what is finer is grain

Random = np.random.Generator


def blotted(made: Damaged, random: Random) -> Damaged:
    """The same film with large pieces laid over some frames."""
    look = _Look(random)
    degraded, mask, matte, ids = made.degraded.copy(), made.mask.copy(), made.matte.copy(), made.ids.copy()
    for t in range(len(degraded)):
        for number in range(min(int(random.poisson(look.many)), 12)):
            cover = _laid(mask.shape[1:], look, random)
            below = degraded[t].astype(np.float32)
            film = cv2.GaussianBlur(below, (0, 0), SMOOTH).reshape(below.shape) if look.grainy else below
            tone = look.tone(below.shape[2], random)
            laid = below + cover[..., None] * (tone - film)
            here = cover >= FAINTEST
            degraded[t][here] = np.clip(np.rint(laid), 0, 255).astype(np.uint8)[here]
            mask[t] |= here
            ids[t][here] = FIRST_ID + number
            matte[t] = np.maximum(matte[t], np.where(here, cover, 0))
    return replace(made, degraded=degraded, mask=mask, matte=matte, ids=ids)


class _Look:
    """What the large dirt of one reel has in common."""

    def __init__(self, random: Random) -> None:
        self.many = float(np.exp(random.uniform(np.log(FEWEST), np.log(MOST))))
        self.bright = float(random.choice([0.1, 0.5, 0.9]))
        self.tinted = float(random.choice([0.0, 0.0, 8.0, 25.0]))
        self.grainy = bool(random.random() < 0.5)  # dirt on a negative carries the print's grain; on the print it hides the film's
        self.opaque = float(random.uniform(0.1, 0.9))

    def tone(self, channels: int, random: Random) -> NDArray[np.float32]:
        middle = random.uniform(150, 255) if random.random() < self.bright else random.uniform(0, 80)
        return np.clip(middle + random.normal(0, 1, channels) * self.tinted, 0, 255).astype(np.float32)

    def strength(self, random: Random) -> float:
        return float(random.uniform(0.8, 1.0) if random.random() < self.opaque else random.uniform(0.12, 0.8))


def _laid(shape: tuple[int, ...], look: _Look, random: Random) -> Real:
    """One piece's opacity in the whole picture (H, W), 0 … 1."""
    height, width = shape
    unit = height / 480
    size = float(np.exp(random.uniform(np.log(SIZES[0]), np.log(SIZES[1])))) * unit
    outline = random.choice(len(SHAPES), p=(0.3, 0.25, 0.25, 0.2))
    soft = float(np.exp(random.uniform(np.log(0.4), np.log(2.5))))
    drawn = np.asarray(cv2.GaussianBlur(SHAPES[outline](max(size, 10.0), random), (0, 0), soft), np.float32)
    piece = _uneven(drawn, random) * look.strength(random)
    squeeze = np.diag([1.0, random.uniform(0.35, 1.0)]) @ _turned(random.uniform(0, np.pi))
    move = _turned(random.uniform(0, np.pi)) @ squeeze
    centre = np.array([random.uniform(-0.02, 1.02) * width, random.uniform(-0.02, 1.02) * height])
    middle = np.array(piece.shape[::-1]) / 2
    whole = np.concatenate([move, (centre - move @ middle)[:, None]], 1)
    return np.asarray(cv2.warpAffine(piece, whole, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _turned(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _uneven(piece: Real, random: Random) -> Real:
    """The piece thicker here and thinner there, or with a rim, as what dries has."""
    chance, side = random.random(), max(min(piece.shape) / random.uniform(3, 12), 1.0)
    if chance < 0.5:
        cloud = cv2.GaussianBlur(random.standard_normal(piece.shape).astype(np.float32), (0, 0), side)
        return np.asarray(piece * np.clip(1 - random.uniform(0.1, 0.5) * np.abs(cloud) / max(float(cloud.std()), 1e-6), 0.1, 1), np.float32)
    if chance < 0.65:
        inner = cv2.GaussianBlur(piece, (0, 0), side)
        return np.asarray(piece * (1 - random.uniform(0.3, 0.9) * np.clip(2 * inner - 0.8, 0, 1)), np.float32)
    return piece


def _canvas(size: float) -> Real:
    return np.zeros((int(size) + 8,) * 2, np.float32)


def _filled(canvas: Real, outline: NDArray[np.float64]) -> Real:
    cv2.fillPoly(canvas, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return canvas


def _lump(size: float, random: Random) -> Real:
    """A lump whose radius wanders, smooth or ragged."""
    out, angle = _canvas(size), np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rough, falling = random.uniform(0.05, 0.35), random.uniform(0.6, 1.4)
    radius = 1 + sum(rough * k**-falling * random.normal() * np.cos(k * angle + random.uniform(0, 6.28)) for k in range(1, 24))
    radius = np.clip(radius, 0.15, None)
    radius = radius / radius.max() * size / 2
    return _filled(out, len(out) / 2 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))


def _flake(size: float, random: Random) -> Real:
    """A flake with straight, broken edges, sometimes with pieces missing."""
    out = _canvas(size)
    angle = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(4, 11))))
    radius = size / 2 * random.uniform(0.45, 1.0, len(angle))
    out = _filled(out, len(out) / 2 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    for _ in range(int(random.integers(0, 4))):
        hole = random.uniform(0, len(out), 2) + random.normal(0, size * random.uniform(0.05, 0.2), (5, 2))
        cv2.fillConvexPoly(out, cv2.convexHull(np.rint(hole).astype(np.int32)), 0.0)
    return out


def _puddle(size: float, random: Random) -> Real:
    """Round drops that have run together."""
    out = _canvas(size)
    for _ in range(int(random.integers(2, 16))):
        radius = size * random.uniform(0.06, 0.24)
        place = len(out) / 2 + np.clip(random.normal(0, size / 6, 2), -size / 2 + radius, size / 2 - radius)
        cv2.circle(out, (round(float(place[0])), round(float(place[1]))), max(round(radius), 2), 1.0, -1, cv2.LINE_8)
    near = cv2.GaussianBlur(out, (0, 0), max(size * 0.03, 0.6))
    return np.asarray(np.clip((near - 0.4) * 5, 0, 1), np.float32)


def _crumbs(size: float, random: Random) -> Real:
    """Crumbs close together, as a fingerprint, a scrape or a splash leaves them."""
    out = _canvas(size)
    spread = size * random.uniform(0.1, 0.28)
    for _ in range(int(random.integers(8, 60))):
        place = len(out) / 2 + random.normal(0, spread, 2)
        axes = np.maximum(np.exp(random.normal(np.log(max(size * 0.04, 1.5)), 0.5, 2)), 1)
        where, long = (round(float(place[0])), round(float(place[1]))), (round(float(axes[0])), round(float(axes[1])))
        cv2.ellipse(out, where, long, float(random.uniform(0, 180)), 0, 360, float(random.uniform(0.5, 1)), -1)
    return out


SHAPES: tuple[Callable[[float, Random], Real], ...] = (_lump, _flake, _puddle, _crumbs)
