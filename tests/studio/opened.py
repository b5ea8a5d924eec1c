"""A restored film in a place of its own, and the studio on it."""

import shutil
from pathlib import Path

from fastapi.testclient import TestClient

from frdm.ledger.store import Ledger
from frdm.studio.app import make_app
from frdm.studio.desk import Desk

HOME = "http://127.0.0.1:8350"
SEAT = {"X-Frdm-Seat": "first", "X-Frdm-Who": "Ada"}


def copied(drawn: Path, to: Path) -> Path:
    """The same in a place of its own; the film moved with its project."""
    shutil.copytree(drawn, to)
    with Ledger(to / "out.frdm") as ledger:
        ledger.moved(str(to / "scan"))
        with ledger.writing() as connection:
            connection.execute("UPDATE outputs SET path = ?", (str(to / "out"),))
    return to


def served(place: Path) -> TestClient:
    """A studio on a project, at its usual address."""
    return TestClient(make_app(Desk.open(place / "out.frdm")), base_url=HOME, headers=SEAT)
