"""Patches on disk: what is written is read back, the same bytes every time, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mended
from frdm.errors import LedgerError
from frdm.film import Box, Encoding, Repair
from frdm.ledger.patches import PatchFile, digest_file, write_patches

ENCODINGS = [
    Encoding("y", 8),
    Encoding("rgb", 16),
    Encoding("rgb", 16, floating=True),
    Encoding("rgb", 32, floating=True),
    Encoding("ycbcr", 10, subsampling=(2, 2)),
]


def some(seed: int, encoding: Encoding, frames: int = 3) -> list[tuple[int, list[Repair]]]:
    rng = np.random.default_rng(seed)
    made = []
    for frame in range(frames):
        boxes = []
        for _ in range(int(rng.integers(0, 4))):
            top, left = (int(n) for n in rng.integers(0, 20, 2))
            boxes.append(Box(frame, top, left, top + int(rng.integers(1, 12)), left + int(rng.integers(1, 12))))
        made.append((frame, [mended.a_repair(f"{frame:06d}-{n:03d}", mended.a_patch(rng, box, encoding)) for n, box in enumerate(boxes)]))
    return made


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(ENCODINGS))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, seed: int, encoding: Encoding) -> None:
    folder, frames = tmp_path_factory.mktemp("patches"), some(seed, encoding)
    digest, size = write_patches(folder / "a.npz", frames)
    assert (digest, size) == (digest_file(folder / "a.npz"), (folder / "a.npz").stat().st_size)
    assert write_patches(folder / "b.npz", frames) == (digest, size)
    with PatchFile(folder / "a.npz") as file:
        assert file.frames() == [frame for frame, repairs in frames if repairs]
        for frame in file.frames():
            repairs = frames[frame][1]
            for repair, stored in zip(repairs, file.frame(frame), strict=True):
                assert stored.patch.box == repair.patch.box
                assert stored.defect_box == repair.defect.box
                assert np.array_equal(stored.mask, repair.defect.mask)
                assert all(np.array_equal(a, b) for a, b in zip(stored.patch.mattes, repair.patch.mattes, strict=True))
                assert all(
                    a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(stored.patch.codes, repair.patch.codes, strict=True)
                )
    assert sorted(path.name for path in folder.iterdir()) == ["a.npz", "b.npz"]


def test_numpy_reads_the_file_too(tmp_path: Path) -> None:
    write_patches(tmp_path / "a.npz", some(7, Encoding("y", 8)))
    with np.load(tmp_path / "a.npz") as arrays:
        assert any(name.endswith("/codes") for name in arrays.files)


def test_a_file_that_is_gone_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="missing or broken"):
        PatchFile(tmp_path / "gone.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK nonsense")
    with pytest.raises(LedgerError, match="missing or broken"):
        PatchFile(tmp_path / "broken.npz")
    write_patches(tmp_path / "a.npz", some(7, Encoding("y", 8)))
    with PatchFile(tmp_path / "a.npz") as file, pytest.raises(LedgerError, match="missing or broken"):
        file.frame(77)
