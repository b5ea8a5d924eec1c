"""Learned scores on local weight files: LPIPS and ST-LPIPS, DISTS, FVD, and ColorVideoVDP where it is installed.

frdm has no weights of them and downloads none. Pictures are (H, W, 3) or (H, W), scaled by `peak`; films come as iterables of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frdm.errors import MetricError
from frdm.metrics.backbones import VGG_SMOOTH, Stage, Tensor, Weights, numbered, read_tensors, recognised, taps
from frdm.metrics.extras import extra, weight_file
from frdm.metrics.fidelity import Pixels, same_size

IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what torchvision's networks were trained with
LPIPS_MEAN, LPIPS_SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # the same for pictures in −1 … 1
SMALLEST = 64  # px: smaller pictures have no features left after the last stage
CLIP = 16  # frames of one FVD sample
I3D_SIZE = 224


def as_batch(picture: Pixels, *, peak: float) -> Tensor:
    """(1, 3, H, W) float32 in 0 … 1; one channel is repeated. Raises `MetricError` for pictures too small."""
    torch = extra("torch", score="a learned score", install="frdm[train]")
    if min(picture.shape[:2]) < SMALLEST:
        raise MetricError(f"a learned score: a picture of {picture.shape[1]} × {picture.shape[0]} found, at least {SMALLEST} px wanted")
    values = np.asarray(picture, np.float32) / np.float32(peak)
    planes = np.repeat(values[None], 3, 0) if values.ndim == 2 else values.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(np.clip(planes, 0, 1)))[None]


def standardised(batch: Tensor, mean: Sequence[float], spread: Sequence[float]) -> Tensor:
    """Each channel less its mean, by its spread."""
    return (batch - batch.new_tensor(mean)[:, None, None]) / batch.new_tensor(spread)[:, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class Lpips:
    """Learned perceptual distance: 0 (equal) … about 1, lower is nearer.

    `net`: alex, vgg or squeeze (LPIPS), st-alex (shift-tolerant); numbers of two nets don't compare. Rewards wrongly: it hardly sees
    a speck on a large frame, and forgives invented texture of the right kind. Source: Zhang 2018; Ghildyal 2022.
    """

    net: str
    stages: Sequence[Stage]
    weights: Weights
    linear: Sequence[Tensor]

    def __call__(self, one: Pixels, other: Pixels, *, peak: float = 255.0) -> float:
        """The distance of two pictures."""
        same_size(one, other)
        torch = extra("torch", score="LPIPS", install="frdm[train]")
        with torch.inference_mode():
            features = [self._features(as_batch(picture, peak=peak)) for picture in (one, other)]
            parts = [((a - b).square() * w).sum(1).mean() for a, b, w in zip(*features, self.linear, strict=True)]
            return float(sum(parts))

    def _features(self, batch: Tensor) -> list[Tensor]:
        """Every stage's features, each pixel's vector of length 1."""
        found = taps(standardised(2 * batch - 1, LPIPS_MEAN, LPIPS_SPREAD), self.stages, self.weights)
        return [values / (values.square().sum(1, keepdim=True).sqrt() + 1e-10) for values in found]


def load_lpips(path: Path | str | None, *, linear: Path | str | None = None) -> Lpips:
    """LPIPS on a local file: the backbone as torchvision saves it, or backbone and linear layers together (ST-LPIPS).

    `linear`: the linear layers; without it they are taken from the file, else from an installed torchmetrics. Raises `MetricError`.
    """
    place = weight_file(
        path, score="LPIPS", wanted="AlexNet's, VGG16's or SqueezeNet 1.1's weights as torchvision saves them, or ST-LPIPS'"
    )
    tensors = read_tensors(place)
    weights = numbered(tensors)
    net, stages = recognised(weights, where=place, wanted=("alex", "st-alex", "vgg", "squeeze"))
    if linear is not None or not any(name.startswith("lin") for name in tensors):
        beside = _of_torchmetrics(f"lpips_models/{net}.pth") if linear is None else Path(linear)
        tensors = read_tensors(weight_file(beside, score="LPIPS", wanted=f"the linear layers fitted to {net}"))
    layers = [tensors.get(f"lin{number}.model.1.weight") for number in range(len(stages))]
    if any(layer is None for layer in layers):
        raise MetricError(f"{place}: no {len(stages)} linear layers found, wanted lin0.model.1.weight and so on; give them by themselves")
    return Lpips(net, stages, weights, [layer for layer in layers if layer is not None])


def _of_torchmetrics(name: str) -> Path | None:
    """A small weight file that torchmetrics brings along; the library itself isn't loaded."""
    found = find_spec("torchmetrics")
    place = Path(found.origin).parent / "functional" / "image" / name if found and found.origin else None
    return place if place and place.is_file() else None


