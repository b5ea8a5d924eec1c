"""The denoiser of `paper`: diffusers' motion U-Net, pretrained and frozen; what the guidance network adds reaches its skips and its middle.

Source: HaineiFRDM §4.1, §6.1; Rombach 2022; Guo 2024 (the temporal layers)
"""

import copy
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from frdm.model.denoiser import Encoder, Part, Residuals
from frdm.model.layout import repeat_per_frame


class MotionUNet(nn.Module):
    """`UNetMotionModel` as a `Denoiser`. Its times are 0 … 999: time k is our t = k + 1."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet.requires_grad_(False).eval()
        self._recomputed = False

    @property
    def checkpointing(self) -> bool:
        """Whether its blocks are run again on the way back; diffusers does so with residual blocks alone, here attention is too."""
        return self._recomputed

    @checkpointing.setter
    def checkpointing(self, on: bool) -> None:
        self._recomputed = on
        (self.unet.enable_gradient_checkpointing if on else self.unet.disable_gradient_checkpointing)()
        for block in (*self.unet.down_blocks, self.unet.mid_block, *self.unet.up_blocks):
            for part in (*getattr(block, "attentions", ()), *getattr(block, "motion_modules", ())):
                if on:
                    part.forward = partial(checkpoint, type(part).forward.__get__(part), use_reentrant=False)
                else:
                    part.__dict__.pop("forward", None)

    def forward(self, z: Tensor, t: Tensor, prompt: Tensor | None, residuals: Residuals | None) -> Tensor:
        """See `Denoiser`."""
        assert prompt is not None, "a pretrained backbone was trained with a prompt, if only an empty one"
        out: Tensor = self.unet(
            z,
            t - 1,
            encoder_hidden_states=repeat_per_frame(prompt, z.shape[2]),
            down_block_additional_residuals=None if residuals is None else residuals.skips,
            mid_block_additional_residual=None if residuals is None else residuals.middle,
        ).sample
        return out

    def encoder(self) -> Encoder:
        """See `Denoiser`. Its temporal layers stay frozen, the rest learns."""
        levels = tuple(tuple(_parts(block)) for block in self.unet.down_blocks)
        halves = tuple(copy.deepcopy(block.downsamplers[0]) for block in self.unet.down_blocks if block.downsamplers)
        first, time = _learning(self.unet.conv_in), _learning(_Time(self.unet))
        return Encoder(first, time, levels, tuple(half.requires_grad_(True) for half in halves), self._middle())

    def _middle(self) -> Part:
        middle = self.unet.mid_block
        temporal = copy.deepcopy(middle.motion_modules[0]) if hasattr(middle, "motion_modules") else None
        first, last = (_Positional(_learning(middle.resnets[place])) for place in (0, -1))
        return Part(_width(middle.resnets[0]), first, temporal, copy.deepcopy(middle.attentions[0]), last)

    def train(self, mode: bool = True) -> "MotionUNet":
        """Frozen: always in its evaluation mode."""
        return super().train(False)


class _Positional(nn.Module):
    """diffusers' residual block called as ours is."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        out: Tensor = self.block(x, embedding)
        return out


class _Time(nn.Module):
    """The backbone's embedding of t."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.waves, self.mlp = copy.deepcopy(unet.time_proj), copy.deepcopy(unet.time_embedding)

    def forward(self, t: Tensor) -> Tensor:
        out: Tensor = self.mlp(self.waves(t - 1).to(next(self.mlp.parameters()).dtype))
        return out


def _parts(block: Any) -> list[Part]:
    attentions = getattr(block, "attentions", [None] * len(block.resnets))
    three = zip(block.resnets, attentions, block.motion_modules, strict=True)
    return [
        Part(_width(resnet), _Positional(_learning(resnet)), copy.deepcopy(temporal), copy.deepcopy(attention))
        for resnet, attention, temporal in three
    ]


def _width(resnet: Any) -> int:
    return int(resnet.out_channels)


def _learning(module: nn.Module) -> nn.Module:
    """A copy whose weights learn."""
    return copy.deepcopy(module).requires_grad_(True)


def taken_over(attention: Any) -> dict[str, Tensor]:
    """A backbone's transformer as the state of our `SelfAttention`: norms, projections, self-attention and the layer after it.

    What it has beside them, cross-attention to the prompt, is the prompt fusion's part here. 1 × 1 convolutions are made linear layers.
    """
    block = attention.transformer_blocks[0]
    pairs = {
        "norm": attention.norm,
        "into": attention.proj_in,
        "norm_tokens": block.norm1,
        "query": block.attn1.to_q,
        "key": block.attn1.to_k,
        "value": block.attn1.to_v,
        "mixed": block.attn1.to_out[0],
        "after.0": block.norm3,
        "after.1.into": block.ff.net[0].proj,
        "after.1.out": block.ff.net[2],
        "out": attention.proj_out,
    }
    state = {f"{ours}.{name}": value for ours, module in pairs.items() for name, value in module.state_dict().items()}
    return {name: value.flatten(1) if value.ndim == 4 else value for name, value in state.items()}


def heads_of(attention: Any) -> int:
    """How many heads its self-attention has."""
    return int(attention.transformer_blocks[0].attn1.heads)
