"""scripts/count_paper.py: what it counts, on a toy."""

from types import ModuleType

import pytest

pytest.importorskip("torch")

import torch
from small_models import FRAMES, SIDE, TOY, Frdm

from frdm.errors import BenchError

SCRIPT = "count_paper.py"


@pytest.fixture(scope="module")
def model() -> Frdm:
    with torch.device("meta"):
        return Frdm(TOY).eval()


def test_products_are_counted_by_shape(script: ModuleType) -> None:
    count, made = script.flops(lambda: torch.zeros(3, 4) @ torch.zeros(4, 5))
    assert count == 2 * 3 * 4 * 5 and made.shape == (3, 5)


def test_a_frame_of_one_tile_and_one_of_many(script: ModuleType, model: Frdm) -> None:
    parts = script.parts_of(model)
    assert parts["encode"] == parts["decode"] == 0  # pixels are laid out anew
    see, step, whole = parts["see a tile"], parts["denoise a tile"], parts["see the whole"]
    assert min(see, step, whole) > 0
    tiles, frame = script.frame_of(parts, TOY, (SIDE, SIDE), 3, 4)
    assert tiles == 3  # a step
    assert frame == pytest.approx((whole + see + 3 * step + 3 * (see + step)) / FRAMES)
    many, larger = script.frame_of(parts, TOY, (4 * SIDE, 3 * SIDE), 3, 4)
    assert many > 12 * 3 / 2
    assert larger == pytest.approx((whole + see + 3 * step + many * (see + step)) / FRAMES)


def test_what_was_counted_is_told(script: ModuleType, model: Frdm) -> None:
    lines = script.told(model, ["128x96"], 2)
    assert lines[0].startswith(f"{sum(one.numel() for one in model.parameters()):,} weights, ")
    assert len(lines) == 7 and lines[-1].startswith("128x96, 2 steps: ") and lines[-1].endswith(" TFLOP a frame")
    with pytest.raises(BenchError, match="WIDTHxHEIGHT was wanted"):
        script.told(model, ["2k"], 2)
