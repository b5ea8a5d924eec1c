"""Nets as ONNX files that run without torch: half-precision weights, single-precision sums, and a description inside.

Source: ONNX (the file format and its operators).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from frdm.model.eye import Eye
from frdm.runtime.eye_layout import CELL, FULL, HALF, SLOTS

OPSET = 18


def export_eye(net: Eye, path: Path, about: Mapping[str, Any]) -> str:
    """Write the net under `path`; the file's sha256. `about` is kept in its metadata as JSON; values are rounded to half precision."""
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
    model = program.model_proto
    without_traces(model)
    with_half_weights(model)
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


def with_half_weights(model: Any) -> None:
    """Store every large weight with 16 bits, followed by a cast that ONNX Runtime folds away when it loads the file; in place."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < 64:
            continue
        short = f"{weight.name}.half"
        casts.append(helper.make_node("Cast", [short], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), short))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
