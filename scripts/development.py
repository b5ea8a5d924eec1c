"""Build the development suite, on which thresholds are looked at: films that nothing learned from, damaged by a generator of its own.

    python scripts/development.py SUITE FILMS… [--only CASE …]       (FILMS: the folders where the clips of `CASES` lie)
    frdm bench run SUITE -o OUT --method frdm

Nothing else in the repository damages film in this way (tones laid over codes, shapes cut out of noise, threads that wander), so what
learned from `frdm.damage` or scripts/draw_damage.py meets something new here. Eleven cases have dirt, two of them every second frame of
their clip alone; six have none.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.bench.case import Facts, cleared, frame_names, write_manifest, write_png

Rng = np.random.Generator
Matte = NDArray[np.float32]
FAINTEST = 0.02  # opacity that is still painted
LONGEST = 150.0  # px of a 480-line picture


@dataclass(frozen=True, slots=True)
class Case:
    """A case: the clip, how high it is made, its grain, and how its damage is drawn; lengths for pictures 480 lines high."""

    clip: str
    height: int
    grain: float
    many: float = 0.0  # pieces a frame, in the mean
    large: float = 0.1  # of them: blots and stains, the rest are specks, threads and smears
    bright: float = 0.5
    opaque: float = 0.5  # share of pieces that hide what is below
    grey: bool = False
    stride: int = 1


CASES = {
    "boxing": Case("ps_boxing", 480, 0.02, 12),
    "parkour": Case("inp_parkour", 360, 0.02, 14, bright=0.3),
    "schoolgirls": Case("inp_schoolgirls", 360, 0.015, 8, large=0.2, bright=0.6),
    "horse": Case("davis_horsejump-high", 480, 0.025, 25, large=0.05, bright=0.7),
    "nightstreet": Case("rb_nightstreet", 480, 0.02, 10, bright=0.8),
    "airport": Case("movie_airport_b", 360, 0.03, 10, large=0.2, opaque=0.3),
    "airport_fast": Case("movie_airport_h", 360, 0.02, 9, stride=2),
    "feature_grey": Case("film_v07", 480, 0.03, 9, grey=True, bright=0.7),
    "feature": Case("movie_cc005", 480, 0.025, 30, large=0.03, opaque=0.4),
    "chicane_fast": Case("davis_drift-chicane", 480, 0.02, 10, large=0.2, stride=2),
    "singer": Case("cu_rick", 480, 0.02, 5, large=0.3, opaque=0.2),
    "clean_bmx": Case("davis_bmx-trees", 480, 0.02),
    "clean_fountain": Case("ed_fountain", 480, 0.025),
    "clean_flour": Case("vr_flour", 480, 0.015),
    "clean_cocktail": Case("bbc_cocktail", 480, 0.02),
    "clean_launch": Case("film_apollo_launch", 360, 0.02),
    "clean_chaplin": Case("film_chaplin", 360, 0.01, grey=True),
}
FRAMES = 12


def read(path: Path, case: Case) -> list[NDArray[np.uint8]]:
    """`FRAMES` frames of a clip, B G R, made smaller (never larger)."""
    video, frames = cv2.VideoCapture(str(path)), []
    for number in range(FRAMES * case.stride):
        good, frame = video.read()
        if good and number % case.stride == 0:
            height = min(case.height, frame.shape[0])
            width = 2 * round(frame.shape[1] * height / frame.shape[0] / 2)
            small = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            frames.append(np.repeat(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)[..., None], 3, -1) if case.grey else small)
    if len(frames) < FRAMES:
        raise SystemExit(f"{path}: {len(frames)} frames of {FRAMES} to be read")
    return frames


def grained(frame: NDArray[np.uint8], case: Case, random: Rng) -> NDArray[np.uint8]:
    """With film grain, strongest in the middle tones; one layer for all colours on black-and-white film."""
    x = frame.astype(np.float32) / 255
    noise = random.standard_normal((*x.shape[:2], 1 if case.grey else 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.7).reshape(noise.shape)
    layer = noise * (case.grain * (0.4 + 1.2 * np.sqrt(x * (1 - x))) / noise.std())
    return np.clip(np.rint(255 * (x + layer)), 0, 255).astype(np.uint8)


def field(side: int, coarse: float, random: Rng) -> Matte:
    """Smooth noise, side × side, of unit variance."""
    out = cv2.GaussianBlur(random.standard_normal((side, side)).astype(np.float32), (0, 0), coarse)
    return np.asarray(out / out.std(), np.float32)


def blot(size: float, random: Rng) -> Matte:
    """An island cut out of noise at two scales, hard or soft, sometimes paler within: opacities 0…1."""
    side = int(1.4 * size) + 8
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    turn, flat = random.uniform(0, np.pi), random.uniform(1, 2.4)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) * flat
    land = 0.75 - np.hypot(u, v) * 1.4 + 0.28 * field(side, max(size / 7, 0.8), random) + 0.1 * field(side, max(size / 25, 0.6), random)
    matte = np.clip(land / random.uniform(0.05, 0.5), 0, 1)
    if random.random() < 0.25:
        matte *= 1 - random.uniform(0.3, 0.8) * np.clip(land / 0.5, 0, 1)
    return np.asarray(matte, np.float32)


def thread(length: float, random: Rng) -> Matte:
    """A fibre that wanders, curls and ends, drawn as touching discs."""
    side = int(length) + 12
    big = 3
    canvas = np.zeros((side * big, side * big), np.uint8)
    place, heading, curl = np.array([side / 2, side / 2]) * big, random.uniform(0, 2 * np.pi), 0.0
    thick = random.uniform(0.5, 1.7) * big
    for _ in range(int(length * big / 2)):
        curl = 0.97 * curl + random.normal(0, 0.006)
        heading += curl
        place = place + 2 * np.array([np.cos(heading), np.sin(heading)])
        cv2.circle(canvas, (int(place[0]), int(place[1])), max(1, round(thick * 0.7)), 255, -1, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA), np.float32) / 255


def smear(size: float, random: Rng) -> Matte:
    """A stroke of dots along a line, as a wiped speck leaves it."""
    side = int(size) + 10
    out = np.zeros((side, side), np.float32)
    heading = random.uniform(0, 2 * np.pi)
    for step in np.linspace(-0.45, 0.45, int(random.integers(4, 12))):
        x, y = side / 2 + step * size * np.array([np.cos(heading), np.sin(heading)]) + random.normal(0, 1.2, 2)
        cv2.circle(out, (int(x), int(y)), int(random.integers(1, 4)), float(random.uniform(0.4, 1)), -1, cv2.LINE_AA)
    return out


def piece(case: Case, unit: float, random: Rng) -> Matte:
    """One piece's opacities."""
    if random.random() < case.large:
        matte = blot(random.uniform(25, LONGEST) * unit, random)
    else:
        shape = random.choice(4, p=(0.55, 0.1, 0.2, 0.15))
        size = float(np.clip(np.exp(random.normal(2.0, 0.6)), 3, 40))
        matte = (
            blot(size * unit, random),
            smear(2.5 * size * unit, random),
            thread(4 * size * unit, random),
            blot(1.6 * size * unit, random),
        )[shape]
    matte = np.asarray(cv2.GaussianBlur(np.pad(matte, 3), (0, 0), random.uniform(0.45, 0.9)), np.float32)
    strength = random.uniform(0.8, 1.0) if random.random() < case.opaque else random.uniform(0.15, 0.8)
    return np.asarray(matte * (strength / max(float(matte.max()), 0.05)), np.float32)


