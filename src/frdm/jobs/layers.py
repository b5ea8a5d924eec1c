"""The repairs that lie over one frame, with their pixels and masks, for looking at a frame and for mending by hand."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from frdm.film import Frame, Mask, ScanInfo
from frdm.jobs.project import Project
from frdm.ledger.decisions import repairs_between
from frdm.ledger.patches import PatchFile, StoredPatch
from frdm.ledger.records import RepairRow
from frdm.rendering import composite

KEPT = 96 << 20  # bytes of patches


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A repair as recorded, with its pixels."""

    row: RepairRow
    stored: StoredPatch


class LayerStore:
    """Reads patches, keeping the last frames' ones; safe to be asked from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], list[StoredPatch]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def of(self, project: Project, frame: int) -> list[Layer]:
        """All repairs of a frame, whatever their status, in the order in which they are laid over each other. Raises `LedgerError`."""
        rows = repairs_between(project.ledger, frame, stop=frame + 1)
        files = {name: self._file(project, name, frame) for name in {row.file for row in rows}}
        return [Layer(row, files[row.file][row.place]) for row in rows]

    def _file(self, project: Project, name: str, frame: int) -> list[StoredPatch]:
        path = project.patches / name
        key = (str(path), path.stat().st_mtime_ns if path.is_file() else 0, frame)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with PatchFile(path) as file:
            stored = file.frame(frame)
        with self._lock:
            if key not in self._kept:  # another thread may have been first
                self._kept[key] = stored
                self._size += _bytes(stored)
            while self._size > KEPT and len(self._kept) > 1:
                self._size -= _bytes(self._kept.popitem(last=False)[1])
        return stored


def _bytes(stored: Sequence[StoredPatch]) -> int:
    return sum(one.mask.nbytes + sum(plane.nbytes for plane in (*one.patch.mattes, *one.patch.codes)) for one in stored)


def in_force(layers: Sequence[Layer], *, only: Collection[str] = (), without: Collection[str] = ()) -> list[Layer]:
    """The accepted ones; as if `only` these were, or these were not, where any are named."""
    if only:
        return [layer for layer in layers if layer.row.id in only]
    return [layer for layer in layers if layer.row.status == "accepted" and layer.row.id not in without]


def laid_over(frame: Frame, layers: Sequence[Layer], info: ScanInfo) -> Frame:
    """The frame with these repairs, as the film's rendering lays them."""
    return composite(frame, [layer.stored.patch for layer in layers], info.encoding)[0]


def damaged(layers: Sequence[Layer], info: ScanInfo) -> Mask:
    """Where any of them found a defect, (height, width)."""
    out = np.zeros((info.height, info.width), np.bool_)
    for layer in layers:
        box = layer.stored.defect_box
        out[box.rows, box.columns] |= layer.stored.mask
    return out
