"""`frdm render`: the film again, from scan and accepted repairs."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.cli.progress import follow
from frdm.cli.report import write_page
from frdm.cli.summary import print_summary


def render(
    project: Annotated[Path, Parameter(help="The project, OUT.frdm, that `frdm restore` made.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="Where to. Default: the project's own film is replaced.")] = None,
    codec: Annotated[str | None, Parameter(help="A movie's codec.")] = None,
    mattes: Annotated[Path | None, Parameter(help="Folder that gets one 8-bit PNG a frame.")] = None,
    film: Annotated[Path | None, Parameter(help="Where the scan lies now, if it was moved.")] = None,
) -> int:
    """Make the restored film again as the decisions stand now; nothing is searched for again."""
    summary = follow(jobs.render(project, out, codec=codec, mattes=mattes, film=film))
    print_summary(summary, again="It shows every decision.")
    write_page(project)
    return 0
