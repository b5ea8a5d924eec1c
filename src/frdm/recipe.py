"""The recipe of a restoration: one frozen dataclass a stage, saved in the project and passed whole.

Lengths in pixels are for pictures 480 lines high and grow with the picture. `load_recipe` reads TOML whose tables are the stages' names.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from frdm.errors import RecipeError
from frdm.film import Kind

Share = Annotated[float, Ge(0), Le(1)]
Length = Annotated[float, Ge(0)]  # px of a 480-line picture
Gauge = Literal["super8", "8mm", "16mm", "35mm"]


@dataclass(frozen=True, slots=True)
class ShotSettings:
    """How shots are found."""

    detect: bool = True  # False: the whole film is one shot
    list: str | None = None  # an EDL, OTIO or CSV that gives the shots instead
    threshold: Annotated[float, Gt(0)] = 3.0  # scenedetect's adaptive threshold
    shortest: Annotated[int, Ge(1)] = 6  # frames


@dataclass(frozen=True, slots=True)
class Detection:
    """What counts as a defect."""

    detector: Literal["eye", "net", "classical"] = "eye"  # the net and the pixel tests together, the net alone, the tests alone
    strength: Share = 0.5  # 0 … 1: how much is found; low finds only the certain
    by_stretch: bool = True  # frames of each stretch are looked at first; where none shows sure dirt, only what is surer is mended
    polarity: Literal["both", "dark", "bright"] = "both"
    min_size: Length = 2.0  # px of a 480-line picture, the square root of the area
    max_size: Length = 120.0
    keep: tuple[Kind, ...] = ("cue mark", "splice")
    flash_frames: Literal["keep", "repair"] = "keep"
    lines: Literal["hold", "mend"] = "mend"  # standing lines: mended across, or reported alone
    film: Gauge | None = None
    source: Literal["negative", "positive"] | None = None  # what was scanned: dirt is dark on a positive, bright on a print from a negative
    dirtmap_threshold: Share = 0.5  # 0 … 1 of a given dirt map or infrared channel


@dataclass(frozen=True, slots=True)
class ShotPrompt:
    """What diffusion is told of the shots that begin at frame `first` or later, up to the next one's."""

    first: Annotated[int, Ge(0)] = 0
    prompt: str = ""  # a caption, or for nets that know tags alone `motion: fast, gauge: 16mm`


@dataclass(frozen=True, slots=True)
class Filling:
    """How a defect is mended; from `steps` on by diffusion."""

    engine: Literal["neighbours", "diffusion", "auto"] = "neighbours"  # auto: diffusion where neighbours can't tell
    least_trust: Share = 0.35  # below it a defect is held
    feather: Length = 1.5  # px of a 480-line picture
    steps: Annotated[int, Ge(1), Le(1000)] = 4
    sampler: Literal["ddim", "dpm", "consistency"] = "ddim"
    seed: Annotated[int, Ge(0), Le(0xFFFFFFFF)] = 0
    weights: str | None = None  # in place of those that ship: a folder of hand_see.onnx and hand_step.onnx, or a .safetensors (torch)
    backbone: str | None = None  # the folder of what such a .safetensors was trained around
    device: Literal["cpu", "cuda"] = "cpu"  # where such a .safetensors runs: a card rounds otherwise than a processor
    prompts: tuple[ShotPrompt, ...] = ()
    measured: bool = False  # tell it besides what can be measured of a shot: colour and motion


@dataclass(frozen=True, slots=True)
class WholeFrameSettings:
    """Restoration without a detector: frames are restored whole by diffusion, and defects are where they then differ beyond grain."""

    on: bool = False
    beyond: Annotated[float, Gt(0)] = 5.0  # times the grain that a difference must reach …
    edge: Annotated[float, Gt(0)] = 2.0  # … and down to which what lies around it belongs to it


@dataclass(frozen=True, slots=True)
class AreaSettings:
    """Which part of the frame is picture: "auto", "whole" or "x,y,w,h" in pixels of the scan."""

    area: str = "auto"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a restoration's bytes, with film and weights."""

    shots: ShotSettings = field(default_factory=ShotSettings)
    detection: Detection = field(default_factory=Detection)
    filling: Filling = field(default_factory=Filling)
    whole_frame: WholeFrameSettings = field(default_factory=WholeFrameSettings)
    area: AreaSettings = field(default_factory=AreaSettings)
    span: Annotated[int, Ge(1)] = 240  # frames of a shot that are done or not done as a whole
    most_altered: Share = 0.25  # share of a frame's pixels; `frdm verify` fails above it
    transfer: Literal["video", "srgb", "log", "linear"] | None = None
    fields: bool = False
    stills: bool = False  # pictures that have nothing to do with each other: each is found and mended by itself
    protect: str | None = None  # a picture, or a folder of pictures by frame, where nothing may be touched
    dirtmap: str | None = None  # the same, where dirt is known to be

    @property
    def by_diffusion(self) -> bool:
        """Whether diffusion's weights are asked for."""
        return self.filling.engine != "neighbours" or self.whole_frame.on

    @property
    def needs_shots(self) -> bool:
        """Whether a shot's end must be known before its first frame is mended: what is made or measured there hangs on later frames."""
        return self.whole_frame.on or (self.by_diffusion and self.filling.measured)

    def as_json(self) -> str:
        """Canonical text: equal recipes give equal text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, ensure_ascii=False)


def refuse_contradictions(recipe: Recipe) -> None:
    """Raise `RecipeError` where one setting asks for what another rules out."""
    if recipe.whole_frame.on and recipe.dirtmap is not None:
        raise RecipeError(f"whole_frame: finds by itself what is damaged, found dirtmap = {recipe.dirtmap} besides; give one of both")
    if recipe.whole_frame.on and recipe.detection.lines == "hold":
        raise RecipeError("whole_frame: mends standing lines like all else that differs, found lines = hold; give one of both")
    starts = [one.first for one in recipe.filling.prompts]
    if twice := [start for start in starts if starts.count(start) > 1]:
        raise RecipeError(f"prompts: two that begin at frame {twice[0]} found; give each shot one")


def recipe_from(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from nested tables; unknown names and wrong types raise `RecipeError` that names the place."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="forbid"))
    adapter: TypeAdapter[Recipe] = TypeAdapter(strict(Recipe))
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{where}: {place}: {first['msg']}, found {first['input']!r}; see docs/recipe.md for its values") from None


def load_recipe(path: Path) -> Recipe:
    """A recipe from a TOML file."""
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; give a readable TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not TOML ({error}); mend it or leave --recipe out") from None
    return recipe_from(values, str(path))
