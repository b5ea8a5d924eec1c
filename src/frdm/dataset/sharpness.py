"""Giving one version of a frame the sharpness of the other: the small filter that brings them nearest.

It takes up what is left of a shift, what interpolation took from fine grain, and sharpening or softening by whoever restored the film.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Mask, Real

REACH = 3  # px on either side
SAMPLES = 20_000
EASE = 1e-3  # of the mean power: keeps the filter tame where the picture has no detail to learn it from


def matched(after: Real, before: Real, where: Mask) -> Real:
    """AFTER (H, W, C) through the filter, one for all channels, that makes it most like BEFORE `where` both show the same."""
    kernel = matching_kernel(after, before, where)
    return np.asarray(cv2.filter2D(after, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32).reshape(after.shape)


def matching_kernel(after: Real, before: Real, where: Mask) -> Real:
    """The (7, 7) kernel of least squares, its sum 1; a plain 1 in the middle where there is too little to learn from."""
    size = 2 * REACH + 1
    plain = np.zeros((size, size), np.float32)
    plain[REACH, REACH] = 1
    rows, columns = np.nonzero(where[REACH:-REACH, REACH:-REACH])
    if rows.size < 50 * size * size:
        return plain
    step = max(1, rows.size // SAMPLES)
    rows, columns = rows[::step], columns[::step]
    source, target = after.mean(2), before.mean(2)
    windows = np.lib.stride_tricks.sliding_window_view(source, (size, size))[rows, columns].reshape(-1, size * size)
    middle = windows[:, size * size // 2]
    answer = target[rows + REACH, columns + REACH] - middle
    change = _solved(np.ascontiguousarray(windows - middle[:, None]), answer).reshape(size, size)
    change[REACH, REACH] = -change.sum()  # flat places stay as they are
    return plain + change.astype(np.float32)


def _solved(slopes: Real, answer: Real) -> NDArray[np.float64]:
    """Least squares, twice: what the first leaves far off is no sharpness. OpenCV's products, since their bytes hang on no thread count."""
    fair = np.ones(len(answer), bool)
    found: NDArray[np.float64] = np.zeros(slopes.shape[1])
    for _ in range(2):
        both = np.hstack([slopes[fair], answer[fair, None]])
        power = np.asarray(cv2.mulTransposed(both, True, dtype=cv2.CV_64F), np.float64)
        square, right = power[:-1, :-1].copy(), power[:-1, -1]
        square[np.diag_indices_from(square)] += EASE * np.trace(square) / len(square) + 1e-9
        found = np.asarray(np.linalg.solve(square, right), np.float64)
        off = np.abs(answer - slopes @ found.astype(np.float32))
        fair = off <= 4 * 1.4826 * float(np.median(off)) + 1e-4
    return found
