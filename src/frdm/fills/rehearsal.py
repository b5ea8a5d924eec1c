"""How well the hand does at a place, found out beside it: the damage is laid on sound film nearby, mended, and compared with what is there.

The trust of a fill says how well the net copies sound film around the hole; this says how well it invents what a hole hides, of the same
shape, under the same damage, in the same scene.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from frdm.fills.hand import made_by
from frdm.fills.hand_job import HandJob
from frdm.fills.levels import levels
from frdm.fills.neighbours import Ground, Site, site_of, trust_of
from frdm.film import Box, Codes, Defect, Encoding, Frame, Mask
from frdm.motion.window import Window
from frdm.signal.luma import LUMA

APART = 4  # px of a 480-line picture between a defect and its rehearsal
FAR = 3  # times its own size that a place is looked for at most
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


def rehearsed(window: Window, defects: Sequence[Defect], ground: Ground, job: HandJob) -> list[float]:
    """For each defect the trust, 0 … 1, that its rehearsal earns; 0 where no sound film for one lies near."""
    taken, planes = ground.suspects.copy(), [plane.copy() for plane in window.frame.planes]
    laid: dict[int, Defect] = {}
    for place, defect in enumerate(defects):
        moved = _beside(defect, window, ground.encoding, taken)
        if moved is None:
            continue
        _lay(planes, window.frame, defect, moved, ground.encoding)
        near = window.scale.box(moved.box)
        taken[near.rows, near.columns] |= window.scale.within(moved.box, moved.mask, near)
        laid[place] = moved
    dirtied = replace(window, frame=Frame(window.frame.index, tuple(planes)))
    sites = [site_of(dirtied, moved, replace(ground, suspects=taken)) for moved in laid.values()]
    made = made_by(job.hand, sites, job.how) if sites else []
    earned = {place: _earned(one, site, window.frame) for place, one, site in zip(laid, made, sites, strict=True)}
    return [earned.get(place, 0.0) for place in range(len(defects))]


def _beside(defect: Defect, window: Window, encoding: Encoding, taken: Mask) -> Defect | None:
    """The defect moved onto sound film, as near as can be; None where there is no room."""
    (height, width), box, (v, h) = window.scale.whole, defect.box, encoding.step(1) if encoding.pictures > 1 else (1, 1)
    gap = max(1, round(APART * height / 480))
    for far in range(1, FAR + 1):
        for down, across in WAYS:
            dy = down * far * (-(-(box.bottom - box.top + gap) // v) * v)  # on the chroma grid, so that every plane can be laid as it is
            dx = across * far * (-(-(box.right - box.left + gap) // h) * h)
            place = Box(box.frame, box.top + dy, box.left + dx, box.bottom + dy, box.right + dx)
            if place.top < 0 or place.left < 0 or place.bottom > height or place.right > width:
                continue
            near = window.scale.box(place)
            if not taken[near.rows, near.columns].any():
                return replace(defect, box=place)
    return None


def _lay(planes: Sequence[Codes], frame: Frame, defect: Defect, moved: Defect, encoding: Encoding) -> None:
    """Put the defect's own codes where it was moved to, in place."""
    for plane in range(encoding.pictures):
        (v, h), (rows, columns) = encoding.step(plane), moved.box.on_plane(encoding, plane)
        source = defect.box.on_plane(encoding, plane)
        shape = rows.stop - rows.start, columns.stop - columns.start
        mask = cv2.resize(defect.mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_AREA) > 0 if (v, h) != (1, 1) else defect.mask
        planes[plane][rows, columns][mask] = frame.planes[plane][source][mask]


def _earned(made: np.ndarray, site: Site, frame: Frame) -> float:
    """The trust for what was made of a hole (3, h, w) beside what the frame really shows there."""
    true = levels(frame, site.ground.encoding, site.crop)
    apart = np.abs(cv2.GaussianBlur(np.tensordot(LUMA, made - true, 1).astype(np.float32), (0, 0), 0.8))[site.hole]
    sigma = site.ground.noise[site.small.rows, site.small.columns]
    return trust_of(float(apart.mean()), float(sigma.mean()))
