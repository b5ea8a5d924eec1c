"""What is done at once, so that a film is restored in the memory there is: planned before the start, never by a smaller tile.

A plan changes time alone: tiles denoised together, frames coded together, and what waits in the processor's memory. Tile, windows and
steps belong to the recipe, for they change the film.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from frdm.errors import RecipeError

Offload = Literal["nothing", "latents", "weights"]  # what waits in the processor's memory, each with all before it

OFFLOADS: tuple[Offload, ...] = ("nothing", "latents", "weights")
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
GIB = float(UNITS["GIB"])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Costs:
    """What a net needs, in bytes, as measured once with it (`frdm bench vram`)."""

    weights: int  # all of its weights
    largest_part: int  # of its weights, the part that must be there at once when they are offloaded
    tile: int  # activations of one tile of the recipe's size and frames
    coded_frame: int  # coding or decoding one whole frame, at peak
    frame: int  # what one frame of the shot keeps: its codes, its latents, z
    fixed: int = 512 << 20  # the runtime's own, and what is lost between pieces


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done at once."""

    batch: int = 1  # tiles denoised together
    coded: int = 1  # frames coded or decoded together
    offload: Offload = "nothing"

    def needs(self, costs: Costs, frames: int) -> int:
        """Bytes at peak for a shot of `frames` frames."""
        weights = costs.largest_part if self.offload == "weights" else costs.weights
        kept = costs.frame * (frames if self.offload == "nothing" else max(self.batch, self.coded))
        return costs.fixed + weights + kept + max(self.batch * costs.tile, self.coded * costs.coded_frame)


def bytes_of(text: str) -> int:
    """Bytes of a size such as "24GiB" or "8 GB"."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    unit = UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None or not float(match[1]):
        raise RecipeError(f"memory {text!r}: a size such as 24GiB was wanted; give a number above 0 with MiB, GiB or GB")
    return int(float(match[1]) * unit)


def plans(largest: int) -> Iterator[Plan]:
    """Every plan, quickest first: smaller batches, down to one, before more is offloaded."""
    for offload in OFFLOADS:
        batch = max(largest, 1)
        while batch:
            yield Plan(batch, min(batch, 4), offload)
            batch //= 2


def plan(budget: int, costs: Costs, frames: int, *, largest: int = 16) -> Plan:
    """The quickest plan that fits into `budget` bytes for a shot of `frames` frames. Raises `RecipeError` where none does."""
    every = list(plans(largest))
    fitting = (one for one in every if one.needs(costs, frames) <= budget)
    found = next(fitting, None)
    if found is None:
        least = min(one.needs(costs, frames) for one in every)
        raise RecipeError(
            f"memory {budget / GIB:.1f} GiB: one tile with all else offloaded needs {least / GIB:.1f} GiB; give that much, or a recipe "
            "with smaller tiles or shorter windows, which is another restoration"
        )
    return found


def within_memory(work: Callable[[Plan], T], first: Plan) -> T:
    """The work's result by the first plan that memory allows, from `first` on. Raises `RecipeError` where it is short even by the last."""
    for chosen in (first, *(one for one in plans(first.batch) if _smaller(one, first))):
        try:
            return work(chosen)
        except Exception as error:
            if not out_of_memory(error):
                raise
    raise RecipeError("memory ran out with one tile at a time and all else offloaded; close other programs or give a smaller tile")


def _smaller(one: Plan, other: Plan) -> bool:
    """Whether a plan comes after another in `plans`."""
    return (OFFLOADS.index(one.offload), -one.batch) > (OFFLOADS.index(other.offload), -other.batch)


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python's own error, torch's or ONNX Runtime's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return any(words in text for words in ("Failed to allocate memory", "CUDA out of memory", "DefaultCPUAllocator"))
