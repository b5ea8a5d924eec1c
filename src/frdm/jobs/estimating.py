"""What a job will cost, said before it starts: one line."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from frdm.defects.stretch import BLOCK, blocks, places
from frdm.film import ScanInfo, Shot
from frdm.jobs.outputs import size
from frdm.jobs.stills import sizes_of
from frdm.media.album import Album
from frdm.media.scan import Scan, info_at
from frdm.mending import by_stretch
from frdm.motion.scale import SearchScale
from frdm.recipe import Recipe

START = 1.0  # seconds until the first frame; these figures follow what was measured on two cores (docs/benchmark.md, how it grows)
EACH = 0.03  # seconds for a frame, however small …
SECONDS = 1.0  # … for each megapixel of it that is searched …
WHOLE = 0.06  # … and for each of the film's own
GLANCE = 0.9  # of a frame's time: one that is looked at before those around it are mended (0.7 to 1 from 640 × 480 to 2048 × 1556)
BYTES = 350  # of memory for a pixel of one frame: the window around it, motions, working pictures …
DEEP = 6  # … and this often the frame's own bytes: what waits between reading and writing
BASE = 180 << 20  # bytes of memory that the program takes by itself
FFV1 = 0.55  # of the raw bytes: what lossless movies of grainy film take


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected cost: `seconds` on two cores, `memory` and `disk` in bytes, and all of it as one line."""

    seconds: float
    memory: int
    disk: int
    sentence: str


def estimate(scan: Scan, recipe: Recipe, *, start: int = 0, stop: int | None = None, out: Path | None = None, jobs: int = 1) -> Estimate:
    """The cost of restoring frames start … stop-1; reads one frame to know how fast the film can be read."""
    info = scan.info
    stop = info.length if stop is None else stop
    megapixels = info.width * info.height / 1e6
    reading = _seconds(lambda: scan.frame(start))
    every = [info_at(scan, index) for index in range(start, stop)] if recipe.stills else [info] * (stop - start)
    mending = sum(max(frame_seconds(one.width, one.height) / jobs, reading) for one in every)
    glances = looked_at(start, stop, info.length) if by_stretch(recipe) else 0
    seconds = START + mending * (1 + GLANCE * glances / max(stop - start, 1))
    memory = BASE + jobs * round(BYTES * megapixels * 1e6) + DEEP * frame_bytes(info)
    disk = needed_disk(scan, start, stop, out=out)
    return Estimate(seconds, memory, disk, _sentence(scan, stop - start, cost=(seconds, memory, disk), out=out))


def frame_seconds(width: int, height: int) -> float:
    """Seconds that a frame of a moving film takes, alone: motion and defects are looked for in a reduced picture where it is large."""
    rows, columns = SearchScale.of(height, width).reduced
    return EACH + SECONDS * rows * columns / 1e6 + WHOLE * width * height / 1e6


def looked_at(start: int, stop: int, length: int) -> int:
    """How many frames of a film of `length` are looked at before frames start … stop-1 are mended, as if all were one shot."""
    asked = [*range(start, stop, BLOCK), stop - 1] if stop > start else []
    stretches = {block for index in asked for block in blocks(Shot(0, length), index)}
    return sum(len(places(*block)) for block in stretches)


def _sentence(scan: Scan, frames: int, *, cost: tuple[float, int, int], out: Path | None) -> str:
    seconds, memory, disk = cost
    line = f"{pictures(scan, frames)}: about {duration(seconds)} and {size(memory)} of memory"
    if out is None:
        return line
    return f"{line}; {size(disk)} of disk ({size(shutil.disk_usage(_there(out.resolve().parent)).free)} free)"


def needed_disk(scan: Scan, start: int, stop: int, *, out: Path | None) -> int:
    """Bytes that the output of these frames will take, about; of a folder of frames what the scan's frames take."""
    info = scan.info
    if out is None:
        return 0
    if info.names:
        folder = info.path if info.path.is_dir() else info.path.parent
        return sum((folder / name).stat().st_size for name in info.names[start:stop])
    return round(FFV1 * frame_bytes(info) * (stop - start))


def frame_bytes(info: ScanInfo) -> int:
    """Bytes of a frame in memory."""
    encoding = info.encoding
    shapes = (encoding.plane_shape(n, info.height, info.width) for n in range(encoding.pictures + len(encoding.extra)))
    return sum(rows * columns for rows, columns in shapes) * encoding.dtype.itemsize


def picture(info: ScanInfo, frames: int) -> str:
    """The film in a few words."""
    encoding = info.encoding
    kind = {"y": "black and white", "rgb": "RGB", "ycbcr": "YCbCr"}[encoding.layout]
    depth = f"{encoding.bits}-bit{' float' if encoding.floating else ''}"
    return f"{frames} frame{'' if frames == 1 else 's'} of {info.width} × {info.height}, {depth} {kind} {encoding.transfer}"


def pictures(scan: Scan, frames: int) -> str:
    """The film in a few words, unrelated pictures with the least and the greatest of their sizes."""
    if not isinstance(scan, Album):
        return picture(scan.info, frames)
    return f"{frames} picture{'' if frames == 1 else 's'} of {sizes_of(scan)}, each by itself"


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _there(folder: Path) -> Path:
    """The nearest folder above that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder
