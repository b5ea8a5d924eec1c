"""The Restoration-Guidance Network: a copy of the denoiser's way down that sees the degraded tile, the whole frame and the prompt.

    z_t ⊕ features → 1 × 1 → in → [ block → self-attention → global prompt → global frame → texture → time ] → … → middle
                                     every block's output → convolution, zero at first → added to the denoiser's skips and middle

Source: HaineiFRDM §4.1, Fig. 1; Zhang 2023 (the copy, residuals through zero convolutions)
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from frdm.model.attention import AttentionParams, Edges, Heard, Memory, SelfAttention
from frdm.model.denoiser import Encoder, Part, Residuals, skip_widths
from frdm.model.fusion import Fusion, FusionParams
from frdm.model.layout import as_frames, repeat_per_frame
from frdm.model.motion_unet import heads_of, taken_over
from frdm.model.spectrum import Spectrum, transformed
from frdm.model.texture import Texture, TextureParams


@dataclass(frozen=True, slots=True)
class Switches:
    """Every module of the paper, each off by one word; what is off is not built."""

    preprocess: bool = True  # off: the guidance sees the degraded tile's latent as it is
    guidance: bool = True  # off: the denoiser alone
    self_attention: bool = True
    memory: bool = True  # keys and values of earlier tiles
    prompt_fusion: bool = True
    frame_fusion: bool = True
    texture: bool = True
    temporal: bool = True  # in `paper` of the guidance alone: the backbone keeps its own


@dataclass(frozen=True, slots=True)
class GuidanceParams:
    """Of the guidance network, a dataclass a module."""

    attention: AttentionParams = field(default_factory=AttentionParams)
    fusion: FusionParams = field(default_factory=FusionParams)
    texture: TextureParams = field(default_factory=TextureParams)


@dataclass(frozen=True, slots=True)
class Widths:
    """What the guidance network is built around: channels of the latent, the features, tokens of the prompt, tokens of the frame."""

    latent: int
    features: int
    prompt: int
    frame: int


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network sees beside z_t. Tokens know where the tile lies."""

    features: Tensor  # (B, F, T, h, w); where predictions add to a picture, the last C of them are that picture's latent
    local: Tensor  # (B, C, T, h, w), the degraded tile's latent
    whole: Tensor  # (B, C, T, h', w'), the degraded whole frame's
    prompt: Tensor  # (B, n, D)
    frame: Tensor  # (B, T, m, D')
    origin: Tensor  # (B, 2), row and column of the tile's first cell in the whole frame


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """`Seen` as a block needs it: a token list a frame, spectra made once."""

    embedding: Tensor  # (B·T, E)
    length: int
    prompt: Tensor  # (B·T, n, D)
    frame: Tensor  # (B·T, m, D')
    origin: Tensor  # (B, 2), in cells of this level
    spectra: tuple[Spectrum, Spectrum] | None


class GuidanceBlock(nn.Module):
    """One block in the paper's order."""

    def __init__(self, part: Part, params: GuidanceParams, widths: Widths, switches: Switches) -> None:
        super().__init__()
        self.block, self.after = part.block, part.after
        self.attention = self_attention(part, params.attention) if switches.self_attention else None
        self.prompt = Fusion(part.width, widths.prompt, params.fusion) if switches.prompt_fusion else None
        self.frame = Fusion(part.width, widths.frame, params.fusion) if switches.frame_fusion else None
        self.texture = Texture(part.width, widths.latent, params.texture) if switches.texture else None
        self.temporal = part.temporal if switches.temporal else None

    def forward(self, x: Tensor, around: Around, heard: Heard | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Frames (B·T, C, h, w) to the same, and the edges (right, lower) that later tiles hear."""
        edges: tuple[Tensor, ...] = ()
        x = self.block(x, around.embedding)
        if self.attention is not None:
            x, *left = self.attention(x, around.origin, around.length, heard)
            edges = tuple(left)
        if self.prompt is not None:
            x = self.prompt(x, around.prompt)
        if self.frame is not None:
            x = self.frame(x, around.frame)
        if self.texture is not None and around.spectra is not None:
            x = self.texture(x, *around.spectra)
        if self.temporal is not None:
            x = self.temporal(x, num_frames=around.length)
        if self.after is not None:
            x = self.after(x, around.embedding)
        return x, edges


def self_attention(part: Part, params: AttentionParams) -> SelfAttention:
    """Fresh, or beginning with the backbone's weights where it has attention at this place."""
    if part.attention is None:
        return SelfAttention(part.width, params)
    attention = SelfAttention(part.width, replace(params, head=part.width // heads_of(part.attention), feed_forward=4))
    backbone: Any = part.attention
    attention.norm = nn.GroupNorm(backbone.norm.num_groups, part.width, eps=backbone.norm.eps)
    attention.load_state_dict(taken_over(part.attention))
    return attention


class Guidance(nn.Module):
    """z_t and what is seen to `Residuals` for the denoiser, and `Edges` for later tiles."""

    def __init__(self, encoder: Encoder, params: GuidanceParams, widths: Widths, switches: Switches) -> None:
        super().__init__()
        self.params, self.switches = params, switches
        self.checkpointing = False  # blocks are run again on the way back, which saves memory in training
        self.fuse = nn.Conv2d(widths.latent + widths.features, widths.latent, 1)
        with torch.no_grad():
            self.fuse.weight.zero_()
            self.fuse.weight[:, : widths.latent] = torch.eye(widths.latent)[:, :, None, None]
            nn.init.zeros_(self.fuse.bias)  # type: ignore[arg-type]
        self.first, self.time = encoder.first, encoder.time
        self.levels = nn.ModuleList(
            nn.ModuleList(GuidanceBlock(part, params, widths, switches) for part in level) for level in encoder.levels
        )
        self.halves = nn.ModuleList(encoder.halves)
        self.middle = GuidanceBlock(encoder.middle, params, widths, switches)
        self.zeros = nn.ModuleList(zero_convolution(width) for width in skip_widths(encoder))
        self.zero_middle = zero_convolution(encoder.middle.width)

    def forward(self, z: Tensor, t: Tensor, seen: Seen, memory: Memory | None = None) -> tuple[Residuals, Edges]:
        """See the class; t (B,)."""
        around = self._around(z, t, seen)
        x = self.first(self.fuse(torch.cat([as_frames(z), as_frames(seen.features)], 1)))
        maps, edges = [x], list[tuple[Tensor, ...]]()
        for place, level in enumerate(self.levels):
            if place:
                x = self.halves[place - 1](x)
                maps.append(x)
            near = replace(around, origin=seen.origin * (x.shape[2] / z.shape[3]))
            for block in level:  # type: ignore[attr-defined]
                x, left = self._run(block, x, near, _heard(memory, len(edges)))
                maps.append(x)
                edges.append(left)
        x, left = self._run(self.middle, x, near, _heard(memory, len(edges)))
        edges.append(left)
        skips = tuple(zero(one) for zero, one in zip(self.zeros, maps, strict=True))
        return Residuals(skips, self.zero_middle(x)), _edges(edges)

    def _around(self, z: Tensor, t: Tensor, seen: Seen) -> Around:
        length = z.shape[2]
        spectra = None
        if self.switches.texture:
            by_matrices = self.params.texture.by_matrices
            spectra = transformed(seen.local, by_matrices=by_matrices), transformed(seen.whole, by_matrices=by_matrices)
        embedding = repeat_per_frame(self.time(t), length)
        return Around(embedding, length, repeat_per_frame(seen.prompt, length), seen.frame.flatten(0, 1), seen.origin, spectra)

    def _run(self, block: Callable[..., Any], x: Tensor, around: Around, heard: Heard | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        done = checkpoint(block, x, around, heard, use_reentrant=False) if self.checkpointing and self.training else block(x, around, heard)
        out: tuple[Tensor, tuple[Tensor, ...]] = done
        return out


def zero_convolution(width: int) -> nn.Conv2d:
    """A 1 × 1 convolution that begins with zeros: what it joins has no effect until it has learned."""
    out = nn.Conv2d(width, width, 1)
    nn.init.zeros_(out.weight)
    nn.init.zeros_(out.bias)  # type: ignore[arg-type]
    return out


def _heard(memory: Memory | None, layer: int) -> Heard | None:
    return None if memory is None else (memory.left[layer], memory.upper[layer], memory.present)


def _edges(kept: list[tuple[Tensor, ...]]) -> Edges:
    """The edges of all layers; none where self-attention is off."""
    layers = [one for one in kept if one]
    return Edges(tuple(right for right, _ in layers), tuple(lower for _, lower in layers))
