"""The peers' recipes are whole; SpotLess really runs where its Python is; DeepRemaster's wrapper keeps what its program deletes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cases import case_of
from frdm.bench import peers
from frdm.bench.methods import method_of
from frdm.bench.peers import peer_names, read_peer
from frdm.bench.scoring import score_case
from frdm.bench.stage import stage

GIVEN = {"frames", "out", "work", "clips", "case", "mask", "mattes", "video", "width", "height", "shorter", "count", "here"}


def test_the_survey_of_peers_is_there() -> None:
    assert set(peer_names()) == {"spotless", "rtn", "rrtn", "mambaofr", "deepremaster", "basicvsrpp", "propainter"}


@pytest.mark.parametrize("name", peer_names())
def test_a_recipe_is_whole(name: str) -> None:
    recipe, here = read_peer(name)
    assert recipe.name == name and recipe.source.startswith("https://") and recipe.licence
    words = " ".join((*recipe.command, recipe.collect, recipe.folder, *recipe.version))
    placeholders = set(re.findall(r"\{(\w+)\}", words))
    assert placeholders <= GIVEN | set(recipe.needs) | set(recipe.defaults), "every placeholder is known"
    assert set(recipe.needs) <= placeholders | {"python"}, "nothing is asked for in vain"
    assert all((here / script).is_file() for script in re.findall(r"\{here\}/(\S+)", words))
    assert recipe.truth == ("{mask}" in words), "who is given the mask is told"


def test_spotless_runs(suite: Path, tmp_path: Path) -> None:
    python = os.environ.get("FRDM_SPOTLESS_PYTHON")
    if not python:
        pytest.skip("FRDM_SPOTLESS_PYTHON does not name a Python ≥ 3.12 with vapoursynth, its mvtools and zsmooth, numpy and pillow")
    method = method_of("spotless", settings={"python": python})
    assert "VapourSynth" in method.about["version"]
    case = case_of(suite, "dirty")
    restored = stage(method, case, tmp_path / "work")
    scores = score_case(case, restored.frames, restored.mattes).scores
    assert scores["in_mask_db"] > scores["damaged_db"]  # type: ignore[operator]
    assert scores["undeclared"] is None


def test_deepremaster_keeps_the_frames_that_its_program_deletes(tmp_path: Path) -> None:
    """A stand-in of its program: it writes tmp/output below where it runs, calls ffmpeg and removes the folder, as the real one does."""
    (tmp_path / "remaster.py").write_text(
        "import os, shutil, subprocess, sys, utils\n"
        "assert sys.argv[1:] == ['--input', 'film.mkv', '--disable_colorization', '--mindim', '480'], sys.argv\n"
        "os.makedirs('tmp/output', exist_ok=True)\n"
        "for n in range(3): open(f'tmp/output/{n:07d}.png', 'wb').write(bytes([n]))\n"
        "subprocess.call('no such program', shell=True)\n"
        "shutil.rmtree('tmp/')\n"
    )
    (tmp_path / "utils.py").write_text("")
    wrapper = Path(peers.HERE) / "deepremaster.py"
    done = subprocess.run(
        [sys.executable, str(wrapper), str(tmp_path), "film.mkv", str(tmp_path / "out"), "--mindim", "480"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in sorted((tmp_path / "out").glob("*.png"))] == [b"\0", b"\1", b"\2"]
