"""`frdm dataset`: training data of real pairs, of synthesised damage, and of clean film, packed; and a look at it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from frdm.errors import DatasetError

if TYPE_CHECKING:
    from frdm.dataset.codec import Coding
    from frdm.dataset.labels import Models
    from frdm.dataset.manifest import Manifest
    from frdm.dataset.split import SplitRule

dataset = App(name="dataset", help="Make training data, and look at it.", default_parameter=Parameter(negative=""))

Clips = Annotated[tuple[Path, ...], Parameter(help="Movies, folders of numbered frames, or folders of movies with a SOURCES.csv.")]
Out = Annotated[Path, Parameter(name=["--out", "-o"], help="The pack: a new folder of shards and manifest.json.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PackOptions:
    """How films are read and a pack is stored."""

    form: Annotated[Literal["webp", "jpeg", "png"], Parameter(help="How pictures are stored; masks are always exact.")] = "webp"
    quality: Annotated[
        int | None, Parameter(help="1 … 100, smaller and no longer exact. Default: every code is kept; fitted, where a limit is given.")
    ] = None
    transfer: Annotated[
        Literal["video", "srgb", "log", "linear"] | None, Parameter(help="What the codes mean, where the film can't say.")
    ] = None
    fresh: Annotated[bool, Parameter(help="Replace a pack that is there.")] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Which films validate and test; a film is never divided."""

    validation: Annotated[float, Parameter(help="Share of the films that validate, drawn by their names.")] = 0.1
    test: Annotated[float, Parameter(help="Share of the films that test.")] = 0.0
    validation_films: Annotated[tuple[str, ...], Parameter(help="Films (or patterns such as davis-*) that validate; repeat it.")] = ()
    test_films: Annotated[tuple[str, ...], Parameter(help="Films (or patterns) that test; repeat it.")] = ()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Models that describe shots, as the library transformers saves them; without one, tags and captions are measured."""

    captioner: Annotated[Path | None, Parameter(help="Folder of a captioning model.")] = None
    classifier: Annotated[Path | None, Parameter(help="Folder of a CLIP or SigLIP model: labels shot size and camera angle.")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """What is known of the film that two versions show."""

    film: Annotated[str, Parameter(help="Its name: one film is never divided. Default: the name of BEFORE.")] = ""
    source: Annotated[str, Parameter(help="Where it comes from.")] = "unknown"
    licence: Annotated[str, Parameter(help="What may be done with it.")] = "unknown"
    gauge: Annotated[str, Parameter(help="35mm, 16mm, 8mm …")] = "unknown"
    caption: Annotated[str, Parameter(help="What it shows.")] = ""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AreaOptions:
    """Which part of the pictures is the film, for videos that show both versions at once: name the video twice."""

    before_area: Annotated[str | None, Parameter(help="left, right, top, bottom or x,y,w,h in pixels. Default: the whole.")] = None
    after_area: Annotated[str | None, Parameter(help="The same for AFTER.")] = None


@dataset.command
def pairs(
    before: Annotated[Path, Parameter(help="The film as it was scanned: a movie, or a folder of numbered frames.")],
    after: Annotated[Path, Parameter(help="The same film restored; it may begin elsewhere, lack frames, differ in size, crop and tone.")],
    /,
    *,
    out: Out,
    about: FilmOptions = FilmOptions(),
    areas: AreaOptions = AreaOptions(),
    frames: Annotated[int, Parameter(help="The longest sample.")] = 24,
    target: Annotated[Literal["scan", "after"], Parameter(help="Outside the mask: the scan's own codes, or all of AFTER.")] = "scan",
    visible: Annotated[float, Parameter(help="The least difference that counts, of 255.")] = 8.0,
    most_defect: Annotated[float, Parameter(help="Share of a picture that may differ before the frame is refused.")] = 0.25,
    packed: PackOptions = PackOptions(),
    split: SplitOptions = SplitOptions(),
    models: ModelOptions = ModelOptions(),
) -> int:
    """Conform two versions of a film and make training data of where they differ.

    Every frame that is left out is named with the reason, on the screen and in OUT/report.txt and report.json.
    """
    from frdm.dataset.conforming import PairSettings
    from frdm.dataset.difference import DifferenceSettings
    from frdm.dataset.pair_samples import Source
    from frdm.dataset.pairs import PairJob, pair

    if frames < 1 or not 0 < visible <= 255 or not 0 < most_defect <= 1:
        raise DatasetError(
            f"--frames {frames} --visible {visible:g} --most-defect {most_defect:g}: out of range, give 1 or more, ≤ 255, ≤ 1"
        )
    settings = PairSettings(DifferenceSettings(visible / 255), most_defect)
    said = Source(about.film, about.source, about.licence, about.gauge, about.caption, opened(models))
    shown = areas.before_area, areas.after_area
    job = PairJob(settings, coding(packed), said, split_rule(split), frames, target, shown, packed.transfer)
    manifest, _ = pair(before, after, out, job, fresh=packed.fresh)
    finished(out, manifest)
    return 0


@dataset.command
def synthesise(
    clips: Clips,
    /,
    *,
    out: Out,
    recipe: Annotated[str, Parameter(help="A damage recipe: light, medium, heavy, home-movie, lines, or a TOML file.")] = "medium",
    seed: Annotated[int, Parameter(help="The same seed gives the same damage.")] = 0,
    copies: Annotated[int, Parameter(help="How often every film is damaged, each time as another reel.")] = 1,
    frames: Annotated[int, Parameter(help="The longest sample.")] = 24,
    scale: Annotated[float, Parameter(help="Of the film's size. Compressed film is taken at 2/3 at most.")] = 1.0,
    packed: PackOptions = PackOptions(),
    split: SplitOptions = SplitOptions(),
    models: ModelOptions = ModelOptions(),
) -> int:
    """Damage clean film and pack degraded frames, pristine frames, masks and descriptions."""
    from frdm.damage.recipe import load_damage_recipe
    from frdm.dataset.sources import find_clips
    from frdm.dataset.synthesise import SynthesisSettings
    from frdm.dataset.synthesise import synthesise as made

    how = coding(packed), split_rule(split), opened(models)
    settings = SynthesisSettings(load_damage_recipe(recipe), recipe, seed, copies, frames, scale, *how)
    finished(out, made(find_clips(clips, transfer=packed.transfer), out, settings, fresh=packed.fresh))
    return 0


@dataset.command
def pack(
    clips: Clips,
    /,
    *,
    out: Out,
    limit: Annotated[str | None, Parameter(help="The most that the pack may weigh, such as 60MiB; size and quality are fitted.")] = None,
    scale: Annotated[float | None, Parameter(help="Of the film's size. Default: fitted. Compressed film: 2/3 at most.")] = None,
    frames: Annotated[int, Parameter(help="The longest sample.")] = 48,
    packed: PackOptions = PackOptions(),
    split: SplitOptions = SplitOptions(),
    models: ModelOptions = ModelOptions(),
) -> int:
    """Pack clean film, so that training needs neither the originals nor a decoder of movies."""
    from frdm.dataset.packing import PackSettings
    from frdm.dataset.packing import pack as made
    from frdm.dataset.sources import find_clips

    if frames < 1 or (scale is not None and not 0 < scale <= 1):
        raise DatasetError(f"--frames {frames} --scale {scale}: out of range, give 1 frame or more and a scale up to 1")
    settings = PackSettings(size_in_bytes(limit), packed.form, packed.quality, scale, frames, split_rule(split), opened(models))
    finished(out, made(find_clips(clips, transfer=packed.transfer), out, settings, fresh=packed.fresh))
    return 0


@dataset.command
def show(
    folder: Annotated[Path, Parameter(help="A pack's folder.")],
    /,
    *,
    sheet: Annotated[Path | None, Parameter(help="The contact sheet, a PNG. Default: NAME_sheet.png here.")] = None,
    count: Annotated[int, Parameter(help="Samples on the sheet, spread over the pack.")] = 12,
    side: Annotated[Literal["train", "validation", "test"] | None, Parameter(name="--split", help="Only this split.")] = None,
) -> int:
    """Say what a pack holds and draw a sheet of it: degraded, pristine, mask, tags."""
    from frdm.dataset.shards import Pack
    from frdm.dataset.sheet import sheet as drawn
    from frdm.dataset.sheet import summary
    from frdm.pictures import save_png

    held = Pack(folder, split=side)
    for line in summary(held):
        print(line)
    place = sheet or Path(f"{folder.resolve().name}_sheet.png")
    save_png(place, drawn(held, count=max(count, 1)))
    print(f"Contact sheet: {place}")
    return 0


def coding(options: PackOptions) -> "Coding":
    """The options as the coding that they are. Raises `DatasetError`."""
    from frdm.dataset.codec import Coding

    return Coding(options.form, options.quality)


def opened(options: ModelOptions) -> "Models":
    """The models that were asked for. Raises `DatasetError`."""
    from frdm.dataset.labels import open_models

    return open_models(options.captioner, options.classifier)


def split_rule(options: SplitOptions) -> "SplitRule":
    """The options as the rule that they are. Raises `DatasetError`."""
    from frdm.dataset.split import SplitRule

    return SplitRule(options.validation, options.test, options.validation_films, options.test_films)


def size_in_bytes(text: str | None) -> int | None:
    """`60MiB`, `60MB`, `1.5GiB` or plain bytes as bytes. Raises `DatasetError`."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?\s*", text, re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise DatasetError(f"--limit {text}: found no size, wanted one such as 60MiB")
    step = 1024 if found[3] else 1000
    return int(float(found[1]) * step ** " kmg".index(found[2].lower() or " "))


def finished(out: Path, manifest: "Manifest") -> None:
    """Say what came of it."""
    films, samples, frames = manifest.count()
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    counts = {split: sum(film.split == split for film in manifest.films.values()) for split in ("train", "validation", "test")}
    sides = ", ".join(f"{count} {split}" for split, count in counts.items() if count)
    print(f"{out}: {samples} samples of {films} films ({sides}), {frames} frames, {size:.1f} MiB. Look: frdm dataset show {out}")
