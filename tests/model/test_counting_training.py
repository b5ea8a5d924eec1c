"""scripts/count_training.py: what it counts, on a toy."""

from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")

from small_models import TOY_PAPER, Frdm

from frdm.model.loading import BackboneFolders, open_backbone

SCRIPT = "count_training.py"


@pytest.fixture(scope="module")
def model(backbone_folder: Path) -> Frdm:
    return Frdm(TOY_PAPER, open_backbone(BackboneFolders(backbone_folder))).to("meta")


def test_less_is_held_when_blocks_are_run_again_and_more_for_more_tiles(script: ModuleType, model: Frdm) -> None:
    one, two = (script.worked_on(model, count) for count in (1, 2))
    model.checkpoint_blocks()
    again = script.worked_on(model, 2)
    model.checkpoint_blocks(False)
    assert 1.5 * one < two < 2.1 * one
    assert again < 0.7 * two


def test_decoding_frame_by_frame_holds_less(script: ModuleType, model: Frdm) -> None:
    together = script.decoded(model, 1)
    model.checkpoint_blocks()
    apart = script.decoded(model, 1)
    model.checkpoint_blocks(False)
    assert 0 < apart < 0.6 * together


def test_what_was_counted_is_told(script: ModuleType, model: Frdm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "worked_on", lambda model, count: (1 + model.guidance.checkpointing) * count << 30)
    monkeypatch.setattr(script, "decoded", lambda model, count: 1 << 30)
    lines = list(script.told(model, 2))
    model.checkpoint_blocks(False)
    every, learn = sum(one.numel() for one in model.parameters()), sum(one.numel() for _, one in model.learning())
    assert lines[0] == f"weights: {4 * every / 2**30:.2f} GiB" and lines[3] == f"AdamW: {8 * learn / 2**30:.2f} GiB"
    assert [lines[-3], lines[-1]] == ["worked on, 2 × 3 × 32², all kept: 2.00 GiB", "worked on, 2 × 3 × 32², blocks run again: 4.00 GiB"]
    assert lines[-2] == "decoding alone, blocks run again: 1.00 GiB"
