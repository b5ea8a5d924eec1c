"""A trained model as one file: the weights that learned, how the model is built, and which backbone it belongs to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from frdm.errors import WeightsError
from frdm.model.frdm import Frdm, FrdmParams
from frdm.model.loading import BackboneFolders, check_schedule, fingerprint, open_backbone

KIND = "frdm model 1"
FEW = 64  # numbers of a weight below which half precision saves nothing


def save_model(model: Frdm, path: Path, about: dict[str, Any], *, backbone: str = "", half: bool = False) -> None:
    """Write what learned, under its final name only when whole. `backbone` is the `fingerprint` of what stays as it was; `half`: values
    are rounded to half precision, those of weights of `FEW` numbers and more, as exported nets have them.
    """
    from safetensors.torch import save_file

    learned = {name for name, _ in model.learning()}
    values = {name: value for name, value in model.state_dict().items() if name in learned}
    kept = {name: (value.half() if half and value.numel() >= FEW else value).contiguous() for name, value in values.items()}
    told = {"kind": KIND, "params": json.dumps(asdict(model.params)), "backbone": backbone, "about": json.dumps(about, ensure_ascii=False)}
    part = path.with_name(path.name + ".part")
    save_file(kept, part, metadata=told)
    part.replace(path)


def described(path: Path) -> tuple[FrdmParams, dict[str, Any]]:
    """How the model of a file is built, and what was written about it; no weights are read. Raises `WeightsError`."""
    with _open(path) as file:
        told = _told(file, path)
    return params_from(json.loads(told["params"]), str(path)), json.loads(told.get("about", "{}"))


def load_model(path: Path, folders: BackboneFolders | None = None) -> Frdm:
    """The model of a file, on the processor, in evaluation mode. Raises `WeightsError` on a file or backbone that doesn't fit."""
    weights, told = _read(path)
    params = params_from(json.loads(told["params"]), str(path))
    backbone = None
    if params.small is None:
        if folders is None:
            raise WeightsError(f"{path}: was trained around a pretrained backbone; give its folder with --backbone DIR")
        check_schedule(folders.folder, params.schedule)
        if told["backbone"] and told["backbone"] != fingerprint(folders):
            raise WeightsError(f"{path}: was trained around another backbone than {folders.folder}; give the one that its card names")
        backbone = open_backbone(folders)
    model = Frdm(params, backbone)
    missing, unknown = model.load_state_dict(weights, strict=False)
    learned = {name for name, _ in model.learning()}
    lost = sorted({*unknown, *(name for name in missing if name in learned)})
    if lost:
        raise WeightsError(f"{path}: {lost[0]} and {len(lost) - 1} more don't fit the model it describes; train it again with this version")
    return model.eval()


def params_from(values: dict[str, Any], where: str) -> FrdmParams:
    """Params from nested tables. Raises `WeightsError` on names and values that this version doesn't know."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    adapter: TypeAdapter[FrdmParams] = TypeAdapter(with_config(ConfigDict(extra="forbid"))(FrdmParams))
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WeightsError(f"{where}: params: {place}: {first['msg']}, found {first['input']!r}; it was made by another version") from None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with _open(path) as file:
        told = _told(file, path)
        return {name: file.get_tensor(name) for name in file.keys()}, told  # noqa: SIM118 (no mapping)


def _told(file: Any, path: Path) -> dict[str, str]:
    told = dict(file.metadata() or {})
    if told.get("kind") != KIND:
        raise WeightsError(f"{path}: {told.get('kind', 'weights of no kind')} found, {KIND} wanted; give a model that frdm trained")
    return told


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """The file, open. Raises `WeightsError` where it, or what is asked of it, can't be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: can't be read ({str(error).splitlines()[0]}); give a file that frdm train wrote") from None
