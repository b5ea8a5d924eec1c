"""Stories of looking: kinds one by one, the pipeline, thresholds, the sheet, scrubbing, sizes of the screen, contrast."""

import json

import cv2
import numpy as np
import pytest
from hands import asked, at_hand, drawn, opened, pixels, repairs, settled, shown_frame, text_of, until, untouched
from playwright.sync_api import Browser, Page, Route

from frdm.demo.story import Places

pytestmark = pytest.mark.slow
SIZES = [(1280, 720, 1), (1280, 720, 2), (1920, 1080, 2), (3840, 2160, 1)]
CLIPPED = """() => [...document.querySelectorAll('button, label, h1, h2, h3, th, td, dt, dd, p, summary, strong, output')].filter(e => {
  const r = e.getBoundingClientRect();
  if (!r.width || !r.height || e.closest('.unseen, .skip, #told, [hidden]')) return false;
  const scrolls = e.closest('#rows, #shot-list, #about, #history, #samples, [role=tabpanel], #sheet, #keys');
  const cut = e.matches('button, summary, dt, strong') && e.scrollWidth > Math.ceil(r.width) + 1;
  const outside = e.closest('#transport, #options') && r.right > document.getElementById('stage').getBoundingClientRect().right + 1;
  return cut || outside || (!scrolls && (r.right > innerWidth + 1 || r.bottom > innerHeight + 1));
}).map(e => e.outerHTML.slice(0, 160))"""
FAINT = """() => {
  const channels = c => c.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (let e = node; e; e = e.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(e).backgroundColor);
      if (a > 0.8) return [r, g, b];
    }
    return [25, 25, 25];
  };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const r = e.getBoundingClientRect();
    if (!own || !r.width || !r.height || e.closest(':disabled, .struck, .unseen, option')) continue;
    const [one, other] = [light(channels(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) faint.push(e.outerHTML.slice(0, 120));
  }
  return faint;
}"""


def coloured(picture: np.ndarray, colour: str) -> int:
    """How many pixels are near to a colour of the legend, as a veil over film makes them."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float64)
    hue = picture[..., :3].astype(np.float64)
    hue, wanted = hue - hue.mean(-1, keepdims=True), wanted - wanted.mean()
    like = (hue @ wanted) / (np.linalg.norm(hue, axis=-1) * np.linalg.norm(wanted) + 1e-9)
    return int(((like > 0.97) & (np.linalg.norm(hue, axis=-1) > 40)).sum())


def test_a_kind_is_switched_off_and_stays_off(desk: Page, home: str) -> None:
    """The picture loses that kind's mattes alone; a reload remembers it; Shift shows one kind alone."""
    hair = asked(home, "api/defects?kind=hair&status=accepted&limit=1")["items"][0]
    desk.keyboard.press("o")
    shown_frame(desk, hair["frame"])
    desk.keyboard.press("m")
    desk.wait_for_selector("#legend button[data-kind=hair]")
    whole = pixels(desk)
    desk.click("#legend button[data-kind=hair]")
    until(desk, "document.querySelector('#legend button[data-kind=hair]').ariaPressed === 'false'")
    without = pixels(desk)
    desk.click("#legend button[data-kind=dirt]")
    until(desk, "document.querySelector('#legend button[data-kind=dirt]').ariaPressed === 'false'")
    bare = pixels(desk)
    changed = (whole != without).any(-1)
    rest = (without != bare).any(-1)
    assert changed.any()
    assert rest.any()
    assert not (changed & rest).any()
    desk.wait_for_timeout(500)
    desk.reload()
    desk.wait_for_selector("body[data-open]", state="attached")
    desk.wait_for_selector("#legend button[data-kind=hair]")
    assert desk.get_attribute("#legend button[data-kind=hair]", "aria-pressed") == "false"
    desk.keyboard.press("Shift+M")
    until(desk, "document.activeElement.dataset.kind")
    desk.click("#legend button[data-kind=hair]", modifiers=["Shift"])
    until(desk, "document.querySelector('#legend button[data-kind=hair]').ariaPressed === 'true'")
    assert desk.get_attribute("#legend button[data-kind=dirt]", "aria-pressed") == "false"


