"""What a training step of the size `paper` holds in memory: counted on shapes alone, without a graphics card.

    python scripts/count_training.py [--batch 1]        (needs the [train] extra)

Pictures, latents and all that is made of them are taken in half precision, attention as a kernel that keeps no scores; the few things that
stay in single precision under autocast, and what a card's allocator loses, are not counted. `frdm train memory` measures on a card.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch import Tensor

from frdm.bench.vram import random_backbone
from frdm.diffusion.planning import GIB
from frdm.model import losses
from frdm.model.counting import Alive, fused
from frdm.model.frdm import Frdm, FrdmParams, Where
from frdm.model.losses import Batch, Tiles, training_losses


@contextmanager
def unnumbered(side: int) -> Iterator[None]:
    """Where the losses ask numbers of tensors, which have none here: one time for all, defects all over the tile; attention is `fused`."""
    everywhere = slice(0, side), slice(0, side)
    with ExitStack() as stack:
        for name, instead in {
            "rectangle_of": lambda *_: everywhere,
            "each": lambda formula, one, other, _, schedule: formula(one, other, 500.0, schedule),
            "share_of_film": lambda t, _: torch.ones_like(t),
        }.items():
            stack.enter_context(mock.patch.object(losses, name, instead))
        stack.enter_context(mock.patch.object(torch.nn.functional, "scaled_dot_product_attention", fused))
        yield


def step_of(model: Frdm, count: int) -> Batch:
    """What a step of `count` tiles learns from, with the tiles left and above."""
    params, codec, kind = model.params, model.backbone.codec, next(model.parameters()).dtype
    side, cells = params.side, params.side // model.backbone.codec.factor
    where = Where(torch.zeros(count, 4, dtype=kind), torch.ones(count, 2, dtype=kind))

    def clip(planes: int, size: int) -> Tensor:
        return torch.zeros(count, planes, params.frames, size, size, dtype=kind)

    tiles, left, upper = (Tiles(clip(codec.planes, side), clip(codec.planes, side), where, clip(codec.channels, cells)) for _ in range(3))
    prompt = torch.zeros(count, model.backbone.prompts.longest, dtype=torch.int64)
    return Batch(tiles, clip(1, side), clip(codec.planes, side), prompt, left, upper)


def peak_of(model: Frdm, work: Callable[[], Tensor]) -> int:
    """Bytes at peak beside weights and gradients, of something that ends in one number, there and back; all lies on the device `meta`."""
    alive = Alive()
    for tensor in (*model.parameters(), *model.buffers()):
        alive.add(tensor)
    for _, one in model.learning():
        one.grad = torch.zeros_like(one)
        alive.add(one.grad)
    before = alive.now
    with torch.device("meta"), unnumbered(model.params.side), alive:
        work().backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)
    return alive.peak - before


def worked_on(model: Frdm, count: int) -> int:
    """`peak_of` a step of `count` tiles."""
    t = torch.zeros(count, dtype=next(model.parameters()).dtype, device="meta")
    return peak_of(model.train(), lambda: training_losses(model, step_of(model, count), t).total)


def decoded(model: Frdm, count: int) -> int:
    """`peak_of` decoding the latents of `count` tiles alone."""

    def work() -> Tensor:
        z = model.backbone.codec.encode(step_of(model, count).tiles.degraded)
        picture: Tensor = model.backbone.codec.decode(z.requires_grad_())
        return picture.sum()

    return peak_of(model, work)


def told(model: Frdm, count: int) -> Iterator[str]:
    """What was counted, line by line."""
    every, learn = sum(one.numel() for one in model.parameters()), sum(one.numel() for _, one in model.learning())
    parts = {"weights": 4 * every, "gradients": 4 * learn, "their average": 4 * learn, "AdamW": 8 * learn, "AdamW in 8 bits": 2 * learn}
    yield from (f"{name}: {size / GIB:.2f} GiB" for name, size in parts.items())
    for recompute in (False, True):
        model.checkpoint_blocks(recompute)
        how = "blocks run again" if recompute else "all kept"
        yield f"decoding alone, {how}: {decoded(model, count) / GIB:.2f} GiB"
        yield f"worked on, {count} × {model.params.frames} × {model.params.side}², {how}: {worked_on(model, count) / GIB:.2f} GiB"


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch", type=int, default=1)
    asked = parser.parse_args()
    with torch.device("meta"):
        model = Frdm(FrdmParams.paper(), random_backbone()).to(torch.bfloat16)
    for line in told(model, asked.batch):
        print(line, flush=True)


if __name__ == "__main__":
    main()
