"""More film that the eye must learn to leave alone: what lives for one frame at one place and is no dirt (rain, glints on water,
sparks that fly from one place), and what is large and fast (arms, rackets, wings, balls, birds).

As in `eye_scenes`: frames (T, H, W, C) of 8-bit codes in, new ones out. Rain after Garg & Nayar 2007 (a drop shows the sky around it,
streaked by its speed; every frame has drops of its own).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Real

SHIFT = 4  # bits after the point of places that OpenCV draws at
STEPS = 9  # parts of an exposure, for motion blur


def rain(frames: Codes, random: np.random.Generator) -> Codes:
    """Drops in layers, from many thin far ones to a few wide near ones out of focus: all of one slant, brighter than what is behind,
    in new places in every frame; sometimes splashes below.
    """
    height, width = frames.shape[1:3]
    unit = height / 480
    slant, spread = random.normal(0, 0.2), random.uniform(0.01, 0.08)
    sky = np.quantile(frames.reshape(-1, frames.shape[3]), random.uniform(0.7, 0.98), axis=0) * random.uniform(0.9, 1.2)
    layers = [_layer(depth, random) for depth in np.sort(random.uniform(0, 1, int(random.integers(1, 4))))]
    splashes = int(random.uniform(0, 200)) if random.random() < 0.4 else 0
    ground = random.uniform(0.4, 0.9)
    out = []
    for frame in frames:
        cover = np.zeros((height, width), np.float32)
        for number, length, wide, strength in layers:
            drawn = np.zeros((height, width), np.float32)
            for _ in range(number):
                angle = np.pi / 2 + slant + random.normal(0, spread)
                way = length * unit * random.uniform(0.5, 1.3) * np.array([np.cos(angle), np.sin(angle)])
                at = random.uniform(-0.05, 1.05, 2) * (width, height)
                _streak(drawn, at, way, wide * unit, strength * random.uniform(0.3, 1))
            cover = np.maximum(cover, cv2.GaussianBlur(drawn, (0, 0), max(0.4, 0.45 * wide * unit)))
        for _ in range(splashes):
            at = random.uniform((0, ground), 1) * (width, height)
            size = random.uniform(0.6, 2.5) * unit
            cv2.ellipse(cover, _fixed(at), _fixed((size * 1.6, size)), 0, 0, 360, random.uniform(0.1, 0.6), -1, cv2.LINE_8, SHIFT)
        out.append(_over(frame, np.minimum(cover, 1), sky))
    return np.stack(out)


def _layer(depth: float, random: np.random.Generator) -> tuple[int, float, float, float]:
    """(number, length, half width, opacity) of the drops at a depth 0 (far) … 1 (near), lengths in px of a 480-line picture."""
    number = int(np.exp(np.log(1500) * (1 - depth) + np.log(15) * depth + random.normal(0, 0.6)))
    length = float(np.exp(np.log(7) * (1 - depth) + np.log(120) * depth + random.normal(0, 0.4)))
    return min(number, 2500), length, 0.35 + 2.2 * depth * random.uniform(0.4, 1.2), float(random.uniform(0.1, 0.6) * (1 - 0.5 * depth))


def glints(frames: Codes, random: np.random.Generator) -> Codes:
    """Light on water or wet ground: flat specks in one region that flare for a frame or two, at places that come back."""
    count, height, width = len(frames), *frames.shape[1:3]
    unit = height / 480
    top, reach = random.uniform(0, 0.8) * height, random.uniform(0.1, 0.6) * height
    number = int(np.exp(random.uniform(np.log(20), np.log(900))))
    places = np.stack([random.uniform(0, width, number), top + reach * random.uniform(0, 1, number)], 1)
    sizes = np.exp(random.normal(np.log(random.uniform(0.5, 1.6)), 0.4, number)) * unit
    flat, tone = random.uniform(1, 5), random.uniform(190, 255)
    often, drift = random.uniform(0.03, 0.5), random.normal(0, 2, 2) * unit
    out = []
    for t in range(count):
        cover = np.zeros((height, width), np.float32)
        lit = np.flatnonzero(random.random(number) < often)
        for i in lit:
            at = places[i] + drift * t + random.normal(0, 1.0, 2) * unit
            axes = (float(sizes[i] * flat), float(max(sizes[i], 0.5)))
            cv2.ellipse(cover, _fixed(at), _fixed(axes), 0, 0, 360, random.uniform(0.3, 1), -1, cv2.LINE_8, SHIFT)
        out.append(
            _over(
                frames[t],
                np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.4, 0.4 * unit)), np.float32),
                np.full(frames.shape[3], tone, np.float32),
            )
        )
    return np.stack(out)


def burst(frames: Codes, random: np.random.Generator) -> Codes:
    """Fireworks, an explosion, sparks from a grinder: streaks that fly from one place and fade, and a glow around it that lives as long."""
    count, height, width = len(frames), *frames.shape[1:3]
    unit = height / 480
    out = [frame.astype(np.float32) for frame in frames]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(random.integers(1, 4))):
        centre = random.uniform(0.1, 0.9, 2) * (width, height)
        born, life = int(random.integers(-4, count)), random.uniform(1.0, 8.0)
        number = int(np.exp(random.uniform(np.log(8), np.log(250))))
        angles = random.uniform(0, 2 * np.pi, number) if random.random() < 0.6 else random.normal(random.uniform(0, 6.3), 0.4, number)
        speeds = np.exp(random.normal(np.log(random.uniform(4, 40)), 0.35, number)) * unit
        wide = random.uniform(0.4, 1.6) * unit
        colour = np.clip(random.uniform(0.5, 1.2, frames.shape[3]) * 255, 0, 255)
        glow, broad = random.uniform(0, 0.8) ** 2, random.uniform(10, 140) * unit
        halo = np.exp(-((rows - centre[1]) ** 2 + (columns - centre[0]) ** 2) / (2 * broad**2))[..., None]
        for t in range(max(born, 0), count):
            age = t - born + random.uniform(0, 0.2)
            fade = float(np.exp(-age / life))
            if fade < 0.05:
                break
            cover = np.zeros((height, width), np.float32)
            for angle, speed in zip(angles, speeds, strict=True):
                heading = np.array([np.cos(angle), np.sin(angle)])
                fall = np.array([0, 0.25 * age**2 * unit])
                _streak(cover, centre + heading * speed * age + fall, heading * speed * 0.6, wide, fade * random.uniform(0.2, 1))
            light = cv2.GaussianBlur(cover, (0, 0), max(0.4, 0.5 * wide))[..., None] + halo * glow * fade * random.uniform(0.5, 1)
            out[t] += light.astype(np.float32) * colour.astype(np.float32)
    return np.asarray(np.clip(np.rint(np.stack(out)), 0, 255), np.uint8)


def limbs(frames: Codes, other: Codes, random: np.random.Generator) -> Codes:
    """Arms, rackets, wings, legs: a few long shapes of another film's texture that swing through the picture, blurred by their motion."""
    count, height, width = len(frames), *frames.shape[1:3]
    unit = height / 480
    out = frames.astype(np.float32)
    for _ in range(int(random.integers(1, 4))):
        length = float(np.exp(random.uniform(np.log(25), np.log(220)))) * unit
        thick = max(length * random.uniform(0.08, 0.5), 3 * unit)
        shape, texture = _limb(length, thick, frames.shape[3], other, random)
        pivot, going = random.uniform(0, 1, 2) * (width, height), random.normal(0, random.choice([8, 8, 30]), 2) * unit
        angle, swing = random.uniform(0, 360), random.normal(0, 1) * random.choice([6, 20, 60, 110])
        shutter = random.uniform(0.0, 0.9)
        phase, beat = random.uniform(0, 6.28), random.uniform(0.1, 1.2)
        for t in range(count):
            cover = np.zeros((height, width), np.float32)
            paint = np.zeros((height, width, frames.shape[3]), np.float32)
            for step in range(STEPS):
                now = t + shutter * (step / STEPS - 0.5)
                turned = angle + swing * (now if beat < 0.4 else np.sin(phase + beat * now) / beat)
                turn = cv2.getRotationMatrix2D((0.0, shape.shape[0] / 2), float(turned), 1.0)
                turn[:, 2] += pivot + going * now - (0, shape.shape[0] / 2)
                part = cv2.warpAffine(shape, turn, (width, height), flags=cv2.INTER_LINEAR)
                cover += part / STEPS
                laid = cv2.warpAffine(texture, turn, (width, height), flags=cv2.INTER_LINEAR).reshape(paint.shape)
                paint += laid * part[..., None] / STEPS
            out[t] = out[t] * (1 - cover[..., None]) + paint
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


