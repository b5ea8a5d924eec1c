"""Decisions that were made on another copy of the same project, taken over as new entries: nothing is taken out, nothing comes twice.

Of two people who decided on the same repair the later one stands, on whichever side: so two copies that take each other's decisions
end with the same status of every repair.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from frdm.film import Status
from frdm.ledger.claims import respect
from frdm.ledger.records import By
from frdm.ledger.store import Ledger, now
from frdm.ledger.undoing import settle

VERB = "import"  # what the history calls a decision that was taken over


@dataclass(frozen=True, slots=True)
class Foreign:
    """One decision as another copy has it. `action` and `number` are its places in that copy's history."""

    action: int
    number: int
    verb: str
    who: str
    at: str  # ISO 8601 with its zone
    repair: str
    after: Status


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of taking decisions over. All but `repairs` and `replaced` count decisions."""

    taken: int = 0  # recorded as new entries
    repairs: int = 0  # … on so many repairs
    replaced: int = 0  # of those repairs had been decided here too, earlier
    known: int = 0  # were here before
    older: int = 0  # someone here decided on their repair later: that stands
    same: int = 0  # would have changed nothing


def merge(ledger: Ledger, decisions: Sequence[Foreign], by: By, *, source: str, rehearse: bool = False) -> Merged:
    """Record the decisions that are new here and later than any here on their repair, each action of the other copy as one action.

    Who and when stay theirs; that `by` took them over, now and from `source`, is recorded with every action. In one transaction;
    `rehearse`: only say what would come of it. Raises `LedgerError` when another seat has claimed a shot that would change.
    """
    with ledger.writing() as connection:
        merger = _Merger(connection)
        new, found = merger.sift(decisions)
        note = None if rehearse else {"by": by.who, "at": now(), "from": source}
        for _, group in groupby(new, key=lambda one: one.action):
            found = merger.add(list(group), found, note)
        respect(connection, (merger.shots[repair] for repair in merger.changed), by)
        settle(connection)
    return replace(found, repairs=len(merger.changed), replaced=len(merger.changed & merger.latest.marks.keys()))


class _Latest:
    """By repair, the latest decision on it: when, by whom, and the how-manieth of that person in that second."""

    def __init__(self) -> None:
        self.marks: dict[str, tuple[datetime, str, int]] = {}
        self._counts: Counter[tuple[str, datetime, str]] = Counter()

    def put(self, repair: str, when: datetime, who: str) -> bool:
        """The next decision of a history; whether it is the repair's latest so far."""
        self._counts[repair, when, who] += 1
        latest = repair not in self.marks or when >= self.marks[repair][0]
        if latest:
            self.marks[repair] = when, who, self._counts[repair, when, who]
        return latest


class _Merger:
    """The present state of all repairs, as far as merging needs and changes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        states = connection.execute("SELECT id, number, shot, status FROM repair_states").fetchall()
        self._numbers = {row[0]: row[1] for row in states}
        self.shots = {row[0]: row[2] for row in states}
        self._status = {row[0]: row[3] for row in states}
        self.latest = _Latest()
        self.changed: set[str] = set()
        self._known: Counter[tuple[str, str, datetime, str]] = Counter()
        query = (
            "SELECT r.id, a.who, a.at, d.after FROM decisions d JOIN actions a ON a.number = d.action "
            "JOIN repairs r ON r.number = d.repair ORDER BY d.number"
        )
        for repair, who, at, after in connection.execute(query):
            when = datetime.fromisoformat(at)
            self._known[repair, who, when, after] += 1
            self.latest.put(repair, when, who)

    def sift(self, decisions: Sequence[Foreign]) -> tuple[list[Foreign], Merged]:
        """The decisions to be taken, in their order, and the others counted. Taken are new ones, on repairs whose latest is theirs."""
        theirs, met = _Latest(), Counter[tuple[str, str, datetime, str]]()
        fresh, news = [], dict[str, bool]()
        for one in sorted(decisions, key=lambda d: (d.action, d.number)):
            when = datetime.fromisoformat(one.at)
            key = one.repair, one.who, when, one.after
            met[key] += 1
            is_new = met[key] > self._known[key]
            if is_new:
                fresh.append(one)
            if theirs.put(one.repair, when, one.who):
                news[one.repair] = is_new
        mine = self.latest.marks
        later = {repair for repair, mark in theirs.marks.items() if news[repair] and (repair not in mine or mark > mine[repair])}
        new = [one for one in fresh if one.repair in later]
        return new, Merged(known=len(decisions) - len(fresh), older=len(fresh) - len(new))

    def add(self, group: list[Foreign], found: Merged, note: dict[str, str] | None) -> Merged:
        """One action of the other copy; without a `note` it is only counted."""
        rows = []
        for one in group:
            before = self._status[one.repair]
            if before != one.after:
                rows.append((self._numbers[one.repair], before, one.after))
                self._status[one.repair] = one.after
                self.changed.add(one.repair)
        if rows and note is not None:
            first = group[0]
            add = "INSERT INTO actions (verb, who, at, selection) VALUES (?, ?, ?, ?)"
            text = json.dumps({"imported": note | {"verb": first.verb}}, sort_keys=True, ensure_ascii=False)
            action = self._connection.execute(add, (VERB, first.who, first.at, text)).lastrowid
            add = "INSERT INTO decisions (action, repair, before, after) VALUES (?, ?, ?, ?)"
            self._connection.executemany(add, [(action, *row) for row in rows])
        return replace(found, taken=found.taken + len(rows), same=found.same + len(group) - len(rows))
