"""The picture area: which part of a scanned frame is picture, and not perforation, frame line, overscan, sound track or rounded corner.

Found in frames spread over the film: what is not picture stands still, is flat, and ends at a sharp straight edge. In doubt all is picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.errors import RecipeError
from frdm.film import Box, Frame, Mask, Real, ScanInfo, frozen
from frdm.recipe import AreaSettings
from frdm.signal.working import small_luma

SAMPLES = 12  # frames looked at
WIDTH = 320  # of the reduced pictures they are looked at in
STILL = 0.03  # a border's brightness may vary this much over the film and from place to place
DARK, BRIGHT = 0.08, 0.9  # unexposed overscan; light through a perforation
DEAD = 0.97  # share of a border's line that must be dead …
ALIVE = 0.6  # … and of the picture's first line that must not be
SOFT = 0.02  # share of the width within which border must turn to picture: a dark scene's edge is softer
WIDEST = 0.3  # share of the frame that a border may take at one side
CORNER = 0.12  # share of the picture's height within which a rounded corner lies


class Frames(Protocol):
    """A film of which single frames can be had (a `Scan` is one)."""

    def frame(self, index: int) -> Frame: ...


@dataclass(frozen=True, slots=True, eq=False)
class PictureArea:
    """The picture's place in every frame: `mask` is bool (height, width), True in the picture; `box` bounds it, its frame number is 0."""

    mask: Mask
    box: Box

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", frozen(self.mask))

    @property
    def whole(self) -> bool:
        """Whether every pixel is picture."""
        return bool(self.mask.all())

    @property
    def share(self) -> float:
        """Share of the frame that is picture, 0 … 1."""
        return float(self.mask.mean())


def find_area(source: Frames, info: ScanInfo, settings: AreaSettings, *, start: int = 0, stop: int | None = None) -> PictureArea:
    """The picture area of a film as `settings.area` says: "whole", "x,y,w,h" in pixels of the scan, or "auto".

    "auto" looks at frames spread over start … stop-1. Raises `RecipeError`.
    """
    if settings.area == "whole":
        return area_of_box(info, Box(0, 0, 0, info.height, info.width))
    if settings.area != "auto":
        return area_of_box(info, _given(settings.area, info))
    stop = info.length if stop is None else stop
    spread = sorted({start + round(i * (stop - start - 1) / (SAMPLES - 1)) for i in range(SAMPLES)})
    return area_in([small_luma(source.frame(i), info.encoding, WIDTH) for i in spread], info)


def area_of_box(info: ScanInfo, box: Box, corners: Mask | None = None) -> PictureArea:
    """A rectangular area, less `corners` (height, width) that are not picture."""
    mask = np.zeros((info.height, info.width), np.bool_)
    mask[box.rows, box.columns] = True
    if corners is not None:
        mask &= ~corners
    return PictureArea(mask, box)


