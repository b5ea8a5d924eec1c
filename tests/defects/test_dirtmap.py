from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.defects.area import area_of_box
from frdm.defects.dirtmap import GivenMattes, dirt_in_alpha, dirt_in_infrared, open_mattes
from frdm.errors import FrdmError, MediaError, RecipeError
from frdm.film import Box, Codes, Encoding, Frame, ScanInfo
from frdm.recipe import Detection, Recipe

HEIGHT, WIDTH = 48, 64


def film(length: int = 3, names: tuple[str, ...] = (), extra: tuple[str, ...] = (), bits: int = 8) -> ScanInfo:
    return ScanInfo(Path("film"), WIDTH, HEIGHT, Fraction(24), length, Encoding("y", bits, extra=extra), "dpx", names=names)


def frame(index: int = 0, *extra: Codes) -> Frame:
    return Frame(index, (np.zeros((HEIGHT, WIDTH), np.uint8), *extra))


def spot(row: int, column: int, channels: int = 1) -> NDArray[np.uint8]:
    """A picture with a white square of 3 × 3 at a place, in the last channel only where there are several."""
    picture = np.zeros((HEIGHT, WIDTH, channels), np.uint8)
    picture[row : row + 3, column : column + 3, -1] = 255
    return picture[..., 0] if channels == 1 else picture


def save(path: Path, picture: NDArray[np.generic]) -> Path:
    assert cv2.imwrite(str(path), picture)
    return path


def protecting(path: Path, info: ScanInfo) -> GivenMattes:
    return open_mattes(Recipe(protect=str(path)), info)


def test_nothing_given() -> None:
    mattes = open_mattes(Recipe(), film())
    assert mattes.protect(frame()) is None and mattes.dirt(frame()) is None and mattes.allowed(frame()) is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_one_picture_serves_for_every_frame(tmp_path: Path, suffix: str, depth: type[np.generic]) -> None:
    picture = spot(5, 7).astype(depth) * (257 if depth is np.uint16 else 1)
    mattes = protecting(save(tmp_path / f"m{suffix}", picture), film())
    for index in range(3):
        mask = mattes.protect(frame(index))
        assert mask is not None and mask.dtype == np.bool_ and mask.sum() == 9 and mask[5:8, 7:10].all()


def test_exr(tmp_path: Path) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    file = oiio.ImageOutput.create(str(tmp_path / "m.exr"))
    file.open(str(tmp_path / "m.exr"), oiio.ImageSpec(WIDTH, HEIGHT, 1, oiio.HALF))
    file.write_image(np.ascontiguousarray(spot(2, 2)[..., None] / np.float32(255)))
    file.close()
    mask = protecting(tmp_path / "m.exr", film()).protect(frame())
    assert mask is not None and mask.sum() == 9


def test_alpha_counts_where_it_says_something(tmp_path: Path) -> None:
    transparent = spot(5, 7, channels=4)
    mask = protecting(save(tmp_path / "a.png", transparent), film()).protect(frame())
    assert mask is not None and mask.sum() == 9 and mask[5:8, 7:10].all()
    opaque = cv2.cvtColor(spot(9, 9), cv2.COLOR_GRAY2BGRA)
    opaque[..., 3] = 255
    mask = protecting(save(tmp_path / "o.png", opaque), film()).protect(frame())
    assert mask is not None and mask.sum() == 9 and mask[9:12, 9:12].all()


def marked(mattes: GivenMattes, index: int) -> int | None:
    """Column of the square that is protected in a frame."""
    mask = mattes.protect(frame(index))
    return None if mask is None else int(np.flatnonzero(mask.any(axis=0))[0])


def test_a_folder_by_name(tmp_path: Path) -> None:
    info = film(names=("reel_0086400.dpx", "reel_0086401.dpx", "reel_0086402.dpx"))
    save(tmp_path / "reel_0086402.png", spot(1, 20))
    save(tmp_path / "reel_0086400.png", spot(1, 10))
    mattes = protecting(tmp_path, info)
    assert [marked(mattes, i) for i in range(3)] == [10, None, 20]


def test_a_folder_by_number(tmp_path: Path) -> None:
    info = film(names=("reel_0086400.dpx", "reel_0086401.dpx", "reel_0086402.dpx"))
    save(tmp_path / "matte.86401.png", spot(1, 20))
    assert [marked(protecting(tmp_path, info), i) for i in range(3)] == [None, 20, None]


@pytest.mark.parametrize("first", [0, 1, 1001])
def test_a_folder_for_a_movie(tmp_path: Path, first: int) -> None:
    for index in range(3):
        save(tmp_path / f"{first + index:06d}.png", spot(1, 10 + index))
    assert [marked(protecting(tmp_path, film()), i) for i in range(3)] == [10, 11, 12]


def test_a_gappy_folder_for_a_movie_counts_from_0(tmp_path: Path) -> None:
    save(tmp_path / "000001.png", spot(1, 10))
    assert [marked(protecting(tmp_path, film()), i) for i in range(3)] == [None, 10, None]


