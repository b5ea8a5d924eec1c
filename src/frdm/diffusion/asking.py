"""What a net is asked and answers, whatever it is made of: the one contract between inference and nets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.arrays import Array
from frdm.diffusion.planning import Offload
from frdm.diffusion.schedule import Schedule, Spacing
from frdm.film import Mask

Place = tuple[int, int, int]  # of a tile: window in time, row and column of the grid
Memory = Any  # what the tiles of one step leave for those right of them and below them; only the net looks inside


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What a net is shown beside z, for N tiles of T frames."""

    scan: Array  # (N, planes, T, h · factor, w · factor) the tiles as they were scanned
    latents: Array  # (N, C, T, h, w) the same coded
    whole: Array  # (N, planes, T, side, side) the whole frames at a tile's size, as scanned (`WholeFrame`)
    whole_latents: Array  # (N, C, T, side / factor, side / factor) the same coded
    boxes: NDArray[np.float32]  # (N, 4) top, left, bottom, right in pixels of the film
    size: tuple[float, float]  # height, width in pixels of the film of what `whole` shows, its padding included
    frames: Sequence[int]  # (N,) the number of each tile's first frame in the film
    matte: NDArray[np.bool_] | None  # (N, T, h · factor, w · factor) what is to be restored, None: the net shall find it
    places: Sequence[Place]  # (N,) left and upper neighbours were asked for before, if they are asked for at all
    memory: Memory  # of this step, None where tiles shall not hear of each other
    prompt: Any = None  # the shot's caption or tags, as the net takes them


class Net(Protocol):
    """A net for film. Arrays that it answers with lie where those lie that it was asked with."""

    @property
    def schedule(self) -> Schedule: ...

    @property
    def factor(self) -> int:
        """Pixels of the film for one of the latents, along each side."""
        ...

    def hold(self, array: NDArray[Any], offload: Offload) -> Array:
        """An array as the net's own kind, where the plan lets it lie; the weights go where the plan wants them."""
        ...

    def encode(self, frames: Array) -> Array:
        """Latents (C, T, H / factor, W / factor) of frames (planes, T, H, W)."""
        ...

    def decode(self, latents: Array) -> Array:
        """Frames of latents."""
        ...

    def memory(self) -> Memory:
        """An empty memory for one step; None where the net keeps nothing of a tile."""
        ...

    def denoise(self, z: Array, t: float, conditions: Conditions) -> Array:
        """What the schedule says that the net predicts for tiles z_t (N, C, T, h, w)."""
        ...


@dataclass(frozen=True, slots=True)
class Inference:
    """All that decides what a net makes of a shot. Lengths in pixels of the film."""

    tile: int = 512
    overlap: int = 128
    frames: int = 16  # of one window in time
    frames_overlap: int = 4
    steps: int = 20
    sampler: Literal["ddim", "dpm", "consistency"] = "dpm"
    spacing: Spacing = "even"
    residual: bool = True  # z is drawn towards the whole frame, restored small
    cache: bool = True  # tiles see what their left and upper neighbours kept
    moving: bool = True  # the grid moves from step to step
    context: int = 128  # around the matte that is restored with it
    seed: int = 0

    @property
    def reach(self) -> int:
        """Frames beyond a range that can change what is made of it: each step joins windows that overlap, in both passes."""
        return self.frames * self.steps * (2 if self.residual else 1)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Where a part of the frames was cut out, and what the whole of them shows."""

    top: int  # of the part in the frame, multiples of the net's factor, as `left`
    left: int
    height: int  # of the frame
    width: int
    squares: NDArray[np.float32]  # (planes, T, tile, tile) the frames at a tile's size (`WholeFrame.reduced`)


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Frames of one shot that are restored together."""

    film: NDArray[np.float32]  # (planes, T, H, W)
    first: int  # the first one's number in the film
    shot: int  # the number of the shot's first frame
    matte: Mask | None = None  # (T, H, W) where restored film is wanted, None: everywhere
    prompt: Any = None
    crop: Crop | None = None  # None: `film` shows whole frames
