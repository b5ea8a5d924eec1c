"""Mend a defect from neighbouring frames: several candidates, the best by evidence, grain drawn anew.

Candidates are every neighbour along its own motion carried across the hole, and along half of the motion between two neighbours.
Evidence is how well
a candidate continues the ring around the hole and how far it agrees with the others inside. Source: method.md §4 as docs/sources.md
tells it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Mask, Patch, Provenance, Real
from frdm.motion.window import Window, carry
from frdm.recipe import Filling
from frdm.signal.grain import Grain, draw_grain, high_pass


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


def fill(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one defect, or say why not."""
    unit = window.luma.shape[0] / 480
    crop, hole = _crop(defect, window.luma.shape, unit, ground.encoding)
    ring = ~ground.suspects[crop.rows, crop.columns] & ~hole
    if ring.sum() < 12:
        return Fill(None, None, "no sound film around it")
    candidates = make_candidates(window, crop, hole, ring)
    sigma = float(ground.noise[crop.rows, crop.columns][ring].mean())
    best = candidates[0]
    trust = trust_of(best.cost, sigma)
    chosen = [c for c in candidates if c.cost <= 1.25 * best.cost + 0.15 * sigma][:4]
    provenance = Provenance("neighbours", tuple(dict.fromkeys(window.neighbours[c.neighbour].frame.index for c in chosen)), trust=trust)
    if trust < settings.least_trust:
        return Fill(None, provenance, f"motion can't be trusted here (trust {trust:.2f})")
    return Fill(_patch(window, defect, crop, hole, ring, chosen, ground, settings), provenance)


def trust_of(cost: float, sigma: float) -> float:
    """0 … 1 from a candidate's cost: 1 when it misses the ring by no more than noise does."""
    return float(1 / (1 + (max(cost / max(sigma, 1e-4) - 1.0, 0.0) / 2.0) ** 2))


def _crop(defect: Defect, shape: tuple[int, ...], unit: float, encoding: Encoding) -> tuple[Box, Mask]:
    """The box around a defect with room for a ring, on the chroma grid, and the hole in it (the defect's mask)."""
    box, margin = defect.box, max(8, round(9 * unit))
    v, h = encoding.step(1)
    top, left = max(box.top - margin, 0) // v * v, max(box.left - margin, 0) // h * h
    bottom = min(-(-(box.bottom + margin) // v) * v, shape[0])
    right = min(-(-(box.right + margin) // h) * h, shape[1])
    crop = Box(box.frame, top, left, bottom, right)
    hole = np.zeros((bottom - top, right - left), bool)
    hole[box.top - top : box.bottom - top, box.left - left : box.right - left] = defect.mask
    return crop, hole


def make_candidates(window: Window, crop: Box, hole: Mask, ring: Mask) -> list[Candidate]:
    """All candidates for a hole, best first."""
    centre = window.luma[crop.rows, crop.columns]
    found = []
    for place, neighbour in enumerate(window.neighbours):
        own = carry(neighbour.aligned.displacement[:, crop.rows, crop.columns], ~ring, 3.0)
        variants = [own] if neighbour.halfway is None else [own, neighbour.halfway[:, crop.rows, crop.columns]]
        found += [(place, d, match_ring(centre, take(neighbour.raw, d, crop), ring)) for d in variants]
    agreed = np.median([luma for _, _, luma in found], axis=0)
    distance = [1.0 + 0.1 * abs(window.neighbours[place].aligned.offset) for place, _, _ in found]
    rated = [
        Candidate(p, d, luma, float(w * _cost(centre, luma, agreed, hole, ring))) for w, (p, d, luma) in zip(distance, found, strict=True)
    ]
    return sorted(rated, key=lambda c: c.cost)


def _cost(centre: Real, luma: Real, agreed: Real, hole: Mask, ring: Mask) -> float:
    """Mean absolute miss on the ring, and of what all candidates agree on inside."""
    close = cv2.GaussianBlur(np.abs(centre - luma), (0, 0), 0.8)
    ring_miss = float(close[ring].mean())
    inside = float(np.abs(cv2.GaussianBlur(luma - agreed, (0, 0), 0.8))[hole].mean()) if hole.any() else 0.0
    return ring_miss + 0.5 * inside


def take(source: Real, d: Real, crop: Box, *, step: tuple[int, int] = (1, 1), cubic: bool = True) -> Real:
    """The part of a plane that the crop shows along `d` (px of that plane, on that plane's crop)."""
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + crop.top // step[0] + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + crop.left // step[1] + d[1]
    kernel = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(source, columns, rows, kernel, borderMode=cv2.BORDER_REPLICATE))


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


def _patch(
    window: Window, defect: Defect, crop: Box, hole: Mask, ring: Mask, chosen: Sequence[Candidate], ground: Ground, settings: Filling
) -> Patch:
    """The pixels: chosen candidates joined, exposure matched, grain renewed, in codes."""
    soft = feather(hole, settings.feather * window.luma.shape[0] / 480)
    weights = np.array([1 / (c.cost + 1e-4) ** 2 for c in chosen])
    weights /= weights.sum()
    mattes, codes = [], []
    for plane in range(ground.encoding.pictures):
        matte = on_plane(soft, ground.encoding, plane)
        known = on_plane(ring.astype(np.float32), ground.encoding, plane) > 0.99
        base = _joined(window, crop, plane, chosen, weights, known, ground.encoding)
        seed = (crop.frame, crop.top, crop.left, plane)
        fresh = renew_grain(base, ground.grain[plane], float((weights**2).sum()), np.random.default_rng(seed))
        mattes.append(np.rint(matte * WHOLE).astype(np.uint16))
        codes.append(to_codes(fresh, ground.encoding))
    return Patch(crop, tuple(mattes), tuple(codes))


def _joined(
    window: Window, crop: Box, plane: int, chosen: Sequence[Candidate], weights: np.ndarray, known: Mask, encoding: Encoding
) -> Real:
    """The weighted mean of the candidates on one plane, each matched to the ring (float codes)."""
    step = encoding.step(plane)
    rows, columns = crop.on_plane(encoding, plane)
    centre = _real(window.frame, plane)[rows, columns]
    total = np.zeros_like(centre)
    for candidate, weight in zip(chosen, weights, strict=True):
        d = candidate.displacement
        if step != (1, 1):
            size = (centre.shape[1], centre.shape[0])
            d = np.stack(
                [
                    cv2.resize(d[0], size, interpolation=cv2.INTER_AREA) / step[0],
                    cv2.resize(d[1], size, interpolation=cv2.INTER_AREA) / step[1],
                ]
            )
        luma = take(_real(window.neighbours[candidate.neighbour].frame, plane), d, crop, step=step)
        total += np.float32(weight) * (match_ring(centre, luma, known) if known.sum() >= 8 else luma)
    return total


def _real(frame: Frame, plane: int) -> Real:
    return frame.planes[plane].astype(np.float32)


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
