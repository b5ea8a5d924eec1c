"""Stored arrays, read by many threads at once."""

import gc
import io
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.arrays import map_array, read_array, read_arrays

KEPT = np.arange(12, dtype=np.uint16).reshape(3, 4)


def stored(array: NDArray[Any], **kwargs: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **kwargs)
    return file.getvalue()


@pytest.fixture
def restless() -> Iterator[None]:
    """Garbage is collected all the time, and whenever it is, another thread has its turn: then numpy's own reader loses count."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()

    def turn(*_: object) -> None:
        time.sleep(0)

    sys.setswitchinterval(1e-6)
    gc.callbacks.append(turn)
    gc.set_threshold(5, 5, 5)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(turn)
    sys.setswitchinterval(interval)


def test_many_threads_read_at_once(restless: None) -> None:
    one, both = stored(KEPT), io.BytesIO()
    np.savez(both, kept=KEPT)
    many = both.getvalue()

    def read(turn: int) -> bool:
        found = read_arrays(many)["kept"] if turn % 3 == 0 else read_array(one)
        return np.array_equal(found, KEPT)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(4000)))


def test_the_bytes_of_an_array_come_back_as_it_was() -> None:
    for array in (KEPT, np.asfortranarray(KEPT), np.zeros((0, 3), np.float32), np.array([(1, 2.0)], [("a", "u1"), ("b", "f8")])):
        found = read_array(stored(array))
        assert found.dtype == array.dtype and np.array_equal(found, array)


def test_objects_and_what_is_no_array_are_refused() -> None:
    for data in (stored(np.array([{}], object), allow_pickle=True), b"", b"nothing of the kind", stored(KEPT)[:-3]):
        with pytest.raises(ValueError):
            read_array(data)
    with pytest.raises((ValueError, EOFError, OSError, zipfile.BadZipFile)):
        read_arrays(b"")


def test_a_mapped_array_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(stored(KEPT))
    found = map_array(tmp_path / "a.npy")
    assert np.array_equal(found, KEPT) and not found.flags.writeable
