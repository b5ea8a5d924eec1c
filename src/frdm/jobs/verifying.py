"""The proof that a restored film is its scan but for the recorded repairs, frame by frame, from the files themselves."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from frdm.errors import LedgerError, MediaError, SettingsChanged
from frdm.film import Encoding, Frame, Mask, ScanInfo
from frdm.jobs.estimating import picture
from frdm.jobs.manifests import FrameMd5, check_names, write_manifests
from frdm.jobs.outputs import identity_of
from frdm.jobs.project import REPORT, Project, existing
from frdm.jobs.recording import Patches, render_row
from frdm.ledger.decisions import repairs_between
from frdm.ledger.records import OutputRow
from frdm.media.copies import first_other_byte
from frdm.media.scan import Scan, info_at, open_scan
from frdm.recipe import Recipe, recipe_from
from frdm.rendering import altered_mask, composite, first_difference

LOSSLESS = frozenset(
    {
        "ffv1",
        "v210",
        "v410",
        "v308",
        "v408",
        "r210",
        "r10k",
        "rawvideo",
        "huffyuv",
        "ffvhuff",
        "utvideo",
        "magicyuv",
        "png",
        "tiff",
        "qtrle",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first sample that isn't as it must be; places count from 0."""

    frame: int
    plane: str
    row: int
    column: int
    wanted: float
    found: float
    inside: bool  # a repair covers the place, but the film shows something else than the record


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was proved. `sentence` says it; `ok` is False when the film differs, or a frame is altered more than the recipe allows."""

    ok: bool
    sentence: str
    frames: int  # frames that were looked at
    first: Difference | None
    lossless: bool
    altered: float  # mean share of a frame's pixels inside repairs
    worst_frame: int | None
    worst_altered: float
    codec_max: float | None = None  # of lossy films: greatest and mean error in code values; None where depths differ
    codec_mean: float | None = None
    written: tuple[Path, ...] = ()  # manifests


def verify(
    scan: str | Path,
    restored: str | Path,
    project: str | Path,
    *,
    manifests: Sequence[str] = (),
    watch: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Prove that every sample of `restored` outside the accepted repairs equals the scan's, and inside equals the record.

    A lossy film can't equal it: there the frames before encoding are made again and proved, and the codec's errors measured.
    `manifests`: of "framemd5", "md5", "xxh128", "mhl", written into the project (an MHL beside the film). `watch(frame, frames)` is called
    after each frame. Raises `FrdmError`s where nothing can be proved: another scan, an unfinished project.
    """
    check_names(manifests)
    with ExitStack() as stack:
        opened = stack.enter_context(existing(Path(project), alone=False))
        recipe = recipe_from(json.loads(opened.row.recipe), str(project))
        film = stack.enter_context(open_scan(scan, transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills))
        if film.identity() != opened.row.identity:
            raise SettingsChanged(f"{scan}: not the film that {project} was made of, or its bytes have changed since; give that film")
        meant = recipe.transfer if recipe.stills else film.info.encoding.transfer  # every picture says its own
        made = stack.enter_context(open_scan(restored, transfer=meant, fields=True, stills=recipe.stills))
        proof = Proof(opened, recipe, film, made)
        stack.callback(proof.close)
        sums = FrameMd5(made.info) if "framemd5" in manifests else None
        proof.run(sums, watch)
        folder = opened.folder.resolve()
        written = write_manifests(Path(restored).resolve(), folder, manifests)
        if sums is not None:
            written.insert(0, sums.write(folder / f"{Path(restored).resolve().name}.framemd5"))
        return proof.result(tuple(written))


