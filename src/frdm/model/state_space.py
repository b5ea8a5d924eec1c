"""Selective state spaces over a clip: every position hears all others of its line in time, its column and its row, both ways.

    x (B, T, H, W, C) → norm → in ┬→ 3 × 3 → silu ┬→ scans along t, y, x, each there and back ┐
                                  │               └→ skip ──────────────────────────────────── + → norm → × → out → + x
                                  └→ silu (gate) ──────────────────────────────────────────────────────── ┘

The recurrence along a line, for a head with decay a < 0:  h ← exp(Δ·a)·h + Δ·x ⊗ b,  y = h·c  with Δ, b and c read off the input.
`scan_one_by_one` says just that; `scan_in_chunks` gives the same by products of matrices, a chunk at a time, and is what runs.

Source: HaineiFRDM §6.1 (VideoMamba block); Gu 2024 (selective scan); Dao 2024 (chunks, one decay a head); Li 2024 (VideoMamba)
"""

import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.layout import unflattened

AXES = (1, 2, 3)  # time, rows, columns of (B, T, H, W, C)
DIRECTIONS = 2 * len(AXES)
KERNEL_SIZES = (16, 32, 64, 128)  # channels of a head and of a state that mamba-ssm's products of blocks take


@dataclass(frozen=True, slots=True)
class StateSpaceParams:
    """Of a `GatedBlock`: channels of a head (they share a decay), numbers that each holds, positions worked on at once."""

    head: int = 16
    state: int = 8
    chunk: int = 32


