"""Mending by hand: paint, make again, protect."""

import time
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, Response

from frdm.errors import RecipeError
from frdm.jobs.painting import Painted
from frdm.jobs.project import Project
from frdm.jobs.protecting import Film, protect
from frdm.ledger.browsing import by_ids
from frdm.ledger.made import protected_mask, protections
from frdm.studio import asking, telling
from frdm.studio.defect_routes import known
from frdm.studio.desk import Desk


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api")

    @router.post("/paint")
    def paint(body: asking.PaintBody, by: asking.Asker) -> dict[str, Any]:
        """Mend what is drawn."""
        frames, began = inside(desk, body.start, body.stop), time.monotonic()
        with desk.painting, desk.project() as opened:
            shapes = asking.drawn_shapes(body.shapes)
            done = desk.brush(opened).paint(opened, frames, shapes, kind=body.kind, wish=body.wish(), by=by)
            return painted(opened, done, time.monotonic() - began)

    @router.post("/defects/{name}/again")
    def again(name: asking.Id, body: asking.WishBody, by: asking.Asker) -> dict[str, Any]:
        """Make a repair again, otherwise."""
        began = time.monotonic()
        with desk.painting, desk.project() as opened:
            known(opened, name)
            return painted(opened, desk.brush(opened).again(opened, name, body.wish(), by), time.monotonic() - began)

    add_protections(router, desk)
    return router


def add_protections(router: APIRouter, desk: Desk) -> None:
    """Places where nothing may be altered."""

    @router.post("/protections")
    def guard(body: asking.ProtectBody, by: asking.Asker) -> dict[str, Any]:
        """Protect what is drawn."""
        frames = inside(desk, body.start, body.stop)
        with desk.painting, desk.project() as opened:
            shapes = asking.drawn_shapes(body.shapes)
            done = protect(Film(opened, desk.frames.scan, desk.layers), frames, shapes, by=by, note=body.note)
            made = next(row for row in protections(opened.ledger, body.start, body.stop) if row.action == done.action)
            told = {"action": done.action, "protection": telling.protection(made), "changed": done.changed}
            return told | {"version": telling.version(opened)}

    @router.get("/protections")
    def listed(start: asking.Whole = 0, stop: asking.Whole = 10**9) -> dict[str, Any]:
        """All protected places, lifted ones too."""
        with desk.looking() as opened:
            return {"protections": [telling.protection(row) for row in protections(opened.ledger, start, stop)]}

    @router.get("/protections/{number}/mask")
    def mask(number: asking.Whole) -> Response:
        """A protected place as a picture of its box."""
        with desk.looking() as opened:
            if not any(row.number == number for row in protections(opened.ledger, 0, 10**9)):
                raise telling.NotThereError(f"protection {number}: there is none with this number; the list of protections has them")
            picture = protected_mask(opened.ledger, number).view(np.uint8) * np.uint8(255)
        return Response(cv2.imencode(".png", picture)[1].tobytes(), media_type="image/png")


def inside(desk: Desk, start: int, stop: int) -> range:
    """Frames start … stop-1 of the film. Raises `RecipeError`."""
    frames = asking.frames_of(start, stop)
    if stop > desk.info.length:
        raise RecipeError(f"frames {start} to {stop - 1}: the film has frames 0 to {desk.info.length - 1}; give some of them")
    return frames


def painted(project: Project, done: Painted, seconds: float) -> dict[str, Any]:
    """What came of painting."""
    return {
        "action": done.action,
        "made": [telling.defect(row) for row in by_ids(project.ledger, done.ids)],
        "refused": [{"frame": frame, "reason": reason} for frame, reason in done.refused],
        "seconds": round(seconds, 3),
        "version": telling.version(project),
    }
