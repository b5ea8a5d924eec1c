"""What people do with the command, and what goes wrong around them: one sentence, no traceback, nothing half-made under a final name."""

import errno
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mended
import tiny
from frdm import jobs
from frdm.cli import main
from frdm.jobs import outputs
from frdm.ledger.store import Ledger
from frdm.media.scan import open_scan
from frdm.recipe import Detection, Recipe
from mended import run

FRAMES = 8


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Repairs are made up, and all happens in the test's own folder."""
    monkeypatch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
    monkeypatch.chdir(tmp_path)
    tiny.write_png(tmp_path / "scan", tiny.codes(tiny.film(FRAMES, height=96, width=128)))


def frdm(*words: str | Path) -> int:
    return main([str(word) for word in words])


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a mistake gives; the estimate may stand before it."""
    lines = [line for line in capsys.readouterr().err.splitlines() if "frames of" not in line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("frdm: ")
    return lines[0]


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "."), "lies inside the output"),
        (("-o", ".."), "lies inside the output"),
        (("-o", "/"), "the root of a disk"),
        (("-o", "scan"), "the film itself"),
        (("-o", "scan/../scan"), "the film itself"),
        (("-o", "scan/out"), "lies inside the film's folder"),
        (("-o", "out", "--mattes", "scan/m"), "lies inside the film's folder"),
        (("-o", "out", "--project", "scan/p"), "lies inside the film's folder"),
        (("-o", "out", "--mattes", "out"), "give two places"),
        (("-o", "taken"), "did not make"),
        (("-o", "taken/out"), "can't be made"),
        (("-o", "out", "--project", "taken"), "can't be made"),
        (("-o", "out", "--mattes", "taken"), "can't be made"),
        (("-o", "out", "--area", "1,2,3"), "wanted auto, whole or x,y,w,h"),
        (("-o", "out", "--area", "0,0,999,9"), "does not lie in the film's frame"),
        (("-o", "out", "--shots", "nowhere.edl"), "no such shot list"),
        (("-o", "out", "--protect", "nowhere"), "no such picture"),
        (("-o", "out", "--dirtmap", "ir"), "the film has none"),
        (("-o", "out", "--range", "3-40"), "it has 0 to 7"),
        (("-o", "out", "--codec", "ffv1"), "is for movies"),
        (("-o", "out.webm"), "names no movie container"),
        (("-o", "out", "--jobs", "0"), "give 1 or more"),
        (("-o", "out", "--strength", "7"), "detection.strength"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("mine")
    before = tiny.bytes_of(Path("scan"))
    assert frdm("restore", "scan", *words) == 2
    assert said in sentence(capsys)
    assert names() == ["scan", "taken"]
    assert tiny.bytes_of(Path("scan")) == before
    assert Path("taken").read_text() == "mine"


def test_bad_scans(capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(Path("scan").iterdir())
    pieces = {
        "gap": lambda folder: (folder / files[3].name).unlink(),
        "cut short": lambda folder: (folder / files[5].name).write_bytes(files[5].read_bytes()[:900]),
        "size": lambda folder: tiny.write_png(folder, [np.zeros((50, 60), np.uint8)], first=4),
        "empty file": lambda folder: (folder / files[2].name).write_bytes(b""),
        "text": lambda folder: (folder / files[2].name).write_text("no picture"),
        "empty": lambda folder: [file.unlink() for file in folder.iterdir()],
    }
    said = {"gap": "frame 4 is missing", "size": "128×96 8-bit Y wanted", "empty": "holds no pictures", "cut short": files[5].name}
    for name, spoil in pieces.items():
        folder = Path(shutil.copytree("scan", f"{name} film"))
        spoil(folder)
        assert frdm("restore", folder, "-o", "out") == 2
        assert said.get(name, files[2].name) in sentence(capsys)
        assert not list(Path().glob("*out*")), name


def test_a_disk_that_is_full_in_the_middle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first span is done nothing stays; afterwards the same command goes on."""
    real, left = shutil.copyfile, [0]

    def copied(*words: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*words, **more)

    monkeypatch.setattr("frdm.media.sequence_writer.shutil.copyfile", copied)
    Path("r.toml").write_text("span = 4\n")
    assert frdm("restore", "scan", "-o", "out", "--recipe", "r.toml") == 2
    assert "the disk is full" in sentence(capsys)
    assert names() == ["r.toml", "scan"]
    left[0] = 1
    assert frdm("restore", "scan", "-o", "out", "--recipe", "r.toml") == 2
    assert names() == [".out.partial", "out.frdm", "r.toml", "scan"]
    left[0] = 99
    assert frdm("restore", "scan", "-o", "out", "--recipe", "r.toml") == 0
    assert names() == ["out", "out.frdm", "r.toml", "scan"]
    assert frdm("verify", "scan", "out", "out.frdm") == 0


