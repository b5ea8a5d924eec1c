"""`frdm detect`: where defects are, as mattes; no film, no records."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.cli.progress import follow
from frdm.cli.settings import RecipeOptions, chosen_recipe, frame_range
from frdm.cli.summary import print_summary


def detect(
    film: Annotated[Path, Parameter(help="A movie, or a folder of numbered frames.")],
    /,
    *,
    mattes: Annotated[Path, Parameter(help="Folder that gets one 8-bit PNG a frame: 255 would be mended, 96 held, 0 nothing.")],
    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, both included, counted from 0.")] = None,
    settings: RecipeOptions = RecipeOptions(),  # noqa: B008 - frozen
) -> int:
    """Find defects and write them as one matte a frame; no film is written and nothing is recorded."""
    start, stop = frame_range(frames)
    print_summary(follow(jobs.detect(film, mattes, recipe=chosen_recipe(settings), start=start, stop=stop)))
    return 0
