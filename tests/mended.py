"""Repairs and held defects made up for tests, and a stand-in for `frdm.mending.mend` that gives them without looking."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Held, Kind, MendedFrame, Patch, Provenance, Repair, ScanInfo, Span, Status
from frdm.jobs.progress import Progress, Summary

FRAMES = 14  # of the film in tests/jobs


def run(steps: Iterator[Progress]) -> Summary:
    """Go through a job to its end."""
    (*_, last) = steps
    assert last.summary is not None
    return last.summary


def a_patch(rng: np.random.Generator, box: Box, encoding: Encoding, *, soft: bool = True) -> Patch:
    """Fills of noise; mattes of 0, whole, and (when `soft`) all between."""
    mattes, fills = [], []
    for plane in range(encoding.pictures):
        rows, columns = box.on_plane(encoding, plane)
        shape = rows.stop - rows.start, columns.stop - columns.start
        between = rng.integers(0, WHOLE + 1, shape) if soft else np.full(shape, WHOLE)
        mattes.append(np.where(rng.random(shape) < 0.3, 0, between).astype(np.uint16))
        noise = rng.normal(0.5, 0.3, shape) if encoding.floating else rng.integers(0, 2**encoding.bits, shape)
        fills.append(noise.astype(encoding.dtype))
    return Patch(box, tuple(mattes), tuple(fills))


def a_repair(
    name: str,
    patch: Patch,
    *,
    kind: Kind = "dirt",
    confidence: float = 0.9,
    status: Status = "accepted",
) -> Repair:
    """A repair of the whole patch."""
    box = patch.box
    mask = np.ones((box.bottom - box.top, box.right - box.left), np.bool_)
    mask[0, 0] = False
    made = Provenance("neighbours", (box.frame + 1, box.frame - 1), trust=0.8)
    return Repair(name, Defect(kind, "dark", box, mask, confidence), patch, made, status)


def a_held(name: str, box: Box, reason: str = "motion can't be trusted here") -> Held:
    """A held defect."""
    return Held(name, Defect("dirt", "bright", box, np.ones((box.bottom - box.top, box.right - box.left), np.bool_), 0.4), reason)


def mended_frame(frame: Frame, info: ScanInfo) -> MendedFrame:
    """Two repairs that overlap (in most frames) and one held defect (in some); follows from the frame alone."""
    index = frame.index
    rng = np.random.default_rng(1000 + index)
    held = (a_held(f"{index:06d}-002", Box(index, 2, 2, 5, 6)),) if index % 3 == 0 else ()
    if index % 4 == 3:
        return MendedFrame(frame, (), held, 0.01)
    top, left = int(rng.integers(6, info.height // 2)), int(rng.integers(6, info.width // 2))
    boxes = Box(index, top, left, top + 7, left + 9), Box(index, top + 3, left + 4, top + 12, left + 11)
    kinds: tuple[Kind, Kind] = ("dirt", "hair")
    repairs = [
        a_repair(f"{index:06d}-{n:03d}", a_patch(rng, box, info.encoding), kind=kinds[n], confidence=0.9 - 0.3 * n)
        for n, box in enumerate(boxes)
    ]
    return MendedFrame(frame, tuple(repairs), held, 0.01)


def fake_mend(source: Any, span: Span, *, info: ScanInfo, recipe: object, given: object, **_: object) -> Iterator[MendedFrame]:
    """As `frdm.mending.mend`, but what is found is made up."""
    for frame in source.frames(span.start, span.stop):
        yield mended_frame(frame, info)
