"""What training data is made of: a sample is a few consecutive frames, what they should look like, and where the defects lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from frdm.errors import DatasetError
from frdm.film import Codes, Mask, Real, frozen

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
MAPS = ("matte", "kinds", "polarity", "ids")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Consecutive frames of one shot. Pictures are (T, H, W, C) codes of full range, 8 or 16 bit; C is 1 (grey) or 3 (R, G, B).

    A pack of clean film has `pristine` alone: training damages it itself. `maps` may hold `matte` (float32, 0 … 1), `kinds` (uint8: 0 none,
    else 1 + the place in `frdm.film.KINDS`), `polarity` (int8: −1 dark, 0 none or mixed, 1 bright) and `ids` (uint16), all (T, H, W).
    """

    key: str  # letters, digits, - and _: unique in its pack
    film: str
    split: Split
    pristine: Codes
    degraded: Codes | None = None
    mask: Mask | None = None
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)  # source, licence, tags, caption, labels, first frame, …

    def __post_init__(self) -> None:
        checked(self)
        object.__setattr__(self, "pristine", frozen(self.pristine))
        for name in ("degraded", "mask"):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else frozen(given))
        object.__setattr__(self, "maps", MappingProxyType({name: frozen(array) for name, array in self.maps.items()}))

    def __len__(self) -> int:
        return len(self.pristine)

    @property
    def bits(self) -> int:
        """8 or 16 bits a code."""
        return 8 * self.pristine.dtype.itemsize

    @property
    def matte(self) -> Real | None:
        """The soft matte, float32 (T, H, W), 0 … 1, where it is known."""
        return self.maps.get("matte")

    def frames(self, start: int, stop: int) -> "Sample":
        """Frames start … stop-1 of it, as views."""
        part = slice(start, stop)
        return replace(
            self,
            pristine=self.pristine[part],
            degraded=None if self.degraded is None else self.degraded[part],
            mask=None if self.mask is None else self.mask[part],
            maps={name: array[part] for name, array in self.maps.items()},
        )


def checked(sample: Sample) -> None:
    """Raises `DatasetError` where a sample's arrays don't fit together."""
    shape, kind = sample.pristine.shape, sample.pristine.dtype
    if len(shape) != 4 or shape[3] not in (1, 3) or kind not in (np.uint8, np.uint16) or not shape[0]:
        raise DatasetError(f"{sample.key}: pictures {shape} of {kind} found, wanted (T, H, W, 1 or 3) of uint8 or uint16")
    if sample.degraded is not None and (sample.degraded.shape != shape or sample.degraded.dtype != kind):
        raise DatasetError(f"{sample.key}: degraded frames {sample.degraded.shape} of {sample.degraded.dtype}, wanted {shape} of {kind}")
    for name, array in (("mask", sample.mask), *sample.maps.items()):
        if array is not None and array.shape != shape[:3]:
            raise DatasetError(f"{sample.key}: {name} of {array.shape} found, wanted {shape[:3]} as the pictures have")


def plain_name(text: str) -> str:
    """The text as part of a key: letters, digits and - of ASCII, everything else as -."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return "-".join(piece for piece in kept.split("-") if piece) or "film"
