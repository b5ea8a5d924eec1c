"""Train the object filter (src/frdm/defects/objects.npz): draw dirt on clean film, measure the pieces, fit boosted trees, export them
as plain arrays.

    python scripts/train_objects.py CLEAN_FOLDER --seeds 0:4 --hold-out NAME …        (needs scikit-learn: the [train] extra)

CLEAN_FOLDER holds undamaged movies. Films are split by name for the cross-validation that is printed; held-out names are never read.
"""

import argparse
import itertools
import pickle
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import draw_damage as draw
import numpy as np
from numpy.typing import NDArray

from frdm.defects.carried import carried_motion
from frdm.defects.classical import tonal_noise
from frdm.defects.judge import Trees
from frdm.defects.objects import FEATURES, Scene, Sums, measure, pieces, torn_by
from frdm.defects.spikes import candidates, find_spikes, noise_level
from frdm.film import Encoding, Frame, Shot
from frdm.motion.reel import Reel

Table = dict[str, NDArray[Any]]
RGB = Encoding("rgb", 8)


def read(path: Path, start: int, count: int, height: int) -> list[NDArray[np.uint8]]:
    """BGR frames start … start+count of a movie, scaled to `height` lines."""
    video = cv2.VideoCapture(str(path))
    frames = [frame for ok, frame in (video.read() for _ in range(start + count)) if ok][start:]
    scale = height / frames[0].shape[0] if frames else 1
    return [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for f in frames]


def shoot(path: Path, rng: np.random.Generator, moving: float) -> tuple[list[Any], list[Any], list[Any]]:
    """(film as scanned, the same without dirt, masks) of one drawn reel on one clip; drawn things fly through a share `moving` of reels."""
    video = cv2.VideoCapture(str(path))
    length, lines = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    start = int(rng.integers(0, max(1, length - 8)))
    frames = read(path, start, 9, int(rng.uniform(0.7, 1.0) * min(lines, 576)) // 2 * 2)
    if rng.random() < 0.3:
        frames = [np.repeat(cv2.cvtColor(f, cv2.COLOR_BGR2GRAY)[..., None], 3, -1) for f in frames]
    if moving and rng.random() < moving:
        frames = draw.move_things(frames, rng)
    sigma, size, flicker = rng.uniform(0.006, 0.04), rng.uniform(0.4, 0.9), rng.choice([0, 0, 0.01, 0.03])
    clean = [draw.grain(np.clip(f * (1 + flicker * rng.normal()), 0, 255).astype(np.uint8), sigma, size, rng) for f in frames]
    film, masks = clean, [np.zeros(f.shape[:2], bool) for f in clean]
    if rng.random() < 0.8:
        look = draw.ReelLook(rng)
        painted = [draw.paint(f, look, rng) for f in clean]
        film, masks = [p[0] for p in painted], [p[1] for p in painted]
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))]
        film = [cv2.imdecode(cv2.imencode(".jpg", f, quality)[1], 1) for f in film]
    return film, clean, masks


def collect(job: tuple[Path, int, float], strength: float = 0.6) -> Table | None:
    """Features and labels of every piece found on one drawn reel."""
    cv2.setNumThreads(1)
    path, seed, moving = job
    rng = np.random.default_rng([seed, sum(path.name.encode())])
    film, clean, masks = shoot(path, rng, moving)
    if len(film) < 4:
        return None
    unit = film[0].shape[0] / 480
    rows: list[Table] = []
    with ThreadPoolExecutor(1) as pool:
        stream = (Frame(i, tuple(np.ascontiguousarray(f[..., c]) for c in (2, 1, 0))) for i, f in enumerate(film))
        reel = Reel(stream, RGB, Shot(0, len(film)), 0, pool)
        for t in range(len(film)):
            window = reel.window(t)
            if t in (0, 1, 2, 4, 5, len(film) - 1):
                seen = masks[t] & (np.abs(film[t].astype(int) - clean[t]).max(-1) >= 6)
                rows += measured(window, masks[t], seen, unit, strength)
            reel.forget(t)
    table = {k: np.concatenate([r[k] for r in rows]) for k in rows[0]} if rows else None
    return table and table | {"film": np.full(len(table["y"]), path.stem)}


