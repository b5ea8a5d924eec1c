"""Train the verdict (src/frdm/defects/verdict.npz): damage clean film, bring every piece that the net or the pixel tests find before it,
fit boosted trees, export them as plain arrays.

    python scripts/train_verdict.py CLEAN --seeds 0:3 --hold-out NAME …        (needs scikit-learn, and the [train] extra)
    python scripts/train_verdict.py CLEAN --judge NAME … --cache JUDGED.pkl      (how the trees that ship do on those films)

The folders hold undamaged movies. Two thirds of the reels are damaged by `frdm.damage`, as the eye learns it, the others by
scripts/draw_damage.py, so that no single generator is learned.
"""

import argparse
import pickle
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import draw_damage as draw
import numpy as np
from numpy.typing import NDArray
from train_objects import export

from frdm.damage.reel import damage_reel
from frdm.dataset.sources import Clip, find_clips
from frdm.dataset.split import named
from frdm.defects import classical, eye
from frdm.defects.eye import LARGE
from frdm.defects.joint import ENOUGH, LEAST, OVERLAP, Heard, by_rules, covered_by, least_chance
from frdm.defects.judge import Trees, load_file
from frdm.defects.objects import Sums
from frdm.defects.outlook import Outlook
from frdm.defects.verdict import FEATURES, candidates
from frdm.film import Codes, Encoding, Frame, Mask, Shot
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Detection
from frdm.train import eye_windows as windows

Table = dict[str, NDArray[Any]]
DRAWN = 0.35  # of reels: damaged by scripts/draw_damage.py
UNDAMAGED = 0.3  # of reels
ALONE = 0.15  # of reels: nothing is known of the frames around
VISIBLE = 8  # codes that damage differs by
SETTINGS = windows.WindowSettings(
    blotchy=0.25,
    peppered=0.3,
    repainted=0.3,
    tinted=0.3,
    undamaged=UNDAMAGED,
    strides=(0.55, 0.25, 0.2),
    scale=(0.7, 1.0),
    scenes={
        "things": 0.03,
        "particles": 0.04,
        "flash": 0.03,
        "flicker": 0.03,
        "cut": 0.02,
        "rain": 0.1,
        "glints": 0.03,
        "burst": 0.06,
        "limbs": 0.06,
    },
)


@dataclass(frozen=True, slots=True, eq=False)
class Reeled:
    """One damaged reel and its truth: codes (T, H, W, C), the painted places and those that stand (T, H, W)."""

    film: Codes
    clean: Codes
    mask: Mask
    standing: Mask
    damaged: bool


def shoot(clips: Sequence[Clip], place: int, random: np.random.Generator) -> Reeled:
    """A few frames of a clip, damaged or not, sometimes with something drawn into them that is no damage."""
    film, _ = windows.with_scene(windows.read_segment(clips[place], SETTINGS, random), clips, SETTINGS, random)
    damaged = bool(random.random() >= UNDAMAGED)
    if random.random() < DRAWN:
        return drawn(film, random, damaged=damaged)
    made = damage_reel(film, windows.drawn_recipe(random, SETTINGS, damaged=damaged), seed=int(random.integers(2**31)))
    if damaged and random.random() < SETTINGS.repainted:
        made = windows.repainted(made, random)
    elif damaged and random.random() < SETTINGS.tinted:
        made = windows.recoloured(made, random)
    return Reeled(made.degraded, made.pristine, made.mask, made.ids >= windows.STANDING, damaged)


def drawn(film: Codes, random: np.random.Generator, *, damaged: bool) -> Reeled:
    """The film with the other generator's grain and dirt."""
    sigma, size = random.uniform(0.004, 0.035), random.uniform(0.4, 0.9)
    bgr = [np.ascontiguousarray(np.repeat(f, 3, -1) if f.shape[2] == 1 else f[..., ::-1]) for f in film]
    clean = [draw.grain(f, sigma, size, random) for f in bgr]
    look = draw.ReelLook(random)
    painted = [draw.paint(f, look, random) if damaged else (f, np.zeros(f.shape[:2], bool)) for f in clean]
    back = slice(1, 2) if film.shape[3] == 1 else slice(None, None, -1)
    mask = np.stack([m for _, m in painted])
    return Reeled(np.stack([f for f, _ in painted])[..., back], np.stack(clean)[..., back], mask, np.zeros_like(mask), damaged)


