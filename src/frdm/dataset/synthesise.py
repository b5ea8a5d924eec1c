"""Synthesised training data: clean film, damaged by a recipe with the truth kept, as samples with both, mask, maps and description."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import DamageRecipe
from frdm.damage.reel import Damaged, damage_reel
from frdm.dataset.codec import Coding, dithered
from frdm.dataset.films import Stretch, compressed, read_codes, stretches
from frdm.dataset.fitting import COMPRESSED_SCALE
from frdm.dataset.labels import Models, described
from frdm.dataset.manifest import Manifest
from frdm.dataset.packing import DITHER, SHORTEST, key_of, said_of
from frdm.dataset.samples import Sample
from frdm.dataset.sources import Clip
from frdm.dataset.split import SplitRule
from frdm.dataset.writing import Kind, PackWriter, refuse_taken
from frdm.errors import DatasetError
from frdm.film import Codes
from frdm.media.scan import open_scan

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """How samples are made. A `copy` of a film is the film damaged as another reel; copy n of the same seed is always the same."""

    recipe: DamageRecipe
    recipe_name: str = ""
    seed: int = 0
    copies: int = 1
    frames: int = 24  # the longest sample
    scale: float = 1.0  # compressed film is taken at 2/3 at most
    coding: Coding = field(default_factory=Coding)
    split: SplitRule = field(default_factory=SplitRule)
    models: Models = field(default_factory=Models)


def synthesise(clips: Sequence[Clip], out: Path, settings: SynthesisSettings, *, fresh: bool = False, tell: Tell = print) -> Manifest:
    """Write a pack of damaged and pristine frames of all clips. Raises `DatasetError`, `DamageError` or `OutputError`."""
    refuse_taken(out, fresh=fresh)
    if settings.copies < 1 or settings.frames < 1 or not 0 < settings.scale <= 1:
        raise DatasetError(
            f"{settings.copies} copies of {settings.frames} frames at scale {settings.scale:g}: give 1 or more, scale up to 1"
        )
    with PackWriter(out, kind_of(settings), fresh=fresh) as writer:
        for clip in clips:
            shares = []
            for sample in samples_of(clip, settings):
                writer.add(sample)
                shares.append(float(sample.mask.mean()) if sample.mask is not None else 0.0)
            tell(f"{clip.path.name}: {len(shares)} samples, {100 * float(np.mean(shares or [0])):.2f} % of the picture damaged")
        if not settings.coding.exact:
            writer.note(f"stored as {settings.coding}: degraded and pristine differ a little outside the mask too; masks are exact")
        return writer.finish()


def kind_of(settings: SynthesisSettings) -> Kind:
    """What the manifest says of how the pack was made."""
    said = {"recipe": settings.recipe_name, "seed": settings.seed, "copies": settings.copies, "frames": settings.frames}
    said |= {"scale": settings.scale, "split": dataclasses.asdict(settings.split), "damage": dataclasses.asdict(settings.recipe)}
    return Kind("synthetic", settings.coding, settings=said)


def samples_of(clip: Clip, settings: SynthesisSettings) -> Iterator[Sample]:
    """All samples of one clip, copy after copy."""
    with open_scan(clip.path, transfer=clip.transfer) as scan:
        found = stretches(scan, longest=settings.frames, shortest=min(SHORTEST, settings.frames))
        lossy = compressed(scan.info)
        scale = min(settings.scale, COMPRESSED_SCALE) if lossy else settings.scale
        rate, transfer = float(scan.info.rate), scan.info.encoding.transfer
        for stretch in found:
            clean = read_codes(scan, stretch.start, stretch.stop, scale=scale)
            if lossy:
                clean = np.stack([dithered(each, DITHER, f"{clip.film}/{stretch.start + at}") for at, each in enumerate(clean)])
            known = {"rate": rate, "transfer": transfer, **described(clean, settings.models, gauge=clip.gauge, caption=clip.caption)}
            for copy in range(settings.copies):
                yield damaged_sample(clean, clip, stretch, (settings, copy, known))


def damaged_sample(clean: Codes, clip: Clip, stretch: Stretch, how: tuple[SynthesisSettings, int, dict[str, Any]]) -> Sample:
    """One stretch of clean film, damaged as its film's reel of this copy is."""
    settings, copy, known = how
    seed = reel_seed(settings.seed, clip.film, copy)
    made: Damaged = damage_reel(clean, settings.recipe, seed=seed, first=stretch.start)
    about = {**said_of(clip), **known, "first": stretch.start, "shot": stretch.shot, "copy": copy, "reel_seed": seed}
    about["recipe"] = settings.recipe_name
    key = key_of(clip, stretch) + (f"-{copy}" if settings.copies > 1 else "")
    maps: dict[str, NDArray[Any]] = {"matte": made.matte, "kinds": made.kinds, "polarity": made.polarity, "ids": made.ids}
    return Sample(key, clip.film, settings.split.of(clip.film), made.pristine, made.degraded, made.mask, maps, about)


def reel_seed(seed: int, film: str, copy: int) -> int:
    """The seed of a film's reel: another for each film and copy."""
    return int.from_bytes(blake2b(f"{seed}/{film}/{copy}".encode(), digest_size=4).digest(), "big")