class Proof:
    """The state of one verification."""

    def __init__(self, project: Project, recipe: Recipe, scan: Scan, made: Scan) -> None:
        self._project, self._recipe, self._scan, self._made = project, recipe, scan, made
        self._output = _output(project, made.info.path)
        rendered = project.ledger.renders(self._output.number)
        self._codes = {row.frame: row.codes for row in rendered}
        self._pairs = _pairs(project, self._output) or {row.frame: (row.scan, row.restored) for row in rendered}
        self._patches = Patches(project)
        self.lossless = is_lossless(made.info)
        self._first: Difference | None = None
        self._complaint = self._form()
        self._shares: dict[int, float] = {}
        self._errors = _Errors()

    def close(self) -> None:
        self._patches.close()

    def run(self, sums: FrameMd5 | None, watch: Callable[[int, int], None] | None) -> None:
        """Look at all frames, or up to the first that differs."""
        row = self._project.row
        wanted, films = row.stop - row.start, self._made.frames()
        for scanned in () if self._complaint else self._scan.frames(row.start, row.stop):
            try:
                made = next(films)
            except MediaError as error:
                self._complaint = f"frame {scanned.index} can't be read: {error}"
                break
            self._frame(scanned, Frame(scanned.index, made.planes))
            if sums is not None:
                sums.add(made)
            if watch is not None:
                watch(len(self._shares), wanted)
            if self._complaint:
                break

    def _form(self) -> str:
        """What is wrong with the film as a whole; "" if nothing."""
        row, b, output = self._project.row, self._made.info, self._output
        wanted = row.stop - row.start
        if b.length != wanted:
            return f"has {b.length} frames where the project has {wanted}"
        for index in range(row.start, row.stop if self._recipe.stills else row.start + 1):
            if complaint := self._other_form(index):
                return complaint
        if not self.lossless and Path(output.path).name == b.path.name and self._made.identity() != output.identity:
            return "its bytes are not those that were written then"
        return ""

    def _other_form(self, index: int) -> str:
        """In what a frame's form isn't the scan's; "" if in nothing."""
        a, b = info_at(self._scan, index), info_at(self._made, index - self._project.row.start)
        which = f"has {b.names[0]}, which " if self._recipe.stills and b.names else ""
        if (a.width, a.height) != (b.width, b.height):
            return f"{which}is {b.width} × {b.height} where the scan is {a.width} × {a.height}"
        if self.lossless and form_of(a.encoding) != form_of(b.encoding):
            return f"{which}is {picture(b, b.length)} where the scan is {picture(a, b.length)}"
        return ""

    def _frame(self, scanned: Frame, made: Frame) -> None:
        """Prove one frame; the first complaint stays."""
        index = scanned.index
        info, other = info_at(self._scan, index), info_at(self._made, index - self._project.row.start)
        encoding = info.encoding
        rows = repairs_between(self._project.ledger, index, stop=index + 1, decision=self._output.decision)
        patches = self._patches.of([row for row in rows if row.status == "accepted"])
        wanted, changed = composite(scanned, patches, encoding)
        mask = altered_mask(changed, encoding, height=info.height, width=info.width)
        self._shares[index] = float(np.count_nonzero(mask)) / mask.size
        if self.lossless:
            self._compare(wanted, made, changed)
        else:
            self._errors.add(wanted, made, encoding=encoding, other=other.encoding)
        self._check_digests(scanned, wanted, changed)
        self._check_bytes(wanted, changed)

    def _compare(self, wanted: Frame, made: Frame, changed: Sequence[Mask] | None) -> None:
        place = first_difference(wanted.planes, made.planes)
        if place is None:
            return
        plane, row, column = place
        inside = changed is not None and plane < len(changed) and bool(changed[plane][row, column])
        codes = [float(frame.planes[plane][row, column]) if plane < len(frame.planes) else float("nan") for frame in (wanted, made)]
        name = plane_name(info_at(self._scan, wanted.index).encoding, plane)
        self._first = Difference(wanted.index, name, row, column, codes[0], codes[1], inside)
        what = "inside a repair, but not as recorded" if inside else "outside of all repairs"
        self._complaint = (
            f"frame {wanted.index}, plane {name}, row {row}, column {column}: code {codes[1]:g} where {codes[0]:g} was wanted ({what})"
        )

    def _check_digests(self, scanned: Frame, wanted: Frame, changed: Sequence[Mask] | None) -> None:
        row = render_row(scanned, wanted, changed, 0)
        recorded = self._pairs.get(scanned.index)
        if self._complaint:
            return
        if row.scan != row.restored or row.codes != self._codes.get(scanned.index):
            self._complaint = f"frame {scanned.index}: made again from scan and repairs it isn't what was written then"
        elif recorded != (row.scan, row.restored):
            self._complaint = f"frame {scanned.index}: the digests in {REPORT} are not those of scan and film"

    def _check_bytes(self, wanted: Frame, changed: Sequence[Mask] | None) -> None:
        """Of sequences: header, padding and unused bits too, where they must be the scan's."""
        if self._complaint:
            return
        place = first_other_byte(self._scan, self._made, wanted, changed, place=wanted.index - self._project.row.start)
        if place is not None:
            what = "holds no code and isn't the scan's (header, padding or unused bits)"
            self._complaint = f"frame {wanted.index}: byte {place[1]} of {place[0].name} {what}"

    def result(self, written: tuple[Path, ...]) -> VerifyResult:
        """What was proved; `written` are the manifests."""
        worst = max(self._shares, key=lambda frame: self._shares[frame], default=None)
        most = self._shares[worst] if worst is not None else 0.0
        if not self._complaint and most > self._recipe.most_altered:
            cap = f"above the recipe's {self._recipe.most_altered:.2%} (most_altered)"
            self._complaint = f"frame {worst}: {most:.2%} of its pixels lie in repairs, {cap}"
        mean = sum(self._shares.values()) / max(1, len(self._shares))
        return VerifyResult(
            ok=not self._complaint,
            sentence=f"{self._made.info.path}: {self._complaint or self._proved(mean, most, worst)}",
            frames=len(self._shares),
            first=self._first,
            lossless=self.lossless,
            altered=mean,
            worst_frame=worst if most > 0 else None,
            worst_altered=most,
            codec_max=None if self.lossless else self._errors.greatest,
            codec_mean=None if self.lossless else self._errors.mean,
            written=written,
        )

    def _proved(self, mean: float, most: float, worst: int | None) -> str:
        area = f"repairs cover {mean:.4%} of it" + (f", at most {most:.3%} (frame {worst})" if most > 0 else "")
        if self.lossless:
            return f"all {len(self._shares)} frames equal the scan outside the recorded repairs and the record inside; {area}"
        errors = "the codec's depth differs, its error was not measured"
        if self._errors.greatest is not None:
            errors = f"the codec's greatest error is {self._errors.greatest:g} codes, the mean {self._errors.mean:.3g}"
        return f"all {len(self._shares)} frames before encoding equal the scan outside the recorded repairs; {area}; {errors}"


