"""Train the line filter (src/frdm/defects/lines.npz): draw scratches on clean film, measure every candidate, fit boosted trees for whole
candidates and for their bands, export them as plain arrays.

    python scripts/train_lines.py collect CLEAN_FOLDER LOOKS --seeds 0:8 --hold-out NAME …      look at drawn film, keep what is seen
    python scripts/train_lines.py fit LOOKS …                                      (needs scikit-learn: the [train] extra)
    python scripts/train_lines.py score LOOKS …                       pixels found and false, on looks that were collected with --pixels

CLEAN_FOLDER holds undamaged movies; held-out names are never read. Films are split by name for the cross-validation that is printed.
"""

import argparse
import pickle
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from draw_lines import Shot as Drawn
from draw_lines import shoot
from numpy.typing import NDArray
from train_objects import export

from frdm.defects.classical import tonal_noise
from frdm.defects.judge import Trees
from frdm.defects.line_bands import band_numbers
from frdm.defects.line_features import Tracks
from frdm.defects.line_judge import load_judge
from frdm.defects.line_look import Look
from frdm.defects.line_measure import measure
from frdm.defects.lines import lines_of
from frdm.defects.ridges import find_paths
from frdm.defects.spikes import find_spikes, noise_level
from frdm.film import Encoding, Frame, Shot
from frdm.motion.reel import Reel
from frdm.recipe import Detection

RGB = Encoding("rgb", 8)
SEEN = 5.0  # codes by which a line must change a band to count as visible there


# Looking ------------------------------------------------------------------------------------------------------------------------------


def look_at(path: Path, seed: int, *, pixels: bool, stilled: float) -> Iterator[dict[str, Any]]:
    """What a drawn reel shows, with where its lines lie: for training; with the pixels themselves for scoring."""
    rng = np.random.default_rng([seed, sum(path.name.encode())])
    shot = shoot(path, rng, damaged=float(seed % 2 == 0) if pixels else 0.6, plain=pixels, stilled=stilled)
    if shot is None:
        return
    with ThreadPoolExecutor(1) as pool:
        stream = (Frame(i, tuple(np.ascontiguousarray(f[..., c]) for c in (2, 1, 0))) for i, f in enumerate(shot.film))
        reel = Reel(stream, RGB, Shot(0, len(shot.film)), 0, pool)
        for index in (2, 6) if pixels else (0, 4, 8):
            window = reel.window(index)
            if len(window.neighbours) >= 2:
                spikes = find_spikes(window.luma, window.aligned)
                look = Look.of(window, tonal_noise(spikes, noise_level(spikes.difference)))
                row = {"film": path.stem, "look": look, "drawn": bool(shot.cores[index])} | _truth(look, shot, index)
                yield row | (_pixels(shot, index, window.luma) if pixels else {})
            reel.forget(index)


def _truth(look: Look, shot: Drawn, index: int) -> dict[str, Any]:
    """(lines, bands): where each drawn line runs on the small picture, and by how many codes it is seen there."""
    (height, width), (bands, columns) = shot.film[index].shape[:2], look.small[0].shape
    rows = np.clip(((np.arange(bands) + 0.5) * height / bands).astype(int), 0, height - 1)
    edges = np.linspace(0, height, bands + 1).astype(int)
    place = [(p[rows] + 0.5) * columns / width - 0.5 for p, _ in shot.cores[index]]
    seen = [np.add.reduceat(c, edges[:-1]) / np.diff(edges) for _, c in shot.cores[index]]
    return {"place": np.array(place, np.float32).reshape(-1, bands), "seen": np.array(seen, np.float32).reshape(-1, bands)}


def _pixels(shot: Drawn, index: int, luma: NDArray[np.float32]) -> dict[str, Any]:
    changed = np.abs(shot.film[index].astype(int) - shot.clean[index]).max(-1)
    mask = shot.masks[index]
    packed = {"mask": np.packbits(mask), "V": np.packbits(mask & (changed >= 8))}
    return packed | {"shape": luma.shape, "luma": luma.astype(np.float16)}


def collect(options: argparse.Namespace) -> None:
    low, high = (int(v) for v in options.seeds.split(":"))
    films = sorted(p for p in options.clean.glob("*.mp4") if p.stem not in options.hold_out)
    with options.looks.open("wb") as file:
        for seed in range(low, high):
            for path in [p for p in films if not options.only or p.stem in options.only]:
                for row in look_at(path, seed, pixels=options.pixels, stilled=options.stilled):
                    pickle.dump(row, file)
            print("seed", seed, flush=True)


def looks(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)
                except EOFError:
                    break


# Fitting ------------------------------------------------------------------------------------------------------------------------------


