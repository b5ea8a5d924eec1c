"""A project of 100,000 defects opens, and its list scrolls smoothly to the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import mended
import tiny
from frdm.film import Box, Shot, Span
from frdm.jobs.project import project_row
from frdm.ledger.records import FrameRow
from frdm.ledger.store import Ledger, SpanRecord
from frdm.media.scan import open_scan
from frdm.recipe import Recipe

pytestmark = pytest.mark.slow
FRAMES, EACH, SHOT = 2_000, 50, 50
SMOOTH = 50  # milliseconds between two pictures of a list that scrolls, in the median: the machine may be busy
SCROLL = """async () => {
  const list = document.getElementById('rows');
  const times = [];
  let last = performance.now();
  for (let i = 0; i < 150; i += 1) {
    list.scrollTop += i < 100 ? 90 : 40000;
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
  }
  list.scrollTop = list.scrollHeight;
  return times.sort((a, b) => a - b);
}"""


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    """A project with fifty held defects in each of 2,000 frames, which are hard links of one picture."""
    tiny.write_png(tmp_path / "first", tiny.codes(tiny.film(1, height=16, width=16)))
    (tmp_path / "scan").mkdir()
    for index in range(FRAMES):
        (tmp_path / "scan" / f"f{index:06d}.png").hardlink_to(tmp_path / "first" / "frame_00001.png")
    project = tmp_path / "out.frdm"
    project.mkdir()
    with open_scan(tmp_path / "scan") as scan, Ledger(project, create=True) as ledger:
        ledger.begin(project_row(scan, Recipe(), start=0, stop=FRAMES))
        for number, start in enumerate(range(0, FRAMES, SHOT), 1):
            ledger.add_shot(number, Shot(start, start + SHOT))
            record = SpanRecord()
            for frame in range(start, start + SHOT):
                record.frames.append(FrameRow(frame, 0.01, None, 0.0))
                record.held += [mended.a_held(f"{frame:06d}-{place:03d}", Box(frame, 2, 2, 6, 6)) for place in range(EACH)]
            ledger.add_span(Span(Shot(start, start + SHOT), start, start + SHOT), record)
        ledger.all_shots_found()
    return project


def test_a_list_of_a_hundred_thousand_rows_scrolls_smoothly(browser: Browser, serve: Callable[[Path], str], reel: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(serve(reel))
    page.wait_for_selector("body[data-open]", state="attached", timeout=60_000)
    opened = page.evaluate("() => performance.now()")
    assert page.locator("#rows-count").inner_text() == "100\u202f000 of 100\u202f000"
    times = page.evaluate(SCROLL)
    elements = page.locator("#rows .one").count()
    print(f"open after {opened:.0f} ms; a picture every {times[75]:.0f} ms, 95 % within {times[142]:.0f} ms; {elements} rows exist")
    assert times[75] <= SMOOTH
    assert elements < 80
    page.locator("#rows .one", has_text="1\u202f999").first.wait_for(timeout=60_000)
    context.close()
