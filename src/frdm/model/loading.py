"""A pretrained backbone from folders on disk, as diffusers and transformers write them; nothing is ever fetched.

    DIR/vae           AutoencoderKL (or AutoencoderTiny)            DIR/text_encoder   CLIPTextModel
    DIR/unet          UNet2DConditionModel or UNetMotionModel       DIR/tokenizer      CLIPTokenizer
    DIR/motion_adapter  MotionAdapter, where the unet has no temporal layers of its own
    DIR/image_encoder   CLIPVisionModel(WithProjection)
    DIR/scheduler     what the unet was trained to predict (optional)
    DIR/SHA256SUMS    as sha256sum writes it (optional): every file listed must be there and be the one listed

Weights are read from .safetensors alone: other formats can carry programs. What fits no other part is refused in one sentence.

Source: Rombach 2022; Guo 2024; Radford 2021
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frdm.diffusion.schedule import Predicts, Schedule
from frdm.errors import WeightsError
from frdm.model.backbone import Backbone
from frdm.model.codec import LatentCodec
from frdm.model.conditioners import ClipFrames, ClipPrompt
from frdm.model.motion_unet import MotionUNet

SUMS = "SHA256SUMS"
AUTOENCODERS = ("AutoencoderKL", "AutoencoderTiny")
UNETS = ("UNet2DConditionModel", "UNetMotionModel")
TEXT_ENCODERS = ("CLIPTextModel", "CLIPTextModelWithProjection")
IMAGE_ENCODERS = ("CLIPVisionModel", "CLIPVisionModelWithProjection", "CLIPModel")
PREDICTS: dict[str, Predicts] = {"epsilon": "noise", "v_prediction": "velocity", "sample": "clean"}
CLIP_MEAN, CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class BackboneFolders:
    """Where the parts of a backbone lie."""

    folder: Path
    motion: Path | None = None  # None: `folder`/motion_adapter
    image_encoder: Path | None = None  # None: `folder`/image_encoder


def open_backbone(folders: BackboneFolders, *, dtype: torch.dtype = torch.float32) -> Backbone:
    """The backbone, frozen. Raises `WeightsError` where a part is missing, of another kind, or fits no other part."""
    folder = folders.folder
    check_sums(folder)
    with torch.device("cpu"):  # torch learns here which functions make tensors, before transformers puts another in linspace's place
        torch.zeros(0)
    autoencoder = _diffusers(folder / "vae", AUTOENCODERS, dtype)
    unet = _unet(folders, dtype)
    text = _transformers(folder / "text_encoder", TEXT_ENCODERS, dtype)
    image = _transformers(folders.image_encoder or folder / "image_encoder", IMAGE_ENCODERS, dtype)
    if unet.config.in_channels != autoencoder.config.latent_channels:
        found, wanted = unet.config.in_channels, autoencoder.config.latent_channels
        raise WeightsError(f"{folder}: a unet for latents of {found} channels found, the vae makes {wanted}; give parts of one backbone")
    if unet.config.cross_attention_dim != text.config.hidden_size:
        found, wanted = unet.config.cross_attention_dim, text.config.hidden_size
        raise WeightsError(f"{folder}: a unet for tokens of {found} found, the text encoder makes {wanted}; give parts of one backbone")
    frames = ClipFrames(image, mean=CLIP_MEAN, deviation=CLIP_DEVIATION)
    return Backbone(LatentCodec(autoencoder), MotionUNet(unet), frames, ClipPrompt(text, _tokenizer(folder / "tokenizer")))


def schedule_of(folder: Path) -> Schedule | None:
    """What the backbone's scheduler says it was trained with; None where it has none. Raises `WeightsError` on a schedule frdm has not."""
    path = folder / "scheduler" / "scheduler_config.json"
    if not path.exists():
        return None
    config = _json(path)
    kind, curve = config.get("prediction_type", "epsilon"), config.get("beta_schedule", "linear")
    if kind not in PREDICTS or curve != "scaled_linear":
        wanted = f"one of {', '.join(PREDICTS)} with scaled_linear betas"
        raise WeightsError(f"{path}: {kind} with {curve} betas found, {wanted} wanted; give another backbone")
    return Schedule("scaled linear", PREDICTS[kind])


