"""A model in torch as the net that inference asks (`frdm.diffusion.asking`): either size, on any device."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from frdm.diffusion.asking import Conditions as Asked
from frdm.diffusion.planning import Offload
from frdm.diffusion.schedule import Schedule
from frdm.model.attention import TileCache
from frdm.model.frdm import Conditions, Frdm, Where, Whole, times

Key = tuple[Any, ...]  # of a tile: its first frame in the film, its box, its matte


class TorchNet:
    """The model for one call of `frdm.diffusion.inference.restore`: whole frames are seen once a window, tiles once a place.

    `held` says how many places and windows are remembered, the last ones; the grid moves, so that few places are met again.
    """

    def __init__(self, model: Frdm, *, device: str = "cpu", held: int = 64) -> None:
        self.model, self.device, self.held = model.eval(), torch.device(device), held  # `hold` moves it, as planned
        self._apart = False  # weights wait in the processor's memory and come part by part
        self._wholes: dict[int, Whole] = {}
        self._seen: dict[Key, Conditions] = {}

    @property
    def schedule(self) -> Schedule:
        """See `frdm.diffusion.asking.Net`, as of all below."""
        return self.model.params.schedule

    @property
    def factor(self) -> int:
        return int(self.model.backbone.codec.factor)

    def hold(self, array: NDArray[Any], offload: Offload) -> Tensor:
        self._apart = offload == "weights"
        self.model.to("cpu" if self._apart else self.device)
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to("cpu" if offload != "nothing" else self.device)

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        with self._working(self.model.backbone.codec):
            latent: Tensor = self.model.backbone.codec.encode(frames[None].to(self.device))
        return latent[0].to(frames.device)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        with self._working(self.model.backbone.codec):
            picture: Tensor = self.model.backbone.codec.decode(latents[None].to(self.device))
        return picture[0].to(latents.device)

    def memory(self) -> TileCache | None:
        on = self.model.params.modules
        return TileCache() if on.memory and on.guidance and on.self_attention else None

    @torch.no_grad()
    def denoise(self, z: Tensor, t: float, conditions: Asked) -> Tensor:
        tiles = z.to(self.device)
        cache: TileCache | None = conditions.memory
        heard = None if cache is None else cache.memory(conditions.places)
        told = joined([self._told(conditions, number) for number in range(len(z))])
        with self._working(self.model.guidance, self.model.backbone.denoiser):
            prediction, edges = self.model.denoise_and_keep(tiles, times(t, len(z), tiles), told, heard)
        if cache is not None:
            cache.keep(conditions.places, edges)
        return prediction.to(z.device)

    @contextmanager
    def _working(self, *parts: nn.Module | None) -> Iterator[None]:
        """Parts of the model where they can work; back in the processor's memory after it, if that is where they wait."""
        if not self._apart:
            yield
            return
        every = [part for part in parts if part is not None]
        for part in every:
            part.to(self.device)
        yield
        for part in every:
            part.to("cpu")

    def _told(self, conditions: Asked, number: int) -> Conditions:
        """What one tile is told, as it was worked out when its place was first met."""
        matte = b"" if conditions.matte is None else conditions.matte[number].tobytes()
        key = (conditions.frames[number], *(int(side) for side in conditions.boxes[number]), matte)
        if key not in self._seen:
            _forget(self._seen, self.held)
            self._seen[key] = self._see(conditions, number)
        return self._seen[key]

    def _see(self, conditions: Asked, number: int) -> Conditions:
        one, model = slice(number, number + 1), self.model
        window = conditions.frames[number]
        if window not in self._wholes:
            _forget(self._wholes, self.held)
            with self._working(model.backbone.codec, model.backbone.frames, model.backbone.prompts):
                self._wholes[window] = model.see_whole(conditions.whole[one].to(self.device), self._numbers(conditions.prompt))
        size = torch.tensor([conditions.size], dtype=torch.float32, device=self.device)
        where = Where(torch.from_numpy(conditions.boxes[one]).float().to(self.device), size)
        matte = None
        if conditions.matte is not None:
            matte = torch.from_numpy(conditions.matte[one, None].astype(np.float32)).to(self.device)
        with self._working(model.backbone.codec, model.preprocess, model.place_frame, model.place_prompt):
            return model.see_tiles(conditions.scan[one].to(self.device), where, self._wholes[window], matte)

    def _numbers(self, prompt: Any) -> Tensor:
        """A caption, tags as a table, or the numbers themselves; None says nothing."""
        prompts = self.model.backbone.prompts
        if prompt is None or isinstance(prompt, str | dict):
            numbers: Tensor = prompts.numbers([prompts.nothing if prompt is None else prompt])
            return numbers.to(self.device)
        return torch.as_tensor(np.asarray(prompt), dtype=torch.int64, device=self.device).reshape(1, -1)


def _forget(held: dict[Any, Any], most: int) -> None:
    """Make room for one more."""
    while len(held) >= most:
        del held[next(iter(held))]


def joined(parts: Sequence[Conditions]) -> Conditions:
    """Conditions of single tiles as those of all of them."""
    seen = type(parts[0].seen)(*(torch.cat([getattr(one.seen, name) for one in parts]) for name in type(parts[0].seen).__slots__))
    return Conditions(seen, torch.cat([one.text for one in parts]), ())
