"""Clean films that a suite is made from: a user's own, or frames that the program draws; read at a case's size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from frdm.display import Picture, look
from frdm.errors import BenchError
from frdm.media.scan import open_scan
from frdm.media.writer import MOVIES

LOOKED_AT = 12  # pairs of frames that a film's motion is measured on
SMALL = 240  # lines: motion is measured on a picture this high
GREYEST = 2.0  # codes: a film whose channels differ less in the mean is black and white


@dataclass(frozen=True, slots=True)
class CleanFilm:
    """A film without damage: how many frames it has, and how to get some (numbers, (height, width)) as R G B pictures of that size."""

    name: str
    length: int
    read: Callable[[Sequence[int], tuple[int, int]], list[Picture]]
    source: str = ""
    licence: str = ""


def film_from(path: Path, *, licence: str = "") -> CleanFilm:
    """A user's clean film: a movie or a folder of numbered frames. Raises `MediaError`."""
    with open_scan(path) as scan:
        length = scan.info.length

    def read(numbers: Sequence[int], size: tuple[int, int]) -> list[Picture]:
        wanted = set(numbers)
        kept: dict[int, Picture] = {}
        with open_scan(path) as scan:
            start = min(numbers)
            for index, frame in enumerate(scan.frames(start, max(numbers) + 1), start):
                if index in wanted:
                    kept[index] = brought(look(frame, scan.info.encoding), size, path)
        return [kept[number] for number in numbers]

    return CleanFilm(path.stem, length, read, source=path.name, licence=licence)


def films_in(places: Sequence[Path], *, licence: str = "") -> list[CleanFilm]:
    """The films of files and of folders of movies; a folder of frames is one film. Raises `BenchError` where there is none."""
    found: list[CleanFilm] = []
    for place in places:
        movies = sorted(path for path in place.glob("*") if path.suffix.lower() in MOVIES) if place.is_dir() else []
        found += [film_from(path, licence=licence) for path in movies or [place]]
    if not found:
        raise BenchError("no clean film was given; give --films, or leave it out for the drawn one")
    return found


def brought(picture: Picture, size: tuple[int, int], path: Path) -> Picture:
    """A picture scaled down by area and cropped from its middle to (height, width). Raises `BenchError` for smaller films."""
    height, width = size
    scale = max(height / picture.shape[0], width / picture.shape[1])
    if scale > 1.001:
        raise BenchError(
            f"{path}: {picture.shape[1]} × {picture.shape[0]} found, at least {width} × {height} wanted, for enlarged film proves nothing; "
            "give a larger film or a smaller suite"
        )
    inside = (max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, inside, interpolation=cv2.INTER_AREA)
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    return np.ascontiguousarray(small[top : top + height, left : left + width])


def busyness(film: CleanFilm, size: tuple[int, int]) -> float:
    """How fast a film moves: the mean over pairs of frames of the displacement's upper tenth, in lines of a 480-line picture."""
    step = max(1, (film.length - 1) // LOOKED_AT)
    speeds = []
    for first in list(range(0, film.length - 1, step))[:LOOKED_AT]:
        pair = film.read((first, first + 1), size)
        small = [cv2.resize(grey(one), (round(SMALL * size[1] / size[0]), SMALL), interpolation=cv2.INTER_AREA) for one in pair]
        flow = cv2.calcOpticalFlowFarneback(small[0], small[1], None, 0.5, 3, 15, 2, 5, 1.2, 0)  # type: ignore[call-overload]
        speeds.append(float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), 90)) * 480 / SMALL)
    return float(np.mean(speeds)) if speeds else 0.0


def grey(picture: Picture) -> Picture:
    """Its luma, (H, W)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def black_and_white(pictures: Sequence[Picture]) -> bool:
    """Whether pictures have no colour."""
    return all(float(np.ptp(picture[::4, ::4].astype(np.int16), axis=-1).mean()) < GREYEST for picture in pictures)
