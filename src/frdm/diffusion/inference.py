"""A net's restored frames of a shot: whole at low resolution first, then in tiles that agree with that and with each other.

Each step draws z towards the first result (`residual`), denoises overlapping tiles on a grid that moves (`tiles`), in raster order where
the net keeps something for the next tile, in windows of time that overlap, and joins them. With a matte only tiles near it are denoised,
at every step, and z holds the noised scan elsewhere. What lies outside of the matte is for the caller to leave as it was.
Source: HaineiFRDM §4.2.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.diffusion.arrays import Array, chosen, like, stacked, zeros
from frdm.diffusion.asking import Conditions, Footage, Inference, Memory, Net
from frdm.diffusion.noise import NoiseField
from frdm.diffusion.planning import Plan, within_memory
from frdm.diffusion.residual import drawn_to
from frdm.diffusion.sampler import Denoise, Fuse, as_it_is, consistency, ddim, dpm_solver
from frdm.diffusion.schedule import clean_of, few_times, noised
from frdm.diffusion.tiles import Extent, Slices, Tile, Tiling, assembled, covered, grid, needed, waves, with_context
from frdm.diffusion.whole import WholeFrame
from frdm.errors import RecipeError
from frdm.film import Mask


def restore(net: Net, footage: Footage, settings: Inference, plan: Plan | None = None) -> Array:
    """Restored frames (planes, T, H, W), in the net's own kind of array.

    Where memory runs out, a smaller plan is tried. Raises `RecipeError` where tiles don't fit into the frame or one into memory.
    """
    height, width = footage.film.shape[-2:]
    tiling = tiling_for(settings, net.factor, footage.film.shape)
    matte = None if footage.matte is None else _padded(footage.matte, net.factor)
    padded = replace(footage, film=_padded(footage.film, net.factor), matte=matte)

    def work(one: Plan) -> Array:
        return _restored(net, padded, settings, tiling, one)[..., :height, :width]

    return within_memory(work, plan or Plan())


def restore_tiles(net: Net, pieces: Sequence[Footage], settings: Inference, plan: Plan | None = None) -> list[Array]:
    """What `restore` makes of each of several pieces of film, asked for together; each is one tile of one window, without a residual.

    A net that answers for a tile whatever lies beside it in the batch gives the same bits (ONNX Runtime on a processor does). Raises
    `RecipeError` on a piece that is no tile, and where one does not fit into memory.
    """
    for piece in pieces:
        _, frames, *sides = piece.film.shape
        if sides != [settings.tile] * 2 or frames > settings.frames or piece.crop is None:
            raise RecipeError(f"tiles: a piece of {frames} frames of {sides[1]} × {sides[0]} found; give crops of one tile each")

    def work(one: Plan) -> list[Array]:
        batches = (pieces[at : at + one.batch] for at in range(0, len(pieces), one.batch))
        return [made for batch in batches for made in _together(net, batch, settings, one)]

    return within_memory(work, plan or Plan())


def _together(net: Net, pieces: Sequence[Footage], settings: Inference, plan: Plan) -> list[Array]:
    """The pieces of one batch: `sampled` with z of all of them as one array (N, C, T, h, w)."""
    passes = [_passes(net, piece, settings, tiling_for(settings, net.factor, piece.film.shape), plan)[1] for piece in pieces]
    tiles = [grid(one.extent, one.tiling)[0] for one in passes]
    times = few_times(settings.steps, net.schedule, settings.spacing)
    noises = [_Noises(one, times, None) for one in passes]

    def noise(t: float) -> Array:
        return stacked([one.at(t) for one in noises])

    def denoise(z: Array, t: float) -> Array:
        asked = [_conditions(one, [tile], None) for one, tile in zip(passes, tiles, strict=True)]
        memory = net.memory() if settings.cache else None
        return clean_of(net.denoise(z, t, beside_each_other(asked, memory)), z, t, net.schedule)

    start = noised(stacked([one.shown.latents for one in passes]), noise(times[0]), times[0], net.schedule)
    return [_decoded(net, one, plan) for one in _sampler(passes[0], noise)(denoise, start)]


def _restored(net: Net, footage: Footage, settings: Inference, tiling: Tiling, plan: Plan) -> Array:
    """Both passes over film whose sides are multiples of the net's factor."""
    small, large = _passes(net, footage, settings, tiling, plan)
    if settings.residual and settings.tile < max(large.whole.height, large.whole.width):
        top, left = (footage.crop.top, footage.crop.left) if footage.crop else (0, 0)
        part = slice(top, top + large.shown.film.shape[-2]), slice(left, left + large.shown.film.shape[-1])
        reference = large.whole.enlarged(_decoded(net, sampled(small), plan), part)
        large = replace(large, reference=_coded(net, reference, plan))
    return _decoded(net, sampled(large), plan)


