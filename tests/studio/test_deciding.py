"""Decisions through the API: what a preview says is what happens, undo without end, several people at once."""

from typing import Any

from fastapi.testclient import TestClient

OTHER = {"X-Frdm-Seat": "second", "X-Frdm-Who": "Bob%20%C3%84"}


def decide(client: TestClient, verb: str, *, headers: dict[str, str] | None = None, **selection: object) -> dict[str, Any]:
    answer = client.post("/api/decisions", json={"verb": verb, "selection": selection}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def statuses(client: TestClient) -> dict[str, tuple[str, bool]]:
    items = client.get("/api/defects", params={"limit": 500}).json()["items"]
    return {item["id"]: (item["status"], item["reviewed"]) for item in items}


def turn(client: TestClient, what: str, **body: object) -> int:
    answer = client.post(f"/api/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["changed"])


def test_what_a_preview_says_is_what_happens(client: TestClient) -> None:
    body = {"verb": "reject", "selection": {"below": 0.7, "shot": 1}}
    said = client.post("/api/decisions/preview", json=body).json()
    before = statuses(client)
    done = client.post("/api/decisions", json=body).json()
    changed = {name for name, (status, _) in statuses(client).items() if status != before[name][0]}
    assert said["changed"] == done["changed"] == len(changed) == 6
    assert said["kinds"] == {"hair": 6}
    assert {defect["id"] for defect in said["sample"]} <= changed
    assert client.post("/api/decisions/preview", json=body).json()["changed"] == 0


def test_undo_and_redo_go_all_the_way_back_and_forth(client: TestClient) -> None:
    states = [statuses(client)]
    for step in (
        ("reject", {"shot": 1, "kinds": ["dirt"]}),
        ("accept", {"ids": ["000000-000", "000001-001"]}),
        ("confirm", {"ids": ["000000-002", "000002-000"]}),
        ("reject", {"below": 1.1}),
    ):
        decide(client, step[0], **step[1])
        states.append(statuses(client))
    assert len({str(state) for state in states}) == len(states)
    for state in reversed(states[:-1]):
        assert turn(client, "undo") > 0
        assert statuses(client) == state
    assert turn(client, "undo") == 0
    for state in states[1:]:
        assert turn(client, "redo") > 0
        assert statuses(client) == state
    assert turn(client, "redo") == 0
    for state in reversed(states[:-1]):
        turn(client, "undo")
        assert statuses(client) == state
    decide(client, "reject", ids=["000005-000"])
    assert turn(client, "redo") == 0  # something new was done since


def test_a_look_counts_as_a_review_and_changes_no_status(client: TestClient) -> None:
    before = statuses(client)
    done = decide(client, "accept", ids=["000000-000"])
    assert (done["changed"], done["reviewed"]) == (0, 1)
    assert decide(client, "confirm", ids=["000000-002"])["reviewed"] == 1
    after = statuses(client)
    assert {name for name in before if before[name] != after[name]} == {"000000-000", "000000-002"}
    assert after["000000-000"] == ("accepted", True)
    assert after["000000-002"] == ("held", True)
    assert client.get("/api/defects", params={"reviewed": True}).json()["total"] == 2
    assert decide(client, "confirm", ids=["000000-002"])["action"] is None  # it was seen already


def test_one_undoes_ones_own_and_leaves_what_others_decided_later(client: TestClient) -> None:
    decide(client, "reject", ids=["000000-000", "000000-001"])
    decide(client, "accept", ids=["000000-000"], headers=OTHER)
    assert turn(client, "undo") == 1
    assert statuses(client)["000000-001"][0] == "accepted"
    assert statuses(client)["000000-000"][0] == "accepted"  # Bob's
    assert turn(client, "undo") == 0
    assert turn(client, "undo", everyone=True) == 1
    assert statuses(client)["000000-000"][0] == "rejected"
    people = {action["who"] for action in client.get("/api/actions").json()["actions"]}
    assert people == {"Ada", "Bob Ä"}


def test_any_action_can_be_undone_by_its_number(client: TestClient) -> None:
    first = decide(client, "reject", ids=["000000-000"])["action"]
    decide(client, "reject", ids=["000001-000"])
    assert client.post(f"/api/actions/{first}/undo").json()["changed"] == 1
    assert statuses(client)["000000-000"][0] == "accepted"
    assert statuses(client)["000001-000"][0] == "rejected"
    assert client.post(f"/api/actions/{first}/undo").json()["changed"] == 0
    told = {action["number"]: action["undone"] for action in client.get("/api/actions").json()["actions"]}
    assert told[first] is True
    assert client.post("/api/actions/999/undo").status_code == 409


def test_a_claimed_shot_is_left_alone_by_other_seats(client: TestClient) -> None:
    assert client.post("/api/shots/1/claim", json={}).json()["mine"] is True
    refused = client.post("/api/decisions", json={"verb": "reject", "selection": {"ids": ["000000-000"]}}, headers=OTHER)
    assert refused.status_code == 409
    assert "claimed by Ada" in refused.json()["error"]["sentence"]
    assert client.post("/api/decisions", json={"verb": "reject", "selection": {"below": 1.1}}, headers=OTHER).status_code == 409
    assert client.post("/api/shots/1/claim", json={}, headers=OTHER).status_code == 409

    assert decide(client, "reject", ids=["000008-000"], headers=OTHER)["changed"] == 1
    assert decide(client, "reject", ids=["000000-000"])["changed"] == 1
    assert client.post("/api/shots/1/claim", json={"take_over": True}, headers=OTHER).json()["who"] == "Bob Ä"
    assert client.post("/api/undo", json={}).status_code == 409
    assert client.delete("/api/shots/1/claim").json() == {"released": False}
    assert client.delete("/api/shots/1/claim", headers=OTHER).json() == {"released": True}
    assert turn(client, "undo") == 1


def test_what_is_not_understood_is_refused_with_a_sentence(client: TestClient) -> None:
    before = client.get("/api/project").json()["version"]
    for body, status in (
        ({"verb": "reject", "selection": {}}, 422),
        ({"verb": "burn", "selection": {"shot": 1}}, 422),
        ({"verb": "reject", "selection": {"ids": ["000000-009"]}}, 409),
        ({"verb": "reject", "selection": {"shot": 99}}, 409),
        ({"verb": "reject", "selection": {"ids": ["000000-002"]}}, 409),  # held: it has no fill
        ({"verb": "reject", "selection": {"ids": ["'; DROP TABLE repairs"]}}, 422),
        ({"verb": "reject", "selection": {"shot": 1, "colour": "red"}}, 422),
        ([], 422),
    ):
        answer = client.post("/api/decisions", json=body)
        assert answer.status_code == status, body
        assert answer.json()["error"]["sentence"]
    for content in (b'{"verb": ', b"[" * 100_000, b"\xff\xfe{\x00"):
        broken = client.post("/api/decisions", content=content, headers={"Content-Type": "application/json"})
        assert (broken.status_code, broken.json()["error"]["sentence"]) == (400, "the request isn't JSON; send JSON"), content[:9]
    assert client.get("/api/project").json()["version"] == before
