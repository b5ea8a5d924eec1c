"""An exported hand is put together again as it was trained; a training begins from it; files that don't belong together are refused."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
import torch
from hand_toy import MODEL, settings
from torch import Tensor

from frdm.cli.train_hand import ModelOptions, StepOptions, settings_of
from frdm.errors import DatasetError, WeightsError
from frdm.fills.hand_opening import open_hand
from frdm.model.checkpoint import FEW
from frdm.model.denoiser import SmallUNetParams
from frdm.model.frdm import Frdm, FrdmParams
from frdm.model.preprocess import PreprocessParams
from frdm.model.state_space import StateSpaceParams
from frdm.train.hand import Run, begin_from
from frdm.train.hand_settings import tiles_for
from frdm.train.hand_shipped import read_hand, shipped_hand
from frdm.train.hand_shipping import keep_hand, load_hand_run, ship_hand
from model.small_models import awake

SMALLEST = replace(
    MODEL,
    frames=2,
    side=16,
    small=replace(MODEL.small, denoiser=SmallUNetParams((16,), 8, 32)),  # type: ignore[type-var]
    preprocess=PreprocessParams((16, 16), state_space=StateSpaceParams(2, 4, 3)),
)
HOW = settings(params=SMALLEST, tiles=tiles_for(SMALLEST))
RUNTIME = Path(__file__).parents[2] / "src" / "frdm" / "runtime"
FILES = ["hand_rest.npz", "hand_see.onnx", "hand_step.onnx", "weights.json"]


def stored(weight: Tensor) -> Tensor:
    """A weight as the files hold it: with half precision, unless it is small."""
    return weight if weight.numel() < FEW else weight.half().float()


def export(folder: Path) -> dict[str, Tensor]:
    """A hand exported to a folder, and the weights that it was exported from."""
    folder.mkdir()
    run = Run(HOW)
    awake(run.model)
    run.kept = {name: 1.0003 * one.detach() for name, one in run.model.learning()}  # numbers that half precision doesn't have
    for shape in ((16, 16, 3, 3), (16, 16), (16,)):
        first, twin, nearly = [name for name, one in run.kept.items() if one.shape == shape][:3]
        run.kept[twin] = run.kept[first].clone()
        run.kept[nearly] = run.kept[first].clone()
        run.kept[nearly].view(-1)[-1] += 1  # the same but for the last number
    run.save(folder / "checkpoint.pt")
    ship_hand(folder / "checkpoint.pt", folder, name="hand", data="", licence="")
    (folder / "checkpoint.pt").unlink()
    return run.kept


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an exported hand, `hand`, and of `weights.pt`, what it was exported from."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("hands")
    torch.save(export(folder / "hand"), folder / "weights.pt")
    return folder


def test_what_was_exported_is_put_together_again(hands: Path) -> None:
    weights = torch.load(hands / "weights.pt", weights_only=True)
    hand = read_hand(hands / "hand")
    assert hand.params == SMALLEST and sorted(path.name for path in (hands / "hand").iterdir()) == FILES
    assert hand.weights.keys() == weights.keys()
    assert [name for name, one in weights.items() if not torch.equal(hand.weights[name], stored(one))] == []
    assert any(not torch.equal(stored(one), one) for one in weights.values())
    with np.load(hands / "hand" / "hand_rest.npz") as rest:
        left = {name: rest[name].size for name in rest.files if name != "about"}
    assert "preprocess.heads.1.weight" in left  # restoring asks for the first head alone
    assert sum(left.values()) < 0.1 * sum(one.numel() for one in weights.values())  # nearly all of it lies in the nets


@pytest.mark.parametrize("stage", ["preprocess", "frdm"])
def test_a_training_begins_from_an_exported_hand(hands: Path, stage: Any) -> None:
    weights = torch.load(hands / "weights.pt", weights_only=True)
    run = Run(replace(HOW, stage=stage, start=str(hands / "hand"), seed=5))
    assert all(torch.equal(one, stored(weights[name])) for name, one in run.model.named_parameters())
    assert all(torch.equal(one, stored(weights[name])) for name, one in run.kept.items())


def test_a_training_begins_from_the_hand_that_ships() -> None:
    hand = shipped_hand()
    assert hand.params == FrdmParams.compact()
    for start in ("shipped", str(RUNTIME)):
        run = Run(settings_of("frdm", 1, ModelOptions(start=start), StepOptions()))
        assert hand.weights.keys() == run.kept.keys()
        assert all(torch.equal(one, hand.weights[name]) for name, one in run.kept.items())
    assert (RUNTIME / "hand_rest.npz").stat().st_size < 200_000


@pytest.mark.slow
def test_the_hand_that_ships_says_in_torch_what_its_nets_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "model"))
    from frdm.model.export import FrdmFiles
    from model.test_export_frdm import says_the_same

    torch.set_num_threads(1)
    model = Frdm(FrdmParams.compact())
    begin_from(model, "shipped")
    says_the_same(model.eval(), FrdmFiles(RUNTIME / "hand_see.onnx", RUNTIME / "hand_step.onnx", "", ""), 2)


def test_what_is_exported_says_what_torch_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "model"))
    from frdm.model.export import FrdmFiles
    from model.test_export_frdm import says_the_same

    run = Run(settings())
    awake(run.model)
    run.kept = {name: one.detach().half().float() for name, one in run.model.learning()}  # as files hold them
    run.step = 2
    run.save(tmp_path / "checkpoint.pt")
    (tmp_path / "weights.json").write_text('{"eye": {"sha256": "a"}}', encoding="utf-8")
    said = ship_hand(tmp_path / "checkpoint.pt", tmp_path, name="hand", data="two drawn films", licence="Apache-2.0")
    model, steps = load_hand_run(tmp_path / "checkpoint.pt")
    says_the_same(model, FrdmFiles(tmp_path / "hand_see.onnx", tmp_path / "hand_step.onnx", "", ""), 2)
    listed = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))
    hand = open_hand(tmp_path)
    assert sorted(listed) == ["eye", "hand_rest", "hand_see", "hand_step"] and steps == 2 and "MiB" in said
    assert hand.sha256 == f"{listed['hand_see']['sha256']} {listed['hand_step']['sha256']}"
    assert hand.params.schedule.predicts == "clean" and listed["hand_step"]["data"] == "two drawn films"


def test_a_run_begins_from_anothers_weights(tmp_path: Path) -> None:
    whole = Run(settings())
    awake(whole.model)
    whole.kept = kept = {name: 1.0003 * one.detach() for name, one in whole.model.learning()}
    whole.save(tmp_path / "checkpoint.pt")
    keep_hand(tmp_path / "checkpoint.pt", tmp_path / "hand.safetensors")
    for start in ("checkpoint.pt", "hand.safetensors"):
        run = Run(settings(start=str(tmp_path / start), seed=5))
        assert all(torch.equal(one, kept[name]) for name, one in run.model.learning())
    keep_hand(tmp_path / "checkpoint.pt", tmp_path / "half.safetensors", half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "hand.safetensors").stat().st_size
    run = Run(settings(start=str(tmp_path / "half.safetensors"), seed=5))
    assert all(torch.equal(one, stored(kept[name])) for name, one in run.model.learning())
    assert any(one.numel() < FEW for one in kept.values()) and any(not torch.equal(stored(one), one) for one in kept.values())


def test_a_run_begins_from_the_first_stage(tmp_path: Path) -> None:
    first = Run(settings(stage="preprocess"))
    first.save(tmp_path / "first.pt")
    run = Run(settings(start=str(tmp_path / "first.pt"), seed=5))
    found = dict(run.model.learning())
    assert all(torch.equal(found[name], one) for name, one in first.kept.items())
    with pytest.raises(DatasetError, match="a run of the first stage found"):
        ship_hand(tmp_path / "first.pt", tmp_path, name="hand", data="", licence="")
    wider = replace(MODEL, preprocess=replace(MODEL.preprocess, widths=(32, 32)))
    with pytest.raises(DatasetError, match=r"--start .*first.pt: preprocess\..* doesn't fit this model"):
        Run(settings(params=wider, start=str(tmp_path / "first.pt")))


# Mistakes -----------------------------------------------------------------------------------------------------------------------------


def listed(folder: Path, name: str, data: bytes) -> None:
    """Put a file there and its sum into the list."""
    (folder / name).write_bytes(data)
    path = folder / "weights.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    known[Path(name).stem] = {"sha256": hashlib.sha256(data).hexdigest()}
    path.write_text(json.dumps(known), encoding="utf-8")


def retold(folder: Path, **changes: Any) -> None:
    """Have the third file say something else."""
    with np.load(folder / "hand_rest.npz") as rest:
        arrays = dict(rest)
    told = json.loads(arrays.pop("about").tobytes()) | changes
    data = BytesIO()
    np.savez(data, about=np.frombuffer(json.dumps(told).encode(), np.uint8), **arrays)
    listed(folder, "hand_rest.npz", data.getvalue())


def unlisted(folder: Path) -> None:
    known = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
    del known["hand_see"]
    (folder / "weights.json").write_text(json.dumps(known), encoding="utf-8")


def of_another_export(folder: Path) -> None:
    net = onnx.load(folder / "hand_step.onnx")
    net.graph.initializer[0].raw_data = net.graph.initializer[0].raw_data[::-1]
    listed(folder, "hand_step.onnx", net.SerializeToString())


def places_elsewhere(folder: Path) -> None:
    retold(folder, places={"guidance.a": [1, "w99999", False, [4]]})


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no third file": (lambda folder: (folder / "hand_rest.npz").unlink(), r"no hand_rest.npz in it; give a folder"),
    "no net": (
        lambda folder: (folder / "hand_see.onnx").unlink(),
        r"hand_see.onnx: can't be read \(No such file or directory\); give",
    ),
    "no list": (lambda folder: (folder / "weights.json").unlink(), r"weights.json: can't be read \(No such file"),
    "a list of nothing": (lambda folder: (folder / "weights.json").write_text("[1]"), r"weights.json: no list of weights \(.*\); export"),
    "not listed": (unlisted, r"hand_see.onnx: not listed in weights.json beside it; export the hand again"),
    "changed": (
        lambda folder: (folder / "hand_step.onnx").write_bytes(b"x"),
        r"hand_step.onnx: sha256 2d711642b726… found, .* wanted",
    ),
    "third file changed": (lambda folder: (folder / "hand_rest.npz").write_bytes(b"x"), r"hand_rest.npz: sha256 2d711642b726… found"),
    "two hands": (lambda folder: (folder / "arm_rest.npz").write_bytes(b""), r"arm_rest.npz and hand_rest.npz found, one hand wanted"),
    "of another export": (of_another_export, r"hand_step.onnx: of another export than hand_rest.npz; take all three files from one"),
    "no arrays": (lambda folder: listed(folder, "hand_rest.npz", b"x"), r"hand_rest.npz: can't be read \(.*\); export the hand again"),
    "of another kind": (lambda folder: retold(folder, kind="frdm hand rest 9"), r"frdm hand rest 9 found, frdm hand rest 1 wanted"),
    "places elsewhere": (places_elsewhere, r"doesn't fit the nets beside it \(KeyError\('w99999'\)\); export the hand again"),
    "other params": (lambda folder: retold(folder, params={"hands": 2}), r"params: hands: .* it was made by another version"),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_files_that_are_not_one_whole_hand_are_refused(hands: Path, tmp_path: Path, mistake: str) -> None:
    folder = shutil.copytree(hands / "hand", tmp_path / "hand")
    change, sentence = MISTAKES[mistake]
    change(folder)
    with pytest.raises(WeightsError, match=sentence) as raised:
        read_hand(folder)
    assert len(str(raised.value).splitlines()) == 1


def test_a_hand_that_is_built_otherwise_is_refused(hands: Path) -> None:
    start = str(hands / "hand")
    with pytest.raises(DatasetError, match=r"--start shipped: made with params\.frames = 5, asked for 2; train with the modules"):
        Run(replace(HOW, start="shipped"))
    with pytest.raises(DatasetError, match=r"--start .*hand: made with params\.adds = True, asked for False; train with the modules"):
        Run(replace(HOW, params=replace(SMALLEST, adds=False), start=start))
    model = Run(HOW).model
    model.params = FrdmParams.paper()
    with pytest.raises(DatasetError, match=r"--start .*hand: a hand of size compact found, paper asked for; give --size compact"):
        begin_from(model, start)


def test_a_folder_may_be_called_as_the_hand_that_ships(hands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(hands / "hand", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    assert Run(replace(HOW, start="./shipped")).model.params == SMALLEST


def test_that_onnx_is_not_installed_is_said(hands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(WeightsError, match="onnx is not installed, which reads an exported hand; run `pip install"):
        read_hand(hands / "hand")
