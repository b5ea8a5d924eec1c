"""The denoiser of `compact`: a small U-Net over clips, frame by frame in space and, at every place, over time. It learns with the rest.

    z_t → in ─┬→ block, time → half ─┬→ block, time → half ─┬→ block, time → mid → … and back up, joined with what the way down had
              │                      │                      │                 ↑
              └── + residual         └── + residual         └── + residual    └── + residual        of the guidance network

What both denoisers have in common is `Encoder`: the parts of the way down that the guidance network copies.

Source: Rombach 2022 (the U-Net of latent diffusion); Ho 2022 (space and time apart); Guo 2024 (attention over time)
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.attention import frame_numbers
from frdm.model.layout import as_clip, as_frames, as_heads, repeat_per_frame, unflattened


@dataclass(frozen=True, slots=True)
class SmallUNetParams:
    """Widths of the levels from the finest, channels of a head of the attention over time, width of the embedding of t."""

    widths: tuple[int, ...] = (48, 80, 112)
    head: int = 16
    embedding: int = 192


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One block of the way down: `block(x, embedding)` on frames, `temporal(x, num_frames=T)`, `after` like block (the middle has one)."""

    width: int
    block: nn.Module
    temporal: nn.Module | None
    attention: nn.Module | None = None  # a pretrained transformer at this place, whose self-attention the guidance begins with
    after: nn.Module | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """The way down of a denoiser: what the guidance network is a copy of."""

    first: nn.Module  # the convolution that takes the latent
    time: nn.Module  # t (N,) to its embedding (N, E)
    levels: tuple[tuple[Part, ...], ...]
    halves: tuple[nn.Module, ...]  # between levels
    middle: Part


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """What the guidance network adds: to every skip in the order of the way down, and to the middle. Frames (B·T, C, h, w)."""

    skips: tuple[Tensor, ...]
    middle: Tensor


class Denoiser(Protocol):
    """What the model asks of a denoiser."""

    def __call__(self, z: Tensor, t: Tensor, prompt: Tensor | None, residuals: Residuals | None) -> Tensor:
        """z_t (B, C, T, h, w), t (B,) in 1 … 1000 and tokens of the prompt (B, n, D) to the prediction, like z."""
        ...

    def encoder(self) -> Encoder:
        """A copy of the way down with its weights."""
        ...


class TimeEmbedding(nn.Module):
    """t (N,) to (N, embedding): sines and cosines of 1 … 1/10000 of it, then two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        """See the class."""
        half = self.width // 2
        rates = 10000.0 ** (-torch.arange(half, device=t.device, dtype=torch.float32) / half)
        angles = t.float()[:, None] * rates
        out: Tensor = self.mlp(torch.cat([angles.sin(), angles.cos()], 1).to(next(self.parameters()).dtype))
        return out


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(16, width // 4), width)


class Block(nn.Module):
    """Two 3 × 3 convolutions of frames (N, inside, h, w), told t; x, widened where need be, is added."""

    def __init__(self, inside: int, width: int, embedding: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = _norm(inside), _norm(width)
        self.first = nn.Conv2d(inside, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.told = nn.Linear(embedding, width)
        self.past = nn.Identity() if inside == width else nn.Conv2d(inside, width, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(N, width, h, w)."""
        inner = self.first(functional.silu(self.first_norm(x))) + self.told(functional.silu(embedding))[:, :, None, None]
        out: Tensor = self.past(x) + self.second(functional.silu(self.second_norm(inner)))
        return out


class TimeAttention(nn.Module):
    """Attention over time at every place, then two linear layers; frames (B·T, C, h, w) to the same, unchanged at first."""

    def __init__(self, width: int, head: int) -> None:
        super().__init__()
        self.heads = max(width // head, 1)
        self.norm, self.norm_after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.after = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        for layer in (self.mixed, self.after[2]):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, num_frames: int) -> Tensor:
        """See the class."""
        height, width = x.shape[2:]
        tokens = unflattened(x, 0, -1, num_frames).permute(0, 3, 4, 1, 2).flatten(0, 2)  # (B·h·w, T, C)
        normed = self.norm(tokens) + frame_numbers(num_frames, tokens.shape[2], tokens)
        query, key, value = (as_heads(part, self.heads) for part in self.into(normed).chunk(3, -1))
        weights = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(-1)
        tokens = tokens + self.mixed((weights @ value).transpose(1, 2).flatten(2))
        tokens = tokens + self.after(self.norm_after(tokens))
        return unflattened(tokens, 0, -1, height, width).permute(0, 3, 4, 1, 2).flatten(0, 1)


