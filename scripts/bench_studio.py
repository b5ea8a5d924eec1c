"""How long the studio takes: python scripts/bench_studio.py [--place FOLDER] [--runs 5].

Draws a 2K film (2048 × 1556, 16-bit R G B) with repairs and asks for its pictures, new and kept; then a project of 10,000 frames and
100,000 defects, opened and asked what the page asks. Prints the best of several runs, on the wall's clock and of the processor: the
clock tells how busy the machine is as well.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from fastapi.testclient import TestClient

from frdm.film import WHOLE, Box, Defect, Frame, Held, Kind, Patch, Provenance, Repair, Shot, Span
from frdm.jobs.project import project_row
from frdm.ledger import decisions, made
from frdm.ledger.made import ByHand, Made, StoredPatches
from frdm.ledger.patches import write_patches
from frdm.ledger.records import By, FrameRow, Selection
from frdm.ledger.store import Ledger, SpanRecord
from frdm.media.scan import Scan, open_scan
from frdm.recipe import Recipe
from frdm.rendering import altered_pixels
from frdm.studio.app import make_app
from frdm.studio.desk import Desk

HEIGHT, WIDTH, PICTURES, SPECKS = 1556, 2048, 4, 40
FRAMES, EACH, SHOT, VERSIONS = 10_000, 10, 50, 1000
KINDS: tuple[Kind, ...] = ("dirt", "hair", "scratch")
ADA = By("Ada", "bench")
OPENING = ("project", "shots", "density?bins=1200", "defects?limit=200", "frames/0", "actions?limit=50")
LISTS = (
    "project",
    "shots",
    "density?bins=2000",
    "defects?offset=90000&limit=200",
    "defects?sort=confidence&kind=dirt&offset=20000",
    "counts?below=0.5",
    "frames/5000",
    "jump?to=unreviewed&from_frame=5000",
    "jump?to=held&from_frame=5000&backwards=true",
)
VIEWS = (
    "view=before&width=1280",
    "view=after&width=1280",
    "view=after&width=2048",
    "view=after&left=500&top=400&right=1140&bottom=800&width=1280",
    "view=difference&width=1280",
    "view=overlay&width=1280",
    "view=provenance&width=1280&ground=after",
    "view=before&width=240",
)


def main() -> None:
    """Draw, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", type=Path, help="where films are drawn; default: a temporary folder")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.place) as folder:
        show_pictures(Path(folder) / "film", given.runs)
        show_lists(Path(folder) / "reel", given.runs)


# What is measured ---------------------------------------------------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of a piece of work: on the wall's clock, of the processor."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - busy)


def told(what: str, runs: list[tuple[float, float]]) -> None:
    """One line: the best by each clock, and the worst on the wall."""
    walls, busies = zip(*runs, strict=True)
    print(f"{what:72}{min(walls):9.1f}{min(busies):9.1f}{max(walls):9.1f}", flush=True)


def headed(title: str) -> None:
    print(f"\n{title:72}{'wall ms':>9}{'cpu ms':>9}{'worst':>9}")


def repeated(runs: int, work: Callable[..., object], *values: object) -> list[tuple[float, float]]:
    """The same work several times."""
    return [timed(partial(work, *values)) for _ in range(runs)]


def show_pictures(place: Path, runs: int) -> None:
    """Pictures of a 2K film: new, and asked for again."""
    draw_film(place)
    with studio(place) as client:
        headed("a 2K frame's picture, new (its frame was read before)")
        for view in VIEWS:
            told(view, [timed(partial(get, client, f"frames/1/picture?{view}&gamma={1 + n / 100}")) for n in range(1, runs + 1)])
        headed("… kept")
        for view in VIEWS:
            get(client, f"frames/1/picture?{view}")
            told(view, repeated(runs, get, client, f"frames/1/picture?{view}"))
    headed("… new, its frame not read before (16-bit PNG)")
    alone = []
    for _ in range(min(runs, 3)):
        with studio(place) as client:
            alone.append(timed(partial(get, client, "frames/2/picture?view=after&width=1280")))
    told("view=after&width=1280", alone)


def show_lists(place: Path, runs: int) -> None:
    """A long reel: opening, lists, decisions."""
    few = min(runs, 3)
    draw_reel(place)
    headed(f"{FRAMES:,} frames, {FRAMES * EACH:,} defects, {VERSIONS:,} of them made again")
    told("open and ask what the page asks first", repeated(few, opened, place))
    with studio(place) as client:
        for question in LISTS:
            told(question, repeated(runs, get, client, question))
        one = {"verb": "reject", "selection": {"ids": ["005000-001"]}}
        many = {"verb": "reject", "selection": {"below": 0.5, "kinds": ["dirt"]}}
        for what, body in (("one decision", one), ("thousands of decisions", many)):
            done, undone = [], []
            for _ in range(few):
                done.append(timed(partial(post, client, "decisions", body)))
                undone.append(timed(partial(post, client, "undo", {})))
            told(what, done)
            told("… its undo", undone)
        told("preview of thousands", repeated(few, post, client, "decisions/preview", many))


def opened(place: Path) -> None:
    """The studio begun, and what its page asks first."""
    with studio(place) as client:
        for question in OPENING:
            get(client, question)


