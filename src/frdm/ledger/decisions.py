"""Repairs as they stand now or stood at a decision, and what people decide about them. Nothing is ever taken out of the history."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from frdm.errors import LedgerError
from frdm.film import Box, Provenance, Status
from frdm.ledger.records import DecisionRow, HeldRow, RepairRow, Selection
from frdm.ledger.store import Ledger, now

Verb = Literal["accept", "reject"]
_AFTER = {"accept": "accepted", "reject": "rejected"}
_BATCH = 500  # ids in one query: SQLite bounds the number of its parameters


def repairs(ledger: Ledger, selection: Selection | None = None) -> list[RepairRow]:
    """Repairs with their present status, in the order in which they are laid over each other."""
    found: list[RepairRow] = []
    for condition, values in _conditions(selection or Selection()):
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
    return [replace(row, status=then[row.number]) for row in rows]


def held(ledger: Ledger) -> list[HeldRow]:
    """All defects that were found and not touched."""
    query = "SELECT id, frame, top, left, bottom, right, kind, polarity, confidence, track, reason FROM held ORDER BY number"
    return [HeldRow(row[0], Box(*row[1:6]), *row[6:]) for row in ledger.rows(query)]


def history(ledger: Ledger) -> list[DecisionRow]:
    """Every decision ever made, oldest first."""
    query = (
        "SELECT d.number, d.action, a.verb, a.who, a.at, r.id, d.before, d.after, d.undoes FROM decisions d "
        "JOIN actions a ON a.number = d.action JOIN repairs r ON r.number = d.repair ORDER BY d.number"
    )
    return [DecisionRow(*row) for row in ledger.rows(query)]


def frames_decided(ledger: Ledger) -> frozenset[int]:
    """Frames with a repair that a person ever decided about."""
    return frozenset(row[0] for row in ledger.rows("SELECT DISTINCT r.frame FROM decisions d JOIN repairs r ON r.number = d.repair"))


def decide(ledger: Ledger, verb: Verb, selection: Selection, *, who: str) -> int:
    """Accept or reject; the number of repairs whose status changed. Raises `LedgerError` for an id that isn't there."""
    after = _AFTER[verb]
    with ledger.writing() as connection:
        _check(connection, selection)
        chosen: list[tuple[int, str]] = []
        for condition, values in _conditions(selection):
            query = f"SELECT r.number, r.status FROM repair_states r WHERE {condition} AND r.status <> ? ORDER BY r.number"
            chosen += [(row[0], row[1]) for row in connection.execute(query, (*values, after))]
        if chosen:
            action = _act(connection, verb, who=who, selection=selection)
            add = "INSERT INTO decisions (action, repair, before, after) VALUES (?, ?, ?, ?)"
            connection.executemany(add, [(action, number, before, after) for number, before in chosen])
    return len(chosen)


def undo(ledger: Ledger, selection: Selection, *, who: str) -> int:
    """Take back the last action that isn't undone yet, or with a selection the last such decision on each of its repairs; how many."""
    with ledger.writing() as connection:
        _check(connection, selection)
        open_ones = (
            "SELECT d.* FROM decisions d WHERE d.undoes IS NULL AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = d.number)"
        )
        last: list[tuple[int, int, str, str]] = []
        if selection:
            for condition, values in _conditions(selection):
                last += connection.execute(
                    f"SELECT MAX(o.number), o.repair, r.status, o.before FROM ({open_ones}) o JOIN repair_states r ON r.number = o.repair "
                    f"WHERE {condition} GROUP BY o.repair ORDER BY o.repair",
                    values,
                ).fetchall()
        else:
            last = connection.execute(
                f"SELECT o.number, o.repair, r.status, o.before FROM ({open_ones}) o JOIN repair_states r ON r.number = o.repair "
                f"WHERE o.action = (SELECT MAX(action) FROM ({open_ones})) ORDER BY o.repair"
            ).fetchall()
        if last:
            action = _act(connection, "undo", who=who, selection=selection)
            add = "INSERT INTO decisions (action, repair, before, after, undoes) VALUES (?, ?, ?, ?, ?)"
            connection.executemany(add, [(action, repair, status, before, number) for number, repair, status, before in last])
    return len(last)


def _act(connection: sqlite3.Connection, verb: str, *, who: str, selection: Selection) -> int:
    add = "INSERT INTO actions (verb, who, at, selection) VALUES (?, ?, ?, ?)"
    number = connection.execute(add, (verb, who, now(), selection.as_json())).lastrowid
    assert number is not None
    return number


def _check(connection: sqlite3.Connection, selection: Selection) -> None:
    """Refuse ids and shots that don't exist: a typing error must not pass for a decision."""
    for name in selection.ids:
        if connection.execute("SELECT 1 FROM repairs WHERE id = ?", (name,)).fetchone():
            continue
        reason = connection.execute("SELECT reason FROM held WHERE id = ?", (name,)).fetchone()
        if reason:
            raise LedgerError(f"{name}: this defect was held ({reason[0]}) and has no fill, so there is nothing to decide; leave it out")
        raise LedgerError(f"{name}: no repair has this id; ids look like 000123-004 and stand in report.json")
    if selection.shot is not None and not connection.execute("SELECT 1 FROM shots WHERE number = ?", (selection.shot,)).fetchone():
        (count,) = connection.execute("SELECT COUNT(*) FROM shots").fetchone()
        raise LedgerError(f"shot {selection.shot}: this project has shots 1 to {count}; give one of them")


def _conditions(selection: Selection) -> list[tuple[str, tuple[Any, ...]]]:
    """SQL conditions on `r`, one a batch of ids."""
    parts: list[str] = ["1"]
    values: list[Any] = []
    for column, value in (("r.kind = ?", selection.kind), ("r.shot = ?", selection.shot), ("r.confidence < ?", selection.below)):
        if value is not None:
            parts.append(column)
            values.append(value)
    ids: Sequence[str] = tuple(dict.fromkeys(selection.ids))
    if not ids:
        return [(" AND ".join(parts), tuple(values))]
    batches = [ids[i : i + _BATCH] for i in range(0, len(ids), _BATCH)]
    return [(" AND ".join([*parts, f"r.id IN ({', '.join('?' * len(batch))})"]), (*values, *batch)) for batch in batches]


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
        provenance=Provenance(row["engine"], tuple(json.loads(row["sources"])), row["weights"], row["seed"], row["trust"], row["detector"]),
        altered=row["altered"],
        initial=row["initial"],
        status=row["status"],
    )
