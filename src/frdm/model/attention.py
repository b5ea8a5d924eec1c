"""Self-attention over one frame of a tile, which also hears what earlier tiles left.

Positions are those in the whole frame (RoPE), so keys of the left and the upper neighbour can be heard as they are: the cache holds the
keys and values of their edges, and a tile attends to them as if they were more tokens of its own. In a row of two tiles with edges as
deep as a tile this is exactly attention over both.

Source: HaineiFRDM §4.2, §6.5.1; Su 2024 (rotary positions); Yang 2025 (keys and values of earlier blocks)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.layout import as_heads, as_maps, as_tokens, repeat_per_frame, unflattened

Place = tuple[int, int, int]  # of a tile: window in time, row and column of the grid
Heard = tuple[Tensor, Tensor, Tensor]  # by one layer: left edge, upper edge, which of them there are
ABSENT = -1e4  # added to a score that must not count


@dataclass(frozen=True, slots=True)
class AttentionParams:
    """Of `SelfAttention`: channels of a head, how many tokens deep an edge is, width of the layer after it (× the width, 0: none)."""

    head: int = 16
    depth: int = 2
    feed_forward: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """What tiles leave: keys and values at their right and lower edges, one entry a layer, each (B, 2, T, heads, tokens, head)."""

    right: tuple[Tensor, ...]
    lower: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What tiles hear: the right edges of their left neighbours and the lower edges of their upper ones, and which of the two there are."""

    left: tuple[Tensor, ...]
    upper: tuple[Tensor, ...]
    present: Tensor  # (B, 2) as 0 and 1: left, upper


@dataclass(slots=True)
class TileCache:
    """Edges of the tiles of one step until their neighbours have asked for them; each is handed out once, so few are held.

    Tiles come so that left and upper neighbours are done before (row by row, or by diagonals). `clear` it before every step.
    """

    _right: dict[Place, list[Tensor]] = field(default_factory=dict)
    _lower: dict[Place, list[Tensor]] = field(default_factory=dict)

    def keep(self, places: Sequence[Place], edges: Edges) -> None:
        """Store what the tiles of a batch left."""
        for number, place in enumerate(places):
            self._right[place] = [layer[number].detach() for layer in edges.right]
            self._lower[place] = [layer[number].detach() for layer in edges.lower]

    def memory(self, places: Sequence[Place]) -> Memory | None:
        """What the tiles of a batch hear; None where none of them has a neighbour."""
        left = [self._right.pop((w, row, column - 1), None) for w, row, column in places]
        upper = [self._lower.pop((w, row - 1, column), None) for w, row, column in places]
        if not any(one is not None for one in (*left, *upper)):
            return None
        present = [[float(a is not None), float(b is not None)] for a, b in zip(left, upper, strict=True)]
        lefts, uppers = _filled(left, upper), _filled(upper, left)
        return Memory(lefts, uppers, lefts[0].new_tensor(present))

    def clear(self) -> None:
        """Forget everything."""
        self._right.clear()
        self._lower.clear()

    def __len__(self) -> int:
        return len(self._right) + len(self._lower)


def _filled(edges: Sequence[list[Tensor] | None], others: Sequence[list[Tensor] | None]) -> tuple[Tensor, ...]:
    """One tensor a layer, zeros where a tile has no neighbour; tiles are square, so `others` have the same shapes."""
    shown = next(one for one in (*edges, *others) if one is not None)
    return tuple(torch.stack([torch.zeros_like(like) if one is None else one[k] for one in edges]) for k, like in enumerate(shown))


def rotated(x: Tensor, positions: Tensor) -> Tensor:
    """Keys or queries (N, heads, L, head) turned by their positions (N, L, 2) as (row, column): half of the channels by each.

    Source: Su 2024, §3.2, one axis for each half
    """
    frequencies = x.shape[3] // 4
    rates = 10000.0 ** (-torch.arange(frequencies, device=x.device, dtype=torch.float32) / frequencies)
    angles = (positions.float()[..., None] * rates).flatten(2)[:, None]  # (N, 1, L, head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def positions_of(origin: Tensor, height: int, width: int) -> Tensor:
    """(N, h·w, 2): row and column of every token in the whole frame, given those of a tile's first one (N, 2)."""
    rows = torch.arange(height, device=origin.device, dtype=origin.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=origin.device, dtype=origin.dtype)[None].expand(height, width)
    return origin[:, None] + torch.stack([rows, columns], -1).flatten(0, 1)


