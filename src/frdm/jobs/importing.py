"""What a JSON or CSV file of `frdm export` says that people did, taken over by a copy of the same project.

Matched by repair id, and only where film, settings and the repair itself are the same; recorded as new entries, with who decided and when.
A `status` that a person changed in the file is a decision of whoever imports it, made when the file was last written. `arriving_by_hand`
takes what JSON carries beside: repairs that people made, with their pixels, and protected places.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from frdm.errors import LedgerError, RecipeError, SettingsChanged
from frdm.film import Status
from frdm.jobs.arriving_by_hand import ByHandRow, PlaceRow, Theirs, brought_of
from frdm.jobs.by_hand import discard
from frdm.jobs.deciding import person
from frdm.jobs.exporting import FORMAT, VERSION
from frdm.jobs.project import Project, existing
from frdm.ledger.arriving import ForeignReview
from frdm.ledger.decisions import repairs
from frdm.ledger.merging import Foreign, Merged, merge
from frdm.ledger.reading import marked
from frdm.ledger.records import By, RepairRow

M = TypeVar("M", bound=BaseModel)
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Entry(BaseModel):
    """One line of a defect's history in the file: who did what to it, when; `undoes`: the number of the line that it takes back."""

    number: int = Field(ge=1)
    action: int = Field(ge=1)
    verb: Word
    who: Annotated[str, StringConstraints(max_length=200)]
    at: AwareDatetime
    undoes: int | None = None

    @property
    def utc(self) -> str:
        """When, as the ledger writes it."""
        return self.at.astimezone(UTC).isoformat(timespec="seconds")


class Decision(Entry):
    """One decision."""

    after: Status


class Review(Entry):
    """One look at a defect, or the undo of one."""

    seen: bool


class Row(BaseModel):
    """One defect in the file, as far as an import needs it."""

    id: Word
    status: Status
    frame: int = Field(ge=0)
    kind: Word
    engine: str | None = None
    box: tuple[int, int, int, int]  # top, left, bottom, right
    initial: Status
    decisions: tuple[Decision, ...] = ()
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a file says: which film and settings it is about, its defects, and what people made and protected in it."""

    identity: str
    settings: str
    rows: tuple[Row, ...]
    by_hand: tuple[ByHandRow, ...] = ()
    places: tuple[PlaceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    merged: Merged
    edited: int = 0  # statuses that were changed in the file by hand
    unknown: int = 0  # defects with decisions that this project doesn't have; only where `partly`


def import_decisions(project: str | Path, file: str | Path, *, who: str = "", partly: bool = False, rehearse: bool = False) -> Imported:
    """Take over what people did according to `file`; `rehearse` only says what would come of it.

    `partly`: leave out decisions on repairs that this project doesn't have and the file has no pixels of (painted in another copy; CSV
    carries none), which are refused otherwise. Raises `LedgerError` for a file that isn't an export, or is of other repairs,
    `SettingsChanged` when it is of another film or other settings, `MediaError` where the film is needed to take repairs over.
    """
    path = Path(file)
    given, by = read_given(path), By(who or person())
    with existing(Path(project), alone=False) as opened:
        _require_same(opened, given, path)
        there, listed = {row.id: row for row in repairs(opened.ledger)}, marked(opened.ledger)
        coming = {one.id for one in given.by_hand}
        known = [row for row in given.rows if row.id in coming or row.id in there]
        unknown = [row for row in given.rows if row.id not in coming | there.keys() and (row.decisions or row.status != row.initial)]
        _refuse_unknown(opened, unknown, path, partly=partly)
        for row in known:
            if row.id not in coming:
                _require_same_repair(there[row.id], row, path)
        edits = list(_edited(known, path, by.who))
        decided = [_foreign(row.id, one) for row in known for one in row.decisions]
        looked = [_review(row.id, one) for row in given.rows if row.id in coming or row.id in listed for one in row.reviews]
        brought = brought_of(opened, Theirs(given.by_hand, given.places, looked, decided), path)
        try:
            merged = merge(opened.ledger, [*decided, *edits], by, source=path.name, brought=brought, rehearse=rehearse)
        finally:
            discard(opened, brought.file)
    return Imported(merged, len(edits), len(unknown))


def read_given(path: Path) -> Given:
    """Read an export. Raises `LedgerError`, in one sentence, for anything else."""
    form = path.suffix.lower()
    if form not in (".json", ".csv"):
        raise RecipeError(f"{path}: decisions come from the .json or .csv that frdm export wrote; give one of them")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LedgerError(f"{path}: can't be read ({error.strerror or error}); give a file that exists") from None
    except UnicodeDecodeError:
        raise LedgerError(f"{path}: not UTF-8 text, as frdm export writes; save it as UTF-8 or export it anew") from None
    given = _from_json(text, path) if form == ".json" else _from_csv(text, path)
    seen: set[str] = set()
    for row in given.rows:
        if row.id in seen:
            raise LedgerError(f"{path}: the repair {row.id} stands in it twice, once was wanted; remove one line")
        seen.add(row.id)
    return given


def _from_json(text: str, path: Path) -> Given:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{path}: not JSON ({error}); export it anew") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise LedgerError(f'{path}: JSON, but no export of a ledger ("format": "{FORMAT}" was wanted); give what frdm export wrote')
    if values.get("version") not in range(1, VERSION + 1):
        found = values.get("version")
        raise LedgerError(f"{path}: version {found} of the format, this frdm knows 1 to {VERSION}; use the frdm that wrote it")
    try:
        identity, settings = str(values["film"]["identity"]), str(values["project"]["settings"])
        defects, pixels, places = values["defects"], values.get("pixels", {}), values.get("protections", [])
        if not (isinstance(defects, list) and isinstance(pixels, dict) and isinstance(places, list)):
            raise TypeError
    except (KeyError, TypeError):
        raise LedgerError(f"{path}: film, project or defects are missing in it; export it anew") from None
    rows = tuple(_row(one, f"{path}: defect {n}") for n, one in enumerate(defects, 1))
    drawn = [one | {"pixels": pixels[one["id"]]} for one in defects if one["id"] in pixels]
    by_hand = tuple(_model(ByHandRow, one, f"{path}: repair {one['id']}") for one in drawn)
    protected = tuple(_model(PlaceRow, one, f"{path}: protection {n}") for n, one in enumerate(places, 1))
    return Given(identity, settings, rows, tuple(sorted(by_hand, key=lambda one: one.patch.order)), protected)


def _from_csv(text: str, path: Path) -> Given:
    """Columns may stand in any order and others may be added; a spreadsheet may have put semicolons or tabs between them."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    wanted = {"id", "status", "frame", "kind", "top", "left", "bottom", "right", "initial", "decisions", "film", "settings"}
    missing = sorted(wanted - set(reader.fieldnames or ()))
    if missing:
        raise LedgerError(f"{path}: the column {missing[0]} is missing; give a CSV that frdm export wrote, with all its columns")
    rows, about = [], set()
    try:
        for number, values in enumerate(reader, 2):
            about.add((values["film"], values["settings"]))
            rows.append(_row(_unfolded(values, f"{path}: line {number}"), f"{path}: line {number}"))
    except csv.Error as error:
        raise LedgerError(f"{path}: not CSV ({error}); export it anew") from None
    if len(about) != 1:
        found = "no defect" if not about else "defects of more than one film or project"
        raise LedgerError(f"{path}: {found} found, those of one project were wanted; export it anew")
    film, settings = about.pop()
    return Given((film or "").removeprefix("film-"), (settings or "").removeprefix("settings-"), tuple(rows))


