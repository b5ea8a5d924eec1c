"""A recipe on a film of any encoding, frame by frame: native codes in, native codes out, only as much in memory as is worked on together.

Damage is painted on R, G, B video codes. Codes that the damage leaves alone in R, G, B keep their native value, bit by bit; the others
are turned back. Log codes are taken as they are, linear light through the video curve, where what is brighter than white is white.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import DamageRecipe
from frdm.damage.reel import Damaged, Reel
from frdm.film import Codes, Encoding, Frame, Mask, Real
from frdm.media.scan import Scan
from frdm.signal.luma import LIMITED_CHROMA, MATRICES
from frdm.signal.transfer import linear_from_video, video_from_linear

FINE = 65535  # codes of films that aren't R, G, B or Y of full range are damaged as 16-bit ones


@dataclass(frozen=True, slots=True, eq=False)
class DamagedFrame:
    """One frame of a film: damaged and pristine in native codes, where either differs from the scan (a mask a plane), and the maps.

    `maps` holds one frame.
    """

    degraded: Frame
    pristine: Frame
    degraded_at: tuple[Mask, ...]
    pristine_at: tuple[Mask, ...]
    maps: Damaged


def damaged_frames(scan: Scan, recipe: DamageRecipe, *, seed: int, frames: range, cuts: Sequence[int] = ()) -> Iterator[DamagedFrame]:
    """Damage `frames` of a film, in order. Which frames are asked for makes no difference to any of them.

    `cuts` are the frames at which the film's shots begin, where hairs in the gate are to stand for a shot. Raises `DamageError`.
    """
    info = scan.info
    reel = Reel(recipe, seed, size=(info.height, info.width), top=white_code(info.encoding), cuts=cuts)
    read = scan.frames(frames.start, frames.stop)
    for start, stop in reel.groups(frames.start, frames.stop):
        native = [next(read) for _ in range(start, stop)]
        clean = np.stack([pictured(frame, info.encoding) for frame in native])
        made = reel.group(clean, start)
        for place, frame in enumerate(native):
            yield _one(frame, clean[place], made, place, info.encoding)


def _one(frame: Frame, clean: Codes, made: Damaged, place: int, encoding: Encoding) -> DamagedFrame:
    degraded, pristine = made.degraded[place], made.pristine[place]
    bad, bad_at = _turned_back(frame, clean, degraded, encoding)
    good, good_at = _turned_back(frame, clean, pristine, encoding)
    maps = (made.mask[place], made.matte[place], made.kinds[place], made.polarity[place], made.ids[place])
    return DamagedFrame(bad, good, bad_at, good_at, Damaged(degraded[None], pristine[None], *(m[None] for m in maps)))


def white_code(encoding: Encoding) -> int:
    """The largest code that a film is damaged in: its own where its codes are taken as they are, else that of 16 bits."""
    return (1 << encoding.bits) - 1 if _plain(encoding) else FINE


def _plain(encoding: Encoding) -> bool:
    """Whether codes are taken as they are: integers of R, G, B or Y, log or of full range."""
    if encoding.floating or encoding.layout == "ycbcr" or encoding.transfer == "linear":
        return False
    return encoding.transfer == "log" or (encoding.black, encoding.white) == (0, (1 << encoding.bits) - 1)


def pictured(frame: Frame, encoding: Encoding) -> Codes:
    """Integer R, G, B (or Y) video codes 0 … `white_code` of a frame, (H, W, C)."""
    if _plain(encoding):
        return np.stack(frame.planes[: encoding.pictures], axis=-1)
    scaled = _scaled(frame, encoding)
    if encoding.transfer == "linear":
        scaled = np.asarray(video_from_linear(np.clip(scaled, 0, 1)), np.float32)
    return np.asarray(np.rint(np.clip(scaled, 0, 1) * np.float32(FINE)), np.uint16)


def _scaled(frame: Frame, encoding: Encoding) -> Real:
    """R, G, B or Y with black 0 and white 1, (H, W, C)."""
    reach = np.float32(encoding.white - encoding.black)
    if encoding.layout != "ycbcr":
        stacked = np.stack([plane.astype(np.float32) for plane in frame.planes[: encoding.pictures]], axis=-1)
        return np.asarray((np.nan_to_num(stacked) - np.float32(encoding.black)) / reach, np.float32)
    luma = (frame.planes[0].astype(np.float32) - np.float32(encoding.black)) / reach
    size = (luma.shape[1], luma.shape[0])
    middle, span = _chroma(encoding)
    blue, red = (cv2.resize((p.astype(np.float32) - middle) / span, size, interpolation=cv2.INTER_LINEAR) for p in frame.planes[1:3])
    of_red, of_blue = MATRICES[encoding.matrix]
    r, b = luma + 2 * (1 - of_red) * red, luma + 2 * (1 - of_blue) * blue
    return np.asarray(np.stack([r, (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue), b], axis=-1), np.float32)


def _chroma(encoding: Encoding) -> tuple[float, float]:
    """(middle, span) of colour difference codes; limited range gives them 224 steps of 8 bits against luma's 219."""
    span = (encoding.white - encoding.black) * (LIMITED_CHROMA if encoding.black > 0 else 1)
    return (0.0 if encoding.floating else float(1 << (encoding.bits - 1))), float(span)


