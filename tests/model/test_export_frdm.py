"""The compact model as ONNX: two nets that say what torch says, for any number of tiles, with and without neighbours."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from small_models import TOY, TOY_PAPER, awake, pictures, places, prompt_of, toy
from torch import Tensor

from frdm.errors import RecipeError
from frdm.model.attention import Memory
from frdm.model.conditioners import SmallConditionerParams
from frdm.model.denoiser import SmallUNetParams
from frdm.model.export import FrdmFiles, export_frdm
from frdm.model.frdm import Frdm, FrdmParams
from frdm.model.preprocess import PreprocessParams
from frdm.model.state_space import StateSpaceParams

SMALLEST = replace(
    TOY,
    frames=2,
    side=16,
    small=replace(TOY.small, denoiser=SmallUNetParams((16,), 8, 32)),  # type: ignore[type-var]
    preprocess=PreprocessParams((16,), state_space=StateSpaceParams(2, 4, 3)),
)
SEEN = ("features", "local", "whole_latent", "prompt", "frame", "origin")


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ran(net: onnxruntime.InferenceSession, **shown: Tensor) -> dict[str, NDArray[np.float32]]:
    wanted = {one.name for one in net.get_inputs()}
    names = [one.name for one in net.get_outputs()]
    return dict(zip(names, net.run(names, {name: one.numpy() for name, one in shown.items() if name in wanted}), strict=True))


def shown(model: Frdm, count: int) -> dict[str, Tensor]:
    """Tiles, each of its own frame, as the first net takes them."""
    params = model.params
    tile = pictures(count, frames=params.frames, side=params.side)
    where = places(count, params.side)
    matte = (tile[:, :1] > 0.8).float()
    tags = prompt_of(model, count)
    return {"degraded": tile, "matte": matte, "whole": 1 - tile, "tags": tags, "box": where.box, "size": where.size}


def says_the_same(model: Frdm, files: FrdmFiles, count: int) -> None:
    """Both nets against torch, alone and with what the tiles before it left."""
    told = shown(model, count)
    with torch.no_grad():
        whole = model.see_whole(told["whole"], told["tags"])
        conditions = model.see_tiles(told["degraded"], places(count, model.params.side), whole, told["matte"])
        z = torch.randn(conditions.seen.local.shape, generator=torch.Generator().manual_seed(9))
        t = torch.linspace(900, 100, count)
        alone, edges = model.denoise_and_keep(z, t, conditions)
        present = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])[:count]
        heard = model.denoise(z, t, conditions, Memory(edges.right, edges.lower, present))
    seen = ran(session(files.see), **told)
    for name, wanted in {"picture": conditions.pictures[0], "features": conditions.seen.features, "frame": conditions.seen.frame}.items():
        assert np.abs(seen[name] - wanted.numpy()).max() < 1e-3, name
    step, inputs = session(files.step), {name: torch.from_numpy(seen[name]) for name in SEEN} | {"z": z, "t": t}
    nothing = {f"{side}_{k}": torch.zeros_like(one) for side in ("left", "upper") for k, one in enumerate(edges.right)}
    first = ran(step, **inputs, **nothing, present=torch.zeros(count, 2))
    assert np.abs(first["prediction"] - alone.numpy()).max() < 1e-3
    left = {f"left_{k}": torch.from_numpy(first[f"right_{k}"]) for k in range(len(edges.right))}
    upper = {f"upper_{k}": torch.from_numpy(first[f"lower_{k}"]) for k in range(len(edges.lower))}
    again = ran(step, **inputs, **left, **upper, present=present)
    assert np.abs(again["prediction"] - heard.numpy()).max() < 1e-3
    assert np.abs(again["prediction"] - first["prediction"]).max() > 1e-3


def test_onnx_says_what_torch_says(tmp_path: Path) -> None:
    model = awake(toy(SMALLEST)).eval()
    assert isinstance(model, Frdm)
    files = export_frdm(model, tmp_path, {"data": "drawn"})
    for count in (1, 3):
        says_the_same(model, files, count)
    about = {one.key: one.value for one in onnx.load(files.step).metadata_props}
    told = json.loads(about["about"])
    assert told["data"] == "drawn" and told["params"]["side"] == 16 and told["params"]["schedule"]["predicts"] == "velocity"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["hand_see.onnx", "hand_step.onnx"]


@pytest.mark.slow
def test_the_whole_of_compact_says_what_torch_says_and_is_small(tmp_path: Path) -> None:
    model = awake(Frdm(FrdmParams.compact()), 0.03).eval()
    assert isinstance(model, Frdm)
    files = export_frdm(model, tmp_path, {})
    says_the_same(model, files, 1)
    assert files.see.stat().st_size + files.step.stat().st_size < 12 * 2**20


def test_a_model_around_a_backbone_does_not_leave_torch(tmp_path: Path) -> None:
    model = toy()
    model.params = TOY_PAPER
    with pytest.raises(RecipeError, match=r"export: a model of size paper found; only compact models leave torch"):
        export_frdm(model, tmp_path, {})


def test_a_model_that_reads_captions_does_not_leave_torch(tmp_path: Path) -> None:
    reader = toy(replace(TOY, small=replace(TOY.small, conditioners=SmallConditionerParams(16, words=5))))  # type: ignore[type-var]
    with pytest.raises(RecipeError, match=r"export: a model that reads captions found; exported ones know tags alone"):
        export_frdm(reader, tmp_path, {})
    assert not list(tmp_path.iterdir())
