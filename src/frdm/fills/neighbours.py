"""Mend a defect from neighbouring frames: several candidates, the best by evidence, grain drawn anew.

Candidates are every neighbour along its own motion carried across the hole, and along half of the motion between two neighbours.
Evidence is how well a candidate continues the ring of sound film close to the hole and how far it agrees with the others inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.fills.regrain import fresh_grain, planes_by_size, renew_grain
from frdm.film import WHOLE, Box, Codes, Defect, Encoding, Frame, Mask, Patch, Provenance, Real
from frdm.motion.window import Window, carry, dragged_along
from frdm.recipe import Filling
from frdm.signal.grain import Grain, at_most, residue
from frdm.signal.grain_look import deviation
from frdm.signal.smooth import wide_blur

LARGE = (300.0, 600.0)  # px of a 480-line picture, area of a hole from which more trust is asked, and from which all of …
LARGE_TRUST = 0.7  # … this: on held-out film right fills of such holes have 0.77 and more, wrong ones less (docs/training-log.md)
HUGE = (2500.0, 6000.0)  # the same for holes that nothing but still film can fill unseen, up to …
HUGE_TRUST = 0.8  # … this: of 129 such holes on held-out film 65 have more, one of them wrong; below 0.5 a third is (docs/training-log.md)
DRAGGED = 6  # px of the searched picture beside a hole over which dirt drags its motion along: held-out film is mended 1 dB better than
# with none; 4 or 8 px come within 0.2 dB of it
CARRIED = 5.0  # px over which motion is carried under a hole, at first; twice as far again where that meets none
RIM = 3.0  # px of a 480-line picture: what a candidate misses so close to a hole tells more of what it misses inside than the whole ring
STRICT = 1.1  # times a candidate's cost trust is asked of, as when its thresholds were chosen; at 1 a moving piece of 600 px was replaced
KEPT = 0.8  # of the fine grain's power that is left of a frame which is laid along motion: between pixels some is lost
FEWEST = 12  # pixels of sound film without which nothing can be judged


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a fill knows of its frame besides the window."""

    encoding: Encoding
    suspects: Mask  # every pixel of the searched picture that may be damaged: no ring is measured there
    noise: Real  # of the searched picture, working units
    grain: tuple[Grain, ...]  # one a picture plane
    seed: int = 0  # another one draws other grain

    def dice(self, crop: Box, plane: int) -> np.random.Generator:
        """What a plane's grain is drawn with in a crop: the same for the same place and seed."""
        place = (crop.frame, crop.top, crop.left, plane)
        return np.random.default_rng(place if self.seed == 0 else (*place, self.seed))


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One source for a hole, on the crop of the searched picture."""

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
    """A defect's place: the crop around it, the hole in it, and the ring of sound film on which candidates are judged. The same on the
    searched picture, where candidates are compared, under `small`.
    """

    window: Window
    ground: Ground
    crop: Box
    hole: Mask
    ring: Mask
    small: Box
    small_hole: Mask
    small_ring: Mask


def fill(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one defect, or say why not."""
    site = site_of(window, defect, ground)
    if site.small_ring.sum() < FEWEST:
        return Fill(None, None, "no sound film around it")
    candidates = make_candidates(site)
    sigma = float(ground.noise[site.small.rows, site.small.columns][site.small_ring].mean())
    best = candidates[0]
    trust = trust_of(STRICT * best.cost, sigma)
    chosen = [c for c in candidates if c.cost <= 1.25 * best.cost + 0.15 * sigma][:4]
    provenance = Provenance(
        "neighbours", tuple(dict.fromkeys(window.neighbours[c.neighbour].frame.index for c in chosen)), trust=round(trust, 4)
    )
    if trust < least_trust(site, settings):
        return Fill(None, provenance, f"motion can't be trusted here (trust {trust:.2f})")
    return Fill(_patch(site, chosen, settings), provenance)


def least_trust(site: Site, settings: Filling) -> float:
    """The trust that a hole asks for: what the recipe says, and more of a large one, where a wrong fill is seen at once. A recipe that asks
    for none (a person who is sure) gets none.
    """
    if settings.least_trust == 0:
        return 0.0
    area = float(site.hole.sum()) / (site.window.scale.whole[0] / 480) ** 2
    asked = float(np.interp(area, (*LARGE, *HUGE), (settings.least_trust, LARGE_TRUST, LARGE_TRUST, HUGE_TRUST)))
    return max(settings.least_trust, asked)


