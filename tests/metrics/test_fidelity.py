"""PSNR, SSIM, MS-SSIM and masked errors against other libraries, ffmpeg, and hand-made examples."""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from frdm.errors import MetricError
from frdm.metrics.fidelity import SAME_DB, MaskedError, masked_error, ms_ssim, psnr, squared_error, ssim
from metrics.drawn import textured

Picture = NDArray[np.uint8]
LARGE = (1, 200, 240)


def noisy(picture: Picture, spread: float, seed: int = 2) -> Picture:
    return np.clip(picture + np.random.default_rng(seed).normal(0, spread, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pair() -> tuple[Picture, Picture]:
    clean = textured(1, LARGE)[0]
    return clean, noisy(clean, 9)


def test_psnr_by_hand() -> None:
    black, grey = np.zeros((4, 4), np.uint8), np.full((4, 4), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx(20 * np.log10(5))
    assert psnr(black / 255, grey / 255, peak=1.0) == pytest.approx(20 * np.log10(5))
    half = np.zeros((4, 4), np.bool_)
    half[:2] = True
    grey[2:] = 0
    assert psnr(black, grey, where=half) == pytest.approx(20 * np.log10(5))
    assert psnr(black, grey, where=~half) == SAME_DB
    assert psnr(black, grey, where=half & ~half) is None


def test_psnr_is_scikit_images_and_torchmetrics(pair: tuple[Picture, Picture]) -> None:
    from skimage.metrics import peak_signal_noise_ratio
    from torch import from_numpy
    from torchmetrics.functional.image import peak_signal_noise_ratio as of_torchmetrics

    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair), rel=1e-9)
    assert psnr(*pair) == pytest.approx(
        float(of_torchmetrics(*(from_numpy(p.astype(np.float32)) for p in pair), data_range=255.0)), rel=1e-5
    )


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg to compare with")
def test_psnr_of_a_film_is_ffmpegs(tmp_path: Path) -> None:
    film = textured(3, (4, 96, 128))[..., 0]
    other = np.stack([noisy(frame, 2 + 4 * index) for index, frame in enumerate(film)])
    inputs: list[str] = []
    for name, frames in (("a.raw", film), ("b.raw", other)):
        (tmp_path / name).write_bytes(np.ascontiguousarray(frames).tobytes())
        inputs += ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "128x96", "-i", str(tmp_path / name)]
    said = subprocess.run(["ffmpeg", *inputs, "-lavfi", "psnr", "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    average = re.search(r"PSNR .*average:([\d.]+) min:([\d.]+)", said)
    assert average
    whole = sum((squared_error(a, b) for a, b in zip(film, other, strict=True)), squared_error(film[0], film[0]))
    pooled = squared_error(film, other)
    assert pooled.db == pytest.approx(float(average[1]), abs=1e-4)
    assert whole.db != pooled.db  # the first frame counted twice: the sum is over frames, not of decibels
    assert min(psnr(a, b) or 0 for a, b in zip(film, other, strict=True)) == pytest.approx(float(average[2]), abs=1e-4)


def test_ssim_is_torchmetrics(pair: tuple[Picture, Picture]) -> None:
    from torch import from_numpy
    from torchmetrics.functional.image import structural_similarity_index_measure

    planes = [from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)[None], np.float32)) for p in pair]
    theirs = float(structural_similarity_index_measure(*planes, data_range=255.0, sigma=1.5))
    assert ssim(*pair) == pytest.approx(theirs, abs=2e-4)
    assert 0.3 < ssim(*pair) < 0.95


