"""What a model is built around: codec, denoiser, encoders of the whole frame and of the prompt; learned in `compact`, given in `paper`."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from frdm.model.codec import PixelCodec, PixelCodecParams
from frdm.model.conditioners import SmallConditionerParams, SmallFrameEncoder, TagEncoder, WordEncoder
from frdm.model.denoiser import SmallUNet, SmallUNetParams


@dataclass(frozen=True, slots=True)
class SmallParams:
    """Of the backbone of `compact`."""

    codec: PixelCodecParams = field(default_factory=PixelCodecParams)
    denoiser: SmallUNetParams = field(default_factory=SmallUNetParams)
    conditioners: SmallConditionerParams = field(default_factory=SmallConditionerParams)


class Backbone(nn.Module):
    """The four parts, as `Codec`, `Denoiser`, `FrameEncoder` and `PromptEncoder` ask."""

    def __init__(self, codec: Any, denoiser: Any, frames: Any, prompts: Any) -> None:
        super().__init__()
        self.codec, self.denoiser, self.frames, self.prompts = codec, denoiser, frames, prompts


def small_backbone(params: SmallParams, *, temporal: bool = True) -> Backbone:
    """The backbone of `compact`, with fresh weights."""
    codec = PixelCodec(params.codec)
    denoiser = SmallUNet(codec.channels, params.denoiser, temporal=temporal)
    frames = SmallFrameEncoder(codec.planes, params.conditioners)
    prompts = WordEncoder(params.conditioners) if params.conditioners.words else TagEncoder(params.conditioners)
    return Backbone(codec, denoiser, frames, prompts)
