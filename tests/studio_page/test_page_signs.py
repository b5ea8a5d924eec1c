"""A status has one sign wherever it stands, and what was rejected is crossed out in one colour; history says what was done to how many."""

import time
from typing import Any

import numpy as np
import pytest
from hands import PATIENCE, asked, at_hand, on_screen, sent, shown_frame, text_of, until
from numpy.typing import NDArray
from playwright.sync_api import Page

from frdm.studio.colours import LINE, STATUS

pytestmark = pytest.mark.slow

FRAME = 9
SIGNS = "s => [...document.querySelectorAll(s)].map(e => [e.classList.contains('crossed'), getComputedStyle(e).borderTopColor])"
VERMILION = f"rgb{STATUS['rejected']}"


def canvas(page: Page, name: str) -> NDArray[np.uint8]:
    """What a canvas shows, (height, width, 4)."""
    size, data = page.evaluate(
        "id => { const c = document.getElementById(id); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return [[c.height, c.width], Array.from(d)]; }",
        name,
    )
    return np.array(data, np.uint8).reshape(*size, 4)


def coloured(part: NDArray[np.uint8]) -> bool:
    """Whether any pixel has the colour of what was rejected, thin lines being mixed with what is beneath them."""
    red, green, blue = (part[..., k].astype(int) for k in range(3))
    return bool(((red > 130) & (red > 2 * green) & (red > 2 * blue) & (part[..., 3] > 120)).any())


def rejected(page: Page, studio: str) -> dict[str, Any]:
    """The largest defect of the frame, rejected; another one is at hand."""
    shown_frame(page, FRAME)
    found = [one for one in asked(studio, f"api/frames/{FRAME}")["defects"] if one["repair"] and not one["aside"]]
    largest = max(sorted(found, key=lambda one: one["id"])[:-1], key=lambda one: one["size"])  # another of the frame comes after it
    page.evaluate(
        "async id => { const p = await import('./pictures.js'); const s = await import('./state.js'); "
        "const r = await import('./review.js'); await r.select(p.known(s.state.frame).defects.find(d => d.id === id)); }",
        largest["id"],
    )
    text_of(page, "#about dd", f"t === '{largest['id']}'")
    page.keyboard.press("x")
    until(page, f"document.querySelector('#about dl')?.lastChild.textContent !== '{largest['id']}'")
    return dict(largest)


