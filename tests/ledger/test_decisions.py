"""Decisions: added, never lost; a status is the last of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store import ROW, a_span

from frdm.errors import LedgerError
from frdm.film import Shot
from frdm.ledger import decisions
from frdm.ledger.records import Selection
from frdm.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with filled(tmp_path) as made:
        yield made


def filled(folder: Path) -> Ledger:
    """Frames 0 … 5 in two shots, with two repairs each (dirt at confidence 0, hair at 0.5) and one held defect."""
    made = Ledger(folder, create=True)
    made.begin(ROW)
    made.add_shot(1, Shot(0, 3))
    made.add_shot(2, Shot(3, 6))
    a_span(made, 0, 3)
    a_span(made, 3, 6)
    return made


def rejected(ledger: Ledger) -> set[str]:
    return {row.id for row in decisions.repairs(ledger) if row.status == "rejected"}


def test_a_selection_is_what_all_its_conditions_say(ledger: Ledger) -> None:
    assert decisions.decide(ledger, "reject", Selection(kind="hair", shot=2), who="me") == 3
    assert rejected(ledger) == {"000003-001", "000004-001", "000005-001"}
    assert decisions.decide(ledger, "reject", Selection(below=0.3), who="me") == 6
    assert decisions.decide(ledger, "accept", Selection(ids=("000003-001", "000000-000")), who="me") == 2
    assert len(rejected(ledger)) == 7


def test_a_decision_that_changes_nothing_is_none(ledger: Ledger) -> None:
    assert decisions.decide(ledger, "accept", Selection(shot=1), who="me") == 0
    assert decisions.history(ledger) == []
    assert decisions.undo(ledger, Selection(), who="me") == 0


def test_history_tells_who_did_what(ledger: Ledger) -> None:
    decisions.decide(ledger, "reject", Selection(ids=("000001-000",)), who="Ada")
    decisions.undo(ledger, Selection(), who="Bob")
    first, second = decisions.history(ledger)
    assert (first.verb, first.who, first.repair, first.before, first.after, first.undoes) == (
        "reject", "Ada", "000001-000", "accepted", "rejected", None,
    )  # fmt: skip
    assert (second.verb, second.who, second.before, second.after, second.undoes) == ("undo", "Bob", "rejected", "accepted", first.number)


def test_undo_goes_back_action_by_action(ledger: Ledger) -> None:
    decisions.decide(ledger, "reject", Selection(shot=1), who="me")
    decisions.decide(ledger, "accept", Selection(ids=("000000-000",)), who="me")
    decisions.decide(ledger, "reject", Selection(shot=2), who="me")
    assert decisions.undo(ledger, Selection(), who="me") == 6
    assert decisions.undo(ledger, Selection(), who="me") == 1
    assert len(rejected(ledger)) == 6
    assert decisions.undo(ledger, Selection(), who="me") == 6
    assert rejected(ledger) == set()
    assert decisions.undo(ledger, Selection(), who="me") == 0


def test_undo_of_chosen_repairs(ledger: Ledger) -> None:
    decisions.decide(ledger, "reject", Selection(shot=1), who="me")
    assert decisions.undo(ledger, Selection(kind="hair"), who="me") == 3
    assert len(rejected(ledger)) == 3
    assert decisions.undo(ledger, Selection(), who="me") == 3
    assert rejected(ledger) == set()


def test_a_status_at_an_earlier_decision(ledger: Ledger) -> None:
    decisions.decide(ledger, "reject", Selection(ids=("000001-000",)), who="me")
    then = ledger.last_decision()
    decisions.undo(ledger, Selection(), who="me")
    now = {row.id: row.status for row in decisions.repairs_between(ledger, 0, stop=6)}
    before = {row.id: row.status for row in decisions.repairs_between(ledger, 0, stop=6, decision=then)}
    never = {row.id: row.status for row in decisions.repairs_between(ledger, 0, stop=6, decision=0)}
    assert now["000001-000"] == never["000001-000"] == "accepted"
    assert before["000001-000"] == "rejected"
    assert sum(status == "rejected" for status in before.values()) == 1


def test_decisions_can_not_be_taken_out_of_the_history(ledger: Ledger) -> None:
    decisions.decide(ledger, "reject", Selection(shot=1), who="me")
    for statement in (
        "DELETE FROM decisions",
        "UPDATE decisions SET after = 'accepted'",
        "DELETE FROM actions",
        "UPDATE actions SET who = ''",
    ):
        with pytest.raises(Exception, match="only added"):
            ledger.connection.execute(statement)


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(ids=("000009-000",)), "no repair has this id"),
        (Selection(ids=("000001-002",)), "held.*nothing to decide"),
        (Selection(shot=3), "shots 1 to 2"),
    ],
)
def test_what_is_not_there_can_not_be_decided(ledger: Ledger, selection: Selection, says: str) -> None:
    for verb in ("accept", "reject"):
        with pytest.raises(LedgerError, match=says):
            decisions.decide(ledger, verb, selection, who="me")
    with pytest.raises(LedgerError, match=says):
        decisions.undo(ledger, selection, who="me")
    assert decisions.history(ledger) == []


def test_thousands_of_ids_at_once(ledger: Ledger) -> None:
    ids = tuple(f"{frame:06d}-{place:03d}" for frame in range(6) for place in range(2))
    assert decisions.decide(ledger, "reject", Selection(ids=ids * 200), who="me") == 12


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "reject", "undo"]),
        st.sampled_from([Selection(), Selection(shot=1), Selection(kind="hair"), Selection(below=0.2), Selection(ids=("000004-001",))]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(ACTIONS)
def test_undoing_everything_leads_back_to_the_start(tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, Selection]]) -> None:
    with filled(tmp_path_factory.mktemp("ledger")) as ledger:
        start = {row.id: row.status for row in decisions.repairs(ledger)}
        for verb, selection in actions:
            if verb == "undo":
                decisions.undo(ledger, selection, who="me")
            else:
                decisions.decide(ledger, verb, selection, who="me")
        lines = decisions.history(ledger)
        for line in lines:
            assert line.before != line.after
        while decisions.undo(ledger, Selection(), who="me"):
            pass
        assert {row.id: row.status for row in decisions.repairs(ledger)} == start
        assert decisions.history(ledger)[: len(lines)] == lines
