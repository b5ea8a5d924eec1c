"""Stories of a reviewer at the studio's page: each begins with a key or a click and ends in the project or in the film."""

import json

import numpy as np
import pytest
from hands import as_the_ledger_says, asked, at_hand, drag, drawn, on_screen, pixels, rendered, same, settled, text_of, until, untouched
from playwright.sync_api import Page

from frdm.demo.story import Places

pytestmark = pytest.mark.slow
REVIEWED = 500
RENDERING = 120  # seconds that a render of the tiny film may take
RING = "getComputedStyle(document.activeElement)"
NEUTRAL = "node => { const c = getComputedStyle(node).color.match(/[0-9.]+/g).slice(0, 3); return c[0] === c[1] && c[1] === c[2]; }"


def test_it_opens_with_shots_defects_and_a_picture(page: Page, studio: str) -> None:
    assert page.title().startswith("scan")
    until(page, "document.querySelector('#shot-list .one')?.checkVisibility() && document.querySelector('#rows .one')?.checkVisibility()")
    assert page.locator("#shot-list .one:visible").count() == 2
    assert page.locator("#rows .one:visible").count() > 5
    total = asked(studio, "api/defects?limit=1")["total"]
    assert page.locator("#rows-count").inner_text() == f"{total} of {total}"
    assert pixels(page)[..., :3].std() > 10


def test_the_wipe_shows_the_scan_left_and_the_restored_frame_right(page: Page, studio: str) -> None:
    page.keyboard.press("1")
    before = pixels(page)
    page.keyboard.press("2")
    after = pixels(page)
    assert (before != after).any()
    page.keyboard.press("3")
    wiped = pixels(page)
    edge = wiped.shape[1] // 2
    assert np.array_equal(wiped[:, : edge - 3], before[:, : edge - 3])
    assert np.array_equal(wiped[:, edge + 3 :], after[:, edge + 3 :])
    box = page.locator("#canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 200, middle[1], steps=5)
    page.mouse.up()
    moved = pixels(page)
    assert np.array_equal(moved[:, edge - 190 :], after[:, edge - 190 :])


def test_every_view_draws_and_flipping_held_down_comes_back(page: Page, studio: str) -> None:
    page.keyboard.press("ArrowDown")
    for key in "1234567":
        page.keyboard.press(key)
        drawn(page)
        assert page.locator("#views [aria-pressed=true]").count() == 1
    page.keyboard.press("2")
    page.keyboard.down("f")
    page.wait_for_timeout(500)
    assert page.locator("#view-before").get_attribute("aria-pressed") == "true"
    page.keyboard.up("f")
    assert page.locator("#view-after").get_attribute("aria-pressed") == "true"
    for key in ("m", "w", "i", "c", "z", "Shift+I", "0", "9", "+", "-", "o"):
        page.keyboard.press(key)
    drawn(page)
    page.keyboard.press("?")
    assert page.locator("#keys dt").count() > 35
    page.keyboard.press("Escape")


def test_reject_one_undo_redo(page: Page, studio: str) -> None:
    page.keyboard.press("ArrowDown")
    first = at_hand(page)
    untouched(studio, first)
    page.keyboard.press("x")
    text_of(page, "#about dd", f"t !== '' && t !== '{first}'")
    settled(page, studio, lambda d: d["status"] == "rejected" and d["reviewed"], f"api/defects/{first}")
    page.keyboard.press("Control+z")
    settled(page, studio, lambda d: d["status"] == "accepted" and not d["reviewed"], f"api/defects/{first}")
    page.keyboard.press("Control+Shift+z")
    settled(page, studio, lambda d: d["status"] == "rejected", f"api/defects/{first}")
    page.keyboard.press("Backspace")
    settled(page, studio, lambda d: d["status"] == "accepted", f"api/defects/{first}")
    text_of(page, "#about dd", f"t === '{first}'")


def test_a_click_takes_a_defect_and_a_second_one_rejects_it(page: Page, studio: str) -> None:
    one = asked(studio, "api/defects?status=accepted&start=2&limit=1")["items"][0]
    page.fill("#frame", str(one["frame"]))
    page.keyboard.press("Enter")
    drawn(page)
    top, left, bottom, right = one["box"]
    (place,) = on_screen(page, [((left + right) / 2, (top + bottom) / 2)])
    page.mouse.click(*place)
    page.wait_for_selector("#about h3")
    clicked = at_hand(page)
    page.mouse.click(*place)
    settled(page, studio, lambda d: d["status"] == "rejected", f"api/defects/{clicked}")
    page.mouse.click(*place)
    settled(page, studio, lambda d: d["status"] == "accepted", f"api/defects/{clicked}")


def test_filters_threshold_and_bulk(page: Page, studio: str) -> None:
    page.locator("#kinds button", has_text="hair").click()
    hairs = asked(studio, "api/counts?kind=hair")["total"]
    text_of(page, "#rows-count", f"t.startsWith('{hairs} ')")
    page.locator("#kinds button", has_text="hair").click()
    page.locator("#least").evaluate("node => { node.value = 70; node.dispatchEvent(new Event('input')); }")
    below = asked(studio, "api/counts?status=accepted&below=0.7")["total"]
    assert below > 0, "all of them were rejected before this story"
    text_of(page, "#least-count", f"t.startsWith('{below} ')")
    page.click("#least-preview")
    page.wait_for_selector("#samples img")
    page.click("#least-reject")
    settled(page, studio, lambda c: c["total"] == 0, "api/counts?status=accepted&below=0.7")
    page.keyboard.press("Control+z")
    settled(page, studio, lambda c: c["total"] == below, "api/counts?status=accepted&below=0.7")


def test_protect_a_region_and_erase(page: Page, studio: str) -> None:
    page.keyboard.press("p")
    page.select_option("#options select", "shot")
    drag(page, [(0.3, 0.2), (0.6, 0.2), (0.6, 0.6), (0.3, 0.6)])
    kept = settled(page, studio, lambda p: any(one["live"] for one in p["protections"]), "api/protections")["protections"][-1]
    assert kept["start"] == 0
    assert kept["stop"] == 33
    page.keyboard.press("Control+z")
    settled(page, studio, lambda p: not [one for one in p["protections"] if one["live"]], "api/protections")
    page.keyboard.press("Escape")
    before = asked(studio, "api/counts?status=rejected")["total"]
    page.keyboard.press("e")
    page.locator("#options input[type=range]").evaluate("node => { node.value = 160; node.dispatchEvent(new Event('input')); }")
    drag(page, [(0.25, 0.2), (0.75, 0.2), (0.75, 0.8), (0.25, 0.8)])
    settled(page, studio, lambda c: c["total"] > before, "api/counts?status=rejected")
    page.keyboard.press("Control+z")
    settled(page, studio, lambda c: c["total"] == before, "api/counts?status=rejected")


def test_wipe_reject_paint_make_again_undo_render(page: Page, studio: str, film: Places) -> None:
    page.keyboard.press("3")
    page.keyboard.press("ArrowDown")
    first = at_hand(page)
    page.keyboard.press("x")
    settled(page, studio, lambda d: d["status"] == "rejected", f"api/defects/{first}")
    page.keyboard.press("2")
    page.fill("#frame", "7")
    page.keyboard.press("Enter")
    page.keyboard.press("b")
    drag(page, [(0.42, 0.3), (0.5, 0.34), (0.55, 0.3)])
    painted = settled(page, studio, lambda found: found["total"] == 1, "api/defects?painted=true")["items"][0]
    assert painted["frame"] == 7
    assert painted["status"] == "accepted"
    text_of(page, "#about dd", f"t === '{painted['id']}'")
    page.keyboard.press("g")
    again = settled(page, studio, lambda found: found["items"][0]["replaces"] is not None, "api/defects?painted=true")["items"]
    assert [one["id"] != painted["id"] for one in again] == [True]
    text_of(page, "#about dd", f"t === '{again[0]['id']}'")
    page.keyboard.press("Control+z")
    settled(page, studio, lambda found: found["items"][0]["id"] == painted["id"], "api/defects?painted=true")
    before = rendered(film)
    page.keyboard.press("Control+Enter")
    until(page, "/^Rendering is done/.test(document.getElementById('told').textContent)", seconds=RENDERING)
    now = rendered(film)
    same(now, as_the_ledger_says(film))
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(before, now, strict=True))
    assert not asked(studio, "api/project")["outputs"][-1]["stale"]


