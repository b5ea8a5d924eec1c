"""Texture reconstruction: fine texture from the tile as it was scanned, colour and light from the whole frame, both by their spectra.

    tile's latent  → 3-D FFT → [re, im] → MLP ─┬→ its own frequency ┐
                                               └→ means of bands ───┤ keys, values
    frame's latent → 3-D FFT → [re, im] → MLP ───→ means of bands ──┘
    x → 3-D FFT → [re, im] → queries → cross-attention → out (zero at first) → inverse 3-D FFT → + x

Every frequency of x asks the same frequency of the tile's latent, and the means of bands of frequencies of both latents: the first carries
texture with its phase; the others, among them the mean colour (band 0), carry what the whole frame says, whose phases mean nothing here.
So the cost grows with the tile, not with its square.

Source: HaineiFRDM §4.1.2, Fig. 1(b); Jiang 2024 (restoring in the frequency domain)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from frdm.model.layout import as_clip, as_frames, as_heads
from frdm.model.spectrum import Bands, Spectrum, as_bins, bands_of, cropped, from_bins, inverted, transformed


@dataclass(frozen=True, slots=True)
class TextureParams:
    """Of `Texture`: channels of a head, bands of frequencies, and whether transforms are products with matrices (needed for export)."""

    head: int = 16
    bands: int = 8
    by_matrices: bool = True


class SpectralFeatures(nn.Module):
    """[re, im] of each frequency (B, bins, shown) to features: a projection of it and what an MLP adds."""

    def __init__(self, shown: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(shown, width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, bins: Tensor) -> Tensor:
        """(B, bins, width)."""
        projected = self.project(bins)
        out: Tensor = projected + self.mlp(projected)
        return out


class Texture(nn.Module):
    """Frames (N, C, h, w) and the spectra of the tile's and the whole frame's latents to frames; the identity at first."""

    def __init__(self, width: int, channels: int, params: TextureParams) -> None:
        super().__init__()
        self.params, self.heads = params, max(width // params.head, 1)
        self.local, self.whole = SpectralFeatures(2 * channels, width), SpectralFeatures(2 * channels, width)
        self.norm = nn.LayerNorm(2 * width)
        self.query = nn.Linear(2 * width, width)
        self.band = nn.Embedding(params.bands, width)
        self.key_local, self.value_local = nn.Linear(width, width), nn.Linear(width, width)
        self.key_whole, self.value_whole = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, local: Spectrum, whole: Spectrum) -> Tensor:
        """See the class; the spectra are of clips of the same frames, and no coarser than x."""
        clip = as_clip(x, local[0].shape[2])
        length, height, width = (int(side) for side in clip.shape[2:])  # traced for export, sides are tensors
        bands = bands_of(length, height, width, self.params.bands)
        bins = as_bins(transformed(clip, by_matrices=self.params.by_matrices)).to(x.dtype)
        queries = as_heads(self.query(self.norm(bins)) + self.band(torch.from_numpy(bands.of).to(x.device)), self.heads)
        own = self.local(as_bins(cropped(local, height, width)).to(x.dtype))
        heard = self.out(self._attended(queries, own, self._means(own, bands, x), self._frame(whole, x)))
        added = inverted(from_bins(heard.float(), (length, height, width // 2 + 1)), width, by_matrices=self.params.by_matrices)
        return x + as_frames(added).to(x.dtype)

    def _frame(self, whole: Spectrum, x: Tensor) -> Tensor:
        """(B, bands, C) of the whole frame."""
        length, height, half = (int(side) for side in whole[0].shape[2:])
        bands = bands_of(length, height, 2 * (half - 1), self.params.bands)
        return self._means(self.whole(as_bins(whole).to(x.dtype)), bands, x)

    def _means(self, features: Tensor, bands: Bands, x: Tensor) -> Tensor:
        """Means of features (B, bins, C) over bands, with what tells them apart: (B, bands, C)."""
        means: Tensor = x.new_tensor(bands.means) @ features
        names: Tensor = self.band(torch.tensor(bands.present, device=x.device))
        return means + names

    def _attended(self, queries: Tensor, own: Tensor, local: Tensor, whole: Tensor) -> Tensor:
        """(B, bins, C): to the own frequency, to the local bands, to the bands of the frame."""
        keys = as_heads(torch.cat([self.key_local(local), self.key_whole(whole)], 1), self.heads)
        values = as_heads(torch.cat([self.value_local(local), self.value_whole(whole)], 1), self.heads)
        itself = (queries * as_heads(self.key_local(own), self.heads)).sum(-1, keepdim=True)
        scores = torch.cat([itself, queries @ keys.transpose(2, 3)], -1) * queries.shape[3] ** -0.5
        weights = scores.softmax(-1)
        out: Tensor = weights[..., :1] * as_heads(self.value_local(own), self.heads) + weights[..., 1:] @ values
        return out.transpose(1, 2).flatten(2)
