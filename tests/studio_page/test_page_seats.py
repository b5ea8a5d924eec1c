"""Stories of several seats, of answers that come late, and of a server that goes away: nothing is lost, nothing stale is shown."""

import pytest
from hands import asked, at_hand, opened, sent, settled, shown_frame, text_of, until, untouched
from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow


def test_two_seats_a_claim_and_a_take_over(browser: Browser, home: str) -> None:
    """A claimed shot is refused to the other seat, its ledger untouched, until it takes the shot over."""
    seats = [browser.new_context(viewport={"width": 1280, "height": 720}) for _ in range(2)]
    first, second = (seat.new_page() for seat in seats)
    assert asked(home, "api/claims")["claims"] == [], "a story before this one left its claim"
    for page in (first, second):
        opened(page, home)
        page.click("#tab-jobs")
    first.fill("#who", "Ada")
    first.keyboard.press("Tab")
    first.focus("#picture")
    first.keyboard.press("Control+l")
    settled(first, home, lambda found: [one["who"] for one in found["claims"]] == ["Ada"], "api/claims")
    until(second, "[...document.querySelectorAll('#shot-list .note')].some(note => note.textContent.includes('Ada'))")
    last = asked(home, "api/project")["version"]["action"]
    second.focus("#picture")
    second.keyboard.press("ArrowDown")
    until(second, "document.querySelector('#about h3')")
    mine = at_hand(second)
    untouched(home, mine)
    second.keyboard.press("x")
    text_of(second, "#told", "t.includes('claim')")
    assert asked(home, "api/project")["version"]["action"] == last
    assert asked(home, f"api/defects/{mine}")["status"] == "accepted"
    second.click("#claim")
    settled(second, home, lambda found: [one["who"] for one in found["claims"]] != ["Ada"], "api/claims")
    second.keyboard.press("ArrowUp")
    until(second, f"[...document.querySelectorAll('#about dd')].at(-1)?.textContent === '{mine}'")
    second.keyboard.press("x")
    found = settled(second, home, lambda defect: defect["status"] == "rejected", f"api/defects/{mine}")
    assert found["history"][-1]["who"] != "Ada"
    second.keyboard.press("Control+z")
    settled(second, home, lambda defect: defect["status"] == "accepted", f"api/defects/{mine}")
    shown_frame(second, 0)
    second.click("#claim")
    settled(second, home, lambda claims: claims["claims"] == [], "api/claims")
    for seat in seats:
        seat.close()


def test_what_another_seat_decides_while_ours_is_on_its_way_is_seen(desk: Page, home: str) -> None:
    rows = asked(home, "api/defects?limit=5")["items"]
    theirs = rows[3]["id"]

    def late(route: Route) -> None:
        sent(home, "api/decisions", {"verb": "reject", "selection": {"ids": [theirs]}})
        desk.wait_for_timeout(1500)  # the server tells of theirs while ours is on its way
        route.continue_()

    desk.route("**/api/decisions", late, times=1)
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    desk.keyboard.press("a")
    settled(desk, home, lambda defect: defect["reviewed"], f"api/defects/{rows[0]['id']}")
    until(desk, "document.querySelectorAll('#rows .one')[3].classList.contains('rejected')")
    sent(home, "api/undo", {"everyone": False})
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda counts: counts["total"] == 0, "api/counts?reviewed=true")


def test_a_decision_waits_for_a_server_that_went_away(browser: Browser, home: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened(page, home)
    page.keyboard.press("ArrowDown")
    until(page, "document.querySelector('#about h3')")
    page.route("**/api/decisions", lambda route: route.abort())
    mine = []
    for key in "xax":
        mine.append(at_hand(page))
        page.keyboard.press(key)
        until(page, f"[...document.querySelectorAll('#about dd')].at(-1).textContent !== '{mine[-1]}'")
    text_of(page, "#saving", "t.startsWith('3 ')")
    text_of(page, "#told", "t.includes('3 decisions wait')")
    assert asked(home, f"api/defects/{mine[0]}")["status"] == "accepted"
    page.unroute("**/api/decisions")
    for name, status in zip(mine, ("rejected", "accepted", "rejected"), strict=True):
        settled(page, home, lambda defect, status=status: defect["status"] == status and defect["reviewed"], f"api/defects/{name}")
    text_of(page, "#saving", "t === ''")
    for _ in range(3):
        sent(home, "api/undo", {"everyone": True})
    context.close()


def test_undo_pressed_between_two_decisions_takes_back_the_first(desk: Page, home: str) -> None:
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    first, second = (one["id"] for one in asked(home, "api/defects?limit=2")["items"])
    desk.evaluate(
        "async () => { const r = await import('./review.js'); r.decide('reject'); const back = r.turn('undo'); "
        "const s = await import('./defects.js'); await back; await r.select(s.row(1), 1); await r.decide('reject'); }"
    )
    settled(desk, home, lambda defect: defect["status"] == "rejected", f"api/defects/{second}")
    assert asked(home, f"api/defects/{first}")["status"] == "accepted"
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda defect: defect["status"] == "accepted", f"api/defects/{second}")


