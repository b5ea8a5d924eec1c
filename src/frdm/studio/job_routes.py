"""Jobs, and the stream of events by which every open page learns what happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from frdm.errors import FrdmError
from frdm.ledger import claims
from frdm.ledger.records import By
from frdm.studio import asking, telling
from frdm.studio.desk import Desk
from frdm.studio.running import JobState, Pictures

TICK = 0.25  # seconds between looks at the job
EVERY = 3  # ticks between looks at the ledger
ALIVE = 15.0  # seconds of silence after which a line is sent that means nothing


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api")

    @router.get("/job")
    def job() -> dict[str, Any]:
        """The current job, or the last one."""
        return {"job": told(desk.runner.job)}

    @router.post("/job", status_code=202)
    def start(body: asking.JobBody) -> dict[str, Any]:
        """Begin a job."""
        return desk.runner.start(body.kind, body.codec, Pictures(body.form, body.alpha)).as_json()

    @router.post("/job/pause")
    def pause() -> dict[str, Any]:
        """Let it wait."""
        return desk.runner.pause().as_json()

    @router.post("/job/resume")
    def resume() -> dict[str, Any]:
        """Let it go on."""
        return desk.runner.resume().as_json()

    @router.post("/job/stop")
    def stop() -> dict[str, Any]:
        """End it; whole spans are kept."""
        return desk.runner.stop().as_json()

    @router.get("/events")
    def events(request: Request, seat: str = "") -> StreamingResponse:
        """What happens, as it happens."""
        stream = happenings(desk, request, By("", seat))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


def told(job: JobState | None) -> dict[str, Any] | None:
    """A job as JSON."""
    return None if job is None else job.as_json()


async def happenings(desk: Desk, request: Request, by: By) -> AsyncIterator[str]:
    """Server-sent events: each is sent once, and again when it is another."""
    yield "retry: 2000\n\n"
    sent: dict[str, str] = {}
    silent, tick = 0.0, 0
    while not await request.is_disconnected() and not desk.closing:
        found = {"job": json.dumps(told(desk.runner.job))}
        if tick % EVERY == 0:
            found |= await run_in_threadpool(ledger_events, desk, by)
        fresh = {name: data for name, data in found.items() if sent.get(name) != data}
        for name, data in fresh.items():
            yield f"event: {name}\ndata: {data}\n\n"
        sent |= fresh
        silent = 0.0 if fresh else silent + TICK
        if silent >= ALIVE:
            silent = 0.0
            yield ": still here\n\n"
        tick += 1
        await asyncio.sleep(TICK)


def ledger_events(desk: Desk, by: By) -> dict[str, str]:
    """The ledger's state and claims; nothing while there is none, or it can't be read just now."""
    try:
        with desk.looking() as project:
            standing = [telling.claim(row, by) for row in claims.claims(project.ledger)]
            return {"changed": json.dumps({"version": telling.version(project)}), "claims": json.dumps({"claims": standing})}
    except FrdmError:
        return {}
