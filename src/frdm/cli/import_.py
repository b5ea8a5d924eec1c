"""`frdm import`: decisions from a file that `frdm export` wrote."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm.cli.export import counted
from frdm.ledger.merging import Merged


def import_decisions(
    project: Annotated[Path, Parameter(help="The project, OUT.frdm, that gets the decisions.")],
    file: Annotated[Path, Parameter(help="The .json or .csv that `frdm export` wrote from a copy of the same project.")],
    /,
    *,
    who: Annotated[str, Parameter(help="Who imports; also decides what was changed in the file by hand. Default: your name here.")] = "",
    partly: Annotated[
        bool, Parameter(help="Leave out decisions on repairs that this project doesn't have and the file has no pixels of.")
    ] = False,
    dry_run: Annotated[bool, Parameter(help="Only say what would come of it.")] = False,
) -> int:
    """Take over who decided, looked at, made and protected what, and when, as new entries; of two decisions on one repair the later stands.

    The film changes with the next `frdm render`.
    """
    from frdm.jobs import importing

    done = importing.import_decisions(project, file, who=who, partly=partly, rehearse=dry_run)
    merged = done.merged
    would = "would be taken" if dry_run else "taken"
    if merged.taken:
        print(f"{counted(merged.taken, 'decision')} on {counted(merged.repairs, 'repair')} {would} over from {file}.")
    else:
        print(f"No decision {would} over from {file}: {why_none(merged.known, merged.older, merged.same)}.")
    if done.edited:
        print(f"{done.edited} status{'es were' if done.edited > 1 else ' was'} changed in the file by hand.")
    for line in others(merged, would):
        print(line)
    if merged.replaced:
        print(f"{counted(merged.replaced, 'repair')} had been decided here earlier; the later decision stands.")
    if merged.taken and merged.older:
        print(f"{counted(merged.older, 'decision')} left out: somebody here decided later.")
    if done.unknown:
        print(f"frdm: {counted(done.unknown, 'decided repair')} of {file} isn't in {project} and was left out.", file=sys.stderr)
    if merged.conflicts:
        what = counted(merged.conflicts, "repair")
        print(f"frdm: {what} taken back: another version stands, or the place is protected; frdm accept by --id decides.", file=sys.stderr)
    if (merged.taken or merged.conflicts) and not dry_run:
        print(f"frdm render {project} puts them into the film.")
    return 0


def others(merged: Merged, would: str) -> Iterator[str]:
    """What came beside decisions, a line each."""
    if merged.made:
        renamed = f", {merged.renamed} under another id" if merged.renamed else ""
        yield f"{counted(merged.made, 'repair')} made by hand {would} over with {'its' if merged.made == 1 else 'their'} pixels{renamed}."
    if merged.reviews:
        yield f"{counted(merged.reviews, 'review')} {would} over."
    if merged.protections:
        yield f"{counted(merged.protections, 'protection')} {would} over."


def why_none(known: int, older: int, same: int) -> str:
    """Why nothing was left to take."""
    reasons = [(known, "known here already"), (older, "older than what was decided here"), (same, "without effect")]
    return ", ".join(f"{count} {reason}" for count, reason in reasons if count) or "there is none in it"
