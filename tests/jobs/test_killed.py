"""Killed at any moment, the same command goes on and gives the same bytes."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import mended
import tiny
from frdm import jobs
from frdm.recipe import Recipe
from mended import run

SCRIPT = Path(__file__).with_name("killed.py")


def outcome(out: Path) -> dict[str, Any]:
    """All that a finished job leaves, but for places and times."""
    project = out.with_name(out.name + ".frdm")
    report = json.loads((project / "report.json").read_text("utf-8"))
    del report["run"]
    kept = {"film": tiny.bytes_of(out), "mattes": tiny.bytes_of(out.with_name("mattes")), "patches": tiny.bytes_of(project / "patches")}
    return {**kept, "report": report, "names": sorted(p.name for p in out.parent.iterdir())}


@pytest.fixture(scope="module", params=["out", "out.mkv"])
def whole(request: pytest.FixtureRequest, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """(name of the output, what an uninterrupted job leaves)."""
    out = tmp_path_factory.mktemp("whole") / request.param
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(drawn, out, recipe=Recipe(span=3), mattes=out.with_name("mattes")))
    return request.param, outcome(out)


def killed_at(film: Path, out: Path, step: int) -> bool:
    """Whether the job was killed; else it came to its end."""
    code = subprocess.run([sys.executable, str(SCRIPT), str(film), str(out), str(step)], check=False, timeout=120).returncode
    assert code in (0, 9)
    return code == 9


def finished(film: Path, out: Path) -> dict[str, Any]:
    """Run the same job to its end."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        summary = run(jobs.restore(film, out, recipe=Recipe(span=3), mattes=out.with_name("mattes")))
    assert summary.frames == 14
    assert jobs.verify(film, out, out.with_name(out.name + ".frdm")).ok
    return outcome(out)


@pytest.mark.parametrize("step", [1, 24, 47])
def test_killed_once(drawn: Path, tmp_path: Path, whole: tuple[str, dict[str, Any]], step: int) -> None:
    out = tmp_path / whole[0]
    assert killed_at(drawn, out, step)
    assert not out.exists()
    assert finished(drawn, out) == whole[1]


def test_killed_after_the_name_was_given_and_again_before_it_was_recorded(
    drawn: Path, tmp_path: Path, whole: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there is still known to be ours, though the second run begins a new film."""
    out = tmp_path / whole[0]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("frdm.ledger.store.Ledger.finish_output", "frdm.jobs.restoring._frames", "frdm.jobs.restoring._frames"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(place, killed)
            finished(drawn, out)
        assert out.exists()
    assert finished(drawn, out) == whole[1]


@pytest.mark.slow
def test_killed_at_every_step(drawn: Path, tmp_path: Path, whole: tuple[str, dict[str, Any]]) -> None:
    step = 1
    while killed_at(drawn, tmp_path / str(step) / whole[0], step):
        assert finished(drawn, tmp_path / str(step) / whole[0]) == whole[1], step
        step += 2  # before the next step is after this one
    assert step > 40


@pytest.mark.slow
def test_killed_again_and_again(drawn: Path, tmp_path: Path, whole: tuple[str, dict[str, Any]]) -> None:
    out = tmp_path / whole[0]
    rng = random.Random(4)
    for _ in range(12):
        process = subprocess.Popen([sys.executable, str(SCRIPT), str(drawn), str(out)])
        time.sleep(rng.uniform(0.4, 1.4))
        process.kill()
        process.wait(60)
    assert finished(drawn, out) == whole[1]


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 44, 3))
def test_a_render_that_is_killed_leaves_the_old_film_or_the_new_one(drawn: Path, tmp_path: Path, step: int) -> None:
    """Every third step of replacing a finished film; afterwards the same render gives the new one."""
    out, project = tmp_path / "out", tmp_path / "out.frdm"
    finished(drawn, out)
    old = tiny.bytes_of(out)
    jobs.decide(project, "reject", kind="hair")
    script = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import killed; from frdm import jobs\n"
    script += "from frdm.jobs import restoring; jobs.restore = lambda *_, **__: restoring.render(sys.argv[2] + '.frdm')\n"
    script += "sys.exit(killed.main(sys.argv[1], sys.argv[2], int(sys.argv[3])))"
    code = subprocess.run([sys.executable, "-c", script, str(drawn), str(out), str(step)], check=False, timeout=120).returncode
    assert code in (0, 9)
    if code == 9 and out.exists():
        now = tiny.bytes_of(out)
        assert now.keys() == old.keys()
    run(jobs.render(project))
    assert tiny.bytes_of(out) != old
    assert jobs.verify(drawn, out, project).ok
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mattes", "out", "out.frdm"]
