"""What diffusion costs: peak memory and seconds a frame of whole frames of a size, measured with random weights in a process of its own.

`paper` is built at the size of its pretrained backbone (Stable Diffusion 1.5 with AnimateDiff's temporal layers, CLIP ViT-L/14), in half
precision on a graphics card. With a budget the card's memory is capped, and the plan is the first that fits. On the processor peak
resident memory is measured; nothing is capped there.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from frdm.bench.watched import EndedBadly, run_watched
from frdm.diffusion.asking import Footage, Inference, Net
from frdm.diffusion.inference import restore
from frdm.diffusion.planning import GIB, Plan
from frdm.errors import BenchError, FrdmError
from frdm.fills.hand_net import LoadedHand
from frdm.fills.hand_opening import open_hand

LARGEST = 8  # tiles at once that are tried first on a card
SAID = "said.json"
MISTAKE = 2  # the exit code where it can't be done and one line says why
Model = Literal["compact", "paper"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured."""

    model: Model
    height: int
    width: int
    frames: int  # of one window in time
    steps: int = 4
    device: Device = "cpu"
    budget: int | None = None  # bytes of the card's memory
    weights: str | None = None  # folder of an exported hand: compact as it restores, by ONNX Runtime


@dataclass(frozen=True, slots=True)
class Measured:
    """What it took: bytes at peak, seconds a frame without loading, by the clock and of all processors, tiles at once, a tile's sides and
    frames.
    """

    asked: Asked
    peak: int
    seconds: float
    busy: float
    batch: int
    tile: tuple[int, int, int]

    def row(self) -> str:
        """A line of the table of docs/performance.md."""
        one, (side, _, length) = self.asked, self.tile
        what = f"{one.model}{', ONNX' if one.weights else ''}"
        cap = "" if one.budget is None else f", cap {one.budget / GIB:.0f} GiB"
        cells = (
            what,
            f"{one.width} × {one.height}, {one.frames} frames",
            f"{length} × {side}², {self.batch} at once",
            str(one.steps),
            one.device + cap,
            f"{self.peak / GIB:.2f} GiB",
            f"{self.seconds:.1f}",
            f"{self.busy:.1f}",
            f"{one.width * one.height / 1e6 / self.seconds:.3f}",
        )
        return f"| {' | '.join(cells)} |"


def sides(size: str) -> tuple[int, int]:
    """(height, width) of WIDTHxHEIGHT. Raises `BenchError`."""
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise BenchError(f"--size {size}: WIDTHxHEIGHT was wanted, such as 2048x1556; give one")
    return int(height), int(width)


HEAD = "| model | film | tiles | steps | on | peak memory | s/frame | processor s/frame | Mpx/s |\n|---|---|---|---|---|---|---|---|---|"


def measure(asked: Asked) -> Measured:
    """Measure in a process of its own. Raises `BenchError` where it fails, or where the machine has not what is asked for."""
    with tempfile.TemporaryDirectory(prefix="frdm-") as place:
        command = [sys.executable, "-m", "frdm.bench.vram", json.dumps(asdict(asked)), str(Path(place).resolve())]
        try:
            cost = run_watched(command, folder=Path.cwd())
        except EndedBadly as error:  # a user's mistake is told as if no process had been between
            raise (BenchError(error.said) if error.code == MISTAKE and error.said else error) from None
        said = json.loads((Path(place) / SAID).read_text(encoding="utf-8"))
    return Measured(asked, said["peak"] or cost.peak, said["seconds"], said["busy"], said["batch"], tuple(said["tile"]))


def work(asked: Asked) -> dict[str, Any]:
    """Build, restore once, and say what it took; `peak` is of the card, None on the processor."""
    net, (side, _, length) = opened(asked)
    rng = np.random.default_rng(0)
    film = rng.random((3, asked.frames, asked.height, asked.width), np.float32)
    if asked.weights and asked.frames != length:
        raise BenchError(f"--frames {asked.frames}: these weights take windows of {length} frames; give --frames {length}")
    settings = Inference(tile=side, overlap=side // 4, frames=min(length, asked.frames), frames_overlap=0, steps=asked.steps)
    counted, card = Counted(net), asked.device == "cuda"
    began = time.perf_counter(), time.process_time()
    with half_precision() if card else nullcontext():
        restore(counted, Footage(film, first=0, shot=0, prompt=prompt_of(asked)), settings, Plan(LARGEST if card else 1))
    seconds, busy = ((now - then) / asked.frames for now, then in zip((time.perf_counter(), time.process_time()), began, strict=True))
    return {
        "peak": peak_of_card() if card else None,
        "seconds": seconds,
        "busy": busy,
        "batch": counted.batch,
        "tile": (side, side, settings.frames),
    }


class Counted:
    """A net that notes how many tiles it was asked for at once, since it was last given film: what memory allowed."""

    def __init__(self, net: Net) -> None:
        self._net, self.batch = net, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)

    def hold(self, array: Any, offload: Any) -> Any:
        """See `frdm.diffusion.asking.Net`."""
        self.batch = 0
        return self._net.hold(array, offload)

    def denoise(self, z: Any, t: float, conditions: Any) -> Any:
        """See `frdm.diffusion.asking.Net`."""
        self.batch = max(self.batch, len(z))
        answer = self._net.denoise(z, t, conditions)
        return answer if isinstance(answer, np.ndarray) else answer.to(z.dtype)


