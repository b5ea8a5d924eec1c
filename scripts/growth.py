"""How the time of `frdm restore` grows with the size of the frame, with damage and with the length of the film: rows and a picture
for docs/benchmark.md.

    python scripts/growth.py --out docs/images/growth.png          (takes the drawn film and the peers of scripts/bench.py)

Beside it, in the same run, the plain script and the floor of `bench.py`; read seconds as ratios.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

import bench
from frdm.demo.dirt import VISIBLE, Dirtiness, dirtied, marks
from frdm.demo.scene import Stage, film

SIZES = ((640, 480), (1024, 778), (2048, 1556), (4096, 3112))
DAMAGE = (0.0, 1.0, 4.0, 12.0)  # of the usual number of pieces
LENGTHS = (6, 12, 24, 48)
USUAL = (1024, 778)


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: seconds of frdm, of the plain script and of copying, over the whole film."""

    series: str
    at: float
    frames: int
    megapixels: float
    seconds: tuple[float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dir", help="where to work")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.dir) as name:
        place = Path(name)
        points = [measured(place, "size", w * h / 1e6, size=(w, h), frames=12) for w, h in SIZES]
        points += [measured(place, "damage", share, size=USUAL, frames=12, dirt=share) for share in DAMAGE]
        points += [measured(place, "length", count, size=USUAL, frames=count) for count in LENGTHS]
    print(f"commit {bench.commit()}, seed {bench.SEED}", "", sep="\n")
    print("| series | at | frdm s/frame | plain | floor | frdm / plain |", "|---|---|---|---|---|---|", sep="\n")
    for p in points:
        ours, plain, floor = (s / p.frames for s in p.seconds)
        print(f"| {p.series} | {p.at:.2f} | {ours:.3f} | {plain:.3f} | {floor:.3f} | {ours / plain:.2f} |")
    plotted(points, asked.out)


def measured(place: Path, series: str, at: float, *, size: tuple[int, int], frames: int, dirt: float = 1.0) -> Point:
    """One film drawn, restored, mended by the plain script and copied."""
    drawn, share = draw(place / "drawn", size, min(frames, bench.DRAWN), dirt)
    scan = bench.reel(place / "scan", drawn, frames)
    ours = bench.restored(scan, place / "out")[0]
    others = []
    for task in (bench.plain, bench.copied):
        began = time.perf_counter()
        task(scan, place / "other")
        others.append(time.perf_counter() - began)
        shutil.rmtree(place / "other")
    bench.clear(place, scan)
    shutil.rmtree(place / "drawn")
    return Point(series, share * 100 if series == "damage" else at, frames, size[0] * size[1] / 1e6, (ours, *others))


def draw(folder: Path, size: tuple[int, int], count: int, dirt: float) -> tuple[list[Path], float]:
    """The drawn film with `dirt` times the usual number of pieces, and the share of its pixels that is damaged."""
    folder.mkdir()
    random, usual = np.random.default_rng(bench.SEED), Dirtiness()
    dirtiness = Dirtiness(usual.dust * dirt, usual.hairs * dirt, usual.blotches * dirt)
    paths, shares = [], []
    for index, clean in enumerate(film(Stage(height=size[1], width=size[0], shot=max(count // 2, 3), seed=bench.SEED))):
        if index >= count:
            break
        dirty = dirtied(clean, marks(index, clean.shape[:2], random, dirtiness), random)
        shares.append(float((np.abs(dirty - clean).max(-1) > VISIBLE).mean()))
        paths.append(folder / f"{index:05d}.dpx")
        paths[-1].write_bytes(bench.dpx(np.round(dirty * 1023).astype(np.uint32)))
    return paths, float(np.mean(shares))


def plotted(points: list[Point], out: Path) -> None:
    """Three small plots side by side, seconds a frame and a megapixel."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    titles = {"size": "megapixels of a frame", "damage": "% of pixels damaged", "length": "frames (start-up counted)"}
    for place, (series, title) in zip(places, titles.items(), strict=True):
        chosen = [p for p in points if p.series == series]
        for i, name in enumerate(("frdm restore", "plain SDIp + DIS", "floor: bytes copied")):
            place.plot([p.at for p in chosen], [p.seconds[i] / p.frames / p.megapixels for p in chosen], "o-", label=name)
        place.set(xlabel=title, ylim=(0, None), xscale="linear" if series == "damage" else "log")
        place.set_xticks([p.at for p in chosen] if series != "damage" else [0, 1, 2, 3], minor=False)
        place.xaxis.set_major_formatter("{x:.3g}")
        place.minorticks_off()
        place.grid(alpha=0.3)
    places[0].set_ylabel("seconds a frame and megapixel")
    places[0].legend(fontsize=7)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    main()
