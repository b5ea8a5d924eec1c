"""Weights that ship: listed, whole, described; changed ones are refused."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from frdm.errors import WeightsError
from frdm.runtime import weights
from frdm.runtime.eye_layout import CELL, CLASSES, FULL, HALF, SLOTS
from frdm.runtime.session import PROVIDERS, available, load_net


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights in place of the one that ships."""
    (tmp_path / "small.onnx").write_bytes(b"some weights")
    listed = {"small": {"sha256": hashlib.sha256(b"some weights").hexdigest(), "licence": "Apache-2.0"}}
    (tmp_path / weights.LIST).write_text(json.dumps(listed), encoding="utf-8")
    monkeypatch.setattr(weights, "files", lambda _: tmp_path)
    weights.find_weights.cache_clear()
    yield tmp_path
    weights.find_weights.cache_clear()


def test_weights_are_found_and_tell_of_themselves(folder: Path) -> None:
    found = weights.find_weights("small")
    assert found.data == b"some weights"
    assert found.about == {"licence": "Apache-2.0"}
    assert found.version == f"small {found.sha256[:12]}"


def test_changed_weights_are_refused(folder: Path) -> None:
    (folder / "small.onnx").write_bytes(b"some Weights")
    with pytest.raises(WeightsError, match="the file was changed, install frdm again"):
        weights.find_weights("small")


def test_missing_and_unknown_weights_are_named(folder: Path) -> None:
    (folder / "small.onnx").unlink()
    with pytest.raises(WeightsError, match="can't be read"):
        weights.find_weights("small")
    with pytest.raises(WeightsError, match="give one of small"):
        weights.find_weights("large")


@pytest.mark.parametrize("name", ["eye", "eye_alone"])
def test_what_ships_is_small_whole_and_described(name: str) -> None:
    weights.find_weights.cache_clear()
    found = weights.find_weights(name)
    assert {"net", "widths", "blocks", "alone", "weights", "data", "licence", "made"} <= found.about.keys()
    assert len({"steps", "mean"} & found.about.keys()) == 1, "how long it was trained, or each of those whose mean it is"
    assert found.about["alone"] == (name == "eye_alone")


def test_the_eye_weighs_no_more_than_it_may() -> None:
    assert sum(len(weights.find_weights(name).data) for name in ("eye", "eye_alone")) <= 6 * 2**20


@pytest.mark.parametrize("name", ["eye", "eye_alone"])
def test_what_ships_runs(name: str) -> None:
    shapes = {"full": (1, len(FULL), 2 * CELL, 3 * CELL), "half": (1, len(HALF), CELL, 3 * CELL // 2), "offsets": (1, SLOTS)}
    got = load_net(name)(**{key: np.zeros(shape, np.float32) for key, shape in shapes.items()})
    assert got.shape == (1, len(CLASSES), 2 * CELL, 3 * CELL)
    assert np.isfinite(got).all()


def test_the_processor_is_always_there_and_last() -> None:
    assert available()[-1] == PROVIDERS[-1] == "CPUExecutionProvider"
