"""Unrelated pictures and movies with long groups of pictures in the studio: the same page, the same record."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from opened import HOME, SEAT

import mended
import tiny
from frdm import jobs
from frdm.media.scan import open_scan
from frdm.recipe import Recipe
from frdm.studio.app import make_app
from frdm.studio.desk import Desk
from mended import run
from pictures_of_all_sorts import write_sorts

LENGTH, GROUP = 40, 20


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TestClient]]:
    """Five pictures of as many sizes and encodings, restored with made-up repairs, and the studio on them."""
    place = tmp_path_factory.mktemp("stills")
    write_sorts(place / "in")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(place / "in", place / "out", recipe=Recipe(stills=True)))
    with TestClient(make_app(Desk.open(place / "out.frdm")), base_url=HOME, headers=SEAT) as client:
        yield place, client


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TestClient]]:
    """A movie of 4:2:0 in groups of twenty pictures with such between as need later ones, and the studio on it."""
    place = tmp_path_factory.mktemp("movie")
    film = place / "film.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=24, options={"g": str(GROUP), "bf": "2", "qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for picture in tiny.codes(tiny.film(LENGTH)):
            frame = av.VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, -1), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(film, place / "out.mkv", recipe=Recipe(span=10)))
    with TestClient(make_app(Desk.open(place / "out.mkv.frdm")), base_url=HOME, headers=SEAT) as client:
        yield place, client


def pixels(client: TestClient, index: int, view: str, **more: object) -> np.ndarray:
    answer = client.get(f"/api/frames/{index}/picture", params={"view": view, "form": "png", "tone": "codes", **more})
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]


def test_every_picture_is_shown_in_its_own_size(stills: tuple[Path, TestClient]) -> None:
    place, client = stills
    project = client.get("/api/project").json()
    assert (project["stills"], project["finished"], len(client.get("/api/shots").json()["shots"])) == (True, True, 5)
    with open_scan(place / "in", stills=True) as scan:
        for index in range(5):
            info = scan.info_at(index)  # type: ignore[attr-defined]
            assert pixels(client, index, "before").shape == (info.height, info.width, 3)
            before, after = pixels(client, index, "before"), pixels(client, index, "after")
            assert np.array_equal(before, after) == (index % 4 == 3)
            assert client.get(f"/api/frames/{index}").json()["neighbours"] == [index]
    assert np.array_equal(pixels(client, 0, "before")[..., 0], cv2.imread(str(place / "in" / "Aunt Mary.png"), cv2.IMREAD_GRAYSCALE))


def test_a_picture_is_painted_from_itself_and_protected_alone(stills: tuple[Path, TestClient]) -> None:
    place, client = stills
    shapes = [{"type": "rectangle", "box": [18, 18, 23, 23]}]
    done = client.post("/api/paint", json={"start": 0, "stop": 2, "shapes": shapes}).json()
    assert [(one["frame"], one["engine"]) for one in done["made"]] == [(0, "surround"), (1, "surround")]
    for engine in ("neighbours", "reveal"):
        refused = client.post("/api/paint", json={"start": 0, "stop": 1, "shapes": shapes, "engine": engine})
        assert refused.status_code == 422 and "surround" in refused.json()["error"]["sentence"]
    assert client.post("/api/protections", json={"start": 0, "stop": 2, "shapes": shapes}).status_code == 422
    assert client.post("/api/protections", json={"start": 0, "stop": 1, "shapes": shapes}).status_code == 200
    stages = {stage["name"]: stage["available"] for stage in client.get("/api/frames/0/pipeline").json()["stages"]}
    assert (stages["scan"], stages["neighbours"], stages["motion"], stages["composite"]) == (True, False, False, True)
    assert client.get("/api/frames/0/pipeline/neighbours").status_code == 422
    run(jobs.render(place / "out.frdm"))
    assert jobs.verify(place / "in", place / "out", place / "out.frdm").ok


def test_a_long_group_is_shown_frame_by_frame_in_any_order(movie: tuple[Path, TestClient]) -> None:
    place, client = movie
    with open_scan(place / "film.mkv") as scan:
        in_turn = [frame.planes[0] for frame in scan.frames()]
    for index in (LENGTH - 1, 0, GROUP + 1, GROUP - 1, 5, 6, 7, 4, LENGTH - 2, GROUP):
        assert np.array_equal(pixels(client, index, "before", channels="luma").shape[:2], in_turn[index].shape)
        shown, here = pixels(client, index, "before").astype(int).mean(-1), in_turn[index].astype(int)
        other = in_turn[(index + 3) % LENGTH].astype(int)
        wanted = np.clip((here - 16) * 255 / 219, 0, 255)
        assert np.abs(shown - wanted).mean() < 3 < np.abs(wanted - np.clip((other - 16) * 255 / 219, 0, 255)).mean()


def test_a_long_group_is_painted_and_rendered_as_the_ledger_says(movie: tuple[Path, TestClient]) -> None:
    place, client = movie
    done = client.post("/api/paint", json={"start": 18, "stop": 23, "shapes": [{"type": "rectangle", "box": [40, 51, 47, 60]}]}).json()
    assert [one["frame"] for one in done["made"]] == list(range(18, 23)), done["refused"]
    client.post("/api/decisions", json={"verb": "reject", "selection": {"kinds": ["hair"]}})
    run(jobs.render(place / "out.mkv.frdm"))
    assert jobs.verify(place / "film.mkv", place / "out.mkv", place / "out.mkv.frdm").ok
    with open_scan(place / "out.mkv") as film:
        mended_frame = film.frame(20)
    shown = pixels(client, 20, "after").astype(int).mean(-1)
    assert np.abs(shown - np.clip((mended_frame.planes[0].astype(int) - 16) * 255 / 219, 0, 255)).mean() < 3
