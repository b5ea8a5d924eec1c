"""VMAF, Netflix' learned blend of fidelity scores, through the ffmpeg that imageio-ffmpeg brings (its libvmaf and model are built in)."""

import json
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np

from frdm.errors import MetricError
from frdm.film import Real
from frdm.metrics.extras import extra
from frdm.metrics.fidelity import shown

BLACK, REACH = 64, 876  # 10-bit codes of black, and from black to white. Source: BT.709
SHORTEST = 16  # px: smaller pictures have no four scales


@dataclass(frozen=True, slots=True)
class Vmaf:
    """VMAF of a film: 0 … 100, higher is better; the mean over frames and the worst frame."""

    mean: float
    worst: float
    frames: int


@lru_cache(maxsize=1)
def vmaf_ffmpeg() -> str:
    """An ffmpeg with libvmaf. Raises `MetricError` where there is none."""
    program = str(extra("imageio_ffmpeg", score="VMAF").get_ffmpeg_exe())
    listed = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if " libvmaf " not in listed.stdout:
        raise MetricError(f"VMAF: {program} was built without libvmaf; install an imageio-ffmpeg whose ffmpeg has it, or leave VMAF out")
    return program


def vmaf(pairs: Iterable[tuple[Real, Real]]) -> Vmaf:
    """VMAF of (reference, output) frames, lumas (H, W) with black 0 and white 1; they are streamed, as 10-bit video.

    Odd last rows and columns are left out. Rewards wrongly: sharpening and contrast; trained on compression of clean video at 1080 lines,
    so small repairs and grain hardly count. Source: Li 2016. Raises `MetricError`.
    """
    stream = iter(pairs)
    first = next(stream, None)
    if first is None:
        raise MetricError("VMAF: no frame found, one at least wanted; give films that have frames")
    height, width = (size // 2 * 2 for size in first[0].shape)
    if min(height, width) < SHORTEST:
        raise MetricError(f"VMAF: a picture of {shown(first[0])} found, at least {SHORTEST} px wanted; give a larger one")
    with tempfile.TemporaryDirectory() as folder:
        return _run(chain([first], stream), height, width, Path(folder))


def _run(pairs: Iterable[tuple[Real, Real]], height: int, width: int, folder: Path) -> Vmaf:
    """Both films go down one pipe, one above the other, and are parted by the filter: no second pipe, no file but the log."""
    halves = f"split[a][b];[a]crop={width}:{height}:0:0[r];[b]crop={width}:{height}:0:{height}[d]"
    graph = f"{halves};[d][r]libvmaf=log_fmt=json:log_path=vmaf.json"
    source = ["-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{width}x{2 * height}", "-i", "-"]
    command = [vmaf_ffmpeg(), "-v", "error", *source, "-lavfi", graph, "-f", "null", "-"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        _feed(process.stdin, pairs, height, width)
        said = process.stderr.read().decode("utf-8", "replace").strip()
    if process.returncode:
        raise MetricError(f"VMAF: ffmpeg ended with {process.returncode} ({said.splitlines()[-1] if said else 'no word'}); leave VMAF out")
    scores = [frame["metrics"]["vmaf"] for frame in json.loads((folder / "vmaf.json").read_text(encoding="utf-8"))["frames"]]
    return Vmaf(float(np.mean(scores)), float(min(scores)), len(scores))


def _feed(pipe: IO[bytes], pairs: Iterable[tuple[Real, Real]], height: int, width: int) -> None:
    grey = np.full(height * width, 512, "<u2").tobytes()  # both colour planes of the doubled picture, at half size: 2 · (2h/2 · w/2)
    with suppress(BrokenPipeError), pipe:  # when ffmpeg has ended early, what it says comes next
        for pair in pairs:
            for luma in pair:
                codes = np.rint(BLACK + REACH * luma[:height, :width].astype(np.float64))
                pipe.write(np.clip(codes, 4, 1019).astype("<u2").tobytes())
            pipe.write(grey)