def _unfolded(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A line of CSV as JSON has it."""
    try:
        decisions, reviews = json.loads(values["decisions"] or "[]"), json.loads(values.get("reviews") or "[]")
    except (ValueError, TypeError):
        raise LedgerError(f"{where}: its decisions can't be read; leave that column as frdm export wrote it, and change status") from None
    box = [values[name] for name in ("top", "left", "bottom", "right")]
    return {**values, "status": (values["status"] or "").strip().lower(), "box": box, "decisions": decisions, "reviews": reviews}


def _row(values: Any, where: str) -> Row:
    return _model(Row, values, where)


def _model(model: type[M], values: Any, where: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        what = str(first["msg"])
        raise LedgerError(f"{where}: {place} can't be used ({what[:1].lower()}{what[1:]}); mend it or export it anew") from None


def _require_same(project: Project, given: Given, path: Path) -> None:
    row = project.row
    if given.identity != row.identity:
        raise SettingsChanged(f"{path}: about another film than {project.folder} ({Path(row.film).name}); give an export of the same film")
    if given.settings != row.settings:
        raise SettingsChanged(
            f"{path}: from a project with other settings (recipe, range, version of frdm or weights) than {project.folder}, "
            "so that its ids may mean other repairs; restore with the same settings first"
        )


def _refuse_unknown(project: Project, unknown: Sequence[Row], path: Path, *, partly: bool) -> None:
    held = next((row for row in unknown if row.initial == "held" and row.engine in (None, "")), None)
    if held is not None:
        raise LedgerError(
            f"{path}: the defect {held.id} was held and has no fill, so it can't be {held.status}; set its status back to held"
        )
    if unknown and not partly:
        count = f"{len(unknown)} decided repairs aren't" if len(unknown) > 1 else "one decided repair isn't"
        raise LedgerError(
            f"{path}: {count} in {project.folder}, {unknown[0].id} first; finish the restoration, or give --partly to leave such ones out"
        )


def _require_same_repair(there: RepairRow, row: Row, path: Path) -> None:
    box = there.defect_box
    mine = there.kind, box.frame, (box.top, box.left, box.bottom, box.right), there.initial
    if mine != (row.kind, row.frame, row.box, row.initial):
        raise LedgerError(f"{path}: the repair {row.id} is another one in this project ({there.kind} in frame {box.frame}); export it anew")


def _foreign(repair: str, one: Decision) -> Foreign:
    return Foreign(one.action, one.number, one.verb, one.who, one.utc, repair, one.after, one.undoes)


def _review(defect: str, one: Review) -> ForeignReview:
    return ForeignReview(one.action, one.number, one.verb, one.who, one.utc, defect, one.seen, one.undoes)


def _edited(rows: Sequence[Row], path: Path, who: str) -> Iterator[Foreign]:
    """Statuses that aren't what the file's own decisions lead to: a person changed them there."""
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    written = min(written, datetime.now(UTC))
    last = max((one.action for row in rows for one in row.decisions), default=0)
    number = max((one.number for row in rows for one in row.decisions), default=0)
    for row in rows:
        if row.status == (row.decisions[-1].after if row.decisions else row.initial):
            continue
        if row.status == "held":
            raise LedgerError(f"{path}: {row.id} was set to held, which nobody can decide; set it to accepted or rejected")
        number += 1
        at = max([written, *(one.at for one in row.decisions)]).astimezone(UTC).isoformat(timespec="seconds")
        yield Foreign(last + 1, number, "accept" if row.status == "accepted" else "reject", who, at, row.id, row.status)
