"""A fill has the grain of its film: as much, as coarse, shared between planes as far; and none where its frames share theirs."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import tiny
from frdm.fills.neighbours import Ground, fill
from frdm.fills.regrain import fresh_grain, planes_by_size
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Mask, Real, Shot
from frdm.motion.reel import Reel
from frdm.recipe import Filling
from frdm.signal.grain import high_pass, measure_grain

HOLE = Defect("stain", "dark", Box(3, 50, 60, 110, 130), np.ones((60, 70), bool), 1.0)
RGB = Encoding("rgb", 16, white=65535)


def filled(frames: list[list[Real]], encoding: Encoding) -> tuple[list[Real], Mask]:
    """What is laid into the hole of the fourth of some frames (planes 0 … 1 each), as such planes, and where."""
    film = [Frame(i, tuple(tiny.codes(plane, 16) for plane in frame)) for i, frame in enumerate(frames)]
    with ThreadPoolExecutor(2) as pool:
        window = Reel(film, encoding, Shot(0, len(film)), 0, pool).window(3)
    suspects = np.zeros(window.luma.shape, bool)
    suspects[HOLE.box.rows, HOLE.box.columns] = True
    ground = Ground(encoding, suspects, np.full(window.luma.shape, 0.03, np.float32), tuple(measure_grain(p) for p in film[3].planes))
    made = fill(window, HOLE, ground, Filling())
    assert made.patch is not None
    crop = made.patch.box
    shown = [frame.copy() for frame in frames[3]]
    for plane, codes, matte in zip(shown, made.patch.codes, made.patch.mattes, strict=True):
        plane[crop.rows, crop.columns][matte == WHOLE] = codes[matte == WHOLE].astype(np.float32) / 65535
    return shown, ~suspects


def grainy(blur: float, shared: float, planes: int) -> list[list[Real]]:
    """Seven grey frames whose grain is new in every one, `shared` of its power the same in all planes."""
    random, out = np.random.default_rng(4), []
    for _ in range(7):
        noise = [cv2.GaussianBlur(one, (0, 0), blur) for one in random.standard_normal((planes + 1, 160, 200)).astype(np.float32)]
        mixed = [np.sqrt(shared) * noise[-1] + np.sqrt(1 - shared) * one for one in noise[:-1]]
        out.append([np.asarray(0.5 + 0.03 * one / one.std(), np.float32) for one in mixed])
    return out


@pytest.mark.parametrize("blur", [0.7, 1.2])
def test_grain_is_as_strong_and_as_coarse_as_the_films(blur: float) -> None:
    frames = grainy(blur, 0.0, 1)
    (shown,), _ = filled(frames, Encoding("y", 16, white=65535))
    inside = HOLE.box.rows, HOLE.box.columns
    sigmas = (0.0, 0.7, 1.5, 3.0)
    for near, far in itertools.pairwise(sigmas):
        power = []
        for one in (shown, frames[3][0]):
            fine, coarse = (cv2.GaussianBlur(one, (0, 0), s) if s else one for s in (near, far))
            power.append(float(((fine - coarse)[inside] ** 2).mean()))
        assert 0.55 < power[0] / power[1] < 1.25, (near, far)


def test_planes_share_it_as_the_films_do() -> None:
    frames = grainy(0.8, 0.5, 3)
    shown, _ = filled(frames, RGB)
    inside = HOLE.box.rows, HOLE.box.columns
    fine = [high_pass(one)[inside].ravel() for one in shown]
    assert np.corrcoef(fine[0], fine[1])[0, 1] == pytest.approx(0.5, abs=0.15)
    assert np.corrcoef(fine[0], fine[2])[0, 1] == pytest.approx(0.5, abs=0.15)


def test_grain_that_all_frames_share_stays_and_gets_no_other() -> None:
    """So compression leaves it on what stands still."""
    frames = [grainy(0.8, 0.0, 1)[0]] * 7
    (shown,), _ = filled([[plane.copy() for plane in frame] for frame in frames], Encoding("y", 16, white=65535))
    missed = (shown - frames[3][0])[HOLE.box.rows, HOLE.box.columns]
    assert float(missed.std()) < 0.006, "a fifth of the grain"


def test_of_too_little_film_grain_is_shared_where_it_is_alike() -> None:
    random = np.random.default_rng(1)
    first, other = random.normal(0, 1, (2, 30, 30)).astype(np.float32)
    sound = np.zeros((30, 30), bool)
    sound[:9, :9] = True
    drawn = fresh_grain([first, first, other], sound, [0.6] * 3, [0, 1, 2], lambda plane: np.random.default_rng(plane))
    assert np.array_equal(drawn[0].fine, drawn[1].fine)
    assert not np.array_equal(drawn[0].fine, drawn[2].fine)
    assert not drawn[0].slow.any()


def test_planes_of_one_size_are_together() -> None:
    assert planes_by_size(RGB) == [[0, 1, 2]]
    assert planes_by_size(Encoding("ycbcr", 8, subsampling=(2, 2))) == [[0], [1, 2]]
    assert planes_by_size(Encoding("y", 8)) == [[0]]
