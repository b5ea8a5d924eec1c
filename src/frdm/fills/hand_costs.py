"""What a hand needs in memory, for the plan: of ONNX files as measured once, of a model in torch counted on shapes before it is asked."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

from frdm.diffusion.planning import Costs
from frdm.fills.hand_torch import HELD, Hand, TorchHand
from frdm.film import ScanInfo

FIXED = 200 << 20  # bytes that ONNX Runtime, the program and the looks of tiles that are remembered take
TORCH = 400 << 20  # … that torch, the libraries of a backbone and the program take
CARD = 1 << 30  # … that a card's driver and its libraries take; not measured
PIXEL = 1800  # bytes of activations for one pixel of a tile, in one frame of it: 1,640 measured (compact, batches of 1 to 8)
CARRIED = 14  # numbers that are kept for each one of the film's own (levels, latents, z, noise, reference, what is joined), whole frames
UNPACKED = 4  # bytes of weights in memory for one of the files, which hold them in half precision, and folded sums besides

Count = Callable[[Callable[[], Any]], tuple[Any, int]]  # of some work its result, and the bytes that were there at most meanwhile


def costs_of(hand: Hand, info: ScanInfo | None = None) -> Costs:
    """What the hand needs in bytes: for tiles of its own size, or with `info` for whole frames of a film.

    ONNX Runtime keeps all where it is, and so does torch on the processor: nothing that is always there can be offloaded. A card holds
    weights and what is worked on; all else lies in the machine's memory.
    """
    params = hand.params
    size = (params.side, params.side) if info is None else (info.height, info.width)
    kept = 4 * 3 * CARRIED * size[0] * size[1] * params.frames
    if not isinstance(hand, TorchHand):
        weights = UNPACKED * hand.size
        return Costs(weights, weights, tile=PIXEL * params.side**2 * params.frames, coded_frame=0, frame=0, fixed=FIXED + kept)
    weights, largest = weights_of(hand.model)
    tile, coded = counted(hand.model, size)
    if hand.device == "cpu":
        return Costs(weights, weights, tile=tile, coded_frame=coded, frame=0, fixed=TORCH + kept)
    return Costs(weights, largest, tile=tile, coded_frame=coded, frame=0, fixed=CARD)


def weights_of(model: Any) -> tuple[int, int]:
    """Bytes of all weights, and of those that must be on a card at once when the rest waits (`frdm.model.net`)."""
    back = model.backbone
    together = [
        (back.codec, back.frames, back.prompts),
        (back.codec, model.preprocess, model.place_frame, model.place_prompt),
        (model.guidance, back.denoiser),
    ]
    return _bytes([model]), max(_bytes([part for part in parts if part is not None]) for parts in together)


def _bytes(parts: list[Any]) -> int:
    """Of the weights of parts, shared ones once."""
    every = {id(one): one.nbytes for part in parts for one in (*part.parameters(), *part.buffers())}
    return sum(every.values())


def counted(model: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Bytes at peak of denoising one tile, with what is remembered of others, and of coding one frame of `size` (height, width).

    Every operation is done on shapes alone, without memory or numbers. Attention is counted as the fused kernels do it, which keep no
    scores.
    """
    import torch

    from frdm.model.attention import Memory
    from frdm.model.frdm import Where

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
        return max(seeing_whole, seeing, first, second) + (HELD - 1) * look

    return on_shapes(denoising), on_shapes(coding)


def _shell(model: Any) -> Any:
    """A copy of the model whose weights are shapes alone."""
    import copy

    import torch

    known: dict[int, Any] = {id(one): torch.empty_like(one, device="meta") for one in model.buffers()}
    known |= {id(one): torch.nn.Parameter(torch.empty_like(one, device="meta"), False) for one in model.parameters()}
    return copy.deepcopy(model, known)


def on_shapes(work: Callable[[Count], int]) -> int:
    """What `work` finds with a counter, all that it does being done on shapes."""
    import torch

    alive = _alive()

    def count(part: Callable[[], Any]) -> tuple[Any, int]:
        gc.collect()
        alive.most = alive.now
        return part(), alive.most

    gc.freeze()  # what was there before needs no look each time
    try:
        with torch.device("meta"), torch.no_grad(), _fused(), alive:
            return work(count)
    finally:
        gc.unfreeze()


def _fused() -> Any:
    """While it is on, attention makes what comes out and nothing else."""
    from torch.nn import functional
    from torch.overrides import TorchFunctionMode

    class Fused(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is functional.scaled_dot_product_attention:
                query, _, value = args[:3] if len(args) >= 3 else (kwargs[name] for name in ("query", "key", "value"))
                return query.new_empty(*query.shape[:-1], value.shape[-1])
            return func(*args, **(kwargs or {}))

    return Fused()


def _alive() -> Any:
    """While it is on, `now` bytes of tensors that were made under it are there, and `most` were at once."""
    from torch import Tensor
    from torch.utils._python_dispatch import TorchDispatchMode

    class Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
        now, most = 0, 0

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.known: set[int] = set()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            for one in out if isinstance(out, tuple | list) else (out,):
                if isinstance(one, Tensor) and (key := (storage := one.untyped_storage())._cdata) not in self.known:
                    self.known.add(key)
                    weakref.finalize(storage, self.gone, key, storage.nbytes())
                    self.now += storage.nbytes()
                    self.most = max(self.most, self.now)
            return out

        def gone(self, key: int, size: int) -> None:
            self.known.discard(key)
            self.now -= size

    return Alive()
