"""Films restored from the command line by hands that are models in torch: a compact one, and one of size paper around its backbone.

Neither has learned anything. The compact one fills what is damaged from around; the other invents noise, which a recipe lets through that
trusts everything.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tiny
from frdm.cli import main

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from fills.torch_hands import compact, write_compact, write_paper

FRAMES = 4
RECIPE = "span = {span}\n[shots]\ndetect = false\n[filling]\nleast_trust = 0.0\nsteps = 1\n"


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The options of each."""
    folder = tmp_path_factory.mktemp("hands")
    weights, backbone = write_paper(folder)
    return {
        "compact": ["--weights", str(write_compact(folder / "compact.safetensors"))],
        "paper": ["--weights", str(weights), "--backbone", str(backbone)],
    }


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scan`: standing film of 16 bits with dirt, and recipes."""
    folder = tmp_path_factory.mktemp("film")
    clean = tiny.film(FRAMES, height=64, width=64, pan=0.0, grain=0.004)
    tiny.write_png(folder / "scan", tiny.codes(tiny.dirty(clean, specks=1)[0], 16))
    for name, span in (("whole", 240), ("cut", 2)):
        (folder / f"{name}.toml").write_text(RECIPE.format(span=span), encoding="utf-8")
    return folder


def restored(film: Path, out: Path, *words: str, recipe: str = "whole") -> tuple[np.ndarray, dict]:
    """(frames, the report) of a run that must succeed."""
    assert main(["restore", str(film / "scan"), "-o", str(out), "--recipe", str(film / f"{recipe}.toml"), *words]) == 0
    report = json.loads((out.with_name(f"{out.name}.frdm") / "report.json").read_text(encoding="utf-8"))
    return tiny.read_png(out), report


@pytest.mark.parametrize("kind", ["compact", "paper"])
def test_repairs_alone_are_altered_alike_however_it_is_cut(
    kind: str, hands: dict[str, list[str]], film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--engine", "diffusion", *hands[kind]]
    made, report = restored(film, tmp_path / "out", *words, "--mattes", str(tmp_path / "mattes"))
    scan, mattes = tiny.read_png(film / "scan"), tiny.read_png(tmp_path / "mattes")
    assert np.array_equal(made[mattes == 0], scan[mattes == 0])
    assert (made != scan).any()
    assert report["totals"]["engines"] == {"diffusion": report["totals"]["mended"]}
    assert "(torch " in report["versions"]["hand weights"]
    assert "Loading" not in capsys.readouterr().err
    again, _ = restored(film, tmp_path / "again", *words, "--jobs", "2", "--vram", "4GiB", recipe="cut")
    assert np.array_equal(again, made)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_with_no_other_weights(
    hands: dict[str, list[str]], film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from frdm import jobs
    from frdm.cli.settings import RecipeOptions, chosen_recipe

    weights = write_compact(tmp_path / "mine.safetensors")
    options = RecipeOptions(recipe=film / "cut.toml", engine="diffusion", weights=str(weights))
    steps = jobs.restore(film / "scan", tmp_path / "out", recipe=chosen_recipe(options))
    for step in steps:
        if step.frame == 3:  # the first span is done, the second is not
            steps.close()  # type: ignore[attr-defined]
            break
    words = ["--engine", "diffusion", "--weights", str(weights)]
    made, _ = restored(film, tmp_path / "out", *words, recipe="cut")
    assert np.array_equal(made, restored(film, tmp_path / "whole", "--engine", "diffusion", *hands["compact"], recipe="cut")[0])
    write_compact(weights, seed=1)
    capsys.readouterr()
    run = ["restore", str(film / "scan"), "-o", str(tmp_path / "out"), "--recipe", str(film / "cut.toml"), *words]
    assert main(run) == 2
    assert "this project was begun with the hand weights" in capsys.readouterr().err


def test_a_caption_reaches_the_model(hands: dict[str, list[str]], film: Path, tmp_path: Path) -> None:
    words = ["--engine", "diffusion", *hands["paper"]]
    words += ["--range", "0-0"]
    told, _ = restored(film, tmp_path / "told", *words, "--prompt", "a man")
    assert not np.array_equal(told, restored(film, tmp_path / "silent", *words)[0])


def test_whole_frames_are_restored_by_it(hands: dict[str, list[str]], film: Path, tmp_path: Path) -> None:
    made, report = restored(film, tmp_path / "out", "--whole-frame", *hands["compact"])
    assert report["totals"]["found"] == {}, "without a matte it finds nothing: it hands every tile on"
    assert np.array_equal(made, tiny.read_png(film / "scan"))


@pytest.mark.slow
def test_exported_it_mends_alike(film: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    from frdm.model.export import export_frdm

    export_frdm(compact(), tmp_path, {})
    words = ["--engine", "diffusion", "--weights"]
    here, report = restored(film, tmp_path / "here", *words, str(write_compact(tmp_path / "hand.safetensors")))
    there, other = restored(film, tmp_path / "there", *words, str(tmp_path))
    assert report["totals"]["mended"] == other["totals"]["mended"] > 0
    assert (here != tiny.read_png(film / "scan")).any()
    assert np.abs(here.astype(int) - there).max() <= 1e-3 * 65535


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["PAPER"], "was trained around a pretrained backbone; give its folder with --backbone DIR"),
        (["PAPER", "--backbone", "nowhere"], "nowhere: no folder of a backbone"),
        (["PAPER", "BACKBONE", "--prompt", "a man runs over a field"], "tokens found, at most 12 wanted"),
        (["PAPER", "BACKBONE", "--measured-tags"], "found weights that read captions"),
        (["COMPACT", "BACKBONE"], "a compact model found, which has no backbone"),
        (["COMPACT", "--prompt", "a man runs"], "a caption found, these weights know tags alone"),
        (["COMPACT", "--device", "cuda"], "no graphics card that torch can use"),
        (["COMPACT", "--device", "tpu"], "filling.device: Input should be 'cpu' or 'cuda', found 'tpu'"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str],
    sentence: str,
    hands: dict[str, list[str]],
    film: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    known = {"PAPER": hands["paper"][:2], "BACKBONE": hands["paper"][2:], "COMPACT": hands["compact"]}
    said = [part for word in words for part in known.get(word, [word])]
    assert main(["restore", str(film / "scan"), "-o", str(tmp_path / "out"), "--engine", "diffusion", *said]) == 2
    shown = capsys.readouterr().err.strip()
    assert sentence in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.frdm").exists()


@pytest.mark.parametrize("backbone", ["PAPER", "nowhere"])
def test_that_a_compact_model_needs_no_backbone_is_told_before_one_is_asked_for(
    backbone: str,
    hands: dict[str, list[str]],
    film: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("diffusers", "diffusers.utils", "transformers", "transformers.utils"):
        monkeypatch.setitem(sys.modules, name, None)  # as where they are not installed
    place = hands["paper"][3] if backbone == "PAPER" else backbone
    words = ["--engine", "diffusion", *hands["compact"], "--backbone", place]
    assert main(["restore", str(film / "scan"), "-o", str(tmp_path / "out"), *words]) == 2
    shown = capsys.readouterr().err.strip()
    assert f"compact.safetensors: a compact model found, which has no backbone; leave --backbone {place} out" in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.frdm").exists()


@pytest.mark.parametrize(
    ("words", "option"),
    [(["--backbone", "b"], "--backbone"), (["--device", "cuda"], "--device"), (["--device", "cuda", "--engine", "auto"], "")],
)
def test_what_only_models_in_torch_have_is_refused_elsewhere(
    words: list[str], option: str, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", str(film / "scan"), "-o", str(tmp_path / "out"), *words]) == 2
    wanted = f"{option}: only diffusion heeds it" if option else "--device cuda: exported weights run by ONNX Runtime"
    assert wanted in capsys.readouterr().err
