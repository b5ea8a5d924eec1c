"""What a hand needs in memory, for the plan: of ONNX files as measured once, of a model in torch counted on shapes before it is asked."""

from frdm.diffusion.planning import Costs
from frdm.fills.hand_torch import HELD, Hand, TorchHand
from frdm.film import ScanInfo

FIXED = 200 << 20  # bytes that ONNX Runtime, the program and the looks of tiles that are remembered take
TORCH = 400 << 20  # … that torch, the libraries of a backbone and the program take
CARD = 1 << 30  # … that a card's driver and its libraries take; not measured
PIXEL = 1800  # bytes of activations for one pixel of a tile, in one frame of it: 1,640 measured (compact, batches of 1 to 8)
CARRIED = 14  # numbers that are kept for each one of the film's own (levels, latents, z, noise, reference, what is joined), whole frames
UNPACKED = 4  # bytes of weights in memory for one of the files, which hold them in half precision, and folded sums besides


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
    from frdm.model.counting import counted, weights_of

    weights, largest = weights_of(hand.model)
    tile, coded = counted(hand.model, size, held=HELD)
    if hand.device == "cpu":
        return Costs(weights, weights, tile=tile, coded_frame=coded, frame=0, fixed=TORCH + kept)
    return Costs(weights, largest, tile=tile, coded_frame=coded, frame=0, fixed=CARD)
