"""Models small enough for tests, and what they are shown: toy params of `compact`, a toy backbone on disk for `paper`."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from frdm.diffusion.schedule import Schedule
from frdm.model.attention import AttentionParams
from frdm.model.backbone import SmallParams
from frdm.model.conditioners import SmallConditionerParams
from frdm.model.denoiser import SmallUNetParams
from frdm.model.frdm import Conditions, Frdm, FrdmParams, Where
from frdm.model.fusion import FusionParams
from frdm.model.guidance import GuidanceParams
from frdm.model.losses import Batch, Tiles
from frdm.model.preprocess import PreprocessParams
from frdm.model.state_space import StateSpaceParams
from frdm.model.texture import TextureParams

FRAMES, SIDE = 3, 32
CAPTION = "a man runs"

TOY = FrdmParams(
    frames=FRAMES,
    side=SIDE,
    small=SmallParams(denoiser=SmallUNetParams((16, 32), 8, 32), conditioners=SmallConditionerParams(16)),
    preprocess=PreprocessParams((16, 32), state_space=StateSpaceParams(2, 4, 5)),
    guidance=GuidanceParams(AttentionParams(8), FusionParams(8, 2), TextureParams(8, 4)),
)
TOY_PAPER = replace(
    TOY,
    size="paper",
    schedule=Schedule("scaled linear", "noise"),
    small=None,
    preprocess=PreprocessParams((16, 32), factor=1, state_space=StateSpaceParams(2, 4, 64), matte=False),
    guidance=GuidanceParams(AttentionParams(8, 2, 4), FusionParams(8, 2), TextureParams(8, 4, by_matrices=False)),
)


def toy(params: FrdmParams = TOY, seed: int = 0) -> Frdm:
    """A fresh compact model."""
    torch.manual_seed(seed)
    return Frdm(params)


def awake(model: nn.Module, amount: float = 0.05, seed: int = 1) -> nn.Module:
    """The module with noise on every weight that learns, half-precision numbers: nothing that begins at zero stays so. In place."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in model.parameters():
            if one.requires_grad:
                one.copy_((one + amount * torch.randn(one.shape, generator=random)).half().float())
    return model


def places(count: int = 2, side: int = SIDE) -> Where:
    """Tiles beside each other in a frame of 4 × 4 tiles."""
    box = torch.tensor([[side, side * k, 2 * side, side * (k + 1)] for k in range(count)]).float()
    return Where(box, torch.full((count, 2), 4.0 * side))


def pictures(count: int = 2, *, seed: int = 2, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """Tiles (count, 3, frames, side, side) in 0 … 1."""
    return torch.rand(count, 3, frames, side, side, generator=torch.Generator().manual_seed(seed))


def prompt_of(model: Frdm, count: int = 2) -> Tensor:
    """A prompt for each tile, as the model takes it."""
    said = [{"gauge": "16mm", "motion": "fast"}] if model.params.small is not None else [CAPTION]
    numbers: Tensor = model.backbone.prompts.numbers(said * count)
    return numbers


def conditions_of(model: Frdm, count: int = 2) -> Conditions:
    """Everything the model is told of `count` tiles."""
    whole = model.see_whole(pictures(count, seed=3), prompt_of(model, count))
    matte = (pictures(count, seed=4)[:, :1] > 0.9).float()
    return model.see_tiles(pictures(count), places(count), whole, matte)


def latents(model: Frdm, count: int = 2, seed: int = 5) -> Tensor:
    """Noise like the latents of `count` tiles."""
    codec = model.backbone.codec
    shape = count, codec.channels, FRAMES, SIDE // codec.factor, SIDE // codec.factor
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch_of(model: Frdm, count: int = 2) -> Batch:
    """A step's worth of tiles with square defects."""
    clean = pictures(count, seed=6)
    mask = torch.zeros(count, 1, FRAMES, SIDE, SIDE)
    mask[:, :, 1, 9:14, 12:20] = 1
    tiles = Tiles(torch.where(mask > 0, 0.9, clean), clean, places(count), latents(model, count, 7), mask)
    return Batch(tiles, mask, pictures(count, seed=3), prompt_of(model, count))


def write_backbone(folder: Path) -> Path:
    """A backbone of random weights as diffusers and transformers write one, about half a megabyte."""
    import diffusers
    import transformers

    torch.manual_seed(0)
    widths = {"block_out_channels": (16, 32), "norm_num_groups": 8}
    down, up = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
    coders = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    diffusers.AutoencoderKL(layers_per_block=1, latent_channels=4, sample_size=SIDE, **widths, **coders).save_pretrained(folder / "vae")
    diffusers.UNet2DConditionModel(
        sample_size=8, layers_per_block=1, cross_attention_dim=24, attention_head_dim=2, down_block_types=down, up_block_types=up, **widths
    ).save_pretrained(folder / "unet")
    diffusers.MotionAdapter(
        block_out_channels=(16, 32),
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=8,
        use_motion_mid_block=False,
    ).save_pretrained(folder / "motion_adapter")
    sizes = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = transformers.CLIPVisionConfig(image_size=16, patch_size=8, **sizes)
    transformers.CLIPVisionModel(vision).save_pretrained(folder / "image_encoder")
    write_tokenizer(folder / "tokenizer")
    text = transformers.CLIPTextConfig(vocab_size=len(WORDS), max_position_embeddings=12, bos_token_id=0, eos_token_id=1, **sizes)
    transformers.CLIPTextModel(text).save_pretrained(folder / "text_encoder")
    (folder / "scheduler").mkdir()
    told = {"prediction_type": "epsilon", "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]


def write_tokenizer(folder: Path) -> None:
    """A CLIP tokenizer that spells: every letter is a token."""
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(WORDS)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    told = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 12, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
