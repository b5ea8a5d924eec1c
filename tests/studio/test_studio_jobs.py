"""Jobs from the page: begun, paused, stopped and gone on with; and the events by which every page learns of it."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import mended
import tiny
from frdm.ledger.records import By
from frdm.studio.app import make_app
from frdm.studio.desk import Desk
from frdm.studio.job_routes import happenings

PATIENCE = 60.0


def wait(client: TestClient, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while not true(job := client.get("/api/job").json()["job"]):
        assert time.monotonic() < until, job
        time.sleep(0.02)
    return job  # type: ignore[no-any-return]


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Repairs are made up, a frame for every permit."""
    permits = threading.Semaphore(0)

    def slow(*args: Any, **more: Any) -> Iterator[Any]:
        for frame in mended.fake_mend(*args, **more):
            assert permits.acquire(timeout=PATIENCE)
            yield frame

    monkeypatch.setattr("frdm.jobs.analysis.mend", slow)
    return permits


def test_a_film_is_restored_from_the_page_paused_stopped_and_finished(drawn: Path, tmp_path: Path, held_back: threading.Semaphore) -> None:
    shutil.copytree(drawn / "scan", tmp_path / "film")
    with TestClient(make_app(Desk.open(tmp_path / "film")), base_url="http://127.0.0.1:8350") as client:
        assert client.post("/api/job/pause").status_code == 409
        started = client.post("/api/job", json={"kind": "restore"})
        assert started.status_code == 202
        assert client.post("/api/job", json={"kind": "restore"}).status_code == 409
        held_back.release(2)
        wait(client, lambda job: job["frame"] >= 1 and job["phase"] == "frames")
        assert client.post("/api/job/pause").json()["state"] == "paused"
        held_back.release(6)
        time.sleep(0.3)
        paused = client.get("/api/job").json()["job"]
        assert (paused["state"], paused["frame"] < 14) == ("paused", True)
        assert client.post("/api/job/resume").json()["state"] == "running"
        client.post("/api/job/stop")
        held_back.release(20)
        stopped = wait(client, lambda job: job["state"] not in ("running", "paused", "finishing"))
        assert stopped["state"] == "stopped"
        assert not (tmp_path / "film_frdm").exists()
        client.post("/api/job", json={"kind": "restore"})
        held_back.release(20)
        done = wait(client, lambda job: job["state"] not in ("running", "finishing"))
        assert (done["state"], done["output"], done["frame"], done["number"]) == ("done", "film_frdm", 14, 2)
        assert client.get("/api/project").json()["finished"] is True
    assert len(tiny.read_png(tmp_path / "film_frdm")) == 14


def test_a_job_that_fails_says_why(client: TestClient, place: Path) -> None:
    shutil.rmtree(place / "scan")
    client.post("/api/job", json={"kind": "render"})
    job = wait(client, lambda job: job["state"] not in ("running", "finishing"))
    assert job["state"] == "failed"
    assert "lies there no more" in job["error"]


def test_every_page_is_told_what_happens(place: Path) -> None:
    desk = Desk.open(place / "out.frdm")
    client = TestClient(make_app(desk), base_url="http://127.0.0.1:8350", headers={"X-Frdm-Seat": "first", "X-Frdm-Who": "Ada"})

    class Asked:
        async def is_disconnected(self) -> bool:
            return False

    async def listened() -> list[tuple[str, Any]]:
        seen: list[tuple[str, Any]] = []
        stream = happenings(desk, Asked(), By("", "second"))  # type: ignore[arg-type]
        async for text in stream:
            lines = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
            if "event" in lines:
                seen.append((lines["event"], json.loads(lines["data"])))
            if len(seen) == 3:
                decided = {"verb": "reject", "selection": {"ids": ["000000-000"]}}
                await asyncio.to_thread(client.post, "/api/decisions", json=decided)
            if len(seen) == 4:
                await asyncio.to_thread(client.post, "/api/shots/2/claim", json={})
            if len(seen) == 5:
                desk.closing = True
        return seen

    seen = asyncio.run(listened())
    desk.close()
    assert {name for name, _ in seen[:3]} == {"job", "changed", "claims"}
    assert seen[3] == ("changed", {"version": {"action": 1, "repairs": 22, "analysed": 14}})
    assert seen[4][0] == "claims"
    assert [(claim["shot"], claim["who"], claim["mine"]) for claim in seen[4][1]["claims"]] == [(2, "Ada", False)]
