"""What dried, touched or burnt the film: water stains, fingerprints, burn holes. Covers are float32 (height, width); sizes are px."""

import cv2
import numpy as np

from frdm.damage.shapes import cloud, filled, ragged, softened
from frdm.film import Real


def water(random: np.random.Generator, size: float, softness: float) -> Real:
    """A dried drop: thin inside, thicker at the rim, where the minerals settled; sometimes with an older rim inside."""
    inside = _spread(random, size, rough=random.uniform(0.08, 0.3), smooth=1.9)
    far = cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, 3).astype(np.float32)
    width = max(float(random.uniform(0.012, 0.06)) * size, 0.7)
    out = np.float32(random.uniform(0.12, 0.45)) * inside + np.exp(-((far / width - 1) ** 2)).astype(np.float32) * (far > 0)
    if random.random() < 0.5:
        older = float(random.uniform(0.15, 0.6)) * float(far.max())
        out = out + np.float32(0.5) * np.exp(-(((far - older) / (1.5 * width)) ** 2)).astype(np.float32) * (far > 0)
    out = out * np.clip(0.7 + 0.4 * cloud(random, (out.shape[0], out.shape[1]), size / 5), 0.1, 1.3)
    return softened(np.asarray(out / max(float(out.max()), 1e-6), np.float32), max(softness, 0.006 * size))


def fingerprint(random: np.random.Generator, size: float, softness: float) -> Real:
    """Ridges of grease in an oval: an arch, a loop or a whorl, worn and blotched."""
    height, width = int(size * 1.25), int(size)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = (columns - width / 2) / size, (rows - height / 2) / size
    period = float(random.uniform(0.035, 0.05))  # a thumb of 18 mm has a ridge each 0.5 … 0.9 mm
    bent = 0.05 * cloud(random, (height, width), size / 3)
    eye_x, eye_y = random.normal(0, 0.08), random.normal(0.05, 0.08)
    whorl = np.hypot((x - eye_x) * random.uniform(1, 1.5), y - eye_y)
    arch = (y - eye_y) + random.uniform(0.6, 1.6) * (x - eye_x) ** 2
    mix = 1 / (1 + np.exp((y - eye_y - 0.1) * 14))
    ridges = np.sin(2 * np.pi * ((whorl * mix + arch * (1 - mix)) + bent * 0.5) / period)
    oval = np.clip((1 - (x / 0.46) ** 2 - (y / 0.58) ** 2) * 2.5, 0, 1)
    pressed = np.clip(0.55 + 0.45 * cloud(random, (height, width), size / 4) + 0.2 * cloud(random, (height, width), 3), 0, 1)
    cover = np.asarray(np.clip(ridges * 1.5 + 0.2, 0, 1) * oval * pressed, np.float32)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(random.uniform(0, 360)), 1.0)
    side = int(np.hypot(height, width)) + 2
    centred = np.asarray(turn, np.float64) + np.array([[0, 0, (side - width) / 2], [0, 0, (side - height) / 2]])
    return softened(np.asarray(cv2.warpAffine(cover, centred, (side, side), flags=cv2.INTER_LINEAR), np.float32), softness)


def burn(random: np.random.Generator, size: float, softness: float) -> tuple[Real, Real]:
    """(hole, char): where the film is gone and the lamp shines through, and the scorched, bubbled rim around it."""
    hole = _spread(random, size, rough=random.uniform(0.15, 0.4), margin=0.5)
    scorch = np.asarray(cv2.GaussianBlur(hole, (0, 0), max(0.09 * size, 1.0)), np.float32)
    lumps = 1 + np.float32(0.35) * cloud(random, (hole.shape[0], hole.shape[1]), max(size / 12, 2))
    scorch = np.clip(scorch * np.float32(2.2) * lumps, 0, 1)
    bubbles = _bubbles(random, hole.shape, size) * (scorch > 0.05)
    char = np.clip(scorch * np.float32(random.uniform(0.6, 1)) + np.float32(0.4) * bubbles, 0, 1) * (1 - hole)
    return softened(hole, softness), softened(np.asarray(char, np.float32), softness)


def lost(random: np.random.Generator, size: float, softness: float) -> tuple[Real, Real]:
    """(hole, flakes): where the emulsion came off over a length of film, torn at its borders, and black flakes of it beside the hole."""
    height, width = int(2.4 * size) + 8, int(float(random.uniform(2.2, 5)) * size) + 8
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    far = np.hypot((columns - width / 2) / (0.31 * width), (rows - height / 2) / (0.26 * height))
    rough = sum(cloud(random, (height, width), size / n) / np.float32(n**0.75) for n in (2, 5, 12, 30))
    level = 1 - far + np.float32(0.32) * rough
    level = np.minimum(level, (1.45 - far + np.float32(0.1) * rough) * 3)  # nothing reaches the border of the piece
    hole = np.asarray(np.clip(level * np.float32(size / 10), 0, 1), np.float32)
    torn = cloud(random, (height, width), size / 8) + np.float32(0.7) * cloud(random, (height, width), size / 22)
    near = np.exp(-((level / 0.16) ** 2)) * (far < 1.4)
    flakes = np.clip((torn * near - 0.75) * 4, 0, 1) * (1 - hole * np.float32(0.6))
    return softened(hole, softness), softened(np.asarray(flakes, np.float32), softness)


def contours(random: np.random.Generator, shape: tuple[int, int], grain: float, width: float) -> Real:
    """Fine closed lines around drops that dried side by side, taller than wide, (H, W) 0 … 1."""
    if min(shape) < 3:
        return np.zeros(shape, np.float32)
    field = cloud(random, (max(3, shape[0] // 2), shape[1]), grain)
    field = np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)
    steep = np.hypot(*np.gradient(field)).astype(np.float32)
    away = np.abs(field - np.float32(random.uniform(-0.2, 0.6))) / np.maximum(steep, 1e-3)
    return np.asarray(np.exp(-((away / np.float32(width)) ** 2)), np.float32)


def _bubbles(random: np.random.Generator, shape: tuple[int, ...], size: float) -> Real:
    canvas = np.zeros(shape, np.uint8)
    for _ in range(int(random.integers(10, 40))):
        centre = (int(random.integers(shape[1])), int(random.integers(shape[0])))
        cv2.circle(canvas, centre, max(1, int(random.exponential(0.04) * size)), int(random.integers(90, 255)), 1, cv2.LINE_AA)
    return np.asarray(canvas / 255, np.float32)


def _spread(random: np.random.Generator, size: float, *, rough: float, margin: float = 0.1, smooth: float = 1.3) -> Real:
    """A blotch about `size` px across, 0 or 1 but for its edge, with `margin` · size px of room around it."""
    outline = ragged(random, size, rough=rough, aspect=float(np.exp(abs(random.normal(0, 0.3)))), smooth=smooth)
    return filled(outline, fine=2 if size < 60 else 1, margin=2 + margin * size)[0]
