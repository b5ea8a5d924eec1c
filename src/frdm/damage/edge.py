"""Joins and torn borders: splices with their jump and glue, torn perforations."""

from functools import lru_cache

import cv2
import numpy as np

from frdm.damage.look import ReelLook
from frdm.damage.painting import Mark
from frdm.damage.shapes import cloud, ragged, random_of, softened
from frdm.damage.stain import contours
from frdm.film import Codes, Real

SPLICES, TEARS = 13, 14  # streams of the seed's random numbers
TEAR_LIFE = 2.0  # frames
_SETTLE = 0.45  # share of its jump that the picture keeps from frame to frame after a splice


@lru_cache(maxsize=4096)
def spliced(seed: int, rate: float, frame: int) -> bool:
    """Whether frame `frame` is glued to the one before."""
    return frame > 0 and rate > 0 and bool(random_of(seed, SPLICES, frame).random() < rate)


def jump(seed: int, rate: float, frame: int, *, reach: float) -> tuple[int, int]:
    """(dy, dx) px by which the picture is displaced after a splice at `frame` or in the three frames before it."""
    down = right = 0.0
    for ago in range(4):
        if spliced(seed, rate, frame - ago):
            random = random_of(seed, SPLICES, frame - ago, 1)
            down += float(random.normal(0, reach)) * _SETTLE**ago
            right += float(random.normal(0, 0.25 * reach)) * _SETTLE**ago
    return round(down), round(right)


def jumped(picture: Codes, shift: tuple[int, int]) -> Codes:
    """The picture (H, W, C) displaced by whole px; its border is repeated."""
    if shift == (0, 0):
        return picture
    rows = np.clip(np.arange(picture.shape[0]) - shift[0], 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(picture.shape[1]) - shift[1], 0, picture.shape[1] - 1)
    out: Codes = picture[rows][:, columns]
    return out


def splice_marks(look: ReelLook, seed: int, frame: int, *, size: tuple[int, int], glue: float) -> list[Mark]:
    """What of the splices before and after frame `frame` reaches into it."""
    rate = look.rates["edge.splices"]
    out: list[Mark] = []
    for at, top in ((frame, True), (frame + 1, False)):
        if spliced(seed, rate, at):
            random = random_of(seed, SPLICES, at, 2)
            out += _joint(random, look, size=size, glue=glue, top=top)
    return out


def _joint(random: np.random.Generator, look: ReelLook, *, size: tuple[int, int], glue: float, top: bool) -> list[Mark]:
    """The overlap at one border: a darker band, its bright edge, and glue that ran out of it."""
    height, width = size
    deep = max(2, round(float(random.uniform(0.008, 0.04)) * height))
    shares = random.uniform(0.3, 1.0, 2)  # how far it reaches into the frame before and the one after
    deep = max(2, round(deep * float(shares[int(top)])))
    straight = np.arange(width) * float(random.normal(0, 0.004)) + 0.5 * cloud(random, (1, width), 12 * look.unit)[0]
    rows = np.arange(deep + 6, dtype=np.float32)[:, None]
    border = (deep + straight)[None].astype(np.float32)
    band = np.clip(border - rows, 0, 1) * np.float32(random.uniform(0.05, 0.5))
    gleam = np.exp(-(((rows - border) / np.float32(0.8 * look.unit)) ** 2)) * np.float32(-random.uniform(0.1, 1.2))
    marks = [_at_border(np.asarray(band + gleam, np.float32), size, top=top)]
    if random.random() < glue:
        marks.append(_at_border(_glue(random, look, width), size, top=top))
    return marks


def _glue(random: np.random.Generator, look: ReelLook, width: int) -> Real:
    """Runs and smears of cement below the joint, darker at their rims."""
    deep = max(6, round(float(random.uniform(12, 60)) * look.unit))
    reach = (0.5 + 0.3 * cloud(random, (1, width), 30 * look.unit)[0] + 0.15 * cloud(random, (1, width), 8 * look.unit)[0]) * deep
    rows = np.arange(deep, dtype=np.float32)[:, None]
    inside = np.clip(reach[None] - rows, 0, 2) / 2
    rim = np.exp(-(((rows - reach[None]) / np.float32(1.5 * look.unit)) ** 2)) * (reach[None] > 1)
    smear = np.clip(0.7 + 0.4 * cloud(random, (deep, width), 7 * look.unit), 0, 1.5)
    density = (inside * np.float32(0.4) + rim) * smear * np.float32(random.uniform(0.05, 0.35) * random.choice([1, -1]))
    if random.random() < 0.5:  # it dried in drops, whose outlines gleam
        fine = contours(random, (deep, width), 9 * look.unit, 0.7 * look.unit) * np.clip(2 - np.abs(rows / deep - 0.5) * 4.4, 0, 1)
        density = density * np.float32(0.4) - fine * np.float32(random.uniform(0.1, 0.6))
    return softened(np.asarray(density, np.float32), look.softness)


def _at_border(density: Real, size: tuple[int, int], *, top: bool) -> Mark:
    turned = density if top else np.ascontiguousarray(density[::-1])
    left = (size[1] - density.shape[1]) // 2
    outside = (density.shape[1] - size[1]) // 2  # a softened piece brings a margin
    return Mark("splice", turned, -outside if top else size[0] + outside - turned.shape[0], left)


def tear_mark(random: np.random.Generator, look: ReelLook, *, size: tuple[int, int], left: bool) -> Mark:
    """A torn perforation: the border is gone in a ragged notch through which the lamp shines, with a dark rim and cracks."""
    height, width = size
    high, deep = (float(random.uniform(*ends)) * height for ends in ((0.06, 0.28), (0.02, 0.13)))
    outline = ragged(random, 100.0, rough=0.4, aspect=1.0, smooth=0.8)
    outline = outline / np.abs(outline).max(0) * (deep, high / 2)
    side, tall = int(deep) + 12, int(high) + 24
    outline[:, 1] += tall / 2
    canvas = np.zeros((tall, side), np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    for _ in range(int(random.integers(1, 4))):
        start = outline[int(random.integers(len(outline)))]
        crack = np.stack([start, start + np.array([abs(random.normal(0, 0.6 * deep)), random.normal(0, 0.3 * high)])])
        cv2.polylines(canvas, [np.rint(crack * 16).astype(np.int32)], False, 200, 1, cv2.LINE_AA, 4)
    hole = np.asarray(cv2.GaussianBlur(canvas, (0, 0), max(look.softness, 0.5)), np.float32) / 255
    rim = np.asarray(cv2.GaussianBlur(hole, (0, 0), 2.2 * look.unit), np.float32) * (1 - hole)
    density: Real = (hole * np.float32(-3.5) + rim * np.float32(random.uniform(0.4, 2.0))).astype(np.float32)
    if not left:
        density = np.ascontiguousarray(density[:, ::-1])
    middle = height * float(random.choice([0.0, 0.5, 1.0]) + random.normal(0, 0.06))
    return Mark("tear", density, round(middle - tall / 2), 0 if left else width - side)
