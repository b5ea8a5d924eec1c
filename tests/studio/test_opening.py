"""What the studio opens, and what it refuses to: a newer project, a film that moved or changed, things that are neither."""

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import tiny
from frdm.cli import main
from frdm.errors import FrdmError
from frdm.ledger.store import Ledger
from frdm.studio.app import make_app
from frdm.studio.desk import Desk
from frdm.studio.guard import Door
from frdm.studio.serving import address_of, bound


def test_a_project_that_is_newer_is_refused_and_left_as_it_is(place: Path) -> None:
    with Ledger(place / "out.frdm") as ledger:
        ledger.connection.execute("INSERT INTO migrations VALUES (99, 'from the future', 'then')")
    before = tiny.bytes_of(place / "out.frdm" / "patches")
    with pytest.raises(FrdmError, match="newer frdm"):
        Desk.open(place / "out.frdm")
    assert tiny.bytes_of(place / "out.frdm" / "patches") == before


def test_a_project_that_becomes_newer_while_it_is_open_is_refused(client: TestClient, place: Path) -> None:
    with Ledger(place / "out.frdm") as ledger:
        ledger.connection.execute("INSERT INTO migrations VALUES (99, 'from the future', 'then')")
    answer = client.post("/api/decisions", json={"verb": "reject", "selection": {"shot": 1}})
    assert answer.status_code == 409
    assert "newer frdm" in answer.json()["error"]["sentence"]


def test_a_film_that_moved_or_changed_is_refused(place: Path) -> None:
    (place / "scan").rename(place / "moved")
    with pytest.raises(FrdmError, match="lies there no more"):
        Desk.open(place / "out.frdm")
    shutil.copytree(place / "moved", place / "scan")
    with (place / "scan" / "frame_00003.png").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FrdmError, match="changed since"):
        Desk.open(place / "out.frdm")


def test_a_film_that_goes_away_while_it_is_open_is_told(client: TestClient, place: Path) -> None:
    assert client.get("/api/frames/1/picture?view=before").status_code == 200
    shutil.rmtree(place / "scan")
    answer = client.get("/api/frames/9/picture?view=before")
    assert answer.status_code == 409
    assert "frame_00010.png" in answer.json()["error"]["sentence"]
    assert client.post("/api/decisions", json={"verb": "reject", "selection": {"shot": 1}}).status_code == 200  # needs no film


def test_patches_that_are_gone_are_told(client: TestClient, place: Path) -> None:
    shutil.rmtree(place / "out.frdm" / "patches")
    answer = client.get("/api/frames/1/picture?view=after")
    assert answer.status_code == 409
    assert "missing or broken" in answer.json()["error"]["sentence"]


@pytest.mark.parametrize("what", ["nothing", "text", "empty"])
def test_what_is_no_film_is_one_line_and_exit_2(tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / what
    if what == "text":
        place.write_text("not a film")
    elif what == "empty":
        place.mkdir()
    assert main(["studio", str(place), "--no-browser"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_port_that_can_not_be_had_is_one_line_and_exit_2(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bound("127.0.0.1", 0) as taken:
        taken.listen()
        assert main(["studio", str(place / "out.frdm"), "--port", str(taken.getsockname()[1]), "--no-browser"]) == 2
    assert "give another port" in capsys.readouterr().err
    assert main(["studio", str(place / "out.frdm"), "--port", "70000"]) == 2


def test_a_film_that_was_never_restored_can_be_looked_at(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn / "scan", tmp_path / "film")
    with TestClient(make_app(Desk.open(tmp_path / "film")), base_url="http://127.0.0.1:8350") as client:
        project = client.get("/api/project").json()
        assert (project["begun"], project["range"], project["folder"]) == (False, [0, 14], "film_frdm.frdm")
        assert client.get("/api/frames/2/picture?view=before").status_code == 200
        refused = client.get("/api/shots")
        assert refused.status_code == 409
        assert "run the restoration first" in refused.json()["error"]["sentence"]
        assert client.post("/api/job", json={"kind": "render"}).status_code == 409
    assert not (tmp_path / "film_frdm.frdm").exists()


def test_the_film_of_a_project_opens_that_project(place: Path) -> None:
    (place / "out.frdm").rename(place / "scan_frdm.frdm")
    desk = Desk.open(place / "scan")
    assert desk.begun
    assert desk.folder == place / "scan_frdm.frdm"
    desk.close()


def test_the_address_bears_the_token_only_where_one_is_needed() -> None:
    assert address_of(Door(), 8350) == "http://127.0.0.1:8350/"
    assert address_of(Door("192.168.1.7", "abc"), 80) == "http://192.168.1.7:80/?token=abc"
    assert address_of(Door("::1"), 1) == "http://[::1]:1/"
