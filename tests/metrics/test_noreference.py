"""BRISQUE and NIQE: their statistics by other hands (golden_statistics.py), their models by hand."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.errors import MetricError
from frdm.metrics.noreference import (
    Niqe,
    brisque_features,
    fit_niqe,
    halved,
    load_brisque,
    load_niqe,
    luminance_contrast,
    niqe_features,
    patch_features,
    save_niqe,
    symmetric_fit,
)
from metrics.golden_statistics import picture

BRISQUE = [  # piq 0.8.0, by golden_statistics.py
    *(2.095, 0.288331, 0.737, 0.004622, 0.082861, 0.08703, 0.738, 0.00245, 0.082996, 0.085195, 0.746, 0.003788),
    *(0.080432, 0.083777, 0.722, 0.019949, 0.077807, 0.096122, 3.212, 0.230911, 1.045, 0.171027, 0.005751, 0.099301),
    *(1.154, 0.091973, 0.020399, 0.072174, 1.056, -0.022768, 0.054567, 0.040732, 1.075, 0.15358, 0.008942, 0.094872),
]
NIQE = [  # scikit-video 1.1.11, by golden_statistics.py
    *(2.286, 0.870454, 0.787, -0.048659, 0.159844, 0.127771, 0.794, -0.045774, 0.161513),
    *(0.130781, 0.782, -0.026378, 0.152831, 0.135677, 0.791, -0.029057, 0.15551, 0.136154),
]


def pristine(seed: int) -> np.ndarray:
    """A drawn luma (288, 384) of edges, waves and a little grain."""
    rng = np.random.default_rng(seed)
    plane = np.full((288, 384), 110.0)
    for _ in range(60):
        centre, axes = rng.integers(0, 380, 2).tolist(), rng.integers(5, 60, 2).tolist()
        cv2.ellipse(plane, centre, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(20, 230)), -1)
    plane = cv2.GaussianBlur(plane, (0, 0), 0.8) + rng.normal(0, 2, plane.shape)
    return np.clip(plane, 0, 255)


def test_brisques_features_are_piqs() -> None:
    assert brisque_features(picture()) == pytest.approx(np.array(BRISQUE), abs=1e-5)
    assert brisque_features(picture() / 255, peak=1.0) == pytest.approx(np.array(BRISQUE), abs=1e-5)


def test_niqes_features_are_scikit_videos() -> None:
    assert niqe_features(luminance_contrast(picture())[0][:96, :96]) == pytest.approx(np.array(NIQE), abs=3e-5)


def test_a_gaussian_has_shape_two() -> None:
    shape, power = symmetric_fit(np.random.default_rng(1).normal(0, 3, 200_000))
    assert shape == pytest.approx(2, abs=0.05)
    assert power == pytest.approx(9, rel=0.02)


def test_half_a_ramp_is_a_ramp() -> None:
    """A straight line stays straight, each sample in the middle of the two that it replaces."""
    ramp = np.tile(np.arange(40.0), (20, 1))
    assert halved(ramp)[5, 4:16] == pytest.approx(np.arange(4, 16) * 2 + 0.5)
    assert halved(ramp).shape == (10, 20)
    assert halved(np.full((7, 9), 3.0)) == pytest.approx(np.full((4, 5), 3.0))


def model(folder: Path) -> tuple[Path, Path]:
    """A regression of two vectors: one at BRISQUE's own features of the picture, one nowhere near."""
    features = np.array(BRISQUE)
    ranges = folder / "ranges"
    ranges.write_text("x\n-1 1\n" + "".join(f"{k} {value - 1} {value + 1}\n" for k, value in enumerate(features, 1)))
    machine = folder / "model"
    far = " ".join(f"{k}:9" for k in range(1, 37))
    machine.write_text(f"svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 2\nrho -7\nSV\n20 1:0.5\n99 {far}\n")
    return machine, ranges


def test_brisques_regression_by_hand(tmp_path: Path) -> None:
    """All features lie in the middle of their ranges, 0; the first vector is half a unit away: 20 exp(−0.05 · ¼) + 7."""
    assert load_brisque(*model(tmp_path))(picture()) == pytest.approx(20 * np.exp(-0.05 * 0.25) + 7, abs=1e-4)


