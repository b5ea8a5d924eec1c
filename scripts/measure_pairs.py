"""How well `frdm dataset pairs` finds our own damage again: the table of docs/dataset.md.

    python scripts/measure_pairs.py CLIP …            # clean movies; at 2/3 of their size
    python scripts/measure_pairs.py --hard CLIP …     # crop, scale, weave, flicker, gamma, tint and grain besides
    python scripts/measure_pairs.py --h264 CLIP …     # both versions compressed (crf 16)

Both versions carry grain of 0.02 and no codec unless asked for; AFTER is moved by 0.3 px, 2 % brighter, and lacks a frame. The truth is
what is painted and differs by 8 of 255; the IoU allows a pixel.
"""

import argparse
import dataclasses
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import DamageRecipe, load_damage_recipe
from frdm.damage.reel import Damaged, damage_reel
from frdm.dataset.films import read_codes
from frdm.dataset.pairs import PairJob, pair
from frdm.dataset.shards import Pack
from frdm.media.proxy import write_proxy
from frdm.media.scan import open_scan
from frdm.pictures import save_png

LOST, DOUBLED = 11, 8
Picture = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--h264", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    print(
        "| clip | frames kept | wrong partners | IoU | false px a frame | in-mask error of the target, codes |\n|---|---|---|---|---|---|"
    )
    for clip in asked.clips:
        with tempfile.TemporaryDirectory() as place:
            print(row(clip, Path(place), hard=asked.hard, h264=asked.h264), flush=True)


def row(clip: Path, place: Path, *, hard: bool, h264: bool) -> str:
    """One clip's line of the table."""
    with open_scan(clip) as scan:
        clean = read_codes(scan, 0, scan.info.length, scale=2 / 3)
    clean = clean[:, : clean.shape[1] // 2 * 2, : clean.shape[2] // 2 * 2]
    clean = np.repeat(clean, 3 // clean.shape[3], axis=3)
    made = damage_reel(clean, recipe(), seed=7)
    shows = [i for i in range(len(clean)) if i != LOST]
    if hard:
        shows = [*range(2, DOUBLED), DOUBLED, *(i for i in range(DOUBLED, len(clean) - 1) if i not in (LOST, LOST + 8))]
    rng = np.random.default_rng(0)
    after = [harder(made.pristine[i], rng) if hard else bar(made.pristine[i]) for i in shows]
    before = written(place / "before", list(made.degraded), h264)
    _, report = pair(before, written(place / "after", after, h264), place / "out", PairJob(), tell=lambda _: None)
    wrong = sum(v.after is not None and shows[v.after] != v.before for v in report.verdicts)
    iou, false, error = scored(Pack(place / "out"), made)
    return f"| {clip.stem} | {report.kept} of {len(set(shows))} | {wrong} | {iou:.3f} | {false:.1f} | {error:.2f} |"


def recipe() -> DamageRecipe:
    medium = load_damage_recipe("medium")
    return dataclasses.replace(medium, copying=dataclasses.replace(medium.copying, grain=(0.02, 0.02), rescale=0.0, jpeg=0.0, mpeg=0.0))


def bar(picture: Picture) -> Picture:
    """0.3 px and 2 %."""
    return codes(sampled(picture, 0.3, -0.3, 1.0, picture.shape[1::-1]) * 1.02)


def harder(picture: Picture, rng: np.random.Generator) -> Picture:
    """Cropped by 6 %, 1.4 times as large, and otherwise toned in every frame."""
    height, width = picture.shape[:2]
    corner = width * 0.03 + rng.normal(0, 0.7), height * 0.03 + rng.normal(0, 0.5)
    large = sampled(picture, *corner, 1 / 1.4, (round(width * 0.94 * 1.4), round(height * 0.94 * 1.4)))
    toned = np.clip(large, 0, 1) ** 0.9 * (1 + 0.05 * rng.normal()) * np.array([1.02, 1, 0.96])
    return codes(toned + rng.normal(0, 0.01, toned.shape))


def sampled(picture: Picture, dx: float, dy: float, scale: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """The picture, 0 … 1, at scale · (x, y) + (dx, dy)."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    affine = np.array([[scale, 0, dx], [0, scale, dy]])
    return np.asarray(cv2.warpAffine(picture.astype(np.float32) / 255, affine, size, flags=flags, borderMode=cv2.BORDER_REFLECT))


def codes(picture: NDArray[np.floating]) -> Picture:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def written(place: Path, pictures: list[Picture], h264: bool) -> Path:
    """The film as numbered PNG, or as a movie."""
    if h264:
        write_proxy(place.with_suffix(".mp4"), (np.ascontiguousarray(picture) for picture in pictures), rate=Fraction(24))
        return place.with_suffix(".mp4")
    for number, picture in enumerate(pictures):
        save_png(place / f"f_{number:04d}.png", np.ascontiguousarray(picture))
    return place


def scored(pack: Pack, made: Damaged) -> tuple[float, float, float]:
    """(IoU, false pixels a frame, mean error of the target where damage is visible)."""
    around = np.ones((3, 3), np.uint8)
    agreed = either = false = frames = 0
    errors = []
    for sample in pack:
        top, left, bottom, right = sample.about["area"]
        for at in range(len(sample)):
            index = sample.about["first"] + at
            pristine, degraded = (film[index, top:bottom, left:right].astype(int) for film in (made.pristine, made.degraded))
            truth = made.mask[index, top:bottom, left:right] & (np.abs(pristine - degraded).max(2) >= 8)
            assert sample.mask is not None
            found = sample.mask[at]
            near, close = (cv2.dilate(mask.astype(np.uint8), around) > 0 for mask in (truth, found))
            agreed += int(((found & near) | (truth & close)).sum())
            either += int((found | truth).sum())
            false += int((found & ~near).sum())
            frames += 1
            errors.append(np.abs(sample.pristine[at].astype(int) - pristine)[truth].mean() if truth.any() else 0.0)
    return agreed / max(either, 1), false / frames, float(np.mean(errors))


if __name__ == "__main__":
    main()
