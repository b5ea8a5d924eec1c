"""Generated damage beside real labelled defects: sizes, contrasts, edge softness, line widths, as histograms and distances.

    python scripts/compare_damage.py SHARED_DEFECTS [--figure docs/images/damage-compared.png] [--table TABLE.md] [--seeds 24]

SHARED_DEFECTS holds fds_labels (outlines: sizes), archive_dirt_gt (labelled dirt: size, contrast, softness) and mlts_scratch_pairs
(labelled lines: width, contrast). The same measurements are taken on both; distances are Wasserstein's between logarithms, so 0.1 is
about ten per cent. Needs the [bench] extra.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import PRESETS, DamageRecipe
from frdm.damage.reel import Damaged, damage_reel
from frdm.film import KINDS

ARCHIVE_LINES = 1080  # lines of the whole picture that archive_dirt_gt's crops seem to be cut from
MLTS_LINES = 1080
FINE_LINES = 1440  # sizes are compared on large pictures, where whole pixels matter less
VISIBLE = 0.1  # contrast from which a labelled piece counts
Floats = NDArray[np.float64]
NAMES = ("dust", "clumps", "sparkles", "hairs", "lint", "fibres")
WHAT = ("size", "contrast", "softness")


def pieces(picture: Floats, labels: NDArray[np.intp]) -> Floats:
    """(n, 3) of each labelled piece: diameter in px of a disc as large as what has half its contrast, contrast, softness in px.

    `picture` (H, W) 0 … 1; where the label ends doesn't matter, as it does not mean the same in any two sets. Contrast is the share of
    light codes lost (dark) or the share of what was missing to white gained (bright),
    against the median of a ring 3 to 7 px off. Softness is the largest change over the steepest slope.
    """
    steep = np.hypot(*(cv2.Sobel(picture, cv2.CV_64F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1))))
    out = []
    for number in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == number)
        top, left = max(rows.min() - 9, 0), max(columns.min() - 9, 0)
        window = np.s_[top : rows.max() + 10, left : columns.max() + 10]
        own = (labels[window] == number).astype(np.uint8)
        near, far = (cv2.dilate(own, np.ones((n, n), np.uint8)) > 0 for n in (7, 15))
        ring = far & ~near & (labels[window] == 0)
        if ring.sum() < 20:
            continue
        ground = float(np.median(picture[window][ring]))
        touched = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
        change = (picture[window] - ground)[own > 0]
        most = float(change[np.abs(change).argmax()])
        if most == 0:
            continue
        room = ground if most < 0 else 1 - ground
        half = ((picture[window] - ground) / most > 0.5) & (near | (own > 0))
        slope = float(steep[window][touched].max())
        out.append(((4 * half.sum() / np.pi) ** 0.5, abs(most) / max(room, 0.02), abs(most) / max(slope, 1e-4)))
    return np.array(out).reshape(-1, 3)


def lines(picture: Floats, mask: NDArray[np.bool_], least: int) -> Floats:
    """(n, 2) of each line of at least `least` rows: width at half its height in px, contrast as share of the ground's code.

    The mean profile across, each row brought to the line's own place by the label's centre, smoothed over 31 rows.
    """
    reach = 12
    wide = np.pad(picture, ((0, 0), (reach, reach)), mode="reflect")
    number, labels = cv2.connectedComponents(mask.astype(np.uint8))
    out = []
    for one in range(1, number):
        rows, columns = np.nonzero(labels == one)
        height = int(rows.max() - rows.min() + 1)
        if height < least:
            continue
        every = np.arange(rows.min(), rows.max() + 1)
        sums, counts = (np.bincount(rows - rows.min(), weights=w, minlength=height) for w in (columns.astype(float), None))
        centre = np.interp(np.arange(height), np.flatnonzero(counts), (sums / np.maximum(counts, 1))[counts > 0])
        centre = np.convolve(np.pad(centre, 15, mode="edge"), np.ones(31) / 31, "valid")
        profile = np.mean([wide[y, round(x) : round(x) + 2 * reach + 1] for y, x in zip(every, centre, strict=True)], axis=0)
        found = of_profile(profile)
        if found is not None:
            out.append(found)
    return np.array(out).reshape(-1, 2)


def of_profile(profile: Floats) -> tuple[float, float] | None:
    """(width at half height, contrast) of the strongest change within 3 px of the middle, against the ground beyond 6 px."""
    middle = len(profile) // 2
    away = np.abs(np.arange(len(profile)) - middle) > 6
    fit = np.polyfit(np.flatnonzero(away), profile[away], 1)
    change = profile - np.polyval(fit, np.arange(len(profile)))
    best = middle - 3 + int(np.abs(change[middle - 3 : middle + 4]).argmax())
    share = change / change[best]
    ground = float(np.median(profile[away]))
    if abs(change[best]) < 3 * change[away].std() or ground < 0.05:
        return None
    ends = []
    for step in (-1, 1):
        at = best
        while 0 < at + step < len(share) - 1 and share[at + step] > 0.5:
            at += step
        inner, outer = share[at], share[at + step]
        ends.append(abs(at - best) + (inner - 0.5) / max(inner - outer, 1e-6))
    return sum(ends), abs(float(change[best])) / ground


def real_sizes(folder: Path) -> dict[str, Floats]:
    """Sizes of dust and dirt, and lengths of hairs, on the outlines' own still frames, in px of 480 lines."""
    data = json.loads(gzip.decompress((folder / "polygons.json.gz").read_bytes()))
    names = {number: name for name, number in data["classes"].items()}
    scale = 480 / data["size"][1]
    dirt, hair = [], []
    for polygon in (p for polygons in data["scans"].values() for p in polygons):
        points = np.asarray(polygon[1:], float).reshape(-1, 2) * scale
        area, round_ = cv2.contourArea(points.astype(np.float32)), cv2.arcLength(points.astype(np.float32), True)
        if area < 0.05:
            continue
        if names[polygon[0]] in ("dust", "dirt"):
            dirt.append((4 * area / np.pi) ** 0.5)
        elif "hair" in names[polygon[0]]:
            hair.append(round_ / 4 + max(round_**2 / 16 - area, 0) ** 0.5)
    return {"dirt": np.array(dirt), "hair": np.array(hair)}


