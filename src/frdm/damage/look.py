"""One reel's character: drawn once from a recipe and a seed, the same for all its frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from frdm.damage.painting import LAYERS, Stock
from frdm.damage.recipe import CATEGORIES, DamageRecipe
from frdm.damage.shapes import random_of
from frdm.damage.statistics import Gauge, clustering

STREAM = 11  # of the seed's random numbers: what the look is drawn from

_GAUGES: tuple[Gauge, ...] = ("35 mm", "35 mm", "16 mm", "super 8")
_DARK_SHARES = (0.03, 0.3, 0.5, 0.75, 0.97)  # reels whose dirt is the negative's, both, the print's own


@dataclass(frozen=True, slots=True)
class ReelLook:
    """What all frames of one reel share. Lengths are px of the picture at hand, contrasts are densities."""

    unit: float  # px of this picture that one px of a 480-line picture is
    rates: Mapping[str, float]  # pieces a frame, or standing at a time, by the recipe's names, for the window's own area
    burst: float
    dark: float  # share of pieces that are dark
    contrast: float  # density of the usual piece
    contrast_spread: float
    opaque: float  # share of pieces that let no light through
    softness: float
    size: float  # px that one px of the measured sizes is
    gauge: Gauge
    clustering: float  # variance of the logarithm of where pieces gather
    tint: tuple[float, float, float]  # factors on density in R, G, B
    stain: tuple[float, float, float]  # the same of what dried on the film
    emulsion: float
    scratch: float  # density of the usual scratch
    stock: Stock


def draw_reel(recipe: DamageRecipe, seed: int, *, height: int, width: int) -> ReelLook:
    """The look of the reel that `seed` stands for, for pictures (or windows of pictures) of height × width px."""
    random = random_of(seed, STREAM)
    unit = (recipe.height or height) / 480
    settings, source = recipe.look, recipe.look.source
    dark = {"positive": 0.97, "negative": 0.03}.get(source) or float(random.choice(_DARK_SHARES))
    low, high = (float(np.log(v)) for v in settings.contrast)
    warm = np.exp(np.array([-1.0, 0.0, 1.0]) * random.uniform(0, 0.12))
    brown = np.exp(np.array([-1.0, 0.0, 1.0]) * random.uniform(0.0, 0.6))
    negative = settings.stock == "negative"
    return ReelLook(
        unit=unit,
        rates=_rates(recipe, random, area=height * width / (640 * 480 * unit**2), across=width / (640 * unit)),
        burst=settings.burst,
        dark=dark,
        contrast=float(np.exp(random.uniform(low, high))),
        contrast_spread=float(random.uniform(0.3, 0.7)),
        opaque=float(random.uniform(0.0, 0.5)) ** 2,
        softness=float(random.uniform(*settings.softness)) * unit**0.5,
        size=float(np.exp(random.normal(-0.12, 0.25))) * recipe.dirt.size * unit,
        gauge=settings.gauge if settings.gauge != "any" else _GAUGES[int(random.integers(len(_GAUGES)))],
        clustering=recipe.dirt.clustering * clustering(random),
        tint=(float(warm[0]), float(warm[1]), float(warm[2])),
        stain=(float(brown[0]), float(brown[1]), float(brown[2])),
        emulsion=recipe.scratch.emulsion,
        scratch=float(np.exp(random.uniform(np.log(0.06), np.log(0.5)))),
        stock=Stock(
            black=float(random.uniform(0.01, 0.1)),
            white=float(random.uniform(0.86, 1.0)),
            layers=LAYERS[settings.stock],
            cut=1.0 if negative else -1.0,
        ),
    )


def _rates(recipe: DamageRecipe, random: np.random.Generator, *, area: float, across: float) -> Mapping[str, float]:
    """Every rate of the recipe, as this reel has it and for this much picture; the mean over reels is the recipe's."""
    spread = recipe.look.spread
    out: dict[str, float] = {}
    shares = {"lines": across, "gate": across, "edge": 1.0}
    for place, category in CATEGORIES.items():
        table, name = place.split(".")
        factor = float(np.exp(random.normal(0, 1) * spread - spread**2 / 2))
        wanted = getattr(getattr(recipe, table), name) if category in recipe.categories else 0.0
        out[place] = wanted * factor * shares.get(table, area)
    return MappingProxyType(out)
