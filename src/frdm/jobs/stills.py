"""Unrelated pictures as a job sees them: every one a shot of its own, with what is given of it found under its own name."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from frdm.defects.area import find_area
from frdm.defects.dirtmap import GivenMattes, open_mattes
from frdm.errors import RecipeError
from frdm.film import Frame, Mask, ScanInfo, Shot
from frdm.media.album import Album
from frdm.media.mattes import SUFFIXES
from frdm.media.scan import Scan
from frdm.recipe import AreaSettings, Recipe


def single_shots(start: int, stop: int) -> Iterator[Shot]:
    """A shot a picture."""
    return (Shot(index, index + 1) for index in range(start, stop))


@dataclass(slots=True)
class PictureMattes:
    """What is given of each picture: protected places and dirt maps by its name, at its size. The last one asked for is kept."""

    scan: Album
    recipe: Recipe
    _last: tuple[int, GivenMattes] | None = field(default=None, init=False)

    def check(self) -> None:
        """Look at all that is given before anything is made. Raises `RecipeError`, `MediaError`."""
        recipe = self.recipe
        if recipe.protect is None and recipe.dirtmap is None and recipe.area.area in ("auto", "whole"):
            return
        matched = [self._open(index) for index in range(self.scan.info.length)]
        for name in ("protect", "dirtmap"):
            folder = getattr(recipe, name)
            given = "protected" if name == "protect" else "dirty"
            if folder is not None and Path(folder).is_dir() and all(getattr(one, given) is None for one in matched):
                raise RecipeError(f"{folder}: no picture in it has the name of one that is restored; name them as the pictures are")

    def allowed(self, frame: Frame) -> Mask | None:
        """Where repairs may be made; None: everywhere."""
        return self._of(frame.index).allowed(Frame(0, frame.planes))

    def dirt(self, frame: Frame) -> Mask | None:
        """Where dirt is known to be; None: nothing given."""
        return self._of(frame.index).dirt(Frame(0, frame.planes))

    def _of(self, index: int) -> GivenMattes:
        last = self._last
        if last is None or last[0] != index:
            self._last = last = index, self._open(index)
        return last[1]

    def _open(self, index: int) -> GivenMattes:
        info = self.scan.info_at(index)
        name = Path(info.names[0]).stem
        recipe = replace(self.recipe, protect=_named(self.recipe.protect, name), dirtmap=_named(self.recipe.dirtmap, name))
        area = AreaSettings("whole") if recipe.area.area == "auto" else recipe.area  # one picture can't tell a border from a scene
        return open_mattes(recipe, info).with_area(find_area(self.scan, info, area))


def album_values(scan: Scan) -> dict[str, Any]:
    """What the record says of unrelated pictures beside what it says of any film; nothing of films."""
    if not isinstance(scan, Album):
        return {}
    every = [scan.info_at(index) for index in range(scan.info.length)]
    pictures = [{"name": one.names[0], "width": one.width, "height": one.height, "codes": codes_of(one)} for one in every]
    depths = ", ".join(dict.fromkeys(codes_of(one) for one in every))
    return {"pictures": pictures, "sizes": f"{sizes_of(scan)} pixels", "depths": depths}


def sizes_of(album: Album) -> str:
    """The least and the greatest size, or the one that all pictures have."""
    ordered = sorted(album.sizes, key=lambda size: (size[0] * size[1], size))
    few, many = (f"{width} × {height}" for width, height in (ordered[0], ordered[-1]))
    return few if few == many else f"{few} to {many}"


def codes_of(info: ScanInfo) -> str:
    """Depth, layout and transfer of a picture in words."""
    encoding = info.encoding
    depth = f"{encoding.bits}-bit{' float' if encoding.floating else ''} {encoding.layout.upper()}"
    return f"{depth}{''.join(f' + {name}' for name in encoding.extra)}, {encoding.transfer}"


def _named(given: str | None, name: str) -> str | None:
    """What is given of the picture `name`: of a folder the picture of that name, if it has one."""
    if given is None or not Path(given).is_dir():
        return given
    named = sorted(file for file in Path(given).iterdir() if file.stem == name and file.suffix.lower() in SUFFIXES)
    return str(named[0]) if named else None