def real_pieces(folder: Path) -> Floats:
    """`pieces` of the labelled frames of archive film, in px of 480 lines."""
    found = []
    for path in sorted(folder.glob("*_frame.jpg")):
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) / 255.0
        label = cv2.imread(str(path).replace("_frame", "_label"), cv2.IMREAD_GRAYSCALE)
        found.append(pieces(picture, joined(label > 128)))
    return scaled(np.concatenate(found), 480 / ARCHIVE_LINES)


def joined(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Numbers of pieces; parts less than 3 px apart are one."""
    _, labels = cv2.connectedComponents(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)))
    return np.asarray(labels * mask, np.intp)


def scaled(found: Floats, scale: float) -> Floats:
    """Lengths times `scale`; contrasts as they are."""
    return found * np.array([scale, 1.0, scale])


def real_lines(folder: Path) -> Floats:
    """`lines` of the labelled frames, in px of 480 lines."""
    found = []
    for path in sorted((folder / "frames").glob("*.png")):
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) / 255.0
        label = cv2.imread(str(folder / "labels" / path.name), cv2.IMREAD_GRAYSCALE)
        found.append(lines(picture, label > 127, least=40))
    return np.concatenate(found) * [480 / MLTS_LINES, 1.0]


def ground(seed: int, side: int, channels: int = 1) -> NDArray[np.uint8]:
    """A soft picture (1, side, side, C) of all tones to lay damage on."""
    noise = np.random.default_rng(seed).random((side // 32 + 2, side // 32 + 2), dtype=np.float32)
    picture = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    codes = np.rint(np.clip(0.1 + 0.75 * picture, 0, 1) * 255).astype(np.uint8)
    return np.repeat(codes[None, :, :, None], channels, axis=3)


def only(recipe: DamageRecipe, *tables: str) -> DamageRecipe:
    """`recipe` with the damage of these tables alone."""
    none = PRESETS["none"]
    every = ("dirt", "hair", "scratch", "stain", "lines", "gate", "edge")
    return replace(recipe, **{name: getattr(none, name) for name in every if name not in tables})


def crowded(recipe: DamageRecipe, times: float) -> DamageRecipe:
    """So many times as many pieces, so that few pictures give many; reels still differ in all but their numbers."""
    dirt, hair = (
        replace(t, **{f.name: getattr(t, f.name) * times for f in fields(t) if f.name in NAMES}) for t in (recipe.dirt, recipe.hair)
    )
    return replace(recipe, dirt=dirt, hair=hair, look=replace(recipe.look, spread=0.0, burst=0.0))


def made(recipe: DamageRecipe, seeds: int, side: int, height: int) -> Iterator[Damaged]:
    """One frame of each of so many reels."""
    for seed in range(seeds):
        yield damage_reel(ground(seed, side), replace(recipe, height=float(height)), seed=seed)


def made_sizes(seeds: int) -> dict[str, Floats]:
    """Sizes of dirt and lengths of hairs as drawn, in px of 480 lines of a still frame, whatever the reel's gauge."""
    recipe = only(PRESETS["heavy"], "dirt", "hair")
    recipe = replace(recipe, copying=PRESETS["none"].copying, look=replace(recipe.look, gauge="35 mm still"), tau=0.2)
    recipe = replace(recipe, dirt=replace(recipe.dirt, sparkles=0.0))
    recipe = crowded(recipe, 12.0)
    kinds = {name: number for number, name in enumerate(KINDS, 1)}
    sizes: dict[str, list[float]] = {"dirt": [], "hair": []}
    for one in made(recipe, seeds, 640, FINE_LINES):
        scale = 480 / FINE_LINES
        for number in np.unique(one.ids[0][one.ids[0] > 0]):
            piece = one.ids[0] == number
            piece &= one.matte[0] >= 0.5 * one.matte[0][piece].max()  # what a person outlines, not the faintest rim
            area = float(piece.sum())
            kind = int(one.kinds[0][piece][0])
            if kind == kinds["dirt"]:
                sizes["dirt"].append((4 * area / np.pi) ** 0.5 * scale)
            elif kind == kinds["hair"]:
                contours, _ = cv2.findContours(piece.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
                round_ = sum(cv2.arcLength(c, True) for c in contours) + 4
                sizes["hair"].append((round_ / 4 + max(round_**2 / 16 - area, 0) ** 0.5) * scale)
    return {name: np.array(values) for name, values in sizes.items()}


def made_pieces(seeds: int) -> Floats:
    """`pieces` of bright dirt on printed and copied film, as archive_dirt_gt has it, in px of 480 lines."""
    recipe = only(PRESETS["medium"], "dirt")
    look = replace(recipe.look, source="negative", gauge="35 mm")
    recipe = crowded(replace(recipe, look=look, copying=replace(recipe.copying, jpeg=0.0, rescale=0.0)), 8.0)
    found = []
    for one in made(recipe, seeds, 600, ARCHIVE_LINES):
        found.append(pieces(one.degraded[0, ..., 0] / 255.0, one.ids[0].astype(np.intp) * one.mask[0]))
    return scaled(np.concatenate(found), 480 / ARCHIVE_LINES)


def made_lines(seeds: int) -> Floats:
    """`lines` of generated lines, each labelled as a person would: along its strongest column."""
    found = []
    for one in made(PRESETS["lines"], seeds, 700, MLTS_LINES):
        picture = one.degraded[0, ..., 0] / 255.0
        for number in np.unique(one.ids[0][one.ids[0] > 0]):
            found.append(lines(picture, one.ids[0] == number, least=40))
    return np.concatenate(found) * [480 / MLTS_LINES, 1.0]


def distance(one: Floats, other: Floats) -> float:
    """Wasserstein distance between the logarithms."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(np.log(np.maximum(one, 1e-3)), np.log(np.maximum(other, 1e-3))))


def compared(folder: Path, seeds: int) -> dict[str, tuple[Floats, Floats]]:
    """What is measured → (real, made)."""
    sizes, drawn = real_sizes(folder / "fds_labels"), made_sizes(seeds)
    out = {
        "dirt: size (outlines), px": (sizes["dirt"], drawn["dirt"]),
        "hair: length (outlines), px": (sizes["hair"], drawn["hair"]),
    }
    real, ours = (p[p[:, 1] >= VISIBLE] for p in (real_pieces(folder / "archive_dirt_gt"), made_pieces(seeds)))
    units = ("px", "share", "px")
    out |= {
        f"dirt: {what} (archive film), {unit}": (real[:, i], ours[:, i]) for i, (what, unit) in enumerate(zip(WHAT, units, strict=True))
    }
    real, ours = real_lines(folder / "mlts_scratch_pairs"), made_lines(seeds)
    out |= {f"line: {what}": (real[:, i], ours[:, i]) for i, what in enumerate(("width, px", "contrast, share"))}
    return out


def table(found: dict[str, tuple[Floats, Floats]]) -> str:
    """Numbers, quantiles and distances as Markdown."""
    rows = ["| measured | real: n; 10, 50, 90 % | generated: n; 10, 50, 90 % | distance |", "| --- | --- | --- | --- |"]
    for what, pair in found.items():
        cells = [f"{len(v)}; " + " ".join(f"{q:.2f}" for q in np.quantile(v, [0.1, 0.5, 0.9])) for v in pair]
        rows.append(f"| {what} | {cells[0]} | {cells[1]} | {distance(*pair):.2f} |")
    return "\n".join(rows) + "\n"


def draw(found: dict[str, tuple[Floats, Floats]], path: Path) -> None:
    """Histograms on a logarithmic scale, real grey, generated red."""
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(2, 4, figsize=(14, 6))
    for axis, (what, (real, ours)) in zip(axes.ravel(), found.items(), strict=False):
        both = np.concatenate([real, ours])
        edges = np.geomspace(max(np.quantile(both, 0.002), 1e-3), np.quantile(both, 0.998), 25)
        for values, style in ((real, {"color": "0.7"}), (ours, {"color": "tab:red", "histtype": "step", "linewidth": 1.5})):
            axis.hist(np.clip(values, edges[0], edges[-1]), edges, weights=np.full(len(values), 1 / len(values)), **style)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.set_title(f"{what}\ndistance {distance(real, ours):.2f}", fontsize=9)
    for axis in axes.ravel()[len(found) :]:
        axis.axis("off")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--seeds", type=int, default=24)
    given = parser.parse_args()
    found = compared(given.folder, given.seeds)
    text = table(found)
    print(text)
    if given.table:
        given.table.write_text(text, encoding="utf-8")
    if given.figure:
        draw(found, given.figure)


if __name__ == "__main__":
    main()
