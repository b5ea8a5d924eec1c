"""The second half of a job: lay repairs over each frame, write it, take its digests, and record every span that is whole."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from frdm.errors import LedgerError
from frdm.film import Frame, Held, Mask, MendedFrame, Patch, Repair, ScanInfo, Span
from frdm.jobs.analysis import AllShotsFound, ReadFrame, ShotFound, SpanBegins, SpanEnds, Step
from frdm.jobs.mattes import MatteFolder
from frdm.jobs.project import Project
from frdm.ledger.decisions import repairs_between
from frdm.ledger.patches import PatchFile, digest_file, write_patches
from frdm.ledger.reading import file_digests
from frdm.ledger.records import FrameRow, OutputRow, RenderRow, RepairRow
from frdm.ledger.store import SpanRecord
from frdm.ledger.tallies import found_in
from frdm.media.scan import Scan, info_at
from frdm.media.writer import FilmWriter
from frdm.rendering import altered_mask, altered_pixels, changed_masks, composite, contiguous, digest, digest_outside


@dataclass(slots=True)
class Counts:
    """What a job has seen so far."""

    frames: int = 0
    resumed: int = 0
    shots: int = 0
    found: int = 0
    mended: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """Where frames go; both may be absent."""

    output: OutputRow | None = None
    writer: FilmWriter | None = None
    mattes: MatteFolder | None = None


class Recorder:
    """Takes the events of an analysis in order."""

    def __init__(self, project: Project, scan: Scan, target: Target) -> None:
        self.counts = Counts()
        self._project, self._scan, self._target = project, scan, target
        self._done: DoneSpan | None = None
        self._repairs: list[tuple[int, tuple[Repair, ...]]] = []
        self._record = SpanRecord()
        self._renders: list[RenderRow] = []

    def take(self, event: Step) -> None:
        """Do what an event asks for. Raises `LedgerError`, `OutputError`, `OSError`."""
        match event:
            case MendedFrame():
                self._mended(event)
            case ReadFrame():
                self._read(event)
            case SpanBegins():
                self._begin(event)
            case SpanEnds():
                self._end(event.span)
            case ShotFound():
                self._project.ledger.add_shot(event.number, event.shot)
                self.counts.shots = event.number
            case AllShotsFound():
                self._project.ledger.all_shots_found()

    def close(self) -> None:
        """Let go of open files."""
        if self._done is not None:
            self._done.close()
            self._done = None

    def _begin(self, event: SpanBegins) -> None:
        output = self._target.output
        self._repairs, self._renders = [], []
        self._record = SpanRecord(None if output is None else output.number)
        if event.done:
            self._done = DoneSpan(self._project, event.span, None if output is None else output.decision)

    def _end(self, span: Span) -> None:
        """Make what was written safe, then record the span: never the other way round."""
        if self._target.writer is not None:
            self._target.writer.sync()
        ledger = self._project.ledger
        if self._done is None:
            self._file(span)
            self._record.renders = self._renders
            ledger.add_span(span, self._record)
        else:
            if self._target.output is not None and self._renders:
                ledger.add_renders(self._target.output.number, self._renders)
            self._count_done(self._done.number)
        self.close()

    def _file(self, span: Span) -> None:
        frames = [(frame, repairs) for frame, repairs in self._repairs if repairs]
        if not frames:
            return
        name = f"{span.start:06d}-{span.stop - 1:06d}.npz"
        digest_of_file, size = write_patches(self._project.patches / name, frames)
        self._record.file = (name, digest_of_file, size)
        for index, repairs in frames:
            encoding = info_at(self._scan, index).encoding
            self._record.repairs += [(place, altered_pixels(r.patch, encoding), r) for place, r in enumerate(repairs)]

    def _count_done(self, span: int) -> None:
        found, mended, held = found_in(self._project.ledger, span)
        self.counts.found += found
        self.counts.mended += mended
        self.counts.held += held

    def _mended(self, item: MendedFrame) -> None:
        accepted = [repair.patch for repair in item.repairs if repair.status == "accepted"]
        altered = self._frame(item.frame.index, item.frame, accepted)
        self._repairs.append((item.frame.index, item.repairs))
        self._record.held += item.held
        self._record.frames.append(FrameRow(item.frame.index, float(item.noise), item.repeats, altered))
        self.counts.frames += 1
        self.counts.found += len(item.repairs) + len(item.held)
        self.counts.mended += len(accepted)
        self.counts.held += len(item.held)

    def _read(self, item: ReadFrame) -> None:
        assert self._done is not None
        self.counts.frames += 1
        self.counts.resumed += 1
        if item.frame is not None or self._target.mattes is not None:
            self._frame(item.index, item.frame, self._done.accepted(item.index))

    def _frame(self, index: int, frame: Frame | None, patches: Sequence[Patch]) -> float:
        """Write one frame and its matte; the share of its pixels that may differ from the scan."""
        info, target = info_at(self._scan, index), self._target
        restored = None
        if frame is not None and target.writer is not None:
            frame = contiguous(frame)
            restored, changed = composite(frame, patches, info.encoding)
        else:
            changed = changed_masks(patches, info.encoding, height=info.height, width=info.width)
        mask = altered_mask(changed, info.encoding, height=info.height, width=info.width) if changed else None
        altered = 0.0 if mask is None else float(np.count_nonzero(mask)) / mask.size
        if target.mattes is not None:
            target.mattes.write(index, mask)
        if frame is not None and restored is not None and target.writer is not None:
            target.writer.write(restored, changed)
            self._renders.append(render_row(frame, restored, changed, altered))
        return altered


class DoneSpan:
    """A span that is done, as the ledger has it: the patches of its frames, read when asked for."""

    def __init__(self, project: Project, span: Span, decision: int | None) -> None:
        """With the decisions up to `decision` (None: all). Raises `LedgerError` when a file of patches isn't the recorded one."""
        ledger = project.ledger
        row = next(row for row in ledger.spans() if row.start == span.start)
        self.number = row.number
        digests, files = file_digests(ledger), set() if row.file is None else {row.file}
        self._patches = Patches(project)
        self._rows: dict[int, list[RepairRow]] = {}
        for repair in repairs_between(ledger, span.start, stop=span.stop, decision=decision):
            self._rows.setdefault(repair.box.frame, []).append(repair)
            files |= {repair.file} if repair.status == "accepted" else set()
        for name in sorted(files):
            check_file(project, name, digests.get(name))

    def accepted(self, frame: int) -> list[Patch]:
        """The accepted repairs' patches, in the order in which they are laid over each other."""
        return self._patches.of([row for row in self._rows.get(frame, ()) if row.status == "accepted"])

    def close(self) -> None:
        self._patches.close()


