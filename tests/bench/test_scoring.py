"""Scores of folders of frames: as the public suite's own scorer gives them, from the same files."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench.cases import case_of
from frdm.bench.case import write_png
from frdm.bench.crops import defects_shown
from frdm.bench.reference import Film, sdip
from frdm.bench.scoring import largest, score_case
from frdm.metrics.restoration import HEADINGS, farthest

SHARED = Path(os.environ.get("FRDM_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def public() -> Path:
    place = SHARED / "bench" / "score.py"
    if not place.is_file():
        pytest.skip("the public suite's scorer is not here: FRDM_SHARED names its folder")
    return place


def load(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("public_scorer_of_bench", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def restored(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the plain script makes of both cases, with some harm on top."""
    folder = tmp_path_factory.mktemp("restored")
    for name in ("dirty", "still"):
        case = case_of(suite, name)
        film = Film(case)
        for index, frame in enumerate(case.names):
            out = sdip(film, index).copy()
            out[60:70, 90:105] = 255 - out[60:70, 90:105]
            write_png(folder / name / frame, out)
    return folder


def test_the_public_scorer_reads_our_suites_and_agrees_to_a_millionth(public: Path, suite: Path, restored: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(public), str(suite), "--results", str(restored), "--json", str(tmp_path / "scores.json")]
    subprocess.run(command, check=True, capture_output=True)
    theirs = json.loads((tmp_path / "scores.json").read_text())["cases"]
    for name in ("dirty", "still"):
        ours = score_case(case_of(suite, name), restored / name, None).scores
        for field, heading in HEADINGS.items():
            wanted, found = theirs[name].get(heading), ours[field]
            assert (wanted is None) == (found is None), (name, field)
            if wanted is not None and found is not None:
                assert abs(found - wanted) <= 1e-6 * max(1, abs(wanted)), (name, field)


def test_mattes_are_counted_as_the_public_scorer_counts_them(public: Path, suite: Path, restored: Path, tmp_path: Path) -> None:
    case = case_of(suite, "dirty")
    mattes = np.zeros((len(case.names), *case.size()), bool)
    mattes[:, :, :80] = True
    for name, matte in zip(case.names, mattes, strict=True):
        write_png(tmp_path / "mattes" / name, matte.astype(np.uint8) * 7)
    ours = score_case(case, restored / "dirty", tmp_path / "mattes").scores
    stacks = [np.stack([case.picture(role, name) for name in case.names]) for role in ("clean", "damaged", "ideal")]
    mask, ids = (np.stack([case.plane(role, name) for name in case.names]) for role in ("mask", "ids"))
    out = np.stack([Film(case).case.picture("damaged", n) for n in case.names])
    for index, name in enumerate(case.names):
        from frdm.bench.case import read_picture

        out[index] = read_picture(restored / "dirty" / name)
    theirs = load(public).score(stacks[0], stacks[1], mask > 0, ids, stacks[2], out, mattes)
    assert ours["undeclared"] == pytest.approx(theirs["undeclared %"], abs=1e-9)
    assert ours["undeclared"] > 0  # type: ignore[operator]


def test_the_places_shown_are_the_damage_and_the_worst_harm(suite: Path, restored: Path) -> None:
    case = case_of(suite, "dirty")
    places = score_case(case, restored / "dirty", None).places
    assert [place.why for place in places[:-1]] == ["damage"] * len(defects_shown(case))
    assert "largest false repair" in places[-1].why
    harm = places[-1].box
    assert harm.top <= 60 and harm.bottom >= 70 and harm.left <= 90 and harm.right >= 105
    for place in places[:-1]:
        mask = case.plane("mask", case.names[place.box.frame]) > 0
        assert mask[place.box.rows, place.box.columns].any()
    assert not defects_shown(case_of(suite, "still"))


def test_the_quick_difference_is_the_scorers_own() -> None:
    rng = np.random.default_rng(3)
    one, other = (rng.integers(0, 256, (31, 17, 3)).astype(np.uint8) for _ in range(2))
    assert np.array_equal(largest(one, other), farthest(one, other))
