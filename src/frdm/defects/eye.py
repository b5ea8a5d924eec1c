"""The eye: the learned detector. The net says of every pixel how likely it is dirt; pieces of what it says become defects.

The classical pixel tests go first and cheap: the net looks only where they suspect something, in tiles whose places hang on the
picture alone, or at the whole picture where that is less work.
Method, figures and what was tried: docs/eye.md.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from operator import attrgetter

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.defects.alone import noise_of
from frdm.defects.classical import ANY_SIZE, Findings, Tests, defect_of, signs
from frdm.defects.eye_inputs import EyeInputs, eye_inputs
from frdm.defects.outlook import Glance, Outlook
from frdm.defects.spikes import candidates
from frdm.film import Defect, Mask, Real
from frdm.motion.window import Window
from frdm.recipe import Detection
from frdm.runtime.eye_layout import CELL
from frdm.runtime.session import Net, load_net
from frdm.signal.smooth import wide_blur

TILE, MARGIN = 192, 64  # px of the picture that is searched: what a tile answers for, and what it sees beyond
WHOLE = 0.4  # share of tiles from which on the whole picture is less work
EASY = 0.9  # strength of the pixel tests that say where the net looks
AREAS, LEAST = (50.0, 1000.0), (0.45, 0.55)  # least mean probability of a piece by its area, px of a 480-line picture …
CALM, UPSET, RAISED = 0.47, 0.67, 0.75  # … in frames no more undecided than the first; from the second on this probability is asked of all
THOUGHT = 0.02  # probability from which a pixel tells how undecided a frame is
LITTLE = 20.0  # px of a 480-line picture, sum of probabilities below which nothing can be told of that
ASKED = 0.85  # of all, where the film around shows nothing that is surely dirt …
ASKED_LARGE = 1.0  # … and of large pieces, where it shows nothing small that is
LARGE = 100.0  # px of a 480-line picture
ALONE = 0.6  # of all, by the net for single frames
SUREST = 0.95
BODY = 0.25  # probability from which a pixel belongs to a piece …
SEED = 0.45  # … that holds one pixel of this
SMALLEST = 3.0  # px of a 480-line picture
Asked = tuple[float, float]  # the probability that is asked of pieces below `LARGE`, and of others
NOWHERE = Outlook()  # nothing is known of the film around
SURROUND = 12.0  # px of a 480-line picture: around which a piece of a single frame is called dark or bright


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the net says of one picture."""

    dirt: Real  # (H, W) probability, 0 where it did not look
    line: Real
    share: float  # of the tiles that were looked at


def find(
    window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None, around: Outlook = NOWHERE
) -> Findings:
    """All defects of the window's centre that the net is sure enough of; only where `allowed` (of the size that is searched). Where the
    film `around` shows nothing that is surely dirt, more is asked of every piece.
    """
    tests = Tests.of(window)
    spikes, noise, level = tests.spikes, tests.noise, tests.level
    suspects = candidates(spikes, noise, 1, settings.strength)[0] | candidates(spikes, noise, -1, settings.strength)[0]
    dirt = seen_of(window, tests, allowed)
    defects, doubtful = settled(window, found_in(dirt, window, tests, settings), settings, asked_around(around))
    return Findings(defects, doubtful, suspects | (dirt > BODY / 2), noise, level)


def asked_around(around: Outlook) -> Asked:
    """The probability that is asked of every piece where the film around shows nothing that is surely dirt: alone in film without dirt, a
    large piece is a fast arm, a tool or a light far sooner than dirt.
    """
    usual = ASKED if around.nothing_sure else 0.0
    return usual, ASKED_LARGE if around.nothing_small_sure else usual


def glance(window: Window, tests: Tests, settings: Detection, allowed: Mask | None = None) -> Glance:
    """What the net sees of the window's centre, in a few numbers."""
    return glance_of(seen_of(window, tests, allowed), window, tests, settings)


def glance_of(dirt: Real, window: Window, tests: Tests, settings: Detection) -> Glance:
    """The same where the net has looked already."""
    found = found_in(dirt, window, tests, settings)
    return Glance.of(found.chance, found.areas / (window.luma.shape[0] / 480) ** 2)