def looked_at(film: Codes, wanted: Sequence[int]) -> Iterator[Window]:
    """The windows of some frames."""
    planes = [tuple(np.ascontiguousarray(frame[..., c]) for c in range(frame.shape[2])) for frame in film]
    with ThreadPoolExecutor(1) as pool:
        frames = (Frame(i, p) for i, p in enumerate(planes))
        reel = Reel(frames, Encoding("rgb" if film.shape[3] == 3 else "y", 8), Shot(0, len(film)), 0, pool)
        for index in range(len(film)):
            if index in wanted:
                yield reel.window(index)
            reel.forget(index)


def collect(clips: Sequence[Clip], job: tuple[int, int]) -> Table | None:
    """Features and truth of every piece found on one damaged reel, and one row a frame (`piece` false) that counts what could be found."""
    cv2.setNumThreads(1)
    place, seed = job
    random = np.random.default_rng((2000, seed, place, sum(clips[place].name.encode())))
    reel, settings = shoot(clips, place, random), Detection()
    wanted = [i for i in (1, 3, 4, 6) if i < len(reel.film)]
    alone = random.random() < ALONE
    seen = []
    for window in looked_at(reel.film, wanted):
        tests = classical.Tests.of(window)
        examined = classical.examine(window, settings, None, tests)
        dirt = eye.seen_of(window, tests, None)
        seen.append((window, examined, dirt, eye.glance_of(dirt, window, tests, settings)))
    rows = []
    for i, (window, examined, dirt, _) in enumerate(seen):
        others = () if alone else tuple(one[3] for j, one in enumerate(seen) if j != i)
        number = (seed * 1000 + place) * 10 + i
        pieces = eye.found_in(dirt, window, examined.tests, settings)
        ruled = by_rules(Heard(window, examined, dirt, pieces, settings, Outlook(others)), (0.0, classical.ANY_SIZE[1]))[0]
        for found in candidates(examined, dirt, settings, Outlook(others)):
            told = {"frame": np.full(len(found.pieces), number), "ruled": lying_on(found, covered_by(ruled, window))}
            rows.append(truth(found, reel, window.frame.index) | told)
        rows.append(whole(reel, window.frame.index, dirt.shape[0]) | {"frame": np.array([number]), "ruled": np.zeros(1, bool)})
    if not rows:
        return None
    table = {k: np.concatenate([r[k] for r in rows]) for k in rows[0]}
    count = len(table["piece"])
    return table | {"film": np.full(count, clips[place].name), "damaged": np.full(count, reel.damaged)}


def truth(found: Any, reel: Reeled, index: int) -> Table:
    """Of each piece: its features, the share of it that is painted, and how many px (of a 480-line picture) of it are visible dirt, stand,
    lie far from all damage, and are there at all.
    """
    unit = reel.film.shape[1] / 480
    mask, standing = reel.mask[index], reel.standing[index]
    visible = mask & (np.abs(reel.film[index].astype(np.int16) - reel.clean[index]).max(-1) >= VISIBLE)
    inside = Sums(found.pieces.labels, len(found.pieces))
    far = cv2.dilate(mask.astype(np.uint8), np.ones((2 * round(8 * unit) + 1,) * 2, np.uint8)) == 0
    pixels = inside.size / unit**2
    return {
        "piece": np.ones(len(pixels), bool),
        "x": found.features,
        "share": inside.mean(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))),
        "visible": inside.mean(visible & ~standing) * pixels,
        "standing": inside.mean(visible & standing) * pixels,
        "far": inside.mean(far) * pixels,
        "area": pixels,
    }


def lying_on(found: Any, covered: Mask) -> NDArray[np.bool_]:
    """Which pieces lie on what the rules would take."""
    inside = Sums(found.pieces.labels, len(found.pieces))
    out: NDArray[np.bool_] = inside.mean(covered) > OVERLAP
    return out


def whole(reel: Reeled, index: int, height: int) -> Table:
    """The frame's own row: visible dirt, and area."""
    unit = height / 480
    changed = np.abs(reel.film[index].astype(np.int16) - reel.clean[index]).max(-1) >= VISIBLE
    dirt = reel.mask[index] & ~reel.standing[index] & changed
    nothing = {name: np.zeros(1) for name in ("share", "standing", "far")}
    return {
        "piece": np.zeros(1, bool),
        "x": np.zeros((1, len(FEATURES)), np.float32),
        "visible": np.array([dirt.sum() / unit**2]),
        "area": np.array([dirt.size / unit**2]),
    } | nothing


def fit(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=500, learning_rate=0.04, max_leaf_nodes=14, min_samples_leaf=50, l2_regularization=10, random_state=0
    )
    return model.fit(x, y, sample_weight=weight)


