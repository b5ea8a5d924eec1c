"""Clean film packed into a size: it fits, says what was given up, and trains without the originals."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from versions import SHOT, clean

from frdm.dataset.codec import Coding
from frdm.dataset.films import EXACT_CODECS, pieces, read_codes, stretches
from frdm.dataset.packing import PackSettings, pack
from frdm.dataset.shards import Pack
from frdm.dataset.sources import find_clips
from frdm.dataset.split import SplitRule
from frdm.errors import DatasetError, OutputError
from frdm.film import Shot
from frdm.media import movie_codecs
from frdm.media.proxy import write_proxy
from frdm.media.scan import open_scan
from tiny import bytes_of, write_png

CLIPS = ("brook", "forge", "harbour")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short clips, one of them of two shots, with a SOURCES.csv."""
    place = tmp_path_factory.mktemp("clean")
    film = clean()
    shots = {"brook": film[:SHOT], "forge": film[SHOT:, :, ::-1], "harbour": film}
    for name, frames in shots.items():
        write_proxy(place / f"{name}.mp4", frames, rate=24)  # type: ignore[arg-type]
    with (place / "SOURCES.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "source", "licence", "film_id", "description", "tags", "gauge"])
        table.writerows([[f"{name}.mp4", "drawn", "CC0", name, f"the {name}", "water,drawn", "16mm"] for name in CLIPS])
    return place


def packed(folder: Path, out: Path, settings: PackSettings) -> tuple[Pack, list[str]]:
    said: list[str] = []
    pack(find_clips([folder]), out, settings, tell=said.append)
    return Pack(out), said


def weight(out: Path) -> int:
    return sum(path.stat().st_size for path in out.iterdir())


@pytest.mark.parametrize("limit", [60_000, 150_000])
def test_a_pack_fits_and_fills_its_limit(folder: Path, tmp_path: Path, limit: int) -> None:
    made, said = packed(folder, tmp_path / "pack", PackSettings(limit))
    assert 0.6 * limit < weight(tmp_path / "pack") <= limit
    assert made.manifest.coding.quality is not None and made.manifest.coding.quality >= 86
    assert any("of the film's size" in line and "webp of quality" in line for line in said) and any("dB" in line for line in said)
    assert any("dB" in note for note in made.manifest.notes) and any("codec blocks" in note for note in made.manifest.notes)


def test_a_larger_limit_keeps_more(folder: Path, tmp_path: Path) -> None:
    small, large = (packed(folder, tmp_path / str(limit), PackSettings(limit))[0] for limit in (60_000, 150_000))
    pixels = [sum(entry.height * entry.width * entry.frames for entry in made.entries) for made in (small, large)]
    assert pixels[0] < pixels[1]


def test_a_limit_that_nothing_fits_says_what_would(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the smallest pack would take"):
        packed(folder, tmp_path / "pack", PackSettings(2000))
    assert list(tmp_path.iterdir()) == []


def test_compressed_film_is_scaled_down_and_dithered(folder: Path, tmp_path: Path) -> None:
    made, _ = packed(folder, tmp_path / "pack", PackSettings())
    assert made[0].pristine.shape[1:3] == (128, 171)
    assert made.manifest.coding == Coding() and made.manifest.dither > 0
    stored = packed_codes(folder / "brook.mp4")
    away = made[0].pristine.astype(int) - stored
    assert 0.5 < float(away.std()) < 1.2 and np.abs(away).max() <= 3


def packed_codes(movie: Path) -> np.ndarray:
    with open_scan(movie) as scan:
        return read_codes(scan, 0, SHOT, scale=2 / 3)


def test_uncompressed_film_is_kept_as_it_is(tmp_path: Path) -> None:
    film = clean()[:SHOT]
    made, _ = packed(write_png(tmp_path / "reel", film), tmp_path / "pack", PackSettings())
    np.testing.assert_array_equal(made[0].pristine, film)
    assert made.manifest.dither == 0 and made[0].about["caption_by"] == "measured"


def test_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    film = clean()[:SHOT].astype(np.uint16) * 257
    made, _ = packed(write_png(tmp_path / "reel", film), tmp_path / "pack", PackSettings())
    np.testing.assert_array_equal(made[0].pristine, film)
    with pytest.raises(DatasetError, match="16-bit picture can't be stored as webp of quality"):
        packed(tmp_path / "reel", tmp_path / "other", PackSettings(quality=90))
    assert not (tmp_path / "other").exists()


def test_sixteen_bits_are_fitted_by_size_alone(tmp_path: Path) -> None:
    film = clean()[:SHOT].astype(np.uint16) * 257 + np.random.default_rng(1).integers(0, 200, clean()[:SHOT].shape).astype(np.uint16)
    reel = write_png(tmp_path / "reel", np.minimum(film, 65000).astype(np.uint16))
    whole, _ = packed(reel, tmp_path / "whole", PackSettings())
    limit = weight(tmp_path / "whole") // 2
    made, _ = packed(reel, tmp_path / "pack", PackSettings(limit))
    assert weight(tmp_path / "pack") <= limit
    assert made.manifest.coding.exact and made[0].bits == 16
    assert made[0].pristine.shape[1] < whole[0].pristine.shape[1]


def test_film_without_colour_is_kept_grey(tmp_path: Path) -> None:
    grey = np.repeat(clean()[:SHOT, :, :, 1:2], 3, axis=3)
    made, _ = packed(write_png(tmp_path / "reel", grey), tmp_path / "pack", PackSettings())
    np.testing.assert_array_equal(made[0].pristine, grey[..., :1])
    assert made[0].about["tags"]["colour"] == "mono"


def test_what_is_known_of_a_clip_comes_along(folder: Path, tmp_path: Path) -> None:
    made, _ = packed(folder, tmp_path / "pack", PackSettings(split=SplitRule(0, validation_films=("forge",))))
    about = made[0].about
    assert (about["clip"], about["licence"], about["caption"], about["caption_by"]) == ("brook.mp4", "CC0", "the brook", "person")
    assert about["given_tags"] == ["water", "drawn"] and about["tags"]["gauge"] == "16mm" and about["tags"]["colour"] == "colour"
    assert {entry.film: entry.split for entry in made.entries} == {"brook": "train", "forge": "validation", "harbour": "train"}


def test_a_clip_of_two_shots_gives_two_samples(folder: Path, tmp_path: Path) -> None:
    made, _ = packed(folder, tmp_path / "pack", PackSettings())
    assert [(entry.key, entry.frames) for entry in made.entries if entry.film == "harbour"] == [
        ("harbour-000000", SHOT),
        (f"harbour-{SHOT:06d}", SHOT),
    ]


def test_the_same_clips_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in "ab":
        packed(folder, tmp_path / name / "pack", PackSettings(100_000))
    assert bytes_of(tmp_path / "a" / "pack") == bytes_of(tmp_path / "b" / "pack")


def test_long_shots_are_cut_evenly_and_short_ones_left_out() -> None:
    found = pieces([Shot(0, 50), Shot(50, 53), Shot(53, 70)], longest=24, shortest=5)
    assert [(each.shot, each.start, each.stop) for each in found] == [(0, 0, 17), (0, 17, 33), (0, 33, 50), (2, 53, 70)]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    film = clean()
    reel = write_png(tmp_path / "reel", np.concatenate([film[:3], film[SHOT:]]))
    with open_scan(reel) as scan:
        shots = [len(each) for each in stretches(scan, longest=48)]
    _, said = packed(reel, tmp_path / "pack", PackSettings())
    assert any("no licence is known" in line for line in said)
    assert shots == [11] or any("3 frames left out" in line for line in said)
    short = write_png(tmp_path / "short", film[:3])
    with pytest.raises(DatasetError, match="no clip has a shot of 5 frames"):
        packed(short, tmp_path / "none", PackSettings())


def test_a_place_that_is_taken_is_refused_before_any_work(folder: Path) -> None:
    with pytest.raises(OutputError, match="exists"):
        packed(folder, folder, PackSettings())


def test_settings_say_what_they_are() -> None:
    assert {field.name for field in dataclasses.fields(PackSettings)} >= {"limit", "form", "quality", "scale", "frames", "split"}


def test_codecs_that_lose_nothing_are_known() -> None:
    """Else a film that was never compressed is scaled down and dithered."""
    lossless = {name for name, rule in movie_codecs._CODECS.items() if rule.lossless}
    assert lossless <= EXACT_CODECS
