"""The ledger's tables, as numbered migrations; each runs in one transaction with its own record.

A migration that was released is never changed: a new one is added. Shots and outputs count from 1, frames from 0.
"""

import sqlite3
from datetime import UTC, datetime

from frdm.errors import LedgerError
from frdm.ledger.schema_review import SECOND
from frdm.ledger.schema_standing import THIRD

APPLICATION = 0x4652444D  # "FRDM" in the file's header: tells a ledger from any other SQLite file

FIRST = """
CREATE TABLE project (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    film      TEXT NOT NULL,               -- absolute path at the time of the last run
    identity  TEXT NOT NULL,               -- Scan.identity(): another film has another one
    start     INTEGER NOT NULL,
    stop      INTEGER NOT NULL,
    recipe    TEXT NOT NULL,               -- canonical JSON
    settings  TEXT NOT NULL,               -- digest of all that decides the repairs
    info      TEXT NOT NULL,               -- ScanInfo as JSON, for reports
    versions  TEXT NOT NULL,               -- JSON: frdm, python, libraries
    created   TEXT NOT NULL,
    shots_found INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE shots (
    number INTEGER PRIMARY KEY,
    start  INTEGER NOT NULL UNIQUE,
    stop   INTEGER NOT NULL CHECK (stop > start)
) STRICT;

CREATE TABLE patch_files (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    hash   TEXT NOT NULL,                  -- xxh3_128 of the file
    bytes  INTEGER NOT NULL
) STRICT;

CREATE TABLE spans (                       -- a row: the span is done; no row: it is not, whatever files lie there
    number INTEGER PRIMARY KEY,
    shot   INTEGER NOT NULL REFERENCES shots,
    start  INTEGER NOT NULL UNIQUE,
    stop   INTEGER NOT NULL CHECK (stop > start),
    file   INTEGER REFERENCES patch_files  -- NULL: nothing to mend
) STRICT;

CREATE TABLE repairs (                     -- never changed; its number is the order in which repairs are laid over each other
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    span   INTEGER REFERENCES spans,       -- NULL: painted by a person
    file   INTEGER NOT NULL REFERENCES patch_files,
    place  INTEGER NOT NULL,               -- ordinal among the frame's patches in that file
    frame  INTEGER NOT NULL,
    top    INTEGER NOT NULL, left INTEGER NOT NULL, bottom INTEGER NOT NULL, right INTEGER NOT NULL,  -- of the patch
    defect_top INTEGER NOT NULL, defect_left INTEGER NOT NULL, defect_bottom INTEGER NOT NULL, defect_right INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    polarity TEXT NOT NULL,
    confidence REAL NOT NULL,
    track  INTEGER,
    engine TEXT NOT NULL,
    sources TEXT NOT NULL,                 -- JSON list of frame numbers
    weights TEXT NOT NULL,
    seed   INTEGER,
    trust  REAL NOT NULL,
    detector TEXT NOT NULL,
    altered INTEGER NOT NULL,              -- pixels that may differ from the scan
    initial TEXT NOT NULL CHECK (initial IN ('accepted', 'rejected', 'held'))
) STRICT;
CREATE INDEX repairs_by_frame ON repairs (frame, number);
CREATE INDEX repairs_by_kind ON repairs (kind, confidence);
CREATE INDEX repairs_by_span ON repairs (span);

CREATE TABLE held (
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    span   INTEGER NOT NULL REFERENCES spans,
    frame  INTEGER NOT NULL,
    top    INTEGER NOT NULL, left INTEGER NOT NULL, bottom INTEGER NOT NULL, right INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    polarity TEXT NOT NULL,
    confidence REAL NOT NULL,
    track  INTEGER,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX held_by_frame ON held (frame);
CREATE INDEX held_by_span ON held (span);

CREATE TABLE frames (                      -- what analysis says of a frame
    frame   INTEGER PRIMARY KEY,
    span    INTEGER NOT NULL REFERENCES spans,
    noise   REAL NOT NULL,
    repeats INTEGER,
    altered REAL NOT NULL                  -- share of its pixels that its accepted repairs may alter, before any decision
) STRICT;

CREATE TABLE actions (                     -- what a person did, once
    number    INTEGER PRIMARY KEY,
    verb      TEXT NOT NULL,
    who       TEXT NOT NULL,
    at        TEXT NOT NULL,
    selection TEXT NOT NULL                -- JSON: how the repairs were chosen
) STRICT;

CREATE TABLE decisions (                   -- … and what it did to each repair; only ever added to
    number INTEGER PRIMARY KEY,
    action INTEGER NOT NULL REFERENCES actions,
    repair INTEGER NOT NULL REFERENCES repairs,
    before TEXT NOT NULL,
    after  TEXT NOT NULL CHECK (after IN ('accepted', 'rejected', 'held')),
    undoes INTEGER UNIQUE REFERENCES decisions
) STRICT;
CREATE INDEX decisions_by_repair ON decisions (repair, number);
CREATE INDEX decisions_by_action ON decisions (action);

CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;
CREATE TRIGGER decisions_last BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;
CREATE TRIGGER actions_stay BEFORE UPDATE ON actions BEGIN SELECT RAISE(ABORT, 'actions are only added'); END;
CREATE TRIGGER actions_last BEFORE DELETE ON actions BEGIN SELECT RAISE(ABORT, 'actions are only added'); END;

CREATE TABLE outputs (                     -- films rendered from this project
    number   INTEGER PRIMARY KEY,
    path     TEXT NOT NULL,
    codec    TEXT,                         -- as asked for; NULL: chosen by the writer
    state    TEXT NOT NULL CHECK (state IN ('started', 'finishing', 'finished', 'replaced')),
    decision INTEGER NOT NULL,             -- greatest decision number that it shows; 0: none
    identity TEXT NOT NULL DEFAULT '',     -- Scan.identity() of the finished film
    codes    TEXT NOT NULL DEFAULT '',     -- digest of all its code values before encoding
    warnings TEXT NOT NULL DEFAULT '[]',
    finished TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE renders (                     -- a frame as it was written to an output
    output   INTEGER NOT NULL REFERENCES outputs ON DELETE CASCADE,
    frame    INTEGER NOT NULL,
    altered  REAL NOT NULL,                -- share of its pixels that may differ from the scan
    scan     TEXT NOT NULL,                -- xxh3_128 of the scan's samples outside its accepted repairs
    restored TEXT NOT NULL,                -- … of the restored frame's: equal
    codes    TEXT NOT NULL,                -- … of all samples of the restored frame
    PRIMARY KEY (output, frame)
) STRICT, WITHOUT ROWID;

CREATE VIEW repair_states AS
    SELECT r.*, f.name AS file_name,
           (SELECT s.number FROM shots s WHERE s.start <= r.frame ORDER BY s.start DESC LIMIT 1) AS shot,
           COALESCE((SELECT d.after FROM decisions d WHERE d.repair = r.number ORDER BY d.number DESC LIMIT 1), r.initial) AS status
    FROM repairs r JOIN patch_files f ON f.number = r.file;
"""

