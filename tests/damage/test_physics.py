"""Each kind of damage looks as its physics say: dark on a positive, bright from a negative, by layers where the emulsion is cut."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import tiny
from frdm.damage import dirt, hair, marks, scratch, stain
from frdm.damage.look import ReelLook, draw_reel
from frdm.damage.painting import NUMBERS, Canvas, Mark, Stock, cut_layers, opaque, refracted, seen
from frdm.damage.recipe import PRESETS, DamageRecipe, EdgeSettings, GateSettings, LookSettings
from frdm.damage.reel import damage_reel
from frdm.film import KINDS, Codes, Kind, Real

NONE = PRESETS["none"]


def flat(level: int = 128, *, frames: int = 4, channels: int = 3, tint: tuple[float, float, float] = (1.0, 0.9, 0.75)) -> Codes:
    out = np.full((frames, 120, 160, channels), level, np.float32)
    return (out * np.array(tint[:channels], np.float32)).astype(np.uint8)


def only(table: str, *, source: str = "any", height: float = 120.0, **rates: float) -> DamageRecipe:
    """A recipe with one sort of damage alone, as dense as its rates say, on film of which all reels are alike."""
    settings = dataclasses.replace(getattr(NONE, table), **rates)
    look = LookSettings(source=source, spread=0, burst=0)  # type: ignore[arg-type]
    return dataclasses.replace(NONE, **{table: settings}, look=look, height=height)  # type: ignore[arg-type]


def kinds_of(recipe: DamageRecipe, film: Codes, seeds: range = range(6)) -> tuple[set[str], np.ndarray]:
    """(names of the kinds that came, the polarity of every damaged pixel)."""
    made = [damage_reel(film, recipe, seed=seed, first=50) for seed in seeds]
    numbers = {number for one in made for number in np.unique(one.kinds[one.mask])}
    return {list(KINDS)[number - 1] for number in numbers}, np.concatenate([one.polarity[one.mask] for one in made])


@pytest.mark.parametrize(
    ("table", "rates", "kind"),
    [
        ("dirt", {"dust": 8.0}, "dirt"),
        ("dirt", {"clumps": 3.0}, "dirt"),
        ("hair", {"hairs": 3.0}, "hair"),
        ("hair", {"lint": 3.0}, "hair"),
        ("hair", {"fibres": 3.0}, "hair"),
    ],
)
def test_dirt_is_dark_on_a_positive_and_bright_from_a_negative(table: str, rates: dict[str, float], kind: str) -> None:
    for source, sign in (("positive", -1), ("negative", 1)):
        names, polarity = kinds_of(only(table, source=source, **rates), flat())
        assert names == {kind}
        assert len(polarity) > 50 and (polarity == sign).mean() > 0.75


def test_a_sparkle_is_a_bright_point() -> None:
    names, polarity = kinds_of(only("dirt", sparkles=10.0), flat())
    assert names == {"dirt"} and (polarity == 1).all()


@pytest.mark.parametrize(
    ("table", "rates", "kind"),
    [
        ("scratch", {"short": 5.0}, "scratch"),
        ("scratch", {"digs": 5.0}, "scratch"),
        ("stain", {"water": 4.0}, "stain"),
        ("stain", {"fingerprints": 2.0}, "stain"),
        ("stain", {"burns": 2.0}, "burn"),
        ("lines", {"steady": 4.0}, "line"),
        ("lines", {"wandering": 4.0}, "line"),
        ("lines", {"broken": 6.0}, "line"),
        ("lines", {"rain": 3.0}, "line"),
        ("gate", {"hairs": 4.0}, "gate hair"),
        ("gate", {"spots": 4.0}, "spot"),
        ("edge", {"splices": 0.5}, "splice"),
        ("edge", {"tears": 0.6}, "tear"),
        ("edge", {"cue_marks": 0.3}, "cue mark"),
    ],
)
def test_every_kind_comes_under_its_name(table: str, rates: dict[str, float], kind: Kind) -> None:
    names, polarity = kinds_of(only(table, **rates), flat())
    assert names == {kind}
    rule = KINDS[kind].polarity
    if rule is not None:
        assert (polarity == (-1 if rule == "dark" else 1)).all()


def test_a_gate_hair_stands_still_and_reaches_in_from_a_border() -> None:
    recipe = only("gate", hairs=2.0)
    for seed in range(8):
        made = damage_reel(flat(frames=6), recipe, seed=seed)
        stands = made.mask.all(0)
        if not stands.any():
            continue
        assert made.mask.any(0).sum() < 2.5 * stands.sum()
        border = np.concatenate(
            [made.mask[:, 0].ravel(), made.mask[:, -1].ravel(), made.mask[:, :, 0].ravel(), made.mask[:, :, -1].ravel()]
        )
        assert border.any()


def test_a_gate_hair_stands_for_its_shot_where_shots_are_known() -> None:
    recipe = only("gate", hairs=1.5)
    for seed in range(6):
        made = damage_reel(flat(frames=9), recipe, seed=seed, first=20, cuts=[0, 24, 40])
        numbers = [frozenset(np.unique(ids[ids > 0])) for ids in made.ids]
        assert len(set(numbers[:4])) == 1 and len(set(numbers[4:])) == 1
        assert not numbers[0] & numbers[4]
        assert np.array_equal(made.ids[4:], damage_reel(flat(frames=5), recipe, seed=seed, first=24, cuts=[0, 24, 40]).ids)


def test_a_splice_moves_picture_and_target_alike() -> None:
    film = tiny.codes(tiny.film(12, height=96, width=128)[..., None])
    recipe = only("edge", splices=0.3, jump=6.0)
    made = damage_reel(film, recipe, seed=3)
    moved = [bool((made.pristine[t] != film[t]).any()) for t in range(12)]
    assert any(moved)
    assert np.array_equal((made.degraded != made.pristine).any(-1), made.mask)


def test_density_adds_in_light_not_in_codes() -> None:
    """Density 0.3 halves the light: codes fall to 2^(−1/2.4) of what they are, stray light aside, in highlights and shadows alike."""
    codes = np.array([[0.9], [0.5], [0.2]], np.float32)
    after = seen(codes, np.full_like(codes, np.log10(2)), Stock(black=0, white=1))
    assert (after + 0.02) / (codes + 0.02) == pytest.approx(np.full((3, 1), 2 ** (-1 / 2.4)), rel=1e-4)
    assert opaque(0.5) == pytest.approx(np.log10(2))


def test_opaque_dirt_ends_at_the_films_black_and_white() -> None:
    codes = np.array([[0.0], [0.01], [0.5], [1.0]], np.float32)
    stock = Stock(black=0.05, white=0.9)
    assert seen(codes, np.full_like(codes, 5), stock).ravel() == pytest.approx([0, 0.01, 0.05, 0.05])
    assert seen(codes, np.full_like(codes, -5), stock).ravel() == pytest.approx([0.9, 0.9, 0.9, 1.0])


def test_emulsion_scratches_are_green_then_yellow_then_clear() -> None:
    grey = np.full((1, 3, 3), 0.4, np.float32)
    depth = np.array([[0.3, 0.62, 1.0]], np.float32)
    red, green, blue = np.moveaxis(seen(grey, cut_layers(depth, Stock()), Stock()), -1, 0)[:, 0]
    assert green[0] > red[0] + 0.2 and green[0] > blue[0] + 0.2  # green
    assert red[1] > blue[1] + 0.2 and green[1] > blue[1] + 0.2  # yellow
    assert min(red[2], green[2], blue[2]) > 0.85  # clear


def test_on_a_negative_the_layers_lie_the_other_way_and_print_dark() -> None:
    stock = Stock(layers=(2, 1, 0), cut=1.0)
    after = seen(np.full((1, 1, 3), 0.5, np.float32), cut_layers(np.full((1, 1), 0.3, np.float32), stock), stock)[0, 0]
    assert after[2] < 0.3 and after[0] == pytest.approx(0.5) and after[1] > 0.45  # yellow


def test_a_groove_in_the_base_has_a_dark_and_a_bright_flank() -> None:
    profile = np.exp(-(((np.arange(21, dtype=np.float32) - 10) / 2) ** 2))[None].repeat(3, 0)
    density = refracted(profile, strength=0.5, lean=1.0, core=0.0)
    assert density.max() == pytest.approx(0.5, rel=1e-3) and density.min() == pytest.approx(-0.5, rel=1e-3)
    assert np.sign(density[0, 8]) == -np.sign(density[0, 12])
    assert abs(density.sum()) < 1e-3


def test_colour_stains_the_film_only_where_there_is_colour() -> None:
    grey = np.repeat(flat(channels=1), 3, axis=-1)
    made = damage_reel(grey, only("scratch", digs=6.0), seed=1)
    assert made.mask.any()
    assert np.array_equal(made.degraded[..., 0], made.degraded[..., 1]) and np.array_equal(made.degraded[..., 0], made.degraded[..., 2])
    colourful = damage_reel(flat(), only("scratch", digs=6.0), seed=1).degraded.astype(int)
    assert np.ptp(colourful[..., 1] - colourful[..., 0]) > 40


def test_edges_are_as_soft_as_the_scanner() -> None:
    for draw in (dirt.dust, dirt.clump):
        random = np.random.default_rng
        hard, soft = (draw(random(4), 12.0, sigma) for sigma in (0.45, 1.5))
        assert _steepest(soft) < 0.6 * _steepest(hard)


def _steepest(cover: Real) -> float:
    return float(np.abs(np.diff(cover, axis=1)).max())


@pytest.mark.parametrize(
    "draw",
    [
        lambda random: dirt.dust(random, 2.5, 0.6),
        lambda random: dirt.dust(random, 30.0, 0.6),
        lambda random: dirt.clump(random, 9.0, 0.6),
        lambda random: dirt.sparkle(random, 1.2, 0.5),
        lambda random: hair.hair(random, 40.0, width=1.5, softness=0.6),
        lambda random: hair.lint(random, 20.0, width=1.5, softness=0.6),
        lambda random: hair.fibre(random, 150.0, width=0.7, softness=0.6),
        lambda random: scratch.short_scratch(random, 30.0, width=1.0, softness=0.5),
        lambda random: scratch.dig(random, 6.0, softness=0.5),
        lambda random: stain.water(random, 60.0, 0.7),
        lambda random: stain.fingerprint(random, 120.0, 0.7),
        lambda random: stain.burn(random, 50.0, 0.7)[0],
        lambda random: stain.burn(random, 50.0, 0.7)[1],
    ],
)
def test_covers_are_whole(draw: Callable[[np.random.Generator], Real]) -> None:
    """A cover lies between 0 and 1, isn't empty, is float32, and fades to nothing at its own border: it was not cut off."""
    for seed in range(12):
        cover = draw(np.random.default_rng(seed))
        assert cover.dtype == np.float32 and 0.1 < cover.max() <= 1.0001 and cover.min() >= -1e-6
        rim = max(cover[0].max(), cover[-1].max(), cover[:, 0].max(), cover[:, -1].max())
        assert rim < 0.06