def labelled(tracks: Tracks, row: dict[str, Any]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """((n, bands) by how many codes a drawn line is seen where each candidate runs, (n,) share of its bands that are one)."""
    if not len(row["place"]):
        return np.zeros(tracks.path.shape), np.zeros(len(tracks))
    on = np.abs(tracks.path[:, None] - row["place"][None]) <= 2.25 * row["look"].unit
    seen = np.where(on, row["seen"][None], 0).max(1)
    return seen, ((seen >= SEEN) & tracks.shown).sum(1) / np.maximum(tracks.shown.sum(1), 1)


Tables = tuple[dict[str, Any], dict[str, Any]]


def measured(path: Path, cache: Path | None) -> Tables:
    """The tables of one file of looks, kept in the folder `cache` if there is one."""
    kept = None if cache is None else cache / f"{path.stem}.tables"
    if kept is None or not kept.exists():
        made = tables([path])
        if kept is None:
            return made
        kept.write_bytes(pickle.dumps(made))
    out: Tables = pickle.loads(kept.read_bytes())
    return out


def joined(parts: Sequence[Tables]) -> Tables:
    """Several files' tables as one."""
    start = number = 0
    for lines, bands in parts:
        bands["line"] = bands["line"] + start
        lines["window"] = lines["window"] + number
        start, number = start + len(lines["share"]), int(lines["window"].max()) + 1
    both = []
    for place in (0, 1):
        names = parts[0][place]["names"]
        both.append({k: np.concatenate([p[place][k] for p in parts]) for k in parts[0][place] if k != "names"} | {"names": names})
    return both[0], both[1]


def tables(paths: Sequence[Path]) -> Tables:
    """(one row a candidate, one row a band of those candidates on drawn film that may be lines; `line` is their row in the first)."""
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    names: tuple[list[str], list[str]] = ([], [])
    rng, start = np.random.default_rng(0), 0
    for number, row in enumerate(looks(paths)):
        found = find_paths(row["look"].small, row["look"].noise, row["look"].unit)
        if not len(found):
            continue
        tracks, numbers = measure(row["look"], found)
        seen, share = labelled(tracks, row)
        level = (seen * tracks.shown).sum(1) / np.maximum(tracks.shown.sum(1), 1)
        same = {"film": row["film"], "drawn": row["drawn"], "window": number}
        each = {k: np.full(len(tracks), v) for k, v in same.items()}
        rows.append({"x": np.stack(list(numbers.values()), 1), "share": share, "level": level} | each)
        chosen = np.flatnonzero((share > 0.3) | (tracks.shown.mean(1) > 0.5)) if row["drawn"] else np.zeros(0, int)
        if len(chosen):
            bands = band_numbers(row["look"], tracks.only(chosen), np.zeros(len(chosen)))
            names, every = (list(numbers), list(bands)), slice(int(rng.integers(4)), None, 4)
            part = np.stack(list(bands.values()), -1)[:, every]
            line = np.broadcast_to(start + chosen[:, None], part.shape[:2])
            parts.append({"x": part.reshape(-1, part.shape[-1]), "seen": seen[chosen][:, every].ravel(), "line": line.ravel()})
        start += len(tracks)
    lines, every_band = ({k: np.concatenate([r[k] for r in group]) for k in group[0]} for group in (rows, parts))
    return lines | {"names": names[0]}, every_band | {"names": names[1]}


def of_likely(bands: dict[str, Any], lines: dict[str, Any], chance: NDArray[np.float64]) -> dict[str, Any]:
    """The bands of lines, and of what is taken for one, with their chances out of fold."""
    own, share = chance[bands["line"]], lines["share"][bands["line"]]
    kept = ((share > 0.5) & (own > 0.5)) | (own > 0.8)
    x, seen = bands["x"][kept].copy(), bands["seen"][kept]
    x[:, bands["names"].index("chance")] = own[kept]
    weight = np.where((seen > 1.5) & (seen < 6), 0.15, 1.0)
    return {"x": x, "y": seen >= SEEN, "w": weight, "film": lines["film"][bands["line"]][kept], "names": bands["names"]}


def boosted(kind: str) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    size = {"line": (240, 0.07, 14, 40), "band": (80, 0.12, 12, 80)}[kind]
    rounds, rate, leaves, least = size
    return HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=rate, max_leaf_nodes=leaves, min_samples_leaf=least, l2_regularization=5, random_state=0
    )


def out_of_fold(kind: str, table: dict[str, Any]) -> NDArray[np.float64]:
    from sklearn.model_selection import GroupKFold

    x, y, w = table["x"], table["y"], table["w"]
    chance = np.zeros(len(y))
    for train, test in GroupKFold(3).split(x, y, table["film"]):
        chance[test] = boosted(kind).fit(x[train], y[train], w[train]).predict_proba(x[test])[:, 1]
    return chance


def report(table: dict[str, Any], chance: NDArray[np.float64]) -> None:
    """By share of the picture's height, of what can be seen; false ones a window of undamaged film."""
    y, drawn, sure = table["y"], table["drawn"], table["w"] > 0
    high, clear = table["x"][:, table["names"].index("share")], table["y"] & (table["level"] >= 12)
    windows = len(set(table["window"][~drawn]))
    for least in (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98):
        k = chance >= least
        false = k & ~y & sure & ~drawn
        recall = (high * (k & clear)).sum() / (high * clear).sum()
        precision = (high * (k & y)).sum() / (high * ((k & sure & drawn) | (k & y))).sum()
        print(f"p>{least}: recall {recall:.3f}, precision {precision:.3f}; undamaged: {false.sum()} in {windows} windows,", end=" ")
        print(f"films {sorted(set(table['film'][false]))[:6]}")


