"""A drawn film, restored; the studio served on it by the command itself; and Debian's Chromium to look at it."""

import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from frdm import jobs
from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw
from frdm.recipe import Detection, Recipe

PATIENCE = 60  # seconds that the server has to answer
SHOT = 33  # frames of each of the film's two shots
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)


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


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A film of two shots with some ten pieces of dirt a frame, and its project."""
    places = Places(tmp_path_factory.mktemp("harbour"))
    draw(places, Stage(height=240, width=320, shot=SHOT), Dirtiness())
    recipe = Recipe(detection=Detection(detector="classical"))
    for _ in jobs.restore(places.scan, places.restored, recipe=recipe):
        pass
    return places


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a project by the command itself; where it is served."""
    servers: list[subprocess.Popen[str]] = []

    def started(project: Path) -> str:
        command = [sys.executable, "-m", "frdm", "studio", str(project), "--port", "0", "--no-browser"]
        servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        said = servers[-1].stdout
        assert said is not None
        found = re.search(r"http://\S+/", said.readline())
        assert found, "frdm studio did not say where it is"
        answering(found.group())
        return found.group()

    yield started
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(20)


@pytest.fixture(scope="session")
def studio(film: Places, serve: Callable[[Path], str]) -> str:
    """Where the film's project is served."""
    return serve(film.project)


def answering(address: str) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            assert time.monotonic() < until, f"{address} does not answer"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium; without it these tests fail, they are never left out."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("the studio's stories need Chromium, and there is no `chromium` on the path; install it: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, studio: str) -> Iterator[Page]:
    """The studio's page, open; afterwards nobody complained, and nothing was asked of anybody else."""
    watch = Watch(studio)
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    opened = context.new_page()
    watch.listen(opened)
    opened.goto(studio)
    opened.wait_for_selector("body[data-open]", state="attached")
    yield opened
    context.close()
    assert watch.foreign == []
    assert watch.complaints == []