def test_undo_follows_a_decision_that_is_on_its_way_and_comes_before_the_next(desk: Page, home: str) -> None:
    """Three keys at once: reject, undo, reject. The ledger has them in that order."""
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    last = asked(home, "api/actions?limit=1")["actions"]
    desk.evaluate(
        "async () => { const r = await import('./review.js'); const o = await import('./order.js'); "
        "r.decide('reject'); r.turn('undo'); r.decide('reject'); await o.allDone(); }"
    )
    since = last[0]["number"] if last else 0
    done = [one["verb"] for one in asked(home, "api/actions?limit=10")["actions"] if one["number"] > since]
    assert done == ["reject", "undo", "reject"]
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda counts: counts["total"] == 0, "api/counts?reviewed=true")


def test_a_filtered_list_leaves_none_out(desk: Page, home: str) -> None:
    """Of a list that shrinks as one decides, every defect comes to hand, over the ends of its pages."""
    wanted = [one["id"] for one in asked(home, "api/defects?reviewed=false&limit=300")["items"]]
    assert len(wanted) > 230, "the film has too few defects for this"
    desk.locator("#filters button", has_text="To see").click()
    text_of(desk, "#rows-count", f"t.startsWith('{asked(home, 'api/defects?reviewed=false&limit=1')['total']} ')")
    seen = desk.evaluate(
        "async () => { const r = await import('./review.js'); const { state } = await import('./state.js'); const seen = []; "
        "const d = await import('./defects.js'); d.list.pages.forEach((page, number) => number && d.list.pages.delete(number)); "
        "await r.go(1); for (let i = 0; i < 230; i += 1) { seen.push(state.defect.id); await r.decide('accept'); } return seen; }"
    )
    assert seen == wanted[:230]
    settled(desk, home, lambda counts: counts["total"] >= 230, "api/counts?reviewed=true")


def test_names_are_text_and_nothing_else(browser: Browser, home: str) -> None:
    """What a person or a file is called never becomes part of the page."""
    evil = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'
    sent(home, "api/shots/2/claim", {"take_over": True}, who="%3Cimg src=x onerror=document.title=3%3E")
    box = {"start": 40, "stop": 42, "shapes": [{"type": "rectangle", "box": [0, 0, 9, 9]}], "note": evil}
    sent(home, "api/protections", box, who="%3Cb%3EEve")
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.route("**/api/project", lambda route: route.fulfill(json=asked(home, "api/project") | {"name": evil, "warnings": [evil]}))
    opened(page, home)
    shown_frame(page, 40)
    page.click("#tab-history")
    until(page, "[...document.querySelectorAll('#history li')].some(line => line.textContent.includes('<b>Eve'))")
    until(page, "[...document.querySelectorAll('#shot-list .note')].some(note => note.textContent.includes('<img'))")
    assert page.locator("#title").inner_text() == evil
    assert page.title().startswith(evil)
    assert page.locator("img:not([src^='/api/'])").count() == 0
    assert page.locator("b:has-text('Eve')").count() == 0
    sent(home, "api/undo", {"everyone": True})
    sent(home, "api/shots/2/claim", {}, method="DELETE")
    context.close()


def test_a_reload_comes_back_to_the_same_place(desk: Page) -> None:
    shown_frame(desk, 44)
    desk.keyboard.press("1")
    desk.keyboard.press("m")
    desk.wait_for_timeout(500)
    desk.reload()
    desk.wait_for_selector("body[data-open]", state="attached")
    until(desk, "document.getElementById('picture').dataset.drawn === '44 before'")
    assert desk.get_attribute("#matte", "aria-pressed") == "true"
