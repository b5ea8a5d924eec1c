"""What a training step of the size `paper` holds in memory: counted on shapes alone, without a graphics card.

    python scripts/count_training.py [--batch 1]        (needs the [train] extra)

Pictures, latents and all that is made of them are taken in half precision, attention as a kernel that keeps no scores; the few things that
stay in single precision under autocast, and what a card's allocator loses, are not counted. `frdm train memory` measures on a card.
"""

import argparse
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from frdm.bench.vram import random_backbone
from frdm.diffusion.planning import GIB
from frdm.model import losses
from frdm.model.frdm import Frdm, FrdmParams, Where
from frdm.model.losses import Batch, Tiles, training_losses


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of all that is alive of what is made while it is entered, and the most there ever was."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def add(self, tensor: Tensor) -> None:
        """Count a tensor, once for all views of it, until it is gone."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._sizes:
            return
        self._sizes[key] = size
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                self.add(one)
        return made


class Fused(torch.autograd.Function):
    """Attention as a kernel sees it that keeps no scores."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return tuple(torch.empty_like(one) for one in ctx.saved_tensors[:3])


def fused(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> Tensor:
    """In the place of torch's attention, which has no shape of its own for the way back on the device `meta`."""
    out: Tensor = Fused.apply(query, key, value)  # type: ignore[no-untyped-call]
    return out


@contextmanager
def on_shapes(side: int) -> Iterator[None]:
    """Where the losses ask numbers of tensors, which have none here: one time for all, defects all over the tile."""
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
    live = Live()
    for tensor in (*model.parameters(), *model.buffers()):
        live.add(tensor)
    for _, one in model.learning():
        one.grad = torch.zeros_like(one)
        live.add(one.grad)
    before = live.now
    with torch.device("meta"), on_shapes(model.params.side), live:
        work().backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)
    return live.peak - before


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