def test_niqe_is_lowest_for_its_own_and_grows_with_damage(tmp_path: Path) -> None:
    niqe = fit_niqe(pristine(seed) for seed in range(6))
    fresh = pristine(50)
    for worse in (lambda s: fresh + np.random.default_rng(1).normal(0, s, fresh.shape), lambda s: cv2.GaussianBlur(fresh, (0, 0), s)):
        scores = [niqe(fresh), *(niqe(np.clip(worse(step), 0, 255)) for step in (2, 5, 15))]
        assert scores[0] < scores[1], "worse is higher"
        assert max(scores) == scores[-1] or scores[-1] > scores[0]
    noises = [niqe(np.clip(fresh + np.random.default_rng(1).normal(0, s, fresh.shape), 0, 255)) for s in (0.5, 4, 12, 30)]
    assert all(a < b for a, b in pairwise(noises))
    save_niqe(niqe, tmp_path / "own.npz")
    assert load_niqe(tmp_path / "own.npz")(fresh) == niqe(fresh)


def test_niqes_distance_is_the_papers() -> None:
    """√((m₁ − m₂)ᵀ ((C₁ + C₂) / 2)⁻¹ (m₁ − m₂)), with a covariance that can be inverted."""
    plane = pristine(5)
    found, _ = patch_features(plane)
    niqe = Niqe(found.mean(0) + 0.3, np.eye(36) * 0.5)
    middle = (np.eye(36) * 0.5 + np.cov(found.T)) / 2
    away = np.full(36, 0.3)
    assert niqe(plane) == pytest.approx(float(np.sqrt(away @ np.linalg.solve(middle, away))), rel=1e-6)


def test_niqe_learns_from_sharp_patches_only() -> None:
    plane = pristine(5)
    plane[:, 192:] = cv2.GaussianBlur(plane[:, 192:], (0, 0), 6)
    found, sharpness = patch_features(plane)
    sharp = sharpness >= 0.75 * sharpness.max()
    assert 2 <= sharp.sum() <= 6
    assert fit_niqe([plane]).mean == pytest.approx(found[sharp].mean(0))
    assert fit_niqe([plane]).mean != pytest.approx(found.mean(0))


def test_niqe_reads_its_authors_form(tmp_path: Path) -> None:
    from scipy.io import savemat

    niqe = fit_niqe([pristine(1), pristine(2)])
    savemat(tmp_path / "params.mat", {"mu_prisparam": niqe.mean[None], "cov_prisparam": niqe.covariance})
    assert load_niqe(tmp_path / "params.mat")(pristine(3)) == pytest.approx(niqe(pristine(3)))


def test_niqe_rewards_what_it_should_not() -> None:
    """Why it is never quoted alone: grain that belongs to the film scores worse than the film without it."""
    niqe = fit_niqe(pristine(seed) for seed in range(4))
    film = pristine(60)
    grained = np.clip(film + np.random.default_rng(2).normal(0, 8, film.shape), 0, 255)
    assert niqe(grained) > niqe(film)


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    machine, ranges = model(tmp_path)
    with pytest.raises(MetricError, match="BRISQUE: no weight file given"):
        load_brisque(None, ranges)
    with pytest.raises(MetricError, match="NIQE: no weight file given"):
        load_niqe(None)
    with pytest.raises(MetricError, match="no libsvm model"):
        load_brisque(ranges, ranges)
    with pytest.raises(MetricError, match="the ranges of 0 features found"):
        load_brisque(machine, machine)
    with pytest.raises(MetricError, match="at least two patches"):
        fit_niqe([np.zeros((100, 100))])
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    with pytest.raises(MetricError, match=r"other\.npz: something found, a mean of 36"):
        load_niqe(tmp_path / "other.npz")
    whole = (tmp_path / "other.npz").read_bytes()
    for broken in (b"nothing", whole[: len(whole) // 2]):
        (tmp_path / "broken.npz").write_bytes(broken)
        with pytest.raises(MetricError, match=r"broken\.npz: not a file that can be read"):
            load_niqe(tmp_path / "broken.npz")
    text = machine.read_text(encoding="utf-8")
    for wrong in (
        text.replace("gamma", "gramma"),
        text.replace(" 1:", " 99:"),
        text.replace(" 1:", " x:"),
        text.partition("SV\n")[0] + "SV\n",
    ):
        machine.write_text(wrong, encoding="utf-8")
        with pytest.raises(MetricError, match="no libsvm model"):
            load_brisque(machine, ranges)
