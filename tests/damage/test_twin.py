"""The tensor twin does what the numpy path does: equal values where there is no chance, equal moments and spectra where there is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.damage.copying import CopyLook, CopySettings, copy_film, draw_look, print_film
from frdm.damage.copying_motion import CopyPlan, expose
from frdm.damage.copying_motion import transport as transported
from frdm.damage.painting import Stock, seen
from frdm.errors import DamageError

torch = pytest.importorskip("torch")

from frdm.damage import twin  # noqa: E402

OFF = CopySettings.none()
MEDIUM = CopySettings(jpeg=0, rescale=0)


def generator(seed: int = 0) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def pictures(shape: tuple[int, ...], seed: int = 1) -> NDArray[np.float32]:
    """Smooth films (B, T, H, W, C) of all tones."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[2], 0 : shape[3]] / 15
    phase = rng.uniform(0, 6, (shape[0], shape[1], 1, 1, shape[4]))
    return np.asarray(0.5 + 0.45 * np.sin(x[..., None] + phase) * np.cos(y[..., None] - phase), np.float32)


def tensor(films: NDArray[np.float32]) -> "torch.Tensor":
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(films, -1, 2)))


def array(films: "torch.Tensor") -> NDArray[np.float32]:
    return np.moveaxis(films.numpy(), 2, -1)


def looks(settings: CopySettings, number: int = 2) -> list[CopyLook]:
    return [draw_look(settings, np.random.default_rng(s)) for s in range(number)]


