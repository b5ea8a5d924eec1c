"""A hand that is a model in torch: one of size paper around its backbone from disk, or a compact one that was trained and not exported.

It is asked as an exported hand is, for numpy arrays (`hand_net.py`), and what it makes hangs on nothing but film, weights and device:
tiles are denoised, and frames coded, one at a time, by one thread of a processor, whatever was planned. Torch is imported when one is
opened and not before.

Source: HaineiFRDM §4.2 (inference), §6.4 (captions)
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.asking import Conditions
from frdm.diffusion.planning import Offload
from frdm.diffusion.schedule import Schedule
from frdm.errors import RecipeError, WeightsError
from frdm.fills.hand_net import HandParams, LoadedHand, refuse_other

Device = Literal["cpu", "cuda"]

PARTS = ("vae", "unet", "motion_adapter", "text_encoder", "tokenizer", "image_encoder", "scheduler")  # of a backbone that are read
READ = (".safetensors", ".json", ".txt")  # … and their files
THREADS = 1  # of one run on the processor: a fixed number, for sums must not hang on the machine
HELD = 4  # looks at tiles, and at whole frames, that are remembered: those of `paper` weigh 0.1 GiB each

Marks = tuple[tuple[str, int, int], ...]  # of files: name, when it was written, bytes


@dataclass(frozen=True, slots=True)
class Runs:
    """What runs a hand, as a project's versions have it."""

    provider: str


@dataclass(frozen=True, slots=True, eq=False)
class TorchHand:
    """The model, loaded, with its params and sha256: of its file, and of its backbone's where it has one."""

    model: Any  # frdm.model.frdm.Frdm
    params: HandParams
    sha256: str
    device: Device
    captions: bool  # it reads captions; else tags
    step: Runs
    turn: Lock = field(default_factory=Lock)  # spans side by side ask one after the other, for memory is planned for one

    def net(self) -> "TorchHandNet":
        """A net with nothing seen yet."""
        return TorchHandNet(self)

    def caption(self, said: str) -> tuple[int, ...]:
        """A caption as its encoder's numbers, "" where nothing is said. Raises `RecipeError` where it is too long."""
        return tuple(int(number) for number in self.model.backbone.prompts.numbers([said])[0])


Hand = LoadedHand | TorchHand


class TorchHandNet:
    """The hand for one call of `frdm.diffusion.inference.restore`, or several: it remembers what it saw last."""

    def __init__(self, hand: TorchHand) -> None:
        self._hand, self._offload, self._net = hand, "nothing", _torch_net(hand)

    @property
    def schedule(self) -> Schedule:
        """See `frdm.diffusion.asking.Net`, as of all below."""
        return self._hand.params.schedule

    @property
    def factor(self) -> int:
        return self._hand.params.factor

    def hold(self, array: NDArray[Any], offload: Offload) -> NDArray[np.float32]:
        self._offload = offload
        return np.asarray(array, np.float32)

    def encode(self, frames: NDArray[Any]) -> NDArray[np.float32]:
        with self._working() as net:
            return np.concatenate([net.encode(_tensor(frames[:, at : at + 1])).numpy() for at in range(frames.shape[1])], 1)

    def decode(self, latents: NDArray[Any]) -> NDArray[np.float32]:
        with self._working() as net:
            return np.concatenate([net.decode(_tensor(latents[:, at : at + 1])).numpy() for at in range(latents.shape[1])], 1)

    def memory(self) -> Any:
        return self._net.memory()

    def denoise(self, z: NDArray[Any], t: float, conditions: Conditions) -> NDArray[np.float32]:
        made = []
        for number in range(len(z)):
            one = of_one(conditions, number)
            with self._working() as net:
                shown = replace(one, scan=_tensor(one.scan), whole=_tensor(one.whole))
                made.append(net.denoise(_tensor(z[number : number + 1]), t, shown).numpy())
        return np.concatenate(made)

    @contextmanager
    def _working(self) -> Iterator[Any]:
        """The net where it can work, alone: weights where this call's plan wants them, arrays in the processor's memory."""
        import torch

        with self._hand.turn:
            if (before := torch.get_num_threads()) != THREADS:
                torch.set_num_threads(THREADS)
            try:
                if self._hand.device != "cpu":
                    self._net.hold(np.zeros(0, np.float32), "weights" if self._offload == "weights" else "latents")
                yield self._net
            finally:
                if before != THREADS:
                    torch.set_num_threads(before)


