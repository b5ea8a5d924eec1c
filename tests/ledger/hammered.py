"""One seat of `test_hammer.py`: decides, undoes, claims and paints as quickly as it can, telling on stdout what was recorded.

python hammered.py FOLDER NAME SEED ROUNDS
"""

import random
import sys
from pathlib import Path

import numpy as np

import mended
from frdm.errors import LedgerError
from frdm.film import Box, Encoding
from frdm.ledger import claims, made
from frdm.ledger.decisions import judge
from frdm.ledger.made import ByHand, Made, StoredPatches
from frdm.ledger.records import By, Selection
from frdm.ledger.store import Ledger
from frdm.ledger.undoing import redo_last, undo_last


def main(folder: Path, name: str, seed: int, rounds: int) -> None:
    """Say `start`, then for every action that the ledger has taken its number and what it changed."""
    rng, by = random.Random(seed), By(name, name)
    print("start", flush=True)
    for turn in range(rounds):
        with Ledger(folder) as ledger:
            try:
                number, changed = one(ledger, rng, by, turn)
            except LedgerError as error:
                if "claimed by" not in str(error):
                    raise
                continue
        if number is not None:
            print(number, changed, flush=True)


def one(ledger: Ledger, rng: random.Random, by: By, turn: int) -> tuple[int | None, int]:
    """(number, changed decisions) of one action."""
    frame = rng.randrange(20)
    what = rng.randrange(8)
    if what == 0:
        done = undo_last(ledger, by)
    elif what == 1:
        done = redo_last(ledger, by)
    elif what == 2:
        return paint(ledger, by, frame, turn)
    elif what == 3:
        shot = rng.choice((1, 2))
        claims.claim(ledger, shot, by)
        done = judge(ledger, "reject", Selection(shot=shot, kind="hair"), by)
        claims.release(ledger, shot, by)
    else:
        verb = "accept" if what % 2 else "reject"
        done = judge(ledger, verb, Selection(ids=(f"{frame:06d}-{rng.randrange(2):03d}",)), by)  # type: ignore[arg-type]
    return done.action, done.changed


def paint(ledger: Ledger, by: By, frame: int, turn: int) -> tuple[int, int]:
    """A repair by hand (its patches are not written: the ledger alone is hammered)."""
    patch = mended.a_patch(np.random.default_rng(turn), Box(frame, 1, 2, 5, 6), Encoding("y", 8))
    file = StoredPatches(f"hand-{by.who}-{turn}.npz", "hash", 1)
    number, _ = made.record(ledger, ByHand("paint", "{}", [Made(mended.a_repair("", patch), 3, Encoding("y", 8))], file), by)
    return number, 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
