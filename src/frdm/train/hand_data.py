"""The hand's windows as batches of tiles: any batch by its number, so that a stopped training goes on exactly where it was.

Everything that is drawn for a tile hangs on the seed and the tile's place in the endless order, whoever asks for it: the same tiles come
whether one process takes them or several, and however many are taken at a time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.arrays import map_array
from frdm.diffusion.whole import WholeFrame
from frdm.errors import DatasetError
from frdm.film import Mask, Real
from frdm.train.hand_mattes import MatteSettings, Shapes, drawn_shapes, laid_over, led_astray, mirrored_square, told

AHEAD = 3  # batches made while one is learned from
FIELDS = ("degraded", "clean", "damage", "squares", "place", "centre", "tags", "caption", "film", "followed")


@dataclass(frozen=True, slots=True)
class TileSettings:
    """How tiles are taken from windows."""

    side: int = 96  # px of a tile
    step: int = 72  # px to the tile left of it and the one above: a tile less what they share
    factor: int = 4  # px: places are multiples of it
    heard: float = 0.25  # of batches: with the tiles left and above, which the tile hears
    gamma: float = 0.25  # tones are bent by a power of e^±so much
    silent: float = 0.3  # of tiles: nothing is said of the shot
    varied: bool = True  # mirrored, backwards, of other tones, with more defects, mattes wrong; else as they lie, with true mattes
    mattes: MatteSettings = field(default_factory=MatteSettings)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """What is learned from: a tile, or a larger part whose lower right is the tile and the rest its neighbours. Levels, 0 … 1."""

    degraded: Real  # (3, T, S, S)
    clean: Real
    matte: Mask  # (T, S, S)
    weight: Real  # (T, S, S): damage, and what is taken for it
    squares: Real  # (3, T, s, s)
    place: tuple[int, int, int, int]  # of the part in the frame: top, left; the frame's height and width
    centre: int
    tags: NDArray[np.int64]
    caption: str


class Windows:
    """All files of the hand's windows in a folder whose names begin with `kind`, as one long list."""

    def __init__(self, folder: Path, kind: str, settings: TileSettings | None = None) -> None:
        """Raises `DatasetError` where there are none, or none that tiles of these settings can be cut from."""
        self.folder, self.settings = folder, settings or TileSettings()
        self.files = [_opened(path) for path in sorted(folder.glob(f"{kind}-*.npy"))]
        if not self.files:
            raise DatasetError(f"{folder}: no files {kind}-*.npy in it; make them with `frdm train film-windows --kind {kind}`")
        if len({file.dtype for file in self.files}) > 1:
            raise DatasetError(f"{folder}: windows of several sizes found; put each size into a folder of its own")
        shape, square = self.files[0].dtype["degraded"].shape, self.files[0].dtype["squares"].shape[-1]
        self.frames, self.cut = int(shape[1]), int(shape[-1])
        if self.cut < self.settings.side or square != self.settings.side:
            raise DatasetError(
                f"{folder}: windows of {self.cut} px with whole frames of {square} px found, tiles of {self.settings.side} px wanted; "
                f"make windows with --side {self.settings.side}"
            )
        self.starts = np.cumsum([0, *(len(file) for file in self.files)])
        self._order: tuple[tuple[int, int], NDArray[np.int64]] = (-1, -1), np.empty(0, np.int64)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def refuse_length(self, frames: int) -> None:
        """Raise `DatasetError` where windows are not so many frames long."""
        if self.frames != frames:
            raise DatasetError(f"{self.folder}: windows of {self.frames} frames found, {frames} wanted; make others")

    def record(self, number: int) -> Any:
        """A window as it lies in its file."""
        file = int(np.searchsorted(self.starts, number, "right")) - 1
        record: Any = self.files[file][number - self.starts[file]]
        return record

    def number(self, place: int, seed: int) -> int:
        """The window at a place of the endless order of epochs."""
        epoch, at = divmod(place, len(self))
        if self._order[0] != (seed, epoch):
            self._order = (seed, epoch), np.random.default_rng((seed, 1, epoch)).permutation(len(self))
        return int(self._order[1][at])

    def tile(self, place: int, seed: int, *, heard: bool = False) -> Tile:
        """The tile at a place of the endless order; `heard`: with the tiles left of it and above."""
        random = np.random.default_rng((seed, 2, place))
        record = self.record(self.number(place, seed))
        if not self.settings.varied:
            return plain(record, self.settings)
        size = self.settings.side + (self.settings.step if heard else 0)
        shapes = tuple(self._shapes(random, size) for _ in range(2))
        return drawn(cropped(record, size, self.settings, random), shapes, self.settings, random)

    def _shapes(self, random: np.random.Generator, size: int) -> Shapes:
        """Pieces (size, size) of damage of any window."""
        damage = self.record(int(random.integers(len(self))))["damage"][int(random.integers(self.frames))] > 0
        top, left = drawn_corner(damage, size, self.settings, random)
        return drawn_shapes(damage[top : top + size, left : left + size], int(random.integers(1, self.settings.mattes.most + 1)), random)

    @property
    def room(self) -> bool:
        """Whether cuts hold the tiles left and above."""
        return self.cut >= self.settings.side + self.settings.step

    def batch(self, number: int, size: int, seed: int) -> tuple[list[Tile], range]:
        """Batch `number` of the endless order: tiles and their places in it."""
        heard, places = self.heard(number, seed), range(number * size, (number + 1) * size)
        return [self.tile(place, seed, heard=heard) for place in places], places

    def heard(self, number: int, seed: int) -> bool:
        """Whether the tiles of a batch hear those left and above."""
        return self.room and bool(np.random.default_rng((seed, 3, number)).random() < self.settings.heard)

    def batches(self, numbers: Iterator[int], size: int, seed: int) -> Iterator[tuple[list[Tile], range]]:
        """Batches of these numbers, made ahead in a thread."""
        with ThreadPoolExecutor(1) as pool:
            coming = [pool.submit(self.batch, next(numbers), size, seed) for _ in range(AHEAD)]
            for number in numbers:
                made = coming.pop(0).result()
                coming.append(pool.submit(self.batch, number, size, seed))
                yield made


