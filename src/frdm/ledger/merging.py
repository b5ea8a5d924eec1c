"""What was decided and made on another copy of the same project, taken over as new entries: nothing is taken out, nothing comes twice.

Of two people who decided on the same repair the later one stands, on whichever side: so two copies that take each other's decisions
end with the same status of every repair. Where both then let another version of one repair stand, the one that was decided about
later does, and what would stand in a protected place does not.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from frdm.film import Status
from frdm.ledger.arriving import (
    Brought,
    ForeignProtection,
    ForeignReview,
    add_reviews,
    bring_protection,
    bring_repairs,
    new_reviews,
    protection_here,
    reach_into,
    shots_of,
)
from frdm.ledger.claims import respect
from frdm.ledger.made import named
from frdm.ledger.records import By
from frdm.ledger.standing import FIRST, PROTECTED, Change, add_decisions, settle
from frdm.ledger.store import Ledger, now

VERB = "import"  # what the history calls what was taken over, but for undo and redo
NOTHING = Brought()


@dataclass(frozen=True, slots=True)
class Foreign:
    """One decision as another copy has it. `action` and `number` are its places in that copy's history, `undoes` another number there."""

    action: int
    number: int
    verb: str
    who: str
    at: str  # ISO 8601 with its zone
    repair: str
    after: Status
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of taking decisions over. All but the last five and `repairs` and `replaced` count decisions."""

    taken: int = 0  # recorded as new entries
    repairs: int = 0  # … on so many repairs
    replaced: int = 0  # of those repairs had been decided here too, earlier
    known: int = 0  # were here before
    older: int = 0  # someone here decided on their repair later: that stands
    same: int = 0  # would have changed nothing
    made: int = 0  # repairs by hand that came with their pixels
    renamed: int = 0  # … of them under another id, since theirs is another repair's here
    reviews: int = 0
    protections: int = 0  # places that were protected or lifted
    conflicts: int = 0  # repairs that could not stand beside what was decided here or there, and were taken back


class _RehearsedError(Exception):
    """All was tried; nothing is to stay."""


def merge(
    ledger: Ledger, decisions: Sequence[Foreign], by: By, *, source: str, brought: Brought = NOTHING, rehearse: bool = False
) -> Merged:
    """Record the decisions that are new here and later than any here on their repair, each action of the other copy as one action, with
    what else was `brought` from there.

    Who and when stay theirs; that `by` took them over, now and from `source`, is recorded with every action. In one transaction;
    `rehearse`: only say what would come of it. Raises `LedgerError` when another seat has claimed a shot that would change.
    """
    found = Merged()
    with suppress(_RehearsedError), ledger.writing() as connection, named(brought.file):
        names = bring_repairs(connection, brought)
        merger = _Merger(connection, {"by": by.who, "at": now(), "from": source}, names)
        merger.take_protections(brought)
        found = merger.take([replace(one, repair=names.get(one.repair, one.repair)) for one in decisions], brought)
        respect(connection, merger.shots(), by)
        found = replace(found, conflicts=_resolved(connection, merger, by))
        for action in merger.actions:
            settle(connection, action)
        if rehearse:
            raise _RehearsedError
    renamed = [name for one in brought.repairs if (name := names[one.name]) != one.name]
    return replace(found, made=len(brought.repairs), renamed=len(renamed))


def _resolved(connection: sqlite3.Connection, merger: "_Merger", by: By) -> int:
    """Take back accepted repairs that can't stand: all but the latest decided of one defect, those in protected places. How many."""
    latest = "(SELECT MAX(a.at || ' ' || a.who) FROM decisions x JOIN actions a ON a.number = x.action WHERE x.repair = {0}.number)"
    query = (
        "SELECT r.number FROM repairs r JOIN defects d ON d.repair = r.number WHERE d.status = 'accepted' "
        f"AND ({PROTECTED.format('r.number')} OR EXISTS (SELECT 1 FROM repairs o JOIN defects s ON s.repair = o.number "
        f"WHERE {FIRST.format('o')} = {FIRST.format('r')} AND o.number <> r.number AND s.status = 'accepted' "
        f"AND (COALESCE({latest.format('o')}, ''), o.id) > (COALESCE({latest.format('r')}, ''), r.id)))"
    )
    lost = [Change(row[0], "accepted", "rejected") for row in connection.execute(query).fetchall()]
    if lost:
        action = merger.act("conflict", by.who, merger.note["at"])
        add_decisions(connection, action, lost)
    return len(lost)


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


Key = tuple[str, str, datetime, str]  # repair, who, when, status after