def test_a_run_that_came_to_nothing_binds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that a killed run left without a span takes other settings."""
    kept = {name: getattr(shutil, name) for name in ("rmtree",)}
    monkeypatch.setattr("frdm.jobs.project.shutil.rmtree", lambda *_, **__: None)
    steps = jobs.restore("scan", "out", recipe=Recipe(detection=Detection(strength=0.2)))
    next(steps)
    steps.close()
    monkeypatch.setattr("frdm.jobs.project.shutil.rmtree", kept["rmtree"])
    assert Path("out.frdm/ledger.sqlite").exists()
    assert run(jobs.restore("scan", "out", recipe=Recipe())).frames == FRAMES


def test_deciding_and_rendering(capsys: pytest.CaptureFixture[str]) -> None:
    assert frdm("restore", "scan", "-o", "out", "--dry-run") == 0
    assert names() == ["out.frdm", "scan"]
    assert frdm("restore", "scan", "-o", "out") == 0
    first = tiny.bytes_of(Path("out"))
    assert frdm("reject", "out.frdm", "--kind", "hair") == 0
    assert frdm("reject", "out.frdm", "--kind", "hair") == 0
    assert "No repair was rejected" in capsys.readouterr().out
    assert frdm("restore", "scan", "-o", "out") == 0
    assert "frdm render out.frdm -o out puts them" in capsys.readouterr().err
    assert frdm("render", "out.frdm", "-o", "other.mkv") == 0
    assert tiny.bytes_of(Path("out")) == first
    assert frdm("render", "out.frdm") == 0  # the project's own film, not the last one made
    assert tiny.bytes_of(Path("out")) != first
    capsys.readouterr()
    assert frdm("render", "out.frdm") == 0
    assert "It shows every decision." in capsys.readouterr().out
    with open_scan("out") as folder, open_scan("other.mkv") as movie:
        for ours, theirs in zip(folder.frames(), movie.frames(), strict=True):
            assert np.array_equal(ours.planes[0], theirs.planes[0])
    assert frdm("undo", "out.frdm") == 0
    assert frdm("render", "out.frdm") == 0
    assert tiny.bytes_of(Path("out")) == first
    for film in ("out", "other.mkv"):
        assert frdm("verify", "scan", film, "out.frdm") == 0


def test_a_scan_that_was_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert frdm("restore", "scan", "-o", "out") == 0
    Path("scan").rename("elsewhere")
    assert frdm("report", "out.frdm") == 0
    assert "shows no pictures" in capsys.readouterr().err
    assert frdm("render", "out.frdm", "-o", "again") == 2
    assert "frdm render --film" in capsys.readouterr().err
    assert frdm("render", "out.frdm", "-o", "again", "--film", "elsewhere") == 0
    capsys.readouterr()
    assert frdm("report", "out.frdm") == 0  # the project knows now
    assert not capsys.readouterr().err
    assert list(tiny.bytes_of(Path("again")).values()) == list(tiny.bytes_of(Path("out")).values())


def test_a_project_on_a_medium_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite can't make its files there; an archive's copy is proved all the same."""
    assert frdm("restore", "scan", "-o", "out") == 0
    monkeypatch.setattr(Ledger, "_sealed", lambda _: True)
    assert frdm("verify", "scan", "out", "out.frdm") == 0
    assert not list(Path("out.frdm").glob("*-wal"))


def test_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a sequence: beside its folder; by itself: beside itself."""
    name = sorted(path.name for path in Path("scan").iterdir())[2]
    before = tiny.bytes_of(Path("scan"))
    assert frdm("restore", Path("scan", name)) == 0
    assert tiny.bytes_of(Path("scan")) == before
    assert names() == [f"{name[:-4]}_frdm.png", f"{name[:-4]}_frdm.png.frdm", "scan"]
    Path("photos").mkdir()
    shutil.copy(Path("scan", name), "photos/wedding.png")
    assert frdm("restore", "photos/wedding.png") == 0
    assert sorted(path.name for path in Path("photos").iterdir()) == ["wedding.png", "wedding_frdm.png", "wedding_frdm.png.frdm"]


def test_presets_are_the_same_from_python() -> None:
    chosen = Recipe(detection=Detection(film="super8", source="positive"))
    assert frdm("restore", "scan", "-o", "by_command", "--film", "super8", "--from", "positive") == 0
    run(jobs.restore("scan", "by_python", recipe=chosen))
    said = [jobs.report_data(f"{name}.frdm")["settings"] for name in ("by_command", "by_python")]
    assert said[0] == said[1]
    assert said[0]["detection"]["polarity"] == "dark"


def test_held_reasons_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    real = mended.a_held
    monkeypatch.setattr("mended.a_held", lambda name, box: real(name, box, f"no trust (0.{box.frame})"))
    run(jobs.restore("scan", "out"))
    data = jobs.report_data("out.frdm")
    assert data["totals"]["held"] == {"no trust": 3}
    assert {one["reason"] for one in data["held"]} == {"no trust (0.0)", "no trust (0.3)", "no trust (0.6)"}


def test_needed_room_is_looked_at_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1))  # type: ignore[attr-defined]
    assert frdm("restore", "scan", "-o", "out") == 2
    assert "are needed" in sentence(capsys)
    assert names() == ["scan"]
