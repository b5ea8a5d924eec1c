"""Presets: what a film's gauge and what was scanned say about its damage.

Dust has one size, frames have many: 50 µm of it cover 6 lines of 480 on Super 8 and 1.5 on 35 mm. So have grains: the smaller the frame,
the coarser they stand in the picture, and the surer a small find must be.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from frdm.recipe import Detection, Gauge, Recipe


@dataclass(frozen=True, slots=True)
class GaugePreset:
    """Sizes in px of a picture 480 lines high, as in the recipe."""

    frame: float  # mm, height of the camera's frame, from which the sizes follow
    min_size: float
    max_size: float
    strength: float


GAUGES: Mapping[Gauge, GaugePreset] = MappingProxyType(
    {
        # 8.4 µm a line: dust is large, hairs cross a third of the frame, and grain clumps of two or three lines are not dust
        "super8": GaugePreset(4.01, min_size=3.0, max_size=180.0, strength=0.45),
        # 6.9 µm a line
        "8mm": GaugePreset(3.3, min_size=3.0, max_size=200.0, strength=0.45),
        # 15.6 µm a line: the recipe's own measure
        "16mm": GaugePreset(7.49, min_size=2.0, max_size=120.0, strength=0.5),
        # 33 µm a line: fine grain lets small specks be told apart, and what is large is rarely dust
        "35mm": GaugePreset(16.0, min_size=1.5, max_size=80.0, strength=0.5),
    }
)


@dataclass(frozen=True, slots=True)
class Settled(Recipe):
    """A recipe to which presets were applied: what it says stands, the settings that are as they are by default too."""


def apply_preset(recipe: Recipe, said: Collection[str] = ()) -> Recipe:
    """The recipe with what `detection.film` and `detection.source` imply; once it was applied, a second time changes nothing.

    `said` are the settings of `detection` that a person gave: they stay, whatever their value. Of others those that differ from the default
    stay too. From a negative: its dirt stops light, and is white once the picture is made positive: only bright is looked for. From a
    positive (reversal film, as most home movies are, or a print): its own dirt is dark: only dark is looked for. A print shows its
    negative's white dirt as well: leave the source out to find both.
    """
    implied = _implied(recipe.detection)
    if isinstance(recipe, Settled) or not implied:
        return recipe
    usual = Detection()
    free = {name for name in implied.keys() - set(said) if getattr(recipe.detection, name) == getattr(usual, name)}
    detection = dataclasses.replace(recipe.detection, **{name: implied[name] for name in free})  # type: ignore[arg-type]
    rest = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    return Settled(**rest | {"detection": detection})


def _implied(detection: Detection) -> dict[str, object]:
    """What gauge and source say of other settings."""
    implied: dict[str, object] = {}
    if detection.film is not None:
        preset = GAUGES[detection.film]
        implied |= {"min_size": preset.min_size, "max_size": preset.max_size, "strength": preset.strength}
    if detection.source is not None:
        implied["polarity"] = "bright" if detection.source == "negative" else "dark"
    return implied
