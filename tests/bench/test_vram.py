"""What diffusion costs, measured in a process of its own; what can't be measured is one sentence."""

from pathlib import Path
from typing import NoReturn

import pytest

from frdm.bench import vram
from frdm.bench.vram import Asked, Measured, measure, sides
from frdm.bench.watched import EndedBadly
from frdm.cli import main
from frdm.errors import BenchError

pytest.importorskip("psutil")


def test_whole_frames_of_a_size_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    from fills.toy_hand import write_hand

    hand = write_hand(tmp_path)
    assert main(["bench", "vram", "--weights", str(hand), "--size", "96x64", "--steps", "1"]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.startswith("| model | film | tiles | steps | on | peak memory |")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:5] == ["compact, ONNX", "96 × 64, 5 frames", "5 × 32², 1 at once", "1", "cpu"]
    assert 0.03 < float(cells[5].removesuffix(" GiB")) < 4
    assert float(cells[6]) >= 0


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (2, "no card; leave it out", "no card; leave it out"),
        (2, "", "python ended with 2: it said nothing"),
        (1, "ValueError: 3", "python ended with 1: ValueError: 3"),
    ],
)
def test_a_mistake_is_told_as_if_no_process_had_been_between(code: int, said: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> NoReturn:
        raise EndedBadly("python", code, said)

    monkeypatch.setattr(vram, "run_watched", failing)
    with pytest.raises(BenchError) as caught:
        measure(Asked("compact", 64, 96, 5))
    assert str(caught.value) == told


def test_a_mistake_inside_of_the_process_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "vram", "--weights", str(tmp_path), "--size", "96x64"]) == 2
    assert capsys.readouterr().err.strip().startswith(f"frdm: {tmp_path / 'hand_see.onnx'}: can't be read")


def test_a_row_says_what_was_measured() -> None:
    asked = Asked("paper", 1556, 2048, 16, device="cuda", budget=24 << 30)
    row = Measured(asked, 20 << 30, 8.0, 1.5, 4, (512, 512, 16)).row()
    assert row == "| paper | 2048 × 1556, 16 frames | 16 × 512², 4 at once | 4 | cuda, cap 24 GiB | 20.00 GiB | 8.0 | 1.5 | 0.398 |"


@pytest.mark.parametrize("size", ["2048", "x1556", "2kx2k", "0x12"])
def test_what_is_no_size_is_one_sentence(size: str) -> None:
    with pytest.raises(BenchError, match="WIDTHxHEIGHT was wanted"):
        sides(size)


def test_weights_are_measured_on_the_processor_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "vram", "--weights", str(tmp_path), "--model", "paper"]) == 2
    assert "exported hands are compact and run here on the processor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--vram", "8GiB"], "a graphics card's memory is capped"),
        (["--frames", "0"], "1 or more was wanted"),
        (["--steps", "0"], "1 or more was wanted"),
    ],
)
def test_what_can_t_be_measured_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "vram", *words]) == 2
    assert sentence in capsys.readouterr().err
