"""Grain for what was filled: as much as film has there and the fill lacks, of the same look, shared between planes as the film's is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Encoding, Mask, Real
from frdm.signal.grain import draw_grain, grain_alike, high_pass, residue
from frdm.signal.grain_look import CLUMP, look_of

Dice = Callable[[int], np.random.Generator]  # of a plane; the same for the same plane


def planes_by_size(encoding: Encoding) -> list[list[int]]:
    """The picture planes, those of one size together."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for plane in range(encoding.pictures):
        sizes.setdefault(encoding.step(plane), []).append(plane)
    return list(sizes.values())


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """Fresh grain of a plane (h, w): its high-pass, of unit variance, and its clumps."""

    fine: Real
    slow: Real


def fresh_grain(shown: Sequence[Real], sound: Mask, softness: Sequence[float], planes: Sequence[int], dice: Dice) -> list[Fresh]:
    """Fresh grain for planes of one size, with the look of what is `shown` (h, w each) on sound film, less its slow part; where that is
    too little, as soft as told, without clumps, and the same in planes whose grain is alike.
    """
    look = look_of([residue(one, sound, CLUMP) for one in shown], sound)
    shape = (len(sound), sound.shape[1])
    if look is not None:
        drawn = look.drawn(shape, dice(planes[0]))
        return [Fresh(fine, one - fine) for one, fine in ((one, high_pass(one)) for one in drawn)]
    alike = [place > 0 and grain_alike(shown[0], one, sound) for place, one in enumerate(shown)]
    drawn_by = [planes[0] if same else plane for same, plane in zip(alike, planes, strict=True)]
    return [Fresh(draw_grain(shape, soft, dice(by)), np.zeros(shape, np.float32)) for soft, by in zip(softness, drawn_by, strict=True)]


def renew_grain(base: Real, strength: Real, share: float, fresh: Fresh, *, clumps: bool = True) -> Real:
    """`base` with its own grain taken down where nothing but grain is, and fresh grain laid over, with its clumps if wanted.

    `strength` (h, w) is the deviation of what grain's high-pass shall be, in codes; `share` is the part of its power that is left in `base`
    (1 for one source, 1/n for the mean of n).
    """
    fine = high_pass(base)
    power = cv2.GaussianBlur(fine**2, (0, 0), 2.5)
    left = share * strength**2
    gain = np.clip((power - 1.3 * left) / np.maximum(power, 1e-9), 0, 1)
    missing = np.sqrt(np.maximum(strength**2 - gain**2 * left, 0))
    out = base - fine + gain * fine + missing * fresh.fine
    return np.asarray(out + strength * np.float32(np.sqrt(1 - share)) * fresh.slow if clumps else out, np.float32)
