"""The ledger: one SQLite file a project. All SQL of frdm is in this room.

Many may read while one writes. What belongs together is written in one transaction, so that a kill at any moment leaves whole records only.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from frdm.errors import LedgerError
from frdm.film import Held, Repair, Shot, Span
from frdm.ledger.location import on_network
from frdm.ledger.masks import packed
from frdm.ledger.records import FrameRow, OutputRow, ProjectRow, RenderRow, ShotRow, SpanRow
from frdm.ledger.schema import migrate, outdated

NAME = "ledger.sqlite"
PATIENCE = 30.0  # seconds to wait for another writer


def now() -> str:
    """The time of a record, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Ledger:
    """An open ledger; used by one thread at a time, by any number of processes."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Open `folder`'s ledger, or make one. Raises `LedgerError`."""
        self.path = folder / NAME
        if not create and not self.path.is_file():
            raise LedgerError(f"{folder}: no ledger ({NAME}) where a project of frdm was wanted; give the folder that `frdm restore` made")
        try:
            self.connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: can't be opened ({error}); look at its permissions") from None
        try:
            self._prepare() if create or not self._sealed() else self._unseal()
        except sqlite3.Error as error:
            self.connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise LedgerError(f"{self.path}: can't be opened for writing ({error}); look at its permissions and its disk") from None
            raise LedgerError(f"{self.path}: not a ledger of frdm or broken ({error}); bring it back from a copy or use --fresh") from None
        except BaseException:
            self.connection.close()
            raise

    def _sealed(self) -> bool:
        """Whether it lies on a medium that can't be written to, and is whole there."""
        try:
            self.connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                return False  # somebody writes, or it is broken: not for us to read past
            log = self.path.with_name(f"{NAME}-wal")
            return not (log.exists() and log.stat().st_size)
        return False

    def _unseal(self) -> None:
        """Read it without the files that SQLite would make beside it; one of an older frdm is brought up to date in memory."""
        self.connection.close()
        address = f"{self.path.absolute().as_uri()}?immutable=1"
        self.connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        if outdated(self.connection, str(self.path)):
            copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self.connection.backup(copy)
            self.connection.close()
            self.connection = copy
        self.connection.row_factory = sqlite3.Row
        migrate(self.connection, str(self.path))
        self.connection.execute("PRAGMA query_only = ON")

    def _prepare(self) -> None:
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if on_network(self.path):
            self.connection.execute("PRAGMA journal_mode = DELETE")
        else:
            self.connection.execute("PRAGMA journal_mode = WAL")  # where a file system can't, SQLite keeps its rollback journal
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        migrate(self.connection, str(self.path))

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; all of it or nothing."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise  # a fault of ours, not of the disk
            raise LedgerError(f"{self.path}: could not be written ({error}); mend that and run the same command again") from None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        try:
            return self.connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{self.path}: could not be read ({error}); bring the project back from a copy or use --fresh") from None

    # -- the project

    def project(self) -> ProjectRow | None:
        """What the project was made of; None for a new ledger."""
        rows = self.rows("SELECT film, identity, start, stop, recipe, settings, info, versions, created, shots_found FROM project")
        return ProjectRow(**{**dict(rows[0]), "shots_found": bool(rows[0]["shots_found"])}) if rows else None

    def begin(self, row: ProjectRow) -> None:
        """Record what a new project is made of."""
        values = {**asdict(row), "created": now(), "shots_found": 0}
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO project (one, film, identity, start, stop, recipe, settings, info, versions, created, shots_found) VALUES "
                "(1, :film, :identity, :start, :stop, :recipe, :settings, :info, :versions, :created, :shots_found)",
                values,
            )

    def moved(self, film: str) -> None:
        """The same film lies at another path now."""
        with self.writing() as connection:
            connection.execute("UPDATE project SET film = ?", (film,))

    # -- shots and spans

    def add_shot(self, number: int, shot: Shot) -> None:
        """Record a shot; one that an interrupted run has recorded must be the same. Raises `LedgerError`."""
        known = self.rows("SELECT start, stop FROM shots WHERE number = ?", (number,))
        if not known:
            with self.writing() as connection:
                connection.execute("INSERT INTO shots VALUES (?, ?, ?)", (number, shot.start, shot.stop))
        elif tuple(known[0]) != (shot.start, shot.stop):
            before = f"{known[0][0]} to {known[0][1] - 1}"
            raise LedgerError(f"{self.path}: shot {number} was frames {before} and is {shot.start} to {shot.stop - 1} now; use --fresh")

    def all_shots_found(self) -> None:
        """Say that the recorded shots cover the range."""
        with self.writing() as connection:
            connection.execute("UPDATE project SET shots_found = 1")

    def shots(self) -> list[ShotRow]:
        return [ShotRow(n, Shot(start, stop)) for n, start, stop in self.rows("SELECT number, start, stop FROM shots ORDER BY number")]

    def spans(self) -> list[SpanRow]:
        """The spans that are done, in order."""
        columns = "s.number, s.shot, s.start, s.stop, f.name, f.hash"
        query = f"SELECT {columns} FROM spans s LEFT JOIN patch_files f ON f.number = s.file ORDER BY s.start"
        return [SpanRow(*row) for row in self.rows(query)]

    def add_span(self, span: Span, found: "SpanRecord") -> None:
        """Record a span as done, with all that was found in it, in one transaction."""
        with self.writing() as connection:
            shot = connection.execute("SELECT number FROM shots WHERE start <= ? AND ? <= stop", (span.start, span.stop)).fetchone()
            file = None if found.file is None else add_file(connection, *found.file)
            span_number = connection.execute(
                "INSERT INTO spans (shot, start, stop, file) VALUES (?, ?, ?, ?)", (shot[0], span.start, span.stop, file)
            ).lastrowid
            assert span_number is not None
            for place, altered, repair in found.repairs:
                assert file is not None
                add_repair(connection, repair, span=span_number, file=file, place=place, altered=altered)
            connection.executemany(_ADD_HELD, [_held_values(span_number, held) for held in found.held])
            connection.executemany(
                "INSERT INTO frames (frame, span, noise, repeats, altered) VALUES (?, ?, ?, ?, ?)",
                [(f.frame, span_number, f.noise, f.repeats, f.altered) for f in found.frames],
            )
            if found.output is not None:
                _add_renders(connection, found.output, found.renders)

    def frames(self) -> list[FrameRow]:
        return [FrameRow(*row) for row in self.rows("SELECT frame, noise, repeats, altered FROM frames ORDER BY frame")]

    # -- outputs

    def begin_output(self, path: str, codec: str | None, *, standing: str = "") -> OutputRow:
        """The output at `path` that is being made, taken up again if an interrupted run began it with the same decisions in force.

        `standing` is the identity of what stands there and is ours: a run that was stopped between giving the name and recording it left
        it so, and until the new film is finished nothing else says whose it is.
        """
        decision = self.last_decision()
        with self.writing() as connection:
            unfinished = "state IN ('started', 'finishing')"
            going = f"SELECT number FROM outputs WHERE path = ? AND codec IS ? AND {unfinished} ORDER BY number DESC LIMIT 1"
            row = connection.execute(going, (path, codec)).fetchone()
            if row:
                number = row[0]
                again = "UPDATE outputs SET decision = ?, state = 'started', identity = ? WHERE number = ?"
                connection.execute(again, (decision, standing, number))
            else:
                add = "INSERT INTO outputs (path, codec, state, decision) VALUES (?, ?, 'started', ?)"
                number = connection.execute(add, (path, codec, decision)).lastrowid
        return next(output for output in self.outputs() if output.number == number)

    def add_renders(self, output: int, rows: Iterable[RenderRow]) -> None:
        """Record frames that now lie safely in the output."""
        with self.writing() as connection:
            _add_renders(connection, output, rows)

    def finishing(self, output: int) -> None:
        """Say that the output is about to get its final name: from now on what stands there is ours."""
        with self.writing() as connection:
            connection.execute("UPDATE outputs SET state = 'finishing' WHERE number = ?", (output,))

    def finish_output(self, output: int, *, identity: str, codes: str, warnings: Sequence[str]) -> None:
        """Record that the output is whole; earlier outputs at the same path are gone."""
        with self.writing() as connection:
            (path,) = connection.execute("SELECT path FROM outputs WHERE number = ?", (output,)).fetchone()
            old = "path = ? AND number <> ?"
            connection.execute(f"DELETE FROM renders WHERE output IN (SELECT number FROM outputs WHERE {old})", (path, output))
            connection.execute(f"UPDATE outputs SET state = 'replaced' WHERE {old}", (path, output))
            connection.execute(
                "UPDATE outputs SET state = 'finished', identity = ?, codes = ?, warnings = ?, finished = ? WHERE number = ?",
                (identity, codes, json.dumps(list(warnings), ensure_ascii=False), now(), output),
            )

    def outputs(self) -> list[OutputRow]:
        """All outputs, oldest first."""
        query = "SELECT number, path, codec, state, decision, identity, codes, warnings, finished FROM outputs ORDER BY number"
        return [OutputRow(**{**dict(row), "warnings": tuple(json.loads(row["warnings"]))}) for row in self.rows(query)]

    def adopt(self, outputs: Iterable[OutputRow]) -> None:
        """Take over the knowledge that these outputs are ours, from a ledger that is thrown away."""
        add = "INSERT INTO outputs (path, codec, state, decision, identity, codes, finished) VALUES (?, ?, 'replaced', 0, ?, ?, ?)"
        with self.writing() as connection:
            connection.executemany(add, [(o.path, o.codec, o.identity, o.codes, o.finished) for o in outputs])

    def renders(self, output: int) -> list[RenderRow]:
        query = "SELECT frame, altered, scan, restored, codes FROM renders WHERE output = ? ORDER BY frame"
        return [RenderRow(*row) for row in self.rows(query, (output,))]

    def last_decision(self) -> int:
        """Number of the newest decision, 0 without any."""
        return int(self.rows("SELECT COALESCE(MAX(number), 0) FROM decisions")[0][0])


