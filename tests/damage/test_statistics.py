"""Draws follow the fitted constants, and the constants follow the outlines where those are at hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from damage.shared import shared
from frdm.damage.statistics import (
    GAUGES,
    LENGTH,
    SHARES,
    SIZE,
    count,
    density,
    enlargement,
    label_of,
    places,
    size,
    speck,
    strand,
)
from frdm.errors import DamageError

ROOT = Path(__file__).parents[2]


def test_drawn_sizes_have_the_outlines_quantiles() -> None:
    """Data's own quantiles (docs/damage-statistics.md), not the fit's: dust and dirt on still frames."""
    rng = np.random.default_rng(0)
    for label, quantiles in (("dust", (1.00, 1.19, 1.81)), ("dirt", (1.19, 1.74, 3.16))):
        drawn = [speck(rng, gauge="35 mm still", label=label).size for _ in range(4000)]  # type: ignore[arg-type]
        assert np.quantile(drawn, [0.05, 0.5, 0.95]) == pytest.approx(quantiles, rel=0.06)


def test_hairs_are_long_thin_and_the_longer_the_curlier() -> None:
    rng = np.random.default_rng(1)
    hairs = [strand("hair", rng, gauge="35 mm still") for _ in range(3000)]
    long = np.array([h.length for h in hairs])
    curl = np.array([h.curl for h in hairs])
    assert 4 < np.median(long) < 9
    assert 0.8 < np.median([h.width for h in hairs]) < 1.1
    assert curl.min() >= 1 and curl[long > 15].mean() > curl[long < 5].mean() + 0.1
    assert all(strand("scratch", rng).curl == 1 for _ in range(20))


def test_a_smaller_gauge_shows_the_same_dirt_larger() -> None:
    sizes = [np.median([size("dirt", np.random.default_rng(s), gauge=gauge) for s in range(200)]) for gauge in GAUGES]
    assert sizes == sorted(sizes)
    assert enlargement("35 mm still") == 1 and enlargement("8 mm") == pytest.approx(6.84, abs=0.01)


def test_labels_come_as_often_as_they_were_outlined() -> None:
    rng = np.random.default_rng(2)
    dust = np.mean([label_of("dirt", rng) == "dust" for _ in range(4000)])
    assert dust == pytest.approx(SHARES["dust"] / (SHARES["dust"] + SHARES["dirt"]), abs=0.03)


def test_counts_are_overdispersed_as_a_negative_binomial() -> None:
    rng = np.random.default_rng(3)
    counts = np.array([count(20, rng, spread=2.0) for _ in range(8000)])
    assert counts.mean() == pytest.approx(20, rel=0.05)
    assert counts.var() == pytest.approx(20 + 400 / 2, rel=0.12)
    assert count(0, rng) == 0


def test_places_gather_as_the_fitted_pair_correlation_says() -> None:
    """Pairs nearer than 10 px among clustered places against chance: about exp(0.37 · exp(−7 / 33.5)) = 1.35."""
    near, expected = 0.0, 0.0
    rng = np.random.default_rng(4)
    for _ in range(60):
        at, by_chance = (places(200, (480, 720), rng, variance=v) for v in (0.372, 0.0))
        for points, weight in ((at, 1), (by_chance, 0)):
            distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
            pairs = float(((distance > 4) & (distance < 10)).sum())
            near, expected = near + weight * pairs, expected + (1 - weight) * pairs
    assert near / expected == pytest.approx(1.35, abs=0.12)
    assert at.shape == (200, 2) and (at >= 0).all() and (at < (480, 720)).all()


def test_the_density_has_mean_one_and_its_variance() -> None:
    rng = np.random.default_rng(5)
    fields = np.stack([density(24, 36, rng, variance=0.5, reach=4) for _ in range(200)])
    assert fields.mean() == pytest.approx(1, abs=0.05)
    assert np.log(fields).var() == pytest.approx(0.5, abs=0.06)


def test_the_same_seed_gives_the_same_places() -> None:
    one, other = (places(30, (256, 256), np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one, other)
    assert places(0, (256, 256), np.random.default_rng(9)).shape == (0, 2)


def test_an_unknown_kind_or_gauge_is_told_in_a_sentence() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DamageError, match="gauge"):
        size("dirt", rng, gauge="70 mm")  # type: ignore[arg-type]
    with pytest.raises(DamageError, match="no sizes"):
        size("burn", rng)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_fitting_script_prints_these_constants() -> None:
    labels = shared("defects/fds_labels")
    pytest.importorskip("scipy")
    done = subprocess.run([sys.executable, "scripts/fit_damage.py", str(labels)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = {line.split("): ")[0]: line.split("LogNormal(")[1][:-2] for line in done.stdout.splitlines() if "LogNormal" in line}
    for what, table in (("size", SIZE), ("length", LENGTH)):
        for label, one in table.items():
            shift, mu, sigma = (float(v) for v in printed[f'("{label}", "{what}"'].split(","))
            assert (shift, mu, sigma) == pytest.approx((one.shift, one.mu, one.sigma), abs=0.002), label
