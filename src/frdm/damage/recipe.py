"""The recipe of damage: how much of what falls on a film, and the presets.

Rates are means per frame of a picture 480 lines high and 640 wide, and grow with the area; lengths are px of a picture 480 lines high.
A recipe says what reels are like in the mean; one seed draws one reel from it (`frdm.damage.look`).
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from frdm.damage.copying import CopySettings
from frdm.damage.statistics import Gauge
from frdm.errors import DamageError

Rate = Annotated[float, Ge(0)]  # pieces a frame in the mean
Standing = Annotated[float, Ge(0)]  # pieces that stand in the picture at a time, in the mean
Share = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[float, Gt(0)]
Category = Literal["transient", "persistent", "mixed"]

CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        **dict.fromkeys(("dirt.dust", "dirt.clumps", "dirt.sparkles"), "transient"),
        **dict.fromkeys(("hair.hairs", "hair.lint", "hair.fibres"), "transient"),
        **dict.fromkeys(("scratch.short", "scratch.digs"), "transient"),
        **dict.fromkeys(("stain.water", "stain.fingerprints", "stain.burns"), "transient"),
        **dict.fromkeys(("lines.steady", "lines.wandering", "gate.hairs", "gate.spots", "edge.cue_marks"), "persistent"),
        **dict.fromkeys(("lines.broken", "lines.rain", "edge.splices", "edge.tears"), "mixed"),
    }
)
"""Every rate of a recipe: does what it counts lie on one frame, stand in one place, or come and go about one place?"""


@dataclass(frozen=True, slots=True)
class DirtSettings:
    """What lies on the film for one frame."""

    dust: Rate = 10.0  # small specks
    clumps: Rate = 0.3  # dirt of several grains, up to blotches
    sparkles: Rate = 1.0  # bright points of a px or two: dust on the negative
    size: Positive = 1.0  # factor on the measured sizes (docs/damage-statistics.md)
    clustering: Annotated[float, Ge(0)] = 1.0  # factor on the measured variance of where pieces gather


@dataclass(frozen=True, slots=True)
class HairSettings:
    """Threads that lie on the film for one frame."""

    hairs: Rate = 0.25
    lint: Rate = 0.35
    fibres: Rate = 0.12


@dataclass(frozen=True, slots=True)
class ScratchSettings:
    """What cut or pressed the film in one frame."""

    short: Rate = 0.4
    digs: Rate = 0.15  # gouges in the emulsion
    emulsion: Share = 0.5  # share of scratches on the emulsion's side; the others are in the base and refract


@dataclass(frozen=True, slots=True)
class StainSettings:
    """What dried or burnt on the film."""

    water: Rate = 0.04
    fingerprints: Rate = 0.006
    burns: Rate = 0.004  # holes molten by the lamp


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Scratches along the film, which stand for many frames."""

    steady: Standing = 0.25
    wandering: Standing = 0.15
    broken: Standing = 0.3
    rain: Standing = 0.15  # showers of short fine lines
    density: Positive = 1.0  # factor on how many lines a shower has


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What stands in one place of the picture."""

    hairs: Standing = 0.12  # in the gate of the camera or printer: dark, reaching in from the border
    spots: Standing = 0.06  # dirt on lens or sensor


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Joins, torn perforations, marks: rates per frame."""

    splices: Rate = 0.004
    jump: Annotated[float, Ge(0)] = 3.0  # px, how far the picture jumps at a splice; the target jumps too
    glue: Share = 0.6  # share of splices with glue beside them
    tears: Rate = 0.003
    cue_marks: Rate = 0.001


@dataclass(frozen=True, slots=True)
class LookSettings:
    """How reels differ, and how their damage looks."""

    gauge: Gauge | Literal["any"] = "any"  # dust has one size, frames have many; any: drawn per reel
    source: Literal["any", "positive", "negative"] = "any"  # what was dirty: dark dirt, bright dirt, or both in a share drawn per reel
    spread: Annotated[float, Ge(0)] = 0.6  # standard deviation of a reel's logarithm of rates
    burst: Annotated[float, Ge(0)] = 0.5  # the same from frame to frame
    contrast: tuple[Positive, Positive] = (0.2, 1.4)  # density of a reel's usual dirt, least and most
    softness: tuple[Positive, Positive] = (0.4, 0.85)  # px, standard deviation of the scanner's blur, least and most
    stock: Literal["print", "reversal", "negative"] = "print"  # which dye layers a scratch meets first, and what it leaves on the print


