"""Film that the eye must learn to leave alone, drawn over clean film: things and crowds of particles that fly through it, light that
flares for one frame or flickers in one place, a cut inside of the window.

Every function takes frames (T, H, W, C) of 8-bit codes and hands back new ones; what is drawn is content, and stays in the pristine
film.
"""

from typing import Literal

import cv2
import numpy as np

from frdm.film import Codes, Real

Family = Literal["film", "things", "particles", "flash", "flicker", "cut", "rain", "glints", "burst", "limbs", "balls"]
FAMILIES: tuple[Family, ...] = ("film", "things", "particles", "flash", "flicker", "cut", "rain", "glints", "burst", "limbs", "balls")
SHIFT = 4  # bits after the point of places that OpenCV draws at


def things(frames: Codes, random: np.random.Generator) -> Codes:
    """A few solid things that fly through the picture, each at its own speed: content, since it lives on in the next frames."""
    height, width = frames.shape[1:3]
    unit = height / 480
    out = [np.ascontiguousarray(frame) for frame in frames.copy()]
    for _ in range(int(random.integers(1, 6))):
        start = random.uniform(0, 1, 2) * (width, height)
        speed = float(np.exp(random.uniform(np.log(4), np.log(70)))) * unit
        heading, fall, turn = random.uniform(0, 2 * np.pi), random.uniform(0, 1.5) * unit, random.uniform(-25, 25)
        axes = np.maximum(random.uniform(1.5, 16, 2) * unit, 1.0)
        grey = random.random() < 0.6 or frames.shape[3] == 1
        tone = [float(random.uniform(0, 255))] * 3 if grey else [float(v) for v in random.uniform(0, 255, 3)]
        blurred = random.random() < 0.5
        for t, frame in enumerate(out):
            way = speed * (t - len(out) / 2) * np.array([np.cos(heading), np.sin(heading)])
            steps = max(1, round(speed / 2 / max(float(axes.min()), 1.0))) if blurred else 1
            cover = np.zeros((height, width), np.float32)
            for step in range(steps):
                part = 0.5 * speed * (step / steps - 0.5) * np.array([np.cos(heading), np.sin(heading)])
                _ellipse(cover, start + way + part + (0, fall * t * t), axes, turn * t, 1 / steps)
            _blend(frame, np.minimum(cover, 1), tone)
    return np.stack(out)


def _ellipse(cover: Real, at: np.ndarray, axes: np.ndarray, angle: float, weight: float) -> None:
    """Add one ellipse of opacity `weight` to the cover, in place."""
    reach = int(np.ceil(axes.max())) + 2
    left, top = int(at[0]) - reach, int(at[1]) - reach
    x0, y0 = max(left, 0), max(top, 0)
    part = cover[y0 : max(top + 2 * reach, 0), x0 : max(left + 2 * reach, 0)]
    if not part.size:
        return
    drawn = np.zeros(part.shape, np.uint8)
    place = (round(float(at[0] - x0) * 16), round(float(at[1] - y0) * 16))
    cv2.ellipse(drawn, place, (round(float(axes[0]) * 16), round(float(axes[1]) * 16)), angle, 0, 360, 255, -1, cv2.LINE_AA, SHIFT)
    part += drawn.astype(np.float32) * np.float32(weight / 255)


def particles(frames: Codes, random: np.random.Generator) -> Codes:
    """Snow, rain, sparks, confetti: a crowd that goes one way, mostly, each particle streaked by its speed, in every frame of the shot."""
    count, height, width = len(frames), *frames.shape[1:3]
    unit = height / 480
    number = int(np.exp(random.uniform(np.log(15), np.log(500))))
    speed = float(np.exp(random.uniform(np.log(2), np.log(160)))) * unit
    heading = random.normal(np.pi / 2, 0.5) if random.random() < 0.8 else random.uniform(0, 2 * np.pi)
    spread, exposure = random.choice([0.05, 0.2, 0.8]), random.uniform(0.1, 0.6)
    size = float(np.exp(random.uniform(np.log(0.5), np.log(3.0)))) * unit
    tone = [float(random.uniform(170, 255))] * 3 if random.random() < 0.8 else [float(random.uniform(0, 90))] * 3
    opacity = random.uniform(0.25, 1.0)
    places = random.uniform(0, 1, (number, 2)) * (width, height)
    angles = heading + random.normal(0, spread, number)
    ways = speed * np.exp(random.normal(0, 0.3, (number, 1))) * np.stack([np.cos(angles), np.sin(angles)], 1)
    sizes, opacities = size * np.exp(random.normal(0, 0.4, number)), opacity * random.uniform(0.3, 1, number)
    lost = random.uniform(0, 0.3) if speed < 30 * unit else 1.0
    out = []
    for t in range(count):
        cover = np.zeros((height, width), np.float32)
        at = (places + ways * t) % (width, height)
        at = np.where((random.random(number) < lost)[:, None], random.uniform(0, 1, (number, 2)) * (width, height), at) if t else at
        for place, way, wide, strength in zip(at, ways * exposure, sizes, opacities, strict=True):
            _streak(cover, place, way, wide, strength)
        frame = frames[t].copy()
        blur = max(0.35, 0.35 * size)
        _blend(frame, np.minimum(cv2.GaussianBlur(cover, (0, 0), blur), 1), tone)
        out.append(frame)
    return np.stack(out)


