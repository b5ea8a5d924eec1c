"""Questions to the ledger that exports ask: one state of all its tables, how decisions were made, what files of patches hold."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frdm.ledger.store import Ledger


@contextmanager
def one_state(ledger: Ledger) -> Iterator[None]:
    """All that is read inside is of one moment, whatever others write meanwhile. To be left soon: it may keep writers waiting."""
    ledger.rows("BEGIN")
    try:
        yield
    finally:
        ledger.rows("ROLLBACK")  # nothing was written


def choices(ledger: Ledger) -> dict[int, dict[str, Any]]:
    """By action: how its repairs were chosen, as it was recorded."""
    return {row[0]: json.loads(row[1]) for row in ledger.rows("SELECT number, selection FROM actions ORDER BY number")}


def file_digests(ledger: Ledger) -> dict[str, str]:
    """By name: the xxh3_128 of every file of patches."""
    return {row[0]: row[1] for row in ledger.rows("SELECT name, hash FROM patch_files ORDER BY number")}