@dataclass(frozen=True, slots=True)
class DamageRecipe:
    """All that decides the damage's bytes, with film and seed. Raises `DamageError` for ranges that are upside down."""

    dirt: DirtSettings = field(default_factory=DirtSettings)
    hair: HairSettings = field(default_factory=HairSettings)
    scratch: ScratchSettings = field(default_factory=ScratchSettings)
    stain: StainSettings = field(default_factory=StainSettings)
    lines: LineSettings = field(default_factory=LineSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    look: LookSettings = field(default_factory=LookSettings)
    copying: CopySettings = field(default_factory=CopySettings)
    tau: Annotated[float, Gt(0), Le(0.5)] = 0.05  # least opacity that is painted; nothing fainter touches the film
    height: Annotated[float, Gt(0)] | None = None  # lines of the whole picture that a window was cut from; None: the window's own
    templates: str | None = None  # folder of a template pack (docs/damage.md)
    categories: tuple[Category, ...] = ("transient", "persistent", "mixed")  # those that are drawn at all
    stored_first: Share = 0.3  # chance that a reel's rescaling, JPEG and MPEG came before the dirt, as in clean clips, and not after
    template_share: Share = 0.5  # share of pieces that are taken from it, of the kinds it has

    def __post_init__(self) -> None:
        for name in ("contrast", "softness"):
            low, high = getattr(self.look, name)
            if low > high:
                raise DamageError(f"damage recipe: look.{name} is [{low:g}, {high:g}]; give the least first, then the most")

    def as_json(self) -> str:
        """Canonical text: equal recipes give equal text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, ensure_ascii=False)


def damage_recipe_from(values: dict[str, Any], where: str = "damage recipe") -> DamageRecipe:
    """A recipe from nested tables; `preset` names the one that it starts from. Raises `DamageError` that names the place."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    given = dict(values)
    start = given.pop("preset", "medium")
    if not isinstance(start, str) or start not in PRESETS:
        raise DamageError(f'{where}: preset = "{start}" is none; give one of {", ".join(PRESETS)}')
    strict = with_config(ConfigDict(extra="forbid"))
    adapter: TypeAdapter[DamageRecipe] = TypeAdapter(strict(DamageRecipe))
    try:
        return adapter.validate_python(_over(dataclasses.asdict(PRESETS[start]), given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DamageError(f"{where}: {place}: {first['msg']}, found {first['input']!r}; see docs/damage.md for its values") from None


def _over(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`base` with what is given laid over it, table by table."""
    out = dict(base)
    for name, value in given.items():
        known = out.get(name)
        out[name] = _over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return out


def load_damage_recipe(name: str | Path) -> DamageRecipe:
    """A preset by its name, or a recipe from a TOML file (a `templates` folder in it counts from the file). Raises `DamageError`."""
    import tomllib

    if str(name) in PRESETS:
        return PRESETS[str(name)]
    path = Path(name)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        presets = ", ".join(PRESETS)
        raise DamageError(f"{path}: {error.strerror}; give a readable TOML file or one of the presets {presets}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DamageError(f"{path}: not TOML ({error}); mend it or give a preset") from None
    recipe = damage_recipe_from(values, str(path))
    if recipe.templates is None:
        return recipe
    return dataclasses.replace(recipe, templates=str(path.parent / recipe.templates))


_MEDIUM = DamageRecipe()
_CLEAN = {
    "dirt": DirtSettings(dust=0, clumps=0, sparkles=0),
    "hair": HairSettings(hairs=0, lint=0, fibres=0),
    "scratch": ScratchSettings(short=0, digs=0),
    "stain": StainSettings(water=0, fingerprints=0, burns=0),
    "lines": LineSettings(steady=0, wandering=0, broken=0, rain=0),
    "gate": GateSettings(hairs=0, spots=0),
    "edge": EdgeSettings(splices=0, tears=0, cue_marks=0),
}

PRESETS: Mapping[str, DamageRecipe] = MappingProxyType(
    {
        # a print that was handled well
        "light": DamageRecipe(
            dirt=DirtSettings(dust=3.0, clumps=0.06, sparkles=0.5),
            hair=HairSettings(hairs=0.06, lint=0.1, fibres=0.03),
            scratch=ScratchSettings(short=0.1, digs=0.04),
            stain=StainSettings(water=0.008, fingerprints=0.001, burns=0.0005),
            lines=LineSettings(steady=0.05, wandering=0.03, broken=0.06, rain=0.02),
            gate=GateSettings(hairs=0.03, spots=0.02),
            edge=EdgeSettings(splices=0.001, tears=0.0005),
            look=LookSettings(contrast=(0.15, 1.0)),
        ),
        "medium": _MEDIUM,
        # nitrate of the silent years after many showings
        "heavy": DamageRecipe(
            dirt=DirtSettings(dust=36.0, clumps=1.2, sparkles=5.0),
            hair=HairSettings(hairs=1.2, lint=1.8, fibres=0.5),
            scratch=ScratchSettings(short=2.5, digs=1.0),
            stain=StainSettings(water=0.25, fingerprints=0.03, burns=0.02),
            lines=LineSettings(steady=1.2, wandering=0.8, broken=2.0, rain=0.8),
            gate=GateSettings(hairs=0.3, spots=0.12),
            edge=EdgeSettings(splices=0.015, tears=0.012, cue_marks=0.002, jump=5.0),
            look=LookSettings(contrast=(0.35, 2.0)),
        ),
        # 8 mm reversal film from the attic: its own dirt, dark, large against the small frame, and hairs in the gate
        "home-movie": DamageRecipe(
            dirt=DirtSettings(dust=16.0, clumps=0.5, sparkles=0.2),
            hair=HairSettings(hairs=0.8, lint=1.0, fibres=0.5),
            scratch=ScratchSettings(short=0.8, digs=0.3),
            stain=StainSettings(water=0.05, fingerprints=0.02, burns=0.003),
            lines=LineSettings(steady=0.4, wandering=0.5, broken=0.3, rain=0.1),
            gate=GateSettings(hairs=0.7, spots=0.1),
            edge=EdgeSettings(splices=0.006, tears=0.002, cue_marks=0, jump=6.0),
            look=LookSettings(gauge="super 8", source="positive", stock="reversal", softness=(0.55, 1.1)),
            copying=CopySettings(grain=(0.015, 0.04), grain_size=(0.7, 1.3), weave=(0.2, 1.2), flicker=(0.005, 0.03), jpeg=0.4, mpeg=0.2),
        ),
        # scratches along the film alone
        "lines": DamageRecipe(
            **{**_CLEAN, "lines": LineSettings(steady=2.5, wandering=1.5, broken=3.0, rain=0.6)},  # type: ignore[arg-type]
            look=LookSettings(spread=0.4),
        ),
        # nothing at all: what comes out is what went in
        "none": DamageRecipe(**_CLEAN, copying=CopySettings.none()),  # type: ignore[arg-type]
    }
)