def _opened(path: Path) -> NDArray[Any]:
    """A file of windows, read only where it is looked at. Raises `DatasetError`."""
    try:
        file = map_array(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: can't be read ({error}); make it again with `frdm train film-windows`") from None
    if file.dtype.names != FIELDS:
        raise DatasetError(f"{path}: holds no windows of this version; make them with `frdm train film-windows`")
    return file


def cropped(record: Any, size: int, settings: TileSettings, random: np.random.Generator | None) -> dict[str, Any]:
    """A part of a window, `size` px a side: around something to mend, where it is drawn, or its middle."""
    cut = record["damage"].shape[-1]
    corner = ((cut - size) // 2 // settings.factor * settings.factor,) * 2
    if random is not None:
        corner = drawn_corner(record["damage"][record["centre"]] > 0, size, settings, random)
    rows, columns = (slice(first, first + size) for first in corner)
    top, left, height, width = (int(one) for one in record["place"])
    parts = {name: record[name][..., rows, columns] for name in ("degraded", "clean", "damage")}
    said = {"tags": record["tags"].astype(np.int64), "caption": record["caption"].decode()}
    said |= {"centre": int(record["centre"]), "followed": bool(record["followed"])}
    return {**parts, **said, "squares": record["squares"], "place": (top + corner[0], left + corner[1], height, width)}


def drawn_corner(damage: Mask, size: int, settings: TileSettings, random: np.random.Generator) -> tuple[int, int]:
    """Where a part of a cut begins: most often with something to mend near its middle, as restoring cuts its tiles."""
    room, places = damage.shape[0] - size, np.argwhere(damage)
    if not len(places) or random.random() < 0.15:
        corner = random.uniform(0, room + settings.factor, 2)
    else:
        corner = places[int(random.integers(len(places)))] + random.normal(0, settings.side / 10, 2) - size / 2
    corner = np.clip(corner, 0, room) // settings.factor * settings.factor
    return int(corner[0]), int(corner[1])


def plain(record: Any, settings: TileSettings) -> Tile:
    """The middle of a window as it lies, the true mask as the centre's matte."""
    part = cropped(record, settings.side, settings, None)
    mask, centre = part["damage"] > 0, part["centre"]
    matte = np.zeros(mask.shape, bool)
    matte[centre] = mask[centre]
    degraded, clean, squares = (_levels(part[name]) for name in ("degraded", "clean", "squares"))
    return Tile(degraded, clean, matte, mask.astype(np.float32), squares, part["place"], centre, part["tags"], part["caption"])


def drawn(part: dict[str, Any], shapes: tuple[Shapes, ...], settings: TileSettings, random: np.random.Generator) -> Tile:
    """A window varied: mirrored, backwards, of other tones, with the first shapes laid over it and the second in its matte."""
    how, pictures = settings.mattes, {name: part[name] for name in ("degraded", "clean", "squares")}
    mask, centre = part["damage"] > 0, part["centre"]
    (top, left, height, width), size = part["place"], part["damage"].shape[-1]
    inner = WholeFrame(height, width, pictures["squares"].shape[-1]).inner
    for axis in (-2, -1):
        if random.random() < 0.5:
            mask = np.flip(mask, axis)
            pictures = {name: np.flip(one, axis) for name, one in pictures.items() if name != "squares"} | {
                "squares": mirrored_square(pictures["squares"], inner, axis)
            }
            top, left = (height - top - size, left) if axis == -2 else (top, width - left - size)
    if random.random() < 0.5:
        pictures, mask, centre = {name: one[:, ::-1] for name, one in pictures.items()}, mask[::-1], len(mask) - 1 - centre
    bent = (np.linspace(0, 1, 256) ** np.exp(random.uniform(-settings.gamma, settings.gamma))).astype(np.float32)
    degraded, clean, squares = (bent[one] for one in pictures.values())
    mask = mask.copy()
    if random.random() < how.laid:
        laid_over(degraded, mask, shapes[0], centre, how, random)
    false = shapes[1] if random.random() < how.false else []
    matte, weight = told(mask, false, centre, how, random, alone=part["followed"])
    if part["followed"] and random.random() < how.astray:
        led_astray((degraded, clean, weight[None]), matte[centre], centre, how, random)
    tags = part["tags"] * (random.random() >= settings.silent)
    return Tile(degraded, clean, matte, weight, squares, (top, left, height, width), centre, tags, part["caption"])


def _levels(codes: NDArray[np.uint8]) -> Real:
    return codes.astype(np.float32) / np.float32(255)
