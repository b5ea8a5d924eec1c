"""What a step of training needs is measured, for either size; where it does not fit there is one sentence."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from hand_toy import settings

from frdm.cli import main
from frdm.errors import DatasetError
from frdm.model.loading import BackboneFolders, open_backbone
from frdm.train import hand_memory
from frdm.train.hand_memory import Needed, measure, random_tile
from frdm.train.hand_settings import tiles_for
from model.small_models import TOY_PAPER, write_backbone


@pytest.mark.parametrize("stage", ["preprocess", "frdm"])
def test_a_step_of_compact_is_measured(stage: Any) -> None:
    found = measure(settings(stage=stage, accumulate=2), lambda: 3 << 29)
    assert found.seconds > 0
    assert found.row().startswith(f"| compact | {stage} | 2 × 3 × 32² | fp32, adamw | cpu | 1.50 GiB | ")


def test_a_step_around_random_weights_is_measured_without_a_word(tmp_path: Path) -> None:
    backbone = open_backbone(BackboneFolders(write_backbone(tmp_path / "backbone")))
    found = measure(settings(params=TOY_PAPER, tiles=tiles_for(TOY_PAPER), recompute=True), lambda: 0, backbone=backbone)
    assert "| paper | frdm | 2 × 3 × 32² | fp32, adamw, blocks run again | cpu |" in found.row()


def test_tiles_are_damaged_all_over_and_come_with_those_that_they_hear() -> None:
    how = settings()
    tile, alone = random_tile(how, 3), random_tile(replace(how, tiles=replace(how.tiles, heard=0.0)), 3)
    assert tile.degraded.shape == (3, 3, 32 + how.tiles.step, 32 + how.tiles.step) and alone.degraded.shape == (3, 3, 32, 32)
    assert tile.weight.min() == 1 and tile.matte.all()
    assert (tile.clean != random_tile(how, 4).clean).any()


def test_a_row_names_the_cap() -> None:
    card = settings(device="cuda", precision="bf16", optimiser="adamw8bit")
    row = Needed(card, 20 << 30, 12.34, 24 << 30).row()
    assert row == "| compact | frdm | 2 × 3 × 32² | bf16, adamw8bit | cuda, cap 24 GiB | 20.00 GiB | 12.3 |"


@pytest.mark.parametrize(("budget", "room"), [(None, "memory"), (24 << 30, "memory of 24.0 GiB")])
def test_what_does_not_fit_is_one_sentence(budget: int | None, room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> float:
        raise MemoryError

    monkeypatch.setattr(hand_memory, "_learned", full)
    with pytest.raises(DatasetError, match=rf"^{room}: too little for a step of compact on cpu; give --recompute, --optimiser"):
        measure(settings(), lambda: 0, budget=budget)


@pytest.mark.parametrize(("device", "index"), [("cuda", None), ("cuda:1", 1)])
def test_a_cards_memory_is_capped(device: str, index: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    capped = []
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=96 << 30))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, device: capped.append((share, device)))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: 7 << 30)
    monkeypatch.setattr(hand_memory, "_learned", lambda *_: 1.0)
    assert measure(settings(device=device), lambda: 0, budget=24 << 30).peak == 7 << 30
    assert capped == [(0.25, index)]


def test_a_processors_memory_is_not_capped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "memory", "--vram", "24GiB"]) == 2
    assert "is only measured; leave it out" in capsys.readouterr().err
