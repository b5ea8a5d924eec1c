"""`frdm preview`: two seconds, restored, as a wipe."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.cli.progress import follow
from frdm.cli.settings import RecipeOptions, chosen_recipe
from frdm.cli.summary import print_summary
from frdm.errors import RecipeError
from frdm.media.scan import info_at, open_scan
from frdm.media.writer import MOVIES
from frdm.pictures import film_wipe
from frdm.recipe import Recipe


def preview(
    film: Annotated[Path, Parameter(help="A movie, or a folder of numbered frames.")],
    /,
    *,
    at: Annotated[int, Parameter(help="The first frame (of stills: the picture), counted from 0.")] = 0,
    seconds: Annotated[float, Parameter(help="How long.")] = 2.0,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="The wipe, an .mp4; a still .png lies beside it.")] = None,
    vram: Annotated[str | None, Parameter(help="Memory that diffusion keeps to, such as 24GiB. No byte depends on it.")] = None,
    settings: RecipeOptions = RecipeOptions(),  # noqa: B008 - frozen
) -> int:
    """Restore two seconds and show them as a wipe between before and after; nothing else is left. Of stills one picture, as a PNG."""
    recipe = chosen_recipe(settings)
    wipe = out or Path(f"{film.resolve().stem}_preview.mp4")
    if recipe.stills and film.suffix.lower() not in MOVIES:
        return preview_picture(film, at, wipe.with_suffix(".png"), recipe, vram)
    with open_scan(film, transfer=recipe.transfer, fields=recipe.fields) as scan, TemporaryDirectory(prefix="frdm-") as place:
        frames = stretch(at, round(seconds * scan.info.rate), scan.info.length, where=film)
        target = Path(place) / ("restored" if scan.info.names else "restored.mkv")
        summary = follow(jobs.restore(film, target, recipe=recipe, start=frames.start, stop=frames.stop, memory=vram))
        with open_scan(target, transfer=recipe.transfer or scan.info.encoding.transfer, fields=recipe.fields) as restored:
            for made in (wipe.with_suffix(".png"), wipe):
                film_wipe(scan, restored, made, frames=frames, shift=frames.start, labels=("scan", "restored"))
    print_summary(summary, short=True)
    print(f"Wipe: {wipe} and {wipe.with_suffix('.png')}")
    return 0


def preview_picture(film: Path, at: int, wipe: Path, recipe: Recipe, vram: str | None = None) -> int:
    """Restore one of several unrelated pictures and show it as a still wipe."""
    with open_scan(film, transfer=recipe.transfer, fields=recipe.fields, stills=True) as album:
        stretch(at, 1, album.info.length, where=film)
        picture = info_at(album, at).path
    with TemporaryDirectory(prefix="frdm-") as place:
        target = Path(place) / picture.name
        summary = follow(jobs.restore(picture, target, recipe=recipe, memory=vram))
        with (
            open_scan(picture, transfer=recipe.transfer, fields=True, stills=True) as scan,
            open_scan(target, transfer=recipe.transfer, fields=True, stills=True) as restored,
        ):
            film_wipe(scan, restored, wipe, frames=range(1), labels=("scan", "restored"))
    print_summary(summary, short=True)
    print(f"Wipe: {wipe}")
    return 0


def stretch(first: int, count: int, length: int, *, where: Path) -> range:
    """`count` frames from `first` on, as far as the film has them. Raises `RecipeError`."""
    if not 0 <= first < length:
        raise RecipeError(f"{where}: --at {first} was asked for, the film has frames 0 to {length - 1}; give one of them")
    return range(first, min(first + max(count, 1), length))
