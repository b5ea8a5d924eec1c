"""The ledger: whole records only, many at once, never another program's file."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mended
from frdm.errors import LedgerError
from frdm.film import Box, Encoding, Shot, Span
from frdm.ledger import decisions, schema, store
from frdm.ledger.location import on_network
from frdm.ledger.lock import only_job
from frdm.ledger.records import FrameRow, ProjectRow, RenderRow, Selection
from frdm.ledger.store import Ledger, SpanRecord
from frdm.ledger.tallies import found_in, held_tallies, notable, repair_tallies

ROW = ProjectRow("/film", "abc", 0, 20, "{}", "s", "{}", "{}")
GRAY = Encoding("y", 8)


def a_span(ledger: Ledger, start: int, stop: int, *, repairs: int = 2, output: int | None = None) -> None:
    """Record frames start … stop-1 with `repairs` repairs and one held defect a frame."""
    rng = np.random.default_rng(start)
    record = SpanRecord(output)
    record.file = (f"{start}.npz", "hash", 10)
    for frame in range(start, stop):
        for place in range(repairs):
            patch = mended.a_patch(rng, Box(frame, 1 + place, 2, 5 + place, 6), GRAY)
            kind = ("dirt", "hair")[place % 2]
            record.repairs.append(
                (place, 5 + place, mended.a_repair(f"{frame:06d}-{place:03d}", patch, kind=kind, confidence=place / repairs))
            )
        record.held.append(mended.a_held(f"{frame:06d}-{repairs:03d}", Box(frame, 0, 0, 2, 2)))
        record.frames.append(FrameRow(frame, 0.01, None, 0.02))
        if output is not None:
            record.renders.append(RenderRow(frame, 0.02, "a", "a", f"c{frame}"))
    ledger.add_span(Span(Shot(0, 20), start, stop), record)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, create=True) as made:
        made.begin(ROW)
        made.add_shot(1, Shot(0, 10))
        made.add_shot(2, Shot(10, 20))
        yield made


def test_what_is_recorded_is_read_back(ledger: Ledger, tmp_path: Path) -> None:
    output = ledger.begin_output("/out", None)
    a_span(ledger, 0, 5, output=output.number)
    ledger.close()
    with Ledger(tmp_path) as again:
        project = again.project()
        assert project is not None
        assert (project.film, project.stop, project.shots_found) == ("/film", 20, False)
        assert [row.shot for row in again.shots()] == [Shot(0, 10), Shot(10, 20)]
        (span,) = again.spans()
        assert (span.shot, span.start, span.stop, span.file, span.hash) == (1, 0, 5, "0.npz", "hash")
        rows = decisions.repairs(again)
        assert [row.id for row in rows] == [f"{frame:06d}-{place:03d}" for frame in range(5) for place in range(2)]
        assert rows[3].box == Box(1, 2, 2, 6, 6)
        assert rows[3].provenance.sources == (2, 0)
        assert (rows[3].shot, rows[3].altered, rows[3].status, rows[3].kind) == (1, 6, "accepted", "hair")
        assert len(decisions.held(again)) == 5
        assert [row.codes for row in again.renders(output.number)] == [f"c{i}" for i in range(5)]
        assert found_in(again, span.number) == (15, 10, 5)


def test_counts_by_shot_kind_and_reason(ledger: Ledger) -> None:
    a_span(ledger, 0, 5)
    a_span(ledger, 10, 12)
    decisions.decide(ledger, "reject", Selection(shot=2, kind="hair"), who="me")
    counts = {(t.shot, t.kind, t.status): (t.count, t.pixels) for t in repair_tallies(ledger)}
    assert counts == {
        (1, "dirt", "accepted"): (5, 25),
        (1, "hair", "accepted"): (5, 30),
        (2, "dirt", "accepted"): (2, 10),
        (2, "hair", "rejected"): (2, 12),
    }
    assert [(t.shot, t.reason, t.count) for t in held_tallies(ledger)] == [
        (1, "motion can't be trusted here", 5),
        (2, "motion can't be trusted here", 2),
    ]
    assert notable(ledger, 2) == ["000000-001", "000003-001"]


def test_a_span_is_recorded_wholly_or_not_at_all(ledger: Ledger) -> None:
    a_span(ledger, 0, 3)
    with pytest.raises(sqlite3.IntegrityError):
        a_span(ledger, 2, 6)  # its first frame's repairs exist already: the whole span must not
    assert [span.start for span in ledger.spans()] == [0]
    assert {row.box.frame for row in decisions.repairs(ledger)} == {0, 1, 2}


def test_a_newer_ledger_is_refused_with_a_sentence(ledger: Ledger, tmp_path: Path) -> None:
    ledger.connection.execute("INSERT INTO migrations VALUES (99, 'from the future', 'then')")
    ledger.close()
    with pytest.raises(LedgerError, match="newer frdm.*99"):
        Ledger(tmp_path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / store.NAME) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    with pytest.raises(LedgerError, match="another program"):
        Ledger(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database at all, but some text" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / store.NAME).write_bytes(content)
    with pytest.raises(LedgerError, match="broken"):
        Ledger(tmp_path)


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        Ledger(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger(tmp_path, create=True).close()
    broken = (*schema.MIGRATIONS, ("half", "CREATE TABLE half (a TEXT);\nCREATE TABLE shots (twice TEXT);"))
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(LedgerError):
        Ledger(tmp_path)
    monkeypatch.setattr(schema, "MIGRATIONS", (*broken[:-1], ("whole", "CREATE TABLE half (a TEXT);")))
    with Ledger(tmp_path) as ledger:
        names = [row["name"] for row in ledger.rows("SELECT name FROM migrations ORDER BY number")]
        assert names == [*(name for name, _ in broken[:-1]), "whole"]


def test_a_migration_killed_before_its_first_table_is_taken_up(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / store.NAME) as begun:
        begun.execute(f"PRAGMA application_id = {schema.APPLICATION}")
        begun.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL) STRICT")
    begun.close()
    with Ledger(tmp_path) as ledger:
        ledger.begin(ROW)
        assert ledger.project() is not None


def test_a_shot_found_again_must_be_the_same(ledger: Ledger) -> None:
    ledger.add_shot(1, Shot(0, 10))
    with pytest.raises(LedgerError, match="shot 1 was frames 0 to 9"):
        ledger.add_shot(1, Shot(0, 11))


def test_readers_are_not_kept_out_by_a_writer(ledger: Ledger, tmp_path: Path) -> None:
    a_span(ledger, 0, 2)
    with ledger.writing() as connection:
        connection.execute("INSERT INTO actions (verb, who, at, selection) VALUES ('accept', 'me', 'now', '{}')")
        began = time.perf_counter()
        with Ledger(tmp_path) as reader:
            assert len(decisions.repairs(reader)) == 4
        assert time.perf_counter() - began < 5


def test_writers_in_many_threads_and_processes_lose_nothing(ledger: Ledger, tmp_path: Path) -> None:
    a_span(ledger, 0, 10, repairs=4)
    script = (
        "import sys; from pathlib import Path; from frdm.ledger.store import Ledger; from frdm.ledger import decisions;"
        "from frdm.ledger.records import Selection\n"
        "with Ledger(Path(sys.argv[1])) as ledger:\n"
        "    for frame in range(5, 10): decisions.decide(ledger, 'reject', Selection(ids=(f'{frame:06d}-000',)), who='process')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])

    def reject(frame: int) -> None:
        with Ledger(tmp_path) as mine:
            decisions.decide(mine, "reject", Selection(ids=(f"{frame:06d}-000", f"{frame:06d}-001")), who=f"thread {frame}")

    threads = [threading.Thread(target=reject, args=(frame,)) for frame in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.wait(60) == 0
    lines = decisions.history(ledger)
    assert sorted(line.repair for line in lines) == sorted(
        [f"{frame:06d}-{place:03d}" for frame in range(5) for place in range(2)] + [f"{frame:06d}-000" for frame in range(5, 10)]
    )
    assert len({line.action for line in lines}) == 10


def test_a_full_disk_is_a_sentence_and_leaves_the_ledger_whole(ledger: Ledger) -> None:
    a_span(ledger, 0, 2)
    ledger.connection.execute("PRAGMA max_page_count = 1")  # no page more than it has
    with pytest.raises(LedgerError, match="could not be written.*run the same command again"):
        a_span(ledger, 2, 10, repairs=40)
    ledger.connection.execute("PRAGMA max_page_count = 100000")
    a_span(ledger, 2, 10, repairs=40)
    assert [span.start for span in ledger.spans()] == [0, 2]


def test_one_job_at_a_time(tmp_path: Path) -> None:
    with only_job(tmp_path), pytest.raises(LedgerError, match="another frdm"), only_job(tmp_path):
        pass
    with only_job(tmp_path):
        pass


def test_a_hundred_thousand_repairs_list_quickly(ledger: Ledger) -> None:
    a_span(ledger, 0, 1, repairs=1)
    columns = (
        "span, file, place, top, left, bottom, right, defect_top, defect_left, defect_bottom, defect_right, kind, polarity, confidence, "
    )
    columns += "track, engine, sources, weights, seed, trust, detector, altered, initial"
    with ledger.writing() as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
            f"INSERT INTO repairs (id, frame, {columns}) SELECT 'x' || i, i % 20, {columns} FROM repairs, n"
        )
    decisions.decide(ledger, "reject", Selection(shot=1), who="me")
    began = time.perf_counter()
    first_page = ledger.rows("SELECT id, status FROM repair_states WHERE frame >= 3 ORDER BY frame, number LIMIT 200")
    page = time.perf_counter() - began
    began = time.perf_counter()
    tallies = repair_tallies(ledger)
    assert len(first_page) == 200
    assert sum(t.count for t in tallies) == 100001
    assert page < 0.5
    assert time.perf_counter() - began < 5


def test_network_storage_is_known_by_its_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/films {tmp_path}/films nfs4 rw 0 0\n/dev/sdb {tmp_path}/films/local xfs rw 0 0\n")
    assert on_network(tmp_path / "films" / "a", mounts)
    assert not on_network(tmp_path / "films" / "local" / "a", mounts)
    assert not on_network(tmp_path / "else", mounts)
    assert not on_network(tmp_path, tmp_path / "missing")
