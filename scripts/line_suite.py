"""Build a suite of standing lines, and nothing else, on clips: as scripts/draw_lines.py draws them.

    python scripts/line_suite.py SUITE CLIP… --seed 501 [--still] [--undamaged]       (CLIP: a movie without damage)
    frdm bench run SUITE -o OUT --method frdm

A case a clip, nine frames, 240 to 780 lines high, with the reel's own grain, blur and compression; `--still`: one frame of the clip stands,
weaves or pans, with things of its own drawn in now and then; `--undamaged`: the same reels without their lines.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from draw_lines import Cores, Shot, shoot
from numpy.typing import NDArray

from frdm.bench.case import Facts, cleared, frame_names, write_manifest, write_png

FRAMES = 9
FIRST = 1000  # number of a case's first line: the suites' lines begin there


def numbered(mask: NDArray[np.bool_], cores: Cores) -> NDArray[np.uint16]:
    """(H, W) the number of the line whose middle is nearest, where a line is drawn."""
    columns = np.stack([place for place, _ in cores], 1) if cores else np.zeros((len(mask), 1))
    nearest = np.abs(np.arange(mask.shape[1])[None, :, None] - columns[:, None]).argmin(-1)
    return np.where(mask, FIRST + nearest, 0).astype(np.uint16)


def write(folder: Path, shot: Shot, *, undamaged: bool) -> None:
    """The case's pictures; its ideal repair is the truth itself."""
    film = shot.clean if undamaged else shot.film
    for number, name in enumerate(frame_names(len(film))):
        mask = shot.masks[number] & (not undamaged)
        for role, picture in (("clean", shot.clean[number]), ("damaged", film[number]), ("ideal", shot.clean[number])):
            write_png(folder / role / name, picture)
        write_png(folder / "mask" / name, np.where(mask, np.uint8(255), np.uint8(0)))
        write_png(folder / "ids" / name, numbered(mask, shot.cores[number]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=501)
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--undamaged", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    made: dict[str, Facts] = {}
    for clip in options.clips:
        random = np.random.default_rng([options.seed, sum(clip.name.encode())])
        shot = shoot(clip, random, count=FRAMES, damaged=1.0, plain=not options.still, stilled=float(options.still))
        if shot is None:
            print(f"{clip}: shorter than {FRAMES} frames, left out")
            continue
        write(cleared(options.suite / clip.stem), shot, undamaged=options.undamaged)
        tags = ("undamaged",) if options.undamaged else ()
        made[clip.stem] = Facts(stock="colour", tags=tags, recipe="scripts/line_suite.py", seed=options.seed)
    write_manifest(options.suite, made, {"name": "lines"})
    print(f"{options.suite}: {len(made)} cases of {FRAMES} frames")


if __name__ == "__main__":
    main()
