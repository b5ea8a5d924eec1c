"""The project as a whole: what it is, its shots, the timeline's density, claims, the report."""

import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from frdm import jobs
from frdm.errors import LedgerError, MediaError, RecipeError
from frdm.film import KINDS, ScanInfo
from frdm.jobs.painting import MOST_FRAMES
from frdm.jobs.project import Project
from frdm.ledger import claims
from frdm.ledger.browsing import Filter, counts, density, shot_counts
from frdm.ledger.made import protections
from frdm.ledger.records import By, ClaimRow, OutputRow, Selection
from frdm.reporting import treatment_report
from frdm.studio import asking, colours, telling
from frdm.studio.desk import Desk
from frdm.studio.guard import LARGEST
from frdm.studio.ways import RECORDED, Way, ways

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
NOTHING = {"accepted": 0, "rejected": 0, "held": 0, "unreviewed": 0, "painted": 0, "defects": 0}


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api")

    @router.get("/project")
    def project(by: asking.Asker) -> dict[str, Any]:
        """What the project is."""
        told = summary(desk, by)
        if not desk.begun:
            return told | begun_none(desk)
        with desk.looking() as opened:
            return told | begun(desk, opened)

    @router.get("/shots")
    def shots(by: asking.Asker) -> dict[str, Any]:
        """All shots, counted."""
        with desk.looking() as opened:
            claimed = {row.shot: row for row in claims.claims(opened.ledger)}
            return {"shots": shot_list(opened, claimed, by), "version": telling.version(opened)}

    @router.get("/density")
    def timeline(
        bins: Annotated[int, Query(ge=1, le=4000)] = 1200, start: asking.Whole | None = None, stop: asking.Whole | None = None
    ) -> dict[str, Any]:
        """Defects along the film."""
        with desk.looking() as opened:
            return timeline_of(opened, start=start, stop=stop, bins=bins)

    @router.get("/engines")
    def engines() -> dict[str, Any]:
        """The ways to mend by hand, by which weights, and why one can't be had here."""
        return {"engines": [way.as_json() for way in ways_of(desk)]}

    @router.get("/legend")
    def legend() -> dict[str, Any]:
        """The colours of pictures, and the lines of statuses."""
        return meanings()

    add_claims(router, desk)
    add_report(router, desk)
    return router


def add_claims(router: APIRouter, desk: Desk) -> None:
    """Who works on which shot."""

    @router.get("/claims")
    def claimed(by: asking.Asker) -> dict[str, Any]:
        """All claims that stand."""
        with desk.looking() as opened:
            return {"claims": [telling.claim(row, by) for row in claims.claims(opened.ledger)]}

    @router.post("/shots/{number}/claim")
    def claim(number: asking.Whole, body: asking.ClaimBody, by: asking.Asker) -> dict[str, Any]:
        """Claim a shot for this seat."""
        with desk.project() as opened:
            require_shot(opened, number)
            if not by.seat:
                raise RecipeError("X-Frdm-Seat: a claim is of a seat, and none was named; send the seat's name")
            return telling.claim(claims.claim(opened.ledger, number, by, take_over=body.take_over), by)

    @router.delete("/shots/{number}/claim")
    def release(number: asking.Whole, by: asking.Asker) -> dict[str, Any]:
        """Give it back."""
        with desk.project() as opened:
            require_shot(opened, number)
            return {"released": claims.release(opened.ledger, number, by)}


def add_report(router: APIRouter, desk: Desk) -> None:
    """The treatment report."""

    @router.get("/report")
    def report() -> dict[str, Any]:
        """report.json as the decisions stand now."""
        with desk.project():
            return jobs.report_data(desk.folder)

    @router.get("/report.html")
    def page(crops: Annotated[int, Query(ge=0, le=60)] = 12) -> Response:
        """The report as a page of its own."""
        with desk.project():
            data = jobs.report_data(desk.folder)
        try:
            shown = list(jobs.crops(desk.folder, crops))
        except (LedgerError, MediaError):
            shown = []  # the film is gone: the page says so by having none
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return Response(treatment_report(data, shown), media_type="text/html", headers=headers)


def require_shot(project: Project, number: int) -> None:
    """Raise `NotThereError` for a shot that isn't there."""
    known = project.ledger.shots()
    if not any(row.number == number for row in known):
        raise telling.NotThereError(f"shot {number}: this project has shots 1 to {len(known)}; give one of them")


def meanings() -> dict[str, list[dict[str, str]]]:
    """What colours and lines stand for."""
    tables = {"provenance": colours.SOURCE, "kinds": colours.KIND, "statuses": colours.STATUS}
    found = {name: [{"name": one, "colour": colours.hex_of(colour)} for one, colour in table.items()] for name, table in tables.items()}
    return found | {"statuses": [one | {"line": colours.LINE[one["name"]]} for one in found["statuses"]]}


def ways_of(desk: Desk) -> list[Way]:
    """The ways to mend by hand that the project, or the film that has none yet, can take."""
    if not desk.begun:
        return ways(desk.recipe)
    with desk.project() as opened:
        recipe, versions = desk.recipe_of(opened), json.loads(opened.row.versions)
    return ways(recipe, versions.get(RECORDED))


