"""Real film: cases without a reference, and frames that people marked, put together by their numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.cases import case_of
from frdm.bench.case import open_suite
from frdm.bench.real import Strata, build_labelled, build_real, real_sheet
from frdm.errors import BenchError
from tiny import codes, film, write_png


def test_real_film_is_taken_from_its_middle(tmp_path: Path) -> None:
    pictures = codes(film(9))
    write_png(tmp_path / "reel", pictures)
    assert list(build_real(tmp_path / "suite", [tmp_path / "reel"], Strata("8 mm", "colour", "CC0"), frames=3)) == ["real_reel"]
    case = case_of(tmp_path / "suite", "real_reel")
    assert (case.facts.kind, case.facts.gauge, case.facts.stock, case.facts.licence) == ("real", "8 mm", "colour", "CC0")
    assert np.array_equal(case.picture("damaged", case.names[0])[..., 0], pictures[3])
    assert len(case.names) == 3
    assert real_sheet(case, case.folder / "damaged").ndim == 3


def test_labels_beside_frames_make_runs_and_singles(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in (7, 8, 20):
        cv2.imwrite(str(folder / f"{number}_4_frame.png"), np.full((40, 50), number, np.uint8))
        cv2.imwrite(str(folder / f"{number}_4_label.png"), np.full((40, 50), 255 if number == 8 else 0, np.uint8))
    cv2.imwrite(str(folder / "9_5_frame.png"), np.zeros((40, 50), np.uint8))  # another piece of film, no label
    assert list(build_labelled(tmp_path / "suite", [folder], Strata())) == ["archive_0007", "archive_single"]
    run, single = (case_of(tmp_path / "suite", name) for name in ("archive_0007", "archive_single"))
    assert [int(run.plane("damaged", name)[0, 0]) for name in run.names] == [7, 8]
    assert run.plane("label", run.names[1]).all() and not run.plane("label", run.names[0]).any()
    assert single.facts.single and not run.facts.single


def test_frames_beside_labels(tmp_path: Path) -> None:
    pictures = codes(film(3))
    write_png(tmp_path / "set" / "frames", pictures, stem="")
    write_png(tmp_path / "set" / "labels", (pictures > 128).astype(np.uint8) * 255, stem="")
    assert list(build_labelled(tmp_path / "suite", [tmp_path / "set"], Strata())) == ["set_0001"]
    [case] = open_suite(tmp_path / "suite").cases
    assert np.array_equal(case.plane("label", case.names[2]) > 0, pictures[2] > 128)


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BenchError, match="no labelled frames"):
        list(build_labelled(tmp_path / "suite", [tmp_path / "nothing"], Strata()))
    with pytest.raises(BenchError, match="--films"):
        list(build_real(tmp_path / "suite", [], Strata(), frames=3))
    cv2.imwrite(str(tmp_path / "nothing" / "1_frame.png"), np.zeros((4, 5), np.uint8))
    cv2.imwrite(str(tmp_path / "nothing" / "1_label.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(BenchError, match="of one size"):
        list(build_labelled(tmp_path / "suite", [tmp_path / "nothing"], Strata()))


def test_a_case_built_again_has_its_own_frames_alone(tmp_path: Path) -> None:
    write_png(tmp_path / "reel", codes(film(9)))
    for frames in (5, 3):
        list(build_real(tmp_path / "suite", [tmp_path / "reel"], Strata(), frames=frames))
    assert len(case_of(tmp_path / "suite", "real_reel").names) == 3


def test_films_of_one_name_are_refused_before_one_writes_over_the_other(tmp_path: Path) -> None:
    films = [write_png(tmp_path / part / "reel", codes(film(3))) for part in ("a", "b")]
    with pytest.raises(BenchError, match="two films have this name"):
        list(build_real(tmp_path / "suite", films, Strata(), frames=3))
    with pytest.raises(BenchError, match="two films have this name"):
        list(build_labelled(tmp_path / "suite", films, Strata()))
    assert not (tmp_path / "suite").exists()


def test_labels_want_films_too(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="--films"):
        list(build_labelled(tmp_path / "suite", [], Strata()))
