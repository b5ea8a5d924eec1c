"""A pack's manifest: what it is, how it was made, its films with source and licence, and where every sample lies."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from frdm import __version__
from frdm.dataset.codec import Coding
from frdm.dataset.samples import SPLITS, Split
from frdm.errors import DatasetError

NAME = "manifest.json"
VERSION = 1
What = Literal["clean", "synthetic", "pairs"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one sample lies, and its shape."""

    key: str
    film: str
    split: Split
    shard: str
    offset: int  # of its first member in the shard
    bytes: int
    frames: int
    height: int
    width: int
    channels: int
    bits: int


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of one film of a pack."""

    split: Split
    source: str = ""
    licence: str = ""
    samples: int = 0
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of manifest.json. `dither` is the noise in codes that reading adds (see `codec.dithered`)."""

    what: What
    coding: Coding
    dither: float
    settings: Mapping[str, Any]
    films: Mapping[str, Film]
    shards: Mapping[str, int]  # name → bytes
    samples: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    made_by: str = field(default=f"frdm {__version__}")

    def count(self, split: Split | None = None) -> tuple[int, int, int]:
        """(films, samples, frames) of a split or of all."""
        chosen = [entry for entry in self.samples if split in (None, entry.split)]
        return len({entry.film for entry in chosen}), len(chosen), sum(entry.frames for entry in chosen)


def to_json(manifest: Manifest) -> str:
    """The manifest as text, the same for the same manifest; samples stand one a line."""
    head = {"format": "frdm-pack", "version": VERSION, **asdict(manifest)}
    rows = [json.dumps(row, ensure_ascii=False) for row in head.pop("samples")]
    text = json.dumps(head, ensure_ascii=False, indent=1)
    return text[:-2] + ',\n "samples": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a pack's folder. Raises `DatasetError`."""
    path = folder / NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{folder}: holds no {NAME}, so it is no pack; name the folder that `frdm dataset` made") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: can't be read ({error}); copy the pack again or make it anew") from None
    if not isinstance(values, dict) or values.get("format") != "frdm-pack":
        raise DatasetError(f"{path}: is no pack's manifest; name the folder that `frdm dataset` made")
    if values.get("version") != VERSION:
        raise DatasetError(f"{path}: version {values.get('version')} found, this frdm reads {VERSION}; make the pack with this frdm")
    try:
        return _from(values)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: {error} is missing or wrong; make the pack anew") from None


def _from(values: dict[str, Any]) -> Manifest:
    return Manifest(
        what=values["what"],
        coding=Coding(**values["coding"]),
        dither=float(values["dither"]),
        settings=values["settings"],
        films={name: Film(**film) for name, film in values["films"].items()},
        shards={name: int(size) for name, size in values["shards"].items()},
        samples=tuple(_entry(row) for row in values["samples"]),
        notes=tuple(values["notes"]),
        made_by=values["made_by"],
    )


def _entry(row: dict[str, Any]) -> Entry:
    entry = Entry(**row)
    if entry.split not in SPLITS:
        raise ValueError(f"split {entry.split}")
    return entry
