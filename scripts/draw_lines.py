"""Drawn standing lines for training the line filter: scratches as the film's transport cuts them, in density, running on from frame to
frame; and the film beneath them, with upright things of its own.

A line is a function of the place along the film, s = frame + row / height, so that it leaves each frame where it enters the next.
Widths are those of 10 … 90 µm on a 16 mm frame (7.5 mm for 480 lines: 15.6 µm a line). Nothing here comes from the benchmark's builder.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from draw_damage import grain
from numpy.typing import NDArray

Rng = np.random.Generator
Picture = NDArray[np.uint8]
Cores = list[tuple[NDArray[np.float64], NDArray[np.float32]]]  # of each line: (column, change of its core in codes) per row
GAMMA = 2.2


def slow(along: NDArray[np.float64], period: float, rng: Rng) -> NDArray[np.float64]:
    """A smooth random function along the film of unit variance, whose waves are about `period` frames long."""
    waves = [(rng.normal(), 6.28 / (period * np.exp(rng.normal() * 0.6)), rng.uniform(0, 6.28)) for _ in range(7)]
    total = sum(a * np.sin(w * along + p) for a, w, p in waves)
    return total / np.sqrt(sum(a * a for a, _, _ in waves) / 2)


@dataclass
class Scratch:
    """One line along the film; lengths in px of a 480-line picture."""

    column: float
    width: float
    shape: str  # plain, flat, pair (bright beside dark, as a base scratch refracts), ridged (a core with rims)
    dark: bool
    depth: float  # change of density at its strongest
    tint: NDArray[np.float64]
    swing: float
    period: float
    shiver: float
    drift: float
    drive: float  # how much its depth changes along the film
    live: float  # length of its pieces and of its gaps, in frames; 0: whole
    gap: float
    seed: int

    @staticmethod
    def of(rng: Rng, width: float, rain: bool, base: "Scratch | None" = None) -> "Scratch":
        steady = rng.random() < 0.4
        broken = rain or rng.random() < 0.3
        dark = base.dark if base and rng.random() < 0.85 else bool(rng.random() < 0.5)
        colour = rng.random() < 0.3
        return Scratch(
            column=float(rng.uniform(0.02, 0.98) * width),
            width=float(np.exp(rng.uniform(np.log(0.65), np.log(2.2 if rain else 5.5)))),
            shape=str(rng.choice(["plain", "flat", "pair", "ridged"], p=[0.55, 0.25, 0.12, 0.08])),
            dark=dark,
            depth=float(np.exp(rng.uniform(np.log(0.06), np.log(0.5 if rain else 1.3)))),
            tint=1 + rng.uniform(-0.5, 0.5, 3) * colour,
            swing=float(rng.uniform(0, 0.5) if steady else np.exp(rng.uniform(np.log(0.3), np.log(6)))),
            period=float(np.exp(rng.uniform(np.log(0.7), np.log(30)))),
            shiver=float(rng.uniform(0, 0.25)),
            drift=float(rng.normal() * rng.choice([0, 0.3, 1.0])),
            drive=float(rng.choice([0.05, 0.15, 0.35])),
            live=float(np.exp(rng.uniform(np.log(0.15), np.log(4)))) if broken else 0.0,
            gap=float(np.exp(rng.uniform(np.log(0.05), np.log(1.5)))),
            seed=int(rng.integers(1 << 31)),
        )

    def at(self, along: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(column in px of a 480-line picture, strength 0 … 1) at places along the film."""
        rng = np.random.default_rng(self.seed)
        place = self.column + self.swing * slow(along, self.period, rng) + self.shiver * slow(along, 0.08, rng) + self.drift * along
        level = np.clip(1 + self.drive * slow(along, float(np.exp(rng.uniform(-2, 1.5))), rng), 0, 1.6)
        level *= 1 + rng.choice([0, 0, 0.1, 0.3]) * slow(along, 0.01, rng)
        if self.live:
            edges = np.cumsum(rng.exponential(1, 400) * np.tile([self.live, self.gap], 200)) - rng.uniform(0, self.live + self.gap)
            on = np.searchsorted(edges, along) % 2 == 0
            nearest = np.abs(along[:, None] - edges[None, np.abs(edges) < 80]).min(1) if (np.abs(edges) < 80).any() else 1.0
            level = level * np.where(on, np.clip(nearest / rng.choice([0.004, 0.05, 0.2]), 0, 1), 0)
        return place, np.clip(level, 0, None)

    def profile(self, away: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the depth at a distance (px of a 480-line picture) from the middle; negative where the sign turns."""
        sigma = self.width / 2.355
        plain = np.exp(-0.5 * (away / sigma) ** 2)
        if self.shape == "flat":
            return 1 / (1 + np.exp((np.abs(away) - self.width / 2) / max(0.12 * self.width, 0.15)))
        if self.shape == "pair":
            return plain - 0.8 * np.exp(-0.5 * ((away - 1.1 * self.width) / sigma) ** 2)
        if self.shape == "ridged":
            rims = sum(np.exp(-0.5 * ((np.abs(away) - 1.3 * self.width) / (0.5 * sigma)) ** 2) for _ in (0,))
            return plain - 0.5 * rims
        return plain


@dataclass
class Lines:
    """A reel's lines, and how the picture weaves against the film."""

    scratches: list[Scratch]
    weave: float
    opaque: bool  # painted towards one tone, as in prints whose scratches are filled, instead of adding to the density
    tone: float

    @staticmethod
    def of(rng: Rng, width: float) -> "Lines":
        rain = rng.random() < 0.3
        count = int(rng.integers(8, 50)) if rain else int(rng.choice([1, 2, 3, 5, 8], p=[0.25, 0.25, 0.2, 0.2, 0.1]))
        made: list[Scratch] = []
        for _ in range(count):
            made.append(Scratch.of(rng, width, rain, made[0] if made else None))
        opaque = bool(rng.random() < 0.2)
        return Lines(made, float(rng.choice([0, 0, 0.15, 0.5])), opaque, float(rng.uniform(0.05, 0.95)))


def paint_lines(frame: Picture, lines: Lines, index: int, rng: Rng) -> tuple[Picture, NDArray[np.bool_], Cores]:
    """(BGR codes with the lines, mask, [(column, change of the core in codes) per row] of each line)."""
    h, w = frame.shape[:2]
    unit = h / 480
    along = index + np.arange(h) / h
    away = rng.normal() * lines.weave
    value = np.clip(frame.astype(np.float32) / 255, 2e-3, 1)
    change, share = np.zeros((h, w, 3), np.float32), np.zeros((h, w), np.float32)
    paths = []
    for scratch in lines.scratches:
        place, level = scratch.at(along)
        place = (place + away) * unit
        reach = int(3.5 * scratch.width * unit) + 4
        offsets = np.arange(-reach, reach + 1)
        columns = np.rint(place).astype(int)[:, None] + offsets
        fine = np.linspace(-0.375, 0.375, 4)
        shape = np.mean([scratch.profile((columns + f - place[:, None]) / unit) for f in fine], 0) * level[:, None]
        inside = (columns >= 0) & (columns < w)
        rows = np.broadcast_to(np.arange(h)[:, None], columns.shape)
        at = (rows[inside], columns[inside])
        sign = 1 if scratch.dark else -1
        change[at] += (sign * scratch.depth * shape[inside])[:, None] * scratch.tint.astype(np.float32)
        share[at] = np.maximum(share[at], np.abs(shape[inside]))
        paths.append((place, level))
    if lines.opaque:
        alpha = np.clip(share * min(1.0, 1.2 * float(np.mean([s.depth for s in lines.scratches])) + 0.2), 0, 1)[..., None]
        out = value * (1 - alpha) + lines.tone * alpha
    else:
        out = value * 10 ** (-np.maximum(change, 0) / GAMMA)
        lift = 10 ** (np.minimum(change, 0) * 1.2)  # what is scraped off: this share of the density is left
        out = np.where(change < 0, out**lift, out)
    codes = np.clip(np.rint(255 * out), 0, 255).astype(np.uint8)
    mask = share > 0.12
    codes = np.where((share > 0.01)[..., None], codes, frame)
    diff = np.abs(codes.astype(np.int16) - frame).mean(-1)
    cores = []
    for place, _ in paths:
        near = np.clip(np.rint(place).astype(int)[:, None] + np.arange(-round(unit) - 1, round(unit) + 2), 0, w - 1)
        cores.append((place, diff[np.arange(h)[:, None], near].max(1).astype(np.float32)))
    return codes, mask & (np.abs(codes.astype(np.int16) - frame).max(-1) > 0), cores


def read(path: Path, start: int, count: int) -> list[Picture]:
    """BGR frames start … start+count of a movie."""
    video = cv2.VideoCapture(str(path))
    return [frame for ok, frame in (video.read() for _ in range(start + count)) if ok][start:]


def bars(still: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """The still with poles, wires, or a fence of its own drawn in."""
    h, w = still.shape[:2]
    unit = h / 480
    many = rng.random() < 0.5
    count, step, first = (
        (int(rng.integers(4, 30)), rng.uniform(5, 45) * unit, rng.uniform(0, w)) if many else (int(rng.integers(1, 4)), 0, 0)
    )
    width = float(np.exp(rng.uniform(np.log(0.8), np.log(7)))) * unit
    top, bottom = sorted(rng.uniform(-0.4, 1.4, 2) * h)
    tone, slant = rng.uniform(0, 255), rng.normal() * 0.02
    out = still.copy()
    for k in range(count):
        at = first + k * step if many else rng.uniform(0, w)
        y = np.arange(h)
        away = np.abs(np.arange(w) - (at + slant * (y - h / 2))[:, None])
        alpha = np.clip((width / 2 + 0.5 - away), 0, 1) * ((y > top) & (y < bottom))[:, None]
        shade = tone + 30 * np.sin(y / h * rng.uniform(0, 9) + rng.uniform(0, 6)) * rng.random()
        side = 1 + rng.uniform(-0.3, 0.3) * (np.arange(w) - at) / max(width, 1)
        out = out * (1 - alpha[..., None]) + (np.clip(shade[:, None] * np.clip(side, 0.5, 1.5), 0, 255) * alpha)[..., None]
    return out


def boards(still: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """The still with panelling, wood, curtains or book backs in a part of it: many thin upright streaks, faint and strong, and steps."""
    h, w = still.shape[:2]
    unit = h / 480
    y, x = np.arange(h)[:, None], np.arange(w)
    left, top, bottom = rng.uniform(-0.2, 0.7) * w, rng.uniform(-0.5, 0.5) * h, rng.uniform(0.5, 1.5) * h
    right = left + rng.uniform(0.25, 1.0) * w
    gain = np.ones((h, w))
    even, strong = rng.random() < 0.4, float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
    step, bow = rng.uniform(4, 30) * unit, rng.normal() * 6 * unit
    for k in range(int(rng.integers(6, 60))):
        at = left + k * step + rng.normal() * unit if even else rng.uniform(left, right)
        course = (
            at
            + bow * (y / h - 0.5) * (at - w / 2) / w
            + rng.normal() * 0.01 * (y - h / 2)
            + rng.choice([0, 1.0]) * unit * np.sin(y / h * 6 + k)
        )
        size = float(np.exp(rng.uniform(np.log(0.6), np.log(5)))) * unit
        low, high = np.sort(rng.uniform(top - 0.2 * h, bottom + 0.2 * h, 2)) if rng.random() < 0.6 else (top, bottom)
        shape = (
            np.exp(-0.5 * ((x - course) / size) ** 2) if rng.random() < 0.7 else 1 / (1 + np.exp(-np.clip((x - course) / size, -30, 30)))
        )
        gain *= 1 + strong * rng.normal() * shape * ((y > low) & (y < high))
    inside = (y > top) & (y < bottom) & (x > left) & (x < right)
    return np.clip(still * np.where(inside, np.clip(gain, 0.2, 2.5), 1)[..., None], 0, 255).astype(np.float32)


def still_film(frames: list[Picture], rng: Rng) -> list[Picture]:
    """One frame as a shot of its own: a still camera with weave, or a pan, with things of its own drawn in now and then."""
    still = frames[int(rng.integers(len(frames)))].astype(np.float32)
    drawn = rng.random()
    if drawn < 0.65:
        still = boards(still, rng) if drawn < 0.35 else bars(still, rng)
    h, w = still.shape[:2]
    pan = rng.choice([0, 0, 0, 1.0]) * rng.normal(size=2) * 4 * h / 480
    weave = rng.choice([0.0, 0.1, 0.3, 0.8, 1.6]) * h / 480
    zoom = 1.15 if pan.any() else 1.03
    places = np.cumsum(rng.normal(size=(len(frames), 2)) * weave, 0) * 0.5 + rng.normal(size=(len(frames), 2)) * weave * 0.5
    out = []
    for k, place in enumerate(places):
        dx, dy = place + pan * (k - len(frames) / 2)
        matrix = np.array([[zoom, 0, dx - (zoom - 1) * w / 2], [0, zoom, dy * 0.3 - (zoom - 1) * h / 2]], np.float32)
        moved = cv2.warpAffine(still, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        out.append(np.clip(moved, 0, 255).astype(np.uint8))
    return out


@dataclass
class Shot:
    """A drawn reel: as scanned, without its lines, where they are."""

    film: list[Picture]
    clean: list[Picture]
    masks: list[NDArray[np.bool_]]
    cores: list[Cores]


def shoot(path: Path, rng: Rng, *, count: int = 9, damaged: float = 0.65, plain: bool = False, stilled: float = 0.45) -> Shot | None:
    """One drawn reel on one clip, a share `stilled` of them of one frame alone; `plain`: the clip as it is, neither turned nor stilled."""
    video = cv2.VideoCapture(str(path))
    length = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = read(path, int(rng.integers(0, max(1, length - count))), count)
    if len(frames) < count:
        return None
    turn, mirror = rng.random() < 0.2 and not plain, rng.random() < 0.5
    frames = [np.ascontiguousarray(f.transpose(1, 0, 2) if turn else f) for f in frames]
    if turn:
        side = int(frames[0].shape[1] * 4 / 3)
        top = (frames[0].shape[0] - min(side, frames[0].shape[0])) // 2
        frames = [f[top : top + side] for f in frames]
    frames = [f[:, ::-1] for f in frames] if mirror else frames
    height = int(rng.uniform(700, 780) if rng.random() < 0.15 else np.exp(rng.uniform(np.log(240), np.log(580)))) // 2 * 2
    scale = height / frames[0].shape[0]
    frames = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC) for f in frames]
    if rng.random() < stilled and not plain:
        frames = still_film(frames, rng)
    if rng.random() < 0.3:
        frames = [np.repeat(cv2.cvtColor(f, cv2.COLOR_BGR2GRAY)[..., None], 3, -1) for f in frames]
    sigma, size, flicker = rng.uniform(0.004, 0.04), rng.uniform(0.4, 0.9), rng.choice([0, 0, 0.01, 0.03])
    clean = [grain(np.clip(f * (1 + flicker * rng.normal()), 0, 255).astype(np.uint8), sigma, size, rng) for f in frames]
    h, w = clean[0].shape[:2]
    film, masks, cores = clean, [np.zeros((h, w), bool)] * count, [[] for _ in clean]
    if rng.random() < damaged:
        lines = Lines.of(rng, w * 480 / h)
        painted = [paint_lines(f, lines, i, rng) for i, f in enumerate(clean)]
        film, masks, cores = ([p[k] for p in painted] for k in range(3))
    blur, quality = rng.choice([0, 0.5, 0.7]), int(rng.integers(75, 96)) if rng.random() < 0.3 else 0

    def scanned(picture: Picture) -> Picture:
        picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
        if not quality:
            return picture
        return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)

    return Shot([scanned(f) for f in film], [scanned(f) for f in clean], list(masks), list(cores))
