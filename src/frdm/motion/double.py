"""Double prints: a frame in which two pictures of the film lie over each other, one of them many lines away from the other.

A printer or a scanner makes them where the film stands still too late: the frame is a·E(x + d) + b·E(x + e) everywhere, E being what the
frame would show. E is told by the frames on either side, the centre of their motion; the frame divided by E in the frequency domain is the
printing itself, two points where a clean frame has one. What moves before something else gives two points as well, but then each place
shows one of the two pictures and not their sum: that is asked of the frame's blocks one by one.

A slow dissolve or a conversion that blends frame after frame gives one point, since its neighbours are blended as well.
The division is damped as a Wiener filter is. Figures: docs/real-film.md.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Real
from frdm.motion.window import Window

LINES = 240  # all is measured on a picture of so many lines …
SMALLEST = 160  # … of film that has at least these, and as many columns
FINE, COARSE = 0.8, 6.0  # px: what is finer is grain, what is coarser may be light
DAMPING = 0.05  # share of the mean power below which a frequency tells little
REACH = 40  # px between a picture and where it is looked for
APART = 4  # px around a point that belong to it: nearer pictures (less than 10 px of 480 lines) are not told from blur
SECOND = 0.22  # strength of the second point, by the first …
CLEAR = 2.0  # … by the third, which is chance …
BLUR = 2.0  # … and by what lies between the two: a frame that moved while it was exposed shows at every place on its way
BLOCK = 24  # px a side
ALIKE = 0.5  # squared correlation of the two pictures in a block above which it can't tell them apart
PLAIN = 0.15  # of the usual power, below which it has nothing to tell by
FEWEST = 12  # blocks that must tell
BOTH, MOST = 0.15, 0.6  # the lesser picture's weight in a block that shows both, and the share of blocks that must


@dataclass(frozen=True, slots=True)
class Doubling:
    """How the two pictures of a frame lie over each other."""

    down: float  # px of a 480-line picture from the stronger to the weaker one
    right: float
    weight: float  # of the weaker one, 0.15 … 0.5

    @property
    def apart(self) -> float:
        """px of a 480-line picture between the two."""
        return float(np.hypot(self.down, self.right))


def double_print(window: Window) -> Doubling | None:
    """How the window's centre is two pictures of the film printed over each other; None: it is not, or nothing tells, as without a
    neighbour right before and one right after.
    """
    expected = between(window)
    if expected is None:
        return None
    centre = _small(window.luma, expected.shape)
    laid = printing(centre, expected)
    (first, strength), (second, weaker), (_, chance) = points(laid)
    if strength <= 0 or weaker < max(SECOND * strength, CLEAR * chance, BLUR * halfway_of(laid, first, second)):
        return None
    weights = weights_in_blocks(centre, expected, (first, second))
    both = weights >= BOTH
    if len(weights) < FEWEST or both.mean() < MOST:
        return None
    unit = 480 / LINES
    down, right = ((b - a) * unit for a, b in zip(first, second, strict=True))
    return Doubling(down, right, float(np.median(weights[both])))


def between(window: Window) -> Real | None:
    """What the centre would show by its neighbours right before and right after, halfway along their motion, `LINES` high."""
    height, width = window.luma.shape
    sides = [(n.raw, n.halfway) for n in window.neighbours if n.halfway is not None]
    if len(sides) < 2 or min(height, width) < SMALLEST:
        return None
    shape = LINES, max(16, round(width * LINES / height / 16) * 16)
    rows, columns = np.arange(shape[0], dtype=np.float32)[:, None], np.arange(shape[1], dtype=np.float32)
    out = np.zeros(shape, np.float32)
    for raw, halfway in sides:
        down, right = _small(halfway[0], shape) * np.float32(shape[0] / height), _small(halfway[1], shape) * np.float32(shape[1] / width)
        out += cv2.remap(_small(raw, shape), columns + right, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out / len(sides), np.float32)


def printing(centre: Real, expected: Real) -> Real:
    """(2·REACH + 1)²: how strongly `expected` shows in the centre where it is moved by each offset, none in the middle."""
    height, width = centre.shape
    taper = np.sqrt(np.outer(np.hanning(height), np.hanning(width))).astype(np.float32)
    seen, known = (np.fft.rfft2((p - cv2.GaussianBlur(p, (0, 0), COARSE)) * taper) for p in (centre, expected))
    power = np.abs(known) ** 2
    moved = np.fft.irfft2(seen * np.conj(known) / (power + DAMPING * power.mean()), s=centre.shape)
    every = np.asarray(cv2.GaussianBlur(np.fft.fftshift(moved).astype(np.float32), (0, 0), 1.0), np.float32)
    up, left = height // 2 - REACH, width // 2 - REACH
    return every[up : up + 2 * REACH + 1, left : left + 2 * REACH + 1]


def points(strength: Real, count: int = 3) -> list[tuple[tuple[int, int], float]]:
    """((down, right), strength) of the strongest offsets, `APART` from each other, the strongest first."""
    left, out = strength.copy(), []
    for _ in range(count):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        out.append(((int(row) - REACH, int(column) - REACH), float(left[row, column])))
        left[max(row - APART, 0) : row + APART + 1, max(column - APART, 0) : column + APART + 1] = -np.inf
    return out


def halfway_of(strength: Real, first: tuple[int, int], second: tuple[int, int]) -> float:
    """The strength in the middle third between two offsets."""
    steps = np.array([0.4, 0.5, 0.6])[:, None]
    rows, columns = np.rint(np.array(first) * (1 - steps) + np.array(second) * steps).astype(int).T + REACH
    return float(strength[rows, columns].mean())


def weights_in_blocks(centre: Real, expected: Real, offsets: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.float64]:
    """The weight of the lesser picture (0 … 0.5, or below 0) in each block of the centre that can tell: the least squares of the centre by
    `expected` moved by either offset.
    """
    down, right = (max(abs(a), abs(b)) + APART for a, b in zip(*offsets, strict=True))
    inside = slice(down, centre.shape[0] - down), slice(right, centre.shape[1] - right)
    seen, known = (_detail(p) for p in (centre, expected))
    c = seen[inside]
    x, y = (np.roll(known, offset, (0, 1))[inside] for offset in offsets)
    if min(c.shape) < BLOCK:
        return np.zeros(0)
    xx, yy, xy, cx, cy = (_block_sums(p) for p in (x * x, y * y, x * y, c * x, c * y))
    least = PLAIN * np.median(xx + yy) / 2
    tells = (xy * xy < ALIKE * xx * yy) & (xx > least) & (yy > least)
    xx, yy, xy, cx, cy = (p[tells] for p in (xx, yy, xy, cx, cy))
    first, second = cx * yy - cy * xy, cy * xx - cx * xy  # less the determinant, which both share
    out: NDArray[np.float64] = np.minimum(first, second) / np.maximum(np.abs(first) + np.abs(second), 1e-30)
    return out


def _small(picture: Real, shape: tuple[int, ...]) -> Real:
    return np.asarray(cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _detail(picture: Real) -> Real:
    """What of a picture is neither grain nor light."""
    fine = cv2.GaussianBlur(picture, (0, 0), FINE)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), COARSE), np.float32)


def _block_sums(picture: Real) -> NDArray[np.float64]:
    """The sum over each block, in one row; what is left over at the edges goes."""
    down, across = (n // BLOCK for n in picture.shape)
    cut = picture[: down * BLOCK, : across * BLOCK].reshape(down, BLOCK, across, BLOCK)
    return np.asarray(cut.sum((1, 3), dtype=np.float64)).ravel()
