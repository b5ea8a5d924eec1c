"""A hand of two ONNX files that is no net: where a pixel lies far from the median of a tile's frames it shows the median. On film that
stands still that is a restorer, with a matte or without one.
"""

import json
from pathlib import Path
from typing import Any

FACTOR, SCALE, FRAMES = 4, 2.0, 5
OPSET, IR = 18, 9


def write_hand(folder: Path, *, side: int = 32, far: float = 0.12, heard: float = 0.0) -> Path:
    """Both files in `folder`. `far`: levels from the median at which a pixel is replaced. `heard`: what each tag's number adds."""
    from onnx import TensorProto, helper

    folder.mkdir(parents=True, exist_ok=True)
    cells, channels = side // FACTOR, 3 * FACTOR**2

    def value(name: str, *shape: int, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor_value_info(name, kind, ["tiles", *shape])

    pictures, latents = (3, FRAMES, side, side), (channels, FRAMES, cells, cells)
    inputs = [value(name, *pictures) for name in ("degraded", "whole")] + [
        value("matte", 1, *pictures[1:]),
        value("box", 4),
        value("size", 2),
    ]
    inputs.append(value("tags", 5, kind=TensorProto.INT64))
    node = helper.make_node
    constants = {"half": [FRAMES // 2 + 1], "cut": [0, 0, FRAMES // 2, 0, 0], "end": [9, 9, FRAMES // 2 + 1, 9999, 9999]}
    shapes = {"split": [0, 3, FRAMES, cells, FACTOR, cells, FACTOR], "merged": [0, *latents]}
    nodes = [
        node("TopK", ["degraded", "half"], ["sorted", "places"], axis=2),
        node("Slice", ["sorted", "cut", "end"], ["median"]),
        node("Sub", ["degraded", "median"], ["apart"]),
        node("Abs", ["apart"], ["distance"]),
        node("Greater", ["distance", "far"], ["astray"]),
        node("Where", ["astray", "median", "degraded"], ["mended"]),
        node("Reshape", ["mended", "split"], ["cells"]),
        node("Transpose", ["cells"], ["moved"], perm=[0, 1, 4, 6, 2, 3, 5]),
        node("Reshape", ["moved", "merged"], ["packed"]),
        node("Mul", ["packed", "twice"], ["stretched"]),
        node("Sub", ["stretched", "scale"], ["local"]),
        node("Cast", ["tags"], ["prompt"], to=TensorProto.FLOAT),
        *(node("Identity", ["box"], [name]) for name in ("features", "whole_latent", "frame", "origin")),
    ]
    floats = {"far": far, "twice": 2 * SCALE, "scale": SCALE}
    seen = [value("local", *latents), value("prompt", 5), *(value(name, 4) for name in ("features", "whole_latent", "frame", "origin"))]
    weights = [helper.make_tensor(name, TensorProto.INT64, [len(v)], v) for name, v in (constants | shapes).items()]
    weights += [helper.make_tensor(name, TensorProto.FLOAT, [1], [v]) for name, v in floats.items()]
    _save(folder / "hand_see.onnx", helper.make_graph(nodes, "see", inputs, seen, weights), side)

    steps = [
        node("ReduceSum", ["prompt", "axis"], ["sum"], keepdims=1),
        node("Mul", ["sum", "heard"], ["more"]),
        node("Reshape", ["more", "wide"], ["added"]),
        node("Add", ["local", "added"], ["prediction"]),
    ]
    weights = [helper.make_tensor("axis", TensorProto.INT64, [1], [1]), helper.make_tensor("wide", TensorProto.INT64, [5], [0, 1, 1, 1, 1])]
    weights.append(helper.make_tensor("heard", TensorProto.FLOAT, [1], [2 * SCALE * heard]))
    shown = [value("local", *latents), value("prompt", 5), value("z", *latents), value("t"), value("present", 2)]
    _save(folder / "hand_step.onnx", helper.make_graph(steps, "step", shown, [value("prediction", *latents)], weights), side)
    return folder


def _save(path: Path, graph: Any, side: int) -> None:
    """The graph with what an export says of its model."""
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    params = {
        "frames": FRAMES,
        "side": side,
        "schedule": {"curve": "cosine", "predicts": "clean"},
        "small": {"codec": {"factor": FACTOR, "scale": SCALE}},
    }
    model.metadata_props.add(key="about", value=json.dumps({"params": params}))
    path.write_bytes(model.SerializeToString())
