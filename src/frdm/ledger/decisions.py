"""Repairs as they stand now or stood at a decision, and what people decide about them. Nothing is ever taken out of the history."""

import json
import sqlite3
from dataclasses import replace
from typing import Any, Literal

from frdm.film import Box, Provenance, Status
from frdm.ledger.claims import respect
from frdm.ledger.records import By, DecisionRow, HeldRow, Outcome, RepairRow, Selection
from frdm.ledger.selecting import check, conditions
from frdm.ledger.standing import PROTECTED, Change, add_decisions, require_free, rivals, settle
from frdm.ledger.store import Ledger
from frdm.ledger.undoing import add_action
from frdm.ledger.undoing import undo as undo

Verb = Literal["accept", "reject", "confirm"]
_AFTER: dict[str, str] = {"accept": "accepted", "reject": "rejected"}
_IN_ORDER = "ORDER BY COALESCE(replaces, number), number"  # as repairs lie over each other: a version takes the first one's place


def repairs(ledger: Ledger, selection: Selection | None = None) -> list[RepairRow]:
    """Repairs with their present status, in the order in which they are laid over each other."""
    found: list[RepairRow] = []
    for condition, values in conditions(selection or Selection()):
        found += [_repair(row) for row in ledger.rows(f"SELECT * FROM repair_states r WHERE {condition}", values)]
    return sorted(found, key=lambda r: (r.first, r.number))


def repairs_between(ledger: Ledger, start: int, *, stop: int, decision: int | None = None) -> list[RepairRow]:
    """Repairs of frames start … stop-1, with the status that they had after `decision` (None: now)."""
    query = f"SELECT * FROM repair_states WHERE frame >= ? AND frame < ? {_IN_ORDER}"
    rows = [_repair(row) for row in ledger.rows(query, (start, stop))]
    if decision is None or decision >= ledger.last_decision():
        return rows
    query = (
        "SELECT r.number, COALESCE((SELECT d.after FROM decisions d WHERE d.repair = r.number AND d.number <= ? "
        "ORDER BY d.number DESC LIMIT 1), r.initial) FROM repairs r WHERE r.frame >= ? AND r.frame < ?"
    )
    then: dict[int, Status] = {row[0]: row[1] for row in ledger.rows(query, (decision, start, stop))}
    return [replace(row, status=then[row.number]) for row in rows if row.number in then]


def held(ledger: Ledger) -> list[HeldRow]:
    """All defects that were found and not touched, in the order of frames; also those that a person mended since."""
    query = (
        "SELECT h.id, h.frame, h.top, h.left, h.bottom, h.right, h.kind, h.polarity, h.confidence, h.track, h.reason, d.aside "
        "FROM held h JOIN defects d ON d.held = h.number ORDER BY h.number"
    )
    return [HeldRow(row[0], Box(*row[1:6]), *row[6:]) for row in ledger.rows(query)]


def history(ledger: Ledger) -> list[DecisionRow]:
    """Every decision ever made, oldest first."""
    return [DecisionRow(*row) for row in ledger.rows(f"{_HISTORY} ORDER BY d.number")]


def history_of(ledger: Ledger, repair: int) -> list[DecisionRow]:
    """Every decision about one repair, oldest first."""
    return [DecisionRow(*row) for row in ledger.rows(f"{_HISTORY} WHERE d.repair = ? ORDER BY d.number", (repair,))]


_HISTORY = (
    "SELECT d.number, d.action, a.verb, a.who, a.at, r.id, d.before, d.after, d.undoes FROM decisions d "
    "JOIN actions a ON a.number = d.action JOIN repairs r ON r.number = d.repair"
)


def frames_decided(ledger: Ledger) -> frozenset[int]:
    """Frames with a repair that a person ever decided about."""
    return frozenset(row[0] for row in ledger.rows("SELECT DISTINCT r.frame FROM decisions d JOIN repairs r ON r.number = d.repair"))


def decide(ledger: Ledger, verb: Literal["accept", "reject"], selection: Selection, *, who: str) -> int:
    """Accept or reject; the number of repairs whose status changed. Raises `LedgerError` for an id that isn't there."""
    return judge(ledger, verb, selection, By(who), mark=False).changed


