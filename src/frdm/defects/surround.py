"""How a piece stands in its surround: whether its outline is closed, and whether its colour is dirt's.

A hand that a fast movement shows for one frame hangs on an arm of its own tone and colour; dirt lies apart from what is around it. Dirt
takes colour away from the film under it, content brings its own.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.carried import carried_places, sample
from frdm.film import Real

ALIKE = 0.45  # part of a piece's contrast by which a place of the surround may differ from the piece and still look like its continuation
SECTORS = 8  # directions in which the surround is looked at
FULL = 6  # places that a sector must have to tell

COLOURFUL = 0.02  # colour difference from the picture's usual colour, working units, from which film is in colour …
MOST = 0.9  # … if a tenth of the picture reaches it: tinted black-and-white film has one colour
REDUCED = 8  # px over which colour is averaged for that, so that grain of three layers is none

Values = NDArray[np.float64]


def in_colour(chroma: Real | None) -> bool:
    """Whether a picture shows more than one colour; `chroma` (2, H, W) colour differences or None."""
    if chroma is None:
        return False
    size = (max(1, chroma.shape[2] // REDUCED), max(1, chroma.shape[1] // REDUCED))
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in chroma]
    away = np.hypot(*(plane - np.median(plane) for plane in planes))
    return float(np.quantile(away, MOST)) > COLOURFUL


def openness(
    centre: Real, chroma: Real | None, inside: NDArray[np.int32], around: NDArray[np.int32], boxes: NDArray[np.int32], contrast: Values
) -> tuple[Values, Values]:
    """(n,) twice: the share of each piece's surround that looks like the piece itself, and the greatest share in any one direction.

    `inside` and `around` (H, W) are label pictures of n pieces and of their surrounds, `contrast` (n,) in working units.
    """
    count = len(contrast)
    total, like = np.zeros(count * SECTORS), np.zeros(count * SECTORS)
    places = np.flatnonzero(around)
    label = around.ravel()[places] - 1
    distance = np.zeros(len(places))
    for plane, weight in _planes(centre, chroma):
        soft: Real = np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.8), np.float32)
        difference = soft.ravel()[places] - _means(soft, inside, count)[label]
        distance += weight * np.square(difference, dtype=np.float64)
    alike = distance < np.square(ALIKE * contrast)[label]
    rows, columns = np.divmod(places, centre.shape[1])
    middle_x, middle_y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    angle = np.arctan2(rows - middle_y[label], columns - middle_x[label])
    place = label * SECTORS + np.minimum(((angle + np.pi) * (SECTORS / (2 * np.pi))).astype(int), SECTORS - 1)
    total += np.bincount(place, minlength=len(total))
    like += np.bincount(place, weights=alike, minlength=len(like))
    by_side, every = total.reshape(count, SECTORS), like.reshape(count, SECTORS)
    whole = every.sum(1) / np.maximum(by_side.sum(1), 1)
    sides = np.where(by_side >= FULL, every / np.maximum(by_side, 1), 0)
    return whole, sides.max(1)


def _planes(centre: Real, chroma: Real | None) -> list[tuple[Real, float]]:
    """Luma and colour differences with the weights with which their squares add up to a difference that is seen."""
    return [(centre, 1.0)] if chroma is None else [(centre, 1.0), (chroma[0], 2.0), (chroma[1], 2.0)]


def _means(picture: Real, labels: NDArray[np.int32], count: int) -> Values:
    """(n,) mean of the picture over each label 1 … n."""
    places = np.flatnonzero(labels)
    label = labels.ravel()[places]
    size = np.maximum(np.bincount(label, minlength=count + 1)[1:], 1)
    out: Values = np.bincount(label, weights=picture.ravel()[places], minlength=count + 1)[1:] / size
    return out


def colours(
    chroma: Real | None, near: Sequence[tuple[Real, Real]], inside: NDArray[np.int32], around: NDArray[np.int32], count: int
) -> dict[str, Values]:
    """(n,) each: how colourful the pieces are and their surrounds, how far they are from the colour that the neighbours show there, and how
    much more colourful. All 0 for film of one plane.

    `near` holds (chroma, carried motion) of the nearest neighbours.
    """
    names = ("colour", "colour_ring", "colour_change", "colour_gain")
    if chroma is None:
        return {name: np.zeros(count) for name in names}
    own, ring = ([_means(plane, labels, count) for plane in chroma] for labels in (inside, around))
    places = np.flatnonzero(inside)
    label = inside.ravel()[places]
    size = np.maximum(np.bincount(label, minlength=count + 1)[1:], 1)
    expected = np.zeros((2, count))
    for other, carried in near:
        at = carried_places(carried, inside.shape[1], places)
        for i, plane in enumerate(other):
            expected[i] += np.bincount(label, weights=sample(plane, *at), minlength=count + 1)[1:] / size / len(near)
    colour, film = np.hypot(*own), np.hypot(*expected)
    return dict(zip(names, (colour, np.hypot(*ring), np.hypot(own[0] - expected[0], own[1] - expected[1]), colour - film), strict=True))
