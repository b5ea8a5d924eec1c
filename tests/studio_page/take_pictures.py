"""Takes the pictures of docs/studio.md: every view of a served project of drawn film, at one size.

    frdm demo DIR; frdm studio DIR/restored.frdm
    python tests/studio_page/take_pictures.py http://127.0.0.1:8350/ docs/pictures
    python tests/studio_page/take_pictures.py http://127.0.0.1:8350/ docs/pictures --size 3840x2160 --ending=-4k --all-on-one

They are WebP, about 60 KB each. `--whole` takes them as the screen has them, as PNG, to be looked at closely.
"""

import argparse
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from hands import drag, drawn, opened, shown_frame, until
from playwright.sync_api import Page, sync_playwright

from frdm.display import Picture
from frdm.pictures import contact_sheet

FRAME = 5
WIDEST = 1920  # columns of a picture
SMALL, COLUMNS = 634, 3  # columns of one picture among all, and how many stand side by side
QUALITY = 75
LOADED = "[...document.querySelectorAll('img')].filter(i => i.getBoundingClientRect().width).every(i => i.complete && i.naturalWidth)"
QUIET = 900  # milliseconds until nothing moves any more
STROKE = [(0.42, 0.3), (0.5, 0.34), (0.55, 0.3)]
PLACE = [(0.35, 0.2), (0.6, 0.2), (0.6, 0.5), (0.35, 0.5)]
TOLD = "document.getElementById('told').textContent"


def generated(page: Page) -> None:
    """Ask for the repair at hand to be generated."""
    page.select_option("#about [data-part=engine]", "diffusion")


def made_again(page: Page) -> None:
    """… and wait for it."""
    page.click("#about [data-part=again]")
    until(page, f"/mended/i.test({TOLD})")
    until(page, "!document.getElementById('told').classList.contains('shown')")


def threshold(page: Page) -> None:
    """A threshold with those nearest to it."""
    page.locator("#least").evaluate("node => { node.value = 70; node.dispatchEvent(new Event('input')); }")
    page.click("#least-preview")
    page.wait_for_selector("#samples img")


def painted(page: Page) -> None:
    """A stroke of the brush, mended."""
    page.click("#least-preview")
    page.keyboard.press("b")
    drag(page, STROKE)
    until(page, f"/^Mended/.test({TOLD})")


def kept(page: Page) -> None:
    """A region that is protected through the shot."""
    page.keyboard.press("p")
    page.select_option("#option-frames", "shot")
    drag(page, PLACE)
    until(page, f"/^Protected/.test({TOLD})")


# name → what leads there from the view before: keys, "#id" clicks, or what a function does
VIEWS: dict[str, list[str | Callable[[Page], None]]] = {
    "review": ["ArrowDown"],
    "scan": ["1"],
    "wipe": ["3", "m"],
    "origin": ["m", "2", "w"],
    "difference": ["w", "4", "z"],
    "close": ["2"],
    "neighbours": ["z", "5"],
    "sheet": ["6", "ArrowRight", "x", "ArrowRight", "x"],
    "again": ["x", "ArrowLeft", "x", "2", "Shift+G", generated],
    "pipeline": [made_again, "7"],
    "jobs": ["2", "#about summary", "#tab-jobs"],
    "history": ["#tab-history"],
    "report": ["#tab-report"],
    "keys": ["#tab-defects", "?"],
    "threshold": ["Escape", threshold],
    "paint": [painted],
    "protect": [kept],
}
UNDONE = 3  # actions that the tour leaves


@dataclass(frozen=True, slots=True)
class Album:
    """Where pictures are put, and how."""

    folder: Path
    ending: str = ""
    whole: bool = False

    def put(self, name: str, picture: Picture) -> None:
        """One picture; as it is, or small."""
        place = self.folder / f"studio-{name}{self.ending}{'.png' if self.whole else '.webp'}"
        shown = picture
        if not self.whole and picture.shape[1] > WIDEST:
            high = round(picture.shape[0] * WIDEST / picture.shape[1])
            shown = np.asarray(cv2.resize(picture, (WIDEST, high), interpolation=cv2.INTER_AREA), np.uint8)
        options = [] if self.whole else [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
        place.write_bytes(cv2.imencode(place.suffix, shown[..., ::-1], options)[1].tobytes())
        print(place)


def seen(page: Page) -> Picture:
    """The page when all of it has come."""
    drawn(page)
    for _ in range(2):  # what moved meanwhile may have asked for pictures
        until(page, LOADED)
        page.wait_for_timeout(QUIET)
    return np.asarray(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


def tour(page: Page, album: Album, only: list[str], *, all_on_one: bool) -> None:
    """Through all views, and back to the project as it was; pictures of all of them, or of some."""
    shown_frame(page, FRAME)
    taken: list[tuple[Picture, str]] = []
    for name, steps in VIEWS.items():
        for step in steps:
            if callable(step):
                step(page)
            elif step.startswith("#"):
                page.click(step)
            else:
                page.keyboard.press(step)
        if not only or name in only:
            taken.append((seen(page), name))
            if not all_on_one:
                album.put(name, taken[-1][0])
    for _ in range(UNDONE):
        page.keyboard.press("Control+z")
        page.wait_for_timeout(QUIET)
    if all_on_one:
        album.put("all", contact_sheet(taken, columns=COLUMNS, width=SMALL))


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--ratio", type=float, default=1)
    parser.add_argument("--ending", default="")
    parser.add_argument("--only", nargs="*", default=[], choices=VIEWS)
    parser.add_argument("--whole", action="store_true", help="PNG, as the screen has it")
    parser.add_argument("--all-on-one", action="store_true", help="one picture of all of them")
    wanted = parser.parse_args()
    width, height = map(int, wanted.size.split("x"))
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=wanted.ratio)
        opened(page, wanted.address)
        tour(page, Album(wanted.folder, wanted.ending, wanted.whole), wanted.only, all_on_one=wanted.all_on_one)
        browser.close()


if __name__ == "__main__":
    main()
