"""A user's mistake is one line on stderr and exit code 2; nothing half-written stays."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.cli import main


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film of four grey frames."""
    folder = tmp_path / "film"
    folder.mkdir()
    for index in range(4):
        write(folder / f"f_{index:03d}.png")
    return folder


def write(path: Path, height: int = 48, width: int = 64) -> None:
    grain = np.random.default_rng(1).integers(90, 120, (height, width), np.uint8)
    path.write_bytes(cv2.imencode(".png", grain)[1].tobytes())


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a refused command prints."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("frdm: ")]
    assert len(lines) == 1 and "Traceback" not in said.err
    return lines[0]


def test_a_film_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "gone.mov" in refused(["restore", str(tmp_path / "gone.mov")], capsys)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(["restore", str(tmp_path / "empty")], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_file_that_is_no_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.mov").write_text("not a film", encoding="utf-8")
    assert "notes.mov" in refused(["inspect", str(tmp_path / "notes.mov")], capsys)


def test_a_gap_in_the_numbering(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (film / "f_002.png").unlink()
    assert "2" in refused(["restore", str(film)], capsys)


def test_a_frame_of_another_size(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(film / "f_002.png", height=50)
    assert "f_002.png" in refused(["restore", str(film), "-o", str(film.parent / "out")], capsys)
    assert not (film.parent / "out").exists()


def test_the_output_is_the_scan(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "never written" in refused(["restore", str(film), "-o", str(film)], capsys)
    assert len(list(film.iterdir())) == 4


def test_a_range_beyond_the_film(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 to 3" in refused(["restore", str(film), "--range", "2-9"], capsys)
    assert "0 to 3" in refused(["compare", str(film), str(film), "--range", "2-9"], capsys)
    assert "0 to 3" in refused(["preview", str(film), "--at", "4"], capsys)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "magic"], "magic"),
        (["--detector", "nose"], "nose"),
        (["--strength", "loud"], "loud"),
        (["--strength", "7"], "strength"),
        (["--polarity", "grey"], "grey"),
        (["--colour", "red"], "--colour"),
        (["--transfer", "gamma"], "gamma"),
        (["--recipe", "gone.toml"], "gone.toml"),
        (["--area", "left half"], "left half"),
        (["--protect", "gone.png"], "gone.png"),
        (["--shots", "gone.edl"], "gone.edl"),
    ],
)
def test_an_option_that_is_not_understood(film: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    assert said in refused(["restore", str(film), "-o", str(film.parent / "out"), *options], capsys)
    assert not (film.parent / "out").exists()


def test_a_verb_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean restore?" in refused(["restroe"], capsys)


def test_a_folder_that_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("report", "render", "undo"):
        assert str(tmp_path) in refused([verb, str(tmp_path)], capsys)


def test_films_of_two_sizes_cannot_be_compared(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "a_0.png", height=50)
    write(tmp_path / "other" / "a_1.png", height=50)
    assert "50" in refused(["compare", str(film), str(tmp_path / "other"), "-o", str(tmp_path / "w.png")], capsys)


def test_a_wipe_has_a_known_suffix(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ".mp4" in refused(["compare", str(film), str(film), "-o", str(tmp_path / "w.gif")], capsys)


def test_the_demo_writes_over_nothing_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "holiday.png").write_bytes(b"mine")
    assert "holiday.png" in refused(["demo", str(tmp_path)], capsys)
    assert (tmp_path / "scan" / "holiday.png").read_bytes() == b"mine"


def test_an_interrupted_run_says_how_to_go_on(film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("frdm.jobs.restore", interrupted)
    assert main(["restore", str(film)]) == 130
    assert "same command goes on" in capsys.readouterr().err
