"""Draws up docs/metrics.md's table: what each score says of the damaged scan, the ideal repair, and four restorers that go wrong.

    python scripts/metrics_table.py CASES [--frames N] [--weights NAME=FILE …] CASE …

CASES is the public suite, built; weights (lpips, niqe, brisque=MODEL,RANGES) are optional.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.metrics import comparing
from frdm.metrics.comparing import Meter, Pair
from frdm.metrics.noreference import load_brisque, load_niqe
from frdm.metrics.perceptual import load_lpips
from frdm.metrics.vmaf import vmaf

Film = NDArray[np.uint8]


def read(folder: Path, count: int) -> Film:
    return np.stack([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))[:count]])


def telea(damaged: Film, mask: NDArray[np.bool_], _: Film) -> Film:
    """Filled from the sides, without grain."""
    grown = [cv2.dilate(m.astype(np.uint8), np.ones((3, 3), np.uint8)) for m in mask]
    return np.stack([cv2.inpaint(frame, wide, 3, cv2.INPAINT_TELEA) for frame, wide in zip(damaged, grown, strict=True)])


def degrained(damaged: Film, mask: NDArray[np.bool_], ideal: Film) -> Film:
    """The ideal repair, then the whole film's grain taken off."""
    return np.stack([cv2.fastNlMeansDenoisingColored(frame, None, 5, 5, 5, 11) for frame in ideal])


def eating(damaged: Film, mask: NDArray[np.bool_], ideal: Film) -> Film:
    """The ideal repair, and eight pieces of 24 px a frame that show the next frame's content elsewhere."""
    out, rng = ideal.copy(), np.random.default_rng(1)
    for frame, other in zip(out, np.roll(ideal, 1, axis=0), strict=True):
        for top, left in zip(rng.integers(0, out.shape[1] - 60, 8), rng.integers(0, out.shape[2] - 60, 8), strict=True):
            frame[top : top + 24, left : left + 24] = other[top + 30 : top + 54, left + 30 : left + 54]
    return out


def half(damaged: Film, mask: NDArray[np.bool_], ideal: Film) -> Film:
    """Every other piece of dirt mended ideally, the rest left."""
    chosen = np.stack([np.where(cv2.connectedComponents(m.astype(np.uint8))[1] % 2, m, False) for m in mask])
    return np.where(chosen[..., None], ideal, damaged)


RESTORERS: dict[str, Callable[[Film, NDArray[np.bool_], Film], Film]] = {
    "damaged scan": lambda damaged, mask, ideal: damaged,
    "ideal repair": lambda damaged, mask, ideal: ideal,
    "half of it mended": half,
    "Telea, true mask": telea,
    "ideal, then degrained": degrained,
    "ideal, but eats film": eating,
}


def meters(weights: dict[str, str]) -> list[Meter]:
    found: list[Meter] = [comparing.FidelityMeter(), comparing.SimilarityMeter(scales=True), comparing.FlickerMeter()]
    found += [comparing.MaskMeter(), comparing.RestorationMeter()]
    if "lpips" in weights:
        lpips = load_lpips(weights["lpips"])
        found.append(comparing.PairMeter("ST-LPIPS", lambda a, b: lpips(a, b, peak=1.0), every=2))
    if "niqe" in weights:
        niqe = load_niqe(weights["niqe"])
        found.append(comparing.AloneMeter("NIQE", lambda plane: niqe(plane, peak=1.0), every=2))
    if "brisque" in weights:
        brisque = load_brisque(*weights["brisque"].split(","))
        found.append(comparing.AloneMeter("BRISQUE", lambda plane: brisque(plane, peak=1.0), every=2))
    return found


def scored(clean: Film, damaged: Film, mask: NDArray[np.bool_], out: Film, weights: dict[str, str]) -> dict[str, float | None]:
    def scale(frame: Film) -> NDArray[np.float32]:
        return frame[..., ::-1].astype(np.float32) / 255

    pairs = [
        Pair(i, scale(c), scale(o), mask=m, damaged=scale(d)) for i, (c, d, m, o) in enumerate(zip(clean, damaged, mask, out, strict=True))
    ]
    found: dict[str, float | None] = {"VMAF": vmaf((comparing.luma(p.reference), comparing.luma(p.output)) for p in pairs).mean}
    for meter in meters(weights):
        for pair in pairs:
            meter.see(pair)
        found |= meter.say()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--weights", nargs="*", default=[])
    options = parser.parse_args()
    weights = dict(text.split("=", 1) for text in options.weights)
    table: dict[str, list[dict[str, float | None]]] = {name: [] for name in RESTORERS}
    for case in options.names:
        clean, damaged, ideal, mask = (read(options.cases / case / part, options.frames) for part in ("clean", "damaged", "ideal", "mask"))
        ideal = np.where(mask[..., None] > 0, ideal, damaged)
        for name, restorer in RESTORERS.items():
            table[name].append(scored(clean, damaged, mask > 0, restorer(damaged, mask > 0, ideal), weights))
    rows = [row for row in table[next(iter(table))][0] if row != "pixels changed at all"]
    print("| score | " + " | ".join(table) + " |\n" + "|---" * (len(table) + 1) + "|")
    for row in rows:
        values = [[one[row] for one in cases if one.get(row) is not None] for cases in table.values()]
        print(f"| {row} | " + " | ".join(f"{np.mean(v):.4g}" if v else "–" for v in values) + " |")


if __name__ == "__main__":
    main()
