"""`frdm export`: the ledger, its markers, the repairs or their mattes for other programs."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from frdm.errors import RecipeError
from frdm.film import Status
from frdm.jobs import Progress

Form = Literal["json", "csv", "otio", "edl", "resolve", "overlay-exr", "overlay-png", "mattes"]
BY_SUFFIX: dict[str, Form] = {".json": "json", ".csv": "csv", ".otio": "otio", ".edl": "edl"}


def export(
    project: Annotated[Path, Parameter(help="The project, OUT.frdm, that `frdm restore` made.")],
    out: Annotated[Path, Parameter(help="The file, or for pictures the folder, that is made.")],
    /,
    *,
    form: Annotated[
        Form | None,
        Parameter(
            name="--as",
            help="json or csv: every defect and decision; otio or edl: markers; resolve: markers as DaVinci Resolve reads them (.edl); "
            "overlay-exr or overlay-png: the repairs alone; mattes. Default: by OUT's suffix.",
        ),
    ] = None,
    per: Annotated[Literal["defect", "shot"], Parameter(help="A marker a defect, or a marker a shot.")] = "defect",
    status: Annotated[tuple[Status, ...], Parameter(help="Markers only of accepted, rejected or held defects (repeat it).")] = (),
    alpha: Annotated[
        Literal["whole", "soft"], Parameter(help="Overlays: whole (opaque wherever a pixel may differ) or soft (the repairs' own mattes).")
    ] = "whole",
    timecode: Annotated[str | None, Parameter(help="HH:MM:SS:FF of the film's first frame. Default: what the film says.")] = None,
    film: Annotated[Path | None, Parameter(help="Where the scan lies now, if it was moved (overlays, mattes).")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace a file of that name. A folder is never replaced.")] = False,
) -> int:
    """Write what the project knows for other programs, as the decisions stand now; nothing in the project changes."""
    from frdm.jobs.exporting import export_ledger
    from frdm.jobs.markers import Wanted, export_markers
    from frdm.jobs.pictures_out import export_mattes, export_overlays

    chosen = form or form_of(out)
    if chosen in ("json", "csv"):
        count = export_ledger(project, out, chosen, overwrite=overwrite)
        print(f"{counted(count, 'defect')} with all decisions: {out}")
    elif chosen in ("otio", "edl", "resolve"):
        count = export_markers(project, out, chosen, wanted=Wanted(per, status, timecode), overwrite=overwrite)
        print(f"{counted(count, 'marker')}: {out}")
    elif chosen == "mattes":
        follow_pictures(export_mattes(project, out, film=film), out)
    else:
        kind: Literal["exr", "png"] = "exr" if chosen == "overlay-exr" else "png"
        follow_pictures(export_overlays(project, out, form=kind, alpha=alpha, film=film, timecode=timecode), out)
    return 0


def form_of(out: Path) -> Form:
    """What a name's suffix asks for. Raises `RecipeError`."""
    found = BY_SUFFIX.get(out.suffix.lower())
    if found is None:
        raise RecipeError(f"{out}: its name doesn't say what to export; give --as with one of {', '.join(get_args(Form))}")
    return found


def follow_pictures(job: Iterator[Progress], out: Path) -> None:
    """Run a job of one picture a frame, with a bar on a terminal, and say what came of it."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    last: Progress | None = None
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("frames", total=None)
        for last in job:
            bar.update(task, completed=last.frame, total=last.frames)
    assert last is not None, "an export ends with its last step"
    if last.note:
        print(f"frdm: {last.note}", file=sys.stderr)
    print(f"{counted(last.frames, 'picture')} with {counted(last.mended, 'accepted repair')}: {out}")


def counted(count: int, what: str) -> str:
    """`1 defect`, `12 defects`."""
    return f"{count} {what}{'s' * (count != 1)}"
