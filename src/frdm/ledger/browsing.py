"""The list of defects as people browse it: filtered, sorted, counted, a page at a time, quick for a hundred thousand of them."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from frdm.film import Box
from frdm.ledger.decisions import provenance_of
from frdm.ledger.records import DefectRow, FrameRow, Selection
from frdm.ledger.selecting import BATCH, conditions, marks
from frdm.ledger.store import Ledger

Sort = Literal["frame", "confidence", "size", "kind", "status"]
Aim = Literal["defect", "held", "unreviewed", "painted"]
_ORDERS: dict[str, str] = {
    "frame": "d.frame {0}, d.number {0}",
    "confidence": "d.confidence {0}, d.frame, d.number",
    "size": "d.area {0}, d.frame, d.number",
    "kind": "d.kind {0}, d.frame, d.number",
    "status": "d.status {0}, d.frame, d.number",
}
_AIMS: dict[str, str] = {
    "defect": "1",
    "held": "d.status = 'held'",
    "unreviewed": "NOT d.reviewed",
    "painted": "d.painted",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which defects are listed, and in which order; `aside` None: those set aside and those in force."""

    selection: Selection = field(default_factory=Selection)
    aside: bool | None = False
    sort: Sort = "frame"
    descending: bool = False

    @property
    def order(self) -> str:
        return _ORDERS[self.sort].format("DESC" if self.descending else "ASC")

    def conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        """As `selecting.conditions`, on `d`."""
        more = "" if self.aside is None else f" AND d.aside = {int(self.aside)}"
        return [(condition + more, values) for condition, values in conditions(self.selection, "d")]


@dataclass(frozen=True, slots=True)
class Counts:
    """Defects that fit a filter, counted; `histogram` by confidence in twentieths of 0 … 1."""

    total: int
    frames: int
    kinds: dict[str, int]
    statuses: dict[str, int]
    unreviewed: int
    histogram: list[int]


@dataclass(frozen=True, slots=True)
class Density:
    """Defects over equal parts of frames start … stop-1: of each status, unreviewed and painted; and how far each part is analysed."""

    start: int
    stop: int
    counts: dict[str, list[int]]
    altered: list[float]  # the greatest share of a frame's pixels
    analysed: list[float]  # share of its frames


def listed(ledger: Ledger, wanted: Filter, *, offset: int = 0, limit: int = 200) -> tuple[int, list[DefectRow]]:
    """(how many fit, one page of them)."""
    ((condition, values),) = wanted.conditions()
    total = ledger.rows(f"SELECT COUNT(*) FROM defects d WHERE {condition}", values)[0][0]
    query = f"SELECT d.number FROM defects d WHERE {condition} ORDER BY {wanted.order} LIMIT ? OFFSET ?"
    numbers = [row[0] for row in ledger.rows(query, (*values, limit, offset))]
    return total, defects(ledger, numbers)


def place_of(ledger: Ledger, name: str, wanted: Filter) -> int | None:
    """The row of a defect in a filtered list, None where it isn't in it."""
    ((condition, values),) = wanted.conditions()
    query = (
        f"SELECT row FROM (SELECT d.id AS id, ROW_NUMBER() OVER (ORDER BY {wanted.order}) - 1 AS row FROM defects d WHERE {condition}) "
        "WHERE id = ?"
    )
    rows = ledger.rows(query, (*values, name))
    return int(rows[0][0]) if rows else None


def counts(ledger: Ledger, wanted: Filter) -> Counts:
    """Defects that fit, counted."""
    ((condition, values),) = wanted.conditions()
    query = (
        "SELECT d.kind, d.status, MIN(CAST(d.confidence * 20 AS INTEGER), 19), COUNT(*), SUM(NOT d.reviewed) "
        f"FROM defects d WHERE {condition} GROUP BY 1, 2, 3"
    )
    found = Counts(0, 0, {}, {}, 0, [0] * 20)
    total = unreviewed = 0
    for kind, status, part, count, new in ledger.rows(query, values):
        found.kinds[kind] = found.kinds.get(kind, 0) + count
        found.statuses[status] = found.statuses.get(status, 0) + count
        found.histogram[max(part, 0)] += count
        total, unreviewed = total + count, unreviewed + new
    frames = ledger.rows(f"SELECT COUNT(DISTINCT d.frame) FROM defects d WHERE {condition}", values)[0][0]
    return Counts(total, frames, found.kinds, found.statuses, unreviewed, found.histogram)


