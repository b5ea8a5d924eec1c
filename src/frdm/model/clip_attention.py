"""Attention over a whole clip in the place of the state spaces: what the paper's block is measured against.

All around it is that of the state-space block; every place hears every other of the clip at once, and what it costs grows with the square
of their number.

Source: HaineiFRDM §6.5.2 (the comparison; the other block is ours); Su 2024 (rotary positions)
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.attention import frame_numbers, positions_of, rotated
from frdm.model.layout import as_heads
from frdm.model.state_space import GatedBlock


class ClipAttentionBlock(GatedBlock):
    """Places hear of each other by attention over all places of all frames; channels of a head must be a multiple of 4."""

    def build(self) -> None:
        """Queries, keys and values."""
        self.read = nn.Linear(self.width, 3 * self.width)

    def heard(self, inside: Tensor) -> Tensor:
        """See `GatedBlock`: queries and keys know their row and column by rotation, and all three their frame by what is added."""
        count, length, height, width, channels = inside.shape
        told = inside + frame_numbers(length, channels, inside)[:, None, None]
        queries, keys, values = (as_heads(part.flatten(1, 3), self.heads) for part in self.read(told).chunk(3, -1))
        places = positions_of(torch.zeros(1, 2, device=inside.device), height, width).repeat(1, length, 1)
        out = functional.scaled_dot_product_attention(rotated(queries, places), rotated(keys, places), values)
        return out.transpose(1, 2).reshape(count, length, height, width, channels)
