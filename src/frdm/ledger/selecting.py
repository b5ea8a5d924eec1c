"""A selection of defects as conditions in SQL, and its refusal where it names what isn't there."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from frdm.errors import LedgerError
from frdm.ledger.records import Selection

BATCH = 500  # ids in one query: SQLite bounds the number of its parameters


def conditions(selection: Selection, alias: str = "r") -> list[tuple[str, tuple[Any, ...]]]:
    """(condition, its values) on the columns of `repair_states` or `defects`, one a batch of ids; with empty `ids` exactly one."""
    parts, values = ["1"], []
    for column, value in _single(selection):
        if value is not None:
            parts.append(f"{alias}.{column}")
            values.append(value)
    lists: tuple[tuple[str, Sequence[str]], ...] = (
        ("kind", selection.kinds),
        ("engine", selection.engines),
        ("status", selection.statuses),
    )
    for column, several in lists:
        if several:
            parts.append(f"{alias}.{column} IN ({marks(several)})")
            values += several
    ids = tuple(dict.fromkeys(selection.ids))
    if not ids:
        return [(" AND ".join(parts), tuple(values))]
    batches = [ids[i : i + BATCH] for i in range(0, len(ids), BATCH)]
    return [(" AND ".join([*parts, f"{alias}.id IN ({marks(batch)})"]), (*values, *batch)) for batch in batches]


def _single(selection: Selection) -> list[tuple[str, Any]]:
    """(column and comparison, value or None) of conditions with one value."""
    return [
        ("kind = ?", selection.kind),
        ("shot = ?", selection.shot),
        ("confidence < ?", selection.below),
        ("confidence >= ?", selection.above),
        ("frame >= ?", selection.start),
        ("frame < ?", selection.stop),
        ("area >= ?", None if selection.smallest is None else selection.smallest**2),
        ("area <= ?", None if selection.largest is None else selection.largest**2),
        ("reviewed = ?", None if selection.reviewed is None else int(selection.reviewed)),
        ("painted = ?", None if selection.painted is None else int(selection.painted)),
    ]


def marks(values: Sequence[object]) -> str:
    """A question mark a value."""
    return ", ".join("?" * len(values))


def check(connection: sqlite3.Connection, selection: Selection, *, held: bool = False) -> None:
    """Refuse ids and shots that don't exist: a typing error must not pass for a decision. `held`: held defects may be named."""
    for name in selection.ids:
        if connection.execute("SELECT 1 FROM repairs WHERE id = ?", (name,)).fetchone():
            continue
        reason = connection.execute("SELECT reason FROM held WHERE id = ?", (name,)).fetchone()
        if reason and not held:
            raise LedgerError(f"{name}: this defect was held ({reason[0]}) and has no fill, so there is nothing to decide; leave it out")
        if not reason:
            raise LedgerError(f"{name}: no repair has this id; ids look like 000123-004 and stand in report.json")
    if selection.shot is not None and not connection.execute("SELECT 1 FROM shots WHERE number = ?", (selection.shot,)).fetchone():
        (count,) = connection.execute("SELECT COUNT(*) FROM shots").fetchone()
        raise LedgerError(f"shot {selection.shot}: this project has shots 1 to {count}; give one of them")