def density(ledger: Ledger, start: int, *, stop: int, bins: int) -> Density:
    """Defects in force, counted over `bins` equal parts of frames start … stop-1."""
    length = stop - start
    series = {name: [0] * bins for name in ("accepted", "rejected", "held", "unreviewed", "painted")}
    query = (
        "SELECT (frame - ?) * ? / ?, status, COUNT(*), SUM(NOT reviewed), SUM(painted) FROM defects "
        "WHERE frame >= ? AND frame < ? AND NOT aside GROUP BY 1, 2"
    )
    for place, status, count, new, painted in ledger.rows(query, (start, bins, length, start, stop)):
        series[status][place] += count
        series["unreviewed"][place] += new
        series["painted"][place] += painted
    altered, analysed = [0.0] * bins, [0.0] * bins
    query = "SELECT (frame - ?) * ? / ?, MAX(altered), COUNT(*) FROM frames WHERE frame >= ? AND frame < ? GROUP BY 1"
    for place, worst, count in ledger.rows(query, (start, bins, length, start, stop)):
        altered[place], analysed[place] = worst, min(1.0, count * bins / length)
    return Density(start, stop, series, altered, analysed)


def step(ledger: Ledger, aim: Aim, wanted: Filter, *, frame: int, after: str | None = None, backwards: bool = False) -> DefectRow | None:
    """The next defect of a sort in the order of frames (or the one before), from a frame, or from a defect in it."""
    ((condition, values),) = wanted.conditions()
    here = ledger.rows("SELECT frame, number FROM defects WHERE id = ?", (after,)) if after is not None else []
    at: tuple[int, int] = (here[0][0], here[0][1]) if here else (frame, -1 if backwards else 1 << 62)  # frame -1: from before the first
    beyond, order = ("<", "DESC") if backwards else (">", "ASC")
    query = (
        f"SELECT d.number FROM defects d WHERE {condition} AND {_AIMS[aim]} AND (d.frame, d.number) {beyond} (?, ?) "
        f"ORDER BY d.frame {order}, d.number {order} LIMIT 1"
    )
    rows = ledger.rows(query, (*values, *at))
    return defects(ledger, [rows[0][0]])[0] if rows else None


def of_frame(ledger: Ledger, frame: int) -> list[DefectRow]:
    """All defects of a frame, those set aside too, in the order in which their repairs are laid over each other."""
    query = (
        "SELECT d.number FROM defects d LEFT JOIN repairs r ON r.number = d.repair WHERE d.frame = ? "
        "ORDER BY COALESCE(r.replaces, r.number), d.repair, d.number"
    )
    return defects(ledger, [row[0] for row in ledger.rows(query, (frame,))])


def by_ids(ledger: Ledger, names: Sequence[str]) -> list[DefectRow]:
    """Defects by id, in the given order; unknown ones are left out."""
    found: dict[str, int] = {}
    for at in range(0, len(names), BATCH):
        batch = names[at : at + BATCH]
        found |= dict(ledger.rows(f"SELECT id, number FROM defects WHERE id IN ({marks(batch)})", batch))  # type: ignore[arg-type]
    return defects(ledger, [found[name] for name in names if name in found])


def versions(ledger: Ledger, repair: int) -> list[DefectRow]:
    """The other versions of a repair, oldest first."""
    query = (
        "SELECT d.number FROM repairs r JOIN repairs o ON COALESCE(o.replaces, o.number) = COALESCE(r.replaces, r.number) "
        "JOIN defects d ON d.repair = o.number WHERE r.number = ? AND o.number <> r.number ORDER BY o.number"
    )
    return defects(ledger, [row[0] for row in ledger.rows(query, (repair,))])


def defects(ledger: Ledger, numbers: Sequence[int]) -> list[DefectRow]:
    """Rows of the list by number, in the given order."""
    found: dict[int, DefectRow] = {}
    for at in range(0, len(numbers), BATCH):
        batch = numbers[at : at + BATCH]
        query = f"{_COLUMNS} WHERE d.number IN ({marks(batch)})"
        found |= {row["place"]: _defect(row) for row in ledger.rows(query, batch)}
    return [found[number] for number in numbers if number in found]


_COLUMNS = (
    "SELECT d.number AS place, d.id, d.repair, d.held, d.shot, d.frame, d.kind, d.polarity, d.confidence, d.status, d.reviewed, "
    "d.painted, d.aside, COALESCE(r.defect_top, h.top) AS top, COALESCE(r.defect_left, h.left) AS left, "
    "COALESCE(r.defect_bottom, h.bottom) AS bottom, COALESCE(r.defect_right, h.right) AS right, "
    "COALESCE(r.track, h.track) AS track, COALESCE(h.reason, '') AS reason, r.engine, r.sources, r.weights, r.seed, r.trust, r.detector, "
    "r.altered, (SELECT f.id FROM repairs f WHERE f.number = r.replaces) AS first "
    "FROM defects d LEFT JOIN repairs r ON r.number = d.repair LEFT JOIN held h ON h.number = d.held"
)