def measured(window: Any, mask: NDArray[np.bool_], seen: NDArray[np.bool_], unit: float, strength: float) -> list[Table]:
    """One table a polarity. A piece is dirt when most of it is painted and some of that can be seen."""
    spikes = find_spikes(window.luma, window.aligned)
    noise = tonal_noise(spikes, noise_level(spikes.difference))
    marked = {sign: candidates(spikes, noise, sign, strength) for sign in (1, -1)}
    suspects = marked[1][0] | marked[-1][0]
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    tables = []
    every = [pieces(*marked[sign], sign, 3 * unit**2, (140 * unit) ** 2) for sign in (1, -1)]
    torn = torn_by(every, unit)
    carried = [carried_motion(n.aligned.displacement, torn) for n in window.neighbours]
    raw = [n.raw for n in window.neighbours]
    raw_chroma = [n.chroma for n in window.neighbours]
    scene = Scene(window.luma, spikes, window.aligned, raw, noise, suspects, torn, carried, window.chroma, raw_chroma)
    for found in (e for e in every if len(e)):
        share, visible = Sums(found.labels, len(found)).mean(wide), Sums(found.labels, len(found)).mean(seen)
        tables.append({"x": measure(found, scene), "y": (share > 0.6) & (visible > 0.15), "share": share, "area": found.areas / unit**2})
    return tables