def test_what_a_net_made_up_is_told_apart(desk: Page, home: str) -> None:
    """In words, by the legend, and by a hatch that needs no colour. (No weights here: one repair is told as generated.)"""
    one = asked(home, "api/defects?kind=dirt&status=accepted&start=30&limit=1")["items"][0]

    def told(route: Route) -> None:
        found = asked(home, f"api/frames/{one['frame']}")
        for defect in found["defects"]:
            if defect["id"] == one["id"]:
                defect |= {"engine": "diffusion", "sources": [], "seed": 11}
        route.fulfill(json=found)

    desk.route(f"**/api/frames/{one['frame']}", told)
    shown_frame(desk, one["frame"])
    desk.keyboard.press("o")
    desk.keyboard.press("o")
    marks = "document.getElementById('marks').toDataURL()"
    before = desk.evaluate(f"() => {marks}")
    desk.keyboard.press("w")
    until(desk, f"{marks} !== {json.dumps(before)}")
    until(desk, "document.getElementById('legend').innerText.includes('made up')")
    assert desk.locator("#legend i.generated").count() == 1
    desk.evaluate(
        "async id => { const p = await import('./pictures.js'); const s = await import('./state.js'); "
        "const r = await import('./review.js'); "
        "await r.select(p.known(s.state.frame).defects.find(d => d.id === id)); }",
        one["id"],
    )
    text_of(desk, "#about dl", "t.includes('made up by a net, seed 11')")


def test_the_pipeline_shows_every_stage_as_the_ledger_has_it(desk: Page, home: str, own: Places) -> None:
    shown_frame(desk, 8)
    desk.keyboard.press("7")
    until(desk, "document.querySelectorAll('#sheet figure').length === 8", seconds=60)
    pictures = "[...document.querySelectorAll('#sheet figure img')]"
    until(desk, f"{pictures}.length >= 6 && {pictures}.every(i => i.complete && i.naturalWidth > 100)", seconds=120)
    here = [row for row in repairs(own) if row.box.frame == 8]
    held = asked(home, "api/counts?status=held&start=8&stop=9")["total"]
    mended = sum(row.status == "accepted" for row in here)
    told = desk.locator("#sheet [data-stage=detection] li").all_inner_texts()
    assert told == [f"{mended} accepted: whole line", f"{held} held: dashes", f"{len(here) - mended} rejected: crossed out"]
    assert desk.locator("#sheet [data-stage=detection] .swatch").count() == len(told)
    (size,) = desk.locator("#sheet [data-stage=scan] dd").all_inner_texts()[:1]
    assert size == "320 × 240"
    shown = desk.locator("#sheet figure img").last.get_attribute("src")
    stage, after = (
        cv2.imdecode(np.frombuffer(desk.request.get(f"{home}{path}").body(), np.uint8), cv2.IMREAD_COLOR)
        for path in (f"{shown}".lstrip("/"), f"api/frames/8/picture?view=after&{shown.partition('?')[2]}")
    )
    assert np.array_equal(stage, after)


def test_a_threshold_rejects_within_a_kind_and_a_shot(desk: Page, home: str, own: Places) -> None:
    kind, shot, least = "dirt", 2, 0.97
    shown_frame(desk, 50)
    desk.locator("#kinds button", has_text=kind).click()
    desk.click("#filters summary")
    desk.locator("#filters button", has_text="This shot").click()
    desk.locator("#least").evaluate("node => { node.value = 97; node.dispatchEvent(new Event('input')); }")
    before = {row.id: row for row in repairs(own)}
    meant = {row.id for row in before.values() if (row.kind, row.shot, row.status) == (kind, shot, "accepted") and row.confidence < least}
    assert 0 < len(meant) < len(before)
    text_of(desk, "#least-count", f"t.startsWith('{len(meant)} repair')")
    desk.click("#least-reject")
    text_of(desk, "#told", f"t.includes('{len(meant)} repair')")
    assert {row.id for row in repairs(own) if row.status != before[row.id].status} == meant
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda _: all(row.status == before[row.id].status for row in repairs(own)), "api/project")


def test_the_last_page_of_the_sheet_can_be_taken_twice(desk: Page, home: str, own: Places) -> None:
    """What was struck out and taken stays rejected when the page is taken again."""
    desk.locator("#kinds button", has_text="hair").click()
    text_of(desk, "#rows-count", f"t.startsWith('{asked(home, 'api/counts?kind=hair')['total']} ')")
    desk.keyboard.press("6")
    until(desk, "document.querySelector('#sheet .cell')")
    total = asked(home, "api/counts?kind=hair")["total"]
    desk.evaluate(f"async () => {{ const s = await import('./sheet.js'); await s.move({total}); }}")
    until(desk, f"document.querySelector('#cell-{total - 1}')")
    struck = at_hand(desk)
    desk.keyboard.press("x")
    desk.keyboard.press("Enter")
    settled(desk, home, lambda defect: defect["status"] == "rejected" and defect["reviewed"], f"api/defects/{struck}")
    desk.keyboard.press("Enter")
    desk.evaluate("async () => (await import('./order.js')).allDone()")
    assert asked(home, f"api/defects/{struck}")["status"] == "rejected"
    assert next(row.status for row in repairs(own) if row.id == struck) == "rejected"
    desk.keyboard.press("x")
    desk.keyboard.press("Enter")
    settled(desk, home, lambda defect: defect["status"] == "accepted", f"api/defects/{struck}")


