"""Undo and redo without end: each is an action of its own that turns an earlier one round, and can be turned round again.

A decision is open while nothing undoes it. Undoing takes back what is open and uppermost on its repair, so that what another person
decided later on the same repair, or made otherwise, stays.
"""

import json
import sqlite3
from collections.abc import Sequence

from frdm.errors import LedgerError
from frdm.ledger.claims import TAKE_OVER, respect
from frdm.ledger.records import ActionRow, By, Outcome, Selection
from frdm.ledger.selecting import check, conditions
from frdm.ledger.standing import Change, add_decisions, allowed, settle
from frdm.ledger.store import Ledger, now

_OPEN = "NOT EXISTS (SELECT 1 FROM decisions u WHERE u.undoes = {0}.number)"
_UPPERMOST = (
    "NOT EXISTS (SELECT 1 FROM decisions o JOIN actions b ON b.number = o.action WHERE o.repair = d.repair AND o.number > d.number "
    f"AND b.verb <> 'undo' AND {_OPEN.format('o')})"
)
_UNSEEN = "NOT EXISTS (SELECT 1 FROM reviews w WHERE w.undoes = v.number)"
_NOT_TURNED = "NOT EXISTS (SELECT 1 FROM actions t WHERE t.undoes = a.number)"


def undo(ledger: Ledger, selection: Selection, *, who: str) -> int:
    """Take back the last action that isn't undone yet, or with a selection the last such decision on each of its repairs; how many."""
    if not selection:
        outcome = undo_last(ledger, By(who), everyone=True)
        return outcome.changed + outcome.reviewed
    with ledger.writing() as connection:
        check(connection, selection)
        chosen: list[sqlite3.Row] = []
        for condition, values in conditions(selection):
            chosen += connection.execute(
                f"SELECT d.number, d.repair, r.status, d.before, r.shot FROM repair_states r JOIN decisions d ON d.repair = r.number "
                f"JOIN actions a ON a.number = d.action WHERE {condition} AND a.verb <> 'undo' AND {_OPEN.format('d')} AND {_UPPERMOST} "
                "ORDER BY d.repair",
                values,
            ).fetchall()
        changes = allowed(connection, _turned_round(chosen))
        if changes:
            respect(connection, (row["shot"] for row in chosen), By(who))
            action = add_action(connection, "undo", who, selection=selection.as_json())
            add_decisions(connection, action, changes)
            settle(connection, action)
    return len(changes)


def undo_last(ledger: Ledger, by: By, *, everyone: bool = False) -> Outcome:
    """Take back this person's (or `everyone`'s) last action of which anything stands."""
    with ledger.writing() as connection:
        row = connection.execute(*_last_standing(by, everyone)).fetchone()
        return Outcome(None, 0) if row is None else _undo(connection, row[0], by)


