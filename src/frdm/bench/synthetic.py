"""Synthetic suites: clean film with damage of our own making, in sorts from light to heavy, of several gauges and stocks, seeded.

Each case is made as `frdm.damage` makes training data, with seeds of its own: the recipe's damage on printed and copied film. The clean
folder has the film as it would have come out without damage; the ideal one has it with the grain of another frame.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
import xxhash
from numpy.typing import NDArray

from frdm.bench.case import Facts, cleared, frame_names, write_manifest, write_png
from frdm.bench.clean import CleanFilm, black_and_white, busyness, grey
from frdm.damage.recipe import DamageRecipe, load_damage_recipe
from frdm.damage.reel import Damaged, Reel
from frdm.damage.statistics import Gauge
from frdm.display import Picture
from frdm.errors import BenchError
from frdm.film import Codes

SIZES = {"480p": (480, 848), "1080p": (1080, 1920), "2k": (1556, 2048), "4k": (3112, 4096)}  # (height, width)
WHITE = 65535  # damage is made at 16 bits and stored at 8
FAST = 3  # every third frame: motion three times as large

Stock = Literal["colour", "black and white", "the film's own"]


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of case: which damage, on what kind of film."""

    name: str
    preset: str
    gauge: str
    stock: Stock = "the film's own"
    stride: int = 1
    stored: bool = False  # compressed as home video is
    tags: tuple[str, ...] = ()


