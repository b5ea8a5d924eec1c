"""What stands before every request: who may ask, from where, and how much may be sent.

Another site that is open in the same browser must be able neither to change anything (its requests bear its origin) nor to read anything
by giving its own name this machine's address (they bear its name as host).
"""

import ipaddress
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 16 << 20  # bytes of a request's body
COOKIE = "frdm_token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Door:
    """Where the studio is served and to whom. `token` None: to everybody on this machine, by its loopback names alone."""

    host: str = "127.0.0.1"
    token: str | None = None

    @staticmethod
    def at(host: str) -> "Door":
        """The door of a host: beyond this machine only with a token, drawn anew."""
        return Door(host, None if is_loopback(host) else secrets.token_urlsafe(24))

    def knows(self, name: str) -> bool:
        """Whether a request's host (without port) is this server."""
        if name in LOOPBACK or name == self.host.lower():
            return True
        if self.token is None:
            return False
        return is_address(name) or name in {socket.gethostname().lower(), socket.getfqdn().lower()}


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def is_address(name: str) -> bool:
    """Whether a name is an IP address, which no other site can own."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class _TooLargeError(Exception):
    """More was sent than is taken."""


class Guard:
    """ASGI: refuses, or lets pass and adds the headers that keep the page apart from others."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        answer = self._refused(scope)
        if answer is not None:
            await answer(scope, receive, _dressed(send, scope["path"]))
            return
        await self._counted(scope, receive, _dressed(send, scope["path"]))

    def _refused(self, scope: Scope) -> Response | None:
        headers, method = Headers(scope=scope), scope["method"]
        host = _name(headers.get("host", ""))
        if not self._door.knows(host):
            return refusal(403, "Host", f"{host or 'no host'}: not a name of this studio; open it at the address that frdm studio printed")
        origin = headers.get("origin")
        if origin is not None and not (origin == "null" and method in SAFE) and urlsplit_host(origin) != headers.get("host", "").lower():
            return refusal(403, "Origin", f"{origin}: a request from another site was refused; use the studio's own page")
        if scope["path"].startswith("/api") and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return refusal(403, "Origin", "a request from another site was refused; use the studio's own page")
        if (refused := self._stranger(scope, headers)) is not None:
            return refused
        return _unfit(headers, method)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to one who has no token, or who brings it in the address."""
        wanted = self._door.token
        if wanted is None:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and given and secrets.compare_digest(given.encode(), wanted.encode()):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, wanted, httponly=True, samesite="strict", path="/")
            return answer
        cookie = SimpleCookie()
        try:
            cookie.load(headers.get("cookie", ""))
        except Exception:  # whatever a hostile cookie breaks in the parser: it is no token
            cookie = SimpleCookie()
        brought = cookie[COOKIE].value if COOKIE in cookie else headers.get("authorization", "").removeprefix("Bearer ")
        if secrets.compare_digest(brought.encode("utf-8", "replace"), wanted.encode()):
            return None
        return refusal(401, "Token", "a token is needed here; open the address that frdm studio printed, with its token")

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, but no more of its body than is taken."""
        seen, refused = 0, False

        async def limited() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST:
                refused = True
                await _too_large()(scope, receive, send)
                raise _TooLargeError
            return message

        async def sending(message: Message) -> None:
            if not refused:
                await send(message)

        with suppress(_TooLargeError):  # it was answered where it was found
            await self._app(scope, limited, sending)


def _unfit(headers: Headers, method: str) -> Response | None:
    """The answer to a body of the wrong type or size."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > LARGEST:
        return _too_large()
    has_body = length != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in SAFE and (has_body or kind) and kind != "application/json":
        return refusal(415, "ContentType", f"{kind or 'no content type'}: JSON was wanted; send application/json")
    return None


def _too_large() -> Response:
    return refusal(413, "TooLarge", f"more than {LARGEST >> 20} MiB were sent; send less")


def refusal(status: int, kind: str, sentence: str) -> JSONResponse:
    """An error as the page shows it."""
    return JSONResponse({"error": {"kind": kind, "sentence": sentence}}, status)


def _dressed(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            if not path.startswith("/api"):
                headers.setdefault("Cache-Control", "no-cache")
            elif "cache-control" not in headers:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return sending


def _name(host: str) -> str:
    """A host header's name without its port, lower case; "" for none that can be one."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def urlsplit_host(origin: str) -> str:
    """The host and port of an origin, lower case; "" for none that can be one."""
    try:
        parts = urlsplit(origin)
        return parts.netloc.lower() if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""
