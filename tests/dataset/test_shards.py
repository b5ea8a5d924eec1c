"""Packs: what is written comes back, the same bytes every time, from any place on; broken ones are told."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm.dataset.codec import Coding, dithered
from frdm.dataset.manifest import NAME, read_manifest
from frdm.dataset.samples import Sample, Split
from frdm.dataset.shards import Pack, read
from frdm.dataset.writing import Kind, PackWriter
from frdm.errors import DatasetError, OutputError
from tiny import bytes_of


def sample(
    number: int = 0, *, film: str = "one", split: Split = "train", dtype: Any = np.uint8, channels: int = 3, frames: int = 3
) -> Sample:
    rng = np.random.default_rng(number)
    shape = (frames, 20, 24, channels)
    pictures = [rng.integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype) for _ in range(2)]
    maps = {
        "matte": rng.integers(0, 65536, shape[:3]).astype(np.float32) / np.float32(65535),
        "kinds": rng.integers(0, 12, shape[:3]).astype(np.uint8),
        "polarity": rng.integers(-1, 2, shape[:3]).astype(np.int8),
        "ids": rng.integers(0, 2000, shape[:3]).astype(np.uint16),
    }
    about = {"licence": "CC0", "source": "drawn", "tags": {"colour": "colour"}, "caption": "noise"}
    return Sample(f"{film}-{number:03d}", film, split, pictures[0], pictures[1], rng.random(shape[:3]) < 0.1, maps, about)


def written(out: Path, *samples: Sample, kind: Kind | None = None) -> Path:
    with PackWriter(out, kind or Kind("synthetic")) as writer:
        for each in samples:
            writer.add(each)
        writer.finish()
    return out


@pytest.mark.parametrize("form", ["webp", "png"])
@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 3), (np.uint8, 1), (np.uint16, 3), (np.uint16, 1)])
def test_every_code_comes_back(tmp_path: Path, form: Any, dtype: Any, channels: int) -> None:
    given = sample(dtype=dtype, channels=channels)
    back = Pack(written(tmp_path / "pack", given, kind=Kind("synthetic", Coding(form))))[0]
    assert back.degraded is not None and given.degraded is not None and back.mask is not None
    np.testing.assert_array_equal(back.pristine, given.pristine)
    np.testing.assert_array_equal(back.degraded, given.degraded)
    np.testing.assert_array_equal(back.mask, given.mask)
    for name, values in given.maps.items():
        np.testing.assert_array_equal(back.maps[name], values)
        assert back.maps[name].dtype == values.dtype
    assert (back.key, back.film, back.split, back.bits) == (given.key, "one", "train", 8 * np.dtype(dtype).itemsize)
    assert back.about["caption"] == "noise" and back.about["licence"] == "CC0"


def test_lossy_pictures_keep_exact_masks(tmp_path: Path) -> None:
    given = sample()
    smooth = np.broadcast_to(np.arange(24, dtype=np.uint8)[:, None] * 8, given.pristine.shape)
    given = Sample(given.key, "one", "train", smooth, smooth, given.mask)
    for form in ("webp", "jpeg"):
        back = Pack(written(tmp_path / form, given, kind=Kind("synthetic", Coding(form, 90))))[0]
        assert 0 < np.abs(back.pristine.astype(int) - smooth).max() < 24
        assert given.mask is not None and back.mask is not None
        np.testing.assert_array_equal(back.mask, given.mask)


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    packs = [written(tmp_path / name / "pack", sample(1), sample(2, film="two", split="test")) for name in "ab"]
    assert bytes_of(packs[0]) == bytes_of(packs[1])
    assert sorted(bytes_of(packs[0])) == ["pack/manifest.json", "pack/test-00000.tar", "pack/train-00000.tar"]


def test_shards_are_tar_files_that_webdataset_reads(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="the extra [train] is not installed")
    pack = written(tmp_path / "pack", sample(1), sample(2))
    rows = list(webdataset.WebDataset(str(pack / "train-00000.tar"), shardshuffle=False))
    assert [row["__key__"] for row in rows] == ["one-001", "one-002"]
    assert json.loads(rows[0]["json"])["film"] == "one"
    assert {"pristine.000.webp", "degraded.002.webp", "mask.001.png", "ids.000.png"} <= set(rows[0])


def test_a_training_goes_on_exactly_where_it_stopped(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", *(sample(n, frames=6) for n in range(5)))
    endless = read(pack, seed=7, frames=2)
    first = [next(endless) for _ in range(12)]
    again = read(pack, seed=7, frames=2, start=8)
    for one, other in zip(first[8:], again, strict=False):
        assert one.key == other.key
        np.testing.assert_array_equal(one.pristine, other.pristine)
    assert sorted(each.key for each in first[:5]) == sorted(each.key for each in first[5:10]), "each epoch has every sample once"
    assert [each.key for each in first[:5]] != [each.key for each in first[5:10]], "in another order"
    assert {len(each) for each in first} == {2}
    assert [each.key for each in read(pack, start=3)] == ["one-003", "one-004"]


def test_a_window_is_the_middle_of_the_whole(tmp_path: Path) -> None:
    pack = Pack(written(tmp_path / "pack", sample(frames=6)))
    whole, part = pack[0], pack.sample(0, first=2, stop=5)
    np.testing.assert_array_equal(part.pristine, whole.pristine[2:5])
    np.testing.assert_array_equal(part.maps["ids"], whole.frames(2, 5).maps["ids"])
    with pytest.raises(DatasetError, match="the sample has 6"):
        pack.sample(0, first=6)


def test_dither_is_small_even_and_always_the_same() -> None:
    flat = np.full((64, 96, 3), 100, np.uint8)
    noisy = dithered(flat, 0.8, "a")
    np.testing.assert_array_equal(noisy, dithered(flat, 0.8, "a"))
    assert (noisy != dithered(flat, 0.8, "b")).any()
    assert 0.6 < float(noisy.astype(float).std()) < 1.1 and abs(float(noisy.mean()) - 100) < 0.1
    for level in (0, 255):
        assert np.abs(dithered(np.full((32, 32, 1), level, np.uint8), 0.8, "a").astype(int) - level).max() < 4, "no code wraps around"


def test_both_sides_get_the_same_dither(tmp_path: Path) -> None:
    given = sample()
    same = Sample(given.key, "one", "train", given.pristine, given.pristine)
    back = Pack(written(tmp_path / "pack", same, kind=Kind("synthetic", dither=0.8)))[0]
    assert back.degraded is not None
    np.testing.assert_array_equal(back.pristine, back.degraded)
    assert (back.pristine != given.pristine).any()


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", sample(1), sample(2), sample(3, film="two", split="validation"))
    manifest = read_manifest(pack)
    assert manifest.count() == (2, 3, 9) and manifest.count("train") == (1, 2, 6)
    assert (manifest.films["two"].split, manifest.films["two"].licence, manifest.films["one"].samples) == ("validation", "CC0", 2)
    assert [each.key for each in Pack(pack, split="validation")] == ["two-003"]
    assert Pack(pack).about(0)["source"] == "drawn"


def test_a_shard_that_is_full_is_followed_by_another(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", *(sample(n) for n in range(4)), kind=Kind("synthetic", shard=1))
    assert sorted(path.name for path in pack.glob("*.tar")) == [f"train-{n:05d}.tar" for n in range(4)]
    assert [each.key for each in read(pack)] == [f"one-{n:03d}" for n in range(4)]


def test_a_film_has_one_side_and_a_sample_one_name(tmp_path: Path) -> None:
    with PackWriter(tmp_path / "pack", Kind("synthetic")) as writer:
        writer.add(sample(1))
        with pytest.raises(DatasetError, match="a film has one side"):
            writer.add(sample(2, split="test"))
        with pytest.raises(DatasetError, match="its key is taken"):
            writer.add(sample(1))


def test_nothing_stands_under_the_name_before_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "pack"
    with pytest.raises(RuntimeError), PackWriter(out, Kind("synthetic")) as writer:
        writer.add(sample())
        assert not out.exists()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".pack.partial").mkdir()  # of a run that was killed
    (tmp_path / ".pack.partial" / "train-00000.tar").write_bytes(b"half")
    assert len(Pack(written(out, sample()))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack"]


def test_an_old_pack_is_replaced_only_when_asked_and_when_the_new_one_is_whole(tmp_path: Path) -> None:
    out = written(tmp_path / "pack", sample(1))
    with pytest.raises(OutputError, match="--fresh"):
        PackWriter(out, Kind("synthetic"))
    with pytest.raises(RuntimeError), PackWriter(out, Kind("synthetic"), fresh=True) as writer:
        writer.add(sample(2))
        raise RuntimeError
    assert Pack(out)[0].key == "one-001"
    with PackWriter(out, Kind("synthetic"), fresh=True) as writer:
        writer.add(sample(2))
        writer.finish()
    assert Pack(out)[0].key == "one-002"
    (tmp_path / "mine").mkdir()
    with pytest.raises(OutputError, match="is no pack"):
        PackWriter(tmp_path / "mine", Kind("synthetic"), fresh=True)


def test_an_empty_pack_is_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no sample"), PackWriter(tmp_path / "pack", Kind("clean")) as writer:
        writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_broken_packs_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no manifest"):
        Pack(tmp_path)
    pack = written(tmp_path / "pack", sample())
    shard = pack / "train-00000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:1000])
    with pytest.raises(DatasetError, match="1000 bytes found"):
        Pack(pack)
    shard.write_bytes(b"x" * len(whole))
    with pytest.raises(DatasetError, match="shard is broken"):
        Pack(pack)[0]
    place = whole.index(b"RIFF")
    shard.write_bytes(whole[:place] + b"JUNK" * 20 + whole[place + 80 :])
    with pytest.raises(DatasetError, match="can't be decoded"):
        Pack(pack)[0]
    (pack / NAME).write_text('{"format": "frdm-pack", "version": 99}')
    with pytest.raises(DatasetError, match="version 99"):
        Pack(pack)


def test_codings_that_lie_are_refused() -> None:
    for form, quality, said in (("jpeg", None, "keeps no exact codes"), ("png", 90, "takes no quality"), ("webp", 0, "1 … 100")):
        with pytest.raises(DatasetError, match=said):
            Coding(form, quality)  # type: ignore[arg-type]


def test_a_sample_that_does_not_fit_together_is_refused() -> None:
    given = sample()
    with pytest.raises(DatasetError, match="mask of"):
        Sample("a", "one", "train", given.pristine, mask=np.zeros((3, 4, 5), bool))
    with pytest.raises(DatasetError, match="wanted"):
        Sample("a", "one", "train", given.pristine.astype(np.float32))


def test_reading_loads_no_decoder_of_movies_and_no_torch() -> None:
    code = "import frdm.dataset.shards, sys; print(' '.join(name.split('.')[0] for name in sys.modules))"
    loaded = set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())
    assert not loaded & {"av", "OpenImageIO", "torch", "scenedetect", "webdataset", "pydantic"}
