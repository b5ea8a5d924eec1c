"""What may stand: of all versions of a repair one at most, and nothing that reaches into a protected place.

Whoever makes repairs stand (a decision, an undo, a redo, an import) asks here first, and lets `settle` say anew what is set aside.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from frdm.errors import LedgerError
from frdm.ledger.selecting import BATCH, marks

FIRST = "COALESCE({0}.replaces, {0}.number)"  # of a row of `repairs`: the first version, whose place in the pile all versions take
PROTECTED = "EXISTS (SELECT 1 FROM protected p JOIN protections q ON q.number = p.protection WHERE p.repair = {0} AND q.live)"


@dataclass(frozen=True, slots=True)
class Change:
    """A repair's status on its way to be another; `turns`: number of the decision that is turned round by it, None for a new one."""

    repair: int
    before: str
    after: str
    turns: int | None = None


def rivals(connection: sqlite3.Connection, repairs: Sequence[int]) -> list[Change]:
    """The accepted other versions of repairs that are being accepted, as they go.

    Raises `LedgerError` where two of those that are being accepted are versions of one repair.
    """
    chosen = _firsts(connection, repairs)
    twice: dict[int, int] = {}
    for repair, first in chosen.items():
        if first in twice:
            names = _names(connection, (twice[first], repair))
            raise LedgerError(f"{' and '.join(names)} are versions of one repair, of which one at most can stand; accept one of them")
        twice[first] = repair
    standing = _accepted_in(connection, chosen.values())
    return [Change(number, "accepted", "rejected") for number in standing if number not in chosen]


def require_free(connection: sqlite3.Connection, repairs: Sequence[int]) -> None:
    """Raise `LedgerError` where one of the repairs reaches into a protected place."""
    held_back = sorted(_protected(connection, repairs))
    if held_back:
        query = (
            "SELECT r.id, a.who, a.number FROM repairs r JOIN protected p ON p.repair = r.number "
            "JOIN protections q ON q.number = p.protection JOIN actions a ON a.number = q.action "
            "WHERE r.number = ? AND q.live ORDER BY q.number LIMIT 1"
        )
        name, who, action = connection.execute(query, (held_back[0],)).fetchone()
        raise LedgerError(f"{name}: reaches into a place that {who} protected (action {action}); undo that action first")


def allowed(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Change]:
    """The changes without those that would let a second version of a repair stand, or one in a protected place.

    Of several versions that would come to stand at once the newest does.
    """
    rising = [change.repair for change in changes if change.after == "accepted"]
    firsts = _firsts(connection, rising)
    falling = {change.repair for change in changes if change.after != "accepted"}
    taken = set(_firsts(connection, [n for n in _accepted_in(connection, firsts.values()) if n not in falling]).values())
    refused = _protected(connection, rising)
    for repair in sorted(firsts, reverse=True):
        if repair not in refused:
            if firsts[repair] in taken:
                refused.add(repair)
            taken.add(firsts[repair])
    return [change for change in changes if change.after != "accepted" or change.repair not in refused]


def add_decisions(connection: sqlite3.Connection, action: int, changes: Iterable[Change]) -> None:
    """Record changes, by the repairs' numbers."""
    add = "INSERT INTO decisions (action, repair, before, after, undoes) VALUES (?, ?, ?, ?, ?)"
    ordered = sorted(changes, key=lambda change: change.repair)
    connection.executemany(add, [(action, change.repair, change.before, change.after, change.turns) for change in ordered])


def _firsts(connection: sqlite3.Connection, repairs: Iterable[int]) -> dict[int, int]:
    """By repair its first version."""
    query = f"SELECT r.number, {FIRST.format('r')} FROM repairs r WHERE r.number IN ({{0}})"
    return {row[0]: row[1] for row in _batched(connection, query, repairs)}


def _accepted_in(connection: sqlite3.Connection, firsts: Iterable[int]) -> list[int]:
    """All accepted versions of repairs, by the first ones."""
    standing = "JOIN defects d ON d.repair = o.number AND d.status = 'accepted'"
    query = f"SELECT o.number FROM repairs o {standing} WHERE {FIRST.format('o')} IN ({{0}})"
    return [number for (number,) in _batched(connection, query, firsts)]


def _protected(connection: sqlite3.Connection, repairs: Iterable[int]) -> set[int]:
    query = f"SELECT r.number FROM repairs r WHERE r.number IN ({{0}}) AND {PROTECTED.format('r.number')}"
    return {number for (number,) in _batched(connection, query, repairs)}


def _names(connection: sqlite3.Connection, repairs: Sequence[int]) -> list[str]:
    return [connection.execute("SELECT id FROM repairs WHERE number = ?", (number,)).fetchone()[0] for number in repairs]


def _batched(connection: sqlite3.Connection, query: str, values: Iterable[int]) -> list[tuple[int, ...]]:
    """The rows of a query with a list of numbers in it, as many at once as SQLite takes."""
    wanted = sorted(set(values))
    found: list[tuple[int, ...]] = []
    for at in range(0, len(wanted), BATCH):
        batch = wanted[at : at + BATCH]
        found += [tuple(row) for row in connection.execute(query.format(marks(batch)), batch)]
    return found


# What is set aside --------------------------------------------------------------------------------------------------------------------

_LED = (  # the number of the last decision on a repair that stands; 0 for one that was found and never decided about, -1 for one taken back
    "COALESCE((SELECT MAX(x.number) FROM decisions x JOIN actions y ON y.number = x.action WHERE x.repair = {0}.number "
    "AND y.verb <> 'undo' AND NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = x.number)), "
    "CASE WHEN {0}.span IS NULL THEN -1 ELSE 0 END)"
)
_ASIDE = (
    f"(SELECT defects.status <> 'accepted' AND ({_LED.format('r')} < 0 OR EXISTS ("
    f"SELECT 1 FROM repairs o JOIN defects s ON s.repair = o.number WHERE {FIRST.format('o')} = {FIRST.format('r')} "
    f"AND o.number <> r.number AND (s.status = 'accepted' "
    f"OR ({_LED.format('o')} >= 0 AND ({_LED.format('o')}, o.number) > ({_LED.format('r')}, r.number))))) "
    "FROM repairs r WHERE r.number = defects.repair)"
)
_MENDED = "EXISTS (SELECT 1 FROM repairs r JOIN defects s ON s.repair = r.number WHERE r.held = defects.held AND s.status = 'accepted')"


def settle(connection: sqlite3.Connection, action: int) -> None:
    """Say anew what an action set aside or brought back: versions of repairs of which another stands or was decided about last, repairs
    that the person who made them took back, held defects that were mended by hand.
    """
    touched = "SELECT d.repair FROM decisions d WHERE d.action = ?"
    firsts = f"SELECT {FIRST.format('t')} FROM repairs t WHERE t.number IN ({touched})"
    several = "o.span IS NULL OR o.number IN (SELECT replaces FROM repairs WHERE replaces IS NOT NULL)"
    members = f"SELECT o.number FROM repairs o WHERE {FIRST.format('o')} IN ({firsts}) AND ({several})"
    connection.execute(f"UPDATE defects SET aside = {_ASIDE} WHERE repair IN ({members}) AND aside <> {_ASIDE}", (action,))
    mended = f"SELECT t.held FROM repairs t WHERE t.number IN ({touched}) AND t.held IS NOT NULL"
    connection.execute(f"UPDATE defects SET aside = {_MENDED} WHERE held IN ({mended}) AND aside <> {_MENDED}", (action,))
