"""Small pictures that stand for frames: a kilobyte each for finding partners, a finer one for telling neighbours apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.dataset.registration import Affine, chained, inside, stretched, warped
from frdm.film import Encoding, Frame, Mask, Real
from frdm.signal.working import small_luma

ROWS, COLUMNS = 30, 40
COARSE = (10, 12)  # rows and columns of what is compared first: crops and shifts hardly matter to it
FINE = 192  # px wide
SLOW = 8.0  # px of the blur that is taken off the fine picture: tone and flicker go with it
CAP = 3.0  # deviations beyond which a difference counts no more: dirt is no reason against a partner


class Signatures:
    """The thumbnails of a film, gathered while its frames pass by."""

    def __init__(self) -> None:
        self._kept: list[NDArray[np.uint8]] = []

    def watch(self, frames: Iterable[Frame], encoding: Encoding) -> Iterator[Frame]:
        """The frames, passed on."""
        for frame in frames:
            luma = small_luma(frame, encoding, 4 * COLUMNS)
            small = cv2.resize(luma, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
            self._kept.append(np.asarray(np.rint(np.clip(small, 0, 1) * 255), np.uint8))
            yield frame

    def __len__(self) -> int:
        return len(self._kept)

    def coarse(self) -> Real:
        """(frames, n) vectors of mean 0 and length 1; a frame without any picture is all 0."""
        rows, columns = COARSE
        small = [cv2.resize(cv2.GaussianBlur(one, (0, 0), 1.5), (columns, rows), interpolation=cv2.INTER_AREA) for one in self._kept]
        vectors = np.stack(small).reshape(len(small), -1).astype(np.float32)
        vectors -= vectors.mean(1, keepdims=True)
        size = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(np.where(size > 4, vectors / np.maximum(size, 1e-6), 0), np.float32)

    def detail(self, index: int) -> float:
        """How much there is to see in a frame, in codes."""
        return float(self._kept[index].std())


@dataclass(frozen=True, slots=True)
class FineGrid:
    """The grid of the fine pictures: BEFORE made small, and the geometry from it to AFTER made small."""

    shape: tuple[int, int]
    width_after: int
    affine: Affine

    @staticmethod
    def of(before: tuple[int, int], after: tuple[int, int], affine: Affine) -> "FineGrid":
        """`before` and `after` are (height, width) of the films, `affine` leads from one to the other."""
        small = tuple(max(16, round(size * min(1.0, FINE / before[1]))) for size in before)
        finer = float(np.hypot(*affine[:, 0]))  # pixels of AFTER for one of BEFORE
        width = min(after[1], round(after[1] * small[1] / (before[1] * finer)))
        other = (max(1, round(after[0] * width / after[1])), width)
        shape = (small[0], small[1])
        return FineGrid(shape, width, chained(stretched(after, other), chained(affine, stretched(shape, before))))

    def before(self, frame: Frame, encoding: Encoding) -> Real:
        """BEFORE's fine picture."""
        luma = small_luma(frame, encoding, self.shape[1])
        return flattened(np.asarray(cv2.resize(luma, self.shape[::-1], interpolation=cv2.INTER_AREA), np.float32))

    def after(self, frame: Frame, encoding: Encoding) -> Real:
        """AFTER's, on BEFORE's grid."""
        return flattened(warped(small_luma(frame, encoding, self.width_after), self.affine, self.shape))

    def seen(self, after: tuple[int, int]) -> Mask:
        """Where AFTER (of this height and width) shows anything; everywhere if that is nowhere."""
        height = max(1, round(after[0] * self.width_after / after[1]))
        shown = inside((height, self.width_after), self.affine, self.shape)
        return shown if shown.any() else np.ones(self.shape, bool)


def flattened(luma: Real) -> Real:
    """The picture without its slow part, in deviations."""
    fine = luma - cv2.GaussianBlur(luma, (0, 0), SLOW)
    return np.asarray(fine / max(float(fine.std()), 2e-3), np.float32)


def distance(one: Real, other: Real, where: Mask) -> float:
    """Mean capped difference of two fine pictures; 0 for equal ones, about 1.1 for strangers."""
    return float(np.minimum(np.abs(one - other), CAP)[where].mean())