class _Merger:
    """The present state of all repairs, as far as merging needs and changes it."""

    def __init__(self, connection: sqlite3.Connection, note: dict[str, str], names: dict[str, str]) -> None:
        """`names`: their ids of repairs by hand with ours."""
        self.note, self.actions = note, list[int]()
        self._connection, self._names = connection, names
        states = connection.execute("SELECT id, number, shot, status FROM repair_states").fetchall()
        self._numbers = {row[0]: row[1] for row in states}
        self._shots = {row[0]: row[2] for row in states}
        self._status = {row[0]: row[3] for row in states}
        self._places: dict[int, list[ForeignProtection]] = {}
        self._turned: list[ForeignProtection] = []  # places that are lifted or protected again
        self._touched: set[int] = set()
        self._here: dict[int, int] = {}  # numbers of their decisions with those of ours
        self._seen_here: dict[int, int] = {}  # … and of reviews
        self.latest = _Latest()
        self.changed: set[str] = set()
        self._known: dict[Key, list[int]] = {}
        query = (
            "SELECT r.id, a.who, a.at, d.after, d.number FROM decisions d JOIN actions a ON a.number = d.action "
            "JOIN repairs r ON r.number = d.repair ORDER BY d.number"
        )
        for repair, who, at, after, number in connection.execute(query):
            when = datetime.fromisoformat(at)
            self._known.setdefault((repair, who, when, after), []).append(number)
            self.latest.put(repair, when, who)

    def shots(self) -> list[int]:
        """The shots in which anything changes."""
        return [*(self._shots[repair] for repair in self.changed), *self._touched]

    def act(self, verb: str, who: str, at: str, *, root: int | None = None) -> int:
        """Record an action of the other copy; its number."""
        text = json.dumps({"imported": self.note | {"verb": verb}}, sort_keys=True, ensure_ascii=False)
        add = "INSERT INTO actions (verb, who, at, selection, root) VALUES (?, ?, ?, ?, ?)"
        kept = verb if verb in ("undo", "redo") else VERB
        number = self._connection.execute(add, (kept, who, at, text, root)).lastrowid
        assert number is not None
        self.actions.append(number)
        return number

    def take_protections(self, brought: Brought) -> None:
        """Sort the places that were protected there: new ones wait for their action, known ones are lifted or protected as there."""
        for one in brought.protections:
            row = protection_here(self._connection, one)
            if row is None:
                self._places.setdefault(one.action, []).append(one)
                continue
            reach_into(self._connection, row["number"], one, self._names)
            if bool(row["live"]) != one.live and one.turned[0] > row["turned"]:
                self.act("redo" if one.live else "undo", one.turned[1], one.turned[0], root=row["action"])
                self._connection.execute("UPDATE protections SET live = ? WHERE number = ?", (int(one.live), row["number"]))
                self._turned.append(one)

    def take(self, decisions: Sequence[Foreign], brought: Brought) -> Merged:
        """Record all that is new, action by action of the other copy."""
        new, found = self._sift(decisions)
        reviews = new_reviews(self._connection, brought, self._names)
        groups: dict[int, tuple[list[Foreign], list[ForeignReview]]] = {number: ([], []) for number in self._places}
        for one in new:
            groups.setdefault(one.action, ([], []))[0].append(one)
        for review in reviews:
            groups.setdefault(review.action, ([], []))[1].append(review)
        taken = sum(self._add(*group, places=self._places.get(number, [])) for number, group in sorted(groups.items()))
        places = [*self._turned, *(one for several in self._places.values() for one in several)]
        self._touched |= shots_of(self._connection, reviews, places)
        counted = replace(found, taken=taken, same=len(new) - taken, reviews=len(reviews), protections=len(places))
        return replace(counted, repairs=len(self.changed), replaced=len(self.changed & self.latest.marks.keys()))

    def _sift(self, decisions: Sequence[Foreign]) -> tuple[list[Foreign], Merged]:
        """The decisions to be taken, in their order, and the others counted. Taken are new ones, on repairs whose latest is theirs."""
        theirs, met = _Latest(), Counter[Key]()
        fresh, news = [], dict[str, bool]()
        for one in sorted(decisions, key=lambda d: (d.action, d.number)):
            when = datetime.fromisoformat(one.at)
            key = one.repair, one.who, when, one.after
            known = self._known.get(key, [])
            is_new = met[key] >= len(known)
            if is_new:
                fresh.append(one)
            else:
                self._here[one.number] = known[met[key]]
            met[key] += 1
            if theirs.put(one.repair, when, one.who):
                news[one.repair] = is_new
        mine = self.latest.marks
        later = {repair for repair, mark in theirs.marks.items() if news[repair] and (repair not in mine or mark > mine[repair])}
        new = [one for one in fresh if one.repair in later]
        return new, Merged(known=len(decisions) - len(fresh), older=len(fresh) - len(new))

    def _add(self, decisions: list[Foreign], reviews: list[ForeignReview], *, places: list[ForeignProtection]) -> int:
        """One action of the other copy; how many of its decisions change anything."""
        taken = []
        for one in decisions:
            before = self._status[one.repair]
            if before != one.after:
                taken.append((one, before))
                self._status[one.repair] = one.after
                self.changed.add(one.repair)
        said = [(one.verb, one.who, one.at) for one, _ in taken] + [(review.verb, review.who, review.at) for review in reviews]
        said += [("protect", place.who, place.at) for place in places]
        if not said:
            return 0
        action = self.act(*said[0])
        for one, before in taken:
            add = "INSERT INTO decisions (action, repair, before, after, undoes) VALUES (?, ?, ?, ?, ?)"
            values = (action, self._numbers[one.repair], before, one.after, self._undone(one))
            number = self._connection.execute(add, values).lastrowid
            assert number is not None
            self._here[one.number] = number
        add_reviews(self._connection, action, reviews, self._seen_here)
        for place in places:
            bring_protection(self._connection, action, place, self._names)
        return len(taken)

    def _undone(self, one: Foreign) -> int | None:
        """The decision here that one of theirs turns round, if it is here and nobody turned it round yet."""
        number = self._here.get(one.undoes or 0)
        turned = number is not None and self._connection.execute("SELECT 1 FROM decisions WHERE undoes = ?", (number,)).fetchone()
        return None if turned else number
