"""Suites on disk: read with and without a manifest, refused where they are broken."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cases import case_of
from frdm.bench.case import Facts, open_suite, read_png, write_manifest, write_png
from frdm.errors import BenchError


def test_a_suite_without_a_manifest_is_understood(suite: Path) -> None:
    cases = {case.name: case for case in open_suite(suite).cases}
    assert set(cases) == {"dirty", "still"}
    assert cases["dirty"].facts == Facts()
    assert cases["dirty"].damaged
    assert cases["still"].facts.tags == ("undamaged",)
    assert cases["dirty"].size() == (96, 128)


def test_a_manifest_says_what_cases_are(mixed: Path) -> None:
    facts = {case.name: case.facts for case in open_suite(mixed).cases}
    assert facts["old"] == Facts("real", "16 mm", "black and white")
    assert facts["marked"].single
    write_manifest(mixed, {"known": Facts(gauge="8 mm")}, {"name": "mixed"})
    assert case_of(mixed, "known").facts.gauge == "8 mm"
    assert case_of(mixed, "old").facts.gauge == "16 mm", "other entries stay"


def test_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for shape, kind in (((7, 9), np.uint8), ((7, 9, 3), np.uint8), ((7, 9), np.uint16)):
        picture = rng.integers(0, np.iinfo(kind).max, shape).astype(kind)
        write_png(tmp_path / "a.png", picture)
        assert np.array_equal(read_png(tmp_path / "a.png"), picture)


def test_the_identity_follows_the_pictures(mixed: Path) -> None:
    case = case_of(mixed, "old")
    before = case.identity()
    assert before == case.identity()
    picture = read_png(case.path("damaged", case.names[0])).copy()
    picture[3, 3] ^= 1
    write_png(case.path("damaged", case.names[0]), picture)
    assert case.identity() != before


@pytest.mark.parametrize("broken", ["empty", "mask short", "not json", "newer"])
def test_broken_suites_are_refused_in_a_sentence(mixed: Path, broken: str) -> None:
    if broken == "empty":
        mixed = mixed / "nowhere"
    elif broken == "mask short":
        (mixed / "known" / "mask" / "00000.png").unlink()
    else:
        (mixed / "suite.json").write_text("{" if broken == "not json" else json.dumps({"format": 99}))
    with pytest.raises(BenchError) as told:
        open_suite(mixed)
    assert str(mixed) in str(told.value)
    assert "\n" not in str(told.value)
