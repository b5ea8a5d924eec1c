"""What stories do with a page and ask of a server: keys and strokes, waiting for a condition, the ledger's state as bytes."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from frdm.demo.story import Places
from frdm.jobs.project import existing
from frdm.ledger.decisions import repairs_between
from frdm.ledger.patches import PatchFile
from frdm.ledger.records import RepairRow
from frdm.media.scan import open_scan

PATIENCE = 120  # seconds that the server may take to have heard of all
Planes = list[tuple[NDArray[Any], ...]]


@dataclass(frozen=True, slots=True)
class Made:
    """A scan, its project and its restored film, wherever they lie."""

    scan: Path
    project: Path
    restored: Path


Film = Places | Made


def asked(studio: str, path: str) -> Any:
    with urllib.request.urlopen(f"{studio}{path}") as answer:
        return json.load(answer)


def sent(studio: str, path: str, body: dict[str, Any], *, who: str = "Grace", method: str = "POST") -> Any:
    """What another seat sends."""
    headers = {"Content-Type": "application/json", "X-Frdm-Seat": "another", "X-Frdm-Who": who}
    with urllib.request.urlopen(urllib.request.Request(f"{studio}{path}", json.dumps(body).encode(), headers, method=method)) as answer:
        return json.load(answer)


def untouched(studio: str, name: str) -> None:
    """Nobody has decided on a defect before the story that begins with it."""
    found = asked(studio, f"api/defects/{name}")
    assert (found["status"], found["reviewed"]) == ("accepted", False), f"{name}: decided on before this story; it needs a film as restored"


def at_hand(page: Page) -> str:
    """The number of the defect at hand."""
    return str(page.locator("#about dd").last.inner_text())


def until(page: Page, condition: str, *, seconds: float = PATIENCE) -> None:
    """Wait for a condition in the page's own language (the page forbids what `wait_for_function` does)."""
    waited = (
        f"async (end) => {{ while (!({condition})) {{ if (performance.now() > end) return false; "
        "await new Promise(requestAnimationFrame); } return true; }"
    )
    now = page.evaluate("() => performance.now()")
    assert page.evaluate(waited, now + 1000 * seconds), condition


def text_of(page: Page, selector: str, test: str, *, seconds: float = PATIENCE) -> None:
    """Wait until the text of the last such element passes a test, an expression of `t`."""
    until(page, f"((t) => {test})([...document.querySelectorAll({json.dumps(selector)})].at(-1)?.textContent ?? '')", seconds=seconds)


def drawn(page: Page) -> None:
    until(page, "document.getElementById('picture').dataset.drawn && !document.querySelector('#picture.loading')")


def settled(page: Page, studio: str, wanted: Callable[[Any], bool], path: str) -> Any:
    """What the server says once it says what is wanted."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = asked(studio, path)
        if wanted(found):
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{path}: {found}")


def pixels(page: Page) -> NDArray[np.uint8]:
    """What the viewer's canvas shows, (height, width, 4)."""
    drawn(page)
    page.wait_for_timeout(150)
    size, data = page.evaluate(
        "() => { const c = document.getElementById('canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return [[c.height, c.width], btoa(Array.from(d, b => String.fromCharCode(b)).join(''))]; }"
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(*size, 4)


def opened(page: Page, studio: str) -> None:
    """The studio's page, open."""
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(studio)
    page.wait_for_selector("body[data-open]", state="attached")


@dataclass
class Watch:
    """What the browser asked for and complained of."""

    home: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.foreign.append(url)


def watched(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a browser of its own, watched while it is used."""
    watch = Watch(address)
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    watch.listen(page)
    opened(page, address)
    yield page
    context.close()
    assert watch.foreign == []
    assert watch.complaints == []


def shown_frame(page: Page, frame: int) -> None:
    """Go to a frame by its number."""
    page.fill("#frame", str(frame))
    page.keyboard.press("Enter")
    until(page, f"document.getElementById('picture').dataset.drawn.startsWith('{frame} ')")


def on_screen(page: Page, places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Film places (x, y) as places of the pointer."""
    found = page.evaluate(
        "async places => { const g = await import('./geometry.js'); "
        "const r = document.getElementById('canvas').getBoundingClientRect(); "
        "return places.map(([x, y]) => { const [a, b] = g.toScreen(x, y); "
        "return [a / devicePixelRatio + r.x, b / devicePixelRatio + r.y]; }); }",
        [list(place) for place in places],
    )
    return [(x, y) for x, y in found]


def stroke(page: Page, places: Sequence[tuple[float, float]]) -> None:
    """Draw with the tool at hand through film places (x, y)."""
    first, *others = on_screen(page, places)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def drag(page: Page, path: list[tuple[float, float]]) -> None:
    """Drag through places of the viewer, as shares of its width and height."""
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def rendered(film: Film) -> Planes:
    """The restored film's codes."""
    with open_scan(film.restored) as made:
        return [tuple(plane.copy() for plane in frame.planes) for frame in made.frames(0, made.info.length)]


def scanned(film: Film) -> Planes:
    """The scan's codes."""
    with open_scan(film.scan) as scan:
        return [tuple(plane.copy() for plane in frame.planes) for frame in scan.frames(0, scan.info.length)]


def as_the_ledger_says(film: Film) -> Planes:
    """Scan + accepted repairs, blended here: round(scan + m·(fill − scan)), in the ledger's order."""
    with existing(film.project, alone=False) as project, open_scan(film.scan) as scan:
        made = []
        for frame in scan.frames(0, scan.info.length):
            planes = [plane.astype(np.int64) for plane in frame.planes]
            for row in repairs_between(project.ledger, frame.index, stop=frame.index + 1):
                if row.status != "accepted":
                    continue
                with PatchFile(project.patches / row.file) as patches:
                    patch = patches.frame(frame.index)[row.place].patch
                for number, plane in enumerate(planes):
                    part = patch.box.on_plane(scan.info.encoding, number)
                    matte, fill = patch.mattes[number].astype(np.int64), patch.codes[number].astype(np.int64)
                    there = plane[part]
                    plane[part] = (2 * (there * 65535 + matte * (fill - there)) + 65535) // (2 * 65535)
            made.append(tuple(plane.astype(np.uint8) for plane in planes))
    return made


def same(one: Planes, other: Planes) -> None:
    """Two films are equal code by code."""
    assert len(one) == len(other)
    for index, (made, meant) in enumerate(zip(one, other, strict=True)):
        assert all(np.array_equal(a, b) for a, b in zip(made, meant, strict=True)), f"frame {index}"


def repairs(film: Film) -> list[RepairRow]:
    """All repairs of the ledger, with their status now."""
    with existing(film.project, alone=False) as project:
        return list(repairs_between(project.ledger, 0, stop=10**6))
