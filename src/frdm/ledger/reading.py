"""Questions to the ledger that exports ask: one state of all its tables, how decisions were made, what files of patches hold."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frdm.film import Mask
from frdm.ledger.masks import unpacked
from frdm.ledger.records import ReviewRow
from frdm.ledger.store import Ledger


@contextmanager
def one_state(ledger: Ledger) -> Iterator[None]:
    """All that is read inside is of one moment, whatever others write meanwhile. To be left soon: it may keep writers waiting."""
    ledger.rows("BEGIN")
    try:
        yield
    finally:
        ledger.rows("ROLLBACK")  # nothing was written


def choices(ledger: Ledger) -> dict[int, dict[str, Any]]:
    """By action: how its repairs were chosen, as it was recorded."""
    return {row[0]: json.loads(row[1]) for row in ledger.rows("SELECT number, selection FROM actions ORDER BY number")}


def held_mask(ledger: Ledger, number: int) -> Mask | None:
    """The mask of a held defect, of its box's shape; None where an older frdm recorded it, which kept none."""
    query = "SELECT bottom - top AS height, right - left AS width, mask FROM held WHERE number = ? AND mask IS NOT NULL"
    rows = ledger.rows(query, (number,))
    return unpacked(rows[0]["mask"], rows[0]["height"], rows[0]["width"]) if rows else None


def reviews(ledger: Ledger) -> list[ReviewRow]:
    """Every time that a defect was looked at and left as it is, and every undo of that, oldest first."""
    query = (
        "SELECT v.number, v.action, a.verb, a.who, a.at, d.id, v.seen, v.undoes FROM reviews v "
        "JOIN actions a ON a.number = v.action JOIN defects d ON d.number = v.defect ORDER BY v.number"
    )
    return [ReviewRow(*row) for row in ledger.rows(query)]


def reaching(ledger: Ledger) -> dict[int, list[str]]:
    """By number of a protected place: ids of the repairs that reach into it."""
    found: dict[int, list[str]] = {}
    query = "SELECT p.protection, r.id FROM protected p JOIN repairs r ON r.number = p.repair ORDER BY p.protection, p.repair"
    for number, name in ledger.rows(query):
        found.setdefault(number, []).append(name)
    return found


def turned(ledger: Ledger) -> dict[int, tuple[str, str]]:
    """By action: when and by whom it was undone or redone last."""
    return {row[0]: (row[1], row[2]) for row in ledger.rows("SELECT root, at, who FROM actions WHERE root IS NOT NULL ORDER BY number")}


def marked(ledger: Ledger) -> dict[str, tuple[bool, bool, str | None, str | None]]:
    """By defect: whether it is reviewed and set aside, the first version of it, the held defect that it mends."""
    query = (
        "SELECT d.id, d.reviewed, d.aside, f.id, h.id FROM defects d LEFT JOIN repairs r ON r.number = d.repair "
        "LEFT JOIN repairs f ON f.number = r.replaces LEFT JOIN held h ON h.number = r.held"
    )
    return {row[0]: (bool(row[1]), bool(row[2]), row[3], row[4]) for row in ledger.rows(query)}


def file_digests(ledger: Ledger) -> dict[str, str]:
    """By name: the xxh3_128 of every file of patches."""
    return {row[0]: row[1] for row in ledger.rows("SELECT name, hash FROM patch_files ORDER BY number")}
