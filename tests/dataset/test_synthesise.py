"""Synthesised samples: the truth comes along exactly, one seed is one pack, and descriptions say where they come from."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from versions import SHOT, clean

from frdm.damage.copying import CopySettings
from frdm.damage.recipe import load_damage_recipe
from frdm.dataset.codec import Coding
from frdm.dataset.labels import CAMERA_ANGLES, SHOT_SIZES, Models, described, open_models
from frdm.dataset.shards import Pack
from frdm.dataset.sheet import sheet, summary
from frdm.dataset.sources import find_clips
from frdm.dataset.synthesise import SynthesisSettings, synthesise
from frdm.errors import DatasetError
from frdm.motion.tags import measured_tags, plain_caption
from tiny import bytes_of, write_png


def recipe() -> Any:
    """Damage with nothing after it, so that the mask is what changed."""
    return dataclasses.replace(load_damage_recipe("heavy"), copying=CopySettings.none())


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_png(tmp_path_factory.mktemp("film") / "reel", clean())


def made(reel: Path, out: Path, **given: Any) -> Pack:
    synthesise(find_clips([reel]), out, SynthesisSettings(recipe(), "heavy", **given), tell=lambda _: None)
    return Pack(out)


@pytest.fixture(scope="module")
def pack(reel: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return made(reel, tmp_path_factory.mktemp("pack") / "pack", seed=3, copies=2)


def test_what_is_not_in_the_mask_is_pristine_to_the_code(pack: Pack) -> None:
    for sample in pack:
        assert sample.degraded is not None and sample.mask is not None
        changed = (sample.degraded != sample.pristine).any(-1)
        np.testing.assert_array_equal(changed, sample.mask)
        assert sample.mask.any() and sample.mask.mean() < 0.4


def test_all_maps_come_along(pack: Pack) -> None:
    sample = pack[0]
    assert set(sample.maps) == {"matte", "kinds", "polarity", "ids"} and sample.mask is not None
    assert (sample.maps["kinds"][sample.mask] > 0).all() and float(sample.maps["matte"].max()) <= 1


def test_one_seed_is_one_pack(pack: Pack, reel: Path, tmp_path: Path) -> None:
    again = made(reel, tmp_path / "pack", seed=3, copies=2)
    assert bytes_of(again.folder) == bytes_of(pack.folder)
    other = made(reel, tmp_path / "other", seed=4)
    assert (other[0].mask != pack[0].mask).any()


def test_copies_are_other_reels_and_shots_stay_apart(pack: Pack) -> None:
    assert [entry.key for entry in pack.entries] == [f"reel-{start:06d}-{copy}" for start in (0, SHOT) for copy in (0, 1)]
    assert pack[0].about["reel_seed"] == pack[2].about["reel_seed"] != pack[1].about["reel_seed"]
    assert (pack[0].mask != pack[1].mask).any()


def test_lossy_pictures_are_smaller_and_said(pack: Pack, reel: Path, tmp_path: Path) -> None:
    lossy = made(reel, tmp_path / "pack", seed=3, copies=2, coding=Coding("jpeg", 85))
    assert sum(lossy.manifest.shards.values()) < 0.6 * sum(pack.manifest.shards.values())
    assert any("masks are exact" in note for note in lossy.manifest.notes)
    np.testing.assert_array_equal(lossy[0].mask, pack[0].mask)


def test_settings_that_make_no_sense_are_refused(reel: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="0 copies"):
        made(reel, tmp_path / "pack", copies=0)


def test_a_sheet_shows_degraded_pristine_and_mask(pack: Pack) -> None:
    drawn = sheet(pack, count=2, width=200)
    assert drawn.shape[1] == 3 * 200 + 4 * 12
    assert (drawn == (255, 40, 120)).all(-1).any(), "the mask is on it"
    assert any("train" in line for line in summary(pack)) and any("unknown" in line for line in summary(pack))


# descriptions


def test_tags_are_measured() -> None:
    film = clean()[:SHOT]
    rng = np.random.default_rng(0)
    grey = np.repeat(film[..., 1:2], 3, axis=3)
    sepia = np.clip(grey * np.array([1.0, 0.85, 0.6]), 0, 255).astype(np.uint8)
    assert [measured_tags(each)["colour"] for each in (film, grey, grey[..., :1], sepia)] == ["colour", "mono", "mono", "toned"]
    still = np.repeat(film[:1], SHOT, axis=0)
    pan = np.stack([np.roll(film[0], 9 * i, axis=1) for i in range(SHOT)])
    assert [measured_tags(each)["motion"] for each in (still, pan)] == ["still", "fast"]
    assert [measured_tags(each)["camera"] for each in (still, pan)] == ["steady", "moving"]
    assert [measured_tags((film * factor).astype(np.uint8))["brightness"] for factor in (0.3, 1.0)] == ["dark", "middling"]
    flat = np.full((4, 96, 128, 1), 120.0)
    noise = rng.normal(0, 1, flat.shape)
    grains = [measured_tags(np.rint(flat + noise * deviation).astype(np.uint8))["grain"] for deviation in (0, 2.5, 5, 12)]
    assert grains == ["none seen", "fine", "visible", "heavy"]
    assert measured_tags(film)["gauge"] == "unknown" and measured_tags(film[:1], gauge="35mm")["gauge"] == "35mm"
    assert "black and white film on 8mm" in plain_caption(measured_tags(grey, gauge="8mm"))


class Echo:
    """A captioner and classifier that answers by brightness."""

    def caption(self, picture: np.ndarray) -> str:
        return f"a picture of {picture.shape[1]} columns"

    def likely(self, picture: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
        return np.eye(len(words))[2]


def test_models_describe_where_they_are_given() -> None:
    film = clean()[:SHOT, ..., :1]
    said = described(film, Models(Echo(), Echo()), caption="by hand")
    assert (said["caption"], said["caption_by"], said["given_caption"]) == ("a picture of 256 columns", "model", "by hand")
    assert said["labels"] == {"shot_size": SHOT_SIZES[2], "camera_angle": CAMERA_ANGLES[2]}
    assert "labels" not in described(film, Models()) and described(film, Models())["caption_by"] == "measured"


def test_models_that_are_not_there_are_told(tmp_path: Path) -> None:
    assert open_models() == Models()
    with pytest.raises(DatasetError, match=r"holds no config\.json"):
        open_models(captioner=tmp_path)


class FakeModel:
    """What transformers' objects look like to frdm."""

    @classmethod
    def from_pretrained(cls, folder: str, *, local_files_only: bool) -> "FakeModel":
        assert local_files_only, "nothing may be fetched"
        return cls()

    def eval(self) -> None: ...

    def __call__(self, **inputs: Any) -> Any:
        return dict(inputs) if "return_tensors" in inputs and "texts" not in inputs else self

    def generate(self, **inputs: Any) -> list[int]:
        assert inputs["do_sample"] is False
        return [1, 2]

    def batch_decode(self, words: list[int], *, skip_special_tokens: bool) -> list[str]:
        return ["  a man \n walks "]


def test_the_captioner_runs_from_disk_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    library = types.ModuleType("transformers")
    library.AutoProcessor = library.AutoModelForImageTextToText = FakeModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", library)
    (tmp_path / "config.json").write_text("{}")
    models = open_models(captioner=tmp_path)
    assert models.captioner is not None
    assert models.captioner.caption(np.zeros((8, 8, 3), np.uint8)) == "a man walks"
    with pytest.raises(DatasetError, match="can't be opened as AutoModelForZeroShot"):
        open_models(classifier=tmp_path)


def test_a_missing_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DatasetError, match="pip install transformers"):
        open_models(classifier=tmp_path)
