"""What code values mean: pairs of functions between codes, density, linear light and the perceptual scale that frdm works on.

Every pair is each other's inverse over the whole stated range, takes any shape and returns float32 (float64 in, float64 out).
Codes are scaled: 0 is black, 1 is white, unless a name says `code`, which is a 10-bit Cineon code (0 … 1023, fractions allowed).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[Any]  # float32, or float64 where float64 came in

CINEON_BLACK = 95.0  # 10-bit code of the film's clear base printed to black
CINEON_WHITE = 685.0  # … and of a 90 % white card
CINEON_STEP = 0.002  # printing density of one code
NEGATIVE_GAMMA = 0.6  # density of a negative per decade of light

CURVE = 51.0  # slope of the perceptual curve at black: 51 / ln 52 = 12.9, that of sRGB
BRIGHTEST = 65504.0  # linear light is held to ± this, the largest half float

_OFFSET = 10.0 ** ((CINEON_BLACK - CINEON_WHITE) * CINEON_STEP / NEGATIVE_GAMMA)
_KNEE = 1.099 * 0.018**0.45 - 0.099  # code of light 0.018; the rounded standard says 0.081, where its two parts do not quite meet


def perceptual_from_linear(light: ArrayLike) -> Floats:
    """Linear light on a scale of equal visible steps: sign(x) · ln(1 + 51 |x|) / ln 52.

    0 → 0, 1 → 1, 0.18 → 0.59; the slope at black is sRGB's, so that shadows are no noisier than in video; light above white goes on
    logarithmically. Negative light is mirrored, NaN is black, and what lies beyond ± 65504 (Inf too) is held there.
    """
    x = _held(_floats(light))
    return np.asarray(np.copysign(np.log1p(np.abs(x) * x.dtype.type(CURVE)) / x.dtype.type(np.log1p(CURVE)), x))


def linear_from_perceptual(value: ArrayLike) -> Floats:
    """The inverse of `perceptual_from_linear`."""
    x = _floats(value)
    return np.asarray(np.copysign(np.expm1(np.abs(x) * x.dtype.type(np.log1p(CURVE))) / x.dtype.type(CURVE), x))


def density_from_cineon(code: ArrayLike) -> Floats:
    """Printing density above the base's of a 10-bit Cineon code: 0.002 a code. Source: Cineon."""
    x = _floats(code)
    return np.asarray((x - x.dtype.type(CINEON_BLACK)) * x.dtype.type(CINEON_STEP))


def cineon_from_density(density: ArrayLike) -> Floats:
    """The inverse of `density_from_cineon`; neither rounded nor clipped."""
    x = _floats(density)
    return np.asarray(x / x.dtype.type(CINEON_STEP) + x.dtype.type(CINEON_BLACK))


def linear_from_cineon(code: ArrayLike) -> Floats:
    """Scene light of a 10-bit Cineon code: 95 → 0, 685 → 1; codes below 95 are a little negative. Source: Cineon."""
    x = _floats(code)
    exposure = np.power(x.dtype.type(10.0), (x - x.dtype.type(CINEON_WHITE)) * x.dtype.type(CINEON_STEP / NEGATIVE_GAMMA))
    return np.asarray((exposure - x.dtype.type(_OFFSET)) / x.dtype.type(1.0 - _OFFSET))


def cineon_from_linear(light: ArrayLike) -> Floats:
    """The inverse of `linear_from_cineon`; light darker than code 0 can show is given code 0."""
    x = _floats(light)
    exposure = x * x.dtype.type(1.0 - _OFFSET) + x.dtype.type(_OFFSET)
    least = x.dtype.type(10.0 ** (-CINEON_WHITE * CINEON_STEP / NEGATIVE_GAMMA))
    return np.asarray(np.log10(np.maximum(exposure, least)) * x.dtype.type(NEGATIVE_GAMMA / CINEON_STEP) + x.dtype.type(CINEON_WHITE))


def density_from_transmittance(transmittance: ArrayLike) -> Floats:
    """Optical density −log10 T of a share of light 0 … 1; less than 1e-6 counts as 1e-6, density 6. Source: ISO 5-2."""
    x = _floats(transmittance)
    return np.asarray(-np.log10(np.maximum(x, x.dtype.type(1e-6))))


def transmittance_from_density(density: ArrayLike) -> Floats:
    """The inverse of `density_from_transmittance`."""
    x = _floats(density)
    return np.asarray(np.power(x.dtype.type(10.0), -x))


def linear_from_srgb(code: ArrayLike) -> Floats:
    """Linear light of sRGB codes; negative codes are mirrored. Source: IEC 61966-2-1."""
    x = _floats(code)
    size = np.abs(x)
    straight, curved = size / 12.92, np.power((size + 0.055) / 1.055, 2.4)
    return np.copysign(np.where(size <= 0.04045, straight, curved), x).astype(x.dtype)


def srgb_from_linear(light: ArrayLike) -> Floats:
    """The inverse of `linear_from_srgb`."""
    x = _floats(light)
    size = np.abs(x)
    straight, curved = size * 12.92, 1.055 * np.power(size, 1 / 2.4) - 0.055
    return np.copysign(np.where(size <= 0.04045 / 12.92, straight, curved), x).astype(x.dtype)


def linear_from_video(code: ArrayLike) -> Floats:
    """Light on a reference screen of video codes: code^2.4, black at 0; negative codes are mirrored. Source: BT.1886.

    This is what a restorer sees. The light before a television camera is another thing: `scene_from_video`.
    """
    x = _floats(code)
    return np.asarray(np.copysign(np.power(np.abs(x), x.dtype.type(2.4)), x))


def video_from_linear(light: ArrayLike) -> Floats:
    """The inverse of `linear_from_video`."""
    x = _floats(light)
    return np.asarray(np.copysign(np.power(np.abs(x), x.dtype.type(1 / 2.4)), x))


def scene_from_video(code: ArrayLike) -> Floats:
    """Scene light of a camera's video codes; negative codes go on along the straight part. Source: BT.709."""
    x = _floats(code)
    curved = np.power(np.maximum(x + 0.099, 0.0) / 1.099, 1 / 0.45)
    return np.where(x < _KNEE, x / 4.5, curved).astype(x.dtype)


def video_from_scene(light: ArrayLike) -> Floats:
    """The inverse of `scene_from_video`."""
    x = _floats(light)
    return np.where(x < 0.018, x * 4.5, 1.099 * np.power(np.maximum(x, 0.0), 0.45) - 0.099).astype(x.dtype)


def _floats(values: ArrayLike) -> Floats:
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def _held(x: Floats) -> Floats:
    return np.clip(np.where(np.isnan(x), x.dtype.type(0), x), -BRIGHTEST, BRIGHTEST)
