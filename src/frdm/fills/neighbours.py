"""Mend a defect from neighbouring frames: several candidates, the best by evidence, grain drawn anew.

Candidates are every neighbour along its own motion carried across the hole, and along half of the motion between two neighbours.
Evidence is how well a candidate continues the ring around the hole and how far it agrees with the others inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Mask, Patch, Provenance, Real
from frdm.motion.window import Window, carry
from frdm.recipe import Filling
from frdm.signal.grain import Grain, draw_grain, grain_alike, high_pass

FEWEST = 12  # pixels of sound film without which nothing can be judged


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a fill knows of its frame besides the window."""

    encoding: Encoding
    suspects: Mask  # (H, W) every pixel that may be damaged: no ring is measured there
    noise: Real  # (H, W) working units
    grain: tuple[Grain, ...]  # one a picture plane


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One source for a hole, on the crop."""

    neighbour: int  # place in window.neighbours
    displacement: Real  # (2, h, w)
    luma: Real  # (h, w), exposure matched to the ring
    cost: float  # working units; smaller is better


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """A patch with its provenance, or the reason why there is none."""

    patch: Patch | None
    provenance: Provenance | None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A defect's place: the crop around it, the hole in it, and the ring of sound film on which candidates are judged."""

    window: Window
    ground: Ground
    crop: Box
    hole: Mask
    ring: Mask


