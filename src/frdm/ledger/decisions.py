"""Repairs as they stand now or stood at a decision, and what people decide about them. Nothing is ever taken out of the history."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from frdm.film import Box, Provenance, Status
from frdm.ledger.claims import respect
from frdm.ledger.records import By, DecisionRow, HeldRow, Outcome, RepairRow, Selection
from frdm.ledger.selecting import BATCH, check, conditions, marks
from frdm.ledger.store import Ledger
from frdm.ledger.undoing import add_action, settle
from frdm.ledger.undoing import undo as undo

Verb = Literal["accept", "reject", "confirm"]
_AFTER: dict[str, str] = {"accept": "accepted", "reject": "rejected"}
_PROTECTED = "EXISTS (SELECT 1 FROM protected p JOIN protections q ON q.number = p.protection WHERE p.repair = d.repair AND q.live)"


def repairs(ledger: Ledger, selection: Selection | None = None) -> list[RepairRow]:
    """Repairs with their present status, in the order in which they are laid over each other."""
    found: list[RepairRow] = []
    for condition, values in conditions(selection or Selection()):
        found += [_repair(row) for row in ledger.rows(f"SELECT * FROM repair_states r WHERE {condition} ORDER BY r.number", values)]
    return sorted(found, key=lambda r: r.number)


def repairs_between(ledger: Ledger, start: int, *, stop: int, decision: int | None = None) -> list[RepairRow]:
    """Repairs of frames start … stop-1, with the status that they had after `decision` (None: now)."""
    query = "SELECT * FROM repair_states WHERE frame >= ? AND frame < ? ORDER BY number"
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
    """All defects that were found and not touched."""
    query = "SELECT id, frame, top, left, bottom, right, kind, polarity, confidence, track, reason FROM held ORDER BY number"
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
    `LedgerError` for an id that isn't there, and for shots that another seat has claimed.
    """
    with ledger.writing() as connection:
        check(connection, selection, held=verb == "confirm")
        chosen = chosen_for(connection, verb, selection)
        changes = [(row["repair"], row["status"], _AFTER[verb]) for row in chosen if verb != "confirm" and row["status"] != _AFTER[verb]]
        changed = {repair for repair, _, _ in changes}
        if verb == "accept" and selection.ids:
            changes += _rivals(connection, sorted(changed))
        looked = verb == "confirm" or (mark and bool(selection.ids))
        seen = [row["number"] for row in chosen if looked and row["repair"] not in changed and not row["reviewed"]]
        if not changes and not seen:
            return Outcome(None, 0)
        respect(connection, (row["shot"] for row in chosen), by)
        action = add_action(connection, verb, by.who, selection=selection.as_json())
        add_decisions(connection, action, changes)
        connection.executemany("INSERT INTO reviews (action, defect, seen) VALUES (?, ?, 1)", [(action, number) for number in seen])
        settle(connection)
    return Outcome(action, len(changed), len(changed) + len(seen))


def foreseen(ledger: Ledger, verb: Verb, selection: Selection) -> tuple[int, list[sqlite3.Row]]:
    """(how many defects a decision would look at, the rows of `defects` that it would change). Raises `LedgerError` as `judge` does."""
    check(ledger.connection, selection, held=verb == "confirm")
    rows = chosen_for(ledger.connection, verb, selection)
    return len(rows), [row for row in rows if (not row["reviewed"] if verb == "confirm" else row["status"] != _AFTER[verb])]


def chosen_for(connection: sqlite3.Connection, verb: str, selection: Selection) -> list[sqlite3.Row]:
    """The rows of `defects` that a decision on the selection would look at, in the order of frames."""
    known = "" if verb == "confirm" else " AND d.repair IS NOT NULL"
    bulk = f" AND NOT d.aside AND NOT {_PROTECTED}" if verb == "accept" and not selection.ids else ""
    found: list[sqlite3.Row] = []
    for condition, values in conditions(selection, "d"):
        query = f"SELECT d.* FROM defects d WHERE {condition}{known}{bulk} ORDER BY d.frame, d.number"
        found += connection.execute(query, values).fetchall()
    return found


def add_decisions(connection: sqlite3.Connection, action: int, changes: Sequence[tuple[int, str, str]]) -> None:
    """Record (repair, before, after), in the order in which repairs are laid over each other."""
    add = "INSERT INTO decisions (action, repair, before, after) VALUES (?, ?, ?, ?)"
    connection.executemany(add, [(action, *change) for change in sorted(changes)])


def _rivals(connection: sqlite3.Connection, repairs: Sequence[int]) -> list[tuple[int, str, str]]:
    """The accepted other versions of repairs that are being accepted, as changes."""
    found: dict[int, tuple[int, str, str]] = {}
    for at in range(0, len(repairs), BATCH):
        batch = repairs[at : at + BATCH]
        query = (
            "SELECT o.number, d.status FROM repairs r JOIN repairs o ON COALESCE(o.replaces, o.number) = COALESCE(r.replaces, r.number) "
            f"JOIN defects d ON d.repair = o.number WHERE r.number IN ({marks(batch)}) AND o.number <> r.number AND d.status = 'accepted' "
            "AND r.number IN (SELECT number FROM repairs WHERE replaces IS NOT NULL UNION SELECT replaces FROM repairs)"
        )
        found |= {number: (number, status, "rejected") for number, status in connection.execute(query, batch)}
    return [change for number, change in found.items() if number not in set(repairs)]


def _repair(row: sqlite3.Row) -> RepairRow:
    return RepairRow(
        number=row["number"],
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
