"""Who may ask: other sites, other names, strangers and floods are refused before anything is done."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from frdm.studio.guard import LARGEST, Door, Guard, is_loopback

HOME = "http://127.0.0.1:8350"


async def answered(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


def client(door: Door | None = None, home: str = HOME) -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", answered, methods=["GET", "POST"])])
    return TestClient(Guard(inner, door or Door()), base_url=home, follow_redirects=False)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8350", "192.168.1.7:8350", "", "[::1", "localhost@evil.example"])
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    answer = client().get("/api/project", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["sentence"]


@pytest.mark.parametrize("host", ["127.0.0.1:8350", "localhost:8350", "LOCALHOST:1", "[::1]:8350"])
def test_this_machines_own_names_are_known(host: str) -> None:
    assert client().get("/api/project", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "file://127.0.0.1:8350"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_request_from_another_site_is_refused(headers: dict[str, str]) -> None:
    answer = client().post("/api/decisions", json={}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["kind"] == "Origin"


def test_other_sites_may_not_read_either() -> None:
    assert client().get("/api/frames/0/picture", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client().get("/api/project", headers={"Origin": "http://evil.example"}).status_code == 403


def test_the_page_itself_may_ask() -> None:
    headers = {"Origin": HOME, "Sec-Fetch-Site": "same-origin"}
    assert client().post("/api/decisions", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_what_a_form_can_send_is_refused(kind: str) -> None:
    assert client().post("/api/decisions", content=b"{}", headers={"Content-Type": kind}).status_code == 415


def test_too_much_is_refused_whether_it_is_announced_or_not() -> None:
    def flood() -> Iterator[bytes]:
        yield from (b" " * (1 << 20) for _ in range((LARGEST >> 20) + 1))

    headers = {"Content-Type": "application/json"}
    announced = client().post("/api/paint", content=b" " * (LARGEST + 1), headers=headers)
    streamed = client().post("/api/paint", content=flood(), headers=headers)
    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert client().post("/api/paint", content=b" " * LARGEST, headers=headers).text == f"{LARGEST} bytes"
    assert client().post("/api/paint", content=b"", headers=headers | {"Content-Length": "many"}).status_code == 413


def test_beyond_this_machine_a_token_is_needed() -> None:
    door = Door.at("0.0.0.0")
    assert door.token is not None
    assert len(door.token) >= 24
    here = client(door, "http://192.168.1.7:8350")
    assert here.get("/").status_code == 401
    assert here.get("/api/project").status_code == 401
    assert here.get("/?token=wrong").status_code == 401
    assert here.get("/api/project", headers=[(b"Cookie", "frdm_token=ärger; ;;=".encode("latin-1"))]).status_code == 401
    welcome = here.get(f"/?token={door.token}")
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert here.get("/api/project").status_code == 200  # the cookie is kept
    assert here.get("/api/project", headers={"Host": "evil.example"}).status_code == 403


def test_two_doors_have_two_tokens() -> None:
    assert Door.at("0.0.0.0").token != Door.at("0.0.0.0").token
    assert Door.at("localhost").token is None


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("film", False)])
def test_which_hosts_are_this_machine_alone(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_every_answer_keeps_the_page_apart_from_others() -> None:
    for path in ("/", "/api/project"):
        headers = client().get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