def summary(desk: Desk, by: By) -> dict[str, Any]:
    """What is so with or without a ledger."""
    job = desk.runner.job
    return {
        "name": desk.info.path.resolve().name,
        "folder": desk.folder.name,
        "mark": desk.mark,
        "film": film_of(desk.info),
        "limits": {"body": LARGEST, "paint_frames": MOST_FRAMES, "page": asking.MOST},
        "stills": desk.recipe.stills,
        "who": by.who,
        "seat": by.seat,
        "job": None if job is None else job.as_json(),
        "warnings": list(desk.warnings),
    }


def begun_none(desk: Desk) -> dict[str, Any]:
    """A project that is not there yet."""
    return {
        "begun": False,
        "finished": False,
        "analysed": 0,
        "range": [0, desk.info.length],
        "version": {"action": 0, "repairs": 0, "analysed": 0},
        "totals": NOTHING,
        "kinds": kinds({}),
        "outputs": [],
    }


def begun(desk: Desk, project: Project) -> dict[str, Any]:
    """A project as its ledger has it."""
    ledger, row = project.ledger, project.row
    found, state = counts(ledger, Filter()), telling.version(project)
    painted = counts(ledger, Filter(Selection(painted=True))).total
    last = ledger.last_decision()
    totals = {status: found.statuses.get(status, 0) for status in ("accepted", "rejected", "held")}
    return {
        "begun": True,
        "finished": row.shots_found and state["analysed"] >= row.stop - row.start,
        "analysed": state["analysed"],
        "range": [row.start, row.stop],
        "version": state,
        "totals": totals | {"unreviewed": found.unreviewed, "painted": painted, "defects": found.total},
        "kinds": kinds(found.kinds),
        "outputs": [output(one, last) for one in ledger.outputs() if one.state != "replaced"],
    }


def kinds(found: dict[str, int]) -> list[dict[str, Any]]:
    """All kinds, counted, with their colours."""
    return [{"name": kind, "count": found.get(kind, 0), "colour": colours.hex_of(colours.KIND[kind])} for kind in KINDS]


def output(row: OutputRow, last: int) -> dict[str, Any]:
    """A rendered film; stale when decisions were made since."""
    return {"name": Path(row.path).name, "state": row.state, "finished": row.finished or None, "stale": row.decision != last}


def film_of(info: ScanInfo) -> dict[str, Any]:
    """What is known of the film."""
    e = info.encoding
    names = {"y": ["Y"], "rgb": ["R", "G", "B"], "ycbcr": ["Y", "Cb", "Cr"]}[e.layout]
    encoding = {"layout": e.layout, "bits": e.bits, "floating": e.floating, "transfer": e.transfer, "planes": names, "extra": list(e.extra)}
    return {
        "name": info.path.resolve().name,
        "width": info.width,
        "height": info.height,
        "frames": info.length,
        "rate": str(info.rate),
        "rate_value": float(info.rate),
        "pixel_aspect": float(info.pixel_aspect),
        "container": info.container,
        "codec": info.codec,
        "encoding": encoding,
    }


def shot_list(project: Project, claimed: dict[int, ClaimRow], by: By) -> list[dict[str, Any]]:
    """Shots as the page shows them; the thumbnail is of a shot's middle."""
    counted, listed = shot_counts(project.ledger), []
    for row in project.ledger.shots():
        start, stop = max(row.shot.start, project.row.start), min(row.shot.stop, project.row.stop)
        here, held = counted[row.number], claimed.get(row.number)
        statuses = {status: here.statuses.get(status, 0) for status in ("accepted", "rejected", "held")}
        listed.append(
            {
                "number": row.number,
                "start": start,
                "stop": stop,
                "analysed": here.analysed >= stop - start,
                **statuses,
                "unreviewed": here.unreviewed,
                "painted": here.painted,
                "kinds": here.kinds,
                "altered": here.altered,
                "worst_frame": here.worst,
                "claim": None if held is None else telling.claim(held, by),
                "thumbnail": f"/api/frames/{(start + stop) // 2}/picture?view=before&width=240",
            }
        )
    return listed


def timeline_of(project: Project, *, start: int | None, stop: int | None, bins: int) -> dict[str, Any]:
    """The timeline of a part of the film, in at most a bin a frame. Raises `RecipeError`."""
    row, ledger = project.row, project.ledger
    frames = asking.frames_of(row.start if start is None else start, row.stop if stop is None else min(stop, row.stop))
    found = density(ledger, frames.start, stop=frames.stop, bins=min(bins, len(frames)))
    live = [one for one in protections(ledger, frames.start, frames.stop) if one.live]
    cuts = [max(shot.shot.start, row.start) for shot in ledger.shots()]
    return {
        "start": frames.start,
        "stop": frames.stop,
        "bins": len(found.altered),
        "frames_per_bin": len(frames) / len(found.altered),
        **found.counts,
        "altered": found.altered,
        "analysed": found.analysed,
        "cuts": [cut for cut in cuts if frames.start <= cut < frames.stop],
        "protected": [[one.start, one.stop] for one in live],
        "version": telling.version(project),
    }
