"""`frdm metrics`: its numbers are those of the room beneath, and mistakes are one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import tiny
from frdm.cli import main
from frdm.cli.metrics import must_match
from frdm.errors import MetricError
from frdm.media.scan import open_scan
from frdm.metrics.fidelity import psnr, ssim
from frdm.metrics.noreference import fit_niqe, save_niqe
from frdm.metrics.restoration import score_restoration
from metrics.drawn import textured

Measure = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A clean colour film, its dirt, a restoration that mends half and harms a corner, and the mask; as folders and as arrays."""
    place = tmp_path_factory.mktemp("films")
    clean = textured(1, (4, 96, 208))
    _, mask = tiny.dirty(np.zeros(clean.shape[:3], np.float32), specks=4)
    dirty = np.where(mask[..., None], 10, clean).astype(np.uint8)
    mended = mask.copy()
    mended[:, :, 104:] = False
    out = np.where(mended[..., None], np.clip(clean.astype(int) + 2, 0, 255), dirty).astype(np.uint8)
    out[:, :6, :6] = 128
    arrays = {"clean": clean, "dirty": dirty, "out": out, "mask": mask.astype(np.uint8) * 255}
    folders = {name: str(tiny.write_png(place / name, film)) for name, film in arrays.items()}
    return {"place": place, "arrays": arrays, **folders}


