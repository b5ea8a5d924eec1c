"""The restoration score: against the public suite's own scorer, and what it must and must not reward."""

import importlib.util
import os
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.errors import MetricError
from frdm.metrics.restoration import Restoration, RestorationScore, measured, score_restoration, total
from metrics.drawn import case, half_mended, harmed

SHARED = Path(os.environ.get("FRDM_SHARED", Path(__file__).parents[3] / "shared"))


def scored(one: Restoration) -> RestorationScore:
    return score_restoration(*(getattr(one, part.name) for part in fields(one)))


@pytest.fixture(scope="module")
def public() -> ModuleType:
    """The public suite's scorer, taken from where it lies."""
    place = SHARED / "bench" / "score.py"
    if not place.is_file():
        pytest.skip("the public suite's scorer is not here: FRDM_SHARED names its folder")
    spec = importlib.util.spec_from_file_location("public_scorer", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = {
    "untouched": case(1),
    "half mended": half_mended(case(2)),
    "lines": half_mended(case(3, lines=3)),
    "lines alone": half_mended(case(4, specks=0, lines=2)),
    "harm": harmed(half_mended(case(5, lines=1))),
    "harm without damage": harmed(case(6, specks=0)),
    "nothing at all": case(7, specks=0),
    "ideal": (lambda one: replace(one, out=one.ideal, mattes=one.mask))(case(8, lines=2)),
    "the truth itself": (lambda one: replace(one, out=one.clean))(case(9)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_the_public_scorer(public: ModuleType, name: str) -> None:
    one = CASES[name]
    theirs = public.score(*(getattr(one, part.name) for part in fields(one)))
    ours = scored(one).row()
    assert {key for key, value in ours.items() if value is not None} == {key for key, value in theirs.items() if value is not None}
    for key, value in theirs.items():
        assert ours[key] == (None if value is None else pytest.approx(value, rel=1e-6, abs=1e-6)), key


@pytest.mark.parametrize("lines", [240, 720, 1080])
def test_it_agrees_at_other_sizes(public: ModuleType, lines: int) -> None:
    one = harmed(half_mended(case(11, lines=1)))
    size = (lines * 4 // 3, lines)
    bigger = [
        None
        if film is None
        else np.stack(
            [cv2.resize(f.astype(np.uint16 if f.dtype != np.uint8 else np.uint8), size, interpolation=cv2.INTER_NEAREST) for f in film]
        )
        for film in (getattr(one, part.name)[:1] for part in fields(one))
    ]
    for place in (2, 6):
        bigger[place] = bigger[place].astype(bool)
    theirs = public.score(*bigger)
    ours = score_restoration(*bigger).row()
    for key, value in theirs.items():
        assert ours[key] == (None if value is None else pytest.approx(value, rel=1e-6, abs=1e-6)), key


def test_the_ideal_repair_has_the_ideal_score() -> None:
    score = scored(CASES["ideal"])
    assert score.in_mask_db == score.ideal_db
    assert (score.mended, score.lines_mended, score.precision, score.far_altered, score.false_per_frame, score.undeclared) == (
        1,
        1,
        1,
        0,
        0,
        0,
    )
    assert score.damaged_db is not None and score.in_mask_db is not None and score.in_mask_db > score.damaged_db + 10


def test_doing_nothing_earns_nothing_and_harms_nothing() -> None:
    score = scored(CASES["untouched"])
    assert (score.recall, score.f1, score.mended, score.whole_gain_db, score.worst_frame_db, score.far_altered) == (0, 0, 0, 0, 0, 0)


def test_growing_harm_lowers_every_score_of_harm() -> None:
    rows = [scored(harmed(half_mended(case(2)), blots=blots)) for blots in (0, 1, 3, 6)]
    assert all(a.far_altered < b.far_altered for a, b in pairwise(rows))  # type: ignore[operator]
    assert all(a.precision > b.precision for a, b in pairwise(rows))  # type: ignore[operator]
    assert all(a.whole_gain_db > b.whole_gain_db for a, b in pairwise(rows))  # type: ignore[operator]
    assert all(a.undeclared <= b.undeclared for a, b in pairwise(rows))  # type: ignore[operator]
    assert rows[0].false_per_frame == 0 < rows[-1].false_per_frame  # type: ignore[operator]


def test_by_hand() -> None:
    """One grey frame of 480 lines: a visible speck of 16 px mended, one of 36 px missed, a wrong square of 25 px far away."""
    clean = np.full((1, 480, 640, 3), 100, np.uint8)
    ids = np.zeros((1, 480, 640), np.uint16)
    ids[0, 10:14, 10:14], ids[0, 50:56, 50:56] = 1, 2
    damaged = np.where(ids[..., None] > 0, 140, clean).astype(np.uint8)
    out = np.where(ids[..., None] == 1, 102, damaged).astype(np.uint8)
    out[0, 300:305, 300:305] = 120
    score = score_restoration(clean, damaged, ids > 0, ids, clean, out)
    assert score.mended == 0.5
    assert score.recall == pytest.approx(16 / 52)
    assert score.precision == pytest.approx(16 / 41)
    assert score.in_mask_db == pytest.approx(10 * np.log10(255**2 * 52 / (16 * 4 + 36 * 1600)))
    assert (score.false_per_frame, score.largest_false, score.undeclared) == (1, 25, None)


def one_defect(damage: list[int], output: list[int], ideal: int = 0) -> RestorationScore:
    """The score of one defect of ten pixels in a row: codes of damage, of what is left of it, and the error of an ideal repair."""
    clean = np.full((1, 480, 640, 3), 100, np.uint8)
    damaged, out, best = clean.copy(), clean.copy(), clean.copy()
    for film, codes in ((damaged, damage), (out, output), (best, [ideal] * 10)):
        film[0, 50, 60:70] += np.array(codes, np.uint8)[:, None]
    ids = np.zeros((1, 480, 640), np.uint16)
    ids[0, 50, 60:70] = 1
    return score_restoration(clean, damaged, ids > 0, ids, best, out)


def test_half_of_a_defect_must_be_altered_to_be_mended() -> None:
    assert one_defect([80] * 5 + [9] * 5, [0] * 5 + [9] * 5).mended == 1
    assert one_defect([80] * 4 + [9] * 6, [0] * 4 + [9] * 6).mended == 0


def test_a_quarter_of_the_error_or_half_again_of_the_ideals() -> None:
    assert one_defect([20] * 10, [10] * 10).mended == 1  # 100 of 400
    assert one_defect([20] * 10, [11] * 10).mended == 0
    assert one_defect([20] * 10, [12] * 10, ideal=10).mended == 1  # 144 of 150
    assert one_defect([20] * 10, [13] * 10, ideal=10).mended == 0


def test_altered_but_no_nearer_is_no_hit() -> None:
    assert one_defect([20] * 10, [236] * 10).recall == 0  # 20 codes too dark in place of 20 too bright
    assert one_defect([20] * 10, [237] * 10).recall == 1
    assert one_defect([20] * 10, [19] * 10).recall == 0  # one code isn't altered
    assert one_defect([7] * 10, [0] * 10).recall is None  # seven aren't visible


def test_frames_may_come_one_by_one() -> None:
    one = CASES["harm"]
    forwards, backwards = (total(order) for order in ([measured(f) for f in one.frames()], [measured(f) for f in one.frames()][::-1]))
    for part in fields(forwards):
        assert getattr(forwards, part.name) == pytest.approx(getattr(backwards, part.name), rel=1e-12), part.name


@pytest.mark.parametrize("name", ["damaged", "mask", "ids", "ideal", "out"])
def test_another_size_is_refused_in_one_sentence(name: str) -> None:
    one = case(1)
    with pytest.raises(MetricError, match=f"{name}: .* found, .* wanted"):
        scored(replace(one, **{name: getattr(one, name)[:, :-2]}))


def test_another_depth_is_refused() -> None:
    one = case(1)
    with pytest.raises(MetricError, match="out: uint16"):
        scored(replace(one, out=one.out.astype(np.uint16)))


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), specks=st.integers(0, 8), lines=st.integers(0, 2))
def test_neither_channel_order_nor_mirroring_matters(seed: int, specks: int, lines: int) -> None:
    one = harmed(half_mended(case(seed, specks=specks, lines=lines)))
    turned = replace(one, **{name: getattr(one, name)[..., ::-1] for name in ("clean", "damaged", "ideal", "out")})
    mirrored = Restoration(*(getattr(one, part.name)[:, :, ::-1] for part in fields(one)))
    for other in (turned, mirrored):
        for part in fields(RestorationScore):
            value = getattr(scored(one), part.name)
            assert getattr(scored(other), part.name) == (None if value is None else pytest.approx(value, rel=1e-5, abs=1e-5)), part.name


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), specks=st.integers(0, 8), lines=st.integers(0, 2))
def test_giving_the_scan_back_does_no_harm_and_the_truth_is_best(seed: int, specks: int, lines: int) -> None:
    scan = case(seed, specks=specks, lines=lines)
    untouched, perfect = scored(scan), scored(replace(scan, out=scan.clean))
    for score in (untouched, perfect):
        assert (score.far_altered, score.false_per_frame, score.largest_false) == (0, 0, 0)
    if untouched.recall is not None:
        assert (untouched.recall, untouched.whole_gain_db) == (0, 0)
        assert perfect.recall == 1
        assert (perfect.whole_gain_db or 0) > 0 and (perfect.mended in (None, 1)) and (perfect.lines_mended in (None, 1))
