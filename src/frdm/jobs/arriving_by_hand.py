"""What a JSON export carries beside decisions, on its way into a copy of the project: repairs that people made, and protected places.

A repair that is here already is known by its frame, its pixels, and by who made it when. What is new keeps its id, unless another
repair has it here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from frdm.errors import LedgerError
from frdm.film import Box, Kind, Polarity
from frdm.jobs.by_hand import written
from frdm.jobs.carrying import digest_of, pixels_of, place_of, repair_of
from frdm.jobs.clipping import Extent
from frdm.jobs.layers import LayerStore
from frdm.jobs.outputs import disk_errors
from frdm.jobs.pictures_out import open_film
from frdm.jobs.project import Project
from frdm.ledger.arriving import Brought, ForeignProtection, ForeignRepair, ForeignReview
from frdm.ledger.decisions import history, repairs_between
from frdm.ledger.made import Made, Protection, protected_mask, protections
from frdm.ledger.merging import Foreign
from frdm.ledger.patches import StoredPatch
from frdm.media.scan import Scan, info_at
from frdm.rendering import altered_pixels

Id = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}-[A-Za-z0-9]{1,12}$")]
Name = Annotated[str, StringConstraints(max_length=200)]
Side = Annotated[int, Field(ge=0, le=10**6)]
Corners = tuple[Side, Side, Side, Side]  # top, left, bottom, right
Index = Annotated[int, Field(ge=0, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PatchPlace(BaseModel):
    """Where a repair lay among the others."""

    order: int


class ByHandRow(BaseModel):
    """A repair that a person made, with its pixels as text."""

    id: Id
    frame: Index
    box: Corners
    kind: Kind
    polarity: Polarity
    confidence: Share
    track: int | None
    detector: Name
    engine: Annotated[str, StringConstraints(pattern=r"^[a-z ]{1,40}$")]
    sources: tuple[Index, ...] = Field(max_length=64)
    weights: Name | None
    seed: int | None = Field(ge=0, le=1 << 62)
    trust: Share
    patch: PatchPlace
    replaces: Id | None
    mends: Id | None
    pixels: str


class PlaceRow(BaseModel):
    """A protected place, with its mask as text."""

    action: int = Field(ge=1)
    who: Name
    at: AwareDatetime
    start: Index
    stop: Index
    box: Corners
    mask: str
    note: Annotated[str, StringConstraints(max_length=500)]
    live: bool
    turned: tuple[AwareDatetime, Name] | None
    repairs: tuple[Id, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Theirs:
    """What a file holds of another copy."""

    by_hand: Sequence[ByHandRow]
    places: Sequence[PlaceRow]
    reviews: Sequence[ForeignReview]
    decisions: Sequence[Foreign]


def brought_of(project: Project, theirs: Theirs, path: Path) -> Brought:
    """All of it as the ledger takes it; new repairs' pixels lie on disk when it returns. Raises `LedgerError`, `MediaError`."""
    if not theirs.by_hand and not theirs.places:
        return Brought(reviews=theirs.reviews)
    with closing(open_film(project, None)) as scan:
        read = [_read(one, scan, path) for one in theirs.by_hand]
        places = [(one, _place(one, scan, path)) for one in theirs.places]
        same = _same(project, read, theirs.decisions)
        new = [(one, stored) for one, stored in read if one.id not in same]
        repairs = [_foreign(one, stored, scan) for one, stored in new]
        taken = [_protection(project, one, place, [*repairs], scan) for one, place in places]
        reached = _reached(project, repairs, scan)
    by_frame: dict[int, list[ForeignRepair]] = {}
    for repair in repairs:
        by_frame.setdefault(repair.made.repair.defect.box.frame, []).append(repair)
    file = None
    if repairs:
        with disk_errors(project.patches):
            file = written(project.patches, [(frame, [r.made.repair for r in found]) for frame, found in sorted(by_frame.items())])
    return Brought(repairs, same, file, theirs.reviews, taken, reached)


