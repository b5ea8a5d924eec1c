"""Reading a pack: any sample by its number, or all of them in an order that a stopped training takes up again exactly.

Needs numpy and OpenCV, no decoder of movies and no network library. The files are plain WebDataset shards (docs/dataset.md).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from frdm.dataset.codec import dithered, map_from, mask_from, picture_from
from frdm.dataset.manifest import Entry, Manifest, read_manifest
from frdm.dataset.samples import MAPS, Sample, Split
from frdm.dataset.tars import members
from frdm.errors import DatasetError
from frdm.film import Codes


def read(
    path: str | Path, *, split: Split | None = None, start: int = 0, seed: int | None = None, frames: int | None = None
) -> Iterator[Sample]:
    """Samples of the pack at `path`, from number `start` on, of one split or of all.

    `seed` None: once through, in the pack's order. Else without end, each epoch in a new order that hangs on the seed alone, so that
    `start=n` goes on exactly after n samples. `frames`: of every sample only a window of so many (drawn with the seed, else the first);
    samples that are shorter come whole. Raises `DatasetError`.
    """
    pack = Pack(path, split=split)
    number = start
    while seed is not None or number < len(pack):
        yield pack.drawn(number, seed, frames=frames)
        number += 1


class Pack:
    """A pack's samples by number: `len(pack)`, `pack[3]`, `pack.sample(3, first=8, stop=13)` (decodes those frames alone)."""

    def __init__(self, path: str | Path, *, split: Split | None = None) -> None:
        self.folder = Path(path)
        self.manifest: Manifest = read_manifest(self.folder)
        self.entries: tuple[Entry, ...] = tuple(entry for entry in self.manifest.samples if split in (None, entry.split))
        for name, size in self.manifest.shards.items():
            shard = self.folder / name
            found = shard.stat().st_size if shard.is_file() else 0
            if found != size:
                raise DatasetError(f"{shard}: {found} bytes found, {size} wanted; the shard is missing or cut short, copy the pack again")
        if not self.entries:
            raise DatasetError(f"{self.folder}: no sample{f' of {split}' if split else ''} found; make the pack with other shares or films")

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, number: int) -> Sample:
        return self.sample(number)

    def __iter__(self) -> Iterator[Sample]:
        return (self.sample(number) for number in range(len(self)))

    def about(self, number: int) -> dict[str, Any]:
        """A sample's description, without its pictures: tags, caption, source, licence …"""
        entry = self.entries[number]
        _, data = next(members(self._block(entry), where=str(self.folder / entry.shard)))
        found: dict[str, Any] = json.loads(bytes(data))
        return found

    def sample(self, number: int, *, first: int = 0, stop: int | None = None) -> Sample:
        """Sample `number`, or frames first … stop-1 of it. Raises `DatasetError`."""
        entry = self.entries[number]
        wanted = range(entry.frames)[first:stop]
        if not wanted:
            raise DatasetError(f"{entry.key}: frames {first} to {stop} asked for, the sample has {entry.frames}; ask for some of these")
        where = str(self.folder / entry.shard)
        try:
            return self._decoded(dict(self._files(entry, where)), entry, wanted)
        except KeyError as error:
            raise DatasetError(f"{where}, {entry.key}: {error} is missing; the shard is broken, copy it again") from None
        except DatasetError as error:
            raise DatasetError(f"{where}, {entry.key}: {error}") from None

    def _decoded(self, files: dict[str, memoryview], entry: Entry, wanted: range) -> Sample:
        pristine = self._pictures(files, "pristine", entry, wanted)
        degraded = self._pictures(files, "degraded", entry, wanted) if "degraded.000" in files else None
        mask = np.stack([mask_from(bytes(files[f"mask.{at:03d}"])) for at in wanted]) if "mask.000" in files else None
        given = [name for name in MAPS if f"{name}.000" in files]
        maps = {name: np.stack([map_from(name, bytes(files[f"{name}.{at:03d}"])) for at in wanted]) for name in given}
        return Sample(entry.key, entry.film, entry.split, pristine, degraded, mask, maps, json.loads(bytes(files["json"])))

    def drawn(self, number: int, seed: int | None, *, frames: int | None = None) -> Sample:
        """The sample that stands at place `number` of the endless order of a seed (None: the pack's own order, once)."""
        if seed is None:
            return self.sample(number, stop=frames)
        epoch, place = divmod(number, len(self))
        index = int(np.random.default_rng((seed, epoch)).permutation(len(self))[place])
        room = max(0, self.entries[index].frames - (frames or self.entries[index].frames))
        first = int(np.random.default_rng((seed, epoch, place)).integers(room + 1))
        return self.sample(index, first=first, stop=None if frames is None else first + frames)

    def _pictures(self, files: dict[str, memoryview], name: str, entry: Entry, wanted: range) -> Codes:
        """The decoded frames of one kind; both kinds get the same dither, so that they differ in the defects alone."""
        amount = self.manifest.dither
        plain = {at: picture_from(bytes(files[f"{name}.{at:03d}"]), entry.channels) for at in wanted}
        return np.stack([dithered(picture, amount, f"{entry.key}/{at}") for at, picture in plain.items()])

    def _files(self, entry: Entry, where: str) -> Iterator[tuple[str, memoryview]]:
        """(name without key and suffix, data) of the sample's files; the description is `json`."""
        for name, data in members(self._block(entry), where=where):
            rest = name.removeprefix(entry.key + ".")
            yield (rest if rest == "json" else rest.rpartition(".")[0]), data

    def _block(self, entry: Entry) -> bytes:
        try:
            with (self.folder / entry.shard).open("rb") as stream:
                stream.seek(entry.offset)
                return stream.read(entry.bytes)
        except OSError as error:
            raise DatasetError(f"{self.folder / entry.shard}: can't be read ({error.strerror}); copy the pack again") from None