def judge(ledger: Ledger, verb: Verb, selection: Selection, by: By, *, mark: bool = True) -> Outcome:
    """Accept, reject, or confirm as it is. `mark`: what was chosen by id, or confirmed, counts as reviewed though nothing changes.

    Accepting in bulk leaves out what is set aside or protected; accepting one version of a repair by id sets the others aside. Raises
    `LedgerError` for an id that isn't there, for one that is to be accepted in a protected place, for two versions of one repair, and for
    shots that another seat has claimed.
    """
    with ledger.writing() as connection:
        check(connection, selection, held=verb == "confirm")
        chosen = chosen_for(connection, verb, selection)
        changes = [] if verb == "confirm" else _changes(verb, chosen)
        changed = {change.repair for change in changes}
        if verb == "accept" and selection.ids:
            require_free(connection, sorted(changed))
            changes += rivals(connection, sorted(changed))
        looked = verb == "confirm" or (mark and bool(selection.ids))
        seen = [row["number"] for row in chosen if looked and row["repair"] not in changed and not row["reviewed"]]
        if not changes and not seen:
            return Outcome(None, 0)
        respect(connection, (row["shot"] for row in chosen), by)
        action = add_action(connection, verb, by.who, selection=selection.as_json())
        add_decisions(connection, action, changes)
        connection.executemany("INSERT INTO reviews (action, defect, seen) VALUES (?, ?, 1)", [(action, number) for number in seen])
        settle(connection, action)
    return Outcome(action, len(changed), len(changed) + len(seen))


def _changes(verb: Verb, chosen: list[sqlite3.Row]) -> list[Change]:
    """What accepting or rejecting rows of `defects` changes."""
    after = _AFTER[verb]
    return [Change(row["repair"], row["status"], after) for row in chosen if row["status"] != after]


def foreseen(ledger: Ledger, verb: Verb, selection: Selection) -> tuple[int, list[sqlite3.Row]]:
    """(how many defects a decision would look at, the rows of `defects` that it would change). Raises `LedgerError` as `judge` does."""
    check(ledger.connection, selection, held=verb == "confirm")
    rows = chosen_for(ledger.connection, verb, selection)
    return len(rows), [row for row in rows if (not row["reviewed"] if verb == "confirm" else row["status"] != _AFTER[verb])]


def chosen_for(connection: sqlite3.Connection, verb: str, selection: Selection) -> list[sqlite3.Row]:
    """The rows of `defects` that a decision on the selection would look at, in the order of frames."""
    known = "" if verb == "confirm" else " AND d.repair IS NOT NULL"
    bulk = "" if selection.ids or verb == "reject" else " AND NOT d.aside"
    bulk += f" AND NOT {PROTECTED.format('d.repair')}" if verb == "accept" and not selection.ids else ""
    found: list[sqlite3.Row] = []
    for condition, values in conditions(selection, "d"):
        query = f"SELECT d.* FROM defects d WHERE {condition}{known}{bulk} ORDER BY d.frame, d.number"
        found += connection.execute(query, values).fetchall()
    return found


def _repair(row: sqlite3.Row) -> RepairRow:
    return RepairRow(
        number=row["number"],
        first=row["number"] if row["replaces"] is None else row["replaces"],
        id=row["id"],
        span=row["span"],
        shot=row["shot"],
        file=row["file_name"],
        place=row["place"],
        box=Box(row["frame"], row["top"], row["left"], row["bottom"], row["right"]),
        defect_box=Box(row["frame"], row["defect_top"], row["defect_left"], row["defect_bottom"], row["defect_right"]),
        kind=row["kind"],
        polarity=row["polarity"],
        confidence=row["confidence"],
        track=row["track"],
        provenance=provenance_of(row),
        altered=row["altered"],
        initial=row["initial"],
        status=row["status"],
    )


def provenance_of(row: Any) -> Provenance:
    """The provenance in a row of repairs."""
    return Provenance(row["engine"], tuple(json.loads(row["sources"])), row["weights"], row["seed"], row["trust"], row["detector"])
