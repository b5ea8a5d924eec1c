"""Claims: a shot that one seat works on is decided about by nobody else until it is released or has lapsed."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from frdm.errors import LedgerError
from frdm.ledger.records import By, ClaimRow
from frdm.ledger.selecting import BATCH, marks
from frdm.ledger.store import Ledger, now

TAKE_OVER = "take over"  # what the history calls it when a seat takes another one's claim
LAPSES = timedelta(minutes=15)  # after a seat's last use of its claim


def claims(ledger: Ledger) -> list[ClaimRow]:
    """The claims that stand, by shot."""
    query = "SELECT shot, seat, who, at, until FROM claims WHERE until > ? ORDER BY shot"
    return [ClaimRow(*row) for row in ledger.rows(query, (_stamp(),))]


def claim(ledger: Ledger, shot: int, by: By, *, take_over: bool = False) -> ClaimRow:
    """Claim a shot for a seat, or renew its claim. Raises `LedgerError` while another seat holds it; with `take_over` it is taken from
    that seat, which is put on record.
    """
    with ledger.writing() as connection:
        if not connection.execute("SELECT 1 FROM shots WHERE number = ?", (shot,)).fetchone():
            (count,) = connection.execute("SELECT COUNT(*) FROM shots").fetchone()
            raise LedgerError(f"shot {shot}: this project has shots 1 to {count}; give one of them")
        held = _standing(connection, [shot])
        if held and held[0].seat != by.seat and not take_over:
            raise LedgerError(_refusal(held[0]))
        if held and held[0].seat != by.seat:
            _record_take_over(connection, held[0], by)
        at = held[0].at if held and held[0].seat == by.seat else _stamp()
        row = ClaimRow(shot, by.seat, by.who, at, _stamp(LAPSES))
        connection.execute("INSERT OR REPLACE INTO claims (shot, seat, who, at, until) VALUES (?, ?, ?, ?, ?)", (*_values(row),))
    return row


def _record_take_over(connection: sqlite3.Connection, held: ClaimRow, by: By) -> None:
    text = json.dumps({"shot": held.shot, "from": held.who, "since": held.at}, sort_keys=True, ensure_ascii=False)
    connection.execute("INSERT INTO actions (verb, who, at, selection) VALUES (?, ?, ?, ?)", (TAKE_OVER, by.who, now(), text))


def release(ledger: Ledger, shot: int, by: By) -> bool:
    """Give a claim back; False when this seat has none on the shot."""
    with ledger.writing() as connection:
        return connection.execute("DELETE FROM claims WHERE shot = ? AND seat = ?", (shot, by.seat)).rowcount > 0


def respect(connection: sqlite3.Connection, shots: Iterable[int | None], by: By) -> None:
    """Raise `LedgerError` when another seat has claimed one of the shots; renew this seat's own claims on them."""
    wanted = sorted({shot for shot in shots if shot is not None})
    for found in _standing(connection, wanted):
        if found.seat != by.seat:
            raise LedgerError(_refusal(found))
        connection.execute("UPDATE claims SET until = ? WHERE shot = ?", (_stamp(LAPSES), found.shot))


def _standing(connection: sqlite3.Connection, shots: list[int]) -> list[ClaimRow]:
    found: list[ClaimRow] = []
    for at in range(0, len(shots), BATCH):
        batch = shots[at : at + BATCH]
        query = f"SELECT shot, seat, who, at, until FROM claims WHERE until > ? AND shot IN ({marks(batch)}) ORDER BY shot"
        found += [ClaimRow(*row) for row in connection.execute(query, (_stamp(), *batch))]
    return found


def _refusal(row: ClaimRow) -> str:
    return f"shot {row.shot}: claimed by {row.who} since {row.at}; nothing was changed: choose another shot, or take it over"


def _values(row: ClaimRow) -> tuple[object, ...]:
    return row.shot, row.seat, row.who, row.at, row.until


def _stamp(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")
