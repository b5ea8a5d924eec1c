"""Defects as markers in a timeline, one a defect or one a shot."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from frdm.errors import LedgerError
from frdm.film import Shot, Status
from frdm.jobs.export_places import refuse_place, write_text
from frdm.jobs.exporting import Found, read_found, require_suffix
from frdm.jobs.project import Project, existing
from frdm.jobs.timelines import Mark, reel_of, resolve_edl, timeline_text

Form = Literal["otio", "edl", "resolve"]
Per = Literal["defect", "shot"]
_COLOURS = {"accepted": "GREEN", "rejected": "RED", "held": "YELLOW"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which markers are written."""

    per: Per = "defect"  # one a defect (those of one standing scratch are one), or one a shot with its counts
    statuses: tuple[Status, ...] = ()  # only such defects; none: all
    timecode: str | None = None  # of the film's frame 0, where the film doesn't say or should say otherwise


def export_markers(
    project: str | Path,
    out: str | Path,
    form: Form,
    *,
    wanted: Wanted = Wanted(),
    overwrite: bool = False,
) -> int:
    """Write markers to the file `out`; how many. Raises `LedgerError`, `OutputError`, `RecipeError`."""
    place = Path(out)
    require_suffix(place, ".otio" if form == "otio" else ".edl")
    with existing(Path(project), alone=False) as opened:
        refuse_place(opened, place, overwrite=overwrite)
        reel, found = reel_of(opened, wanted.timecode), read_found(opened)
        marks_of = shot_marks if wanted.per == "shot" else defect_marks
        marks = list(marks_of(found, wanted.statuses))
        shots = _shots_of(opened, found)
        text = resolve_edl(reel, marks) if form == "resolve" else timeline_text(reel, shots, marks, edl=form == "edl")
        write_text(place, [text])
    return len(marks)


def defect_marks(found: Found, statuses: Sequence[Status] = ()) -> Iterator[Mark]:
    """A marker a defect, in the order of frames; of a standing defect one for all its frames in a shot."""
    seen: set[tuple[int, int]] = set()
    for one in _chosen(found, statuses):
        if one["track"] is not None:
            if (one["shot"], one["track"]) in seen:
                continue
            seen.add((one["shot"], one["track"]))
        top, left, bottom, right = one["box"]
        size = f"{right - left} × {bottom - top} px at x {left}, y {top}"
        why = one["reason"] or f"{one['source']}, {one['status']}"
        comment = f"{one['polarity']}, {size}, confidence {one['confidence']:.2f}; {why}"
        values = {name: one[name] for name in ("id", "kind", "polarity", "confidence", "status", "box", "source", "reason")}
        start, stop = one["frames"]
        yield Mark(one["shot"], start, stop, f"{one['id']} {one['kind']}", comment, _COLOURS[one["status"]], values)


def shot_marks(found: Found, statuses: Sequence[Status] = ()) -> Iterator[Mark]:
    """A marker a shot in which anything was found, with how many of what."""
    chosen: dict[int, list[Mapping[str, Any]]] = {}
    for one in _chosen(found, statuses):
        chosen.setdefault(one["shot"], []).append(one)
    for row in found.shots:
        defects = chosen.get(row.number, [])
        if defects:
            status, kind = (Counter(one[what] for one in defects) for what in ("status", "kind"))
            comment = f"{len(defects)} defects: {_counted(kind)}; {_counted(status)}"
            values = {"shot": row.number, "kinds": dict(sorted(kind.items())), "statuses": dict(sorted(status.items()))}
            colour = _COLOURS["held"] if status["held"] else _COLOURS["accepted"]
            yield Mark(row.number, row.shot.start, row.shot.stop, f"shot {row.number}", comment, colour, values)


def _chosen(found: Found, statuses: Sequence[Status]) -> Iterator[Mapping[str, Any]]:
    """The defects that are meant, without those of which another version is in force or that were mended by hand."""
    return (one for one in found.defects if not one["aside"] and (not statuses or one["status"] in statuses))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _shots_of(project: Project, found: Found) -> dict[int, Shot]:
    """The project's shots, cut to the frames that it is of. Raises `LedgerError` where none are known yet."""
    start, stop = project.row.start, project.row.stop
    shots = {row.number: Shot(max(row.shot.start, start), min(row.shot.stop, stop)) for row in found.shots}
    shots = {number: shot for number, shot in shots.items() if len(shot) > 0}
    if not shots:
        raise LedgerError(f"{project.folder}: no shot was found yet; run frdm restore first")
    return shots
