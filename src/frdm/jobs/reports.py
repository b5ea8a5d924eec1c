"""What a project has to tell: the summary at the end of a job, report.json, and crops for people to look at.

Equal films, recipes and decisions give an equal report, but for what stands under "run": the place, the host and the time.
"""

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from frdm.film import Box, ScanInfo
from frdm.jobs.progress import Summary
from frdm.jobs.project import REPORT, Project, existing, film_of
from frdm.jobs.recording import Patches
from frdm.ledger.decisions import held, history, repairs, repairs_between
from frdm.ledger.patches import sync_folder
from frdm.ledger.records import OutputRow, RenderRow, Selection
from frdm.ledger.store import now
from frdm.ledger.tallies import HeldTally, Tally, held_tallies, notable, repair_tallies
from frdm.media.scan import info_at, open_scan
from frdm.recipe import recipe_from
from frdm.rendering import Crop, composite, cut

VERSION = 1
SURROUND = 40  # px of a 480-line picture around a cropped repair


def summarise(project: Project, out: Path | None, *, mattes: Path | None, seconds: float) -> Summary:
    """What came of the project so far."""
    mended, kept = repair_tallies(project.ledger), held_tallies(project.ledger)
    found: Counter[str] = Counter()
    for kind, _, count in _counted(mended, kept):
        found[kind] += count
    shares = _altered(project)
    worst = max(shares, key=lambda frame: shares[frame], default=None)
    return Summary(
        film=Path(project.row.film),
        out=out,
        project=project.folder,
        mattes=mattes,
        frames=project.row.stop - project.row.start,
        shots=len(project.ledger.shots()),
        found=dict(sorted(found.items())),
        mended=sum(t.count for t in mended if t.status == "accepted"),
        rejected=sum(t.count for t in mended if t.status == "rejected"),
        held=_reasons(mended, kept),
        altered=sum(shares.values()) / max(1, len(shares)),
        worst_frame=worst if worst is not None and shares[worst] > 0 else None,
        worst_altered=0.0 if worst is None else shares[worst],
        seconds=seconds,
        engines=_engines(mended),
    )


def report_data(project: str | Path) -> dict[str, Any]:
    """The content of report.json, made anew from the ledger as it stands. Raises `LedgerError`."""
    with existing(Path(project), alone=False) as opened:
        return report_of(opened, _read(opened.folder).get("run", {}).get("seconds"))


def write_report(project: Project, seconds: float | None) -> Path:
    """Write report.json, whole or not at all."""
    path = project.folder / REPORT
    unfinished = path.with_name(path.name + ".part")
    text = json.dumps(report_of(project, seconds), ensure_ascii=False, indent=1)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)
    sync_folder(project.folder)
    return path


def is_about(project: Project, output: OutputRow) -> bool:
    """Whether report.json is there and about this film."""
    said = _read(project.folder).get("output") or {}
    return bool(said.get("codes") == output.codes)


def _read(folder: Path) -> dict[str, Any]:
    """report.json as it lies there; empty when there is none."""
    try:
        report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def report_of(project: Project, seconds: float | None) -> dict[str, Any]:
    """The report of an open project."""
    row, ledger = project.row, project.ledger
    info, versions = json.loads(row.info), json.loads(row.versions)
    outputs = [output for output in ledger.outputs() if output.state == "finished"]
    summary = summarise(project, None, mattes=None, seconds=0)
    lines = history(ledger)
    return {
        "report": VERSION,
        "film": {**{k: v for k, v in info.items() if k != "path"}, "name": Path(row.film).name, "identity": row.identity},
        "range": [row.start, row.stop],
        "settings": json.loads(row.recipe),
        "versions": versions,
        "totals": _totals(summary),
        "shots": _shots(project),
        "held": _held(project),
        "decisions": [{"repair": d.repair, "verb": d.verb, "before": d.before, "after": d.after} for d in lines],
        "output": _output(outputs[-1]) if outputs else None,
        "frames": _frames(project, outputs[-1] if outputs else None),
        "run": {
            "film": row.film,
            "project": str(project.folder.resolve()),
            "output": outputs[-1].path if outputs else None,
            "host": platform.node(),
            "system": platform.platform(),
            "written": now(),
            "begun": row.created,
            "finished": outputs[-1].finished if outputs else None,
            "seconds": seconds,
            "people": sorted({line.who for line in lines}),
        },
    }


def _totals(summary: Summary) -> dict[str, Any]:
    """The counts of all shots."""
    return {
        "frames": summary.frames,
        "shots": summary.shots,
        "found": dict(summary.found),
        "mended": summary.mended,
        "rejected": summary.rejected,
        "held": dict(summary.held),
        "engines": dict(summary.engines),
        "altered": summary.altered,
        "worst_frame": summary.worst_frame,
        "worst_altered": summary.worst_altered,
    }


def crops(project: str | Path, n: int = 12) -> Iterator[Crop]:
    """Up to `n` repairs before and after, spread over the film, the greatest of each part of it. Raises `LedgerError`, `MediaError`."""
    with existing(Path(project), alone=False) as opened:
        recipe = recipe_from(json.loads(opened.row.recipe), str(project))
        chosen = repairs(opened.ledger, Selection(ids=tuple(notable(opened.ledger, n)))) if n > 0 else []
        chosen = [row for row in chosen if row.status == "accepted"]
        if not chosen:
            return
        with ExitStack() as stack:
            scan = stack.enter_context(open_scan(film_of(opened), transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills))
            patches = Patches(opened)
            stack.callback(patches.close)
            for row in chosen:
                frame, info = scan.frame(row.box.frame), info_at(scan, row.box.frame)
                encoding = info.encoding
                there = [r for r in repairs_between(opened.ledger, frame.index, stop=frame.index + 1) if r.status == "accepted"]
                after, _ = composite(frame, patches.of(there), encoding)
                box = around(row.defect_box, info)
                before = cut(frame, box, encoding)
                yield Crop(before, cut(after, box, encoding), encoding, box, row.id, row.kind, row.provenance.engine, row.status)


