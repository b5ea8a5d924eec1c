"""Codecs: nothing is lost by laying pixels as channels; a pretrained autoencoder stays as it is."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from small_models import SIDE, pictures

from frdm.errors import RecipeError
from frdm.model.codec import LatentCodec, PixelCodec, PixelCodecParams


def test_every_code_of_sixteen_bits_comes_back() -> None:
    codec = PixelCodec(PixelCodecParams(factor=4, planes=1))
    codes = torch.arange(65536, dtype=torch.float64).view(1, 1, 1, 256, 256)
    latent = codec.encode((codes / 65535).float())
    assert latent.shape == (1, 16, 1, 64, 64) and codec.channels == 16
    back = codec.decode(latent)
    assert torch.equal((back.double() * 65535).round(), codes)


def test_a_cell_holds_the_pixels_of_its_square() -> None:
    tile = pictures(1)
    latent = PixelCodec().encode(tile)
    assert latent.shape == (1, 48, 3, 8, 8)
    square = tile[0, 1, 2, 4:8, 8:12].flatten()
    assert torch.allclose(latent[0, 16:32, 2, 1, 2], 4 * square - 2)


def test_a_tile_that_does_not_divide_is_refused_in_a_sentence() -> None:
    with pytest.raises(RecipeError, match=r"codec: 30×32 found, sides in multiples of 4 wanted; take another tile size"):
        PixelCodec().encode(torch.zeros(1, 3, 2, 30, 32))
    with pytest.raises(RecipeError, match=r"codec: a tensor of 1×1×2×32×32 found, \(B, 3, T, H, W\) wanted"):
        PixelCodec().encode(torch.zeros(1, 1, 2, 32, 32))


def test_an_autoencoder_codes_frames_one_by_one_and_never_learns(backbone_folder: Path) -> None:
    import diffusers

    whole = LatentCodec(diffusers.AutoencoderKL.from_pretrained(backbone_folder / "vae"), frames_at_once=4)
    few = LatentCodec(diffusers.AutoencoderKL.from_pretrained(backbone_folder / "vae"), frames_at_once=1)
    tile = pictures(2)
    latent = whole.encode(tile)
    assert whole.factor == 2 and latent.shape == (2, 4, 3, SIDE // 2, SIDE // 2)
    assert torch.allclose(few.encode(tile), latent, atol=1e-5)
    latent.requires_grad_(True)
    restored = few.decode(latent)
    assert restored.shape == tile.shape
    restored.sum().backward()
    assert latent.grad is not None and latent.grad.abs().sum() > 0
    whole.train()
    assert not whole.autoencoder.training and not any(one.requires_grad for one in whole.parameters())


def test_a_large_frame_is_decoded_in_tiles(backbone_folder: Path) -> None:
    import diffusers

    autoencoder = diffusers.AutoencoderKL.from_pretrained(backbone_folder / "vae")
    codec = LatentCodec(autoencoder)
    sizes: list[int] = []
    autoencoder.decoder.register_forward_hook(lambda module, shown, out: sizes.append(max(shown[0].shape[2:])))
    with torch.no_grad():
        assert codec.decode(torch.zeros(1, 4, 1, 40, 24)).shape == (1, 3, 1, 80, 48)
    assert len(sizes) > 1 and max(sizes) <= autoencoder.tile_latent_min_size < 40


def test_a_tiny_autoencoder_codes_too() -> None:
    diffusers = pytest.importorskip("diffusers")
    sizes = {"encoder_block_out_channels": (8, 8, 8, 8), "decoder_block_out_channels": (8, 8, 8, 8)}
    counts = {"num_encoder_blocks": (1, 1, 1, 1), "num_decoder_blocks": (1, 1, 1, 1)}
    codec = LatentCodec(diffusers.AutoencoderTiny(latent_channels=4, **sizes, **counts))
    tile = pictures(2)
    latent = codec.encode(tile)
    assert codec.factor == 8 and latent.shape == (2, 4, 3, SIDE // 8, SIDE // 8)
    assert torch.equal(latent, codec.encode(tile))
    latent.requires_grad_(True)
    codec.decode(latent).sum().backward()
    assert codec.decode(latent).shape == tile.shape
    assert latent.grad is not None and latent.grad.abs().sum() > 0
    kept = latent.grad.clone()
    latent.grad, codec.checkpointing = None, True
    codec.decode(latent).sum().backward()
    assert torch.allclose(latent.grad, kept, atol=1e-6)
