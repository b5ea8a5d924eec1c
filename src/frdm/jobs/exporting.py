"""The ledger for other programs: every defect, every decision and look at it, as JSON and as CSV; JSON also carries what people made by
hand and protected (docs/exports.md).

What is read is one moment's state, whatever a running restoration or another seat writes meanwhile.
"""

import csv
import io
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from frdm.errors import OutputError
from frdm.film import Box
from frdm.jobs.carrying import pixels_text, places
from frdm.jobs.export_places import refuse_place, write_text
from frdm.jobs.project import Project, existing
from frdm.ledger.decisions import held, history, repairs
from frdm.ledger.reading import choices, file_digests, marked, one_state, reviews
from frdm.ledger.records import DecisionRow, HeldRow, RepairRow, ReviewRow, ShotRow

FORMAT = "frdm ledger"
VERSION = 2
COLUMNS = (
    "id",
    "status",
    "shot",
    "frame",
    "first_frame",
    "last_frame",
    "top",
    "left",
    "bottom",
    "right",
    "kind",
    "polarity",
    "confidence",
    "track",
    "detector",
    "source",
    "sources",
    "engine",
    "weights",
    "seed",
    "trust",
    "altered",
    "reason",
    "reviewed",
    "aside",
    "replaces",
    "mends",
    "initial",
    "decided_by",
    "decided_at",
    "decisions",
    "reviews",
    "film",
    "settings",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets would run


@dataclass(frozen=True, slots=True)
class Found:
    """All defects of a project as plain values, in the order of frames, with what belongs to all of them."""

    defects: tuple[Mapping[str, Any], ...]
    shots: tuple[ShotRow, ...]
    files: Mapping[str, str]  # patches: name → xxh3_128
    protections: tuple[Mapping[str, Any], ...] = ()
    by_hand: tuple[RepairRow, ...] = ()  # repairs that people made, whose pixels JSON carries


def export_ledger(project: str | Path, out: str | Path, form: Literal["json", "csv"], *, overwrite: bool = False) -> int:
    """Write all defects and decisions to the file `out`; how many defects. Raises `LedgerError`, `OutputError`."""
    place = Path(out)
    require_suffix(place, f".{form}")
    with existing(Path(project), alone=False) as opened:
        refuse_place(opened, place, overwrite=overwrite)
        found = read_found(opened)
        write_text(place, as_json(opened, found) if form == "json" else as_csv(opened, found))
    return len(found.defects)


def require_suffix(out: Path, suffix: str) -> None:
    """A file's name says what it is, so that --overwrite never takes a film. Raises `OutputError`."""
    if out.suffix.lower() != suffix:
        raise OutputError(f"{out}: a name that ends in {suffix} was wanted; give one, or another form with --as")


def read_found(project: Project) -> Found:
    """Everything that was found, as it stands now."""
    ledger = project.ledger
    with one_state(ledger):
        mended, kept, shots, files = repairs(ledger), held(ledger), ledger.shots(), file_digests(ledger)
        made = _decisions(history(ledger), choices(ledger))
        looked, known, protected = _reviews(reviews(ledger)), marked(ledger), tuple(places(project))
    starts = [row.shot.start for row in shots]
    values = [_repair(row, made.get(row.id, []), files, order) for order, row in enumerate(mended, 1)]
    values += [_held(row, shots[bisect_right(starts, row.box.frame) - 1].number) for row in kept]
    for one in values:
        one["reviewed"], one["aside"], one["replaces"], one["mends"] = known[one["id"]]
        one["reviews"] = looked.get(one["id"], [])
    _add_frames(values)
    by_hand = tuple(row for row in mended if row.span is None)
    return Found(tuple(sorted(values, key=lambda one: (one["frame"], one["id"]))), tuple(shots), files, protected, by_hand)


def as_json(project: Project, found: Found) -> Iterator[str]:
    """The file's text, piece by piece: a defect a line."""
    row, info = project.row, json.loads(project.row.info)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "film": {"name": Path(row.film).name, "identity": row.identity, **{k: v for k, v in info.items() if k != "path"}},
        "project": {
            "range": [row.start, row.stop],
            "settings": row.settings,
            "recipe": json.loads(row.recipe),
            "versions": json.loads(row.versions),
            "begun": row.created,
        },
        "shots": [{"number": shot.number, "start": shot.shot.start, "stop": shot.shot.stop} for shot in found.shots],
        "patch_files": dict(found.files),
    }
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "protections": ['
    for number, place in enumerate(found.protections):
        yield f"{',' if number else ''}\n  {json.dumps(place, ensure_ascii=False)}"
    yield '\n ],\n "pixels": {'
    for number, made in enumerate(found.by_hand):
        yield f"{',' if number else ''}\n  {json.dumps(made.id)}: {json.dumps(pixels_text(project, made))}"
    yield '\n },\n "defects": ['
    for number, one in enumerate(found.defects):
        yield f"{',' if number else ''}\n  {json.dumps(one, ensure_ascii=False)}"
    yield "\n ]\n}\n"


def as_csv(project: Project, found: Found) -> Iterator[str]:
    """The file's text: a line of names, then a line a defect, which knows of which film and project it is."""
    yield _line(COLUMNS)
    for one in found.defects:
        last = one["decisions"][-1] if one["decisions"] else {"who": "", "at": ""}
        values = {
            **one,
            "first_frame": one["frames"][0],
            "last_frame": one["frames"][1] - 1,
            **dict(zip(("top", "left", "bottom", "right"), one["box"], strict=True)),
            "sources": " ".join(map(str, one["sources"])),
            "reason": _harmless(one["reason"] or ""),
            "decided_by": _harmless(last["who"]),
            "decided_at": last["at"],
            "decisions": json.dumps(one["decisions"], ensure_ascii=False),
            "reviews": json.dumps(one["reviews"], ensure_ascii=False),
            "film": f"film-{project.row.identity}",  # a word before it, or spreadsheets take some digests for numbers
            "settings": f"settings-{project.row.settings}",
        }
        yield _line([values[name] for name in COLUMNS])


def source_words(engine: str, frame: int, sources: Sequence[int]) -> str:
    """Where a fill came from, in words: `neighbours n+1 n-1`, `across`, `diffusion`, `painted`; "" where there is none."""
    return " ".join([engine, *(f"n{source - frame:+d}" for source in sources if source != frame)])


def _repair(row: RepairRow, decisions: list[dict[str, Any]], files: Mapping[str, str], order: int) -> dict[str, Any]:
    made, frame = row.provenance, row.box.frame
    return {
        "id": row.id,
        "status": row.status,
        "shot": row.shot,
        "frame": frame,
        "frames": [],
        "box": _corners(row.defect_box),
        "kind": row.kind,
        "polarity": row.polarity,
        "confidence": row.confidence,
        "track": row.track,
        "detector": made.detector,
        "source": source_words(made.engine, frame, made.sources),
        "sources": list(made.sources),
        "engine": made.engine,
        "weights": made.weights,
        "seed": made.seed,
        "trust": made.trust,
        "altered": row.altered,
        "reason": None,
        "patch": {"file": row.file, "hash": files[row.file], "place": row.place, "box": _corners(row.box), "order": order},
        "initial": row.initial,
        "decisions": decisions,
    }


def _held(row: HeldRow, shot: int) -> dict[str, Any]:
    """A defect that was not touched: of a fill it knows nothing."""
    return {
        "id": row.id,
        "status": "held",
        "shot": shot,
        "frame": row.box.frame,
        "frames": [],
        "box": _corners(row.box),
        "kind": row.kind,
        "polarity": row.polarity,
        "confidence": row.confidence,
        "track": row.track,
        **dict.fromkeys(("detector", "engine", "weights", "seed", "trust")),
        "source": "",
        "sources": [],
        "altered": 0,
        "reason": row.reason,
        "patch": None,
        "initial": "held",
        "decisions": [],
    }


def _decisions(lines: Sequence[DecisionRow], chosen: Mapping[int, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By repair: all that was ever decided about it, oldest first."""
    made: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        values = {"number": line.number, "action": line.action, "verb": line.verb, "who": line.who, "at": line.at}
        values |= {"before": line.before, "after": line.after, "undoes": line.undoes, "choice": chosen.get(line.action, {})}
        made.setdefault(line.repair, []).append(values)
    return made


def _reviews(lines: Sequence[ReviewRow]) -> dict[str, list[dict[str, Any]]]:
    """By defect: every time that somebody looked at it and left it as it is, oldest first."""
    made: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        values = {"number": line.number, "action": line.action, "verb": line.verb, "who": line.who, "at": line.at}
        made.setdefault(line.defect, []).append(values | {"seen": bool(line.seen), "undoes": line.undoes})
    return made


def _add_frames(values: Sequence[dict[str, Any]]) -> None:
    """First frame and the one after the last: of a standing defect's whole track in its shot, else of the defect itself."""
    tracks: dict[tuple[int, int], list[int]] = {}
    for one in values:
        if one["track"] is not None:
            tracks.setdefault((one["shot"], one["track"]), []).append(one["frame"])
    for one in values:
        frames = tracks.get((one["shot"], one["track"]), [one["frame"]])
        one["frames"] = [min(frames), max(frames) + 1]


def _corners(box: Box) -> list[int]:
    return [box.top, box.left, box.bottom, box.right]


def _line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
