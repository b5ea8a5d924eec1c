"""Takes the pictures of docs/studio.md: every view of a served project of drawn film, at one size.

    frdm demo DIR --height 576; frdm studio DIR/restored.frdm
    python tests/studio_page/take_pictures.py http://127.0.0.1:8350/ docs/pictures --size 1280x720

They are WebP, about 60 KB each (by Pillow, which comes with what the tests need).
"""

import argparse
import io
import shutil
from pathlib import Path

from hands import drag, drawn, opened, shown_frame, until
from PIL import Image
from playwright.sync_api import Page, sync_playwright

FRAME = 5
WIDEST = 1920  # columns of a picture
LOADED = "[...document.querySelectorAll('img')].filter(i => i.getBoundingClientRect().width).every(i => i.complete && i.naturalWidth)"
QUIET = 900  # milliseconds until nothing moves any more
STROKE = [(0.42, 0.3), (0.5, 0.34), (0.55, 0.3)]
PLACE = [(0.35, 0.2), (0.6, 0.2), (0.6, 0.5), (0.35, 0.5)]
# name → keys that lead there from the view before; "#id" clicks
VIEWS = {
    "review": ["ArrowDown"],
    "scan": ["1"],
    "wipe": ["3", "m"],
    "origin": ["m", "2", "w"],
    "difference": ["w", "4", "z"],
    "close": ["2"],
    "neighbours": ["z", "5"],
    "sheet": ["6", "ArrowRight", "x", "ArrowDown", "x"],
    "pipeline": ["x", "ArrowUp", "x", "7"],
    "again": ["2", "Shift+G"],
    "jobs": ["#about summary", "#tab-jobs"],
    "history": ["#tab-history"],
    "report": ["#tab-report"],
    "keys": ["#tab-defects", "?"],
}


def take(page: Page, place: Path) -> None:
    """One picture, when all of it has come."""
    drawn(page)
    until(page, LOADED)
    page.wait_for_timeout(QUIET)
    shot = Image.open(io.BytesIO(page.screenshot()))
    shot.thumbnail((WIDEST, WIDEST))
    shot.convert("RGB").save(place, quality=75, method=6)
    print(place)


def tour(page: Page, folder: Path, ending: str, only: list[str]) -> None:
    """Through all views (or to some), then the threshold, a stroke under the hand, and a region that is kept."""
    shown_frame(page, FRAME)
    for name, steps in VIEWS.items():
        for step in steps:
            page.click(step) if step.startswith("#") else page.keyboard.press(step)
        if only and name not in only:
            continue
        take(page, folder / f"studio-{name}{ending}.webp")
    if only:
        return
    page.keyboard.press("Escape")
    page.locator("#least").evaluate("node => { node.value = 70; node.dispatchEvent(new Event('input')); }")
    page.click("#least-preview")
    page.wait_for_selector("#samples img")
    take(page, folder / f"studio-threshold{ending}.webp")
    page.click("#least-preview")
    page.keyboard.press("b")
    drag(page, STROKE)
    until(page, "/^Mended/.test(document.getElementById('told').textContent)")
    take(page, folder / f"studio-paint{ending}.webp")
    page.keyboard.press("p")
    page.select_option("#option-frames", "shot")
    drag(page, PLACE)
    until(page, "/^Protected/.test(document.getElementById('told').textContent)")
    take(page, folder / f"studio-protect{ending}.webp")
    for _ in range(2):
        page.keyboard.press("Control+z")
        page.wait_for_timeout(QUIET)


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--ratio", type=float, default=1)
    parser.add_argument("--ending", default="")
    parser.add_argument("--only", nargs="*", default=[], choices=VIEWS)
    wanted = parser.parse_args()
    width, height = map(int, wanted.size.split("x"))
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=wanted.ratio)
        opened(page, wanted.address)
        tour(page, wanted.folder, wanted.ending, wanted.only)
        browser.close()


if __name__ == "__main__":
    main()