class UpLevel(nn.Module):
    """One level of the way up: two blocks, each joined with a skip, then twice the size for the next level."""

    def __init__(self, insides: Sequence[int], width: int, params: SmallUNetParams, *, temporal: bool, doubles: int | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(inside, width, params.embedding) for inside in insides)
        self.temporal = TimeAttention(width, params.head) if temporal else None
        self.larger = None if doubles is None else nn.Conv2d(width, doubles, 3, padding=1)

    def forward(self, x: Tensor, skips: list[Tensor], embedding: Tensor, length: int) -> Tensor:
        """Takes its skips from the end of the list."""
        for block in self.blocks:
            x = block(torch.cat([x, skips.pop()], 1), embedding)
        if self.temporal is not None:
            x = self.temporal(x, length)
        if self.larger is not None:
            x = self.larger(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x


class SmallUNet(nn.Module):
    """See `Denoiser`; it hears of the prompt through the guidance network alone."""

    def __init__(self, channels: int, params: SmallUNetParams | None = None, *, temporal: bool = True) -> None:
        super().__init__()
        self.params = params or SmallUNetParams()
        widths, embedding = self.params.widths, self.params.embedding
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.time = TimeEmbedding(embedding)
        self.blocks = nn.ModuleList(Block(a, b, embedding) for a, b in zip((widths[0], *widths), widths, strict=False))
        self.temporals = nn.ModuleList(TimeAttention(width, self.params.head) if temporal else _Still() for width in widths)
        self.halves = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for width in widths[:-1])
        self.middle = Block(widths[-1], widths[-1], embedding)
        self.middle_temporal = TimeAttention(widths[-1], self.params.head) if temporal else _Still()
        self.ups = nn.ModuleList(self._ups(temporal))
        self.norm = _norm(widths[0])
        self.out = nn.Conv2d(widths[0], channels, 3, padding=1)

    def _ups(self, temporal: bool) -> list[UpLevel]:
        """From the coarsest: a level joins its own block's skip, then what it was halved from (the first level: the latent's)."""
        widths = self.params.widths
        below = (widths[0], *widths)
        finer = (None, *widths)
        levels = zip(widths, below, finer, strict=False)
        ups = [
            UpLevel((2 * width, width + before), width, self.params, temporal=temporal, doubles=next_width)
            for width, before, next_width in levels
        ]
        return ups[::-1]

    def forward(self, z: Tensor, t: Tensor, prompt: Tensor | None, residuals: Residuals | None) -> Tensor:
        """See `Denoiser`."""
        length = z.shape[2]
        embedding = repeat_per_frame(self.time(t), length)
        x = self.first(as_frames(z))
        skips = [x]
        for place, (block, temporal) in enumerate(zip(self.blocks, self.temporals, strict=True)):
            if place:
                x = self.halves[place - 1](x)
                skips.append(x)
            x = temporal(block(x, embedding), length)
            skips.append(x)
        x = self.middle_temporal(self.middle(x, embedding), length)
        if residuals is not None:
            skips = [skip + more for skip, more in zip(skips, residuals.skips, strict=True)]
            x = x + residuals.middle
        for up in self.ups:
            x = up(x, skips, embedding, length)
        return as_clip(self.out(functional.silu(self.norm(x))), length)

    def encoder(self) -> Encoder:
        """See `Denoiser`."""
        parts = [_part(*one) for one in zip(self.params.widths, self.blocks, self.temporals, strict=True)]
        middle = _part(self.params.widths[-1], self.middle, self.middle_temporal)
        halves = tuple(copy.deepcopy(half) for half in self.halves)
        return Encoder(copy.deepcopy(self.first), copy.deepcopy(self.time), tuple((part,) for part in parts), halves, middle)


def _part(width: int, block: nn.Module, temporal: nn.Module) -> Part:
    return Part(width, copy.deepcopy(block), None if isinstance(temporal, _Still) else copy.deepcopy(temporal))


class _Still(nn.Module):
    """In the place of attention over time where it is switched off."""

    def forward(self, x: Tensor, num_frames: int) -> Tensor:
        return x


def skip_widths(encoder: Encoder) -> list[int]:
    """Channels of every skip, in the order of the way down: the latent's convolution, each block, each half."""
    widths = [encoder.levels[0][0].width]
    for level, following in itertools.zip_longest(encoder.levels, encoder.levels[1:]):
        widths += [part.width for part in level]
        if following is not None:
            widths.append(level[-1].width)
    return widths
