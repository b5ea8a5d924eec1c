"""What exports hold: all of the ledger, in forms that other programs read; and that the film can be made of it again."""

import csv
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

import tiny
from frdm import jobs
from frdm.errors import LedgerError, OutputError, RecipeError
from frdm.film import Shot
from frdm.jobs.exporting import COLUMNS, export_ledger, source_words
from frdm.jobs.markers import Wanted, export_markers
from frdm.jobs.timelines import Mark, Reel, resolve_edl, timeline_text
from frdm.jobs.times import frame_of, is_drop, timecode_of
from frdm.ledger.decisions import held, history, repairs
from frdm.ledger.store import Ledger
from frdm.media.timecode import timecode_bits, timecode_words
from frdm.recipe import Recipe
from mended import FRAMES, run


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it about which somebody has decided."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    jobs.decide(folder, "reject", kind="hair", shot=1, who="Ada; or =A1")
    jobs.decide(folder, "undo", ids=["000001-001"], who="Bob")
    return folder


def exported(project: Path, name: str = "ledger.json") -> Any:
    out = project.with_name(name)
    export_ledger(project, out, "json")
    return json.loads(out.read_text(encoding="utf-8"))


def test_json_holds_every_defect_and_decision(project: Path) -> None:
    data = exported(project)
    with Ledger(project) as ledger:
        rows, kept, lines, about = repairs(ledger), held(ledger), history(ledger), ledger.project()
    assert about is not None and rows and kept and len(lines) > 3
    assert (data["format"], data["version"], data["film"]["identity"]) == ("frdm ledger", 2, about.identity)
    assert data["project"]["settings"] == about.settings and data["project"]["range"] == [0, FRAMES]
    assert data["project"]["recipe"] == json.loads(about.recipe)
    assert [shot["start"] for shot in data["shots"]] == [0, FRAMES // 2]
    defects = {one["id"]: one for one in data["defects"]}
    assert len(defects) == len(data["defects"]) == len(rows) + len(kept)
    for row in rows:
        one, made = defects[row.id], row.provenance
        assert one["box"] == [row.defect_box.top, row.defect_box.left, row.defect_box.bottom, row.defect_box.right]
        assert (one["frame"], one["frames"], one["shot"]) == (row.box.frame, [row.box.frame, row.box.frame + 1], row.shot)
        assert (one["kind"], one["polarity"], one["confidence"], one["status"]) == (row.kind, row.polarity, row.confidence, row.status)
        assert (one["engine"], one["sources"], one["trust"], one["seed"]) == (made.engine, list(made.sources), made.trust, made.seed)
        assert one["source"] == "neighbours n+1 n-1"
        assert one["patch"]["order"] == row.number and data["patch_files"][row.file] == one["patch"]["hash"]
    for row in kept:
        assert (defects[row.id]["status"], defects[row.id]["reason"], defects[row.id]["patch"]) == ("held", row.reason, None)
        assert defects[row.id]["shot"] == (1 if row.box.frame < FRAMES // 2 else 2)
    told = [
        (d["number"], one["id"], d["verb"], d["who"], d["at"], d["before"], d["after"], d["undoes"])
        for one in data["defects"]
        for d in one["decisions"]
    ]
    assert sorted(told) == [(d.number, d.repair, d.verb, d.who, d.at, d.before, d.after, d.undoes) for d in lines]
    assert defects["000000-001"]["decisions"][0]["choice"] == {"kind": "hair", "shot": 1}


def test_csv_holds_the_same(project: Path) -> None:
    out = project.with_name("ledger.csv")
    assert export_ledger(project, out, "csv") == len(exported(project)["defects"])
    with out.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    for line, one in zip(lines, exported(project, "again.json")["defects"], strict=True):
        for name in ("id", "status", "shot", "frame", "kind", "polarity", "confidence", "source", "altered", "initial"):
            assert line[name] == str(one[name])
        assert [int(line[name]) for name in ("top", "left", "bottom", "right")] == one["box"]
        assert json.loads(line["decisions"]) == one["decisions"]
        assert line["decided_by"] == (one["decisions"][-1]["who"] if one["decisions"] else "")


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(project: Path) -> None:
    jobs.decide(project, "reject", ids=["000008-000"], who='=HYPERLINK("x")')
    export_ledger(project, project.with_name("a.csv"), "csv")
    with project.with_name("a.csv").open(newline="", encoding="utf-8") as file:
        line = next(line for line in csv.DictReader(file) if line["id"] == "000008-000")
    assert line["decided_by"] == '\'=HYPERLINK("x")'
    assert not [cell for cell in line.values() if cell.startswith(("=", "+", "@"))]


def test_the_film_is_made_again_from_scan_export_and_patches(project: Path, drawn: Path) -> None:
    """By an independent hand: JSON, numpy's npz and integers."""
    out = project.with_name("out")
    run(jobs.render(project, out))
    data = exported(project)
    picture = tiny.read_png(drawn).astype(np.int64)
    files = {name: np.load(project / "patches" / name) for name in data["patch_files"]}
    for one in sorted((d for d in data["defects"] if d["status"] == "accepted"), key=lambda d: d["patch"]["order"]):
        patch, frame = one["patch"], one["frame"]
        index, mattes, codes = (files[patch["file"]][f"{frame:06d}/{what}"] for what in ("index", "mattes", "codes"))
        sizes = [int(row[8]) * int(row[9]) for row in index]
        part = slice(sum(sizes[: patch["place"]]), sum(sizes[: patch["place"] + 1]))
        top, left, bottom, right = patch["box"]
        under = picture[frame, top:bottom, left:right]
        m, fill = (values[part].astype(np.int64).reshape(under.shape) for values in (mattes, codes))
        under[...] = (2 * (m * fill + (65535 - m) * under) + 65535) // (2 * 65535)
    assert np.array_equal(picture, tiny.read_png(out))


def test_an_export_is_the_same_twice_and_changes_nothing(project: Path) -> None:
    before = {p.name: p.read_bytes() for p in project.iterdir() if p.name == "report.json"}
    one, two = project.with_name("one.json"), project.with_name("two.json")
    export_ledger(project, one, "json")
    export_ledger(project, two, "json")
    assert one.read_bytes() == two.read_bytes()
    assert {p.name: p.read_bytes() for p in project.iterdir() if p.name == "report.json"} == before


def test_nothing_is_overwritten_unasked(project: Path, drawn: Path) -> None:
    out = project.with_name("ledger.json")
    out.write_text("mine")
    with pytest.raises(OutputError, match="exists.*--overwrite"):
        export_ledger(project, out, "json")
    assert out.read_text() == "mine"
    export_ledger(project, out, "json", overwrite=True)
    assert json.loads(out.read_text(encoding="utf-8"))["version"] == 2
    for place, says in (
        (drawn / "a.json", "inside the film"),
        (project / "a.json", "inside the project"),
        (out.with_suffix(".txt"), r"ends in \.json"),
    ):
        with pytest.raises(OutputError, match=says):
            export_ledger(project, place, "json", overwrite=True)
    with pytest.raises(LedgerError, match="not a project"):
        export_ledger(drawn, out, "json", overwrite=True)


def test_a_write_that_fails_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(project: object, found: object) -> Any:
        yield "half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("frdm.jobs.exporting.as_json", broken)
    with pytest.raises(OutputError, match="disk is full"):
        export_ledger(project, project.with_name("a.json"), "json")
    assert not list(project.parent.glob("a.json*"))


def test_words_for_sources() -> None:
    assert source_words("neighbours", 10, (11, 9)) == "neighbours n+1 n-1"
    assert source_words("surround", 10, (10,)) == "surround"
    assert source_words("diffusion", 10, ()) == "diffusion"


# -- markers

RATES = [Fraction(24), Fraction(25), Fraction(24000, 1001)]


def reel(rate: Fraction, timecode: str | None = None, *, names: tuple[str, ...] = ()) -> Reel:
    origin = 1001 if timecode is None else frame_of(timecode, rate)
    return Reel(
        "Reel 1: night",
        Path("/films/night.mov" if not names else "/films/night"),
        names,
        rate,
        100,
        origin,
        bool(timecode and is_drop(timecode)),
    )


SHOTS = {1: Shot(0, 40), 2: Shot(40, 100)}
MARKS = [
    Mark(1, 3, 4, "000003-000 dirt", "dark, 9 × 7 px", "GREEN", {"id": "000003-000", "box": [1, 2, 8, 11]}),
    Mark(2, 40, 70, "000040-000 line", "bright", "RED", {"id": "000040-000"}),
    Mark(2, 40, 41, "000040-001 hair", "dark", "YELLOW", {"id": "000040-001"}),
]


@pytest.mark.parametrize("timecode", [None, "01:00:00:00", "00:59:59:23"])
@pytest.mark.parametrize("rate", RATES)
def test_otio_is_read_again_with_its_times(rate: Fraction, timecode: str | None) -> None:
    shown = reel(rate, timecode)
    timeline = otio.adapters.read_from_string(timeline_text(shown, SHOTS, MARKS, edl=False), "otio_json")
    clips = list(timeline.find_clips())
    assert timeline.name == "Reel 1: night" and [clip.name for clip in clips] == ["shot 1", "shot 2"]
    assert timeline.global_start_time.value == shown.origin
    assert [(clip.source_range.start_time.value - shown.origin, clip.source_range.duration.value) for clip in clips] == [(0, 40), (40, 60)]
    assert all(abs(clip.source_range.start_time.rate - float(rate)) < 1e-9 for clip in clips)
    assert clips[0].media_reference.target_url == "file:///films/night.mov"
    found = [
        (m.name, m.marked_range.start_time.value - shown.origin, m.marked_range.duration.value, m.color) for c in clips for m in c.markers
    ]
    assert found == [(mark.name, mark.start, mark.stop - mark.start, mark.colour) for mark in MARKS]
    assert clips[0].markers[0].comment == "dark, 9 × 7 px"
    assert clips[0].markers[0].metadata["frdm"]["box"][2] == 8
    if timecode is not None:
        start = otio.opentime.from_timecode(timecode, float(rate))
        assert clips[0].source_range.start_time == start
        assert otio.opentime.to_timecode(clips[0].source_range.start_time, float(rate)) == timecode


@pytest.mark.parametrize("timecode", [None, "01:00:00:00", "00:59:59:23"])
@pytest.mark.parametrize("rate", RATES)
def test_edl_is_read_again_with_its_times(rate: Fraction, timecode: str | None) -> None:
    shown = reel(rate, timecode)
    text = timeline_text(shown, SHOTS, MARKS, edl=True)
    assert text.startswith("TITLE: Reel 1: night\nFCM: NON-DROP FRAME\n\n001  REEL1NIG V     C        ")
    if timecode == "01:00:00:00":
        second = {24: "01:00:01:16 01:00:04:04", 25: "01:00:01:15 01:00:04:00"}[round(rate)]
        assert f"{second} {second}" in text, "record times are the scan's own"
    whole = round(rate)
    timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=whole)
    clips = list(timeline.find_clips())
    assert [clip.name for clip in clips] == ["shot 1", "shot 2"]
    assert [(clip.source_range.start_time.value - shown.origin, clip.source_range.duration.value) for clip in clips] == [(0, 40), (40, 60)]
    found = [(m.name, m.marked_range.start_time.value - shown.origin, m.color) for c in clips for m in c.markers]
    assert found == [(mark.name.upper(), mark.start, mark.colour) for mark in MARKS]


def test_shots_of_an_edl_are_shots_of_a_recipe(project: Path, drawn: Path, tmp_path: Path) -> None:
    """What frdm writes, frdm reads: the list can be given back with --shots."""
    from frdm.media.scan import open_scan
    from frdm.motion.shot_lists import read_shots

    for name in ("a.edl", "a.otio"):
        export_markers(project, tmp_path / name, name[2:], wanted=Wanted(timecode="10:00:00:00"))  # type: ignore[arg-type]
        with open_scan(drawn) as film:
            assert read_shots(tmp_path / name, film.info) == (Shot(0, FRAMES // 2), Shot(FRAMES // 2, FRAMES))


def test_markers_of_a_project(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.otio"
    count = export_markers(project, out, "otio", wanted=Wanted(statuses=("rejected", "held")))
    clips = list(otio.adapters.read_from_file(str(out)).find_clips())
    reference = clips[0].media_reference
    assert (reference.name_prefix, reference.start_frame, reference.frame_zero_padding, reference.name_suffix) == ("frame_", 1, 5, ".png")
    assert Path(reference.target_url_for_image_number(0).removeprefix("file://")).is_file()
    wanted = [one for one in exported(project)["defects"] if one["status"] in ("rejected", "held")]
    marks = [(marker, clip) for clip in clips for marker in clip.markers]
    assert count == len(marks) == len(wanted) > 4
    for (marker, clip), one in zip(marks, wanted, strict=True):
        assert marker.name == f"{one['id']} {one['kind']}"
        assert marker.marked_range.start_time.value == one["frame"] + 1, "a sequence without timecode counts by its files' numbers"
        assert clip.name == f"shot {one['shot']}"
        assert marker.color == {"rejected": "RED", "held": "YELLOW"}[one["status"]]
    assert export_markers(project, tmp_path / "b.otio", "otio", wanted=Wanted("shot")) == 2
    first = otio.adapters.read_from_file(str(tmp_path / "b.otio")).find_clips()[0].markers[0]
    assert (first.name, first.marked_range.duration.value) == ("shot 1", FRAMES // 2)
    assert first.comment == "15 defects: 9 dirt, 6 hair; 7 accepted, 5 rejected, 3 held"


def test_a_standing_defect_is_one_marker() -> None:
    from frdm.jobs.exporting import Found
    from frdm.jobs.markers import defect_marks

    same = {"shot": 1, "track": 7, "frames": [2, 9], "kind": "line", "polarity": "dark", "status": "accepted", "confidence": 0.5}
    same |= {"box": [0, 3, 48, 5], "source": "across", "reason": None, "aside": False}
    found = Found(tuple({**same, "id": f"{frame:06d}-000", "frame": frame} for frame in range(2, 9)), (), {})
    (mark,) = defect_marks(found)
    assert (mark.start, mark.stop, mark.name) == (2, 9, "000002-000 line")
    assert mark.comment == "dark, 2 × 48 px at x 3, y 0, confidence 0.50; across, accepted"


def test_the_list_for_resolve() -> None:
    """Its own form, one marker a frame at most: `note |C:colour |M:name |D:frames` after an event of one frame."""
    lines = resolve_edl(reel(Fraction(24), "01:00:00:00"), MARKS).splitlines()
    assert lines[:2] == ["TITLE: Reel 1: night", "FCM: NON-DROP FRAME"]
    assert lines[3:5] == [
        "001  001      V     C        01:00:00:03 01:00:00:04 01:00:00:03 01:00:00:04",
        "frdm: dark, 9 × 7 px |C:ResolveColorGreen |M:000003-000 dirt |D:1",
    ]
    assert lines[7] == "frdm: 000040-000 line; 000040-001 hair |C:ResolveColorYellow |M:2 defects |D:30"
    again = otio.adapters.read_from_string("\n".join(lines), "cmx_3600", rate=24)
    assert [clip.source_range.start_time.value - 86400 for clip in again.find_clips()] == [3, 40]


def test_timecodes() -> None:
    thirty = Fraction(30000, 1001)
    assert frame_of("00:01:00;02", thirty) == 1800 and frame_of("01:00:00;00", thirty) == 107892
    assert timecode_of(1800, thirty, drop=True) == "00:01:00;02"
    assert frame_of("01:00:00:00", thirty) == 108000
    for count in (0, 1799, 1800, 17981, 17982, 107892):
        assert frame_of(timecode_of(count, thirty, drop=True), thirty) == count
        assert otio.opentime.from_timecode(timecode_of(count, thirty, drop=True), 30000 / 1001).value == count
    wrong = [
        ("1:2:3", thirty),
        ("00:00:00:25", Fraction(25)),
        ("24:00:00:00", Fraction(24)),
        ("00:00:00;00", Fraction(24)),
        ("00:01:00;01", thirty),
    ]
    for words, rate in (*wrong, ("-1:00:00:00", Fraction(24)), ("", Fraction(24))):
        with pytest.raises(RecipeError, match="--timecode"):
            frame_of(words, rate)
    assert timecode_words(0x01020304) == "01:02:03:04" and timecode_words(timecode_bits("10:11:12;13")) == "10:11:12;13"
    assert timecode_words(0xFFFFFFFF) is None and timecode_words(0x24000000) is None and timecode_words(0x0A000000) is None


def test_the_timecode_of_the_film_itself(tmp_path: Path, faked: None) -> None:
    from test_overlays import write

    scan = write(tmp_path / "scan", ".dpx", np.zeros((3, 48, 64, 3), np.uint16), bits=10)
    for number, path in enumerate(sorted(scan.iterdir())):
        data = bytearray(path.read_bytes())
        big = data[:4] == b"SDPX"
        data[1920:1924] = (timecode_bits("01:02:03:04") + number).to_bytes(4, "big" if big else "little")
        path.write_bytes(data)
    run(jobs.restore(scan, tmp_path / "out", recipe=Recipe(transfer="log"), dry_run=True))
    export_markers(tmp_path / "out.frdm", tmp_path / "a.edl", "edl")
    assert " 01:02:03:04 01:02:03:07 " in (tmp_path / "a.edl").read_text()
    export_markers(tmp_path / "out.frdm", tmp_path / "b.edl", "edl", wanted=Wanted(timecode="05:00:00:00"))
    assert " 05:00:00:00 05:00:00:03 " in (tmp_path / "b.edl").read_text()


def test_unrelated_pictures_have_no_timeline(tmp_path: Path, faked: None) -> None:
    scan = tiny.write_png(tmp_path / "scan", tiny.codes(tiny.film(2, height=48, width=64)))
    run(jobs.restore(scan, tmp_path / "out", recipe=Recipe(stills=True), dry_run=True))
    with pytest.raises(LedgerError, match="no timeline"):
        export_markers(tmp_path / "out.frdm", tmp_path / "a.edl", "edl")
