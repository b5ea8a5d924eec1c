"""A drawn film, restored; the studio served on it by the command itself; and Debian's Chromium to look at it."""

import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hands import PATIENCE, watched
from playwright.sync_api import Browser, Page, sync_playwright

from frdm import jobs
from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw
from frdm.ledger.store import Ledger
from frdm.recipe import Detection, Recipe

SHOT = 33  # frames of each of the film's two shots
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A film of two shots with some ten pieces of dirt a frame, and its project; nobody decides anything on it, it is copied."""
    places = Places(tmp_path_factory.mktemp("pristine") / "harbour")
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
def film(pristine: Places, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The film and its project in one place for the stories that share it."""
    return copied(pristine, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def studio(film: Places, serve: Callable[[Path], str]) -> str:
    """Where the film's project is served."""
    return serve(film.project)


@pytest.fixture(scope="module")
def own(pristine: Places, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The film and its project in a place of their own, as nobody has changed them, for the stories of one file."""
    return copied(pristine, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def home(own: Places, serve: Callable[[Path], str]) -> str:
    """Where it is served."""
    return serve(own.project)


@pytest.fixture
def desk(browser: Browser, home: str) -> Iterator[Page]:
    """Its page, open; afterwards nobody complained, and nothing was asked of anybody else."""
    yield from watched(browser, home)


def copied(film: Places, folder: Path) -> Places:
    """A film and its project as they are, in another place."""
    places = Places(folder / "harbour")
    shutil.copytree(film.folder, places.folder)
    with Ledger(places.project) as ledger:
        ledger.moved(str(places.scan))
        with ledger.writing() as connection:
            connection.execute("UPDATE outputs SET path = ?", (str(places.restored),))
    return places


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
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split(), timeout=1000 * PATIENCE)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, studio: str) -> Iterator[Page]:
    """The studio's page, open; afterwards nobody complained, and nothing was asked of anybody else."""
    yield from watched(browser, studio)
