"""A short film drawn by the program: a harbour with a sailing boat in a pan, then a windmill and a walker; with weave, flicker and grain.

Pictures are float32 R G B in sRGB levels, 0 … 1; everything follows from the frame's number and a seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

Points = list[tuple[float, float]]  # x, y
Colour = tuple[float, float, float]

SUBPIXEL = 4  # bits of a fraction in drawn coordinates


@dataclass(frozen=True, slots=True)
class Stage:
    """Size and length of the drawn film."""

    height: int = 480
    width: int = 640
    shot: int = 24  # frames of each of its two shots
    seed: int = 1925

    @property
    def length(self) -> int:
        return 2 * self.shot


def film(stage: Stage) -> Iterator[Real]:
    """The frames of the clean film, with grain."""
    harbour, mill = Harbour(stage), Mill(stage)
    for index in range(stage.length):
        picture = harbour.frame(index) if index < stage.shot else mill.frame(index - stage.shot)
        yield exposed(picture, np.random.default_rng((stage.seed, index)))


def exposed(picture: Real, random: np.random.Generator) -> Real:
    """The drawn picture as a camera and a print leave it: soft, weaving a little, flickering a little, grainy."""
    dy, dx = random.normal(0, 0.25, 2)
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    height, width = picture.shape[:2]
    woven = cv2.warpAffine(picture, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(woven, (0, 0), 0.8) * random.normal(1, 0.008)
    grain = cv2.GaussianBlur(random.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 0.6)
    strength = 0.03 * np.sqrt(np.clip(soft, 0.02, 1))
    return np.asarray(np.clip(soft + strength * grain[..., None], 0, 1), np.float32)


def clouds(random: np.random.Generator, height: int, width: int, *, stretch: float = 1.0) -> Real:
    """Fractal noise, 0 … 1; `stretch` draws it out sideways."""
    total = np.zeros((height, width), np.float32)
    for octave in range(8):
        rows = max(2, height * 2**octave // 256 + 2)
        columns = max(2, int(width * 2**octave / 256 / stretch) + 2)
        coarse = random.random((rows, columns)).astype(np.float32)
        total += np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)) * 0.62**octave
    low, high = np.percentile(total, (1, 99))
    return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)


def gradient(height: int, width: int, top: Colour, bottom: Colour) -> Real:
    """A smooth change from the colour above to the one below."""
    part = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows = (1 - part) * np.array(top, np.float32) + part * np.array(bottom, np.float32)
    return np.repeat(rows, width, axis=1)


def covered(size: tuple[int, ...], points: Points, *, thick: int | None = None) -> Real:
    """How much of each pixel a filled shape, or a line `thick` pixels wide, covers: 0 … 1 with smooth edges."""
    corners = np.round(np.array(points) * (1 << SUBPIXEL)).astype(np.int32)
    cover = np.zeros(size[:2], np.uint8)
    if thick is None:
        cv2.fillPoly(cover, [corners], 255, cv2.LINE_AA, SUBPIXEL)
    else:
        cv2.polylines(cover, [corners], False, 255, thick, cv2.LINE_AA, SUBPIXEL)
    return np.asarray(cover / 255, np.float32)


def shape(picture: Real, points: Points, colour: Colour) -> None:
    """Draw a filled shape on the picture."""
    laid(picture, covered(picture.shape, points), colour)


def stroke(picture: Real, points: Points, colour: Colour, *, thick: int) -> None:
    """Draw a line on the picture."""
    laid(picture, covered(picture.shape, points, thick=thick), colour)


def laid(picture: Real, cover: Real, colour: Colour | Real) -> None:
    """Lay a colour over the picture where `cover` (0 … 1) is."""
    picture += cover[..., None] * (np.asarray(colour, np.float32) - picture)


def shifted(canvas: Real, dx: float, width: int) -> Real:
    """`width` columns of a wide canvas, from column `dx` on."""
    move = np.array([[1, 0, -dx], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(canvas, move, (width, canvas.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


class Harbour:
    """Shot one: clouds, hills and houses pass at different speeds behind water and a boat."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        random = np.random.default_rng((stage.seed, 10_001))
        height, wide = stage.height, stage.width * 2
        self.horizon = round(height * 0.58)
        self.sky = clouds(random, height, wide, stretch=2.5)
        self.water = clouds(random, height, wide, stretch=6)
        self.shore, self.cover = self.drawn_shore(random, wide)

    def drawn_shore(self, random: np.random.Generator, wide: int) -> tuple[Real, NDArray[np.float32]]:
        """Hills and houses on a canvas twice the picture's width, and where they cover the sky."""
        height, horizon = self.stage.height, self.horizon
        canvas = gradient(height, wide, (0.34, 0.40, 0.38), (0.26, 0.32, 0.24))
        canvas *= 0.8 + 0.4 * clouds(random, height, wide)[..., None]
        line = [(x, horizon - height * (0.09 + 0.05 * np.sin(x / 97) + 0.025 * np.sin(x / 31 + 1))) for x in range(0, wide + 8, 8)]
        cover = covered(canvas.shape, [*line, (wide, horizon), (0, horizon)])
        left = 10.0
        while left < wide - 60:
            left = self.house(canvas, cover, random, left)
        return canvas, cover

    def house(self, canvas: Real, cover: Real, random: np.random.Generator, left: float) -> float:
        """Draw one house; hands back where the next may stand."""
        unit, base = self.stage.height / 480, float(self.horizon)
        wide, high = random.uniform(26, 52) * unit, random.uniform(28, 66) * unit
        worn = float(random.uniform(0.55, 1.1))
        wall = (0.78 * worn, 0.70 * worn, 0.60 * worn)
        body = [(left, base), (left, base - high), (left + wide, base - high), (left + wide, base)]
        roof = [(left - 3, base - high), (left + wide / 2, base - high - 16 * unit), (left + wide + 3, base - high)]
        for points, colour in ((body, wall), (roof, (0.45, 0.24, 0.18))):
            shape(canvas, points, colour)
            np.maximum(cover, covered(cover.shape, points), out=cover)
        for row in np.arange(base - high + 9 * unit, base - 9 * unit, 15 * unit):
            for column in np.arange(left + 6 * unit, left + wide - 8 * unit, 12 * unit):
                pane = [(column, row), (column + 5 * unit, row), (column + 5 * unit, row + 8 * unit), (column, row + 8 * unit)]
                shape(canvas, pane, (0.16, 0.17, 0.20))
        return float(left + wide + random.uniform(2, 26) * unit)

    def frame(self, index: int) -> Real:
        """Frame `index` of the shot."""
        height, width = self.stage.height, self.stage.width
        picture = gradient(height, width, (0.40, 0.56, 0.74), (0.86, 0.86, 0.80))
        laid(picture, 0.75 * shifted(self.sky, 0.6 * index, width), (0.93, 0.92, 0.89))
        pan = 20 + 2.3 * index
        laid(picture, shifted(self.cover, pan, width), shifted(self.shore, pan, width))
        picture[self.horizon :] = self.sea(index)[self.horizon :]
        self.boat(picture, index)
        return picture

    def sea(self, index: int) -> Real:
        """Water: two sheets of ripples that slide over each other."""
        height, width = self.stage.height, self.stage.width
        ripples = shifted(self.water, 40 + 2.6 * index, width) + shifted(self.water[::-1], 90 + 1.7 * index, width)
        sea = gradient(height, width, (0.42, 0.55, 0.62), (0.14, 0.25, 0.33))
        return np.asarray(sea * (0.6 + 0.45 * ripples[..., None]), np.float32)

    def boat(self, picture: Real, index: int) -> None:
        """A sailing boat that crosses the picture, rolling."""
        unit = self.stage.height / 480
        x = self.stage.width * 0.18 + 4.2 * unit * index
        y = self.stage.height * 0.70 + 3 * unit * np.sin(index / 5)
        roll = 0.06 * np.sin(index / 7)

        def placed(points: Points) -> Points:
            cos, sin = np.cos(roll), np.sin(roll)
            return [(x + unit * (px * cos - py * sin), y + unit * (px * sin + py * cos)) for px, py in points]

        shape(picture, placed([(-70, -8), (74, -8), (52, 22), (-54, 22)]), (0.30, 0.15, 0.11))
        shape(picture, placed([(-70, -8), (74, -8), (72, -2), (-68, -2)]), (0.85, 0.82, 0.74))
        stroke(picture, placed([(0, -8), (2, -142)]), (0.25, 0.18, 0.12), thick=3)
        shape(picture, placed([(-6, -20), (-2, -136), (-64, -20)]), (0.92, 0.88, 0.79))
        shape(picture, placed([(8, -20), (6, -126), (60, -20)]), (0.80, 0.33, 0.24))


