"""Windows for the hand: what is in them, how tiles are taken from them, and that all of it hangs on seed and place alone."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from hand_toy import MODEL, WINDOWS, settings, write_windows

from frdm.dataset.packing import PackSettings, pack
from frdm.dataset.sources import Clip
from frdm.dataset.split import SplitRule
from frdm.errors import DatasetError
from frdm.fills.hand import whole_squares
from frdm.film import Encoding, Frame
from frdm.train.hand_batches import batch_of
from frdm.train.hand_data import TileSettings, Windows, drawn
from frdm.train.hand_making import Making, chosen, make_windows, windows_in
from frdm.train.hand_mattes import MatteSettings, led_astray, suspected, told
from frdm.train.hand_parts import built
from frdm.train.hand_windows import GRID, Segment, Source, follow, known_tags, make_file, places_of, squares_of


@pytest.fixture(scope="module")
def folder(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_windows(tmp_path_factory.mktemp("hand"), clips)


def tiles(**changes: object) -> TileSettings:
    return TileSettings(**{"side": 32, "step": 24, "factor": 4} | changes)  # type: ignore[arg-type]


def test_a_file_hangs_on_seed_and_number_alone(clips: list[Clip]) -> None:
    sources = [Source(clip.name, clip) for clip in clips]
    first, again, other = (make_file(sources, WINDOWS, seed=5, number=number) for number in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_window_shows_damaged_film_beside_the_clean(folder: Path) -> None:
    windows = Windows(folder, "train", tiles())
    assert len(windows) == 12 and windows.frames == 3 and windows.cut == 56
    for record in (windows.record(number) for number in range(len(windows))):
        damaged = record["damage"] > 0
        changed = (record["degraded"] != record["clean"]).any(0)
        assert (changed & ~damaged).mean() < 0.02 and changed[damaged].mean() > 0.5  # soft edges; faint damage
        top, left, height, width = record["place"]
        assert top % GRID == left % GRID == 0 and 0 <= top <= height - 56 and 0 <= left <= width - 56
    centred = [windows.record(n)["damage"][windows.record(n)["centre"]].any() for n in range(len(windows))]
    assert np.mean(centred) > 0.7  # around defects of the centre, but for some anywhere


def test_squares_are_what_restoring_shows() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (2, 208, 240, 1), np.uint8)
    frames = tuple(Frame(index, (frame[..., 0],)) for index, frame in enumerate(codes))
    wanted = whole_squares(frames, Encoding("y", 8, white=255), 32)
    assert np.abs(squares_of(codes, 32) / 255 - wanted).max() <= 1 / 255


def test_defects_stand_by_their_size() -> None:
    mask = np.zeros((60, 60), bool)
    mask[3:5, 3:5] = mask[20:50, 20:50] = True
    places = places_of(mask)
    assert mask[tuple(places.T)].all()
    assert Counter("small" if row < 10 else "large" for row, _ in places.tolist()) == {"small": 1, "large": 6}


def test_a_tile_hangs_on_its_place_alone(folder: Path) -> None:
    some, others = (Windows(folder, "train", tiles(heard=0.0)) for _ in range(2))
    later = [others.tile(place, 0) for place in (9, 3)]
    for one, other in zip([some.tile(place, 0) for place in (3, 9)], later[::-1], strict=True):
        assert np.array_equal(one.degraded, other.degraded) and np.array_equal(one.matte, other.matte) and one.place == other.place
    assert sorted(some.number(place, 0) for place in range(12)) == list(range(12))  # every window once an epoch
    assert [some.number(place, 0) for place in range(12)] != [some.number(place, 0) for place in range(12, 24)]


def test_a_varied_tile_is_damaged_where_it_weighs_and_lies_in_its_frame(folder: Path) -> None:
    windows = Windows(folder, "train", tiles(heard=0.0, gamma=0.0))
    for tile in (windows.tile(place, 1) for place in range(24)):
        top, left, height, width = tile.place
        assert 0 <= top <= height - 32 and 0 <= left <= width - 32
        wrong = np.abs(tile.degraded - tile.clean).max(0) > 0.1
        assert (wrong & (tile.weight == 0)).mean() < 0.01
        assert np.all(tile.weight[tile.matte] == 1)
        own, whole = tile.degraded[:, tile.centre].mean(), tile.squares[:, tile.centre]
        assert whole.min() - 0.3 <= own <= whole.max() + 0.3


def test_a_mirrored_window_is_mirrored_in_its_frame_too(folder: Path) -> None:
    """Where the tile lies in the square, the square shows the tile."""
    windows = Windows(folder, "train", tiles(heard=0.0, gamma=0.0, mattes=MatteSettings(laid=0.0)))
    alike = []
    for tile in (windows.tile(place, 2) for place in range(16)):
        top, left, height, width = tile.place
        small = tile.degraded[:, tile.centre].mean(0).reshape(4, 8, 4, 8).mean((1, 3))
        scale = 32 / max(height, width)
        rows, columns = ((np.arange(4) * 8 + 4 + first) * scale for first in (top, left))
        shown = tile.squares[:, tile.centre].mean(0)[np.ix_(rows.astype(int), columns.astype(int))]
        alike.append(np.corrcoef(small.ravel(), shown.ravel())[0, 1])
    assert np.median(alike) > 0.7


@pytest.mark.parametrize("alone", [True, False])
def test_mattes_are_told_as_restoring_tells_them(alone: bool) -> None:
    """Of the centre alone where neighbours were brought to it; of all frames or none where film lies as it is."""
    random, mask = np.random.default_rng(0), np.zeros((3, 32, 32), bool)
    mask[:, 10:14, 10:14] = True
    how, kinds = MatteSettings(), Counter[str]()
    for _ in range(600):
        matte, weight = told(mask, [], 1, how, random, alone=alone)
        marked = tuple(matte.any((1, 2)))
        kinds["centre" if marked == (False, True, False) else "all" if all(marked) else "none" if not any(marked) else "missed"] += 1
        assert weight[0, 11, 11] in (1.0, np.float32(how.beside)) and weight[1, 11, 11] in (1.0, np.float32(how.beside))
        assert np.all(weight[matte] == 1) and weight[:, :5].max() == 0
    if alone:
        assert kinds["centre"] > 520 and kinds["all"] == kinds["missed"] == 0
    else:
        assert 0.5 < kinds["none"] / 600 < 0.7 and kinds["all"] > 120 and kinds["centre"] < 30
    assert not told(mask, [], 1, MatteSettings(told=False), random, alone=alone)[0].any()


def test_followed_film_lies_still_and_its_truth_with_it(tmp_path: Path) -> None:
    """A film that moves 3 px a frame: brought to the centre, its neighbours show what the centre does; the mask moves with the film."""
    random = np.random.default_rng(5)
    wide = cv2.GaussianBlur(random.normal(128, 60, (160, 220)).astype(np.float32), (0, 0), 2.5)
    wide = np.clip((wide - wide.mean()) * 4 + 128, 0, 255).astype(np.uint8)
    film = np.stack([wide[:, 3 * t : 3 * t + 200] for t in range(5)])[..., None]
    mask = np.zeros(film.shape[:3], bool)
    mask[2, 70:78, 90:98], mask[3, 60:66, 100:106] = True, True
    dirty = film.copy()
    dirty[mask] = 255
    segment = Segment(dirty, film, mask, {})
    cut = slice(0, 5), slice(40, 104), slice(64, 128)
    degraded, clean, damage = follow(segment, cut, 2)
    still = np.abs(clean.astype(int) - clean[2].astype(int)).mean((1, 2, 3))
    moving = np.abs(film[cut].astype(int) - film[cut][2].astype(int)).mean((1, 2, 3))
    assert np.all(still < moving / 4 + 1e-9) and moving[0] > 20
    assert np.array_equal(degraded[2], dirty[cut][2]) and np.array_equal(damage[2], mask[cut][2])
    seen = np.argwhere(damage[3])
    assert np.abs(seen.mean(0) - (62.5 - 40, 102.5 + 3 - 64)).max() < 1.5
    assert np.abs(degraded[3][damage[3]].astype(int) - clean[3][damage[3]].astype(int)).mean() > 40


def test_followed_film_is_as_bright_as_the_centre_and_its_truth_with_it() -> None:
    random, share = np.random.default_rng(7), np.array([1.05, 0.94, 1.0, 1.06, 0.96])[:, None, None, None]
    still = cv2.GaussianBlur(random.uniform(0, 1, (160, 200)).astype(np.float32), (0, 0), 2.5)
    film = np.rint((60 + 120 * (still - still.min()) / np.ptp(still))[None, ..., None] * share).astype(np.uint8)
    mask = np.zeros(film.shape[:3], bool)
    mask[2, 70:76, 90:96], mask[3, 50:56, 100:106] = True, True
    dirty = film + np.uint8(30) * mask[..., None]
    degraded, clean, damage = follow(Segment(dirty, film, mask, {}), (slice(0, 5), slice(40, 104), slice(64, 128)), 2)
    away = np.abs(clean.astype(int) - clean[2].astype(int)).mean((1, 2, 3))
    assert away[2] == 0 and away.max() < 1.5  # codes; it was 4 and more
    assert np.array_equal(degraded[[0, 1, 4]], clean[[0, 1, 4]])  # film without damage and its truth grew as much brighter
    lighter = (degraded[3].astype(int) - clean[3])[..., 0]
    assert np.median(lighter[damage[3]]) == pytest.approx(30, abs=2) and not lighter[:, :20].any()


def test_motion_is_led_astray_under_the_matte_alone() -> None:
    random = np.random.default_rng(3)
    film = np.stack([cv2.GaussianBlur(random.normal(0.5, 1, (48, 48)).astype(np.float32), (0, 0), 1.5)] * 3)[None].repeat(3, 0)
    before, matte = film.copy(), np.zeros((48, 48), bool)
    matte[20:26, 20:26] = True
    led_astray((film,), matte, 1, MatteSettings(wrong=4.0), random)
    changed = np.abs(film - before).max(0)
    assert changed[1].max() == 0
    assert changed[0][20:26, 20:26].max() > 0.01 and changed[2][20:26, 20:26].max() > 0.01
    assert changed[:, :6].max() < 1e-4 and changed[:, -6:].max() < 1e-4


def test_what_weighs_goes_astray_with_the_film() -> None:
    """Of a tile whose damage is 80 codes lighter than the film: where neighbours were moved the lighter film still is what weighs."""
    random = np.random.default_rng(4)
    clean = cv2.GaussianBlur(random.uniform(0, 150, (5, 48, 48)).astype(np.float32), (0, 0), 1.5).astype(np.uint8)[None].repeat(3, 0)
    damage = np.zeros((5, 48, 48), bool)
    for frame, (row, column) in enumerate(((16, 20), (22, 27), (20, 20), (24, 18), (25, 25))):
        damage[frame, row : row + 8, column : column + 8] = True
    degraded = clean + np.uint8(80) * damage
    part = {"degraded": degraded, "clean": clean, "damage": damage, "squares": clean[..., :32, :32], "place": (0, 0, 48, 48), "centre": 2}
    part |= {"tags": np.zeros(2, np.int64), "caption": "", "followed": True}
    how = MatteSettings(astray=1.0, wrong=3.0, laid=0.0, false=0.0, missed=0.0, shrunk=0.0)
    tile = drawn(part, ([], []), tiles(gamma=0.0, mattes=how), random)
    others = [0, 1, 3, 4]
    lighter = (tile.degraded - tile.clean)[0, others] * 255 / 80
    assert np.abs(lighter - tile.weight[others] / how.beside).max() < 1e-4
    assert not np.isin(lighter.round(4), (0, 1)).all()  # something was moved
    assert np.array_equal(tile.matte.any((1, 2)), [False, False, True, False, False])
    assert np.all(tile.weight[2] == tile.matte[2]) and set(np.unique(tile.weight[2])) == {0.0, 1.0}


def test_a_suspected_mask_has_a_detectors_errors() -> None:
    random, mask, false = np.random.default_rng(1), np.zeros((32, 32), bool), np.zeros((32, 32), bool)
    mask[10:16, 10:16], false[25:27, 25:27] = True, True
    sizes = [int(suspected(mask, [], MatteSettings(), random).sum()) for _ in range(200)]
    assert min(sizes) == 0 and 16 in sizes and 36 in sizes and max(sizes) > 100  # missed, shrunk, as it is, grown
    assert suspected(mask, [false], MatteSettings(missed=0.0, shrunk=0.0), random)[26, 26]


def test_tiles_that_are_heard_lie_left_and_above(folder: Path) -> None:
    how = settings(tiles=tiles(heard=1.0))
    windows, (model, _) = Windows(folder, "train", how.tiles), built(how)
    some, places = windows.batch(0, 2, 0)
    batch, t = batch_of(some, places, model, how)
    assert batch.left is not None and batch.upper is not None and batch.present is not None and t.shape == (2,)
    assert (batch.left.where.box - batch.tiles.where.box).tolist() == [[0, -24, 0, -24]] * 2
    assert (batch.upper.where.box - batch.tiles.where.box).tolist() == [[-24, 0, -24, 0]] * 2
    assert batch.tiles.clean[..., :8].equal(batch.left.clean[..., 24:])  # what they share, and its noise
    assert batch.tiles.noise[..., :2].equal(batch.left.noise[..., 6:]) and batch.tiles.noise[..., :2, :].equal(
        batch.upper.noise[..., 6:, :]
    )
    assert batch.mask.shape == batch.tiles.clean[:, :1].shape and batch.whole.shape == (2, 3, 3, 32, 32)


def test_held_out_films_only_validate(clips: list[Clip], tmp_path: Path) -> None:
    places = [clip.path for clip in clips]
    assert [one.film for one in chosen(places, Making("train", hold_out=("mi*",)))] == ["harbour"]
    assert [one.film for one in chosen(places, Making("val", hold_out=("mi*",)))] == ["mill"]
    with pytest.raises(DatasetError, match="no film of the kind val is left"):
        chosen(places, Making("val"))
    making = Making("val", range(2), ("mill",), windows=WINDOWS)
    assert [said.split(":")[0] for said in make_windows(places, tmp_path, making, processes=1)] == ["val-21-0000.npy", "val-21-0001.npy"]
    assert list(make_windows(places, tmp_path, making, processes=1)) == []


def test_a_pack_becomes_windows(clips: list[Clip], tmp_path: Path) -> None:
    pack(clips, tmp_path / "pack", PackSettings(split=SplitRule(validation_films=("mill",))), tell=lambda _: None)
    how, said = settings(), list[str]()
    folder = windows_in(tmp_path / "pack", tmp_path / "run", how, said.append)
    assert folder == tmp_path / "run" / "windows" and len(said) == 2
    assert len(Windows(folder, "train", how.tiles)) == len(Windows(folder, "val", how.tiles)) == 15  # 5 of each of 3 segments
    said.clear()
    assert windows_in(tmp_path / "pack", tmp_path / "run", how, said.append) == folder and not said  # not made again
    pack(clips, tmp_path / "other", PackSettings(split=SplitRule(validation_films=("harbour",))), tell=lambda _: None)
    with pytest.raises(DatasetError, match="windows of another pack found"):
        windows_in(tmp_path / "other", tmp_path / "run", how, said.append)
    longer = replace(how, params=replace(how.params, frames=500))
    with pytest.raises(DatasetError, match="samples of 500 frames or more wanted, none found"):
        windows_in(tmp_path / "pack", tmp_path / "longer", longer, said.append)


def test_what_a_pack_says_of_a_shot_is_told_in_the_models_words() -> None:
    said = {
        "colour": "toned",
        "motion": "moderate",
        "gauge": "16 mm",
        "figures": {},
        "shot_size": "close-up",
        "camera_angle": "overhead view",
    }
    assert known_tags(said) == {"colour": "colour", "motion": "fast", "gauge": "16mm", "shot size": "close", "camera angle": "high"}
    assert known_tags({"gauge": "unknown"}) == {}


def test_other_windows_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no files train-\*.npy in it; make them with `frdm train film-windows"):
        Windows(tmp_path, "train", tiles())
    with pytest.raises(DatasetError, match="whole frames of 32 px found, tiles of 48 px wanted"):
        Windows(folder, "train", TileSettings(side=48))
    (tmp_path / "train-0.npy").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="can't be read"):
        Windows(tmp_path, "train", tiles())
    np.save(tmp_path / "train-0.npy", np.zeros(3))
    with pytest.raises(DatasetError, match="no windows of this version"):
        Windows(tmp_path, "train", tiles())
    assert MODEL.side == 32
