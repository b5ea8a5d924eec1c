"""`frdm bench`: a suite built, run and reported from the command line, with our own engine in it."""

from pathlib import Path

import pytest

from frdm.cli import main


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    words = ["bench", "build", str(folder), "--suite", "160x120", "--frames", "5", "--only", "heavy", "--only", "undamaged", "--seed", "3"]
    assert main(words) == 0
    return folder


def test_the_drawn_film_makes_a_suite(suite: Path) -> None:
    assert (suite / "suite.json").is_file()
    for case in ("160x120_heavy", "160x120_undamaged"):
        assert len(list((suite / case / "damaged").glob("*.png"))) == 5


def test_our_engine_is_run_and_reported(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["bench", "run", str(suite), "-o", str(out), "--only", "160x120_heavy"]
    assert main([*words, "--method", "frdm", "--method", "input"]) == 0
    assert main([*words, "--method", "frdm", "--extra", "--strength 0.2 --polarity dark", "--label", "frdm-dark"]) == 0
    assert "done" in capsys.readouterr().out
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "| frdm |" in text and "| frdm-dark |" in text and "| input |" in text
    assert "--strength 0.2 --polarity dark" in text
    assert main(["bench", "report", str(out)]) == 0
    assert main([*words, "--method", "input"]) == 0
    assert "kept" in capsys.readouterr().out


def test_undeclared_is_nothing_for_our_engine(suite: Path, tmp_path: Path) -> None:
    import json

    out = tmp_path / "out"
    assert main(["bench", "run", str(suite), "-o", str(out), "--method", "frdm"]) == 0
    for case in ("160x120_heavy", "160x120_undamaged"):
        scores = json.loads((out / "results" / "frdm" / f"{case}.json").read_text())["scores"]
        assert scores["undeclared"] == 0


def test_a_failing_method_ends_with_2(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text('name = "none"\ntitle = "nothing"\nsource = "-"\nlicence = "-"\ncommand = ["no-such-program"]\n')
    words = [
        "bench",
        "run",
        str(suite),
        "-o",
        str(tmp_path / "out"),
        "--only",
        "160x120_undamaged",
        "--method",
        str(tmp_path / "none.toml"),
    ]
    assert main(words) == 2
    assert "can't be started" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "SUITE", "-o", "OUT", "--method", "magic"], "no such method"),
        (["run", "SUITE", "-o", "OUT", "--method", "rtn"], "not given"),
        (["run", "SUITE", "-o", "OUT", "--only", "magic"], "no such case"),
        (["run", "SUITE", "-o", "OUT", "--set", "python"], "NAME=VALUE"),
        (["run", "OUT", "-o", "OUT"], "no case found"),
        (["build", "OUT", "--suite", "9k"], "not known"),
        (["build", "OUT", "--frames", "0"], "at least one frame"),
        (["report", "OUT"], "no results found"),
    ],
)
def test_mistakes_are_told_in_one_line(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    places = {"SUITE": str(suite), "OUT": str(tmp_path / "out")}
    assert main(["bench", *(places.get(word, word) for word in words)]) == 2
    said = capsys.readouterr().err.strip()
    assert told in said
    assert len(said.splitlines()) == 1


def test_peers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peers"]) == 0
    said = capsys.readouterr().out
    assert "rrtn" in said and "--set propainter.repo=" in said