def of_one(conditions: Conditions, number: int) -> Conditions:
    """The conditions of one of the tiles."""
    one = slice(number, number + 1)
    return replace(
        conditions,
        scan=conditions.scan[one],
        latents=conditions.latents[one],
        whole=conditions.whole[one],
        whole_latents=conditions.whole_latents[one],
        boxes=conditions.boxes[one],
        frames=conditions.frames[number : number + 1],
        matte=None if conditions.matte is None else conditions.matte[one],
        places=conditions.places[number : number + 1],
    )


def _torch_net(hand: TorchHand) -> Any:
    from frdm.model.net import TorchNet

    with hand.turn:
        return TorchNet(hand.model, device=hand.device, held=HELD)


def _tensor(array: NDArray[Any]) -> Any:
    """A tensor of its own: film is read-only."""
    import torch

    return torch.from_numpy(np.array(array, np.float32))


# Opening ------------------------------------------------------------------------------------------------------------------------------


def open_torch_hand(path: Path, *, backbone: Path | None = None, device: Device = "cpu") -> TorchHand:
    """The hand of a file that `frdm train export-hand --keep` wrote, around the `backbone` in a folder where it was trained around one.

    The last one that was opened is kept. Raises `WeightsError` where it can't be had, `RecipeError` where the machine has no such device.
    """
    try:
        import safetensors  # noqa: F401 - the file's format
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise RecipeError("--device cuda: this machine has no graphics card that torch can use; leave it out")
        folders = [] if backbone is None else [part for name in PARTS if (part := backbone / name).is_dir()]
        files = [path, *(file for part in folders for file in sorted(part.rglob("*")) if file.suffix in READ)]
        marks = tuple((str(file), stat.st_mtime_ns, stat.st_size) for file in files if file.is_file() and (stat := file.stat()))
        return _opened(path, backbone, device, marks)
    except ImportError as error:
        found = f"{path}: a model in torch found, and {error.name or 'one of its libraries'} isn't installed"
        raise WeightsError(f"{found}; pip install 'frdm[train]', or give the folder of an exported hand") from None


@lru_cache(maxsize=1)
def _opened(path: Path, backbone: Path | None, device: Device, marks: Marks) -> TorchHand:
    """The hand of these files, as they were at their `marks`."""
    import torch

    from frdm.model.checkpoint import described, load_model
    from frdm.model.conditioners import TagEncoder
    from frdm.model.loading import BackboneFolders, sha256_of

    if path.is_file():
        refuse_other(path, sha256_of(path))
    params, about = described(path)
    _refuse_misfits(path, backbone, compact=params.small is not None, stage=about.get("stage", "frdm"))
    with nullcontext() if backbone is None else _quietly():
        model = load_model(path, None if backbone is None else BackboneFolders(backbone))
    codec = model.backbone.codec
    sums = [sha256_of(path), *([] if backbone is None else [_sum_of(backbone, marks[1:])])]
    return TorchHand(
        model,
        HandParams(params.schedule, params.frames, params.side, int(codec.factor)),
        " ".join(sums),
        device,
        not isinstance(model.backbone.prompts, TagEncoder),
        Runs(f"torch {torch.__version__} {torch.cuda.get_device_name() if device == 'cuda' else device}"),
    )


def _refuse_misfits(path: Path, backbone: Path | None, *, compact: bool, stage: str) -> None:
    """Raise `WeightsError` where a file and what is given with it don't go together, before a backbone or its libraries are asked for."""
    if compact and backbone is not None:
        raise WeightsError(f"{path}: a compact model found, which has no backbone; leave --backbone {backbone} out")
    if stage != "frdm":
        raise WeightsError(
            f"{path}: weights of stage {stage} found, which know no diffusion; train the second, frdm train frdm --start {path}"
        )
    if backbone is not None and not backbone.is_dir():
        raise WeightsError(f"{backbone}: no folder of a backbone; give one with vae, unet, text_encoder and tokenizer in it")


@contextmanager
def _quietly() -> Iterator[None]:
    """What a backbone's libraries show while they read is not shown: bars, and warnings about nothing."""
    from diffusers.utils import logging as diffusers
    from transformers.utils import logging as transformers

    barred, level = transformers.is_progress_bar_enabled(), diffusers.get_verbosity()
    transformers.disable_progress_bar()
    diffusers.set_verbosity_error()
    try:
        yield
    finally:
        diffusers.set_verbosity(level)
        if barred:
            transformers.enable_progress_bar()


def _sum_of(backbone: Path, marks: Sequence[tuple[str, int, int]]) -> str:
    """One sha256 for the files of a backbone that are read, wherever its folder lies."""
    from frdm.model.loading import sha256_of

    lines = [f"{sha256_of(Path(name))}  {Path(name).relative_to(backbone).as_posix()}" for name, _, _ in marks]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
