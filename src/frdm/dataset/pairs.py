"""Real pairs: two versions of one film, before and after restoration, conformed frame by frame into training data.

Both films are run through three times: for thumbnails and shots, to settle the partners, and to conform. Only a few frames are in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from frdm.dataset.areas import open_area
from frdm.dataset.codec import Coding
from frdm.dataset.conforming import PairSettings
from frdm.dataset.manifest import Manifest
from frdm.dataset.pair_report import Report
from frdm.dataset.pair_samples import Conforming, Source, sample_runs
from frdm.dataset.registration import Affine, Fit, chained, judged, refined, rough_geometry, stretched
from frdm.dataset.signatures import FineGrid, Signatures, distance
from frdm.dataset.split import SplitRule
from frdm.dataset.timeline import WIGGLE, Anchor, candidates, find_anchors, settled
from frdm.dataset.writing import Kind, PackWriter, refuse_taken
from frdm.errors import DatasetError
from frdm.film import Real, Shot, Transfer
from frdm.media.scan import Scan
from frdm.motion.shots import stream_shots
from frdm.recipe import ShotSettings
from frdm.signal.working import small_luma

ANCHORS = 5  # pairs of frames from which the films' geometry is measured …
ANCHOR_WIDTH = 640  # … at this width
LEAST = 0.6  # correlation that the films' geometry must reach

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PairJob:
    """What is made of the pairs. `target` outside the mask: the scan's own codes ("scan"), or all of AFTER ("after")."""

    settings: PairSettings = field(default_factory=PairSettings)
    coding: Coding = field(default_factory=Coding)
    source: Source = field(default_factory=Source)
    split: SplitRule = field(default_factory=SplitRule)
    frames: int = 24  # the longest sample
    target: str = "scan"
    areas: tuple[str | None, str | None] = (None, None)  # of BEFORE and AFTER, see `areas.open_area`
    transfer: Transfer | None = None  # what the codes mean, where the films can't say


def pair(before: Path, after: Path, out: Path, job: PairJob, *, fresh: bool = False, tell: Tell = print) -> tuple[Manifest, Report]:
    """Conform AFTER to BEFORE and pack what matches, with report.json beside the shards; lines about it go to `tell`.

    Raises `DatasetError` where nothing matches, `OutputError`, and what opening the films raises.
    """
    refuse_taken(out, fresh=fresh)
    with opened(before, job, 0) as one, opened(after, job, 1) as other:
        shots, anchors, detail = rough_partners(one, other)
        tell(f"{len(anchors)} frames have a likely partner, in {len(shots)} shots")
        geometry = film_geometry(one, other, anchors, detail)
        tell(said_geometry(geometry, one, other))
        partners = fine_partners(one, other, anchors, geometry.affine)
        report = Report(one.info, other.info, partners)
        kind = Kind("pairs", job.coding, settings={"frames": job.frames, "target": job.target})
        with PackWriter(out, kind, fresh=fresh) as writer:
            conforming = Conforming(one, other, geometry.affine, job.settings)
            for sample in sample_runs(conforming, partners, shots, report.add, (job.source, job.split, job.frames, job.target)):
                writer.add(sample)
            for line in report.lines():
                tell(line)
            writer.side_file("report.json", report.json())
            writer.side_file("report.txt", "\n".join(report.lines()) + "\n")
            return writer.finish(), report


def opened(film: Path, job: PairJob, side: int) -> Scan:
    """One of the two films, or the part of its picture that was asked for."""
    return open_area(film, job.areas[side], transfer=job.transfer)


def rough_partners(before: Scan, after: Scan) -> tuple[list[Shot], list[Anchor], Sequence[float]]:
    """(BEFORE's shots, likely partners, how much there is to see in each of BEFORE's frames); reads both films once."""
    signs, others = Signatures(), Signatures()
    shots = list(stream_shots(signs.watch(before.frames(), before.info.encoding), before.info.encoding, ShotSettings()))
    for _ in others.watch(after.frames(), after.info.encoding):
        pass
    anchors = find_anchors(signs.coarse(), others.coarse())
    if not anchors:
        raise DatasetError(f"{after.info.path}: no frame is like one of {before.info.path}; name two versions of one film")
    return shots, anchors, [signs.detail(index) for index in range(len(signs))]


