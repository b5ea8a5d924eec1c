"""Ctrl+C in the middle: a sentence, exit code 130, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw

PATIENCE = 60  # seconds


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl+C to whole consoles, this test's own among them")
def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in a shell's background is told to ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    places = Places(tmp_path)
    draw(places, Stage(height=240, width=320, shot=24), Dirtiness())
    command = [sys.executable, "-m", "frdm", "restore", str(places.scan), "-o", str(tmp_path / "out"), "--recipe", str(recipe(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: running.poll() is not None or list((tmp_path / "out.frdm" / "patches").glob("*")))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, said
    assert "the same command goes on" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()
    assert subprocess.run(command, capture_output=True, timeout=PATIENCE).returncode == 0
    whole = [*command[:6], str(tmp_path / "whole"), *command[7:]]
    assert subprocess.run(whole, capture_output=True, timeout=PATIENCE).returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def recipe(folder: Path) -> Path:
    """A recipe of short spans, so that some are done when the signal comes."""
    path = folder / "r.toml"
    path.write_text("span = 4\n", encoding="utf-8")
    return path


def wait_for(happened: Callable[[], object]) -> None:
    """Return when it has."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
