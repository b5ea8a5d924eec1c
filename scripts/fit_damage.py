"""Fit the constants of src/frdm/damage/statistics.py to outlined defects, and draw and tabulate the fit beside the data.

    python scripts/fit_damage.py LABELS_FOLDER [--figure docs/images/damage-statistics.png] [--table TABLE.md]

LABELS_FOLDER holds polygons.json.gz of FilmDamageSimulator: {"classes": {name: number}, "size": [W, H], "scans": {name:
[[class, x, y, …]]}}, outlines on scans of empty still frames 24 mm high. All lengths here are px of a picture 480 lines high.
Needs the [bench] extra.
"""

import argparse
import gzip
import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, spatial, stats

LINES = 480
RINGS = np.array([4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128], float)  # px; nearer than 4 the outlines themselves keep apart
UNIFORM = 20_000  # points that stand for no clustering
Floats = NDArray[np.float64]


def outlines(folder: Path) -> tuple[dict[str, list[tuple[str, Floats]]], tuple[float, float]]:
    """Scan → (class, points (N, 2) in px), and the scans' (height, width)."""
    data = json.loads(gzip.decompress((folder / "polygons.json.gz").read_bytes()))
    names = {number: name for name, number in data["classes"].items()}
    width, height = data["size"]
    scale = LINES / height
    scans = {
        scan: [(names[p[0]], np.asarray(p[1:], float).reshape(-1, 2) * scale) for p in polygons] for scan, polygons in data["scans"].items()
    }
    return scans, (height * scale, width * scale)


def shape_of(points: Floats) -> dict[str, float]:
    """Size, aspect, and length, width and curl of a polygon taken as a ribbon (area = l · w, perimeter = 2 (l + w))."""
    x, y = points.T
    area = 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
    perimeter = float(np.hypot(*(points - np.roll(points, 1, 0)).T).sum())
    _, sides, _ = cv2.minAreaRect(points.astype(np.float32))
    long, short = max(sides), max(min(sides), 0.1)
    length = perimeter / 4 + max(perimeter**2 / 16 - area, 0) ** 0.5
    return {
        "size": (4 * area / np.pi) ** 0.5,
        "aspect": long / short,
        "length": length,
        "width": area / max(length, 1e-9),
        "curl": max(length / max(long, 1e-9), 1.0),
    }


def fit(values: Floats, floor: float) -> tuple[float, float, float]:
    """(shift, mu, sigma) of a log-normal above `shift`, chosen between `floor` and the least value for the smallest largest gap."""
    least = float(np.quantile(values, 0.002))
    best: tuple[float, tuple[float, float, float]] | None = None
    for share in np.linspace(0, 0.98, 25):
        shift = floor + share * max(least - floor, 0)
        above = np.log(np.maximum(values - shift, 0.02))
        mu, sigma = float(above.mean()), float(above.std())
        distance = float(stats.kstest(above, "norm", args=(mu, sigma)).statistic)
        if best is None or distance < best[0]:
            best = (distance, (shift, mu, sigma))
    assert best is not None
    return best[1]


def rings(scans: dict[str, list[tuple[str, Floats]]], frame: tuple[float, float]) -> tuple[Floats, Floats]:
    """Pair correlation per scan (scans, rings) and pairs that chance would put into each; 1 is no clustering."""
    chance = np.random.default_rng(0).uniform(0, 1, (UNIFORM, 2)) * frame[::-1]
    tree = spatial.cKDTree(chance)
    share = np.diff(tree.count_neighbors(tree, RINGS).astype(float)) / (UNIFORM * (UNIFORM - 1.0))
    curves, weights = [], []
    for polygons in scans.values():
        centres = spatial.cKDTree(np.array([points.mean(0) for _, points in polygons]))
        expected = share * centres.n * (centres.n - 1.0)
        curves.append(np.diff(centres.count_neighbors(centres, RINGS).astype(float)) / expected)
        weights.append(expected)
    return np.array(curves), np.array(weights)


def fit_clustering(curve: Floats, reach: float | None = None) -> tuple[float, float]:
    """(variance, reach in px) of a log-Gaussian density: g(r) = exp(variance · exp(−r / reach))."""
    middle = np.sqrt(RINGS[1:] * RINGS[:-1])

    def model(r: Floats, variance: float, distance: float) -> Floats:
        return np.asarray(np.exp(variance * np.exp(-r / distance)))

    if reach is None:
        (variance, reach), _ = optimize.curve_fit(model, middle, curve, p0=(0.4, 30.0))
        return float(variance), float(reach)
    known = reach
    (variance,), _ = optimize.curve_fit(lambda r, v: model(r, v, known), middle, curve, p0=(0.4,), bounds=(0, 5))
    return float(variance), known


def fit_counts(counts: Floats) -> tuple[float, float]:
    """(mean, size) of a negative binomial by likelihood: variance = mean + mean² / size."""
    mean = float(counts.mean())

    def unlikely(log_size: float) -> float:
        size = np.exp(log_size)
        return -float(stats.nbinom.logpmf(counts.astype(int), size, size / (size + mean)).sum())

    return mean, float(np.exp(optimize.minimize_scalar(unlikely, bounds=(-3, 6), method="bounded").x))


