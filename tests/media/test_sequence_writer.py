"""Writing folders: nothing half-written under a final name, resumable, never over a scan."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.errors import OutputError
from frdm.film import Frame
from frdm.media.scan import open_scan
from frdm.media.sequence_writer import staging_folder
from frdm.media.writer import open_writer
from media.dpx_author import Author, Part, noise


@pytest.fixture
def source(tmp_path: Path) -> Path:
    at = tmp_path / "scan"
    at.mkdir()
    for number in range(6):
        planes = [noise(10 * number + k, height=6, width=7, bits=10) for k in range(3)]
        (at / f"s_{number:04d}.dpx").write_bytes(Author([Part(50, 10, 1, planes)], seed=number).file())
    return at


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_folder_appears_only_when_it_is_whole(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan = open_scan(source)
    with open_writer(scan, out, start=1, stop=4) as writer:
        for frame in scan.frames(1, 4):
            writer.write(frame, None)
            assert not out.exists()
        writer.finish()
    assert names(out) == ["s_0001.dpx", "s_0002.dpx", "s_0003.dpx"]
    assert all((out / name).read_bytes() == (source / name).read_bytes() for name in names(out))
    assert names(tmp_path) == ["out", "scan"]


def test_without_finish_nothing_appears_and_what_is_whole_is_kept(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan = open_scan(source)
    with open_writer(scan, out, start=0, stop=6) as writer:
        assert not writer.has(0)
        for frame in scan.frames(0, 3):
            writer.write(frame, None)
        writer.sync()
        assert [writer.has(n) for n in range(6)] == [True] * 3 + [False] * 3
    assert not out.exists()
    (staging_folder(out) / "s_0004.dpx.part").write_bytes(b"half of a frame")
    with open_writer(scan, out, start=0, stop=6) as writer:
        assert [n for n in range(-1, 8) if writer.has(n)] == [0, 1, 2]
        for frame in scan.frames(3):
            writer.write(frame, None)
        writer.finish()
    assert names(out) == names(source)


def test_another_range_leaves_no_strange_frames(source: Path, tmp_path: Path) -> None:
    scan, out = open_scan(source), tmp_path / "out"
    with open_writer(scan, out, start=0, stop=3) as writer:
        for frame in scan.frames(0, 3):
            writer.write(frame, None)
    with open_writer(scan, out, start=2, stop=4) as writer:
        writer.write(scan.frame(3), None)
        writer.finish()
    assert names(out) == ["s_0002.dpx", "s_0003.dpx"]


def test_missing_frames_keep_the_final_name_free(source: Path, tmp_path: Path) -> None:
    scan = open_scan(source)
    with open_writer(scan, tmp_path / "out", start=0, stop=2) as writer, pytest.raises(OutputError, match=r"s_0001\.dpx"):
        writer.write(scan.frame(0), None)
        writer.finish()
    assert not (tmp_path / "out").exists()


def test_an_unused_writer_leaves_nothing(source: Path, tmp_path: Path) -> None:
    with open_writer(open_scan(source), tmp_path / "out", start=0, stop=2):
        pass
    assert names(tmp_path) == ["scan"]


def test_only_words_of_changed_pixels_differ(source: Path, tmp_path: Path) -> None:
    scan = open_scan(source)
    frame = scan.frame(0)
    mask = np.zeros((6, 7), bool)
    mask[2, 3] = True
    green = frame.planes[1].copy()
    green[2, 3] ^= 0x3FF
    with open_writer(scan, tmp_path / "out", start=0, stop=1) as writer:
        writer.write(Frame(0, (frame.planes[0], green, frame.planes[2])), [np.zeros_like(mask), mask, np.zeros_like(mask)])
        writer.finish()
    before, after = ((at / "s_0000.dpx").read_bytes() for at in (source, tmp_path / "out"))
    differing = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    word = 2048 + 333 + (2 * 7 + 3) * 4
    assert set(differing) <= set(range(word, word + 4))
    number = int.from_bytes(before[word : word + 4], "big") ^ int.from_bytes(after[word : word + 4], "big")
    assert number == 0x3FF << 12


def test_an_existing_empty_folder_is_taken(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    scan = open_scan(source)
    with open_writer(scan, tmp_path / "out", start=0, stop=1) as writer:
        writer.write(scan.frame(0), None)
        writer.finish()
    assert names(tmp_path / "out") == ["s_0000.dpx"]


def test_bad_places_are_refused_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    scan = open_scan(source)
    before = [(p, p.stat().st_mtime_ns) for p in sorted(tmp_path.rglob("*"))]
    cases = {
        source: "scan itself",
        source / "deep" / "out": "scan itself",
        tmp_path / "scan" / ".." / "scan": "scan itself",
        tmp_path / "no" / "out": "doesn't exist",
        tmp_path / "out.png": "folder was wanted",
        tmp_path: "isn't empty",
    }
    for out, words in cases.items():
        with pytest.raises(OutputError, match=words) as caught:
            open_writer(scan, out, start=0, stop=6)
        assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match="--codec png"):
        open_writer(scan, tmp_path / "out", start=0, stop=6, codec="png")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a folder was wanted"):
        open_writer(scan, tmp_path / "file", start=0, stop=6)
    (tmp_path / "file").unlink()
    assert [(p, p.stat().st_mtime_ns) for p in sorted(tmp_path.rglob("*"))] == before


def test_no_permission_is_a_sentence(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(self: Path, **_: bool) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    scan = open_scan(source)
    monkeypatch.setattr(Path, "mkdir", locked)
    with pytest.raises(OutputError, match="no permission to write"):
        open_writer(scan, tmp_path / "out", start=0, stop=6)


def test_a_full_disk_is_a_sentence_and_leaves_no_half_frame(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(target))

    scan, out = open_scan(source), tmp_path / "out"
    with pytest.raises(OutputError, match=r"s_0001\.dpx: the disk is full"), open_writer(scan, out, start=0, stop=6) as writer:
        writer.write(scan.frame(0), None)
        writer.sync()
        monkeypatch.setattr(shutil, "copyfile", full)
        writer.write(scan.frame(1), None)
        writer.finish()
    assert not out.exists()
    assert names(staging_folder(out)) == ["s_0000.dpx"]


def test_memory_is_bounded_by_the_frames_that_wait(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames handed over faster than the disk takes them make `write` wait."""
    import time

    from frdm.media import sequence_writer

    copy, under_way, most = shutil.copyfile, [0], [0]

    def slow(source: Path, target: Path) -> None:
        time.sleep(0.02)
        copy(source, target)
        under_way[0] -= 1

    monkeypatch.setattr(shutil, "copyfile", slow)
    scan = open_scan(source)
    with open_writer(scan, tmp_path / "out", start=0, stop=6) as writer:
        for frame in scan.frames():
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            writer.write(frame, None)
        writer.finish()
    assert most[0] <= sequence_writer._WAITING + 2


def test_one_picture_becomes_one_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((6, 7, 3), 9, np.uint8))
    scan = open_scan(tmp_path / "photo.png")
    with open_writer(scan, tmp_path / "photo2.png", start=0, stop=1) as writer:
        writer.write(scan.frame(0), None)
        writer.finish()
    assert (tmp_path / "photo2.png").read_bytes() == (tmp_path / "photo.png").read_bytes()
    assert names(tmp_path) == ["photo.png", "photo2.png"]
    for place, words in {"photo.png": "scan itself", "photo2.png": "exists", "photo.tif": r"\.png"}.items():
        with pytest.raises(OutputError, match=words):
            open_writer(scan, tmp_path / place, start=0, stop=1)
    with open_writer(scan, tmp_path / "folder", start=0, stop=1) as writer:
        writer.write(scan.frame(0), None)
        writer.finish()
    assert names(tmp_path / "folder") == ["photo.png"]
