"""The last word on every piece that the net or the pixel tests found: boosted trees over what was measured of it, what the net and the
object filter say of it and of the frame around it, and what the stretch of film shows as a whole.

Each of them alone is honest on the films that it learned from and knows nothing of this one. That a film is full of dirt, or that nothing
in it is surely dirt, says as much about a faint speck as the speck itself.
The trees lie in `verdict.npz` beside this file (made by scripts/train_verdict.py, described in MODEL_CARD.md).
Source: Wolpert 1992 (stacked generalisation), Friedman 2001 (gradient boosting).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects import objects, outlook
from frdm.defects.classical import Examined, Judged, frame_doubt
from frdm.defects.eye import BODY, LITTLE, SEED, SMALLEST, THOUGHT
from frdm.defects.objects import Pieces, Sums
from frdm.defects.outlook import Glance, Outlook
from frdm.film import Mask, Real
from frdm.recipe import Detection

NET = ("net", "net_top", "net_half", "net_ring", "net_rest", "net_clear", "net_near", "net_near_open")
OWN = ("size", "by_net", "weak", "filter", "filter_over", "filter_doubt")
FEATURES = (*objects.FEATURES, *NET, *OWN, *outlook.FEATURES)

FAINT_BODY, FAINT_SEED = 0.1, 0.18  # as BODY and SEED, for pieces that the net itself would not take
FILTERED = 0.15  # probability of the object filter from which a piece is brought before the verdict
OVERLAP = 0.3  # share of a piece that must be the net's for both to be one
CLEAR = 0.8  # probability of a pixel that is clearly dirt
NEAR, RING = 40, 6  # px of a 480-line picture


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pieces of one polarity, and all that is known of them."""

    pieces: Pieces
    features: NDArray[np.float32]  # (n, len(FEATURES))


@dataclass(frozen=True, slots=True, eq=False)
class _Maps:
    """What the net says of a frame, summed in the ways that pieces are told of."""

    dirt: Real
    ring: Real
    mass: Real  # Σp nearby …
    open: Real  # … and Σp(1 − p)
    filter: Real  # the object filter's probability of whatever piece lies there
    doubt: float
    glance: Glance
    unit: float


def candidates(examined: Examined, dirt: Real, settings: Detection, around: Outlook) -> Iterator[Candidates]:
    """The net's pieces, then those of the pixel tests that do not lie on them; `dirt` (H, W) are the net's probabilities."""
    unit = dirt.shape[0] / 480
    labels, boxes, areas, weak = bodies(dirt, unit, settings)
    maps = _maps(examined, dirt, Glance.of(*_means(dirt, labels, areas, ~weak, unit)), unit)
    difference = np.asarray(cv2.GaussianBlur(examined.tests.spikes.difference, (0, 0), 0.8), np.float32)
    bright = np.bincount(labels.ravel(), weights=difference.ravel(), minlength=len(areas) + 1)[1:] >= 0
    for sign in (1, -1):
        mine = bright == (sign > 0)
        if mine.any():
            chosen = chosen_of(Pieces(sign, labels, boxes, areas), mine)
            yield _told(examined.measured(chosen), maps, around, weak[mine])
    covered = labels > 0  # what lies in a large piece that the net doubts is doubtful itself
    for one in examined.judged:
        share = np.bincount(one.pieces.labels[covered], minlength=len(one.pieces) + 1)[1:] / one.pieces.areas
        mine = (one.chance >= FILTERED) & (share <= OVERLAP)
        if mine.any():
            chosen = chosen_of(one.pieces, mine)
            yield _told(Judged(chosen, one.features[mine], one.chance[mine]), maps, around, None)