def around(box: Box, info: ScanInfo) -> Box:
    """A box with some surround, inside the frame, on whole chroma samples."""
    margin = round(SURROUND * info.height / 480)
    v, h = info.encoding.step(1) if info.encoding.pictures > 1 else (1, 1)
    top, left = max(0, box.top - margin) // v * v, max(0, box.left - margin) // h * h
    return Box(box.frame, top, left, min(info.height, box.bottom + margin), min(info.width, box.right + margin))


def _altered(project: Project) -> Mapping[int, float]:
    """Share of pixels altered, by frame: of the newest film, or before any was made of the analysis."""
    finished = [output for output in project.ledger.outputs() if output.state == "finished"]
    if finished:
        return {row.frame: row.altered for row in project.ledger.renders(finished[-1].number)}
    return {row.frame: row.altered for row in project.ledger.frames()}


def _counted(mended: Sequence[Tally], kept: Sequence[HeldTally]) -> list[tuple[str, str, int]]:
    """(kind, polarity, count) of all that was found."""
    return [(t.kind, t.polarity, t.count) for t in mended] + [(t.kind, t.polarity, t.count) for t in kept]


def _engines(mended: Sequence[Tally]) -> dict[str, int]:
    """Accepted repairs by what mended them."""
    engines: Counter[str] = Counter()
    for repair in mended:
        if repair.status == "accepted":
            engines[repair.engine] += repair.count
    return dict(sorted(engines.items()))


def _reasons(mended: Sequence[Tally], kept: Sequence[HeldTally]) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for tally in kept:
        reasons[plain(tally.reason)] += tally.count
    waiting = sum(t.count for t in mended if t.status == "held")
    if waiting:
        reasons["its fill waits for a decision"] += waiting
    return dict(sorted(reasons.items()))


def plain(reason: str) -> str:
    """A reason without the figures that stand in brackets behind it, so that like ones count together."""
    return reason.partition(" (")[0]


def _shots(project: Project) -> list[dict[str, Any]]:
    mended, kept, shares = repair_tallies(project.ledger), held_tallies(project.ledger), _altered(project)
    start, stop = project.row.start, project.row.stop
    return [
        _shot(row.number, (max(row.shot.start, start), min(row.shot.stop, stop)), (mended, kept), shares) for row in project.ledger.shots()
    ]


def _shot(
    number: int, bounds: tuple[int, int], tallies: tuple[Sequence[Tally], Sequence[HeldTally]], shares: Mapping[int, float]
) -> dict[str, Any]:
    mended, kept = [t for t in tallies[0] if t.shot == number], [t for t in tallies[1] if t.shot == number]
    found: dict[str, Counter[str]] = {}
    for kind, polarity, count in _counted(mended, kept):
        found.setdefault(kind, Counter())[polarity] += count
    inside = {frame: shares[frame] for frame in range(*bounds) if frame in shares}
    worst = max(inside, key=lambda frame: inside[frame], default=None)
    return {
        "number": number,
        "start": bounds[0],
        "stop": bounds[1],
        "found": {kind: dict(sorted(by.items())) for kind, by in sorted(found.items())},
        "mended": sum(t.count for t in mended if t.status == "accepted"),
        "rejected": sum(t.count for t in mended if t.status == "rejected"),
        "held": _reasons(mended, kept),
        "engines": _engines(mended),
        "altered": sum(inside.values()) / max(1, len(inside)),
        "worst_frame": worst if worst is not None and inside[worst] > 0 else None,
    }


def _frames(project: Project, output: OutputRow | None) -> dict[str, Any]:
    """A row a frame; the digests are xxh3_128 of all samples outside the accepted repairs, those inside taken as 0."""
    rendered: dict[int, RenderRow] = {} if output is None else {row.frame: row for row in project.ledger.renders(output.number)}
    rows: list[list[Any]] = []
    for frame in project.ledger.frames():
        made = rendered.get(frame.frame)
        digests = [None, None] if made is None else [made.scan, made.restored]
        rows.append([frame.frame, frame.noise, frame.repeats, frame.altered if made is None else made.altered, *digests])
    return {"columns": ["frame", "noise", "repeats", "altered", "scan_outside", "restored_outside"], "rows": rows}


def _output(output: OutputRow) -> dict[str, Any]:
    values = asdict(output) | {"name": Path(output.path).name, "warnings": list(output.warnings)}
    return {name: values[name] for name in ("name", "codec", "decision", "identity", "codes", "warnings")}


def _held(project: Project) -> list[dict[str, Any]]:
    """What was found and not touched, but for what a person mended after all."""
    rows = (row for row in held(project.ledger) if not row.aside)
    return [{**_place(row.box), "id": row.id, "kind": row.kind, "polarity": row.polarity, "reason": row.reason} for row in rows]


def _place(box: Box) -> dict[str, Any]:
    return {"frame": box.frame, "box": [box.top, box.left, box.bottom, box.right]}