@contextmanager
def studio(place: Path) -> Iterator[TestClient]:
    """The studio on a project, as a page sees it."""
    with TestClient(make_app(Desk.open(place / "out.frdm")), base_url="http://127.0.0.1:8350", headers={"X-Frdm-Who": "Ada"}) as client:
        yield client


def get(client: TestClient, question: str) -> None:
    answer = client.get(f"/api/{question}")
    assert answer.status_code == 200, answer.text


def post(client: TestClient, path: str, body: object) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == 200, answer.text


# What is drawn ------------------------------------------------------------------------------------------------------------------------


def draw_film(place: Path) -> None:
    """A few frames of soft texture under grain, with as many repairs on each as a dirty reel has."""
    rng = np.random.default_rng(1)
    (place / "scan").mkdir(parents=True)
    soft = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 12)
    soft = 0.2 + 0.6 * (soft - soft.min()) / np.ptp(soft)
    for index in range(PICTURES):
        picture = np.clip(soft + rng.normal(0, 0.01, soft.shape), 0, 1)
        assert cv2.imwrite(str(place / "scan" / f"f{index:06d}.png"), np.rint(65535 * picture).astype(np.uint16))
    with open_scan(place / "scan") as scan, new_ledger(place, scan, PICTURES) as ledger:
        ledger.add_shot(1, Shot(0, PICTURES))
        record, drawn = SpanRecord(), []
        for frame in scan.frames():
            repairs = [speck(frame, number, rng) for number in range(SPECKS)]
            drawn.append((frame.index, repairs))
            record.frames.append(FrameRow(frame.index, 0.01, None, 0.001))
            record.repairs += [(at, altered_pixels(repair.patch, scan.info.encoding), repair) for at, repair in enumerate(repairs)]
        record.file = ("0.npz", *write_patches(place / "out.frdm" / "patches" / "0.npz", drawn))
        ledger.add_span(Span(Shot(0, PICTURES), 0, PICTURES), record)
        ledger.all_shots_found()


def speck(frame: Frame, number: int, rng: np.random.Generator) -> Repair:
    """A round repair somewhere, filled with the frame's own pixels a little brighter."""
    side = int(rng.integers(20, 60))
    top, left = int(rng.integers(0, HEIGHT - side)), int(rng.integers(0, WIDTH - side))
    box = Box(frame.index, top, left, top + side, left + side)
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), side // 4, 1, -1)
    matte = np.rint(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5) * WHOLE).astype(np.uint16)
    codes = tuple(np.minimum(plane[box.rows, box.columns], 60000) + np.uint16(2000) for plane in frame.planes)
    defect = Defect(KINDS[number % 3], "dark", box, mask > 0, float(rng.random()))
    return Repair(f"{frame.index:06d}-{number:03d}", defect, Patch(box, (matte,) * 3, codes), Provenance("neighbours", (0,), trust=0.9))


def draw_reel(place: Path) -> None:
    """A project of many tiny frames (links of one) with ten defects each, some decided about, some made again. It has no patches."""
    rng = np.random.default_rng(2)
    (place / "scan").mkdir(parents=True)
    first = place / "first.png"
    assert cv2.imwrite(str(first), np.full((16, 16), 128, np.uint8))
    for index in range(FRAMES):
        (place / "scan" / f"f{index:06d}.png").hardlink_to(first)
    with open_scan(place / "scan") as scan, new_ledger(place, scan, FRAMES) as ledger:
        for number, start in enumerate(range(0, FRAMES, SHOT), 1):
            shot = Shot(start, start + SHOT)
            ledger.add_shot(number, shot)
            record = SpanRecord()
            record.file = (f"{start}.npz", "none", 1)
            for frame in range(start, start + SHOT):
                record.frames.append(FrameRow(frame, 0.01, None, 0.001))
                record.repairs += [(at, 16, small(f"{frame:06d}-{at:03d}", frame, rng)) for at in range(EACH - 1)]
                record.held.append(Held(f"{frame:06d}-{EACH - 1:03d}", small("", frame, rng).defect, "motion can't be trusted here"))
            ledger.add_span(Span(shot, start, start + SHOT), record)
        ledger.all_shots_found()
        decisions.decide(ledger, "reject", Selection(below=0.05), who="Ada")
        again = [Made(small("", frame, rng), 16, scan.info.encoding, replaces=frame * (EACH - 1) + 1) for frame in range(VERSIONS)]
        made.record(ledger, ByHand("reroll", "{}", again, StoredPatches("hand-0.npz", "none", 1)), ADA)


def small(name: str, frame: int, rng: np.random.Generator) -> Repair:
    box = Box(frame, 2, 2, 6, 6)
    square = np.full((4, 4), WHOLE, np.uint16)
    defect = Defect(KINDS[int(rng.integers(3))], "dark", box, np.ones((4, 4), np.bool_), float(rng.random()))
    return Repair(name, defect, Patch(box, (square,), (np.full((4, 4), 99, np.uint8),)), Provenance("neighbours", (frame,), trust=0.9))


@contextmanager
def new_ledger(place: Path, scan: Scan, frames: int) -> Iterator[Ledger]:
    """The ledger of a new project."""
    (place / "out.frdm").mkdir()
    with Ledger(place / "out.frdm", create=True) as ledger:
        ledger.begin(project_row(scan, Recipe(), start=0, stop=frames))
        yield ledger


if __name__ == "__main__":
    main()
