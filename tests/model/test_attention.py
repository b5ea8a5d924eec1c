"""Attention: positions are those of the whole frame, and what earlier tiles left is heard as if it were part of this one."""

import pytest

pytest.importorskip("torch")

import torch
from small_models import TOY, awake, conditions_of, latents, toy
from torch import Tensor

from frdm.model.attention import AttentionParams, Edges, Memory, SelfAttention, TileCache, positions_of, rotated
from frdm.model.frdm import times, without
from frdm.model.fusion import Fusion, FusionParams, WithPosition, fourier


def attention(depth: int) -> SelfAttention:
    torch.manual_seed(0)
    layer = awake(SelfAttention(16, AttentionParams(8, depth)))
    assert isinstance(layer, SelfAttention)
    layer.norm = torch.nn.Identity()  # type: ignore[assignment]  # the norm of a tile knows nothing of the tile beside it
    return layer


def origin(row: float, column: float) -> Tensor:
    return torch.tensor([[row, column]])


@pytest.mark.parametrize("axis", ["left", "upper"])
def test_a_cache_as_deep_as_a_tile_is_attention_over_both_tiles(axis: str) -> None:
    layer, both = attention(6), torch.rand(2, 16, 6, 12, generator=torch.Generator().manual_seed(1))
    if axis == "upper":
        both = both.transpose(2, 3)
    wanted = layer(both, origin(3, 5), 2)[0].chunk(2, 3 if axis == "left" else 2)[1]
    first, second = both.chunk(2, 3 if axis == "left" else 2)
    _, right, lower = layer(first, origin(3, 5), 2)
    nothing = torch.zeros_like(right)
    present = torch.tensor([[float(axis == "left"), float(axis == "upper")]])
    heard = (right, nothing, present) if axis == "left" else (nothing, lower, present)
    at = origin(3, 11) if axis == "left" else origin(9, 5)
    assert torch.allclose(layer(second, at, 2, heard)[0], wanted, atol=1e-6)
    assert not torch.allclose(layer(second, at, 2)[0], wanted, atol=1e-3)


def test_edges_that_are_not_there_are_not_heard() -> None:
    layer, x = attention(2), torch.rand(2, 16, 6, 6, generator=torch.Generator().manual_seed(1))
    alone, right, lower = layer(x, origin(0, 0), 2)
    assert right.shape == lower.shape == (1, 2, 2, 2, 12, 8)
    heard = 100 * torch.ones_like(right), 100 * torch.ones_like(lower), torch.zeros(1, 2)
    assert torch.allclose(layer(x, origin(0, 0), 2, heard)[0], alone, atol=1e-6)


def test_only_differences_of_positions_matter() -> None:
    layer, x = attention(2), torch.rand(2, 16, 6, 6)
    assert torch.allclose(layer(x, origin(0, 0), 2)[0], layer(x, origin(500, 321), 2)[0], atol=1e-4)


def test_turning_keeps_lengths_and_tells_rows_from_columns() -> None:
    x = torch.rand(1, 2, 12, 8)
    at = positions_of(origin(7, 2), 3, 4)
    assert at[0, 5].tolist() == [8, 3]
    turned = rotated(x, at)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-6)
    swapped = rotated(x, at.flip(-1))
    assert not torch.allclose(swapped, turned, atol=1e-3)


def edges(value: float, count: int) -> Edges:
    return Edges((torch.full((count, 2, 1, 1, 4, 8), value),), (torch.full((count, 2, 1, 1, 4, 8), -value),))


def test_the_cache_hands_each_edge_out_once_and_to_neighbours_alone() -> None:
    cache = TileCache()
    assert cache.memory([(0, 0, 0), (1, 0, 0)]) is None
    cache.keep([(0, 0, 0), (1, 0, 0)], edges(1.0, 2))
    assert cache.memory([(0, 0, 2)]) is None and cache.memory([(2, 0, 1)]) is None
    memory = cache.memory([(0, 0, 1), (0, 1, 0)])
    assert memory is not None
    assert memory.present.tolist() == [[1, 0], [0, 1]]
    assert memory.left[0][:, 0, 0, 0, 0, 0].tolist() == [1, 0] and memory.upper[0][:, 0, 0, 0, 0, 0].tolist() == [0, -1]
    assert cache.memory([(0, 0, 1)]) is None and len(cache) == 2
    cache.clear()
    assert len(cache) == 0 and cache.memory([(1, 0, 1)]) is None


def test_a_model_hears_its_left_neighbour_unless_memory_is_off() -> None:
    model = awake(toy())
    with torch.no_grad():
        conditions, z, t = conditions_of(model), latents(model), times(300, 2, latents(model))
        alone, left = model.denoise_and_keep(z, t, conditions)
        assert len(left.right) == 3, "one for each level and one for the middle"
        memory = Memory(left.right, left.lower, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
        heard = model.denoise(z, t, conditions, memory)
    assert not torch.allclose(heard[0], alone[0], atol=1e-4)
    assert torch.allclose(heard[1], alone[1], atol=1e-5)
    deaf = awake(toy(without(TOY, "memory")))
    with torch.no_grad():
        assert torch.equal(deaf.denoise(z, t, conditions, memory), alone)


def test_a_fusion_begins_without_effect_and_opens_with_its_gate() -> None:
    torch.manual_seed(0)
    fusion, x, tokens = Fusion(16, 12, FusionParams(8)), torch.rand(2, 16, 4, 5), torch.rand(2, 7, 12)
    assert fusion.gate.item() == 0 and torch.equal(fusion(x, tokens), x)
    with torch.no_grad():
        fusion.gate.fill_(0.5)
    added = fusion(x, tokens) - x
    with torch.no_grad():
        fusion.gate.fill_(50.0)
    assert torch.allclose(added, torch.tanh(torch.tensor(0.5)) * (fusion(x, tokens) - x), atol=1e-6)


def test_a_box_is_told_by_sines_and_cosines() -> None:
    told = fourier(torch.tensor([[0.0, 0.5, 1.0, 0.25]]), 2)[0]
    assert told.shape == (16,)
    assert told[:8].tolist() == pytest.approx([0, 0, 1, 0, 0, 0, 0.5**0.5, 1], abs=1e-6)
    assert told[8:].tolist() == pytest.approx([1, 1, 0, -1, -1, 1, 0.5**0.5, 0], abs=1e-6)


def test_tokens_of_one_frame_differ_by_the_place_of_the_tile() -> None:
    torch.manual_seed(0)
    layer, tokens = WithPosition(12, 4), torch.rand(1, 3, 5, 12).expand(2, -1, -1, -1)
    out = layer(tokens, torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]))
    assert out.shape == (2, 3, 5, 12) and not torch.allclose(out[0], out[1], atol=1e-3)
