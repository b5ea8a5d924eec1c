"""One job at a time on a project, on every system, and free again when the process dies, however it dies."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frdm.errors import LedgerError

NAME = "lock.sqlite"


@contextmanager
def only_job(folder: Path) -> Iterator[None]:
    """Hold the project; raises `LedgerError` when another job does.

    SQLite's own file lock is used because the operating system drops it with the process; readers of the ledger are not kept out.
    """
    try:
        connection = sqlite3.connect(folder / NAME, timeout=0.2, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LedgerError(f"{folder}: can't be written ({error}); look at its permissions") from None
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            what = "another frdm is working on this project; wait for it or stop it"
            if "locked" not in str(error):
                what = f"can't be held against other jobs ({error}); put it on another disk with --project"
            raise LedgerError(f"{folder}: {what}") from None
        yield
    finally:
        connection.close()
