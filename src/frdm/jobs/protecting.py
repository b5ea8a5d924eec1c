"""Places that a person protects: accepted repairs inside are taken back, those that reach in are clipped; all of it one action."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from frdm.errors import RecipeError
from frdm.film import Defect, Encoding, Repair
from frdm.jobs.by_hand import TRIES, write_made
from frdm.jobs.clipping import Extent, touches
from frdm.jobs.drawing import Shape, drawn
from frdm.jobs.layers import Layer, LayerStore
from frdm.jobs.project import Project
from frdm.ledger import made
from frdm.ledger.decisions import repairs_between
from frdm.ledger.made import ByHand, ChangedMeanwhileError, Made, Protection
from frdm.ledger.records import By
from frdm.media.album import Album
from frdm.media.scan import Scan, info_at
from frdm.rendering import altered_pixels


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
    if isinstance(film.scan, Album) and len(frames) > 1:
        raise RecipeError(f"frames {frames.start} to {frames.stop - 1}: unrelated pictures are protected one by one; give one frame")
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
    reached: list[int] = []
    taken: list[int] = []
    clipped: list[Made] = []
    for frame in sorted({row.box.frame for row in rows if touches(row.box, place.box)}):
        encoding = info_at(film.scan, frame).encoding
        for layer in film.layers.of(film.project, frame):
            extent = Extent(layer.stored.patch, layer.stored.defect_box, layer.stored.mask)
            if not extent.reaches(place, encoding):
                continue
            reached.append(layer.row.number)
            if layer.row.status == "accepted":
                taken.append(layer.row.number)
                left = extent.outside(place, encoding)
                clipped += [] if left is None else [_clipped(layer, left, encoding)]
    box = place.box
    said = {"start": place.start, "stop": place.stop, "box": [box.top, box.left, box.bottom, box.right]}
    work = ByHand("protect", json.dumps(said), clipped, taken_back=taken, protection=place, reached=reached, seen=seen)
    action, _ = write_made(film.project, work, by)
    return Protected(action, len(taken))


def _clipped(layer: Layer, left: Extent, encoding: Encoding) -> Made:
    """What is left of a repair, as a version of it."""
    row = layer.row
    repair = Repair("", Defect(row.kind, row.polarity, left.box, left.mask, row.confidence, row.track), left.patch, row.provenance)
    return Made(repair, altered_pixels(left.patch, encoding), encoding, replaces=row.number)