def seen_of(window: Window, tests: Tests, allowed: Mask | None) -> Real:
    """The net's probability of every pixel of the window's centre; 0 where the pixel tests suspect nothing, and where not `allowed`."""
    easy = candidates(tests.spikes, tests.noise, 1, EASY)[0] | candidates(tests.spikes, tests.noise, -1, EASY)[0]
    dirt = look(eye_inputs(window, tests.noise), easy if allowed is None else easy & allowed, load_net("eye")).dirt
    return dirt if allowed is None else dirt * allowed


def found_in(dirt: Real, window: Window, tests: Tests, settings: Detection) -> "EyePieces":
    """The pieces of what the net says."""
    smooth = np.asarray(cv2.GaussianBlur(tests.spikes.difference, (0, 0), 0.8), np.float32)
    return pieces(dirt, smooth, window.luma.shape[0] / 480, settings)


def find_alone(window: Window, settings: Detection, allowed: Mask | None = None, *, pool: Executor | None = None) -> Findings:
    """All defects of a frame that the net for single frames is sure enough of: its neighbours, if it has any, are not looked at.

    How undecided the frame leaves it is not asked: a picture with one speck would leave nothing else to be sure of.
    """
    luma = window.luma
    level, unit = noise_of(luma), luma.shape[0] / 480
    noise = np.full(luma.shape, level, np.float32)
    inputs = eye_inputs(replace(window, neighbours=()), noise)
    answered = answer(inputs, load_net("eye_alone"), (0, 0, *inputs.full.shape[1:]))[:, : luma.shape[0], : luma.shape[1]]
    dirt = answered[0] if allowed is None else answered[0] * allowed
    surround = wide_blur(luma, SURROUND * unit)
    found = pieces(dirt, luma - surround, unit, settings)
    defects, doubtful = settled(window, replace(found, doubt=np.zeros(len(found.doubt))), settings, (ALONE, ALONE))
    return Findings(defects, doubtful, answered[0] > BODY / 2, noise, level)


