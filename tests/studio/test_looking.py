"""What the page is shown: the same as the ledger has, a page at a time; pictures that are made once."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from opened import served

HOME = "/api/frames/1/picture"


def test_the_project_is_told_as_the_ledger_has_it(reader: TestClient) -> None:
    project = reader.get("/api/project").json()
    assert (project["begun"], project["finished"], project["analysed"], project["range"]) == (True, True, 14, [0, 14])
    assert project["totals"] == {"accepted": 22, "rejected": 0, "held": 5, "unreviewed": 27, "painted": 0, "defects": 27}
    assert (project["film"]["width"], project["film"]["height"], project["film"]["frames"]) == (64, 48, 14)
    assert {kind["name"]: kind["count"] for kind in project["kinds"] if kind["count"]} == {"dirt": 16, "hair": 11}
    assert (project["outputs"][0]["name"], project["outputs"][0]["stale"]) == ("out", False)
    assert (project["who"], project["seat"]) == ("Ada", "first")


def test_shots_and_timeline_count_the_same(reader: TestClient) -> None:
    shots, line = reader.get("/api/shots").json()["shots"], reader.get("/api/density").json()
    assert [(shot["start"], shot["stop"], shot["analysed"]) for shot in shots] == [(0, 7, True), (7, 14, True)]
    for status in ("accepted", "rejected", "held", "unreviewed"):
        assert sum(shot[status] for shot in shots) == sum(line[status])
    assert (line["bins"], line["cuts"], line["analysed"]) == (14, [0, 7], [1.0] * 14)
    part = reader.get("/api/density", params={"start": 4, "stop": 8, "bins": 2}).json()
    assert part["accepted"] == [sum(line["accepted"][4:6]), sum(line["accepted"][6:8])]
    assert part["cuts"] == [7]
    assert reader.get(shots[0]["thumbnail"]).status_code == 200


def test_the_list_is_filtered_sorted_and_paged(reader: TestClient) -> None:
    every = reader.get("/api/defects", params={"limit": 500}).json()
    assert every["total"] == len(every["items"]) == 27
    assert [item["frame"] for item in every["items"]] == sorted(item["frame"] for item in every["items"])
    for params, wanted in (
        ({"kind": "hair"}, lambda d: d["kind"] == "hair"),
        ({"kind": ["hair", "dirt"], "status": "held"}, lambda d: d["status"] == "held"),
        ({"above": 0.5, "below": 0.7}, lambda d: 0.5 <= d["confidence"] < 0.7),
        ({"shot": 2, "start": 9}, lambda d: d["shot"] == 2 and d["frame"] >= 9),
        ({"smallest": 7.5, "largest": 7.99}, lambda d: 7.5 <= d["size"] <= 7.99),
    ):
        got = reader.get("/api/defects", params={**params, "limit": 500}).json()
        assert [d["id"] for d in got["items"]] == [d["id"] for d in every["items"] if wanted(d)]
        counted = reader.get("/api/counts", params=params).json()
        assert counted["total"] == got["total"] == sum(counted["histogram"]) > 0
    pages = [reader.get("/api/defects", params={"offset": at, "limit": 10, "sort": "confidence"}).json()["items"] for at in (0, 10, 20)]
    ordered = [item for page in pages for item in page]
    assert [d["confidence"] for d in ordered] == sorted(d["confidence"] for d in every["items"])
    place = reader.get(f"/api/defects/{ordered[13]['id']}/place", params={"sort": "confidence"}).json()
    assert place == {"index": 13}
    assert reader.get(f"/api/defects/{ordered[13]['id']}/place", params={"kind": "stain"}).json() == {"index": None}
    falling = reader.get("/api/defects", params={"sort": "size", "descending": True}).json()["items"]
    assert [d["size"] for d in falling] == sorted((d["size"] for d in every["items"]), reverse=True)


def test_a_walk_from_one_to_the_next_passes_all_and_comes_back(reader: TestClient) -> None:
    wanted = [d["id"] for d in reader.get("/api/defects", params={"limit": 500}).json()["items"]]
    walked, here = [wanted[0]], {"frame": 0, "id": wanted[0]}
    while True:
        here = reader.get("/api/jump", params={"to": "defect", "from_frame": here["frame"], "from_id": here["id"]}).json()
        if here["id"] is None:
            break
        walked.append(here["id"])
    assert walked == wanted
    back = reader.get("/api/jump", params={"to": "held", "from_frame": 13, "from_id": wanted[-1], "backwards": True}).json()
    assert back["id"] == [name for name in wanted if name.endswith("-002") or name == "000003-002"][-1]
    first = {"frame": 0, "id": "000000-000", "shot": 1}
    assert reader.get("/api/jump", params={"to": "defect", "from_frame": -1}).json() == first == reader.get("/api/jump?to=defect").json()
    assert reader.get("/api/jump", params={"to": "shot", "from_frame": -1}).json() == {"frame": 0, "id": None, "shot": 1}
    assert reader.get("/api/jump", params={"to": "defect", "from_frame": -1, "backwards": True}).json()["frame"] is None
    assert reader.get("/api/jump", params={"to": "defect", "from_frame": -2}).status_code == 422
    assert reader.get("/api/jump", params={"to": "defect", "from_id": "000000-777"}).status_code == 404
    assert reader.get("/api/jump", params={"to": "shot", "from_frame": 2}).json() == {"frame": 7, "id": None, "shot": 2}
    assert reader.get("/api/jump", params={"to": "shot", "from_frame": 9, "backwards": True}).json()["frame"] == 7
    assert reader.get("/api/jump", params={"to": "shot", "from_frame": 9}).json()["frame"] is None


def test_a_click_on_the_picture_finds_what_lies_there(reader: TestClient) -> None:
    frame = reader.get("/api/frames/0").json()
    for defect in frame["defects"]:
        top, left, bottom, right = defect["box"]
        found = reader.get("/api/frames/0/at", params={"x": (left + right) / 2, "y": (top + bottom) / 2}).json()["ids"]
        assert defect["id"] in found
    assert reader.get("/api/frames/0/at", params={"x": 0, "y": 47}).json()["ids"] == []
    assert (frame["shot"], frame["neighbours"], frame["analysed"]) == (1, [0, 1, 2], True)


def picture(reader: TestClient, **params: object) -> np.ndarray:
    answer = reader.get(HOME, params={"form": "png", **params})  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_pictures_show_what_repairs_change(reader: TestClient) -> None:
    before, after = picture(reader, view="before"), picture(reader, view="after")
    overlay, ground = picture(reader, view="overlay"), picture(reader, view="difference", gain=1)
    changed = (before != after).any(-1)
    assert changed.any()
    assert before.shape == after.shape == (48, 64, 3)
    assert overlay.shape == (48, 64, 4)
    assert (overlay[changed, 3] > 0).all()
    assert ((ground != 128).any(-1) <= (overlay[..., 3] > 0)).all()
    names = [d["id"] for d in reader.get("/api/frames/1").json()["defects"]]
    assert np.array_equal(picture(reader, view="after", without=names), before)
    assert not np.array_equal(picture(reader, view="after", only=names[:1]), after)
    part = picture(reader, view="after", left=10, top=5, right=40, bottom=25)
    assert np.array_equal(part, after[5:25, 10:40])
    assert picture(reader, view="provenance", ground="after", width=200).shape == (150, 200, 3)


def test_a_picture_is_asked_for_again_only_when_it_changed(reader: TestClient) -> None:
    first = reader.get(HOME, params={"view": "after", "width": 32})
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "private, no-cache"
    again = reader.get(HOME, params={"view": "after", "width": 32}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = reader.get(HOME, params={"view": "before", "width": 32}, headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    kept = reader.get(HOME, params={"view": "after", "width": 32, "v": reader.get("/api/frames/1").json()["version"]})
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["etag"] == first.headers["etag"]


def test_another_studio_at_the_same_address_has_other_tags(reader: TestClient, shared: Path) -> None:
    """A browser must not take another film's picture for this one's."""
    here = reader.get(HOME, params={"view": "before"}).headers["etag"]
    with served(shared) as other:
        assert other.get(HOME, params={"view": "before"}, headers={"If-None-Match": here}).status_code == 200


def test_every_stage_that_is_promised_has_a_picture(reader: TestClient) -> None:
    stages = reader.get("/api/frames/1/pipeline").json()["stages"]
    assert [stage["name"] for stage in stages if not stage["available"]] == ["diffusion"]
    for stage in stages:
        answer = reader.get(f"/api/frames/1/pipeline/{stage['name']}", params={"width": 200})
        assert answer.status_code == (200 if stage["available"] else 422), stage


def test_stages_tell_what_the_ledger_has_in_numbers(reader: TestClient) -> None:
    """The page has the words for them."""
    facts = {stage["name"]: stage["facts"] for stage in reader.get("/api/frames/1/pipeline").json()["stages"]}
    here = reader.get("/api/frames/1").json()
    assert facts["scan"] == {"size": [64, 48], "codes": {"bits": 16, "layout": "y", "transfer": "video"}}
    assert facts["shots"] == {"frames": [0, 7], "place": [2, 7]}
    assert facts["detection"] == Counter(defect["status"] for defect in here["defects"] if not defect["aside"])
    altered = sum(defect["altered"] for defect in here["defects"] if defect["status"] == "accepted")
    assert facts["composite"]["altered"] == pytest.approx(altered / (64 * 48))


def test_detection_shows_each_status_in_its_own_line_and_colour(client: TestClient) -> None:
    """What is rejected is drawn otherwise than before, in the colour that the legend has."""
    legend = {one["name"]: one for one in client.get("/api/legend").json()["statuses"]}
    assert {name: one["line"] for name, one in legend.items()} == {"accepted": "whole", "held": "dashed", "rejected": "crossed"}

    def shown() -> np.ndarray:
        answer = client.get("/api/frames/1/pipeline/detection", params={"width": 640})
        return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)

    def near(picture: np.ndarray, name: str) -> int:
        wanted = [int(legend[name]["colour"][place : place + 2], 16) for place in (1, 3, 5)]
        return int((np.abs(picture - wanted).max(-1) < 60).sum())

    before = shown()
    client.post("/api/decisions", json={"verb": "reject", "selection": {"start": 1, "stop": 2}})
    after = shown()
    assert near(before, "accepted") > 20 and near(after, "accepted") == 0
    assert near(after, "rejected") > near(before, "rejected") + 20


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/frames/14", 404),
        ("/api/frames/-1", 422),
        ("/api/frames/99999999999999999999", 422),
        (f"{HOME}?width=100000", 422),
        (f"{HOME}?left=1", 422),
        (f"{HOME}?left=0&top=0&right=65&bottom=48", 422),
        (f"{HOME}?left=9&top=0&right=9&bottom=48", 422),
        (f"{HOME}?channels=ir", 422),
        (f"{HOME}?gamma=nan", 422),
        (f"{HOME}?colour=blue", 422),
        ("/api/frames/1/pipeline/dream", 422),
        ("/api/defects/000000-999", 404),
        ("/api/defects/..%2f..%2fetc%2fpasswd", 404),
        ("/api/defects?sort=frame;DROP", 422),
        ("/api/defects?limit=100000", 422),
        ("/api/protections/7/mask", 404),
        ("/api/density?start=9&stop=9", 422),
        ("/api/nothing", 404),
        ("/../../../../etc/passwd", 404),
        ("/..%2f..%2f..%2fetc%2fpasswd", 404),
        ("/%2e%2e/%2e%2e/app.py", 404),
        ("/....//app.py", 404),
        ("/%00", 404),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(reader: TestClient, path: str, status: int) -> None:
    answer = reader.get(path)
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]["sentence"]
    assert sentence
    assert "Traceback" not in sentence
    assert "\n" not in sentence


def test_the_report_is_a_page_that_loads_nothing(reader: TestClient) -> None:
    page = reader.get("/api/report.html", params={"crops": 2})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.text.count("data:image/") >= 2
    assert reader.get("/api/report").json()["totals"]["mended"] == 22
