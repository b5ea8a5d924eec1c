"""Films restored by diffusion from the command line, with a hand that is no net but restores film that stands still."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import tiny
from frdm.cli import main
from frdm.fills.hand_job import MEASURED_ON
from frdm.film import Frame
from frdm.reporting import shares

pytest.importorskip("onnx")

from fills.toy_hand import write_hand

FRAMES = 6


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hand(tmp_path_factory.mktemp("hand"), far=0.03)  # seven times the film's grain


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clean` and `scan`, the same with dirt: standing film of 16 bits."""
    folder = tmp_path_factory.mktemp("film")
    clean = tiny.film(FRAMES, pan=0.0, grain=0.004)
    tiny.write_png(folder / "clean", tiny.codes(clean, 16))
    tiny.write_png(folder / "scan", tiny.codes(tiny.dirty(clean)[0], 16))
    return folder


@pytest.fixture
def film(films: Path, tmp_path: Path) -> Path:
    """The same in a place of its own."""
    shutil.copytree(films, tmp_path / "film")
    return tmp_path / "film"


def restored(film: Path, weights: Path, *words: str, name: str = "out", scan: str = "scan") -> tuple[np.ndarray, dict]:
    """(frames, totals of the report) of a run that must succeed."""
    out = film / name
    assert main(["restore", str(film / scan), "-o", str(out), "--weights", str(weights), *words]) == 0
    report = json.loads((film / f"{name}.frdm" / "report.json").read_text(encoding="utf-8"))
    return tiny.read_png(out), report["totals"]


def error(made: np.ndarray, film: Path) -> float:
    """Of what the scan shows otherwise than the clean film."""
    clean, scan = (tiny.read_png(film / name).astype(float) / 65535 for name in ("clean", "scan"))
    return float(np.abs(made.astype(float) / 65535 - clean)[np.abs(scan - clean) > 0.05].mean())


