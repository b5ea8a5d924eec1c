"""The hot part of the generator on tensors, for training on a GPU: paint, print and copy whole batches at once.

Equal in distribution to `painting.seen`, `copying.print_film` and `copying.copy_film`; painted values, kernels and moved pictures are
equal to rounding (tests/damage/test_twin.py). Films are (B, T, C, H, W) float32 video codes 0 … 1 on any device, one `CopyLook` a
sample; all chance comes from a `torch.Generator` on that device. MPEG stays with numpy: `copy_batch` refuses a look that has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from frdm.damage.copying import CopyLook, as_grey
from frdm.damage.copying_codecs import scaled
from frdm.damage.copying_grain import FLOOR, hump_top, mixing, spot_kernels
from frdm.damage.copying_motion import BREATH, GRID, HEADROOM, SHARP, mirrored, shift_kernel
from frdm.damage.painting import FLARE, GAMMA, Stock
from frdm.damage.twin_jpeg import stored_batch
from frdm.errors import DamageError

if TYPE_CHECKING:
    from torch import Generator, Tensor

Floats = NDArray[np.float32]

UNSEEN = 0.5 / 255


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What `damage_batch` makes: `degraded` and `pristine` (B, T, C, H, W), `matte` (B, T, H, W) 0 … 1, `mask` (B, T, H, W) bool."""

    degraded: "Tensor"
    pristine: "Tensor"
    matte: "Tensor"
    mask: "Tensor"


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """As `CopyPlan`, for a batch: `exposure` (B, T), `shading` (B, T, 3, 4), `blur` (B, T), `shifts` (B, T, 2)."""

    exposure: "Tensor"
    shading: "Tensor"
    blur: "Tensor"
    shifts: "Tensor"


def damage_batch(
    clean: "Tensor", density: "Tensor", looks: Sequence[CopyLook], stocks: Sequence[Stock], generator: "Generator", *, tau: float = 0.05
) -> Batch:
    """Print `clean`, paint `density` (B, T, 1 or C, H, W; below 0: density taken away) where its opacity reaches `tau`, copy both."""
    printed = print_batch(clean, looks, generator)
    degraded, matte = paint(printed, density, stocks, tau=tau)
    degraded, pristine, matte = copy_batch(degraded, printed, matte, looks, generator)
    return Batch(degraded, pristine, matte, matte >= tau)


def paint(film: "Tensor", density: "Tensor", stocks: Sequence[Stock], *, tau: float = 0.0) -> tuple["Tensor", "Tensor"]:
    """(film with `density` more, opacity (B, T, H, W)): `painting.seen` wherever the opacity reaches `tau`, elsewhere untouched.

    What changes by less than half an 8-bit code (dark dirt in black) is no damage, and has no opacity.
    """
    import torch

    black, white = (_column(film, list(ends)) for ends in zip(*((s.black, s.white) for s in stocks), strict=True))
    after = (film + FLARE) * torch.exp(density * (-float(np.log(10)) / GAMMA)) - FLARE
    dark = torch.maximum(after, torch.minimum(film, black))
    bright = torch.minimum(after, torch.maximum(film, white))
    painted = torch.where(density > 0, dark, bright)
    opacity = 1 - torch.pow(10.0, -density.abs().amax(2))
    hidden = (opacity < tau) | ((painted - film).abs().amax(2) < UNSEEN)
    opacity = opacity.masked_fill(hidden, 0.0)
    untouched = hidden[:, :, None] | (density == 0)
    return torch.where(untouched, film, painted), opacity


def print_batch(film: "Tensor", looks: Sequence[CopyLook], generator: "Generator") -> "Tensor":
    """`print_film` for a batch: blur, fading, grain."""
    import torch

    grey = greys(film, looks)
    blurs = np.array([look.blur for look in looks])
    out = film
    if (blurs >= SHARP).any():
        kernels = stacked([shift_kernel(0.0, float(blur)) for blur in blurs])
        margin = kernels.shape[1] // 2
        still = np.zeros((film.shape[0] * film.shape[1], 2), np.intp)
        out = _filtered(_fetched(film, still, (margin, margin)), kernels, kernels)
    powers, veils = _fading(out, looks, grey)
    if (powers != 1).any():
        out = torch.where(powers == 1, out, out.clamp(min=0) ** powers)
    out = out * (1 - veils) + veils
    return (out + grain_batch(out, looks, grey, generator)).clamp(0, 1)


