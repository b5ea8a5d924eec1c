"""Places that a person protects: accepted repairs inside are taken back, those that reach in are clipped; all of it one action."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from frdm.film import Box, Defect, Encoding, Mask, Patch, Repair
from frdm.jobs.drawing import Shape, drawn
from frdm.jobs.layers import Layer, LayerStore, in_force
from frdm.jobs.painting import write_made
from frdm.jobs.project import Project
from frdm.ledger import made
from frdm.ledger.decisions import repairs_between
from frdm.ledger.made import ByHand, ChangedMeanwhileError, Made, Protection
from frdm.ledger.records import By
from frdm.media.scan import Scan, info_at
from frdm.rendering import altered_pixels

TRIES = 5  # when others decide in the same moment


@dataclass(frozen=True, slots=True)
class Protected:
    """What came of it: the action, and how many repairs were taken back or clipped."""

    action: int
    changed: int


@dataclass(frozen=True, slots=True)
class Film:
    """What is protected: a project, its scan, and the store of its patches."""

    project: Project
    scan: Scan
    layers: LayerStore


def protect(film: Film, frames: range, shapes: Sequence[Shape], *, by: By, note: str = "") -> Protected:
    """Let nothing be altered where it is drawn, in all of the frames. Raises `LedgerError`, `RecipeError`."""
    info = info_at(film.scan, frames.start)
    box, mask = drawn(shapes, height=info.height, width=info.width, frame=frames.start)
    place = Protection(frames.start, frames.stop, box, mask, note)
    for left in reversed(range(TRIES)):
        try:
            return _protected(film, place, by)
        except ChangedMeanwhileError:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def _protected(film: Film, place: Protection, by: By) -> Protected:
    """Protect the place as the ledger stands now."""
    ledger = film.project.ledger
    seen = made.state(ledger)
    rows = repairs_between(ledger, place.start, stop=place.stop)
    frames = sorted({row.box.frame for row in rows if row.status == "accepted" and _touches(row.box, place.box)})
    taken: list[int] = []
    clipped: list[Made] = []
    for frame in frames:
        for layer in in_force(film.layers.of(film.project, frame)):
            left = clip(layer, place, info_at(film.scan, frame).encoding)
            if left is layer.stored.patch:
                continue
            taken.append(layer.row.number)
            if left is not None:
                clipped.append(_clipped(layer, left, place, info_at(film.scan, frame).encoding))
    box = place.box
    said = {"start": place.start, "stop": place.stop, "box": [box.top, box.left, box.bottom, box.right]}
    work = ByHand("protect", json.dumps(said), clipped, taken_back=taken, protection=place, seen=seen)
    action, _ = write_made(film.project, work, by)
    return Protected(action, len(taken))


def clip(layer: Layer, place: Protection, encoding: Encoding) -> Patch | None:
    """The patch without what lies in the place: itself where nothing does, None where nothing of the defect is left."""
    patch = layer.stored.patch
    if not _touches(patch.box, place.box):
        return patch
    reached = [_on_plane(place, patch.box, encoding, plane) for plane in range(len(patch.mattes))]
    if not any((matte[there] > 0).any() for matte, there in zip(patch.mattes, reached, strict=True)):
        return patch
    if not (layer.stored.mask & ~_within(place, layer.stored.defect_box)).any():
        return None
    mattes = tuple(np.where(there, 0, matte).astype(np.uint16) for matte, there in zip(patch.mattes, reached, strict=True))
    return replace(patch, mattes=mattes)


def _clipped(layer: Layer, patch: Patch, place: Protection, encoding: Encoding) -> Made:
    row, box = layer.row, layer.stored.defect_box
    mask = layer.stored.mask & ~_within(place, box)
    repair = Repair("", Defect(row.kind, row.polarity, box, mask, row.confidence, row.track), patch, row.provenance)
    return Made(repair, altered_pixels(patch, encoding), replaces=row.number)


def _touches(one: Box, other: Box) -> bool:
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
        piece = place.mask[top - place.box.top : bottom - place.box.top, left - place.box.left : right - place.box.left]
        out[top - box.top : bottom - box.top, left - box.left : right - box.left] = piece
    return out
