"""The treatment report as a page."""

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError

from frdm.film import Box, Encoding, Frame
from frdm.rendering import Crop
from frdm.reporting import counted, flat, grouped, treatment_report

VOID = {"meta", "img", "br", "link"}


def data(**changed: Any) -> dict[str, Any]:
    """A report as `report_data` makes it."""
    return {
        "report": 1,
        "film": {
            "name": "reel <1>",
            "identity": "abc123",
            "width": 640,
            "height": 480,
            "rate": "24",
            "pixel_aspect": "1",
            "length": 48,
            "container": "dpx",
            "codec": "",
            "names": ["reel_0086400.dpx", "reel_0086447.dpx"],
            "encoding": {"layout": "rgb", "bits": 10, "floating": False, "transfer": "log", "black": 95.0, "white": 685.0},
        },
        "range": [0, 48],
        "settings": {"span": 240, "detection": {"strength": 0.5, "keep": ["cue mark"], "film": None}},
        "versions": {"frdm": "0.1.0", "python": "3.11"},
        "totals": {
            "frames": 48,
            "shots": 1,
            "found": {"dirt": 5, "hair": 1},
            "mended": 4,
            "rejected": 1,
            "held": {"motion can't be trusted": 1},
            "altered": 0.00012,
            "worst_frame": 7,
            "worst_altered": 0.004,
        },
        "shots": [
            {
                "number": 1,
                "start": 0,
                "stop": 48,
                "found": {"dirt": {"dark": 4, "bright": 1}, "hair": {"dark": 1}},
                "mended": 4,
                "rejected": 1,
                "held": {"motion can't be trusted": 1},
                "engines": {"neighbours": 4},
                "altered": 0.00012,
                "worst_frame": 7,
            }
        ],
        "held": [
            {"id": "000009-001", "frame": 9, "box": [1, 2, 11, 22], "kind": "hair", "polarity": "dark", "reason": "motion can't be trusted"}
        ],
        "decisions": [{"repair": "000007-000", "verb": "reject", "before": "accepted", "after": "rejected"}],
        "output": {"name": "reel_1", "codec": None, "decision": 1, "identity": "def456", "codes": "789", "warnings": ["Colours & sound."]},
        "frames": {
            "columns": ["frame", "noise", "repeats", "altered", "scan_outside", "restored_outside"],
            "rows": [[0, 0.01, None, 0.0, "aa", "aa"], [1, 0.012, 0, 0.1, "bb", "bb"]],
        },
        "run": {"begun": "2024-01-01", "finished": "2024-01-02", "people": ["ann"]},
        **changed,
    }


def crop() -> Crop:
    before = Frame(7, tuple(np.full((20, 30), 500, np.uint16) for _ in range(3)))
    after = Frame(7, tuple(np.full((20, 30), 300, np.uint16) for _ in range(3)))
    return Crop(before, after, Encoding("rgb", 10, white=1023), Box(7, 0, 0, 20, 30), "000007-000", "dirt", "neighbours", "accepted")


class Balanced(HTMLParser):
    """Notes every tag that isn't closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_says_what_was_done() -> None:
    page = treatment_report(data(), [crop()])
    for said in (
        "dirt 5, hair 1",
        "dirt 5 (dark 4, bright 1)",
        "0.0120 %",
        "000009-001",
        "motion can&#39;t be trusted",
        "def456",
        "detection.strength",
        "frame 0 is reel_0086400.dpx",
    ):
        assert said in page
    assert page.count("data:image/png;base64,") == 2


def test_the_page_is_well_formed_and_escapes_what_it_is_given() -> None:
    page = treatment_report(data(), [crop()])
    reader = Balanced()
    reader.feed(page)
    assert not reader.wrong and not reader.open
    assert "reel &lt;1&gt;" in page and "reel <1>" not in page


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = treatment_report(data(), [crop()])
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]*)"', page))


def test_a_frame_that_differs_is_said_aloud() -> None:
    rows = {"columns": data()["frames"]["columns"], "rows": [[0, 0.01, None, 0.0, "aa", "aa"], [1, 0.01, None, 0.0, "bb", "cc"]]}
    page = treatment_report(data(frames=rows), [])
    assert "first in frame 1" in page
    assert "bit by bit" not in page


def test_a_project_without_a_film_says_so() -> None:
    rows = {"columns": data()["frames"]["columns"], "rows": [[0, 0.01, None, 0.0, None, None]]}
    assert "No film was written yet" in treatment_report(data(frames=rows, output=None), [])


def test_a_report_that_lacks_something_is_not_printed_half() -> None:
    broken = data()
    del broken["totals"]["mended"]
    with pytest.raises(UndefinedError):
        treatment_report(broken, [])


def test_reasons_are_counted_without_their_figures() -> None:
    assert grouped({"no trust (0.17)": 1, "no trust (0.2)": 2, "rain": 1}) == {"no trust": 3, "rain": 1}


def test_counts_and_settings_as_text() -> None:
    assert counted({}) == "none"
    assert flat({"a": {"b": [1, 2], "c": None}, "d": True}) == {"a.b": "1, 2", "a.c": "–", "d": "True"}
