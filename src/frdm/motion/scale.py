"""The picture in which motion and defects are looked for: the film's own up to about a thousand lines, a whole part of it above.

Finer pictures cost time by the square and show motion no better; the least defect that counts (`min_size`) is several pixels of such
a film. Fills and everything that is written stay at the film's own size. Knows nothing of what is looked for.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from frdm.film import Box, Defect, Mask, Real

LINES = 700  # about the height of the reduced picture


@dataclass(frozen=True, slots=True)
class SearchScale:
    """Sizes (height, width) of the film's frames and of the picture that is searched."""

    whole: tuple[int, int]
    reduced: tuple[int, int]

    @staticmethod
    def of(height: int, width: int) -> "SearchScale":
        factor = max(1, round(height / LINES))
        return SearchScale((height, width), (max(16, height // factor), max(16, width // factor)) if factor > 1 else (height, width))

    @property
    def same(self) -> bool:
        """Whether the film's own picture is searched."""
        return self.whole == self.reduced

    @property
    def ratio(self) -> tuple[float, float]:
        """(down, across): pixels of the film for one of the reduced picture, ≥ 1."""
        return self.whole[0] / self.reduced[0], self.whole[1] / self.reduced[1]

    def shrink(self, picture: Real) -> Real:
        """A picture (H, W) of the film's size, reduced: the mean over each pixel's area."""
        return picture if self.same else np.asarray(cv2.resize(picture, self.reduced[::-1], interpolation=cv2.INTER_AREA), np.float32)

    def where_all(self, mask: Mask) -> Mask:
        """A mask of the film's size, reduced: true only where all of a pixel's area is."""
        return mask if self.same else self.shrink(mask.astype(np.float32)) > 1 - 1e-5

    def box(self, box: Box) -> Box:
        """The box of the reduced picture that holds a box of the film."""
        down, across = self.ratio
        top, left = int(box.top / down), int(box.left / across)
        bottom, right = -int(-box.bottom // down), -int(-box.right // across)
        return Box(box.frame, top, left, min(max(bottom, top + 1), self.reduced[0]), min(max(right, left + 1), self.reduced[1]))

    def whole_box(self, box: Box, *, step: tuple[int, int] = (1, 1)) -> Box:
        """The box of the film that holds a box of the reduced picture, its edges moved outwards to multiples of `step` (rows, columns)."""
        (down, across), (v, h) = self.ratio, step
        top, left = int(box.top * down) // v * v, int(box.left * across) // h * h
        bottom, right = -int(-box.bottom * down // v) * v, -int(-box.right * across // h) * h
        return Box(box.frame, top, left, min(bottom, self.whole[0]), min(right, self.whole[1]))

    def within(self, box: Box, mask: Mask, crop: Box) -> Mask:
        """The mask (of the film, in `box`) as the reduced picture has it inside its own box `crop`: true where any of a pixel is."""
        (down, across) = self.ratio
        out = np.zeros((crop.bottom - crop.top, crop.right - crop.left), bool)
        rows, columns = np.nonzero(mask)
        rows = (((rows + box.top + 0.5) / down).astype(int) - crop.top).clip(0, out.shape[0] - 1)
        columns = (((columns + box.left + 0.5) / across).astype(int) - crop.left).clip(0, out.shape[1] - 1)
        out[rows, columns] = True
        return out

    def enlarged(self, picture: Real, box: Box, crop: Box) -> Real:
        """What a picture of the reduced box `box` shows in the film's box `crop`, between its pixels linearly; edges repeat."""
        (down, across) = self.ratio
        matrix = np.array(
            [
                [1 / across, 0, (crop.left + 0.5) / across - 0.5 - box.left],
                [0, 1 / down, (crop.top + 0.5) / down - 0.5 - box.top],
            ]
        )
        size = (crop.right - crop.left, crop.bottom - crop.top)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)

    def motion(self, d: Real, box: Box, crop: Box) -> Real:
        """A displacement (2, h, w) of the reduced box `box` at the film's box `crop`, in the film's pixels."""
        if self.same:
            return d[:, crop.top - box.top : crop.bottom - box.top, crop.left - box.left : crop.right - box.left]
        return np.stack([self.enlarged(plane, box, crop) * np.float32(r) for plane, r in zip(d, self.ratio, strict=True)])

    def whole_defect(self, defect: Defect) -> Defect:
        """A defect of the reduced picture in the film's pixels."""
        if self.same:
            return defect
        crop = self.whole_box(defect.box)
        padded = np.pad(defect.mask.astype(np.float32), 1)
        box = Box(crop.frame, defect.box.top - 1, defect.box.left - 1, defect.box.bottom + 1, defect.box.right + 1)
        mask = self.enlarged(padded, box, crop) >= 0.5
        return Defect(defect.kind, defect.polarity, crop, mask, defect.confidence, defect.track)
