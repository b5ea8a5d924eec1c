"""Looking at a pack: a sheet of its samples, and what is in it in lines."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from frdm.dataset.samples import SPLITS, Sample
from frdm.dataset.shards import Pack
from frdm.display import Picture
from frdm.film import Codes, Mask
from frdm.pictures import contact_sheet, evenly

MARK = (255, 40, 120)  # of masks: no film has it


def summary(pack: Pack) -> list[str]:
    """What a pack holds, in lines."""
    made = pack.manifest
    size = sum(made.shards.values()) / 2**20
    films, samples, frames = made.count()
    lines = [f"{pack.folder}: {made.what}, {samples} samples of {films} films, {frames} frames, {size:.1f} MiB, {made.coding}"]
    for split in SPLITS:
        films, samples, frames = made.count(split)
        if samples:
            lines.append(f"  {split}: {films} films, {samples} samples, {frames} frames")
    licences = sorted({film.licence or "unknown" for film in made.films.values()})
    lines.append(f"  licences: {len(licences)}" + "".join(f"\n    {licence}" for licence in licences[:40]))
    return [*lines, *(f"  note: {note}" for note in made.notes)]


def sheet(pack: Pack, *, count: int = 12, width: int = 420) -> Picture:
    """A sheet of `count` samples spread over the pack: degraded, pristine and mask side by side, captions under them."""
    numbers = evenly(len(pack), count)
    tiles: list[tuple[Picture, str]] = []
    for number in numbers:
        tiles += sample_tiles(pack, number)
    return contact_sheet(tiles, columns=3, width=width)


def sample_tiles(pack: Pack, number: int) -> list[tuple[Picture, str]]:
    """A sample's pictures: of clean film its middle frame alone, else the frame with most damage and its two neighbours' truth."""
    entry = pack.entries[number]
    if pack.manifest.what == "clean":
        middle = entry.frames // 2
        sample = pack.sample(number, first=middle, stop=middle + 1)
        return [(boxed(shown(sample.pristine[0])), f"{sample.key} ({sample.split}): {said(sample.about)}")]
    sample = pack.sample(number)
    at = worst(sample)
    mask = np.zeros(sample.pristine.shape[1:3], bool) if sample.mask is None else sample.mask[at]
    degraded = sample.pristine[at] if sample.degraded is None else sample.degraded[at]
    share = f"frame {at} of {len(sample)}, {100 * float(mask.mean()):.2f} % defect"
    return [
        (shown(degraded), f"{sample.key} ({sample.split})"),
        (shown(sample.pristine[at]), said(sample.about)),
        (marked(degraded, mask), share),
    ]


def worst(sample: Sample) -> int:
    """The frame with the largest mask."""
    return 0 if sample.mask is None else int(sample.mask.sum((1, 2)).argmax())


def said(about: Any) -> str:
    """Tags and caption in a line."""
    tags = about.get("tags", {})
    told = about.get("caption_by") == "measured"  # the caption is made of these words then
    words: Sequence[str] = [] if told else [str(tags[name]) for name in ("colour", "motion", "brightness") if name in tags]
    labels = [str(value) for value in about.get("labels", {}).values()]
    return ", ".join([*words, *labels, *([about["caption"]] if about.get("caption") else [])])


def shown(picture: Codes) -> Picture:
    """A picture (H, W, 1 or 3) as 8-bit R G B."""
    levels = (picture >> 8).astype(np.uint8) if picture.dtype == np.uint16 else picture
    return np.ascontiguousarray(np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels)


def boxed(picture: Picture) -> Picture:
    """The picture in the middle of one of 16:10, so that a sheet's rows are even."""
    height, width = picture.shape[:2]
    rows, columns = max(height, round(width / 1.6)), max(width, round(height * 1.6))
    top, left = (rows - height) // 2, (columns - width) // 2
    return np.pad(picture, ((top, rows - height - top), (left, columns - width - left), (0, 0)))


def marked(picture: Codes, mask: Mask) -> Picture:
    """The mask over a dimmed picture; on large pictures its specks are grown so that they outlive being shown small."""
    out = (shown(picture) // 2).astype(np.uint8)
    side = max(1, picture.shape[1] // 600)
    out[cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0] = MARK
    return out
