"""Connected pieces of candidate pixels, measured: the features by which a piece is judged a defect or film.

All sums over pieces are bincounts over a label picture, so that a thousand pieces cost about as much as one.
Source: Corrigan 2008 (pathological motion), and the two-step pixel and object filter of trainable blotch detection (docs/sources.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.carried import carried_values
from frdm.defects.spikes import Spikes, outside
from frdm.defects.surround import colours, openness
from frdm.film import Mask, Real
from frdm.motion.align import Aligned

FEATURES = (
    "area", "fill", "length", "contrast", "peak", "beyond", "beyond_all", "spread", "spread_ratio", "ring", "ring_ratio",
    "ring_spread", "astray", "motion", "standing_out", "expected_standing_out", "texture", "carried_contrast", "carried_beyond",
    "carried_spread", "carried_closest", "carried_standing_out", "crowd", "upset", "unrest", "wide_unrest", "frame_unrest",
    "frame_crowd", "elsewhere", "elsewhere_worst", "closest", "second", "sides", "noise", "sharpness", "open", "open_side", "colour",
    "colour_ring", "colour_change", "colour_gain",
)  # fmt: skip

GONE = 3.0  # what the search says at best: nothing like it anywhere
REACH = 40  # px of a 480-line picture that something may move in a frame and still be recognised


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Connected pieces of one polarity: labels 1 … n in `labels` (H, W) int32 (0: none), boxes (n, 4) as x, y, w, h."""

    sign: int
    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    areas: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.areas)


def pieces(seeds: Mask, bodies: Mask, sign: int, least: float, most: float) -> Pieces:
    """Connected bodies (8 neighbours) that hold a seed and whose area lies in least … most px."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((bodies | seeds).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    seeded = np.bincount(labels[seeds], minlength=len(areas)) > 0
    keep = seeded & (areas >= least) & (areas <= most)
    keep[0] = False
    number = np.zeros(len(areas), np.int32)
    number[keep] = np.arange(1, keep.sum() + 1, dtype=np.int32)
    return Pieces(sign, number[labels], stats[keep][:, :4].astype(np.int32), areas[keep])


class Sums:
    """Means of pictures over labelled pieces, on the pixels that carry a label."""

    def __init__(self, labels: NDArray[np.int32], count: int) -> None:
        self.where = np.flatnonzero(labels)
        self.label = labels.ravel()[self.where]
        self.count = count
        self.size = np.maximum(np.bincount(self.label, minlength=count + 1)[1:], 1).astype(np.float64)

    def mean(self, picture: NDArray[Any]) -> NDArray[np.float64]:
        return self.mean_at(picture.ravel()[self.where])

    def mean_at(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Means of values that are given at the labelled pixels alone."""
        out: NDArray[np.float64] = np.bincount(self.label, weights=values, minlength=self.count + 1)[1:] / self.size
        return out

    def greatest(self, picture: Real) -> NDArray[np.float64]:
        out = np.zeros(self.count + 1)
        np.maximum.at(out, self.label, picture.ravel()[self.where])
        return out[1:]


