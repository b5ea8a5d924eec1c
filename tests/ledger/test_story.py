"""What the ledger promises, told from beginning to end: all is on record, nothing is lost or overwritten, everything can be taken back."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mended
import tiny
from frdm import jobs
from frdm.ledger import decisions
from frdm.ledger.store import Ledger
from frdm.recipe import Recipe
from mended import FRAMES, run

SCRIPT = Path(__file__).with_name("deciding.py")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A folder of 16-bit grey PNG frames in two shots."""
    return tiny.write_png(tmp_path / "scan", tiny.codes(tiny.two_shots(FRAMES // 2, height=48, width=64), 16))


@pytest.fixture
def restored(scan: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of a finished restoration with made-up repairs."""
    monkeypatch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
    run(jobs.restore(scan, scan.with_name("out"), recipe=Recipe(span=3)))
    return scan.with_name("out.frdm")


def slow_mend(source: Any, span: Any, **given: Any) -> Iterator[Any]:
    """As `mended.fake_mend`, with time for others between two frames."""
    for item in mended.fake_mend(source, span, **given):
        time.sleep(0.05)
        yield item


def person(project: Path, who: str, seed: int, stop: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, str(SCRIPT), str(project), who, str(seed), str(stop)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.stderr.read() if process.stderr else ""
    return process


def test_two_people_decide_while_a_third_job_restores_and_one_is_killed(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.jobs.analysis.mend", slow_mend)
    out, project, stop = scan.with_name("out"), scan.with_name("out.frdm"), scan.with_name("stop")
    people = {who: person(project, who, seed, stop) for seed, who in enumerate(("Ada", "Bob"))}
    run(jobs.restore(scan, out, recipe=Recipe(span=1)))
    time.sleep(0.2)
    people["Ada"].kill()
    time.sleep(0.2)
    stop.touch()
    told = {who: process.communicate(timeout=60) for who, process in people.items()}
    assert all(not errors for _, errors in told.values()), told
    said = {
        who: [tuple(map(int, line.split())) for line in out.splitlines(keepends=True) if line.endswith("\n")]
        for who, (out, _) in told.items()
    }
    with Ledger(project) as ledger:
        assert ledger.rows("PRAGMA integrity_check")[0][0] == "ok"
        lines, rows = decisions.history(ledger), decisions.repairs(ledger)
        spans = ledger.spans()
    assert [(span.start, span.stop) for span in spans] == [(n, n + 1) for n in range(FRAMES)], "the restoration lost nothing"
    expected = {r.id: r for r in (repair for index in range(FRAMES) for repair in made_up(scan, index))}
    assert {row.id for row in rows} == set(expected)
    for who, actions in said.items():
        assert len(actions) > 3, f"{who} had no chance"
        for action, changed in actions:
            mine = [line for line in lines if line.action == action]
            assert len(mine) == changed and {line.who for line in mine} == {who}, "what was answered is on record"
    acknowledged = {action for actions in said.values() for action, _ in actions}
    unheard = {line.action for line in lines} - acknowledged
    assert len(unheard) <= 1 and {line.who for line in lines if line.action in unheard} <= {"Ada"}, (
        "at most the one that died before it spoke"
    )
    status = {row.id: row.initial for row in rows}
    for line in lines:
        assert line.before == status[line.repair] != line.after, "every decision begins where the one before it ended"
        status[line.repair] = line.after
    assert status == {row.id: row.status for row in rows}
    run(jobs.render(project))
    assert jobs.verify(scan, out, project).ok
    rejected = {name for name, now in status.items() if now == "rejected"}
    assert np.array_equal(tiny.read_png(out), film_without(scan, rejected))


def made_up(scan: Path, index: int) -> tuple[Any, ...]:
    from frdm.media.scan import open_scan

    with open_scan(scan) as film:
        return mended.mended_frame(film.frame(index), film.info).repairs


def film_without(scan: Path, rejected: set[str]) -> np.ndarray:
    """The film that scan and made-up repairs give, less those that were rejected."""
    pictures = tiny.read_png(scan).astype(np.int64)
    for index in range(FRAMES):
        for repair in made_up(scan, index):
            if repair.id not in rejected:
                box, m, fill = repair.patch.box, repair.patch.mattes[0].astype(np.int64), repair.patch.codes[0].astype(np.int64)
                under = pictures[index, box.rows, box.columns]
                under[...] = (2 * (m * fill + (65535 - m) * under) + 65535) // (2 * 65535)
    return pictures


@pytest.mark.parametrize("choice", [{"ids": ["000004-000"]}, {"kind": "hair"}, {"shot": 2}])
def test_original_pixels_come_back_for_one_repair_a_kind_or_a_shot_and_go_again(restored: Path, scan: Path, choice: dict[str, Any]) -> None:
    out = scan.with_name("out")
    before = tiny.bytes_of(out)
    assert jobs.decide(restored, "reject", **choice) > 0
    run(jobs.render(restored))
    with Ledger(restored) as ledger:
        rows = decisions.repairs(ledger)
    rejected = {row.id for row in rows if row.status == "rejected"}
    assert rejected == {
        row.id for row in rows if row.id in choice.get("ids", ()) or row.kind == choice.get("kind") or row.shot == choice.get("shot")
    }
    after = tiny.read_png(out)
    assert np.array_equal(after, film_without(scan, rejected))
    for row in rows:  # where no other repair lies, the scan's own codes stand again
        if row.id in rejected and not any(o.id not in rejected and o.box.frame == row.box.frame for o in rows):
            place = row.box.frame, row.box.rows, row.box.columns
            assert np.array_equal(after[place], tiny.read_png(scan)[place])
    jobs.decide(restored, "undo", **choice)
    run(jobs.render(restored))
    assert tiny.bytes_of(out) == before


def test_every_table_of_the_story_refuses_to_be_rewritten(restored: Path) -> None:
    jobs.decide(restored, "reject", kind="hair", who="Ada")
    with Ledger(restored) as ledger:
        before = decisions.history(ledger)
        for table, column in (("decisions", "after"), ("actions", "who")):
            for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
                with pytest.raises(Exception, match="only added"):
                    ledger.connection.execute(statement)
        assert decisions.history(ledger) == before


def test_the_ledger_tells_all_of_a_repair(restored: Path) -> None:
    """Shot, frame, box, kind, polarity, confidence, matte, source, engine, weights, seed: what was made is what is read."""
    from frdm.ledger.patches import PatchFile

    scan = restored.with_name("scan")
    with Ledger(restored) as ledger:
        rows = {row.id: row for row in decisions.repairs(ledger)}
    for index in range(FRAMES):
        for place, repair in enumerate(made_up(scan, index)):
            row, defect = rows[repair.id], repair.defect
            assert (row.box, row.defect_box, row.shot) == (repair.patch.box, defect.box, 1 + (index >= FRAMES // 2))
            assert (row.kind, row.polarity, row.confidence, row.track) == (defect.kind, defect.polarity, defect.confidence, defect.track)
            assert (row.provenance, row.initial, row.place) == (repair.provenance, repair.status, place)
            with PatchFile(restored / "patches" / row.file) as file:
                stored = file.frame(index)[row.place]
            assert np.array_equal(stored.mask, defect.mask)
            assert np.array_equal(stored.patch.mattes[0], repair.patch.mattes[0])
            assert np.array_equal(stored.patch.codes[0], repair.patch.codes[0])
