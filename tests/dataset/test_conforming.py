"""Laying one version of a frame onto the other: geometry, tone, sharpness, and what still differs."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from versions import clean, codes, levels, moved

from frdm.dataset.conforming import PairSettings, conformed, luma_of
from frdm.dataset.difference import DifferenceSettings, defect_mask
from frdm.dataset.registration import chained, inside, inverse, left_over, refined, rough_geometry, stretched, warped
from frdm.dataset.sharpness import matched
from frdm.dataset.tone import fit_curve, rising, toned
from frdm.film import Real

EVERYWHERE = np.ones((192, 256), bool)


def picture(index: int = 3) -> Real:
    """A drawn frame without grain, (192, 256, 3)."""
    return np.asarray(cv2.GaussianBlur(levels(clean()[index]), (0, 0), 0.8))


@settings(max_examples=12, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_shift_is_found_to_a_few_hundredths_of_a_pixel(dx: float, dy: float) -> None:
    before = luma_of(picture())
    after = moved(before, -dx, -dy)  # AFTER shows at (x, y) what BEFORE has at (x − dx, y − dy)
    found = refined(before, after, stretched(before.shape, after.shape)).affine
    truth = np.round(np.array([dx, dy]) * 32) / 32  # OpenCV samples at 32nds of a pixel
    np.testing.assert_allclose(found[:, 2], truth, atol=0.08)


@pytest.mark.parametrize(("scale", "crop"), [(1.0, 0.0), (1.0, 0.08), (1.5, 0.05), (0.75, 0.04), (2.0, 0.1)])
def test_scale_and_crop_are_found(scale: float, crop: float) -> None:
    before = luma_of(picture())
    size = round(256 * (1 - crop) * scale), round(192 * (1 - crop) * scale)
    corner = 256 * crop / 2, 192 * crop / 2
    source = before if scale >= 1 else np.asarray(cv2.GaussianBlur(before, (0, 0), 0.5 / scale))
    after = moved(source, *corner, scale=1 / scale, size=size) ** 1.2
    fit = rough_geometry(before, after)
    corners = np.array([[20, 20, 1], [230, 20, 1], [20, 170, 1], [230, 170, 1]], float)
    truth = (corners[:, :2] - corner) * scale
    assert np.abs(corners @ fit.affine.T - truth).max() < 0.4 * scale
    assert fit.likeness > 0.97


def test_geometries_chain_and_turn_round() -> None:
    affine = np.array([[1.5, 0.01, 3], [0, 1.4, -2]])
    np.testing.assert_allclose(chained(affine, inverse(affine)), np.eye(2, 3), atol=1e-9)
    np.testing.assert_allclose(chained(stretched((10, 20), (30, 80)), stretched((30, 80), (10, 20))), np.eye(2, 3), atol=1e-9)


def test_what_lies_off_in_places_is_seen() -> None:
    before = luma_of(picture())
    bent = before.copy()
    bent[:, 128:] = moved(before, 1.5, 0)[:, 128:]
    still, _ = left_over(before - before, before, EVERYWHERE)
    off, _ = left_over(before - bent, bent, EVERYWHERE)
    assert still < 0.05 and off > 0.6


def test_only_what_after_shows_is_compared() -> None:
    seen = inside((192, 256), np.array([[1, 0, -40.0], [0, 1, 0]]), (192, 256))
    assert not seen[:, :40].any() and seen[10:-10, 50:-10].all()


@pytest.mark.parametrize("curve", [lambda x: 0.8 * x + 0.1, lambda x: x**1.6, lambda x: np.sqrt(x) * 0.9])
def test_a_tone_curve_is_undone(curve: object) -> None:
    before = picture()
    rng = np.random.default_rng(1)
    dirty = before.copy()
    dirty[rng.random((192, 256)) < 0.02] = 1.0
    grainy = curve(before) + rng.normal(0, 0.02, before.shape).astype(np.float32)  # type: ignore[operator]
    out, _ = toned(grainy.astype(np.float32), dirty, EVERYWHERE)
    assert abs(float(np.median(out - before))) < 0.004
    assert float(np.quantile(np.abs(cv2.GaussianBlur(out - before, (0, 0), 3)), 0.99)) < 0.02


def test_uneven_flicker_is_undone() -> None:
    before = picture()
    field = np.linspace(-0.04, 0.05, 256, dtype=np.float32)[None, :, None]
    out, _ = toned(before - field, before, EVERYWHERE)
    assert float(np.abs(out - before)[20:-20, 20:-20].mean()) < 0.012 < float(np.abs(field).mean()) < 0.03


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_a_curve_never_falls_and_keeps_its_mean(values: list[float]) -> None:
    out = rising(np.array(values))
    assert (np.diff(out) >= 0).all()
    assert abs(float(out.mean() - np.mean(values))) < 1e-9
    np.testing.assert_allclose(rising(out), out)


def test_a_flat_picture_has_a_curve_too() -> None:
    flat = np.full((192, 256), 0.5, np.float32)
    np.testing.assert_allclose(fit_curve(flat, flat + np.float32(0.1), EVERYWHERE)(flat), 0.6, atol=1e-5)


def test_softness_is_made_up_for_without_touching_flat_places() -> None:
    before = picture()
    soft = np.asarray(cv2.GaussianBlur(before, (0, 0), 0.8))
    out = matched(soft, before, EVERYWHERE)
    assert float(np.abs(out - before).mean()) < 0.5 * float(np.abs(soft - before).mean())
    flat = np.full_like(before, 0.4)
    np.testing.assert_allclose(matched(flat, flat, EVERYWHERE), flat, atol=1e-5)


def test_grain_alone_is_no_defect() -> None:
    rng = np.random.default_rng(2)
    before, after = (picture() + rng.normal(0, 0.02, (192, 256, 3)).astype(np.float32) for _ in range(2))
    mask, noise = defect_mask(before, after, EVERYWHERE, DifferenceSettings())
    assert int(mask.sum()) <= 8
    assert 0.02 < noise < 0.04


def test_what_is_visible_is_found_and_what_is_not_is_not() -> None:
    after = np.full((192, 256, 1), 0.5, np.float32)
    before = after.copy()
    before[20:30, 20:30] += 9 / 255
    before[60:70, 60:70] -= 9 / 255
    before[100:110, 100:110] += 6 / 255
    mask, _ = defect_mask(before, after, EVERYWHERE, DifferenceSettings())
    assert mask[20:30, 20:30].all() and mask[60:70, 60:70].all() and int(mask.sum()) == 200


def test_an_unlike_picture_is_refused_with_the_reason() -> None:
    before, other = picture(3), picture(11)
    made = conformed(before, other, stretched(before.shape, other.shape), PairSettings())
    assert made.reason is not None and "not alike" in made.reason


def test_a_bent_picture_is_refused_with_the_reason() -> None:
    before = levels(clean()[3])
    rows, columns = np.mgrid[0:192, 0:256].astype(np.float32)
    bent = cv2.remap(
        before, columns + 2.5 * np.sin(rows / 20), rows + 2.5 * np.sin(columns / 25), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    made = conformed(before, bent, stretched(before.shape, bent.shape), PairSettings())
    assert made.reason is not None and ("px off" in made.reason or "not alike" in made.reason or "differs" in made.reason)


def test_equal_pictures_have_no_defect_and_stay_what_they_are() -> None:
    before = levels(clean()[3])
    made = conformed(before, before, stretched(before.shape, before.shape), PairSettings())
    assert made.reason is None and not made.mask.any()
    assert np.abs(codes(made.after).astype(int) - clean()[3]).max() <= 1
    assert abs(made.grain - 1) < 0.02


def test_finer_film_is_averaged_not_sampled() -> None:
    rng = np.random.default_rng(3)
    fine = rng.normal(0.5, 0.1, (384, 512)).astype(np.float32)
    small = warped(fine, stretched((192, 256), fine.shape), (192, 256))
    assert float(small[8:-8, 8:-8].std()) < 0.06
