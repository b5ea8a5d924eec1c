"""Several seats at once, one of them killed: nothing that was recorded is lost, and all that is recorded hangs together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_store import ROW, a_span

from frdm.film import Shot
from frdm.ledger import decisions
from frdm.ledger.store import Ledger

pytestmark = pytest.mark.slow

SEATS, ROUNDS = 4, 60
HERE = Path(__file__).parent


def seat(folder: Path, number: int, rounds: int) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    command = [sys.executable, str(HERE / "hammered.py"), str(folder), f"seat{number}", str(number), str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})


def test_seats_that_hammer_one_ledger_lose_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path, create=True) as ledger:
        ledger.begin(ROW)
        ledger.add_shot(1, Shot(0, 10))
        ledger.add_shot(2, Shot(10, 20))
        a_span(ledger, 0, 10)
        a_span(ledger, 10, 20)
    seats = [seat(tmp_path, number, ROUNDS) for number in range(SEATS)]
    victim = seat(tmp_path, SEATS, 100_000)
    told = []
    assert victim.stdout is not None
    while len(told) < 15:
        told.append(victim.stdout.readline())
    os.kill(victim.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    told += victim.stdout.read().splitlines(keepends=True)
    victim.wait()
    time.sleep(0.1)
    reports = [process.communicate(timeout=600)[0].splitlines() for process in seats]
    assert [process.returncode for process in seats] == [0] * SEATS
    reports.append([line.strip() for line in told if line.endswith("\n")])
    with Ledger(tmp_path) as ledger:
        check(ledger, [tuple(map(int, line.split())) for report in reports for line in report if line != "start"])  # type: ignore[misc]


def check(ledger: Ledger, reported: list[tuple[int, int]]) -> None:
    """All that was reported stands in the ledger, and every status follows from its history."""
    assert ledger.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert ledger.rows("PRAGMA foreign_key_check") == []
    numbers = [number for number, _ in reported]
    assert len(numbers) == len(set(numbers)) > SEATS * ROUNDS // 4
    recorded = {
        row[0]: row[1]
        for row in ledger.rows("SELECT a.number, COUNT(d.number) FROM actions a LEFT JOIN decisions d ON d.action = a.number GROUP BY 1")
    }
    for number, changed in reported:
        assert recorded[number] >= changed
    assert len(set(recorded) - set(numbers)) <= 1  # the victim may have died between recording and telling
    lines = decisions.history(ledger)
    now = {row.id: row.initial for row in decisions.repairs(ledger)}
    for line in lines:
        assert now[line.repair] == line.before != line.after
        now[line.repair] = line.after
    assert {row.id: row.status for row in decisions.repairs(ledger)} == now
    painted = ledger.rows("SELECT COUNT(*), COUNT(DISTINCT id) FROM repairs WHERE span IS NULL")[0]
    assert painted[0] == painted[1] > 0
    undone = ledger.rows("SELECT COUNT(*) FROM (SELECT undoes FROM actions WHERE undoes IS NOT NULL GROUP BY undoes HAVING COUNT(*) > 1)")
    assert undone[0][0] == 0
