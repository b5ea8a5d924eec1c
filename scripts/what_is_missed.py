"""What of a suite's visible damage is not touched, piece by piece: by size, and by what the net said of it.

    python scripts/what_is_missed.py SUITE RESTORED [--only CASE …] [--jobs 2]       (RESTORED/CASE/%05d.png: a restorer's frames)

A piece (one number of `ids` in one frame) is touched when three tenths of its visible pixels differ from the scan by 2 codes and more;
visible is what is painted and differs from the truth by 8. The net's word is its mean over the surer half of the piece.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from train_verdict import looked_at

from frdm.bench.case import Case, open_suite, read_picture
from frdm.defects import classical, eye

SIZES = (1, 30, 100, 300, 1_000, 3_000, 10**9)  # px of a 480-line picture
CHANCES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 1.01)
VISIBLE, ALTERED, TOUCHED = 8, 2, 0.3
COLUMNS = ("size", "contrast", "altered", "better", "said")


def pieces_of(restored: Path, case: Case) -> NDArray[np.float64]:
    """(n, len(COLUMNS)) of a case's pieces."""
    cv2.setNumThreads(1)
    film = np.stack([case.picture("damaged", name) for name in case.names])
    grey = bool((film[..., 0] == film[..., 1]).all())
    rows = []
    for window in looked_at(np.ascontiguousarray(film[..., :1] if grey else film), range(len(film))):
        name, scan = case.names[window.frame.index], film[window.frame.index].astype(np.int32)
        said = eye.seen_of(window, classical.Tests.of(window), None)
        said = np.asarray(cv2.resize(said, scan.shape[1::-1]), np.float32)
        clean, out = case.picture("clean", name).astype(np.int32), read_picture(restored / case.name / name).astype(np.int32)
        ids, contrast = case.plane("ids", name), np.abs(scan - clean).max(-1)
        better = ((out - clean) ** 2).sum(-1) < ((scan - clean) ** 2).sum(-1)
        altered, seen = np.abs(out - scan).max(-1) >= ALTERED, (case.plane("mask", name) > 0) & (contrast >= VISIBLE)
        for number in np.unique(ids[seen]):
            here = seen & (ids == number)
            surer = np.sort(said[here])[int(here.sum()) // 2 :]
            size = here.sum() / (scan.shape[0] / 480) ** 2
            rows.append((size, contrast[here].mean(), altered[here].mean(), (altered & better)[here].mean(), surer.mean()))
    return np.array(rows, np.float64).reshape(-1, len(COLUMNS))


def report(pieces: NDArray[np.float64]) -> None:
    size, _, altered, better, said = pieces.T
    whole, touched = size.sum(), altered >= TOUCHED
    print(f"{len(size)} pieces; recall {(size * better).sum() / whole:.3f} of their visible pixels")
    near = (size * better)[touched].sum() / size[touched].sum()
    print(f"in pieces that are touched: {size[touched].sum() / whole:.3f} of the pixels, {near:.3f} of them nearer to the truth")
    print("in pieces that are not, by size (down) and what the net said (across), shares of all visible pixels:")
    print(" " * 18 + "".join(f"  < {high:.2f}" for high in CHANCES[1:]) + "   missed of")
    for low, high in itertools.pairwise(SIZES):
        mine = (size >= low) & (size < high)
        shares = [size[mine & ~touched & (said >= a) & (said < b)].sum() / whole for a, b in itertools.pairwise(CHANCES)]
        row = "".join(f"{share:8.3f}" for share in shares)
        print(f"{low:>7} to {high:<8}{row}   {sum(shares):.3f} of {size[mine].sum() / whole:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("restored", type=Path)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    cases = [case for case in open_suite(options.suite).cases if case.damaged and (options.only is None or case.name in options.only)]
    with ProcessPoolExecutor(options.jobs) as pool:
        report(np.concatenate(list(pool.map(partial(pieces_of, options.restored), cases))))


if __name__ == "__main__":
    main()
