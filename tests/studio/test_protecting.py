"""What is protected stays the scan's own, whatever is painted, made again, accepted or taken back in it later; held defects are mended by
their own mattes; and a repair that was made again lies where the first one lay.
"""

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
from fastapi.testclient import TestClient
from test_painting import SQUARE, in_ledger, on_frame, paint, post

import tiny
from frdm import jobs
from frdm.jobs.layers import LayerStore
from frdm.jobs.pictures_out import export_overlays
from frdm.jobs.project import existing
from frdm.ledger.reading import held_mask
from frdm.ledger.store import Ledger
from mended import run


def protect(client: TestClient, box: list[int], *, start: int = 0, stop: int = 7) -> int:
    return int(post(client, "/api/protections", {"start": start, "stop": stop, "shapes": [{"type": "rectangle", "box": box}]})["action"])


def kept(place: Path, box: list[int], frames: range = range(7)) -> None:
    top, left, bottom, right = box
    scan, now = tiny.read_png(place / "scan"), in_ledger(place)
    for index in frames:
        assert np.array_equal(now[index][top:bottom, left:right], scan[index][top:bottom, left:right]), index


def test_painting_and_making_again_stop_at_a_protected_place(client: TestClient, place: Path) -> None:
    box = [18, 28, 24, 50]
    protect(client, box)
    (made,) = paint(client, 4)["made"]
    kept(place, box)
    assert not np.array_equal(in_ledger(place)[4], tiny.read_png(place / "scan")[4])
    post(client, f"/api/defects/{made['id']}/again", {"seed": 3, "engine": "reveal"})
    kept(place, box)
    inside = [{"type": "rectangle", "box": [19, 29, 22, 40]}]
    refused = post(client, "/api/paint", {"start": 4, "stop": 6, "shapes": inside})
    assert (refused["made"], refused["action"]) == ([], None)
    assert [one["frame"] for one in refused["refused"]] == [4, 5]
    assert "protected" in refused["refused"][0]["reason"]
    assert len(list((place / "out.frdm" / "patches").glob("hand-*"))) == 3  # what was clipped, painted, made again


def test_what_was_rejected_does_not_come_back_into_a_protected_place(client: TestClient, place: Path) -> None:
    box = [0, 0, 48, 64]
    post(client, "/api/decisions", {"verb": "reject", "selection": {"ids": ["000001-000"]}})
    action = protect(client, box, start=1, stop=2)
    post(client, "/api/decisions", {"verb": "accept", "selection": {"below": 1.1}})
    kept(place, box, range(1, 2))
    refused = client.post("/api/decisions", json={"verb": "accept", "selection": {"ids": ["000001-000"]}})
    assert refused.status_code == 409 and "Ada protected" in refused.json()["error"]["sentence"]
    post(client, f"/api/actions/{action}/undo", {})
    assert post(client, "/api/decisions", {"verb": "accept", "selection": {"ids": ["000001-000"]}})["changed"] == 1


def test_protecting_a_corner_changes_nothing_outside_of_it(client: TestClient, place: Path) -> None:
    """Two made-up repairs overlap in every frame: the clipped one stays below the other."""
    before = in_ledger(place)
    for index in (0, 1, 2):
        defect = on_frame(client, index)[f"{index:06d}-000"]
        top, left, _, _ = defect["box"]
        protect(client, [top, left, top + 2, left + 2], start=index, stop=index + 1)
        after = in_ledger(place)[index]
        outside = np.ones(after.shape, np.bool_)
        outside[top : top + 2, left : left + 2] = False
        assert np.array_equal(after[outside], before[index][outside])
    kept(place, [top, left, top + 2, left + 2], range(2, 3))


def test_a_repair_made_again_lies_in_the_overlay_as_in_the_film(client: TestClient, place: Path) -> None:
    again = post(client, "/api/defects/000000-000/again", {"seed": 5, "engine": "surround"})
    if not again["made"]:
        again = post(client, "/api/defects/000000-000/again", {"seed": 5, "engine": "reveal"})
    assert again["made"]
    project = place / "out.frdm"
    run(jobs.render(project))
    (*_, _) = export_overlays(project, place / "overlay", form="png")
    scan, film = tiny.read_png(place / "scan"), tiny.read_png(place / "out")
    for index in range(2):
        over = np.asarray(OpenImageIO.ImageBuf(str(place / "overlay" / f"frame_{index + 1:05d}.png")).get_pixels(OpenImageIO.UINT16))
        assert np.array_equal(np.where(over[..., 3] > 0, over[..., 0], scan[index]), film[index])
    names = [layer.row.id for layer in _layers(project, 0)]
    assert names[:3] == ["000000-000", "000000-p01", "000000-001"]


def _layers(project: Path, frame: int) -> Any:
    with existing(project, alone=False) as opened:
        return LayerStore().of(opened, frame)


def test_a_held_defect_is_mended_by_its_own_matte(client: TestClient, place: Path) -> None:
    with Ledger(place / "out.frdm") as ledger:
        row = ledger.rows("SELECT number, bottom - top AS height, right - left AS width FROM held ORDER BY number LIMIT 1")[0]
        assert held_mask(ledger, row["number"]) is not None
        mask = np.zeros((row["height"], row["width"]), np.bool_)
        mask[1, 1] = True
        from frdm.ledger.masks import packed

        with ledger.writing() as connection:
            connection.execute("UPDATE held SET mask = ? WHERE number = ?", (packed(mask), row["number"]))
    (mended,) = post(client, "/api/defects/000000-002/again", {"feather": 0})["made"]
    stored = next(layer.stored for layer in _layers(place / "out.frdm", 0) if layer.row.id == mended["id"])
    assert np.array_equal(stored.mask, mask)
    report = client.get("/api/report").json()
    assert "000000-002" not in [held["id"] for held in report["held"]]
    assert sum(report["totals"]["held"].values()) == len(report["held"])


def test_another_seed_is_another_draw_that_comes_out_the_same_again(client: TestClient, place: Path) -> None:
    films = []
    for seed in (1, 2, 1):
        (made,) = post(client, "/api/paint", {"start": 4, "stop": 5, "shapes": SQUARE, "engine": "neighbours", "seed": seed})["made"]
        assert made["seed"] == seed and 0 < len(made["sources"]) <= 3
        films.append(in_ledger(place)[4])
        post(client, "/api/undo", {})
    assert np.array_equal(films[0], films[2])
    assert not np.array_equal(films[0], films[1])
