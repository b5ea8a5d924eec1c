"""Nets as ONNX files that run without torch: half-precision weights, single-precision sums, and a description inside.

Source: ONNX (the file format and its operators).
"""

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from frdm.diffusion.tags import TAGS
from frdm.errors import RecipeError
from frdm.model.attention import Memory
from frdm.model.checkpoint import FEW
from frdm.model.conditioners import TagEncoder
from frdm.model.eye import Eye
from frdm.model.frdm import Conditions, Frdm, Where
from frdm.model.guidance import Seen
from frdm.runtime.eye_layout import CELL, FULL, HALF, SLOTS

OPSET = 18
WHOLE = 11  # significant bits of half precision


def export_eye(net: Eye, path: Path, about: Mapping[str, Any], *, bits: int = WHOLE) -> str:
    """Write the net under `path`; the file's sha256. `about` is kept in its metadata as JSON; values are rounded to half precision, and to
    so many significant `bits`.
    """
    net = net.eval().float().to("cpu")
    sides = 4 * CELL, 5 * CELL
    full, half = torch.zeros(1, len(FULL), *sides), torch.zeros(1, len(HALF), *(side // 2 for side in sides))
    rows, columns = torch.export.Dim("rows", min=1, max=1024), torch.export.Dim("columns", min=1, max=1024)
    shapes = {
        "full": {2: CELL * rows, 3: CELL * columns},
        "half": {2: CELL // 2 * rows, 3: CELL // 2 * columns},
        "offsets": {},
    }
    names = ["full", "half", "offsets"]
    program = torch.onnx.export(
        net,
        (full, half, torch.zeros(1, SLOTS)),
        dynamo=True,
        opset_version=OPSET,
        input_names=names,
        output_names=["logits"],
        dynamic_shapes=shapes,
        verbose=False,
    )
    assert program is not None
    return _finished(program.model_proto, path, about, bits)


def _finished(model: Any, path: Path, about: Mapping[str, Any], bits: int = WHOLE) -> str:
    """Write an exported net, small and with its description, under its name only when whole; its sha256."""
    without_traces(model)
    with_half_weights(model, bits)
    model.metadata_props.add(key="about", value=json.dumps(about, sort_keys=True, ensure_ascii=False))
    data = model.SerializeToString(deterministic=True)
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
    return hashlib.sha256(data).hexdigest()


def without_traces(model: Any) -> None:
    """Take out what the exporter notes of our source and torch's: it tells no one anything and weighs as much as the net; in place."""
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""


def shortened(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Values rounded to so many significant bits: the same file of 16 bits each, which packs the better the fewer there are. With those of
    half precision as they are: rounded twice, the smallest would differ.
    """
    if bits >= WHOLE:
        return values
    share, power = np.frexp(values)
    out: NDArray[Any] = np.ldexp(np.rint(share * 2**bits) / 2**bits, power)
    return out


def with_short_names(model: Any) -> None:
    """Call everything between inputs and outputs by a number: the exporter's paths weigh as much as a tenth of the weights; in place."""
    graph = model.graph
    names = {one.name: one.name for one in (*graph.input, *graph.output)} | {"": ""}  # an empty name is an input left out
    for node in graph.node:
        assert not any(one.HasField("g") for one in node.attribute), "a graph inside of a node has names of its own"
        node.ClearField("name")
    for weight in graph.initializer:
        weight.name = names.setdefault(weight.name, f"w{len(names)}")
    for node in graph.node:
        for side in (node.input, node.output):
            side[:] = [names.setdefault(name, f"v{len(names)}") for name in side]
    del graph.value_info[:]


def with_half_weights(model: Any, bits: int = WHOLE) -> None:
    """Store every large weight with 16 bits, `bits` of them significant, followed by a cast that ONNX Runtime folds away when it loads the
    file; in place.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < FEW:
            continue
        short = f"{weight.name}.half"
        casts.append(helper.make_node("Cast", [short], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(numpy_helper.from_array(shortened(values, bits).astype(np.float16), short))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]


@dataclass(frozen=True, slots=True)
class FrdmFiles:
    """Two nets of one model and their sha256: what is asked once a tile, and what is asked at every step."""

    see: Path
    step: Path
    see_sha256: str
    step_sha256: str


class _See(nn.Module):
    """All that a tile is told, from its pictures: the first of the two nets."""

    names = ("features", "local", "whole_latent", "prompt", "frame", "origin", "picture")

    def __init__(self, model: Frdm) -> None:
        super().__init__()
        self.model = model

    def forward(self, degraded: Tensor, matte: Tensor, whole: Tensor, tags: Tensor, box: Tensor, size: Tensor) -> tuple[Tensor, ...]:
        """The tensors of `names`; `picture` is the preprocess module's own restoration (the tile itself where that is off)."""
        conditions = self.model.see_tiles(degraded, Where(box, size), self.model.see_whole(whole, tags), matte)
        seen = conditions.seen
        picture = conditions.pictures[0] if conditions.pictures else degraded
        return seen.features, seen.local, seen.whole, seen.prompt, seen.frame, seen.origin, picture


class _Step(nn.Module):
    """One denoising: the second net. Edges of neighbours lie in lists by layer; where `present` is 0 they are not heard."""

    def __init__(self, model: Frdm) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor, t: Tensor, seen: list[Tensor], heard: list[Tensor], present: Tensor) -> tuple[Tensor, ...]:
        """The prediction, then right and lower edges by layer."""
        half = len(heard) // 2
        memory = Memory(tuple(heard[:half]), tuple(heard[half:]), present) if heard else None
        conditions = Conditions(Seen(*seen), seen[3], ())
        prediction, edges = self.model.denoise_and_keep(z, t, conditions, memory)
        return prediction, *edges.right, *edges.lower


def export_frdm(model: Frdm, folder: Path, about: Mapping[str, Any], *, name: str = "hand") -> FrdmFiles:
    """Write `name`_see.onnx and `name`_step.onnx of a compact model for tiles of its own size, any number at once.

    Edges are inputs `left_K`, `upper_K` and outputs `right_K`, `lower_K` of self-attention K. Raises `RecipeError` for the size paper
    and for a model that reads captions.
    """
    if model.params.small is None:
        raise RecipeError("export: a model of size paper found; only compact models leave torch; keep this one with --keep FILE")
    if not isinstance(model.backbone.prompts, TagEncoder):
        raise RecipeError(
            "export: a model that reads captions found; exported ones know tags alone, train with conditioners that read tags"
        )
    model = model.eval().float().to("cpu")
    told = {**about, "params": asdict(model.params)}
    see, step = folder / f"{name}_see.onnx", folder / f"{name}_step.onnx"
    with torch.no_grad():
        shown = _example(model)
        seen = _See(model)(*shown)
        z, t = torch.zeros_like(seen[1]), torch.ones(seen[1].shape[0])
        kept = _Step(model)(z, t, list(seen[:6]), [], torch.zeros(2, 2))[1:]
    first = _written(_See(model).eval(), shown, see, (("degraded", "matte", "whole", "tags", "box", "size"), _See.names), told)
    layers = range(len(kept) // 2)
    heard = [f"{side}_{k}" for side in ("left", "upper") for k in layers] if model.params.modules.memory else []
    names = ("z", "t", *_See.names[:6], *heard, "present"), ("prediction", *(f"{side}_{k}" for side in ("right", "lower") for k in layers))
    inputs = (z, t, list(seen[:6]), list(kept) if heard else [], torch.ones(2, 2))
    return FrdmFiles(see, step, first, _written(_Step(model).eval(), inputs, step, names, told))


def _example(model: Frdm) -> tuple[Tensor, ...]:
    """Two tiles of nothing in particular."""
    params, planes = model.params, model.backbone.codec.planes
    pictures = torch.full((2, planes, params.frames, params.side, params.side), 0.5)
    box = torch.tensor([[0.0, 0.0, params.side, params.side]]).expand(2, -1)
    tags = torch.zeros(2, len(TAGS), dtype=torch.int64)
    return pictures, pictures[:, :1] * 0, pictures, tags, box, box[:, 2:] * 2


def _written(net: nn.Module, inputs: tuple[Any, ...], path: Path, names: tuple[Any, Any], about: Mapping[str, Any]) -> str:
    """The net as a file with any number of tiles as the first axis; its sha256.

    By torch's older exporter: for these nets the newer one takes 25 times as long (31 s of processor time against 1.2 s for the first net
    of a toy model), and every shape but the number of tiles is fixed, which is all that the older one can do.
    """
    import onnx

    part = path.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is older, and that checks of shapes are left out of the file
        torch.onnx.export(
            net,
            inputs,
            str(part),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(names[0]),
            output_names=list(names[1]),
            dynamic_axes={name: {0: "tiles"} for name in (*names[0], *names[1])},
        )
    model = onnx.load(part)
    with_short_names(model)
    return _finished(model, path, about)
