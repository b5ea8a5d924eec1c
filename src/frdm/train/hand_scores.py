"""How well a hand restores windows of films that it did not learn from: inside of defects, against what else could be put there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from frdm.diffusion.sampler import ddim
from frdm.diffusion.schedule import few_times
from frdm.film import Mask, Real
from frdm.model.frdm import Frdm, times
from frdm.model.losses import Batch
from frdm.signal.grain import high_pass
from frdm.signal.luma import LUMA
from frdm.train.hand_batches import held_batch
from frdm.train.hand_data import Tile, Windows
from frdm.train.hand_settings import HandTraining

AT_ONCE = 4  # tiles
RADIUS = 3  # px, of Telea's inpainting
Restorer = Callable[[Sequence[Tile]], list[Real]]  # tiles to their centre frames (3, S, S), restored


@dataclass(slots=True)
class Score:
    """Sums over tiles, inside of defects of the centre frames."""

    error: float = 0.0
    pixels: float = 0.0
    made: float = 0.0  # power of the high-pass, of what was put there …
    true: float = 0.0  # … and of the truth
    every: list[float] = field(default_factory=list)  # dB of each tile

    def add(self, made: Real, clean: Real, mask: Mask) -> None:
        """One tile's centre frame (3, S, S)."""
        square = float(((made - clean) ** 2).mean(0)[mask].sum())
        self.error, self.pixels = self.error + square, self.pixels + float(mask.sum())
        self.made += float((high_pass(luma(made))[mask] ** 2).sum())
        self.true += float((high_pass(luma(clean))[mask] ** 2).sum())
        self.every.append(decibels(square / float(mask.sum())))

    def row(self) -> dict[str, float]:
        """In-mask PSNR over all pixels, the mean of the tiles' own, and texture (1: as much as the truth has)."""
        return {
            "dB": decibels(self.error / max(self.pixels, 1)),
            "dB a defect": float(np.mean(self.every)) if self.every else float("nan"),
            "texture": self.made / max(self.true, 1e-12),
        }


def decibels(error: float) -> float:
    """A mean square of levels as PSNR."""
    return float(-10 * np.log10(max(error, 1e-10)))


def luma(picture: Real) -> Real:
    """(H, W) of (3, H, W)."""
    return np.ascontiguousarray(np.tensordot(LUMA, picture, 1), np.float32)


def defect_of(tile: Tile) -> Mask:
    """Where the centre of a tile that was taken plain is damaged."""
    return np.asarray(tile.matte[tile.centre])


def scored(tiles: Sequence[Tile], restorers: Mapping[str, Restorer]) -> dict[str, dict[str, float]]:
    """Every restorer's row over the tiles whose centre is damaged; only the defect is taken from what it made."""
    scores = {name: Score() for name in restorers}
    damaged = [tile for tile in tiles if defect_of(tile).any()]
    for start in range(0, len(damaged), AT_ONCE):
        few = damaged[start : start + AT_ONCE]
        for name, restorer in restorers.items():
            for tile, made in zip(few, restorer(few), strict=True):
                mask = defect_of(tile)
                joined = np.where(mask, np.clip(made, 0, 1), tile.degraded[:, tile.centre]).astype(np.float32)
                scores[name].add(joined, tile.clean[:, tile.centre], mask)
    return {name: score.row() for name, score in scores.items()}


def held(data: Path, settings: HandTraining, most: int) -> list[Tile]:
    """At most so many windows of held-out films as they lie, those with damage on the centre. Raises `DatasetError`."""
    windows = Windows(data, "val", replace(settings.tiles, varied=False))
    windows.refuse_length(settings.params.frames)
    every = (windows.tile(place, 0) for place in range(len(windows)))
    return list(islice((tile for tile in every if tile.matte[tile.centre].any()), most))


# Restorers ----------------------------------------------------------------------------------------------------------------------------


def nothing(tiles: Sequence[Tile]) -> list[Real]:
    """The film as it is."""
    return [tile.degraded[:, tile.centre] for tile in tiles]


def telea(tiles: Sequence[Tile]) -> list[Real]:
    """OpenCV's inpainting by marching from the rim, of the centre alone. Source: Telea 2004"""
    out = []
    for tile in tiles:
        codes = np.rint(np.clip(tile.degraded[:, tile.centre], 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        mask = cv2.dilate(defect_of(tile).astype(np.uint8), np.ones((3, 3), np.uint8))  # the soft edge goes with it
        filled = cv2.inpaint(np.ascontiguousarray(codes), mask, RADIUS, cv2.INPAINT_TELEA)
        out.append(np.asarray(filled.transpose(2, 0, 1), np.float32) / np.float32(255))
    return out


def nearest(tiles: Sequence[Tile]) -> list[Real]:
    """The mean of the two frames nearest to the centre, as they lie in the window: brought to the centre along the motion."""
    out = []
    for tile in tiles:
        places = sorted((place for place in range(tile.degraded.shape[1]) if place != tile.centre), key=lambda p: abs(p - tile.centre))
        out.append(np.asarray(tile.degraded[:, places[:2]].mean(1), np.float32))
    return out


def by_regression(model: Frdm, settings: HandTraining) -> Restorer:
    """The preprocess module alone: its finest picture."""

    def restorer(tiles: Sequence[Tile]) -> list[Real]:
        assert model.preprocess is not None
        batch = held_batch(tiles, model, settings, settings.device).tiles
        with torch.no_grad():
            return centres(model.preprocess(batch.degraded, batch.matte).pictures[0], tiles)

    return restorer


def by_diffusion(model: Frdm, settings: HandTraining, steps: int) -> Restorer:
    """The whole model, in so many steps of DDIM."""

    def restorer(tiles: Sequence[Tile]) -> list[Real]:
        return centres(sampled(model, held_batch(tiles, model, settings, settings.device), steps), tiles)

    return restorer


@torch.no_grad()
def sampled(model: Frdm, batch: Batch, steps: int) -> Tensor:
    """Tiles (B, 3, T, S, S) restored as inference restores a film of one tile: from the noised scan, evenly in t."""
    tiles, schedule, codec = batch.tiles, model.params.schedule, model.backbone.codec
    conditions = model.see_tiles(tiles.degraded, tiles.where, model.see_whole(batch.whole, batch.prompt), tiles.matte)
    rising = few_times(steps, schedule)
    alpha, sigma = schedule.at(rising[0])
    z = alpha * codec.encode(tiles.degraded) + sigma * tiles.noise
    z = ddim(lambda z, t: model.denoise(z, times(t, len(z), z), conditions), z, rising, schedule)
    restored: Tensor = codec.decode(z)
    return restored


def centres(pictures: Tensor, tiles: Sequence[Tile]) -> list[Real]:
    """The centre frames (3, S, S) of what was made of tiles."""
    return [np.asarray(picture[:, tile.centre].float().cpu().numpy()) for picture, tile in zip(pictures, tiles, strict=True)]


def table(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The rows as a table in Markdown."""
    names = list(next(iter(rows.values())))
    yield "| | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for name, row in rows.items():
        yield f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |"