class Patches:
    """The patches of recorded repairs, with each file opened once."""

    def __init__(self, project: Project) -> None:
        self._folder = project.patches
        self._files: dict[str, PatchFile] = {}
        self._stack = ExitStack()

    def of(self, rows: Sequence[RepairRow]) -> list[Patch]:
        """Patches of repairs of one frame, in the rows' order."""
        stored = {name: self._file(name).frame(rows[0].box.frame) for name in {row.file for row in rows}}
        return [stored[row.file][row.place].patch for row in rows]

    def _file(self, name: str) -> PatchFile:
        if name not in self._files:
            self._files[name] = self._stack.enter_context(PatchFile(self._folder / name))
        return self._files[name]

    def close(self) -> None:
        self._stack.close()


def check_file(project: Project, name: str, digest_wanted: str | None) -> None:
    """Raise `LedgerError` when a file of patches isn't the one that was recorded."""
    path = project.patches / name
    if not path.is_file() or digest_file(path) != digest_wanted:
        raise LedgerError(f"{path}: missing or not as it was recorded; bring it back from a copy or use --fresh")


def render_row(scan: Frame, restored: Frame, changed: Sequence[Mask] | None, altered: float) -> RenderRow:
    """The digests of a frame as it is written."""
    whole = digest(restored)
    if changed is None:
        return RenderRow(scan.index, altered, whole, whole, whole)
    return RenderRow(scan.index, altered, digest_outside(scan, changed), digest_outside(restored, changed), whole)


def held_mask(held: Sequence[Held], info: ScanInfo) -> Mask:
    """Where held defects lie, (height, width)."""
    mask = np.zeros((info.height, info.width), np.bool_)
    for one in held:
        mask[one.defect.box.rows, one.defect.box.columns] |= one.defect.mask
    return mask
