"""Unrelated pictures as a scan: any names, sizes and formats; each told and read as what it is."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.errors import MediaError, OutputError, UnreadableFrame
from frdm.media.album import Album
from frdm.media.scan import info_at, open_scan, warnings_of
from frdm.media.writer import open_writer
from pictures_of_all_sorts import NAMES, write_sorts


def album(path: Path) -> Album:
    scan = open_scan(path, stills=True)
    assert isinstance(scan, Album)
    return scan


def test_every_picture_is_told_and_read_as_what_it_is(tmp_path: Path) -> None:
    scan = album(write_sorts(tmp_path / "in"))
    assert scan.info.names == NAMES
    told = [(i.width, i.height, i.encoding.bits, i.encoding.layout, i.container) for i in (info_at(scan, n) for n in range(5))]
    assert told == [
        (128, 96, 8, "y", "png"),
        (90, 120, 16, "rgb", "tiff"),
        (80, 64, 16, "rgb", "exr"),
        (100, 80, 10, "rgb", "dpx"),
        (140, 100, 16, "rgb", "png"),
    ]
    assert (scan.info.width, scan.info.height) == (140, 100)
    for index, frame in enumerate(scan.frames()):
        info = info_at(scan, index)
        assert frame.index == index
        assert {plane.shape for plane in frame.planes} == {(info.height, info.width)}
        assert {plane.dtype for plane in frame.planes} == {info.encoding.dtype}
    assert info_at(scan, 4).encoding.extra == ("alpha",)


def test_one_picture_is_an_album_of_one(tmp_path: Path) -> None:
    write_sorts(tmp_path / "in")
    assert album(tmp_path / "in" / "IMG_2.tif").info.names == ("IMG_2.tif",)


def test_the_same_folder_is_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="different formats"):
        open_scan(write_sorts(tmp_path / "in"))


def test_identity_follows_names_and_bytes(tmp_path: Path) -> None:
    folder = write_sorts(tmp_path / "in")
    before = album(folder).identity()
    assert album(folder).identity() == before
    (folder / "slide-a.png").rename(folder / "slide-b.png")
    assert album(folder).identity() != before


def test_pictures_in_unread_formats_are_told_of(tmp_path: Path) -> None:
    folder = write_sorts(tmp_path / "in")
    assert warnings_of(album(folder)) == ()
    (folder / "old.jpg").write_bytes(b"\xff\xd8")
    (folder / "notes.txt").write_text("no picture")
    (told,) = warnings_of(album(folder))
    assert "1 picture is left out, old.jpg first" in told
    assert "old.jpg" not in album(folder).info.names


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(MediaError, match="holds no pictures"):
        album(tmp_path / "in")


def test_a_broken_picture_is_named_before_anything_is_done(tmp_path: Path) -> None:
    folder = write_sorts(tmp_path / "in")
    (folder / "empty.png").write_bytes(b"")
    with pytest.raises(UnreadableFrame, match=r"empty\.png"):
        album(folder)


@pytest.mark.parametrize("number", range(5))
def test_each_is_written_in_its_own_format_with_one_code_changed(tmp_path: Path, number: int) -> None:
    scan, out = album(write_sorts(tmp_path / "in")), tmp_path / "out"
    with open_writer(scan, out, start=0, stop=5) as writer:
        for frame in scan.frames():
            planes = [plane.copy() for plane in frame.planes]
            changed = [np.zeros(plane.shape, bool) for plane in planes[: info_at(scan, frame.index).encoding.pictures]]
            if frame.index == number:
                planes[0][3, 4] = planes[0][3, 5] + planes[0].dtype.type(1)
                changed[0][3, 4] = True
            writer.write(type(frame)(frame.index, tuple(planes)), changed)
        writer.finish()
    made = album(out)
    assert made.info.names == NAMES
    for index in range(5):
        same = (out / NAMES[index]).read_bytes() == (tmp_path / "in" / NAMES[index]).read_bytes()
        assert same == (index != number)
    before, after = scan.frame(number).planes, made.frame(number).planes
    assert [np.argwhere(a != b).tolist() for a, b in zip(before, after, strict=True)] == [[[3, 4]]] + [[]] * (len(before) - 1)


def test_pictures_are_no_movie(tmp_path: Path) -> None:
    scan = album(write_sorts(tmp_path / "in"))
    with pytest.raises(OutputError), open_writer(scan, tmp_path / "in", start=0, stop=5):
        pass


def test_numbers_in_names_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b10.png", "b9.png", "A2.png", "b9a.png"):
        cv2.imwrite(str(tmp_path / "in" / name), np.zeros((16, 16), np.uint8))
    assert album(tmp_path / "in").info.names == ("A2.png", "b9.png", "b9a.png", "b10.png")