@pytest.fixture
def measure(capsys: pytest.CaptureFixture[str]) -> Measure:
    """The JSON of one call."""

    def call(*arguments: str) -> dict[str, Any]:
        assert main(["metrics", *arguments, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return call


def values(told: dict[str, Any]) -> dict[str, float | None]:
    return {name: score["value"] for name, score in told["scores"].items()}


def test_plain_scores(films: dict[str, Any], measure: Measure) -> None:
    told = measure(films["clean"], films["out"])
    found, (clean, out) = values(told), (films["arrays"][name] for name in ("clean", "out"))
    assert told["frames"] == 4
    assert found["PSNR"] == pytest.approx(psnr(clean, out), abs=1e-4)
    assert found["PSNR, worst frame"] == pytest.approx(min(psnr(a, b) or 0 for a, b in zip(clean, out, strict=True)), abs=1e-4)
    assert found["SSIM"] == pytest.approx(np.mean([ssim(a, b) for a, b in zip(clean, out, strict=True)]), abs=1e-5)
    assert found["pixels changed at all"] == pytest.approx(100 * (clean != out).any(-1).mean(), rel=1e-6)
    assert all({"unit", "better", "span"} <= score.keys() for score in told["scores"].values())


def test_a_film_beside_itself(films: dict[str, Any], measure: Measure) -> None:
    found = values(measure(films["clean"], films["clean"], "--mask", films["mask"]))
    assert found["PSNR"] == pytest.approx(138.13, abs=0.01)
    assert (found["SSIM"], found["flicker"], found["pixels altered"], found["far-altered"]) == (pytest.approx(1), 1, 0, 0)
    assert found["seam ratio"] == found["seam ratio of A"]


def test_with_a_mask_and_the_damaged_scan(films: dict[str, Any], measure: Measure) -> None:
    found = values(measure(films["clean"], films["out"], "--mask", films["mask"], "--damaged", films["dirty"]))
    clean, dirty, out, mask = (films["arrays"][name] for name in ("clean", "dirty", "out", "mask"))
    score = score_restoration(clean, dirty, mask > 0, (mask > 0).astype(np.uint16), clean, out)
    assert found["PSNR in the mask"] == pytest.approx(psnr(clean, out, where=mask > 0), abs=1e-3)
    assert found["far-altered"] == pytest.approx(score.far_altered, rel=1e-5)
    assert (found["precision"], found["recall"]) == (pytest.approx(score.precision), pytest.approx(score.recall))
    assert 0 < (found["defects mended"] or 0) < 1
    assert found["false repairs a frame"] == 1
    assert (found["clicks left per 1,000 frames"] or 0) > 1000


def test_what_a_detector_found(films: dict[str, Any], measure: Measure, tmp_path: Path) -> None:
    half = films["arrays"]["mask"].copy()
    half[:, :, 104:] = 0
    mattes = str(tiny.write_png(tmp_path / "mattes", half.astype(np.uint16) * 257))
    found = values(measure(films["clean"], films["dirty"], "--mask", films["mask"], "--found", mattes))
    assert found["found, precision by pixel"] == 1
    share = half.sum() / films["arrays"]["mask"].sum()
    assert found["found, recall by pixel"] == pytest.approx(share)
    assert 0.2 < (found["found, AP by defect"] or 0) < 0.9
    assert found["found, recall at 0.0001 false alarms"] == pytest.approx(share)


def test_stills_and_ranges(films: dict[str, Any], measure: Measure) -> None:
    first = [str(Path(films[name]) / "frame_00001.png") for name in ("clean", "out", "mask")]
    still = values(measure(*first[:2], "--mask", first[2]))
    ranged = values(measure(films["clean"], films["out"], "--mask", films["mask"], "--range", "0-0"))
    assert still == ranged
    assert still["flicker"] is None
    assert (
        values(measure(films["clean"], films["out"], "--mask", first[2], "--range", "0"))["PSNR in the mask"] == still["PSNR in the mask"]
    )


def test_scores_without_a_reference_are_never_alone(films: dict[str, Any], measure: Measure, capsys: pytest.CaptureFixture[str]) -> None:
    weights = films["place"] / "niqe.npz"
    save_niqe(fit_niqe(frame[..., 1] for frame in films["arrays"]["clean"]), weights)
    asked = [films["clean"], films["out"], "--score", "niqe", "--weights", f"niqe={weights}", "--every", "2"]
    told = measure(*asked)
    assert {"NIQE", "NIQE of A", "PSNR", "SSIM"} <= values(told).keys()
    assert "never quote them without PSNR" in told["warning"]
    assert main(["metrics", *asked]) == 0
    printed = capsys.readouterr().out
    assert "never quote them without PSNR" in printed and "NIQE of A" in printed
    assert "warning" not in measure(films["clean"], films["out"])


def test_vmaf_where_there_is_one(films: dict[str, Any], measure: Measure) -> None:
    from frdm.metrics.vmaf import vmaf_ffmpeg

    try:
        vmaf_ffmpeg()
    except MetricError as error:
        pytest.skip(str(error))
    equal, harmed = (values(measure(films["clean"], films[name], "--score", "vmaf"))["VMAF"] for name in ("clean", "out"))
    assert equal is not None and harmed is not None and equal > harmed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--score", "lpips"], "LPIPS: no weight file given"),
        (["--score", "fvd", "--weights", "fvd=gone.pt"], "gone.pt: no such file"),
        (["--score", "niqe"], "NIQE: no weight file given"),
        (["--score", "beauty"], "beauty"),
        (["--weights", "beauty=x"], "NAME=FILE wanted"),
        (["--weights", "lpips=x"], "add --score lpips"),
        (["--range", "2-9"], "the film has frames 0 to 3"),
    ],
)
def test_mistakes_are_one_line(films: dict[str, Any], arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", films["clean"], films["out"], *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said and said.startswith("frdm: ") and len(said.splitlines()) == 1


def test_films_that_dont_go_together(films: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = films["arrays"]["clean"]
    shorter, smaller = tiny.write_png(tmp_path / "shorter", clean[:3]), tiny.write_png(tmp_path / "smaller", clean[:, :90])
    for other, sentence in ((shorter, "3 frames found, 4 wanted"), (smaller, "208 × 90 found, 208 × 96 wanted")):
        assert main(["metrics", films["clean"], str(other)]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["metrics", films["clean"], films["out"], "--found", films["mask"]]) == 2
    assert "give --mask as well" in capsys.readouterr().err
    assert main(["metrics", films["clean"]]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_codes_of_another_meaning_are_refused_either_way_round(films: dict[str, Any]) -> None:
    with open_scan(films["clean"]) as plain:
        encoding = replace(plain.info.encoding, transfer="log")
        log: Any = SimpleNamespace(info=replace(plain.info, encoding=encoding))
        for a, b in ((plain, log), (log, plain)):
            with pytest.raises(MetricError, match="say --transfer"):
                must_match(a, b, pictures=True)
        must_match(log, plain, pictures=False)  # a mask or a matte has codes of its own


def test_deep_films_are_measured_in_their_own_codes(films: dict[str, Any], measure: Measure, tmp_path: Path) -> None:
    """One code of 65,535 is seen as changed, though no 8-bit score would show it."""
    deep = films["arrays"]["clean"].astype(np.uint16) * 257
    other = deep.copy()
    other[0, 5, 7, 0] ^= 1
    a, b = (str(tiny.write_png(tmp_path / name, film)) for name, film in (("a", deep), ("b", other)))
    found = values(measure(a, b))
    assert found["pixels changed at all"] == pytest.approx(100 / deep[..., 0].size)
    assert found["pixels altered"] == 0
    assert cv2.imread(str(Path(a) / "frame_00001.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16