def _passes(net: Net, footage: Footage, settings: Inference, tiling: Tiling, plan: Plan) -> tuple["Pass", "Pass"]:
    """The pass over the whole frames as squares, and that over the film, without a reference."""
    film, matte, crop = net.hold(footage.film, plan.offload), footage.matte, footage.crop
    height, width = (-(-side // net.factor) * net.factor for side in ((crop.height, crop.width) if crop else film.shape[-2:]))
    whole = WholeFrame(height, width, settings.tile)
    squares = net.hold(crop.squares, plan.offload) if crop else whole.reduced(film)
    shown = _Shown(squares, _coded(net, squares, plan), _square_matte(footage, whole))
    small = Pass(net, settings, plan, shown, footage, replace(tiling, moving=False), whole)
    return small, replace(small, shown=_Shown(film, _coded(net, film, plan), matte), tiling=tiling, squares=shown)


def _square_matte(footage: Footage, whole: WholeFrame) -> Mask | None:
    """The matte (T, side, side) as the squares have it: true where any of a pixel is."""
    if footage.matte is None:
        return None
    matte = footage.matte.astype(np.float32)
    if footage.crop:
        top, left = footage.crop.top, footage.crop.left
        below, right = whole.height - top - matte.shape[1], whole.width - left - matte.shape[2]
        matte = np.pad(matte, [(0, 0), (top, below), (left, right)])
    return np.asarray(whole.reduced(matte) > 0)


def tiling_for(settings: Inference, factor: int, shape: Sequence[int]) -> Tiling:
    """The tiles of a film (planes, T, H, W) in latent pixels; windows are no longer than the film."""
    for name in ("tile", "overlap"):
        if (px := getattr(settings, name)) % factor:
            raise RecipeError(f"{name} {px}: a multiple of {factor} was wanted, the net's own pixels; give {px // factor * factor}")
    if settings.tile > min(shape[-2:]):
        raise RecipeError(f"tile {settings.tile}: larger than the film's frame of {shape[-1]} × {shape[-2]}; give a tile that fits into it")
    frames = min(settings.frames, shape[1])
    overlap = min(settings.frames_overlap, frames // 2)
    return Tiling(settings.tile // factor, settings.overlap // factor, frames, overlap, settings.moving)


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Frames (planes, T, H, W), their latents (C, T, h, w), and where in them (T, H, W) something is to be restored."""

    film: Array
    latents: Array
    matte: Mask | None


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One pass of sampling: over the whole frames as squares (`squares` is None: they are what is shown), or over the film."""

    net: Net
    settings: Inference
    plan: Plan
    shown: _Shown
    footage: Footage
    tiling: Tiling
    whole: WholeFrame
    squares: _Shown | None = None
    reference: Array | None = None  # (C, T, h, w) latents of the restored whole frames, enlarged

    @property
    def extent(self) -> Extent:
        """What the latents cover; squares lie at the frame's corner."""
        crop, factor = self.footage.crop if self.squares else None, self.net.factor
        _, frames, height, width = self.shown.latents.shape
        first, top, left = self.footage.first, crop.top // factor if crop else 0, crop.left // factor if crop else 0
        return Extent(first, first + frames, top, top + height, left, left + width)

    @property
    def wanted(self) -> Mask | None:
        """Where (T, H, W) restored film is wanted, None: everywhere, as in squares."""
        return None if self.squares is None else self.shown.matte


def sampled(work: Pass) -> Array:
    """The latents that a pass makes."""
    settings, schedule, latents = work.settings, work.net.schedule, work.shown.latents
    times = few_times(settings.steps, schedule, settings.spacing)
    steps = {t: _tiles(work, place) for place, t in enumerate(times[:-1])}
    seen = None if work.wanted is None else {t: covered(tiles, work.tiling, work.extent) for t, tiles in steps.items()}
    noises = _Noises(work, times, None if seen is None else np.any(list(seen.values()), 0))

    def fuse(z: Array, t: float) -> Array:
        noise = noises.at(t)
        if work.reference is not None:
            z = drawn_to(z, work.reference, noise, t=t, schedule=schedule)
        return z if seen is None else chosen(seen[int(t)], z, noised(latents, noise, t, schedule))

    def denoise(z: Array, t: float) -> Array:
        return assembled(predicted(work, z, t, steps[int(t)]), latents, work.tiling, work.extent)

    start = noised(latents, noises.at(times[0]), times[0], schedule)
    return _sampler(work, noises.at, fuse)(denoise, start)


def _sampler(work: Pass, fresh: Callable[[float], Array], fuse: Fuse = as_it_is) -> Callable[[Denoise, Array], Array]:
    """The chosen sampler, from z at the first time on; `denoise` says the clean latents."""
    settings, schedule = work.settings, work.net.schedule
    times, clean = few_times(settings.steps, schedule, settings.spacing), replace(schedule, predicts="clean")

    def run(denoise: Denoise, start: Array) -> Array:
        if settings.sampler == "consistency":
            return consistency(denoise, start, times, clean, fresh=fresh, fuse=fuse)
        return (ddim if settings.sampler == "ddim" else dpm_solver)(denoise, start, times, clean, fuse=fuse)

    return run


class _Noises:
    """The noise that z carries at each time: one field for samplers that keep it, another a step for one that noises anew."""

    def __init__(self, work: Pass, times: Sequence[int], where: Mask | None) -> None:
        extent = work.extent
        self._field = NoiseField(work.settings.seed, work.footage.shot, work.shown.latents.shape[0])
        self._place = (range(extent.first, extent.stop), range(extent.top, extent.bottom), range(extent.left, extent.right))
        self._streams = {t: place if work.settings.sampler == "consistency" else 0 for place, t in enumerate(times)}
        self._latents, self._where = work.shown.latents, where
        self._last: tuple[int, Array] | None = None

    def at(self, t: float) -> Array:
        """The noise of z_t (C, T, h, w)."""
        stream = self._streams[int(t)]
        if self._last is None or self._last[0] != stream:
            self._last = stream, like(self._latents, self._field.at(*self._place, stream=stream, where=self._where))
        return self._last[1]


def _tiles(work: Pass, step: int) -> list[Tile]:
    """The tiles of a step that are denoised: all, or those that touch the matte or its context."""
    tiles = grid(work.extent, work.tiling, step)
    if work.wanted is None:
        return tiles
    factor = work.net.factor
    frames, height, width = work.wanted.shape
    wanted = np.asarray(work.wanted.reshape(frames, height // factor, factor, width // factor, factor).any((2, 4)), bool)
    return needed(tiles, with_context(wanted, -(-work.settings.context // factor)), work.tiling, work.extent)


def predicted(work: Pass, z: Array, t: float, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Array]]:
    """The clean latents that the net sees in each tile of z."""
    memory = work.net.memory() if work.settings.cache else None
    for wave in waves(tiles, raster=memory is not None):
        coming = iter(wave)
        while batch := list(islice(coming, work.plan.batch)):
            part = stacked([z[tile.within(work.extent, work.tiling)] for tile in batch])
            answer = work.net.denoise(part, t, _conditions(work, batch, memory))
            yield from zip(batch, clean_of(answer, part, t, work.net.schedule), strict=True)


def _conditions(work: Pass, tiles: Sequence[Tile], memory: Memory) -> Conditions:
    """What the net is shown beside the tiles."""
    squares = work.squares or work.shown
    places = [tile.within(work.extent, work.tiling) for tile in tiles]
    pixels = [_in_pixels(place, work.net.factor) for place in places]
    matte = work.shown.matte
    longer = float(max(work.whole.height, work.whole.width))
    return Conditions(
        scan=stacked([work.shown.film[place] for place in pixels]),
        latents=stacked([work.shown.latents[place] for place in places]),
        whole=stacked([squares.film[place[:2]] for place in places]),
        whole_latents=stacked([squares.latents[place[:2]] for place in places]),
        boxes=_boxes(work, tiles),
        size=(longer, longer),
        frames=[tile.frame for tile in tiles],
        matte=None if matte is None else np.stack([matte[place[1:]] for place in pixels]),
        places=[(tile.window, tile.row, tile.column) for tile in tiles],
        memory=memory,
        prompt=work.footage.prompt,
    )


def beside_each_other(parts: Sequence[Conditions], memory: Memory) -> Conditions:
    """Conditions of single tiles as those of all of them, none of which is another's neighbour."""
    mattes = [one.matte[0] for one in parts if one.matte is not None]
    return Conditions(
        scan=stacked([one.scan[0] for one in parts]),
        latents=stacked([one.latents[0] for one in parts]),
        whole=stacked([one.whole[0] for one in parts]),
        whole_latents=stacked([one.whole_latents[0] for one in parts]),
        boxes=np.concatenate([one.boxes for one in parts]),
        size=parts[0].size,
        frames=[one.frames[0] for one in parts],
        matte=np.stack(mattes) if mattes else None,
        places=[(number, 0, 0) for number in range(len(parts))],
        memory=memory,
        prompt=parts[0].prompt,
    )


def _in_pixels(place: Slices, factor: int) -> Slices:
    """The same place of the film as of its latents."""
    rows, columns = (slice(part.start * factor, part.stop * factor) for part in place[2:])
    return place[0], place[1], rows, columns


def _boxes(work: Pass, tiles: Sequence[Tile]) -> NDArray[np.float32]:
    """(N, 4) top, left, bottom, right in pixels of the film; a square is all of it, with its padding."""
    size = work.tiling.size
    corners = np.array([(tile.top, tile.left, tile.top + size, tile.left + size) for tile in tiles], np.float32)
    scale = work.net.factor if work.squares is not None else max(work.whole.height, work.whole.width) / size
    return np.asarray(corners * np.float32(scale), np.float32)


def through_codec(net: Net, film: NDArray[np.float32], plan: Plan) -> Array:
    """Film (planes, T, H, W) coded and decoded again: what a net that finds nothing gives back."""
    height, width = film.shape[-2:]
    held = net.hold(_padded(film, net.factor), plan.offload)
    return _decoded(net, _coded(net, held, plan), plan)[..., :height, :width]


def _coded(net: Net, frames: Array, plan: Plan) -> Array:
    """Latents of frames, a few at a time."""
    return _joined([net.encode(frames[:, at : at + plan.coded]) for at in range(0, frames.shape[1], plan.coded)])


def _decoded(net: Net, latents: Array, plan: Plan) -> Array:
    """Frames of latents, a few at a time."""
    return _joined([net.decode(latents[:, at : at + plan.coded]) for at in range(0, latents.shape[1], plan.coded)])


def _joined(parts: Sequence[Array]) -> Array:
    """Parts (…, T, …) one after the other in time."""
    planes, _, height, width = parts[0].shape
    out = zeros(parts[0], (planes, sum(part.shape[1] for part in parts), height, width))
    at = 0
    for part in parts:
        out[:, at : at + part.shape[1]] = part
        at += part.shape[1]
    return out


def _padded(film: NDArray[Any], factor: int) -> NDArray[Any]:
    """The last row and column repeated until both sides are multiples of `factor`."""
    height, width = film.shape[-2:]
    pad = [(0, 0)] * (film.ndim - 2) + [(0, -height % factor), (0, -width % factor)]
    return np.pad(film, pad, mode="edge")