def _defect(row: sqlite3.Row) -> DefectRow:
    return DefectRow(
        number=row["place"],
        id=row["id"],
        repair=row["repair"],
        held=row["held"],
        shot=row["shot"],
        box=Box(row["frame"], row["top"], row["left"], row["bottom"], row["right"]),
        kind=row["kind"],
        polarity=row["polarity"],
        confidence=row["confidence"],
        track=row["track"],
        status=row["status"],
        reviewed=bool(row["reviewed"]),
        painted=bool(row["painted"]),
        aside=bool(row["aside"]),
        reason=row["reason"],
        provenance=None if row["repair"] is None else provenance_of(row),
        altered=row["altered"],
        replaces=row["first"],
    )


# Frames and shots ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShotCounts:
    """What stands in a shot's defects list; `worst` is its frame that is altered most."""

    statuses: dict[str, int]
    kinds: dict[str, int]
    unreviewed: int
    painted: int
    altered: float
    worst: int | None
    analysed: int  # frames


def shot_counts(ledger: Ledger) -> dict[int, ShotCounts]:
    """Of every shot, by its number."""
    frames = {
        row["shot"]: row
        for row in ledger.rows(
            "SELECT s.shot AS shot, COUNT(*) AS analysed, AVG(f.altered) AS altered, MAX(f.altered) AS most, f.frame AS worst "
            "FROM frames f JOIN spans s ON s.number = f.span GROUP BY s.shot"
        )
    }
    shots = [row[0] for row in ledger.rows("SELECT number FROM shots")]
    found = {shot: _shot_counts(frames.get(shot)) for shot in shots}
    query = "SELECT shot, status, kind, COUNT(*), SUM(NOT reviewed), SUM(painted) FROM defects WHERE NOT aside GROUP BY 1, 2, 3"
    new: dict[int, int] = {}
    painted: dict[int, int] = {}
    for shot, status, kind, count, unseen, by_hand in ledger.rows(query):
        if shot in found:
            here = found[shot]
            here.statuses[status] = here.statuses.get(status, 0) + count
            here.kinds[kind] = here.kinds.get(kind, 0) + count
            new[shot], painted[shot] = new.get(shot, 0) + unseen, painted.get(shot, 0) + by_hand
    return {
        shot: ShotCounts(c.statuses, c.kinds, new.get(shot, 0), painted.get(shot, 0), c.altered, c.worst, c.analysed)
        for shot, c in found.items()
    }


def _shot_counts(row: sqlite3.Row | None) -> ShotCounts:
    if row is None:
        return ShotCounts({}, {}, 0, 0, 0.0, None, 0)
    return ShotCounts({}, {}, 0, 0, row["altered"], row["worst"] if row["most"] > 0 else None, row["analysed"])


def frame_of(ledger: Ledger, frame: int) -> FrameRow | None:
    """What analysis says of a frame; None where it hasn't come to it yet."""
    rows = ledger.rows("SELECT frame, noise, repeats, altered FROM frames WHERE frame = ?", (frame,))
    return FrameRow(*rows[0]) if rows else None


def frame_state(ledger: Ledger, frame: int) -> str:
    """A word that changes whenever what is shown of a frame does: the project, its repairs, their statuses, held defects."""
    query = (
        "SELECT (SELECT settings || created FROM project), "
        "(SELECT COALESCE(MAX(d.number), 0) FROM repairs r JOIN decisions d ON d.repair = r.number WHERE r.frame = ?), "
        "(SELECT COUNT(*) FROM defects WHERE frame = ?), (SELECT COUNT(*) FROM frames WHERE frame = ?)"
    )
    made, *counts = ledger.rows(query, (frame, frame, frame))[0]
    return "-".join([hashlib.blake2b(str(made).encode(), digest_size=6).hexdigest(), *(str(count) for count in counts)])


def state_of(ledger: Ledger) -> tuple[int, int, int]:
    """(last action, repairs, frames analysed): whether anything in a list has changed."""
    query = (
        "SELECT (SELECT COALESCE(MAX(number), 0) FROM actions), (SELECT COALESCE(MAX(number), 0) FROM repairs), "
        "(SELECT COUNT(*) FROM frames)"
    )
    actions, repairs, frames = ledger.rows(query)[0]
    return actions, repairs, frames
