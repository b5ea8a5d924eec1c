"""`restore` and `render` on tiny films: what is written, what is refused, what happens the second time."""

import dataclasses
import errno
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import frdm
import mended
import tiny
from frdm import jobs
from frdm.errors import LedgerError, MediaError, OutputError, RecipeError, SettingsChanged, UnreadableFrame
from frdm.film import MendedFrame
from frdm.jobs import outputs
from frdm.ledger import decisions
from frdm.ledger.store import Ledger
from frdm.media.scan import open_scan
from frdm.recipe import Detection, Recipe, ShotSettings
from frdm.rendering import altered_mask, composite
from mended import FRAMES, run


def wanted(scan: Path, *, without: frozenset[str] = frozenset()) -> tuple[list[Any], list[Any]]:
    """(frames, mattes) as they must come out of made-up repairs, less those `without`."""
    frames, mattes = [], []
    with open_scan(scan) as film:
        for frame in film.frames():
            patches = [r.patch for r in mended.mended_frame(frame, film.info).repairs if r.id not in without]
            out, changed = composite(frame, patches, film.info.encoding)
            frames.append(out.planes[0])
            mattes.append(altered_mask(changed, film.info.encoding, height=film.info.height, width=film.info.width))
    return frames, mattes


@pytest.mark.usefixtures("faked")
def test_the_film_is_scan_plus_repairs(scan: Path, recipe: Recipe) -> None:
    before = tiny.bytes_of(scan)
    out, mattes = scan.with_name("out"), scan.with_name("mattes")
    steps = list(jobs.restore(scan, out, recipe=recipe, mattes=mattes))
    frames, masks = wanted(scan)
    assert np.array_equal(tiny.read_png(out), np.stack(frames))
    assert [p.name for p in sorted(out.iterdir())] == [p.name for p in sorted(scan.iterdir())]
    drawn = tiny.read_png(mattes)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn > 0, np.stack(masks))
    assert [p.name for p in sorted(mattes.iterdir())] == [p.name for p in sorted(scan.iterdir())]
    assert tiny.bytes_of(scan) == before
    assert sorted(p.name for p in scan.parent.iterdir()) == ["mattes", "out", "out.frdm", "scan"]
    for index in (3, 7, 11):  # frames without repairs are the scan's own files
        name = sorted(p.name for p in scan.iterdir())[index]
        assert (out / name).read_bytes() == (scan / name).read_bytes()
    summary = steps[-1].summary
    assert summary is not None
    assert (summary.frames, summary.shots, summary.mended, summary.held) == (FRAMES, 2, 22, {"motion can't be trusted here": 5})
    assert summary.found == {"dirt": 11 + 5, "hair": 11}
    assert summary.altered == pytest.approx(np.stack(masks).mean())
    assert [step.frame for step in steps if step.phase == "frames"] == list(range(1, FRAMES + 1))
    assert steps[0].phase == "start"
    assert "frames of 64 × 48" in steps[0].note


@pytest.mark.usefixtures("faked")
def test_a_second_run_does_nothing(scan: Path, recipe: Recipe) -> None:
    out = scan.with_name("out")
    run(jobs.restore(scan, out, recipe=recipe))
    before = {path: path.stat().st_mtime_ns for path in scan.parent.rglob("*.png")}
    summary = run(jobs.restore(scan, out, recipe=recipe))
    assert summary.already_done
    assert summary.mended == 22
    assert {path: path.stat().st_mtime_ns for path in scan.parent.rglob("*.png")} == before


