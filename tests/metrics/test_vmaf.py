"""VMAF through imageio-ffmpeg: the same as by hand from files, and what happens without it."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

import tiny
from frdm.errors import MetricError
from frdm.metrics.vmaf import vmaf, vmaf_ffmpeg

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")


@pytest.fixture(scope="module")
def ffmpeg() -> str:
    try:
        return vmaf_ffmpeg()
    except MetricError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def film() -> tiny.Film:
    return np.clip(tiny.film(5, height=144, width=176, pan=2), 0, 1)


def blurred(film: tiny.Film, sigma: float) -> tiny.Film:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in film])


def test_it_is_what_ffmpeg_says_of_two_files(ffmpeg: str, film: tiny.Film, tmp_path: Path) -> None:
    inputs: list[str] = []
    for name, frames in (("out.y4m", blurred(film, 1)), ("clean.y4m", film)):
        luma = np.clip(np.rint(64 + 876 * frames.astype(np.float64)), 4, 1019).astype("<u2")
        colour = np.full(144 * 176 // 2, 512, "<u2").tobytes()
        head = b"YUV4MPEG2 W176 H144 F25:1 Ip A1:1 C420p10 XYSCSS=420P10\n"
        (tmp_path / name).write_bytes(head + b"".join(b"FRAME\n" + frame.tobytes() + colour for frame in luma))
        inputs += ["-i", name]
    graph = ["-lavfi", "libvmaf=log_fmt=json:log_path=log.json", "-f", "null", "-"]
    subprocess.run([ffmpeg, "-v", "error", *inputs, *graph], check=True, cwd=tmp_path)
    log = json.loads((tmp_path / "log.json").read_text())
    found = vmaf(zip(film, blurred(film, 1), strict=True))
    assert found.mean == pytest.approx(log["pooled_metrics"]["vmaf"]["mean"], abs=1e-3)
    assert found.worst == pytest.approx(log["pooled_metrics"]["vmaf"]["min"], abs=1e-3)
    assert found.frames == 5


def test_equals_are_near_a_hundred_and_it_falls_with_blur(ffmpeg: str, film: tiny.Film) -> None:
    scores = [vmaf(zip(film, blurred(film, sigma) if sigma else film, strict=True)).mean for sigma in (0, 0.8, 1.5, 3)]
    assert scores[0] > 96
    assert all(a > b for a, b in pairwise(scores))


def test_an_odd_last_row_is_left_out(ffmpeg: str, film: tiny.Film) -> None:
    odd = np.pad(film, ((0, 0), (0, 1), (0, 1)))
    assert vmaf(zip(odd, blurred(odd, 1), strict=True)).frames == 5
    assert (
        vmaf(zip(odd, np.pad(blurred(film, 1), ((0, 0), (0, 1), (0, 1))), strict=True)).mean
        == vmaf(zip(film, blurred(film, 1), strict=True)).mean
    )


def test_a_film_without_frames_or_too_small_is_refused(film: tiny.Film) -> None:
    with pytest.raises(MetricError, match="no frame found"):
        vmaf([])
    with pytest.raises(MetricError, match="at least 16 px wanted"):
        vmaf([(film[0, :8], film[0, :8])])


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for ffmpeg is a shell script")
def test_an_ffmpeg_without_vmaf_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = tmp_path / "ffmpeg"
    plain.write_text("#!/bin/sh\necho ' .. psnr VV->V'\n")
    plain.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(plain))
    vmaf_ffmpeg.cache_clear()
    try:
        with pytest.raises(MetricError, match="built without libvmaf"):
            vmaf_ffmpeg()
    finally:
        vmaf_ffmpeg.cache_clear()