def rings(found: Pieces, others: Mask, gap: int, width: int) -> NDArray[np.int32]:
    """A label picture of each piece's surround: beyond `gap` px and within `gap + width` px of it, without candidate pixels.

    Between two pieces each place belongs to the nearer one.
    """
    outside_all = (found.labels == 0).astype(np.uint8)
    distance, nearest = cv2.distanceTransformWithLabels(outside_all, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    owner = np.zeros(int(nearest.max()) + 1, np.int32)
    inside = outside_all == 0
    owner[nearest[inside]] = found.labels[inside]
    out: NDArray[np.int32] = np.where((distance > gap) & (distance <= gap + width) & ~others, owner[nearest], 0)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What pieces are measured against: the window's pictures (H, W), neighbours nearest first."""

    centre: Real
    spikes: Spikes
    aligned: Sequence[Aligned]
    raw: Sequence[Real]  # the neighbours as they lie
    noise: Real
    suspects: Mask  # every doubted pixel
    torn: Mask  # where motion can't be believed, since something large is suspected there
    carried: Sequence[Real]  # each neighbour's motion on the coarse grid, carried across the torn places
    chroma: Real | None  # (2, H, W) colour differences of the centre …
    raw_chroma: Sequence[Real | None]  # … and of the neighbours as they lie; None for film of one plane


def torn_by(every: Sequence[Pieces], unit: float) -> Mask:
    """Around every piece that is large enough to disturb motion."""
    large = np.zeros(every[0].labels.shape, np.uint8)
    for found in every:
        large |= np.concatenate([[False], found.areas > 30 * unit**2])[found.labels].astype(np.uint8)
    if not large.any():
        return large > 0
    return np.asarray(cv2.distanceTransform(1 - large, cv2.DIST_L2, 5) <= 5 * unit)


def measure(found: Pieces, scene: Scene, worth: Callable[[NDArray[np.float32]], NDArray[np.bool_]] | None = None) -> NDArray[np.float32]:
    """(n, len(FEATURES)) features of the pieces.

    `worth` is given the features as they would be at best, and says which pieces are worth the search elsewhere.
    """
    n, unit, sign = len(found), scene.centre.shape[0] / 480, found.sign
    inside = Sums(found.labels, n)
    ring = rings(found, scene.suspects, max(2, round(2 * unit)), max(4, round(5 * unit)))
    around = Sums(ring, n)
    sigma = np.maximum(inside.mean(scene.noise), 1e-3)
    expected_ring = around.mean(scene.spikes.middle)
    columns = _against_neighbours(found, scene, inside, around, sigma)
    columns |= _carried(scene, inside, sign, sigma, expected_ring)
    contrast = np.maximum(columns["contrast"] * sigma, 1e-3)
    hopeful = (columns["carried_closest"] > 0.45) & (columns["carried_spread"] < 0.9) & (columns["ring_ratio"] < 0.9)
    columns["open"], columns["open_side"] = openness(scene.centre, scene.chroma, found.labels, ring, found.boxes, contrast)
    near = [(c, d) for c, d in zip(scene.raw_chroma[:2], scene.carried[:2], strict=True) if c is not None]
    columns |= colours(scene.chroma, near, found.labels, ring, n)
    w, h = found.boxes[:, 2].astype(float), found.boxes[:, 3].astype(float)
    spread = np.minimum(scene.spikes.spread, np.float32(0.2))
    columns |= {
        "area": np.log(found.areas / unit**2),
        "fill": found.areas / (w * h),
        "length": np.log(np.hypot(w, h) / unit),
        "noise": sigma,
        "crowd": inside.mean(_nearby(scene.suspects.astype(np.float32), unit, 32)),
        "upset": inside.mean(_nearby(np.minimum(np.abs(scene.spikes.difference), 0.2), unit, 32)) / sigma,
        "unrest": inside.mean(_nearby(spread, unit, 24)) / sigma,
        "wide_unrest": inside.mean(_nearby(spread, unit, 64)) / sigma,
        "frame_unrest": float(spread.mean()) / sigma,
        "frame_crowd": np.full(n, float(scene.suspects.mean())),
        "elsewhere": np.where(hopeful, GONE, 0.0),
        "elsewhere_worst": np.where(hopeful, GONE, 0.0),
        "sides": np.full(n, float(len({a.offset > 0 for a in scene.aligned}))),
    }
    features = np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)
    if worth is not None:
        hopeful &= worth(features)
    contrast = np.maximum(contrast, columns["carried_contrast"] * sigma)
    place = FEATURES.index("elsewhere")
    features[:, place : place + 2] = search_elsewhere(found, scene.centre, scene.raw[:2], contrast, hopeful).T
    return features


def _nearby(picture: Real, unit: float, reach: int) -> Real:
    """The mean over `reach` px (of a 480-line picture) on every side."""
    side = 2 * round(reach * unit) + 1
    return np.asarray(cv2.boxFilter(picture, -1, (side, side)))