SORTS = (
    Sort("light", "light", "35 mm"),
    Sort("heavy", "heavy", "35 mm"),
    Sort("fast", "medium", "35 mm", stride=FAST, tags=("fast motion",)),
    Sort("colour", "home-movie", "8 mm", stock="colour"),
    Sort("bw", "medium", "16 mm", stock="black and white"),
    Sort("video", "home-movie", "home video", stored=True),
    Sort("lines", "lines", "16 mm", tags=("lines",)),
    Sort("undamaged", "none", "35 mm", tags=("undamaged",)),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a synthetic suite."""

    size: tuple[int, int]  # (height, width)
    frames: int = 16
    seed: int = 1
    only: tuple[str, ...] = ()  # sorts; none: all
    recipe: str | None = None  # a damage recipe of one's own, in place of the sorts' presets


def size_of(suite: str) -> tuple[int, int]:
    """(height, width) of a suite's name, or of WIDTHxHEIGHT. Raises `BenchError`."""
    width, _, height = suite.partition("x")
    if suite not in SIZES and not (width.isdigit() and height.isdigit()):
        raise BenchError(f"--suite {suite}: not known; give one of {', '.join(SIZES)}, WIDTHxHEIGHT, real or labels")
    return SIZES[suite] if suite in SIZES else (int(height), int(width))


def build_synthetic(out: Path, name: str, films: Sequence[CleanFilm], wanted: Wanted) -> Iterator[str]:
    """Write the cases of a suite, a name each as it is done. Raises `BenchError`, `DamageError`."""
    sorts = [sort for sort in SORTS if not wanted.only or sort.name in wanted.only]
    unknown = set(wanted.only) - {sort.name for sort in SORTS}
    if unknown:
        raise BenchError(
            f"--only {', '.join(sorted(unknown))}: no such sort of case; give some of {', '.join(sort.name for sort in SORTS)}"
        )
    about = {"name": name, "seed": wanted.seed, "size": list(wanted.size), "made by": "frdm bench build"}
    for number, sort in enumerate(sorts):
        film = busiest(films, wanted) if "fast motion" in sort.tags else films[number % len(films)]
        case = f"{name}_{sort.name}"
        facts = build_case(out / case, film, sort, wanted)
        write_manifest(out, {case: facts}, about)
        yield case


def busiest(films: Sequence[CleanFilm], wanted: Wanted) -> CleanFilm:
    """The film that moves fastest."""
    return max(films, key=lambda film: busyness(film, wanted.size)) if len(films) > 1 else films[0]


def build_case(folder: Path, film: CleanFilm, sort: Sort, wanted: Wanted) -> Facts:
    """Write one case's folders; what is known of it. A case's seed follows from the suite's and the sort's name."""
    seed = xxhash.xxh32_intdigest(f"{wanted.seed}/{sort.name}/{film.name}".encode())
    numbers = chosen(film, sort, wanted, np.random.default_rng(seed))
    pictures = film.read(numbers, wanted.size)
    grey_film = black_and_white(pictures)
    if sort.stock == "colour" and grey_film:
        raise BenchError(f"{film.source or film.name}: black and white found, case {sort.name} wants colour; leave it out by --only")
    if sort.stock == "black and white" and not grey_film:
        pictures, grey_film = [np.repeat(grey(picture)[..., None], 3, axis=-1) for picture in pictures], True
    recipe = recipe_of(sort, wanted)
    cleared(folder)
    for frame, made in zip(frame_names(len(pictures)), reels(pictures, recipe, seed), strict=True):
        for role, picture in made.items():
            write_png(folder / role / frame, picture)
    stock = "black and white" if grey_film else "colour"
    named = wanted.recipe or sort.preset
    stride = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    tags = (*sort.tags, f"one frame of {stride}") if stride > 1 else sort.tags
    return Facts("reference", sort.gauge, stock, tags, film.source, film.licence, Path(named).name, seed)


def chosen(film: CleanFilm, sort: Sort, wanted: Wanted, random: np.random.Generator) -> list[int]:
    """The numbers of the frames that a case takes from a film. Raises `BenchError` where it is too short."""
    stride = min(sort.stride, max(1, (film.length - 1) // max(1, wanted.frames - 1)))
    reach = (wanted.frames - 1) * stride + 1
    if film.length < reach:
        raise BenchError(f"{film.source or film.name}: {film.length} frames found, {reach} wanted; give a longer film or fewer --frames")
    start = int(random.integers(0, film.length - reach + 1))
    return list(range(start, start + reach, stride))


def recipe_of(sort: Sort, wanted: Wanted) -> DamageRecipe:
    """A sort's damage. Undamaged film is still printed and copied: harm is measured on film, not on a clean picture."""
    if "undamaged" in sort.tags:
        return dataclasses.replace(load_damage_recipe("none"), copying=load_damage_recipe("medium").copying)
    recipe = load_damage_recipe(wanted.recipe or sort.preset)
    if sort.gauge in get_args(Gauge) and not wanted.recipe:
        recipe = dataclasses.replace(recipe, look=dataclasses.replace(recipe.look, gauge=cast(Gauge, sort.gauge)))
    if not sort.stored:
        # what is stored lossily changes outside the mask too: only the case that is about it has it
        return dataclasses.replace(recipe, copying=dataclasses.replace(recipe.copying, jpeg=0.0, mpeg=0.0))
    return dataclasses.replace(recipe, copying=dataclasses.replace(recipe.copying, jpeg=1.0, mpeg=0.0, jpeg_quality=(75.0, 92.0)))


def reels(pictures: Sequence[Picture], recipe: DamageRecipe, seed: int) -> Iterator[dict[str, NDArray[np.generic]]]:
    """The folders' pictures of each frame, in order; 8-bit."""
    plain = dataclasses.replace(recipe, copying=dataclasses.replace(recipe.copying, grain=(0.0, 0.0)))
    made = zip(damaged(pictures, recipe, seed), damaged(pictures, plain, seed), strict=True)
    waiting: tuple[dict[str, NDArray[np.generic]], NDArray[np.int32]] | None = None
    before: NDArray[np.int32] | None = None
    for one, other in made:
        smooth = other.pristine[0].astype(np.int32)
        grain = one.pristine[0].astype(np.int32) - smooth
        frame = {"clean": stored(one.pristine[0]), "damaged": stored(one.degraded[0]), "ids": one.ids[0]}
        frame["mask"] = one.mask[0].astype(np.uint8) * 255
        if waiting is not None:
            yield waiting[0] | {"ideal": stored(np.clip(waiting[1] + grain, 0, WHITE))}
            waiting = None
        if before is None:
            waiting = (frame, smooth)
        else:
            yield frame | {"ideal": stored(np.clip(smooth + before, 0, WHITE))}
        before = grain
    if waiting is not None:  # a film of one frame
        yield waiting[0] | {"ideal": waiting[0]["clean"]}


def damaged(pictures: Sequence[Picture], recipe: DamageRecipe, seed: int) -> Iterator[Damaged]:
    """A reel's frames one by one, each as a `Damaged` of length 1, at 16 bits."""
    height, width = pictures[0].shape[:2]
    reel = Reel(recipe, seed, size=(height, width), top=WHITE)
    for start, stop in reel.groups(0, len(pictures)):
        group = reel.group(np.stack(pictures[start:stop]).astype(np.uint16) * 257, start)
        for place in range(stop - start):
            yield Damaged(*(getattr(group, field.name)[place : place + 1] for field in dataclasses.fields(Damaged)))


def stored(codes: Codes) -> NDArray[np.uint8]:
    """16-bit codes at 8 bits."""
    return np.asarray(np.round(codes / 257), np.uint8)