def check_schedule(folder: Path, schedule: Schedule) -> None:
    """Refuse a backbone that was trained with another schedule than a model is built for. Raises `WeightsError`."""
    found = schedule_of(folder)
    if found is not None and found != schedule:
        raise WeightsError(
            f"{folder}: predicts {found.predicts} on a {found.curve} schedule, the model is built for {schedule.predicts} on a "
            f"{schedule.curve} one; change the model's schedule or give another backbone"
        )


def check_sums(folder: Path) -> None:
    """Compare every file that `SHA256SUMS` lists. Raises `WeightsError` on the first that is missing or another."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no folder of a backbone; give one with vae, unet, text_encoder and tokenizer in it")
    path = folder / SUMS
    if not path.exists():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: can't be read as text ({error}); write it with sha256sum, or take it away") from None
    for line in filter(str.strip, lines):
        wanted, _, name = line.partition(" ")
        where = folder / name.strip().removeprefix("*")
        if not where.is_file():
            raise WeightsError(f"{where}: listed in {SUMS} but missing; fetch the backbone again")
        found = sha256_of(where)
        if found != wanted.lower():
            raise WeightsError(f"{where}: sha256 {found[:12]}… found, {wanted[:12]}… wanted by {SUMS}; fetch the backbone again")


def sha256_of(path: Path) -> str:
    """Of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(folders: BackboneFolders) -> str:
    """One sha256 for all weights of a backbone: a trained guidance network belongs to it and to no other."""
    roots = [folders.folder, *(one for one in (folders.motion, folders.image_encoder) if one is not None)]
    found = sorted(sha256_of(path) for root in roots for path in root.rglob("*.safetensors"))
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _unet(folders: BackboneFolders, dtype: torch.dtype) -> Any:
    """The motion U-Net: as it lies there, or a picture U-Net with a motion adapter."""
    from diffusers import UNetMotionModel

    unet = _diffusers(folders.folder / "unet", UNETS, dtype)
    if isinstance(unet, UNetMotionModel):
        return unet
    where = folders.motion or folders.folder / "motion_adapter"
    adapter = _diffusers(where, ("MotionAdapter",), dtype)
    try:
        return UNetMotionModel.from_unet2d(unet, adapter)
    except (ValueError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{where}: doesn't fit the unet in {folders.folder} ({reason}); give an adapter of the same family") from None


def _diffusers(folder: Path, kinds: tuple[str, ...], dtype: torch.dtype) -> Any:
    """A part that diffusers wrote, of one of the kinds."""
    import diffusers

    kind = _json(_present(folder / "config.json")).get("_class_name")
    if kind not in kinds:
        raise WeightsError(f"{folder}: {kind or 'a net of no name'} found, {' or '.join(kinds)} wanted; give another backbone")
    return _read(getattr(diffusers, kind), folder, torch_dtype=dtype)


def _transformers(folder: Path, kinds: tuple[str, ...], dtype: torch.dtype) -> Any:
    """A CLIP encoder that transformers wrote; of those that also project, the encoder alone."""
    import transformers

    found = _json(_present(folder / "config.json")).get("architectures") or ["a net of no name"]
    if found[0] not in kinds:
        raise WeightsError(f"{folder}: {found[0]} found, {' or '.join(kinds)} wanted; give another backbone")
    kind = "CLIPTextModel" if kinds is TEXT_ENCODERS else "CLIPVisionModel"
    return _read(getattr(transformers, kind), folder, dtype=dtype)


def _read(kind: Any, folder: Path, **options: Any) -> Any:
    """Weights of a folder; nothing is fetched, and only .safetensors are opened."""
    if not any(folder.glob("*.safetensors")):
        raise WeightsError(f"{folder}: no .safetensors in it; give a backbone whose weights are stored so")
    try:
        return kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{folder}: can't be read as {kind.__name__} ({reason}); fetch the backbone again") from None


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    _present(folder / "vocab.json")
    _present(folder / "merges.txt")
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise WeightsError(f"{path}: missing; give a backbone that is whole")
    return path


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: can't be read as JSON ({error}); fetch the backbone again") from None
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: a table was wanted, something else found; fetch the backbone again")
    return found