def similar(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """(SSIM, its contrast and structure part) as Wang 2004 writes it, on the part that whole windows cover."""
    window = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    window /= window.sum()

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(correlate1d(correlate1d(values, window, 0), window, 1)[5:-5, 5:-5])

    m1, m2 = mean(one), mean(other)
    v1, v2, shared = mean(one**2) - m1**2, mean(other**2) - m2**2, mean(one * other) - m1 * m2
    structure = (2 * shared + 58.5225) / (v1 + v2 + 58.5225)
    bright = (2 * m1 * m2 + 6.5025) / (m1**2 + m2**2 + 6.5025)
    return float((bright * structure).mean()), float(structure.mean())


def test_ms_ssim_is_the_papers(pair: tuple[Picture, Picture]) -> None:
    one, other = (p[..., 1].astype(np.float64)[:192, :240] for p in pair)
    assert ssim(one, other) == pytest.approx(similar(one, other)[0], abs=1e-9)
    expected = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        whole, structure = similar(one, other)
        expected *= (whole if scale == 4 else structure) ** weight
        one, other = (
            p[: len(p) // 2 * 2, : p.shape[1] // 2 * 2].reshape(len(p) // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (one, other)
        )
    assert ms_ssim(*(p[:192, :240, 1] for p in pair)) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("score", [ssim, ms_ssim])
def test_it_is_one_for_equals_and_falls_as_noise_grows(score: type, pair: tuple[Picture, Picture]) -> None:
    clean = pair[0]
    values = [score(clean, noisy(clean, spread)) for spread in (0, 4, 40)]
    assert values[0] == pytest.approx(score(clean, clean)) == pytest.approx(1, abs=0.01)
    assert score(clean, clean) == pytest.approx(1, abs=1e-6)
    assert all(a > b for a, b in pairwise(values))


def test_deeper_codes_give_the_same_scores(pair: tuple[Picture, Picture]) -> None:
    deep = [p.astype(np.uint16) * 257 for p in pair]
    assert psnr(*deep, peak=65535.0) == pytest.approx(psnr(*pair))
    assert ssim(*deep, peak=65535.0) == pytest.approx(ssim(*pair))
    assert ms_ssim(*deep, peak=65535.0) == pytest.approx(ms_ssim(*pair), abs=1e-6)


def test_a_masked_error_by_hand() -> None:
    """480 lines: a mended square of error 4; one pixel altered nearby, a block of 20 far away, one too faint to count."""
    scan = np.full((480, 640), 100, np.uint8)
    mask = np.zeros(scan.shape, np.bool_)
    mask[200:210, 200:210] = True
    out = scan.copy()
    out[mask] = 104
    out[205, 212] = 110
    out[20:24, 20:25] = 130
    out[300, 300] = 101
    found = masked_error(scan, out, mask)
    assert found.in_mask_db == pytest.approx(20 * np.log10(255 / 4))
    assert found.far_altered == 20
    assert found.far_percent == pytest.approx(100 * 20 / found.far)
    assert found.far < scan.size - 26 * 18
    assert (found + found).far_percent == found.far_percent
    assert MaskedError().in_mask_db is None


def test_far_altered_grows_with_harm() -> None:
    clean = textured(4)[0]
    mask = np.zeros(clean.shape[:2], np.bool_)
    mask[:5] = True
    shares = []
    for harmed in (0, 5, 20):
        out = clean.copy()
        out[60 : 60 + harmed, 40:90] ^= 8
        shares.append(masked_error(clean, out, mask).far_percent)
    assert shares[0] == 0 < shares[1] < shares[2]


def test_mistakes_are_one_sentence() -> None:
    one = textured(1)[0]
    with pytest.raises(MetricError, match="128 × 96 × 3 and 64 × 96 × 3 found, one size wanted"):
        psnr(one, one[:, :64])
    with pytest.raises(MetricError, match="at least 11 × 11 wanted"):
        ssim(one[:8], one[:8])
    with pytest.raises(MetricError, match="at least 176 px wanted"):
        ms_ssim(one, one)
    with pytest.raises(MetricError, match="mask: 64 × 96 found"):
        masked_error(one, one, np.zeros((96, 64), np.bool_))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(MetricError, match=r"SSIM: the library skimage is not installed; run `pip install 'frdm\[bench\]'`"):
        ssim(textured(1)[0], textured(1)[0])