_MIGRATIONS_TABLE = "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL) STRICT"

MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("first tables", FIRST),
    ("review and repairs by hand", SECOND),
    ("versions of repairs, mattes of held defects", THIRD),
)


def migrate(connection: sqlite3.Connection, where: str) -> None:
    """Bring the tables up to this version of frdm; refuse foreign files and newer ledgers with a sentence."""
    if _done(connection, where) == len(MIGRATIONS):
        return  # readers never wait for a writer
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _done(connection, where)
        if done == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(_MIGRATIONS_TABLE)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    for number, (name, script) in enumerate(MIGRATIONS, 1):
        if number > done:
            _apply(connection, number, name=name, script=script)


def outdated(connection: sqlite3.Connection, where: str) -> bool:
    """Whether migrations of this frdm are missing. Raises `LedgerError` as `migrate` does."""
    return _done(connection, where) < len(MIGRATIONS)


def _apply(connection: sqlite3.Connection, number: int, *, name: str, script: str) -> None:
    """One migration and its record, wholly or not at all; another process may have been first."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute("SELECT 1 FROM migrations WHERE number = ?", (number,)).fetchone():
            for statement in _statements(script):
                connection.execute(statement)
            row = (number, name, datetime.now(UTC).isoformat(timespec="seconds"))
            connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", row)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _done(connection: sqlite3.Connection, where: str) -> int:
    """Number of the last migration that this file has; 0 for an empty file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application == 0 and tables == 0:
        return 0
    if application == APPLICATION and tables == 0:
        return 0
    if application != APPLICATION:
        raise LedgerError(f"{where}: a database of another program where a ledger of frdm was wanted; give the project's own folder")
    (done,) = connection.execute("SELECT COALESCE(MAX(number), 0) FROM migrations").fetchone()
    if done > len(MIGRATIONS):
        raise LedgerError(
            f"{where}: written by a newer frdm (ledger version {done}, this one knows {len(MIGRATIONS)}); use that frdm or a newer one"
        )
    return int(done)


def _statements(script: str) -> list[str]:
    """A script's single statements (sqlite3.executescript would commit the transaction that it runs in)."""
    found, piece = [], ""
    for line in script.splitlines(keepends=True):
        piece += line
        if sqlite3.complete_statement(piece):
            found.append(piece)
            piece = ""
    return found
