"""What became of dirt that we made ourselves: found, mended, missed, and what was altered without cause."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from frdm.demo.dirt import VISIBLE, Mark
from frdm.display import Picture
from frdm.film import Mask, Real

ALTERED = 2  # codes of 255
LEAST = 4  # pixels of a piece of dirt that can be seen, and of a wrong piece
OTHER_GRAIN = 7.0  # codes: one and a half times the error of true content with other grain (4.6 for the drawn film's)
FAR = 8  # pixels of a 480-line picture


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over a film; `far` and `wrong` are what a restorer fears."""

    visible: int = 0  # pieces of dirt that can be seen
    found: int = 0  # … of which at least half was altered
    mended: int = 0  # … and whose error fell to a quarter, or to that of other grain
    far: int = 0  # pixels altered far from any dirt
    wrong: int = 0  # connected pieces of them that can be seen
    pixels: int = 0
    frames: int = 0
    error_before: float = 0.0  # sums of squares over all samples, codes of 255
    error_after: float = 0.0

    @property
    def missed(self) -> int:
        return self.visible - self.found

    @property
    def far_percent(self) -> float:
        return 100 * self.far / max(self.pixels, 1)

    @property
    def gain(self) -> float:
        """How much the whole film gained, in dB of PSNR against the truth."""
        return float(10 * np.log10(max(self.error_before, 1e-9) / max(self.error_after, 1e-9)))

    def plus(self, other: "Score") -> "Score":
        """The score of both together."""
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def score(clean: Picture, dirty: Picture, restored: Picture, marks: Sequence[Mark]) -> Score:
    """The score of one frame; pictures are 8-bit."""
    before, after = (difference(clean, picture) for picture in (dirty, restored))
    altered = difference(dirty, restored).max(axis=2) >= ALTERED
    far = altered & ~near(marks, altered.shape)
    fates = [fate(mark, before, after, altered) for mark in marks]
    return Score(
        visible=sum(seen for seen, _, _ in fates),
        found=sum(found for _, found, _ in fates),
        mended=sum(mended for _, _, mended in fates),
        far=int(far.sum()),
        wrong=pieces(far & (after.max(axis=2) >= VISIBLE * 255)),
        pixels=altered.size,
        frames=1,
        error_before=float(np.square(before).sum()),
        error_after=float(np.square(after).sum()),
    )


def difference(one: Picture, other: Picture) -> Real:
    """Absolute difference in codes, height × width × 3."""
    return np.asarray(np.abs(one.astype(np.float32) - other), np.float32)


def fate(mark: Mark, before: Real, after: Real, altered: Mask) -> tuple[bool, bool, bool]:
    """Whether a piece of dirt can be seen, was found, was mended."""
    place = mark.box.rows, mark.box.columns
    seen = (before[place].max(axis=2) >= VISIBLE * 255) & (mark.cover > 0.05)
    if seen.sum() < LEAST:
        return False, False, False
    found = bool(altered[place][seen].mean() >= 0.5)
    was, now = (float(np.sqrt(np.square(error[place][seen]).mean())) for error in (before, after))
    return True, found, found and now <= max(was / 4, OTHER_GRAIN)


def near(marks: Sequence[Mark], size: tuple[int, ...]) -> Mask:
    """Where a piece of dirt is within reach."""
    dirt = np.zeros(size, np.uint8)
    for mark in marks:
        place = dirt[mark.box.rows, mark.box.columns]
        np.maximum(place, (mark.cover > 0.02).astype(np.uint8), out=place)
    reach = round(FAR * size[0] / 480)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(dirt, disc)).astype(bool)


def pieces(mask: Mask) -> int:
    """Connected pieces of at least `LEAST` pixels."""
    _, _, table, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return int((table[1:, cv2.CC_STAT_AREA] >= LEAST).sum())