def learnable(table: Table) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """(features, whether dirt, weight) of the pieces: false ones weigh by their area, and what is neither hardly anything."""
    piece = table["piece"]
    one = {k: v[piece] for k, v in table.items()}
    y = (one["share"] > 0.6) & (one["visible"] > 0.15 * one["area"])
    weight = np.where(y, 1.0, np.clip(one["area"] / 80, 0.7, 2.0))
    weight[((one["share"] > 0.1) & ~y) | (one["standing"] > 0.3 * one["area"])] = 0.02
    return one["x"], y, weight


def report(table: Table, trees: Trees) -> None:
    """What would be mended of small pieces at several strengths: recall by area, right pieces a frame, and harm."""
    piece, damaged = table["piece"], table["damaged"]
    chance = np.zeros(len(piece))
    chance[piece] = trees.probability(np.asarray(table["x"][piece], np.float32))
    area, frames = table["area"], ~piece
    piece = piece & (area < LARGE)
    wrong = piece & (table["visible"] + table["standing"] < 0.1 * area) & (table["far"] > 0.5 * area)
    right = piece & (table["visible"] > 0.3 * area)
    there, count, clean = table["visible"][frames & damaged].sum(), (frames & damaged).sum(), (frames & ~damaged).sum()
    print(f"{piece.sum()} pieces, {count} damaged frames, {clean} undamaged ones, {len(set(table['film']))} films")
    for strength in (0.3, 0.4, 0.5, 0.6, 0.7):
        least, enough = (least_chance(usual, strength) for usual in (LEAST, ENOUGH))
        taken = piece & (chance >= np.where(table["ruled"], enough, least))
        bad = 100 * table["far"][taken & damaged].sum() / table["area"][frames & damaged].sum()
        harm = 100 * area[taken & ~damaged].sum() / max(table["area"][frames & ~damaged].sum(), 1)
        found = f"recall {table['visible'][taken & damaged].sum() / there:.3f}, right {(taken & right).sum() / count:.2f} a frame"
        false = f"false {(taken & wrong & damaged).sum() / count:.2f} a frame, largest {area[taken & wrong].max(initial=0):.0f}"
        spared = f"undamaged {harm:.4f} %, {(taken & ~damaged).sum() / max(clean, 1):.2f} a frame"
        print(f"strength {strength}: {found}, far-altered {bad:.4f} %, {false}; {spared}")
    small = area[table["piece"]] < LARGE
    _, y, weight = (each[small] for each in learnable(table))
    said = chance[piece]
    for low in np.linspace(0, 0.9, 10):
        here = (said >= low) & (said < low + 0.1) & (weight > 0.1)
        print(f"  said {low:.1f}–{low + 0.1:.1f}: true {y[here].mean() if here.any() else float('nan'):.2f} of {here.sum()}")


def tables(clips: Sequence[Clip], seeds: str, jobs: int) -> Table:
    """All that is found on a reel of every clip and seed."""
    low, high = (int(v) for v in seeds.split(":"))
    todo = [(place, seed) for seed in range(low, high) for place in range(len(clips))]
    with ProcessPoolExecutor(jobs) as pool:
        made = [table for table in pool.map(partial(collect, clips), todo) if table is not None]
    return {k: np.concatenate([t[k] for t in made]) for k in made[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clean", type=Path, nargs="+")
    parser.add_argument("--seeds", default="0:3")
    parser.add_argument("--hold-out", nargs="*", default=[])
    parser.add_argument("--judge", nargs="*", default=None)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path("verdict-table.pkl"))
    parser.add_argument("--out", type=Path, default=Path("src/frdm/defects/verdict.npz"))
    options = parser.parse_args()
    clips = [c for c in find_clips(options.clean) if named(c.name, options.judge or options.hold_out) == (options.judge is not None)]
    asked = {"clips": [clip.name for clip in clips], "seeds": options.seeds}
    if not options.cache.exists():
        options.cache.write_bytes(pickle.dumps((asked, tables(clips, options.seeds, options.jobs))))
    told, table = pickle.loads(options.cache.read_bytes())
    if told != asked:
        parser.error(f"{options.cache}: holds pieces of other clips or seeds; give another --cache")
    if options.judge is not None:
        report(table, load_file("verdict.npz", FEATURES))
        return
    x, y, weight = learnable(table)
    trees = export(fit(x, y, weight))
    report(table, trees)
    made = f"{time.strftime('%Y-%m-%d')}, {len(y)} pieces of {len(set(table['film']))} films, seeds {options.seeds}"
    fields = {name: getattr(trees, name) for name in Trees.__dataclass_fields__}
    np.savez_compressed(options.out, **fields, features=np.array(FEATURES), made=np.array(made))
    print(f"{options.out}: {made}")


if __name__ == "__main__":
    main()