def balls(frames: Codes, other: Codes, random: np.random.Generator) -> Codes:
    """Balls, birds, hats, frisbees: a few things as large as blots that fly through the picture on an arc, plain or of another film's
    texture, lit from one side, turning, blurred by their motion; they live on in the next frames, often far away.
    """
    count, height, width = len(frames), *frames.shape[1:3]
    unit = height / 480
    out = frames.astype(np.float32)
    for _ in range(int(random.integers(1, 5))):
        shape, paint = _ball(float(np.exp(random.uniform(np.log(5), np.log(60)))) * unit, frames.shape[3], other, random)
        speed = float(np.exp(random.uniform(np.log(3), np.log(130)))) * unit
        heading, fall, turn = random.uniform(0, 2 * np.pi), random.uniform(0, 3) * unit, random.normal(0, random.choice([2, 25]))
        start, middle = random.uniform(0, 1, 2) * (width, height), random.uniform(0, count - 1)
        shutter = random.uniform(0, 0.9) if random.random() < 0.7 else 0.0
        steps = int(np.clip(np.ceil(shutter * speed / (2 * unit)), 1, 24))
        for t in range(count):
            cover = np.zeros((height, width), np.float32)
            laid = np.zeros((height, width, frames.shape[3]), np.float32)
            for step in range(steps):
                now = t - middle + shutter * ((step + 0.5) / steps - 0.5)
                at = start + speed * now * np.array([np.cos(heading), np.sin(heading)]) + (0, 0.5 * fall * now * now)
                move = cv2.getRotationMatrix2D((shape.shape[1] / 2, shape.shape[0] / 2), float(turn * now), 1.0)
                move[:, 2] += at - np.array(shape.shape[::-1]) / 2
                part = cv2.warpAffine(shape, move, (width, height), flags=cv2.INTER_LINEAR)
                cover += part / steps
                laid += cv2.warpAffine(paint, move, (width, height), flags=cv2.INTER_LINEAR).reshape(laid.shape) * part[..., None] / steps
            out[t] = out[t] * (1 - cover[..., None]) + laid
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


