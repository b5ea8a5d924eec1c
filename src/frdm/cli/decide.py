"""`frdm accept`, `frdm reject`, `frdm undo`: what a person decides about repairs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from frdm import jobs
from frdm.errors import RecipeError
from frdm.film import KINDS, Kind

DONE: dict[str, str] = {"accept": "accepted", "reject": "rejected", "undo": "put back"}
Project = Annotated[Path, Parameter(help="The project, OUT.frdm, that `frdm restore` made.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which repairs are meant; conditions add up."""

    id: Annotated[tuple[str, ...], Parameter(help="A repair's number, such as 000123-004 (repeat it).")] = ()
    kind: Annotated[str | None, Parameter(help="dirt, hair, scratch …")] = None
    shot: Annotated[int | None, Parameter(help="All of a shot, counted from 1.")] = None
    below: Annotated[float | None, Parameter(help="Those whose confidence is less than this.")] = None


def accept(project: Project, /, *, choice: Choice = Choice()) -> int:
    """Accept repairs that were rejected or wait for a decision. The film changes with the next `frdm render`."""
    return decide(project, "accept", choice)


def reject(project: Project, /, *, choice: Choice = Choice()) -> int:
    """Reject repairs: the scan stays as it is there. The film changes with the next `frdm render`."""
    return decide(project, "reject", choice)


def undo(project: Project, /, *, choice: Choice = Choice()) -> int:
    """Take the last decision back, or the last one on each of the chosen repairs."""
    return decide(project, "undo", choice)


def decide(project: Path, action: Literal["accept", "reject", "undo"], choice: Choice) -> int:
    """Record a decision and say how many repairs it changed."""
    changed = jobs.decide(project, action, ids=choice.id, kind=known_kind(choice.kind), shot=choice.shot, below=choice.below)
    if changed:
        what = "repair" if changed == 1 else "repairs"
        print(f"{changed} {what} {DONE[action]}; frdm render {project} puts {'it' if changed == 1 else 'them'} into the film.")
    else:
        print(f"No repair was {DONE[action]}: none fits the conditions, or they were so already.")
    return 0


def known_kind(name: str | None) -> Kind | None:
    """The kind of that name. Raises `RecipeError`."""
    kind: Kind
    for kind in get_args(Kind):
        if kind == name:
            return kind
    if name is None:
        return None
    raise RecipeError(f"--kind {name}: not a kind of defect; give one of {', '.join(KINDS)}")
