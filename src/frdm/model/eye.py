"""The eye's net: a U-Net over a window's pictures at half of the size that is searched, which says of every pixel how likely it is
dirt, and how likely a standing line.

    full (9 pictures) → pixels of 2 × 2 as channels ┐
    half (9 pictures) ──────────────────────────────┼→ stem → 5 levels down → 5 up → pixels from channels → (dirt, line)
    offsets of the neighbours ──────────────────────┘

Source: Ronneberger 2015 (U-Net), He 2016 (residual blocks), Ioffe 2015 (batch normalisation, folded into the convolutions on export)
"""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.runtime.eye_layout import ALONE_FULL, ALONE_HALF, CLASSES, FULL, HALF, SCALE, SLOTS


@dataclass(frozen=True, slots=True)
class EyeParams:
    """Sizes of the net. `widths` are channels at 1/2, 1/4 … of the picture, `blocks` residual blocks at each of them on the way down."""

    widths: tuple[int, ...] = (32, 64, 96, 128, 128)
    blocks: tuple[int, ...] = (1, 1, 2, 2, 2)
    alone: bool = False  # one frame, no neighbours


WITH_NEIGHBOURS = EyeParams()
ALONE = EyeParams((32, 48, 64, 96, 96), (1, 1, 1, 1, 1), alone=True)


class Block(nn.Module):
    """x + two 3 × 3 convolutions of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x + self.second_norm(self.second(inner)))


class Down(nn.Sequential):
    """Half the size, another width."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__(nn.Conv2d(width, wider, 2, stride=2, bias=False), nn.BatchNorm2d(wider), nn.ReLU())


class Up(nn.Module):
    """Twice the size, joined with what the way down had there."""

    def __init__(self, wider: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(wider, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.block = Block(width)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        """(B, wider, h, w) and (B, width, 2h, 2w) to the latter's shape."""
        narrow = self.norm(self.narrow(x))
        out: Tensor = self.block(functional.relu(beside + functional.interpolate(narrow, scale_factor=2.0, mode="nearest")))
        return out


class Eye(nn.Module):
    """Logits (B, 2, H, W) of `CLASSES` from codes: full (B, 9, H, W), half (B, 9, H/2, W/2), offsets (B, 4), all as float codes −127 … 127.

    With `params.alone` only what one frame shows is looked at; the rest of the input is ignored.
    """

    def __init__(self, params: EyeParams | None = None) -> None:
        super().__init__()
        self.params = params or EyeParams()
        widths, blocks = self.params.widths, self.params.blocks
        channels = 4 * len(ALONE_FULL) + len(ALONE_HALF) if self.params.alone else 4 * len(FULL) + len(HALF) + SLOTS
        self.stem = nn.Sequential(nn.Conv2d(channels, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.levels = nn.ModuleList(nn.Sequential(*(Block(w) for _ in range(n))) for w, n in zip(widths, blocks, strict=True))
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        self.ups = nn.ModuleList(Up(b, a) for a, b in itertools.pairwise(widths))
        self.out = nn.Conv2d(widths[0], 4 * len(CLASSES), 1)
        nn.init.constant_(self.out.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, full: Tensor, half: Tensor, offsets: Tensor) -> Tensor:
        """See the class."""
        if self.params.alone:
            full, half = full[:, list(ALONE_FULL)], half[:, list(ALONE_HALF)]
        parts = [functional.pixel_unshuffle(full * SCALE, 2), half * SCALE]
        if not self.params.alone:
            parts.append((offsets * SCALE)[:, :, None, None].expand(-1, -1, half.shape[2], half.shape[3]))
        x = self.stem(torch.cat(parts, 1))
        beside: list[Tensor] = []
        for place, level in enumerate(self.levels):
            x = level(x if place == 0 else self.downs[place - 1](x))
            beside.append(x)
        for place in range(len(self.ups) - 1, -1, -1):
            x = self.ups[place](x, beside[place])
        logits: Tensor = functional.pixel_shuffle(self.out(x), 2)
        return logits
