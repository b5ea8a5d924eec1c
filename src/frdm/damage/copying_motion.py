"""How a film runs through projector and scanner: exposure that flickers, focus that breathes, a place in the gate that weaves."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real

GRID = (3, 4)  # uneven flicker: so many free values over the picture, smooth between them
BREATH = 12.0  # frames in which the film's swelling changes
HEADROOM = 1.5  # deviations of flicker by which a copy is darker, so that bright frames keep their whites
SHARP = 0.15  # px: less blur than this is none


@dataclass(frozen=True, slots=True)
class MotionLook:
    """One reel's unsteadiness; see `CopySettings`. Lengths in px, `weave_memory` in frames, the rest shares."""

    flicker: float
    memory: float
    shading: float
    breathing: float
    weave: float
    weave_memory: float
    blur: float


@dataclass(frozen=True, slots=True, eq=False)
class CopyPlan:
    """What happens to each of T frames.

    `exposure` (T,) are factors around 1, `shading` (T, 3, 4) factors on a coarse grid over the picture, `blur` (T,) px,
    `shifts` (T, 2) px (dy, dx): the copy shows at p what the film has at p + shift.
    """

    exposure: Real
    shading: Real
    blur: Real
    shifts: Real

    def move(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Label maps (T, H, W) moved with the pictures, each by its nearest whole pixel; what comes from outside is mirrored."""
        whole = np.rint(self.shifts).astype(int)
        return np.stack([_shifted(frame, dy, dx) for frame, (dy, dx) in zip(labels, whole, strict=True)])


def draw_plan(look: MotionLook, length: int, rng: np.random.Generator) -> CopyPlan:
    """Draw exposure, shading, focus and place of `length` frames."""
    even, uneven = look.flicker * np.sqrt(1 - look.shading), look.flicker * np.sqrt(look.shading)
    exposure = np.exp(even * walk(length, (), look.memory, rng) - HEADROOM * look.flicker)
    shading = np.exp(uneven * walk(length, GRID, look.memory, rng))
    swell = walk(length, (), float(np.exp(-1 / BREATH)), rng)
    focus = look.breathing * np.clip(swell * 0.5, 0, 1)  # half of the time in focus
    shifts = look.weave * walk(length, (2,), float(np.exp(-1 / look.weave_memory)), rng)
    blur = np.hypot(look.blur, focus)
    return CopyPlan(*(np.asarray(v, np.float32) for v in (exposure, shading, blur, shifts)))


def walk(length: int, shape: tuple[int, ...], memory: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """An Ornstein–Uhlenbeck walk at whole frames, (length, *shape): unit variance, correlation `memory` from frame to frame.

    Source: Uhlenbeck 1930
    """
    steps = rng.standard_normal((length, *shape))
    steps[1:] *= np.sqrt(1 - memory**2)
    for index in range(1, length):
        steps[index] += memory * steps[index - 1]
    return steps


def expose(frame: Real, plan: CopyPlan, index: int) -> Real:
    """A frame (H, W, C) with the exposure and shading of the plan's frame `index`: factors on video codes, sums in density."""
    gain, shade = plan.exposure[index], plan.shading[index]
    if (shade == 1).all():
        return np.asarray(frame * gain, np.float32)
    field = cv2.resize(shade * gain, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(frame * np.asarray(field, np.float32)[..., None], np.float32)


def transport(frame: Real, plan: CopyPlan, index: int) -> Real:
    """A frame (H, W, C) moved and blurred as the plan's frame `index`: one separable filter does both. Borders mirror.

    The frame itself comes back where there is nothing to do.
    """
    (dy, dx), blur = plan.shifts[index].tolist(), float(plan.blur[index])
    vertical, horizontal = (further(shift_kernel(d - round(d), blur), round(d)) for d in (dy, dx))
    if len(vertical) + len(horizontal) > 2:
        moved = cv2.sepFilter2D(frame, -1, horizontal, vertical, borderType=cv2.BORDER_REFLECT_101)
        frame = np.asarray(moved, np.float32).reshape(frame.shape)
    return frame


def further(kernel: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """The filter that reads `by` whole px further on: it costs less than moving the frame."""
    return np.pad(kernel, (2 * max(by, 0), 2 * max(-by, 0))) if by else kernel


def soften(frame: Real, blur: float) -> Real:
    """A new frame (H, W, C), seen through a Gaussian of `blur` px."""
    if blur < SHARP:
        return frame.astype(np.float32, copy=True)
    kernel = shift_kernel(0.0, blur)
    return np.asarray(cv2.sepFilter2D(frame, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32).reshape(frame.shape)


def shift_kernel(shift: float, blur: float) -> NDArray[np.float32]:
    """A filter that reads `shift` px (−½ … ½) further on, through a Gaussian of `blur` px; [1] where there is nothing to do.

    Between pixels it is Catmull and Rom's cubic, which rings little. Source: Keys 1981
    """
    kernel = np.ones(1)
    if abs(shift) > 1e-3:
        distance = np.abs(np.arange(-2, 3) - shift)
        near = (1.5 * distance - 2.5) * distance**2 + 1
        far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
        kernel = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    if blur >= SHARP:
        radius = int(np.ceil(3 * blur))
        bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / blur) ** 2)
        kernel = np.convolve(kernel, bell / bell.sum())
    return np.asarray(kernel, np.float32)


def _shifted(frame: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """`frame` (H, W[, C]) read `rows` down and `columns` to the right, mirrored at its borders."""
    if not rows and not columns:
        return frame
    height, width = frame.shape[:2]
    if max(abs(rows) + 1, abs(columns) + 1) > min(height, width):
        out: NDArray[Any] = frame[mirrored(height, rows)][:, mirrored(width, columns)]
        return out
    up, down, back, on = max(-rows, 0), max(rows, 0), max(-columns, 0), max(columns, 0)
    wide = np.asarray(cv2.copyMakeBorder(frame, up, down, back, on, cv2.BORDER_REFLECT_101))
    wide = wide.reshape(height + abs(rows), width + abs(columns), *frame.shape[2:])
    return np.ascontiguousarray(wide[down : down + height, on : on + width])


def mirrored(size: int, by: int, margin: int = 0) -> NDArray[np.intp]:
    """Indices by − margin … size − 1 + by + margin, mirrored about the first and last into 0 … size − 1."""
    if size == 1:
        return np.zeros(1 + 2 * margin, np.intp)
    period = 2 * (size - 1)
    place = np.arange(by - margin, size + by + margin) % period
    return np.asarray(np.minimum(place, period - place), np.intp)
