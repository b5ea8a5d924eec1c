"""State spaces: the scan in chunks is the recurrence, and every position hears its lines from both ends."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from frdm.model.clip_attention import ClipAttentionBlock
from frdm.model.preprocess import Preprocess, PreprocessParams
from frdm.model.state_space import (
    AXES,
    StateSpaceBlock,
    StateSpaceParams,
    as_lines,
    from_lines,
    scan_in_chunks,
    scan_one_by_one,
)


def shown(length: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    decay = -torch.tensor([0.1, 1.0, 20.0], dtype=torch.float64)
    return draw(4, length, 3, 5), draw(4, length, 3).exp(), decay, draw(4, length, 6), draw(4, length, 6)


@pytest.mark.parametrize("length", [1, 7, 16, 37])
@pytest.mark.parametrize("chunk", [1, 5, 16, 64])
def test_chunks_give_the_recurrence(length: int, chunk: int) -> None:
    x, step, decay, b, c = shown(length)
    wanted = scan_one_by_one(x, step, decay, b, c)
    assert torch.allclose(scan_in_chunks(x, step, decay, b, c, chunk=chunk), wanted, rtol=1e-10, atol=1e-10)


def test_chunks_give_the_gradients_of_the_recurrence() -> None:
    leaves = [one.requires_grad_(True) for one in shown(11)]
    wanted = torch.autograd.grad(scan_one_by_one(*leaves).square().sum(), leaves)
    found = torch.autograd.grad(scan_in_chunks(*leaves, chunk=4).square().sum(), leaves)
    for a, b in zip(found, wanted, strict=True):
        assert torch.isfinite(a).all() and torch.allclose(a, b, rtol=1e-8, atol=1e-8)


def test_a_recurrence_by_hand() -> None:
    one = torch.ones(1, 3, 1, 1)
    half = torch.tensor([-0.6931471805599453])
    y = scan_one_by_one(one, one[..., 0], half, one[..., 0], one[..., 0])
    assert y.flatten().tolist() == pytest.approx([1.0, 1.5, 1.75])


def test_long_decays_do_not_overflow() -> None:
    x, _, _, b, c = (one.float() for one in shown(64))
    y = scan_in_chunks(x, torch.full((4, 64, 3), 50.0), torch.tensor([-1.0, -5.0, -20.0]), b, c, chunk=64)
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("axis", AXES)
def test_lines_and_back(axis: int) -> None:
    x = torch.rand(2, 3, 4, 5, 6)
    lines = as_lines(x, axis)
    assert lines.shape[1] == x.shape[axis]
    assert torch.equal(from_lines(lines, axis, x.shape), x)


def test_every_position_hears_its_lines_from_both_ends() -> None:
    torch.manual_seed(0)
    block = StateSpaceBlock(8, StateSpaceParams(2, 4, 3)).eval()
    x = torch.rand(1, 8, 5, 7, 9, requires_grad=True)
    block(x)[0, :, 2, 3, 4].sum().backward()
    assert x.grad is not None
    reached = x.grad[0].abs().sum(0) > 0
    for line in (reached[:, 3, 4], reached[2, :, 4], reached[2, 3, :]):
        assert line.all()
    assert not reached[0, 0, 0]


def test_by_attention_every_position_hears_the_whole_clip_and_knows_the_places() -> None:
    torch.manual_seed(0)
    block = ClipAttentionBlock(8, StateSpaceParams(4)).eval()
    x = torch.rand(1, 8, 3, 4, 5, requires_grad=True)
    block(x)[0, :, 1, 2, 3].sum().backward()
    assert x.grad is not None
    assert (x.grad[0].abs().sum(0) > 0).all()
    inside = torch.rand(1, 3, 4, 5, 8)
    with torch.no_grad():
        heard = block.heard(inside)
        for axis in (1, 2, 3):  # were places not known, what is heard would go along with them
            assert not torch.allclose(block.heard(inside.roll(1, axis)), heard.roll(1, axis), atol=1e-5)


def test_attention_by_hand() -> None:
    """Two places of one frame in one row; keys and queries are all alike but for their places, values are what they are."""
    block = ClipAttentionBlock(4, StateSpaceParams(4)).eval()
    with torch.no_grad():
        block.read.weight.zero_()
        block.read.bias.zero_()
        block.read.bias[:8] = 1.0  # queries and keys of ones
        block.read.weight[8:] = torch.eye(4)
        inside = torch.stack([torch.zeros(4), torch.ones(4)]).view(1, 1, 1, 2, 4)
        heard = block.heard(inside)
    told = torch.tensor([0.0, 0.0, 1.0, 1.0])  # sines and cosines of frame 0
    same = torch.tensor(2.0)  # 1·1 four times, over the root of 4; a place apart, the half turned by columns has cos 1
    apart = (2 + 2 * torch.cos(torch.tensor(1.0))) / 2
    share = torch.softmax(torch.stack([same, apart]), 0)  # of the own place, of the other
    assert torch.allclose(heard[0, 0, 0, 0], told + share[1], atol=1e-5)
    assert torch.allclose(heard[0, 0, 0, 1], told + share[0], atol=1e-5)


def test_preprocess_begins_with_the_tile_itself_and_shows_a_picture_at_every_scale() -> None:
    torch.manual_seed(0)
    module = Preprocess(3, PreprocessParams((8, 16, 32), state_space=StateSpaceParams(2, 4, 8)))
    tile = torch.rand(1, 3, 2, 48, 32)
    done = module(tile)
    assert torch.equal(done.pictures[0], tile)
    assert [tuple(one.shape[1:]) for one in done.pictures] == [(3, 2, 48, 32), (3, 2, 24, 16), (3, 2, 12, 8)]
    assert [tuple(one.shape[1:]) for one in done.features] == [(8, 2, 12, 8), (16, 2, 6, 4), (32, 2, 3, 2)]
    matte = torch.zeros(1, 1, 2, 48, 32)
    assert torch.equal(module(tile, matte).features[0], done.features[0])
    matte[..., 10:20, 10:20] = 1
    assert not torch.equal(module(tile, matte).features[0], done.features[0])
