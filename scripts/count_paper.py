"""What one frame costs the size `paper` in products and sums, and how many weights it has: counted on shapes alone, in little memory and
without a graphics card. That it can be counted shows too that every part fits the others at full size.

    python scripts/count_paper.py [--size 2048x1556 …] [--steps 4]        (needs the [train] extra)

Scans, norms and what overlaps in the decoder's own tiles are not counted.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from frdm.bench.vram import random_backbone, sides
from frdm.diffusion.asking import Inference
from frdm.diffusion.inference import tiling_for
from frdm.diffusion.tiles import Extent, grid
from frdm.errors import FrdmError
from frdm.model.frdm import Conditions, Frdm, FrdmParams, Where

TERA = 10**12


def flops(work: Callable[[], Any]) -> tuple[int, Any]:
    """Operations of some work, and what it gave."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        found = work()
    return counter.get_total_flops(), found


def parts_of(model: Frdm) -> dict[str, int]:
    """Operations of each part, for one tile of all of its frames."""
    codec, params = model.backbone.codec, model.params
    tile = torch.zeros(1, codec.planes, params.frames, params.side, params.side, device="meta")
    where = Where(torch.zeros(1, 4, device="meta"), torch.ones(1, 2, device="meta"))
    encoding, z = flops(lambda: codec.encode(tile))
    whole_cost, whole = flops(lambda: model.see_whole(tile, torch.zeros(1, 77, dtype=torch.int64, device="meta")))
    see_cost, conditions = flops(lambda: model.see_tiles(tile, where, whole))
    assert isinstance(conditions, Conditions)
    step_cost, _ = flops(lambda: model.denoise(z, torch.full((1,), 500.0, device="meta"), conditions))
    decoding, _ = flops(lambda: codec.decode(z))
    return {"encode": encoding, "see the whole": whole_cost, "see a tile": see_cost, "denoise a tile": step_cost, "decode": decoding}


def frame_of(parts: dict[str, int], params: FrdmParams, size: tuple[int, int], steps: int, factor: int) -> tuple[int, float]:
    """(tiles of all steps, operations a frame) of one window in time, the global pass included."""
    settings = Inference(tile=params.side, overlap=params.side // 4, frames=params.frames, frames_overlap=0, steps=steps)
    height, width = (-(-side // factor) * factor for side in size)
    tiling = tiling_for(settings, factor, (3, params.frames, height, width))
    extent = Extent(0, params.frames, 0, height // factor, 0, width // factor)
    tiles = sum(len(grid(extent, tiling, step)) for step in range(steps))
    area = height * width / params.side**2
    first = parts["encode"] + parts["see the whole"] + parts["see a tile"] + steps * parts["denoise a tile"] + parts["decode"]
    second = tiles * (parts["see a tile"] + parts["denoise a tile"]) + area * (2 * parts["encode"] + parts["decode"])
    return tiles, (first + second) / params.frames


def told(model: Frdm, sizes: Sequence[str], steps: int) -> list[str]:
    """What was counted, line by line. Raises `BenchError` on a size that is none."""
    parts, factor = parts_of(model), model.backbone.codec.factor
    every, learn = sum(one.numel() for one in model.parameters()), sum(one.numel() for _, one in model.learning())
    lines = [f"{every:,} weights, {every * 4 / 2**30:.2f} GiB in single precision; {learn:,} learn"]
    tile = f"{model.params.frames} × {model.params.side}²"
    lines += [f"{name}, {tile}: {count / TERA:.2f} TFLOP" for name, count in parts.items()]
    for size in sizes:
        tiles, frame = frame_of(parts, model.params, sides(size), steps, factor)
        lines.append(f"{size}, {steps} steps: {tiles} tiles, {frame / TERA:.0f} TFLOP a frame")
    return lines


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", nargs="+", default=["2048x1556", "4096x3112"], metavar="WIDTHxHEIGHT")
    parser.add_argument("--steps", type=int, default=4)
    asked = parser.parse_args()
    try:
        for size in asked.size:
            sides(size)
        with torch.device("meta"):
            model = Frdm(FrdmParams.paper(), random_backbone()).eval()
        print("\n".join(told(model, asked.size, asked.steps)))
    except FrdmError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
