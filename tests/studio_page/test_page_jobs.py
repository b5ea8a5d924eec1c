"""Stories of jobs: a restoration that is paused and goes on, exports that the browser saves or a job writes beside the project."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hands import Made, as_the_ledger_says, asked, opened, rendered, repairs, same, settled, shown_frame, text_of, until
from playwright.sync_api import Browser, Page

from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw
from frdm.media.scan import open_scan

pytestmark = pytest.mark.slow
WORKING = 600  # seconds that a tiny film may take to be restored on a busy machine


@pytest.fixture
def raw(tmp_path: Path) -> Places:
    """A film that was not restored yet."""
    places = Places(tmp_path / "quay")
    draw(places, Stage(height=96, width=128, shot=10), Dirtiness())
    return places


def test_a_restoration_that_was_paused_goes_on_to_the_same_film(browser: Browser, serve: Callable[[Path], str], raw: Places) -> None:
    """Restored from the page, with a pause in the middle; the film is what the ledger says."""
    address = serve(raw.scan)
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened(page, address)
    page.click("#job-restore")
    page.click("#job-pause")
    paused = settled(page, address, lambda found: found["job"]["state"] == "paused", "api/job")["job"]
    page.wait_for_timeout(1500)
    still = asked(address, "api/job")["job"]
    assert (still["state"], still["frame"] <= paused["frame"] + 1) == ("paused", True)
    assert still["frame"] < 20
    text_of(page, "#job-what", "t.includes('paused')")
    page.click("#job-resume")
    text_of(page, "#told", "/^Restoring is done/.test(t)", seconds=WORKING)
    text_of(page, "#rows-count", "parseInt(t) > 0")
    project = next(raw.folder.glob("*.frdm"))
    made = Made(raw.scan, project, project.with_name(project.name.removesuffix(".frdm")))
    assert len(repairs(made)) > 0
    same(rendered(made), as_the_ledger_says(made))
    context.close()


def test_the_record_is_saved_by_the_browser(desk: Page, home: str, own: Places, tmp_path: Path) -> None:
    """JSON, CSV and markers say what the ledger says."""
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    desk.keyboard.press("x")
    settled(desk, home, lambda counts: counts["total"] > 0, "api/counts?status=rejected")
    desk.click("#tab-report")
    saved = {}
    desk.select_option("#export-status", "rejected")
    for name in ("json", "csv", "otio", "edl", "resolve"):
        with desk.expect_download() as download:
            desk.click(f"#export-{name}")
        saved[name] = tmp_path / f"{name}-{download.value.suggested_filename}"
        download.value.save_as(saved[name])
    states = {row.id: row.status for row in repairs(own)}
    defects = json.loads(saved["json"].read_text(encoding="utf-8"))["defects"]
    told = {one["id"]: one["status"] for one in defects}
    assert {name: status for name, status in told.items() if status != "held"} == states
    rows = csv.DictReader(io.StringIO(saved["csv"].read_text(encoding="utf-8")))
    assert {row["id"]: row["status"] for row in rows} == told
    rejected = sum(one["status"] == "rejected" and not one["aside"] for one in defects)  # what is set aside has no marker
    assert saved["otio"].read_text(encoding="utf-8").count('"Marker.') == rejected
    assert saved["resolve"].suffix == ".edl"
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda counts: counts["total"] == 0, "api/counts?status=rejected")


def test_the_repairs_alone_are_written_beside_the_project(desk: Page, home: str, own: Places) -> None:
    """The overlay laid on the scan is the film as the ledger says."""
    shown_frame(desk, 3)
    desk.click("#tab-report")
    desk.select_option("#export-form", "overlay-png")
    desk.click("#export-pictures")
    job = settled(desk, home, lambda found: found["job"] and found["job"]["state"] in ("done", "failed"), "api/job")["job"]
    assert (job["kind"], job["state"], job["error"]) == ("export", "done", None)
    text_of(desk, "#told", f"t.includes('{job['output']}')")
    place = own.folder / job["output"]
    wanted = as_the_ledger_says(own)
    with open_scan(place) as overlay, open_scan(own.scan) as scan:
        for index, (over, under) in enumerate(zip(overlay.frames(0, 12), scan.frames(0, 12), strict=True)):
            alpha = over.planes[-1] > 0
            for a, b, meant in zip(over.planes, under.planes, wanted[index], strict=False):
                level = np.round(a.astype(float) * 255 / ((1 << overlay.info.encoding.bits) - 1))
                assert np.array_equal(np.where(alpha, level, b), meant), f"frame {index}"
    desk.click("#export-pictures")
    settled(desk, home, lambda found: found["job"]["state"] == "failed", "api/job")
    text_of(desk, "#told", "t.includes('exists')")
