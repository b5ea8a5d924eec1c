"""The plain methods: what they must mend, and that the truth goes to none that is a restorer."""

from pathlib import Path

import numpy as np
import pytest

from bench.cases import case_of
from frdm.bench.case import Case
from frdm.bench.oracle import TRUE_MASK, oracle, spread
from frdm.bench.reference import BLIND, Film, carried, flow, median, sdip, telea, untouched
from frdm.bench.scoring import measured_frame
from frdm.errors import BenchError
from frdm.metrics.restoration import RestorationScore, total


def score(case: Case, restore) -> RestorationScore:
    film = Film(case)
    return total([measured_frame(case.truth(name, restore(film, index))) for index, name in enumerate(case.names)])


def test_the_input_is_the_scan(suite: Path) -> None:
    film = Film(case_of(suite, "dirty"))
    assert np.array_equal(untouched(film, 2), film.picture("damaged", 2))


def test_the_median_takes_out_what_stands_for_one_frame(suite: Path) -> None:
    film = Film(case_of(suite, "dirty"))
    stack = np.stack([film.picture("damaged", at) for at in (1, 2, 3)])
    assert np.array_equal(median(film, 2), np.median(stack, axis=0).astype(np.uint8))
    assert np.array_equal(median(film, 0), film.picture("damaged", 0))


def test_the_plain_script_mends_most_and_leaves_undamaged_film_nearly_alone(suite: Path) -> None:
    dirty, still = score(case_of(suite, "dirty"), sdip), score(case_of(suite, "still"), sdip)
    assert dirty.recall is not None and dirty.in_mask_db is not None and dirty.damaged_db is not None
    assert dirty.recall > 0.4
    assert dirty.in_mask_db > dirty.damaged_db + 2
    assert still.far_altered is not None and still.far_altered < 0.2


def test_the_true_mask_is_all_that_is_touched(suite: Path) -> None:
    film = Film(case_of(suite, "dirty"))
    for name, reference in TRUE_MASK.items():
        out, mask = reference.restore(film, 2), film.mask(2)
        assert np.array_equal(out[~mask], film.picture("damaged", 2)[~mask]), name
        assert (out[mask] != film.picture("damaged", 2)[mask]).any(), name


def test_with_the_motion_of_clean_frames_the_fill_is_near_the_ideal(suite: Path) -> None:
    case = case_of(suite, "dirty")
    inside = {motion: score(case, lambda film, index, motion=motion: oracle(film, index, motion=motion)) for motion in ("clean", "damaged")}
    plain = score(case, telea)
    clean, ideal = inside["clean"].in_mask_db, inside["clean"].ideal_db
    assert clean is not None and ideal is not None and plain.in_mask_db is not None
    assert clean > ideal - 3
    assert clean > plain.in_mask_db + 3
    assert clean >= (inside["damaged"].in_mask_db or 0) - 0.5


def test_flow_follows_the_convention(suite: Path) -> None:
    film = Film(case_of(suite, "still"))
    d = flow(film.grey("clean", 1), film.grey("clean", 2))
    brought = carried(film.grey("clean", 2), d)
    error = np.abs(brought - film.grey("clean", 1)).mean()
    assert error < np.abs(film.grey("clean", 2).astype(float) - film.grey("clean", 1)).mean() * 0.7


def test_holes_are_spread_over_from_around() -> None:
    known = np.ones((40, 60), bool)
    known[10:20, 20:40] = False
    ramp = np.dstack([np.broadcast_to(np.arange(60, dtype=np.float32), (40, 60))] * 2)
    filled = spread(np.where(known[..., None], ramp, -1000).astype(np.float32), known)
    assert abs(float(filled[15, 30, 0]) - 30) < 3
    assert filled.min() > -1


def test_no_truth_no_mask(mixed: Path) -> None:
    with pytest.raises(BenchError, match="true mask"):
        telea(Film(case_of(mixed, "old")), 0)
    assert not any(reference.truth for reference in BLIND.values())
    assert all(reference.truth for reference in TRUE_MASK.values())
