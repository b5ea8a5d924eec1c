"""What `damage_reel` promises: bytes that depend on nothing but film, recipe, seed and frame number, and maps that tell the truth."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from frdm.damage.copying import CopySettings
from frdm.damage.recipe import PRESETS, DamageRecipe, EdgeSettings, GateSettings, LineSettings, LookSettings
from frdm.damage.reel import Damaged, damage_reel
from frdm.errors import DamageError
from frdm.film import KINDS, Codes

MAPS = [field.name for field in dataclasses.fields(Damaged)]
NONE = CopySettings.none()


def clean(frames: int = 3, *, height: int = 97, width: int = 131, channels: int = 3, bits: int = 8, colour: bool = True) -> Codes:
    """A film of full range, in colour if it has channels for it."""
    grey = tiny.film(frames, height=height, width=width)[..., None]
    weights = np.array([1.0, 0.8, 0.55] if colour else [1.0, 1.0, 1.0], np.float32)[:channels]
    return tiny.codes(grey * weights, bits)


def dirty(recipe: DamageRecipe, **changes: object) -> DamageRecipe:
    """The recipe with so much damage that a tiny frame has some: a window of a picture as high as itself."""
    return dataclasses.replace(recipe, height=97.0, **changes)  # type: ignore[arg-type]


HEAVY = dirty(PRESETS["heavy"])
BARE = dirty(PRESETS["heavy"], copying=NONE)  # nothing follows the painting


def same(first: Damaged, other: Damaged) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(other, name)) for name in MAPS)


def joined(parts: list[Damaged]) -> Damaged:
    return Damaged(*(np.concatenate([getattr(part, name) for part in parts]) for name in MAPS))


def changed(made: Damaged) -> np.ndarray:
    return (made.degraded != made.pristine).any(-1)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), preset=st.sampled_from(list(PRESETS)))
def test_same_seed_same_bytes(seed: int, preset: str) -> None:
    film = clean(2, height=49, width=70)
    assert same(damage_reel(film, PRESETS[preset], seed=seed), damage_reel(film, PRESETS[preset], seed=seed))


def test_another_seed_is_another_reel() -> None:
    film = clean()
    assert not np.array_equal(damage_reel(film, HEAVY, seed=1).degraded, damage_reel(film, HEAVY, seed=2).degraded)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, 6), first=st.integers(0, 100_000), seed=st.integers(0, 999))
def test_cutting_into_spans_changes_no_byte(cut: int, first: int, seed: int) -> None:
    film = clean(7, height=48, width=64)
    whole = damage_reel(film, HEAVY, seed=seed, first=first)
    parts = [damage_reel(film[:cut], HEAVY, seed=seed, first=first), damage_reel(film[cut:], HEAVY, seed=seed, first=first + cut)]
    assert same(whole, joined(parts))


def test_spans_of_a_compressed_movie_are_equal_when_cut_at_its_groups() -> None:
    film = clean(14, height=48, width=64)
    recipe = dataclasses.replace(HEAVY, copying=CopySettings(mpeg=1.0))
    whole = damage_reel(film, recipe, seed=3, first=24)
    assert same(whole, joined([damage_reel(film[:12], recipe, seed=3, first=24), damage_reel(film[12:], recipe, seed=3, first=36)]))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    channels=st.sampled_from([1, 3]),
    bits=st.sampled_from([8, 10, 12, 16]),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
)
def test_the_mask_is_what_changed_and_nothing_else_did(seed: int, channels: int, bits: int, height: int, width: int) -> None:
    film = clean(2, height=height, width=width, channels=channels, bits=bits)
    made = damage_reel(film, dataclasses.replace(BARE, height=60.0), seed=seed, bits=bits)
    assert np.array_equal(changed(made), made.mask)
    assert np.array_equal(made.matte >= BARE.tau, made.mask)
    assert (made.matte[~made.mask] == 0).all() and made.matte.max(initial=0) <= 1
    assert made.degraded.dtype == made.pristine.dtype == film.dtype and made.degraded.shape == film.shape
    assert made.degraded.max() < 2**bits
    for labels in (made.kinds, made.ids):
        assert np.array_equal(labels > 0, made.mask)
    assert (made.polarity[~made.mask] == 0).all() and made.kinds.max(initial=0) <= len(KINDS)


def test_without_copying_the_pristine_film_is_the_clean_one() -> None:
    recipe = dataclasses.replace(BARE, edge=EdgeSettings(splices=0))
    film = clean()
    assert np.array_equal(damage_reel(film, recipe, seed=4).pristine, film)


def test_no_damage_and_no_copying_is_the_film_itself() -> None:
    film = clean(bits=16)
    made = damage_reel(film, PRESETS["none"], seed=1)
    assert np.array_equal(made.degraded, film) and np.array_equal(made.pristine, film) and not made.mask.any()


def test_polarity_is_the_sign_of_the_change() -> None:
    made = damage_reel(clean(4, channels=1), BARE, seed=6)
    change = (made.degraded.astype(int) - made.pristine.astype(int))[..., 0]
    assert made.mask.any()
    assert np.array_equal(np.sign(change), made.polarity)


def test_copying_goes_to_the_target_too() -> None:
    made = damage_reel(clean(4), HEAVY, seed=5)
    film = clean(4)
    away = ~made.mask
    assert (made.pristine != film).mean() > 0.5
    assert np.abs(made.degraded.astype(int) - made.pristine.astype(int))[away].mean() < 1.0
    assert np.array_equal(made.kinds > 0, made.kinds * made.mask > 0)


def test_clean_clips_were_compressed_before_the_dirt_others_after() -> None:
    """Compressed first, damage lies on top: away from it both films are equal, and under it the maps are exact."""
    jpeg = dataclasses.replace(NONE, jpeg=1.0, jpeg_quality=(20.0, 20.0))
    film = clean(2)
    before, after = (damage_reel(film, dataclasses.replace(BARE, copying=jpeg, stored_first=share), seed=5) for share in (1.0, 0.0))
    for made in (before, after):
        assert np.abs(made.pristine.astype(int) - film).mean() > 1
    assert np.array_equal(changed(before), before.mask)
    assert changed(after)[~after.mask].any()


def test_maps_follow_the_weave() -> None:
    """Where the picture moves after the painting, so do mask, kinds and ids: all of the mask but its faintest rim has a label."""
    weave = dataclasses.replace(NONE, weave=(4.0, 4.0), weave_memory=(1.0, 1.0))
    made = damage_reel(clean(6), dataclasses.replace(BARE, copying=weave), seed=5)
    assert made.mask.any()
    assert (made.kinds[made.mask] > 0).mean() > 0.98 and (made.ids[made.mask] > 0).mean() > 0.98
    assert (made.kinds[~made.mask] == 0).all()
    assert changed(made)[made.mask].mean() > 0.9


def test_what_stands_has_one_number_in_all_its_frames() -> None:
    recipe = dirty(PRESETS["none"], lines=LineSettings(steady=6, wandering=0, broken=0, rain=0), gate=GateSettings(hairs=4, spots=0))
    made = damage_reel(clean(8, colour=False), recipe, seed=2)
    numbers = [set(np.unique(ids[ids > 0])) for ids in made.ids]
    assert all(number >= 1000 for frame in numbers for number in frame)
    assert len(set.union(*numbers)) < 1.5 * max(len(frame) for frame in numbers)
    line = 1 + list(KINDS).index("line")
    for number in numbers[0] & numbers[1]:
        places = [np.nonzero((ids == number) & (kinds == line))[1] for ids, kinds in zip(made.ids[:2], made.kinds[:2], strict=True)]
        if all(place.size for place in places):
            assert abs(places[0].mean() - places[1].mean()) < 3


def test_passing_dirt_is_numbered_from_one() -> None:
    made = damage_reel(clean(3), dataclasses.replace(BARE, categories=("transient",)), seed=8)
    assert 0 < made.ids.max() < 1000


def test_tau_is_the_least_that_is_painted() -> None:
    faint, strong = (damage_reel(clean(3), dataclasses.replace(BARE, tau=tau), seed=3) for tau in (0.03, 0.4))
    assert strong.matte[strong.mask].min() >= np.float32(0.4)
    assert 0 < strong.mask.sum() < faint.mask.sum()
    assert not (strong.mask & ~faint.mask).any()


def test_a_window_of_a_larger_picture_has_its_scale() -> None:
    """The same window, told that it is cut from a picture twice as high, has larger pieces and about as much of it covered."""
    film = clean(6, height=128, width=128)
    quiet = dataclasses.replace(BARE, lines=LineSettings(0, 0, 0, 0), edge=EdgeSettings(splices=0), look=LookSettings(spread=0))
    whole = [damage_reel(film, dataclasses.replace(quiet, height=float(h)), seed=s) for h in (480, 2160) for s in range(4)]
    pieces = [np.mean([len(np.unique(ids)) - 1 for made in group for ids in made.ids]) for group in (whole[:4], whole[4:])]
    assert pieces[0] > 2 * pieces[1]


@pytest.mark.parametrize(
    ("film", "said"),
    [
        (np.zeros((2, 8, 8), np.uint8), "channels"),
        (np.zeros((2, 8, 8, 2), np.uint8), "channels"),
        (np.zeros((0, 8, 8, 3), np.uint8), "channels"),
        (np.zeros((2, 8, 8, 3), np.float32), "uint8 or uint16"),
    ],
)
def test_frames_that_cannot_be_damaged(film: Codes, said: str) -> None:
    with pytest.raises(DamageError, match=said):
        damage_reel(film, PRESETS["light"], seed=0)


def test_bits_and_seeds_out_of_range() -> None:
    with pytest.raises(DamageError, match="bits"):
        damage_reel(clean(1), PRESETS["light"], seed=0, bits=10)
    with pytest.raises(DamageError, match="seed"):
        damage_reel(clean(1), PRESETS["light"], seed=-1)
