"""Mend a defect from the film around it, where no other frame shows what it hides: a slide, a single frame, unrelated pictures.

Two ways are known: the rim is continued smoothly into the hole (Navier–Stokes), or pieces of film close by are copied into it
(`exemplar`). Which one is right depends on the place, so it is rehearsed: the same hole is laid on sound film beside the defect, filled
each way, and compared with what is really there. The best way, or the mean of both, is taken; where none does well, the defect is held.
Source: Bertalmio 2001 (Navier–Stokes inpainting), Criminisi 2004.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from frdm.fills.exemplar import LIFT, REACH, Piece, copied, find_pieces
from frdm.fills.lines import LARGE
from frdm.fills.neighbours import Fill, Ground, on_plane, to_codes
from frdm.fills.regrain import Fresh, fresh_grain, planes_by_size, renew_grain
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Mask, Patch, Provenance, Real
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import Grain, calmed, high_pass
from frdm.signal.working import working

RADIUS = 3  # px from which each pixel is continued
SIDE = 7  # px of the pieces that are copied
SHARES = (0.0, 0.5, 1.0)  # of copied pieces in a fill; the rest is smooth continuation
TEXTURE = 0.5  # weight of lost or invented texture against a miss of the slow part
LEFT = 0.1  # of one frame's grain power that is left in what was continued
REHEARSALS, APART = 4, 3  # holes laid beside the defect, px between them
SOUND = 0.9  # share of such a hole that must lie on sound film
MISS = 0.04  # working units of miss at which trust is a half
LARGEST, LARGEST_SMALL = 40.0, 16.0  # thickness that is held unseen: px of a 480-line picture, and px that it may always have


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A defect with the film around it, at the film's own size: the crop, the hole, sound film, and the crop in working units."""

    window: Window
    ground: Ground
    crop: Box
    hole: Mask
    sound: Mask
    guide: tuple[Real, ...]  # luma, then colour differences if the film has any at full size
    noise: float  # of the luma, working units

    @staticmethod
    def of(window: Window, defect: Defect, ground: Ground) -> "Place":
        """The defect with room to copy from and to rehearse in, on the chroma grid."""
        scale, box = window.scale, defect.box
        margin = REACH + SIDE
        v, h = ground.encoding.step(1) if ground.encoding.pictures > 1 else (1, 1)
        top, left = max(box.top - margin, 0) // v * v, max(box.left - margin, 0) // h * h
        bottom, right = (
            -(-min(end + margin, size) // s) * s for end, size, s in zip((box.bottom, box.right), scale.whole, (v, h), strict=True)
        )
        crop = Box(box.frame, top, left, min(bottom, scale.whole[0]), min(right, scale.whole[1]))
        hole = np.zeros((crop.bottom - crop.top, crop.right - crop.left), bool)
        hole[box.top - crop.top : box.bottom - crop.top, box.left - crop.left : box.right - crop.left] = defect.mask
        small = scale.box(crop)
        suspects = ground.suspects[small.rows, small.columns].astype(np.float32)
        sound = (scale.enlarged(suspects, small, crop) < 0.5) & ~hole
        guide = _guide(window.frame, crop, ground.encoding)
        noise = max(float(ground.noise[small.rows, small.columns].mean()), 0.004)
        return Place(window, ground, crop, hole, sound, guide, noise)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How well one share of copied pieces did beside the defect: misses in working units."""

    share: float
    miss: float  # mean absolute, of what the eye sees as structure
    texture: float  # of fine detail, beyond grain

    @property
    def cost(self) -> float:
        return self.miss + TEXTURE * self.texture


def fill_from_surround(window: Window, defect: Defect, ground: Ground, settings: Filling) -> Fill:
    """Mend one defect from its surround, or say why not."""
    place = Place.of(window, defect, ground)
    thickness = 2 * float(cv2.distanceTransform(np.pad(place.hole, 1).astype(np.uint8), cv2.DIST_L2, 5).max())
    if thickness > max(LARGEST * window.scale.whole[0] / 480, LARGEST_SMALL):
        return Fill(None, None, "too large for its surround to tell what it hides")
    holes = rehearsal_holes(place)
    if not holes:
        return Fill(None, None, "no sound film around it")
    best = rehearse(place, holes)
    if defect.confidence < 1 and shown_by(place) < best.miss:  # what a person or a scanner marked need not stand out
        return Fill(None, None, "it differs no more from its surround than that does in itself")
    trust = round(trust_of(best.cost, place.noise), 4)
    provenance = Provenance("surround", (window.frame.index,), trust=trust)
    if trust < settings.least_trust:
        return Fill(None, provenance, f"its surround can't tell what it hides (trust {trust:.2f})")
    return Fill(_patch(place, best.share), provenance)


def trust_of(cost: float, noise: float) -> float:
    """0 … 1 from what was missed in the rehearsal: 1 when it was no more than noise, a half at `MISS` beyond."""
    return float(1 / (1 + (max(cost - noise, 0.0) / MISS) ** 2))


def shown_by(place: Place) -> float:
    """How far the defect stands out: the mean change in working units that smooth continuation would make."""
    smooth = continued(place.guide[0], ~place.sound)
    return float(np.abs(cv2.GaussianBlur(place.guide[0] - smooth, (0, 0), 0.8))[place.hole].mean())


# Rehearsal ----------------------------------------------------------------------------------------------------------------------------


def rehearsal_holes(place: Place) -> list[Mask]:
    """Up to `REHEARSALS` copies of the hole (H, W), moved to sound film as near as they find room, none touching another."""
    rows, columns = np.nonzero(place.hole)
    free = place.sound.copy()
    free &= cv2.dilate(place.hole.astype(np.uint8), np.ones((2 * APART + 1, 2 * APART + 1), np.uint8)) == 0
    height, width = place.hole.shape
    found: list[Mask] = []
    for down, across in _moves(int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1):
        inside = (
            rows.min() + down >= 1 and columns.min() + across >= 1 and rows.max() + down < height - 1 and columns.max() + across < width - 1
        )
        if not inside or float(free[rows + down, columns + across].mean()) < SOUND:
            continue
        moved = np.zeros_like(place.hole)
        moved[rows + down, columns + across] = True
        free &= cv2.dilate(moved.astype(np.uint8), np.ones((2 * APART + 1, 2 * APART + 1), np.uint8)) == 0
        found.append(moved & place.sound)
        if len(found) == REHEARSALS:
            break
    return found


def _moves(height: int, width: int) -> list[tuple[int, int]]:
    """(rows, columns) by which a hole of this size is moved, near ones first, eight directions each."""
    ways = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1))
    reach = min(height, width)
    steps = sorted({min(reach + 2 * APART, REACH), REACH // 4, REACH // 2, REACH})
    return [(step * down, step * across) for step in steps for down, across in ways]


def rehearse(place: Place, holes: Sequence[Mask]) -> Rehearsed:
    """The share of copied pieces that misses least on holes whose content is known."""
    every = np.any(holes, axis=0)
    luma, known = place.guide[0], place.sound & ~every
    unknown = ~known
    smooth = continued(luma, unknown)
    pieces = find_pieces(place.guide, every, known, side=SIDE, noise=place.noise)
    if not pieces:
        return _rehearsed(place, holes, smooth, 0.0)
    textured = copied(luma, pieces, lift=LIFT)
    mixed = (_rehearsed(place, holes, smooth + np.float32(share) * (textured - smooth), share) for share in SHARES)
    return min(mixed, key=lambda tried: tried.cost)


def _rehearsed(place: Place, holes: Sequence[Mask], filled: Real, share: float) -> Rehearsed:
    luma = place.guide[0]
    shown = np.where(np.any(holes, axis=0), filled, luma)
    miss = np.abs(cv2.GaussianBlur(shown - luma, (0, 0), 0.8))
    was, is_now = high_pass(luma) ** 2, high_pass(shown) ** 2
    texture = []
    for hole in holes:
        wanted, got = float(was[hole].mean()), float(is_now[hole].mean())
        renewed = max(got, min(wanted, place.noise**2))  # grain is drawn anew
        texture.append(abs(np.sqrt(wanted) - np.sqrt(renewed)))
    return Rehearsed(share, float(np.mean([miss[hole].mean() for hole in holes])), float(np.mean(texture)))


def continued(plane: Real, unknown: Mask) -> Real:
    """The plane with what is unknown continued smoothly from around it."""
    scale = np.float32(LARGE / (float(np.abs(plane).max()) or 1.0))
    got = cv2.inpaint(np.ascontiguousarray(plane * scale, np.float32), unknown.astype(np.uint8), RADIUS, cv2.INPAINT_NS)
    return np.asarray(got, np.float32) / scale


# The patch ----------------------------------------------------------------------------------------------------------------------------


def _patch(place: Place, share: float) -> Patch:
    """The pixels: smooth continuation and copied pieces joined, grain renewed, in codes."""
    encoding, crop = place.ground.encoding, place.crop
    whole = place.hole.astype(np.float32)
    pieces = find_pieces(place.guide, place.hole, place.sound, side=SIDE, noise=place.noise) if share > 0 else []
    mattes = [np.rint(on_plane(whole, encoding, plane) * WHOLE).astype(np.uint16) for plane in range(encoding.pictures)]
    mended = {p: one for planes in planes_by_size(encoding) for p, one in zip(planes, _mended(place, planes, pieces, share), strict=True)}
    return Patch(crop, tuple(mattes), tuple(to_codes(mended[plane], encoding) for plane in sorted(mended)))


def _mended(place: Place, planes: Sequence[int], pieces: Sequence[Piece], share: float) -> list[Real]:
    """Planes of one size of the crop with the hole filled (float codes)."""
    encoding, crop = place.ground.encoding, place.crop
    owns = [_codes(place.window.frame, plane, crop, encoding) for plane in planes]
    hole, unknown = (on_plane(part.astype(np.float32), encoding, planes[0]) > 0 for part in (place.hole, ~place.sound))
    grains = [calmed(place.ground.grain[plane], own, ~unknown) for plane, own in zip(planes, owns, strict=True)]
    fresh = fresh_grain(owns, ~unknown, [grain.softness for grain in grains], planes, partial(place.ground.dice, crop))
    copying = pieces if encoding.step(planes[0]) == (1, 1) else ()
    out = []
    for own, grain, new in zip(owns, grains, fresh, strict=True):
        smooth = np.where(hole, continued(own, unknown), own)
        if not copying:
            filled = renew_grain(smooth, grain.at(smooth), LEFT, new, clumps=False)
        else:
            pieced = copied(own, copying, lift=LIFT * abs(encoding.white - encoding.black))
            filled = _shared(smooth, pieced, share, grain, new)
        out.append(np.where(hole, filled, own))
    return out


def _shared(smooth: Real, pieced: Real, share: float, grain: Grain, fresh: Fresh) -> Real:
    """Copied pieces in their share, and smooth continuation with as much fresh grain as makes one frame's of both."""
    if share == 1:
        return pieced
    more = float(np.sqrt(1 - share**2) / (1 - share))  # the copied pieces bring their share of grain along
    grained = renew_grain(smooth, grain.at(smooth) * np.float32(more), LEFT / more**2, fresh, clumps=False)
    return np.asarray(grained + np.float32(share) * (pieced - grained), np.float32)


def _codes(frame: Frame, plane: int, crop: Box, encoding: Encoding) -> Real:
    rows, columns = crop.on_plane(encoding, plane)
    return np.nan_to_num(frame.planes[plane][rows, columns].astype(np.float32))


def _guide(frame: Frame, crop: Box, encoding: Encoding) -> tuple[Real, ...]:
    """The crop's luma in working units, and its colour differences where they have its size."""
    planes = [frame.planes[number][crop.on_plane(encoding, number)] for number in range(encoding.pictures)]
    picture = working(Frame(frame.index, tuple(planes)), encoding)
    if picture.chroma is None or picture.chroma.shape[1:] != picture.luma.shape:
        return (picture.luma,)
    return (picture.luma, *picture.chroma)