def bodies(
    dirt: Real, unit: float, settings: Detection
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
    """The net's pieces: labels 1 … n (H, W), boxes (n, 4) as x, y, w, h, areas, and which of them are weak: below what the net itself
    takes for a piece, and apart from those.
    """
    strong = _seeded(dirt > BODY, dirt, SEED)
    near = cv2.dilate(strong.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    faint = (dirt > FAINT_BODY) & ~(cv2.dilate(strong.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    every = strong | _seeded(faint, dirt, FAINT_SEED, apart=near)
    _, found, stats, _ = cv2.connectedComponentsWithStats(every.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    keep = (areas >= max(SMALLEST, settings.min_size**2) * unit**2) & (areas <= (settings.max_size * unit) ** 2)
    keep[0] = False
    weak = np.bincount(found.ravel(), weights=strong.ravel(), minlength=len(areas)) == 0
    number = np.zeros(len(areas), np.int32)
    number[keep] = np.arange(1, keep.sum() + 1, dtype=np.int32)
    return number[found], stats[keep][:, :4].astype(np.int32), areas[keep], weak[keep]


def _seeded(body: Mask, dirt: Real, least: float, apart: Mask | None = None) -> Mask:
    """The connected pieces of `body` that hold a pixel above `least`, and nothing of `apart`."""
    count, labels = cv2.connectedComponents(body.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    good = np.zeros(count, bool)
    good[labels[dirt > least]] = True
    if apart is not None:
        good[labels[apart]] = False
    good[0] = False
    out: Mask = good[labels]
    return out


def chosen_of(pieces: Pieces, mine: NDArray[np.bool_]) -> Pieces:
    """Some of the pieces, numbered anew."""
    number = np.zeros(len(pieces) + 1, np.int32)
    number[1:][mine] = np.arange(1, mine.sum() + 1, dtype=np.int32)
    return Pieces(pieces.sign, number[pieces.labels], pieces.boxes[mine], pieces.areas[mine])


def _means(
    dirt: Real, labels: NDArray[np.int32], areas: NDArray[np.int64], mine: NDArray[np.bool_], unit: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probabilities and areas (px of a 480-line picture) of some pieces."""
    chance = np.bincount(labels.ravel(), weights=dirt.ravel(), minlength=len(areas) + 1)[1:] / np.maximum(areas, 1)
    return chance[mine], areas[mine] / unit**2


def _maps(examined: Examined, dirt: Real, glance: Glance, unit: float) -> _Maps:
    thought = np.where(dirt > THOUGHT, dirt, np.float32(0))
    filtered = np.zeros(dirt.shape, np.float32)
    for one in examined.judged:
        chance = np.concatenate([[0], one.chance]).astype(np.float32)
        np.maximum(filtered, chance[one.pieces.labels], out=filtered)

    def nearby(picture: Real) -> Real:
        side = 2 * round(NEAR * unit) + 1
        return np.asarray(cv2.boxFilter(picture, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT))

    ring: Real = np.asarray(cv2.blur(dirt, (2 * round(RING * unit) + 1,) * 2), np.float32)
    doubt = frame_doubt([one.chance for one in examined.judged])
    return _Maps(dirt, ring, nearby(thought), nearby(thought * (1 - thought)), filtered, doubt, glance, unit)


def _told(judged: Judged, maps: _Maps, around: Outlook, weak: NDArray[np.bool_] | None) -> Candidates:
    """The pieces with all features; `weak` None: they are the pixel tests'."""
    pieces, dirt, unit = judged.pieces, maps.dirt, maps.unit
    inside, count = Sums(pieces.labels, len(pieces)), len(pieces)
    thought = np.where(dirt > THOUGHT, dirt, 0).astype(np.float64)
    own, own_open = inside.mean(thought) * inside.size, inside.mean(thought * (1 - thought)) * inside.size
    mass, undecided = thought.sum(), (thought * (1 - thought)).sum()
    clear = np.where(dirt > CLEAR, dirt, 0)
    per_picture = 1e4 * unit**2 / dirt.size
    near, near_open = inside.mean(maps.mass) - own, inside.mean(maps.open) - own_open
    columns = [
        inside.mean(dirt),
        inside.greatest(dirt),
        inside.mean((dirt > 0.5).astype(np.float32)),
        inside.mean(maps.ring),
        np.where(mass - own < LITTLE * unit**2, 1.0, (undecided - own_open) / np.maximum(mass - own, 1e-9)),
        np.log10((clear.sum() - inside.mean(clear) * inside.size) / unit**2 * per_picture + 1e-2),
        np.log10(np.maximum(near, 0) / unit**2 + 0.1),
        np.where(near > 2 * unit**2, near_open / np.maximum(near, 1e-9), 1.0),
        np.log(pieces.areas / unit**2),
        np.full(count, float(weak is not None)),
        np.zeros(count) if weak is None else weak.astype(np.float64),
        judged.chance,
        inside.mean(maps.filter),
        np.full(count, maps.doubt),
    ]
    stretch = np.tile(around.features(maps.glance), (count, 1))
    return Candidates(pieces, np.concatenate([judged.features, np.stack(columns, 1), stretch], 1).astype(np.float32))
