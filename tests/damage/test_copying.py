"""Printing and copying: the same to both pictures, moved mattes, grain and flicker as asked, same seed same bytes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from frdm.damage.copying import CopySettings, copy_film, draw_look, plan_copy, print_film
from frdm.damage.copying_grain import GrainLook, draw_layers, is_grey, mixing, tone_weight
from frdm.damage.copying_motion import CopyPlan, mirrored, shift_kernel, transport, walk
from frdm.errors import DamageError
from frdm.film import Real

OFF = CopySettings.none()
OF_ALL = CopySettings(colour_shift=True, rescale=1.0, jpeg=1.0, mpeg=1.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def film(frames: int = 5, height: int = 64, width: int = 80, channels: int = 3) -> Real:
    """A smooth coloured film that pans by a pixel a frame."""
    noise = rng(7).random((height, width + frames, 3), dtype=np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 5)
    picture = (picture - picture.min()) / (picture.max() - picture.min())
    out = np.stack([picture[:, f : f + width] for f in range(frames)])
    return np.ascontiguousarray(out[..., :channels])


def dirty(clean: Real) -> tuple[Real, Real]:
    """The film with a dark square in the middle frame, and its matte."""
    matte = np.zeros(clean.shape[:3], np.float32)
    matte[len(clean) // 2, 20:30, 30:44] = 1
    return clean * (1 - matte[..., None]), matte


def test_nothing_asked_is_nothing_done() -> None:
    clean = film()
    look = draw_look(OFF, rng())
    assert np.array_equal(print_film(clean, look, rng()), clean)
    degraded, matte = dirty(clean)
    out = copy_film(degraded, clean, matte, look, rng())
    for got, gave in zip(out, (degraded, clean, matte), strict=True):
        assert np.array_equal(got, gave)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(channels: int) -> None:
    clean = film(channels=channels)
    degraded, matte = dirty(clean)

    def made(seed: int) -> list[bytes]:
        r = rng(seed)
        look = draw_look(OF_ALL, r)
        printed = print_film(clean, look, r)
        return [a.tobytes() for a in (printed, *copy_film(degraded, printed, matte, look, r))]

    first = made(3)
    assert first == made(3)
    assert all(a != b for a, b in zip(first, made(4), strict=True))


def test_both_pictures_get_the_same_copying_wherever_no_defect_is_near() -> None:
    clean = film()
    degraded, matte = dirty(clean)
    look = draw_look(CopySettings(weave=(0.8, 0.8), flicker=(0.03, 0.03), scan_blur=(0.6, 0.6), rescale=0, jpeg=0), rng())
    a, b, m = copy_film(degraded, clean, matte, look, rng(1))
    away = cv2.dilate(m.max(0), np.ones((9, 9))) == 0
    assert away.mean() > 0.5
    assert np.array_equal(a[:, away], b[:, away])
    assert not np.allclose(b, clean, atol=0.01)
    changed = np.abs(a - b).max(-1)[2] > 0.5 / 255
    assert changed.any() and (m[2][changed] > 0).all()  # the matte went with the picture, overshoot and all
    assert np.abs(a - b).max(-1)[m < 0.05].max() < 0.05


def test_label_maps_move_with_the_mattes() -> None:
    clean = film(frames=9)
    degraded, matte = dirty(clean)
    look = draw_look(replace(OFF, weave=(3.0, 3.0)), rng())
    plan = plan_copy(look, 9, rng(2))
    moved = copy_film(degraded, clean, matte, look, rng(2), plan=plan)[2]
    labels = plan.move((matte > 0).astype(np.uint16) * 7)
    assert labels.dtype == np.uint16 and set(np.unique(labels)) == {0, 7}
    assert np.abs(plan.shifts).max() > 1.5
    assert ((moved > 0.5) == (labels == 7)).mean() > 0.998
    unasked = copy_film(degraded, clean, matte, look, rng(2))[2]
    assert np.array_equal(unasked, moved)  # the plan is what copy_film draws first for itself


@pytest.mark.parametrize(("size", "clumps"), [(0.0, 0.0), (0.5, 0.0), (0.9, 0.3), (0.6, 1.0)])
def test_grain_has_unit_variance_everywhere(size: float, clumps: float) -> None:
    random, look = rng(), GrainLook(0.02, size, clumps, 0.6, 0.4)
    grain = np.stack([draw_layers((96, 128, 3), look, random) for _ in range(4)])
    assert grain.std() == pytest.approx(1, abs=0.05)
    assert grain[:, :3].std() == pytest.approx(1, abs=0.1) and grain[:, :, -3:].std() == pytest.approx(1, abs=0.1)
    between = np.corrcoef(grain.reshape(-1, 3).T)
    assert between[0, 1] == pytest.approx(0.4, abs=0.05) and between[1, 2] == pytest.approx(0.4, abs=0.05)
    frames = grain.reshape(4, -1)
    assert abs(np.corrcoef(frames)[0, 1]) < 0.07  # fresh in every frame


@pytest.mark.parametrize("clumps", [0.0, 0.4])
def test_grain_of_no_size_is_white_noise(clumps: float) -> None:
    grain = draw_layers((96, 128, 1), GrainLook(0.02, 0.0, clumps, 0.6, 0.0), rng())[..., 0]
    assert grain.std() == pytest.approx(1, abs=0.05)
    assert abs(float((grain[:, 1:] * grain[:, :-1]).mean())) < 0.05


def test_grain_is_as_soft_as_asked() -> None:
    """White noise through a Gaussian s correlates by exp(−1 / 4s²) at one pixel."""
    for size in (0.7, 1.0):
        grain = draw_layers((280, 280, 1), GrainLook(0.02, size, 0.0, 0.6, 0.0), rng())[..., 0]
        beside = float((grain[:, 1:] * grain[:, :-1]).mean() / grain.var())
        assert beside == pytest.approx(np.exp(-1 / (4 * size**2)), abs=0.04)


def test_grain_is_strongest_in_the_mid_tones_and_never_more_than_asked() -> None:
    look = GrainLook(0.02, 0.6, 0.0, 0.6, 0.5)
    codes = np.linspace(0, 1, 101, dtype=np.float32)
    weight = tone_weight(codes, look)
    assert 0.25 < codes[weight.argmax()] < 0.5
    assert weight.max() == pytest.approx(0.02, rel=0.01)
    assert 0 < weight[-1] < 0.2 * weight.max() and 0 < weight[0] < 0.2 * weight.max()


def test_grey_film_has_grey_grain_and_colour_film_has_not() -> None:
    grey = np.repeat(film(channels=1), 3, axis=-1)
    look = draw_look(replace(OFF, grain=(0.03, 0.03), grain_layers=(0.6, 0.6)), rng())
    out = print_film(grey, look, rng())
    assert np.array_equal(out[..., 0], out[..., 2]) and not np.array_equal(out, grey)
    assert is_grey(grey) and not is_grey(film())
    coloured = print_film(film(), look, rng()) - film()
    assert np.corrcoef(coloured[..., 0].ravel(), coloured[..., 1].ravel())[0, 1] < 0.6
    forced = replace(look, stock="colour")
    assert not np.array_equal(*(print_film(grey, forced, rng())[..., c] for c in (0, 2)))


def test_fading_takes_contrast_and_colours_shift_only_when_asked() -> None:
    clean = film()
    faded = print_film(clean, draw_look(replace(OFF, fading=(0.3, 0.3)), rng()), rng())
    assert faded.min() > clean.min() + 0.1 and faded.std() < 0.9 * clean.std()
    grey = np.repeat(film(channels=1), 3, axis=-1)
    asked = replace(OFF, stock="colour", colour_shift=True, colour_shift_strength=(0.4, 0.4))
    off, on = (print_film(grey, draw_look(s, rng(1)), rng()) for s in (replace(asked, colour_shift=False), asked))
    assert np.array_equal(off[..., 0], off[..., 2])
    assert np.abs(on.mean((0, 1, 2)) - on.mean()).max() > 0.01


def test_flicker_is_a_factor_of_the_deviation_asked() -> None:
    flat = np.full((400, 12, 16, 1), 0.5, np.float32)
    look = draw_look(replace(OFF, flicker=(0.04, 0.04), flicker_memory=(0.5, 0.5)), rng())
    out = copy_film(flat, flat, flat[..., 0], look, rng())[1]
    centre = np.log(out[:, 6, 8, 0] / 0.5)
    assert centre.std() == pytest.approx(0.04, rel=0.25)
    assert np.corrcoef(centre[1:], centre[:-1])[0, 1] == pytest.approx(0.5, abs=0.15)
    assert out.std((1, 2)).max() > 0.002  # uneven over the picture


def test_the_walk_forgets_at_its_own_pace() -> None:
    steps = walk(6000, (2,), 0.8, rng())
    assert steps.std() == pytest.approx(1, abs=0.08)
    assert np.corrcoef(steps[2:, 0], steps[:-2, 0])[0, 1] == pytest.approx(0.64, abs=0.06)


def test_weave_reads_the_place_that_it_says() -> None:
    """A linear ramp moved by any part of a pixel is the ramp at the moved place, exactly, as cubic interpolation must give."""
    ramp = np.tile(np.arange(40, dtype=np.float32)[:, None, None], (1, 30, 1))[None] + np.arange(30, dtype=np.float32)[:, None] * 10
    plan = plan_copy(draw_look(replace(OFF, weave=(1.0, 1.0)), rng()), 1, rng(5))
    dy, dx = plan.shifts[0]
    moved = transport(ramp[0], plan, 0)
    inside = slice(8, -8)
    assert moved[inside, inside] == pytest.approx(ramp[0, inside, inside] + dy + 10 * dx, abs=1e-3)


@given(st.floats(-0.5, 0.5), st.floats(0, 2))
@limits(max_examples=50, deadline=None)
def test_a_shift_keeps_the_brightness(shift: float, blur: float) -> None:
    assert float(shift_kernel(shift, blur).sum()) == pytest.approx(1, abs=1e-5)


@given(st.integers(1, 40), st.integers(-200, 200))
def test_mirrored_places_stay_inside(size: int, by: int) -> None:
    places = mirrored(size, by)
    assert len(places) == size and places.min() >= 0 and places.max() < size
    if size > 1:
        assert (np.abs(np.diff(places)) <= 1).all()


@given(st.integers(-30, 30), st.integers(-30, 30), st.sampled_from([np.float32, np.uint16, np.int8]))
@limits(max_examples=60, deadline=None)
def test_whole_pixels_are_read_from_where_the_mirror_says(rows: int, columns: int, kind: type) -> None:
    frame = np.arange(12 * 20).reshape(12, 20).astype(kind)
    plan = CopyPlan(*(np.ones((1, *s), np.float32) for s in ((), (3, 4), ())), np.array([[rows, columns]], np.float32))
    wanted = frame[mirrored(12, rows)][:, mirrored(20, columns)]
    assert np.array_equal(plan.move(frame[None])[0], wanted)


def test_layers_mix_to_unit_variance_and_blue_has_its_own() -> None:
    mix = mixing(GrainLook(0.02, 0.6, 0.0, 0.3, 0.0))
    assert mix @ mix.T == pytest.approx(np.full((3, 3), 0.7) + 0.3 * np.eye(3), abs=1e-6)
    blue = mixing(GrainLook(0.02, 0.6, 0.0, 0.3, 0.0, blue=1.5))
    assert (blue @ blue.T).diagonal() == pytest.approx([1, 1, 2.25], abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_of_it_at_once_keeps_range_and_shape(channels: int) -> None:
    clean = film(3, 33, 47, channels)
    degraded, matte = dirty(clean)
    r = rng()
    look = draw_look(OF_ALL, r, scale=2.0)
    out = copy_film(degraded, print_film(clean, look, r), matte, look, r)
    assert [a.shape for a in out] == [clean.shape, clean.shape, matte.shape]
    assert all(a.dtype == np.float32 and a.min() >= 0 and a.max() <= 1 for a in out)
    assert float((out[1] - clean).std()) > 0.01


def test_lengths_grow_with_the_picture() -> None:
    small, large = (draw_look(CopySettings(), rng(2), scale=s) for s in (1.0, 4.5))
    assert large.grain.size == pytest.approx(4.5 * small.grain.size)
    assert large.motion.weave == pytest.approx(4.5 * small.motion.weave)
    assert large.motion.flicker == small.motion.flicker


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"grain": (0.2, 0.1)}, "rising"), ({"jpeg": 2.0}, "share"), ({"stock": "nitrate"}, "stock"), ({"weave": 3}, "two numbers"),
     ({"jpeg_quality": (0, 50)}, "between 1 and 100")],
)  # fmt: skip
def test_a_wrong_setting_is_told_in_a_sentence(wrong: dict[str, object], word: str) -> None:
    with pytest.raises(DamageError, match=word):
        CopySettings(**wrong)  # type: ignore[arg-type]
