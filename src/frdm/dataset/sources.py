"""Where clips come from: movies and folders of frames, with what SOURCES.csv says of them: source, licence, film, tags."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from frdm.errors import DatasetError
from frdm.film import Transfer
from frdm.media.writer import MOVIES

TABLE = "SOURCES.csv"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: where it lies and what is said of it. `film` is the whole that is never divided between training and validation."""

    path: Path
    film: str
    source: str = UNKNOWN
    licence: str = UNKNOWN
    caption: str = ""
    tags: tuple[str, ...] = ()
    gauge: str = UNKNOWN
    transfer: Transfer | None = None  # what the codes mean, where the film can't say
    more: Mapping[str, str] = field(default_factory=dict)  # the table's other columns

    @property
    def name(self) -> str:
        """The clip's name without folder and suffix."""
        return self.path.stem if self.path.is_file() else self.path.name


def find_clips(places: Iterable[Path], *, transfer: Transfer | None = None) -> list[Clip]:
    """The clips of movies, folders of numbered frames, and folders of movies (with or without SOURCES.csv), by name.

    `transfer` says what the codes mean of all whose films can't.

    Raises `DatasetError` where nothing is there, or where the table names a file that is missing or says nothing of the film.
    """
    found: dict[Path, Clip] = {}
    for place in places:
        for clip in _clips_of(place):
            found.setdefault(clip.path.resolve(), replace(clip, transfer=transfer))
    if not found:
        raise DatasetError("no clip was named; name movies, folders of numbered frames, or folders of movies")
    clips = sorted(found.values(), key=lambda clip: (clip.name, clip.path))
    names = [clip.name for clip in clips]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"{twice[0]}: two clips have this name; rename one, so that samples can be told apart")
    return clips


def _clips_of(place: Path) -> Iterator[Clip]:
    if not place.exists():
        raise DatasetError(f"{place}: no such file or folder; look at the name")
    if place.is_file():
        known = read_table(place.parent) if (place.parent / TABLE).is_file() else {}
        yield known.get(place.name, Clip(place, place.stem))
        return
    if (place / TABLE).is_file():
        yield from read_table(place).values()
        return
    movies = sorted(path for path in place.iterdir() if path.suffix.lower() in MOVIES and not path.name.startswith("."))
    if movies:
        yield from (Clip(path, path.stem) for path in movies)
    else:
        yield Clip(place, place.name)


def read_table(folder: Path) -> dict[str, Clip]:
    """The clips of a folder's SOURCES.csv by file, as it names them. Raises `DatasetError`.

    Its columns: file, source, licence, film_id; description, tags and gauge where given.
    """
    path = folder / TABLE
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: can't be read ({error}); save it as CSV in UTF-8") from None
    clips: dict[str, Clip] = {}
    for line, row in enumerate(rows, 2):
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        clip = _clip(folder, cells, f"{path}, line {line}")
        if cells["file"] in clips:
            raise DatasetError(f"{path}, line {line}: {cells['file']} is named twice; take one of the lines out")
        clips[cells["file"]] = clip
    return clips


def _clip(folder: Path, row: dict[str, str], where: str) -> Clip:
    missing = [name for name in ("file", "source", "licence", "film_id") if name not in row]
    if missing:
        raise DatasetError(f"{where}: no column {missing[0]}; the table needs file, source, licence and film_id")
    if not row["file"] or not row["film_id"]:
        raise DatasetError(f"{where}: file or film_id is empty; a clip must belong to a film, so that films are not divided")
    path = folder / row["file"]
    if not path.exists():
        raise DatasetError(f"{where}: {row['file']} is not in the folder; put it there or take the line out")
    more = {key: row[key] for key in sorted(row) if key not in ("file", "source", "licence", "film_id", "description", "tags", "gauge")}
    tags = tuple(tag.strip() for tag in row.get("tags", "").split(",") if tag.strip())
    said = row["source"] or UNKNOWN, row["licence"] or UNKNOWN, row.get("description", "")
    return Clip(path, row["film_id"], *said, tags, row.get("gauge", "") or UNKNOWN, more=more)
