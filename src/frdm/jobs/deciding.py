"""What a person decides about repairs, from the command line or a program."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from frdm.errors import LedgerError
from frdm.film import Kind
from frdm.jobs.project import existing
from frdm.ledger import decisions
from frdm.ledger.records import Selection

Action = Literal["accept", "reject", "undo"]


def decide(
    project: str | Path,
    action: Action,
    *,
    ids: Sequence[str] = (),
    kind: Kind | None = None,
    shot: int | None = None,
    below: float | None = None,
    who: str = "",
) -> int:
    """Accept or reject the repairs that all given conditions choose, or undo; how many repairs changed.

    `shot` counts from 1, `below` is a confidence. `undo` without conditions takes back the last action not undone, with conditions the last
    decision on each chosen repair. The film changes with the next `render`. Raises `LedgerError` for ids or shots that aren't there.
    """
    selection = Selection(tuple(ids), kind, shot, below)
    if action != "undo" and not selection:
        raise LedgerError(f"{action}: no repairs were chosen; give --id, --kind, --shot or --below (--below 1.1 chooses all)")
    with existing(Path(project), alone=False) as opened:
        if action == "undo":
            return decisions.undo(opened.ledger, selection, who=who or person())
        return decisions.decide(opened.ledger, action, selection, who=who or person())


def person() -> str:
    """Who decides where no one is named: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
