"""Windows for training the hand, made once and read many times: a few frames of damaged film beside the clean ones, cut around a defect,
with the truth, the whole frames small, and what can be said of the shot.

A cut is larger than a tile: training takes its tiles from it, wherever it likes, with tiles left of them and above them where the cut has
room for both. In most windows the neighbours are brought to the centre along the motion, as the hand sees them when a defect is to be
mended; in the others film lies as it is, as whole frames are restored. File i of a seed depends on the seed and i alone, so files can be
made by several processes, lost and made again.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.reel import damage_reel
from frdm.dataset.films import read_codes
from frdm.dataset.shards import Pack
from frdm.dataset.sources import Clip
from frdm.diffusion.tags import MEASURED, TAGS, told_by
from frdm.diffusion.whole import WholeFrame
from frdm.errors import DatasetError
from frdm.fills.following import along, exposure, motions, within
from frdm.fills.levels import levels
from frdm.film import Box, Codes, Encoding, Frame, Mask, Shot
from frdm.media.scan import open_scan
from frdm.motion.reel import Reel
from frdm.motion.tags import measured_tags
from frdm.train.eye_windows import WindowSettings, drawn_recipe, recoloured, repainted

AROUND = 64  # px around a cut that motion is measured on
CAPTION = 240  # bytes of a caption that are kept
GRID = 8  # px: sides of films and places of cuts are multiples of it, as tiles' places are of a model's factor
WORDS: Mapping[str, Mapping[str, str]] = {  # the dataset's words as the model's tags know them
    **MEASURED,
    "gauge": {**MEASURED["gauge"], "35 mm": "35mm", "16 mm": "16mm", "super 8": "super8", "8 mm": "8mm"},
    "shot size": {
        "extreme close-up": "close",
        "close-up": "close",
        "medium shot": "medium",
        "full shot": "wide",
        "wide shot": "wide",
        "extreme wide shot": "wide",
    },
    "camera angle": {"eye level": "level", "low angle": "low", "high angle": "high", "overhead view": "high"},
}

Records = NDArray[Any]


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """What windows are made of; shares are of segments."""

    frames: int = 5  # of a window
    cut: int = 168  # px of its side: a tile of 96 and three quarters of one for those left of it and above
    square: int = 96  # px of the side of the squares that show whole frames: a tile's
    crops: int = 5  # of each segment
    segments: int = 24  # of one file
    anywhere: float = 0.1  # of crops: not around a defect
    end: float = 0.2  # of crops: the centre is not the middle frame, as at the ends of shots
    longer: int = 2  # frames of a segment beyond a window's
    followed: float = 0.7  # of crops: neighbours lie along the motion
    grey: float = 0.35  # colour film turned black and white
    strides: tuple[float, ...] = (0.5, 0.3, 0.2)  # every frame, every second, every third: faster motion
    scale: tuple[float, float] = (0.6, 1.05)  # of the clip's own size
    lines: float = 0.3  # of a reel's usual standing lines: they have a fill of their own
    damage: WindowSettings = field(default_factory=lambda: WindowSettings(undamaged=0.05, blotchy=0.3, repainted=0.15, tinted=0.15))

    @property
    def record(self) -> np.dtype[Any]:
        """How a window lies in a file."""
        pictures = (3, self.frames, self.cut, self.cut)
        return np.dtype(
            [
                ("degraded", "u1", pictures),
                ("clean", "u1", pictures),
                ("damage", "u1", pictures[1:]),  # 1 where the film is damaged
                ("squares", "u1", (3, self.frames, self.square, self.square)),  # degraded whole frames (`WholeFrame`)
                ("place", "i4", (4,)),  # top and left of the cut, height and width of the whole frame
                ("centre", "u1"),  # which frame is to be mended
                ("tags", "u1", (len(TAGS),)),
                ("caption", f"S{CAPTION}"),
                ("film", "u2"),
                ("followed", "u1"),  # 1 where the neighbours lie along the motion to the centre
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Consecutive frames (T, H, W, 1 or 3) of 8 bits, what they should look like, where (T, H, W) they are damaged, what is said."""

    degraded: Codes
    clean: Codes
    mask: Mask
    tags: Mapping[str, str]
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One film to cut windows from: a clip, damaged on the way, or a sample of a pack."""

    film: str
    clip: Clip | None = None
    pack: Pack | None = None
    number: int = 0  # of the sample in its pack

    def segment(self, settings: FilmSettings, random: np.random.Generator) -> Segment:
        """A stretch of it, drawn. Raises `DatasetError` where it is too small for a cut."""
        if self.clip is not None:
            return damaged(read_clip(self.clip, settings, random), settings, random)
        assert self.pack is not None
        return packed(self.pack, self.number, settings, random)


def make_file(sources: Sequence[Source], settings: FilmSettings, *, seed: int, number: int) -> Records:
    """File `number` of a seed: crops of `settings.segments` segments, in the order in which they were made."""
    cv2.setNumThreads(1)
    found: list[tuple[Any, ...]] = []
    for place in range(settings.segments):
        random = np.random.default_rng((seed, number, place))
        chosen = int(random.integers(len(sources)))
        segment = sources[chosen].segment(settings, random)
        found += [(*one[:-1], chosen, one[-1]) for one in crops_of(segment, settings, random)]
    return np.array(found, settings.record)


# Segments -----------------------------------------------------------------------------------------------------------------------------


def read_clip(clip: Clip, settings: FilmSettings, random: np.random.Generator) -> Codes:
    """Frames of a clip (T, H, W, C), 8 bits, with a drawn stride and size, sides multiples of `GRID`."""
    length = settings.frames + settings.longer
    with open_scan(clip.path, transfer=clip.transfer) as scan:
        stride = 1 + int(random.choice(len(settings.strides), p=settings.strides))
        stride = max(1, min(stride, (scan.info.length - 1) // (length - 1)))
        reach = min((length - 1) * stride + 1, scan.info.length)
        if reach < settings.frames:
            raise DatasetError(f"{clip.path}: {scan.info.length} frames found, {settings.frames} or more wanted; leave it out")
        start = int(random.integers(scan.info.length - reach + 1))
        codes = eight_bits(read_codes(scan, start, start + reach)[::stride])
    factor = max(random.uniform(*settings.scale), settings.cut / min(codes.shape[1:3]))
    height, width = (max(round(side * factor / GRID) * GRID, -(-settings.cut // GRID) * GRID) for side in codes.shape[1:3])
    kernel = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    codes = np.stack([cv2.resize(frame, (width, height), interpolation=kernel).reshape(height, width, -1) for frame in codes])
    if codes.shape[3] == 3 and random.random() < settings.grey:
        codes = np.rint(codes.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None].astype(np.uint8)
    return codes


def damaged(film: Codes, settings: FilmSettings, random: np.random.Generator, *, tags: Mapping[str, str] | None = None) -> Segment:
    """Clean film, damaged as another reel every time."""
    how = settings.damage
    dirty = bool(random.random() >= how.undamaged)
    recipe = drawn_recipe(random, how, damaged=dirty)
    fewer = {name: getattr(recipe.lines, name) * settings.lines for name in ("steady", "wandering", "broken", "rain")}
    recipe = replace(recipe, lines=replace(recipe.lines, **fewer))
    made = damage_reel(film, recipe, seed=int(random.integers(2**31)))
    chance = random.random()
    if dirty and chance < how.repainted:
        made = repainted(made, random)
    elif dirty and chance < how.repainted + how.tinted:
        made = recoloured(made, random)
    said = known_tags(measured_tags(made.degraded)) if tags is None else tags
    return Segment(made.degraded, made.pristine, made.mask, said)


def packed(pack: Pack, number: int, settings: FilmSettings, random: np.random.Generator) -> Segment:
    """A stretch of a pack's sample: with the damage that it has, or damaged here where it is clean film."""
    entry = pack.entries[number]
    length = min(entry.frames, settings.frames + settings.longer)
    if length < settings.frames:
        raise DatasetError(f"{entry.key}: {entry.frames} frames found, {settings.frames} or more wanted; make the pack with longer samples")
    first = int(random.integers(entry.frames - length + 1))
    sample = pack.sample(number, first=first, stop=first + length)
    height, width = (side // GRID * GRID for side in sample.pristine.shape[1:3])
    if min(height, width) < settings.cut:
        raise DatasetError(
            f"{entry.key}: frames of {width} × {height} found, {settings.cut} px or more a side wanted; give a smaller --cut"
        )
    clean = eight_bits(sample.pristine)[:, :height, :width]
    tags = known_tags({**sample.about.get("tags", {}), **sample.about.get("labels", {})})
    caption = str(sample.about.get("caption", ""))
    if sample.degraded is None or sample.mask is None:
        made = damaged(clean, settings, random, tags=tags)
        return Segment(made.degraded, made.clean, made.mask, tags, caption)
    return Segment(eight_bits(sample.degraded)[:, :height, :width], clean, sample.mask[:, :height, :width], tags, caption)


def eight_bits(codes: Codes) -> Codes:
    """Codes of full range as 8 bits."""
    return codes if codes.dtype == np.uint8 else (codes >> 8).astype(np.uint8)


def known_tags(said: Mapping[str, Any]) -> dict[str, str]:
    """What `motion.tags` and `dataset.labels` say of a shot, as the model's tags; what it has no word for is left out."""
    return told_by({name.replace("_", " "): value for name, value in said.items()}, WORDS)


# Crops --------------------------------------------------------------------------------------------------------------------------------


def crops_of(segment: Segment, settings: FilmSettings, random: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Windows cut from a segment: around defects of the centre, and some anywhere."""
    height, width = segment.mask.shape[1:]
    squares = squares_of(segment.degraded, settings.square)
    tags = np.array([1 + TAGS[name].index(segment.tags[name]) if name in segment.tags else 0 for name in TAGS], np.uint8)
    caption = segment.caption.encode()[:CAPTION].decode(errors="ignore").encode()
    pieces: dict[int, NDArray[Any]] = {}
    for _ in range(settings.crops):
        middle = settings.frames // 2
        centre = middle if random.random() >= settings.end else int(random.integers(settings.frames))
        first = int(random.integers(len(segment.mask) - settings.frames + 1))
        at = first + centre
        if at not in pieces:
            pieces[at] = places_of(segment.mask[at])
        row, column = drawn_place(pieces[at], (height, width), settings, random)
        top, left = (_begins(middle, side, settings.cut) for middle, side in ((row, height), (column, width)))
        cut = slice(first, first + settings.frames), slice(top, top + settings.cut), slice(left, left + settings.cut)
        followed = bool(random.random() < settings.followed)
        shown = follow(segment, cut, centre) if followed else tuple(codes[cut] for codes in (segment.degraded, segment.clean, segment.mask))
        place = (top, left, height, width)
        yield (*map(as_planes, shown[:2]), shown[2], squares[:, cut[0]], place, centre, tags, caption, followed)


def follow(segment: Segment, cut: tuple[slice, slice, slice], centre: int) -> tuple[Codes, Codes, Mask]:
    """A cut of a segment, degraded, clean and mask, with the neighbours brought to the centre as restoring does it (`fills.following`): by
    the motion of the degraded film, carried on under the centre's damage, and as bright as the centre. The clean film goes where the
    degraded goes, and grows as much brighter.
    """
    tall, wide = segment.mask.shape[1:]
    top, left = max(cut[1].start - AROUND, 0), max(cut[2].start - AROUND, 0)
    near = cut[0], slice(top, min(cut[1].stop + AROUND, tall)), slice(left, min(cut[2].stop + AROUND, wide))
    shown, clean, mask = segment.degraded[near], segment.clean[near], segment.mask[near]
    encoding = Encoding("rgb" if shown.shape[3] == 3 else "y", 8)
    frames, true = (
        [Frame(i, tuple(np.ascontiguousarray(x) for x in np.moveaxis(one, 2, 0))) for i, one in enumerate(film)] for film in (shown, clean)
    )
    with ThreadPoolExecutor(1) as pool:
        window = Reel(iter(frames), encoding, Shot(0, len(frames)), 0, pool).window(centre)
    box = Box(centre, cut[1].start - top, cut[2].start - left, cut[1].stop - top, cut[2].stop - left)
    out = [codes[cut].copy() for codes in (segment.degraded, segment.clean, segment.mask)]
    own, sound = levels(frames[centre], encoding, box), ~mask[centre, box.rows, box.columns]
    for place, d in motions(window, mask[centre], box).items():
        pair = [along(film[place], encoding, box, d) for film in (frames, true)]
        added = exposure(own, pair[0], sound)
        for brought, kept in zip(pair, out, strict=False):
            kept[place] = np.rint(within(brought + added, own) * 255)[: kept.shape[3]].transpose(1, 2, 0)
        damage = Frame(place, (mask[place].astype(np.uint8) * 255,))
        out[2][place] = along(damage, Encoding("y", 8), box, d)[0] > 0.5
    return out[0], out[1], out[2]


def places_of(mask: Mask) -> NDArray[Any]:
    """(n, 2) pixels (row, column) of a frame's defects, one of each small piece, more of large ones."""
    count, names = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(names)
    order = np.argsort(names[rows, columns], kind="stable")
    sizes = np.bincount(names[rows, columns], minlength=count)[1:]
    ends = np.cumsum(sizes)
    shares = np.clip(np.sqrt(sizes) / 4, 1, 6).astype(int)
    chosen = [
        order[end - size + (np.arange(share) + 1) * size // (share + 1)] for end, size, share in zip(ends, sizes, shares, strict=True)
    ]
    kept = np.concatenate(chosen) if chosen else np.empty(0, int)
    return np.stack([rows[kept], columns[kept]], 1)


def drawn_place(pieces: NDArray[Any], shape: tuple[int, int], settings: FilmSettings, random: np.random.Generator) -> tuple[float, float]:
    """The middle of a cut (row, column): a defect, most often, or anywhere."""
    if len(pieces) and random.random() >= settings.anywhere:
        row, column = pieces[int(random.integers(len(pieces)))] + random.uniform(-0.1, 0.1, 2) * settings.cut
        return float(row), float(column)
    return random.uniform(0, shape[0]), random.uniform(0, shape[1])


def _begins(middle: float, side: int, cut: int) -> int:
    """Where a cut around a place begins."""
    return int(np.clip(middle - cut / 2, 0, side - cut)) // GRID * GRID


def as_planes(codes: Codes) -> NDArray[np.uint8]:
    """(T, H, W, C) as red, green and blue (3, T, H, W)."""
    return np.repeat(codes, 3, 3).transpose(3, 0, 1, 2) if codes.shape[3] == 1 else codes.transpose(3, 0, 1, 2)


def squares_of(codes: Codes, side: int) -> NDArray[np.uint8]:
    """Whole frames (T, H, W, C) as squares (3, T, side, side), as restoring shows them (`frdm.fills.hand.whole_squares`)."""
    rows, columns = WholeFrame(codes.shape[1], codes.shape[2], side).inner
    small = [cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA).reshape(rows, columns, -1) for frame in codes]
    return np.pad(as_planes(np.stack(small)), [(0, 0), (0, 0), (0, side - rows), (0, side - columns)], mode="edge")


def write_file(path: Path, records: Records) -> None:
    """Write records under `path`, whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, records)
    part.replace(path)
