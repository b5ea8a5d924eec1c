"""Runs of conformed frames as samples: cut at shots and refused frames, trimmed to what both versions show."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from frdm.dataset.conforming import Conformed, PairSettings, conformed, figures, grown, luma_of
from frdm.dataset.films import code_bits, levels, quantised, resized
from frdm.dataset.labels import Models, described
from frdm.dataset.pair_report import Verdict
from frdm.dataset.registration import Affine, chained, scale_of, stretched
from frdm.dataset.samples import Sample, plain_name
from frdm.dataset.split import SplitRule
from frdm.film import Codes, Frame, Mask, Real, Shot
from frdm.media.scan import Scan

FINER = 0.95  # below it AFTER has fewer pixels than BEFORE, and BEFORE is brought to its size
FEATHER = 2  # px around the mask over which the target goes from AFTER to the scan
LEAST_SIDE = 32  # px of a trimmed picture


@dataclass(frozen=True, slots=True)
class Source:
    """What is said of the film that the pairs are of."""

    film: str = ""
    source: str = "unknown"
    licence: str = "unknown"
    gauge: str = "unknown"
    caption: str = ""
    models: Models = field(default_factory=Models)


@dataclass(frozen=True, slots=True, eq=False)
class PairedFrame:
    """One frame that was kept: BEFORE's number and codes, AFTER's, and what conforming found."""

    index: int
    degraded: Real
    made: Conformed


class Conforming:
    """Conforms frames of two films in rising order, each film read once, following weave from frame to frame."""

    def __init__(self, before: Scan, after: Scan, affine: Affine, settings: PairSettings) -> None:
        self.before, self.after, self._settings = before, after, settings
        self.reduce = min(1.0, scale_of(affine)) if scale_of(affine) < FINER else 1.0
        height, width = before.info.height, before.info.width
        small = (round(height * self.reduce), round(width * self.reduce))
        self._film = chained(affine, stretched(small, (height, width))) if self.reduce < 1 else affine
        self._near = self._film
        self._coming = after.frames()
        self._reached = -1
        self._frame: Frame | None = None

    @property
    def bits(self) -> int:
        """Bits of the samples."""
        return max(code_bits(self.before.info.encoding), code_bits(self.after.info.encoding))

    def frame(self, frame: Frame, partner: int) -> PairedFrame:
        """One frame of BEFORE with its partner."""
        while self._reached < partner:
            self._frame = next(self._coming)
            self._reached = self._frame.index
        assert self._frame is not None and self._reached == partner, "partners rise"
        one = resized(levels(frame, self.before.info.encoding), self.reduce)
        other = levels(self._frame, self.after.info.encoding)
        if one.shape[2] != other.shape[2]:
            one, other = luma_of(one)[..., None], luma_of(other)[..., None]
        made = conformed(one, other, self._near, self._settings)
        self._near = self._film if made.reason else made.fit.affine
        return PairedFrame(frame.index, one, made)


def sample_runs(
    conforming: Conforming,
    partners: Sequence[int | None],
    shots: Sequence[Shot],
    take_down: Callable[[Verdict], None],
    how: tuple[Source, SplitRule, int, str],
) -> Iterator[Sample]:
    """Samples of all that matches; every frame's verdict is taken down. `how`: the film, its split, the longest sample, the target."""
    run: list[PairedFrame] = []
    begins = {shot.start: number for number, shot in enumerate(shots)}
    shot = 0
    for frame in conforming.before.frames():
        if frame.index in begins and run:
            yield from _sampled(run, shot, conforming, how)
            run = []
        shot = begins.get(frame.index, shot)
        kept = _verdict(conforming, frame, partners[frame.index], take_down)
        if kept is not None:
            run.append(kept)
        if run and (kept is None or len(run) == how[2]):
            yield from _sampled(run, shot, conforming, how)
            run = []
    if run:
        yield from _sampled(run, shot, conforming, how)