def _ball(radius: float, channels: int, other: Codes, random: np.random.Generator) -> tuple[Real, Real]:
    """(cover, paint) of one thing: mostly round, sometimes flat or with corners."""
    side = 2 * max(round(radius), 3) + 8
    shape, middle = np.zeros((side, side), np.float32), side / 2
    flat = 1.0 if random.random() < 0.5 else random.uniform(0.3, 1)
    if random.random() < 0.65:
        cv2.ellipse(shape, _fixed((middle, middle)), _fixed((radius, max(radius * flat, 1.5))), 0, 0, 360, 1.0, -1, cv2.LINE_8, SHIFT)
    else:
        angle = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(5, 12))))
        far = radius * random.uniform(0.4, 1, len(angle))
        corners = middle + far[:, None] * np.stack([np.cos(angle), flat * np.sin(angle)], 1)
        cv2.fillPoly(shape, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_8, SHIFT)
    shape = np.asarray(cv2.GaussianBlur(shape, (0, 0), random.uniform(0.4, 1.6)), np.float32)
    paint = _texture(shape.shape, channels, other, random)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / middle - 1
    light = random.uniform(0, 2 * np.pi)
    shade = 1 + random.uniform(0, 0.6) * (np.cos(light) * columns + np.sin(light) * rows)
    return shape, np.asarray(np.clip(paint * shade[..., None], 0, 255), np.float32)


