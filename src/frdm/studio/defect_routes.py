"""Defects to look through, and what is decided about them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from frdm.jobs.project import Project
from frdm.ledger import browsing
from frdm.ledger.decisions import foreseen, history_of, judge
from frdm.ledger.records import By, DefectRow, Outcome
from frdm.ledger.undoing import actions, can, redo_last, undo_action, undo_last
from frdm.studio import asking, telling
from frdm.studio.desk import Desk

SAMPLE = 12  # defects that a preview shows


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api")

    @router.get("/defects")
    def defects(query: Annotated[asking.ListQuery, Query()]) -> dict[str, Any]:
        """One page of the list."""
        with desk.looking() as opened:
            total, rows = browsing.listed(opened.ledger, query.filter(), offset=query.offset, limit=query.limit)
            items = [telling.defect(row) for row in rows]
            return {"total": total, "offset": query.offset, "items": items, "version": telling.version(opened)}

    @router.get("/counts")
    def counted(query: Annotated[asking.FilterQuery, Query()]) -> dict[str, Any]:
        """How many fit."""
        with desk.looking() as opened:
            found = browsing.counts(opened.ledger, query.filter())
        return {
            "total": found.total,
            "frames": found.frames,
            "kinds": found.kinds,
            "statuses": found.statuses,
            "unreviewed": found.unreviewed,
            "histogram": found.histogram,
        }

    @router.get("/jump")
    def jump(query: Annotated[asking.JumpQuery, Query()]) -> dict[str, Any]:
        """The next one, or the one before."""
        with desk.looking() as opened:
            return next_shot(opened, query) if query.to == "shot" else next_defect(opened, query)

    add_single(router, desk)
    add_decisions(router, desk)
    add_history(router, desk)
    return router


def add_single(router: APIRouter, desk: Desk) -> None:
    """One defect, and where it stands in the list."""

    @router.get("/defects/{name}")
    def one(name: asking.Id) -> dict[str, Any]:
        """One defect with its history and versions."""
        with desk.looking() as opened:
            return in_full(opened, known(opened, name))

    @router.get("/defects/{name}/place")
    def place(name: asking.Id, query: Annotated[asking.SortedQuery, Query()]) -> dict[str, Any]:
        """Its row in the filtered list."""
        with desk.looking() as opened:
            known(opened, name)
            return {"index": browsing.place_of(opened.ledger, name, query.filter())}


def add_decisions(router: APIRouter, desk: Desk) -> None:
    """Accept, reject, confirm; and what that would come to."""

    @router.post("/decisions")
    def decide(body: asking.DecisionBody, by: asking.Asker) -> dict[str, Any]:
        """Record a decision."""
        with desk.project() as opened:
            outcome = judge(opened.ledger, body.verb, body.selection.selection(), by)
            told = {"action": outcome.action, "changed": outcome.changed, "reviewed": outcome.reviewed}
            return told | {"version": telling.version(opened)}

    @router.post("/decisions/preview")
    def preview(body: asking.DecisionBody) -> dict[str, Any]:
        """What it would change."""
        with desk.looking() as opened:
            return previewed(opened, body)


def add_history(router: APIRouter, desk: Desk) -> None:
    """Undo and redo."""

    @router.post("/undo")
    def undo(body: asking.UndoBody, by: asking.Asker) -> dict[str, Any]:
        """Take back one's own last action."""
        with desk.project() as opened:
            return turned(opened, undo_last(opened.ledger, by, everyone=body.everyone), by)

    @router.post("/redo")
    def redo(body: asking.UndoBody, by: asking.Asker) -> dict[str, Any]:
        """Do it again."""
        with desk.project() as opened:
            return turned(opened, redo_last(opened.ledger, by, everyone=body.everyone), by)

    @router.post("/actions/{number}/undo")
    def undo_one(number: asking.Whole, by: asking.Asker) -> dict[str, Any]:
        """Take back one action."""
        with desk.project() as opened:
            return turned(opened, undo_action(opened.ledger, number, by), by)

    @router.get("/actions")
    def history(
        by: asking.Asker, limit: Annotated[int, Query(ge=1, le=asking.MOST)] = 50, before: asking.Whole | None = None
    ) -> dict[str, Any]:
        """What people did, newest first."""
        with desk.looking() as opened:
            rows = actions(opened.ledger, before=before, limit=limit)
            able = can(opened.ledger, by)
        return {"actions": [telling.action(row, by) for row in rows], "can_undo": able[0], "can_redo": able[1]}


def known(project: Project, name: str) -> DefectRow:
    """The defect of an id. Raises `NotThereError`."""
    rows = browsing.by_ids(project.ledger, [name])
    if not rows:
        raise telling.NotThereError(f"{name}: no defect has this id; ids look like 000123-004")
    return rows[0]


def in_full(project: Project, row: DefectRow) -> dict[str, Any]:
    """A defect, its history, its versions."""
    lines = [] if row.repair is None else history_of(project.ledger, row.repair)
    versions = [] if row.repair is None else browsing.versions(project.ledger, row.repair)
    fields = ("action", "verb", "who", "at", "before", "after")
    told = [{field: getattr(line, field) for field in fields} for line in lines]
    return telling.defect(row) | {"history": told, "versions": [telling.defect(one) for one in versions]}


def next_defect(project: Project, query: asking.JumpQuery) -> dict[str, Any]:
    """The nearest defect of a sort in one direction."""
    assert query.to != "shot"
    if query.from_id is not None:
        known(project, query.from_id)
    row = browsing.step(project.ledger, query.to, query.filter(), frame=query.from_frame, after=query.from_id, backwards=query.backwards)
    return {"frame": None, "id": None, "shot": None} if row is None else {"frame": row.box.frame, "id": row.id, "shot": row.shot}


def next_shot(project: Project, query: asking.JumpQuery) -> dict[str, Any]:
    """The first frame of the next shot, or of the one before."""
    start = project.row.start
    begins = [(max(row.shot.start, start), row.number) for row in project.ledger.shots()]
    if query.backwards:
        found = next((one for one in reversed(begins) if one[0] < query.from_frame), None)
    else:
        found = next((one for one in begins if one[0] > query.from_frame), None)
    return {"frame": found[0], "id": None, "shot": found[1]} if found else {"frame": None, "id": None, "shot": None}


def turned(project: Project, outcome: Outcome, by: By) -> dict[str, Any]:
    """What an undo or redo came to."""
    rows = [] if outcome.action is None else actions(project.ledger, number=outcome.action, limit=1)
    told = telling.action(rows[0], by) if rows else None
    return {"action": told, "changed": rows[0].changed if rows else 0, "version": telling.version(project)}


def previewed(project: Project, body: asking.DecisionBody) -> dict[str, Any]:
    """What a decision would look at and change, with those nearest to the threshold."""
    ledger, selection = project.ledger, body.selection.selection()
    matched, changed = foreseen(ledger, body.verb, selection)
    kinds: dict[str, int] = {}
    for row in changed:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
    edge = selection.below if selection.below is not None else selection.above if selection.above is not None else 0.0
    nearest = sorted(changed, key=lambda row: (abs(row["confidence"] - edge), row["number"]))[:SAMPLE]
    return {
        "matched": matched,
        "changed": len(changed),
        "frames": len({row["frame"] for row in changed}),
        "kinds": kinds,
        "first_frame": min((row["frame"] for row in changed), default=None),
        "sample": [telling.defect(row) for row in browsing.defects(ledger, [row["number"] for row in nearest])],
    }
