"""The options that every finding verb shares, and how they override the recipe file."""

import dataclasses
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from frdm.errors import RecipeError
from frdm.presets import apply_preset
from frdm.recipe import Recipe, load_recipe, recipe_from

PLACES = {
    "detector": ("detection", "detector"),
    "engine": ("filling", "engine"),
    "whole_frame": ("whole_frame", "on"),
    "steps": ("filling", "steps"),
    "sampler": ("filling", "sampler"),
    "seed": ("filling", "seed"),
    "weights": ("filling", "weights"),
    "backbone": ("filling", "backbone"),
    "device": ("filling", "device"),
    "measured_tags": ("filling", "measured"),
    "strength": ("detection", "strength"),
    "min_size": ("detection", "min_size"),
    "max_size": ("detection", "max_size"),
    "polarity": ("detection", "polarity"),
    "keep": ("detection", "keep"),
    "lines": ("detection", "lines"),
    "film_gauge": ("detection", "film"),
    "source": ("detection", "source"),
    "area": ("area", "area"),
    "transfer": ("transfer",),
    "fields": ("fields",),
    "stills": ("stills",),
    "protect": ("protect",),
    "dirtmap": ("dirtmap",),
}

OF_DIFFUSION = (  # options that mean nothing without it
    *("steps", "sampler", "seed", "weights", "backbone"),
    *("prompt", "prompt_file", "measured_tags"),
)
OF_DETECTORS = ("detector", "strength")  # … and with whole frames, which are restored without one


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """What is found and how it is mended; each option overrides the same setting of `--recipe`."""

    recipe: Annotated[Path | None, Parameter(help="TOML file with settings (docs/recipe.md).")] = None
    shots: Annotated[str | None, Parameter(help="EDL, OTIO or CSV that gives the shots; `none`: the whole film is one shot.")] = None
    detector: Annotated[
        str | None,
        Parameter(help="What finds defects: eye (net and pixel tests; of stills a net for single frames), net or classical (one alone)."),
    ] = None
    engine: Annotated[
        str | None,
        Parameter(
            help="What mends them: neighbours (real film from frames nearby), diffusion (the learned fill), auto (diffusion where "
            "neighbours can't tell)."
        ),
    ] = None
    whole_frame: Annotated[
        bool | None,
        Parameter(help="No detector: restore frames whole by diffusion, mend where they then differ beyond grain.", negative=""),
    ] = None
    steps: Annotated[int | None, Parameter(help="Steps of diffusion. Default: 4.")] = None
    sampler: Annotated[str | None, Parameter(help="Of diffusion: ddim (the default), dpm, consistency.")] = None
    seed: Annotated[int | None, Parameter(help="Of diffusion's noise. Default: 0.")] = None
    weights: Annotated[
        str | None,
        Parameter(help="In place of the hand that ships: the folder of an exported one, or a .safetensors of frdm train (needs torch)."),
    ] = None
    backbone: Annotated[str | None, Parameter(help="Folder of what a .safetensors of size paper was trained around.")] = None
    device: Annotated[
        str | None,
        Parameter(help="Where a .safetensors runs: cpu (the default) or cuda; exported weights take a card by themselves where they can."),
    ] = None
    prompt: Annotated[
        str | None,
        Parameter(help="What diffusion is told of every shot, such as 'motion: fast, gauge: 16mm', or a caption (docs/recipe.md)."),
    ] = None
    prompt_file: Annotated[Path | None, Parameter(help="TOML or JSON with a prompt for each shot.")] = None
    measured_tags: Annotated[bool | None, Parameter(help="Tell diffusion what can be measured of a shot: colour, motion.", negative="")] = (
        None
    )
    strength: Annotated[
        float | None, Parameter(help="How much is found, 0 to 1; low finds only what is certain. Default: 0.5, or as --film has it.")
    ] = None
    min_size: Annotated[
        float | None, Parameter(help="Smallest defect, in pixels of a 480-line picture. Default: 2, or as --film has it.")
    ] = None
    max_size: Annotated[
        float | None, Parameter(help="Largest defect, in pixels of a 480-line picture. Default: 120, or as --film has it.")
    ] = None
    polarity: Annotated[
        str | None, Parameter(help="Which dirt is looked for: both, dark or bright. Default: both, or as --from has it.")
    ] = None
    keep: Annotated[
        tuple[str, ...] | None, Parameter(help="Kinds that are left alone (repeat it). Default: cue mark, splice.", negative="")
    ] = None
    lines: Annotated[str | None, Parameter(help="Standing line scratches: mend (across the line, the default) or hold (report them).")] = (
        None
    )
    film_gauge: Annotated[
        str | None, Parameter(name="--film", help="The gauge: super8, 8mm, 16mm or 35mm; the smaller, the larger dirt looks.")
    ] = None
    source: Annotated[str | None, Parameter(name="--from", help="What was scanned: negative (its dirt is bright) or positive (dark).")] = (
        None
    )
    area: Annotated[str | None, Parameter(help="Which part is picture: auto (the default), whole or x,y,w,h in pixels.")] = None
    transfer: Annotated[
        Literal["video", "srgb", "log", "linear"] | None, Parameter(help="What the codes mean, where the film can't say.")
    ] = None
    fields: Annotated[bool | None, Parameter(help="Take interlaced film; its fields stay parts of one frame.", negative="")] = None
    stills: Annotated[
        bool | None, Parameter(help="Take unrelated pictures, of any sizes and names: each is found and mended by itself.", negative="")
    ] = None
    protect: Annotated[str | None, Parameter(help="Picture, or folder of pictures by frame: nothing is touched where it is bright.")] = None
    dirtmap: Annotated[
        str | None, Parameter(help="Picture or folder: dirt is where it is bright; `ir`, `alpha`, `plane:NAME`: a plane of the scan.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Which frames, and where the records lie."""

    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, both included, counted from 0.")] = None
    project: Annotated[Path | None, Parameter(help="Folder of the records. Default: OUT.frdm.")] = None
    jobs: Annotated[int | None, Parameter(help="Spans worked on side by side. Default: a quarter of the cores. No byte depends on it.")] = (
        None
    )
    vram: Annotated[
        str | None,
        Parameter(help="Memory that diffusion keeps to, such as 24GiB: of the graphics card, else of the machine. No byte depends on it."),
    ] = None
    fresh: Annotated[bool, Parameter(help="Throw an earlier run's records away and start over.")] = False


def chosen_recipe(options: RecipeOptions) -> Recipe:
    """The recipe of the file, or the default one, with the given options set, and presets for what neither says. Raises `RecipeError`."""
    values = dataclasses.asdict(load_recipe(options.recipe) if options.recipe else Recipe())
    given = {place: value for name, place in PLACES.items() if (value := getattr(options, name)) is not None}
    for place, value in given.items():
        put(values, place, value)
    if (prompts := prompts_of(options)) is not None:
        put(values, ("filling", "prompts"), prompts)
    if options.shots == "none":
        put(values, ("shots", "detect"), False)
    elif options.shots is not None:
        put(values, ("shots", "list"), options.shots)
    said = {name for table, *rest in given for name in rest if table == "detection"}
    recipe = apply_preset(recipe_from(values, "command line"), said | detection_said(options.recipe))
    refuse_idle(options, recipe)
    return recipe


def refuse_idle(options: RecipeOptions, recipe: Recipe) -> None:
    """Raise `RecipeError` for an option that would do nothing beside the others."""
    given = [name for name in (*OF_DIFFUSION, *OF_DETECTORS) if getattr(options, name) is not None]
    given += ["device"] if options.device not in (None, "cpu") else []
    if idle := next((name for name in given if name not in OF_DETECTORS and not recipe.by_diffusion), None):
        found = f"--{idle.replace('_', '-')}: only diffusion heeds it, real film alone was asked for"
        raise RecipeError(f"{found}; give --engine diffusion, --engine auto or --whole-frame too, or leave it out")
    if not recipe.whole_frame.on:
        return
    if idle := next((name for name in given if name in OF_DETECTORS), None):
        raise RecipeError(f"--{idle}: whole frames are restored without a detector; leave it or --whole-frame out")
    if options.engine not in (None, "diffusion"):
        raise RecipeError(f"--engine {options.engine}: whole frames are restored by diffusion; leave it or --whole-frame out")


def prompts_of(options: RecipeOptions) -> list[dict[str, Any]] | None:
    """The prompts that the options give; None: none. Raises `RecipeError`."""
    if options.prompt is not None and options.prompt_file is not None:
        raise RecipeError(f"--prompt and --prompt-file {options.prompt_file}: two words about the same shots found; give one of both")
    if options.prompt is not None:
        return [{"first": 0, "prompt": options.prompt}]
    return None if options.prompt_file is None else read_prompts(options.prompt_file)


def read_prompts(path: Path) -> list[dict[str, Any]]:
    """The list `shot` of a TOML or JSON file. Raises `RecipeError`."""
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; give a readable TOML or JSON file") from None
    except ValueError as error:
        raise RecipeError(f"{path}: neither TOML nor JSON ({error}); mend it or leave --prompt-file out") from None
    shots = values.get("shot") if isinstance(values, dict) else None
    if not isinstance(shots, list) or not all(isinstance(one, dict) and one.keys() == {"first", "prompt"} for one in shots):
        raise RecipeError(f"{path}: a list `shot` of tables with `first` and `prompt` was wanted; see docs/recipe.md for how it is written")
    return shots


def detection_said(path: Path | None) -> set[str]:
    """The settings of `detection` that a recipe file, already loaded without fault, names."""
    return set() if path is None else set(tomllib.loads(path.read_text(encoding="utf-8")).get("detection", {}))


def put(values: dict[str, Any], place: tuple[str, ...], value: object) -> None:
    """Set the value at a place in nested tables."""
    for table in place[:-1]:
        values = values[table]
    values[place[-1]] = value


def frame_range(text: str | None) -> tuple[int, int | None]:
    """`A-B` (both included, counted from 0; either may be left out) as a half-open start and stop. Raises `RecipeError`."""
    if text is None:
        return 0, None
    first, dash, last = text.partition("-")
    try:
        start = int(first) if first else 0
        stop = start + 1 if not dash else int(last) + 1 if last else None
    except ValueError:
        start, stop = 0, 0
    if stop is not None and stop <= start:
        raise RecipeError(f"--range {text}: found no range of frames, wanted FIRST-LAST counted from 0, such as 0-47")
    return start, stop


def frames_in(text: str | None, length: int, *, where: Path) -> range:
    """The frames that `--range` asks for, of a film of `length` frames. Raises `RecipeError` when it hasn't them."""
    start, stop = frame_range(text)
    if start >= length or (stop or 0) > length:
        raise RecipeError(f"{where}: --range {text} was asked for, the film has frames 0 to {length - 1}; give a range in it")
    return range(start, length if stop is None else stop)