def _turned_back(frame: Frame, clean: Codes, made: Codes, encoding: Encoding) -> tuple[Frame, tuple[Mask, ...]]:
    """(the frame with the codes of `made` where they differ from `clean`, where its planes changed)."""
    where = np.asarray((clean != made).any(-1))
    fresh = list(frame.planes)
    if where.any():
        for number, values in enumerate(_planes(made, encoding, frame)):
            touched = where if values.shape == where.shape else _touched(where, values.shape, encoding, number)
            fresh[number] = np.where(touched, values, frame.planes[number])
    changed = tuple(np.asarray(new != old) for new, old in zip(fresh, frame.planes, strict=True))
    return Frame(frame.index, tuple(fresh)), changed


def _planes(made: Codes, encoding: Encoding, frame: Frame) -> list[Codes]:
    """Native codes of all picture planes of a frame of R, G, B or Y video codes."""
    if _plain(encoding):
        return [np.ascontiguousarray(made[..., c]) for c in range(encoding.pictures)]
    values = made.astype(np.float32) / np.float32(FINE)
    if encoding.transfer == "linear":
        values = np.asarray(linear_from_video(values), np.float32)
    reach = np.float32(encoding.white - encoding.black)
    if encoding.layout != "ycbcr":
        return [_coded(values[..., c] * reach + np.float32(encoding.black), encoding) for c in range(encoding.pictures)]
    of_red, of_blue = MATRICES[encoding.matrix]
    luma = of_red * values[..., 0] + (1 - of_red - of_blue) * values[..., 1] + of_blue * values[..., 2]
    middle, span = _chroma(encoding)
    out = [_coded(luma * reach + np.float32(encoding.black), encoding)]
    for number, channel, weight in ((1, 2, of_blue), (2, 0, of_red)):
        rows, columns = frame.planes[number].shape
        whole = (values[..., channel] - luma) / np.float32(2 * (1 - weight))
        small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA) if whole.shape != (rows, columns) else whole
        out.append(_coded(small * np.float32(span) + np.float32(middle), encoding))
    return out


def _coded(values: NDArray[Any], encoding: Encoding) -> Codes:
    """Values as native codes, rounded and held to what the encoding has."""
    if encoding.floating:
        return values.astype(encoding.dtype)
    return np.asarray(np.rint(np.clip(values, 0, (1 << encoding.bits) - 1)), encoding.dtype)


def _touched(where: Mask, shape: tuple[int, ...], encoding: Encoding, plane: int) -> Mask:
    """Samples of a smaller plane that a changed pixel lies in."""
    down, right = encoding.step(plane)
    padded = np.zeros((shape[0] * down, shape[1] * right), np.bool_)
    padded[: where.shape[0], : where.shape[1]] = where
    return np.asarray(padded.reshape(shape[0], down, shape[1], right).any((1, 3)))
