"""Windows to learn from: their truth, their order, and that they are what restoring sees."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.damage.recipe import PRESETS
from frdm.damage.reel import damage_reel
from frdm.dataset.sources import Clip
from frdm.errors import DatasetError
from frdm.film import Codes
from frdm.train import eye_bursts as bursts
from frdm.train import eye_scenes as scenes
from frdm.train.eye_windows import (
    DIRT,
    FAINT,
    LINE,
    RECORD,
    SIDE,
    UNSURE,
    WindowSettings,
    drawn_recipe,
    label,
    make_file,
    read_segment,
    segment_windows,
    thinned,
)
from frdm.train.making import Making, make_windows


def test_a_file_hangs_on_its_seed_and_number_alone(clips: list[Clip]) -> None:
    settings = WindowSettings(segments=1)
    one, again, other = (make_file(clips, settings, seed=5, number=n) for n in (2, 2, 3))
    assert one.dtype == RECORD
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_labels_are_of_what_can_be_seen(clips: list[Clip]) -> None:
    film = read_segment(clips[0], WindowSettings(), np.random.default_rng(1))
    made = damage_reel(film, PRESETS["heavy"], seed=8)
    for index in range(len(film)):
        bits = label(made, index)
        changed = np.abs(made.degraded[index].astype(int) - made.pristine[index]).max(-1)
        assert not (bits & (DIRT | LINE) > 0)[~made.mask[index]].any()
        assert (changed[bits & (DIRT | LINE) > 0] >= 8).all()
        assert not ((bits & UNSURE > 0) & (bits & (DIRT | LINE) > 0)).any()
        assert (bits[made.mask[index]] > 0).all()
        assert not (bits & LINE)[made.ids[index] < 1000].any()


def test_undamaged_windows_have_no_damage(clips: list[Clip]) -> None:
    records = make_file(clips, WindowSettings(segments=3, undamaged=1.0), seed=1, number=0)
    assert not records["damaged"].any()
    assert not records["label"].any()


@pytest.mark.parametrize("name", ["things", "particles", "flash", "flicker", "rain", "glints"])
def test_scenes_change_the_film_and_keep_its_shape(name: str, clips: list[Clip]) -> None:
    film = read_segment(clips[0], WindowSettings(), np.random.default_rng(2))
    draw = getattr(scenes, name, None) or getattr(bursts, name)
    drawn, again = (draw(film, np.random.default_rng(6)) for _ in range(2))
    assert drawn.shape == film.shape
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, film)


def test_a_thing_that_flies_lives_on_in_other_frames() -> None:
    film: Codes = np.full((7, 200, 240, 1), 90, np.uint8)
    drawn = scenes.things(film, np.random.default_rng(3))
    assert sum((frame != 90).any() for frame in drawn) >= 3


def test_rain_is_brighter_than_what_is_behind_and_new_in_every_frame() -> None:
    film = np.tile(np.linspace(20, 180, 240, dtype=np.float32).astype(np.uint8)[None, None, :, None], (7, 200, 1, 1))
    drawn = bursts.rain(film, np.random.default_rng(4))
    assert (drawn >= film).all()
    one, other = (drawn[t] > film[t] + 8 for t in (2, 3))
    assert one.any()
    assert (one & other).sum() < 0.5 * one.sum()


def test_sparks_fly_from_one_place_over_several_frames() -> None:
    film: Codes = np.full((7, 240, 240, 1), 20, np.uint8)
    drawn = [bursts.burst(film, np.random.default_rng(seed)) for seed in range(6)]
    assert any(sum((frame != 20).any() for frame in one) >= 3 for one in drawn)
    assert all((one >= film).all() for one in drawn)


@pytest.mark.parametrize("channels", [1, 3])
def test_limbs_are_the_other_film_and_move(channels: int) -> None:
    film: Codes = np.full((7, 240, 320, channels), 40, np.uint8)
    other: Codes = np.full((7, 240, 320, 3), 220, np.uint8)
    drawn = [bursts.limbs(film, other, np.random.default_rng(seed)) for seed in range(4)]
    assert all(one.shape == film.shape for one in drawn)
    moved = [one for one in drawn if (one[3] != 40).any() and not np.array_equal(one[2], one[3])]
    assert moved


@pytest.mark.parametrize("channels", [1, 3])
def test_balls_fly_from_frame_to_frame_and_are_as_large_as_blots(channels: int) -> None:
    film: Codes = np.full((7, 240, 320, channels), 40, np.uint8)
    other: Codes = np.random.default_rng(0).integers(90, 250, (7, 240, 320, 3), np.uint8)
    drawn = [bursts.balls(film, other, np.random.default_rng(seed)) for seed in range(6)]
    assert all(one.shape == film.shape for one in drawn)
    assert np.array_equal(drawn[5], bursts.balls(film, other, np.random.default_rng(5)))
    areas = [[int((frame != 40).any(-1).sum()) for frame in one] for one in drawn]
    assert sum(sum(area > 0 for area in one) >= 2 for one in areas) >= 5
    assert max(max(one) for one in areas) > 500
    assert all(not np.array_equal(one[2], one[3]) for one, area in zip(drawn, areas, strict=True) if area[2] and area[3])


def test_peppered_film_has_more_and_fainter_dirt_than_usual(clips: list[Clip]) -> None:
    film = read_segment(clips[0], WindowSettings(), np.random.default_rng(1))
    counts = {
        share: sum(
            len(np.unique(damage_reel(film, drawn_recipe(random, WindowSettings(peppered=share), damaged=True), seed=8).ids[3]))
            for random in (np.random.default_rng(seed) for seed in range(4))
        )
        for share in (0.0, 1.0)
    }
    assert counts[1.0] > 2 * counts[0.0]


def test_blotted_segments_hold_more_dirt(clips: list[Clip]) -> None:
    painted = {
        share: sum(
            int((segment_windows(clips, 0, WindowSettings(undamaged=0, scenes={}, blotted=share), random)["label"] & DIRT > 0).sum())
            for random in (np.random.default_rng(seed) for seed in range(2))
        )
        for share in (0.0, 1.0)
    }
    assert painted[1.0] > 1.5 * painted[0.0]


def test_thinned_damage_is_hardly_seen_and_where_it_was(clips: list[Clip]) -> None:
    film = read_segment(clips[0], WindowSettings(), np.random.default_rng(2))
    made = damage_reel(film, PRESETS["heavy"], seed=4)
    thin = thinned(made, np.random.default_rng(6))
    before, after = (np.abs(one.degraded.astype(int) - one.pristine).max(-1) for one in (made, thin))
    assert before.max() > 3 * FAINT[1] and after.max() < 2 * FAINT[1]  # the strongest place is measured a little softened
    assert np.all(after <= before + 1)
    assert np.array_equal(after[made.ids == 0], before[made.ids == 0])
    seen = [int((label(one, 2) & DIRT > 0).sum()) for one in (made, thin)]
    assert 0 < seen[1] < seen[0]


def test_a_cut_shows_another_film_from_some_frame_on() -> None:
    film, other = (np.full((7, 200, 240, 1), tone, np.uint8) for tone in (90, 200))
    drawn = scenes.cut(film, other, np.random.default_rng(3))
    tones = drawn[:, 0, 0, 0].tolist()
    assert set(tones) == {90, 200}
    assert sum(a != b for a, b in itertools.pairwise(tones)) == 1


def test_held_out_films_only_validate(clips: list[Clip], tmp_path: Path) -> None:
    places = [clip.path for clip in clips]
    told = list(make_windows(places, tmp_path, Making("val", [], ("mill",)), processes=1))
    assert told == []
    with pytest.raises(DatasetError, match="no clip is left"):
        list(make_windows(places, tmp_path, Making("train", [0], ("*",)), processes=1))


def test_false_alarms_are_where_the_net_is_wrong(clips: list[Clip]) -> None:
    def alarmed(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        logits = np.full((1, 2, *full.shape[2:]), -9, np.float32)
        logits[:, 0, 40:60, 50:70] = 9
        return logits

    def calm(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
        return np.full((1, 2, *full.shape[2:]), -9, np.float32)

    settings = WindowSettings(segments=2, undamaged=1.0)
    records = make_file(clips, settings, seed=2, number=0, net=alarmed)  # type: ignore[arg-type]
    assert len(records) >= 2 * 3
    assert not records["label"].any()
    assert len(make_file(clips, settings, seed=2, number=0, net=calm)) == 0  # type: ignore[arg-type]


def test_crops_have_their_size(windows: Path) -> None:
    records = np.load(windows / "train-0000.npy")
    assert records["full"].shape[-2:] == (SIDE, SIDE)
    assert (records["label"] & DIRT > 0).any()
