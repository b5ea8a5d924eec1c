"""`frdm dataset` as a person gives it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from cyclopts import CycloptsError

from frdm.cli.dataset import dataset, size_in_bytes
from frdm.demo.scene import Stage, film
from frdm.errors import DatasetError, FrdmError
from tiny import dirty, write_png


def run(*words: object) -> int:
    done = dataset([str(word) for word in words], exit_on_error=False, print_error=False, result_action="return_value")
    return done if isinstance(done, int) else 0


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One drawn shot of 8 frames."""
    pictures = np.stack(list(film(Stage(height=144, width=192, shot=8))))[:8]
    return write_png(tmp_path_factory.mktemp("reel") / "reel", np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8))


def test_pack_and_show(reel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", reel, "-o", tmp_path / "pack", "--limit", "300kB", "--validation-films", "re*") == 0
    said = capsys.readouterr().out
    assert "1 samples of 1 films (1 validation), 8 frames" in said and "8 of 8 frames in 1 samples" in said
    assert sum(path.stat().st_size for path in (tmp_path / "pack").iterdir()) <= 300_000
    assert run("show", tmp_path / "pack", "--sheet", tmp_path / "sheet.png") == 0
    assert "validation: 1 films, 1 samples, 8 frames" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None


def test_synthesise(reel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("synthesise", reel, "-o", tmp_path / "pack", "--recipe", "heavy", "--seed", 2, "--copies", 2, "--validation", 0) == 0
    assert "2 samples of 1 films (1 train), 16 frames" in capsys.readouterr().out
    assert run("show", tmp_path / "pack", "--sheet", tmp_path / "sheet.png", "--split", "train") == 0
    with pytest.raises(DatasetError, match="no sample of test"):
        run("show", tmp_path / "pack", "--split", "test")


def test_pairs(reel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = np.stack([cv2.imread(str(path))[..., ::-1] for path in sorted(reel.iterdir())])
    damaged, _ = dirty(pictures.astype(np.float32) / 255)
    scan = write_png(tmp_path / "scan", np.rint(damaged * 255).astype(np.uint8))
    assert run("pairs", scan, reel, "-o", tmp_path / "pack", "--film", "mill", "--licence", "CC0") == 0
    said = capsys.readouterr().out
    assert "8 of 8 frames of scan are pairs with reel" in said and "BEFORE 0–7 ↔ 0–7: kept" in said
    assert sorted(path.name for path in (tmp_path / "pack").iterdir())[:3] == ["manifest.json", "report.json", "report.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pack", "{reel}", "-o", "{out}", "--limit", "much"), "found no size"),
        (("pack", "{reel}", "-o", "{out}", "--scale", "2"), "a scale up to 1"),
        (("pack", "{out}", "-o", "{out}"), "no such file"),
        (("pack", "{reel}", "-o", "{reel}"), "exists"),
        (("pack", "{reel}", "-o", "{out}", "--form", "jpeg"), "keeps no exact codes"),
        (("pack", "{reel}", "-o", "{out}", "--validation", "1.5"), "shares"),
        (("synthesise", "{reel}", "-o", "{out}", "--recipe", "mild"), "mild"),
        (("synthesise", "{reel}", "-o", "{out}", "--captioner", "{reel}"), "config.json"),
        (("pairs", "{reel}", "{out}", "-o", "{out}"), "no such file"),
        (("pairs", "{reel}", "{reel}", "-o", "{out}", "--visible", "0"), "--visible 0"),
        (("show", "{reel}"), "holds no manifest.json"),
    ],
)
def test_mistakes_are_one_sentence(reel: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(FrdmError, match=said) as told:
        run(*(word.format(reel=reel, out=tmp_path / "out") for word in words))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_an_output_is_asked_for(reel: Path) -> None:
    with pytest.raises(CycloptsError, match="--out"):
        run("pack", reel)


@pytest.mark.parametrize(
    ("text", "size"), [("60MiB", 60 * 2**20), ("60 MB", 60_000_000), ("1.5GiB", 3 * 2**29), ("2000", 2000), ("10k", 10_000)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size
