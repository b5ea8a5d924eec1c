"""Repairs made by a person, and places that a person protects: recorded whole, in one transaction, with what they set aside.

A repair made by hand begins as rejected and is accepted by the action that made it, so that undoing that action takes it back, and a film
that was rendered before it still follows from the ledger.

A file of their patches gets its name while the ledger is held for writing, and loses it again where that fails: so a file of theirs that
the held ledger does not name is what a kill left.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from frdm.errors import LedgerError
from frdm.film import Box, Encoding, Mask, Repair
from frdm.ledger.claims import respect
from frdm.ledger.masks import packed, unpacked
from frdm.ledger.records import By, ProtectionRow
from frdm.ledger.selecting import BATCH, marks
from frdm.ledger.standing import Change, add_decisions, rivals, settle
from frdm.ledger.store import Ledger, add_file, add_repair
from frdm.ledger.undoing import add_action


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A repair on its way into the ledger, which gives it its id; `altered` pixels, its frame's encoding, and what it is a version of."""

    repair: Repair
    altered: int
    encoding: Encoding
    replaces: int | None = None  # number of a repair
    held: int | None = None  # number of a held defect


@dataclass(frozen=True, slots=True)
class StoredPatches:
    """A file of patches that lies safely on disk, and what gives it its name and takes it away again (None: it has it)."""

    name: str
    digest: str  # xxh3_128
    bytes: int
    put: Callable[[], None] | None = None
    take: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Protection:
    """A place to protect: `mask` has the box's shape; the box's frame is `start`."""

    start: int
    stop: int
    box: Box
    mask: Mask
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ByHand:
    """One action: what is made, and what it takes the place of. `seen` is the ledger's state that all this was worked out from, `clear_of`
    that of the protections that what is made was kept out of.
    """

    verb: str  # "paint", "reroll", "protect"
    selection: str  # JSON, for the history
    made: Sequence[Made] = ()
    file: StoredPatches | None = None
    taken_back: Sequence[int] = ()  # numbers of accepted repairs that are rejected, besides other versions of what is made
    protection: Protection | None = None
    reached: Sequence[int] = ()  # numbers of all repairs that reach into the protection, whatever their status
    seen: tuple[int, int] | None = None
    clear_of: int | None = None


def state(ledger: Ledger) -> tuple[int, int]:
    """(last decision, last repair): whether anything that a picture depends on has changed."""
    return ledger.last_decision(), int(ledger.rows("SELECT COALESCE(MAX(number), 0) FROM repairs")[0][0])


def protecting(ledger: Ledger) -> int:
    """Number of the last action that protected a place or lifted one: whether any has changed."""
    query = "SELECT COALESCE(MAX(a.number), 0) FROM protections p JOIN actions a ON a.number = p.action OR a.root = p.action"
    return int(ledger.rows(query)[0][0])


class ChangedMeanwhileError(LedgerError):
    """Somebody decided something between looking and writing; look again."""


def record(ledger: Ledger, work: ByHand, by: By) -> tuple[int, list[str]]:
    """Record the action: (its number, ids of what was made). Raises `LedgerError`, `ChangedMeanwhileError`; then nothing is recorded."""
    with ledger.writing() as connection, named(work.file):
        stale = (work.seen is not None and work.seen != state(ledger)) or (
            work.clear_of is not None and work.clear_of != protecting(ledger)
        )
        if stale:
            raise ChangedMeanwhileError(f"{ledger.path}: somebody else decided something in the same moment; do it again")
        respect(connection, _shots(connection, _frames(work)), by)
        action = add_action(connection, work.verb, by.who, selection=work.selection)
        numbers = _add_made(connection, work)
        replaced = rivals(connection, [number for number, _ in numbers])
        taken_back = {*work.taken_back, *(change.repair for change in replaced)}
        changes = [Change(number, "accepted", "rejected") for number in taken_back]
        add_decisions(connection, action, changes + [Change(number, "rejected", "accepted") for number, _ in numbers])
        if work.protection is not None:
            add_protection(connection, action, work.protection, {*work.reached, *work.taken_back})
        _look_at_held(connection, action, work.made)
        settle(connection, action)
    return action, [name for _, name in numbers]


@contextmanager
def named(file: StoredPatches | None) -> Iterator[None]:
    """Inside, the file has its name; it loses it where what is done inside fails. To be entered with the ledger held for writing."""
    try:
        if file is not None and file.put is not None:
            file.put()
        yield
    except BaseException:
        if file is not None and file.take is not None:
            file.take()
        raise


def _frames(work: ByHand) -> set[int]:
    inside = range(work.protection.start, work.protection.stop) if work.protection is not None else ()
    return {made.repair.defect.box.frame for made in work.made} | set(inside)


