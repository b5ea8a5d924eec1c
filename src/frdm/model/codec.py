"""Codecs: pictures to latents and back. The diffusion runs on latents only.

`PixelCodec` (compact) lays pixels of f × f as channels and loses nothing; `LatentCodec` (paper) is a pretrained autoencoder from disk,
frozen, decoded in tiles so that a whole frame fits the memory. Both take pictures (B, 3, T, H, W) in 0 … 1.

Source: HaineiFRDM §4.1 (VAE); Rombach 2022 (latent diffusion)
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from frdm.model.layout import as_clip, as_frames, check_clip


@dataclass(frozen=True, slots=True)
class PixelCodecParams:
    """Of `PixelCodec`: f, planes of a picture, and by what −1 … 1 is multiplied so that latents of film have a variance near 1."""

    factor: int = 4
    planes: int = 3
    scale: float = 2.0


class Codec(Protocol):
    """What the model asks of a codec."""

    factor: int  # how many pixels of a side become one cell of the latent
    channels: int  # of the latent
    planes: int  # of a picture

    def encode(self, pictures: Tensor) -> Tensor:
        """(B, planes, T, H, W) in 0 … 1 to (B, channels, T, H/factor, W/factor)."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """The way back; not clipped to 0 … 1, so that a loss still sees what lies beyond."""
        ...


class PixelCodec(nn.Module):
    """f × f pixels as channels of one cell: nothing is lost but the last bit of a float."""

    def __init__(self, params: PixelCodecParams | None = None) -> None:
        super().__init__()
        self.params = params or PixelCodecParams()
        self.factor, self.planes = self.params.factor, self.params.planes
        self.channels = self.planes * self.factor**2

    def encode(self, pictures: Tensor) -> Tensor:
        """See `Codec`."""
        check_clip(pictures, self.planes, self.factor, "codec")
        cells = functional.pixel_unshuffle(as_frames(pictures), self.factor)
        return as_clip((2 * cells - 1) * self.params.scale, pictures.shape[2])

    def decode(self, latent: Tensor) -> Tensor:
        """See `Codec`."""
        pixels = functional.pixel_shuffle(as_frames(latent), self.factor)
        return as_clip((pixels / self.params.scale + 1) / 2, latent.shape[2])


class LatentCodec(nn.Module):
    """A pretrained `AutoencoderKL` (or `AutoencoderTiny`) of diffusers, frozen; frames are coded a few at a time.

    The posterior's mean is taken, never a sample of it: the same film gives the same latent.
    """

    def __init__(self, autoencoder: Any, *, frames_at_once: int = 4, tiled: bool = True) -> None:
        super().__init__()
        self.autoencoder = autoencoder.requires_grad_(False).eval()
        self.frames_at_once = frames_at_once
        self.checkpointing = False  # decoding is run again on the way back, frame by frame: the largest part of training's memory
        widths = autoencoder.config.get("block_out_channels") or autoencoder.config["encoder_block_out_channels"]
        self.factor: int = 2 ** (len(widths) - 1)
        self.channels: int = autoencoder.config.latent_channels
        self.planes: int = autoencoder.config.in_channels
        self.scale: float = float(autoencoder.config.scaling_factor)
        if tiled:
            autoencoder.enable_tiling()

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """See `Codec`. Nothing before the latent learns, so no gradient is kept."""
        check_clip(pictures, self.planes, self.factor, "codec")
        parts = [self._encoded(part) for part in torch.split(as_frames(2 * pictures - 1), self.frames_at_once)]
        return as_clip(torch.cat(parts) * self.scale, pictures.shape[2])

    def decode(self, latent: Tensor) -> Tensor:
        """See `Codec`. Gradients pass to the latent: the loss of defects is taken on pictures."""
        frames = as_frames(latent / self.scale)
        if self.checkpointing and frames.requires_grad:
            parts = [checkpoint(self._decoded, part, use_reentrant=False) for part in torch.split(frames, 1)]
        else:
            parts = [self._decoded(part) for part in torch.split(frames, self.frames_at_once)]
        return as_clip((torch.cat(parts) + 1) / 2, latent.shape[2])

    def train(self, mode: bool = True) -> "LatentCodec":
        """Frozen: always in its evaluation mode."""
        return super().train(False)

    def _decoded(self, latents: Tensor) -> Tensor:
        frames: Tensor = self.autoencoder.decode(latents).sample
        return frames

    def _encoded(self, frames: Tensor) -> Tensor:
        coded = self.autoencoder.encode(frames)
        latents: Tensor = coded.latent_dist.mode() if hasattr(coded, "latent_dist") else coded.latents
        return latents
