"""Stories of mending by hand: every tool, what it left in the ledger, and that the rendered film is what the ledger says."""

import re

import numpy as np
import pytest
from hands import as_the_ledger_says, asked, at_hand, rendered, repairs, same, scanned, settled, shown_frame, stroke, text_of, until
from playwright.sync_api import Page

from frdm.demo.story import Places
from frdm.film import WHOLE
from frdm.jobs.project import existing
from frdm.ledger.patches import PatchFile
from frdm.ledger.records import RepairRow

pytestmark = pytest.mark.slow
SHOT = 33  # frames of the first shot
RENDERING = 120  # seconds that a render of the tiny film may take
BY_HAND = "api/defects?painted=true&limit=200"


def new_repairs(desk: Page, home: str, film: Places, before: set[str], count: int) -> list[RepairRow]:
    """The repairs that are there beyond those `before`, once there are `count`."""
    settled(desk, home, lambda _: len({row.id for row in repairs(film)} - before) >= count, "api/project")
    return [row for row in repairs(film) if row.id not in before]


def ids(film: Places) -> set[str]:
    return {row.id for row in repairs(film)}


def test_a_lasso_mends_what_it_goes_around(desk: Page, home: str, own: Places) -> None:
    before = ids(own)
    shown_frame(desk, 12)
    desk.keyboard.press("q")
    desk.select_option("#option-kind", "stain")
    stroke(desk, [(140, 30), (170, 34), (168, 58), (142, 56)])
    (row,) = new_repairs(desk, home, own, before, 1)
    assert (row.box.frame, row.kind, row.status) == (12, "stain", "accepted")
    assert row.defect_box.top >= 28
    assert row.defect_box.bottom <= 60
    assert row.defect_box.left >= 138
    assert row.defect_box.right <= 172
    assert row.provenance.detector == "person"
    desk.keyboard.press("Control+z")
    settled(desk, home, lambda _: next(one for one in repairs(own) if one.id == row.id).status == "rejected", "api/project")


def test_a_forced_column_and_a_bypassed_one_are_in_the_film(desk: Page, home: str, own: Places) -> None:
    """A column is mended in the whole shot, then left alone in some frames; the film has it so, code by code."""
    before = ids(own)
    shown_frame(desk, 5)
    desk.keyboard.press("t")
    desk.check("#option-column")
    desk.select_option("#option-engine", "across")
    desk.select_option("#option-frames", "shot")
    desk.locator("#option-width").evaluate("node => { node.value = 4; node.dispatchEvent(new Event('input')); }")
    stroke(desk, [(200, 60), (200, 120)])
    forced = new_repairs(desk, home, own, before, SHOT)
    assert {row.box.frame for row in forced} == set(range(SHOT))
    assert {(row.kind, row.provenance.engine, row.status) for row in forced} == {("line", "across", "accepted")}
    assert {(row.defect_box.top, row.defect_box.bottom) for row in forced} == {(0, 240)}
    desk.keyboard.press("p")
    desk.check("#option-column")
    desk.select_option("#option-frames", "range")
    desk.fill("#option-from", "10")
    desk.fill("#option-to", "14")
    desk.locator("#option-width").evaluate("node => { node.value = 12; node.dispatchEvent(new Event('input')); }")
    stroke(desk, [(200, 60), (200, 120)])
    kept = settled(desk, home, lambda found: [one for one in found["protections"] if one["live"]], "api/protections")["protections"][-1]
    assert (kept["start"], kept["stop"]) == (10, 15)
    desk.keyboard.press("Escape")
    desk.keyboard.press("Control+Enter")
    text_of(desk, "#told", "/^Rendering is done/.test(t)", seconds=RENDERING)
    film, scan = rendered(own), scanned(own)
    same(film, as_the_ledger_says(own))
    column = slice(kept["box"][1], kept["box"][3])
    for frame in range(SHOT):
        untouched = all(np.array_equal(a[:, column], b[:, column]) for a, b in zip(film[frame], scan[frame], strict=True))
        assert untouched == (10 <= frame < 15), f"frame {frame}"


