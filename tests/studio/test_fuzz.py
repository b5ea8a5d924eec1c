"""Thousands of requests made up from the API's own description, good and bad: none of them is answered with a fault of ours."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from opened import copied
from schemathesis import GenerationMode

from frdm.studio.app import make_app
from frdm.studio.desk import Desk
from mended import FRAMES

pytestmark = pytest.mark.slow

EACH = 40  # requests an operation, each good and bad
PATIENCE = 120  # seconds that one may take on a busy machine
HEADERS = {"Host": "127.0.0.1:8350"}


@pytest.fixture(scope="module")
def served(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    place = copied(drawn, tmp_path_factory.mktemp("fuzz") / "work")
    app = make_app(Desk.open(place / "out.frdm"))
    with TestClient(app):
        yield app


def test_no_request_is_answered_with_a_fault_of_ours(served: FastAPI) -> None:
    described = schemathesis.openapi.from_asgi("/api/openapi.json", served, headers=HEADERS)
    operations = [found.ok() for found in described.get_all_operations()]
    asked = [one for one in operations if one.path not in ("/api/events", "/api/job") or (one.method == "get" and one.path == "/api/job")]
    assert len(asked) > 25
    for operation in asked:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            hammer(operation, mode)


def hammer(operation: Any, mode: GenerationMode) -> None:
    """Ask one operation, as it is described or as it is not."""
    statuses: Counter[int] = Counter()

    @settings(max_examples=EACH, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            bring_near(case)
        answer = case.call(headers=HEADERS, timeout=PATIENCE)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{operation.method} {case.as_curl_command()}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.json()["error"]["sentence"]

    try:
        ask()
    except Unsatisfiable:  # nothing can be wrong about a request without parameters
        assert mode is GenerationMode.NEGATIVE
    print(f"{operation.method:6} {operation.path:40} {mode.value}: {dict(sorted(statuses.items()))}")


def bring_near(case: schemathesis.Case) -> None:
    """Let most of what is well formed mean something that is there: numbers of frames and shots, ids, ranges."""
    named = case.path_parameters or {}
    for name, most in (("index", FRAMES + 1), ("number", 4)):
        if isinstance(named.get(name), int):
            named[name] %= most
    if isinstance(named.get("name"), str) and "{name}" in case.path and "defects" in case.path:
        named["name"] = f"{len(named['name']) % FRAMES:06d}-{sum(map(ord, named['name'])) % 3:03d}"
    if isinstance(case.body, dict) and isinstance(case.body.get("start"), int) and isinstance(case.body.get("stop"), int):
        case.body["start"] %= FRAMES
        case.body["stop"] = case.body["start"] + 1 + case.body["stop"] % 2
        for shape in case.body.get("shapes", ()):
            bring_into_the_picture(shape)


def bring_into_the_picture(shape: dict[str, Any]) -> None:
    """Let a shape lie where it can be seen, and be no larger than may be painted."""
    if shape["type"] == "rectangle":
        top, left = (side % 40 for side in shape["box"][:2])
        shape["box"] = [top, left, *(at + 1 + side % 15 for at, side in zip((top, left), shape["box"][2:], strict=True))]
    elif shape["type"] in ("polygon", "stroke"):
        shape["points"] = [[20 + x % 20, 20 + y % 20] for x, y in shape["points"]]
        shape["width"] = 1 + shape["width"] % 9 if "width" in shape else None
        if shape["width"] is None:
            del shape["width"]
