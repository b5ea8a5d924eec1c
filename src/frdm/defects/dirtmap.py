"""Mattes that are given: where nothing may be touched, and where dirt is known to be (pictures, an alpha plane, an infrared plane)."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from frdm.defects.area import PictureArea
from frdm.errors import RecipeError
from frdm.film import Codes, Encoding, Frame, Mask, Real, ScanInfo, frozen
from frdm.media.mattes import SUFFIXES, read_matte
from frdm.recipe import Recipe

MARKED = 0.5  # a protect matte counts from here on
INFRARED = re.compile(r"ir|infra[ -_]?red", re.IGNORECASE)  # names of planes in which dirt is dark against the film around it


@dataclass(frozen=True, slots=True)
class Pictures:
    """One picture for every frame, or one a frame. Opaque or bright is marked."""

    path: Path
    info: ScanInfo
    one: Mask | None = None  # of the picture that serves for every frame
    by_frame: Mapping[int, Path] = field(default_factory=dict)
    level: float = MARKED

    def mask(self, frame: Frame) -> Mask | None:
        """The marked pixels of a frame, (height, width); None where it has no picture."""
        if self.one is not None:
            return self.one
        path = self.by_frame.get(frame.index)
        return None if path is None else _read_mask(path, self.info, self.level)


@dataclass(frozen=True, slots=True)
class Plane:
    """An extra plane of the scan itself. See `dirt_in_infrared` and `dirt_in_alpha`."""

    number: int
    encoding: Encoding
    infrared: bool
    level: float

    def mask(self, frame: Frame) -> Mask | None:
        """The dirt of a frame, (height, width)."""
        values = _unit(frame.planes[self.number], self.encoding)
        return frozen(dirt_in_infrared(values, self.level) if self.infrared else dirt_in_alpha(values, self.level))


@dataclass(frozen=True, slots=True)
class GivenMattes:
    """All that was given of a film. Masks are bool (height, width) and read-only; None means that nothing is given for the frame."""

    area: PictureArea | None = None
    protected: Pictures | None = None
    dirty: Pictures | Plane | None = None

    def with_area(self, area: PictureArea) -> "GivenMattes":
        """The same with the picture area known."""
        return dataclasses.replace(self, area=area)

    def allowed(self, frame: Frame) -> Mask | None:
        """Where repairs may be made: the picture area less what is protected; None: everywhere."""
        area = None if self.area is None or self.area.whole else self.area.mask
        protected = self.protect(frame)
        if protected is None:
            return area
        return frozen(~protected if area is None else area & ~protected)

    def protect(self, frame: Frame) -> Mask | None:
        """Where nothing may be touched."""
        return self.protected.mask(frame) if self.protected else None

    def dirt(self, frame: Frame) -> Mask | None:
        """Where dirt is known to be."""
        return self.dirty.mask(frame) if self.dirty else None


def open_mattes(recipe: Recipe, info: ScanInfo) -> GivenMattes:
    """The mattes that a recipe names, checked as far as one picture each tells.

    `recipe.dirtmap` is "alpha", "ir" or "plane:NAME" for a plane of the scan, else, as `recipe.protect` always, a picture or a folder of
    pictures, matched to frames by file name, else by number. Raises `RecipeError` (no such plane, wrong size, nothing matches) and
    `MediaError` (unreadable).
    """
    level = recipe.detection.dirtmap_threshold
    protected = _open_pictures(recipe.protect, info, MARKED) if recipe.protect else None
    if not recipe.dirtmap:
        return GivenMattes(protected=protected)
    name = _plane_name(recipe.dirtmap)
    dirty = _open_plane(name, info, level) if name else _open_pictures(recipe.dirtmap, info, level)
    return GivenMattes(protected=protected, dirty=dirty)


def dirt_in_infrared(values: Real, level: float) -> Mask:
    """Pixels of an infrared plane (0 … 1) darker than `level` of the film around them.

    Colour dyes let infrared through, dirt does not. Silver stops it too: an infrared plane of black-and-white film (or Kodachrome) shows
    the picture and is no dirt map.
    """
    height, width = values.shape
    reduced = cv2.resize(values, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    for _ in range(3):  # a median of about 80 px around: more than any dirt but the largest
        reduced = cv2.medianBlur(reduced, 5)
    around = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(values < level * around)


def dirt_in_alpha(values: Real, level: float) -> Mask:
    """Dirt in an alpha plane (0 … 1), whichever way round it was made: what differs from most of the frame.

    Most of the plane opaque: dirt lies below `level`; most of it clear: from `level` up.
    """
    opaque = float(np.median(values[::4, ::4])) >= 0.5
    return np.asarray(values < level if opaque else values >= level)


def _plane_name(setting: str) -> str | None:
    if setting in ("alpha", "ir"):
        return setting
    return setting.removeprefix("plane:") if setting.startswith("plane:") else None


def _open_plane(name: str, info: ScanInfo, level: float) -> Plane:
    extra = info.encoding.extra
    found = [i for i, own in enumerate(extra) if own == name or (name == "ir" and INFRARED.fullmatch(own))]
    if not found:
        raise RecipeError(
            f"{info.path}: --dirtmap asks for a plane {name!r}, the film has {' and '.join(extra) or 'none beside its picture'}; "
            "name one that it has, or give pictures"
        )
    return Plane(info.encoding.pictures + found[0], info.encoding, bool(INFRARED.fullmatch(extra[found[0]])), level)


def _open_pictures(setting: str, info: ScanInfo, level: float) -> Pictures:
    path = Path(setting)
    if not path.is_dir():
        return Pictures(path, info, one=_read_mask(path, info, level), level=level)
    by_frame = _matched(path, info)
    _read_mask(by_frame[min(by_frame)], info, level)  # a wrong size shows before the work starts
    return Pictures(path, info, by_frame=by_frame, level=level)


def _matched(folder: Path, info: ScanInfo) -> dict[int, Path]:
    """The pictures of a folder by frame: equal file names (but for the type), else equal numbers at their ends.

    A movie's frames count from 0; a folder with exactly one picture for each frame of it may start at any number.
    """
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    frame_of = {Path(name).stem: index for index, name in enumerate(info.names)}
    matched = {frame_of[p.stem]: p for p in pictures if p.stem in frame_of}
    if not matched:
        numbered = {number: p for p in pictures if (number := _number(p.stem)) is not None}
        matched = {index: numbered[number] for number, index in _frame_numbers(info, sorted(numbered)).items() if number in numbered}
    if not matched:
        raise RecipeError(
            f"{folder}: none of {len(pictures)} pictures (PNG, TIFF, EXR) has the name or number of a frame; name them as the frames are"
        )
    return matched


def _frame_numbers(info: ScanInfo, found: list[int]) -> dict[int, int]:
    """Index of each frame by the number that its picture would bear."""
    if info.names:
        return {number: i for i, name in enumerate(info.names) if (number := _number(Path(name).stem)) is not None}
    first = found[0] if len(found) == info.length and found[-1] - found[0] == info.length - 1 else 0
    return {first + index: index for index in range(info.length)}


def _number(stem: str) -> int | None:
    digits = re.search(r"(\d+)$", stem)
    return int(digits[1]) if digits else None


def _read_mask(path: Path, info: ScanInfo, level: float) -> Mask:
    """The marked pixels of a picture: by its alpha channel, unless that is the same everywhere, else by luminance."""
    picture = read_matte(path)
    if picture.luma.shape != (info.height, info.width):
        height, width = picture.luma.shape
        raise RecipeError(
            f"{path}: this matte has {width} × {height} pixels, the film {info.width} × {info.height}; make it at the film's size"
        )
    drawn = picture.alpha if picture.alpha is not None and np.ptp(picture.alpha) > 0 else picture.luma
    return frozen(drawn >= level)


def _unit(plane: Codes, encoding: Encoding) -> Real:
    """Codes of an extra plane as 0 … 1 of what its depth can hold."""
    return np.asarray(plane.astype(np.float32) * np.float32(1 if encoding.floating else 1 / ((1 << encoding.bits) - 1)))