def film_geometry(before: Scan, after: Scan, anchors: Sequence[Anchor], detail: Sequence[float]) -> Fit:
    """How the films' pictures lie on each other, in their own pixels: the geometry of one pair of frames that suits the others best.

    Raises `DatasetError` where none suits.
    """
    parts = np.array_split(np.arange(len(anchors)), min(ANCHORS, len(anchors)))
    chosen = [max((anchors[place] for place in part), key=lambda anchor: detail[anchor.before]) for part in parts]
    met = [_best_near(before, after, anchor) for anchor in chosen]
    pairs, found = [each[:2] for each in met], [each[2] for each in met]
    scores = [float(np.median([judged(*each, fit.affine).likeness for each in pairs])) for fit in found]
    best = int(np.argmax(scores))
    if scores[best] < LEAST:
        raise DatasetError(
            f"{after.info.path}: its pictures can't be laid onto those of {before.info.path} (correlation {scores[best]:.2f}, "
            f"{LEAST:g} wanted); name two versions of one film, or cut off what only one of them has"
        )
    here, there = pairs[best]
    whole = (before.info.height, before.info.width), (after.info.height, after.info.width)
    return Fit(_full(found[best].affine, (here.shape, there.shape), whole), scores[best])


def _best_near(before: Scan, after: Scan, anchor: Anchor) -> tuple[Real, Real, Fit]:
    """The anchor's frame, the one within `WIGGLE` frames of its partner that can be laid onto it best, and how: in a pan a neighbour fits
    nearly as well when it is moved, but only nearly.
    """
    here, there = _small(before, anchor.before), _small(after, anchor.after)
    first = rough_geometry(here, there)
    tried = [(here, there, first)]
    for j in range(max(0, anchor.after - WIGGLE), min(after.info.length, anchor.after + WIGGLE + 1)):
        if j != anchor.after:
            other = _small(after, j)
            tried.append((here, other, refined(here, other, first.affine, whole=True)))
    return max(tried, key=lambda each: each[2].likeness)


def fine_partners(before: Scan, after: Scan, anchors: Sequence[Anchor], affine: Affine) -> list[int | None]:
    """Every BEFORE frame's partner, or None; reads both films once more."""
    length, other = before.info.length, after.info.length
    tried = candidates(anchors, length, other)
    grid = FineGrid.of((before.info.height, before.info.width), (after.info.height, after.info.width), affine)
    needed = _last_needs(tried)
    coming = after.frames()
    held: dict[int, Real] = {}
    seen = grid.seen((after.info.height, after.info.width))
    distances = []
    for frame in before.frames():
        wanted = tried[frame.index]
        picture = grid.before(frame, before.info.encoding) if wanted else None
        while wanted and (not held or max(held) < wanted[-1]):
            late = next(coming, None)
            if late is None:
                break
            if late.index in needed or late.index >= wanted[-1]:
                held[late.index] = grid.after(late, after.info.encoding)
        distances.append({j: distance(picture, held[j], seen) for j in wanted if picture is not None and j in held})
        for j in [j for j in held if needed.get(j, -1) <= frame.index and j != max(held)]:
            del held[j]
    return settled(distances, other)


def _last_needs(tried: Sequence[Sequence[int]]) -> dict[int, int]:
    """For each frame of AFTER the last BEFORE frame that it is compared with."""
    return {j: index for index, near in enumerate(tried) for j in near}


def said_geometry(geometry: Fit, before: Scan, after: Scan) -> str:
    """The films' geometry in a sentence."""
    (a, b, dx), (c, d, dy) = geometry.affine
    sizes = f"{before.info.width} × {before.info.height} and {after.info.width} × {after.info.height}"
    large = f"{np.hypot(a, c):.4f} × {np.hypot(b, d):.4f}"
    return f"{sizes}: AFTER's content is {large} as large, moved by {dx:+.2f}, {dy:+.2f} px (correlation {geometry.likeness:.3f})"


def _small(scan: Scan, index: int) -> Real:
    return small_luma(scan.frame(index), scan.info.encoding, ANCHOR_WIDTH)


def _full(affine: Affine, small: tuple[tuple[int, ...], tuple[int, ...]], whole: tuple[tuple[int, int], tuple[int, int]]) -> Affine:
    """A geometry between small pictures as one between whole ones."""
    return chained(stretched(small[1], whole[1]), chained(affine, stretched(whole[0], small[0])))