def fill(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one defect, or say why not."""
    crop, hole = crop_around(defect, window.luma.shape, ground.encoding)
    ring = ~ground.suspects[crop.rows, crop.columns] & ~hole
    if ring.sum() < FEWEST:
        return Fill(None, None, "no sound film around it")
    site = Site(window, ground, crop, hole, ring)
    candidates = make_candidates(site)
    sigma = float(ground.noise[crop.rows, crop.columns][ring].mean())
    best = candidates[0]
    trust = trust_of(best.cost, sigma)
    chosen = [c for c in candidates if c.cost <= 1.25 * best.cost + 0.15 * sigma][:4]
    provenance = Provenance(
        "neighbours", tuple(dict.fromkeys(window.neighbours[c.neighbour].frame.index for c in chosen)), trust=round(trust, 4)
    )
    if trust < settings.least_trust:
        return Fill(None, provenance, f"motion can't be trusted here (trust {trust:.2f})")
    return Fill(_patch(site, chosen, settings), provenance)


def trust_of(cost: float, sigma: float) -> float:
    """0 … 1 from a candidate's cost: 1 when it misses the ring by no more than noise does."""
    return float(1 / (1 + (max(cost / max(sigma, 1e-4) - 1.0, 0.0) / 2.0) ** 2))


def crop_around(defect: Defect, shape: tuple[int, ...], encoding: Encoding) -> tuple[Box, Mask]:
    """The box around a defect with room for a ring, on the chroma grid, and the hole in it (the defect's mask)."""
    box, margin = defect.box, max(8, round(9 * shape[0] / 480))
    v, h = encoding.step(1)
    top, left = max(box.top - margin, 0) // v * v, max(box.left - margin, 0) // h * h
    bottom = min(-(-(box.bottom + margin) // v) * v, shape[0])
    right = min(-(-(box.right + margin) // h) * h, shape[1])
    crop = Box(box.frame, top, left, bottom, right)
    hole = np.zeros((bottom - top, right - left), bool)
    hole[box.top - top : box.bottom - top, box.left - left : box.right - left] = defect.mask
    return crop, hole


def make_candidates(site: Site) -> list[Candidate]:
    """All candidates for a hole, best first."""
    rows, columns = site.crop.rows, site.crop.columns
    neighbours = site.window.neighbours
    centre = site.window.luma[rows, columns]
    found = []
    for place, neighbour in enumerate(neighbours):
        own = carry(neighbour.aligned.displacement[:, rows, columns], ~site.ring, 3.0)
        variants = [own] if neighbour.halfway is None else [own, neighbour.halfway[:, rows, columns]]
        found += [(place, d, match_ring(centre, take(neighbour.raw, d, site.crop), site.ring)) for d in variants]
    agreed = np.asarray(np.median([luma for _, _, luma in found], axis=0), np.float32)
    far = [1.0 + 0.1 * abs(neighbours[place].aligned.offset) for place, _, _ in found]
    rated = [Candidate(p, d, luma, w * _cost(centre, luma, agreed, site)) for w, (p, d, luma) in zip(far, found, strict=True)]
    return sorted(rated, key=lambda c: c.cost)


def _cost(centre: Real, luma: Real, agreed: Real, site: Site) -> float:
    """Mean absolute miss on the ring, and half of the miss of what all candidates agree on inside."""
    ring_miss = float(cv2.GaussianBlur(np.abs(centre - luma), (0, 0), 0.8)[site.ring].mean())
    inside = float(np.abs(cv2.GaussianBlur(luma - agreed, (0, 0), 0.8))[site.hole].mean()) if site.hole.any() else 0.0
    return ring_miss + 0.5 * inside


def take(source: Real, d: Real, crop: Box) -> Real:
    """The part of a luma picture that the crop shows along `d` (2, h, w)."""
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(crop.top) + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + np.float32(crop.left) + d[1]
    return np.asarray(cv2.remap(source, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def match_ring(centre: Real, candidate: Real, ring: Mask) -> Real:
    """`candidate` moved so that its slow part meets the ring: flicker and breathing compensated, no seam."""
    difference = centre - candidate
    steady = float(np.median(difference[ring]))
    spread = float(np.median(np.abs(difference[ring] - steady))) * 3 + 1e-6
    rest = np.where(ring, np.clip(difference - steady, -spread, spread), 0).astype(np.float32)
    sigma = max(3.0, 0.12 * max(ring.shape))
    weight = cv2.GaussianBlur(ring.astype(np.float32), (0, 0), sigma) + np.float32(0.02)
    out: Real = candidate + np.float32(steady) + cv2.GaussianBlur(rest, (0, 0), sigma) / weight
    return out


def _patch(site: Site, chosen: Sequence[Candidate], settings: Filling) -> Patch:
    """The pixels: chosen candidates joined, exposure matched, grain renewed, in codes."""
    crop, encoding = site.crop, site.ground.encoding
    soft = feather(site.hole, settings.feather * site.window.luma.shape[0] / 480)
    weights = np.array([1 / (c.cost + 1e-4) ** 2 for c in chosen])
    weights /= weights.sum()
    mattes, codes = [], []
    for plane in range(encoding.pictures):
        base = _joined(site, plane, chosen, weights)
        random = np.random.default_rng((crop.frame, crop.top, crop.left, _grain_of(site, plane)))
        fresh = renew_grain(base, site.ground.grain[plane], float((weights**2).sum()), random)
        mattes.append(np.rint(on_plane(soft, encoding, plane) * WHOLE).astype(np.uint16))
        codes.append(to_codes(fresh, encoding))
    return Patch(crop, tuple(mattes), tuple(codes))


def _grain_of(site: Site, plane: int) -> int:
    """The plane whose grain this one carries: the first, where they are alike, else itself."""
    frame, encoding = site.window.frame, site.ground.encoding
    if plane == 0 or encoding.step(plane) != (1, 1):
        return plane
    first, own = (_real(frame, p, site.crop.rows, site.crop.columns) for p in (0, plane))
    return 0 if grain_alike(first, own, site.ring) else plane


def _joined(site: Site, plane: int, chosen: Sequence[Candidate], weights: NDArray[np.float64]) -> Real:
    """The weighted mean of the candidates on one plane, each matched to the ring (float codes)."""
    encoding, neighbours = site.ground.encoding, site.window.neighbours
    rows, columns = site.crop.on_plane(encoding, plane)
    centre = _real(site.window.frame, plane, rows, columns)
    known = on_plane(site.ring.astype(np.float32), encoding, plane) > 0.99
    total = np.zeros_like(centre)
    for candidate, weight in zip(chosen, weights, strict=True):
        frame = neighbours[candidate.neighbour].frame
        shown = _taken(frame, plane, motion_on_plane(candidate.displacement, encoding, plane), site.crop, encoding.step(plane))
        total += np.float32(weight) * (match_ring(centre, shown, known) if known.sum() >= FEWEST else shown)
    return total


def motion_on_plane(d: Real, encoding: Encoding, plane: int) -> Real:
    """A displacement of the luma grid at the plane's own resolution, in its pixels."""
    step = encoding.step(plane)
    return d if step == (1, 1) else np.stack([on_plane(part, encoding, plane) / np.float32(s) for part, s in zip(d, step, strict=True)])


def _real(frame: Frame, plane: int, rows: slice, columns: slice) -> Real:
    return np.nan_to_num(frame.planes[plane][rows, columns].astype(np.float32))


def _taken(frame: Frame, plane: int, d: Real, crop: Box, step: tuple[int, int]) -> Real:
    """`take` on a part of a native plane that is large enough for the motion: whole planes are not turned to floats for one crop."""
    codes = frame.planes[plane]
    top, left = crop.top // step[0], crop.left // step[1]
    reach = [int(np.abs(part).max()) + 4 for part in d]
    y0, x0 = max(top - reach[0], 0), max(left - reach[1], 0)
    y1, x1 = min(top + d.shape[1] + reach[0], codes.shape[0]), min(left + d.shape[2] + reach[1], codes.shape[1])
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(top - y0) + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + np.float32(left - x0) + d[1]
    part = _real(frame, plane, slice(y0, y1), slice(x0, x1))
    return np.asarray(cv2.remap(part, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def renew_grain(base: Real, grain: Grain, share: float, rng: np.random.Generator) -> Real:
    """`base` with its own grain taken down where nothing but grain is, and fresh grain of the film's strength laid over.

    `share` is the part of one frame's grain power that is left in `base` (1 for one source, 1/n for the mean of n).
    """
    strength = grain.at(base)
    fine = high_pass(base)
    power = cv2.GaussianBlur(fine**2, (0, 0), 2.5)
    left = share * strength**2
    gain = np.clip((power - 1.3 * left) / np.maximum(power, 1e-9), 0, 1)
    missing = np.sqrt(np.maximum(strength**2 - gain**2 * left, 0))
    fresh = draw_grain((base.shape[0], base.shape[1]), grain.softness, rng)
    return np.asarray(base - fine + gain * fine + missing * fresh, np.float32)


def feather(hole: Mask, reach: float) -> Real:
    """A matte that is 1 on the hole and falls to 0 over `reach` px around it."""
    distance = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    out: Real = np.clip(1 - distance / (reach + 1), 0, 1).astype(np.float32)
    return out


def on_plane(matte: Real, encoding: Encoding, plane: int) -> Real:
    """A matte of the luma grid at the plane's own resolution (the mean over each sample's pixels; borders repeat)."""
    v, h = encoding.step(plane)
    if (v, h) == (1, 1):
        return matte
    padded = np.pad(matte, ((0, -matte.shape[0] % v), (0, -matte.shape[1] % h)), mode="edge")
    out: Real = padded.reshape(padded.shape[0] // v, v, padded.shape[1] // h, h).mean((1, 3))
    return out


def to_codes(values: Real, encoding: Encoding) -> np.ndarray:
    """Float codes rounded and kept in range; floats stay floats."""
    if encoding.floating:
        return values.astype(encoding.dtype)
    return np.clip(np.rint(values), 0, (1 << encoding.bits) - 1).astype(encoding.dtype)
