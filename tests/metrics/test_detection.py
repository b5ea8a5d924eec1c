"""Precision, recall, average precision, ROC and clicks against torchmetrics and hand-made examples."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from frdm.errors import MetricError
from frdm.metrics.detection import (
    Counts,
    RankedDefects,
    ScoreCounts,
    clicks_left,
    defect_counts,
    pixel_counts,
    ranked_defects,
    score_counts,
)
from frdm.metrics.restoration import measured
from metrics.drawn import case, half_mended, harmed

Mask = NDArray[np.bool_]


def blocks(*places: tuple[int, int, int, int]) -> Mask:
    mask = np.zeros((40, 60), np.bool_)
    for top, left, height, width in places:
        mask[top : top + height, left : left + width] = True
    return mask


def test_pixels_by_hand() -> None:
    truth, found = blocks((5, 5, 4, 4), (20, 20, 2, 5)), blocks((5, 7, 4, 4), (30, 30, 1, 2))
    counts = pixel_counts(found, truth)
    assert counts == Counts(hits=8, missed=18, right=8, wrong=10)
    assert (counts.precision, counts.recall) == (pytest.approx(8 / 18), pytest.approx(8 / 26))
    assert counts.f1 == pytest.approx(2 * 8 / (18 + 26))
    assert pixel_counts(found, truth, tolerance=2) == Counts(hits=16, missed=10, right=16, wrong=2)
    assert pixel_counts(found, truth, ignored=blocks((20, 20, 2, 5), (30, 30, 1, 1))) == Counts(8, 8, 8, 9)


def test_nothing_to_divide_is_none() -> None:
    nothing = blocks()
    empty = pixel_counts(nothing, nothing)
    assert (empty.precision, empty.recall, empty.f1) == (None, None, None)
    assert pixel_counts(nothing, blocks((1, 1, 2, 2))).f1 == 0
    assert pixel_counts(blocks((1, 1, 2, 2)), nothing).f1 == 0


def test_defects_by_hand() -> None:
    """Three defects: one half found, one touched at a corner, one missed; two pieces beside nothing, one of a single pixel."""
    truth = blocks((2, 2, 4, 4), (2, 20, 6, 6), (20, 20, 3, 3))
    found = blocks((2, 2, 2, 4), (2, 20, 1, 1), (30, 2, 3, 3), (35, 50, 1, 1))
    assert defect_counts(found, truth, tolerance=0) == Counts(hits=1, missed=2, right=2, wrong=2)
    assert defect_counts(found, truth, tolerance=0, least=2) == Counts(hits=1, missed=2, right=1, wrong=1)
    assert defect_counts(found, truth, tolerance=0, cover=0.6) == Counts(hits=0, missed=3, right=2, wrong=2)
    assert defect_counts(found, truth, tolerance=0, ignored=blocks((30, 2, 1, 1), (20, 20, 1, 1))) == Counts(1, 1, 2, 1)
    assert defect_counts(truth, truth).f1 == 1


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 10_000), share=st.floats(0.02, 0.5))
def test_the_curves_are_torchmetrics(seed: int, share: float) -> None:
    from torch import from_numpy
    from torchmetrics.functional.classification import binary_average_precision, binary_roc

    rng = np.random.default_rng(seed)
    truth = rng.random((30, 40)) < share
    scores = (np.rint(np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1) * 255) / 255).astype(np.float32)
    counts = score_counts(scores, truth)
    flat = from_numpy(scores.ravel()), from_numpy(truth.ravel().astype(np.int64))
    if truth.any():
        assert counts.average_precision() == pytest.approx(float(binary_average_precision(*flat)), abs=1e-6)
    if truth.any() and not truth.all():
        alarms, hits, _ = (values.numpy() for values in binary_roc(*flat))
        for rate, recall in counts.roc_at((0.01, 0.1, 0.5)).items():
            assert recall == pytest.approx(hits[alarms <= rate + 1e-9].max(), abs=1e-6)


def test_the_curve_by_hand() -> None:
    """Four damaged pixels of scores 9 8 5 2 (tenths) and ten thousand clean ones: one of 8, one of 6, two of 4, the rest 0."""
    scores = np.zeros((1, 10_004), np.float32)
    scores[0, :8] = [0.9, 0.8, 0.5, 0.2, 0.8, 0.6, 0.4, 0.4]
    truth = np.zeros(scores.shape, np.bool_)
    truth[0, :4] = True
    counts = score_counts(scores, truth)
    assert counts.roc_at((0, 1e-4, 2e-4, 1e-3)) == {0: 0.25, 1e-4: 0.5, 2e-4: 0.75, 1e-3: 1.0}
    assert counts.average_precision() == pytest.approx((1 / 1 + 2 / 3 + 3 / 5 + 4 / 8) / 4)
    assert (counts + counts).average_precision() == counts.average_precision()
    assert ScoreCounts().average_precision() is None
    assert score_counts(scores, truth, ignored=truth).roc_at((1e-3,)) == {1e-3: None}


def test_a_better_detector_has_better_curves() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((100, 100)) < 0.05
    curves = [score_counts(np.clip(rng.normal(0.3 + gap * truth, 0.15), 0, 1).astype(np.float32), truth) for gap in (0, 0.2, 0.5)]
    areas = [curve.average_precision() for curve in curves]
    assert areas[0] == pytest.approx(0.05, abs=0.02)
    assert areas[0] < areas[1] < areas[2]  # type: ignore[operator]
    assert curves[0].roc_at()[1e-2] < curves[1].roc_at()[1e-2] < curves[2].roc_at()[1e-2]  # type: ignore[operator]


def test_ranked_defects_by_hand() -> None:
    """Found: A in two parts (.9, .3), a false piece (.8), B (.5); C is missed. The second part of A counts neither way."""
    truth = blocks((2, 2, 6, 2), (20, 20, 3, 3), (30, 50, 2, 2))
    scores = np.zeros(truth.shape, np.float32)
    for (top, left, height, width), score in (((2, 2, 2, 2), 0.9), ((6, 2, 2, 2), 0.3), ((2, 40, 3, 3), 0.8), ((20, 20, 2, 2), 0.5)):
        scores[top : top + height, left : left + width] = score
    ranked = ranked_defects(scores, truth, tolerance=0)
    assert [right for _, right in ranked.ranked] == [True, False, True]
    assert ranked.average_precision() == pytest.approx((1 + 2 / 3) / 3)
    assert (ranked + RankedDefects(((0.95, False),), 0)).average_precision() == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert RankedDefects((), 4).average_precision() == 0
    assert RankedDefects().average_precision() is None


def test_clicks_by_hand() -> None:
    """Two frames: three specks each, those with odd numbers mended; a line stands in both and is mended in none; two blots in each."""
    clean = np.full((2, 480, 640, 3), 120, np.uint8)
    ids = np.zeros((2, 480, 640), np.uint16)
    for number in (1, 2, 3):
        ids[:, 40 * number : 40 * number + 4, 100:104] = number
    ids[:, :, 400:402] = 1000
    damaged = np.where(ids[..., None] > 0, 200, clean).astype(np.uint8)
    out = np.where((ids[..., None] % 2 == 1), clean, damaged)
    out[:, 300:304, 500:503] = 90
    out[:, 350:354, 550:553] = 90
    one = replace(case(), clean=clean, damaged=damaged, mask=ids > 0, ids=ids, ideal=clean, out=out)
    clicks = clicks_left([measured(frame) for frame in one.frames()])
    assert (clicks.missed, clicks.lines_missed, clicks.false, clicks.frames) == (2, 1, 4, 2)
    assert clicks.per_thousand == 3500


def test_a_line_is_one_click_unless_every_frame_of_it_is_mended() -> None:
    clean = np.full((3, 480, 640, 3), 120, np.uint8)
    ids = np.zeros((3, 480, 640), np.uint16)
    ids[:, :, 300:302], ids[:, :, 400:402] = 1000, 1001
    damaged = np.where(ids[..., None] > 0, 200, clean).astype(np.uint8)
    lines = []
    for mended in (0, 1, 2, 3):
        out = damaged.copy()
        out[:mended] = np.where(ids[:mended, ..., None] == 1001, clean[:mended], damaged[:mended])
        one = replace(case(), clean=clean, damaged=damaged, mask=ids > 0, ids=ids, ideal=clean, out=out)
        lines.append(clicks_left([measured(frame) for frame in one.frames()]).lines_missed)
    assert lines == [2, 2, 2, 1]


def test_clicks_grow_with_harm_and_shrink_with_mending() -> None:
    untouched, mended, harm = case(2, lines=1), half_mended(case(2, lines=1)), harmed(half_mended(case(2, lines=1)))
    clicks = [clicks_left([measured(frame) for frame in one.frames()]).per_thousand for one in (untouched, mended, harm)]
    assert clicks[1] < clicks[0]
    assert clicks[1] < clicks[2]


def test_mistakes_are_one_sentence() -> None:
    with pytest.raises(MetricError, match=r"shapes \(40, 60\) and \(40, 59\) found"):
        pixel_counts(blocks(), blocks()[:, 1:])
    with pytest.raises(MetricError, match="0 … 1 wanted"):
        score_counts(np.full((2, 2), 1.5, np.float32), np.ones((2, 2), np.bool_))
    with pytest.raises(MetricError, match="0 … 1 wanted"):
        score_counts(np.full((2, 2), np.nan, np.float32), np.ones((2, 2), np.bool_))
