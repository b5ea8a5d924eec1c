"""What the page gives other programs: files to save, and pictures that a job makes beside the project."""

import csv
import io
import json
import tempfile
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from test_painting import paint

import tiny


def finished(client: TestClient) -> dict[str, object]:
    until = time.monotonic() + 60
    while (job := client.get("/api/job").json()["job"])["state"] in ("running", "finishing"):
        assert time.monotonic() < until
        time.sleep(0.02)
    return job  # type: ignore[no-any-return]


def test_the_record_and_its_markers_are_files_to_save(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    made = paint(client, 4)["made"][0]["id"]
    ledger = client.get("/api/export/json")
    assert ledger.headers["content-disposition"] == 'attachment; filename="out.json"'
    assert made in json.loads(ledger.content)["pixels"]
    assert made in [row["id"] for row in csv.DictReader(io.StringIO(client.get("/api/export/csv").text))]
    assert client.get("/api/export/resolve").headers["content-disposition"] == 'attachment; filename="out-resolve.edl"'
    assert b"LOC:" in client.get("/api/export/edl", params={"per": "shot"}).content
    held = json.loads(client.get("/api/export/otio", params={"status": "held"}).content)
    assert json.dumps(held).count("Marker.2") == 5
    assert list(folder.iterdir()) == [], "nothing is left on the server's disk"
    assert client.get("/api/export/exe").status_code == 422


def test_overlays_are_made_beside_the_project_and_never_over_anything(client: TestClient, place: Path) -> None:
    body = {"kind": "export", "form": "overlay-png", "alpha": "whole"}
    started = client.post("/api/job", json=body)
    assert (started.status_code, started.json()["output"]) == (202, "out-overlay-png")
    done = finished(client)
    assert (done["state"], done["kind"], done["frame"]) == ("done", "export", 14)
    assert tiny.read_png(place / "out-overlay-png").shape == (14, 48, 64, 4)
    before = tiny.bytes_of(place / "out-overlay-png")
    client.post("/api/job", json=body)
    failed = finished(client)
    assert failed["state"] == "failed" and "exists and isn't empty" in str(failed["error"])
    assert tiny.bytes_of(place / "out-overlay-png") == before
    client.post("/api/job", json={"kind": "export", "form": "mattes"})
    assert finished(client)["state"] == "done" and tiny.read_png(place / "out-mattes").shape == (14, 48, 64)


def test_another_studio_at_the_same_address_has_another_mark(client: TestClient, reader: TestClient) -> None:
    assert client.get("/api/project").json()["mark"] != reader.get("/api/project").json()["mark"]


def test_mattes_are_shown_of_chosen_kinds_alone(reader: TestClient) -> None:
    shown = {kind: reader.get(f"/api/frames/0/picture?view=overlay&kind={kind}").content for kind in ("dirt", "hair", "line")}
    assert len(set(shown.values())) == 3
    assert shown["line"] == reader.get("/api/frames/0/picture?view=overlay&kind=burn").content
    both = reader.get("/api/frames/0/picture?view=overlay&kind=dirt&kind=hair").content
    assert both == reader.get("/api/frames/0/picture?view=overlay").content
