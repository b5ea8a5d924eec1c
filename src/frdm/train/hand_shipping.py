"""From a run of the hand to the files that ship, and their entries in the list of weights."""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from frdm.errors import DatasetError
from frdm.model.checkpoint import params_from, save_model
from frdm.model.export import export_frdm
from frdm.model.frdm import Frdm
from frdm.model.loading import BackboneFolders, open_backbone
from frdm.runtime.weights import LIST
from frdm.train.hand import read_checkpoint
from frdm.train.hand_shipped import REST, write_rest

MOST = 12 * 2**20  # bytes that both nets may weigh together


def load_hand_run(checkpoint: Path, *, backbone: Path | None = None) -> tuple[Frdm, int]:
    """The model of a run with its averaged weights, and the number of steps it learned. Raises `DatasetError`."""
    state = read_checkpoint(checkpoint)
    settings = json.loads(state["settings"])
    params = params_from(settings["params"], str(checkpoint))
    if params.small is None and backbone is None:
        raise DatasetError(f"{checkpoint}: was trained around a pretrained backbone; give its folder with --backbone DIR")
    model = Frdm(params, open_backbone(BackboneFolders(backbone)) if params.small is None and backbone is not None else None)
    try:
        model.load_state_dict(state["kept"], strict=False)
    except RuntimeError:
        raise DatasetError(f"{checkpoint}: weights of another shape found; it was made by another frdm, train it again with this") from None
    return model.eval(), int(state["step"])


def stage_of(checkpoint: Path) -> str:
    """Which stage a run is of."""
    stage: str = json.loads(read_checkpoint(checkpoint)["settings"])["stage"]
    return stage


def size_of(checkpoint: Path) -> str:
    """Which size a run's model is of: compact or paper."""
    return params_from(json.loads(read_checkpoint(checkpoint)["settings"])["params"], str(checkpoint)).size


def ship_hand(checkpoint: Path, folder: Path, *, name: str, data: str, licence: str) -> str:
    """Export a run to `folder`/`name`_see.onnx and _step.onnx, beside them `name`_rest.npz for a training to begin from, and list all three
    there; a sentence. Raises `DatasetError`.
    """
    if stage_of(checkpoint) != "frdm":
        raise DatasetError(f"{checkpoint}: a run of the first stage found, which knows no diffusion; train the second with --start")
    if size_of(checkpoint) == "paper":
        raise DatasetError(
            f"{checkpoint}: a model of size paper found, which does not leave torch; keep it with --keep FILE --backbone DIR"
        )
    model, steps = load_hand_run(checkpoint)
    about = {
        "net": "hand",
        "weights": sum(one.numel() for one in model.parameters()),
        "steps": steps,
        "data": data,
        "licence": licence,
        "made": time.strftime("%Y-%m-%d"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        files = export_frdm(model, Path(place), about, name=name)
        rest = Path(place) / f"{name}{REST}"
        sums = files.see_sha256, files.step_sha256, write_rest(model, files, rest)
        made = files.see, files.step, rest
        paths = [folder / part.name for part in made]
        size = files.see.stat().st_size + files.step.stat().st_size
        if size > MOST:
            raise DatasetError(
                f"{paths[0]}: {size / 2**20:.1f} MiB with {paths[1].name}, {MOST / 2**20:.0f} MiB at most; train a smaller model"
            )
        for part, path in zip(made, paths, strict=True):
            part.replace(path)
    listed = folder / LIST
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
    for path, sha256 in zip(paths, sums, strict=True):
        known[path.stem] = {"sha256": sha256, **about}
    part = listed.with_suffix(".part")
    part.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(listed)
    return f"{paths[0]}, {paths[1].name}: {size / 2**20:.2f} MiB, {about['weights']:,} weights, {steps} steps; {paths[2].name}"


def keep_hand(checkpoint: Path, path: Path, *, backbone: Path | None = None, half: bool = False) -> None:
    """Store a run's averaged weights for torch, such as another training to begin from; `half`: with half precision. Raises
    `DatasetError`.
    """
    state = read_checkpoint(checkpoint)
    model, steps = load_hand_run(checkpoint, backbone=backbone)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, path, {"steps": steps, "stage": stage_of(checkpoint)}, backbone=state.get("backbone", ""), half=half)