WANTED = {
    "dust": ("size", "aspect"),
    "dirt": ("size", "aspect"),
    "short hair": ("length", "width", "curl"),
    "long hair": ("length", "width", "curl"),
    "scratch": ("length", "width"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    scans, frame = outlines(given.labels)
    shapes: dict[str, list[dict[str, float]]] = defaultdict(list)
    for polygons in scans.values():
        for name, points in polygons:
            shape = shape_of(points)
            if shape["size"] > 0.2:
                shapes[name].append(shape)
    fits: list[tuple[str, str, Floats, tuple[float, float, float]]] = []
    for name, wanted in WANTED.items():
        for what in wanted:
            values = np.array([shape[what] for shape in shapes[name]])
            fits.append((name, what, values, fit(values, 1.0 if what in ("aspect", "curl") else 0.0)))
    curves, weights = rings(scans, frame)
    pooled = np.asarray((curves * weights).sum(0) / weights.sum(0))
    variance, reach = fit_clustering(pooled)
    each = [fit_clustering(curve, reach)[0] for curve in curves]
    counts = np.array([len(polygons) for polygons in scans.values()], float)
    tell(shapes, fits, (variance, reach, each), fit_counts(counts))
    if given.table:
        given.table.write_text(table(fits), encoding="utf-8")
    if given.figure:
        draw(fits, pooled, (variance, reach), given.figure)


def tell(
    shapes: dict[str, list[dict[str, float]]],
    fits: list[tuple[str, str, Floats, tuple[float, float, float]]],
    clustering: tuple[float, float, list[float]],
    counts: tuple[float, float],
) -> None:
    """Print the constants as they stand in statistics.py."""
    total = sum(len(s) for s in shapes.values())
    print("shares:", {name: round(len(s) / total, 4) for name, s in shapes.items()}, "of", total)
    for name, what, _, (shift, mu, sigma) in fits:
        print(f'("{name}", "{what}"): LogNormal({shift:.3f}, {mu:.3f}, {sigma:.3f}),')
    print(f"clustering: variance {clustering[0]:.3f}, reach {clustering[1]:.1f} px; each scan: {[round(v, 2) for v in clustering[2]]}")
    print(f"counts a frame: mean {counts[0]:.0f}, negative binomial size {counts[1]:.2f}")
    for name in ("dust", "dirt"):
        pairs = np.array([(s["size"], s["aspect"]) for s in shapes[name]])
        print(f"rank correlation of size and aspect, {name}: {stats.spearmanr(*pairs.T).statistic:.2f}")
    for name in ("short hair", "long hair"):
        pairs = np.array([(s["length"], s["curl"]) for s in shapes[name]])
        print(f"rank correlation of length and curl, {name}: {stats.spearmanr(*pairs.T).statistic:.2f}")


def quantiles(one: tuple[float, float, float], shares: Floats) -> Floats:
    return np.asarray(one[0] + np.exp(one[1] + one[2] * stats.norm.ppf(shares)))


def table(fits: list[tuple[str, str, Floats, tuple[float, float, float]]]) -> str:
    """Quantiles of data and fit, and their Kolmogorov–Smirnov distance, as Markdown."""
    shares = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    lines = ["| label | what | n | data 5, 25, 50, 75, 95 % | fit | largest gap |", "| --- | --- | --- | --- | --- | --- |"]
    for name, what, values, one in fits:
        seen, drawn = (" ".join(f"{v:.2f}" for v in row) for row in (np.quantile(values, shares), quantiles(one, shares)))
        gap = stats.kstest(np.log(np.maximum(values - one[0], 0.02)), "norm", args=one[1:]).statistic
        lines.append(f"| {name} | {what} | {len(values)} | {seen} | {drawn} | {gap:.3f} |")
    return "\n".join(lines) + "\n"


def draw(
    fits: list[tuple[str, str, Floats, tuple[float, float, float]]], pooled: Floats, clustering: tuple[float, float], path: Path
) -> None:
    """Data as histograms, fits as curves, the pair correlation last."""
    from matplotlib import pyplot, ticker

    figure, places = pyplot.subplots(3, 5, figsize=(15, 8))
    axes = list(places.ravel())
    for axis, (name, what, values, one) in zip(axes, fits, strict=False):
        edges = np.geomspace(max(values.min(), 0.2), np.quantile(values, 0.999), 40)
        axis.hist(values, edges, density=True, color="0.75")
        x = np.geomspace(edges[0], edges[-1], 400)
        axis.plot(x, stats.lognorm.pdf(x, one[2], one[0], np.exp(one[1])), color="tab:red")
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.set_title(f"{name}: {what}" + ("" if what in ("aspect", "curl") else " (px)"), fontsize=9)
    last = axes[len(fits)]
    middle = np.sqrt(RINGS[1:] * RINGS[:-1])
    last.plot(middle, pooled, "o", color="0.5")
    last.plot(middle, np.exp(clustering[0] * np.exp(-middle / clustering[1])), color="tab:red")
    last.set_title("pairs at a distance (px), chance = 1", fontsize=9)
    for axis in axes[len(fits) + 1 :]:
        axis.axis("off")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main()
