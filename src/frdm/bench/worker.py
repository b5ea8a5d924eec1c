"""A plain method in a process of its own, so that time and memory are measured as they are for every other: `python -m frdm.bench.worker`.

Three arguments: the method's name, the folder of the case (truth included), and the folder that gets the frames.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from frdm.bench.case import Case, understood, write_png
from frdm.bench.oracle import TRUE_MASK
from frdm.bench.reference import BLIND, Film
from frdm.errors import FrdmError


def main(arguments: Sequence[str]) -> int:
    """Restore every frame of a case; 2 and one line on stderr when it can't be done."""
    name, folder, out = arguments
    cv2.setNumThreads(1)  # one thread: DIS gives other motion with another number
    try:
        restore(name, Path(folder), Path(out))
    except FrdmError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def restore(name: str, folder: Path, out: Path) -> None:
    """Write the frames that a plain method makes of a case."""
    names = tuple(path.name for path in sorted((folder / "damaged").glob("*.png")))
    film = Film(Case(folder.name, folder, understood(folder), names))
    method = {**BLIND, **TRUE_MASK}[name]
    for index, frame in enumerate(names):
        write_png(out / frame, method.restore(film, index))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
