"""A folder of unrelated pictures through a job: one folder of results, one record, each picture as its own encoding; repairs made up."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import mended
import tiny
from frdm import jobs
from frdm.errors import OutputError, RecipeError, SettingsChanged
from frdm.film import Frame
from frdm.jobs.stills import PictureMattes
from frdm.media.album import Album
from frdm.media.scan import info_at, open_scan
from frdm.recipe import AreaSettings, Recipe, ShotSettings
from mended import run
from pictures_of_all_sorts import NAMES, write_sorts

STILLS = Recipe(stills=True)


@pytest.fixture
def pictures(tmp_path: Path, faked: None) -> Path:
    return write_sorts(tmp_path / "in")


@pytest.fixture
def done(pictures: Path) -> tuple[Path, Path]:
    """(results, project) of a finished run."""
    out = pictures.with_name("out")
    run(jobs.restore(pictures, out, recipe=STILLS, mattes=pictures.with_name("mattes")))
    return out, pictures.with_name("out.frdm")


def differing(pictures: Path, out: Path, index: int) -> list[np.ndarray]:
    """Where each plane of a picture was changed."""
    with open_scan(pictures, stills=True) as before, open_scan(out, stills=True) as after:
        return [a != b for a, b in zip(before.frame(index).planes, after.frame(index).planes, strict=True)]


@pytest.mark.parametrize("index", range(5), ids=NAMES)
def test_outside_the_mattes_every_code_of_every_encoding_is_the_scans(pictures: Path, done: tuple[Path, Path], index: int) -> None:
    name = f"{Path(NAMES[index]).stem}.png"
    matte = cv2.imread(str(pictures.with_name("mattes") / name), cv2.IMREAD_UNCHANGED) > 0
    changed = differing(pictures, done[0], index)
    assert all(matte[plane].all() for plane in changed)
    assert matte.shape == changed[0].shape
    assert any(plane.any() for plane in changed) == (index % 4 != 3)  # as the repairs are made up
    with open_scan(pictures, stills=True) as scan:
        assert not any(plane.any() for plane in changed[info_at(scan, index).encoding.pictures :])  # alpha


def test_a_picture_without_repairs_is_a_copy(pictures: Path, done: tuple[Path, Path]) -> None:
    assert (done[0] / "leader.dpx").read_bytes() == (pictures / "leader.dpx").read_bytes()


def test_every_picture_is_a_shot_and_the_proof_holds(pictures: Path, done: tuple[Path, Path]) -> None:
    report = jobs.report_data(done[1])
    assert [(shot["start"], shot["stop"]) for shot in report["shots"]] == [(n, n + 1) for n in range(5)]
    assert [one["name"] for one in report["film"]["pictures"]] == list(NAMES)
    assert report["film"]["sizes"] == "80 × 64 to 140 × 100 pixels"
    assert jobs.verify(pictures, done[0], done[1]).ok
    assert len(list(jobs.crops(done[1], 5))) > 0


@pytest.mark.parametrize("name", ["IMG_2.tif", "leader.dpx"])
def test_the_proof_finds_one_wrong_code(pictures: Path, done: tuple[Path, Path], name: str) -> None:
    data = bytearray((done[0] / name).read_bytes())
    data[len(data) // 2 | 1] ^= 4
    (done[0] / name).write_bytes(data)
    proved = jobs.verify(pictures, done[0], done[1])
    assert not proved.ok
    assert f"frame {NAMES.index(name)}" in proved.sentence


def test_the_proof_names_a_picture_of_another_size(pictures: Path, done: tuple[Path, Path]) -> None:
    cv2.imwrite(str(done[0] / "Aunt Mary.png"), np.zeros((10, 12), np.uint8))
    assert "Aunt Mary.png, which is 12 × 10" in jobs.verify(pictures, done[0], done[1]).sentence


def test_undone_the_scan_comes_back(pictures: Path, done: tuple[Path, Path]) -> None:
    out, project = done
    whole = tiny.bytes_of(out)
    assert jobs.decide(project, "reject", shot=2) > 0  # IMG_2.tif
    run(jobs.render(project))
    assert not any(plane.any() for plane in differing(pictures, out, 1))
    assert any(plane.any() for plane in differing(pictures, out, 0))
    jobs.decide(project, "undo")
    run(jobs.render(project))
    assert tiny.bytes_of(out) == whole


def test_done_is_done_and_jobs_change_no_byte(pictures: Path, done: tuple[Path, Path]) -> None:
    assert run(jobs.restore(pictures, done[0], recipe=STILLS)).already_done
    other = pictures.with_name("other")
    run(jobs.restore(pictures, other, recipe=STILLS, jobs=3))
    assert {p.name: p.read_bytes() for p in other.iterdir()} == {p.name: p.read_bytes() for p in done[0].iterdir()}


def test_a_range_is_of_pictures(pictures: Path, tmp_path: Path) -> None:
    summary = run(jobs.restore(pictures, tmp_path / "some", recipe=STILLS, start=1, stop=3))
    assert (summary.frames, summary.shots) == (2, 2)
    assert sorted(p.name for p in (tmp_path / "some").iterdir()) == ["IMG_10.exr", "IMG_2.tif"]
    assert jobs.verify(pictures, tmp_path / "some", tmp_path / "some.frdm").ok


def test_other_settings_are_another_job(pictures: Path, done: tuple[Path, Path]) -> None:
    shutil.rmtree(pictures)
    write_sorts(pictures, specks=False)
    with pytest.raises(SettingsChanged):
        run(jobs.restore(pictures, done[0], recipe=STILLS))


def test_one_picture_gives_one_picture_beside_the_others(pictures: Path, tmp_path: Path) -> None:
    summary = run(jobs.restore(pictures / "IMG_2.tif", recipe=STILLS))
    assert summary.out == (pictures / "IMG_2_frdm.tif").resolve()
    assert jobs.verify(pictures / "IMG_2.tif", pictures / "IMG_2_frdm.tif", pictures / "IMG_2_frdm.tif.frdm").ok
    with pytest.raises(OutputError, match="film itself"):
        run(jobs.restore(pictures / "IMG_2.tif", pictures / "IMG_2.tif", recipe=STILLS))


def test_mattes_of_like_names_keep_apart(tmp_path: Path, faked: None) -> None:
    folder = write_sorts(tmp_path / "in")
    cv2.imwrite(str(folder / "leader.png"), np.zeros((40, 50), np.uint8))
    run(jobs.detect(folder, tmp_path / "mattes", recipe=STILLS))
    names = {p.name for p in (tmp_path / "mattes").iterdir()}
    assert {"leader.dpx.png", "leader.png.png"} <= names
    assert len(names) == 6


def test_shots_given_and_stills_contradict(pictures: Path, tmp_path: Path) -> None:
    recipe = Recipe(stills=True, shots=ShotSettings(list="cuts.edl"))
    with pytest.raises(RecipeError, match="shot of its own"):
        run(jobs.restore(pictures, tmp_path / "out", recipe=recipe))


def test_pictures_left_out_are_told_of(pictures: Path, tmp_path: Path) -> None:
    (pictures / "old.jpg").write_bytes(b"\xff\xd8")
    for dry in (True, False):
        summary = run(jobs.restore(pictures, tmp_path / f"out{dry}", recipe=STILLS, dry_run=dry))
        assert any("old.jpg" in warning for warning in summary.warnings)


def test_mattes_are_found_by_name_at_each_pictures_size(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "protect").mkdir()
    drawn = np.zeros((120, 90), np.uint8)
    drawn[10:20, 5:30] = 255
    cv2.imwrite(str(tmp_path / "protect" / "IMG_2.png"), drawn)
    with open_scan(pictures, stills=True) as scan:
        assert isinstance(scan, Album)
        mattes = PictureMattes(scan, Recipe(stills=True, protect=str(tmp_path / "protect")))
        mattes.check()
        allowed = mattes.allowed(scan.frame(1))
        assert allowed is not None
        assert np.array_equal(~allowed, drawn > 0)
        assert mattes.allowed(scan.frame(0)) is None
        cv2.imwrite(str(tmp_path / "protect" / "slide-a.png"), drawn)
        with pytest.raises(RecipeError, match="90 × 120 pixels"):
            mattes.check()
        (tmp_path / "nothing").mkdir()
        with pytest.raises(RecipeError, match="no picture in it"):
            PictureMattes(scan, Recipe(stills=True, dirtmap=str(tmp_path / "nothing"))).check()
        with pytest.raises(RecipeError, match="does not lie in"):
            PictureMattes(scan, Recipe(stills=True, area=AreaSettings("0,0,100,90"))).check()
        dirt = PictureMattes(scan, Recipe(stills=True, dirtmap="plane:alpha"))
        only = Frame(4, scan.frame(4).planes)
        assert dirt.dirt(only) is not None


SCRIPT = Path(__file__).with_name("killed.py")


@pytest.mark.parametrize("step", [2, 9, 16])
def test_killed_it_goes_on_with_the_next_picture(pictures: Path, tmp_path: Path, done: tuple[Path, Path], step: int) -> None:
    out = tmp_path / "killed" / "out"
    code = subprocess.run([sys.executable, str(SCRIPT), str(pictures), str(out), str(step), "stills"], check=False, timeout=120).returncode
    assert code == 9
    assert not out.exists()
    run(jobs.restore(pictures, out, recipe=STILLS, mattes=out.with_name("mattes")))
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in done[0].iterdir()}
    reports = [json.loads((folder / "report.json").read_text("utf-8")) for folder in (done[1], out.with_name("out.frdm"))]
    for report in reports:
        del report["run"]
    assert reports[0] == reports[1]


def test_every_frame_of_a_movie_can_be_a_still(drawn: Path, tmp_path: Path, faked: None) -> None:
    run(jobs.restore(drawn, tmp_path / "film.mkv"))
    summary = run(jobs.restore(tmp_path / "film.mkv", tmp_path / "out.mkv", recipe=STILLS))
    assert summary.shots == mended.FRAMES
    assert jobs.verify(tmp_path / "film.mkv", tmp_path / "out.mkv", tmp_path / "out.mkv.frdm").ok
