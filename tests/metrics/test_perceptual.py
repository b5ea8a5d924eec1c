"""Learned scores: mechanics with random weights against torchmetrics' own networks, and ST-LPIPS with real ones where they are."""

import importlib.util
import os
import sys
import types
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from frdm.errors import MetricError
from frdm.metrics.perceptual import CLIP, clip_features, colour_video_vdp, frechet_distance, fvd, load_dists, load_i3d, load_lpips
from metrics.drawn import textured

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn
SHARED = Path(os.environ.get("FRDM_SHARED", Path(__file__).parents[3] / "shared"))
PICTURE = textured(1, (1, 96, 112))[0]


def noisy(spread: float, seed: int = 2) -> Any:
    return np.clip(PICTURE + np.random.default_rng(seed).normal(0, spread, PICTURE.shape), 0, 255).astype(np.uint8)


class Fire(nn.Module):  # type: ignore[misc,name-defined]
    """SqueezeNet's layer as torchvision names its parts."""

    def __init__(self, into: int, few: int, out: int) -> None:
        super().__init__()
        self.squeeze, self.expand1x1 = nn.Conv2d(into, few, 1), nn.Conv2d(few, out, 1)
        self.expand3x3 = nn.Conv2d(few, out, 3, padding=1)

    def forward(self, x: Any) -> Any:
        few = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(few).relu(), self.expand3x3(few).relu()], 1)


def alex() -> Any:
    relu, pool = nn.ReLU, lambda: nn.MaxPool2d(3, 2)
    layers = [nn.Conv2d(3, 64, 11, 4, 2), relu(), pool(), nn.Conv2d(64, 192, 5, 1, 2), relu(), pool(), nn.Conv2d(192, 384, 3, 1, 1), relu()]
    return nn.Sequential(*layers, nn.Conv2d(384, 256, 3, 1, 1), relu(), nn.Conv2d(256, 256, 3, 1, 1), relu(), pool())


def vgg() -> Any:
    layers, into = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(into, width, 3, 1, 1), nn.ReLU()] if width else [nn.MaxPool2d(2, 2)]
        into = width or into
    return nn.Sequential(*layers)


def squeeze() -> Any:
    def pool() -> Any:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    layers = [
        nn.Conv2d(3, 64, 3, 2),
        nn.ReLU(),
        pool(),
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        pool(),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
    ]
    return nn.Sequential(*layers, pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))


