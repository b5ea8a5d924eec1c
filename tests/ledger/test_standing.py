"""Whatever several people do: of the versions of a repair one at most stands, and nothing in a protected place."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decisions import filled
from test_review import ADA, BOB, accepted, painted, shown

from frdm.errors import LedgerError
from frdm.film import Box
from frdm.ledger import browsing, claims, decisions, made, undoing
from frdm.ledger.decisions import judge
from frdm.ledger.made import ByHand, Protection
from frdm.ledger.records import By, Selection
from frdm.ledger.standing import FIRST, PROTECTED
from frdm.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with filled(tmp_path) as opened:
        yield opened


def number(ledger: Ledger, name: str) -> int:
    return decisions.repairs(ledger, Selection(ids=(name,)))[0].number


def guard(ledger: Ledger, by: By, *names: str) -> int:
    """Protect a place in frames 0 … 2 into which these repairs reach."""
    rows = [row for row in decisions.repairs(ledger) if row.id in names]
    place = Protection(0, 3, Box(0, 0, 0, 9, 9), np.ones((9, 9), np.bool_))
    taken = [row.number for row in rows if row.status == "accepted"]
    return made.record(ledger, ByHand("protect", "{}", taken_back=taken, protection=place, reached=[row.number for row in rows]), by)[0]


def reject(ledger: Ledger, by: By, *names: str) -> int | None:
    return judge(ledger, "reject", Selection(ids=names), by).action


def test_of_two_rejected_versions_bulk_takes_the_one_that_was_decided_about_last(ledger: Ledger) -> None:
    _, second = painted(ledger, 2, ADA, replaces=number(ledger, "000002-000"))
    reject(ledger, ADA, second)
    assert [shown(ledger)[name][2] for name in ("000002-000", second)] == [True, False]
    judge(ledger, "accept", Selection(below=2), BOB)
    assert accepted(ledger) & {"000002-000", second} == {second}


def test_two_versions_are_not_accepted_at_once(ledger: Ledger) -> None:
    _, second = painted(ledger, 2, ADA, replaces=number(ledger, "000002-000"))
    reject(ledger, ADA, second)
    with pytest.raises(LedgerError, match="versions of one repair"):
        judge(ledger, "accept", Selection(ids=("000002-000", second)), ADA)
    assert not accepted(ledger) & {"000002-000", second}


def test_undoing_an_older_version_leaves_the_one_that_another_made_of_it(ledger: Ledger) -> None:
    _, second = painted(ledger, 2, ADA, replaces=number(ledger, "000002-000"))
    _, third = painted(ledger, 2, BOB, replaces=number(ledger, second))
    undoing.undo_last(ledger, ADA)
    assert accepted(ledger) & {"000002-000", second, third} == {third}
    undoing.undo(ledger, Selection(ids=("000002-000",)), who="Eve")
    assert accepted(ledger) & {"000002-000", second, third} == {third}


def test_a_held_defect_stays_mended_by_whichever_version_stands(ledger: Ledger) -> None:
    (held,) = [row.held for row in browsing.of_frame(ledger, 2) if row.held is not None]
    _, first = painted(ledger, 2, ADA, held=held)
    _, again = painted(ledger, 2, ADA, held=held)
    _, other = painted(ledger, 2, ADA, replaces=number(ledger, again))
    rows = {row.id: row for row in browsing.of_frame(ledger, 2)}
    assert accepted(ledger) & {first, again, other} == {other}
    assert [rows[name].aside for name in ("000002-002", first, again, other)] == [True, True, True, False]
    assert not any(row.id == "000002-002" and not row.aside for row in decisions.held(ledger))
    reject(ledger, ADA, other)
    assert not {row.id: row for row in browsing.of_frame(ledger, 2)}["000002-002"].aside


def test_what_was_rejected_before_a_place_was_protected_does_not_come_back(ledger: Ledger) -> None:
    reject(ledger, ADA, "000002-000")
    guard(ledger, BOB, "000002-000", "000002-001")
    undoing.undo_last(ledger, ADA)
    judge(ledger, "accept", Selection(below=2), ADA)
    with pytest.raises(LedgerError, match=r"000002-000: reaches into a place that Bob protected \(action 2\)"):
        judge(ledger, "accept", Selection(ids=("000002-000",)), ADA)
    assert not accepted(ledger) & {"000002-000", "000002-001"}
    undoing.undo_last(ledger, BOB)
    assert judge(ledger, "accept", Selection(ids=("000002-000",)), ADA).changed == 1


def test_a_lifted_protection_is_not_done_again_over_what_was_made_since(ledger: Ledger) -> None:
    guard(ledger, ADA, "000002-000")
    undoing.undo_last(ledger, ADA)
    painted(ledger, 2, BOB)
    with pytest.raises(LedgerError, match="frames 0 to 2: repairs were made or accepted in them since"):
        undoing.redo_last(ledger, ADA)
    assert not made.protections(ledger, 0, 9)[0].live
    assert undoing.can(ledger, ADA)[1]


def test_ones_own_painting_and_protection_are_undone_and_redone_in_turn(ledger: Ledger) -> None:
    _, name = painted(ledger, 2, ADA)
    guard(ledger, ADA, "000002-000", name)
    state = shown(ledger)
    for _ in range(2):
        undoing.undo_last(ledger, ADA)
    for _ in range(2):
        undoing.redo_last(ledger, ADA)
    assert shown(ledger) == state
    assert made.protections(ledger, 0, 9)[0].live


def test_a_claim_keeps_protections_too(ledger: Ledger) -> None:
    guard(ledger, ADA)
    claims.claim(ledger, 1, BOB)
    with pytest.raises(LedgerError, match="claimed by Bob"):
        undoing.undo_last(ledger, ADA)
    assert made.protections(ledger, 0, 9)[0].live


def test_taking_a_claim_over_is_on_record_and_stands_in_nobodys_way(ledger: Ledger) -> None:
    reject(ledger, BOB, "000002-000")
    undoing.undo_last(ledger, BOB)
    claims.claim(ledger, 1, ADA)
    claims.claim(ledger, 1, BOB, take_over=True)
    row = undoing.actions(ledger, limit=1)[0]
    assert (row.verb, row.who, row.changed) == ("take over", "Bob", 0)
    assert '"from": "Ada"' in row.selection and '"shot": 1' in row.selection
    with pytest.raises(LedgerError, match="can't be undone"):
        undoing.undo_action(ledger, row.number, BOB)
    claims.claim(ledger, 1, BOB, take_over=True)  # one's own: nothing is taken
    assert undoing.actions(ledger, limit=1)[0].number == row.number
    assert undoing.redo_last(ledger, BOB).changed == 1
    assert undoing.undo_last(ledger, BOB).changed == 1


def test_what_a_person_took_back_stays_aside_when_all_is_looked_at(ledger: Ledger) -> None:
    _, name = painted(ledger, 2, ADA)
    undoing.undo_last(ledger, ADA)
    judge(ledger, "confirm", Selection(shot=1), BOB)
    assert shown(ledger)[name][2]
    assert judge(ledger, "accept", Selection(shot=1), BOB).changed == 0


def test_a_repair_made_again_lies_where_the_first_lay(ledger: Ledger) -> None:
    _, name = painted(ledger, 2, ADA, replaces=number(ledger, "000002-000"))
    assert [row.id for row in decisions.repairs_between(ledger, 2, stop=3)] == ["000002-000", name, "000002-001"]
    assert [row.id for row in browsing.of_frame(ledger, 2) if row.repair] == ["000002-000", name, "000002-001"]
    names = [row.id for row in decisions.repairs(ledger)]
    assert names.index("000002-000") + 1 == names.index(name)


def test_a_decision_in_a_large_ledger_does_not_wait_for_versions(ledger: Ledger) -> None:
    """Every version of a repair is found by an index."""
    plan = ledger.rows(f"EXPLAIN QUERY PLAN SELECT 1 FROM repairs o WHERE {FIRST.format('o')} = 7")
    assert (
        "USING COVERING INDEX repairs_by_first_version" in plan[0]["detail"] or "USING INDEX repairs_by_first_version" in plan[0]["detail"]
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ADA, BOB]),
        st.sampled_from(["reject", "accept", "bulk", "again", "held", "guard", "undo", "undo one", "redo", "confirm"]),
        st.integers(0, 5),
    ),
    max_size=16,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_whatever_two_people_do_only_what_may_stands(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[By, str, int]]) -> None:
    with filled(tmp_path_factory.mktemp("ledger")) as ledger:
        ledger.connection.execute("PRAGMA synchronous = OFF")
        for by, step, which in steps:
            try:
                act(ledger, by, step, which)
            except LedgerError as error:
                assert any(
                    word in str(error) for word in ("versions of one", "protected", "since", "no repair", "an undo itself", "none with")
                )
            check(ledger)


def act(ledger: Ledger, by: By, step: str, which: int) -> None:
    names = [row.id for row in decisions.repairs_between(ledger, 2, stop=3)]
    name = names[which % len(names)]
    match step:
        case "reject" | "accept" | "confirm":
            judge(ledger, step, Selection(ids=(name,)), by)  # type: ignore[arg-type]
        case "bulk":
            judge(ledger, "accept" if which % 2 else "reject", Selection(shot=1), by)
        case "again":
            if not ledger.rows(f"SELECT 1 FROM repairs r WHERE r.id = ? AND {PROTECTED.format('r.number')}", (name,)):
                painted(ledger, 2, by, replaces=number(ledger, name))
        case "held":
            painted(ledger, 2, by, held=next(row.held for row in browsing.of_frame(ledger, 2) if row.held is not None))
        case "guard":
            guard(ledger, by, name)
        case "undo":
            undoing.undo_last(ledger, by)
        case "undo one":
            undoing.undo_action(ledger, which + 1, by)
        case "redo":
            undoing.redo_last(ledger, by)


def check(ledger: Ledger) -> None:
    standing = "SELECT 1 FROM repairs r JOIN defects d ON d.repair = r.number WHERE d.status = 'accepted'"
    several = ledger.rows(f"{standing} GROUP BY {FIRST.format('r')} HAVING COUNT(*) > 1")
    assert not several, "two versions stand"
    inside = f"{standing} AND {PROTECTED.format('r.number')}"
    assert not ledger.rows(inside), "something stands in a protected place"
    rows = {row.id: row for row in decisions.repairs(ledger)}
    listed = {row.id: row for row in browsing.of_frame(ledger, 2) if row.repair is not None}
    firsts: dict[int, list[bool]] = {}
    for name, row in listed.items():
        firsts.setdefault(rows[name].first, []).append(row.aside)
        assert not (row.aside and row.status == "accepted")
    assert all(aside.count(False) <= 1 for aside in firsts.values()), "one version is listed at most"
    assert all(rows[name].initial == "rejected" or False in firsts[rows[name].first] for name in listed), "and one of what was found"