def area_in(lumas: Sequence[Real], info: ScanInfo) -> PictureArea:
    """The picture area that frames spread over a film show, given their reduced lumas (all of one shape)."""
    stack = np.stack(lumas)
    whole = area_of_box(info, Box(0, 0, 0, info.height, info.width))
    if len(stack) < SAMPLES // 2:
        return whole  # a few frames can't tell a border from a scene
    still, varied = np.ptp(stack, axis=0), _varied(stack)
    dead = _dead(stack, still, varied)
    edges = (0, 0, *dead.shape)
    for _ in range(2):  # a second time, when the borders above and below are known, for those at the sides
        edges = _edges(_closed(dead) if varied else dead, edges, varied)
    top, left, bottom, right = edges
    if (bottom - top) * (right - left) < 0.35 * dead.size:
        return whole
    corners = np.zeros(dead.shape, np.uint8)
    corners[top:bottom, left:right] = _corners(dead[top:bottom, left:right])
    large = cv2.resize(corners, (info.width, info.height), interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    return area_of_box(info, _enlarged(edges, dead.shape, info), large)


def _varied(stack: Real) -> bool:
    """Whether the frames show different things, so that what stands still in all of them can't be scene."""
    return bool((np.ptp(stack, axis=0) > 0.15).mean() > 0.4)


def _dead(stack: Real, still: Real, varied: bool) -> Mask:
    """Pixels that look like no picture: still and dark in every frame; in a varied film also still and bright, or always one of both."""
    if not varied:
        return np.asarray((still <= STILL) & (stack.max(axis=0) <= DARK / 2))
    extreme = ((stack <= DARK) | (stack >= BRIGHT)).all(axis=0)
    flat = np.zeros(still.shape, np.bool_)
    mean = stack.mean(axis=0)
    for line in (mean[0], mean[-1], mean[:, 0], mean[:, -1]):  # a border of any other brightness has that of the frame's edge
        flat |= np.abs(mean - np.median(line)) <= STILL
    return np.asarray(extreme | ((still <= STILL) & flat))


def _closed(dead: Mask) -> Mask:
    """The blurred edges of perforations, a few pixels wide, joined to what is dead on both sides."""
    padded = cv2.copyMakeBorder(dead.astype(np.uint8), 4, 4, 4, 4, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return closed[4:-4, 4:-4].astype(np.bool_)


def _edges(dead: Mask, known: tuple[int, int, int, int], varied: bool) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of the picture, each side judged between the other sides' known edges."""
    height, width = dead.shape
    top, left, bottom, right = known
    rows, columns = dead[:, left:right].mean(axis=1), dead[top:bottom].mean(axis=0)
    return (
        _border(rows, varied),
        _border(columns, varied),
        height - _border(rows[::-1], varied),
        width - _border(columns[::-1], varied),
    )


def _border(share: NDArray[np.float64], varied: bool) -> int:
    """How many lines from this side on are not picture, given each line's dead share.

    The innermost dead line that turns into living picture within a few lines. In a varied film, what lies outside of it (a sound track,
    the next frame) is not picture either; else every line up to it must be dead.
    """
    lines = len(share)
    soft = max(1, round(SOFT * lines))
    alive = np.asarray([share[i : i + soft].min(initial=1.0) for i in range(lines)]) <= 1 - ALIVE
    line = share >= DEAD
    for end in range(round(WIDEST * lines), 0, -1):
        outside = line[:end]
        strip = varied and end >= 2 and bool(outside[-2:].all())
        if outside[-1] and alive[end] and (strip or outside.all()):
            return end
    return 0


def _corners(dead: Mask) -> NDArray[np.uint8]:
    """Rounded corners of the aperture: dead, small, as high as wide, and in at least three of the four corners; else none."""
    size = max(4, round(CORNER * dead.shape[0]))
    found = np.zeros(dead.shape, np.uint8)
    sizes = []
    for flip in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        square = dead[:: flip[0], :: flip[1]][:size, :size]
        _, labels = cv2.connectedComponents(np.ascontiguousarray(square, np.uint8), connectivity=4)
        corner = square & (labels == labels[0, 0])
        high, wide = int(corner.any(axis=1).sum()), int(corner.any(axis=0).sum())
        if corner[0, 0] and max(high, wide) < size and min(high, wide) >= 2 and max(high, wide) <= 2.5 * min(high, wide):
            sizes.append(int(corner.sum()))
            grown = cv2.dilate(corner.astype(np.uint8), np.ones((3, 3), np.uint8))
            found[:: flip[0], :: flip[1]][:size, :size] = grown
    return found if len(sizes) >= 3 and max(sizes) <= 4 * min(sizes) else np.zeros(dead.shape, np.uint8)


def _enlarged(edges: tuple[int, int, int, int], small: tuple[int, ...], info: ScanInfo) -> Box:
    """The box at the film's size; a side with a border is moved in by one reduced pixel, since an aperture's edge is soft and weaves."""
    top, left, bottom, right = edges
    vertical, horizontal = info.height / small[0], info.width / small[1]
    return Box(
        0,
        int(np.ceil((top + 1) * vertical)) if top else 0,
        int(np.ceil((left + 1) * horizontal)) if left else 0,
        int((bottom - 1) * vertical) if bottom < small[0] else info.height,
        int((right - 1) * horizontal) if right < small[1] else info.width,
    )


def _given(text: str, info: ScanInfo) -> Box:
    """The box of "x,y,w,h", checked against the frame."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise RecipeError(f"area: found {text!r}, wanted auto, whole or x,y,w,h in pixels, for example 40,20,1920,1440") from None
    if width <= 0 or height <= 0 or x < 0 or y < 0 or x + width > info.width or y + height > info.height:
        raise RecipeError(f"area: {text} does not lie in the film's frame of {info.width} × {info.height} pixels; give x,y,w,h inside it")
    return Box(0, y, x, y + height, x + width)
