"""What a model holds in memory, counted on shapes alone: every operation is done without memory or numbers, and the bytes of all tensors
that are alive at once are added up. Attention is counted as the fused kernels do it, which keep no scores.
"""

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from frdm.model.attention import Memory
from frdm.model.frdm import Frdm, Where

Count = Callable[[Callable[[], Any]], tuple[Any, int]]  # of some work its result, and the bytes that were there at most meanwhile


def weights_of(model: Frdm) -> tuple[int, int]:
    """Bytes of all weights, and of those that must be on a card at once when the rest waits (`frdm.model.net`)."""
    back = model.backbone
    together: list[tuple[nn.Module | None, ...]] = [
        (back.codec, back.frames, back.prompts),
        (back.codec, model.preprocess, model.place_frame, model.place_prompt),
        (model.guidance, back.denoiser),
    ]
    return _bytes(model), max(_bytes(*parts) for parts in together)


def _bytes(*parts: nn.Module | None) -> int:
    """Of the weights of parts, shared ones once."""
    every = {id(one): one.nbytes for part in parts if part is not None for one in (*part.parameters(), *part.buffers())}
    return sum(every.values())


def counted(model: Frdm, size: tuple[int, int], *, held: int) -> tuple[int, int]:
    """Bytes at peak of denoising one tile, with `held` looks at tiles remembered, and of coding one frame of `size` (height, width)."""
    shell, params = _shell(model), model.params
    codec, prompts = shell.backbone.codec, model.backbone.prompts
    numbers = torch.zeros_like(prompts.numbers([prompts.nothing]), device="meta")
    height, width = (-(-side // codec.factor) * codec.factor for side in size)

    def coding(count: Count) -> int:
        latent, encoding = count(lambda: codec.encode(torch.zeros(1, codec.planes, 1, height, width)))
        return max(encoding, count(lambda: codec.decode(latent))[1])

    def denoising(count: Count) -> int:
        tile = torch.zeros(1, codec.planes, params.frames, params.side, params.side)
        z, where = codec.encode(tile), Where(torch.zeros(1, 4), torch.ones(1, 2))
        before = count(lambda: None)[1]
        whole, seeing_whole = count(lambda: shell.see_whole(tile, numbers))
        conditions, seeing = count(lambda: shell.see_tiles(tile, where, whole, tile[:, :1]))
        look = count(lambda: None)[1] - before
        (_, edges), first = count(lambda: shell.denoise_and_keep(z, torch.ones(1), conditions))
        heard = Memory(edges.right, edges.lower, torch.ones(1, 2)) if edges.right else None
        _, second = count(lambda: shell.denoise_and_keep(z, torch.ones(1), conditions, heard))
        return max(seeing_whole, seeing, first, second) + (held - 1) * look

    return on_shapes(denoising), on_shapes(coding)


def _shell(model: Frdm) -> Frdm:
    """A copy of the model whose weights are shapes alone."""
    known: dict[int, Any] = {id(one): torch.empty_like(one, device="meta") for one in model.buffers()}
    known |= {id(one): nn.Parameter(torch.empty_like(one, device="meta"), False) for one in model.parameters()}
    return copy.deepcopy(model, known)


def on_shapes(work: Callable[[Count], int]) -> int:
    """What `work` finds with a counter, all that it does being done on shapes."""
    alive = Alive()

    def count(part: Callable[[], Any]) -> tuple[Any, int]:
        gc.collect()
        alive.peak = alive.now
        return part(), alive.peak

    gc.freeze()  # what was there before needs no look each time
    try:
        with torch.device("meta"), torch.no_grad(), _Fused(), alive:
            return work(count)
    finally:
        gc.unfreeze()


class Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of the tensors that are made while it is entered, or added: `now` are there, and `peak` were at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known: set[int] = set()
        self.now = self.peak = 0

    def add(self, tensor: Tensor) -> None:
        """Count a tensor, once for all views of it, until it is gone."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            weakref.finalize(storage, self._gone, key, size)
            self.now += size
            self.peak = max(self.peak, self.now)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                self.add(one)
        return made


def fused(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> Tensor:
    """In the place of torch's attention: it makes what comes out, there and back, and nothing else.

    On the device `meta` torch's own has no shape for the way back.
    """
    out: Tensor = _Attention.apply(query, key, value)  # type: ignore[no-untyped-call]
    return out


class _Attention(torch.autograd.Function):
    """Attention as a kernel sees it that keeps no scores."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return tuple(torch.empty_like(one) for one in ctx.saved_tensors[:3])


class _Fused(TorchFunctionMode):
    """While it is on, attention is `fused` in this thread alone: others may restore film. On the way back no such mode is on."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (fused if func is functional.scaled_dot_product_attention else func)(*args, **(kwargs or {}))