def test_all_of_it_has_a_name_and_is_grey(page: Page, studio: str) -> None:
    nameless = page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, [role=listbox], [role=slider], [role=tab]')].filter(e => "
        "!(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim() || e.title)).map(e => e.outerHTML)"
    )
    assert nameless == []
    assert page.evaluate(f"() => [...document.querySelectorAll('body *')].filter(e => !({NEUTRAL})(e)).length") == 0
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement === document.body"):
            continue
        seen.add(page.evaluate("() => document.activeElement.id || document.activeElement.textContent"))
        style, width = page.evaluate(f"() => [{RING}.outlineStyle, parseFloat({RING}.outlineWidth)]")
        assert style != "none", seen
        assert width >= 2, seen
    assert len(seen) > 25


def test_five_hundred_repairs_by_keys(page: Page, studio: str) -> None:
    """One key a decision; the page's own time for it, from the key to the next picture drawn."""
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#about h3")
    drawn(page)
    total = asked(studio, "api/defects?limit=1")["total"]
    count, keys = min(REVIEWED, total - 1), 0
    for number in range(count):
        page.keyboard.press("x" if number % 20 == 19 else "a")
        keys += 1
        until(page, f"performance.getEntriesByName('decision').length >= {number + 1}")
    times = page.evaluate("() => performance.getEntriesByName('decision').map(e => e.duration)")
    settled(page, studio, lambda c: c["total"] - c["unreviewed"] >= count, "api/counts")
    mean, worst = float(np.mean(times)), float(np.percentile(times, 95))
    print(f"{count} decisions, {keys} keys; the page's own time for one is {mean:.0f} ms in the mean, 95 % are below {worst:.0f} ms")
    assert len(times) == count == keys
    assert mean < 250
    page.evaluate("() => performance.clearMeasures()")


def test_five_hundred_repairs_by_the_sheet(page: Page, studio: str) -> None:
    """A key a page, and a click on each that is struck out."""
    page.keyboard.press("ArrowDown")
    page.keyboard.press("6")
    drawn(page)
    total = asked(studio, "api/defects?limit=1")["total"]
    keys, done = 2, 0
    while done < min(REVIEWED, total - 40):
        shown = page.locator("#sheet .cell").count()
        page.locator("#sheet .cell").nth(1).click()
        place = page.get_attribute("#picture", "data-drawn")
        page.keyboard.press("Enter")
        keys += 2
        until(page, f"document.getElementById('picture').dataset.drawn !== {json.dumps(place)}")
        done += shown
    settled(page, studio, lambda c: c["total"] - c["unreviewed"] >= done, "api/counts")
    assert asked(studio, "api/counts?status=rejected")["total"] > 0
    print(f"{done} decisions, {keys} keys and clicks ({keys / done:.3f} each)")
    assert keys / done < 0.1
