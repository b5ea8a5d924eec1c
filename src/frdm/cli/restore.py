"""`frdm restore`: scan in, restored film out, every repair on record."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.cli.progress import follow
from frdm.cli.report import write_page
from frdm.cli.settings import RecipeOptions, RunOptions, chosen_recipe, frame_range
from frdm.cli.summary import print_summary
from frdm.errors import RecipeError


def restore(
    film: Annotated[Path, Parameter(help="A movie, or a folder of numbered frames. It is never written to.")],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(name=["--out", "-o"], help="Where to: a folder for a folder, else a movie. Default: NAME_frdm beside the film."),
    ] = None,
    mattes: Annotated[Path | None, Parameter(help="Folder that gets one 8-bit PNG a frame: above 0 where a code may differ.")] = None,
    codec: Annotated[str | None, Parameter(help="A movie's codec. Default: the scan's own if lossless, else FFV1.")] = None,
    dry_run: Annotated[bool, Parameter(help="Find and report; write no film.")] = False,
    run: RunOptions = RunOptions(),  # noqa: B008 - frozen
    settings: RecipeOptions = RecipeOptions(),  # noqa: B008
) -> int:
    """Find dirt, hairs and blotches, mend them, by default from the frames nearby, and leave every other code value as it was.

    Killed at any moment, the same command goes on from the last whole span and gives the same bytes. Repairs are kept in the project
    (OUT.frdm), from which `frdm render` makes the film again after `frdm accept`, `reject` and `undo`.
    """
    start, stop = frame_range(run.frames)
    recipe = chosen_recipe(settings)
    if run.vram is not None and not recipe.by_diffusion:
        raise RecipeError(f"--vram {run.vram}: only diffusion keeps to it, real film alone was asked for; leave it out")
    steps = jobs.restore(
        film,
        out,
        recipe=recipe,
        project=run.project,
        start=start,
        stop=stop,
        mattes=mattes,
        codec=codec,
        dry_run=dry_run,
        fresh=run.fresh,
        jobs=run.jobs,
        memory=run.vram,
    )
    summary = follow(steps)
    print_summary(summary)
    if summary.project is not None:
        write_page(summary.project)
    return 0