def _read(one: ByHandRow, scan: Scan, path: Path) -> tuple[ByHandRow, StoredPatch]:
    try:
        if one.frame >= scan.info.length or any(source >= scan.info.length for source in one.sources):
            raise ValueError("it names frames that the film doesn't have")
        return one, pixels_of(one.pixels, Box(one.frame, *one.box), info_at(scan, one.frame))
    except ValueError as error:
        raise LedgerError(f"{path}: the repair {one.id} can't be used: {error}; export it anew") from None


def _place(one: PlaceRow, scan: Scan, path: Path) -> Protection:
    try:
        return place_of(one.model_dump(), info_at(scan, min(one.start, scan.info.length - 1)))
    except ValueError as error:
        raise LedgerError(f"{path}: the protection of {one.who} can't be used: {error}; export it anew") from None


def _foreign(one: ByHandRow, stored: StoredPatch, scan: Scan) -> ForeignRepair:
    encoding = info_at(scan, one.frame).encoding
    repair = repair_of(one.model_dump(), Box(one.frame, *one.box), stored)
    return ForeignRepair(one.id, Made(repair, altered_pixels(stored.patch, encoding), encoding), one.replaces, one.mends)


def _same(project: Project, read: Sequence[tuple[ByHandRow, StoredPatch]], decisions: Sequence[Foreign]) -> Mapping[str, str]:
    """Their repairs that are here already, with the ids here: of the same pixels, made by the same person in the same second."""
    makers: dict[str, tuple[str, str]] = {}
    for line in history(project.ledger):
        makers.setdefault(line.repair, (line.who, line.at))
    layers, here = LayerStore(), dict[tuple[object, ...], list[str]]()
    for frame in sorted({one.frame for one, _ in read}):
        for layer in layers.of(project, frame):
            if layer.row.span is None:
                key = frame, digest_of(layer.stored), makers.get(layer.row.id)
                here.setdefault(key, []).append(layer.row.id)
    theirs: dict[str, tuple[str, str]] = {}
    for decision in sorted(decisions, key=lambda one: one.number):
        theirs.setdefault(decision.repair, (decision.who, decision.at))
    met, same = Counter[tuple[object, ...]](), dict[str, str]()
    for one, stored in read:
        key = one.frame, digest_of(stored), theirs.get(one.id)
        if met[key] < len(here.get(key, [])):
            same[one.id] = here[key][met[key]]
        met[key] += 1
    return same


def _protection(project: Project, one: PlaceRow, place: Protection, coming: Sequence[ForeignRepair], scan: Scan) -> ForeignProtection:
    """A place with all repairs that reach into it, theirs by what they say, ours and those that come by their mattes."""
    turned = ("", "") if one.turned is None else (_stamp(one.turned[0]), one.turned[1])
    theirs = dict.fromkeys([*one.repairs, *(repair.name for repair in coming if _reaches(repair, place))])
    layers, ours = LayerStore(), list[str]()
    for frame in sorted({row.box.frame for row in repairs_between(project.ledger, place.start, stop=place.stop)}):
        encoding = info_at(scan, frame).encoding
        for layer in layers.of(project, frame):
            if Extent(layer.stored.patch, layer.stored.defect_box, layer.stored.mask).reaches(place, encoding):
                ours.append(layer.row.id)
    return ForeignProtection(one.action, one.who, _stamp(one.at), place, one.live, turned, tuple(theirs), tuple(ours))


def _stamp(when: datetime) -> str:
    """A time as the ledger has it."""
    return when.astimezone(UTC).isoformat(timespec="seconds")


def _reached(project: Project, coming: Sequence[ForeignRepair], scan: Scan) -> list[tuple[int, str]]:
    """Our protected places into which repairs that come reach."""
    found = []
    for row in protections(project.ledger, 0, scan.info.length):
        place = Protection(row.start, row.stop, row.box, protected_mask(project.ledger, row.number))
        found += [(row.number, repair.name) for repair in coming if _reaches(repair, place)]
    return found


def _reaches(repair: ForeignRepair, place: Protection) -> bool:
    made = repair.made.repair
    inside = place.start <= made.defect.box.frame < place.stop
    return inside and Extent(made.patch, made.defect.box, made.defect.mask).reaches(place, repair.made.encoding)