def test_only_repairs_are_altered_and_undone_the_scan_is_back(film: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, totals = restored(film, weights, "--engine", "diffusion", "--mattes", str(film / "mattes"))
    scan, mattes = tiny.read_png(film / "scan"), tiny.read_png(film / "mattes")
    assert np.array_equal(made[mattes == 0], scan[mattes == 0])
    assert totals["engines"] == {"diffusion": totals["mended"]}
    assert totals["mended"] >= FRAMES
    assert error(made, film) < 0.02 < error(scan, film)
    told = f"Of all that was found: diffusion {totals['mended']} (100 %), held 0 (0 %)."
    assert told in capsys.readouterr().out
    page = (film / "out.frdm" / "report.html").read_text(encoding="utf-8")
    assert told in page
    assert main(["reject", str(film / "out.frdm"), "--shot", "1"]) == 0
    assert main(["render", str(film / "out.frdm"), "-o", str(film / "undone")]) == 0
    assert np.array_equal(tiny.read_png(film / "undone"), scan)


@pytest.mark.parametrize("words", [("--engine", "diffusion"), ("--whole-frame",)], ids=["diffusion", "whole frame"])
def test_the_same_bytes_however_it_is_cut(film: Path, weights: Path, words: tuple[str, ...]) -> None:
    wanted, totals = restored(film, weights, *words)
    assert totals["mended"] >= FRAMES
    recipe = film / "short.toml"
    recipe.write_text("span = 2\n", encoding="utf-8")
    for name, more in {
        "spans": ("--recipe", str(recipe)),
        "workers": ("--recipe", str(recipe), "--jobs", "2"),
        "little": ("--vram", "400MiB"),
    }.items():
        assert np.array_equal(restored(film, weights, *words, *more, name=name)[0], wanted), name


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(film: Path, weights: Path) -> None:
    from frdm import jobs
    from frdm.recipe import Filling, Recipe, WholeFrameSettings

    recipe = Recipe(span=2, filling=Filling(weights=str(weights)), whole_frame=WholeFrameSettings(on=True))
    (*_, last) = jobs.restore(film / "scan", film / "whole", recipe=recipe)
    steps = jobs.restore(film / "scan", film / "stopped", recipe=recipe)
    for step in steps:
        if step.frame == 3:
            steps.close()  # type: ignore[attr-defined]
            break
    (*_, again) = jobs.restore(film / "scan", film / "stopped", recipe=recipe)
    assert np.array_equal(tiny.read_png(film / "stopped"), tiny.read_png(film / "whole"))
    assert again.summary is not None and last.summary is not None
    assert again.summary.mended == last.summary.mended


def test_auto_says_who_mended_what(film: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, totals = restored(film, weights, "--engine", "auto")
    assert sum(totals["engines"].values()) == totals["mended"]
    assert totals["engines"]["neighbours"] >= 0.8 * totals["mended"]  # film that stands still is shown by its neighbours
    assert error(made, film) < 0.02
    assert f"Of all that was found: {', '.join(shares(totals['engines'], sum(totals['held'].values())))}." in capsys.readouterr().out


def test_whole_frames_of_clean_film_hold_nothing(film: Path, weights: Path) -> None:
    made, totals = restored(film, weights, "--whole-frame", scan="clean")
    assert totals["found"] == {}
    assert np.array_equal(made, tiny.read_png(film / "clean"))


def test_whole_frames_are_mended_without_a_detector(film: Path, weights: Path) -> None:
    made, _ = restored(film, weights, "--whole-frame")
    scan = tiny.read_png(film / "scan")
    assert error(made, film) < 0.02 < error(scan, film)
    assert 0 < np.mean(made != scan) < 0.1


def test_a_frame_in_which_far_too_much_would_change_is_held(film: Path, weights: Path) -> None:
    recipe = film / "little.toml"
    recipe.write_text("most_altered = 0.002\n", encoding="utf-8")
    made, totals = restored(film, weights, "--whole-frame", "--recipe", str(recipe))
    assert totals["mended"] == 0
    assert any("more than most_altered allows" in reason for reason in totals["held"])
    assert np.array_equal(made, tiny.read_png(film / "scan"))


def test_a_cue_mark_that_the_recipe_keeps_is_kept_without_a_detector_too(film: Path, weights: Path) -> None:
    scan = tiny.codes(tiny.film(11, pan=0.0, grain=0.004), 16)
    for index in (4, 5, 6):  # in no window of five alone, so that the hand takes some of it away
        cv2.circle(scan[index], (118, 10), 4, 60_000, -1)
    tiny.write_png(film / "cue", scan)
    made, totals = restored(film, weights, "--whole-frame", scan="cue")
    assert set(totals["held"]) == {"a cue mark, which the recipe keeps"}
    assert np.array_equal(made, scan)
    made, totals = restored(film, weights, "--whole-frame", "--keep", "splice", scan="cue", name="mended")
    assert totals["mended"] > 0
    cv2.circle(scan[9], (118, 10), 4, 60_000, -1)  # a speck of its shape, on one frame
    tiny.write_png(film / "speck", scan[7:])
    assert restored(film, weights, "--whole-frame", scan="speck", name="without")[1]["mended"] == 1


def test_a_flash_frame_that_the_recipe_keeps_is_kept_without_a_detector_too(film: Path, weights: Path) -> None:
    clean = 0.8 * tiny.film(7, pan=0.0, grain=0.004)
    clean[3] += 0.16
    tiny.write_png(film / "flash", tiny.codes(clean, 16))
    every = "most_altered = 1.0\n[shots]\ndetect = false\n[detection]\nmax_size = 400\n"
    for name, more in (("kept", ""), ("mended", 'flash_frames = "repair"\n')):
        (film / f"{name}.toml").write_text(every + more, encoding="utf-8")
    made, totals = restored(film, weights, "--whole-frame", "--recipe", str(film / "kept.toml"), scan="flash")
    assert set(totals["held"]) == {"a flash frame, which the recipe keeps"}
    assert np.array_equal(made, tiny.read_png(film / "flash"))
    totals = restored(film, weights, "--whole-frame", "--recipe", str(film / "mended.toml"), scan="flash", name="other")[1]
    assert "a flash frame, which the recipe keeps" not in totals["held"]


def test_a_shot_is_measured_alike_however_it_is_cut(film: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def measured(frames: list[Frame], *rest: Any) -> dict[str, str]:
        looked.append(len(frames))
        return {}

    monkeypatch.setattr("frdm.mending.measured_of", measured)
    tiny.write_png(film / "long", tiny.codes(tiny.film(12, pan=0.0, grain=0.004), 16))
    recipe = film / "short.toml"
    recipe.write_text("span = 2\n", encoding="utf-8")
    restored(film, weights, "--engine", "auto", "--measured-tags", "--recipe", str(recipe), scan="long")
    assert looked == [MEASURED_ON] * 6


def test_a_picture_that_is_too_small_is_told_before_anything_is_made(film: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.write_png(film / "scan", [np.zeros((20, 40), np.uint16)], first=99)
    assert main(["restore", str(film / "scan"), "-o", str(film / "out"), "--stills", "--whole-frame", "--weights", str(weights)]) == 2
    assert "a frame of 40 × 20 is smaller than a tile of the hand (32 × 32 px)" in capsys.readouterr().err
    assert not (film / "out.frdm").exists()


def test_what_is_said_of_a_shot_reaches_the_hand(film: Path, tmp_path: Path) -> None:
    hears = write_hand(tmp_path / "hears", heard=0.02)
    silent, _ = restored(film, hears, "--whole-frame")
    prompts = film / "prompts.json"
    prompts.write_text(json.dumps({"shot": [{"first": 0, "prompt": "motion: slow"}]}), encoding="utf-8")
    told, _ = restored(film, hears, "--whole-frame", "--prompt", "motion: slow", name="told")
    read, _ = restored(film, hears, "--whole-frame", "--prompt-file", str(prompts), name="read")
    assert not np.array_equal(told, silent)
    assert np.array_equal(told, read)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--engine", "diffusion", "--weights", "nowhere"], "hand_see.onnx: can't be read"),
        (["--engine", "cleverness"], "filling.engine: Input should be 'neighbours', 'diffusion' or 'auto', found 'cleverness'"),
        (["--engine", "auto", "--prompt", "a man runs"], "prompt 'a man runs': a caption found, these weights know tags alone"),
        (["--engine", "auto", "--prompt", "gauge: 8mm, gauge: 16mm"], "too long, gauge is said twice"),
        (["--engine", "diffusion", "--vram", "24"], "memory '24': a size such as 24GiB was wanted"),
        (["--engine", "diffusion", "--vram", "10MiB"], "memory 0.0 GiB: one tile with all else offloaded needs"),
        (["--whole-frame", "--weights", "LARGE"], "is smaller than a tile of the hand (256 × 256 px)"),
        (["--engine", "diffusion", "--weights", "CHANGED"], "sha256"),
        (["--engine", "auto", "--prompt", "motion: slow", "--prompt-file", "x.toml"], "give one of both"),
        (["--whole-frame", "--dirtmap", "dirt.png"], "whole_frame: finds by itself what is damaged, found dirtmap = dirt.png besides"),
        (["--whole-frame", "--lines", "hold"], "found lines = hold; give one of both"),
        (["--engine", "auto", "--prompt-file", "TWICE.json"], "prompts: two that begin at frame 7 found; give each shot one"),
        (["--engine", "auto", "--prompt-file", "x.toml"], "x.toml: No such file or directory; give a readable TOML or JSON file"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], sentence: str, film: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hand(tmp_path / "LARGE", side=256)
    changed = shutil.copytree(weights, tmp_path / "CHANGED")
    (changed / "SHA256SUMS").write_text(f"{'0' * 64}  hand_step.onnx\n", encoding="utf-8")
    (tmp_path / "TWICE.json").write_text(json.dumps({"shot": [{"first": 7, "prompt": ""}] * 2}), encoding="utf-8")
    said = [str(tmp_path / word) if word in ("LARGE", "CHANGED", "TWICE.json") else word for word in words]
    given = [] if "--weights" in words else ["--weights", str(weights)]
    assert main(["restore", str(film / "scan"), "-o", str(film / "out"), *given, *said]) == 2
    shown = capsys.readouterr().err.strip()
    assert sentence in shown
    assert len(shown.splitlines()) == 1
    assert not (film / "out").exists()
    assert not (film / "out.frdm").exists()