def scan_one_by_one(x: Tensor, step: Tensor, decay: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The recurrence as it is written, position after position: what the fast one is tested against.

    `x` (N, L, heads, P), `step` Δ > 0 (N, L, heads), `decay` a < 0 (heads), `b` and `c` (N, L, state). Returns y like x.
    """
    held = x.new_zeros(x.shape[0], x.shape[2], x.shape[3], b.shape[2])
    out = []
    for place in range(x.shape[1]):
        kept = torch.exp(step[:, place] * decay)[:, :, None, None]
        new = (step[:, place, :, None] * x[:, place])[..., None] * b[:, place, None, None, :]
        held = kept * held + new
        out.append((held * c[:, place, None, None, :]).sum(-1))
    return torch.stack(out, 1)


def scan_in_chunks(x: Tensor, step: Tensor, decay: Tensor, b: Tensor, c: Tensor, *, chunk: int = 32) -> Tensor:
    """The same as `scan_one_by_one` with as many steps as there are chunks.

    Inside a chunk y_i = Σ_{j ≤ i} exp(s_i − s_j)·(c_i·b_j)·Δ_j x_j with s the running sum of Δ·a; between chunks the state is carried.
    """
    scaled = x * step[..., None]
    held = None
    out = []
    for start in range(0, x.shape[1], chunk):
        part = slice(start, start + chunk)
        y, held = _one_chunk(scaled[:, part], step[:, part] * decay, b[:, part], c[:, part], held)
        out.append(y)
    return out[0] if len(out) == 1 else torch.cat(out, 1)


def _one_chunk(x: Tensor, log_decay: Tensor, b: Tensor, c: Tensor, held: Tensor | None) -> tuple[Tensor, Tensor]:
    """(y (N, Q, heads, P), the state after it (N, heads, P, state)) of Q positions that begin with the state `held`."""
    total = log_decay.transpose(1, 2).cumsum(2)  # (N, heads, Q)
    past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
    between = (total[..., :, None] - total[..., None, :]).masked_fill(~past, -torch.inf)
    weights = torch.exp(between) * (c @ b.transpose(1, 2))[:, None]  # (N, heads, Q, Q)
    values = x.transpose(1, 2)  # (N, heads, Q, P)
    y = weights @ values
    if held is not None:
        y = y + torch.exp(total)[..., None] * (c[:, None] @ held.transpose(2, 3))
    to_end = torch.exp(total[..., -1:] - total)
    after = (values * to_end[..., None]).transpose(2, 3) @ b[:, None]
    if held is not None:
        after = after + torch.exp(total[..., -1])[..., None, None] * held
    return y.transpose(1, 2), after


@cache
def _kernels() -> Any:
    """mamba-ssm's scan for graphics cards, where it is installed."""
    if importlib.util.find_spec("mamba_ssm") is None:
        return None
    from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

    return mamba_chunk_scan_combined


def scan(x: Tensor, step: Tensor, decay: Tensor, b: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """By mamba-ssm's kernels on a graphics card where it is installed and takes these sizes, else in chunks; see `scan_one_by_one`."""
    kernels = _kernels() if x.is_cuda and x.shape[3] in KERNEL_SIZES and b.shape[2] in KERNEL_SIZES else None
    if kernels is None:
        return scan_in_chunks(x, step, decay, b, c, chunk=chunk)
    y: Tensor = kernels(x.contiguous(), step.contiguous(), decay, b[:, :, None].contiguous(), c[:, :, None].contiguous(), chunk_size=chunk)
    return y


class GatedBlock(nn.Module, ABC):
    """x + what its places hear of each other. (B, C, T, H, W) to the same; `width` = C must be a multiple of the params' head."""

    def __init__(self, width: int, params: StateSpaceParams | None = None) -> None:
        super().__init__()
        self.params = params or StateSpaceParams()
        self.width, self.heads = width, width // self.params.head
        self.norm = nn.LayerNorm(width)
        self.into = nn.Linear(width, 2 * width)
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.build()
        self.skip = nn.Parameter(torch.ones(width))
        self.norm_out = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)

    @abstractmethod
    def build(self) -> None:
        """Make the layers that `heard` needs."""

    @abstractmethod
    def heard(self, inside: Tensor) -> Tensor:
        """What every place hears of the others; (B, T, H, W, C) to the same."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        inside, gate = self.into(self.norm(x.permute(0, 2, 3, 4, 1))).chunk(2, -1)
        frames = inside.flatten(0, 1).permute(0, 3, 1, 2)
        inside = unflattened(functional.silu(self.near(frames)).permute(0, 2, 3, 1), 0, -1, x.shape[2])
        y = self.skip * inside + self.heard(inside)
        added: Tensor = self.out(self.norm_out(y) * functional.silu(gate))
        return x + added.permute(0, 4, 1, 2, 3)


class StateSpaceBlock(GatedBlock):
    """Places hear of each other by six scans."""

    def build(self) -> None:
        """What is read off every place, and how fast each head forgets."""
        self.selects = nn.Linear(self.width, DIRECTIONS * (self.heads + 2 * self.params.state))
        self.log_decay = nn.Parameter(torch.linspace(0.0, 2.0, self.heads).repeat(DIRECTIONS, 1))
        self.step_bias = nn.Parameter(torch.linspace(-4.0, -1.0, self.heads).repeat(DIRECTIONS, 1))

    def heard(self, inside: Tensor) -> Tensor:
        """The sum of the scans along each axis, there and back; (B, T, H, W, C) to the same."""
        selected = self.selects(inside).chunk(DIRECTIONS, -1)
        parts = []
        for number, read in enumerate(selected):
            axis, back = AXES[number // 2], number % 2 == 1
            lines, unlined = as_lines(inside, axis), as_lines(read, axis)
            if back:
                lines, unlined = lines.flip(1), unlined.flip(1)
            y = self._scan_lines(lines, unlined, number)
            parts.append(from_lines(y.flip(1) if back else y, axis, inside.shape))
        return torch.stack(parts).sum(0)

    def _scan_lines(self, lines: Tensor, read: Tensor, number: int) -> Tensor:
        """One direction: (N, L, C) and what was read off it (N, L, heads + 2·state) to (N, L, C)."""
        heads, state = self.heads, self.params.state
        step, b, c = torch.split(read, [heads, state, state], -1)
        step = functional.softplus(step + self.step_bias[number])
        values = unflattened(lines, 2, heads, -1)
        return scan(values, step, -torch.exp(self.log_decay[number]), b, c, chunk=self.params.chunk).flatten(2)


def as_lines(x: Tensor, axis: int) -> Tensor:
    """(B, T, H, W, C) to lines along `axis`: (N, L, C)."""
    return x.movedim(axis, 3).flatten(0, 2)


def from_lines(lines: Tensor, axis: int, shape: torch.Size) -> Tensor:
    """The way back to `shape`."""
    others = [shape[place] for place in range(1, 4) if place != axis]
    return lines.reshape(-1, *others, shape[axis], shape[4]).movedim(3, axis)
