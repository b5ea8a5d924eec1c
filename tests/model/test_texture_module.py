"""Texture: spectra two ways, bands, and a module that begins as the identity."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from frdm.model.spectrum import as_bins, bands_of, cropped, from_bins, inverted, transformed
from frdm.model.texture import Texture, TextureParams

SHAPES = [(3, 8, 6), (5, 6, 8), (1, 4, 4), (4, 5, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_products_with_matrices_are_the_fourier_transform(shape: tuple[int, int, int]) -> None:
    clip = torch.rand(2, 3, *shape)
    fast, plain = transformed(clip, by_matrices=False), transformed(clip, by_matrices=True)
    for a, b in zip(fast, plain, strict=True):
        assert torch.allclose(a, b, atol=2e-5)
    for by_matrices in (False, True):
        assert torch.allclose(inverted(plain, shape[2], by_matrices=by_matrices), clip, atol=2e-5)


def test_both_inverses_drop_what_no_real_clip_has() -> None:
    random = torch.Generator().manual_seed(1)
    spectrum = torch.randn(1, 2, 3, 8, 5, generator=random), torch.randn(1, 2, 3, 8, 5, generator=random)
    assert torch.allclose(inverted(spectrum, 8, by_matrices=True), inverted(spectrum, 8, by_matrices=False), atol=1e-5)


def test_a_cropped_spectrum_is_that_of_a_smaller_clip_of_the_same_waves() -> None:
    def waves(side: int) -> torch.Tensor:
        x = torch.arange(side) / side * 2 * torch.pi
        return (0.3 + torch.cos(x)[:, None] * torch.sin(2 * x)[None]).expand(1, 1, 2, side, side)

    large, small = (transformed(waves(side), by_matrices=False) for side in (16, 8))
    for a, b in zip(cropped(large, 8, 8), small, strict=True):
        assert a.shape == b.shape and torch.allclose(a / 2, b, atol=1e-5)


def test_bins_and_back() -> None:
    spectrum = torch.rand(2, 3, 4, 5, 6), torch.rand(2, 3, 4, 5, 6)
    back = from_bins(as_bins(spectrum), (4, 5, 6))
    assert torch.equal(back[0], spectrum[0]) and torch.equal(back[1], spectrum[1])


def test_bands_rise_from_the_mean_to_the_corner() -> None:
    bands = bands_of(5, 24, 24, 8)
    of = bands.of.reshape(5, 24, 13)
    assert of[0, 0, 0] == 0 and (bands.of == 0).sum() == 1
    assert of[2, 12, 12] == 7 and of[0, 0, 1] < of[0, 0, 6] < of[0, 12, 12]
    assert np.allclose(bands.means.sum(1), 1) and len(bands.present) == bands.means.shape[0]


@pytest.mark.parametrize("by_matrices", [True, False])
def test_the_module_is_the_identity_at_first_and_then_not(by_matrices: bool) -> None:
    torch.manual_seed(0)
    module = Texture(16, 5, TextureParams(8, 6, by_matrices=by_matrices))
    x, local, whole = torch.rand(6, 16, 4, 6), torch.rand(2, 5, 3, 8, 12), torch.rand(2, 5, 3, 8, 8)
    spectra = (transformed(one, by_matrices=by_matrices) for one in (local, whole))
    assert torch.equal(module(x, *(told := tuple(spectra))), x)
    with torch.no_grad():
        module.out.weight.normal_(0, 0.1)
    assert not torch.allclose(module(x, *told), x, atol=1e-3)


def test_the_phase_of_the_tile_and_the_colour_of_the_frame_are_heard() -> None:
    torch.manual_seed(0)
    module = Texture(16, 2, TextureParams(8, 4))
    with torch.no_grad():
        module.out.weight.normal_(0, 0.1)
    x, stripes = torch.rand(2, 16, 8, 8), (torch.arange(8) % 4 < 2).float().expand(1, 2, 2, 8, 8)
    tile, moved = (transformed(one, by_matrices=True) for one in (stripes, stripes.roll(1, 4)))
    frame, lighter = (transformed(one, by_matrices=True) for one in (stripes, stripes + 0.5))
    here = module(x, tile, frame)
    for other in (module(x, moved, frame), module(x, tile, lighter)):
        assert not torch.allclose(other, here, atol=1e-3)
