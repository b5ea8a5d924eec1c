"""Several seats at one project: claims that last as long as they are used, and what a seat that died leaves."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from frdm.ledger import claims

FIRST = {"X-Frdm-Seat": "first", "X-Frdm-Who": "Ada"}
SECOND = {"X-Frdm-Seat": "second", "X-Frdm-Who": "Bob"}


def claim(client: TestClient, headers: dict[str, str], shot: int = 1, **body: object) -> Any:
    return client.post(f"/api/shots/{shot}/claim", json=body, headers=headers)


def test_of_many_seats_that_want_a_shot_at_once_one_gets_it(client: TestClient) -> None:
    answers: list[int] = []

    def ask(number: int) -> None:
        answers.append(claim(client, {"X-Frdm-Seat": f"seat{number}", "X-Frdm-Who": f"P{number}"}).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]
    assert len(client.get("/api/claims").json()["claims"]) == 1


def test_a_seat_that_died_holds_its_shot_until_its_claim_lapses(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claim(client, FIRST).status_code == 200
    assert claim(client, SECOND).status_code == 409
    paint = {"start": 1, "stop": 2, "shapes": [{"type": "rectangle", "box": [2, 2, 6, 6]}], "engine": "reveal"}
    for path, body in (
        ("/api/decisions", {"verb": "reject", "selection": {"ids": ["000000-000"]}}),
        ("/api/paint", paint),
        ("/api/protections", {"start": 0, "stop": 1, "shapes": paint["shapes"]}),
        ("/api/defects/000000-000/again", {"engine": "reveal"}),
    ):
        refused = client.post(path, json=body, headers=SECOND)
        assert refused.status_code == 409 and "claimed by Ada" in refused.json()["error"]["sentence"], path
    assert client.get("/api/actions").json()["actions"] == []
    stamp = claims._stamp
    monkeypatch.setattr(claims, "_stamp", lambda later=timedelta(): stamp(later + claims.LAPSES + timedelta(seconds=2)))
    assert client.get("/api/claims").json()["claims"] == []
    assert claim(client, SECOND).json()["mine"] is True
    assert claim(client, FIRST).status_code == 409
    assert client.get("/api/actions").json()["actions"] == [], "a claim that lapsed was not taken by force"


def test_a_claim_lasts_while_it_is_used(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    until = claim(client, FIRST).json()["until"]
    stamp = claims._stamp
    monkeypatch.setattr(claims, "_stamp", lambda later=timedelta(): stamp(later + timedelta(minutes=10)))
    client.post("/api/decisions", json={"verb": "reject", "selection": {"ids": ["000000-000"]}}, headers=FIRST)
    (standing,) = client.get("/api/claims").json()["claims"]
    assert standing["until"] > until


def test_a_claim_that_is_taken_by_force_is_on_record(client: TestClient) -> None:
    claim(client, FIRST)
    assert claim(client, SECOND, take_over=True).json()["mine"] is True
    (action,) = client.get("/api/actions", headers=SECOND).json()["actions"]
    assert (action["verb"], action["who"], action["mine"], action["changed"]) == ("take over", "Bob", True, 0)
    assert (action["selection"]["shot"], action["selection"]["from"]) == (1, "Ada")
    assert client.get("/api/actions", headers=SECOND).json()["can_undo"] is False
    assert client.post(f"/api/actions/{action['number']}/undo", headers=SECOND).status_code == 409
    assert client.post("/api/decisions", json={"verb": "reject", "selection": {"shot": 1}}, headers=FIRST).status_code == 409


def test_a_claim_needs_a_seat(client: TestClient) -> None:
    nobody = client.post("/api/shots/1/claim", json={}, headers={"X-Frdm-Seat": ""})
    assert nobody.status_code == 422 and "seat" in nobody.json()["error"]["sentence"]


def test_one_of_two_seats_pauses_what_the_other_began(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from frdm.jobs.progress import Progress

    gate = threading.Event()

    def slow(*_: object, **__: object) -> Any:
        for frame in range(1000):
            yield Progress("frames", frame, 1000)
            gate.wait(0.01)

    monkeypatch.setattr("frdm.jobs.render", slow)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda who=who: statuses.append(client.post("/api/job", json={"kind": "render"}, headers=who).status_code))
        for who in (FIRST, SECOND)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202, 409]
    assert client.post("/api/job/pause", headers=SECOND).json()["state"] == "paused"
    assert client.post("/api/job/pause", headers=FIRST).json()["state"] == "paused"
    frame = client.get("/api/job").json()["job"]["frame"]
    threading.Event().wait(0.2)
    assert client.get("/api/job").json()["job"]["frame"] <= frame + 1
    assert client.post("/api/decisions", json={"verb": "reject", "selection": {"ids": ["000000-000"]}}).status_code == 200
    assert client.post("/api/job/resume", headers=FIRST).json()["state"] == "running"
    assert client.post("/api/job/stop", headers=SECOND).status_code == 200
    for _ in range(500):
        if client.get("/api/job").json()["job"]["state"] == "stopped":
            break
        threading.Event().wait(0.01)
    assert client.get("/api/job").json()["job"]["state"] == "stopped"
    assert client.post("/api/job/resume", headers=SECOND).status_code == 409