def test_a_second_run_still_writes_mattes_that_are_asked_for(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    mattes = scan.with_name("mattes")
    assert run(jobs.restore(scan, restored[0], recipe=recipe, mattes=mattes)).already_done
    assert np.array_equal(tiny.read_png(mattes) > 0, np.stack(wanted(scan)[1]))


def test_an_output_that_was_removed_is_made_again(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    before = tiny.bytes_of(restored[0])
    shutil.rmtree(restored[0])
    steps = list(jobs.restore(scan, restored[0], recipe=recipe))
    assert steps[-1].summary is not None and not steps[-1].summary.already_done
    assert max(step.resumed for step in steps) == FRAMES
    assert tiny.bytes_of(restored[0]) == before


def test_other_settings_ask_for_fresh(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    other = Recipe(span=3, detection=Detection(strength=0.7))
    with pytest.raises(SettingsChanged, match=r"detection\.strength was 0\.5 and is 0\.7.*--fresh"):
        run(jobs.restore(scan, restored[0], recipe=other))
    with pytest.raises(SettingsChanged, match="frames 0 to 13, asked for were 2 to 13"):
        run(jobs.restore(scan, restored[0], recipe=recipe, start=2))
    summary = run(jobs.restore(scan, restored[0], recipe=other, fresh=True))
    assert not summary.already_done
    assert sorted(p.name for p in scan.parent.iterdir()) == ["out", "out.frdm", "scan"]
    assert run(jobs.restore(scan, restored[0], recipe=other)).already_done


def test_another_film_asks_for_fresh(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    name = sorted(scan.iterdir())[0]
    picture = tiny.read_png(scan)[0].copy()
    picture[0, 0] ^= 1
    tiny.write_png(scan, [picture], first=int(name.stem[-5:]))
    with pytest.raises(SettingsChanged, match="another film"):
        run(jobs.restore(scan, restored[0], recipe=recipe))


@pytest.mark.usefixtures("faked")
def test_other_weights_do_not_go_on_with_a_project(scan: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = dataclasses.replace(recipe, detection=Detection(detector="eye"))
    monkeypatch.setattr("frdm.jobs.project.weights_of", lambda _: {"weights": "eye 111111111111 (CPUExecutionProvider)"})
    run(jobs.restore(scan, scan.with_name("out"), recipe=learnt))
    report = json.loads((scan.with_name("out.frdm") / "report.json").read_text(encoding="utf-8"))
    assert report["versions"]["weights"] == "eye 111111111111 (CPUExecutionProvider)"
    monkeypatch.setattr("frdm.jobs.project.weights_of", lambda _: {"weights": "eye 222222222222 (CPUExecutionProvider)"})
    with pytest.raises(SettingsChanged, match="begun with the weights eye 111111111111"):
        run(jobs.restore(scan, scan.with_name("out"), recipe=learnt))


def test_a_film_that_was_moved_is_the_same_film(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    moved = scan.rename(scan.with_name("elsewhere"))
    assert run(jobs.restore(moved, restored[0], recipe=recipe)).already_done
    with Ledger(restored[1]) as ledger:
        project = ledger.project()
        assert project is not None and project.film == str(moved)


@pytest.mark.usefixtures("faked")
def test_what_is_not_ours_is_never_replaced(scan: Path, recipe: Recipe) -> None:
    out = tiny.write_png(scan.with_name("out"), tiny.read_png(scan)[:1])
    before = tiny.bytes_of(out)
    for fresh in (False, True):
        with pytest.raises(OutputError, match="did not make"):
            run(jobs.restore(scan, out, recipe=recipe, fresh=fresh))
    assert tiny.bytes_of(out) == before


def test_an_output_that_someone_changed_is_not_replaced(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    (restored[0] / sorted(p.name for p in scan.iterdir())[0]).unlink()
    with pytest.raises(OutputError, match="did not make"):
        run(jobs.restore(scan, restored[0], recipe=recipe, fresh=True))


@pytest.mark.usefixtures("faked")
@pytest.mark.parametrize("where", [".", "inside", "..", "../link"])
def test_the_scan_is_never_written_to(scan: Path, recipe: Recipe, where: str) -> None:
    if where == "../link":
        try:
            scan.with_name("link").symlink_to(scan, target_is_directory=True)
        except OSError:
            pytest.skip("this system makes no links")
    before = tiny.bytes_of(scan)
    for places in ({"out": scan / where}, {"out": scan.with_name("o"), "mattes": scan / where}, {"out": None, "project": scan / where}):
        with pytest.raises(OutputError):
            run(jobs.restore(scan, recipe=recipe, **places))  # type: ignore[arg-type]
    assert tiny.bytes_of(scan) == before
    assert not scan.with_name("o").exists()


@pytest.mark.usefixtures("faked")
def test_two_things_in_one_place_are_refused(scan: Path, recipe: Recipe) -> None:
    with pytest.raises(OutputError, match="two places"):
        run(jobs.restore(scan, scan.with_name("a"), recipe=recipe, mattes=scan.with_name("a")))


@pytest.mark.usefixtures("faked")
def test_mattes_never_take_the_place_of_pictures(scan: Path, recipe: Recipe) -> None:
    mine = tiny.write_png(scan.with_name("mine"), tiny.read_png(scan))
    before = tiny.bytes_of(mine)
    with pytest.raises(OutputError, match="no matte"):
        run(jobs.restore(scan, scan.with_name("out"), recipe=recipe, mattes=mine))
    assert tiny.bytes_of(mine) == before


@pytest.mark.usefixtures("faked")
def test_jobs_side_by_side_give_the_same(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    results = []
    for count in (2, 3, 7):
        out = scan.parent / str(count) / "out"
        steps = list(jobs.restore(scan, out, recipe=recipe, jobs=count))
        assert [step.frame for step in steps if step.phase == "frames"][-1] == FRAMES
        report = json.loads((out.with_name("out.frdm") / "report.json").read_text("utf-8"))
        report.pop("run")
        results.append((tiny.bytes_of(out), tiny.bytes_of(out.with_name("out.frdm") / "patches"), report))
    assert results[0] == results[1] == results[2]
    assert results[0][0] == tiny.bytes_of(restored[0])
    with pytest.raises(RecipeError, match="jobs: 0"):
        next(jobs.restore(scan, scan.with_name("o"), recipe=recipe, jobs=0))


def test_jobs_side_by_side_stop_when_one_fails(scan: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(source: Any, span: Any, **rest: Any) -> Iterator[MendedFrame]:
        if span.start == 10:
            raise UnreadableFrame("frame 10: cut short")
        yield from mended.fake_mend(source, span, **rest)

    monkeypatch.setattr("frdm.jobs.analysis.mend", broken)
    with pytest.raises(UnreadableFrame, match="frame 10"):
        run(jobs.restore(scan, scan.with_name("out"), recipe=recipe, jobs=3))
    monkeypatch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
    steps = list(jobs.restore(scan, scan.with_name("out"), recipe=recipe, jobs=3))
    assert max(step.resumed for step in steps) >= 3
    assert np.array_equal(tiny.read_png(scan.with_name("out")), np.stack(wanted(scan)[0]))


@pytest.mark.usefixtures("faked")
def test_a_part_of_the_film(scan: Path, recipe: Recipe) -> None:
    out = scan.with_name("out")
    summary = run(jobs.restore(scan, out, recipe=recipe, start=4, stop=9))
    assert summary.frames == 5
    assert np.array_equal(tiny.read_png(out), np.stack(wanted(scan)[0][4:9]))
    assert jobs.verify(scan, out, scan.with_name("out.frdm")).ok
    for start, stop in ((5, 5), (-1, 4), (0, FRAMES + 1)):
        with pytest.raises(RecipeError, match="0 to 13"):
            run(jobs.restore(scan, scan.with_name("o"), recipe=recipe, start=start, stop=stop))


@pytest.mark.usefixtures("faked")
def test_a_dry_run_records_and_writes_no_film(scan: Path, recipe: Recipe) -> None:
    out = scan.with_name("out")
    summary = run(jobs.restore(scan, out, recipe=recipe, dry_run=True))
    assert (summary.out, summary.mended) == (None, 22)
    assert not out.exists()
    again = run(jobs.restore(scan, out, recipe=recipe, dry_run=True))
    assert again.found == summary.found
    steps = list(jobs.restore(scan, out, recipe=recipe))
    assert max(step.resumed for step in steps) == FRAMES  # nothing is analysed twice
    assert np.array_equal(tiny.read_png(out), np.stack(wanted(scan)[0]))


@pytest.mark.usefixtures("faked")
def test_the_default_place_lies_beside_the_film(scan: Path, recipe: Recipe) -> None:
    summary = run(jobs.restore(scan, recipe=recipe))
    assert summary.out == scan.with_name("scan_frdm")
    assert summary.project == scan.with_name("scan_frdm.frdm")


@pytest.mark.usefixtures("faked")
def test_a_pattern_is_restored_into_a_folder_beside_its_folder(scan: Path, recipe: Recipe) -> None:
    summary = run(jobs.restore(scan / "frame_%05d.png", recipe=recipe))
    assert summary.out == scan.with_name("scan_frdm")
    assert len(list(summary.out.iterdir())) == FRAMES
    with pytest.raises(OutputError, match="inside the film's folder"):
        run(jobs.restore(scan / "frame_%05d.png", scan / "out", recipe=recipe))


@pytest.mark.usefixtures("faked")
def test_a_project_elsewhere(scan: Path, recipe: Recipe, tmp_path: Path) -> None:
    run(jobs.restore(scan, scan.with_name("out"), recipe=recipe, project=tmp_path / "deep" / "project"))
    assert (tmp_path / "deep" / "project" / "report.json").is_file()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("dear diary")
    with pytest.raises(OutputError, match="other things"):
        run(jobs.restore(scan, scan.with_name("out2"), recipe=recipe, project=mine))


def test_a_rejected_repair_is_gone_after_render(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    out, project = restored
    before = tiny.bytes_of(out)
    without = frozenset({"000001-000", "000002-001"})
    assert jobs.decide(project, "reject", ids=sorted(without)) == 2
    stale = run(jobs.restore(scan, out, recipe=recipe))
    assert stale.already_done and "decisions were made since" in stale.warnings[0]
    assert tiny.bytes_of(out) == before
    summary = run(jobs.render(project))
    assert (summary.mended, summary.rejected) == (20, 2)
    assert np.array_equal(tiny.read_png(out), np.stack(wanted(scan, without=without)[0]))
    assert jobs.verify(scan, out, project).ok
    assert run(jobs.render(project)).already_done
    assert jobs.decide(project, "undo") == 2
    run(jobs.render(project))
    assert tiny.bytes_of(out) == before
    assert sorted(p.name for p in scan.parent.iterdir()) == ["out", "out.frdm", "scan"]


def test_render_of_a_film_that_was_moved(scan: Path, tmp_path: Path, restored: tuple[Path, Path]) -> None:
    jobs.decide(restored[1], "reject", kind="hair")
    (tmp_path / "deep").mkdir()
    moved = scan.rename(tmp_path / "deep" / "scan")
    with pytest.raises((LedgerError, MediaError)):
        run(jobs.render(restored[1]))
    assert run(jobs.render(restored[1], film=moved)).rejected == 11


def test_render_to_another_place_leaves_the_first(scan: Path, restored: tuple[Path, Path]) -> None:
    out, project = restored
    before = tiny.bytes_of(out)
    jobs.decide(project, "reject", kind="hair")
    run(jobs.render(project, scan.with_name("other")))
    assert tiny.bytes_of(out) == before
    assert jobs.verify(scan, scan.with_name("other"), project).ok
    assert jobs.verify(scan, out, project).ok  # as it stood when it was written


def test_render_refuses_what_is_not_finished(scan: Path, recipe: Recipe, faked: None) -> None:
    steps = jobs.restore(scan, scan.with_name("out"), recipe=recipe)
    for step in steps:
        if step.frame == 5:
            break
    steps.close()  # type: ignore[attr-defined]
    with pytest.raises(LedgerError, match="of 14 frames are analysed"):
        run(jobs.render(scan.with_name("out.frdm")))
    with pytest.raises(LedgerError, match="not a project"):
        run(jobs.render(scan))


def test_decisions_between_two_halves_of_a_run_count(scan: Path, recipe: Recipe, faked: None) -> None:
    out, project = scan.with_name("out"), scan.with_name("out.frdm")
    steps = jobs.restore(scan, out, recipe=recipe)
    for step in steps:
        if step.frame == 8:
            break
    steps.close()  # type: ignore[attr-defined]
    assert not out.exists()
    jobs.decide(project, "reject", ids=["000001-000"])
    run(jobs.restore(scan, out, recipe=recipe))
    assert np.array_equal(tiny.read_png(out), np.stack(wanted(scan, without=frozenset({"000001-000"}))[0]))
    assert jobs.verify(scan, out, project).ok


def test_only_one_job_works_on_a_project(scan: Path, recipe: Recipe, faked: None) -> None:
    steps = jobs.restore(scan, scan.with_name("out"), recipe=recipe)
    next(steps)
    with pytest.raises(LedgerError, match="another frdm"):
        next(jobs.restore(scan, scan.with_name("out"), recipe=recipe))
    steps.close()  # type: ignore[attr-defined]
    run(jobs.restore(scan, scan.with_name("out"), recipe=recipe))


@pytest.mark.usefixtures("faked")
def test_errors_before_the_start_leave_nothing(scan: Path, recipe: Recipe) -> None:
    file = scan.with_name("file")
    file.write_text("")
    for out, codec in ((file / "out", None), (scan.with_name("out.xyz.mkv"), "no such codec"), (scan.with_name("out"), "ffv1")):
        with pytest.raises(OutputError):
            run(jobs.restore(scan, out, recipe=recipe, codec=codec))
    for broken in (Recipe(protect=str(file)), Recipe(dirtmap="plane:infra"), Recipe(shots=ShotSettings(list=str(file)))):
        with pytest.raises((RecipeError, MediaError)):
            run(jobs.restore(scan, scan.with_name("out"), recipe=broken))
    assert sorted(p.name for p in scan.parent.iterdir()) == ["file", "scan"]


@pytest.mark.usefixtures("faked")
def test_an_empty_folder_is_as_good_as_none(scan: Path, recipe: Recipe) -> None:
    scan.with_name("out").mkdir()
    run(jobs.restore(scan, scan.with_name("out"), recipe=recipe))
    assert len(list(scan.with_name("out").iterdir())) == FRAMES


@pytest.mark.usefixtures("faked")
def test_too_little_room_is_said_before_the_start(scan: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))  # type: ignore[attr-defined]
    with pytest.raises(OutputError, match="are needed, 0 KiB are free"):
        run(jobs.restore(scan, scan.with_name("out"), recipe=recipe))
    assert not scan.with_name("out").exists()


@pytest.mark.usefixtures("faked")
@pytest.mark.parametrize("place", ["frdm.jobs.recording.write_patches", "frdm.jobs.mattes._png"])
def test_a_full_disk_is_a_sentence_and_the_next_run_goes_on(
    scan: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    out, mattes = scan.with_name("out"), scan.with_name("mattes")
    calls = 0

    def full(*_: object) -> bytes:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*_)

    room, name = place.rsplit(".", 1)
    real = getattr(sys.modules[room], name)
    with monkeypatch.context() as patched:
        patched.setattr(place, full)
        with pytest.raises(OutputError, match="the disk is full.*goes on where it stopped"):
            run(jobs.restore(scan, out, recipe=recipe, mattes=mattes))
    assert not out.exists()
    run(jobs.restore(scan, out, recipe=recipe, mattes=mattes))
    assert np.array_equal(tiny.read_png(out), np.stack(wanted(scan)[0]))


def test_an_error_of_the_analysis_is_raised_and_nothing_half_made_stands(
    scan: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: Any, span: Any, **rest: Any) -> Iterator[MendedFrame]:
        for item in mended.fake_mend(source, span, **rest):
            if item.frame.index == 7:
                raise UnreadableFrame("scan/frame_00008.png: cut short; mend it")
            yield item

    monkeypatch.setattr("frdm.jobs.analysis.mend", broken)
    with pytest.raises(UnreadableFrame, match="frame_00008"):
        run(jobs.restore(scan, scan.with_name("out"), recipe=recipe))
    assert not scan.with_name("out").exists()


def test_patches_that_were_changed_are_noticed(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    shutil.rmtree(restored[0])
    file = sorted((restored[1] / "patches").iterdir())[1]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(LedgerError, match="not as it was recorded"):
        run(jobs.restore(scan, restored[0], recipe=recipe))


def test_equal_runs_give_equal_projects(scan: Path, recipe: Recipe, restored: tuple[Path, Path]) -> None:
    other = scan.parent / "again" / "out"
    run(jobs.restore(scan, other, recipe=recipe))
    assert {k.split("/")[-1]: v for k, v in tiny.bytes_of(other).items()} == {
        k.split("/")[-1]: v for k, v in tiny.bytes_of(restored[0]).items()
    }
    reports = [json.loads((place / "report.json").read_text("utf-8")) for place in (restored[1], other.with_name("out.frdm"))]
    for report in reports:
        assert report.pop("run")
    assert reports[0] == reports[1]
    files = [{p.name: p.read_bytes() for p in (place / "patches").iterdir()} for place in (restored[1], other.with_name("out.frdm"))]
    assert files[0] == files[1] != {}


def test_the_report_tells_the_story(scan: Path, restored: tuple[Path, Path]) -> None:
    report = json.loads((restored[1] / "report.json").read_text("utf-8"))
    assert report["totals"]["mended"] == 22
    assert [(s["start"], s["stop"]) for s in report["shots"]] == [(0, 7), (7, 14)]
    assert sum(s["mended"] for s in report["shots"]) == 22
    assert report["shots"][0]["found"]["dirt"] == {"bright": 3, "dark": 6}
    assert len(report["held"]) == 5
    columns = report["frames"]["columns"]
    for row in report["frames"]["rows"]:
        assert row[columns.index("scan_outside")] == row[columns.index("restored_outside")] is not None
    assert {k: v for k, v in frdm.report_data(restored[1]).items() if k != "run"} == {k: v for k, v in report.items() if k != "run"}


def test_crops_show_scan_and_film(scan: Path, restored: tuple[Path, Path]) -> None:
    frames, _ = wanted(scan)
    crops = list(jobs.crops(restored[1], 5))
    assert 1 <= len(crops) <= 5
    for crop in crops:
        place = crop.box.rows, crop.box.columns
        assert np.array_equal(crop.after.planes[0], frames[crop.box.frame][place])
        assert np.array_equal(crop.before.planes[0], tiny.read_png(scan)[crop.box.frame][place])
    with Ledger(restored[1]) as ledger:
        assert {c.repair for c in crops} <= {row.id for row in decisions.repairs(ledger)}


@pytest.mark.usefixtures("faked")
def test_detect_writes_mattes_alone(scan: Path, recipe: Recipe) -> None:
    mattes = scan.with_name("mattes")
    summary = run(jobs.detect(scan, mattes, recipe=recipe))
    drawn = tiny.read_png(mattes)
    assert np.array_equal(drawn == 255, np.stack(wanted(scan)[1]))
    assert (drawn[0, 2:5, 2:6] >= 96).all()
    assert summary.defects == 22 + 5
    assert sorted(p.name for p in scan.parent.iterdir()) == ["mattes", "scan"]


def test_the_real_engine_runs_through_the_python_api(scan: Path) -> None:
    clean = tiny.film(9, height=96, width=128)
    damaged, mask = tiny.dirty(clean)
    film = tiny.write_png(scan.with_name("dirty"), tiny.codes(damaged, 8))
    out = film.with_name("out")
    (*_, last) = frdm.restore(film, out, mattes=film.with_name("m"))
    assert last.summary is not None
    before, after, truth = tiny.read_png(film).astype(int), tiny.read_png(out).astype(int), tiny.codes(clean, 8).astype(int)
    mattes = tiny.read_png(film.with_name("m")) > 0
    assert (before[~mattes] == after[~mattes]).all()
    if last.summary.mended:
        assert np.abs(after - truth)[mask].mean() < 0.5 * np.abs(before - truth)[mask].mean()
    assert frdm.verify(film, out, film.with_name("out.frdm")).ok