def _verdict(conforming: Conforming, frame: Frame, partner: int | None, take_down: Callable[[Verdict], None]) -> PairedFrame | None:
    """Conform one frame, take its verdict down, and give it back if it is kept."""
    if partner is None:
        take_down(Verdict(frame.index, None, "no frame of AFTER shows it: left out, lost, or doubled in BEFORE"))
        return None
    paired = conforming.frame(frame, partner)
    take_down(Verdict(frame.index, partner, paired.made.reason, figures(paired.made)))
    return None if paired.made.reason else paired


def _sampled(run: Sequence[PairedFrame], shot: int, conforming: Conforming, how: tuple[Source, SplitRule, int, str]) -> Iterator[Sample]:
    """The run as a sample, trimmed to what both show; nothing where hardly anything is left."""
    source, split, _, target = how
    seen = np.all([paired.made.seen for paired in run], axis=0)
    rows, columns = common(seen)
    if rows.stop - rows.start < LEAST_SIDE or columns.stop - columns.start < LEAST_SIDE:
        return
    bits = conforming.bits
    degraded = np.stack([quantised(paired.degraded[rows, columns], bits) for paired in run])
    mask = np.stack([paired.made.mask[rows, columns] for paired in run])
    after = np.stack([quantised(paired.made.after[rows, columns], bits) for paired in run])
    pristine, matte = (after, None) if target == "after" else composed(degraded, after, mask)
    about = _about(run, degraded, source, (rows, columns))
    about |= {"shot": shot, "target": target, "transfer": conforming.before.info.encoding.transfer}
    film = source.film or conforming.before.info.path.resolve().stem
    key = f"{plain_name(film)[:48]}-{run[0].index:06d}"
    yield Sample(key, film, split.of(film), pristine, degraded, mask, {} if matte is None else {"matte": matte}, about)


def _about(run: Sequence[PairedFrame], degraded: Codes, source: Source, place: tuple[slice, slice]) -> dict[str, Any]:
    rows, columns = place
    grain = float(np.median([paired.made.grain for paired in run]))
    return {
        "source": source.source,
        "licence": source.licence,
        "first": run[0].index,
        "area": [rows.start, columns.start, rows.stop, columns.stop],
        "noise": round(float(np.median([paired.made.noise for paired in run])), 5),
        "grain_ratio": round(grain, 3),
        **described(degraded, source.models, gauge=source.gauge, caption=source.caption),
    }


def composed(degraded: Codes, after: Codes, mask: Mask) -> tuple[Codes, Real]:
    """(target, matte): AFTER inside the mask, the scan's own codes outside it, a short soft edge between."""
    matte = np.stack([_feathered(each) for each in mask])
    weight = matte[..., None]
    mixed = degraded + weight * (after.astype(np.float32) - degraded)
    return np.rint(mixed).astype(degraded.dtype), matte


def _feathered(mask: Mask) -> Real:
    """1 in the mask and a pixel around it, falling to 0 over `FEATHER` px."""
    away = cv2.distanceTransform((~grown(mask, 1)).astype(np.uint8), cv2.DIST_L2, 3)
    return np.clip(1 - np.asarray(away, np.float32) / (FEATHER + 1), 0, 1)


def common(seen: Mask) -> tuple[slice, slice]:
    """A rectangle (rows, columns) that is seen all over: from the worst side a line is taken off until nothing unseen is left."""
    top, left, (bottom, right) = 0, 0, seen.shape
    while bottom > top and right > left:
        part = ~seen[top:bottom, left:right]
        sides = [float(part[0].mean()), float(part[-1].mean()), float(part[:, 0].mean()), float(part[:, -1].mean())]
        worst = int(np.argmax(sides))
        if sides[worst] == 0 and not part.any():
            break
        top, bottom, left, right = top + (worst == 0), bottom - (worst == 1), left + (worst == 2), right - (worst == 3)
    return slice(top, bottom), slice(left, right)
