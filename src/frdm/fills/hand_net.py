"""The hand's two ONNX files as one net for inference: the first sees a tile once, the second is asked at every step.

Their codec lays pixels of f × f as channels (HaineiFRDM's autoencoder is the other size's); it is done here, for it is two lines.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.asking import Conditions, Place
from frdm.diffusion.planning import Offload
from frdm.diffusion.schedule import Schedule
from frdm.errors import WeightsError
from frdm.runtime.session import Net
from frdm.runtime.weights import LIST, find_weights

NAMES = ("hand_see", "hand_step")
SUMS = "SHA256SUMS"  # as sha256sum writes it; beside the files, where their folder has one
HELD = 64  # tiles whose looks are remembered: the grid moves, so that few places are met again
SEEN = ("features", "local", "whole_latent", "prompt", "frame", "origin")

Arrays = dict[str, NDArray[Any]]


class Part(Net):
    """One of the two files, with what it is called with and what it says of itself."""

    def every(self, **inputs: NDArray[Any]) -> Arrays:
        """All outputs by their names; inputs that the net does not take are left out."""
        wanted = {one.name for one in self._session.get_inputs()}
        names = [one.name for one in self._session.get_outputs()]
        made = self._session.run(names, {name: value for name, value in inputs.items() if name in wanted})
        return dict(zip(names, made, strict=True))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every input, without its first axis, the number of tiles."""
        return {one.name: tuple(one.shape[1:]) for one in self._session.get_inputs()}

    @property
    def about(self) -> dict[str, Any]:
        """What was written into the file with the weights."""
        told: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map.get("about", "{}"))
        return told


@dataclass(frozen=True, slots=True)
class HandParams:
    """What of a model's params must be known to run it."""

    schedule: Schedule
    frames: int
    side: int  # px of a tile
    factor: int
    scale: float = 1.0  # of the latents, where the codec is done here

    @staticmethod
    def of(about: Mapping[str, Any]) -> "HandParams":
        """From what `frdm.model.export` writes into its files. Raises `WeightsError`."""
        try:
            params = about["params"]
            codec = params["small"]["codec"]
            schedule = Schedule(params["schedule"]["curve"], params["schedule"]["predicts"])
            return HandParams(schedule, int(params["frames"]), int(params["side"]), int(codec["factor"]), float(codec["scale"]))
        except (KeyError, TypeError, ValueError):
            raise WeightsError("weights hand_step: they don't say how they were made; export them again with this frdm") from None


@dataclass(slots=True)
class Edges:
    """What the tiles of one step leave at their edges, until their neighbours have asked for it."""

    right: dict[Place, list[NDArray[Any]]] = field(default_factory=dict)
    lower: dict[Place, list[NDArray[Any]]] = field(default_factory=dict)


