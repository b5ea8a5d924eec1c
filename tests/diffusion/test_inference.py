"""Inference whole, around nets whose answers are known."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from diffusion.nets import Known, as_scanned, local
from frdm.diffusion.arrays import Array
from frdm.diffusion.asking import Conditions, Crop, Footage, Inference
from frdm.diffusion.inference import restore, restore_tiles
from frdm.diffusion.planning import Plan
from frdm.diffusion.schedule import Schedule, noise_of, prediction_of
from frdm.diffusion.whole import WholeFrame
from frdm.errors import RecipeError

SMALL = Inference(tile=24, overlap=8, frames=3, frames_overlap=1, steps=3, context=24, sampler="ddim")


def footage(frames: int = 4, *, height: int = 50, width: int = 61, planes: int = 1, first: int = 100) -> Footage:
    """Noise of its own on a slope, so that no two places are alike."""
    rng = np.random.default_rng(4)
    film = rng.random((planes, frames, height, width)) * 0.5 + np.linspace(0, 0.5, width)
    return Footage(film.astype(np.float32), first=first, shot=90)


@pytest.mark.parametrize("sampler", ["ddim", "dpm", "consistency"])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("predicts", ["clean", "velocity", "noise"])
def test_a_net_that_finds_nothing_gives_the_film_back(sampler: str, residual: bool, predicts: str) -> None:
    schedule = Schedule("scaled linear", predicts)

    def guess(z: Array, t: float, conditions: Conditions) -> Array:
        return prediction_of(conditions.latents, noise_of(conditions.latents, z, t, Schedule("scaled linear", "clean")), t, schedule)

    shown = footage(planes=2)
    restored = restore(Known(guess, schedule=schedule), shown, replace(SMALL, sampler=sampler, residual=residual))
    assert restored.shape == shown.film.shape
    assert np.abs(restored - shown.film).max() < 3e-5


@pytest.mark.parametrize("sampler", ["ddim", "dpm", "consistency"])
@pytest.mark.parametrize("residual", [True, False])
def test_only_tiles_near_the_matte_give_the_same_inside_it(sampler: str, residual: bool) -> None:
    shown = footage(height=96, width=120)
    matte = np.zeros(shown.film.shape[1:], bool)
    matte[2, 20:26, 30:34] = matte[:, 70:73, 90:99] = True
    settings = replace(SMALL, sampler=sampler, residual=residual, context=2 * SMALL.steps)  # the net sees 2 px a step
    dense_net, sparse_net = Known(local), Known(local)
    dense = restore(dense_net, shown, settings)
    sparse = restore(sparse_net, replace(shown, matte=matte), settings)
    assert np.abs(dense - sparse)[:, matte].max() < 1e-6
    assert np.abs(dense - shown.film)[:, matte].max() > 0.02
    assert len(tiles_of(sparse_net)) < 0.6 * len(tiles_of(dense_net))


def is_whole(conditions: Conditions) -> bool:
    """Whether the whole frames were shown, not tiles of them."""
    top, left, bottom, right = conditions.boxes[0]
    return (bottom - top, right - left) == conditions.size


def tiles_of(net: Known) -> list[tuple[float, ...]]:
    """The boxes of all tiles of the film that a net was asked, one by one."""
    return [tuple(box) for one in net.asked if not is_whole(one) for box in one.boxes]


@pytest.mark.parametrize("residual", [True, False])
def test_a_crop_gives_what_the_whole_frame_gives(residual: bool) -> None:
    def guess(z: Array, t: float, conditions: Conditions) -> Array:
        return np.asarray(0.5 * conditions.latents + 0.3 * z + 0.1 * conditions.whole_latents.mean(), np.float32)

    shown = footage(3, height=97, width=121)
    matte = np.zeros(shown.film.shape[1:], bool)
    matte[1, 70:76, 60:66] = True
    settings = replace(SMALL, residual=residual, context=8)
    whole = restore(Known(guess), replace(shown, matte=matte), settings)
    squares = WholeFrame(98, 122, 24).reduced(np.pad(shown.film, [(0, 0), (0, 0), (0, 1), (0, 1)], mode="edge"))
    part = (slice(None), slice(50, 97), slice(40, 90))
    cut = Footage(shown.film[:, *part], first=100, shot=90, matte=matte[part], crop=Crop(50, 40, 97, 121, squares))
    restored = restore(Known(guess), cut, settings)
    assert np.abs(restored - whole[:, *part])[:, matte[part]].max() < 1e-6


def test_far_from_the_matte_the_film_is_as_it_was() -> None:
    shown = footage(height=96, width=120)
    matte = np.zeros(shown.film.shape[1:], bool)
    matte[1, 10:14, 10:14] = True
    restored = restore(Known(local), replace(shown, matte=matte), replace(SMALL, context=4))
    assert np.abs(restored - shown.film)[..., 60:, 60:].max() < 1e-6


@pytest.mark.parametrize("sampler", ["ddim", "consistency"])
def test_how_much_is_done_at_once_changes_nothing(sampler: str) -> None:
    settings = replace(SMALL, sampler=sampler)
    results = [restore(Known(local), footage(), settings, plan) for plan in (Plan(1, 1), Plan(3, 2), Plan(64, 4))]
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def over_time(z: Array, t: float, conditions: Conditions) -> Array:
    """Each frame drawn to the mean of its window: what one window makes depends on all of its frames."""
    return (0.5 * conditions.latents + 0.2 * z + 0.3 * z.mean(2, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("residual", [True, False])
def test_a_range_with_its_reach_gives_what_the_shot_gives(residual: bool) -> None:
    settings = replace(SMALL, steps=2, residual=residual)
    shown = footage(46, height=24, width=30)
    shot = restore(Known(over_time), shown, settings)
    assert settings.reach == (12 if residual else 6)
    first, last = 18 - settings.reach, 24 + settings.reach
    part = restore(Known(over_time), replace(shown, film=shown.film[:, first:last], first=100 + first), settings)
    assert np.abs(part[:, settings.reach : -settings.reach] - shot[:, 18:24]).max() < 1e-6
    assert np.abs(part - shot[:, first:last]).max() > 1e-4  # at its ends it can't know


def test_the_seed_decides_and_nothing_else() -> None:
    settings = replace(SMALL, steps=2)
    one, again, other = (restore(Known(local), footage(), replace(settings, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


def test_what_a_net_is_shown_fits_together() -> None:
    shown = replace(footage(5, height=48, width=64, planes=2), prompt="a street")
    matte = np.zeros((5, 48, 64), bool)
    matte[:, 30, 40] = True
    net = Known(as_scanned)
    restore(net, replace(shown, matte=matte), SMALL, Plan(3))
    small, large = ([one for one in net.asked if is_whole(one) == whole] for whole in (True, False))
    assert len(small) == SMALL.steps  # its two windows at once
    assert large
    for one in net.asked:
        assert one.size == (64, 64)
        assert one.prompt == "a street"
        assert one.scan.shape[1:] == one.whole.shape[1:] == (2, 3, 24, 24)
        assert one.latents.shape[1:] == one.whole_latents.shape[1:] == (8, 3, 12, 12)
    for one in small:
        assert one.matte.any((1, 2, 3)).all()
        assert np.array_equal(one.boxes, np.tile(np.float32([0, 0, 64, 64]), (len(one.boxes), 1)))
        assert np.array_equal(one.scan, one.whole)
    for one in large:
        for number, (top, left, bottom, right) in enumerate(one.boxes.astype(int)):
            frames = slice(one.frames[number] - 100, one.frames[number] - 97)
            assert np.array_equal(one.scan[number], shown.film[:, frames, top:bottom, left:right])
            assert np.array_equal(one.matte[number], matte[frames, top:bottom, left:right])


@dataclass
class Remembered:
    """What the tiles of one step left."""

    places: list[tuple[int, int, int]] = field(default_factory=list)


def test_neighbours_come_first_and_each_step_begins_with_an_empty_memory() -> None:
    memories: list[Remembered] = []

    def remembers() -> Remembered:
        memories.append(Remembered())
        return memories[-1]

    def guess(z: Array, t: float, conditions: Conditions) -> Array:
        assert conditions.memory is memories[-1]
        conditions.memory.places += conditions.places
        return conditions.latents

    restore(Known(guess, remembers=remembers), footage(), SMALL, Plan(2))
    assert len(memories) == 2 * SMALL.steps  # both passes
    for memory in memories:
        order = {place: number for number, place in enumerate(memory.places)}
        assert len(order) == len(memory.places)
        for window, row, column in memory.places:
            for earlier in ((window, row - 1, column), (window, row, column - 1)):
                assert order.get(earlier, -1) < order[window, row, column]


def test_without_a_cache_nothing_is_remembered() -> None:
    net = Known(remembers=Remembered)
    restore(net, footage(), replace(SMALL, cache=False))
    assert all(one.memory is None for one in net.asked)


def test_the_residual_is_what_the_squares_gave() -> None:
    """A net that sees the picture's tone only when it sees the whole of it, and else believes in z: the residual tells its tiles."""

    def guess(z: Array, t: float, conditions: Conditions) -> Array:
        return np.ones_like(z) if is_whole(conditions) else Schedule("cosine", "clean").at(t)[0] * z

    grey = replace(footage(), film=np.full((1, 4, 50, 61), 0.5, np.float32))
    tones = [float(restore(Known(guess), grey, replace(SMALL, steps=8, residual=on)).mean()) for on in (False, True)]
    assert tones[0] == pytest.approx(0.5, abs=0.02)
    assert tones[1] > 0.6


