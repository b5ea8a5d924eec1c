"""Mattes as pictures: one 8-bit PNG a frame, above 0 exactly where a code may differ from the scan's."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.errors import OutputError
from frdm.film import Mask, ScanInfo
from frdm.media.scan import Scan, info_at

MENDED = 255
HELD = 96  # `frdm detect` also shows what would be held


class MatteFolder:
    """Writes mattes, each under its name only when it is whole."""

    def __init__(self, folder: Path, scan: Scan) -> None:
        """Raises `OutputError` when the folder can't be made or holds other pictures of these names."""
        self.folder, self._scan = folder, scan
        self._names = frame_names(scan.info)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: the folder for mattes can't be made ({error.strerror}); give another with --mattes") from None
        self._refuse_pictures()

    def path(self, index: int) -> Path:
        """Where frame `index`'s matte lies: the frame's own name, or its number from 0 in movies."""
        return self.folder / f"{self._names[index] if self._names else numbered(index)}.png"

    def write(self, index: int, mended: Mask | None, held: Mask | None = None) -> None:
        """Write one matte, (height, width); None: nothing."""
        info = info_at(self._scan, index)
        picture = np.zeros((info.height, info.width), np.uint8)
        if held is not None:
            picture[held] = HELD
        if mended is not None:
            picture[mended] = MENDED
        path = self.path(index)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(_png(picture))
        unfinished.replace(path)

    def _refuse_pictures(self) -> None:
        """A matte never takes the place of a picture that isn't one."""
        for index in range(self._scan.info.length if self._names else 1):
            path = self.path(index)
            if path.exists():
                there, info = cv2.imread(str(path), cv2.IMREAD_UNCHANGED), info_at(self._scan, index)
                if there is None or there.ndim != 2 or there.dtype != np.uint8 or there.shape != (info.height, info.width):
                    raise OutputError(f"{path}: no matte of this film, but it has a matte's name; give an empty folder with --mattes")
                return


def frame_names(info: ScanInfo) -> tuple[str, ...]:
    """What a picture about each frame is called, without its suffix: as the frame itself; () for movies, whose frames have numbers."""
    stems = tuple(Path(name).stem for name in info.names)
    return stems if len(set(stems)) == len(stems) else info.names  # a.tif and a.png of unrelated pictures


def numbered(index: int) -> str:
    """What a picture about a movie's frame is called, without its suffix."""
    return f"{index:06d}"


def _png(picture: NDArray[np.uint8]) -> bytes:
    _, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data.tobytes()