def _shots(connection: sqlite3.Connection, frames: set[int]) -> set[int]:
    """The shots of the frames. Raises `LedgerError` where one isn't analysed yet: what is painted there would be lost to the analysis."""
    found: set[int] = set()
    wanted = sorted(frames)
    for at in range(0, len(wanted), BATCH):
        batch = wanted[at : at + BATCH]
        query = f"SELECT f.frame, s.shot FROM frames f JOIN spans s ON s.number = f.span WHERE f.frame IN ({marks(batch)})"
        known = dict(connection.execute(query, batch).fetchall())
        if missing := [frame for frame in batch if frame not in known]:
            raise LedgerError(f"frame {missing[0]}: not analysed yet; let the restoration come past it first")
        found |= set(known.values())
    return found


def _add_made(connection: sqlite3.Connection, work: ByHand) -> list[tuple[int, str]]:
    """(number, id) of each repair."""
    if not work.made:
        return []
    assert work.file is not None
    file = add_file(connection, work.file.name, work.file.digest, work.file.bytes)
    added: list[tuple[int, str]] = []
    places: dict[int, int] = {}
    for made in work.made:
        frame = made.repair.defect.box.frame
        place = places[frame] = places.get(frame, -1) + 1
        name = free_name(connection, frame)
        number = add_repair(
            connection, replace(made.repair, id=name, status="rejected"), span=None, file=file, place=place, altered=made.altered
        )
        join_versions(connection, number, replaces=made.replaces, held=made.held)
        added.append((number, name))
    return added


def free_name(connection: sqlite3.Connection, frame: int) -> str:
    """The next id of a repair made by hand in a frame."""
    query = "SELECT COALESCE(MAX(CAST(SUBSTR(id, INSTR(id, '-p') + 2) AS INTEGER)), 0) FROM repairs WHERE frame = ? AND span IS NULL"
    (last,) = connection.execute(query, (frame,)).fetchone()
    return f"{frame:06d}-p{last + 1:02d}"


def join_versions(connection: sqlite3.Connection, number: int, *, replaces: int | None, held: int | None) -> None:
    """Say what a repair is a version of: of any repair that has versions, or of those that mend a held defect."""
    first = connection.execute(
        "SELECT COALESCE((SELECT COALESCE(replaces, number) FROM repairs WHERE number = ?), "
        "(SELECT MIN(COALESCE(replaces, number)) FROM repairs WHERE held = ?))",
        (replaces, held),
    ).fetchone()[0]
    query = "UPDATE repairs SET replaces = ?, held = COALESCE(?, (SELECT f.held FROM repairs f WHERE f.number = ?)) WHERE number = ?"
    connection.execute(query, (first, held, first, number))


def _look_at_held(connection: sqlite3.Connection, action: int, made: Sequence[Made]) -> None:
    """A held defect that was mended by hand was looked at."""
    held = [one.held for one in made if one.held is not None]
    query = f"SELECT number FROM defects WHERE held IN ({marks(held)}) AND NOT reviewed"
    rows = connection.execute(query, held).fetchall()
    connection.executemany("INSERT INTO reviews (action, defect, seen) VALUES (?, ?, 1)", [(action, row[0]) for row in rows])


# Protected places ---------------------------------------------------------------------------------------------------------------------


def add_protection(connection: sqlite3.Connection, action: int, place: Protection, repairs: set[int]) -> int:
    """Record a place under an action, with the repairs that reach into it; its number."""
    box = place.box
    values = (
        action,
        place.start,
        place.stop,
        box.top,
        box.left,
        box.bottom,
        box.right,
        packed(place.mask),
        place.note,
    )
    number = connection.execute(
        "INSERT INTO protections (action, start, stop, top, left, bottom, right, mask, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
    ).lastrowid
    connection.executemany("INSERT INTO protected (protection, repair) VALUES (?, ?)", [(number, repair) for repair in sorted(repairs)])
    assert number is not None
    return number


def protections(ledger: Ledger, start: int, stop: int) -> list[ProtectionRow]:
    """Protected places that touch frames start … stop-1, lifted ones too, oldest first."""
    query = (
        "SELECT p.number, p.action, p.start, p.stop, p.top, p.left, p.bottom, p.right, p.note, a.who, a.at, p.live FROM protections p "
        "JOIN actions a ON a.number = p.action WHERE p.start < ? AND p.stop > ? ORDER BY p.number"
    )
    return [
        ProtectionRow(row[0], row[1], row[2], row[3], Box(row[2], *row[4:8]), row[8], row[9], row[10], bool(row[11]))
        for row in ledger.rows(query, (stop, start))
    ]


def protected_mask(ledger: Ledger, number: int) -> Mask:
    """The mask of one protected place, of its box's shape. Raises `LedgerError` for a number that isn't there."""
    rows = ledger.rows("SELECT bottom - top AS height, right - left AS width, mask FROM protections WHERE number = ?", (number,))
    if not rows:
        raise LedgerError(f"protection {number}: there is none with this number; the list of protections has them")
    return unpacked(rows[0]["mask"], rows[0]["height"], rows[0]["width"])


def live_places(ledger: Ledger, start: int, stop: int) -> list[Protection]:
    """The places in frames start … stop-1 that nothing may alter now."""
    live = [row for row in protections(ledger, start, stop) if row.live]
    return [Protection(row.start, row.stop, row.box, protected_mask(ledger, row.number), row.note) for row in live]
