"""A pack is written beside its place and moved there when it is whole; a killed run leaves nothing under the final name."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from frdm.dataset import tars
from frdm.dataset.codec import Coding, map_bytes, mask_bytes, picture_bytes
from frdm.dataset.manifest import NAME, Entry, Film, Manifest, What, to_json
from frdm.dataset.samples import MAPS, Sample, Split
from frdm.errors import DatasetError, OutputError

SHARD = 256 * 2**20  # bytes at which a new shard is begun


@dataclass(frozen=True, slots=True)
class Kind:
    """What is written and how."""

    what: What
    coding: Coding = Coding()  # noqa: RUF009 - frozen
    dither: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    shard: int = SHARD


class PackWriter:
    """Takes samples one by one; `finish` puts the pack under its name. Raises `OutputError` where the place won't do."""

    def __init__(self, out: Path, kind: Kind, *, fresh: bool = False) -> None:
        self.out, self.kind = out, kind
        refuse_taken(out, fresh=fresh)
        self._part = out.with_name(f".{out.name}.partial")
        self._streams: dict[Split, tuple[str, BinaryIO]] = {}
        self._shards: dict[str, int] = {}
        self._entries: list[Entry] = []
        self._films: dict[str, Film] = {}
        self._keys: set[str] = set()
        self._notes: list[str] = []
        with _explained(out):
            shutil.rmtree(self._part, ignore_errors=True)
            self._part.mkdir(parents=True)

    @property
    def weight(self) -> int:
        """Bytes of the pack as it stands, its manifest and the shards' ends included."""
        manifest = len(to_json(self._manifest()).encode())
        return sum(entry.bytes for entry in self._entries) + len(self._shards) * len(tars.END) + manifest

    def add(self, sample: Sample) -> Entry:
        """Write one sample. Raises `DatasetError` where its key is taken or its film stands on another side."""
        if sample.key in self._keys or not sample.key or "." in sample.key or "/" in sample.key:
            raise DatasetError(f"{sample.key or 'a sample'}: its key is taken or has a dot or slash; give every clip a name of its own")
        known = self._films.get(sample.film)
        if known is not None and known.split != sample.split:
            raise DatasetError(f"{sample.key}: film {sample.film} is in {known.split} already; a film has one side")
        with _explained(self.out):
            name, stream = self._stream(sample.split)
            offset, size = tars.append(stream, _members(sample, self.kind.coding))
        frames, height, width, channels = sample.pristine.shape
        shape = {"frames": frames, "height": height, "width": width, "channels": channels}
        entry = Entry(sample.key, sample.film, sample.split, name, offset, size, bits=sample.bits, **shape)
        self._entries.append(entry)
        self._keys.add(sample.key)
        self._shards[name] = offset + size
        film = known or Film(sample.split, str(sample.about.get("source", "")), str(sample.about.get("licence", "")))
        self._films[sample.film] = replace(film, samples=film.samples + 1, frames=film.frames + len(sample))
        return entry

    def note(self, sentence: str) -> None:
        """A sentence that whoever uses the pack must read."""
        if sentence not in self._notes:
            self._notes.append(sentence)

    def side_file(self, name: str, text: str) -> None:
        """Put a text file (a report) into the pack's folder."""
        with _explained(self.out):
            (self._part / name).write_text(text, encoding="utf-8")

    def finish(self) -> Manifest:
        """Put the whole pack under its name. Raises `DatasetError` when nothing was added."""
        if not self._entries:
            raise DatasetError(f"{self.out}: no sample came of it, so no pack is written; look at what was refused above")
        with _explained(self.out):
            for name, stream in self._streams.values():
                self._close(name, stream)
            self._streams.clear()
            manifest = self._manifest()
            (self._part / NAME).write_text(to_json(manifest), encoding="utf-8")
            self._swap()
        return manifest

    def _swap(self) -> None:
        """The new folder under the final name; an old pack goes only when the new one lies whole beside it."""
        old = self.out.with_name(f".{self.out.name}.old")
        if self.out.exists():
            shutil.rmtree(old, ignore_errors=True)
            self.out.replace(old)
        self._part.replace(self.out)
        shutil.rmtree(old, ignore_errors=True)

    def _manifest(self) -> Manifest:
        return Manifest(
            what=self.kind.what,
            coding=self.kind.coding,
            dither=self.kind.dither,
            settings=self.kind.settings,
            films=dict(sorted(self._films.items())),
            shards=dict(sorted(self._shards.items())),
            samples=tuple(sorted(self._entries, key=lambda entry: (entry.shard, entry.offset))),
            notes=tuple(self._notes),
        )

    def _stream(self, split: Split) -> tuple[str, BinaryIO]:
        """The open shard of a split, a new one when the last is full."""
        name, stream = self._streams.get(split, ("", None))
        if stream is not None and stream.tell() >= self.kind.shard:
            self._close(name, stream)
            stream = None
        if stream is None:
            number = sum(1 for known in self._shards if known.startswith(f"{split}-"))
            name = f"{split}-{number:05d}.tar"
            stream = (self._part / name).open("wb")
            self._streams[split] = (name, stream)
        return name, stream

    def _close(self, name: str, stream: BinaryIO) -> None:
        stream.write(tars.END)
        self._shards[name] = stream.tell()
        stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, stream in self._streams.values():
            stream.close()
        if self._part.exists():
            shutil.rmtree(self._part, ignore_errors=True)


def _members(sample: Sample, coding: Coding) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of a sample's files, in a fixed order."""
    about = {"key": sample.key, "film": sample.film, "split": sample.split, **sample.about}
    yield f"{sample.key}.json", json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
    suffix = coding.suffix(sample.pristine.dtype)
    for name, pictures in (("pristine", sample.pristine), ("degraded", sample.degraded)):
        for number, picture in enumerate(pictures if pictures is not None else ()):
            yield f"{sample.key}.{name}.{number:03d}.{suffix}", picture_bytes(picture, coding)
    for number, mask in enumerate(sample.mask if sample.mask is not None else ()):
        yield f"{sample.key}.mask.{number:03d}.png", mask_bytes(mask)
    for name in MAPS:
        for number, values in enumerate(sample.maps.get(name, ())):
            yield f"{sample.key}.{name}.{number:03d}.png", map_bytes(name, values)


def refuse_taken(out: Path, *, fresh: bool) -> None:
    """Raises `OutputError` unless `out` is free, or a pack that `fresh` allows to replace."""
    if out.exists() and not (fresh and (out / NAME).is_file()):
        wanted = "is no pack; name a new folder" if fresh else "exists; name a new folder, or say --fresh to replace a pack"
        raise OutputError(f"{out}: {wanted}")


class _explained:  # noqa: N801 - reads as a word
    """Turns what the disk refuses into a sentence."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise OutputError(f"{self._out}: can't be written ({error.strerror or error}); choose another place") from None
