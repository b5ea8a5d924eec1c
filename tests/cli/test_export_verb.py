"""`frdm export` and `frdm import` as a person gives them."""

import json
import shutil
from pathlib import Path

import pytest

import mended
import tiny
from frdm import jobs
from frdm.cli import main
from frdm.jobs.drawing import Rectangle
from frdm.jobs.layers import LayerStore
from frdm.jobs.painting import Brush, Wish
from frdm.jobs.project import existing
from frdm.jobs.protecting import Film, protect
from frdm.jobs.reading import Frames
from frdm.ledger.decisions import judge
from frdm.ledger.records import By, Selection
from frdm.media.scan import open_scan
from frdm.recipe import Recipe


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan and a finished project of made-up repairs; not to be changed."""
    place = tmp_path_factory.mktemp("made")
    tiny.write_png(place / "scan", tiny.codes(tiny.film(4, height=48, width=64), 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        mended.run(jobs.restore(place / "scan", place / "out", recipe=Recipe(span=3)))
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of the project to work on; its scan lies where it lay."""
    shutil.copytree(made / "out.frdm", tmp_path / "out.frdm")
    return tmp_path


def test_every_form_is_written_and_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = str(place / "out.frdm")
    forms = [
        ("a.json", [], "8 defects with all decisions: "),
        ("a.csv", [], "8 defects with all decisions: "),
        ("a.otio", [], "8 markers: "),
        ("a.edl", ["--per", "shot"], "1 marker: "),
        ("b.edl", ["--as", "resolve", "--status", "held", "--timecode", "01:00:00:00"], "2 markers: "),
        ("over", ["--as", "overlay-png"], "4 pictures with 6 accepted repairs: "),
        ("soft", ["--as", "overlay-exr", "--alpha", "soft"], "4 pictures with 6 accepted repairs: "),
        ("mattes", ["--as", "mattes"], "4 pictures with 6 accepted repairs: "),
    ]
    for name, options, says in forms:
        assert main(["export", project, str(place / name), *options]) == 0
        said = capsys.readouterr()
        assert said.out == f"{says}{place / name}\n" and said.err == ""
    assert len(list((place / "soft").glob("*.exr"))) == len(list((place / "over").glob("*.png"))) == 4
    assert "01:00:00:03" in (place / "b.edl").read_text()
    assert sorted(p.name for p in place.iterdir()) == sorted(["out.frdm", *(name for name, _, _ in forms)])


def test_mistakes_are_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = str(place / "out.frdm")
    (place / "a.json").write_text("{}")
    wrong = [
        (["export", project, str(place / "a.json")], "--overwrite"),
        (["export", project, str(place / "a.dat")], "give --as with one of json, csv"),
        (["export", project, str(place / "a.txt"), "--as", "json"], "ends in .json"),
        (["export", project, str(place / "a.edl"), "--timecode", "one"], "not a timecode"),
        (["export", project, str(place / "a.edl"), "--as", "docx"], "frdm export --help"),
        (["export", str(place), str(place / "b.json")], "not a project"),
        (["export", project, str(place / "over"), "--as", "mattes", "--film", str(place / "gone")], "no such file"),
        (["import", project, str(place / "a.json")], "no export of a ledger"),
        (["import", project, str(place / "gone.csv")], "can't be read"),
    ]
    for arguments, says in wrong:
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert says in said.err and said.err.count("\n") == 1 and "Traceback" not in said.err, arguments
    assert sorted(p.name for p in place.iterdir()) == ["a.json", "out.frdm"]


def test_decisions_go_from_one_copy_to_another(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs, file = str(place / "out.frdm"), str(place / "their.frdm"), str(place / "a.json")
    shutil.copytree(mine, theirs)
    assert main(["reject", theirs, "--kind", "hair"]) == 0
    assert main(["export", theirs, file]) == 0
    capsys.readouterr()
    assert main(["import", mine, file, "--dry-run"]) == 0
    assert capsys.readouterr().out == f"3 decisions on 3 repairs would be taken over from {file}.\n"
    assert main(["import", mine, file, "--who", "Eve"]) == 0
    assert "3 decisions on 3 repairs taken over" in (said := capsys.readouterr().out) and "frdm render" in said
    assert main(["import", mine, file]) == 0
    assert capsys.readouterr().out == f"No decision taken over from {file}: 3 known here already.\n"
    assert main(["export", mine, str(place / "b.json")]) == 0
    assert main(["undo", mine]) == 0
    capsys.readouterr()
    one, other = (json.loads((place / name).read_text(encoding="utf-8"))["defects"] for name in ("a.json", "b.json"))
    assert [d["status"] for d in one] == [d["status"] for d in other]
    assert main(["import", mine, file]) == 0
    assert "taken over from" in capsys.readouterr().out


def test_what_was_changed_by_hand_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, file = place / "out.frdm", place / "a.csv"
    assert main(["export", str(project), str(file)]) == 0
    file.write_text(file.read_text(encoding="utf-8").replace("000001-000,accepted", "000001-000,rejected"), encoding="utf-8")
    capsys.readouterr()
    assert main(["import", str(project), str(file)]) == 0
    assert "1 decision on 1 repair taken over" in (said := capsys.readouterr().out)
    assert "1 status was changed in the file by hand" in said


def test_what_was_made_by_hand_and_protected_comes_along(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = place / "copy.frdm"
    shutil.copytree(place / "out.frdm", copy)
    with existing(place / "out.frdm", alone=False) as project, Frames(open_scan(project.row.film)) as frames:
        layers, ada = LayerStore(), By("Ada", "one")
        shape, wish = Rectangle(20, 30, 27, 38), Wish("surround")
        Brush(frames, Recipe(span=3), layers).paint(project, range(2, 3), [shape], kind="dirt", wish=wish, by=ada)
        protect(Film(project, frames.scan, layers), range(3, 4), [shape], by=ada)
        judge(project.ledger, "confirm", Selection(ids=("000000-002",)), ada)
    assert main(["export", str(place / "out.frdm"), str(place / "a.json")]) == 0
    capsys.readouterr()
    for options, told in ((["--dry-run"], "would be taken"), ([], "taken")):
        assert main(["import", str(copy), str(place / "a.json"), "--who", "Eve", *options]) == 0
        said = capsys.readouterr().out
        assert f"1 repair made by hand {told} over with its pixels.\n" in said
        assert f"1 review {told} over.\n" in said and f"1 protection {told} over.\n" in said
