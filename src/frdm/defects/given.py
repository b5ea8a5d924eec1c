"""Defects that a scanner or a person has marked: the pieces of a dirt map; and what goes before what, where defects meet."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from frdm.defects.classical import kind_of
from frdm.film import Box, Defect, Mask
from frdm.motion.window import Window

OWN, SKIRT = 0.5, 3.0  # share of a piece that must lie beyond the lines that cross it, and px of a 480-line picture beside them


def from_dirtmap(window: Window, dirt: Mask, allowed: Mask | None, largest: float) -> list[Defect]:
    """Each connected piece of `dirt` (H, W) that may be touched, as a defect of confidence 1; `largest` px of a 480-line picture is the
    side of the greatest.
    """
    height, width = dirt.shape
    marked = (dirt if allowed is None else dirt & allowed).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    defects = []
    for number in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[number])
        if area > (largest * height / 480) ** 2:
            continue
        top, left, bottom, right = max(y - 1, 0), max(x - 1, 0), min(y + h + 1, height), min(x + w + 1, width)
        piece = labels[top:bottom, left:right] == number
        mask = cv2.dilate(piece.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        box = Box(window.frame.index, top, left, bottom, right)
        near = window.scale.box(box)
        place = (near.rows, near.columns)
        where = window.scale.within(box, piece, near)
        light = window.luma[place][where].mean()
        expected = np.median([a.luma[place][where].mean() for a in window.aligned] or window.luma[place])
        defects.append(Defect(kind_of(piece, height / 480), "bright" if light > expected else "dark", box, mask, 1.0))
    return defects


def apart_from(found: Sequence[Defect], others: Sequence[Defect], shape: tuple[int, ...]) -> list[Defect]:
    """Those of `found` that touch none of `others`."""
    if not others:
        return list(found)
    taken = _laid(others, shape)
    return [d for d in found if not (taken[d.box.rows, d.box.columns] & d.mask).any()]


def beyond(found: Sequence[Defect], lines: Sequence[Defect], shape: tuple[int, ...]) -> list[Defect]:
    """`found` without the pixels of `lines`; what lies on lines and beside them for more than half is a line itself and left out."""
    if not lines:
        return list(found)
    taken = _laid(lines, shape)
    skirt = np.ones((1, 2 * round(SKIRT * shape[0] / 480) + 1), np.uint8)
    near = cv2.dilate(taken.astype(np.uint8), skirt) > 0
    out = []
    for defect in found:
        place = (defect.box.rows, defect.box.columns)
        if not (taken[place] & defect.mask).any():
            out.append(defect)
        elif (defect.mask & ~near[place]).sum() >= OWN * defect.mask.sum():
            out.append(replace(defect, mask=defect.mask & ~taken[place]))
    return out


def _laid(defects: Sequence[Defect], shape: tuple[int, ...]) -> Mask:
    """Where any of some defects lies on a picture of `shape`."""
    out = np.zeros(shape, bool)
    for defect in defects:
        out[defect.box.rows, defect.box.columns] |= defect.mask
    return out