def test_when_memory_runs_out_less_is_done_at_once() -> None:
    class OutOfMemoryError(RuntimeError):
        pass

    def narrow(z: Array, t: float, conditions: Conditions) -> Array:
        if len(z) > 2:
            raise OutOfMemoryError
        return local(z, t, conditions)

    assert np.array_equal(restore(Known(narrow), footage(), SMALL, Plan(8)), restore(Known(local), footage(), SMALL))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (replace(SMALL, tile=512, overlap=128), "tile 512: larger than the film's frame of 61 × 50"),
        (replace(SMALL, tile=25), "tile 25: a multiple of 2 was wanted"),
        (replace(SMALL, overlap=20), "an overlap of 0 to 6 was wanted, 10 found"),
        (replace(SMALL, steps=0), "steps 0: 1 to 1000 were wanted"),
    ],
)
def test_settings_that_can_not_be_are_one_sentence(settings: Inference, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        restore(Known(), footage(), settings)


@pytest.mark.parametrize("sampler", ["ddim", "dpm", "consistency"])
def test_torch_gives_the_same(sampler: str) -> None:
    pytest.importorskip("torch")

    def guess(z: Array, t: float, conditions: Conditions) -> Array:
        return 0.5 * conditions.latents + 0.3 * z + 0.2 * conditions.whole_latents

    shown = footage(planes=2)
    matte = np.zeros(shown.film.shape[1:], bool)
    matte[1, 10:14, 10:14] = True
    settings = replace(SMALL, sampler=sampler)
    for one in (shown, replace(shown, matte=matte)):
        by_numpy: NDArray[np.float32] = restore(Known(guess), one, settings, Plan(4))
        by_torch = restore(Known(guess, torch=True), one, settings, Plan(4))
        assert np.allclose(by_torch.numpy(), by_numpy, atol=2e-6)


def pieces() -> list[Footage]:
    """Crops of one tile each, at five places of one film."""
    shown = footage(frames=3, height=96, width=120)
    squares = WholeFrame(96, 120, SMALL.tile).reduced(shown.film)
    out = []
    for place, (top, left) in enumerate([(0, 0), (30, 44), (70, 2), (12, 96), (72, 96)]):
        film = shown.film[..., top : top + 24, left : left + 24]
        matte = np.zeros(film.shape[1:], bool)
        matte[1, 3 + place : 9, 5:8] = True
        out.append(replace(shown, film=film, matte=matte, crop=Crop(top, left, 96, 120, squares)))
    return out


@pytest.mark.parametrize("sampler", ["ddim", "dpm", "consistency"])
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_tiles_that_are_asked_for_together_are_what_they_are_alone(sampler: str, batch: int) -> None:
    settings = replace(SMALL, sampler=sampler, residual=False, frames_overlap=0)
    together = restore_tiles(Known(local), pieces(), settings, Plan(batch))
    for made, piece in zip(together, pieces(), strict=True):
        assert np.array_equal(made, restore(Known(local), piece, settings))


def test_a_piece_that_is_no_tile_is_refused() -> None:
    with pytest.raises(RecipeError, match="tiles: a piece of 4 frames of 61 × 50 found; give crops of one tile each"):
        restore_tiles(Known(local), [footage()], SMALL)