def trust_of(cost: float, sigma: float) -> float:
    """0 … 1 from a candidate's cost: 1 when it misses the ring by no more than noise does."""
    return float(1 / (1 + (max(cost / max(sigma, 1e-4) - 1.0, 0.0) / 2.0) ** 2))


def site_of(window: Window, defect: Defect, ground: Ground) -> Site:
    """The defect's place with room for a ring, on the chroma grid."""
    scale, near = window.scale, window.scale.box(defect.box)
    height, width = scale.reduced
    margin = max(8, round(9 * height / 480))
    small = Box(
        near.frame,
        max(near.top - margin, 0),
        max(near.left - margin, 0),
        min(near.bottom + margin, height),
        min(near.right + margin, width),
    )
    crop = scale.whole_box(small, step=ground.encoding.step(1))
    hole = _placed(defect, crop)
    if scale.same:
        ring = ~ground.suspects[crop.rows, crop.columns] & ~hole
        return Site(window, ground, crop, hole, ring, crop, hole, ring)
    small_hole = scale.within(crop, hole, small)
    small_ring = ~ground.suspects[small.rows, small.columns] & ~small_hole
    ring = (scale.enlarged(small_ring.astype(np.float32), small, crop) > 0.5) & ~hole
    return Site(window, ground, crop, hole, ring, small, small_hole, small_ring)


def _placed(defect: Defect, crop: Box) -> Mask:
    """The defect's mask in a crop that holds its box."""
    out = np.zeros((crop.bottom - crop.top, crop.right - crop.left), bool)
    box = defect.box
    out[box.top - crop.top : box.bottom - crop.top, box.left - crop.left : box.right - crop.left] = defect.mask
    return out


def make_candidates(site: Site) -> list[Candidate]:
    """All candidates for a hole, best first."""
    rows, columns = site.small.rows, site.small.columns
    neighbours = site.window.neighbours
    centre = site.window.luma[rows, columns]
    rim, close, spoilt = Rim.of(site.small_ring), _close(site), spoilt_motion(site)
    found = []
    for place, neighbour in enumerate(neighbours):
        own = carry(neighbour.aligned.displacement[:, rows, columns], spoilt, CARRIED)
        variants = [own] if neighbour.halfway is None else [own, neighbour.halfway[:, rows, columns]]
        found += [(place, d, joined(centre, [take(neighbour.raw, d, site.small)], [1.0], rim)) for d in variants]
    agreed = np.asarray(np.median([luma for _, _, luma in found], axis=0), np.float32)
    rated = [Candidate(p, d, luma, _cost(centre, luma, agreed, site, close)) for p, d, luma in found]
    return sorted(rated, key=lambda c: c.cost)


def spoilt_motion(site: Site) -> Mask:
    """Where motion over a site's crop is carried on from around: under what is not sound, and beside it; under it alone where that would be
    everywhere.
    """
    unsound = ~site.small_ring
    spoilt = dragged_along(unsound, DRAGGED)
    return unsound if spoilt.all() else spoilt


def _close(site: Site) -> Mask:
    """The part of the ring that lies close to the hole; all of it where that is too little to judge on."""
    close = site.small_ring & (feather(site.small_hole, RIM * site.window.scale.reduced[0] / 480) > 0)
    return close if close.sum() >= FEWEST else site.small_ring


def _cost(centre: Real, luma: Real, agreed: Real, site: Site, close: Mask) -> float:
    """Mean absolute miss on the ring close by, and half of the miss of what all candidates agree on inside."""
    beside = float(np.abs(centre - luma)[close].mean())
    inside = float(np.abs(cv2.GaussianBlur(luma - agreed, (0, 0), 0.8))[site.small_hole].mean()) if site.small_hole.any() else 0.0
    return beside + 0.5 * inside