def test_a_revealed_neighbour_is_that_neighbour(desk: Page, home: str, own: Places) -> None:
    before = ids(own)
    shown_frame(desk, 40)
    desk.keyboard.press("r")
    desk.select_option("#option-source", "1")
    desk.uncheck("#option-follow")
    stroke(desk, [(60, 100), (84, 104)])
    (row,) = new_repairs(desk, home, own, before, 1)
    assert (row.provenance.engine, row.provenance.sources) == ("reveal", (41,))
    with existing(own.project, alone=False) as project, PatchFile(project.patches / row.file) as patches:
        patch = patches.frame(40)[row.place].patch
    film = scanned(own)
    for number in range(3):
        inside = patch.mattes[number] == WHOLE
        assert inside.any()
        places = (slice(patch.box.top, patch.box.bottom), slice(patch.box.left, patch.box.right))
        away = [float(np.abs(patch.codes[number].astype(int) - film[frame][number][places])[inside].mean()) for frame in range(36, 45)]
        assert int(np.argmin(away)) == 41 - 36, away
        assert away[41 - 36] <= 2  # its level follows the frame that it comes into
    text_of(desk, "#about dd", f"t === '{row.id}'")


def test_a_repair_is_made_again_by_another_engine_from_another_frame(desk: Page, home: str, own: Places) -> None:
    one = asked(home, "api/defects?kind=dirt&status=accepted&engine=neighbours&start=20&limit=1")["items"][0]
    shown_frame(desk, one["frame"])
    desk.keyboard.press("ArrowDown")
    until(desk, "document.querySelector('#about h3')")
    first, before = at_hand(desk), ids(own)
    desk.keyboard.press("Shift+G")
    until(desk, "document.querySelector('#about details option[value=diffusion]')")
    engine, source = desk.locator("#about details select").all()
    offered = engine.locator("option").all_inner_texts()
    assert "generated" in offered
    told = {one["name"]: one["available"] for one in asked(home, "api/engines")["engines"]}
    assert engine.locator("option[value=diffusion]").is_enabled() == told["diffusion"]
    if told["diffusion"]:
        engine.select_option("diffusion")
        assert re.fullmatch(r"Generated by the weights that come with frdm \([0-9a-f]{12}\)\.", desk.inner_text("#engine-note"))
    engine.select_option("neighbours")
    assert told["diffusion"] == (desk.inner_text("#engine-note") == "")
    source.select_option("1")
    desk.locator("#about details input").fill("7")
    desk.locator("#about details button").click()
    (row,) = new_repairs(desk, home, own, before, 1)
    assert row.provenance.engine == "neighbours"
    assert row.provenance.sources == (row.box.frame + 1,)
    assert row.provenance.seed == 7
    states = {one.id: one.status for one in repairs(own)}
    assert states[row.id] == "accepted"
    assert states[first] == "rejected"
    text_of(desk, "#about dd", f"t === '{row.id}'")
    desk.locator("#about details select").first.select_option("surround")
    desk.locator("#about details select").last.select_option("0")
    desk.locator("#about details button").click()
    (other,) = new_repairs(desk, home, own, before | {row.id}, 1)
    assert other.provenance.engine == "surround"
    assert {one.id for one in repairs(own) if one.status == "accepted"} & {first, row.id, other.id} == {other.id}


def test_a_stroke_that_is_mended_does_not_pull_the_hand_back(desk: Page, home: str, own: Places) -> None:
    """Whoever goes on to another frame while a stroke is mended stays there."""
    before = ids(own)
    shown_frame(desk, 50)
    desk.keyboard.press("b")
    stroke(desk, [(100, 40), (112, 44)])
    shown_frame(desk, 60)
    new_repairs(desk, home, own, before, 1)
    text_of(desk, "#told", "/^Mended/.test(t)")
    assert desk.locator("#frame").input_value() == "60"


def test_a_tool_that_is_changed_within_a_stroke_draws_nothing(desk: Page, home: str, own: Places) -> None:
    before, protected = ids(own), len(asked(home, "api/protections")["protections"])
    shown_frame(desk, 20)
    desk.keyboard.press("b")
    box = desk.locator("#canvas").bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + 300, box["y"] + 200)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 340, box["y"] + 210, steps=3)
    desk.keyboard.press("p")
    desk.mouse.move(box["x"] + 380, box["y"] + 300, steps=3)
    desk.mouse.up()
    desk.keyboard.press("Escape")
    desk.keyboard.press("b")
    stroke(desk, [(30, 30), (36, 32)])
    assert len(new_repairs(desk, home, own, before, 1)) == 1
    assert len(asked(home, "api/protections")["protections"]) == protected
