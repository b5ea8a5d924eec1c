"""Films of which there is little to show: not restored yet, without a defect, of one frame. Every view says so, and nobody complains."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hands import drawn, until, watched
from playwright.sync_api import Browser, Page

import tiny
from frdm import jobs
from frdm.recipe import Detection, Recipe

pytestmark = pytest.mark.slow

FRAMES = 5
YET = "This film was not restored yet: Restore finds what is damaged and mends it."
NOTHING = "Nothing was found in this film. What you see yourself the tools mend: brush, lasso, line."
TABS = ("jobs", "history", "report", "defects")


def scan(folder: Path, frames: int) -> Path:
    """A film with nothing on it."""
    return tiny.write_png(folder / "scan", tiny.codes(tiny.film(frames, height=96, width=128), 16))


def restored(folder: Path, frames: int) -> Path:
    """The project of such a film."""
    for _ in jobs.restore(scan(folder, frames), folder / "out", recipe=Recipe(detection=Detection(detector="classical"))):
        pass
    return folder / "out.frdm"


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser, serve: Callable[[Path], str]) -> Iterator[Page]:
    """The page of a film that `request.param` makes."""
    yield from watched(browser, serve(request.param(tmp_path)))


def views(page: Page) -> list[str]:
    """What sheet and pipeline say, after every view and every tab was looked at."""
    said = []
    for key in "1234567":
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        if key in "12345":
            drawn(page)
        else:
            until(page, "document.querySelector('#sheet').children.length > 0")
            said.append(page.locator("#sheet").inner_text().strip())
    for name in TABS:
        page.click(f"#tab-{name}")
        page.wait_for_timeout(300)
    return said


@pytest.mark.parametrize("page", [lambda folder: scan(folder, FRAMES)], indirect=True, ids=["unrestored"])
def test_a_film_that_was_not_restored_says_so_in_every_view(page: Page) -> None:
    assert views(page) == [YET, YET]
    assert page.locator("#about").inner_text() == YET
    assert [page.locator(f"#{name}").is_disabled() for name in ("render", "job-render", "job-restore", "undo")] == [True, True, False, True]
    page.click("#tab-history")
    assert page.locator("#history").inner_text() == "No decision yet." and page.locator("#older").is_hidden()
    page.click("#tab-report")
    assert page.locator("#report").inner_text() == YET
    page.click("#tab-jobs")
    assert page.locator("#outputs").inner_text() == "None yet: Restore makes one."


@pytest.mark.parametrize(
    ("page", "frames"),
    [(lambda folder: restored(folder, FRAMES), "0–4"), (lambda folder: restored(folder, 1), "0")],
    indirect=["page"],
    ids=["clean", "one-frame"],
)
def test_a_film_without_defects_says_so_too(page: Page, frames: str) -> None:
    sheet, pipeline = views(page)
    assert sheet == NOTHING and f"Frames\n{frames}\n" in f"{pipeline}\n"
    assert page.locator("#about").inner_text() == NOTHING
    for key in ("ArrowDown", "a", "x", "n", "h", "g", "Control+z", "]", "["):
        page.keyboard.press(key)
    page.click("#tab-report")
    until(page, "document.querySelectorAll('#report dd').length > 5")
    assert page.locator("#report dd").all_inner_texts()[:3] == [str(len(range(5)) if frames == "0–4" else 1), "1", "0"]
    assert page.locator("#report-shots tbody td").all_inner_texts()[1] == frames