def frame_numbers(count: int, width: int, like: Tensor) -> Tensor:
    """(T, width): sines and cosines that tell a frame's place in the window."""
    half = width // 2
    rates = 100.0 ** (-torch.arange(half, device=like.device, dtype=torch.float32) / half)
    angles = torch.arange(count, device=like.device, dtype=torch.float32)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1).to(like.dtype)


class GatedFeedForward(nn.Module):
    """Linear, a GELU gate, linear; laid out as in latent-diffusion backbones, whose weights it can take."""

    def __init__(self, width: int, times: int) -> None:
        super().__init__()
        self.into = nn.Linear(width, 2 * times * width)
        self.out = nn.Linear(times * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) to the same."""
        value, gate = self.into(x).chunk(2, -1)
        out: Tensor = self.out(value * functional.gelu(gate))
        return out


class SelfAttention(nn.Module):
    """Frames (N, C, h, w) to the same; N = B·T. The layout (norm, in, attention, out) is that of latent-diffusion backbones."""

    def __init__(self, width: int, params: AttentionParams) -> None:
        super().__init__()
        self.params, self.heads = params, max(width // params.head, 1)
        self.norm = nn.GroupNorm(min(32, width // 4), width, eps=1e-6)
        self.into = nn.Linear(width, width)
        self.norm_tokens = nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.mixed = nn.Linear(width, width)
        self.after: nn.Module | None = None
        if params.feed_forward:
            self.after = nn.Sequential(nn.LayerNorm(width), GatedFeedForward(width, params.feed_forward))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, origin: Tensor, length: int, heard: Heard | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(x, right edge, lower edge) of clips of T = `length` frames at `origin` (B, 2), in cells of this level."""
        height = x.shape[2]
        tokens = self.into(as_tokens(self.norm(x)))
        positions = positions_of(repeat_per_frame(origin, length), height, x.shape[3])
        queries, keys, values = self._heads(self.norm_tokens(tokens), positions)
        tokens = tokens + self.mixed(self._attended((queries, keys, values), length, heard))
        if self.after is not None:
            tokens = tokens + self.after(tokens)
        out = x + as_maps(self.out(tokens), height)
        return out, *self._edges(torch.stack([keys, values], 1), length, height)

    def _heads(self, tokens: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys turned by their positions, and values; (N, heads, L, head)."""
        query, key, value = (as_heads(layer(tokens), self.heads) for layer in (self.query, self.key, self.value))
        return rotated(query, positions), rotated(key, positions), value

    def _attended(self, own: Heard, length: int, heard: Heard | None) -> Tensor:
        """(N, L, C): attention to the tile's own tokens (queries, keys, values) and to what is heard."""
        (queries, keys, values), mask = own, None
        if heard is not None:
            left, upper, present = heard
            absent = repeat_per_frame((1 - present).to(keys.dtype) * ABSENT, length)
            sizes = (left.shape[4], absent[:, :1]), (upper.shape[4], absent[:, 1:]), (keys.shape[2], torch.zeros_like(absent[:, :1]))
            mask = torch.cat([added.expand(-1, count) for count, added in sizes], 1)[:, None, None]
            earlier = torch.cat([left, upper], 4).transpose(1, 2).flatten(0, 1)  # (N, 2, heads, M, head)
            keys, values = torch.cat([earlier[:, 0], keys], 2), torch.cat([earlier[:, 1], values], 2)
        out = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        return out.transpose(1, 2).flatten(2)

    def _edges(self, kept: Tensor, length: int, height: int) -> tuple[Tensor, Tensor]:
        """Keys and values (N, 2, heads, L, head) of the right and of the lower edge, each (B, 2, T, heads, tokens, head)."""
        kept = unflattened(unflattened(kept, 0, -1, length).transpose(1, 2), 4, height, -1)
        deep = min(self.params.depth, height, kept.shape[5])
        return kept[:, :, :, :, :, -deep:].flatten(4, 5), kept[:, :, :, :, -deep:].flatten(4, 5)
