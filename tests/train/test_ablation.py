"""scripts/ablate_frdm.py: windows cut to a smaller size, runs that are not done twice, a table that always has every row."""

import csv
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from hand_toy import MODEL

from frdm.diffusion.whole import WholeFrame
from frdm.errors import DatasetError
from frdm.train.hand_windows import FilmSettings

SCRIPT = Path(__file__).parents[2] / "scripts" / "ablate_frdm.py"
SIDE = MODEL.side


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ablate_frdm", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def windows(count: int, seed: int) -> Any:
    """Windows of black and white film that stands still, in frames of 400 × 240, each with a square to mend."""
    random = np.random.default_rng(seed)
    out = np.zeros(count, FilmSettings(frames=MODEL.frames, cut=2 * SIDE, square=SIDE + 8).record)
    for row in out:
        still = random.integers(60, 200, (1, 1, 2 * SIDE, 2 * SIDE), np.uint8)
        row["clean"] = row["degraded"] = still
        row["squares"] = random.integers(0, 255, (1, 1, SIDE + 8, SIDE + 8), np.uint8)
        row["damage"][1, 28:36, 28:36] = 1
        row["degraded"][:, 1, 28:36, 28:36] = 0
        row["place"], row["centre"], row["tags"] = (40, 80, 240, 400), 1, (1, 1, 1, 1, 1)
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    for kind, seed in (("train", 1), ("val", 2)):
        np.save(folder / f"{kind}-0000.npy", windows(3, seed))
    return folder


def test_windows_are_cut_to_their_middles(script: ModuleType) -> None:
    before = windows(2, 3)
    made = script.smaller(list(before), SIDE, "tags")
    side = SIDE + SIDE * 3 // 4
    assert made["clean"].shape == (2, 3, MODEL.frames, side, side)
    assert np.array_equal(made["degraded"], before["degraded"][..., :side, :side])
    assert made["place"].tolist() == before["place"].tolist()  # so little room is cut away that the first grid place is the corner
    rows, columns = WholeFrame(240, 400, SIDE).inner
    assert made["squares"].shape == (2, 3, MODEL.frames, SIDE, SIDE)
    assert (made["squares"][..., rows - 1 :, :] == made["squares"][..., rows - 1 : rows, :]).all() and columns == SIDE
    assert np.array_equal(made["tags"], before["tags"]) and not made["caption"].any()
    far = script.smaller(list(windows(1, 3)), SIDE - 16, "tags")
    assert far["place"].tolist() == [[56, 96, 240, 400]]
    assert np.array_equal(far["clean"][0], windows(1, 3)["clean"][0][..., 16:44, 16:44])
    with pytest.raises(DatasetError, match=r"windows of 64 px found, 112 px wanted for tiles of 64; make them with --side 64"):
        script.smaller(list(before), 64, "tags")


def test_captions_and_tags_of_a_tile_are_measured(script: ModuleType) -> None:
    shown = windows(1, 3)
    shown["degraded"] = shown["clean"]
    told = script.smaller(list(shown), SIDE, "caption")["caption"][0].decode()
    assert told.startswith("black and white film, ") and "still motion" in told
    seen = script.smaller(list(shown), SIDE, "tags of the tile")["tags"][0].tolist()
    assert seen == [0, 0, 1, 1, 0]  # no shot size, no angle; still; mono; no gauge
    shown["followed"] = 1  # the neighbours were brought to the centre: their motion can't be seen any more
    assert script.smaller(list(shown), SIDE, "tags of the tile")["tags"][0].tolist() == [0, 0, 0, 1, 0]


def test_rows_are_filled_once_and_the_table_has_every_row(
    script: ModuleType, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(script.SIZES, "toy", MODEL)
    plan = script.Plan(data, tmp_path, "toy", first=1, steps=2, windows=3, scored=3, rate=1e-3)
    chosen = [one for one in script.VARIANTS if one.name in ("all", "caption", "without preprocess")]
    script.ablated(plan, chosen)
    with (tmp_path / "ablation.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["variant"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {one.name for one in script.VARIANTS} | {script.ASKED}
    filled = {name for name, row in rows.items() if row["steps"]}
    assert filled == {"all", script.ASKED, "caption", "without preprocess"}
    assert all(float(rows[name]["4 steps dB"]) > 5 for name in filled)
    assert not rows["without preprocess"]["preprocess dB"] and float(rows["all"]["preprocess dB"]) > 5
    assert int(rows["caption"]["weights"].replace(",", "")) > int(rows["all"]["weights"].replace(",", ""))
    assert len(list(tmp_path.glob("first-*"))) == 1  # one for both that have the module
    text = (tmp_path / "ablation.md").read_text(encoding="utf-8")
    assert "Telea" in text and "--size toy --first 1 --steps 2 --windows 3 --scored 3 --rate 0.001 --only ROW" in text
    monkeypatch.setattr(script, "train_hand", None)
    script.ablated(plan, chosen)  # nothing is trained again
    with pytest.raises(TypeError):
        script.ablated(replace(plan, steps=3), chosen[:1])


@pytest.mark.parametrize("name", ["noise", "attention for state spaces", "nothing said", "without memory", "scaled linear schedule"])
def test_a_variant_changes_one_thing(script: ModuleType, data: Path, tmp_path: Path, name: str) -> None:
    plan = script.Plan(data, tmp_path, "small", first=1, steps=2, windows=3, scored=3, rate=1e-3)
    variant = next(one for one in script.VARIANTS if one.name == name)
    usual, other = (script.settings_for(one, plan, "frdm") for one in (script.VARIANTS[0], variant))
    params = usual.params
    wanted = {
        "noise": replace(usual, params=replace(params, schedule=replace(params.schedule, predicts="noise"), adds=False)),
        "attention for state spaces": replace(usual, params=replace(params, preprocess=replace(params.preprocess, mixing="attention"))),
        "nothing said": replace(usual, tiles=replace(usual.tiles, silent=1.0)),
        "without memory": replace(
            usual, params=replace(params, modules=replace(params.modules, memory=False)), tiles=replace(usual.tiles, heard=0.0)
        ),
        "scaled linear schedule": replace(usual, params=replace(params, schedule=replace(params.schedule, curve="scaled linear"))),
    }
    assert other == wanted[name] and other != usual
