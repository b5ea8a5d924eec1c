"""What a run costs is measured, its failure is told, and nothing is left running."""

import os
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from frdm.bench.watched import EndedBadly, Watch, run_watched
from frdm.errors import BenchError

MIB = 2**20


def test_seconds_and_memory_of_a_run_with_its_child(tmp_path: Path) -> None:
    child = f"import time; block = bytearray({60 * MIB}); time.sleep(0.8)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = run_watched([sys.executable, "-c", parent], folder=tmp_path)
    assert 0.8 <= cost.seconds < 30
    assert 60 * MIB < cost.peak < 400 * MIB


def test_an_exit_code_is_never_lost(tmp_path: Path) -> None:
    for _ in range(15):
        with pytest.raises(BenchError, match="ended with 3: last words"):
            run_watched([sys.executable, "-c", "import sys; print('first'); print('last words'); sys.exit(3)"], folder=tmp_path)


@pytest.mark.parametrize(
    ("script", "said", "told"),
    [("print('ended with 2: words'); raise SystemExit(4)", "ended with 2: words", "words"), ("raise SystemExit(4)", "", "it said nothing")],
)
def test_the_error_holds_the_code_and_what_was_said(script: str, said: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(EndedBadly, match=f"ended with 4: .*{told}$") as caught:
        run_watched([sys.executable, "-c", script], folder=tmp_path)
    assert (caught.value.code, caught.value.said) == (4, said)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="can't be started"):
        run_watched(["no-such-program-at-all"], folder=tmp_path)


def test_what_is_stopped_ends_with_its_children(tmp_path: Path) -> None:
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    done: list[BaseException] = []
    worker = threading.Thread(target=lambda: failing(script, tmp_path, done))
    worker.start()
    me = psutil.Process(os.getpid())
    until = time.monotonic() + 20
    while len(me.children(recursive=True)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    [parent, *children] = me.children(recursive=True)
    assert children
    Watch(parent.pid, psutil).stop()
    worker.join(20)
    assert done
    while alive(children[0]) and time.monotonic() < until + 20:
        time.sleep(0.05)
    assert not alive(children[0])


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def failing(script: str, folder: Path, done: list[BaseException]) -> None:
    try:
        run_watched([sys.executable, "-c", script], folder=folder)
    except BenchError as error:
        done.append(error)
