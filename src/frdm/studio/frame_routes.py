"""Frames: what lies on them, their pictures, and the stages that they went through."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from frdm.jobs.layers import in_force
from frdm.jobs.project import Project
from frdm.ledger.browsing import frame_of, frame_state, of_frame
from frdm.ledger.made import protections
from frdm.studio import asking, picturing, stages, telling
from frdm.studio.desk import Desk, Encoded

LASTING = "private, max-age=86400, immutable"
ASKED_AGAIN = "private, no-cache"
AROUND = 2  # neighbours on either side that the page shows beside a frame


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api/frames/{index}")

    @router.get("")
    def frame(index: asking.Whole) -> dict[str, Any]:
        """What lies on a frame."""
        require_frame(desk, index)
        with desk.looking() as opened:
            return on_frame(desk, opened, index)

    @router.get("/at")
    def at(index: asking.Whole, x: asking.Real, y: asking.Real, radius: Annotated[float, Query(ge=0, le=500)] = 0) -> dict[str, Any]:
        """The defects at a place of the picture."""
        require_frame(desk, index)
        with desk.looking() as opened:
            return {"ids": hit(desk, opened, index, (x, y), radius=radius)}

    @router.get("/picture")
    def picture(index: asking.Whole, query: Annotated[asking.PictureQuery, Query()], request: Request) -> Response:
        """One picture."""
        require_frame(desk, index)
        encoded, tag = picturing.picture(desk, index, query)
        return answer(request, encoded, tag, lasting=bool(query.v))

    add_pipeline(router, desk)
    return router


def add_pipeline(router: APIRouter, desk: Desk) -> None:
    """The stages of a frame."""

    @router.get("/pipeline")
    def pipeline(index: asking.Whole) -> dict[str, Any]:
        """What was done to a frame, stage by stage."""
        require_frame(desk, index)
        with desk.looking() as opened:
            return {"frame": index, "stages": stages.told(desk, opened, index)}

    @router.get("/pipeline/{name}")
    def stage(index: asking.Whole, name: stages.Stage, request: Request, width: Annotated[int, Query(ge=16, le=4096)] = 960) -> Response:
        """One stage as a picture."""
        require_frame(desk, index)
        encoded, tag = stages.picture(desk, index, name, width)
        return answer(request, encoded, tag, lasting=False)


def require_frame(desk: Desk, index: int) -> None:
    """Raise `NotThereError` for a frame that the film doesn't have."""
    if index >= desk.info.length:
        raise telling.NotThereError(f"frame {index}: the film has frames 0 to {desk.info.length - 1}; give one of them")


def answer(request: Request, encoded: Encoded, tag: str, *, lasting: bool) -> Response:
    """A picture, or the word that the browser has it already."""
    headers = {
        "ETag": tag,
        "Cache-Control": LASTING if lasting else ASKED_AGAIN,
        "X-Frdm-Crop": ",".join(str(side) for side in encoded.crop),
        "X-Frdm-Scale": f"{encoded.scale:.6g}",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(encoded.data, media_type=encoded.media_type, headers=headers)


def on_frame(desk: Desk, project: Project, index: int) -> dict[str, Any]:
    """A frame with its defects and protected places."""
    ledger = project.ledger
    shot = next((row for row in ledger.shots() if row.shot.start <= index < row.shot.stop), None)
    start, stop = (0, desk.info.length) if shot is None else (shot.shot.start, min(shot.shot.stop, desk.info.length))
    seen = frame_of(ledger, index)
    return {
        "index": index,
        "shot": None if shot is None else shot.number,
        "shot_start": start,
        "shot_stop": stop,
        "seconds": float(index / desk.info.rate),
        "analysed": seen is not None,
        "noise": None if seen is None else seen.noise,
        "repeats": None if seen is None else seen.repeats,
        "altered": None if seen is None else seen.altered,
        "version": frame_state(ledger, index),
        "neighbours": [near for near in range(index - AROUND, index + AROUND + 1) if start <= near < stop],
        "defects": [telling.defect(row) for row in of_frame(ledger, index)],
        "protections": [telling.protection(row) for row in protections(ledger, index, index + 1)],
    }


def hit(desk: Desk, project: Project, index: int, place: tuple[float, float], *, radius: float) -> list[str]:
    """Ids of the defects within `radius` px of a place (x, y), topmost first, those that are in force before others.

    What is set aside is not there: nobody sees it.
    """
    x, y = place
    listed = [row for row in of_frame(project.ledger, index) if not row.aside]
    names = {row.id for row in listed}
    layers = [layer for layer in desk.layers.of(project, index) if layer.row.id in names]
    standing = {layer.row.id for layer in in_force(layers)}
    found: list[tuple[bool, int, str]] = []
    for order, layer in enumerate(layers):
        box, mask = layer.stored.defect_box, layer.stored.mask
        top, left = max(int(y - radius), box.top) - box.top, max(int(x - radius), box.left) - box.left
        bottom, right = int(y + radius) + 1 - box.top, int(x + radius) + 1 - box.left
        if bottom > 0 and right > 0 and mask[top:bottom, left:right].any():
            found.append((layer.row.id not in standing, -order, layer.row.id))
    inside = [
        row.id
        for row in listed
        if row.repair is None
        and row.box.left - radius <= x < row.box.right + radius
        and row.box.top - radius <= y < row.box.bottom + radius
    ]
    return [name for _, _, name in sorted(found)] + inside
