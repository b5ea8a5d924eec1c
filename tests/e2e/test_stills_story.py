"""Unrelated pictures through the command: specks of every encoding go, all else stays, and every verb knows the project."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.cli import main
from frdm.jobs import report_data
from frdm.media.scan import info_at, open_scan
from frdm.signal.working import working
from pictures_of_all_sorts import NAMES, write_sorts

SPECKS = ((80, 80), (80, 200), (180, 120))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: in, out, out.frdm, mattes, and the same pictures without specks in `clean`."""
    folder = tmp_path_factory.mktemp("stills")
    write_sorts(folder / "in", scale=4)
    write_sorts(folder / "clean", specks=False, scale=4)
    words = ["restore", folder / "in", "-o", folder / "out", "--stills", "--detector", "classical", "--mattes", folder / "mattes"]
    assert main([str(word) for word in words]) == 0
    return folder


@pytest.mark.parametrize("index", range(5), ids=NAMES)
def test_specks_go_and_all_else_stays(place: Path, index: int) -> None:
    scans = [open_scan(place / name, stills=True) for name in ("clean", "in", "out")]
    encoding = info_at(scans[0], index).encoding
    clean, dirty, mended = (working(scan.frame(index), encoding).luma for scan in scans)
    for row, column in SPECKS:
        near = slice(row - 2, row + 3), slice(column - 2, column + 3)
        assert float(np.abs(mended - clean)[near].mean()) < 0.2 * float(np.abs(dirty - clean)[near].mean())
    matte = cv2.imread(str(place / "mattes" / f"{Path(NAMES[index]).stem}.png"), cv2.IMREAD_UNCHANGED) > 0
    assert matte.mean() < 0.1
    for before, after in zip(scans[1].frame(index).planes, scans[2].frame(index).planes, strict=True):
        assert not (before != after)[~matte].any()


def test_the_record_says_how(place: Path) -> None:
    report = report_data(place / "out.frdm")
    assert len(report["shots"]) == len(NAMES)
    assert {engine for shot in report["shots"] for engine in shot["engines"]} == {"surround"}
    page = (place / "out.frdm" / "report.html").read_text("utf-8")
    assert "320 × 256 to 560 × 400 pixels" in page


def test_every_verb_knows_the_project(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = place / "out.frdm"
    assert main(["verify", str(place / "in"), str(place / "out"), str(project)]) == 0
    before = (place / "out" / NAMES[0]).read_bytes()
    assert main(["reject", str(project), "--shot", "1"]) == 0
    assert main(["render", str(project)]) == 0
    assert (place / "out" / NAMES[0]).read_bytes() == (place / "in" / NAMES[0]).read_bytes()
    assert main(["undo", str(project)]) == 0
    assert main(["render", str(project)]) == 0
    assert (place / "out" / NAMES[0]).read_bytes() == before
    assert main(["report", str(project)]) == 0


def test_detect_and_preview(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["detect", str(place / "in"), "--stills", "--detector", "classical", "--mattes", str(tmp_path / "m")]) == 0
    assert len(list((tmp_path / "m").iterdir())) == 5
    assert main(["preview", str(place / "in"), "--stills", "--detector", "classical", "--at", "3", "-o", str(tmp_path / "w.png")]) == 0
    shown = cv2.imread(str(tmp_path / "w.png"))
    assert shown.shape[:2] == (320, 400)
    assert main(["preview", str(place / "in"), "--stills", "--at", "9"]) == 2


def test_inspect_looks_at_each(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["inspect", place / "in", "--stills", "--detector", "classical", "--sheet", tmp_path / "sheet.png"]
    assert main([str(word) for word in words]) == 0
    assert "5 shots; damage as found in 5 frames" in capsys.readouterr().out
    assert (tmp_path / "sheet.png").is_file()


def test_one_slide(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "slide.tif"
    assert main(["restore", str(place / "in" / "IMG_2.tif"), "-o", str(out), "--stills", "--detector", "classical"]) == 0
    assert out.is_file()
    assert out.read_bytes() != (place / "in" / "IMG_2.tif").read_bytes()


def test_a_dirt_map_is_obeyed_without_neighbours(place: Path, tmp_path: Path) -> None:
    given = np.zeros((480, 360), np.uint8)
    given[390:396, 260:266] = 255
    (tmp_path / "dirt").mkdir()
    cv2.imwrite(str(tmp_path / "dirt" / "IMG_2.png"), given)
    words = ["restore", place / "in" / "IMG_2.tif", "-o", tmp_path / "o.tif", "--stills", "--dirtmap", tmp_path / "dirt"]
    assert main([str(word) for word in (*words, "--detector", "classical")]) == 0
    with open_scan(place / "in" / "IMG_2.tif", stills=True) as scan, open_scan(tmp_path / "o.tif", stills=True) as made:
        assert (scan.frame(0).planes[0] != made.frame(0).planes[0])[390:396, 260:266].any()
