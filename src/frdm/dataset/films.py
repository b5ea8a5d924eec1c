"""A film's frames as codes for training: R G B or grey, full range, in the film's own transfer, smaller when asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from frdm.display import colours, displayed
from frdm.film import Codes, Encoding, Frame, Real, ScanInfo, Shot
from frdm.media.scan import Scan
from frdm.motion.shots import find_shots
from frdm.recipe import ShotSettings
from frdm.signal.colour import colourfulness
from frdm.signal.luma import LUMA

EXACT_CODECS = frozenset(
    ("", *["ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "rawvideo", "v210", "v410", "r210", "png", "dpx", "qtrle"])
)
COLOURLESS = 2.5  # codes of 8 bits: the greatest mean distance between channels of a film without colour


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames start … stop-1 of one shot, short enough for one sample; `shot` counts from 0."""

    shot: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def stretches(scan: Scan, *, longest: int, shortest: int = 1) -> list[Stretch]:
    """A film's shots in even pieces of at most `longest` frames; shots of fewer than `shortest` are left out. Reads the film once."""
    return pieces(find_shots(scan, scan.info, ShotSettings()), longest=longest, shortest=shortest)


def pieces(shots: Iterable[Shot], *, longest: int, shortest: int = 1) -> list[Stretch]:
    """Shots in even pieces of at most `longest` frames, none shorter than `shortest`."""
    found = []
    for number, shot in enumerate(shots):
        count = -(-len(shot) // longest)
        ends = [shot.start + round(len(shot) * part / count) for part in range(count + 1)]
        found += [Stretch(number, a, b) for a, b in pairwise(ends) if b - a >= shortest]
    return found


def compressed(info: ScanInfo) -> bool:
    """Whether a codec that loses has left its blocks in the film."""
    return info.codec.lower() not in EXACT_CODECS


def levels(frame: Frame, encoding: Encoding) -> Real:
    """The frame as (H, W, 1 or 3) levels, 0 … 1 from black to white, unclipped: log codes as they are, linear light as sRGB."""
    picture = colours(frame, encoding)
    if encoding.transfer == "linear":
        picture = displayed(picture, encoding)
    return picture[..., :1] if encoding.layout == "y" else picture


def code_bits(encoding: Encoding) -> int:
    """Bits of the samples that are made of a film: 8 where its codes have no more, else 16."""
    return 8 if encoding.bits <= 8 and not encoding.floating else 16


def resized(picture: Real, scale: float) -> Real:
    """The picture at `scale` (at most 1), averaged over area."""
    if scale >= 1:
        return picture
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).reshape(*small.shape[:2], picture.shape[2])


def quantised(picture: Real, bits: int) -> Codes:
    """Levels as codes of 8 or 16 bits."""
    top = 2**bits - 1
    return np.asarray(np.rint(np.clip(picture, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16))


def read_codes(scan: Scan, start: int, stop: int, *, scale: float = 1.0) -> Codes:
    """Frames start … stop-1 as codes (T, H, W, C); a film that shows no colour anywhere becomes grey (C = 1)."""
    bits = code_bits(scan.info.encoding)
    return without_colour(np.stack(list(iterate_codes(scan.frames(start, stop), scan.info.encoding, scale=scale, bits=bits))))


def iterate_codes(frames: Iterable[Frame], encoding: Encoding, *, scale: float, bits: int) -> Iterator[Codes]:
    """The frames as codes (H, W, C), one at a time."""
    for frame in frames:
        yield quantised(resized(levels(frame, encoding), scale), bits)


def without_colour(codes: Codes) -> Codes:
    """Grey codes (…, 1) where the three channels are one but for noise; else the codes as they are."""
    if codes.shape[-1] == 1 or colourfulness(codes) > COLOURLESS / 255:
        return codes
    return np.asarray(np.rint(codes.astype(np.float32) @ LUMA)[..., None].astype(codes.dtype))