def test_allowed_is_the_area_less_what_is_protected(tmp_path: Path) -> None:
    info = film()
    area = area_of_box(info, Box(0, 10, 10, 40, 50))
    mattes = protecting(save(tmp_path / "m.png", spot(20, 20)), info)
    allowed = mattes.with_area(area).allowed(frame())
    assert allowed is not None and allowed.sum() == 30 * 40 - 9 and not allowed[20, 20] and not allowed[0, 0]
    only_area = GivenMattes().with_area(area).allowed(frame())
    assert only_area is not None and only_area.sum() == 30 * 40
    whole = area_of_box(info, Box(0, 0, 0, HEIGHT, WIDTH))
    assert GivenMattes(area=whole).allowed(frame()) is None


def test_the_dirt_maps_threshold(tmp_path: Path) -> None:
    path = save(tmp_path / "d.png", np.full((HEIGHT, WIDTH), 100, np.uint8))
    for level, found in ((0.3, HEIGHT * WIDTH), (0.5, 0)):
        recipe = Recipe(dirtmap=str(path), detection=Detection(dirtmap_threshold=level))
        dirt = open_mattes(recipe, film()).dirt(frame())
        assert dirt is not None and dirt.sum() == found


@pytest.mark.parametrize(("extra", "setting"), [(("ir",), "ir"), (("Infrared",), "ir"), (("alpha", "IR"), "plane:IR")])
def test_dirt_is_dark_in_infrared(extra: tuple[str, ...], setting: str) -> None:
    ramp = np.broadcast_to(np.linspace(400, 1000, WIDTH), (HEIGHT, WIDTH)).astype(np.uint16).copy()
    ramp[30:33, 50:53] //= 4
    planes = [np.zeros_like(ramp)] * (len(extra) - 1) + [ramp]
    dirt = open_mattes(Recipe(dirtmap=setting), film(extra=extra, bits=10)).dirt(frame(0, *planes))
    assert dirt is not None and dirt.sum() == 9 and dirt[30:33, 50:53].all()


def test_alpha_either_way_round() -> None:
    values = spot(5, 7).astype(np.float32) / 255
    assert np.array_equal(dirt_in_alpha(values, 0.5), dirt_in_alpha(1 - values, 0.5))
    assert dirt_in_alpha(values, 0.5).sum() == 9
    assert dirt_in_alpha(np.ones((8, 8), np.float32), 0.5).sum() == 0
    assert dirt_in_alpha(np.zeros((8, 8), np.float32), 0.5).sum() == 0


def test_the_scans_own_alpha_plane() -> None:
    info = film(extra=("alpha",))
    dirt = open_mattes(Recipe(dirtmap="alpha"), info).dirt(frame(0, 255 - spot(4, 4)))
    assert dirt is not None and dirt.sum() == 9


def test_large_dirt_is_still_dark_against_the_film_around_it() -> None:
    plane = np.full((240, 320), 0.8, np.float32)
    plane[100:130, 100:125] = 0.1
    assert dirt_in_infrared(plane, 0.5).sum() == 30 * 25


@pytest.mark.parametrize(
    ("recipe", "error", "words"),
    [
        (Recipe(dirtmap="ir"), RecipeError, "plane 'ir', the film has alpha"),
        (Recipe(dirtmap="plane:Z"), RecipeError, "plane 'Z'"),
        (Recipe(protect="gone.png"), MediaError, "no such picture"),
        (Recipe(protect="small.png"), RecipeError, "30 × 20 pixels, the film 64 × 48"),
        (Recipe(protect="text.png"), MediaError, "can't be read"),
        (Recipe(dirtmap="empty"), RecipeError, "none of 0 pictures"),
        (Recipe(dirtmap="unmatched"), RecipeError, "none of 1 pictures"),
        (Recipe(dirtmap="folder"), RecipeError, "30 × 20 pixels"),
    ],
)
def test_wrong_mattes_are_one_sentence(tmp_path: Path, recipe: Recipe, error: type[FrdmError], words: str) -> None:
    save(tmp_path / "small.png", np.zeros((20, 30), np.uint8))
    (tmp_path / "text.png").write_text("no picture")
    for name in ("empty", "unmatched", "folder"):
        (tmp_path / name).mkdir()
    save(tmp_path / "unmatched" / "cover.png", spot(1, 1))
    save(tmp_path / "folder" / "0.png", np.zeros((20, 30), np.uint8))

    def placed(setting: str | None) -> str | None:
        return setting if setting is None or setting == "ir" or setting.startswith("plane:") else str(tmp_path / setting)

    with pytest.raises(error, match=words) as caught:
        open_mattes(replace(recipe, protect=placed(recipe.protect), dirtmap=placed(recipe.dirtmap)), film(extra=("alpha",)))
    assert "\n" not in str(caught.value)
