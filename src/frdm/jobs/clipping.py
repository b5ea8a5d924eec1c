"""Repairs and protected places: which reach into one, and what is left of them outside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from frdm.film import Box, Encoding, Mask, Patch
from frdm.jobs.project import Project
from frdm.ledger.made import Made, Protection, live_places
from frdm.rendering import altered_pixels


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """What a repair covers: its patch, and its defect's mask in its box."""

    patch: Patch
    box: Box  # of the defect
    mask: Mask

    def reaches(self, place: Protection, encoding: Encoding) -> bool:
        """Whether it may alter a code in a protected place."""
        box = self.patch.box
        if not touches(box, place.box):
            return False
        reached = (_on_plane(place, box, encoding, plane) for plane in range(len(self.patch.mattes)))
        return any((matte[there] > 0).any() for matte, there in zip(self.patch.mattes, reached, strict=True))

    def outside(self, place: Protection, encoding: Encoding) -> "Extent | None":
        """What of it lies outside of a place: itself where it doesn't reach in, None where nothing of its defect is left."""
        if not self.reaches(place, encoding):
            return self
        mask = self.mask & ~_within(place, self.box)
        if not mask.any():
            return None
        there = [_on_plane(place, self.patch.box, encoding, plane) for plane in range(len(self.patch.mattes))]
        mattes = tuple(np.where(inside, 0, matte).astype(np.uint16) for matte, inside in zip(self.patch.mattes, there, strict=True))
        return Extent(replace(self.patch, mattes=mattes), self.box, mask)


def clear(project: Project, made: Sequence[Made]) -> tuple[list[Made], list[tuple[int, str]]]:
    """(what is made, as far as it lies outside of protected places; frames in which nothing of one is left, and why)."""
    kept: list[Made] = []
    refused: list[tuple[int, str]] = []
    for one in made:
        frame, encoding = one.repair.defect.box.frame, one.encoding
        extent: Extent | None = Extent(one.repair.patch, one.repair.defect.box, one.repair.defect.mask)
        for place in live_places(project.ledger, frame, frame + 1):
            extent = None if extent is None else extent.outside(place, encoding)
        if extent is None:
            refused.append((frame, "the place is protected: undo its protection first"))
        elif extent.patch is one.repair.patch:
            kept.append(one)
        else:
            repair = replace(one.repair, patch=extent.patch, defect=replace(one.repair.defect, mask=extent.mask))
            kept.append(replace(one, repair=repair, altered=altered_pixels(extent.patch, encoding)))
    return kept, refused


def touches(one: Box, other: Box) -> bool:
    """Whether two boxes, of whatever frames, share a pixel."""
    return one.top < other.bottom and other.top < one.bottom and one.left < other.right and other.left < one.right


def _on_plane(place: Protection, box: Box, encoding: Encoding, plane: int) -> Mask:
    """The samples of a plane in a box that colour any pixel of the place."""
    v, h = encoding.step(plane)
    rows, columns = box.on_plane(encoding, plane)
    whole = _within(place, Box(box.frame, rows.start * v, columns.start * h, rows.stop * v, columns.stop * h))
    return np.asarray(whole.reshape(rows.stop - rows.start, v, columns.stop - columns.start, h).any((1, 3)))


def _within(place: Protection, box: Box) -> Mask:
    """The place's mask as it lies in another box, of that box's shape."""
    out = np.zeros((box.bottom - box.top, box.right - box.left), np.bool_)
    top, bottom = max(box.top, place.box.top), min(box.bottom, place.box.bottom)
    left, right = max(box.left, place.box.left), min(box.right, place.box.right)
    if top < bottom and left < right:
        part = place.mask[top - place.box.top : bottom - place.box.top, left - place.box.left : right - place.box.left]
        out[top - box.top : bottom - box.top, left - box.left : right - box.left] = part
    return out