@dataclass(frozen=True, slots=True, eq=False)
class Dists:
    """Deep structure and texture distance: 0 (equal) … 1, lower is nearer.

    Rewards wrongly: texture of the right statistics in the wrong place, which is what it was made for, and invention.
    Source: Ding 2020 §3. Its authors bring pictures to 256 px of the smaller side; frdm takes them as they are.
    """

    weights: Weights
    means: Sequence[Tensor]  # weights of the means, of each stage
    structures: Sequence[Tensor]

    def __call__(self, one: Pixels, other: Pixels, *, peak: float = 255.0) -> float:
        """The distance of two pictures."""
        same_size(one, other)
        torch = extra("torch", score="DISTS", install="frdm[train]")
        with torch.inference_mode():
            first, second = (self._features(as_batch(picture, peak=peak)) for picture in (one, other))
            return 1 - sum(float(_alike(*four)) for four in zip(first, second, self.means, self.structures, strict=True))

    def _features(self, batch: Tensor) -> list[Tensor]:
        return [batch, *taps(standardised(batch, IMAGENET_MEAN, IMAGENET_SPREAD), VGG_SMOOTH, self.weights)]


def _alike(one: Tensor, other: Tensor, by_mean: Tensor, by_structure: Tensor) -> Tensor:
    """How much alike one stage's features are, in means and in structure."""
    small = 1e-6
    m1, m2 = (values.mean((2, 3), keepdim=True) for values in (one, other))
    v1, v2 = ((values - mean).square().mean((2, 3)) for values, mean in ((one, m1), (other, m2)))
    shared = ((one - m1) * (other - m2)).mean((2, 3))
    means = (2 * m1 * m2 + small) / (m1.square() + m2.square() + small)
    return (by_mean * means[..., 0, 0]).sum() + (by_structure * (2 * shared + small) / (v1 + v2 + small)).sum()


def load_dists(path: Path | str | None, *, mixing: Path | str | None = None) -> Dists:
    """DISTS on a local file of VGG16's weights as torchvision saves them.

    `mixing`: alpha and beta, as DISTS' authors save them; without it an installed torchmetrics'. Raises `MetricError`.
    """
    place = weight_file(path, score="DISTS", wanted="VGG16's weights as torchvision saves them")
    weights = numbered(read_tensors(place))
    recognised(weights, where=place, wanted=("vgg",))
    beside = _of_torchmetrics("dists_models/weights.pt") if mixing is None else Path(mixing)
    second = weight_file(beside, score="DISTS", wanted="its alpha and beta")
    mix = read_tensors(second)
    if not {"alpha", "beta"} <= mix.keys():
        raise MetricError(
            f"{second}: {', '.join(sorted(mix)[:3])} found, alpha and beta of DISTS wanted; give the file that its authors save"
        )
    channels = [3, 64, 128, 256, 512, 512]
    whole = mix["alpha"].sum() + mix["beta"].sum()
    alpha, beta = ((mix[name].flatten() / whole).split(channels) for name in ("alpha", "beta"))
    return Dists(weights, alpha, beta)