def fit(options: argparse.Namespace) -> None:
    lines, every_band = joined([measured(path, options.cache) for path in options.looks])
    if options.measure:
        return
    doubtful = (lines["share"] > 0.15) & (lines["share"] <= 0.6)
    lines["y"] = lines["share"] > 0.6
    faint = lines["y"] & (lines["level"] < 10)
    lines["w"] = np.where(doubtful, 0.0, np.where(faint, 0.3, np.where(lines["drawn"], 1.0, options.undamaged)))
    chance = out_of_fold("line", lines)
    print(f"{len(chance)} candidates, {lines['y'].sum()} lines, {len(set(lines['film']))} films")
    report(lines, chance)
    bands = of_likely(every_band, lines, chance)
    likely, sure = out_of_fold("band", bands), bands["w"] > 0.5
    for least in (0.5, 0.6, 0.7, 0.8):
        both = ((likely >= least) & bands["y"] & sure).sum()
        print(f"bands p>{least}: recall {both / (bands['y'] & sure).sum():.3f}, precision {both / ((likely >= least) & sure).sum():.3f}")
    stored: dict[str, Any] = {"made": np.array(f"{time.strftime('%Y-%m-%d')}, {len(chance)} candidates, {len(set(lines['film']))} films")}
    for kind, table in (("line", lines), ("band", bands)):
        trees = export(boosted(kind).fit(table["x"], table["y"], table["w"]))
        stored |= {f"{kind}_{name}": getattr(trees, name) for name in Trees.__dataclass_fields__}
        stored[f"{kind}_names"] = np.array(table["names"])
    np.savez_compressed(options.out, **stored)
    load_judge.cache_clear()


# Scoring ------------------------------------------------------------------------------------------------------------------------------


def score(options: argparse.Namespace) -> None:
    """Pixel recall of what is seen (a change of 8 codes), precision within 4 px of a 480-line picture; what is found on undamaged film."""
    films: dict[str, NDArray[np.float64]] = {}
    harm: dict[str, NDArray[np.float64]] = {}
    for row in looks(options.looks):
        shape = row["shape"]
        found = np.zeros(shape, bool)
        defects = lines_of(row["look"], row["luma"].astype(np.float32), 0, Detection(strength=options.strength)).defects
        for d in defects:
            found[d.box.rows, d.box.columns] |= d.mask
        mask, seen = (np.unpackbits(row[k], count=found.size).reshape(shape) > 0 for k in ("mask", "V"))
        reach = max(2, round(4 * shape[0] / 480))
        near = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)) > 0
        if row["drawn"]:
            counts = np.array([seen.sum(), (seen & found).sum(), found.sum(), (found & near).sum()], float)
            films[row["film"]] = films.get(row["film"], np.zeros(4)) + counts
        else:
            harm[row["film"]] = harm.get(row["film"], np.zeros(3)) + np.array([1, len(defects), found.sum()], float)
    for name, (all_seen, hit, all_found, right) in sorted(films.items()) if options.films else []:
        print(f"  {name:24} recall {hit / max(all_seen, 1):.2f}  precision {right / max(all_found, 1):.3f}")
    total, every = sum(films.values()), sum(harm.values())
    recall, precision = total[1] / total[0], total[3] / max(total[2], 1)
    print(f"recall {recall:.3f}, precision {precision:.3f}, F1 {2 * recall * precision / (recall + precision):.3f};", end=" ")
    print(f"undamaged: {every[1]:.0f} lines in {every[0]:.0f} windows, {every[2] / every[0]:.1f} px a window;", end=" ")
    print({k: (int(v[1]), int(v[2])) for k, v in harm.items() if v[1]})


def main() -> None:
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True)
    first = parts.add_parser("collect")
    first.add_argument("clean", type=Path)
    first.add_argument("looks", type=Path)
    first.add_argument("--seeds", default="0:8")
    first.add_argument("--hold-out", nargs="*", default=[])
    first.add_argument("--only", nargs="*", default=[])
    first.add_argument("--stilled", type=float, default=0.45, help="share of reels made of one frame that stands, weaves or pans")
    first.add_argument("--pixels", action="store_true")
    first.set_defaults(do=collect)
    second = parts.add_parser("fit")
    second.add_argument("looks", type=Path, nargs="+")
    second.add_argument("--cache", type=Path, help="a folder where what was measured is kept")
    second.add_argument("--measure", action="store_true", help="measure only, fit nothing")
    second.add_argument("--undamaged", type=float, default=2.0, help="weight of candidates on undamaged film")
    second.add_argument("--out", type=Path, default=Path("src/frdm/defects/lines.npz"))
    second.set_defaults(do=fit)
    third = parts.add_parser("score")
    third.add_argument("looks", type=Path, nargs="+")
    third.add_argument("--strength", type=float, default=0.5)
    third.add_argument("--films", action="store_true")
    third.set_defaults(do=score)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
