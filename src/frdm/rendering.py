"""The restored film is scan + accepted repairs; this is the sum.

Native codes outside the mattes are never touched, not even by a conversion there and back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from frdm.film import WHOLE, Box, Codes, Encoding, Frame, Mask, Patch


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A repair before and after, cut out of its frame with some surround: native codes, to be shown by `pictures`."""

    before: Frame
    after: Frame
    encoding: Encoding
    box: Box  # where the cut lies in the whole frame
    repair: str
    kind: str
    engine: str
    status: str


def composite(frame: Frame, patches: Sequence[Patch], encoding: Encoding) -> tuple[Frame, tuple[Mask, ...] | None]:
    """The frame with `patches` laid over it in order, and a mask a picture plane (its shape): True where a matte is above 0.

    Without patches the frame itself and None. Integer codes are round(scan + m·(fill − scan)/65535) in exact integers, floats the same
    in float64. Where no matte reaches, codes keep their bits.
    """
    if not patches:
        return frame, None
    planes = [plane.copy() for plane in frame.planes[: encoding.pictures]]
    for patch in patches:
        for number, plane in enumerate(planes):
            _lay(plane, patch, number=number, encoding=encoding)
    height, width = planes[0].shape
    return Frame(frame.index, (*planes, *frame.planes[encoding.pictures :])), changed_masks(patches, encoding, height=height, width=width)


def changed_masks(patches: Sequence[Patch], encoding: Encoding, *, height: int, width: int) -> tuple[Mask, ...] | None:
    """A mask a picture plane: True where a matte of `patches` is above 0; None without patches."""
    if not patches:
        return None
    changed: list[Mask] = []
    for number in range(encoding.pictures):
        if number and _like_first(patches, encoding, number):
            changed.append(changed[0])
            continue
        mask = np.zeros(encoding.plane_shape(number, height, width), np.bool_)
        for patch in patches:
            mask[patch.box.on_plane(encoding, number)] |= patch.mattes[number] > 0
        changed.append(mask)
    return tuple(changed)


def _like_first(patches: Sequence[Patch], encoding: Encoding, number: int) -> bool:
    """Whether the mattes of a plane are the first plane's, as they are in RGB: its mask need not be made again."""
    return encoding.step(number) == (1, 1) and all(np.array_equal(patch.mattes[0], patch.mattes[number]) for patch in patches)


def _lay(plane: Codes, patch: Patch, *, number: int, encoding: Encoding) -> None:
    """Lay one plane of one patch into `plane`."""
    place = patch.box.on_plane(encoding, number)
    matte, fill = patch.mattes[number], patch.codes[number]
    under = plane[place]
    if not (matte.shape == fill.shape == under.shape):
        raise ValueError(f"frame {patch.box.frame}, plane {number}: patch {matte.shape}, fill {fill.shape} on a place {under.shape}")
    if encoding.bits < 16 and not encoding.floating and fill.size and int(fill.max()) >> encoding.bits:
        raise ValueError(f"frame {patch.box.frame}, plane {number}: code {int(fill.max())} in a fill of {encoding.bits} bits")
    where = matte > 0
    under[where] = blend(under[where], fill[where], matte[where])