def _limb(length: float, thick: float, channels: int, other: Codes, random: np.random.Generator) -> tuple[Real, Real]:
    """(cover, texture) of one long shape that begins in the middle of the left side: smooth, often bent or with a head at its end."""
    size = (max(round(length), 8), max(round(thick), 4))
    shape = np.zeros((size[1] + 8, size[0] + 8), np.float32)
    half = size[1] / 2
    middle = shape.shape[0] / 2
    lean = random.uniform(0.4, 1.0)
    along = np.linspace(0, 1, 24)
    bend = random.normal(0, 0.15) * size[1] * np.sin(np.pi * along)
    wide = half * (1 + (lean - 1) * along) * (1 + np.interp(along, np.linspace(0, 1, 5), random.normal(0, 0.15, 5)))
    if random.random() < 0.4:  # a racket, a hand, a bat
        wide[:14] *= random.uniform(0.25, 0.6)
    x = 2 + along * (size[0] + 2)
    outline = np.concatenate([np.stack([x, middle + bend - wide], 1), np.stack([x, middle + bend + wide], 1)[::-1]])
    cv2.fillPoly(shape, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_8, SHIFT)
    shape = cv2.GaussianBlur(shape, (0, 0), random.uniform(0.5, 2.0)) * random.choice([1.0, 1.0, random.uniform(0.4, 1.0)])
    return shape, _texture(shape.shape, channels, other, random)


def _texture(size: tuple[int, ...], channels: int, other: Codes, random: np.random.Generator) -> Real:
    """(H, W, C) 0 … 255: a part of another film, more or less flattened, sometimes as pale as skin or paper."""
    taken = other[int(random.integers(len(other)))]
    top = int(random.integers(max(taken.shape[0] - size[0], 0) + 1))
    left = int(random.integers(max(taken.shape[1] - size[1], 0) + 1))
    texture = taken[top : top + size[0], left : left + size[1]].astype(np.float32)
    texture = cv2.resize(texture, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(*size, -1)
    if texture.shape[2] != channels:
        texture = texture.mean(2, keepdims=True) if channels == 1 else np.repeat(texture, 3, 2)
    flat = random.uniform(0.2, 1.0)  # how much of the texture is left
    pale = random.random() < 0.35  # skin, paper, a white sleeve: paler than nearly everything behind it
    warm = np.sort(random.uniform(0.75, 1.0, channels))[::-1]  # red over green over blue
    tone = random.uniform(0.55, 1.0) * 255 * warm if pale else texture.mean((0, 1)) * random.uniform(0.5, 1.6)
    return np.asarray(np.clip(tone + flat * (texture - texture.mean((0, 1))), 0, 255), np.float32)


def _streak(cover: Real, place: np.ndarray, way: np.ndarray, wide: float, strength: float) -> None:
    cv2.line(cover, _fixed(place - way / 2), _fixed(place + way / 2), float(strength), max(1, round(2 * wide)), cv2.LINE_8, SHIFT)


def _fixed(point: "np.ndarray | tuple[float, float]") -> tuple[int, int]:
    """A place as OpenCV's fixed-point numbers."""
    return round(float(point[0]) * 16), round(float(point[1]) * 16)


def _over(frame: Codes, cover: Real, tone: NDArray[np.floating]) -> Codes:
    """A tone laid over a frame, never darker than the frame."""
    below = frame.astype(np.float32)
    laid = below + cover[..., None] * np.maximum(tone.astype(np.float32) - below, 0)
    return np.asarray(np.clip(np.rint(laid), 0, 255), np.uint8)
