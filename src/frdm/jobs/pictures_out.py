"""Exports of one picture a frame: overlays and mattes, written into a folder that appears whole."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from frdm.errors import LedgerError, SettingsChanged
from frdm.film import Patch, Span
from frdm.jobs.export_places import ExportFolder, refuse_place
from frdm.jobs.mattes import MatteFolder, frame_names, numbered
from frdm.jobs.outputs import disk_errors
from frdm.jobs.overlays import Alpha, Form, OverlayKind, lost_under, overlay, require_representable
from frdm.jobs.progress import Progress
from frdm.jobs.project import Project, existing, film_of
from frdm.jobs.recording import DoneSpan
from frdm.jobs.times import film_timecode, frame_of, is_drop, timecode_of
from frdm.media.album import Album
from frdm.media.overlay import encode_png, write_exr
from frdm.media.scan import Scan, info_at, open_scan
from frdm.recipe import recipe_from
from frdm.rendering import altered_mask, changed_masks, contiguous


class Drawing(Protocol):
    """Makes the picture of a frame."""

    def draw(self, index: int, patches: list[Patch]) -> None:
        """Write frame `index`'s picture, of its accepted patches, unless it is there."""
        ...

    @property
    def warning(self) -> str:
        """What a person must know of the pictures that were made, or nothing."""
        ...


def export_overlays(
    project: str | Path,
    out: str | Path,
    *,
    form: Form,
    alpha: Alpha = "whole",
    film: str | Path | None = None,
    timecode: str | None = None,
) -> Iterator[Progress]:
    """Write the accepted repairs as one picture a frame into the new folder `out`; the last item's note says what a person must know.

    `film`: where the scan lies now, if it was moved. `timecode`: of the film's first frame, where it doesn't say (EXR carries it).
    Raises `OutputError` for films that no overlay can give back, `LedgerError`, `MediaError`, `RecipeError`.
    """
    place = Path(out)
    with existing(Path(project), alone=False) as opened, ExitStack() as stack:
        refuse_place(opened, place)
        scan = stack.enter_context(open_film(opened, film))
        unlike = range(opened.row.start, opened.row.stop) if isinstance(scan, Album) else (opened.row.start,)
        for index in unlike:
            require_representable(info_at(scan, index), form)
        said = timecode or film_timecode(opened)
        clock = None if said is None else (frame_of(said, scan.info.rate), is_drop(said))
        decision = opened.ledger.last_decision()
        folder = ExportFolder(place, _state(opened, decision, "overlay", form, alpha, clock))
        yield from _pictures(opened, folder, _Overlays(scan, folder, form, alpha, clock), decision)


def export_mattes(project: str | Path, out: str | Path, *, film: str | Path | None = None) -> Iterator[Progress]:
    """Write one 8-bit PNG a frame into the new folder `out`, 255 where accepted repairs may alter a pixel and 0 elsewhere."""
    place = Path(out)
    with existing(Path(project), alone=False) as opened, ExitStack() as stack:
        refuse_place(opened, place)
        scan = stack.enter_context(open_film(opened, film))
        decision = opened.ledger.last_decision()
        folder = ExportFolder(place, _state(opened, decision, "mattes"))
        yield from _pictures(opened, folder, _Mattes(scan, folder), decision)


def open_film(project: Project, film: str | Path | None) -> Scan:
    """The project's film, at its place or where it lies now. Raises `SettingsChanged` when it is another one."""
    recipe = recipe_from(json.loads(project.row.recipe), str(project.folder))
    scan = open_scan(film or film_of(project), transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills)
    if scan.identity() != project.row.identity:
        scan.close()
        raise SettingsChanged(f"{scan.info.path}: not the film that {project.folder} was made of, or changed since; give that film")
    return scan


def _state(project: Project, decision: int, *what: object) -> dict[str, object]:
    """All that decides an export's pictures: what an interrupted one may go on with."""
    return {"film": project.row.identity, "settings": project.row.settings, "decision": decision, "what": what}


def _pictures(project: Project, folder: ExportFolder, drawing: Drawing, decision: int) -> Iterator[Progress]:
    """Draw all frames of the project, as they stood after a decision."""
    start, stop = project.row.start, project.row.stop
    frames, laid = stop - start, 0
    spans = project.ledger.spans()
    done = sum(span.stop - span.start for span in spans)
    if not project.row.shots_found or done != frames:
        raise LedgerError(f"{project.folder}: {done} of {frames} frames are analysed; run the same frdm restore again to finish it first")
    shots = {row.number: row.shot for row in project.ledger.shots()}
    with disk_errors(folder.folder):
        for row in spans:
            span = DoneSpan(project, Span(shots[row.shot], row.start, row.stop), decision)
            try:
                for index in range(row.start, row.stop):
                    patches = span.accepted(index)
                    drawing.draw(index, patches)
                    laid += len(patches)
                    yield Progress("frames", index + 1 - start, frames, laid, laid)
            finally:
                span.close()
        folder.finish()
    yield Progress("done", frames, frames, laid, laid, note=drawing.warning)


class _Overlays:
    """A `Drawing` of overlays."""

    def __init__(self, scan: Scan, folder: ExportFolder, form: Form, alpha: Alpha, clock: tuple[int, bool] | None) -> None:
        """`clock`: the count of the film's first frame, and whether it drops numbers."""
        self._scan, self._folder, self._form, self._alpha, self._clock = scan, folder, form, alpha, clock
        self._names = frame_names(scan.info)
        self._lost = 0

    @property
    def warning(self) -> str:
        if not self._lost:
            return ""
        return (
            f"{self._lost} repaired pixels have a scan that is no number (NaN or infinite): an over leaves it there, since 0 · NaN is NaN; "
            "use frdm render for those frames"
        )

    def draw(self, index: int, patches: list[Patch]) -> None:
        name = f"{self._names[index] if self._names else numbered(index)}.{self._form}"
        if self._folder.has(name):
            return
        info = info_at(self._scan, index)
        kind = OverlayKind(info.encoding, self._form, self._alpha)
        picture = kind.empty(info.height, info.width)
        if patches:
            frame = contiguous(self._scan.frame(index))
            picture = overlay(frame, patches, kind)
            self._lost += lost_under(frame, patches, info.encoding)
        part = self._folder.part(name)
        if self._form == "png":
            part.write_bytes(encode_png(picture))
        else:
            write_exr(part, picture, rate=info.rate, aspect=info.pixel_aspect, timecode=self._time(index, info.rate))
        self._folder.whole(name)

    def _time(self, index: int, rate: Fraction) -> str | None:
        return None if self._clock is None else timecode_of(self._clock[0] + index, rate, drop=self._clock[1])


class _Mattes:
    """A `Drawing` of mattes."""

    warning = ""

    def __init__(self, scan: Scan, folder: ExportFolder) -> None:
        self._scan, self._mattes = scan, MatteFolder(folder.folder, scan)

    def draw(self, index: int, patches: list[Patch]) -> None:
        info = info_at(self._scan, index)
        changed = changed_masks(patches, info.encoding, height=info.height, width=info.width)
        self._mattes.write(index, altered_mask(changed, info.encoding, height=info.height, width=info.width) if changed else None)