def _streak(cover: Real, place: np.ndarray, way: np.ndarray, wide: float, strength: float) -> None:
    ends = [(round(float(p[0]) * 16), round(float(p[1]) * 16)) for p in (place - way / 2, place + way / 2)]
    cv2.line(cover, ends[0], ends[1], float(strength), max(1, round(2 * wide)), cv2.LINE_8, SHIFT)


def flash(frames: Codes, random: np.random.Generator) -> Codes:
    """One frame, or its part, that is brighter or darker by far: lightning, a photographer's flash, an explosion."""
    out = frames.astype(np.float32)
    at = int(random.integers(len(frames)))
    gain = random.uniform(1.2, 2.5) if random.random() < 0.75 else random.uniform(0.4, 0.85)
    out[at] *= 1 + (gain - 1) * _lamp(frames.shape[1:3], random, whole=0.5)[..., None]
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


def flicker(frames: Codes, random: np.random.Generator) -> Codes:
    """A lamp, a screen or a window whose light changes from frame to frame, with a soft or a hard edge."""
    out = frames.astype(np.float32)
    for _ in range(int(random.integers(1, 4))):
        lamp = _lamp(frames.shape[1:3], random, whole=0.0)[..., None]
        tone = random.uniform(-0.2, 1.0) * 60
        for t in range(len(frames)):
            strength = random.normal(0, 0.35)
            out[t] += lamp * strength * (0.5 * out[t] + tone)
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


def _lamp(size: tuple[int, ...], random: np.random.Generator, *, whole: float) -> Real:
    """(H, W) 0 … 1: where light falls; everywhere with chance `whole`."""
    height, width = size
    if random.random() < whole:
        return np.ones((height, width), np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    y, x = random.uniform(0, height), random.uniform(0, width)
    down, across = (float(np.exp(random.uniform(np.log(0.03), np.log(0.5)))) * height for _ in range(2))
    away = np.hypot((rows - y) / down, (columns - x) / across)
    soft = random.uniform(0.05, 1.0)
    return np.asarray(np.clip((1 - away) / soft + 0.5, 0, 1), np.float32)


def cut(frames: Codes, other: Codes, random: np.random.Generator) -> Codes:
    """Another shot from some frame on, or up to it: a cut that nobody found."""
    at = int(random.integers(2, len(frames) - 1))
    out = frames.copy()
    filled = np.stack([_like(frame, frames.shape[1:]) for frame in other[: len(frames)]])
    if random.random() < 0.5:
        out[at:] = filled[at:]
    else:
        out[:at] = filled[:at]
    return out


def _like(frame: Codes, shape: tuple[int, ...]) -> Codes:
    scaled = cv2.resize(frame, (shape[1], shape[0]), interpolation=cv2.INTER_AREA).reshape(shape[0], shape[1], -1)
    if scaled.shape[2] == shape[2]:
        return scaled
    return scaled.mean(2, keepdims=True).astype(np.uint8) if shape[2] == 1 else np.repeat(scaled, 3, 2)


def _blend(frame: Codes, cover: Real, tone: list[float]) -> None:
    """Lay a tone over the frame (H, W, C), in place."""
    where = cover > 0
    strength = cover[where][:, None]
    colour = np.array(tone[: frame.shape[2]], np.float32)
    frame[where] = np.rint(frame[where] * (1 - strength) + colour * strength).astype(np.uint8)
