"""Serve the studio until it is interrupted."""

import socket
import threading
import time
import webbrowser
from pathlib import Path

import uvicorn

from frdm.errors import RecipeError
from frdm.studio.app import make_app
from frdm.studio.desk import Desk
from frdm.studio.guard import Door

PATIENCE = 20.0  # seconds that a server has to start before the browser is opened at it
BACKLOG = 128
GRACE = 3  # seconds that open answers have when it ends


def serve(place: Path, *, host: str, port: int, browser: bool) -> None:
    """Open a project or a film and serve it. Raises `FrdmError`."""
    desk = Desk.open(place)
    try:
        door = Door.at(host)
        with bound(host, port) as listening:
            address = address_of(door, listening.getsockname()[1])
            print(f"The studio is at {address} (stop it with Ctrl+C).", flush=True)
            if door.token is not None:
                print("It can be reached from other machines by whoever has this address with its token, unencrypted.", flush=True)
            settings = uvicorn.Config(make_app(desk, door), log_level="warning", timeout_graceful_shutdown=GRACE, server_header=False)
            server = Server(settings, desk)
            if browser:
                threading.Thread(target=open_when_started, args=(server, address), daemon=True).start()
            server.run(sockets=[listening])
    finally:
        desk.close()


class Server(uvicorn.Server):
    """Tells open event streams that it is about to end, so that they do."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: object) -> None:
        self._desk.closing = True
        super().handle_exit(sig, frame)  # type: ignore[arg-type]


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `RecipeError`."""
    listening = None
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)  # from now on who comes waits, and is not refused
    except OSError as error:
        if listening is not None:
            listening.close()
        raise RecipeError(
            f"--host {host} --port {port}: can't be listened at ({error.strerror}); give another port, or 0 for any"
        ) from None
    return listening


def address_of(door: Door, port: int) -> str:
    """Where a browser finds it, with the token if it needs one."""
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(door.host, door.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={door.token}" if door.token else "")


def open_when_started(server: uvicorn.Server, address: str) -> None:
    """Open the browser once there is an answer to be had."""
    until = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    if server.started:
        webbrowser.open(address)