def test_scrubbing_asks_for_the_newest_frame_and_keeps_little(desk: Page) -> None:
    """However fast the hand goes, few pictures are under way, and the last one is what is shown."""
    drawn(desk)
    under, most = [], [0]

    def began(request: object) -> None:
        if "/picture?" in request.url and "width=240" not in request.url:  # type: ignore[attr-defined]
            under.append(request)
            most[0] = max(most[0], len(under))

    desk.on("request", began)
    for name in ("requestfinished", "requestfailed"):
        desk.on(name, lambda request: request in under and under.remove(request))
    box = desk.locator("#time").bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + 2, box["y"] + 20)
    desk.mouse.down()
    desk.mouse.move(box["x"] + box["width"] - 4, box["y"] + 20, steps=200)
    desk.mouse.up()
    frame = int(desk.locator("#time").get_attribute("aria-valuenow") or "0")
    until(desk, f"document.getElementById('picture').dataset.drawn === '{frame} after'")
    assert frame >= 60
    assert most[0] <= 4
    kept = desk.evaluate(
        "async () => { const p = await import('./pictures.js'); window.fetch = async () => new Response('{}'); "
        "for (let i = 0; i < 10000; i += 1) await p.about(100 + i); return p.holding(); }"
    )
    assert kept["frames"] <= 1000
    assert kept["bytes"] <= 400e6


@pytest.mark.parametrize(("width", "height", "ratio"), SIZES)
def test_everything_is_in_sight_and_stands_out(browser: Browser, home: str, width: int, height: int, ratio: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=ratio, reduced_motion="reduce")
    page = context.new_page()
    opened(page, home)
    page.keyboard.press("ArrowDown")
    until(page, "document.querySelector('#about h3')")
    page.keyboard.press("m")
    for tab in ("jobs", "history", "report", "defects"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(400)
        assert page.evaluate(CLIPPED) == [], tab
        assert page.evaluate(FAINT) == [], tab
    for key in ("3", "4", "5", "6", "7", "2", "b", "q", "t", "r", "p"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert page.evaluate(CLIPPED) == [], key
        assert page.evaluate(FAINT) == [], key
    page.keyboard.press("?")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight")
    assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 12.5
    context.close()


def test_the_sheet_of_keys_keeps_the_focus_and_gives_it_back(desk: Page) -> None:
    desk.focus("#render")
    desk.keyboard.press("?")
    for _ in range(8):
        desk.keyboard.press("Tab")
        assert desk.evaluate("() => document.activeElement === document.body || document.activeElement.closest('#keys') !== null")
    desk.check("#only-there")
    desk.keyboard.press("Escape")
    assert desk.evaluate("() => document.activeElement.id") == "render"
    desk.keyboard.press("3")
    assert desk.get_attribute("#view-after", "aria-pressed") == "true", "a letter works on a button though it was switched off"
    desk.focus("#picture")
    desk.keyboard.press("3")
    assert desk.get_attribute("#view-wipe", "aria-pressed") == "true"


def test_a_button_that_is_pressed_by_key_keeps_the_focus(desk: Page, home: str) -> None:
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    desk.focus("#about button[data-part=G] >> xpath=../button[1]")
    first = at_hand(desk)
    untouched(home, first)
    desk.keyboard.press("Enter")
    until(desk, f"[...document.querySelectorAll('#about dd')].at(-1).textContent !== '{first}'")
    assert desk.evaluate("() => document.activeElement.dataset.part") == "A"
    settled(desk, home, lambda defect: defect["reviewed"], f"api/defects/{first}")
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda defect: not defect["reviewed"], f"api/defects/{first}")


def test_every_name_holds_the_word_that_is_seen(desk: Page) -> None:
    """Whoever speaks to the page says what they see. Source: WCAG 2.2 2.5.3."""
    differing = desk.evaluate(
        "() => [...document.querySelectorAll('button[aria-label]')].filter(b => { const seen = b.innerText.trim().toLowerCase(); "
        "return /[\\p{L}\\d]{2}/u.test(seen) && !b.closest('#sheet, #samples') && "
        "!b.ariaLabel.toLowerCase().includes(seen.replace(/ [↑↓]$/, '')); })"
        ".map(b => b.outerHTML)"
    )
    assert differing == []
