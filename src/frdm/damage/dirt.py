"""Dirt that lies on the film for one frame: dust, clumps of it, sparkles. Covers are float32, 0 … 1; sizes are px, the root of the area."""

import cv2
import numpy as np

from frdm.damage.shapes import cloud, filled, fineness, ragged, shard, softened
from frdm.film import Real


def dust(random: np.random.Generator, size: float, softness: float, *, aspect: float = 1.3, thin: float = 0.5) -> Real:
    """A speck: mostly a ragged grain, sometimes a splinter, sometimes a shell that light shines through in the middle.

    `thin` 0 … 1: how much its own unevenness shows, 0 in an opaque one.
    """
    form = random.random()
    aspect, sharp = min(aspect, 5.0), before_blur(size, softness)
    splinter = form > 0.8 and size < 12 * softness
    outline = shard(random, sharp, aspect=aspect) if splinter else ragged(random, sharp, rough=random.uniform(0.08, 0.3), aspect=aspect)
    cover, _ = filled(outline, fine=fineness(sharp))
    if form < 0.12 and size > 3:
        cover = hollow(cover, random.uniform(0.4, 0.9) * (0.3 + 0.7 * thin))
    elif size > 4:
        cover = cover * uneven(random, cover.shape, size, thin)
    return peaked(softened(cover, softness) if form < 0.75 or splinter else haloed(cover, size, softness))


def clump(random: np.random.Generator, size: float, softness: float, *, thin: float = 0.5) -> Real:
    """Several grains stuck together, up to a blotch, or lying loose beside each other as crumbs do; `size` is the root of their area."""
    loose = random.random() < 0.4
    side = int(np.ceil(size * (5 if loose else 2.4))) + 4
    out = np.zeros((side, side), np.float32)
    pieces = int(random.integers(5, 16) if loose else random.integers(2, 9))
    middle = np.array([side, side]) / 2
    shares = random.dirichlet(np.full(pieces, 1.2)) ** 0.5 * (0.7 if loose else 1.0)
    for share in shares:
        grain = size * float(share)
        outline = ragged(random, max(grain, 1.2), rough=random.uniform(0.2, 0.45), aspect=float(np.exp(abs(random.normal(0, 0.3)))))
        place = middle + random.normal(0, (0.6 if loose else 0.24) * size, 2)
        cover, origin = filled(outline + place % 1, fine=fineness(grain))
        lay(out, cover, np.floor(place) - origin)
    if size > 6:
        out *= uneven(random, out.shape, size, thin)
    return peaked(softened(trimmed(out), softness))


def sparkle(random: np.random.Generator, size: float, softness: float) -> Real:
    """A point of a px or two, the place of which lies between pixels."""
    outline = ragged(random, size, rough=0.2, aspect=float(random.uniform(1, 2))) + random.uniform(0, 1, 2)
    cover, _ = filled(outline, fine=4)
    return softened(cover, softness)


def haloed(cover: Real, size: float, softness: float) -> Real:
    """A round drop or a grain out of focus: a dense core in a faint halo."""
    wide = softened(cover, max(softness, 0.35 * size))
    core = softened(cover, softness)
    top, left = ((a - b) // 2 for a, b in zip(wide.shape, core.shape, strict=True))
    out = np.float32(0.7) * wide
    part = out[top : top + core.shape[0], left : left + core.shape[1]]
    np.maximum(part, core, out=part)
    return out


def before_blur(size: float, softness: float) -> float:
    """Root of the area that looks `size` wide at half its height once it is blurred by `softness` px."""
    return float(np.sqrt(max(size**2 - (2.1 * softness) ** 2, (0.4 * size) ** 2)))


def peaked(cover: Real) -> Real:
    """The cover with its peak at 1 again, where blur has thinned it out, but no more than doubled."""
    return cover * np.float32(min(1 / max(float(cover.max(initial=0)), 1e-3), 2.0))


def hollow(cover: Real, depth: float) -> Real:
    """The cover with its inside thinned by `depth`: a flake or a bubble, whose rim stops more light than its middle."""
    inside = cv2.erode(cover, np.ones((3, 3), np.uint8))
    inner = np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.8), np.float32)
    out: Real = cover - np.float32(depth) * inner
    return np.asarray(np.clip(out, 0, 1), np.float32)


def uneven(random: np.random.Generator, shape: tuple[int, ...], size: float, thin: float) -> Real:
    """A factor (H, W) below 1 that varies over the piece, the more the thinner it is: no grain is equally thick everywhere."""
    lumps = cloud(random, (shape[0], shape[1]), max(size / 3, 1.5)) + np.float32(0.6) * cloud(random, (shape[0], shape[1]), 1.5)
    return np.asarray(np.clip(1 - np.float32(thin) * (0.25 - np.float32(random.uniform(0.05, 0.4)) * lumps), 0.1, 1), np.float32)


def lay(canvas: Real, cover: Real, corner: np.ndarray) -> None:
    """Lay a cover on a canvas at corner (x, y), in place; where two meet the thicker counts."""
    x, y = (int(v) for v in corner)
    rows = slice(max(y, 0), min(y + cover.shape[0], canvas.shape[0]))
    columns = slice(max(x, 0), min(x + cover.shape[1], canvas.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = cover[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        np.maximum(canvas[rows, columns], part, out=canvas[rows, columns])


def trimmed(cover: Real) -> Real:
    """The cover without its empty border."""
    rows, columns = np.flatnonzero(cover.max(1) > 0), np.flatnonzero(cover.max(0) > 0)
    if not rows.size:
        return cover
    return cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
