"""Mend a defect by the hand, the learned fill: the film around it in space and time, neighbours brought to the centre along the motion, is
restored by diffusion, and what the net made of the hole is put there, matched to its rim, with the film's grain.

Whether it can be believed is judged on the sound film around the hole, which the net makes anew as well: where that comes out otherwise
than it is, the defect is held. The result hangs on the film near the place, the weights and the seed alone: defects of one frame that fit
into one tile are restored together, which changes no bit of any.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.asking import Crop, Footage, Inference
from frdm.diffusion.inference import restore, restore_tiles
from frdm.diffusion.planning import Plan
from frdm.diffusion.whole import WholeFrame
from frdm.fills.following import along, matched, motions
from frdm.fills.hand_net import HandParams, load_hand
from frdm.fills.hand_torch import Hand
from frdm.fills.levels import codes_of, levels, levels_of
from frdm.fills.neighbours import (
    FEWEST,
    Fill,
    Ground,
    Rim,
    Site,
    feather,
    joined,
    least_trust,
    on_plane,
    site_of,
    to_codes,
    trust_of,
)
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Mask, Patch, Provenance, Real
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.signal.grain import Grain, draw_grain, grain_alike, high_pass
from frdm.signal.luma import LUMA

CONTEXT = 1 / 6  # of a tile's side: film that is seen around a defect on every side, at least
OVERLAP = 1 / 4  # of a tile's side
NEAR = 1.0  # px of the searched picture over which tones are compared
STRANGE = 0.035  # working units beyond the tones around, or noise where it is more, from which a fill is doubted; at thrice not believed
BATCH = 4  # tiles at once


@dataclass(frozen=True, slots=True)
class HandSettings:
    """How the hand works. `residual`: a large defect's tiles are drawn to the whole frame, restored small."""

    steps: int = 4
    sampler: Literal["ddim", "dpm", "consistency"] = "ddim"
    residual: bool = False
    seed: int = 0
    prompt: tuple[int, ...] | None = None  # numbers of the shot's tags, or of its caption
    plan: Plan = field(default_factory=lambda: Plan(BATCH))  # changes time and memory alone


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the hand is shown of a place: the crop of the film (rows and columns that lie beyond the frame repeat its last ones)."""

    frames: tuple[Frame, ...]  # in time
    centre: int  # which of them is mended
    box: Box


def fill_by_hand(
    window: Window, defect: Defect, ground: Ground, settings: Filling, *, hand: Hand | None = None, how: HandSettings | None = None
) -> Fill:
    """Mend one defect, or say why not. Raises `WeightsError` where the hand's weights are not to be had."""
    (made,) = fill_all_by_hand(window, [defect], ground, settings, hand=hand, how=how)
    return made


def fill_all_by_hand(
    window: Window,
    defects: Sequence[Defect],
    ground: Ground,
    settings: Filling,
    *,
    hand: Hand | None = None,
    how: HandSettings | None = None,
) -> list[Fill]:
    """What `fill_by_hand` makes of each defect of a frame, those that fit into one tile restored together."""
    hand, how = hand or load_hand(), how or HandSettings()
    if min(window.scale.whole) < hand.params.side:
        return [Fill(None, None, f"the frame is smaller than a tile of the hand ({hand.params.side} px)")] * len(defects)
    sites = [site_of(window, defect, ground) for defect in defects]
    judged = [place for place, site in enumerate(sites) if site.small_ring.sum() >= FEWEST]
    made = dict(zip(judged, made_by(hand, [sites[place] for place in judged], how), strict=True))
    none, near = Fill(None, None, "no sound film around it"), (frame.index for frame in near_frames(window, hand.params))
    sources = [index for index in dict.fromkeys(near) if index != window.frame.index]
    return [settled(made[place], site, settings, (hand, how), sources) if place in made else none for place, site in enumerate(sites)]


def settled(made: Real, site: Site, settings: Filling, by: tuple[Hand, HandSettings], sources: Sequence[int]) -> Fill:
    """The fill of a hole of what the hand made of its crop (3, h, w), or why it is not believed; `sources` are the frames it was shown."""
    hand, how = by
    trust = round(_trust(made, site), 4)
    provenance = Provenance("diffusion", tuple(sources), weights=hand.sha256, seed=how.seed, trust=trust)
    if trust < least_trust(site, settings):
        return Fill(None, provenance, f"the hand can't tell what it hides (trust {trust:.2f})")
    return Fill(patch_of(made, site, settings), provenance)


# What it is shown ---------------------------------------------------------------------------------------------------------------------


def view_of(site: Site, params: HandParams) -> View:
    """The nearest frames in time, and a box of one tile or more around the defect."""
    window, (height, width) = site.window, site.window.scale.whole
    frames, crop, sides = near_frames(window, params), site.crop, []
    for start, stop, size in ((crop.top, crop.bottom, height), (crop.left, crop.right, width)):
        sides.append(_around(start, stop, size, params))
    return View(frames, frames.index(window.frame), Box(crop.frame, sides[0][0], sides[1][0], sides[0][1], sides[1][1]))