def fit(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rises = ("contrast", "peak", "beyond", "beyond_all", "carried_contrast", "carried_beyond", "carried_closest", "closest", "second")
    falls = ("spread_ratio", "carried_spread", "ring_ratio", "ring_spread", "astray", "unrest", "wide_unrest", "frame_unrest")
    sense = [1 if name in (*rises, "elsewhere", "elsewhere_worst") else -1 if name in falls else 0 for name in FEATURES]
    model = HistGradientBoostingClassifier(
        monotonic_cst=sense, max_iter=260, learning_rate=0.07, max_leaf_nodes=14, min_samples_leaf=50, l2_regularization=5, random_state=0
    )
    return model.fit(x, y, sample_weight=weight)


def export(model: Any) -> Trees:
    """scikit-learn's trees as flat arrays; thresholds rounded down to float32 so that `≤` decides the same for float32 features."""
    roots, feature, threshold, left, right, value, depth = [], [], [], [], [], [], 0
    for (tree,) in model._predictors:
        base = len(feature)
        roots.append(base)
        depth = max(depth, int(tree.nodes["depth"].max()))
        for place, node in enumerate(tree.nodes):
            leaf, limit = bool(node["is_leaf"]), 0.0 if node["is_leaf"] else float(node["num_threshold"])
            single = np.float32(limit)
            feature.append(0 if leaf else int(node["feature_idx"]))
            threshold.append(single if single <= limit else np.nextafter(single, np.float32(-np.inf)))
            left.append(base + (place if leaf else int(node["left"])))
            right.append(base + (place if leaf else int(node["right"])))
            value.append(float(node["value"]))
    as32 = partial(np.asarray, dtype=np.int32)
    return Trees(
        as32(roots),
        as32(feature),
        np.float32(threshold),
        as32(left),
        as32(right),
        np.float64(value),
        float(model._baseline_prediction.ravel()[0]),
        depth,
    )


def report(y: NDArray[Any], p: NDArray[Any], area: NDArray[Any], doubtful: NDArray[Any]) -> None:
    """Cross-validated recall and false pieces at several thresholds, and the reliability curve."""
    for least in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        k = p > least
        false = k & ~y & ~doubtful
        found, right = int(k.sum()), int((k & y).sum())
        recall = f"recall {np.mean(k[y]):.3f}, by area {area[k & y].sum() / area[y].sum():.3f}"
        print(f"p>{least}: {recall}; precision {right / max(found, 1):.3f}; false {false.sum()}, their area {area[false].sum():.0f}")
    edges = np.linspace(0, 1, 11)
    for low, high in itertools.pairwise(edges):
        k = (p >= low) & (p < high) & ~doubtful
        print(f"  said {low:.1f}–{high:.1f}: true {y[k].mean() if k.any() else float('nan'):.2f} of {k.sum()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clean", type=Path)
    parser.add_argument("--seeds", default="0:4")
    parser.add_argument(
        "--moving", type=float, default=0.0, help="share of reels through which drawn things fly (docs/training-log.md, run 6)"
    )
    parser.add_argument("--hold-out", nargs="*", default=[])
    parser.add_argument("--cache", type=Path, default=Path("objects-table.pkl"))
    parser.add_argument("--out", type=Path, default=Path("src/frdm/defects/objects.npz"))
    options = parser.parse_args()
    if not options.cache.exists():
        low, high = (int(v) for v in options.seeds.split(":"))
        jobs = [
            (p, s, options.moving) for s in range(low, high) for p in sorted(options.clean.glob("*.mp4")) if p.stem not in options.hold_out
        ]
        with ProcessPoolExecutor() as pool:
            tables = [t for t in pool.map(collect, jobs, chunksize=2) if t is not None]
        options.cache.write_bytes(pickle.dumps({k: np.concatenate([t[k] for t in tables]) for k in tables[0]}))
    table = pickle.loads(options.cache.read_bytes())
    x, y, area = table["x"], table["y"], table["area"]
    doubtful = (table["share"] > 0.1) & ~y
    weight = np.where(y, 1.0, np.clip(area / 40, 0.5, 3.0))
    weight[doubtful] = 0.1
    from sklearn.model_selection import GroupKFold

    chance = np.zeros(len(y))
    for train, test in GroupKFold(5).split(x, y, table["film"]):
        chance[test] = fit(x[train], y[train], weight[train]).predict_proba(x[test])[:, 1]
    print(f"{len(y)} pieces, {y.sum()} dirt, {len(set(table['film']))} films")
    report(y, chance, area, doubtful)
    made = f"{time.strftime('%Y-%m-%d')}, {len(y)} pieces of {len(set(table['film']))} films, seeds {options.seeds}"
    colour = [FEATURES.index(name) for name in FEATURES if name.startswith("colour")]
    ship(*with_grey_copies(x, y, weight, colour), options.out, made)
    ship(without(x, [*colour, FEATURES.index("open"), FEATURES.index("open_side")]), y, weight, grey_file(options.out), made)


def without(x: NDArray[Any], columns: list[int]) -> NDArray[Any]:
    """The features with some of them silenced."""
    out = x.copy()
    out[:, columns] = 0
    return out


def with_grey_copies(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any], colour: list[int]) -> tuple[NDArray[Any], ...]:
    """The pieces, and those that have colour once more without it, at half weight."""
    has = x[:, colour].any(1)
    return np.concatenate([x, without(x[has], colour)]), np.concatenate([y, y[has]]), np.concatenate([weight, 0.5 * weight[has]])


def grey_file(path: Path) -> Path:
    """Where the trees for black-and-white film lie, beside those for colour."""
    return path.with_name(f"{path.stem}_grey{path.suffix}")


def ship(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any], path: Path, made: str) -> None:
    """Fit and write one set of trees."""
    model = fit(x, y, weight)
    trees = export(model)
    fields = {name: getattr(trees, name) for name in Trees.__dataclass_fields__}
    np.savez_compressed(path, **fields, features=np.array(FEATURES), made=np.array(made))
    print(path, "largest difference to scikit-learn:", np.abs(trees.probability(x[:5000]) - model.predict_proba(x[:5000])[:, 1]).max())


if __name__ == "__main__":
    main()
