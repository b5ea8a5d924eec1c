"""Progress: plain lines without a terminal, a bar on one."""

import io

import pytest
from rich.console import Console

from frdm.cli.progress import Watched, duration, follow, line
from frdm.jobs import Progress, Summary


def test_a_plain_line_says_all() -> None:
    step = Progress("frames", 120, 480, found=31, mended=29, held=2, seconds=10.0, resumed=100)
    assert line(step) == "frame 120 of 480, 2.0 frames/s, 3 min 00 s left; found 31, mended 29, held 2"


def test_a_resumed_run_is_not_called_faster_than_it_is() -> None:
    assert "left" not in line(Progress("frames", 100, 480, seconds=1.0, resumed=100))


def test_without_a_terminal_lines_are_plain_and_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("frdm.cli.progress.time.monotonic", lambda: now[0])
    with Watched(Console(file=io.StringIO(), force_terminal=False)) as watched:
        for frame in range(1, 121):
            now[0] = frame * 0.1
            watched.show(Progress("frames", frame, 120, seconds=now[0]))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("\x1b" not in text and "frames/s" in text for text in said)


def test_a_note_is_said_at_once() -> None:
    heard = io.StringIO()
    with Watched(Console(file=heard, force_terminal=False, width=40)) as watched:
        watched.show(Progress("start", 0, 10, note="About [3] minutes and a sentence that is longer than the terminal."))
    assert heard.getvalue() == "About [3] minutes and a sentence that is longer than the terminal.\n"


def test_on_a_terminal_there_is_a_bar() -> None:
    heard = io.StringIO()
    with Watched(Console(file=heard, force_terminal=True, width=140)) as watched:
        watched.show(Progress("frames", 60, 120, found=3, mended=2, held=1, seconds=30.0))
    for said in ("60/120", "2.0 frames/s", "found 3, mended 2, held 1"):
        assert said in heard.getvalue()


def test_a_job_is_followed_to_its_summary(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    summary = Summary(Path("a"), None, None, None, 1, 1, {}, 0, 0, {}, 0.0, None, 0.0, 1.0)
    assert follow(iter([Progress("frames", 1, 1), Progress("done", 1, 1, summary=summary)])) is summary


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_times_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
