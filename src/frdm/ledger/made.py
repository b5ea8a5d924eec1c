"""Repairs made by a person, and places that a person protects: recorded whole, in one transaction, with what they set aside.

A repair made by hand begins as rejected and is accepted by the action that made it, so that undoing that action takes it back, and a film
that was rendered before it still follows from the ledger.
"""

import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from frdm.errors import LedgerError
from frdm.film import Box, Mask, Repair
from frdm.ledger.claims import respect
from frdm.ledger.decisions import add_decisions
from frdm.ledger.records import By, ProtectionRow
from frdm.ledger.selecting import BATCH, marks
from frdm.ledger.store import Ledger, add_file, add_repair
from frdm.ledger.undoing import add_action, settle


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A repair on its way into the ledger, which gives it its id; `altered` pixels, and what it is a version of."""

    repair: Repair
    altered: int
    replaces: int | None = None  # number of a repair
    held: int | None = None  # number of a held defect


@dataclass(frozen=True, slots=True)
class StoredPatches:
    """A file of patches that lies safely on disk."""

    name: str
    digest: str  # xxh3_128
    bytes: int


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
    """One action: what is made, and what it takes the place of. `seen` is the ledger's state that all this was worked out from."""

    verb: str  # "paint", "reroll", "protect"
    selection: str  # JSON, for the history
    made: Sequence[Made] = ()
    file: StoredPatches | None = None
    taken_back: Sequence[int] = ()  # numbers of accepted repairs that are rejected, besides other versions of what is made
    protection: Protection | None = None
    seen: tuple[int, int] | None = None


def state(ledger: Ledger) -> tuple[int, int]:
    """(last decision, last repair): whether anything that a picture depends on has changed."""
    return ledger.last_decision(), int(ledger.rows("SELECT COALESCE(MAX(number), 0) FROM repairs")[0][0])


class ChangedMeanwhileError(LedgerError):
    """Somebody decided something between looking and writing; look again."""


def record(ledger: Ledger, work: ByHand, by: By) -> tuple[int, list[str]]:
    """Record the action: (its number, ids of what was made). Raises `LedgerError`, `ChangedMeanwhileError`; then nothing is recorded."""
    with ledger.writing() as connection:
        if work.seen is not None and work.seen != state(ledger):
            raise ChangedMeanwhileError(f"{ledger.path}: somebody else decided something in the same moment; do it again")
        frames = _frames(work)
        shots = _shots(connection, frames)
        respect(connection, shots, by)
        action = add_action(connection, work.verb, by.who, selection=work.selection)
        taken_back = set(work.taken_back) | _versions_in_force(connection, work.made)
        numbers = _add_made(connection, work)
        changes = [(number, "accepted", "rejected") for number in taken_back]
        add_decisions(connection, action, changes + [(number, "rejected", "accepted") for number, _ in numbers])
        if work.protection is not None:
            _add_protection(connection, action, work.protection, work.taken_back)
        _look_at_held(connection, action, work.made)
        settle(connection)
    return action, [name for _, name in numbers]


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
        (count,) = connection.execute("SELECT COUNT(*) FROM repairs WHERE frame = ? AND span IS NULL", (frame,)).fetchone()
        name = f"{frame:06d}-p{count + 1:02d}"
        add_repair(connection, replace(made.repair, id=name, status="rejected"), span=None, file=file, place=place, altered=made.altered)
        (number,) = connection.execute("SELECT MAX(number) FROM repairs").fetchone()
        first = connection.execute("SELECT COALESCE(replaces, number) FROM repairs WHERE number = ?", (made.replaces,)).fetchone()
        values = (None if first is None else first[0], made.held, number)
        connection.execute("UPDATE repairs SET replaces = ?, held = ? WHERE number = ?", values)
        added.append((number, name))
    return added


def _versions_in_force(connection: sqlite3.Connection, made: Sequence[Made]) -> set[int]:
    """The accepted repairs that what is made takes the place of."""
    found: set[int] = set()
    family = (
        "SELECT o.number FROM repairs r JOIN repairs o ON COALESCE(o.replaces, o.number) = COALESCE(r.replaces, r.number) "
        "JOIN defects d ON d.repair = o.number WHERE r.number = ? AND d.status = 'accepted'"
    )
    mending = "SELECT r.number FROM repairs r JOIN defects d ON d.repair = r.number WHERE r.held = ? AND d.status = 'accepted'"
    for one in made:
        found |= {row[0] for row in connection.execute(family, (one.replaces,))}
        found |= {row[0] for row in connection.execute(mending, (one.held,))}
    return found


def _look_at_held(connection: sqlite3.Connection, action: int, made: Sequence[Made]) -> None:
    """A held defect that was mended by hand was looked at."""
    held = [one.held for one in made if one.held is not None]
    query = f"SELECT number FROM defects WHERE held IN ({marks(held)}) AND NOT reviewed"
    rows = connection.execute(query, held).fetchall()
    connection.executemany("INSERT INTO reviews (action, defect, seen) VALUES (?, ?, 1)", [(action, row[0]) for row in rows])


# Protected places ---------------------------------------------------------------------------------------------------------------------


def _add_protection(connection: sqlite3.Connection, action: int, place: Protection, repairs: Sequence[int]) -> None:
    box = place.box
    values = (
        action,
        place.start,
        place.stop,
        box.top,
        box.left,
        box.bottom,
        box.right,
        zlib.compress(np.packbits(place.mask).tobytes()),
        place.note,
    )
    number = connection.execute(
        "INSERT INTO protections (action, start, stop, top, left, bottom, right, mask, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
    ).lastrowid
    connection.executemany("INSERT INTO protected (protection, repair) VALUES (?, ?)", [(number, repair) for repair in set(repairs)])


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
    height, width = rows[0]["height"], rows[0]["width"]
    bits = np.frombuffer(zlib.decompress(rows[0]["mask"]), np.uint8)
    return np.unpackbits(bits, count=height * width).view(np.bool_).reshape(height, width)