def frechet_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Fréchet distance of the normal distributions fitted to two sets of features (N, D): ≥ 0, 0 for equal ones.

    |m₁ − m₂|² + tr(C₁ + C₂ − 2 √(C₁C₂)). Source: Dowson 1982. Raises `MetricError` of fewer than two samples.
    """
    if min(len(one), len(other)) < 2:
        raise MetricError(f"FVD: {min(len(one), len(other))} clip found, at least 2 of {CLIP} frames wanted on each side; give more film")
    m1, m2 = one.mean(0), other.mean(0)
    c1, c2 = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (one, other))
    roots = np.sqrt(np.maximum(np.real(np.linalg.eigvals(c1 @ c2)), 0))  # their sum is the trace of the root
    return max(float(np.square(m1 - m2).sum() + np.trace(c1 + c2) - 2 * roots.sum()), 0.0)


Features = Callable[[NDArray[np.float32]], NDArray[np.float64]]  # (T, H, W, 3) in 0 … 1 to (D,)


def load_i3d(path: Path | str | None) -> Features:
    """The video network of FVD: I3D as a TorchScript file whose call takes rescale, resize and return_features. Raises `MetricError`."""
    place = weight_file(path, score="FVD", wanted="I3D as TorchScript (i3d_torchscript.pt)")
    torch = extra("torch", score="FVD", install="frdm[train]")
    try:
        network = torch.jit.load(str(place), map_location="cpu").eval()
    except RuntimeError as error:
        raise MetricError(f"{place}: not TorchScript ({str(error).splitlines()[0]}); FVD wants I3D as TorchScript") from None

    def features(clip: NDArray[np.float32]) -> NDArray[np.float64]:
        x = torch.from_numpy(np.ascontiguousarray(clip.transpose(3, 0, 1, 2), np.float32))
        x = torch.nn.functional.interpolate(x.transpose(0, 1), (I3D_SIZE, I3D_SIZE), mode="bilinear", align_corners=False).transpose(0, 1)
        with torch.inference_mode():
            found = network(2 * x[None] - 1, rescale=False, resize=False, return_features=True)
        return np.asarray(found[0].double().numpy(), np.float64)

    return features


def clip_features(film: Iterable[Pixels], network: Features, *, peak: float = 255.0) -> NDArray[np.float64]:
    """Features (N, D) of a film's clips of 16 frames, one after the other; what is left over at the end doesn't count."""
    found: list[NDArray[np.float64]] = []
    clip: list[NDArray[np.float32]] = []
    for picture in film:
        values = np.clip(np.asarray(picture, np.float32) / np.float32(peak), 0, 1)
        clip.append(np.repeat(values[..., None], 3, 2) if values.ndim == 2 else values)
        if len(clip) == CLIP:
            found.append(network(np.stack(clip)))
            clip.clear()
    return np.stack(found) if found else np.zeros((0, 1))


def fvd(reference: Iterable[Pixels], output: Iterable[Pixels], network: Features, *, peak: float = 255.0) -> float:
    """Fréchet video distance of two films' clips: ≥ 0, lower is nearer; meant for hundreds of clips, a few give a number of little worth.

    Rewards wrongly: any film of the right look; which frame is which it doesn't see. Source: Unterthiner 2018.
    """
    return frechet_distance(*(clip_features(film, network, peak=peak) for film in (reference, output)))


def colour_video_vdp(reference: Pixels, output: Pixels, *, rate: float, display: str = "standard_4k", peak: float = 255.0) -> float:
    """ColorVideoVDP of two films (T, H, W, 3), by the library cvvdp: … 10 just-objectionable differences (JOD), 10 is no difference to see.

    Rewards wrongly: what can't be seen at the display's distance. Source: Mantiuk 2024. Raises `MetricError` without the library.
    """
    same_size(reference, output)
    library = extra("pycvvdp", score="ColorVideoVDP", install="cvvdp")
    scaled = [np.clip(np.asarray(film, np.float32) / np.float32(peak), 0, 1) for film in (output, reference)]
    jod, _ = library.cvvdp(display_name=display).predict(*scaled, dim_order="FHWC", frames_per_second=rate)
    return math.inf if jod is None else float(jod)