def _against_neighbours(
    found: Pieces, scene: Scene, inside: "Sums", around: "Sums", sigma: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Features from the neighbours as their own motion brings them."""
    spikes, sign, unit = scene.spikes, found.sign, scene.centre.shape[0] / 480
    contrast = inside.mean(spikes.difference) * sign
    some = np.maximum(contrast, 1e-3)
    ring, spread = around.mean(np.abs(spikes.difference)), inside.mean(spikes.spread)
    misses = np.sort([inside.mean(np.abs(scene.centre - a.luma)) for a in scene.aligned], axis=0) / some
    level, expected = inside.mean(scene.centre), inside.mean(spikes.middle)
    nearest = [a for a in scene.aligned if abs(a.offset) == min(abs(b.offset) for b in scene.aligned)]
    return {
        "contrast": contrast / sigma,
        "peak": inside.greatest(spikes.difference * sign) / sigma,
        "beyond": inside.mean(spikes.beyond * sign) / sigma,
        "beyond_all": inside.mean(spikes.beyond_all * sign) / sigma,
        "spread": spread / sigma,
        "spread_ratio": spread / some,
        "ring": ring / sigma,
        "ring_ratio": ring / some,
        "ring_spread": around.mean(spikes.spread) / sigma,
        "astray": np.log1p(np.mean([around.mean(a.inconsistency) for a in scene.aligned], axis=0) / unit),
        "motion": np.log1p(np.max([around.mean(np.hypot(*a.displacement)) for a in nearest], axis=0) / unit),
        "standing_out": (level - around.mean(scene.centre)) * sign / some,
        "expected_standing_out": (expected - around.mean(spikes.middle)) * sign / some,
        "texture": inside.mean(_steepness(spikes.middle)) / sigma,
        "sharpness": inside.greatest(_steepness(spikes.difference)) / some,
        "closest": misses[0],
        "second": misses[min(1, len(misses) - 1)],
    }


def _carried(
    scene: Scene, inside: "Sums", sign: int, sigma: NDArray[np.float64], expected_ring: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """The same kind of features with motion carried across torn places."""
    values = carried_values(scene.aligned, scene.raw, scene.carried, inside.where)
    centre = scene.centre.ravel()[inside.where]
    rank = np.sort(values, axis=0)
    count = len(rank)
    middle = (rank[(count - 1) // 2] + rank[count // 2]) / 2
    contrast = inside.mean_at((centre - middle) * sign)
    some = np.maximum(contrast, 1e-3)
    spread = rank[-2] - rank[1] if count >= 4 else rank[-1] - rank[0]
    return {
        "carried_contrast": contrast / sigma,
        "carried_beyond": inside.mean_at(outside(centre, rank[0], rank[-1]) * sign) / sigma,
        "carried_spread": inside.mean_at(spread) / some,
        "carried_closest": np.min([inside.mean_at(np.abs(centre - v)) for v in values], axis=0) / some,
        "carried_standing_out": (inside.mean_at(middle) - expected_ring) * sign / some,
    }


def _steepness(picture: Real) -> Real:
    """Length of the gradient."""
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=0.125)
    return np.asarray(cv2.magnitude(across, down))


def search_elsewhere(
    found: Pieces, centre: Real, raw: Sequence[Real], contrast: NDArray[np.float64], hopeful: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(2, n): how badly each piece, with its surround, is found again within `REACH` of its place in the unaligned neighbours, at best
    and at worst.

    The least root-mean-square difference over the search, divided by the contrast: near 0, the piece is something that moved; about 1,
    it is gone.
    Only `hopeful` pieces are searched, the others get 0: the search is the dearest of all features. Large pictures are searched at the
    scale of small ones.
    """
    unit = centre.shape[0] / 480
    out = np.zeros((2, len(found)))
    reduced = {f: [_reduced(p, f) for p in (centre, *raw)] for f in {1, max(1, round(unit))}}
    for i in np.flatnonzero(hopeful):
        factor = max(1, round(unit)) if min(found.boxes[i][2:]) >= 3 * unit else 1
        first, *others = reduced[factor]
        misses = _misses(found, int(i), factor, first, others, unit)
        out[:, i] = min(misses) / max(contrast[i], 1e-3), max(misses) / max(contrast[i], 1e-3)
    return out


def _reduced(picture: Real, factor: int) -> Real:
    size = (picture.shape[1] // factor, picture.shape[0] // factor)
    return picture if factor == 1 else np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _misses(found: Pieces, i: int, factor: int, centre: Real, others: Sequence[Real], unit: float) -> list[float]:
    """The least root-mean-square difference to each other picture, all reduced by `factor`."""
    x, y, w, h = (int(v) for v in found.boxes[i])
    margin, reach = max(2, round(3 * unit / factor)), round(REACH * unit / factor)
    own = (found.labels[y : y + h, x : x + w] == i + 1).astype(np.float32)
    x, y = x // factor, y // factor
    w, h = max(1, w // factor), max(1, h // factor)
    own = cv2.resize(own, (w, h), interpolation=cv2.INTER_AREA)
    top, left, bottom, right = (
        max(y - margin, 0),
        max(x - margin, 0),
        min(y + h + margin, centre.shape[0]),
        min(x + w + margin, centre.shape[1]),
    )
    placed = np.zeros((bottom - top, right - left), np.float32)
    placed[y - top : y - top + h, x - left : x - left + w] = own[: bottom - y, : right - x]
    mask = (cv2.dilate(placed, np.ones((2 * margin + 1,) * 2, np.uint8)) > 0.3).astype(np.float32)
    y0, x0 = max(top - reach, 0), max(left - reach, 0)
    fields = [other[y0 : bottom + reach, x0 : right + reach] for other in others]
    least = [float(cv2.matchTemplate(field, centre[top:bottom, left:right], cv2.TM_SQDIFF, mask=mask).min()) for field in fields]
    return [float(np.sqrt(max(v, 0.0) / max(float(mask.sum()), 1.0))) for v in least]
