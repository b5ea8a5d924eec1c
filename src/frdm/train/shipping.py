"""From a checkpoint to the file that ships, and its entry in the list of weights."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from frdm.errors import DatasetError
from frdm.model.export import WHOLE, export_eye
from frdm.model.eye import Eye, EyeParams
from frdm.runtime.weights import LIST

Learned = dict[str, Any]  # how weights came to be: `steps` of one training, or the `mean` of several, each file with how its own came to be


def load_eye(checkpoint: Path) -> tuple[Eye, int]:
    """The averaged net of a checkpoint, and the number of steps it learned. Raises `DatasetError`."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        params = state["settings"]["params"]
        net = Eye(EyeParams(tuple(params["widths"]), tuple(params["blocks"]), params["alone"]))
        net.load_state_dict(state["kept"])
    except (OSError, KeyError, RuntimeError) as error:
        raise DatasetError(f"{checkpoint}: no checkpoint of the eye ({error}); give a run's checkpoint.pt") from None
    return net.eval(), int(state["step"])


def load_mean(checkpoint: Path, others: Sequence[Path] = ()) -> tuple[Eye, Learned]:
    """`load_eye`, or the mean of its weights and those of other trainings of the same net (safetensors), each counting alike: trainings
    that went on from one another lie in one valley, and their mean is often better than either. Beside it how they came to be;
    steps that a file does not tell are None. Source: Wortsman 2022.
    """
    net, steps = load_eye(checkpoint)
    if not others:
        return net, {"steps": steps}
    mean = {name: value.double() for name, value in net.state_dict().items()}
    learned = [{"file": _short(checkpoint), "steps": steps}]
    for path in others:
        state, said = _kept(path)
        if {name: value.shape for name, value in state.items()} != {name: value.shape for name, value in mean.items()}:
            raise DatasetError(f"--mean {path}: weights of another net found; give those of a net of the same widths and blocks")
        mean = {name: value + state[name].double() for name, value in mean.items()}
        learned.append({"file": _short(path), **said})
    own = net.state_dict()
    net.load_state_dict({name: (value / len(learned)).to(own[name].dtype) for name, value in mean.items()})
    return net, {"mean": learned}


def _kept(path: Path) -> tuple[dict[str, torch.Tensor], Learned]:
    """What `keep` wrote: weights, and how they came to be. Raises `DatasetError`."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(path, "pt") as file:
            said = (file.metadata() or {}).get("learned")
        return load_file(path), json.loads(said) if said else {"steps": None}
    except (OSError, SafetensorError, ValueError) as error:
        raise DatasetError(f"--mean {path}: can't be read ({error}); give weights that `frdm train export --keep` wrote") from None


def _short(path: Path) -> str:
    """A file's name with that of its folder: a run's checkpoint is called alike in all."""
    return "/".join(path.absolute().parts[-2:])


def keep(checkpoint: Path, path: Path, *, others: Sequence[Path] = ()) -> None:
    """Store a checkpoint's averaged weights with half precision, for another training to begin from; `others` as for `load_mean`.
    Raises `DatasetError`.
    """
    from safetensors.torch import save_file

    net, learned = load_mean(checkpoint, others)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()}
    save_file({name: value.contiguous() for name, value in state.items()}, path, {"learned": json.dumps(learned)})


def ship(checkpoint: Path, path: Path, *, data: str, licence: str, others: Sequence[Path] = (), bits: int = WHOLE) -> str:
    """Export a checkpoint to `path` (.onnx) and list it beside it; `others` as for `load_mean`, `bits` as for `export_eye`; a sentence.
    Raises `DatasetError`.
    """
    net, learned = load_mean(checkpoint, others)
    about = {
        "net": "eye",
        "widths": list(net.params.widths),
        "blocks": list(net.params.blocks),
        "alone": net.params.alone,
        "weights": sum(p.numel() for p in net.parameters()),
        **learned,
        "data": data,
        "licence": licence,
        "made": time.strftime("%Y-%m-%d"),
        "bits": bits,
    }
    sha256 = export_eye(net, path, about, bits=bits)
    listed = path.with_name(LIST)
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
    known[path.stem] = {"sha256": sha256, **about}
    listed.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    what = f"the mean of {len(learned['mean'])} trainings, " if "mean" in learned else ""
    return f"{path}: {what}{path.stat().st_size / 2**20:.2f} MiB, {about['weights']:,} weights, sha256 {sha256[:12]}…"
