"""Crops of windows in batches: any batch by its number, so that a stopped training goes on exactly where it was."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from frdm.arrays import map_array
from frdm.errors import DatasetError
from frdm.train.eye_windows import RECORD, UNSURE, Records

if TYPE_CHECKING:
    import torch

Batch = dict[str, NDArray[Any]]
AHEAD = 3  # batches made while one is learned from


class Windows:
    """All files of windows in a folder whose names begin with `kind`, as one long list of crops."""

    def __init__(self, folder: Path, kind: str, *, drop: frozenset[int] = frozenset()) -> None:
        """`drop`: families (places in `FAMILIES`) that are left out. Raises `DatasetError`."""
        self.files = [map_array(path) for path in sorted(folder.glob(f"{kind}-*.npy"))]
        if not self.files or any(file.dtype != RECORD for file in self.files):
            raise DatasetError(f"{folder}: no files {kind}-*.npy of this version's windows; make them with `frdm train windows`")
        places = [(number, row) for number, file in enumerate(self.files) for row in np.flatnonzero(~np.isin(file["family"], list(drop)))]
        self.places = np.array(places, np.int32)

    def __len__(self) -> int:
        return len(self.places)

    def records(self, rows: NDArray[np.int64]) -> Records:
        """Copies of some crops."""
        return np.array([self.files[file][place] for file, place in self.places[rows]], RECORD)

    def batch(self, number: int, size: int, seed: int) -> Batch:
        """Batch `number` of an endless order of epochs, each crop turned and mirrored as its own draw says."""
        at = np.arange(number * size, (number + 1) * size)
        rows = np.empty(size, np.int64)
        for epoch in np.unique(at // len(self)):
            here = at // len(self) == epoch
            rows[here] = np.random.default_rng((seed, 1, int(epoch))).permutation(len(self))[at[here] % len(self)]
        return varied(self.records(rows), np.random.default_rng((seed, 2, number)))

    def batches(self, first: int, size: int, seed: int) -> Iterator[Batch]:
        """Batches `first`, `first` + 1 … without end, made ahead in a thread."""
        with ThreadPoolExecutor(1) as pool:
            coming = [pool.submit(self.batch, first + i, size, seed) for i in range(AHEAD)]
            number = first + AHEAD
            while True:
                made = coming.pop(0).result()
                coming.append(pool.submit(self.batch, number, size, seed))
                number += 1
                yield made


def varied(records: Records, random: np.random.Generator) -> Batch:
    """The crops as arrays, each mirrored, upside down, played backwards, as a negative, or with fewer neighbours, by chance."""
    full, half, offsets, label = (records[name].copy() for name in ("full", "half", "offsets", "label"))
    for i in range(len(records)):
        if random.random() < 0.5:
            full[i], half[i], label[i] = full[i, :, :, ::-1], half[i, :, :, ::-1], label[i, :, ::-1]
        if random.random() < 0.5:
            full[i], half[i], label[i] = full[i, :, ::-1], half[i, :, ::-1], label[i, ::-1]
        if random.random() < 0.5:
            full[i], half[i], offsets[i] = backwards(full[i], half[i], offsets[i])
        if random.random() < 0.3:
            full[i], half[i] = negative(full[i], half[i])
        if random.random() < 0.06:
            fewer(full[i], half[i], offsets[i])
    return {"full": full, "half": half, "offsets": offsets, "label": label}


def backwards(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """One crop's codes as if the film ran the other way."""
    if offsets[0] == 0 or offsets[0] != -offsets[1] or offsets[2] != -offsets[3]:
        return full, half, -offsets
    full, half = full[[0, 2, 1, 4, 3, 6, 5, 7, 8]], half[[1, 0, 3, 2, 4, 5, 6, 7, 8]]
    full[8] *= -1
    return full, half, offsets


def negative(full: NDArray[Any], half: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """One crop's codes with dark and bright, and all colours, exchanged."""
    full, half = -full, half.copy()
    half[4:8] *= -1
    return full, half


def fewer(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> None:
    """Take the two farther neighbours away, in place."""
    full[3:5], half[2:4], offsets[2:4] = 0, 0, 0


def tensors(batch: Batch, device: str) -> "tuple[torch.Tensor, ...]":
    """full, half, offsets as floats, then truth (B, 2, H, W) and weight (B, 2, H, W)."""
    import torch

    parts = [torch.from_numpy(batch[name]).to(device, non_blocking=True).float() for name in ("full", "half", "offsets")]
    label = torch.from_numpy(batch["label"]).to(device)
    truth = torch.stack([label & 1, (label >> 1) & 1], 1).float()
    sure = ((label & UNSURE) == 0).float()[:, None].expand(-1, 2, -1, -1)
    return (*parts, truth, sure)
