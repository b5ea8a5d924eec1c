"""Drawn dirt for training the object filter: blobs, lint, hairs and specks of our own, with opacity in density. A stopgap until
frdm.damage exists.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Matte = NDArray[np.float32]


def blob(n: int, rng: Rng) -> Matte:
    """A lump with a ragged outline, n × n."""
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    angle, radius = np.arctan2(y, x), np.hypot(y, x * rng.uniform(0.7, 1.5))
    rough = rng.uniform(0.05, 0.35)
    edge = 0.6 + sum(rough / k * rng.normal() * np.cos(k * angle + rng.uniform(0, 6.28)) for k in range(2, 8))
    cloud = cv2.GaussianBlur(rng.standard_normal((n, n)), (0, 0), max(n / 20, 0.6))
    soft = rng.uniform(0.08, 0.6)
    return (np.clip((edge - radius) / soft + rng.uniform(0, 0.4) * cloud / max(cloud.std(), 1e-3), 0, 1) * (radius < 0.97)).astype(
        np.float32
    )


def thread(n: int, rng: Rng) -> Matte:
    """A hair or a piece of lint of about n px length."""
    side = int(n * 1.6) + 8
    big = 4
    point, heading, bend = np.array([side / 2, side / 2]), rng.uniform(0, 6.28), rng.normal() * 0.6
    points = []
    for _ in range(max(4, n // 2)):
        bend = 0.93 * bend + 0.35 * rng.normal() * rng.uniform(0.2, 1.5)
        heading += bend * 0.12
        point = point + 2 * np.array([np.cos(heading), np.sin(heading)])
        points.append(point)
    drawn = np.asarray(points)
    drawn = (drawn - drawn.mean(0) + side / 2) * big
    canvas = np.zeros((side * big, side * big), np.uint8)
    cv2.polylines(canvas, [np.int32(drawn)], False, 255, int(rng.integers(3, 11)), cv2.LINE_AA)
    return cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def specks(n: int, rng: Rng) -> Matte:
    """A loose cluster of fine dust, n × n."""
    out = np.zeros((n, n), np.float32)
    for _ in range(int(rng.integers(3, 14))):
        s = int(min(rng.integers(4, 9), n - 1))
        y, x = rng.integers(0, n - s, 2)
        out[y : y + s, x : x + s] = np.maximum(out[y : y + s, x : x + s], blob(s, rng))
    return out


class ReelLook:
    """One reel's character: how much dirt, of which polarity, size, softness and tint."""

    def __init__(self, rng: Rng) -> None:
        self.count = float(np.exp(rng.uniform(np.log(2), np.log(35))))
        self.bright = float(rng.choice([0.05, 0.35, 0.5, 0.65, 0.95]))
        self.soft = float(rng.uniform(0.4, 1.1))
        self.tint = float(rng.choice([0, 0, 0.25, 0.5]))
        self.shapes = rng.dirichlet([3.0, 1.2, 0.6])
        self.large = float(rng.choice([0.01, 0.03, 0.1]))
        self.faintest = float(rng.uniform(0.15, 0.5))


def paint(frame: NDArray[np.uint8], look: ReelLook, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(damaged frame, mask): BGR codes with this frame's dirt."""
    h, w = frame.shape[:2]
    unit = h / 480
    density = -np.log10(np.clip((frame.astype(np.float32) / 255) ** 2.2, 1e-4, 1))
    painted = np.zeros((h, w), np.float32)
    for _ in range(rng.poisson(look.count)):
        large = rng.random() < look.large
        size = int(np.clip((rng.uniform(35, 140) if large else np.exp(rng.normal(2.2, 0.75))) * unit, 4, 150 * unit))
        shape = rng.choice(3, p=look.shapes)
        matte = [blob, thread, specks][shape](max(size, 14) if shape else size, rng)
        matte = cv2.GaussianBlur(np.pad(matte, 4), (0, 0), look.soft) * rng.uniform(look.faintest, 1.0)
        y, x = int(rng.uniform(-0.3 * size, h)), int(rng.uniform(-0.3 * size, w))
        ys, xs = slice(max(y, 0), min(y + matte.shape[0], h)), slice(max(x, 0), min(x + matte.shape[1], w))
        if ys.start >= ys.stop or xs.start >= xs.stop:
            continue
        a = matte[ys.start - y : ys.stop - y, xs.start - x : xs.stop - x]
        a = np.where(a > 0.03, a, 0)[..., None]
        goal = rng.uniform(0.02, 0.45) if rng.random() < look.bright else rng.uniform(1.0, 3.2)
        goal = goal * (1 + look.tint * rng.uniform(0, 0.6, 3).astype(np.float32))
        density[ys, xs] = density[ys, xs] * (1 - a) + goal * a
        painted[ys, xs] = np.maximum(painted[ys, xs], a[..., 0])
    codes = np.clip(np.rint(255 * (10.0**-density) ** (1 / 2.2)), 0, 255).astype(np.uint8)
    mask = painted > 0
    return np.where(mask[..., None], codes, frame), mask


def grain(frame: NDArray[np.uint8], sigma: float, size: float, rng: Rng) -> NDArray[np.uint8]:
    """Film grain on BGR codes, strongest in the middle tones."""
    x = frame.astype(np.float32) / 255
    noise = rng.standard_normal(frame.shape).astype(np.float32)
    noise = 0.6 * noise + 0.8 * noise[..., :1]
    noise = cv2.GaussianBlur(noise, (0, 0), size)
    noise /= noise.std()
    return np.clip(np.rint(255 * (x + sigma * (0.35 + 1.3 * np.sqrt(x * (1 - x))) * noise)), 0, 255).astype(np.uint8)


def move_things(frames: list[NDArray[np.uint8]], rng: Rng) -> list[NDArray[np.uint8]]:
    """The film with a few drawn things that fly through it: content that is fast, and no dirt, since it lives on in the next frames."""
    h, w = frames[0].shape[:2]
    unit = h / 480
    out = [f.copy() for f in frames]
    for _ in range(int(rng.integers(1, 6))):
        start = rng.uniform(0, 1, 2) * (w, h)
        speed = rng.uniform(4, 38) * unit
        heading, fall = rng.uniform(0, 6.28), rng.uniform(0, 1.5) * unit
        axes = np.maximum(rng.uniform(1.5, 14, 2) * unit, 1.0)
        tone = [float(v) for v in rng.uniform(0, 255, 3)] if rng.random() < 0.4 else [float(rng.uniform(0, 255))] * 3
        turn = rng.uniform(-25, 25)
        for t, frame in enumerate(out):
            at = start + speed * (t - len(out) / 2) * np.array([np.cos(heading), np.sin(heading)]) + (0, fall * t * t)
            place = (round(float(at[0]) * 16), round(float(at[1]) * 16))
            size = (round(float(axes[0]) * 16), round(float(axes[1]) * 16))
            if max(map(abs, place)) < 16 * 4096:
                cv2.ellipse(frame, place, size, turn * t, 0, 360, tone, -1, cv2.LINE_AA, 4)
    return out
