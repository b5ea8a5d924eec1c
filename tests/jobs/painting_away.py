"""A person who paints without end, to be killed: `painting_away.py PROJECT`. Prints the id of every repair that the ledger has taken."""

import sys
from itertools import count
from pathlib import Path

from frdm.jobs.drawing import Rectangle
from frdm.jobs.layers import LayerStore
from frdm.jobs.painting import Brush, Wish
from frdm.jobs.project import existing
from frdm.jobs.reading import Frames
from frdm.ledger.records import By
from frdm.media.scan import open_scan
from frdm.recipe import Recipe


def main(folder: Path) -> None:
    with existing(folder, alone=False) as project, Frames(open_scan(project.row.film)) as frames:
        brush = Brush(frames, Recipe(span=3), LayerStore())
        for turn in count():
            shape = Rectangle(turn % 30, 30, turn % 30 + 8, 40)
            done = brush.paint(project, range(4, 5), [shape], kind="dirt", wish=Wish("surround", seed=turn), by=By("Ada", "one"))
            print(*done.ids or ["nothing"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