def damaged(clean: NDArray[np.uint8], case: Case, random: Rng) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """(the frame with this frame's dirt, ids from 1)."""
    height, width = clean.shape[:2]
    codes, ids, unit = clean.astype(np.float32), np.zeros((height, width), np.uint16), height / 480
    for number in range(1, random.poisson(case.many) + 1):
        matte = piece(case, unit, random)
        top, left = (int(random.uniform(-0.5 * side, room - 0.5 * side)) for side, room in zip(matte.shape, (height, width), strict=True))
        rows, columns = slice(max(top, 0), min(top + matte.shape[0], height)), slice(max(left, 0), min(left + matte.shape[1], width))
        part = matte[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        part = np.where(part >= FAINTEST, part, 0)[..., None]
        tone = random.uniform(190, 255) if random.random() < case.bright else random.uniform(0, 60)
        tint = random.normal(0, 0 if case.grey else 6, 3)
        codes[rows, columns] += part * (np.clip(tone + tint, 0, 255) - codes[rows, columns])
        ids[rows, columns][part[..., 0] > 0] = number
    return np.clip(np.rint(codes), 0, 255).astype(np.uint8), ids


def build(suite: Path, name: str, case: Case, films: list[Path]) -> Facts:
    """Write one case."""
    found = [path for folder in films for path in sorted(folder.glob(f"{case.clip}.*"))]
    if not found:
        raise SystemExit(f"{name}: no {case.clip} in {', '.join(map(str, films))}; give the folder where it lies")
    seed = sum(name.encode()) * 7919
    random, other = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    folder = cleared(suite / name)
    for frame, file in zip(read(found[0], case), frame_names(FRAMES), strict=True):
        clean = grained(frame, case, random)
        dirty, ids = damaged(clean, case, random)
        pictures: dict[str, NDArray[Any]] = {"clean": clean, "damaged": dirty, "ideal": grained(frame, case, other)}
        for role, picture in pictures.items():
            write_png(folder / role / file, np.ascontiguousarray(picture[..., ::-1]))
        write_png(folder / "mask" / file, np.where(ids > 0, np.uint8(255), np.uint8(0)))
        write_png(folder / "ids" / file, ids)
    stock = "black and white" if case.grey else "colour"
    return Facts(stock=stock, tags=() if case.many else ("undamaged",), recipe="scripts/development.py", seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--undamaged", nargs="*", default=[], metavar="CLIP", help="clips for further cases without damage, twice as fast")
    options = parser.parse_args()
    cases = {name: CASES[name] for name in options.only}
    cases |= {f"fast_{clip}": Case(clip, 480, 0.02, stride=2) for clip in options.undamaged}
    made = {name: build(options.suite, name, case, options.films) for name, case in cases.items()}
    write_manifest(options.suite, made, {"name": "development"})
    print(f"{options.suite}: {len(made)} cases of {FRAMES} frames")


if __name__ == "__main__":
    main()
