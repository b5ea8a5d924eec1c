"""The pixels of repairs on disk: one file a span, in numpy's npz form, whole or not there.

A file has four arrays a frame: `000123/index` (a row a patch: its boxes and planes' sizes), `000123/mattes`, `000123/codes` (samples of
all patches one after the other, plane by plane) and `000123/masks` (the defects' masks, packed bits). Same repairs give the same bytes.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import xxhash
from numpy.lib import format as npy
from numpy.typing import NDArray

from frdm.arrays import read_array
from frdm.errors import LedgerError
from frdm.film import Box, Mask, Patch, Repair

FOLDER = "patches"
_UNREADABLE = (
    *(KeyError, IndexError, TypeError, OverflowError, MemoryError, EOFError, NotImplementedError, RuntimeError),
    *(zlib.error, zipfile.BadZipFile),
)  # what zipfile and numpy raise for bytes that are no file of patches, beside ValueError
_LEVEL = 1  # grain hardly yields to more
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class StoredPatch:
    """A patch with the mask of the defect that it mends."""

    patch: Patch
    defect_box: Box
    mask: Mask


def write_patches(path: Path, frames: Iterable[tuple[int, Sequence[Repair]]]) -> tuple[str, int]:
    """Write one span's patches, (frame, its repairs in ledger order); (xxh3_128 of the file, its bytes). Safely on disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for frame, repairs in frames:
                _write_frame(archive, frame, repairs)
        file.flush()
        os.fsync(file.fileno())
    digest, size = digest_file(unfinished), unfinished.stat().st_size
    unfinished.replace(path)
    sync_folder(path.parent)
    return digest, size


def pack(frame: int, repairs: Sequence[Repair]) -> bytes:
    """One frame's patches as the bytes of a file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _write_frame(archive, frame, repairs)
    return out.getvalue()


def unpack(data: bytes, frame: int, *, most: int) -> list[StoredPatch]:
    """The patches of one frame in `pack`ed bytes of anybody. Raises `ValueError`, also where they unpack to more than `most` bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > most:
                raise ValueError("more pixels than a frame has")
            rows, mattes, codes, masks = (_read(archive, frame, name) for name in ("index", "mattes", "codes", "masks"))
            return _unpack(frame, rows, samples=(mattes, codes), masks=masks)
    except _UNREADABLE as error:
        raise ValueError(f"patches that can't be read ({error})") from None


def _read(archive: zipfile.ZipFile, frame: int, name: str) -> NDArray[Any]:
    with archive.open(f"{frame:06d}/{name}.npy") as file:
        return read_array(file.read())


def digest_file(path: Path) -> str:
    """xxh3_128 of a file's bytes."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlast a power cut, where the system lets one."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; its renames are in the journal
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


class PatchFile:
    """A span's patches, read frame by frame when asked for."""

    def __init__(self, path: Path) -> None:
        """Raises `LedgerError` when the file is gone or broken."""
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise self._broken(error) from None

    def frames(self) -> list[int]:
        """Frames that have patches here."""
        return sorted({int(name.partition("/")[0]) for name in self._archive.namelist()})

    def frame(self, index: int) -> list[StoredPatch]:
        """All patches of a frame, by place."""
        try:
            rows, mattes, codes, masks = (_read(self._archive, index, name) for name in ("index", "mattes", "codes", "masks"))
            return _unpack(index, rows, samples=(mattes, codes), masks=masks)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> LedgerError:
        return LedgerError(f"{self.path}: patches named by the ledger are missing or broken ({error}); bring the file back or use --fresh")

    def close(self) -> None:
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _write_frame(archive: zipfile.ZipFile, frame: int, repairs: Sequence[Repair]) -> None:
    if not repairs:
        return
    patches = [repair.patch for repair in repairs]
    arrays = {
        "index": np.array([_index(repair) for repair in repairs], np.int32),
        "mattes": np.concatenate([m.ravel() for p in patches for m in p.mattes]),
        "codes": np.concatenate([c.ravel() for p in patches for c in p.codes]),
        "masks": np.concatenate([np.packbits(repair.defect.mask) for repair in repairs]),
    }
    for name, array in arrays.items():
        entry = zipfile.ZipInfo(f"{frame:06d}/{name}.npy", _EPOCH)
        entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3  # Unix everywhere: same bytes everywhere
        packed = io.BytesIO()
        npy.write_array(packed, array, allow_pickle=False)
        archive.writestr(entry, packed.getbuffer(), compresslevel=_LEVEL)  # opened for writing, an entry takes zlib's own level


def _index(repair: Repair) -> list[int]:
    outer, inner = repair.patch.box, repair.defect.box
    boxes = [b for box in (outer, inner) for b in (box.top, box.left, box.bottom, box.right)]
    return boxes + [n for matte in repair.patch.mattes for n in matte.shape]


def _unpack(frame: int, rows: NDArray[Any], *, samples: tuple[NDArray[Any], NDArray[Any]], masks: NDArray[Any]) -> list[StoredPatch]:
    """Cut the arrays of a frame into its patches."""
    mattes, codes = samples
    found, at, bit = [], 0, 0
    for row in rows.tolist():
        outer, inner = Box(frame, *row[0:4]), Box(frame, *row[4:8])
        planes = []
        for shape in zip(row[8::2], row[9::2], strict=True):
            size = shape[0] * shape[1]
            planes.append((mattes[at : at + size].reshape(shape), codes[at : at + size].reshape(shape)))
            at += size
        packed = -(-inner.area // 8)
        mask = np.unpackbits(masks[bit : bit + packed], count=inner.area).view(np.bool_)
        bit += packed
        patch = Patch(outer, tuple(m for m, _ in planes), tuple(c for _, c in planes))
        found.append(StoredPatch(patch, inner, mask.reshape(inner.bottom - inner.top, inner.right - inner.left)))
    return found
