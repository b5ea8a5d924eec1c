"""Keys on keyboards of other countries, asked of the page's own module. No film is needed: the files alone are served."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

PAGE = Path(__file__).parents[2] / "src" / "frdm" / "studio" / "page"
HOME = "http://127.0.0.1:9/"  # nothing listens there: every request is answered from the folder
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
pytestmark = pytest.mark.slow
ASK = """async ([key, code, held]) => {
  const { commandOf } = await import('./keyboard.js');
  const event = new KeyboardEvent('keydown', { key, code, shiftKey: held.includes('shift'), ctrlKey: held.includes('ctrl'),
    altKey: held.includes('alt'), modifierAltGraph: held.includes('graph') });
  return commandOf(event)?.id ?? null;
}"""


@pytest.fixture(scope="module")
def files(browser: Browser) -> Iterator[Page]:
    """The page's files without a server, its keys learned."""
    assert shutil.which("chromium")

    def answer(route: Route) -> None:
        path = PAGE / route.request.url.removeprefix(HOME).partition("?")[0]
        if path.is_file() and path.suffix in TYPES:
            route.fulfill(body=path.read_bytes(), content_type=TYPES[path.suffix])
        else:
            route.fulfill(status=404, json={"error": {"sentence": "there is no server here"}})

    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", answer)
    page.goto(f"{HOME}index.html")
    page.wait_for_selector("#keys dt", state="attached")
    yield page
    context.close()


@pytest.mark.parametrize(
    ("key", "code", "held", "wanted"),
    [
        ("a", "KeyA", "", "accept"),
        ("A", "KeyA", "shift", "alike-accept"),
        ("ф", "KeyA", "", "accept"),  # Russian
        ("Ф", "KeyA", "shift", "alike-accept"),
        ("я", "KeyZ", "ctrl", "undo"),
        ("χ", "KeyX", "", "reject"),  # Greek
        ("ש", "KeyA", "", "accept"),  # Hebrew
        ("a", "KeyQ", "", "accept"),  # French: what it writes counts
        ("z", "KeyW", "ctrl", "undo"),
        ("&", "Digit1", "", "view-before"),
        ("1", "Digit1", "shift", "view-before"),
        ("5", "Digit5", "shift", "view-neighbours"),
        ("5", "Numpad5", "", "view-neighbours"),
        ("z", "KeyY", "", "close"),  # German
        ("[", "Digit8", "ctrl alt graph", "last-shot"),
        ("]", "Digit9", "graph", "next-shot"),
        ("\\", "Minus", "ctrl alt graph", "range"),
        ("/", "Digit7", "shift", "filter"),
        ("?", "Minus", "shift", "help"),
        ("[", "Digit5", "alt", "last-shot"),  # German on a Mac
        ("ą", "KeyA", "graph", None),  # Polish: another letter, not a command
        ("Dead", "BracketLeft", "", None),
        ("a", "KeyA", "ctrl", None),
        ("a", "KeyA", "alt", None),
    ],
)
def test_a_key_means_the_same_on_every_keyboard(files: Page, key: str, code: str, held: str, wanted: str | None) -> None:
    assert files.evaluate(ASK, [key, code, held.split()]) == wanted
