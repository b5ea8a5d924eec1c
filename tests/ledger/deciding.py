"""A person at a seat of their own: `deciding.py PROJECT WHO SEED STOP` decides about whatever is found until the file STOP is there.

Prints `ready`, then a line for every decision that the ledger has taken: its repairs that changed, separated by spaces.
"""

import random
import sys
import time
from pathlib import Path

from frdm.errors import LedgerError
from frdm.ledger import decisions, undoing
from frdm.ledger.records import By, Selection
from frdm.ledger.store import NAME, Ledger


def main(project: Path, who: str, seed: int, stop: Path) -> None:
    chance = random.Random(seed)
    print("ready", flush=True)
    while not (project / NAME).exists():
        time.sleep(0.01)
    while not stop.exists():
        with Ledger(project) as ledger:
            there = decisions.repairs(ledger)
            if not there:
                time.sleep(0.01)
                continue
            chosen = tuple(row.id for row in chance.sample(there, min(len(there), 3)))
            try:
                if chance.random() < 0.25:
                    outcome = undoing.undo_last(ledger, By(who))
                else:
                    outcome = decisions.judge(ledger, chance.choice(["accept", "reject"]), Selection(ids=chosen), By(who), mark=False)
            except LedgerError as error:  # a seat's claim, or a shot that isn't known yet
                print(f"refused {error}", file=sys.stderr)
                continue
            if outcome.action is not None:
                print(outcome.action, outcome.changed, flush=True)
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
