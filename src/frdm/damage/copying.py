"""What printing and copying do to film: the same to the damaged picture and to its target, so that nobody learns to take it away.

Two steps around the dirt. `print_film` is what the film itself carries before dirt falls on it: blur, fading, grain. `copy_film` is
what projecting, scanning and storing add after it: flicker, breathing, weave, blur, rescaling, JPEG and MPEG, with the same random
numbers for both pictures. `draw_look` draws one reel's character from `CopySettings`; frames vary around it.

Pictures are (T, H, W, C) float32 video codes, 0 black … 1 white, C = 1 or 3 (R, G, B). A density added to film is a factor on video
codes: 10^(−D / 2.4) (Source: BT.1886), so flicker and fading are factors and powers here.
"""

from dataclasses import dataclass, fields
from typing import Literal

import cv2
import numpy as np

from frdm.damage.copying_codecs import CodecLook, stored_frame, stored_movie
from frdm.damage.copying_grain import GrainLook, add_grain, is_grey
from frdm.damage.copying_motion import CopyPlan, MotionLook, draw_plan, expose, soften, transport
from frdm.errors import DamageError
from frdm.film import Real

Range = tuple[float, float]
Stock = Literal["auto", "colour", "black-and-white"]
MpegCodec = Literal["mpeg2", "mpeg4", "h264"]

_DARKEST = np.float32(1e-6)
_CHANCES = ("flicker_shading", "rescale", "jpeg", "mpeg")
_SHARES = ("grain", "grain_clumps", "grain_layers", "fading", "colour_shift_strength", "flicker", "rescale_factor")
_QUALITIES = ("jpeg_quality", "mpeg_quality")


@dataclass(frozen=True, slots=True)
class CopySettings:
    """Ranges that a reel's look is drawn from, evenly between their two ends; (0, 0) or 0 switches a thing off.

    Lengths are px of a picture 480 lines high. The defaults are medium wear, after ten pieces of real film (docs/damage-copying.md).
    """

    stock: Stock = "auto"  # black-and-white grain is the same in all channels; auto: as the clean picture is
    blur: Range = (0.0, 0.9)  # px, standard deviation of the lens's and printer's softness
    grain: Range = (0.008, 0.03)  # standard deviation at the tone where it is strongest, share of white
    grain_size: Range = (0.35, 0.95)  # px, standard deviation of one grain's spot
    grain_clumps: Range = (0.0, 0.45)  # share of the grain's power in clumps three times as large
    grain_layers: Range = (0.15, 0.9)  # colour film: share of grain power that each layer has for itself
    grain_blue: Range = (0.8, 1.8)  # colour film: the blue layer's grain, times the others'
    fading: Range = (0.0, 0.08)  # share of contrast lost
    colour_shift: bool = False  # dye layers fade apart
    colour_shift_strength: Range = (0.05, 0.25)  # share of density that the least stable layer lost
    flicker: Range = (0.004, 0.025)  # standard deviation of a frame's exposure, share of brightness
    flicker_memory: Range = (0.0, 0.6)  # correlation of one frame's exposure with the next one's
    flicker_shading: float = 0.5  # share of the flicker's power that is uneven over the picture, 0 … 1
    breathing: Range = (0.0, 0.3)  # px, most blur that the film's slow swelling out of focus adds
    weave: Range = (0.0, 0.5)  # px, standard deviation of the picture's place in the gate
    weave_memory: Range = (1.0, 8.0)  # frames after which its place is forgotten
    scan_blur: Range = (0.0, 0.35)  # px, standard deviation of the scanner's optics
    rescale: float = 0.2  # chance that the reel was copied at a smaller size
    rescale_factor: Range = (0.55, 0.9)  # … and how small
    jpeg: float = 0.15  # chance of JPEG frames
    jpeg_quality: Range = (60.0, 95.0)  # 1 … 100
    mpeg: float = 0.0  # chance of a compressed movie (8 bits, 4:2:0)
    mpeg_codec: MpegCodec = "mpeg2"
    mpeg_quality: Range = (50.0, 95.0)  # 1 … 100

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                object.__setattr__(self, field.name, _range(field.name, value))
            elif field.name in _CHANCES and not 0.0 <= float(value) <= 1.0:
                raise DamageError(f"damage recipe: copying.{field.name} is {value}; give a share between 0 and 1")
        _one_of("stock", self.stock, ("auto", "colour", "black-and-white"))
        _one_of("mpeg_codec", self.mpeg_codec, ("mpeg2", "mpeg4", "h264"))

    @classmethod
    def none(cls) -> "CopySettings":
        """No printing or copying at all: pictures come back as they are."""
        off = (0.0, 0.0)
        return cls(
            blur=off,
            grain=off,
            fading=off,
            flicker=off,
            breathing=off,
            weave=off,
            scan_blur=off,
            rescale=0.0,
            jpeg=0.0,
            mpeg=0.0,
        )


