"""Mending by hand through the API; and the film that is rendered is what the ledger says, bit by bit."""

import base64
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

import tiny
from frdm import jobs
from frdm.errors import WeightsError
from frdm.fills.hand import HandSettings
from frdm.fills.neighbours import Fill, Ground
from frdm.fills.surround import fill_from_surround
from frdm.film import Defect, Provenance
from frdm.jobs.layers import LayerStore, in_force
from frdm.jobs.project import existing
from frdm.media.scan import open_scan
from frdm.motion.window import Window
from frdm.recipe import Filling
from frdm.rendering import composite

SQUARE = [{"type": "rectangle", "box": [20, 30, 27, 38]}]


def post(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def paint(client: TestClient, frame: int, **more: object) -> dict[str, Any]:
    return post(client, "/api/paint", {"start": frame, "stop": frame + 1, "shapes": SQUARE, **more})


def on_frame(client: TestClient, frame: int) -> dict[str, dict[str, Any]]:
    return {defect["id"]: defect for defect in client.get(f"/api/frames/{frame}").json()["defects"]}


def in_ledger(place: Path) -> list[np.ndarray]:
    """Every frame as scan and accepted repairs make it, by `rendering` itself."""
    frames = []
    store = LayerStore()
    with existing(place / "out.frdm", alone=False) as project, open_scan(place / "scan") as scan:
        for frame in scan.frames():
            patches = [layer.stored.patch for layer in in_force(store.of(project, frame.index))]
            frames.append(composite(frame, patches, scan.info.encoding)[0].planes[0])
    return frames


def rendered(client: TestClient) -> None:
    assert client.post("/api/job", json={"kind": "render"}).status_code == 202
    until = time.monotonic() + 60
    while (job := client.get("/api/job").json()["job"])["state"] in ("running", "finishing"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job["state"] == "done", job
    assert job["output"] == "out"


def test_the_rendered_film_is_what_the_ledger_says_bit_by_bit(client: TestClient, place: Path) -> None:
    original = tiny.read_png(place / "out")
    post(client, "/api/decisions", {"verb": "reject", "selection": {"ids": ["000001-000"]}})
    made = paint(client, 3)["made"]
    assert [defect["id"] for defect in made] == ["000003-p01"]
    assert client.get("/api/project").json()["outputs"][0]["stale"] is True
    rendered(client)
    assert client.get("/api/project").json()["outputs"][0]["stale"] is False
    film, wanted, scan = tiny.read_png(place / "out"), in_ledger(place), tiny.read_png(place / "scan")
    assert all(np.array_equal(one, other) for one, other in zip(film, wanted, strict=True))
    changed = [index for index in range(len(film)) if not np.array_equal(film[index], original[index])]
    assert changed == [1, 3]
    outside = np.ones(film[3].shape, np.bool_)
    outside[16:31, 26:42] = False
    assert np.array_equal(film[3][outside], scan[3][outside])
    assert not np.array_equal(film[3], scan[3])
    assert jobs.verify(place / "scan", place / "out", place / "out.frdm").ok
    for _ in range(2):
        post(client, "/api/undo", {})
    rendered(client)
    assert np.array_equal(tiny.read_png(place / "out"), original)
    assert jobs.verify(place / "scan", place / "out", place / "out.frdm").ok
    post(client, "/api/redo", {})
    post(client, "/api/redo", {})
    rendered(client)
    assert np.array_equal(tiny.read_png(place / "out"), film)


def test_a_place_is_mended_by_each_engine(client: TestClient) -> None:
    for engine, made_by in (("auto", "neighbours"), ("neighbours", "neighbours"), ("reveal", "reveal"), ("across", "across")):
        done = paint(client, 4, engine=engine, kind="scratch")
        (defect,) = done["made"]
        assert (defect["engine"], defect["kind"], defect["painted"], defect["status"]) == (made_by, "scratch", True, "accepted")
        assert defect["box"] == [20, 30, 27, 38]
        assert defect["detector"] == "person"
        assert done["refused"] == []
    assert [action["verb"] for action in client.get("/api/actions").json()["actions"]] == ["paint"] * 4


def test_diffusion_is_offered_where_its_weights_are_and_refused_in_a_sentence_where_not(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: str) -> NoReturn:
        raise WeightsError("engine diffusion: no weights for it")

    monkeypatch.setattr("frdm.studio.ways.find_weights", missing)
    monkeypatch.setattr("frdm.fills.hand_job.load_hand", missing)
    ways = {one["name"]: one for one in client.get("/api/engines").json()["engines"]}
    assert [name for name, one in ways.items() if not one["available"]] == ["diffusion"]
    assert ways["diffusion"]["sentence"] == "engine diffusion: no weights for it"
    body = {"start": 4, "stop": 5, "shapes": SQUARE, "engine": "diffusion"}
    refused = client.post("/api/paint", json=body)
    assert refused.status_code == 409 and refused.json()["error"]["sentence"] == "engine diffusion: no weights for it"
    assert client.get("/api/actions").json()["actions"] == []

    def by_hand(window: Window, defect: Defect, ground: Ground, settings: Filling, *, hand: object, how: HandSettings) -> Fill:
        made = fill_from_surround(window, defect, ground, settings)
        return Fill(made.patch, Provenance("diffusion", (3, 5), weights="abc", seed=how.seed, trust=0.5))

    monkeypatch.setattr("frdm.studio.ways.find_weights", lambda _: SimpleNamespace(sha256="abc"))
    monkeypatch.setattr("frdm.fills.hand_job.load_hand", lambda: SimpleNamespace(params=SimpleNamespace(frames=5)))
    monkeypatch.setattr("frdm.jobs.painting.fill_by_hand", by_hand)
    assert all(one["available"] for one in client.get("/api/engines").json()["engines"])
    (defect,) = paint(client, 4, engine="diffusion", seed=7)["made"]
    assert (defect["engine"], defect["weights"], defect["seed"], defect["sources"]) == ("diffusion", "abc", 7, [3, 5])
    assert client.post("/api/paint", json=body | {"stop": 9}).status_code == 422, "few frames at once"
    stages = {stage["name"]: stage["available"] for stage in client.get("/api/frames/4/pipeline").json()["stages"]}
    assert stages["diffusion"] is True


def test_what_was_taken_back_leaves_neither_a_matte_nor_a_place_to_click(client: TestClient) -> None:
    def shown() -> tuple[bytes, list[str]]:
        matte = client.get("/api/frames/4/picture", params={"view": "overlay", "form": "png"}).content
        return matte, client.get("/api/frames/4/at", params={"x": 34, "y": 23}).json()["ids"]

    before = shown()
    (made,) = paint(client, 4)["made"]
    painted = shown()
    assert painted[0] != before[0] and made["id"] in painted[1]
    post(client, "/api/undo", {})
    assert shown() == before
    post(client, "/api/redo", {})
    assert shown() == painted
    (again,) = post(client, f"/api/defects/{made['id']}/again", {"seed": 1})["made"]
    _, ids = shown()
    assert again["id"] in ids and made["id"] not in ids
    post(client, "/api/decisions", {"verb": "reject", "selection": {"ids": [again["id"]]}})
    assert again["id"] in shown()[1], "what is rejected can still be clicked"


def test_a_chosen_neighbour_shows_through(client: TestClient, place: Path) -> None:
    scan = tiny.read_png(place / "scan").astype(int)
    (defect,) = paint(client, 3, engine="reveal", source=2, follow=False, feather=0)["made"]
    assert defect["sources"] == [2]
    mended = in_ledger(place)[3].astype(int)
    inside = np.s_[20:27, 30:38]
    away = np.abs(mended[inside] - scan[2][inside]).mean()
    assert away < 0.35 * np.abs(scan[3][inside] - scan[2][inside]).mean() + 0.02 * 65535  # but for exposure it is that frame
    assert np.array_equal(np.delete(mended, np.s_[20:27], 0), np.delete(scan[3], np.s_[20:27], 0))
    refused = client.post("/api/paint", json={"start": 3, "stop": 4, "shapes": SQUARE, "engine": "reveal", "source": 9})
    assert refused.status_code == 422
    assert "no neighbour of frame 3; give one of" in refused.json()["error"]["sentence"]


def test_another_roll_takes_the_olds_place_and_undo_brings_it_back(client: TestClient, place: Path) -> None:
    (first,) = paint(client, 4)["made"]
    before = in_ledger(place)[4]
    (second,) = post(client, f"/api/defects/{first['id']}/again", {"seed": 1})["made"]
    again = in_ledger(place)[4]
    assert not np.array_equal(again, before)  # other grain
    assert second["replaces"] == first["id"]
    (third,) = post(client, f"/api/defects/{second['id']}/again", {"seed": 0})["made"]
    assert np.array_equal(in_ledger(place)[4], before)  # the same seed draws the same
    assert third["replaces"] == first["id"]
    here = on_frame(client, 4)
    assert [(here[one["id"]]["status"], here[one["id"]]["aside"]) for one in (first, second, third)] == [
        ("rejected", True),
        ("rejected", True),
        ("accepted", False),
    ]
    post(client, "/api/undo", {})
    assert np.array_equal(in_ledger(place)[4], again)
    post(client, "/api/decisions", {"verb": "accept", "selection": {"ids": [first["id"]]}})
    assert np.array_equal(in_ledger(place)[4], before)
    assert on_frame(client, 4)[second["id"]]["status"] == "rejected"
    versions = client.get(f"/api/defects/{first['id']}").json()["versions"]
    assert {one["id"] for one in versions} == {second["id"], third["id"]}
    totals = client.get("/api/project").json()["totals"]
    assert totals["painted"] == 1  # versions that are set aside count for nothing
    report = client.get("/api/report").json()["totals"]
    assert report["rejected"] == 0


def test_a_found_repair_and_a_held_defect_are_made_again(client: TestClient, place: Path) -> None:
    (mended,) = post(client, "/api/defects/000000-000/again", {"engine": "reveal", "source": 1})["made"]
    assert (mended["replaces"], mended["kind"], mended["painted"]) == ("000000-000", "dirt", True)
    held = on_frame(client, 0)["000000-002"]
    assert held["status"] == "held"
    (after_all,) = post(client, "/api/defects/000000-002/again", {})["made"]
    assert after_all["status"] == "accepted"
    assert on_frame(client, 0)["000000-002"]["aside"] is True
    assert client.get("/api/report").json()["totals"]["held"] == {"motion can't be trusted here": 4}
    post(client, "/api/undo", {})
    assert on_frame(client, 0)["000000-002"]["aside"] is False
    assert client.post("/api/defects/000000-777/again", json={}).status_code == 404


def test_a_protected_place_is_the_scans_own_and_stays_so(client: TestClient, place: Path) -> None:
    scan = tiny.read_png(place / "scan")
    before = in_ledger(place)
    shapes = [{"type": "polygon", "points": [[0, 0], [30, 0], [30, 48], [0, 48]]}]
    done = post(client, "/api/protections", {"start": 0, "stop": 3, "shapes": shapes, "note": "a bird"})
    assert done["changed"] > 0
    after = in_ledger(place)
    for index in range(3):
        assert np.array_equal(after[index][:, :30], scan[index][:, :30])
        assert np.array_equal(after[index][:, 31:], before[index][:, 31:])
    assert all(np.array_equal(after[index], before[index]) for index in range(3, len(after)))
    post(client, "/api/decisions", {"verb": "accept", "selection": {"below": 1.1}})
    assert all(np.array_equal(one, other) for one, other in zip(in_ledger(place), after, strict=True))
    (listed,) = client.get("/api/protections", params={"start": 2}).json()["protections"]
    assert (listed["note"], listed["live"], listed["box"]) == ("a bird", True, [0, 0, 48, 31])
    mask = cv2.imdecode(np.frombuffer(client.get(f"/api/protections/{listed['number']}/mask").content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (48, 31)
    post(client, f"/api/actions/{done['action']}/undo", {})
    assert client.get("/api/protections").json()["protections"][0]["live"] is False
    assert all(np.array_equal(one, other) for one, other in zip(in_ledger(place), before, strict=True))


def test_undone_paintings_do_not_come_back_in_bulk(client: TestClient) -> None:
    (made,) = paint(client, 4)["made"]
    post(client, "/api/undo", {})
    assert post(client, "/api/decisions", {"verb": "accept", "selection": {"shot": 1}})["changed"] == 0
    assert on_frame(client, 4)[made["id"]]["status"] == "rejected"
    assert client.get("/api/defects", params={"painted": True}).json()["total"] == 0
    assert client.get("/api/defects", params={"painted": True, "aside": True}).json()["total"] == 1


def test_columns_of_a_line_are_forced_over_many_frames(client: TestClient) -> None:
    body = {"start": 1, "stop": 12, "shapes": [{"type": "rectangle", "box": [0, 40, 48, 43]}], "kind": "line", "engine": "across"}
    done = post(client, "/api/paint", body)
    assert len(done["made"]) + len(done["refused"]) == 11
    assert {defect["frame"] for defect in done["made"]} | {one["frame"] for one in done["refused"]} == set(range(1, 12))
    assert {defect["shot"] for defect in done["made"]} == {1, 2}
    assert post(client, "/api/undo", {})["changed"] == len(done["made"])


def png(picture: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()


def test_every_shape_is_drawn_where_it_was_meant(client: TestClient) -> None:
    disc = np.zeros((5, 6), np.uint8)
    disc[1:4, 2:5] = 255
    for shape, box in (
        ({"type": "polygon", "points": [[10, 8], [16, 8], [16, 12], [10, 12]]}, [8, 10, 13, 17]),
        ({"type": "stroke", "points": [[20.5, 20.5]], "width": 7}, [17, 17, 24, 24]),
        ({"type": "png", "left": 30, "top": 20, "data": png(disc)}, [21, 32, 24, 35]),
        ({"type": "png", "left": 60, "top": 20, "data": png(disc)}, [21, 62, 24, 64]),
    ):
        (defect,) = post(client, "/api/paint", {"start": 5, "stop": 6, "shapes": [shape], "engine": "reveal"})["made"]
        assert np.abs(np.array(defect["box"]) - box).max() <= 1, shape


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"stop": 3}, 422, "no frame"),
        ({"stop": 99}, 422, "frames 0 to 13"),
        ({"shapes": []}, 422, "shapes"),
        ({"shapes": [{"type": "rectangle", "box": [500, 500, 600, 600]}]}, 422, "nothing was drawn"),
        ({"shapes": [{"type": "rectangle", "box": [0, 0, 48, 64]}]}, 422, "at most 25%"),
        ({"shapes": [{"type": "png", "left": 0, "top": 0, "data": "%%%"}]}, 422, "base64"),
        ({"shapes": [{"type": "png", "left": 0, "top": 0, "data": base64.b64encode(b"GIF89a" * 9).decode()}]}, 422, "PNG"),
        ({"shapes": [{"type": "png", "left": 0, "top": 0, "data": png(np.ones((200, 200), np.uint8))}]}, 422, "no larger than the frame"),
        ({"shapes": [{"type": "stroke", "points": [[1e9, 0]], "width": 2}]}, 422, "points"),
        ({"shapes": [{"type": "star"}]}, 422, "shapes"),
        ({"engine": "magic"}, 422, "engine"),
        ({"kind": "ghost"}, 422, "kind"),
    ],
)
def test_what_can_not_be_painted_is_refused_and_nothing_is_left(
    reader: TestClient, shared: Path, change: dict[str, object], status: int, says: str
) -> None:
    answer = reader.post("/api/paint", json={"start": 3, "stop": 4, "shapes": SQUARE, "engine": "reveal", **change})
    assert answer.status_code == status
    assert says in answer.json()["error"]["sentence"]
    assert not list((shared / "out.frdm" / "patches").glob("hand-*"))
    assert reader.get("/api/actions").json()["actions"] == []
