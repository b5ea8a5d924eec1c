"""What state spaces cost beside attention, as blocks of the preprocess module (the paper's 6.5.2): peak memory and processor seconds.

    python scripts/compare_mixing.py [--cells 5x24x24 …] [--width 48] [--most 2GiB]        (needs the [train] extra; Linux)

Each block is run once, forwards alone and there and back, in a process of its own on one thread; memory is what that process held at its
peak beyond what it began with. Attention runs by torch's fused kernel, which keeps no scores, and by plain products, which keep them all.
What would need more than --most by its scores alone is left out.
"""

import argparse
import math
import multiprocessing
import re
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from frdm.diffusion.planning import bytes_of
from frdm.errors import FrdmError
from frdm.model.clip_attention import ClipAttentionBlock
from frdm.model.state_space import GatedBlock, StateSpaceBlock, StateSpaceParams

MIB = 2**20
WAYS: dict[str, tuple[type[GatedBlock], SDPBackend | None]] = {
    "state spaces": (StateSpaceBlock, None),
    "attention, fused": (ClipAttentionBlock, SDPBackend.FLASH_ATTENTION),
    "attention, scores kept": (ClipAttentionBlock, SDPBackend.MATH),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes at the peak beyond the beginning, and processor seconds."""

    peak: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.peak / MIB:.0f} MiB, {self.seconds:.2f} s"


def held(name: str) -> int:
    """Bytes of this process: VmRSS, or VmHWM at its peak."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def run_once(way: str, cells: Sequence[int], width: int, *, back: bool) -> Cost:
    """One block on one clip of random numbers, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    kind, backend = WAYS[way]
    block, x = kind(width), torch.rand(1, width, *cells, requires_grad=back)
    before, began = held("VmRSS"), time.process_time()
    with nullcontext() if backend is None else sdpa_kernel(backend), torch.set_grad_enabled(back):
        y = block(x)
        if back:
            y.sum().backward()
    return Cost(held("VmHWM") - before, time.process_time() - began)


def _work(answer: Connection, *asked: Any) -> None:
    way, cells, width, back = asked
    answer.send(run_once(way, cells, width, back=back))


def measured(way: str, cells: Sequence[int], width: int, *, back: bool) -> Cost:
    """`run_once` in a process of its own."""
    processes = multiprocessing.get_context("fork")
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=_work, args=(there, way, cells, width, back))
    process.start()
    there.close()
    try:
        cost: Cost = here.recv()
    finally:
        process.join()
    return cost


def scores(way: str, cells: Sequence[int], heads: int) -> int:
    """Bytes of the scores that a way keeps, twice: as they are and as shares."""
    return 2 * 4 * heads * math.prod(cells) ** 2 if way == "attention, scores kept" else 0


def rows(every: Sequence[Sequence[int]], width: int, most: int, tell: Callable[[str], None]) -> None:
    """The table, line by line."""
    heads = [f"{way}: {how}" for way in WAYS for how in ("forwards", "and back")]
    tell(f"| cells (t × y × x), {width} channels | {' | '.join(heads)} |")
    tell("|---" * (1 + 2 * len(WAYS)) + "|")
    for cells in every:
        found = [
            str(measured(way, cells, width, back=back)) if scores(way, cells, ClipAttentionBlock(width).heads) <= most else ""
            for way in WAYS
            for back in (False, True)
        ]
        tell(f"| {' × '.join(map(str, cells))} = {math.prod(cells):,} | " + " | ".join(found) + " |")


def clip(text: str) -> tuple[int, ...]:
    """TxHxW."""
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text}: TxHxW was wanted, such as 5x24x24; give one")
    return tuple(int(side) for side in text.split("x"))


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cells", type=clip, nargs="+", default=[(5, 12, 12), (5, 24, 24), (5, 48, 48)], metavar="TxHxW")
    parser.add_argument("--width", type=int, default=48, help="channels, in heads of 16")
    parser.add_argument("--most", default="2GiB", help="memory that scores may take")
    asked = parser.parse_args()
    if asked.width < 1 or asked.width % StateSpaceParams().head:
        parser.error(f"--width {asked.width}: a multiple of {StateSpaceParams().head} was wanted, the channels of a head; give one")
    try:
        most = bytes_of(asked.most)
    except FrdmError as error:
        raise SystemExit(str(error)) from None
    rows(asked.cells, asked.width, most, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