@pytest.mark.parametrize(("name", "network"), [("alex", alex), ("vgg", vgg), ("squeeze", squeeze)])
def test_lpips_is_torchmetrics(name: Any, network: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random backbone, the linear layers that torchmetrics brings: both must say the same."""
    from torchmetrics.functional.image import lpips

    torch.manual_seed(3)
    backbone = network()
    torch.save({f"features.{key}": value for key, value in backbone.state_dict().items()}, tmp_path / "net.pth")
    monkeypatch.setattr(lpips, "_get_tv_model_features", lambda *_: backbone)
    theirs = lpips._LPIPS(net=name)
    ours = load_lpips(tmp_path / "net.pth")
    assert ours.net == name
    batches = [torch.from_numpy(p.transpose(2, 0, 1)[None].astype(np.float32) / 255) for p in (PICTURE, noisy(20))]
    with torch.inference_mode():
        expected = float(theirs(*batches, normalize=True))
    assert ours(PICTURE, noisy(20)) == pytest.approx(expected, rel=1e-3)
    assert ours(PICTURE, PICTURE) == 0
    assert ours(PICTURE / 255, noisy(20) / 255, peak=1.0) == pytest.approx(ours(PICTURE, noisy(20)), rel=1e-4)


def test_dists_is_torchmetrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchmetrics.functional.image import dists

    torch.manual_seed(4)
    backbone = vgg()
    torch.save({f"features.{key}": value for key, value in backbone.state_dict().items()}, tmp_path / "vgg.pth")
    monkeypatch.setattr(dists, "_TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr(dists, "VGG16_Weights", types.SimpleNamespace(DEFAULT=None), raising=False)
    monkeypatch.setattr(dists, "vgg16", lambda weights: types.SimpleNamespace(features=backbone), raising=False)
    monkeypatch.setattr(dists.torch, "load", lambda path, load=torch.load: load(path, map_location="cpu"))
    theirs = dists.DISTSNetwork()
    monkeypatch.undo()
    ours = load_dists(tmp_path / "vgg.pth")
    for other in (noisy(20), cv2.GaussianBlur(PICTURE, (0, 0), 2)):
        batches = [torch.from_numpy(p.transpose(2, 0, 1)[None].astype(np.float32) / 255) for p in (PICTURE, other)]
        assert ours(PICTURE, other) == pytest.approx(float(theirs(*batches).detach()), abs=2e-4)
    assert ours(PICTURE, PICTURE) == pytest.approx(0, abs=1e-6)


@pytest.fixture(scope="module")
def st_lpips() -> Any:
    place = SHARED / "weights" / "stlpips_alex_fp16.safetensors"
    if not place.is_file():
        pytest.skip("ST-LPIPS' weights are not here: FRDM_SHARED names the folder that holds weights/")
    return load_lpips(place)


def test_st_lpips_has_the_values_that_are_told_of_it(st_lpips: Any) -> None:
    """About what was told with the weights, of another picture: random .904, shift .0035, noise .012 .149 .535, blur .063 .284 .497."""
    from skimage.data import astronaut

    picture = astronaut()[:256, :384]
    rng = np.random.default_rng(0)

    def grained(sigma: float) -> Any:
        return np.clip(picture + 255 * rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)

    assert st_lpips.net == "st-alex"
    assert st_lpips(picture, picture) == 0
    assert st_lpips(picture, rng.integers(0, 256, picture.shape).astype(np.uint8)) == pytest.approx(0.904, abs=0.04)
    assert st_lpips(picture, np.roll(picture, 1, 1)) == pytest.approx(0.0035, abs=0.002)
    assert [st_lpips(picture, grained(sigma)) for sigma in (0.01, 0.03, 0.1)] == pytest.approx([0.012, 0.149, 0.535], abs=0.06)
    blurs = [st_lpips(picture, cv2.GaussianBlur(picture, (0, 0), sigma)) for sigma in (0.7, 1.5, 3)]
    assert blurs == pytest.approx([0.063, 0.284, 0.497], abs=0.03)


def test_st_lpips_is_its_example(st_lpips: Any) -> None:
    """To the last digit what the loader beside the weights computes."""
    place = SHARED / "weights" / "load_example.py"
    if not place.is_file():
        pytest.skip("the loader beside the weights is not here")
    spec = importlib.util.spec_from_file_location("load_example", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = module.load_all(str(place.parent))["stlpips"]
    for other in (noisy(5), noisy(40), np.roll(PICTURE, 2, 0)):
        batches = [torch.from_numpy(p.transpose(2, 0, 1)[None].astype(np.float32) / 255) for p in (PICTURE, other)]
        with torch.inference_mode():
            assert st_lpips(PICTURE, other) == pytest.approx(float(theirs(*batches)), rel=1e-5)


def test_st_lpips_grows_with_damage(st_lpips: Any) -> None:
    from skimage.data import astronaut

    picture, values = astronaut()[:256, :384], []
    for specks in (0, 2, 8, 30):
        damaged = picture.copy()
        for number in range(specks):
            cv2.circle(damaged, (20 + 137 * number % 350, 15 + 59 * number % 230), 4, (5, 5, 5), -1)
        values.append(st_lpips(picture, damaged))
    assert values[0] == 0
    assert all(a < b for a, b in pairwise(values))


def test_frechet_distance_by_hand_and_by_torchmetrics() -> None:
    from torchmetrics.image.fid import _compute_fid

    rng = np.random.default_rng(5)
    narrow = np.array([[1.0], [3.0]])  # mean 2, variance 2
    wide = np.array([[2.0], [10.0]])  # mean 6, variance 32
    assert frechet_distance(narrow, wide) == pytest.approx(16 + (np.sqrt(32) - np.sqrt(2)) ** 2)
    one, other = rng.normal(0, 1, (60, 5)), rng.normal(0.4, 1.5, (70, 5)) @ rng.normal(0, 1, (5, 5))
    parts = [part for values in (one, other) for part in (torch.from_numpy(values.mean(0)), torch.from_numpy(np.cov(values, rowvar=False)))]
    assert frechet_distance(one, other) == pytest.approx(float(_compute_fid(*parts)), rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


class Drawn(nn.Module):  # type: ignore[misc,name-defined]
    """A stand-in for I3D: means and roughness of the clip, behind the same call."""

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:  # type: ignore[name-defined]
        rough = (x[:, :, 1:] - x[:, :, :-1]).abs().mean(dim=[2, 3, 4])
        return torch.cat([x.mean(dim=[2, 3, 4]), rough], dim=1)


def test_fvd_with_a_drawn_network(tmp_path: Path) -> None:
    torch.jit.script(Drawn()).save(str(tmp_path / "i3d.pt"))
    network = load_i3d(tmp_path / "i3d.pt")
    film = textured(2, (2 * CLIP + 5, 64, 72))
    features = clip_features(film, network)
    assert features.shape == (2, 6)
    assert features[0, :3] == pytest.approx(2 * film[:CLIP].mean((0, 1, 2)) / 255 - 1, abs=2e-3)
    distances = [
        fvd(film, np.clip(film.astype(np.int16) + lift * (1 + np.arange(len(film))[:, None, None, None] % 2), 0, 255), network)
        for lift in (0, 9, 30)
    ]
    assert distances[0] == pytest.approx(0, abs=1e-6)
    assert distances[0] < distances[1] < distances[2]
    with pytest.raises(MetricError, match="1 clip found, at least 2 of 16 frames wanted"):
        fvd(film[: CLIP + 3], film[: CLIP + 3], network)


def test_colour_video_vdp_is_asked_as_its_library_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    film = textured(1, (2, 64, 64))
    with pytest.raises(MetricError, match="the library pycvvdp is not installed; run `pip install 'cvvdp'`"):
        colour_video_vdp(film, film, rate=24)

    class Judge:
        def __init__(self, display_name: str) -> None:
            assert display_name == "standard_4k"

        def predict(self, test: Any, reference: Any, *, dim_order: str, frames_per_second: float) -> tuple[float, None]:
            assert (dim_order, frames_per_second, test.max() <= 1) == ("FHWC", 24, True)
            return 10 - float(abs(test - reference).mean()), None

    monkeypatch.setitem(sys.modules, "pycvvdp", types.SimpleNamespace(cvvdp=Judge))
    assert colour_video_vdp(film, film, rate=24) == 10


def test_a_plain_word_without_weights(tmp_path: Path) -> None:
    for load, name in ((load_lpips, "LPIPS"), (load_dists, "DISTS"), (load_i3d, "FVD")):
        with pytest.raises(MetricError, match=f"{name}: no weight file given, .*frdm downloads none"):
            load(None)
        with pytest.raises(MetricError, match=r"gone\.pth: no such file"):
            load(tmp_path / "gone.pth")
    broken, other = tmp_path / "broken.pth", tmp_path / "other.pth"
    broken.write_bytes(b"not weights")
    torch.save({"features.0.weight": torch.zeros(3)}, other)
    with pytest.raises(MetricError, match=r"broken\.pth: not a weight file"):
        load_lpips(broken)
    with pytest.raises(MetricError, match=r"other\.pth: 1 numbered layers found"):
        load_lpips(other)
    with pytest.raises(MetricError, match=r"broken\.pth: not TorchScript"):
        load_i3d(broken)
    with pytest.raises(MetricError, match="at least 64 px wanted"):
        torch.save({f"features.{key}": value for key, value in alex().state_dict().items()}, other)
        load_lpips(other)(PICTURE[:32], PICTURE[:32])