class HandNet:
    """The hand for one call of `frdm.diffusion.inference.restore`: it remembers what it saw of each tile."""

    def __init__(self, see: Part, step: Part, params: HandParams) -> None:
        self.params, self._see, self._step = params, see, step
        self._shapes = step.shapes
        self._layers = sum(name.startswith("left_") for name in self._shapes)
        self._seen: dict[tuple[Any, ...], list[NDArray[Any]]] = {}

    @property
    def schedule(self) -> Schedule:
        """See `frdm.diffusion.asking.Net`, as of all below."""
        return self.params.schedule

    @property
    def factor(self) -> int:
        return self.params.factor

    def hold(self, array: NDArray[Any], offload: Offload) -> NDArray[Any]:
        return array

    def encode(self, frames: NDArray[Any]) -> NDArray[Any]:
        (planes, length, height, width), f = frames.shape, self.params.factor
        cells = frames.reshape(planes, length, height // f, f, width // f, f).transpose(0, 3, 5, 1, 2, 4)
        latents = cells.reshape(planes * f * f, length, height // f, width // f)
        return np.asarray((2 * latents - 1) * np.float32(self.params.scale), np.float32)

    def decode(self, latents: NDArray[Any]) -> NDArray[Any]:
        (channels, length, height, width), f = latents.shape, self.params.factor
        cells = latents.reshape(channels // f**2, f, f, length, height, width).transpose(0, 3, 4, 1, 5, 2)
        pixels = cells.reshape(channels // f**2, length, height * f, width * f)
        return np.asarray((pixels / np.float32(self.params.scale) + 1) / 2, np.float32)

    def memory(self) -> Edges | None:
        return Edges() if self._layers else None

    def denoise(self, z: NDArray[Any], t: float, conditions: Conditions) -> NDArray[np.float32]:
        heard = self._heard(conditions) if self._layers else {"present": np.zeros((len(z), 2), np.float32)}
        made = self._step.every(z=z, t=np.full(len(z), t, np.float32), **self._all_seen(conditions), **heard)
        if conditions.memory is not None:
            for number, place in enumerate(conditions.places):
                conditions.memory.right[place] = [made[f"right_{k}"][number] for k in range(self._layers)]
                conditions.memory.lower[place] = [made[f"lower_{k}"][number] for k in range(self._layers)]
        prediction: NDArray[np.float32] = made["prediction"]
        return prediction

    def _heard(self, conditions: Conditions) -> Arrays:
        """The edges of left and upper neighbours, zeros where there are none, and which of them there are."""
        memory = conditions.memory or Edges()
        sides = {
            "left": [memory.right.pop((w, row, column - 1), None) for w, row, column in conditions.places],
            "upper": [memory.lower.pop((w, row - 1, column), None) for w, row, column in conditions.places],
        }
        out: Arrays = {"present": np.array([[a is not None, b is not None] for a, b in zip(*sides.values(), strict=True)], np.float32)}
        for side, edges in sides.items():
            for k in range(self._layers):
                name = f"{side}_{k}"
                absent = np.zeros(self._shapes[name], np.float32)
                out[name] = np.stack([absent if one is None else one[k] for one in edges])
        return out

    def _all_seen(self, conditions: Conditions) -> Arrays:
        """What the first file says of the tiles; those that it has not seen yet, or has forgotten, are shown to it."""
        keys = [_look(conditions, number) for number in range(len(conditions.frames))]
        new = list({key: number for number, key in enumerate(keys) if key not in self._seen}.values())
        known = {key: self._seen[key] for key in keys if key in self._seen}
        if new:
            made = self._see.every(**_shown(conditions, new, self._see.shapes["tags"]))
            known |= {keys[number]: [made[name][place] for name in SEEN] for place, number in enumerate(new)}
        self._seen |= known
        for key in list(self._seen)[: max(0, len(self._seen) - HELD)]:
            del self._seen[key]
        return {name: np.stack([known[key][k] for key in keys]) for k, name in enumerate(SEEN)}


def _look(conditions: Conditions, number: int) -> tuple[Any, ...]:
    """What tells one look at a tile from another: when and where it lies, and what is suspected there."""
    matte = b"" if conditions.matte is None else conditions.matte[number].tobytes()
    return conditions.frames[number], *conditions.boxes[number].tolist(), hashlib.sha256(matte).digest()


def _shown(conditions: Conditions, tiles: Sequence[int], tags: tuple[int, ...]) -> Arrays:
    """The first file's inputs for some of the tiles."""
    scan, count = conditions.scan[tiles], len(tiles)
    matte = np.zeros((count, 1, *scan.shape[2:]), np.float32)
    if conditions.matte is not None:
        matte[:, 0] = conditions.matte[tiles]
    prompt = np.zeros(tags, np.int64) if conditions.prompt is None else np.asarray(conditions.prompt, np.int64)
    return {
        "degraded": scan,
        "matte": matte,
        "whole": conditions.whole[tiles],
        "tags": np.tile(prompt, (count, 1)),
        "box": conditions.boxes[tiles],
        "size": np.tile(np.asarray(conditions.size, np.float32), (count, 1)),
    }


@dataclass(frozen=True, slots=True, eq=False)
class LoadedHand:
    """The two files, loaded, with their params and sha256."""

    see: Part
    step: Part
    params: HandParams
    sha256: str
    size: int = 0  # bytes of the two files

    def net(self) -> HandNet:
        """A net with nothing seen yet."""
        return HandNet(self.see, self.step, self.params)


@cache
def load_hand() -> LoadedHand:
    """The hand that ships. Raises `WeightsError` where none does, or where its files were changed."""
    folder = files("frdm.runtime")
    if not all(folder.joinpath(f"{name}.onnx").is_file() for name in NAMES):
        raise WeightsError("engine diffusion: no weights for it ship with this frdm; give --engine neighbours, or --weights DIR")
    see, step = (find_weights(name) for name in NAMES)
    return loaded(see.data, step.data, f"{see.sha256} {step.sha256}")


def open_exported_hand(folder: Path) -> LoadedHand:
    """The hand whose files lie in a folder, as `frdm.model.export` writes them. Raises `WeightsError`."""
    files = [folder / f"{name}.onnx" for name in NAMES]
    data = [_read(file) for file in files]
    sums = [hashlib.sha256(one).hexdigest() for one in data]
    for file, found in zip(files, sums, strict=True):
        refuse_other(file, found)
    return loaded(data[0], data[1], " ".join(sums))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror}); give the folder that the model was exported to") from None


def refuse_other(path: Path, found: str) -> None:
    """Raise `WeightsError` where a list beside a file says that its sha256 is another than was `found`: `SHA256SUMS` as sha256sum writes
    it, or the one that `frdm train export-hand` writes.
    """
    lists = [(SUMS, _summed(path.parent)), *([(LIST, _exported(path.parent))] if path.suffix == ".onnx" else [])]
    for name, listed in lists:
        if (wanted := listed.get(path.name, found)) != found:
            raise WeightsError(f"{path}: sha256 {found[:12]}… found, {wanted[:12]}… wanted by {name}; fetch them again")


def _summed(folder: Path) -> dict[str, str]:
    """The sha256 that each file should have by `SHA256SUMS`; nothing where none lies there."""
    if not (folder / SUMS).is_file():
        return {}
    lines = (line.split() for line in _read(folder / SUMS).decode("utf-8", "replace").splitlines())
    return {words[1].removeprefix("*"): words[0].lower() for words in lines if len(words) == 2}


def _exported(folder: Path) -> dict[str, str]:
    """The same by `weights.json`, whose names are those of ONNX files. Raises `WeightsError` where it is no such list."""
    path = folder / LIST
    if not path.is_file():
        return {}
    try:
        return {f"{name}.onnx": str(about["sha256"]).lower() for name, about in json.loads(_read(path)).items()}
    except (ValueError, AttributeError, KeyError, TypeError):
        raise WeightsError(f"{path}: no list of weights with their sha256; export them again, or take it away") from None


def loaded(see: bytes, step: bytes, sha256: str) -> LoadedHand:
    """The hand of the two files' contents. Raises `WeightsError` where they are no nets."""
    try:
        first, second = Part(see), Part(step)
    except Exception as error:  # ONNX Runtime has one kind for each mistake, and no common one
        reason = str(error).splitlines()[0]
        raise WeightsError(f"weights of the hand: no nets that can be run ({reason}); export them again with this frdm") from None
    return LoadedHand(first, second, HandParams.of(second.about), sha256, len(see) + len(step))
