"""Let one chosen neighbour show through a hole: along the motion or straight, moved by hand if need be. A person said that it is right, so
nothing is refused for want of trust.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from frdm.errors import RecipeError
from frdm.fills.neighbours import (
    CARRIED,
    Fill,
    Ground,
    Rim,
    Site,
    feather,
    joined,
    motion_on_plane,
    on_plane,
    site_of,
    spoilt_motion,
    take,
    to_codes,
    trust_of,
)
from frdm.film import WHOLE, Codes, Defect, Patch, Provenance, Real
from frdm.motion.window import Neighbour, Window, carry

FEWEST = 12  # samples of sound film around a hole, without which exposure isn't matched


@dataclass(frozen=True, slots=True)
class Reveal:
    """What is shown through: a frame (None: the nearest neighbour), along the motion or not, moved by (dy, dx) px of the film."""

    source: int | None = None
    follow: bool = True
    offset: tuple[float, float] = (0.0, 0.0)
    feather: float = 1.5  # px


def reveal(window: Window, defect: Defect, ground: Ground, wish: Reveal) -> Fill:
    """The neighbour's pixels, their exposure matched to the film around the hole. Raises `RecipeError` for a frame that is no neighbour."""
    neighbour = neighbour_of(window, wish.source)
    site = site_of(window, defect, ground)
    motion = _motion(site, neighbour, wish)
    rows, columns = site.small.rows, site.small.columns
    small = motion if window.scale.same else _reduced(motion, site)
    miss = np.abs(window.luma[rows, columns] - take(neighbour.raw, small, site.small))[site.small_ring]
    noise = float(ground.noise[rows, columns].mean())
    trust = trust_of(float(miss.mean()), noise) if miss.size else 0.0
    soft = feather(site.hole, wish.feather)
    mattes, codes = [], []
    for plane in range(ground.encoding.pictures):
        mattes.append(np.rint(on_plane(soft, ground.encoding, plane) * WHOLE).astype(np.uint16))
        codes.append(_shown(site, neighbour, motion, plane))
    return Fill(Patch(site.crop, tuple(mattes), tuple(codes)), Provenance("reveal", (neighbour.frame.index,), trust=round(trust, 4)))


def neighbour_of(window: Window, source: int | None) -> Neighbour:
    """The neighbour that is a given frame; None: the nearest. Raises `RecipeError`."""
    known = {neighbour.frame.index: neighbour for neighbour in window.neighbours}
    if not known:
        raise RecipeError(f"frame {window.frame.index}: no neighbour in its shot can be shown through; use the engine surround")
    if source is None:
        return window.neighbours[0]
    if source not in known:
        listed = ", ".join(str(index) for index in sorted(known))
        raise RecipeError(f"frame {source} is no neighbour of frame {window.frame.index}; give one of {listed}")
    return known[source]


def _motion(site: Site, neighbour: Neighbour, wish: Reveal) -> Real:
    """(2, h, w) displacement on the crop at the film's own size."""
    shape = (2, *site.hole.shape)
    out = np.zeros(shape, np.float32)
    if wish.follow:
        near = neighbour.aligned.displacement[:, site.small.rows, site.small.columns]
        out = site.window.scale.motion(carry(near, spoilt_motion(site), CARRIED), site.small, site.crop)
    return np.asarray(out + np.asarray(wish.offset, np.float32)[:, None, None], np.float32)


def _reduced(motion: Real, site: Site) -> Real:
    """The same displacement on the searched picture, in its pixels."""
    height, width = site.small_hole.shape
    small = [cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA) for part in motion]
    return np.stack([part / np.float32(ratio) for part, ratio in zip(small, site.window.scale.ratio, strict=True)])


def _shown(site: Site, neighbour: Neighbour, motion: Real, plane: int) -> Codes:
    """One plane of the crop as the neighbour shows it, in codes."""
    encoding = site.ground.encoding
    rows, columns = site.crop.on_plane(encoding, plane)
    centre = np.nan_to_num(site.window.frame.planes[plane][rows, columns].astype(np.float32))
    source = np.nan_to_num(neighbour.frame.planes[plane].astype(np.float32))
    d = motion_on_plane(motion, encoding, plane)
    y = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(rows.start) + d[0]
    x = np.arange(d.shape[2], dtype=np.float32) + np.float32(columns.start) + d[1]
    taken = np.asarray(cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)
    ring = on_plane(site.ring.astype(np.float32), encoding, plane) > 0.99
    matched = joined(centre, [taken], [1.0], Rim.of(ring)) if ring.sum() >= FEWEST else taken
    return to_codes(matched, encoding)