def _one_of(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise DamageError(f'damage recipe: copying.{name} is "{value}"; give one of {", ".join(words)}')


def _range(name: str, value: object) -> Range:
    """`value` as (least, most), checked for order and limits."""
    try:
        low, high = (float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise DamageError(f"damage recipe: copying.{name} is {value!r}; give two numbers, the least and the most") from None
    most = 1.0 if name in _SHARES else 100.0
    least = 1.0 if name in _QUALITIES else 0.05 if name == "rescale_factor" else 0.0
    if not least <= low <= high <= most:
        raise DamageError(f"damage recipe: copying.{name} is [{low:g}, {high:g}]; give two rising numbers between {least:g} and {most:g}")
    return low, high


@dataclass(frozen=True, slots=True)
class FadingLook:
    """Per channel (R, G, B): `power` < 1 is density lost, `veil` the light that blacks let through, share of white."""

    power: tuple[float, float, float]
    veil: float


@dataclass(frozen=True, slots=True)
class CopyLook:
    """One reel's character: drawn once by `draw_look`, the same for all its frames. Lengths are px of the picture at hand."""

    stock: Stock
    blur: float
    grain: GrainLook
    fading: FadingLook
    motion: MotionLook
    codec: CodecLook


def draw_look(settings: CopySettings, rng: np.random.Generator, *, scale: float = 1.0) -> CopyLook:
    """One reel's look out of `settings`. `scale` is the picture's height / 480: lengths grow with it."""

    def draw(ends: Range) -> float:
        return float(rng.uniform(*ends))

    blur = draw(settings.blur) * scale
    grain = GrainLook(
        strength=draw(settings.grain),
        size=draw(settings.grain_size) * scale,
        clumps=draw(settings.grain_clumps),
        layers=draw(settings.grain_layers),
        blue=draw(settings.grain_blue),
        skew=float(rng.uniform(0, 0.8)),
    )
    fading = _draw_fading(settings, rng)
    motion = MotionLook(
        flicker=draw(settings.flicker),
        memory=draw(settings.flicker_memory),
        shading=settings.flicker_shading,
        breathing=draw(settings.breathing) * scale,
        weave=draw(settings.weave) * scale,
        weave_memory=max(draw(settings.weave_memory), 1e-3),
        blur=draw(settings.scan_blur) * scale,
    )
    factor, jpeg, mpeg = (float(v) for v in (draw(settings.rescale_factor), draw(settings.jpeg_quality), draw(settings.mpeg_quality)))
    rescaled, stills, movie = (float(v) for v in rng.random(3))
    codec = CodecLook(
        factor=factor if rescaled < settings.rescale else None,
        jpeg=round(jpeg) if stills < settings.jpeg else None,
        mpeg=round(mpeg) if movie < settings.mpeg else None,
        codec=settings.mpeg_codec,
    )
    return CopyLook(settings.stock, blur, grain, fading, motion, codec)


def _draw_fading(settings: CopySettings, rng: np.random.Generator) -> FadingLook:
    """Silver fades alike in all channels; of the dyes cyan goes first, which leaves the picture red, or another one."""
    lost = float(rng.uniform(*settings.fading))
    layers = np.sort(rng.uniform(0, 1, 3))[::-1] * float(rng.uniform(*settings.colour_shift_strength))
    if rng.random() < 0.3:
        layers = rng.permutation(layers)
    apart = layers if settings.colour_shift else np.zeros(3)
    red, green, blue = (float((1 - lost) * (1 - share)) for share in apart)
    return FadingLook((red, green, blue), veil=lost * 0.5)


def print_film(frames: Real, look: CopyLook, rng: np.random.Generator) -> Real:
    """What the film carries before dirt falls on it: blur, fading, grain.

    `frames` (T, H, W, C) codes 0 … 1, left as they are; back comes a new array of the same shape, held to 0 … 1.
    """
    grey = as_grey(look, is_grey(frames))
    out = np.empty(frames.shape, np.float32)
    for clean, printed in zip(frames, out, strict=True):  # one by one: a frame stays in the processor's cache
        printed[...] = soften(clean, look.blur)
        _fade(printed, look.fading, grey)
        add_grain(printed, look.grain, rng, grey=grey)
    return out


def as_grey(look: CopyLook, alike: bool) -> bool:
    """Whether the film is black and white; `alike`: whether its channels are."""
    return look.stock == "black-and-white" or (look.stock == "auto" and alike)


def _fade(frames: Real, look: FadingLook, grey: bool) -> None:
    """Lose density and lift the blacks of (…, C) codes, in place."""
    power = np.array(look.power, np.float32)
    if grey or frames.shape[-1] == 1:
        power = power.mean(keepdims=True)
    if np.any(power != 1):
        logs = np.asarray(cv2.log(np.maximum(frames, _DARKEST)), np.float32).reshape(frames.shape)
        frames[...] = np.asarray(cv2.exp(logs * power)).reshape(frames.shape)  # three times as fast as a power
    if look.veil > 0:
        frames *= np.float32(1 - look.veil)
        frames += np.float32(look.veil)


def plan_copy(look: CopyLook, length: int, rng: np.random.Generator) -> CopyPlan:
    """Exposure, focus and place of each of `length` frames: what `copy_film` draws for itself when it is given no plan.

    Draw it first and give it to `copy_film` where label maps must move with the picture: `plan.move(labels)`.
    """
    return draw_plan(look.motion, length, rng)


def copy_film(
    degraded: Real, pristine: Real, mattes: Real, look: CopyLook, rng: np.random.Generator, *, plan: CopyPlan | None = None
) -> tuple[Real, Real, Real]:
    """What copying adds after the dirt, to both pictures alike; `mattes` (T, H, W) 0 … 1 move and soften with them.

    Back come new (degraded, pristine, mattes), held to 0 … 1. Compression is the only thing that tells the two pictures apart: its
    errors depend on what it compresses.
    """
    plan = plan or plan_copy(look, len(degraded), rng)
    copies, targets, moved = np.empty(degraded.shape, np.float32), np.empty(degraded.shape, np.float32), np.zeros(mattes.shape, np.float32)
    for index, (dirty, clean, matte) in enumerate(zip(degraded, pristine, mattes, strict=True)):
        targets[index] = _copied(clean, plan, index, look)
        copies[index] = targets[index] if np.array_equal(dirty, clean) else _copied(dirty, plan, index, look)
        if matte.any():
            overshoot = np.abs(transport(matte[..., None], plan, index)[..., 0])  # of the filter: a change too
            np.minimum(overshoot, 1, out=moved[index])
    return stored_movie(copies, look.codec), stored_movie(targets, look.codec), moved


def _copied(frame: Real, plan: CopyPlan, index: int, look: CopyLook) -> Real:
    """One frame (H, W, C) exposed, moved, blurred and stored."""
    moved = transport(expose(frame, plan, index), plan, index)
    return stored_frame(np.clip(moved, 0, 1, out=moved), look.codec)
