"""Repairs by hand reach the project whole or not at all, wherever a kill comes in between; and what it leaves is swept, nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mended
from frdm import jobs
from frdm.errors import LedgerError
from frdm.film import Box, Encoding
from frdm.jobs import by_hand
from frdm.jobs.by_hand import sweep, write_made
from frdm.jobs.project import existing
from frdm.ledger import made as made_room
from frdm.ledger import store
from frdm.ledger.decisions import repairs
from frdm.ledger.made import ByHand, Made
from frdm.ledger.patches import PatchFile
from frdm.ledger.reading import file_digests
from frdm.ledger.records import By
from mended import run

ADA = By("Ada", "one")


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "p"))


def work() -> ByHand:
    encoding = Encoding("y", 16)
    patch = mended.a_patch(np.random.default_rng(1), Box(4, 1, 2, 5, 6), encoding)
    return ByHand("paint", "{}", [Made(mended.a_repair("", patch), 3, encoding)])


def by_hand_files(project: Path) -> set[str]:
    return {file.name for file in (project / "patches").glob("hand-*")}


def test_what_a_kill_left_is_swept_when_the_studio_opens_and_nothing_else(project: Path) -> None:
    from frdm.studio.desk import Desk

    with existing(project, alone=False) as opened:
        write_made(opened, work(), ADA)
    (mine,) = by_hand_files(project)
    patches = project / "patches"
    for name in ("hand-0000000000000000.npz", "hand-1111111111111111.npz.new", "hand-2222222222222222.npz.new.part"):
        (patches / name).write_bytes(b"half")
    os.utime(patches / "hand-2222222222222222.npz.new.part", (0, 0))
    Desk.open(project).close()
    assert by_hand_files(project) == {mine, "hand-1111111111111111.npz.new"}, "what is a moment old may be somebody's"
    assert len(list(patches.glob("0*.npz"))) > 1


def test_a_file_that_another_seat_is_about_to_record_is_let_be(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[str] = []
    add = made_room.add_file

    def meanwhile(*values: Any) -> int:
        with monkeypatch.context() as hurried:
            hurried.setattr(store, "PATIENCE", 0.1)
            with existing(project, alone=False) as other:
                swept.extend(sweep(other))
        return add(*values)

    monkeypatch.setattr(made_room, "add_file", meanwhile)
    with existing(project, alone=False) as opened:
        write_made(opened, work(), ADA)
        assert swept == []
        assert sweep(opened) == []
        assert by_hand_files(project) == set(file_digests(opened.ledger)) & by_hand_files(project) != set()


@pytest.mark.parametrize("where", ["add_file", "settle", "add_decisions"])
def test_what_fails_leaves_neither_file_nor_record(project: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(made_room, where, broken)
    with existing(project, alone=False) as opened:
        with pytest.raises(KeyboardInterrupt):
            write_made(opened, work(), ADA)
        assert [row for row in repairs(opened.ledger) if row.span is None] == []
    assert by_hand_files(project) == set()


def test_what_is_recorded_is_never_taken_away_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt after the transaction was committed."""
    record = made_room.record

    def interrupted(*values: Any) -> Any:
        record(*values)
        raise KeyboardInterrupt

    monkeypatch.setattr(by_hand.made, "record", interrupted)
    with existing(project, alone=False) as opened:
        with pytest.raises(KeyboardInterrupt):
            write_made(opened, work(), ADA)
        (row,) = [row for row in repairs(opened.ledger) if row.span is None]
        with PatchFile(opened.patches / row.file) as file:
            assert len(file.frame(4)) == 1


def test_a_file_that_is_not_the_recorded_one_is_not_rendered(project: Path) -> None:
    with existing(project, alone=False) as opened:
        write_made(opened, work(), ADA)
        (name,) = by_hand_files(project)
        first = opened.patches / name
        other = work()
        write_made(opened, other, ADA)
        (second,) = by_hand_files(project) - {name}
        patch = mended.a_patch(np.random.default_rng(9), Box(4, 1, 2, 5, 6), Encoding("y", 16))
        by_hand.write_patches(first, [(4, [mended.a_repair("", patch)])])
    with pytest.raises(LedgerError, match=f"{name}: missing or not as it was recorded"):
        run(jobs.render(project, project.with_name("film")))
    assert second


@pytest.mark.slow
def test_a_person_who_is_killed_while_painting_loses_nothing_that_was_answered(project: Path) -> None:
    script = Path(__file__).with_name("painting_away.py")
    told: list[str] = []
    for wait in (0.0, 0.03, 0.11):
        process = subprocess.Popen([sys.executable, str(script), str(project)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told += [process.stdout.readline() for _ in range(3)]
        time.sleep(wait)
        os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        told += process.stdout.read().splitlines(keepends=True)
        process.wait()
        with existing(project, alone=False) as opened:
            sweep(opened)
            named = set(file_digests(opened.ledger))
            left = {name for name in by_hand_files(project) if name.endswith(".npz")}
            assert left <= named
            assert all((opened.patches / name).is_file() for name in named)
            recorded = [row.id for row in repairs(opened.ledger) if row.span is None]
    answered = {line.strip() for line in told if line.endswith("\n")}
    assert answered <= set(recorded) and len(recorded) - len(answered) <= 3, "at most the one that it died over, each time"
    run(jobs.render(project, project.with_name("film")))
