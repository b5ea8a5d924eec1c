"""Template packs in FILM-AA's layout."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.damage.recipe import PRESETS, DirtSettings
from frdm.damage.reel import damage_reel
from frdm.damage.templates import open_pack
from frdm.errors import DamageError
from frdm.film import KINDS


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Two brushes with alpha, a grey one, and a scan's outlines."""
    square = np.zeros((40, 60, 4), np.uint8)
    square[10:30, 10:50, 3] = 255
    for name in ("synthetic/dirt/dirt-001.png", "synthetic/scratches/scratch-001.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), square)
    (tmp_path / "lint").mkdir()
    cv2.imwrite(str(tmp_path / "lint" / "a.png"), square[..., 3])
    shapes = [{"label": "dust", "points": [[0, 0], [8, 0], [8, 8], [0, 8]]}, {"label": "fly", "points": [[0, 0], [1, 0], [1, 1]]}]
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "Scan (1).json").write_text(json.dumps({"shapes": shapes}), encoding="utf-8")
    return tmp_path


def test_folders_and_outlines_are_found(pack: Path) -> None:
    found = open_pack(pack)
    assert {name: len(templates) for name, templates in found.templates.items()} == {"clumps": 1, "short": 1, "lint": 1, "dust": 1}
    assert found.cover("water", np.random.default_rng(1), size=10, softness=0.5) is None


@pytest.mark.parametrize("name", ["clumps", "short", "lint", "dust"])
@pytest.mark.parametrize("size", [6.0, 30.0])
def test_a_piece_has_the_area_that_was_asked_for(pack: Path, name: str, size: float) -> None:
    for seed in range(4):
        cover = open_pack(pack).cover(name, np.random.default_rng(seed), size=size, softness=0.5)
        assert cover is not None and cover.dtype == np.float32 and 0.9 < cover.max() <= 1.001
        assert np.sqrt(cover.sum()) == pytest.approx(size, rel=0.15)


def test_a_recipe_paints_with_them(pack: Path) -> None:
    """All clumps are rectangles then: their area fills their box."""
    dirt = DirtSettings(dust=0, clumps=2.0, sparkles=0)
    recipe = dataclasses.replace(PRESETS["none"], dirt=dirt, templates=str(pack), template_share=1.0, tau=0.3, height=480.0)
    shares = []
    for seed in range(6):
        made = damage_reel(np.full((3, 200, 200, 1), 128, np.uint8), recipe, seed=seed)
        for ids in made.ids:
            for number in np.unique(ids[ids > 0]):
                rows, columns = np.nonzero(ids == number)
                shares.append(len(rows) / (np.ptp(rows) + 1) / (np.ptp(columns) + 1))
        assert set(np.unique(made.kinds)) <= {0, 1 + list(KINDS).index("dirt")}
    assert len(shares) > 5 and np.median(shares) > 0.8


def test_folders_that_are_no_pack(tmp_path: Path) -> None:
    with pytest.raises(DamageError, match="no folder"):
        open_pack(tmp_path / "gone")
    with pytest.raises(DamageError, match=r"holds no templates.*hair"):
        open_pack(tmp_path)


def test_broken_files_are_named(pack: Path) -> None:
    bad = pack / "synthetic" / "dirt" / "dirt-001.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(DamageError, match=r"dirt-001\.png"):
        open_pack.__wrapped__(pack).cover("clumps", np.random.default_rng(1), size=5, softness=0.5)
    (pack / "annotations" / "Scan (1).json").write_text("{", encoding="utf-8")
    with pytest.raises(DamageError, match="LabelMe"):
        open_pack.__wrapped__(pack)