class _Errors:
    """Errors of a codec over all samples of picture planes."""

    def __init__(self) -> None:
        self.greatest: float | None = None
        self._sum, self._count = 0.0, 0

    @property
    def mean(self) -> float | None:
        return self._sum / self._count if self._count else None

    def add(self, wanted: Frame, made: Frame, *, encoding: Encoding, other: Encoding) -> None:
        """Add one frame; films of other depth or layout aren't compared."""
        if (encoding.layout, encoding.bits, encoding.subsampling) != (other.layout, other.bits, other.subsampling):
            return
        for a, b in zip(wanted.planes[: encoding.pictures], made.planes[: encoding.pictures], strict=True):
            error = np.abs(a.astype(np.float64) - b)
            self.greatest = max(self.greatest or 0.0, float(error.max()))
            self._sum += float(error.sum())
            self._count += error.size


def is_lossless(made: ScanInfo) -> bool:
    """Whether a restored film must hold every code as it was given."""
    return bool(made.names) or made.codec in LOSSLESS


def form_of(encoding: Encoding) -> tuple[object, ...]:
    """What two films must share whose codes are compared."""
    return encoding.layout, encoding.bits, encoding.floating, encoding.subsampling


def plane_name(encoding: Encoding, plane: int) -> str:
    """A plane's name, for sentences."""
    names: Mapping[str, tuple[str, ...]] = {"y": ("Y",), "rgb": ("R", "G", "B"), "ycbcr": ("Y", "Cb", "Cr")}
    every = (*names[encoding.layout], *encoding.extra)
    return every[plane] if plane < len(every) else str(plane)


def _output(project: Project, path: Path) -> OutputRow:
    """The record of the film at `path`, or, if it was moved, of the one that has its identity, or of the newest."""
    finished = [output for output in project.ledger.outputs() if output.state == "finished"]
    if not finished:
        raise LedgerError(f"{project.folder}: no film was finished from this project; run frdm restore again to go on with it")
    here = [output for output in finished if output.path == str(path.resolve())]
    if here:
        return here[-1]
    identity = identity_of(path)
    return next((output for output in reversed(finished) if output.identity == identity), finished[-1])


def _pairs(project: Project, output: OutputRow) -> dict[int, tuple[str, str]] | None:
    """Digest pairs by frame as report.json has them; None where it is about another film of this project."""
    path = project.folder / REPORT
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if report["output"]["codes"] != output.codes:
            return None
        columns: list[str] = report["frames"]["columns"]
        frame, scan, made = (columns.index(name) for name in ("frame", "scan_outside", "restored_outside"))
        return {row[frame]: (row[scan], row[made]) for row in report["frames"]["rows"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LedgerError(f"{path}: the report is missing or broken ({error}); frdm report {project.folder} makes it anew") from None
