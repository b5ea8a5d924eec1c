"""scripts/compare_mixing.py: what it says a block costs, and which rows it leaves empty."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")

SCRIPT = "compare_mixing.py"

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory at the peak is read from /proc")


def test_every_way_is_measured_in_a_table_and_what_is_too_large_is_left_out(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "measured", script.run_once)  # here, not in processes of their own
    lines: list[str] = []
    script.rows([(2, 4, 4), (2, 8, 8)], 16, script.scores("attention, scores kept", (2, 4, 4), 1), lines.append)
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1
    small, large = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:])
    assert small[0] == "2 × 4 × 4 = 32" and all(cell.endswith(" s") and " MiB, " in cell for cell in small[1:])
    assert large[0] == "2 × 8 × 8 = 128" and all(large[1:5]) and large[5:] == ["", ""]


def test_scores_grow_with_the_square(script: ModuleType) -> None:
    assert script.scores("attention, scores kept", (5, 24, 24), 3) == 2 * 4 * 3 * 2880**2
    assert script.scores("attention, fused", (5, 24, 24), 3) == script.scores("state spaces", (5, 24, 24), 3) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--cells", "24x24"], "24x24: TxHxW was wanted, such as 5x24x24; give one"),
        (["--width", "20"], "--width 20: a multiple of 16 was wanted, the channels of a head; give one"),
    ],
)
def test_mistakes_are_one_sentence(
    script: ModuleType, words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["compare_mixing.py", *words])
    with pytest.raises(SystemExit):
        script.main()
    assert sentence in capsys.readouterr().err
