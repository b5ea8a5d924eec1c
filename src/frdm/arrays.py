"""numpy's files, read one at a time.

numpy reads the head of a stored array with `ast`, whose counter of recursion CPython 3.11 shares among all threads of a process: where the
collection of garbage hands over from one reader to another in the middle, the first ends with "SystemError: AST constructor recursion depth
mismatch". So nobody else in frdm calls `numpy.load` (tests/house).
"""

import io
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_ONE_READER = Lock()


def read_array(data: bytes) -> NDArray[Any]:
    """The array of an .npy's bytes. Raises `ValueError` where they are no array or hold Python objects."""
    with _ONE_READER:
        array: NDArray[Any] = npy.read_array(io.BytesIO(data), allow_pickle=False)
    return array


def read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz's bytes, by their names. Raises `ValueError`, `EOFError`, `OSError`, `zipfile.BadZipFile`."""
    with _ONE_READER, np.load(io.BytesIO(data)) as stored:
        return dict(stored)


def map_array(path: Path) -> NDArray[Any]:
    """An .npy of any size, read from disk where it is looked at. Raises `OSError`, `ValueError`."""
    with _ONE_READER:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array