def test_what_is_rejected_is_crossed_out_everywhere(desk: Page, home: str) -> None:
    assert LINE["rejected"] == "crossed"
    one = rejected(desk, home)
    other = at_hand(desk)
    until(desk, "document.querySelectorAll('#rows .one.rejected:not([hidden]) .sign.crossed').length === 1")
    for place in ("#rows .one.rejected .status i", "#filters [aria-label] button:nth-child(2) i"):
        assert desk.evaluate(SIGNS, place) == [[True, VERMILION]], place
    kept = desk.evaluate(SIGNS, "#rows .one.accepted:not([hidden]) .status i")
    assert kept and all(not crossed and colour != VERMILION for crossed, colour in kept)

    until(desk, f"document.getElementById('frame').value === '{FRAME}'")
    top, left, bottom, right = one["box"]
    quarter = (right - left) / 4, (bottom - top) / 4
    through, beside = on_screen(desk, [(left + quarter[0], bottom - quarter[1]), (left + quarter[0], top + quarter[1])])
    corner = desk.evaluate("() => { const r = document.getElementById('canvas').getBoundingClientRect(); return [r.x, r.y]; }")

    def near(place: tuple[float, float]) -> NDArray[np.uint8]:
        x, y = round(place[0] - corner[0]), round(place[1] - corner[1])
        return canvas(desk, "marks")[y - 3 : y + 4, x - 3 : x + 4]

    end = time.monotonic() + PATIENCE
    while not coloured(near(through)):  # the frame is asked for anew once the decision is recorded
        assert time.monotonic() < end, "no line through what was rejected"
        desk.wait_for_timeout(100)
    assert not near(beside)[..., 3].any()

    columns = canvas(desk, "timeline").shape[1]
    frames = asked(home, "api/project")["film"]["frames"]
    bar = canvas(desk, "timeline")[:, FRAME * columns // frames : (FRAME + 1) * columns // frames]
    elsewhere = canvas(desk, "timeline")[:, (FRAME + 2) * columns // frames :]
    assert coloured(bar) and not coloured(elsewhere)

    desk.keyboard.press("ArrowUp")
    text_of(desk, "#about dd", f"t === '{one['id']}'")
    assert desk.evaluate(SIGNS, "#about .badge i") == [[True, VERMILION]]
    desk.keyboard.press("6")
    until(desk, "document.querySelector('#sheet .cell.struck')")
    assert desk.evaluate(SIGNS, "#sheet .cell.struck .line i") == [[True, VERMILION]]
    desk.keyboard.press("7")
    until(desk, "document.querySelector('#sheet [data-stage=detection] .swatch.crossed')")
    assert desk.evaluate(SIGNS, "#sheet [data-stage=detection] .swatch.crossed") == [[True, VERMILION]]
    assert other != one["id"]


def test_history_says_what_was_done_and_to_how_many(desk: Page) -> None:
    shown_frame(desk, FRAME + 3)
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about .badge')")
    desk.keyboard.press("g")
    text_of(desk, "#told", "/^Mended/.test(t)")
    desk.keyboard.press("Control+z")
    text_of(desk, "#told", "t === 'Taken back: made again.'")
    desk.click("#tab-history")
    until(desk, "document.querySelectorAll('#history li').length > 1")
    lines = desk.locator("#history .what span").all_inner_texts()[:2]
    assert lines == [f"undone: made again, 1 defect, frame {FRAME + 3}", f"made again, 1 defect, frame {FRAME + 3}"]
    inside = desk.evaluate(
        "() => { const p = document.getElementById('panel-history').getBoundingClientRect(); "
        "return [...document.querySelectorAll('#history *')].every(e => e.getBoundingClientRect().right <= p.right); }"
    )
    assert inside, "a line or its button is cut off"


def test_what_is_taken_back_is_told_with_its_true_number(desk: Page, home: str) -> None:
    shown_frame(desk, FRAME + 5)
    one = next(one for one in asked(home, f"api/frames/{FRAME + 5}")["defects"] if one["repair"] and not one["aside"])
    for verb in ("reject", "accept"):  # of the first nothing stands any more
        sent(home, "api/decisions", {"verb": verb, "selection": {"ids": [one["id"]]}})
    empty = {"start": 0, "stop": 1, "shapes": [{"type": "rectangle", "box": [0, 0, 2, 2]}], "note": ""}
    assert sent(home, "api/protections", empty)["changed"] == 0
    known = len(asked(home, "api/actions")["actions"])  # other tests' among them
    desk.click("#tab-history")
    for more, told in enumerate(("Taken back: rejected, 0 repairs.", "Taken back: accepted.", "Taken back: protected.")):
        until(desk, f"document.querySelectorAll('#history li').length === {known + more}")  # each undo adds one above
        desk.locator("#history li").nth(2).get_by_role("button").last.click()
        text_of(desk, "#told", f"t === '{told}'")


def test_escape_leaves_an_open_choice_for_the_picture(desk: Page) -> None:
    shown_frame(desk, FRAME)
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about .badge')")
    desk.keyboard.press("Shift+G")
    until(desk, "document.activeElement.matches('#about select')")
    desk.keyboard.press("Escape")
    until(desk, "document.activeElement.id === 'picture'")
    desk.keyboard.press("?")
    until(desk, "document.getElementById('keys').open")
    assert "rejected crossed out" in desk.locator("#keys").inner_text()