def spectrum(films: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean log power in rings of spatial frequency."""
    films = films - films.mean((-2, -1), keepdims=True)
    power = (np.abs(np.fft.fft2(films)) ** 2).reshape(-1, *films.shape[-2:]).mean(0)
    fy, fx = np.meshgrid(*(np.fft.fftfreq(s) for s in power.shape), indexing="ij")
    ring = np.minimum((np.hypot(fy, fx) * 20).astype(int), 9)
    return np.array([np.log(power[ring == r].mean()) for r in range(1, 10)])


def test_painted_values_are_those_of_the_numpy_path() -> None:
    films = pictures((2, 3, 40, 48, 3))
    rng = np.random.default_rng(0)
    density = (rng.normal(0, 1, films.shape) * (rng.random(films.shape[:4]) < 0.3)[..., None]).astype(np.float32)
    stocks = [Stock(), Stock(black=0.1, white=0.8)]
    out, opacity = twin.paint(tensor(films), tensor(density), stocks)
    for b, stock in enumerate(stocks):
        wanted = seen(films[b], density[b], stock)
        changed = np.abs(wanted - films[b]).max(-1) >= 0.5 / 255
        assert np.abs(array(out)[b] - wanted)[changed].max() < 1e-5
        assert np.array_equal(array(out)[b][~changed], films[b][~changed])
        opaque = 1 - 10.0 ** -np.abs(density[b]).max(-1)
        assert np.abs(opacity[b].numpy() - opaque)[changed].max() < 1e-5
    assert not opacity[:, :, (density == 0).all((0, 1, 4))].any()


def test_nothing_fainter_than_tau_touches_the_film() -> None:
    films = tensor(pictures((1, 1, 16, 16, 1)))
    density = torch.full_like(films, 0.02)
    out, opacity = twin.paint(films, density, [Stock()], tau=0.1)
    assert torch.equal(out, films) and not opacity.any()


def test_one_density_for_all_channels_is_grey_dirt() -> None:
    films = tensor(pictures((1, 2, 16, 20, 3)))
    density = torch.rand((1, 2, 1, 16, 20), generator=generator())
    out, _ = twin.paint(films, density, [Stock()])
    wide, _ = twin.paint(films, density.expand(-1, -1, 3, -1, -1), [Stock()])
    assert torch.equal(out, wide)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_plan_moves_blurs_and_lights_alike(channels: int) -> None:
    films = pictures((2, 3, 37, 45, channels))
    plans = twin.draw_plans(
        looks(replace(OFF, weave=(2.0, 2.0), flicker=(0.1, 0.1), scan_blur=(0.3, 1.0), breathing=(1.0, 1.0))), 3, generator()
    )
    got = array(twin.transport(tensor(films) * twin.exposures(plans, (37, 45)), plans))
    assert float(plans.shifts.abs().max()) > 1.5  # whole pixels too
    for b in range(2):
        plan = CopyPlan(*(v[b].numpy() for v in (plans.exposure, plans.shading, plans.blur, plans.shifts)))
        wanted = np.stack([transported(expose(frame, plan, t), plan, t) for t, frame in enumerate(films[b])])
        assert np.abs(got[b] - wanted).max() < 2e-4


def test_printing_without_grain_is_equal() -> None:
    films = pictures((3, 2, 32, 40, 3))
    each = looks(replace(OFF, blur=(0.0, 1.0), fading=(0.0, 0.3), colour_shift=True), 3)
    got = array(twin.print_batch(tensor(films), each, generator()))
    for b, look in enumerate(each):
        assert np.abs(got[b] - print_film(films[b], look, np.random.default_rng(0))).max() < 1e-5


@pytest.mark.parametrize(("channels", "clumps"), [(1, 0.0), (3, 0.3)])
def test_grain_is_equal_in_strength_spectrum_tone_and_layers(channels: int, clumps: float) -> None:
    settings = replace(OFF, grain=(0.03, 0.03), grain_size=(0.5, 1.0), grain_clumps=(clumps, clumps))
    each = looks(settings)
    films = pictures((2, 6, 96, 96, channels))
    ours = array(twin.print_batch(tensor(films), each, generator())) - films
    theirs = np.stack([print_film(film, look, np.random.default_rng(9)) for film, look in zip(films, each, strict=True)]) - films
    for b in range(2):
        assert ours[b].std() == pytest.approx(theirs[b].std(), rel=0.02)
        assert abs(float(ours[b].mean())) < 1e-3
        assert np.abs(spectrum(np.moveaxis(ours[b], -1, 1)) - spectrum(np.moveaxis(theirs[b], -1, 1))).max() < 0.12
        for low in (0.1, 0.4, 0.8):
            where = (films[b] > low) & (films[b] < low + 0.1)
            assert ours[b][where].std() == pytest.approx(theirs[b][where].std(), rel=0.05)
        if channels == 3:
            one, other = (np.corrcoef(g[b].reshape(-1, 3).T) for g in (ours, theirs))
            assert np.abs(one - other).max() < 0.03
    assert abs(np.corrcoef(ours[0, 0].ravel(), ours[0, 1].ravel())[0, 1]) < 0.03


def test_grey_films_get_grey_grain_beside_coloured_ones() -> None:
    films = np.concatenate([np.repeat(pictures((1, 2, 32, 32, 1)), 3, -1), pictures((1, 2, 32, 32, 3))])
    each = looks(replace(OFF, grain=(0.03, 0.03)))
    assert twin.greys(tensor(films), each) == [True, False]
    out = twin.print_batch(tensor(films), each, generator())
    assert torch.equal(out[0, :, 0], out[0, :, 2]) and not torch.equal(out[1, :, 0], out[1, :, 2])


def moments(exposure: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    logs = np.log(np.asarray(exposure))
    return float(logs.std()), float(np.corrcoef(logs[:, 1:].ravel(), logs[:, :-1].ravel())[0, 1])


def test_flicker_and_weave_are_equal_in_distribution() -> None:
    settings = replace(OFF, flicker=(0.05, 0.05), flicker_memory=(0.6, 0.6), weave=(0.7, 0.7), weave_memory=(3.0, 3.0))
    look = looks(settings, 1)[0]
    plans = twin.draw_plans([look] * 600, 8, generator())
    from frdm.damage.copying import plan_copy

    rng = np.random.default_rng(3)
    ours, theirs = list(plans.exposure.numpy()), [plan_copy(look, 8, rng) for _ in range(600)]
    assert moments(ours) == pytest.approx(moments([p.exposure for p in theirs]), abs=0.05)
    assert moments(ours)[0] == pytest.approx(0.05 * 0.5**0.5, rel=0.06)
    assert np.log(ours).mean() == pytest.approx(np.log([p.exposure for p in theirs]).mean(), abs=0.003)
    assert np.log(plans.shading.numpy()).std() == pytest.approx(np.log([p.shading for p in theirs]).std(), rel=0.03)
    assert plans.shifts.numpy().std() == pytest.approx(np.std([p.shifts for p in theirs]), rel=0.06)


def test_a_whole_batch_changes_nothing_but_the_damage() -> None:
    films = tensor(pictures((2, 3, 48, 64, 3)))
    density = torch.zeros((2, 3, 1, 48, 64))
    density[:, 1, :, 20:26, 30:40] = 1.0
    each = looks(replace(MEDIUM, rescale=1.0))
    batch = twin.damage_batch(films, density, each, [Stock()] * 2, generator())
    again = twin.damage_batch(films, density, each, [Stock()] * 2, generator())
    assert torch.equal(batch.degraded, again.degraded) and torch.equal(batch.mask, again.mask)
    assert torch.equal(batch.degraded[:, 0], batch.pristine[:, 0])
    assert batch.mask[:, 1].any() and not batch.mask[:, 0].any()
    assert float((batch.degraded - batch.pristine).abs().amax(2)[batch.mask].mean()) > 0.1
    assert float(batch.degraded.min()) >= 0 and float(batch.degraded.max()) <= 1


def test_rescaling_is_equal() -> None:
    films = np.random.default_rng(0).random((2, 2, 51, 64, 3), dtype=np.float32)
    each = looks(replace(OFF, rescale=1.0, rescale_factor=(0.5, 0.9)))
    matte = np.zeros(films.shape[:4], np.float32)
    got = array(twin.copy_batch(tensor(films), tensor(films), torch.from_numpy(matte), each, generator())[1])
    for b, look in enumerate(each):
        wanted = copy_film(films[b], films[b], matte[b], look, np.random.default_rng(0))[1]
        assert np.abs(got[b] - wanted).max() < 1e-5


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [30, 75, 95])
def test_jpeg_is_libjpegs_to_a_rounding_here_and_there(channels: int, quality: int) -> None:
    rng = np.random.default_rng(0)
    films = np.clip(pictures((1, 2, 45, 70, channels)) + rng.normal(0, 0.03, (1, 2, 45, 70, 1)), 0, 1).astype(np.float32)
    each = looks(replace(OFF, jpeg=1.0, jpeg_quality=(quality, quality)), 1)
    matte = torch.zeros((1, 2, 45, 70))
    got = array(twin.copy_batch(tensor(films), tensor(films), matte, each, generator())[1])[0]
    wanted = copy_film(films[0], films[0], matte[0].numpy(), each[0], np.random.default_rng(0))[1]
    apart = np.abs(got - wanted) * 255
    assert apart.mean() < 0.8  # of a code; the loss itself is several
    assert np.abs(got - films[0]).mean() == pytest.approx(np.abs(wanted - films[0]).mean(), rel=0.02)


def test_movie_compression_is_refused_in_a_sentence() -> None:
    films = tensor(pictures((1, 1, 16, 16, 1)))
    with pytest.raises(DamageError, match="MPEG"):
        twin.copy_batch(films, films, films[:, :, 0], looks(replace(OFF, mpeg=1.0), 1), generator())


@pytest.mark.gpu
def test_it_runs_on_a_gpu_as_on_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    films = tensor(pictures((2, 3, 48, 64, 3))).cuda()
    density = torch.rand((2, 3, 1, 48, 64), device="cuda")
    batch = twin.damage_batch(films, density, looks(MEDIUM), [Stock()] * 2, torch.Generator("cuda").manual_seed(0))
    assert batch.degraded.is_cuda and bool(torch.isfinite(batch.degraded).all())
    plans = twin.draw_plans(looks(MEDIUM), 3, generator())
    here = twin.transport(films.cpu(), plans)
    assert float((twin.transport(films, plans).cpu() - here).abs().max()) < 1e-4
