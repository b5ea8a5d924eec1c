"""SpotLess in VapourSynth: neighbours brought by block motion, interleaved with the frame, and a temporal median of the three.

Runs with a Python of its own (≥ 3.12, with vapoursynth, its mvtools and zsmooth plugins, numpy and pillow), which need not have frdm:
`python spotless.py FRAMES OUT [--block 32]`. FRAMES is a folder of PNG frames; OUT gets the same names. The motion is measured on the
luma and colour of a YUV 4:4:4 copy, as MVTools asks.
"""

import argparse
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

WIDE = 10000  # SAD above which a block is not compensated: SpotLess takes any block


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--block", type=int, default=32, help="side of a block of motion, in pixels")
    parser.add_argument("--version", action="store_true")
    asked = parser.parse_args()
    vs: Any = import_module("vapoursynth")
    if asked.version:
        needed = (vs.core.mv.Analyse, vs.core.zsmooth.TemporalMedian)  # raises where a plugin is missing
        assert needed
        print(f"VapourSynth {vs.core.core_version.release_major}, mvtools {plugin('mvtools')}, zsmooth {plugin('zsmooth')}")
        return 0
    names = sorted(asked.frames.glob("*.png"))
    asked.out.mkdir(parents=True, exist_ok=True)
    clip = vs.core.resize.Bicubic(film(vs, names), format=vs.YUV444P8, matrix_s="709", range_s="full")
    mended = vs.core.resize.Bicubic(spotless(vs, clip, asked.block), format=vs.RGB24, matrix_in_s="709", range_in_s="full")
    for path, frame in zip(names, mended.frames(close=True), strict=True):
        save(asked.out / path.name, frame)
    return 0


def plugin(name: str) -> str:
    """The installed version of a plugin's package."""
    return version(f"vapoursynth-{name}")


def film(vs: Any, names: list[Path]) -> Any:
    """A clip of RGB24 whose frames are read from PNG when they are asked for."""
    import numpy as np
    from PIL import Image

    with Image.open(names[0]) as first:
        width, height = first.size
    blank = vs.core.std.BlankClip(width=width, height=height, format=vs.RGB24, length=len(names), fpsnum=24, fpsden=1)

    def read(n: int, f: Any) -> Any:
        with Image.open(names[n]) as stored:
            codes = np.asarray(stored.convert("RGB"))
        frame = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(frame[plane]), codes[..., plane])
        return frame

    return vs.core.std.ModifyFrame(clip=blank, clips=blank, selector=read)


def spotless(vs: Any, clip: Any, block: int) -> Any:
    """The median of each frame and its two neighbours, these brought by motion."""
    core = vs.core
    pyramid = core.mv.Super(clip, pel=2, chroma=True)
    motion = {"blksize": block, "overlap": block // 2, "search": 5, "chroma": True, "truemotion": True}

    def brought(back: bool) -> Any:
        return core.mv.Compensate(clip, pyramid, core.mv.Analyse(pyramid, isb=back, delta=1, **motion), thsad=WIDE)

    three = core.std.Interleave([brought(False), clip, brought(True)])
    return core.std.SelectEvery(core.zsmooth.TemporalMedian(three, radius=1), cycle=3, offsets=[1])


def save(path: Path, frame: Any) -> None:
    import numpy as np
    from PIL import Image

    codes = np.dstack([np.asarray(frame[plane]) for plane in range(3)])
    Image.fromarray(codes).save(path, compress_level=1)


if __name__ == "__main__":
    sys.exit(main())
