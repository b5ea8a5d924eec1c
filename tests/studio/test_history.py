"""History says what a person did, and to how many defects, whatever it took in repairs and versions of them."""

from typing import Any

from fastapi.testclient import TestClient
from test_painting import SQUARE, paint, post

AGAIN = {"engine": "surround", "seed": 3}
Told = list[tuple[str, str, int, bool]]  # newest first: verb, what it is about, of how many defects, undone


def told(client: TestClient) -> Told:
    actions = client.get("/api/actions").json()["actions"]
    return [(one["verb"], one["about"], one["changed"], one["undone"]) for one in actions]


def undone(client: TestClient, way: str = "undo") -> dict[str, Any]:
    return post(client, f"/api/{way}", {})


def test_a_repair_made_again_and_taken_back_is_one_defect_each_time(client: TestClient) -> None:
    post(client, "/api/defects/000001-000/again", AGAIN)
    assert told(client) == [("reroll", "reroll", 1, False)]
    for way in ("undo", "redo", "undo"):
        answer = undone(client, way)
        assert (answer["changed"], answer["action"]["changed"], answer["action"]["about"]) == (1, 1, "reroll")
    assert told(client) == [
        ("undo", "reroll", 1, False),
        ("redo", "reroll", 1, False),
        ("undo", "reroll", 1, False),
        ("reroll", "reroll", 1, True),
    ]


def test_so_is_an_older_version_that_is_accepted_again(client: TestClient) -> None:
    post(client, "/api/defects/000001-000/again", AGAIN)
    post(client, "/api/decisions", {"verb": "accept", "selection": {"ids": ["000001-000"]}})
    assert told(client)[0] == ("accept", "accept", 1, False)
    assert undone(client)["changed"] == 1
    assert told(client)[0] == ("undo", "accept", 1, False)


def test_and_a_held_defect_that_is_mended_and_so_looked_at(client: TestClient) -> None:
    held = client.get("/api/defects", params={"status": "held", "limit": 1}).json()["items"][0]["id"]
    post(client, f"/api/defects/{held}/again", AGAIN)
    assert undone(client)["changed"] == 1
    assert told(client) == [("undo", "reroll", 1, False), ("reroll", "reroll", 1, True)]


def test_of_many_all_are_counted(client: TestClient) -> None:
    found = client.get("/api/defects", params={"shot": 1, "limit": 500}).json()["items"]
    held = [one["id"] for one in found if one["status"] == "held"]
    repairs = len(found) - len(held)
    post(client, "/api/decisions", {"verb": "reject", "selection": {"shot": 1}})
    post(client, "/api/decisions", {"verb": "confirm", "selection": {"ids": held}})
    assert told(client) == [("confirm", "confirm", len(held), False), ("reject", "reject", repairs, False)]
    assert (undone(client)["changed"], undone(client)["changed"]) == (len(held), repairs)


def test_what_is_painted_counts_by_its_repairs_and_a_protected_place_by_what_it_took_back(client: TestClient) -> None:
    paint(client, 3, engine="surround")
    post(client, "/api/protections", {"start": 0, "stop": 1, "shapes": [{"type": "rectangle", "box": [0, 60, 2, 62]}], "note": ""})
    post(client, "/api/protections", {"start": 3, "stop": 4, "shapes": SQUARE, "note": ""})
    (around, empty, painted) = told(client)
    assert (around[0], around[2], empty[0], empty[2]) == ("protect", 1, "protect", 0)
    assert painted == ("paint", "paint", 1, False)