def take(source: Real, d: Real, crop: Box) -> Real:
    """The part of a luma picture that the crop shows along `d` (2, h, w)."""
    rows = np.arange(d.shape[1], dtype=np.float32)[:, None] + np.float32(crop.top) + d[0]
    columns = np.arange(d.shape[2], dtype=np.float32) + np.float32(crop.left) + d[1]
    return np.asarray(cv2.remap(source, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


@dataclass(frozen=True, slots=True, eq=False)
class Rim:
    """A ring as it is used to match exposure: the ring, and how much of it lies near each pixel."""

    ring: Mask
    reach: float  # px over which the difference on the ring is carried inwards
    weight: Real

    @staticmethod
    def of(ring: Mask) -> "Rim":
        reach = max(3.0, 0.12 * max(ring.shape))
        return Rim(ring, reach, wide_blur(ring.astype(np.float32), reach) + np.float32(0.02))


def joined(centre: Real, candidates: Sequence[Real], weights: Sequence[float], rim: Rim) -> Real:
    """The weighted mean of candidates, each moved so that its slow part meets the ring. All of one shape (h, w)."""
    total, rest = np.zeros_like(centre), np.zeros_like(centre)
    for candidate, weight in zip(candidates, weights, strict=True):
        difference = centre - candidate
        on_ring = difference[rim.ring]
        steady = middle(on_ring)
        spread = middle(np.abs(on_ring - steady)) * 3 + 1e-6
        rest[rim.ring] += np.float32(weight) * np.clip(on_ring - np.float32(steady), -spread, spread)
        total += np.float32(weight) * (candidate + np.float32(steady))
    return np.asarray(total + wide_blur(rest, rim.reach) / rim.weight, np.float32)


def middle(values: NDArray[np.float32]) -> float:
    """The (upper) median of at most a thousand of the values, taken evenly."""
    sample = values[:: max(1, len(values) // 1000)]
    return float(np.partition(sample, len(sample) // 2)[len(sample) // 2])


def _patch(site: Site, chosen: Sequence[Candidate], settings: Filling) -> Patch:
    """The pixels: chosen candidates joined, exposure matched, grain renewed, in codes."""
    encoding = site.ground.encoding
    soft = feather(site.hole, settings.feather * site.window.scale.whole[0] / 480)
    weights = np.array([1 / (c.cost + 1e-4) ** 2 for c in chosen])
    weights /= weights.sum()
    motions = [site.window.scale.motion(c.displacement, site.small, site.crop) for c in chosen]
    sources = list(zip(chosen, motions, weights, strict=True))
    codes: dict[int, Codes] = {}
    for planes in planes_by_size(encoding):
        rim = Rim.of(on_plane(site.ring.astype(np.float32), encoding, planes[0]) > 0.99)
        bases = [_joined(site, plane, sources, rim) for plane in planes]
        grained = _grained(site, planes, bases, rim.ring, float((weights**2).sum()))
        codes |= {plane: to_codes(one, encoding) for plane, one in zip(planes, grained, strict=True)}
    mattes = [np.rint(on_plane(soft, encoding, plane) * WHOLE).astype(np.uint16) for plane in sorted(codes)]
    return Patch(site.crop, tuple(mattes), tuple(codes[plane] for plane in sorted(codes)))


def _grained(site: Site, planes: Sequence[int], bases: Sequence[Real], ring: Mask, share: float) -> list[Real]:
    """Planes of one size with the grain that the film has and its neighbours do not show, as both tell on the ring (float codes)."""
    crop, ground = site.crop, site.ground
    apart = [_real(site.window.frame, p, *crop.on_plane(ground.encoding, p)) - base for p, base in zip(planes, bases, strict=True)]
    grains = [ground.grain[plane] for plane in planes]
    if ring.any():
        shown = [deviation(residue(one, ring), ring) / np.sqrt(1 + KEPT * share) for one in apart]
        grains = [at_most(grain, float(s), base[ring]) for grain, s, base in zip(grains, shown, bases, strict=True)]
    fresh = fresh_grain(apart, ring, [grain.softness for grain in grains], planes, partial(ground.dice, crop))
    return [renew_grain(base, grain.at(base), share, new) for base, grain, new in zip(bases, grains, fresh, strict=True)]


def _joined(site: Site, plane: int, sources: Sequence[tuple[Candidate, Real, float]], rim: Rim) -> Real:
    """The mean of the candidates on one plane, each with its motion and weight and matched to the ring (float codes)."""
    encoding, neighbours = site.ground.encoding, site.window.neighbours
    rows, columns = site.crop.on_plane(encoding, plane)
    centre = _real(site.window.frame, plane, rows, columns)
    weights = [weight for _, _, weight in sources]
    shown = []
    for candidate, motion, _ in sources:
        frame, d = neighbours[candidate.neighbour].frame, motion_on_plane(motion, encoding, plane)
        shown.append(_taken(frame, plane, d, site.crop, encoding.step(plane)))
    if rim.ring.sum() >= FEWEST:
        return joined(centre, shown, weights, rim)
    return np.asarray(np.tensordot(np.asarray(weights, np.float32), np.stack(shown), 1), np.float32)


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