def test_a_piece_covers_the_area_it_was_given() -> None:
    sizes = [float(np.sqrt(dirt.dust(np.random.default_rng(seed), 12.0, 0.5).sum())) for seed in range(60)]
    assert 9.5 < float(np.median(sizes)) < 13


def test_marks_beyond_the_border_are_cut() -> None:
    canvas = Canvas(10, 10, 1)
    for top, left in ((-3, -3), (8, 8), (-20, 0), (0, 30)):
        canvas.add(Mark("dirt", np.full((5, 5), 0.5, np.float32), top, left), 7)
    made = canvas.develop(np.full((10, 10, 1), 0.5, np.float32), Stock(), tau=0.05, top=255)
    assert made.mask.sum() == 4 + 4
    assert set(np.unique(made.kinds)) == {0, NUMBERS["dirt"]} and set(np.unique(made.ids)) == {0, 7}


def test_where_marks_meet_densities_add_and_the_stronger_gives_its_name() -> None:
    canvas = Canvas(4, 4, 1)
    canvas.add(Mark("dirt", np.full((4, 4), 0.2, np.float32), 0, 0), 1)
    canvas.add(Mark("hair", np.full((4, 2), 0.3, np.float32), 0, 2), 2)
    made = canvas.develop(np.full((4, 4, 1), 0.5, np.float32), Stock(), tau=0.05, top=255)
    assert made.matte[0] == pytest.approx([1 - 10**-0.2] * 2 + [1 - 10**-0.5] * 2, rel=1e-4)
    assert made.ids[0].tolist() == [1, 1, 2, 2]


def test_rates_are_what_a_recipe_says() -> None:
    """Pieces a frame, over many frames of many reels, come to the recipe's rate for the area."""
    look = dataclasses.replace(PRESETS["medium"].look, burst=0.5)
    recipe = dataclasses.replace(PRESETS["medium"], look=look)
    reels: list[ReelLook] = [draw_reel(recipe, seed, height=480, width=640) for seed in range(40)]
    counts = [len(marks.falling(marks.Brush(reel, False), seed, t, size=(480, 640))) for seed, reel in enumerate(reels) for t in range(6)]
    wanted = np.mean([sum(reel.rates[name] for name in marks.DRAWERS) for reel in reels])
    assert np.mean(counts) == pytest.approx(wanted, rel=0.15)


def test_one_reel_has_one_look_and_reels_differ() -> None:
    looks = [draw_reel(PRESETS["medium"], seed, height=480, width=640) for seed in range(30)]
    assert looks[0] == draw_reel(PRESETS["medium"], 0, height=480, width=640)
    assert len({look.dark for look in looks}) > 2
    assert np.std([np.log(look.contrast) for look in looks]) > 0.2
    assert GateSettings().hairs >= 0 and EdgeSettings().glue <= 1