def opened(asked: Asked) -> tuple[Any, tuple[int, int, int]]:
    """The net, and a tile's height, width and frames. Raises `BenchError`."""
    if asked.weights:
        hand = open_hand(Path(asked.weights))
        if not isinstance(hand, LoadedHand):
            raise BenchError(f"--weights {asked.weights}: a model in torch found, the folder of an exported hand was wanted; give one")
        return hand.net(), (hand.params.side, hand.params.side, hand.params.frames)
    torch = loaded_torch()
    from frdm.model.frdm import Frdm, FrdmParams
    from frdm.model.net import TorchNet

    if asked.device == "cuda":
        if not torch.cuda.is_available():
            raise BenchError("--device cuda: this machine has no graphics card that torch can use; leave it out")
        if asked.budget is not None:
            torch.cuda.set_per_process_memory_fraction(min(1.0, asked.budget / torch.cuda.get_device_properties(0).total_memory))
    torch.manual_seed(0)
    params = FrdmParams.paper() if asked.model == "paper" else FrdmParams.compact()
    model = Frdm(params, random_backbone() if asked.model == "paper" else None)
    return TorchNet(model, device=asked.device), (params.side, params.side, params.frames)


def random_backbone() -> Any:
    """Nets of the size of the backbone that `paper` is meant for, with random weights; no prompt can be spelled."""
    try:
        import diffusers
        import transformers
    except ImportError:
        raise BenchError("the size paper is made with diffusers and transformers, one isn't installed; pip install 'frdm[train]'") from None
    from frdm.model.backbone import Backbone
    from frdm.model.codec import LatentCodec
    from frdm.model.conditioners import ClipFrames, ClipPrompt
    from frdm.model.loading import CLIP_DEVIATION, CLIP_MEAN
    from frdm.model.motion_unet import MotionUNet

    codec = diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=4,
        sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    unet = diffusers.UNetMotionModel(sample_size=64, cross_attention_dim=768, num_attention_heads=8)
    text = transformers.CLIPTextModel(transformers.CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12))
    sizes = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    seen = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(image_size=224, patch_size=14, **sizes))
    frames = ClipFrames(seen, mean=CLIP_MEAN, deviation=CLIP_DEVIATION)
    return Backbone(LatentCodec(codec), MotionUNet(unet), frames, ClipPrompt(text, None))


def prompt_of(asked: Asked) -> Any:
    """Numbers of a caption for `paper`, whose tokenizer comes with its weights; None: nothing is said."""
    return np.zeros((1, 77), np.int64) if asked.model == "paper" else None


def loaded_torch() -> Any:
    """Torch. Raises `BenchError` where it is not installed."""
    try:
        import torch
    except ImportError:
        raise BenchError(
            "random weights are made with torch, which isn't installed; pip install 'frdm[train]', or give --weights DIR"
        ) from None
    return torch


def half_precision() -> Any:
    """The card's half precision, weights kept in single."""
    return loaded_torch().autocast("cuda", dtype=loaded_torch().bfloat16)


def peak_of_card() -> int:
    """Bytes that the card had to hold at most."""
    peak: int = loaded_torch().cuda.max_memory_reserved()
    return peak


def main(arguments: Sequence[str]) -> int:
    """Two arguments: what is asked, as JSON, and the folder for the answer; 2 and one line on stderr when it can't be done."""
    try:
        said = work(Asked(**json.loads(arguments[0])))
    except FrdmError as error:
        print(error, file=sys.stderr)
        return MISTAKE
    (Path(arguments[1]) / SAID).write_text(json.dumps(said), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
