"""Global-frame and global-prompt fusion: what the whole frame shows, and what is said of the shot, heard by a tile that knows its place.

    tokens (of the frame, of the prompt) ┐
    box of the tile → Fourier ───────────┴→ MLP(token ⊕ position) → keys, values ┐
                                                 x → norm → queries ─────────────┴→ cross-attention → × tanh(gate) → + x

Source: HaineiFRDM §4.1.1, §6.5.5, Fig. 1(c); Tancik 2020 (Fourier features)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.layout import as_heads, as_maps, as_tokens


@dataclass(frozen=True, slots=True)
class FusionParams:
    """Of both fusions: channels of a head, frequencies by which a box is told."""

    head: int = 16
    frequencies: int = 8


def fourier(box: Tensor, frequencies: int) -> Tensor:
    """Boxes (…, 4) of top, left, bottom, right in 0 … 1 of the frame as (…, 8·frequencies): sine and cosine of 2^k·π·coordinate."""
    rates = torch.pi * 2.0 ** torch.arange(frequencies, device=box.device, dtype=torch.float32)
    angles = (box.float()[..., None] * rates).flatten(-2)
    return torch.cat([angles.sin(), angles.cos()], -1).to(box.dtype)


class WithPosition(nn.Module):
    """MLP(token ⊕ position): tokens (B, …, n, D) and boxes (B, 4) to tokens (B, …, n, D) that know where the tile lies."""

    def __init__(self, width: int, frequencies: int) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.mlp = nn.Sequential(nn.Linear(width + 8 * frequencies, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor, box: Tensor) -> Tensor:
        """See the class."""
        where = fourier(box, self.frequencies)
        where = where.view(-1, *(1,) * (tokens.ndim - 2), 8 * self.frequencies).expand(-1, *tokens.shape[1:-1], -1)
        out: Tensor = self.mlp(torch.cat([tokens, where], -1))
        return out


class Fusion(nn.Module):
    """Frames (N, C, h, w) and tokens (N, n, D) to frames: x + tanh(gate) · cross-attention; the gate begins at 0."""

    def __init__(self, width: int, token_width: int, params: FusionParams) -> None:
        super().__init__()
        self.heads = max(width // params.head, 1)
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key, self.value = (nn.Linear(token_width, width, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """See the class."""
        query = self.query(self.norm(as_tokens(x)))
        query, key, value = (as_heads(part, self.heads) for part in (query, self.key(tokens), self.value(tokens)))
        heard = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return x + torch.tanh(self.gate) * as_maps(self.out(heard), x.shape[2])
