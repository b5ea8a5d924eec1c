"""The global residual: the paper's weight, noise that keeps its strength, and the whole frame as a square."""

import cv2
import numpy as np
import pytest

from frdm.diffusion.noise import NoiseField
from frdm.diffusion.residual import drawn_to, fused, weight
from frdm.diffusion.schedule import LAST, Schedule, noised
from frdm.diffusion.whole import WholeFrame, resized


def test_the_weight_is_the_papers() -> None:
    assert weight(LAST) == pytest.approx(0.5)
    assert weight(LAST / 2) == pytest.approx(0.25)
    assert weight(LAST / 4) == pytest.approx(0.25 * (1 + np.cos(0.75 * np.pi)))
    assert weight(0) == pytest.approx(0)
    assert all(weight(t) < weight(t + 1) for t in range(LAST))


def test_equation_1_by_hand() -> None:
    assert fused(np.array([2.0]), np.array([6.0]), LAST) == pytest.approx(4)
    assert fused(np.array([2.0]), np.array([6.0]), LAST / 2) == pytest.approx(3)


@pytest.mark.parametrize(("shared", "strength"), [(True, 1.0), (False, 0.7071)])
def test_one_field_keeps_the_noise_that_two_would_lose(shared: bool, strength: float) -> None:
    place = (range(1), range(200), range(200))
    own = NoiseField(1, 0, 1).at(*place)
    other = own if shared else NoiseField(2, 0, 1).at(*place)
    schedule, film = Schedule("scaled linear"), np.zeros_like(own)
    z = noised(film, own, LAST, schedule)
    got = drawn_to(z, film, other, t=LAST, schedule=schedule)
    assert got.std() / schedule.at(LAST)[1] == pytest.approx(strength, abs=0.01)


def test_the_film_is_drawn_towards_the_reference_and_the_noise_stays() -> None:
    schedule, noise = Schedule(), NoiseField(1, 0, 2).at(range(2), range(8), range(8))
    film, reference = np.zeros_like(noise), np.ones_like(noise)
    for t in (LAST, 600, 100):
        got = drawn_to(noised(film, noise, t, schedule), reference, noise, t=t, schedule=schedule)
        assert np.allclose(got, noised(film + weight(t) * reference, noise, t, schedule), atol=1e-6)


@pytest.mark.parametrize("size", [(30, 40), (24, 80), (17, 23)])
def test_shrinking_is_the_mean_over_each_pixels_area(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).random((120, 160)).astype(np.float32)
    assert np.allclose(resized(picture, size), cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), atol=1e-5)


def test_growing_is_linear() -> None:
    picture = np.random.default_rng(1).random((3, 12, 16)).astype(np.float32)
    wanted = np.stack([cv2.resize(plane, (70, 50), interpolation=cv2.INTER_LINEAR) for plane in picture])
    assert np.allclose(resized(picture, (50, 70)), wanted, atol=1e-5)


def test_a_whole_frame_lies_in_a_square_and_comes_back() -> None:
    rows, columns = np.mgrid[:90, :160].astype(np.float32) / 160
    film = np.stack([rows, columns, rows * 0 + 0.5])[:, None]
    whole = WholeFrame(90, 160, 64)
    squares = whole.reduced(film)
    assert squares.shape == (3, 1, 64, 64)
    assert whole.inner == (36, 64)
    assert np.array_equal(squares[..., 36:, :], np.repeat(squares[..., 35:36, :], 28, -2))
    assert np.abs(whole.enlarged(squares) - film).max() < 0.006  # edges alone are flat for half a pixel


def test_torch_gives_the_same() -> None:
    torch = pytest.importorskip("torch")
    film = np.random.default_rng(3).random((3, 2, 30, 50)).astype(np.float32)
    whole = WholeFrame(30, 50, 16)
    by_torch = whole.enlarged(whole.reduced(torch.from_numpy(film)))
    assert np.allclose(by_torch.numpy(), whole.enlarged(whole.reduced(film)), atol=1e-6)
