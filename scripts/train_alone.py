"""Fit the logistic regression of the classical detector for single frames (CENTRE, SCALE, BIAS, LINEAR, SQUARE of
src/frdm/defects/alone.py): draw dirt on frames of clean film, measure the pieces, fit on every second film, judge on the others.

    python scripts/train_alone.py CLEAN_FOLDER

CLEAN_FOLDER holds undamaged movies; one frame of each is taken, damaged twice and once left as it is. Prints the numbers.
"""

import argparse
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.dirt import clump, dust
from frdm.damage.hair import hair, lint
from frdm.defects import alone
from frdm.film import Encoding, Frame, Real
from frdm.motion.scale import SearchScale
from frdm.motion.window import Window
from frdm.recipe import Detection
from frdm.signal.smooth import wide_blur
from frdm.signal.working import small_chroma, working

Table = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]
FRAME = 7  # of each movie
RIDGE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clean", type=Path)
    films = sorted(parser.parse_args().clean.glob("*.mp4"))
    learnt, judged = (table(films[part::2]) for part in (0, 1))
    centre, scale = learnt[0][learnt[1]].mean(0), learnt[0].std(0) + 1e-6
    weights = fitted(terms(learnt[0], centre, scale), learnt[1])
    report(judged, terms(judged[0], centre, scale) @ weights, 3 * len(films[1::2]))
    count = len(centre)
    numbers = {"CENTRE": centre, "SCALE": scale, "BIAS": weights[:1], "LINEAR": weights[1 : count + 1], "SQUARE": weights[count + 1 :]}
    for name, values in numbers.items():
        print(name, "=", tuple(round(float(value), 3) for value in values))


def table(films: list[Path]) -> Table:
    """(measures, dirt or not, area) of every piece of the films' frames."""
    rows = []
    for path in films:
        video = cv2.VideoCapture(str(path))
        video.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
        read, frame = video.read()
        random = np.random.default_rng(zlib.crc32(path.name.encode()))
        for damaged in (True, True, False) if read else ():
            rows += list(measured(*sample(frame.astype(np.float32) / 255, random, damaged=damaged)))
    measures, hits, areas = zip(*rows, strict=True)
    return np.concatenate(measures), np.concatenate(hits), np.concatenate(areas)


def sample(frame: Real, random: np.random.Generator, *, damaged: bool) -> tuple[NDArray[np.uint8], Real]:
    """A frame (H, W, 3) as scanned, enlarged, grey and grainy by chance, and the cover of the dirt on it."""
    if random.random() < 0.3:
        frame = np.repeat(frame.mean(2, keepdims=True), 3, 2)
    larger = random.choice([1, 1.5, 2.0]) if frame.shape[0] < 700 else 1
    if larger > 1:
        frame = np.clip(cv2.resize(frame, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC), 0, 1)
    sigma = float(np.exp(random.uniform(np.log(0.003), np.log(0.02))))
    dirty, cover = dirtied(frame, random) if damaged else (frame, np.zeros(frame.shape[:2], np.float32))
    noise = cv2.GaussianBlur(random.standard_normal(frame.shape).astype(np.float32), (0, 0), random.uniform(0.4, 0.8))
    return np.rint(np.clip(dirty + noise / noise.std() * sigma, 0, 1) * 255).astype(np.uint8), cover


def dirtied(frame: Real, random: np.random.Generator) -> tuple[Real, Real]:
    """The frame with 15 to 60 pieces of one gauge's dirt, and their cover 0 … 1."""
    height, width = frame.shape[:2]
    unit = (height / 480) ** float(random.uniform(0, 1))
    cover, level = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    bright = random.random()
    for _ in range(int(random.integers(15, 60))):
        piece = shape(random, unit) * float(random.choice([1, 1, 0.8, 0.6, 0.4]))
        down, across = piece.shape
        if down < height and across < width:
            top, left = int(random.integers(0, height - down)), int(random.integers(0, width - across))
            place = slice(top, top + down), slice(left, left + across)
            tone = random.uniform(0.85, 1.0) if random.random() < bright else random.uniform(0, 0.12)
            over = piece > cover[place]
            cover[place][over], level[place][over] = piece[over], tone
    return frame * (1 - cover[..., None]) + level[..., None] * cover[..., None], cover


def shape(random: np.random.Generator, unit: float) -> Real:
    """The cover of one piece."""
    kind, soft = random.random(), float(random.uniform(0.5, 1.0))
    size = float(np.clip(np.exp(random.normal(1.1, 0.55)), 1.5, 14)) * unit
    if kind < 0.75:
        return (dust if kind < 0.65 else clump)(random, size, soft)
    if kind < 0.9:
        return hair(random, float(random.uniform(12, 70)) * unit, width=float(random.uniform(0.8, 2.0)) * unit, softness=soft)
    return lint(random, float(random.uniform(8, 25)) * unit, width=float(random.uniform(0.8, 1.6)) * unit, softness=soft)


def measured(picture: NDArray[np.uint8], cover: Real) -> Iterator[Table]:
    """The measures of the pieces of either polarity, whether each is dirt, and its area in px of a 480-line picture."""
    frame = Frame(0, tuple(np.ascontiguousarray(picture[..., channel]) for channel in (2, 1, 0)))
    encoding = Encoding("rgb", 8)
    shown = working(frame, encoding)
    scale = SearchScale.of(*shown.luma.shape)
    luma = scale.shrink(shown.luma)
    window, unit = Window(frame, luma, small_chroma(frame, encoding, luma), (), scale), luma.shape[0] / 480
    there, level = scale.shrink(cover) > 0.15, alone.noise_of(luma)
    hats = {sign: alone.hat(luma, sign, unit) for sign in (1, -1)}
    detail = {sign: wide_blur(hats[sign], alone.NEARBY * unit) for sign in (1, -1)}
    for sign in (1, -1):
        found = alone.candidates_alone(hats[sign], detail[-sign], level, sign=sign, settings=Detection(), allowed=None)
        if len(found):
            inside = np.bincount(found.labels.ravel(), weights=there.ravel(), minlength=len(found) + 1)[1:]
            yield alone.features(window, found, hats, detail, level), inside / found.areas > 0.4, found.areas / unit**2


def terms(measures: NDArray[np.float64], centre: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 1 + 2k): one, the measures, and their squares."""
    numbers = (measures - centre) / scale
    return np.concatenate([np.ones((len(numbers), 1)), numbers, np.clip(numbers, -3, 3) ** 2], axis=1)


def fitted(x: NDArray[np.float64], hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The weights of the ridge-regularised logistic regression, by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (hits - chance) - RIDGE * weights
        weights += np.linalg.solve((x * (chance * (1 - chance))[:, None]).T @ x + RIDGE * np.eye(len(weights)), slope)
    return weights


def report(judged: Table, score: NDArray[np.float64], frames: int) -> None:
    """Recall, precision and false pieces a frame at a few thresholds."""
    chance, hits = 1 / (1 + np.exp(-score)), judged[1]
    for least in (0.3, 0.5, 0.7, 0.9):
        found = chance > least
        false = (found & ~hits).sum() / frames
        print(f"p > {least}: recall {found[hits].mean():.3f}, precision {hits[found].mean():.3f}, {false:.2f} false pieces a frame")


if __name__ == "__main__":
    main()
