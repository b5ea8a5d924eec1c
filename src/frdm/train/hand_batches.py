"""Tiles as what a training step learns from: tensors on the device, their places, noise and times."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frdm.model.conditioners import TagEncoder
from frdm.model.frdm import Frdm, Where
from frdm.model.losses import Batch, Tiles
from frdm.train.hand_data import Tile
from frdm.train.hand_settings import HandTraining, drawn_time

Times = Tensor  # (B,)
ABSENT = 0.25  # of tiles left and above: as if there were none, as at the borders of frames


def batch_of(tiles: Sequence[Tile], places: Sequence[int], model: Frdm, settings: HandTraining) -> tuple[Batch, Times]:
    """Tiles and their places in the endless order, which decide noise and times, as a batch with its times."""
    device, how = torch.device(settings.device), settings.tiles
    randoms = [np.random.default_rng((settings.seed, 4, place)) for place in places]
    whole = _whole(tiles, model, settings, device, randoms)
    parts = [whole]
    size = tiles[0].degraded.shape[-1]
    if size > how.side:
        tile, start = slice(how.step, how.step + how.side), slice(0, how.side)
        parts = [part_of(whole, rows, columns, model) for rows, columns in ((tile, tile), (tile, start), (start, tile))]
    weight = torch.from_numpy(np.stack([tile.weight for tile in tiles])[:, None]).to(device)[..., size - how.side :, size - how.side :]
    squares = torch.from_numpy(np.stack([tile.squares for tile in tiles])).to(device)
    times = torch.tensor([drawn_time(random, settings.last_time) for random in randoms], device=device)
    near: dict[str, Any] = {}
    if len(parts) > 1:
        present = torch.tensor(np.stack([random.random(2) >= ABSENT for random in randoms]), dtype=torch.float32, device=device)
        near = {"left": parts[1], "upper": parts[2], "present": present}
    return Batch(parts[0], weight, squares, prompts_of(tiles, model, device), **near), times


def _whole(
    tiles: Sequence[Tile], model: Frdm, settings: HandTraining, device: torch.device, randoms: Sequence[np.random.Generator]
) -> Tiles:
    """All of what was cut out, as if it were a tile."""
    degraded, clean = (torch.from_numpy(np.stack([getattr(tile, name) for tile in tiles])).to(device) for name in ("degraded", "clean"))
    matte = torch.from_numpy(np.stack([tile.matte for tile in tiles])[:, None]).to(device).float()
    codec = model.backbone.codec
    shape = codec.channels, degraded.shape[2], degraded.shape[3] // codec.factor, degraded.shape[4] // codec.factor
    noise = torch.from_numpy(np.stack([random.standard_normal(shape, np.float32) for random in randoms])).to(device)
    return Tiles(degraded, clean, where_of(tiles, degraded.shape[-1], device), noise, matte)


def where_of(tiles: Sequence[Tile], size: int, device: torch.device) -> Where:
    """Boxes of `size` px, and the squares that the whole frames are shown as."""
    corners = np.array([tile.place[:2] for tile in tiles], np.float32)
    longer = np.array([max(tile.place[2:]) for tile in tiles], np.float32)[:, None]
    box = np.concatenate([corners, corners + size], 1)
    return Where(torch.from_numpy(box).to(device), torch.from_numpy(np.repeat(longer, 2, 1)).to(device))


def part_of(tiles: Tiles, rows: slice, columns: slice, model: Frdm) -> Tiles:
    """A part of each, in pixels; the noise goes with it."""
    factor = model.backbone.codec.factor
    cells = slice(rows.start // factor, rows.stop // factor), slice(columns.start // factor, columns.stop // factor)
    first = tiles.where.box[:, :2].repeat(1, 2)
    box = first + first.new_tensor([rows.start, columns.start, rows.stop, columns.stop])
    pictures = {name: getattr(tiles, name)[..., rows, columns] for name in ("degraded", "clean", "matte")}
    return replace(tiles, **pictures, where=replace(tiles.where, box=box), noise=tiles.noise[..., cells[0], cells[1]])


def prompts_of(tiles: Sequence[Tile], model: Frdm, device: torch.device) -> Tensor:
    """What is said of each tile's shot: tags, or a caption where the model reads one."""
    if isinstance(model.backbone.prompts, TagEncoder):
        return torch.from_numpy(np.stack([tile.tags for tile in tiles])).to(device)
    numbers: Tensor = model.backbone.prompts.numbers([tile.caption for tile in tiles])
    return numbers.to(device)


def held_batch(tiles: Sequence[Tile], model: Frdm, settings: HandTraining, device: str) -> Batch:
    """Tiles as they are scored: each with the noise of its place in the list."""
    return batch_of(tiles, range(len(tiles)), model, replace(settings, device=device))[0]
