"""What another copy of a project made by hand, looked at and protected, taken over as new entries. `merging` takes the decisions."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from frdm.errors import LedgerError
from frdm.ledger.made import Made, Protection, StoredPatches, add_protection, free_name, join_versions
from frdm.ledger.masks import packed
from frdm.ledger.store import add_file, add_repair


@dataclass(frozen=True, slots=True, eq=False)
class ForeignRepair:
    """A repair by hand as another copy has it, under its id there; what it is a version of, and the held defect that it mends, by id."""

    name: str
    made: Made
    replaces: str | None = None
    held: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignReview:
    """A defect was looked at there. `action`, `number` and `undoes` are places in that copy's history."""

    action: int
    number: int
    verb: str
    who: str
    at: str
    defect: str
    seen: bool
    undoes: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ForeignProtection:
    """A place that was protected there; `turned`: when and by whom it was lifted or protected again last, "" for never."""

    action: int
    who: str
    at: str
    place: Protection
    live: bool
    turned: tuple[str, str]
    repairs: tuple[str, ...]  # ids there of all that reach into it …
    ours: tuple[str, ...]  # … and ids here


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """All that comes beside decisions. `same`: their repairs by hand that are here already, with their ids here; `reached`: our protected
    places into which repairs of theirs reach, (number, their id).
    """

    repairs: Sequence[ForeignRepair] = ()
    same: Mapping[str, str] = field(default_factory=dict)
    file: StoredPatches | None = None
    reviews: Sequence[ForeignReview] = ()
    protections: Sequence[ForeignProtection] = ()
    reached: Sequence[tuple[int, str]] = ()


def bring_repairs(connection: sqlite3.Connection, brought: Brought) -> dict[str, str]:
    """Record their repairs by hand, which nobody has accepted yet: all their ids with those that they have here."""
    names = dict(brought.same)
    if not brought.repairs:
        return names
    assert brought.file is not None, "repairs lie in a file"
    file = add_file(connection, brought.file.name, brought.file.digest, brought.file.bytes)
    places: Counter[int] = Counter()
    for one in brought.repairs:
        frame = one.made.repair.defect.box.frame
        if not connection.execute("SELECT 1 FROM frames WHERE frame = ?", (frame,)).fetchone():
            raise LedgerError(f"frame {frame}: not analysed yet; let the restoration come past it first")
        taken = connection.execute("SELECT 1 FROM defects WHERE id = ?", (one.name,)).fetchone()
        names[one.name] = free_name(connection, frame) if taken else one.name
        repair = replace(one.made.repair, id=names[one.name], status="rejected")
        number = add_repair(connection, repair, span=None, file=file, place=places[frame], altered=one.made.altered)
        places[frame] += 1
        first = _number(connection, "repair", names.get(one.replaces or "", one.replaces))
        join_versions(connection, number, replaces=first, held=_number(connection, "held", one.held))
    for protection, theirs in brought.reached:
        _reach(connection, protection, [names[theirs]])
    return names


def new_reviews(connection: sqlite3.Connection, brought: Brought, names: Mapping[str, str]) -> list[ForeignReview]:
    """Those that are not here yet, of defects that nobody here looked at later, in their order, under our ids."""
    known: Counter[tuple[str, str, datetime, bool]] = Counter()
    latest: dict[str, datetime] = {}
    query = "SELECT d.id, a.who, a.at, v.seen FROM reviews v JOIN actions a ON a.number = v.action JOIN defects d ON d.number = v.defect"
    for defect, who, at, seen in connection.execute(query):
        when = datetime.fromisoformat(at)
        known[defect, who, when, bool(seen)] += 1
        latest[defect] = max(latest.get(defect, when), when)
    found = []
    for one in sorted(brought.reviews, key=lambda review: review.number):
        when, defect = datetime.fromisoformat(one.at), names.get(one.defect, one.defect)
        key = defect, one.who, when, one.seen
        if known[key]:
            known[key] -= 1
        elif defect not in latest or when >= latest[defect]:
            found.append(replace(one, defect=defect))
    return found


def add_reviews(connection: sqlite3.Connection, action: int, reviews: Sequence[ForeignReview], here: dict[int, int]) -> None:
    """Record them under an action; `here`: their reviews' numbers with ours, which grows."""
    for one in reviews:
        undone = here.get(one.undoes or 0)
        defect = _number(connection, "number", one.defect)
        if defect is None:
            raise LedgerError(f"{one.defect}: looked at in the file, and not among the defects of this project; export it anew")
        add = "INSERT INTO reviews (action, defect, seen, undoes) VALUES (?, ?, ?, ?)"
        number = connection.execute(add, (action, defect, int(one.seen), undone)).lastrowid
        assert number is not None
        here[one.number] = number


def protection_here(connection: sqlite3.Connection, one: ForeignProtection) -> sqlite3.Row | None:
    """The same place as it is recorded here (number, action, live, turned: when it was lifted or protected again last)."""
    place, box = one.place, one.place.box
    query = (
        "SELECT p.number, p.action, p.live, COALESCE((SELECT MAX(t.at) FROM actions t WHERE t.root = p.action), '') AS turned "
        "FROM protections p JOIN actions a ON a.number = p.action WHERE p.start = ? AND p.stop = ? AND p.top = ? AND p.left = ? "
        "AND p.bottom = ? AND p.right = ? AND p.mask = ? AND a.who = ? AND a.at = ?"
    )
    where = (place.start, place.stop, box.top, box.left, box.bottom, box.right, packed(place.mask), one.who, one.at)
    row: sqlite3.Row | None = connection.execute(query, where).fetchone()
    return row


def bring_protection(connection: sqlite3.Connection, action: int, one: ForeignProtection, names: Mapping[str, str]) -> None:
    """Record a place under an action, with the repairs that reach into it."""
    number = add_protection(connection, action, one.place, set())
    connection.execute("UPDATE protections SET live = ? WHERE number = ?", (int(one.live), number))
    reach_into(connection, number, one, names)


def reach_into(connection: sqlite3.Connection, number: int, one: ForeignProtection, names: Mapping[str, str]) -> None:
    """Record that repairs reach into one of our places."""
    _reach(connection, number, [*(names.get(repair, repair) for repair in one.repairs), *one.ours])


def shots_of(connection: sqlite3.Connection, reviews: Sequence[ForeignReview], places: Sequence[ForeignProtection]) -> set[int]:
    """The shots in which anything was looked at or protected."""
    found = {connection.execute("SELECT shot FROM defects WHERE id = ?", (one.defect,)).fetchone()[0] for one in reviews}
    query = "SELECT number FROM shots WHERE start < ? AND stop > ?"
    return found.union(*({row[0] for row in connection.execute(query, (one.place.stop, one.place.start))} for one in places))


def _number(connection: sqlite3.Connection, column: str, name: str | None) -> int | None:
    row = connection.execute(f"SELECT {column} FROM defects WHERE id = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _reach(connection: sqlite3.Connection, protection: int, repairs: Sequence[str]) -> None:
    for name in repairs:
        add = "INSERT OR IGNORE INTO protected (protection, repair) SELECT ?, repair FROM defects WHERE id = ? AND repair IS NOT NULL"
        connection.execute(add, (protection, name))
