"""The training loop: it learns, and a stop leaves no trace."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
import torch
from safetensors.torch import load_file, save_file

from frdm.errors import DatasetError
from frdm.model.eye import Eye, EyeParams
from frdm.train.eye import EyeTraining, Training, rate_at, train_eye
from frdm.train.eye_data import Windows, backwards, negative, tensors
from frdm.train.shipping import keep, load_eye, load_mean, ship

SMALL = EyeParams((16, 16, 16), (1, 1, 1))


def settings(**changes: object) -> EyeTraining:
    return EyeTraining(**{"params": SMALL, "steps": 12, "batch": 4, "threads": 1, "validate": 6, "precision": "fp32"} | changes)  # type: ignore[arg-type]


def test_the_loss_falls(windows: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    data, run = Windows(windows, "train"), Training(settings(warmup=1, rate=5e-3))
    batch = data.batch(0, 8, seed=0)
    losses = [run.learn(batch) for _ in range(25)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_stopped_run_goes_on_to_the_same_weights(windows: Path, tmp_path: Path) -> None:
    whole = torch.load(train_eye(windows, tmp_path / "whole", settings(), tell=lambda _: None), weights_only=True)
    run = Training(settings())
    for batch, _ in zip(Windows(windows, "train").batches(0, 4, 0), range(5), strict=False):
        run.learn(batch)
    (tmp_path / "parts").mkdir()
    run.save(tmp_path / "parts" / "checkpoint.pt")
    parts = torch.load(train_eye(windows, tmp_path / "parts", settings(), tell=lambda _: None), weights_only=True)
    assert whole["step"] == parts["step"] == 12
    for name, value in whole["kept"].items():
        assert torch.equal(value, parts["kept"][name]), name


def test_a_run_of_other_settings_is_refused(windows: Path, tmp_path: Path) -> None:
    Training(settings()).save(tmp_path / "checkpoint.pt")
    with pytest.raises(DatasetError, match="made with rate"):
        train_eye(windows, tmp_path, settings(rate=1e-4), tell=lambda _: None)


def test_the_curve_is_kept(windows: Path, tmp_path: Path) -> None:
    train_eye(windows, tmp_path, settings(), tell=lambda _: None)
    lines = (tmp_path / "curve.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("step,loss,held loss")
    assert [line.split(",")[0] for line in lines[1:]] == ["6", "12"]


def test_a_run_begins_from_kept_weights(windows: Path, tmp_path: Path) -> None:
    first = Training(settings())
    for batch, _ in zip(Windows(windows, "train").batches(0, 4, 0), range(4), strict=False):
        first.learn(batch)
    first.save(tmp_path / "checkpoint.pt")
    keep(tmp_path / "checkpoint.pt", tmp_path / "kept" / "eye.safetensors")
    second = Training(settings(start=str(tmp_path / "kept" / "eye.safetensors"), seed=9))
    for name, value in second.net.state_dict().items():
        assert torch.allclose(value.float(), first.kept.state_dict()[name].float(), atol=2e-3), name
    with pytest.raises(DatasetError, match="no weights of this net"):
        Training(settings(start=str(tmp_path / "kept" / "eye.safetensors"), params=EyeParams((16, 16, 32), (1, 1, 1))))


def test_what_ships_is_listed_with_its_sum(windows: Path, tmp_path: Path) -> None:
    Training(settings()).save(tmp_path / "checkpoint.pt")
    assert "sha256" in ship(tmp_path / "checkpoint.pt", tmp_path / "eye.onnx", data="drawn", licence="Apache-2.0")
    listed = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))["eye"]
    assert listed["sha256"] == hashlib.sha256((tmp_path / "eye.onnx").read_bytes()).hexdigest()
    assert (listed["widths"], listed["data"], listed["steps"]) == ([16, 16, 16], "drawn", 0)


def test_the_rate_rises_then_falls() -> None:
    plan = settings(steps=1000, warmup=100)
    rates = [rate_at(step, plan) for step in range(1000)]
    assert int(np.argmax(rates)) in (99, 100)
    assert rates[-1] < 0.02 * max(rates)


def test_backwards_twice_is_nothing(windows: Path) -> None:
    one = np.load(windows / "train-0000.npy")[0]
    turned = backwards(*backwards(one["full"], one["half"], one["offsets"]))
    for before, after in zip((one["full"], one["half"], one["offsets"]), turned, strict=True):
        assert np.array_equal(before, after)


def test_a_negative_keeps_what_has_no_sign(windows: Path) -> None:
    one = np.load(windows / "train-0000.npy")[0]
    full, half = negative(one["full"], one["half"])
    assert np.array_equal(full, -one["full"])
    assert np.array_equal(half[[0, 1, 2, 3, 8]], one["half"][[0, 1, 2, 3, 8]])


def test_unsure_pixels_do_not_count(windows: Path) -> None:
    data = Windows(windows, "train")
    full, half, offsets, truth, sure = tensors(data.batch(0, 4, 0), "cpu")
    assert ((sure == 0) <= (truth == 0)).all()
    assert Eye(SMALL)(full, half, offsets).shape == truth.shape


def test_families_can_be_left_out(windows: Path) -> None:
    families = np.load(windows / "train-0000.npy")["family"]
    assert len(Windows(windows, "train", drop=frozenset([int(families[0])]))) == int((families != families[0]).sum())


def test_the_mean_of_two_trainings_is_their_mean(windows: Path, tmp_path: Path) -> None:
    for seed, name in ((1, "one"), (2, "two")):
        run = Training(settings(seed=seed))
        (tmp_path / name).mkdir()
        run.save(tmp_path / name / "checkpoint.pt")
        keep(tmp_path / name / "checkpoint.pt", tmp_path / name / "kept.safetensors")
    one, two = (load_eye(tmp_path / name / "checkpoint.pt")[0].state_dict() for name in ("one", "two"))
    mean = load_mean(tmp_path / "one" / "checkpoint.pt", [tmp_path / "two" / "kept.safetensors"])[0].state_dict()
    weights = [name for name, value in mean.items() if value.is_floating_point()]
    assert any(not torch.equal(one[name], two[name]) for name in weights)
    for name in weights:
        assert torch.allclose(mean[name], (one[name] + two[name]) / 2, atol=1e-3)  # kept with half precision
    half = mean[weights[0]].half()
    keep(tmp_path / "one" / "checkpoint.pt", tmp_path / "kept.safetensors", others=[tmp_path / "two" / "kept.safetensors"])
    assert torch.equal(load_file(tmp_path / "kept.safetensors")[weights[0]], half)
    with pytest.raises(DatasetError, match="can't be read"):
        load_mean(tmp_path / "one" / "checkpoint.pt", [tmp_path / "none.safetensors"])


def told_of(path: Path) -> dict[str, Any]:
    """What an exported file says of itself."""
    about: dict[str, Any] = json.loads({one.key: one.value for one in onnx.load(path).metadata_props}["about"])
    return about


def test_a_mean_that_ships_says_what_it_is_the_mean_of(windows: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        run = Training(settings(seed=number))
        run.step = 10 * (number + 1)
        (tmp_path / name).mkdir()
        run.save(tmp_path / name / "checkpoint.pt")
    one, kept, untold = tmp_path / "one" / "checkpoint.pt", tmp_path / "two" / "kept.safetensors", tmp_path / "two" / "old.safetensors"
    keep(tmp_path / "two" / "checkpoint.pt", kept)
    save_file(load_file(kept), untold)  # as they were kept before they said anything
    assert "the mean of 3 trainings" in ship(one, tmp_path / "eye.onnx", data="drawn", licence="Apache-2.0", others=[kept, untold])
    listed = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))["eye"]
    made = [{"file": f, "steps": n} for f, n in (("one/checkpoint.pt", 10), ("two/kept.safetensors", 20), ("two/old.safetensors", None))]
    assert listed["mean"] == made and "steps" not in listed
    sha256 = listed.pop("sha256")
    assert told_of(tmp_path / "eye.onnx") == listed and sha256 == hashlib.sha256((tmp_path / "eye.onnx").read_bytes()).hexdigest()
    keep(one, tmp_path / "mean.safetensors", others=[kept])
    again = load_mean(one, [tmp_path / "mean.safetensors"])[1]
    assert again["mean"][1] == {"file": f"{tmp_path.name}/mean.safetensors", "mean": made[:2]}  # a mean of means says of which
    assert load_mean(one)[1] == {"steps": 10}