def look(inputs: EyeInputs, wanted: Mask, net: Net) -> Seen:
    """The net's answer where `wanted` (H, W), and around it."""
    height, width = inputs.full.shape[1:]
    out = np.zeros((2, height, width), np.float32)
    tiles = busy_tiles(wanted, height, width)
    share = len(tiles) / (-(-height // TILE) * -(-width // TILE))
    if share >= WHOLE:
        out = answer(inputs, net, (0, 0, height, width))
    else:
        for top, left in tiles:
            bottom, right = min(top + TILE, height), min(left + TILE, width)
            box = max(top - MARGIN, 0), max(left - MARGIN, 0), min(bottom + MARGIN, height), min(right + MARGIN, width)
            got = answer(inputs, net, box)
            out[:, top:bottom, left:right] = got[:, top - box[0] : bottom - box[0], left - box[1] : right - box[1]]
    dirt, line = out[:, : wanted.shape[0], : wanted.shape[1]]
    return Seen(dirt, line, share)


def busy_tiles(wanted: Mask, height: int, width: int) -> list[tuple[int, int]]:
    """Corners (top, left) of the tiles that hold something wanted."""
    corners = ((top, left) for top in range(0, height, TILE) for left in range(0, width, TILE))
    return [(top, left) for top, left in corners if wanted[top : top + TILE, left : left + TILE].any()]


def answer(inputs: EyeInputs, net: Net, box: tuple[int, int, int, int]) -> Real:
    """(2, h, w) probabilities in one box (top, left, bottom, right; all even)."""
    top, left, bottom, right = box
    full = inputs.full[:, top:bottom, left:right].astype(np.float32)
    half = inputs.half[:, top // 2 : bottom // 2, left // 2 : right // 2].astype(np.float32)
    down, across = -(bottom - top) % CELL, -(right - left) % CELL
    full = np.pad(full, ((0, 0), (0, down), (0, across)), mode="edge")
    half = np.pad(half, ((0, 0), (0, down // 2), (0, across // 2)), mode="edge")
    logits = net(full=full[None], half=half[None], offsets=inputs.offsets[None].astype(np.float32))[0]
    cut = np.clip(logits[:, : bottom - top, : right - left], -30, 30)
    return np.asarray(1 / (1 + np.exp(-cut)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class EyePieces:
    """Connected pieces of what the net calls dirt: labels 1 … n in `labels` (H, W), boxes (n, 4) as x, y, w, h."""

    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    areas: NDArray[np.int64]
    chance: NDArray[np.float64]  # mean probability over each piece
    sign: NDArray[np.int64]  # +1 brighter than the neighbours, −1 darker
    doubt: NDArray[np.float64]  # how undecided the net is over the frame (`undecided`)


def pieces(dirt: Real, difference: Real, unit: float, settings: Detection) -> EyePieces:
    """Pieces of pixels above `BODY` that hold one above `SEED` and have a size that the settings ask for."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((dirt > BODY).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    where = np.flatnonzero(labels)
    label = np.asarray(labels.ravel()[where], np.int64)
    total = np.bincount(label, weights=dirt.ravel()[where], minlength=len(areas))
    lean = np.bincount(label, weights=difference.ravel()[where], minlength=len(areas))
    top = np.zeros(len(areas))
    np.maximum.at(top, label, dirt.ravel()[where])
    least = max(SMALLEST, settings.min_size**2) * unit**2
    keep = (areas >= least) & (areas <= (settings.max_size * unit) ** 2) & (top > SEED)
    keep[0] = False
    number = np.zeros(len(areas), np.int32)
    number[keep] = np.arange(1, keep.sum() + 1, dtype=np.int32)
    chance, sign, doubt = (
        total[keep] / areas[keep],
        np.where(lean[keep] >= 0, 1, -1),
        undecided(dirt, np.asarray(labels, np.int32), unit)[keep],
    )
    return EyePieces(number[labels], stats[keep][:, :4].astype(np.int32), areas[keep], chance, sign, doubt)


def undecided(dirt: Real, labels: NDArray[np.int32], unit: float) -> NDArray[np.float64]:
    """For each label 0 … n of a label picture: how undecided the net is over the frame (0 … 1), or over the rest of it besides this piece,
    whichever is more: Σp(1 − p) / Σp over all pixels that it thinks of at all.

    On damaged film most of what it sees is clearly dirt; on undamaged film, in rain, sparks or lost motion hardly anything is clear, and
    then a probability deserves less belief. A piece says nothing about itself: where there is next to nothing else, the answer is 1.
    """
    thought = np.where(dirt > THOUGHT, dirt, 0).astype(np.float64)
    own = np.bincount(labels.ravel(), weights=thought.ravel())
    own_open = np.bincount(labels.ravel(), weights=(thought * (1 - thought)).ravel())
    total, total_open = own.sum(), own_open.sum()
    rest = np.where(total - own < LITTLE * unit**2, 1.0, (total_open - own_open) / np.maximum(total - own, 1e-9))
    out: NDArray[np.float64] = np.maximum(rest, total_open / max(total, 1e-9))
    return out


def settled(
    window: Window, found: EyePieces, settings: Detection, asked: Asked = (0.0, 0.0), sizes: tuple[float, float] = ANY_SIZE
) -> tuple[tuple[Defect, ...], tuple[Defect, ...]]:
    """(defects, doubtful ones), each in the order of their boxes: the pieces of some sizes, least … most px of a 480-line picture."""
    lists: tuple[list[Defect], list[Defect]] = ([], [])
    unit = window.luma.shape[0] / 480
    for i, chance in enumerate(found.chance):
        area = float(found.areas[i]) / unit**2
        if int(found.sign[i]) in signs(settings) and sizes[0] <= area < sizes[1]:
            sure = chance >= least_chance(settings.strength, area, float(found.doubt[i]), asked[int(area >= LARGE)])
            defect = defect_of(window, found.labels, found.boxes[i], (i + 1, int(found.sign[i])), float(chance))
            lists[int(not sure)].append(window.scale.whole_defect(defect))
    by_box = attrgetter("box")
    return tuple(sorted(lists[0], key=by_box)), tuple(sorted(lists[1], key=by_box))


def least_chance(strength: float, area: float, doubt: float = 0.0, asked: float = 0.0) -> float:
    """The mean probability from which a piece of `area` px (of a 480-line picture) is mended in a frame that is so undecided, and in which
    `asked` is asked of every piece.

    Chosen for harm on films that were not trained on (docs/eye.md): a large piece that is wrong is an erased limb. `strength` 0.5 takes the
    table as it is, 0 asks for `SUREST` of all, 1 for half of the table.
    """
    usual = float(np.interp(np.log(max(area, 1.0)), np.log(AREAS), LEAST))
    usual += float(np.clip((doubt - CALM) / (UPSET - CALM), 0, 1)) * max(RAISED - usual, 0.0)
    usual = max(usual, asked)
    return usual + (SUREST - usual) * (1 - 2 * strength) if strength < 0.5 else usual * (1.5 - strength)
