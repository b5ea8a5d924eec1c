"""The repairs alone, as pictures that are laid over the scan in a compositor: scan + overlay = render.

With `whole` alpha (the default) every pixel that a repair may alter is opaque and holds the render's own code: an over of any program gives
the render, whatever it does with soft edges. With `soft` alpha a pixel that one repair alone alters has that repair's matte as alpha and
its fill as colour; it is opaque all the same where an over in float64, rounded to the scan's codes, would not give the render's code (two
repairs over each other, planes with mattes of their own, too few digits). docs/exports.md says how to lay them and what is equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from frdm.errors import OutputError
from frdm.film import WHOLE, Codes, Encoding, Frame, Mask, Patch, ScanInfo
from frdm.rendering import altered_mask, composite

Form = Literal["exr", "png"]
Alpha = Literal["whole", "soft"]
Real64 = NDArray[np.float64]
_CLOSE = 2.0**-22  # of the greater of scan and fill: what three roundings to float32 may come to


@dataclass(frozen=True, slots=True)
class OverlayKind:
    """How overlays of one encoding are stored."""

    encoding: Encoding
    form: Form
    alpha: Alpha

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the picture's samples: 8 or 16 bits in PNG, half (where the film is half) or float in EXR."""
        if self.form == "png":
            return np.dtype(np.uint8 if self.encoding.bits <= 8 and self.alpha == "whole" else np.uint16)
        half = self.encoding.floating and self.encoding.bits == 16 and self.alpha == "whole"
        return np.dtype(np.float16 if half else np.float32)

    @property
    def opaque(self) -> float:
        """The picture's alpha of a pixel that hides the scan."""
        return float(np.iinfo(self.dtype).max) if self.form == "png" else 1.0

    @property
    def top(self) -> float:
        """The greatest code of an integer film: what a compositor takes for 1. Floats are taken as they are."""
        return 1.0 if self.encoding.floating else float((1 << self.encoding.bits) - 1)

    def empty(self, height: int, width: int) -> NDArray[Any]:
        """A picture (height, width, R G B A) through which the whole scan is seen."""
        return np.zeros((height, width, 4), self.dtype)

    def colour(self, codes: Codes) -> NDArray[Any]:
        """Codes as the picture's colours, before alpha is multiplied in; 16 bits hold every code of less apart from every other."""
        if self.form == "exr":
            return codes if self.encoding.floating else (codes / self.top).astype(np.float64)
        if self.dtype == np.uint8:
            return codes
        top = np.uint32(self.top)
        return ((codes.astype(np.uint32) * np.uint32(WHOLE) + top // np.uint32(2)) // top).astype(np.uint16)


def require_representable(info: ScanInfo, form: Form) -> None:
    """Raise `OutputError` when no overlay of this form can give a film's codes back."""
    e = info.encoding
    instead = "use frdm render, or export mattes"
    if e.layout == "ycbcr":
        ratio = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}.get(e.subsampling, "with subsampled colour")
        raise OutputError(
            f"{info.path}: its codes are Y'CbCr {ratio} and an overlay is RGB, which can't give them back; "
            f"restore an RGB version of the scan (DPX, TIFF, EXR), or {instead}"
        )
    if e.floating and form == "png":
        raise OutputError(f"{info.path}: its codes are floats, which a PNG can't hold; export with --as overlay-exr")
    if e.black > e.white:
        raise OutputError(f"{info.path}: its codes count from white to black, which programs read in different ways; {instead}")


def overlay(frame: Frame, patches: Sequence[Patch], kind: OverlayKind) -> NDArray[Any]:
    """The picture (height, width, R G B A) that lays `patches` over `frame`: multiplied by alpha for EXR, not for PNG.

    Where no matte reaches all four are 0. `patches` in ledger order, as `composite` takes them; a grey film has R = G = B.
    """
    render, changed = composite(frame, patches, kind.encoding)
    height, width = frame.planes[0].shape
    picture = kind.empty(height, width)
    hidden = altered_mask(changed, kind.encoding, height=height, width=width)
    if kind.alpha == "soft":
        scan, wanted = _colours(frame, kind.encoding), _colours(render, kind.encoding)
        soft = _lay_soft(picture, (scan, wanted), patches, kind)
        hidden &= ~soft
    picture[hidden, :3] = kind.colour(_colours(render, kind.encoding)[hidden])
    picture[hidden, 3] = kind.opaque
    return picture


def lost_under(frame: Frame, patches: Sequence[Patch], encoding: Encoding) -> int:
    """How many repaired pixels have a scan that is no number: an over of floats leaves them so (0 · NaN is NaN)."""
    if not encoding.floating or not patches:
        return 0
    _, changed = composite(frame, patches, encoding)
    height, width = frame.planes[0].shape
    broken = ~np.isfinite(_colours(frame, encoding)).all(axis=-1)
    return int(np.count_nonzero(altered_mask(changed, encoding, height=height, width=width) & broken))


def _lay_soft(picture: NDArray[Any], codes: tuple[Codes, Codes], patches: Sequence[Patch], kind: OverlayKind) -> Mask:
    """Put fills with their mattes into `picture` where that gives the render; where that is. `codes`: of scan and render."""
    scan, wanted = codes
    lone, matte, fill = _alone(patches, kind.encoding, scan.shape[:2])
    m, colour = matte[lone] / np.float64(WHOLE), kind.colour(fill[lone])
    with np.errstate(invalid="ignore", over="ignore"):
        if kind.form == "exr":
            stored = np.concatenate([colour * m[:, None], m[:, None]], axis=1).astype(kind.dtype)
        else:
            stored = np.concatenate([colour, matte[lone][:, None]], axis=1)
        over = laid_over(scan[lone], stored, kind)
        good = _is_render(over, (scan[lone], fill[lone]), wanted[lone], kind)
    soft = np.zeros_like(lone)
    soft[lone] = good
    picture[soft] = stored[good]
    return soft


def laid_over(scan: Codes, stored: NDArray[Any], kind: OverlayKind) -> Real64:
    """What a compositor in float64 makes of codes (n, 3) under stored pixels (n, 4), on the scale of the codes."""
    alpha = stored[:, 3:].astype(np.float64) / kind.opaque
    colours = stored[:, :3].astype(np.float64) / kind.opaque
    premultiplied = colours if kind.form == "exr" else alpha * colours
    return (premultiplied + (1 - alpha) * (scan / np.float64(kind.top))) * kind.top


def _is_render(over: Real64, sides: tuple[Codes, Codes], wanted: Codes, kind: OverlayKind) -> Mask:
    """Where the over, rounded to the film's codes, is the render; for 32-bit floats, as near as 32-bit overlays can be."""
    if not kind.encoding.floating:
        same = np.rint(over) == wanted
    elif kind.encoding.bits == 16:
        same = over.astype(np.float16) == wanted
    else:
        greater = np.maximum(np.abs(sides[0].astype(np.float64)), np.abs(sides[1].astype(np.float64)))
        same = np.abs(over - wanted) <= _CLOSE * greater
    return np.asarray(same.all(axis=1), np.bool_)


def _alone(patches: Sequence[Patch], encoding: Encoding, shape: tuple[int, int]) -> tuple[Mask, NDArray[np.uint16], Codes]:
    """Where one repair alone lies, with one matte for all planes; that matte, and the fill's codes (height, width, 3)."""
    count, uneven = np.zeros(shape, np.uint16), np.zeros(shape, np.bool_)
    matte, fill = np.zeros(shape, np.uint16), np.zeros((*shape, 3), encoding.dtype)
    for patch in patches:
        place = patch.box.on_plane(encoding, 0)
        mattes = np.stack(patch.mattes, axis=-1)
        there = (mattes > 0).any(axis=-1)
        count[place] += there
        uneven[place] |= there & (mattes != mattes[..., :1]).any(axis=-1)
        matte[place][there] = patch.mattes[0][there]
        fill[place][there] = _three(patch.codes)[there]
    return (count == 1) & ~uneven & (matte > 0), matte, fill


def _colours(frame: Frame, encoding: Encoding) -> Codes:
    return _three(frame.planes[: encoding.pictures])


def _three(planes: Sequence[Codes]) -> Codes:
    """One grey plane thrice, or R, G and B, as (height, width, 3)."""
    return np.stack(planes if len(planes) == 3 else (planes[0],) * 3, axis=-1)
