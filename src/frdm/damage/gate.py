"""What stands in one place of the picture: hairs in the gate, spots on lens or sensor, cue marks."""

from dataclasses import dataclass

import cv2
import numpy as np

from frdm.damage.events import Event
from frdm.damage.hair import fluttered, gate_thread
from frdm.damage.look import ReelLook
from frdm.damage.painting import Mark, stopped
from frdm.damage.shapes import Points, ragged, random_of, softened, stroke
from frdm.film import Real

HAIR_LIFE = 120.0  # frames: about a shot
SPOT_LIFE = 400.0
CUE_LIFE = 4  # frames that a cue mark is shown

_BORDERS = (0.4, 0.2, 0.2, 0.2)  # chance of bottom, top, left, right: dirt falls


@dataclass(frozen=True, slots=True, eq=False)
class GateHair:
    """A hair that reaches in from a border (0 bottom, 1 top, 2 left, 3 right) at `root` px along it."""

    border: int
    root: float
    path: Points
    width: float
    density: float
    blur: float
    sway: float  # px that its tip flutters
    beat: tuple[float, float]  # turns a frame and phase of it


def draw_gate_hair(random: np.random.Generator, look: ReelLook, *, size: tuple[int, int]) -> GateHair:
    """A hair in the gate, in pictures of `size` (height, width)."""
    border = int(random.choice(4, p=_BORDERS))
    length = float(np.exp(random.normal(3.5, 0.6))) * look.unit
    return GateHair(
        border=border,
        root=float(random.uniform(0, size[1] if border < 2 else size[0])),
        path=gate_thread(random, min(length, 0.4 * min(size))) - (2 * look.unit, 0),
        width=float(random.uniform(0.9, 2.6)) * look.unit,
        density=float(random.uniform(0.5, 2.2)),
        blur=look.softness * float(random.uniform(1.0, 2.0)),
        sway=float(random.exponential(0.7)) * look.unit,
        beat=(float(random.uniform(0.03, 0.45)), float(random.uniform(0, 6.3))),
    )


def gate_hair_mark(hair: GateHair, event: Event, *, seed: int, frame: int, size: tuple[int, int]) -> Mark:
    """The hair in frame `frame`: it flutters, and is always dark, since it keeps light from the film."""
    shake = random_of(seed, *event.place, 2, frame - event.start).normal(0, 0.4)
    sway = hair.sway * (np.sin(2 * np.pi * hair.beat[0] * frame + hair.beat[1]) + shake)
    height, width = size
    inwards = _turned(fluttered(hair.path, sway), hair.border)
    at = {0: (hair.root, height), 1: (hair.root, 0), 2: (0, hair.root), 3: (width, hair.root)}[hair.border]
    path = inwards + np.array(at, np.float64)
    cover, origin = stroke(path, width=hair.width, fine=3)
    grown = softened(cover, hair.blur)
    margin = (grown.shape[0] - cover.shape[0]) // 2
    left, top = (round(-float(v)) - margin for v in origin)
    return Mark("gate hair", stopped(grown, hair.density), top, left)


def _turned(path: Points, border: int) -> Points:
    """A path that leads inwards along +x, led in from a border."""
    x, y = path[:, 0], path[:, 1]
    return np.stack({0: (y, -x), 1: (y, x), 2: (x, y), 3: (-x, y)}[border], 1)


def draw_spot(random: np.random.Generator, look: ReelLook, *, size: tuple[int, int]) -> Mark:
    """A blurred spot that stays where it is: dirt on lens or sensor."""
    across = float(np.exp(random.normal(2.0, 0.5))) * look.unit
    blur = max(across * float(random.uniform(0.12, 0.5)), look.softness)
    outline = ragged(random, across, rough=0.15, aspect=float(random.uniform(1, 1.5)))
    margin = 3 * blur
    low = np.floor(outline.min(0) - margin)
    wide, high = (int(v) for v in np.ceil(outline.max(0) + margin) - low)
    canvas = np.zeros((high, wide), np.uint8)
    cv2.fillPoly(canvas, [np.rint((outline - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    cover = np.asarray(cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), blur), np.float32)
    top, left = (int(random.uniform(-0.5 * side, place - 0.5 * side)) for side, place in zip(cover.shape, size, strict=True))
    return Mark("spot", cover * np.float32(random.uniform(0.08, 0.5)), top, left)


def draw_cue_mark(random: np.random.Generator, look: ReelLook, *, size: tuple[int, int]) -> Mark:
    """A change-over mark near the upper right corner: a punched hole, an inked disc, or a scratched ring."""
    height, width = size
    radius = height * float(random.uniform(0.014, 0.024))
    side = int(2 * radius + 8)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) - side / 2
    lean = float(random.uniform(1, 1.6))  # anamorphic prints have tall ones
    wobble = np.float32(1 + 0.06 * np.sin(3 * np.arctan2(rows, columns) + random.uniform(0, 6)))
    far = np.hypot(columns * np.float32(lean), rows) * wobble / np.float32(radius)
    edge = np.float32(radius / 1.5)
    disc: Real = np.clip((1 - far) * edge, 0, 1).astype(np.float32)
    ring: Real = np.clip((0.18 - np.abs(far - 0.92)) * edge, 0, 1).astype(np.float32)
    way = int(random.integers(3))
    density = (-3.0 * disc, 2.2 * disc - 2.0 * ring, -2.5 * ring)[way]
    top, left = round(height * 0.08 - side / 2), round(width * 0.935 - side / 2)
    grown = softened(np.asarray(density, np.float32), look.softness)
    margin = (grown.shape[0] - side) // 2
    return Mark("cue mark", grown, top - margin, left - margin)