def greys(film: "Tensor", looks: Sequence[CopyLook]) -> list[bool]:
    """Which samples are black-and-white film, as `print_film` sees it."""
    sample = film[:, :: max(1, film.shape[1] // 3), :, ::7, ::5]
    apart = (sample[:, :, :1] - sample[:, :, 1:]).abs().mean((1, 2, 3, 4)) if film.shape[2] > 1 else film.new_zeros(len(film))
    return [as_grey(look, alike) for look, alike in zip(looks, (apart < 0.01).tolist(), strict=True)]


def grain_batch(film: "Tensor", looks: Sequence[CopyLook], grey: Sequence[bool], generator: "Generator") -> "Tensor":
    """Grain (B, T, C, H, W) for `film`, as strong as its tones ask."""
    import torch

    length, height, width, channels = film.shape[1], *film.shape[3:], film.shape[2]
    pairs = [spot_kernels(look.grain) for look in looks]
    fine, coarse = (stacked(k) for k in ([f for f, _ in pairs], [np.zeros(1, np.float32) if c is None else c for _, c in pairs]))
    margin = max(fine.shape[1], coarse.shape[1]) // 2
    shape = (len(looks), length, channels, height + 2 * margin, width + 2 * margin)
    noise = torch.randn(shape, generator=generator, device=film.device)
    spots = _inside(_filtered(noise, fine, fine), (height, width))
    if coarse.any():
        spots = spots + _inside(_filtered(noise, coarse, coarse), (height, width))
    if channels == 3:
        one = np.array([[1, 0, 0]] * 3, np.float32)
        mix = np.stack([one if alone else mixing(look.grain) for look, alone in zip(looks, grey, strict=True)])
        spots = torch.einsum("bij,btjhw->btihw", torch.as_tensor(mix, device=film.device), spots)
    return spots * _tones(film, looks)


def _inside(film: "Tensor", size: tuple[int, int]) -> "Tensor":
    """The middle (H, W) of larger frames."""
    down, right = ((whole - part) // 2 for whole, part in zip(film.shape[3:], size, strict=True))
    return film[..., down : down + size[0], right : right + size[1]]


def _tones(film: "Tensor", looks: Sequence[CopyLook]) -> "Tensor":
    """`tone_weight` for a batch."""
    skew, strength = _column(film, [k.grain.skew for k in looks]), _column(film, [k.grain.strength for k in looks])
    top = _column(film, [hump_top(k.grain.skew) for k in looks])
    hump = film * (1 - film) * (1 + skew * (1 - 2 * film)) / top
    return (strength * (FLOOR + (1 - FLOOR) * hump)).clamp(min=0)


def _fading(film: "Tensor", looks: Sequence[CopyLook], grey: Sequence[bool]) -> tuple["Tensor", "Tensor"]:
    """Powers (B, 1, C, 1, 1) and veils (B, 1, 1, 1, 1)."""
    powers = np.array([look.fading.power for look in looks], np.float32)
    alone = np.array(grey) | (film.shape[2] == 1)
    powers[alone] = powers[alone].mean(1, keepdims=True)
    tensor = film.new_tensor(powers[:, : film.shape[2]])[:, None, :, None, None]
    return tensor, _column(film, [look.fading.veil for look in looks])


def draw_plans(looks: Sequence[CopyLook], length: int, generator: "Generator") -> Plans:
    """Exposure, shading, focus and place of every frame of every sample: `copying_motion.draw_plan` for a batch."""
    import torch

    motions = [look.motion for look in looks]

    def column(values: Sequence[float]) -> "Tensor":
        return torch.tensor(values, dtype=torch.float32, device=generator.device)

    memory = column([m.memory for m in motions])
    even = column([m.flicker * (1 - m.shading) ** 0.5 for m in motions])
    uneven = column([m.flicker * m.shading**0.5 for m in motions])
    place = column([float(np.exp(-1 / m.weave_memory)) for m in motions])
    swell = walks(torch.full_like(memory, float(np.exp(-1 / BREATH))), (length,), generator)
    focus = column([m.breathing for m in motions])[:, None] * (swell * 0.5).clamp(0, 1)
    darker = HEADROOM * column([m.flicker for m in motions])
    exposure = torch.exp(even[:, None] * walks(memory, (length,), generator) - darker[:, None])
    shading = torch.exp(uneven[:, None, None, None] * walks(memory, (length, *GRID), generator))
    shifts = column([m.weave for m in motions])[:, None, None] * walks(place, (length, 2), generator)
    return Plans(exposure, shading, torch.hypot(column([m.blur for m in motions])[:, None], focus), shifts)


def walks(memory: "Tensor", shape: tuple[int, ...], generator: "Generator") -> "Tensor":
    """Ornstein–Uhlenbeck walks (B, *shape) over the first axis of `shape`, as `copying_motion.walk`. Source: Uhlenbeck 1930"""
    import torch

    steps = list(torch.randn((len(memory), *shape), generator=generator, device=generator.device).unbind(1))
    keep = memory.reshape(-1, *(1,) * (len(shape) - 1))
    for index in range(1, len(steps)):
        steps[index] = keep * steps[index - 1] + (1 - keep**2).sqrt() * steps[index]
    return torch.stack(steps, 1)


def copy_batch(
    degraded: "Tensor",
    pristine: "Tensor",
    mattes: "Tensor",
    looks: Sequence[CopyLook],
    generator: "Generator",
    *,
    plans: Plans | None = None,
) -> tuple["Tensor", "Tensor", "Tensor"]:
    """`copy_film` for a batch; `mattes` (B, T, H, W). Raises `DamageError` for a look with MPEG compression."""
    if any(look.codec.mpeg is not None for look in looks):
        raise DamageError("damage recipe: MPEG compression is not done on tensors; set copying.mpeg to 0 there")
    plans = plans or draw_plans(looks, degraded.shape[1], generator)
    light = exposures(plans, (degraded.shape[3], degraded.shape[4]))
    first, second = (_stored(transport(film * light, plans).clamp(0, 1), looks) for film in (degraded, pristine))
    return first, second, transport(mattes[:, :, None], plans)[:, :, 0].abs().clamp(0, 1)


def exposures(plans: Plans, size: tuple[int, int]) -> "Tensor":
    """Factors (B, T, 1, H, W): `copying_motion.expose` for a batch."""
    from torch.nn.functional import interpolate

    grid = plans.shading * plans.exposure[..., None, None]
    return interpolate(grid, size=size, mode="bicubic", align_corners=False)[:, :, None]


def transport(film: "Tensor", plans: Plans) -> "Tensor":
    """Each frame moved and blurred: `copying_motion.transport` for a batch."""

    shifts, blurs = (np.asarray(v.cpu().numpy(), float) for v in (plans.shifts.reshape(-1, 2), plans.blur.reshape(-1)))
    whole = np.rint(shifts).astype(int)
    part = shifts - whole
    vertical, horizontal = (
        stacked([shift_kernel(float(s), float(b)) for s, b in zip(part[:, axis], blurs, strict=True)]) for axis in (0, 1)
    )
    return _filtered(_fetched(film, whole, (vertical.shape[1] // 2, horizontal.shape[1] // 2)), vertical, horizontal)


def _fetched(film: "Tensor", whole: NDArray[np.intp], margins: tuple[int, int]) -> "Tensor":
    """Each frame read `whole` (B · T, 2) px further on, with margins (rows, columns) around it, mirrored at its borders."""
    import torch

    frames = film.reshape(-1, *film.shape[2:])
    places = [
        torch.as_tensor(np.stack([mirrored(size, int(by), margin) for by in moves]), device=film.device)
        for size, moves, margin in zip(film.shape[3:], whole.T, margins, strict=True)
    ]
    number = torch.arange(len(frames), device=film.device)[:, None, None]
    fetched = frames[number, :, places[0][:, :, None], places[1][:, None, :]].permute(0, 3, 1, 2)
    return fetched.reshape(*film.shape[:3], *fetched.shape[2:])


def _filtered(film: "Tensor", vertical: Floats, horizontal: Floats) -> "Tensor":
    """`film` through separable kernels (n, taps), one a sample or one a frame, as n is; half a kernel is lost at each border."""
    from torch.nn.functional import conv2d

    groups = len(vertical)
    planes = film.reshape(groups, -1, *film.shape[3:]).transpose(0, 1)  # (planes, groups, H, W): a group is filtered alike
    planes = conv2d(planes, film.new_tensor(vertical)[:, None, :, None], groups=groups)
    planes = conv2d(planes, film.new_tensor(horizontal)[:, None, None, :], groups=groups)
    return planes.transpose(0, 1).reshape(*film.shape[:3], *planes.shape[2:])


def stacked(kernels: Sequence[NDArray[np.float32]]) -> Floats:
    """Kernels of odd lengths as rows of one array (n, taps), zeros around the shorter ones."""
    taps = max(len(kernel) for kernel in kernels)
    return np.stack([np.pad(kernel, (taps - len(kernel)) // 2) for kernel in kernels]).astype(np.float32)


def _stored(film: "Tensor", looks: Sequence[CopyLook]) -> "Tensor":
    """Samples as they come back from a smaller size, which is a matrix for each direction, and from JPEG."""
    import torch

    if all(look.codec.factor is None and look.codec.jpeg is None for look in looks):
        return film
    out = []
    for sample, look in zip(film, looks, strict=True):
        factor, jpeg = look.codec.factor, look.codec.jpeg
        if factor is not None:
            rows, columns = (torch.as_tensor(resizing(size, factor), device=film.device) for size in film.shape[3:])
            sample = (rows @ sample @ columns.T).clamp(0, 1)
        out.append(sample if jpeg is None else stored_batch(sample, jpeg))
    return torch.stack(out)


def resizing(size: int, factor: float) -> Floats:
    """What `copying_codecs.resized` does along one direction of `size` px, as a matrix."""
    points = np.eye(size, dtype=np.float32)[..., None]
    return scaled(scaled(points, max(1, round(size * factor)), size), size, size)[..., 0]


def _column(film: "Tensor", values: Sequence[float]) -> "Tensor":
    """One number a sample, (B, 1, 1, 1, 1)."""
    return film.new_tensor(values).reshape(-1, 1, 1, 1, 1)
