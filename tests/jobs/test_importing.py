"""Decisions come back: matched by repair, refused where they don't belong, never twice, and nobody's later word is lost."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from frdm import jobs
from frdm.errors import FrdmError, LedgerError, RecipeError, SettingsChanged
from frdm.film import Box, Encoding, Shot, Span
from frdm.jobs.exporting import export_ledger
from frdm.jobs.importing import import_decisions
from frdm.ledger import decisions
from frdm.ledger.merging import Foreign, merge
from frdm.ledger.records import By, ProjectRow, Selection
from frdm.ledger.store import Ledger, SpanRecord
from frdm.recipe import Recipe
from mended import a_held, a_patch, a_repair, run


class Clock:
    """The ledger's time, told by the test: seconds after noon."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.second = 0
        for place in ("frdm.ledger.undoing.now", "frdm.ledger.merging.now"):
            monkeypatch.setattr(place, lambda: f"2026-01-01T12:{self.second // 60:02}:{self.second % 60:02}+00:00")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def copies(made: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of one project."""
    for name in ("a", "b"):
        shutil.copytree(made, tmp_path / name)
    return tmp_path / "a", tmp_path / "b"


def statuses(project: Path) -> dict[str, str]:
    with Ledger(project) as ledger:
        return {row.id: row.status for row in decisions.repairs(ledger)}


def story(project: Path) -> list[tuple[str, str, str, str, str]]:
    with Ledger(project) as ledger:
        return [(line.repair, line.verb, line.who, line.before, line.after) for line in decisions.history(ledger)]


def ledger_file(project: Path, form: str = "json") -> Path:
    out = project.with_name(f"{project.name}.{form}")
    export_ledger(project, out, form, overwrite=True)  # type: ignore[arg-type]
    os.utime(out, (0, 0))
    return out


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_fresh_copy_with_the_decisions_is_the_same_film(scan: Path, restored: tuple[Path, Path], recipe: Recipe, form: str) -> None:
    out, project = restored
    jobs.decide(project, "reject", kind="hair", who="Ada")
    jobs.decide(project, "accept", ids=["000002-001", "000012-001"], who="Bob")
    jobs.decide(project, "undo", ids=["000012-001"], who="Ada")
    run(jobs.render(project))
    run(jobs.restore(scan, scan.with_name("copy"), recipe=recipe))
    copy = scan.with_name("copy.frdm")
    done = import_decisions(copy, ledger_file(project, form), who="Eve")
    assert (done.merged.taken, done.merged.known, done.edited, done.unknown) == (len(story(project)), 0, 0, 0)
    assert statuses(copy) == statuses(project)
    assert [(line[0], *line[2:]) for line in story(copy)] == [(line[0], *line[2:]) for line in story(project)], "who and what is kept"
    run(jobs.render(copy))
    assert [*tiny.bytes_of(out).values()] == [*tiny.bytes_of(scan.with_name("copy")).values()]
    with Ledger(copy) as ledger:
        chosen = [json.loads(row[0]) for row in ledger.rows("SELECT selection FROM actions")]
    assert {(c["imported"]["by"], c["imported"]["from"]) for c in chosen} == {("Eve", f"out.frdm.{form}")}
    again = import_decisions(copy, ledger_file(project, form), who="Eve")
    assert (again.merged.taken, again.merged.known) == (0, len(story(project)))
    jobs.decide(copy, "reject", below=1.1)
    assert import_decisions(copy, ledger_file(project, form)).merged.taken == 0, "what was taken once isn't taken again"


def test_the_later_of_two_decisions_stands_on_both_sides(copies: tuple[Path, Path], clock: Clock) -> None:
    a, b = copies
    jobs.decide(a, "reject", ids=["000000-000", "000001-000", "000002-000"], who="Ada")
    clock.second = 10
    jobs.decide(b, "reject", ids=["000001-000", "000004-000"], who="Bob")
    clock.second = 20
    jobs.decide(b, "accept", ids=["000001-000"], who="Bob")
    clock.second = 30
    jobs.decide(a, "accept", ids=["000002-000"], who="Ada")
    jobs.decide(a, "reject", ids=["000004-000"], who="Ada")
    files = ledger_file(a), ledger_file(b)
    into_a, into_b = import_decisions(a, files[1], who="Ada").merged, import_decisions(b, files[0], who="Bob").merged
    assert (into_a.taken, into_a.replaced, into_a.older, into_a.same) == (1, 1, 1, 1)
    assert (into_b.taken, into_b.repairs, into_b.replaced, into_b.older) == (3, 2, 0, 1)
    assert statuses(a) == statuses(b)
    assert {name for name, status in statuses(a).items() if status == "rejected"} == {"000000-000", "000004-000"}
    assert ("000001-000", "import", "Bob", "rejected", "accepted") in story(a)


def test_an_import_can_be_undone(copies: tuple[Path, Path]) -> None:
    a, b = copies
    before = statuses(b)
    jobs.decide(a, "reject", kind="dirt", who="Ada")
    import_decisions(b, ledger_file(a))
    assert statuses(b) != before
    jobs.decide(b, "undo")
    assert statuses(b) == before
    assert len(story(b)) == 2 * len(story(a))


def test_a_rehearsal_changes_nothing(copies: tuple[Path, Path]) -> None:
    a, b = copies
    jobs.decide(a, "reject", kind="dirt")
    assert import_decisions(b, ledger_file(a), rehearse=True).merged.taken == len(story(a))
    assert story(b) == []


def test_a_status_changed_in_the_file_is_a_decision(copies: tuple[Path, Path]) -> None:
    """A spreadsheet came between: rows sorted, one deleted, a column added, semicolons, a byte order mark, capitals."""
    a, b = copies
    jobs.decide(a, "reject", ids=["000000-001"], who="Ada")
    path = ledger_file(a, "csv")
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        if line["id"] in ("000005-000", "000005-001"):
            line["status"] = "Rejected"
        if line["id"] == "000000-001":
            line["status"] = "accepted"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["notes", *reversed(lines[0])], delimiter=";", restval="look")
        writer.writeheader()
        writer.writerows(sorted(lines[1:], key=lambda line: line["kind"]))
    done = import_decisions(b, path, who="Eve")
    assert (done.edited, done.merged.repairs) == (3, 3)
    assert {name for name, status in statuses(b).items() if status == "rejected"} == {"000005-000", "000005-001"}
    assert {line[2] for line in story(b)} == {"Ada", "Eve"}
    assert import_decisions(b, path, who="Eve").merged.taken == 0


def test_a_file_that_was_changed_before_somebody_decided_here_does_not_win(copies: tuple[Path, Path]) -> None:
    a, b = copies
    path = ledger_file(a)
    rewritten(path, lambda d: defect(d, "000005-000").update(status="rejected"))
    os.utime(path, (1e9, 1e9))
    jobs.decide(b, "reject", ids=["000005-000"], who="Bob")
    jobs.decide(b, "accept", ids=["000005-000"], who="Bob")
    done = import_decisions(b, path, who="Eve")
    assert (done.edited, done.merged.taken, done.merged.older) == (1, 0, 1)
    with Ledger(a) as ledger:
        import_decisions(a, path, who="Eve")
        assert decisions.history(ledger)[0].at == "2001-09-09T01:46:40+00:00", "when the file was last written"


def rewritten(path: Path, change: Callable[[Any], None]) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def defect(data: Any, name: str) -> Any:
    return next(one for one in data["defects"] if one["id"] == name)


MISTAKES: list[tuple[Callable[[Any], None], type[FrdmError], str]] = [
    (lambda d: d["film"].update(identity="0"), SettingsChanged, "another film"),
    (lambda d: d["project"].update(settings="0"), SettingsChanged, "other settings"),
    (lambda d: d.update(format="x"), LedgerError, "no export of a ledger"),
    (lambda d: d.update(version=9), LedgerError, "version 9"),
    (lambda d: d.pop("defects"), LedgerError, "missing in it"),
    (lambda d: d.update(film=[]), LedgerError, "missing in it"),
    (lambda d: d["defects"].append(d["defects"][0]), LedgerError, "000000-000 stands in it twice"),
    (lambda d: d["defects"].append(7), LedgerError, "defect 28: it can't be used"),
    (lambda d: defect(d, "000001-000").update(status="perhaps"), LedgerError, "status can't be used"),
    (lambda d: defect(d, "000001-000").update(status="held"), LedgerError, "set to held, which nobody can decide"),
    (lambda d: defect(d, "000000-002").update(status="accepted"), LedgerError, "held and has no fill"),
    (lambda d: defect(d, "000001-000").update(box=[1, 2, 3, 4]), LedgerError, "another one in this project"),
    (lambda d: defect(d, "000001-000").update(kind="line"), LedgerError, "another one in this project"),
    (lambda d: defect(d, "000001-001").update(id="000001-900"), LedgerError, "one decided repair isn't in .*000001-900.*--partly"),
    (lambda d: defect(d, "000001-001")["decisions"][0].update(at="noon"), LedgerError, r"decisions\.0\.at can't be used"),
    (lambda d: defect(d, "000001-001")["decisions"][0].update(at="2026-01-01T00:00:00"), LedgerError, r"decisions\.0\.at can't be used"),
    (lambda d: defect(d, "000001-001")["decisions"][0].update(after="gone"), LedgerError, r"decisions\.0\.after can't be used"),
    (lambda d: defect(d, "000001-001")["decisions"][0].pop("who"), LedgerError, r"decisions\.0\.who can't be used"),
]


def test_what_does_not_belong_is_refused_and_nothing_is_touched(copies: tuple[Path, Path]) -> None:
    a, b = copies
    jobs.decide(a, "reject", kind="hair", who="Ada")
    for number, (change, error, says) in enumerate(MISTAKES):
        path = ledger_file(a)
        rewritten(path, change)
        with pytest.raises(error, match=says) as caught:
            import_decisions(b, path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value), number
    assert story(b) == []


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("a.json", b"{", LedgerError, "not JSON"),
        ("a.json", b"[" * 100_000, LedgerError, "not JSON"),
        ("a.json", b"[]", LedgerError, "no export of a ledger"),
        ("a.json", b"\xff\xfe{", LedgerError, "not UTF-8"),
        ("a.csv", b"", LedgerError, "the column box|the column bottom is missing"),
        ("a.csv", b"id,status\n1,2\n", LedgerError, "is missing"),
        ("a.txt", b"", RecipeError, r"\.json or \.csv"),
    ],
)
def test_what_is_no_export_is_refused(copies: tuple[Path, Path], name: str, content: bytes, error: type[FrdmError], says: str) -> None:
    path = copies[0].with_name(name)
    path.write_bytes(content)
    with pytest.raises(error, match=says):
        import_decisions(copies[1], path)
    with pytest.raises(LedgerError, match="can't be read"):
        import_decisions(copies[1], path.with_name("gone.json"))


def test_a_csv_of_two_projects_or_with_broken_decisions_is_refused(copies: tuple[Path, Path]) -> None:
    path = ledger_file(copies[0], "csv")
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    path.write_text("".join([*lines[:-1], lines[-1].replace("film-", "film-0")]), encoding="utf-8")
    with pytest.raises(LedgerError, match="more than one film"):
        import_decisions(copies[1], path)
    path.write_text(lines[0], encoding="utf-8")
    with pytest.raises(LedgerError, match="no defect found"):
        import_decisions(copies[1], path)
    path.write_text(text.replace(",[],film", ",[,film", 1), encoding="utf-8")
    with pytest.raises(LedgerError, match="line 2: its decisions can't be read"):
        import_decisions(copies[1], path)
    assert story(copies[1]) == []


def test_what_this_copy_lacks_may_be_left_out(copies: tuple[Path, Path]) -> None:
    a, b = copies
    jobs.decide(a, "reject", kind="hair", who="Ada")
    path = ledger_file(a)
    rewritten(path, lambda d: defect(d, "000001-001").update(id="000001-900"))
    done = import_decisions(b, path, partly=True)
    assert (done.unknown, done.merged.taken) == (1, len(story(a)) - 1)


def test_a_shot_that_another_seat_works_on_is_left_alone(copies: tuple[Path, Path]) -> None:
    from frdm.ledger.claims import claim

    a, b = copies
    jobs.decide(a, "reject", kind="hair")
    with Ledger(b) as ledger:
        claim(ledger, 2, By("Ada", "seat 7"))
    with pytest.raises(LedgerError, match="shot 2: claimed by Ada"):
        import_decisions(b, ledger_file(a))
    assert story(b) == []


# -- what merging promises, for any two histories

NAMES = [f"{frame:06d}-000" for frame in range(3)]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["accept", "reject", "undo", "swap"]),
        st.sampled_from(NAMES),
        st.integers(0, 2),
    ),
    max_size=12,
)


def small(folder: Path) -> Ledger:
    """A ledger of three repairs and one held defect."""
    made, rng = Ledger(folder, create=True), np.random.default_rng(0)
    made.begin(ProjectRow("/film", "abc", 0, 3, "{}", "s", "{}", "{}"))
    made.add_shot(1, Shot(0, 3))
    record = SpanRecord()
    record.file = ("0.npz", "hash", 1)
    boxes = [Box(frame, 2, 2, 6, 6) for frame in range(3)]
    record.repairs = [(0, 4, a_repair(name, a_patch(rng, box, Encoding("y", 8)))) for name, box in zip(NAMES, boxes, strict=True)]
    record.held = [a_held("000000-001", Box(0, 8, 8, 9, 9))]
    made.add_span(Span(Shot(0, 3), 0, 3), record)
    return made


def foreign(ledger: Ledger) -> list[Foreign]:
    return [Foreign(line.action, line.number, line.verb, line.who, line.at, line.repair, line.after) for line in decisions.history(ledger)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder to be copied."""
    folder = tmp_path_factory.mktemp("model")
    small(folder).close()
    return folder


def quick(model: Path, folder: Path) -> Ledger:
    """A copy that doesn't wait for the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    made = Ledger(folder)
    made.connection.execute("PRAGMA synchronous = OFF")
    return made


@settings(max_examples=30, deadline=None)
@given(ACTS)
def test_copies_that_take_each_others_decisions_agree(model: Path, acts: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patcher:
        clock = Clock(patcher)
        with quick(model, model.with_name("one")) as a, quick(model, model.with_name("other")) as b:
            for side, verb, name, wait in acts:
                clock.second += wait
                ledger, who = {"a": (a, "Ada"), "b": (b, "Bob")}[side]
                if verb == "swap":
                    merge(ledger, foreign(a if side == "b" else b), By(who), source="x")
                elif verb == "undo":
                    decisions.undo(ledger, Selection(ids=(name,)), who=who)
                else:
                    decisions.decide(ledger, verb, Selection(ids=(name,)), who=who)
            kept = [decisions.history(ledger) for ledger in (a, b)]
            theirs = foreign(a), foreign(b)
            merge(a, theirs[1], By("Eve"), source="b")
            merge(b, theirs[0], By("Eve"), source="a")
            for ledger, before in zip((a, b), kept, strict=True):
                assert decisions.history(ledger)[: len(before)] == before, "nothing is taken out"
            states = [{row.id: row.status for row in decisions.repairs(ledger)} for ledger in (a, b)]
            assert states[0] == states[1]
            lengths = [len(decisions.history(ledger)) for ledger in (a, b)]
            merge(a, theirs[1], By("Eve"), source="b")
            merge(b, theirs[0], By("Eve"), source="a")
            assert [len(decisions.history(ledger)) for ledger in (a, b)] == lengths, "nothing comes twice"
