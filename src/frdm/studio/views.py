"""What a person looks at: a part of a frame at a size, in the film's look or as codes; differences, mattes, sources. Arrays in, arrays out.

Pictures are 8-bit, R G B or R G B and alpha. Parts are cut and reduced as codes before they are turned into colours, which is quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.display import Picture, colours, displayed
from frdm.film import WHOLE, Box, Encoding, Frame, Real
from frdm.jobs.layers import Layer
from frdm.rendering import cut
from frdm.studio.colours import KIND, SOURCE, Colour, source_of

Tone = Literal["display", "log", "codes"]
Clear = NDArray[np.uint8]  # height × width × 4, R G B and alpha

GREY = 128
SHADOWS = 63.0  # how far the log view lifts shadows
FAINT = {"accepted": 1.0, "held": 1.0, "rejected": 0.45}  # of an overlay's strength
VEIL = 0.6  # alpha of an overlay where a matte is whole
WEIGHTS = (0.2126, 0.7152, 0.0722)  # of R, G, B in the luma view


@dataclass(frozen=True, slots=True)
class Look:
    """Which part of a frame is shown, how large, and how its codes become light."""

    box: Box
    size: tuple[int, int]  # rows, columns of the picture
    tone: Tone = "display"
    gamma: float = 1.0
    channels: str = "rgb"

    @property
    def shrinks(self) -> bool:
        return self.size[1] < self.box.right - self.box.left


def shown(frame: Frame, encoding: Encoding, look: Look) -> Picture:
    """The part of the frame as the look has it."""
    part, small = _part(frame, encoding, look)
    if look.channels in encoding.extra:
        level = _extra(part, small, look.channels)
        return _sized(_grey(_toned(level, look)), look)
    if small.layout != "ycbcr" and not small.floating:
        picture = _by_table(part, small, look)
    else:
        levels = _toned(_levels(part, small, look.tone), look)
        picture = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    return _sized(_channel(picture, look.channels), look)


def difference(before: Frame, after: Frame, encoding: Encoding, look: Look, *, gain: float) -> Picture:
    """Mid grey + gain × (after − before), each from black to white."""
    if before is after:
        return np.full((*look.size, 3), GREY, np.uint8)
    parts = [_part(frame, encoding, look) for frame in (before, after)]
    levels = [colours(part, small) for part, small in parts]
    moved = np.clip(GREY + np.float32(255 * gain) * (levels[1] - levels[0]), 0, 255).astype(np.uint8)
    return _sized(_channel(moved, look.channels), look)


def overlay(layers: Sequence[Layer], held: Sequence[tuple[Box, str]], look: Look) -> Clear:
    """Mattes in the colours of their kinds, and frames around held defects (box, kind); clear elsewhere."""
    veils = [(layer, KIND[layer.row.kind], VEIL * FAINT[layer.row.status]) for layer in layers]
    out = _veiled(veils, look)
    for box, kind in held:
        _framed(out, box, KIND[kind], look)
    return out


def provenance(layers: Sequence[Layer], look: Look) -> Clear:
    """Every repaired pixel in the colour of where it came from; clear elsewhere."""
    named = [(layer, SOURCE[source_of(layer.row.provenance, layer.row.box.frame)], 0.85) for layer in layers]
    return _veiled(named, look)


def fills(after: Frame, layers: Sequence[Layer], encoding: Encoding, look: Look) -> Clear:
    """The repaired pixels alone; clear elsewhere."""
    picture = shown(after, encoding, look)
    alpha = _veiled([(layer, (0, 0, 0), 1.0) for layer in layers], look)[..., 3]
    return np.dstack([picture, alpha])


def laid_on(ground: Picture, veil: Clear) -> Picture:
    """A clear picture over an opaque one."""
    alpha = veil[..., 3:].astype(np.uint16)
    mixed = (veil[..., :3] * alpha + ground * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


# Codes to light -----------------------------------------------------------------------------------------------------------------------


def _part(frame: Frame, encoding: Encoding, look: Look) -> tuple[Frame, Encoding]:
    """The part that is shown, its planes all of one size: reduced where the look shrinks it, else at the film's own."""
    v, h = encoding.step(1) if encoding.pictures > 1 else (1, 1)
    box = look.box
    height, width = frame.planes[0].shape
    wide = Box(box.frame, box.top // v * v, box.left // h * h, min(-(-box.bottom // v) * v, height), min(-(-box.right // h) * h, width))
    part = cut(frame, wide, encoding)
    rows, columns = slice(box.top - wide.top, box.bottom - wide.top), slice(box.left - wide.left, box.right - wide.left)
    whole = part.planes[0].shape
    planes = []
    for plane in part.planes:
        even = plane.astype(np.float32) if plane.dtype == np.float16 else plane
        if even.shape != whole and not (look.shrinks and wide == box):
            even = np.asarray(cv2.resize(even.astype(np.float32), whole[::-1], interpolation=cv2.INTER_LINEAR))
        even = even if wide == box else even[rows, columns]
        if look.shrinks:
            even = np.asarray(cv2.resize(even, look.size[::-1], interpolation=cv2.INTER_AREA))
        planes.append(even)
    return Frame(frame.index, tuple(planes)), replace(encoding, subsampling=(1, 1))


def _levels(part: Frame, encoding: Encoding, tone: Tone) -> Real:
    levels = colours(part, encoding)
    return levels if tone == "codes" else displayed(levels, encoding)


def _toned(levels: Real, look: Look) -> Real:
    """Levels with the look's curve: shadows lifted, gamma."""
    out = np.clip(np.nan_to_num(levels), 0, 1)
    if look.tone == "log":
        out = np.log1p(np.float32(SHADOWS) * out) / np.float32(np.log1p(SHADOWS))
    return np.asarray(out ** np.float32(1 / look.gamma) if look.gamma != 1 else out, np.float32)


def _by_table(part: Frame, encoding: Encoding, look: Look) -> Picture:
    """Integer planes that don't depend on each other: one table from code to light."""
    table = _table(replace(encoding, layout="y", extra=()), look.tone, look.gamma)
    planes = [table[np.minimum(plane, len(table) - 1)] for plane in part.planes[: encoding.pictures]]
    return np.dstack(planes if len(planes) == 3 else planes * 3)


@lru_cache(maxsize=32)
def _table(encoding: Encoding, tone: Tone, gamma: float) -> NDArray[np.uint8]:
    """What each code of a gray film looks like."""
    every = np.arange(1 << encoding.bits, dtype=np.uint16)[None]
    levels = _levels(Frame(0, (every,)), encoding, tone)
    light = _toned(levels, Look(Box(0, 0, 0, 1, 1), (1, 1), tone, gamma))
    out: NDArray[np.uint8] = np.round(light[0, :, 0] * 255).astype(np.uint8)
    return out


def _extra(part: Frame, encoding: Encoding, name: str) -> Real:
    plane = part.planes[encoding.pictures + encoding.extra.index(name)].astype(np.float32)
    return plane if encoding.floating else plane / np.float32((1 << encoding.bits) - 1)


def _channel(picture: Picture, name: str) -> Picture:
    if name == "rgb":
        return picture
    if name == "luma":
        return _grey(np.asarray(picture.astype(np.float32) @ np.asarray(WEIGHTS, np.float32) / 255, np.float32))
    return np.repeat(picture[..., ["r", "g", "b"].index(name)][..., None], 3, axis=2)


def _grey(level: Real) -> Picture:
    return np.repeat(np.round(np.clip(level, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def _sized(picture: NDArray[np.uint8], look: Look) -> NDArray[np.uint8]:
    """At the look's size; magnified pixels keep their edges."""
    if picture.shape[:2] == look.size:
        return picture
    smooth = cv2.INTER_AREA if look.shrinks else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, look.size[::-1], interpolation=smooth), np.uint8)


# Veils --------------------------------------------------------------------------------------------------------------------------------


def _veiled(veils: Sequence[tuple[Layer, Colour, float]], look: Look) -> Clear:
    """Mattes as a clear picture; where several lie over each other the last is seen. Small ones stay visible however far all is reduced."""
    box = look.box
    out = np.zeros((box.bottom - box.top, box.right - box.left, 4), np.uint8)
    for layer, colour, strength in veils:
        patch = layer.stored.patch
        top, left = max(patch.box.top, box.top), max(patch.box.left, box.left)
        bottom, right = min(patch.box.bottom, box.bottom), min(patch.box.right, box.right)
        if top >= bottom or left >= right:
            continue
        matte = patch.mattes[0][top - patch.box.top : bottom - patch.box.top, left - patch.box.left : right - patch.box.left]
        there = out[top - box.top : bottom - box.top, left - box.left : right - box.left]
        alpha = np.rint(matte.astype(np.float32) * np.float32(255 * strength / WHOLE)).astype(np.uint8)
        over = alpha > 0
        there[over, :3] = colour
        there[over, 3] = np.maximum(there[over, 3], alpha[over])
    return _sized_veil(out, look)


def _sized_veil(veil: Clear, look: Look) -> Clear:
    if not look.shrinks or veil.shape[:2] == look.size:
        return _sized(veil, look)
    over = veil[..., 3] > 0
    marked = veil[over].astype(np.uint16)
    weighted = np.zeros(veil.shape, np.uint16)  # colours times alpha, alpha times 255: a clear place weighs nothing
    weighted[over] = np.hstack([marked[:, :3], np.full_like(marked[:, 3:], 255)]) * marked[:, 3:]
    small = np.asarray(cv2.resize(weighted, look.size[::-1], interpolation=cv2.INTER_AREA), np.uint16)
    out, seen = np.zeros((*look.size, 4), np.uint8), small[..., 3] > 0
    weights = small[seen].astype(np.float32)
    alpha = np.minimum(weights[:, 3] / 255 * (veil.shape[1] / look.size[1]), float(marked[:, 3].max(initial=0)))
    out[seen] = np.round(np.column_stack([np.minimum(weights[:, :3] / weights[:, 3:] * 255, 255), alpha])).astype(np.uint8)
    return out


def _framed(out: Clear, box: Box, colour: Colour, look: Look) -> None:
    """A frame around a box, one line wide at any size."""
    down, across = look.size[0] / (look.box.bottom - look.box.top), look.size[1] / (look.box.right - look.box.left)
    corner = (round((box.left - look.box.left) * across) - 2, round((box.top - look.box.top) * down) - 2)
    other = (round((box.right - look.box.left) * across) + 1, round((box.bottom - look.box.top) * down) + 1)
    cv2.rectangle(out, corner, other, (*colour, 255), 1)
