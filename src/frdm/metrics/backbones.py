"""The convolutional networks under the learned scores, told as lists of steps; their weights come from a local file.

Only what LPIPS, ST-LPIPS and DISTS need: the convolutions of AlexNet, VGG16 and SqueezeNet 1.1 with the numbering that torchvision gives
them, and the places where their features are tapped. torch is loaded when a step runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from frdm.errors import MetricError
from frdm.metrics.extras import extra

Tensor = Any  # torch.Tensor, which mustn't be imported to name it
Weights = Mapping[str, Tensor]
NUMBERED = re.compile(r"^(?:module\.)?(?:features|net\.slice\d+|net|stage\d+)\.(\d+\..+)$")


class Step(Protocol):
    """One layer: (N, C, H, W) to (N, C′, H′, W′)."""

    def __call__(self, x: Tensor, weights: Weights) -> Tensor: ...


def functional() -> Any:
    """torch.nn.functional."""
    return extra("torch.nn.functional", score="a learned score", install="frdm[train]")


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution and its ReLU; `blurred`: halved by a blur between the two (shift-tolerant networks)."""

    number: int
    stride: int = 1
    padding: int = 1
    blurred: bool = False

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        kernel, bias = weights[f"{self.number}.weight"], weights[f"{self.number}.bias"]
        out = functional().conv2d(x, kernel, bias, stride=self.stride, padding=self.padding)
        return (BlurPool()(out, weights) if self.blurred else out).relu()


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest of each square."""

    size: int = 2
    stride: int = 2
    ceil: bool = False

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        return functional().max_pool2d(x, self.size, self.stride, ceil_mode=self.ceil)


@dataclass(frozen=True, slots=True)
class BlurPool:
    """Every other sample of the picture blurred by 1-2-1, two samples of reflected border. Source: Ghildyal 2022 §3."""

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        row = x.new_tensor([0.25, 0.5, 0.25])
        kernel = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
        return functional().conv2d(functional().pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])


@dataclass(frozen=True, slots=True)
class RootMeanPool:
    """Every other sample of the root of the blurred squares. Source: Ding 2020 §3.1 (from Hénaff & Simoncelli)."""

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        row = x.new_tensor([0.25, 0.5, 0.25])  # a Hann window of 5 without its zeros
        kernel = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
        return (functional().conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()


@dataclass(frozen=True, slots=True)
class Fire:
    """SqueezeNet's layer: few channels, then 1 × 1 and 3 × 3 side by side."""

    number: int

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        torch, f = extra("torch", score="a learned score", install="frdm[train]"), functional()

        def conv(values: Tensor, name: str, padding: int = 0) -> Tensor:
            kernel, bias = weights[f"{self.number}.{name}.weight"], weights[f"{self.number}.{name}.bias"]
            return f.conv2d(values, kernel, bias, padding=padding).relu()

        few = conv(x, "squeeze")
        return torch.cat([conv(few, "expand1x1"), conv(few, "expand3x3", 1)], dim=1)


Stage = Sequence[Step]  # the features are tapped after each stage

ALEX: Sequence[Stage] = (
    (Conv(0, stride=4, padding=2),),
    (MaxPool(3), Conv(3, padding=2)),
    (MaxPool(3), Conv(6)),
    (Conv(8),),
    (Conv(10),),
)
SHIFT_TOLERANT_ALEX: Sequence[Stage] = (
    (Conv(0, padding=2, blurred=True),),
    (MaxPool(3, 1), BlurPool(), Conv(5, padding=2)),
    (MaxPool(3, 1), BlurPool(), Conv(9)),
    (Conv(11),),
    (Conv(13),),
)
VGG: Sequence[Stage] = (
    (Conv(0), Conv(2)),
    (MaxPool(), Conv(5), Conv(7)),
    (MaxPool(), Conv(10), Conv(12), Conv(14)),
    (MaxPool(), Conv(17), Conv(19), Conv(21)),
    (MaxPool(), Conv(24), Conv(26), Conv(28)),
)
VGG_SMOOTH: Sequence[Stage] = tuple(tuple(RootMeanPool() if isinstance(step, MaxPool) else step for step in stage) for stage in VGG)
SQUEEZE: Sequence[Stage] = (
    (Conv(0, stride=2, padding=0),),
    (MaxPool(3, ceil=True), Fire(3), Fire(4)),
    (MaxPool(3, ceil=True), Fire(6), Fire(7)),
    (MaxPool(3, ceil=True), Fire(9)),
    (Fire(10),),
    (Fire(11),),
    (Fire(12),),
)
NETS: Sequence[tuple[str, str, Sequence[Stage]]] = (  # name, a weight that only it has, stages
    ("squeeze", "3.squeeze.weight", SQUEEZE),
    ("vgg", "28.weight", VGG),
    ("st-alex", "13.weight", SHIFT_TOLERANT_ALEX),
    ("alex", "8.weight", ALEX),
)


def taps(x: Tensor, stages: Sequence[Stage], weights: Weights) -> list[Tensor]:
    """The features after each stage."""
    found = []
    for stage in stages:
        for step in stage:
            x = step(x, weights)
        found.append(x)
    return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a weight file (.safetensors, or .pt/.pth without code in it), float32, on the processor. Raises `MetricError`."""
    torch = extra("torch", score="a learned score", install="frdm[train]")
    try:
        if path.suffix == ".safetensors":
            found = extra("safetensors.torch", score="a learned score", install="frdm[train]").load_file(str(path))
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
            found = found.get("state_dict", found)
        return {name: tensor.float() for name, tensor in found.items()}
    except MetricError:
        raise
    except Exception as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise MetricError(f"{path}: not a weight file that can be read ({reason}); wanted a state dict as .safetensors or .pth") from None


def numbered(tensors: Weights) -> dict[str, Tensor]:
    """The weights of the convolutions by their number in the network, whatever the file calls what is around them."""
    return {match.group(1): tensor for name, tensor in tensors.items() if (match := NUMBERED.match(name))}


def recognised(weights: Weights, *, where: Path, wanted: Sequence[str]) -> tuple[str, Sequence[Stage]]:
    """Name and stages of the network that these weights belong to. Raises `MetricError` when it is none of `wanted`."""
    for name, sign, stages in NETS:
        if sign in weights and name in wanted:
            return name, stages
    raise MetricError(
        f"{where}: {len(weights)} numbered layers found, the convolutions of {' or '.join(wanted)} wanted, as torchvision saves them"
    )