def undo_action(ledger: Ledger, number: int, by: By) -> Outcome:
    """Take back one action, wherever it stands in the history. Raises `LedgerError` for a number that isn't there, and for an undo."""
    with ledger.writing() as connection:
        row = connection.execute("SELECT verb, COALESCE(root, number) AS root FROM actions WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise LedgerError(f"action {number}: there is none with this number; the history lists them")
        if row["verb"] == TAKE_OVER:
            raise LedgerError(f"action {number}: a claim was taken over by it, which can't be undone; claim the shot again")
        if row["verb"] == "undo":
            raise LedgerError(f"action {number}: this is an undo itself; redo it, or undo the action that it took back")
        query = "SELECT number, verb FROM actions WHERE COALESCE(root, number) = ? ORDER BY number DESC LIMIT 1"
        head = connection.execute(query, (row["root"],)).fetchone()
        return Outcome(None, 0) if head["verb"] == "undo" else _undo(connection, head["number"], by)


def redo_last(ledger: Ledger, by: By, *, everyone: bool = False) -> Outcome:
    """Do again what this person (or `everyone`) took back last; nothing once something new was done since."""
    with ledger.writing() as connection:
        row = connection.execute(*_last_undone(by, everyone)).fetchone()
        if row is None:
            return Outcome(None, 0)
        changes = connection.execute(
            "SELECT d.number, d.repair, s.status, d.before, s.shot FROM decisions d JOIN defects s ON s.repair = d.repair "
            f"WHERE d.action = ? AND {_OPEN.format('d')} AND d.after = s.status "
            "AND NOT EXISTS (SELECT 1 FROM decisions o JOIN actions b ON b.number = o.action "
            "WHERE o.repair = d.repair AND o.number > d.number AND b.verb NOT IN ('undo', 'redo'))",
            (row["number"],),
        ).fetchall()
        return _turned(connection, "redo", row, changes, by)


def _undo(connection: sqlite3.Connection, number: int, by: By) -> Outcome:
    row = connection.execute("SELECT number, root FROM actions WHERE number = ?", (number,)).fetchone()
    changes = connection.execute(
        "SELECT d.number, d.repair, s.status, d.before, s.shot FROM decisions d JOIN defects s ON s.repair = d.repair "
        f"WHERE d.action = ? AND {_OPEN.format('d')} AND {_UPPERMOST}",
        (number,),
    ).fetchall()
    return _turned(connection, "undo", row, changes, by)


def _turned(connection: sqlite3.Connection, verb: str, row: sqlite3.Row, changes: Sequence[sqlite3.Row], by: By) -> Outcome:
    """Record that the action `row` is turned round, with its decisions, reviews and protections."""
    root = row["number"] if row["root"] is None else row["root"]
    reviews = connection.execute(f"SELECT v.number, v.defect FROM reviews v WHERE v.action = ? AND {_UNSEEN}", (row["number"],)).fetchall()
    respect(connection, [*(change["shot"] for change in changes), *_shots(connection, row["number"], root)], by)
    action = add_action(connection, verb, by.who, undoes=row["number"], root=root)
    connection.execute("UPDATE protections SET live = ? WHERE action = ?", (int(verb == "redo"), root))
    turned = allowed(connection, _turned_round(changes))
    add_decisions(connection, action, turned)
    add = "INSERT INTO reviews (action, defect, seen, undoes) VALUES (?, ?, ?, ?)"
    connection.executemany(add, [(action, defect, int(verb == "redo"), number) for number, defect in reviews])
    if verb == "redo":
        _require_kept(connection, root, row["number"])
    settle(connection, action)
    return Outcome(action, len(turned), len(reviews))


def _shots(connection: sqlite3.Connection, action: int, root: int) -> list[int]:
    """The shots of what was looked at in an action, and of what it protected."""
    query = (
        "SELECT s.shot FROM reviews v JOIN defects s ON s.number = v.defect WHERE v.action = ? "
        "UNION SELECT s.number FROM protections p JOIN shots s ON s.start < p.stop AND s.stop > p.start WHERE p.action = ?"
    )
    return [shot for (shot,) in connection.execute(query, (action, root)).fetchall()]


def _turned_round(rows: Sequence[sqlite3.Row]) -> list[Change]:
    """Changes that give repairs the status back that they had before the decisions (number, repair, present status, before)."""
    return [Change(row["repair"], row["status"], row["before"], row["number"]) for row in rows]


def _require_kept(connection: sqlite3.Connection, protecting: int, lifted: int) -> None:
    """Raise `LedgerError` where a place would be protected again, and what was made or accepted in it since it was lifted would stand."""
    query = (
        "SELECT p.start, p.stop FROM protections p WHERE p.action = ? AND (EXISTS (SELECT 1 FROM repairs r WHERE r.span IS NULL "
        "AND r.frame >= p.start AND r.frame < p.stop AND (SELECT MIN(d.action) FROM decisions d WHERE d.repair = r.number) > ?) "
        "OR EXISTS (SELECT 1 FROM protected t JOIN defects s ON s.repair = t.repair "
        "WHERE t.protection = p.number AND s.status = 'accepted'))"
    )
    found = connection.execute(query, (protecting, lifted)).fetchone()
    if found:
        raise LedgerError(f"frames {found[0]} to {found[1] - 1}: repairs were made or accepted in them since; protect the place anew")


def _last_standing(by: By, everyone: bool) -> tuple[str, tuple[str, ...]]:
    query = (
        f"SELECT a.number FROM actions a WHERE a.verb <> 'undo' AND {_NOT_TURNED}{'' if everyone else ' AND a.who = ?'} AND ("
        f"EXISTS (SELECT 1 FROM decisions d WHERE d.action = a.number AND {_OPEN.format('d')} AND {_UPPERMOST}) "
        f"OR EXISTS (SELECT 1 FROM reviews v WHERE v.action = a.number AND {_UNSEEN}) "
        "OR EXISTS (SELECT 1 FROM protections p WHERE p.action = COALESCE(a.root, a.number) AND p.live)) ORDER BY a.number DESC LIMIT 1"
    )
    return query, () if everyone else (by.who,)


def _last_undone(by: By, everyone: bool) -> tuple[str, tuple[str, ...]]:
    whose = "" if everyone else " AND {}.who = ?"
    query = (
        f"SELECT a.number, a.root FROM actions a WHERE a.verb = 'undo' AND {_NOT_TURNED}{whose.format('a')} AND a.number > COALESCE("
        f"(SELECT MAX(f.number) FROM actions f WHERE f.verb NOT IN ('undo', 'redo', '{TAKE_OVER}'){whose.format('f')}), 0) "
        "ORDER BY a.number DESC LIMIT 1"
    )
    return query, () if everyone else (by.who, by.who)


def can(ledger: Ledger, by: By) -> tuple[bool, bool]:
    """Whether this person has anything to undo, and to redo."""
    return bool(ledger.rows(*_last_standing(by, False))), bool(ledger.rows(*_last_undone(by, False)))


def actions(ledger: Ledger, *, before: int | None = None, limit: int = 50, number: int | None = None) -> list[ActionRow]:
    """What people did, newest first: those before a number, or one alone."""
    frames = (
        "SELECT MIN(frame) FROM (SELECT MIN(r.frame) AS frame FROM decisions d JOIN repairs r ON r.number = d.repair "
        "WHERE d.action = a.number "
        "UNION ALL SELECT MIN(s.frame) FROM reviews v JOIN defects s ON s.number = v.defect WHERE v.action = a.number "
        "UNION ALL SELECT MIN(p.start) FROM protections p WHERE p.action = a.number)"
    )
    counts = (  # of defects: making one again, or accepting another version of it, decides about two repairs of one
        "SELECT COUNT(*) FROM (SELECT COALESCE(-r.held, r.replaces, r.number) FROM decisions d JOIN repairs r ON r.number = d.repair "
        "WHERE d.action = a.number UNION SELECT COALESCE(-s.held, -r.held, r.replaces, r.number) FROM reviews v "
        "JOIN defects s ON s.number = v.defect LEFT JOIN repairs r ON r.number = s.repair WHERE v.action = a.number)"
    )
    about = "SELECT o.verb FROM actions o WHERE o.number = COALESCE(a.root, a.number)"
    undone = "COALESCE((SELECT t.verb FROM actions t WHERE t.root = a.number ORDER BY t.number DESC LIMIT 1) = 'undo', 0)"
    query = (
        f"SELECT a.number, a.verb, ({about}), a.who, a.at, a.selection, a.undoes, ({counts}), ({frames}), {undone} FROM actions a "
        "WHERE a.number < ? AND (? IS NULL OR a.number = ?) ORDER BY a.number DESC LIMIT ?"
    )
    latest = 1 << 62 if before is None else before
    return [_action(row) for row in ledger.rows(query, (latest, number, number, limit))]


def _action(row: sqlite3.Row) -> ActionRow:
    number, verb, about, who, at, selection, undoes, changed, frame, undone = row
    return ActionRow(number, verb, about, who, at, selection, undoes, changed, frame, bool(undone))


def add_action(
    connection: sqlite3.Connection, verb: str, who: str, *, selection: str = "{}", undoes: int | None = None, root: int | None = None
) -> int:
    """Record that a person does something; its number."""
    add = "INSERT INTO actions (verb, who, at, selection, undoes, root) VALUES (?, ?, ?, ?, ?, ?)"
    number = connection.execute(add, (verb, who, now(), json.dumps(json.loads(selection), sort_keys=True), undoes, root)).lastrowid
    assert number is not None
    return number
