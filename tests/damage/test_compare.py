"""Generated damage is like real labelled damage: scripts/compare_damage.py's distances stay under stated bounds."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from damage.shared import shared

ROOT = Path(__file__).parents[2]
BOUNDS = {  # Wasserstein between logarithms: 0.3 is about a third larger or smaller throughout
    "dirt: size (outlines), px": 0.25,
    "hair: length (outlines), px": 0.35,
    "dirt: size (archive film), px": 0.4,
    "dirt: contrast (archive film), share": 0.35,
    "dirt: softness (archive film), px": 0.25,
    "line: width, px": 0.2,
    "line: contrast, share": 0.35,
}


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    pytest.importorskip("scipy")
    spec = importlib.util.spec_from_file_location("compare_damage", ROOT / "scripts" / "compare_damage.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_drawn_disc_is_measured_as_it_was_drawn(compare: ModuleType) -> None:
    y, x = np.mgrid[0:60, 0:60] - 30.0
    picture = 0.6 * (1 - 0.5 / (1 + np.exp((np.hypot(y, x) - 8) / 1.0)))
    [(size, contrast, softness)] = compare.pieces(picture, (np.hypot(y, x) < 10).astype(int))
    assert size == pytest.approx(16, rel=0.05)
    assert contrast == pytest.approx(0.5, abs=0.01)
    assert softness == pytest.approx(4.0, rel=0.15)  # a logistic's height over its slope


def test_a_drawn_line_is_measured_as_it_was_drawn(compare: ModuleType) -> None:
    x = np.arange(80) - 40.3
    picture = np.tile(0.4 * (1 + 0.25 * np.exp(-0.5 * (x / 1.2) ** 2)), (120, 1))
    mask = np.zeros(picture.shape, bool)
    mask[10:100, 39:42] = True
    [(width, contrast)] = compare.lines(picture, mask, 40)
    assert width == pytest.approx(1.2 * 2.355, rel=0.08)
    assert contrast == pytest.approx(0.25, rel=0.08)
    assert not len(compare.lines(np.full_like(picture, 0.4), mask, 40))


def test_a_distance_is_that_of_logarithms(compare: ModuleType) -> None:
    values = np.random.default_rng(0).lognormal(size=500)
    assert compare.distance(values, 2 * values) == pytest.approx(np.log(2))
    assert compare.distance(values, values) == 0


@pytest.mark.slow
def test_generated_damage_is_near_real_damage(compare: ModuleType) -> None:
    found = compare.compared(shared("defects"), 16)
    distances = {what: compare.distance(*pair) for what, pair in found.items()}
    assert distances.keys() == BOUNDS.keys()
    assert not {what: far for what, far in distances.items() if far > BOUNDS[what]}
    real, ours = found["dirt: size (outlines), px"]
    assert compare.distance(real, 2 * ours) > BOUNDS["dirt: size (outlines), px"]  # twice the size would be noticed
