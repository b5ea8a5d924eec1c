"""Backbones and trained models on disk: what fits is opened, what does not is refused in one sentence."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from small_models import TOY, TOY_PAPER, awake, conditions_of, latents, toy

from frdm.diffusion.schedule import Schedule
from frdm.errors import WeightsError
from frdm.model.checkpoint import load_model, save_model
from frdm.model.frdm import Frdm, times
from frdm.model.loading import BackboneFolders, check_sums, fingerprint, open_backbone, schedule_of, sha256_of


@pytest.fixture
def folder(backbone_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(backbone_folder, tmp_path / "mine")


def told(folder: Path, part: str, **changes: object) -> None:
    path = folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def refused(folder: Path, sentence: str) -> None:
    with pytest.raises(WeightsError, match=sentence) as raised:
        open_backbone(BackboneFolders(folder))
    assert "\n" not in str(raised.value)


def test_a_missing_folder_or_part_is_named(folder: Path, tmp_path: Path) -> None:
    refused(tmp_path / "none", r"none: no folder of a backbone; give one with vae, unet, text_encoder and tokenizer in it")
    (folder / "tokenizer" / "merges.txt").unlink()
    refused(folder, r"merges\.txt: missing; give a backbone that is whole")
    shutil.rmtree(folder / "motion_adapter")
    refused(folder, r"motion_adapter/config\.json: missing")
    next((folder / "vae").glob("*.safetensors")).unlink()
    refused(folder, r"vae: no \.safetensors in it; give a backbone whose weights are stored so")


def test_another_kind_of_net_is_named(folder: Path) -> None:
    told(folder, "image_encoder", architectures=["SiglipVisionModel"])
    refused(folder, r"image_encoder: SiglipVisionModel found, CLIPVisionModel or .* wanted; give another backbone")
    told(folder, "unet", _class_name="FluxTransformer2DModel")
    refused(folder, r"unet: FluxTransformer2DModel found, UNet2DConditionModel or UNetMotionModel wanted; give another backbone")
    (folder / "vae" / "config.json").write_text("{", encoding="utf-8")
    refused(folder, r"vae/config\.json: can't be read as JSON")


def test_parts_that_do_not_fit_each_other_are_named(folder: Path, backbone_folder: Path) -> None:
    import diffusers
    import transformers

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    shutil.rmtree(folder / "text_encoder")
    transformers.CLIPTextModel(transformers.CLIPTextConfig(vocab_size=60, **sizes)).save_pretrained(folder / "text_encoder")
    refused(folder, r"mine: a unet for tokens of 24 found, the text encoder makes 16; give parts of one backbone")
    shutil.rmtree(folder / "motion_adapter")
    motion = {"motion_layers_per_block": 1, "motion_num_attention_heads": 2, "motion_norm_num_groups": 8}
    three = diffusers.MotionAdapter(block_out_channels=(16, 16, 32), **motion)
    three.save_pretrained(folder / "motion_adapter")
    refused(folder, r"motion_adapter: doesn't fit the unet in .*; give an adapter of the same family")


def test_sums_are_checked(folder: Path) -> None:
    weights = next((folder / "vae").glob("*.safetensors"))
    listed = f"{sha256_of(weights)}  vae/{weights.name}\n"
    (folder / "SHA256SUMS").write_text(listed, encoding="utf-8")
    check_sums(folder)
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    refused(folder, r"safetensors: sha256 \w{12}… found, \w{12}… wanted by SHA256SUMS; fetch the backbone again")
    (folder / "SHA256SUMS").write_text(listed + f"{'0' * 64} *vae/other.bin\n", encoding="utf-8")
    weights.unlink()
    refused(folder, r"listed in SHA256SUMS but missing; fetch the backbone again")
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe")
    refused(folder, r"SHA256SUMS: can't be read as text \(.*\); write it with sha256sum, or take it away")
    (folder / "SHA256SUMS").write_text("\n", encoding="utf-8")
    check_sums(folder)


def test_the_schedule_of_a_backbone_must_be_the_models(backbone_folder: Path, folder: Path, tmp_path: Path) -> None:
    assert schedule_of(backbone_folder) == Schedule("scaled linear", "noise")
    model = Frdm(replace(TOY_PAPER, schedule=Schedule("scaled linear", "velocity")), open_backbone(BackboneFolders(backbone_folder)))
    save_model(model, tmp_path / "model.safetensors", {})
    with pytest.raises(WeightsError, match=r"predicts noise on a scaled linear schedule, the model is built for velocity on a"):
        load_model(tmp_path / "model.safetensors", BackboneFolders(backbone_folder))
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({"prediction_type": "epsilon", "beta_schedule": "linear"}), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"epsilon with linear betas found, one of epsilon, .*scaled_linear betas wanted"):
        schedule_of(folder)
    path.unlink()
    assert schedule_of(folder) is None


def test_a_compact_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = awake(toy()).eval()
    save_model(model, tmp_path / "model.safetensors", {"data": "drawn"})
    assert [one.name for one in tmp_path.iterdir()] == ["model.safetensors"]
    again = load_model(tmp_path / "model.safetensors")
    assert again.params == TOY
    with torch.no_grad():
        z = latents(model)
        assert torch.equal(again.denoise(z, times(9, 2, z), conditions_of(again)), model.denoise(z, times(9, 2, z), conditions_of(model)))


def test_a_paper_model_holds_what_learned_and_knows_its_backbone(backbone_folder: Path, folder: Path, tmp_path: Path) -> None:
    folders = BackboneFolders(backbone_folder)
    model = Frdm(TOY_PAPER, open_backbone(folders))
    awake(model.guidance)
    path = tmp_path / "model.safetensors"
    save_model(model, path, {}, backbone=fingerprint(folders))
    again = load_model(path, folders)
    with torch.no_grad():
        z = latents(model)
        assert torch.equal(again.denoise(z, times(9, 2, z), conditions_of(again)), model.denoise(z, times(9, 2, z), conditions_of(model)))
    assert path.stat().st_size < 5 * sum(one.numel() for _, one in model.learning())
    with pytest.raises(WeightsError, match=r"was trained around a pretrained backbone; give its folder with --backbone DIR"):
        load_model(path)
    weights = next((folder / "vae").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(WeightsError, match=r"was trained around another backbone than .*; give the one that its card names"):
        load_model(path, BackboneFolders(folder))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"x\.safetensors: can't be read \(.*\); give a file that frdm train wrote"):
        load_model(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"weights of no kind found, frdm model 1 wanted"):
        load_model(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"kind": "frdm model 1", "params": '{"frames": "many"}', "backbone": ""})
    with pytest.raises(WeightsError, match=r"params: frames: .*found 'many'; it was made by another version"):
        load_model(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"kind": "frdm model 1", "params": "{}", "backbone": ""})
    with pytest.raises(WeightsError, match=r"a and \d+ more don't fit the model it describes"):
        load_model(path)
