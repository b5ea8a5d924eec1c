"""Pictures for people: wipes, sheets, crops, and how codes are shown."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm.display import look
from frdm.errors import OutputError
from frdm.film import Box, Encoding, Frame
from frdm.pictures import contact_sheet, crop, fitted, outlined, save_png, wipe, wipe_place


def plain(level: int, height: int = 90, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_a_wipe_shows_each_film_on_its_side() -> None:
    made = wipe(plain(40), plain(200), at=0.25)
    assert (made[60, :38] == 40).all()
    assert (made[60, 42:] == 200).all()
    assert (made[60:, 39:41] == 255).all()


def test_a_wipe_leaves_its_pictures_alone() -> None:
    before, after = plain(40), plain(200)
    wipe(before, after)
    assert (before == 40).all() and (after == 200).all()


def test_a_moving_wipe_goes_both_ways_and_stays_inside() -> None:
    places = [wipe_place(index, 48) for index in range(48)]
    assert min(places) < 0.1 and max(places) > 0.9
    assert all(0 < place < 1 for place in places)
    assert places[0] == 0.5


def test_a_sheet_holds_all_its_pictures() -> None:
    sheet = contact_sheet([(plain(level), str(level)) for level in (50, 100, 150)], columns=2, width=160)
    for level in (50, 100, 150):
        assert (sheet == level).all(axis=2).sum() > 0.9 * 90 * 160


@pytest.mark.parametrize("box", [Box(0, 0, 0, 3, 3), Box(0, 85, 150, 90, 160), Box(0, 0, 0, 90, 160)])
def test_a_crop_shows_the_place_even_at_the_edge(box: Box) -> None:
    picture = plain(30)
    picture[box.rows, box.columns] = 220
    piece = crop(picture, box, side=96)
    assert piece.shape == (96, 96, 3)
    assert piece.max() > 200


def test_an_outline_goes_around_and_not_over() -> None:
    box = Box(0, 40, 60, 50, 80)
    made = outlined(plain(30), [(box, "held")])
    assert (made[box.rows, box.columns] == 30).all()
    assert (made != 30).any()


def test_pixels_are_shown_square() -> None:
    assert fitted(plain(1, 576, 720), 768, aspect=16 / 15).shape == (576, 768, 3)


def test_a_png_can_be_read_back(tmp_path: Path) -> None:
    picture = plain(0)
    picture[..., 0] = 250
    save_png(tmp_path / "ä" / "one.png", picture)
    read = cv2.imdecode(np.frombuffer((tmp_path / "ä" / "one.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (read == picture).all()
    assert [path.name for path in (tmp_path / "ä").iterdir()] == ["one.png"]


def test_a_png_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="can't be written"):
        save_png(tmp_path / "file" / "one.png", plain(0))


def shown(codes: list[int], encoding: Encoding) -> list[int]:
    """What one pixel of these codes looks like."""
    planes = tuple(np.full(encoding.plane_shape(number, 2, 2), code, encoding.dtype) for number, code in enumerate(codes))
    return [int(level) for level in look(Frame(0, planes), encoding)[0, 0]]


LIMITED = Encoding("ycbcr", 8, subsampling=(2, 2), black=16, white=235, matrix="bt709")


@pytest.mark.parametrize(
    ("codes", "encoding", "wanted"),
    [
        ([16, 128, 128], LIMITED, [0, 0, 0]),
        ([235, 128, 128], LIMITED, [255, 255, 255]),
        ([63, 102, 240], LIMITED, [255, 0, 0]),  # BT.709's red in 8-bit limited range
        ([32, 240, 118], LIMITED, [0, 0, 255]),  # … and blue
        ([0, 512, 1023], Encoding("rgb", 10, white=1023), [0, 128, 255]),
        ([1023], Encoding("y", 10, white=1023), [255, 255, 255]),
        ([1.0, 0.2140, 0.0], Encoding("rgb", 32, floating=True, transfer="linear", white=1), [255, 127, 0]),  # sRGB: half is 0.2140
        ([685, 95, 685], Encoding("rgb", 10, transfer="log", black=95, white=685), [255, 0, 255]),
    ],
)
def test_codes_look_as_they_mean(codes: list[int], encoding: Encoding, wanted: list[int]) -> None:
    assert all(abs(found - level) <= 2 for found, level in zip(shown(codes, encoding), wanted, strict=True))