def near_frames(window: Window, params: HandParams) -> tuple[Frame, ...]:
    """The centre and its nearest neighbours, in time; in short shots the last frame is shown again."""
    near = [window.frame, *(neighbour.frame for neighbour in window.neighbours[: params.frames - 1])]
    frames = sorted(near, key=lambda frame: frame.index)
    return tuple(frames + [frames[-1]] * (params.frames - len(frames)))


def _around(start: int, stop: int, size: int, params: HandParams) -> tuple[int, int]:
    """Where a view begins and ends along one side of the frame, at multiples of the net's factor: a tile, or more around what is larger."""
    factor = params.factor
    wanted = max(params.side, stop - start + 2 * round(CONTEXT * params.side))
    length = -(-min(wanted, size) // factor) * factor
    first = (start + stop - length) // 2 // factor * factor
    last = -(-(size - length) // factor) * factor
    first = min(max(first, 0), last)
    return first, first + length


def made_by(hand: Hand, sites: Sequence[Site], how: HandSettings) -> list[Real]:
    """Red, green and blue levels (3, h, w) of each site's crop as the hand makes them."""
    params = hand.params
    overlap = round(OVERLAP * params.side / params.factor) * params.factor
    settings = Inference(
        tile=params.side,
        overlap=overlap,
        frames=params.frames,
        frames_overlap=0,
        steps=how.steps,
        sampler=how.sampler,
        residual=how.residual,
        context=round(CONTEXT * params.side),
        seed=how.seed,
    )
    views = [view_of(site, params) for site in sites]
    shown = [_footage(site, seen, params, how) for site, seen in zip(sites, views, strict=True)]
    single = [place for place, piece in enumerate(shown) if piece.film.shape[-2:] == (params.side,) * 2 and not how.residual]
    made = dict(zip(single, restore_tiles(hand.net(), [shown[place] for place in single], settings, how.plan), strict=True))
    every = (made[place] if place in made else restore(hand.net(), piece, settings, how.plan) for place, piece in enumerate(shown))
    return [_cut(restored, site, seen) for restored, site, seen in zip(every, sites, views, strict=True)]


def _footage(site: Site, seen: View, params: HandParams, how: HandSettings) -> Footage:
    """The film that is shown. A window does not know its shot; frames' numbers differ all the same."""
    encoding, whole = site.ground.encoding, site.window.scale.whole
    inside = Box(seen.box.frame, seen.box.top, seen.box.left, min(seen.box.bottom, whole[0]), min(seen.box.right, whole[1]))
    pad = (0, seen.box.bottom - inside.bottom), (0, seen.box.right - inside.right)
    suspects = site.ground.suspects.copy()
    near = site.small
    suspects[near.rows, near.columns] |= site.small_hole
    moved, hidden = motions(site.window, suspects, inside), _suspects(site, seen.box)
    own, sound = levels(site.window.frame, encoding, inside), ~hidden[: inside.bottom - inside.top, : inside.right - inside.left]
    film = [
        matched(own, along(frame, encoding, inside, moved[frame.index]), sound) if frame.index in moved else own for frame in seen.frames
    ]
    shown = np.pad(np.stack(film, 1), [(0, 0), (0, 0), *pad], mode="edge")
    matte = np.zeros(shown.shape[1:], bool)
    centres = [place for place, frame in enumerate(seen.frames) if frame is site.window.frame]  # short shots show it again, dirt and all
    matte[centres] = hidden
    crop = Crop(seen.box.top, seen.box.left, *whole, whole_squares(seen.frames, encoding, params.side))
    return Footage(shown, first=seen.frames[0].index, shot=0, matte=matte, prompt=how.prompt, crop=crop)


def _cut(restored: Real, site: Site, seen: View) -> Real:
    """What was made of the site's crop, of the centre."""
    top, left = site.crop.top - seen.box.top, site.crop.left - seen.box.left
    rows, columns = slice(top, top + site.crop.bottom - site.crop.top), slice(left, left + site.crop.right - site.crop.left)
    return np.asarray(restored[:, seen.centre, rows, columns], np.float32)


def _suspects(site: Site, box: Box) -> Mask:
    """Everything in a box of the film that may be damaged, the hole included."""
    scale, crop = site.window.scale, site.crop
    inside = Box(box.frame, box.top, box.left, min(box.bottom, scale.whole[0]), min(box.right, scale.whole[1]))
    small = scale.box(inside)
    suspects = site.ground.suspects[small.rows, small.columns].astype(np.float32)
    if not scale.same:
        suspects = scale.enlarged(suspects, small, inside)
    out = np.pad(suspects > 0.5, [(0, box.bottom - inside.bottom), (0, box.right - inside.right)])
    out[crop.top - box.top : crop.bottom - box.top, crop.left - box.left : crop.right - box.left] |= site.hole
    return out


@lru_cache(maxsize=1)  # all defects of a frame are shown the same
def whole_squares(frames: tuple[Frame, ...], encoding: Encoding, side: int) -> Real:
    """Whole frames (3, T, side, side) as levels: each plane reduced by the mean over areas, its last row or column repeated."""
    height, width = frames[0].planes[0].shape
    rows, columns = WholeFrame(height, width, side).inner
    full = replace(encoding, subsampling=(1, 1))
    out = np.empty((3, len(frames), side, side), np.float32)
    for place, frame in enumerate(frames):
        planes = [np.nan_to_num(plane.astype(np.float32)) for plane in frame.planes[: encoding.pictures]]
        small = levels_of([cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA) for plane in planes], full)
        out[:, place] = np.pad(small, [(0, 0), (0, side - rows), (0, side - columns)], mode="edge")
    return out


# What it says of it -------------------------------------------------------------------------------------------------------------------


def _trust(made: Real, site: Site) -> float:
    """0 … 1: 1 where the net makes the ring of sound film as it is, to within noise, and the hole in tones that are seen around it.
    Compared at the size that is searched.
    """
    own = levels(site.window.frame, site.ground.encoding, site.crop)
    shape = site.small_ring.shape
    luma = [cv2.resize(np.tensordot(LUMA, picture, 1), shape[::-1], interpolation=cv2.INTER_AREA) for picture in (own, made)]
    miss = np.abs(luma[0] - luma[1])[site.small_ring]
    sigma = site.ground.noise[site.small.rows, site.small.columns][site.small_ring]
    noise = float(sigma.mean())
    allowed = max(noise, STRANGE)
    likely = float(np.interp(strangeness(luma[1], luma[0], site), (allowed, 3 * allowed), (1.0, 0.0)))
    return min(trust_of(float(miss.mean()), noise), likely)


def strangeness(made: NDArray[Any], own: NDArray[Any], site: Site) -> float:
    """How far what was made of a hole goes beyond the tones of the sound film around it and of the neighbours at its place; both pictures
    (h, w) of the searched size.

    A tenth of the hole may go farther. A patch that is too bright or too dark stands out so, however smooth its rim. 0 without neighbours:
    the ring alone does not know what a hole may show.
    """
    if not site.window.neighbours:
        return 0.0
    ring, hole, place = site.small_ring, site.small_hole, (site.small.rows, site.small.columns)
    known = [tones(own, ring), *(tones(neighbour.raw[place], hole) for neighbour in site.window.neighbours)]
    low, high = np.quantile(np.concatenate(known), (0.02, 0.98))
    shown = tones(made, hole)
    return float(np.quantile(np.maximum(np.maximum(shown - high, low - shown), 0), 0.9)) if shown.size else 0.0


def tones(picture: NDArray[Any], mask: Mask) -> Real:
    """What a picture shows on a mask, without its grain: means over a Gaussian of `NEAR` px of what lies on the mask."""
    weight = mask.astype(np.float32)
    total, share = (cv2.GaussianBlur(part, (0, 0), NEAR) for part in (np.asarray(picture, np.float32) * weight, weight))
    return np.asarray(total[mask] / share[mask], np.float32)


def patch_of(made: Real, site: Site, settings: Filling) -> Patch:
    """The pixels of a hole: what was made, exposure matched at the rim, with as much fresh grain as the net took away there, in codes."""
    crop, encoding = site.crop, site.ground.encoding
    soft = feather(site.hole, settings.feather * site.window.scale.whole[0] / 480)
    first = _codes(site, 0)
    mattes, codes = [], []
    for plane, base in enumerate(codes_of(made, encoding)):
        own = first if plane == 0 else _codes(site, plane)
        ring = on_plane(site.ring.astype(np.float32), encoding, plane) > 0.99
        filled = joined(own, [base], [1.0], Rim.of(ring)) if ring.sum() >= FEWEST else base
        alike = plane > 0 and encoding.step(plane) == (1, 1) and grain_alike(first, own, ring)
        random = site.ground.dice(crop, 0 if alike else plane)
        mattes.append(np.rint(on_plane(soft, encoding, plane) * WHOLE).astype(np.uint16))
        codes.append(to_codes(filled + missing_grain(own, filled, ring, site.ground.grain[plane], random), encoding))
    return Patch(crop, tuple(mattes), tuple(codes))


def missing_grain(own: Real, filled: Real, ring: Mask, grain: Grain, random: np.random.Generator) -> Real:
    """Fresh grain, of the film's look, with the power that the scan's own high-pass has on the ring and the net's has not."""
    strength = grain.at(filled)
    if not ring.any():
        return strength * 0
    sound = np.where(ring, own, filled)  # so that no damage is taken for grain
    lost = float((high_pass(sound)[ring] ** 2).mean() - (high_pass(filled)[ring] ** 2).mean())
    share = np.clip(lost / max(float((strength[ring] ** 2).mean()), 1e-9), 0, 1)
    return strength * np.float32(np.sqrt(share)) * draw_grain((own.shape[0], own.shape[1]), grain.softness, random)


def _codes(site: Site, plane: int) -> Real:
    """The scan's own codes of the crop."""
    rows, columns = site.crop.on_plane(site.ground.encoding, plane)
    return np.nan_to_num(site.window.frame.planes[plane][rows, columns].astype(np.float32))
