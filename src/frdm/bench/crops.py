"""Small pictures of single places: scan, output and truth side by side; what the numbers look like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from frdm.bench.case import Case, read_picture, write_png
from frdm.display import Picture
from frdm.film import Box
from frdm.metrics.places import pieces, unit
from frdm.metrics.restoration import VISIBLE, farthest

SIDE = 176  # px of one picture
GAP = 4
SHOWN = 2  # defects of a case: the same for every method
LONGEST = 80.0  # px of a 480-line picture: a longer defect can't be seen in a small picture
AROUND = 1.8  # how much of the surround is shown, as a factor on the place's longer side
LEAST = 48  # px, the least that is shown


@dataclass(frozen=True, slots=True)
class Place:
    """A place worth showing, and why."""

    box: Box
    why: str


def defects_shown(case: Case) -> list[Place]:
    """The visible defects that a case is shown by: the strongest of its middle frame and of the frame at a quarter."""
    if case.facts.kind != "reference":
        return []
    found = [strongest(case, len(case.names) * part // 4) for part in (2, 1)]
    return [Place(box, "damage") for box in found[:SHOWN] if box is not None]


def strongest(case: Case, index: int) -> Box | None:
    """The box of the visible defect with the largest sum of differences in a frame."""
    name = case.names[index]
    difference = farthest(case.picture("clean", name), case.picture("damaged", name))
    visible = (case.plane("mask", name) > 0) & (difference >= VISIBLE)
    found = pieces(visible)
    if not len(found):
        return None
    sums = np.bincount(found.numbers.ravel(), difference.ravel(), minlength=len(found) + 1)[1:]
    sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1)
    sums[sides > LONGEST * unit(len(visible))] = 0
    return boxed(index, found.boxes[int(sums.argmax())])


def boxed(index: int, sides: Iterable[int]) -> Box:
    top, left, bottom, right = (int(side) for side in sides)
    return Box(index, top, left, bottom, right)


def save_crops(case: Case, frames: Path, places: Sequence[Place], stem: Path) -> list[dict[str, str]]:
    """Write a strip for each place, STEM-0.png …; what they are, for the report."""
    told = []
    for number, place in enumerate(places):
        path = stem.with_name(f"{stem.name}-{number}.png")
        write_png(path, strip(case, frames, place.box))
        told.append({"file": path.name, "frame": case.names[place.box.frame], "why": place.why})
    return told


def strip(case: Case, frames: Path, box: Box) -> Picture:
    """Scan, output and, where it is known, truth of one place, side by side."""
    name = case.names[box.frame]
    shown = [case.picture("damaged", name), read_picture(frames / name)]
    if case.facts.kind == "reference":
        shown.append(case.picture("clean", name))
    bar = np.full((SIDE, GAP, 3), 255, np.uint8)
    parts = [part for picture in shown for part in (around(picture, box), bar)]
    return np.hstack(parts[:-1])


def around(picture: Picture, box: Box) -> Picture:
    """The surround of a place, as a square of `SIDE` px."""
    height, width = picture.shape[:2]
    reach = min(max(LEAST, round(AROUND * max(box.bottom - box.top, box.right - box.left))), height, width)
    top = min(max((box.top + box.bottom - reach) // 2, 0), height - reach)
    left = min(max((box.left + box.right - reach) // 2, 0), width - reach)
    smooth = cv2.INTER_AREA if reach > SIDE else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture[top : top + reach, left : left + reach], (SIDE, SIDE), interpolation=smooth), np.uint8)
