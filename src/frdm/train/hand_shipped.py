"""An exported hand put together again for torch: what lets a training begin from the hand that ships.

The two ONNX files hold nearly every weight, under names that the exporter made up. A third, small file says which weight lies where and how
the model is built, and holds the few weights that lie in neither: those that restoring doesn't ask for, and those that the exporter worked
into other numbers.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from frdm.arrays import read_arrays
from frdm.errors import WeightsError
from frdm.model.checkpoint import FEW, params_from
from frdm.model.export import FrdmFiles
from frdm.model.frdm import Frdm, FrdmParams
from frdm.runtime.weights import LIST

SHIPPED = "shipped"  # what `--start` calls the hand in the package
KIND = "frdm hand rest 1"
ABOUT = "about"  # the array that says all but numbers, as JSON
REST = "_rest.npz"  # after the hand's name

Place = tuple[int, str, bool, tuple[int, ...]]  # which net, the name there, whether it lies there transposed; the weight's shape
Key = tuple[str, bytes]  # kind of number, all numbers row by row


@dataclass(frozen=True, slots=True, eq=False)
class HandState:
    """How a hand is built, and all its weights in single precision, by their names in `Frdm`."""

    params: FrdmParams
    weights: dict[str, Tensor]


def write_rest(model: Frdm, nets: FrdmFiles, path: Path) -> str:
    """Write what the two files `nets`, exported from `model`, leave unsaid, under its name only when whole; its sha256.

    A weight is found by all of its numbers as they were stored; where several are equal, any of them will do.
    """
    known: dict[Key, tuple[int, str]] = {}
    for number, net in enumerate((nets.see, nets.step)):
        for name, values in _numbers(net.read_bytes()).items():
            known.setdefault(_key(values), (number, name))
    places: dict[str, Place] = {}
    left: dict[str, NDArray[Any]] = {}
    for name, weight in model.learning():
        values = weight.detach().cpu().numpy().astype(np.float32 if weight.numel() < FEW else np.float16)
        place = _place(values, known)
        if place is None:
            left[name] = values
        else:
            places[name] = place
    told = {"kind": KIND, "params": asdict(model.params), "nets": [nets.see_sha256, nets.step_sha256], "places": places}
    arrays: dict[str, Any] = {ABOUT: np.frombuffer(json.dumps(told).encode(), np.uint8), **left}
    data = BytesIO()
    np.savez_compressed(data, **arrays)
    part = path.with_suffix(".part")
    part.write_bytes(data.getvalue())
    part.replace(path)
    return hashlib.sha256(data.getvalue()).hexdigest()


def read_hand(folder: Path) -> HandState:
    """The hand whose files lie in a folder as `frdm train export-hand` writes them. Raises `WeightsError` where they are not the listed."""
    rest = _only_rest(folder)
    name = rest.name.removesuffix(REST)
    paths = [rest, *(folder / f"{name}_{net}.onnx" for net in ("see", "step"))]
    listed = _listed(folder / LIST)
    contents = [_checked(path, listed) for path in paths]
    told, left = _opened(rest, contents[0])
    for path, data, wanted in zip(paths[1:], contents[1:], [*told.get("nets", ()), "", ""], strict=False):
        if hashlib.sha256(data).hexdigest() != wanted:
            raise WeightsError(f"{path}: of another export than {rest.name}; take all three files from one")
    numbers = [_numbers(data) for data in contents[1:]]
    try:
        values = {weight: _at(place, numbers) for weight, place in told["places"].items()}
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise WeightsError(f"{rest}: doesn't fit the nets beside it ({error!r}); export the hand again with this frdm") from None
    weights = {weight: torch.from_numpy(one.astype(np.float32)) for weight, one in {**values, **left}.items()}
    return HandState(params_from(told["params"], str(rest)), weights)


def shipped_hand() -> HandState:
    """The hand that ships with frdm. Raises `WeightsError`."""
    with as_file(files("frdm.runtime")) as folder:
        return read_hand(folder)


# Where numbers lie --------------------------------------------------------------------------------------------------------------------


def _numbers(net: bytes) -> dict[str, NDArray[Any]]:
    """The stored numbers of a net, by their names there, in the precision that they are stored with."""
    try:
        from onnx import load_model_from_string, numpy_helper
    except ImportError:
        raise WeightsError("--start: onnx is not installed, which reads an exported hand; run `pip install 'frdm[train]'`") from None
    found = {one.name: numpy_helper.to_array(one) for one in load_model_from_string(net).graph.initializer}
    return {name: values for name, values in found.items() if values.dtype.kind == "f"}


def _key(values: NDArray[Any]) -> Key:
    return values.dtype.name, values.tobytes()


def _place(values: NDArray[Any], known: Mapping[Key, tuple[int, str]]) -> Place | None:
    """Where exactly these numbers lie, if anywhere."""
    for transposed in (False, True) if values.ndim == 2 else (False,):
        found = known.get(_key(values.T if transposed else values))
        if found is not None:
            return *found, transposed, values.shape
    return None


def _at(place: Place, numbers: Sequence[Mapping[str, NDArray[Any]]]) -> NDArray[Any]:
    """The numbers of a place, in the weight's shape."""
    net, name, transposed, shape = place
    values = numbers[net][name]
    return values.reshape(shape[::-1]).T if transposed else values.reshape(shape)


# Files --------------------------------------------------------------------------------------------------------------------------------


def _only_rest(folder: Path) -> Path:
    """The third file of the one hand in a folder."""
    found = sorted(path.name for path in folder.glob(f"*{REST}"))
    if not found:
        raise WeightsError(f"{folder}: no hand{REST} in it; give a folder that `frdm train export-hand` of this frdm wrote")
    if len(found) > 1:
        raise WeightsError(f"{folder}: {found[0]} and {found[1]} found, one hand wanted; export each into a folder of its own")
    return folder / found[0]


def _listed(path: Path) -> dict[str, str]:
    """The sha256 that each file should have, by its name without ending."""
    try:
        return {str(name): str(one["sha256"]) for name, one in json.loads(_read(path)).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: no list of weights ({error!r}); export the hand again") from None


def _checked(path: Path, listed: Mapping[str, str]) -> bytes:
    """What a file holds, if it is the one that is listed."""
    data = _read(path)
    found, wanted = hashlib.sha256(data).hexdigest(), listed.get(path.stem)
    if wanted is None:
        raise WeightsError(f"{path}: not listed in {LIST} beside it; export the hand again")
    if found != wanted:
        raise WeightsError(f"{path}: sha256 {found[:12]}… found, {wanted[:12]}… wanted by {LIST}; the file was changed, fetch it again")
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror}); give a folder as `frdm train export-hand` writes it") from None


def _opened(path: Path, data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What the third file says, and the weights that it holds."""
    try:
        arrays = read_arrays(data)
        told: dict[str, Any] = json.loads(arrays.pop(ABOUT).tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: can't be read ({error}); export the hand again") from None
    if told.get("kind") != KIND:
        raise WeightsError(f"{path}: {told.get('kind', 'no kind')} found, {KIND} wanted; export the hand again with this frdm")
    return told, arrays
