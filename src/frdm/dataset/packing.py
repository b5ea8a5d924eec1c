"""Packing clean film for training: as much of it as fits a given size, and an honest word on what was given up for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from frdm.dataset.codec import Coding, Form, picture_bytes, picture_from
from frdm.dataset.films import Stretch, code_bits, compressed, read_codes, stretches
from frdm.dataset.fitting import Piece, Plan, Trial, best_plan
from frdm.dataset.labels import Models, described
from frdm.dataset.manifest import Manifest
from frdm.dataset.samples import Sample, plain_name
from frdm.dataset.sources import UNKNOWN, Clip
from frdm.dataset.split import SplitRule
from frdm.dataset.writing import Kind, PackWriter, refuse_taken
from frdm.errors import DatasetError
from frdm.film import Codes
from frdm.media.scan import open_scan

SHORTEST = 5  # frames of a sample: a window and its two neighbours on either side
DITHER = 0.8  # codes: the deviation of the noise that reading adds to film that was compressed
ATTEMPTS = 6

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PackSettings:
    """How clean film is packed. `limit` in bytes; None: no limit, and every code kept unless a quality is given."""

    limit: int | None = None
    form: Form = "webp"
    quality: int | None = None  # None: chosen to fit the limit
    scale: float | None = None  # of the film's size; None: chosen to fit the limit
    frames: int = 48  # the longest sample
    split: SplitRule = field(default_factory=SplitRule)
    models: Models = field(default_factory=Models)


def pack(clips: Sequence[Clip], out: Path, settings: PackSettings, *, fresh: bool = False, tell: Tell = print) -> Manifest:
    """Pack clips of clean film under `out`; what was chosen is said through `tell`. Raises `DatasetError` or `OutputError`."""
    refuse_taken(out, fresh=fresh)
    pieces = find_pieces(clips, settings, tell)
    trial = Trial(pieces) if settings.limit is not None else None
    for attempt in range(ATTEMPTS):
        plan = planned(trial, settings, attempt)
        tell(told(plan, pieces, settings))
        with PackWriter(out, kind_of(plan, pieces, settings), fresh=fresh) as writer:
            for sentence in fill(writer, pieces, plan, settings):
                tell(sentence)
            if settings.limit is None or writer.weight <= settings.limit:
                return writer.finish()
        tell(f"{writer.weight / 2**20:.1f} MiB came of it, more than the limit; once more, smaller")
    raise DatasetError(f"{out}: nothing was found to fit the limit; give a larger --limit, a smaller --scale or fewer clips")


def find_pieces(clips: Iterable[Clip], settings: PackSettings, tell: Tell) -> list[Piece]:
    """The stretches of all clips; what is too short to learn from is said and left out. Raises `DatasetError` where nothing is left."""
    found = []
    least = min(SHORTEST, settings.frames)
    for clip in clips:
        with open_scan(clip.path, transfer=clip.transfer) as scan:
            every = stretches(scan, longest=settings.frames)
            info = scan.info
        left = sum(len(stretch) for stretch in every if len(stretch) < least)
        if left:
            tell(f"{clip.path.name}: {left} frames left out, in shots of fewer than {least}")
        if clip.licence == UNKNOWN:
            tell(f"{clip.path.name}: no licence is known; write it into SOURCES.csv before the pack is given away")
        how = compressed(info), code_bits(info.encoding), info.height, info.width
        found += [Piece(clip, stretch, *how) for stretch in every if len(stretch) >= least]
    if not found:
        raise DatasetError(f"no clip has a shot of {least} frames; name longer clips")
    return found


def planned(trial: Trial | None, settings: PackSettings, attempt: int) -> Plan:
    """What is written at this attempt. Raises `DatasetError` where nothing can fit."""
    if trial is None or settings.limit is None:
        return Plan(settings.scale or 1.0, Coding(settings.form, settings.quality), settings.frames)
    room = settings.limit * 0.97 ** (attempt + 1)
    plan = best_plan(trial, (settings.form, settings.quality, settings.scale, settings.frames), room)
    if plan is None:
        found, least = settings.limit / 2**20, trial.least(settings.form) / 2**20
        raise DatasetError(f"{found:.1f} MiB are too few, the smallest pack would take {least:.1f}; give a larger limit or fewer clips")
    return plan


def kind_of(plan: Plan, pieces: Sequence[Piece], settings: PackSettings) -> Kind:
    """What the manifest says of how the pack was made."""
    said: dict[str, Any] = {"scale": plan.scale, "frames": plan.frames, "limit": settings.limit, "split": asdict(settings.split)}
    return Kind("clean", plan.coding, DITHER if any(piece.lossy for piece in pieces) or not plan.coding.exact else 0.0, said)


def told(plan: Plan, pieces: Sequence[Piece], settings: PackSettings) -> str:
    """The plan in a sentence."""
    kept = sum(len(piece.kept(plan.frames)) for piece in pieces)
    every = sum(len(piece.stretch) for piece in pieces)
    heights = sorted({piece.shape(plan.scale)[0] for piece in pieces})
    lines = f"{heights[0]} to {heights[-1]} lines" if len(heights) > 1 else f"{heights[0]} lines"
    scales = " or ".join(f"{scale:.2f}" for scale in sorted({piece.scale(plan.scale) for piece in pieces}))
    why = ", no more since it was compressed" if any(piece.scale(plan.scale) < plan.scale for piece in pieces) else ""
    guess = f", about {plan.estimate / 2**20:.1f} MiB" if plan.estimate else ""
    return f"{kept} of {every} frames in {len(pieces)} samples, {lines} ({scales} of the film's size{why}), {plan.coding}{guess}"


def fill(writer: PackWriter, pieces: Iterable[Piece], plan: Plan, settings: PackSettings) -> Iterable[str]:
    """Write every piece as a sample; yields what a person should know."""
    lost = []
    for piece in pieces:
        sample = sample_of(piece, plan, settings)
        writer.add(sample)
        lost.append(coding_loss(sample.pristine, plan.coding))
    if not plan.coding.exact:
        sentence = f"storing as {plan.coding} keeps {np.mean(lost):.1f} dB in the mean and {np.min(lost):.1f} dB in the worst sample"
        writer.note(sentence)
        yield sentence
    if writer.kind.dither:
        writer.note(f"reading adds noise of {writer.kind.dither:g} codes, so that codec blocks are not taken for texture")


def sample_of(piece: Piece, plan: Plan, settings: PackSettings) -> Sample:
    """One piece of clean film as a sample."""
    clip, kept = piece.clip, piece.kept(plan.frames)
    with open_scan(clip.path, transfer=clip.transfer) as scan:
        codes = read_codes(scan, kept.start, kept.stop, scale=piece.scale(plan.scale))
        rate, transfer = float(scan.info.rate), scan.info.encoding.transfer
    about = {**said_of(clip), "rate": rate, "transfer": transfer, "first": kept.start, "shot": kept.shot}
    about |= described(codes, settings.models, gauge=clip.gauge, caption=clip.caption)
    return Sample(key_of(clip, kept), clip.film, settings.split.of(clip.film), codes, about=about)


def said_of(clip: Clip) -> dict[str, Any]:
    """What is known of a clip before it is looked at."""
    more = {name: value for name, value in clip.more.items() if value}
    return {"clip": clip.path.name, "source": clip.source, "licence": clip.licence, "given_tags": list(clip.tags), "more": more}


def key_of(clip: Clip, stretch: Stretch) -> str:
    """The sample's key: clip and first frame."""
    return f"{plain_name(clip.name)[:48]}-{stretch.start:06d}"


def coding_loss(codes: Codes, coding: Coding) -> float:
    """PSNR in dB of the middle frame as it comes back (100 for exact)."""
    if coding.exact:
        return 100.0
    middle = codes[len(codes) // 2]
    back = picture_from(picture_bytes(middle, coding), codes.shape[-1])
    error = float(np.mean((back.astype(np.float64) - middle) ** 2))
    return float(10 * np.log10(np.iinfo(codes.dtype).max ** 2 / max(error, 1e-6)))