def blend(scan: Codes, fill: Codes, matte: NDArray[np.uint16]) -> Codes:
    """round(scan + m·(fill − scan)) with m = matte / 65535, of samples in one row.

    Exact: 65535² + 32767 < 2³², and since 65535 is odd no result lies on a half. A float code that isn't a number is replaced, not blended.
    """
    if scan.dtype.kind == "f":
        m = matte / np.float64(WHOLE)
        with np.errstate(invalid="ignore", over="ignore"):
            mixed = (scan + m * (fill.astype(np.float64) - scan)).astype(scan.dtype)
        return np.where((matte == WHOLE) | ~np.isfinite(scan), fill.astype(scan.dtype), mixed)
    m32, s32, f32 = (a.astype(np.uint32) for a in (matte, scan, fill))
    return ((m32 * f32 + (np.uint32(WHOLE) - m32) * s32 + np.uint32(WHOLE // 2)) // np.uint32(WHOLE)).astype(scan.dtype)


def altered_mask(changed: Sequence[Mask] | None, encoding: Encoding, *, height: int, width: int) -> Mask:
    """One mask at luma size: True where any plane may differ; a chroma sample counts for all pixels that it colours."""
    whole = np.zeros((height, width), np.bool_)
    for number, mask in enumerate(changed or ()):
        if number and changed is not None and mask is changed[0]:
            continue
        vertical, horizontal = encoding.step(number)
        if (vertical, horizontal) != (1, 1):
            mask = mask.repeat(vertical, axis=0).repeat(horizontal, axis=1)[:height, :width]
        whole |= mask
    return whole


def altered_pixels(patch: Patch, encoding: Encoding) -> int:
    """How many pixels one patch may alter (samples of a box that begins inside a chroma sample are counted as that sample's)."""
    v, h = encoding.step(1) if encoding.pictures > 1 else (1, 1)
    rows, columns = patch.box.on_plane(encoding, min(1, encoding.pictures - 1))
    top, left = rows.start * v, columns.start * h
    whole = np.zeros(((rows.stop - rows.start) * v, (columns.stop - columns.start) * h), np.bool_)
    for number, matte in enumerate(patch.mattes):
        step = encoding.step(number)
        mask = (matte > 0).repeat(step[0], axis=0).repeat(step[1], axis=1)
        place = patch.box.on_plane(encoding, number)
        y, x = place[0].start * step[0] - top, place[1].start * step[1] - left
        whole[y : y + mask.shape[0], x : x + mask.shape[1]] |= mask
    return int(np.count_nonzero(whole))


def digest_outside(frame: Frame, changed: Sequence[Mask] | None) -> str:
    """xxh3_128 of all samples of all planes, those inside `changed` taken as 0."""
    hasher = xxhash.xxh3_128()
    for number, plane in enumerate(frame.planes):
        mask = changed[number] if changed is not None and number < len(changed) else None
        for piece in _pieces(np.ascontiguousarray(plane), mask):
            hasher.update(piece.data)
    return hasher.hexdigest()


def _pieces(plane: Codes, mask: Mask | None) -> Iterator[Codes]:
    """A plane's rows in order, in as few pieces as can be: only rows that `mask` touches are copied, to be 0 there."""
    touched: Mask = np.zeros(plane.shape[0], np.bool_) if mask is None else np.asarray(mask.any(axis=1))
    edges = np.flatnonzero(np.diff(touched)) + 1
    for start, stop in pairwise([0, *edges.tolist(), plane.shape[0]]):
        rows = plane[start:stop]
        if mask is not None and touched[start]:
            rows = rows.copy()
            rows[mask[start:stop]] = 0
        yield rows


def contiguous(frame: Frame) -> Frame:
    """The same codes with each plane in one piece of memory, as the sum and the digests want them."""
    return Frame(frame.index, tuple(np.ascontiguousarray(plane) for plane in frame.planes))


def digest(frame: Frame) -> str:
    """xxh3_128 of all samples of all planes."""
    return digest_outside(frame, None)


def first_difference(a: Sequence[Codes], b: Sequence[Codes]) -> tuple[int, int, int] | None:
    """(plane, row, column) of the first sample whose bits differ, None where all are equal; planes of other shapes differ at (0, 0)."""
    for number, (left, right) in enumerate(zip(a, b, strict=False)):
        if left.shape != right.shape or left.dtype != right.dtype:
            return number, 0, 0
        differs = bits(left) != bits(right)
        if differs.any():
            row, column = np.unravel_index(int(np.argmax(differs)), differs.shape)
            return number, int(row), int(column)
    return None if len(a) == len(b) else (min(len(a), len(b)), 0, 0)


def bits(plane: Codes) -> NDArray[Any]:
    """The plane's bits as integers, so that equal NaNs are equal and −0 is not 0."""
    plane = np.ascontiguousarray(plane)
    return plane.view(f"u{plane.dtype.itemsize}") if plane.dtype.kind == "f" else plane


def cut(frame: Frame, box: Box, encoding: Encoding) -> Frame:
    """The part of a frame that `box` touches."""
    places: Iterable[tuple[slice, slice]] = (box.on_plane(encoding, number) for number in range(len(frame.planes)))
    return Frame(frame.index, tuple(plane[place] for plane, place in zip(frame.planes, places, strict=True)))
