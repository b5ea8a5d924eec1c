"""The verbs as a person gives them: what they print, leave behind, and exit with."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.cli import main
from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw

STAGE = Stage(height=96, width=128, shot=5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small dirty film; not to be written to."""
    places = Places(tmp_path_factory.mktemp("drawn"))
    draw(places, STAGE, Dirtiness(dust=3, hairs=0, blotches=1))
    return places.scan


@pytest.fixture(scope="module")
def done(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished restoration of it: `out`, `out.frdm`, `mattes`; not to be changed."""
    place = tmp_path_factory.mktemp("done")
    assert main(["restore", str(drawn), "-o", str(place / "out"), "--mattes", str(place / "mattes")]) == 0
    return place


def picture(path: Path) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED))


def test_restore_keeps_the_contract(drawn: Path, done: Path) -> None:
    names = sorted(path.name for path in drawn.iterdir())
    assert sorted(path.name for path in (done / "out").iterdir()) == names
    assert sorted(path.name for path in (done / "mattes").iterdir()) == names
    changed = 0
    for name in names:
        before, after, matte = (picture(folder / name) for folder in (drawn, done / "out", done / "mattes"))
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
        assert (matte.shape, matte.dtype) == (before.shape[:2], np.uint8)
        assert (before == after)[matte == 0].all()
        changed += int((before != after).any(axis=2).sum())
    assert changed > 0


def test_restore_leaves_a_report(done: Path) -> None:
    data = json.loads((done / "out.frdm" / "report.json").read_text(encoding="utf-8"))
    assert data["totals"]["frames"] == STAGE.length
    assert data["totals"]["mended"] > 0
    assert "Treatment report" in (done / "out.frdm" / "report.html").read_text(encoding="utf-8")


def test_restore_says_cost_first_and_sums_up_last(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", str(drawn), "-o", str(tmp_path / "out"), "--range", "0-4"]) == 0
    said = capsys.readouterr()
    assert re.match(r"5 frames of 128 × 96, .*memory", said.err)
    assert "\x1b" not in said.err + said.out
    assert re.search(r"Found \d+.*mended \d+; held \d+", said.out)
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_a_second_run_says_that_it_is_done(drawn: Path, done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done / "out").iterdir()}
    assert main(["restore", str(drawn), "-o", str(done / "out")]) == 0
    assert "nothing was done" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (done / "out").iterdir()} == before


def test_other_settings_ask_for_fresh(drawn: Path, done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", str(drawn), "-o", str(done / "out"), "--strength", "0.9"]) == 2
    assert "--fresh" in capsys.readouterr().err


def test_a_dry_run_writes_no_film(drawn: Path, tmp_path: Path) -> None:
    assert main(["restore", str(drawn), "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    assert not (tmp_path / "out").exists()
    assert json.loads((tmp_path / "out.frdm" / "report.json").read_text(encoding="utf-8"))["totals"]["mended"] > 0
    assert "No film was written yet" in (tmp_path / "out.frdm" / "report.html").read_text(encoding="utf-8")


def test_detect_writes_mattes_alone(drawn: Path, tmp_path: Path) -> None:
    assert main(["detect", str(drawn), "--mattes", str(tmp_path / "m")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    mattes = [picture(path) for path in (tmp_path / "m").iterdir()]
    assert len(mattes) == STAGE.length
    assert sum(int((matte > 0).sum()) for matte in mattes) > 0


def test_verify_proves_and_finds_the_first_difference(drawn: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    place = tmp_path / "copy"
    shutil.copytree(done / "out", place)
    project = str(done / "out.frdm")
    assert main(["verify", str(drawn), str(place), project]) == 0
    assert "equal" in capsys.readouterr().out
    names = sorted(path.name for path in place.iterdir())
    spoiled, matte = picture(place / names[6]), picture(done / "mattes" / names[6])
    row, column = (int(place[-1]) for place in np.nonzero(matte == 0))
    spoiled[row, column, 0] ^= 1
    (place / names[6]).write_bytes(cv2.imencode(".png", spoiled)[1].tobytes())
    assert main(["verify", str(drawn), str(place), project]) == 1
    error = capsys.readouterr().err
    assert "frame 6" in error and f"row {row}, column {column}" in error


def test_reject_render_and_undo(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, project = tmp_path / "out", str(tmp_path / "out.frdm")
    assert main(["restore", str(drawn), "-o", str(out)]) == 0
    mended = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert main(["reject", project, "--below", "1.1"]) == 0
    assert re.match(r"\d+ repairs? rejected", capsys.readouterr().out)
    assert main(["render", project]) == 0
    for path in out.iterdir():
        assert (picture(path) == picture(drawn / path.name)).all()
    assert main(["undo", project]) == 0
    assert main(["render", project]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == mended


def test_a_choice_is_wanted_to_reject(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reject", str(done / "out.frdm")]) == 2
    assert "--kind" in capsys.readouterr().err


def test_report_can_be_made_again(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (done / "out.frdm" / "report.html").unlink()
    (done / "out.frdm" / "report.json").unlink()
    assert main(["report", str(done / "out.frdm")]) == 0
    assert "data:image/png;base64," in (done / "out.frdm" / "report.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["report", str(done / "out.frdm"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["frames"] == STAGE.length


def test_inspect_tells_shots_and_leaves_a_sheet(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(drawn), "--sheet", str(tmp_path / "sheet.png"), "--samples", "4"]) == 0
    said = capsys.readouterr().out
    assert "10 frames of 128 × 96" in said
    assert "8-bit RGB" in said
    assert "grain" in said
    assert picture(tmp_path / "sheet.png").shape[1] > 1000


@pytest.mark.parametrize("name", ["w.png", "w.mp4"])
def test_compare_makes_a_wipe(drawn: Path, done: Path, tmp_path: Path, name: str) -> None:
    assert main(["compare", str(drawn), str(done / "out"), "-o", str(tmp_path / name), "--range", "2-5"]) == 0
    assert (tmp_path / name).stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_preview_leaves_only_its_wipe(drawn: Path, tmp_path: Path) -> None:
    before = sorted(drawn.parent.rglob("*"))
    assert main(["preview", str(drawn), "--at", "3", "--seconds", "0.15", "-o", str(tmp_path / "p.mp4")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.mp4", "p.png"]
    assert sorted(drawn.parent.rglob("*")) == before
