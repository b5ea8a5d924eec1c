"""The Preprocess Module: features of a degraded tile without its defects, at several scales, each of which must show the clean picture.

    picture (and matte) → cells of f × f → scale 1 → half → scale 2 → half → scale 3
                                             ↓                ↓                ↓          state-space blocks on the way down
                          features, RGB ← scale 1 ← up ← scale 2 ← up ← scale 3           an RGB head at every scale (Eq. 4)

The picture of the finest scale is the tile itself plus what its head adds, so that the module can be used alone as a regression. Where a
matte is told, what it covers is first filled (`frdm.model.filling`): the head then adds to that.

Source: HaineiFRDM §4.1, §4.3, §6.1, Eq. 4; Yang 2024 (a picture at every scale)
"""

import itertools
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from frdm.model.clip_attention import ClipAttentionBlock
from frdm.model.filling import Chooser, filled_clip
from frdm.model.layout import as_clip, as_frames, check_clip
from frdm.model.state_space import GatedBlock, StateSpaceBlock, StateSpaceParams

Mixing = Literal["state space", "attention"]
BLOCKS: dict[Mixing, type[GatedBlock]] = {"state space": StateSpaceBlock, "attention": ClipAttentionBlock}


@dataclass(frozen=True, slots=True)
class PreprocessParams:
    """`widths` of the scales from the finest; the finest has one cell for `factor` × `factor` pixels, every next one half the cells."""

    widths: tuple[int, ...] = (48, 64, 96)
    factor: int = 4
    blocks: int = 1
    state_space: StateSpaceParams = field(default_factory=StateSpaceParams)
    mixing: Mixing = "state space"  # how places hear of each other; attention is there to be compared with
    matte: bool = True  # planes beside the picture say where defects are suspected (all 0 where nobody looked), and show it filled there


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessed:
    """What the module says of a tile, from the finest scale to the coarsest."""

    features: tuple[Tensor, ...]  # (B, width, T, h, w)
    pictures: tuple[Tensor, ...]  # (B, planes, T, H / 2^j, W / 2^j), 0 … 1 but not clipped


class Scale(nn.Module):
    """A 3 × 3 convolution and blocks, of state spaces or attention, at one scale; (B, C, T, h, w) to the same."""

    def __init__(self, width: int, params: PreprocessParams) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(BLOCKS[params.mixing](width, params.state_space) for _ in range(params.blocks))
        self.checkpointing = False  # blocks are run again on the way back, which saves memory in training

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = x + as_clip(functional.silu(self.near(as_frames(x))), x.shape[2])
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointing and self.training else block(x)
        return x


class Preprocess(nn.Module):
    """Clips of pictures (B, planes, T, H, W) in 0 … 1 and mattes (B, 1, T, H, W) to `Preprocessed`."""

    def __init__(self, planes: int, params: PreprocessParams | None = None) -> None:
        super().__init__()
        self.params = params or PreprocessParams()
        self.planes, widths, factor = planes, self.params.widths, self.params.factor
        shown = (2 * planes + 1 if self.params.matte else planes) * factor**2
        self.stem = nn.Conv2d(shown, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Scale(width, self.params) for width in widths)
        self.halves = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.narrows = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in widths)
        self.heads = nn.ModuleList(nn.Conv2d(width, planes * factor**2, 3, padding=1) for width in widths)
        self.chooser = Chooser(widths[0], factor) if self.params.matte else None
        nn.init.zeros_(self.heads[0].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.heads[0].bias)  # type: ignore[arg-type]

    @property
    def multiple(self) -> int:
        """What a tile's sides must be multiples of."""
        return int(self.params.factor * 2 ** (len(self.params.widths) - 1))

    def forward(self, pictures: Tensor, matte: Tensor | None = None) -> Preprocessed:
        """See the class; without a matte nothing is suspected. Raises `RecipeError` on sides that don't divide."""
        check_clip(pictures, self.planes, self.multiple, "preprocess")
        length = pictures.shape[2]
        matte = torch.zeros_like(pictures[:, :1]) if matte is None else matte
        filled = filled_clip(pictures, matte) if self.chooser is not None else pictures
        beside = self._down(pictures, filled, matte)
        features: list[Tensor] = []
        for place in range(len(beside) - 1, -1, -1):
            x = as_frames(beside[place])
            if features:
                x = x + functional.interpolate(self.narrows[place](features[0]), scale_factor=2.0, mode="nearest")
            features.insert(0, x + functional.silu(self.up[place](x)))
        shown = [functional.pixel_shuffle(head(x), self.params.factor) for head, x in zip(self.heads, features, strict=True)]
        out = tuple(as_clip(picture, length) for picture in shown)
        begun = pictures if self.chooser is None else self.chooser(features[0], pictures, filled, matte)
        return Preprocessed(tuple(as_clip(x, length) for x in features), (begun + out[0], *out[1:]))

    def _down(self, pictures: Tensor, filled: Tensor, matte: Tensor) -> list[Tensor]:
        """What every scale sees on the way down, clips from the finest."""
        shown = 2 * pictures - 1
        if self.params.matte:
            shown = torch.cat([shown, 2 * filled - 1, matte], 1)
        x = as_clip(self.stem(functional.pixel_unshuffle(as_frames(shown), self.params.factor)), shown.shape[2])
        scales = [self.down[0](x)]
        for half, scale in zip(self.halves, self.down[1:], strict=True):
            scales.append(scale(as_clip(half(as_frames(scales[-1])), shown.shape[2])))
        return scales
