"""The truth about a damaged film as pictures: mattes, and maps of opacity, kind, polarity and number."""

import json
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import DamageRecipe
from frdm.damage.reel import Damaged
from frdm.errors import OutputError
from frdm.film import KINDS, ScanInfo

MAPS = ("matte", "kinds", "polarity", "ids")
LEGEND = {
    "matte": "16 bits: painted opacity, 0 none … 65535 all light stopped or added",
    "kinds": {"0": "none", **{str(number): kind for number, kind in enumerate(KINDS, 1)}},
    "polarity": "8 bits: 0 darker, 128 none or neither, 255 brighter",
    "ids": "16 bits: 1 … on one frame alone, 1000 … standing, the same number in all frames",
}


class Truth:
    """Writes one picture a frame and map, each named like the frame's own file, or by its number in a movie.

    While it is entered, an error takes its folders away again: half a truth would be in the way of the next run, and misleads.
    """

    def __init__(self, info: ScanInfo, *, mattes: Path | None, maps: Path | None) -> None:
        """Makes the folders that are wanted, which must be new or empty. Raises `OutputError`."""
        self._names, self._mattes, self._maps = info.names, mattes, maps
        self._folders = [folder for folder in (mattes, maps) if folder is not None]
        self._damaged, self._frames = 0.0, 0
        for folder in ([] if mattes is None else [mattes]) + ([] if maps is None else [maps / name for name in MAPS]):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"{folder}: the folder can't be made ({error.strerror}); give another place") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for folder in self._folders if error is not None else ():
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def share(self) -> float:
        """Share of all pixels written so far that are damaged, 0 … 1."""
        return self._damaged / max(self._frames, 1)

    def write(self, index: int, one: Damaged) -> None:
        """Write the maps of frame `index`; `one` holds that frame alone."""
        self._damaged += float(one.mask.mean())
        self._frames += 1
        name = f"{Path(self._names[index]).stem if self._names else f'{index:06d}'}.png"
        if self._mattes is not None:
            _save(self._mattes / name, one.mask[0].astype(np.uint8) * np.uint8(255))
        if self._maps is not None:
            polarity = np.asarray(np.clip(128 + one.polarity[0].astype(np.int16) * 128, 0, 255), np.uint8)
            pictures = (np.rint(one.matte[0] * 65535).astype(np.uint16), one.kinds[0], polarity, one.ids[0])
            for folder, picture in zip(MAPS, pictures, strict=True):
                _save(self._maps / folder / name, picture)

    def describe(self, recipe: DamageRecipe, seed: int) -> None:
        """Leave `damage.json` with the maps: recipe, seed, and what the maps' values mean."""
        if self._maps is not None:
            told = {"seed": seed, "recipe": json.loads(recipe.as_json()), "legend": LEGEND}
            (self._maps / "damage.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _save(path: Path, picture: NDArray[Any]) -> None:
    _, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    part = path.with_name(path.name + ".part")
    part.write_bytes(data.tobytes())
    part.replace(path)
