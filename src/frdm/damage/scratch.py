"""Short scratches and digs: cuts of a frame's length or less. Depths are float32 (height, width), 0 … 1; lengths are px."""

import numpy as np

from frdm.damage.shapes import Points, cloud, filled, fineness, ragged, softened, stroke
from frdm.film import Real


def short_scratch(random: np.random.Generator, length: float, *, width: float, softness: float) -> Real:
    """An almost straight cut, mostly along the film, that begins and ends softly."""
    path = _path(random, length)
    depth, origin = stroke(path, width=width, fine=3)
    return softened(depth * _ends(depth.shape, path + origin), softness)


def _path(random: np.random.Generator, length: float) -> Points:
    along = np.linspace(-0.5, 0.5, max(4, int(length / 3)))
    lean = random.normal(0, 0.12) if random.random() < 0.75 else random.uniform(-1.5, 1.5)
    bow = random.normal(0, 0.04) * length
    x, y = bow * (1 - 4 * along**2), along * length
    if random.random() < 0.25:  # it slips once, as a grain does that rolls
        x = x + np.where(along > random.uniform(-0.3, 0.3), random.normal(0, 0.06) * length, 0)
    return np.stack([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)], 1)


def _ends(shape: tuple[int, ...], path: Points) -> Real:
    """A factor that falls to 0 over the last fifth at both ends of a path."""
    start, stop = path[0], path[-1]
    line = (stop - start) / max(float(np.hypot(*(stop - start))), 1e-6) ** 2
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    along = (columns + 0.5 - start[0]) * line[0] + (rows + 0.5 - start[1]) * line[1]
    return np.asarray(np.clip(np.minimum(along, 1 - along) * 5 + 0.3, 0, 1), np.float32)


def dig(random: np.random.Generator, size: float, *, softness: float) -> Real:
    """A gouge: the emulsion torn off in a ragged flake, deep in the middle and shallow at one end."""
    cover, _ = filled(
        ragged(random, size, rough=random.uniform(0.25, 0.5), aspect=float(np.exp(random.uniform(0.2, 1.4)))), fine=fineness(size)
    )
    rows, columns = np.mgrid[: cover.shape[0], : cover.shape[1]].astype(np.float32)
    turn = random.uniform(0, 2 * np.pi)
    slope = ((columns / cover.shape[1] - 0.5) * np.cos(turn) + (rows / cover.shape[0] - 0.5) * np.sin(turn)).astype(np.float32)
    rough = cloud(random, (cover.shape[0], cover.shape[1]), max(size / 4, 1.2))
    depth = cover * np.clip(np.float32(random.uniform(0.6, 1.1)) + np.float32(0.7) * slope + np.float32(0.12) * rough, 0.15, 1)
    return softened(np.asarray(depth, np.float32), softness)