class SpanRecord:
    """All that one span gives to the ledger. `repairs` are (place in the frame's patches, altered pixels, repair)."""

    def __init__(self, output: int | None = None) -> None:
        self.output = output
        self.file: tuple[str, str, int] | None = None  # name, hash, bytes
        self.repairs: list[tuple[int, int, Repair]] = []
        self.held: list[Held] = []
        self.frames: list[FrameRow] = []
        self.renders: list[RenderRow] = []


_ADD_HELD = (
    "INSERT INTO held (id, span, frame, top, left, bottom, right, kind, polarity, confidence, track, reason, mask) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _held_values(span: int, held: Held) -> tuple[Any, ...]:
    d = held.defect
    where = (d.box.frame, d.box.top, d.box.left, d.box.bottom, d.box.right)
    return (held.id, span, *where, d.kind, d.polarity, float(d.confidence), d.track, held.reason, packed(d.mask))


def _add_renders(connection: sqlite3.Connection, output: int, rows: Iterable[RenderRow]) -> None:
    values = [(output, r.frame, r.altered, r.scan, r.restored, r.codes) for r in rows]
    connection.executemany(
        "INSERT OR REPLACE INTO renders (output, frame, altered, scan, restored, codes) VALUES (?, ?, ?, ?, ?, ?)", values
    )


def add_file(connection: sqlite3.Connection, name: str, digest: str, size: int) -> int:
    """Record a file of patches; its number."""
    number = connection.execute("INSERT INTO patch_files (name, hash, bytes) VALUES (?, ?, ?)", (name, digest, size)).lastrowid
    assert number is not None
    return number


def add_repair(connection: sqlite3.Connection, repair: Repair, *, span: int | None, file: int, place: int, altered: int) -> int:
    """Record one repair; its number."""
    d, p, v = repair.defect, repair.patch.box, repair.provenance
    places = (d.box.frame, p.top, p.left, p.bottom, p.right, d.box.top, d.box.left, d.box.bottom, d.box.right)
    nature = (d.kind, d.polarity, float(d.confidence), d.track)
    origin = (v.engine, json.dumps([int(s) for s in v.sources]), v.weights, v.seed, float(v.trust), v.detector)
    values = (repair.id, span, file, place, *places, *nature, *origin, altered, repair.status)
    number = connection.execute(
        "INSERT INTO repairs (id, span, file, place, "
        "frame, top, left, bottom, right, defect_top, defect_left, defect_bottom, defect_right, "
        "kind, polarity, confidence, track, engine, sources, weights, seed, trust, detector, altered, initial) "
        f"VALUES ({', '.join('?' * len(values))})",
        values,
    ).lastrowid
    assert number is not None
    return number