class Mill:
    """Shot two: a slow move over a field with a windmill that turns and a person who walks."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        random = np.random.default_rng((stage.seed, 20_002))
        height, wide = stage.height, stage.width * 2
        self.horizon = round(height * 0.66)
        self.sky = clouds(random, height, wide, stretch=2)
        self.field = clouds(random, height, wide, stretch=3)
        self.trees = clouds(random, height, wide)

    def frame(self, index: int) -> Real:
        """Frame `index` of the shot."""
        height, width = self.stage.height, self.stage.width
        picture = gradient(height, width, (0.58, 0.66, 0.76), (0.93, 0.88, 0.76))
        laid(picture, 0.6 * shifted(self.sky, 200 + 0.8 * index, width), (0.96, 0.94, 0.90))
        pan = 60 + 1.2 * index
        self.wood(picture, pan)
        grass = shifted(self.field, 1.6 * pan, width)[..., None]
        field = gradient(height, width, (0.60, 0.58, 0.32), (0.34, 0.40, 0.18)) * (0.65 + 0.5 * grass)
        picture[self.horizon :] = field[self.horizon :]
        self.mill(picture, pan, index)
        self.walker(picture, index)
        return picture

    def wood(self, picture: Real, pan: float) -> None:
        """A dark line of trees at the horizon."""
        width, unit = self.stage.width, self.stage.height / 480
        tops = [(x, self.horizon - unit * (18 + 9 * np.sin((x + pan) / 23) + 5 * np.sin((x + pan) / 9))) for x in range(0, width + 4, 4)]
        cover = covered(picture.shape, [*tops, (width, self.horizon), (0, self.horizon)])
        leaves = shifted(self.trees, pan, width)[..., None] * np.array([0.22, 0.30, 0.16], np.float32) + 0.08
        laid(picture, cover, leaves)

    def mill(self, picture: Real, pan: float, index: int) -> None:
        """The windmill; its sails turn seven degrees a frame."""
        unit = self.stage.height / 480
        x, y = self.stage.width * 0.78 - 1.4 * (pan - 60), self.horizon + 14 * unit
        top = y - 170 * unit
        shape(picture, [(x - 42 * unit, y), (x - 26 * unit, top), (x + 26 * unit, top), (x + 42 * unit, y)], (0.62, 0.52, 0.42))
        shape(picture, [(x - 30 * unit, top), (x, top - 30 * unit), (x + 30 * unit, top)], (0.30, 0.22, 0.18))
        for arm in range(4):
            angle = np.radians(7 * index + 90 * arm)
            along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
            hub = np.array([x, top - 6 * unit])
            corners = (hub + along * 18 * unit, hub + along * 120 * unit)
            sail = [corners[0], corners[1], corners[1] + across * 20 * unit, corners[0] + across * 20 * unit]
            shape(picture, [(float(px), float(py)) for px, py in sail], (0.88, 0.84, 0.75))
            stroke(picture, [tuple(hub), tuple(corners[1])], (0.22, 0.17, 0.13), thick=3)

    def walker(self, picture: Real, index: int) -> None:
        """A person in a dark coat who walks to the right."""
        unit = self.stage.height / 480
        x, y = self.stage.width * 0.16 + 3.1 * unit * index, self.stage.height * 0.90
        swing = np.sin(index / 2.6)

        def placed(points: Points) -> Points:
            return [(x + unit * px, y + unit * (py - abs(swing) * 2)) for px, py in points]

        for side in (-1, 1):
            stroke(picture, placed([(0, -58), (7 * side * swing, -28), (17 * side * swing, 0)]), (0.14, 0.13, 0.14), thick=round(9 * unit))
        shape(picture, placed([(-13, -110), (13, -110), (17, -46), (-16, -46)]), (0.23, 0.20, 0.24))
        stroke(picture, placed([(0, -102), (-12 * swing, -80), (-19 * swing + 4, -60)]), (0.30, 0.26, 0.30), thick=round(7 * unit))
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        shape(picture, placed([(9 * np.cos(a), -122 + 11 * np.sin(a)) for a in turn]), (0.82, 0.63, 0.51))
        shape(picture, placed([(-15, -127), (15, -127), (9, -131), (8, -141), (-8, -141), (-9, -131)]), (0.18, 0.14, 0.12))
