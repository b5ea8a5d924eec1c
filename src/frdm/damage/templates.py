"""Template packs: covers of real or drawn defects, read from a folder in FILM-AA's layout.

FILM-AA (the data of Ivanova 2023, in the repository FilmDamageSimulator) keeps one folder a class, with one PNG a piece whose alpha
channel is its opacity: `synthetic/dirt/dirt-001.png`; and outlines of scans as LabelMe files, whose `shapes` have a label and points.
Both are understood, in the folder itself or in its `synthetic`, `scans` and `annotations`. A grey PNG without alpha is opaque where it
is white.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from frdm.damage.shapes import filled, fineness, softened
from frdm.errors import DamageError
from frdm.film import Real, frozen

CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "dirt": "clumps",
        "smut": "clumps",
        "dots": "dust",
        "spots": "dust",
        "sprinkles": "clumps",
        "dust": "dust",
        "hair": "hairs",
        "long hair": "hairs",
        "hair-short": "lint",
        "short hair": "lint",
        "lint": "lint",
        "fibres": "fibres",
        "scratches": "short",
        "scratch": "short",
        "digs": "digs",
        "stain": "water",
        "stains": "water",
    }
)
"""FILM-AA's classes, and names of our own, as what they are to the recipe."""

_PLACES = ("", "synthetic", "scans", "annotations")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One piece: a picture file, or an outline (N, 2) of a scan."""

    picture: Path | None = None
    outline: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def cover(self) -> Real:
        """Its cover, float32 (height, width) 0 … 1, at the size it was stored. Raises `DamageError`."""
        if self.picture is not None:
            return _read(self.picture)
        span = float(np.ptp(self.outline, axis=0).max())
        return filled(self.outline, fine=fineness(span))[0]


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePack:
    """A folder's templates by what they are to the recipe: dust, clumps, hairs, lint, fibres, short, digs, water."""

    folder: Path
    templates: Mapping[str, tuple[Template, ...]]

    def cover(self, name: str, random: np.random.Generator, *, size: float, softness: float) -> Real | None:
        """One piece, turned and mirrored, its area brought to `size`² px; None where the pack has none of this name."""
        kept = self.templates.get(name)
        if not kept:
            return None
        cover = kept[int(random.integers(len(kept)))].cover()
        cover = np.rot90(cover, int(random.integers(4)))
        cover = cover[:, ::-1] if random.random() < 0.5 else cover
        area = float((cover > 0.5 * cover.max()).sum())
        scale = size / max(np.sqrt(area), 1e-6)
        shape = [max(1, round(side * scale)) for side in cover.shape]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        fitted = np.clip(cv2.resize(np.ascontiguousarray(cover), (shape[1], shape[0]), interpolation=way), 0, 1)
        return softened(np.asarray(fitted, np.float32), softness)


@lru_cache(maxsize=4)
def open_pack(folder: Path) -> TemplatePack:
    """The pack in a folder; pictures are read when they are drawn. Raises `DamageError` where there is none."""
    if not folder.is_dir():
        raise DamageError(f"{folder}: no folder of templates; give one that has a folder a class, such as dirt, hair, scratches")
    found: dict[str, list[Template]] = {}
    for place in (folder / name if name else folder for name in _PLACES):
        for inner in sorted(path for path in place.glob("*") if path.is_dir() and path.name in CLASSES):
            found.setdefault(CLASSES[inner.name], []).extend(Template(path) for path in sorted(inner.glob("*.png")))
        for path in sorted(place.glob("*.json")):
            for name, outline in _outlines(path):
                found.setdefault(name, []).append(Template(outline=outline))
    kept = {name: tuple(templates) for name, templates in found.items() if templates}
    if not kept:
        raise DamageError(f"{folder}: holds no templates; wanted PNG files in folders named after a class: {', '.join(CLASSES)}")
    return TemplatePack(folder, MappingProxyType(kept))


def _outlines(path: Path) -> list[tuple[str, np.ndarray]]:
    """(name, outline) of every shape of a LabelMe file; shapes of other classes are left out."""
    try:
        shapes = json.loads(path.read_text(encoding="utf-8"))["shapes"]
        drawn = [(str(shape["label"]).lower().replace("_", " "), np.asarray(shape["points"], np.float64)) for shape in shapes]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamageError(f"{path}: can't be read as LabelMe outlines ({error}); wanted shapes, each with a label and points") from None
    return [(CLASSES[label], points) for label, points in drawn if label in CLASSES and points.ndim == 2 and len(points) > 2]


@lru_cache(maxsize=512)
def _read(path: Path) -> Real:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DamageError(f"{path}: can't be read ({error.strerror}); take it out of the template pack") from None
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if picture is None:
        raise DamageError(f"{path}: no picture; take it out of the template pack")
    top = 65535.0 if picture.dtype == np.uint16 else 255.0
    opacity = picture[..., 3] if picture.ndim == 3 and picture.shape[2] == 4 else picture if picture.ndim == 2 else picture.mean(2)
    if not opacity.any():
        raise DamageError(f"{path}: is empty; wanted a piece whose alpha channel is its opacity")
    return frozen(np.asarray(opacity, np.float32) / np.float32(top))
