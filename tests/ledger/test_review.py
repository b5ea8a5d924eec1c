"""What people do together: claims, reviews, repairs by hand, undo and redo; and an older ledger brought up to date."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decisions import filled
from test_store import ROW, a_span

import mended
from frdm.errors import LedgerError
from frdm.film import Box, Encoding, Shot
from frdm.ledger import browsing, claims, decisions, made, schema, store, undoing
from frdm.ledger.decisions import judge
from frdm.ledger.made import ByHand, ChangedMeanwhileError, Made, Protection, StoredPatches
from frdm.ledger.records import By, Selection
from frdm.ledger.store import Ledger

GRAY = Encoding("y", 8)
ADA, BOB = By("Ada", "one"), By("Bob", "two")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with filled(tmp_path) as opened:
        yield opened


def painted(ledger: Ledger, frame: int, by: By, *, replaces: int | None = None, held: int | None = None) -> tuple[int, str]:
    """Record one repair by hand: (action, id)."""
    patch = mended.a_patch(np.random.default_rng(frame), Box(frame, 1, 2, 5, 6), GRAY)
    count = ledger.rows("SELECT COUNT(*) FROM patch_files")[0][0]
    verb = "paint" if replaces is None and held is None else "reroll"
    work = ByHand(verb, "{}", [Made(mended.a_repair("", patch), 3, GRAY, replaces, held)], StoredPatches(f"hand-{count}.npz", "hash", 1))
    action, (name,) = made.record(ledger, work, by)
    return action, name


def accepted(ledger: Ledger) -> set[str]:
    return {row.id for row in decisions.repairs(ledger) if row.status == "accepted"}


def test_a_claim_is_one_seats_until_it_is_released_taken_over_or_lapsed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims.claim(ledger, 1, ADA).who == "Ada"
    assert claims.claim(ledger, 1, ADA).seat == "one"  # again: renewed
    with pytest.raises(LedgerError, match="claimed by Ada"):
        claims.claim(ledger, 1, BOB)
    with pytest.raises(LedgerError, match="claimed by Ada"):
        judge(ledger, "reject", Selection(below=2), BOB)
    with pytest.raises(LedgerError, match="claimed by Ada"):
        painted(ledger, 1, BOB)
    assert judge(ledger, "reject", Selection(shot=2), BOB).changed == 6
    assert not claims.release(ledger, 1, BOB)
    assert claims.claim(ledger, 1, BOB, take_over=True).who == "Bob"
    with pytest.raises(LedgerError, match="claimed by Bob"):
        undoing.undo(ledger, Selection(shot=1), who="Ada") or judge(ledger, "reject", Selection(shot=1), ADA)
    monkeypatch.setattr(claims, "LAPSES", -claims.LAPSES)
    assert claims.claim(ledger, 1, BOB).who == "Bob"  # and it has lapsed already
    assert claims.claims(ledger) == []
    assert judge(ledger, "reject", Selection(shot=1), ADA).changed == 6
    with pytest.raises(LedgerError, match="shots 1 to 2"):
        claims.claim(ledger, 3, ADA)


def test_a_repair_by_hand_is_of_its_action_and_older_films_stay_what_they_were(ledger: Ledger) -> None:
    before, then = accepted(ledger), ledger.last_decision()
    action, name = painted(ledger, 2, ADA)
    assert accepted(ledger) == before | {name}
    assert name == "000002-p01"
    assert {row.id: row.status for row in decisions.repairs_between(ledger, 2, stop=3, decision=then)}[name] == "rejected"
    undoing.undo_action(ledger, action, ADA)
    assert accepted(ledger) == before
    assert painted(ledger, 2, ADA)[1] == "000002-p02"
    with pytest.raises(LedgerError, match="frame 9: not analysed yet"):
        painted(ledger, 9, ADA)


def test_one_version_at_a_time_is_in_force(ledger: Ledger) -> None:
    original = decisions.repairs(ledger, Selection(ids=("000002-000",)))[0]
    _, second = painted(ledger, 2, ADA, replaces=original.number)
    number = decisions.repairs(ledger, Selection(ids=(second,)))[0].number
    _, third = painted(ledger, 2, BOB, replaces=number)
    family = {"000002-000", second, third}
    assert accepted(ledger) & family == {third}
    assert judge(ledger, "accept", Selection(shot=1), ADA).changed == 0  # not in bulk
    judge(ledger, "accept", Selection(ids=(second,)), ADA)
    assert accepted(ledger) & family == {second}
    undoing.undo_last(ledger, ADA)
    assert accepted(ledger) & family == {third}
    undoing.undo_last(ledger, BOB)
    assert accepted(ledger) & family == {second}


def test_what_was_looked_at_in_the_same_moment_is_not_recorded_on_old_knowledge(ledger: Ledger) -> None:
    seen = made.state(ledger)
    judge(ledger, "reject", Selection(ids=("000001-000",)), BOB)
    place = Protection(0, 3, Box(0, 0, 0, 9, 9), np.ones((9, 9), np.bool_))
    with pytest.raises(ChangedMeanwhileError):
        made.record(ledger, ByHand("protect", "{}", protection=place, seen=seen), ADA)
    assert made.protections(ledger, 0, 9) == []


def test_a_protection_without_repairs_is_an_action_too(ledger: Ledger) -> None:
    place = Protection(0, 3, Box(0, 4, 5, 9, 12), np.eye(5, 7, dtype=np.bool_))
    made.record(ledger, ByHand("protect", "{}", protection=place), ADA)
    (row,) = made.protections(ledger, 2, 9)
    assert (row.start, row.stop, row.box, row.live) == (0, 3, place.box, True)
    assert np.array_equal(made.protected_mask(ledger, row.number), place.mask)
    undoing.undo_last(ledger, ADA)
    assert not made.protections(ledger, 0, 9)[0].live
    undoing.redo_last(ledger, ADA)
    assert made.protections(ledger, 0, 9)[0].live
    undoing.undo_last(ledger, ADA)
    assert not made.protections(ledger, 0, 9)[0].live


STEPS = st.lists(st.sampled_from(["reject", "accept", "bulk", "confirm", "paint", "again", "undo", "redo"]), max_size=14)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_undo_and_redo_are_each_others_way_back(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    with filled(tmp_path_factory.mktemp("ledger")) as ledger:
        start = shown(ledger)
        for step in steps:
            act(ledger, step)
        here = shown(ledger)
        count = 0
        while undoing.undo_last(ledger, ADA).action is not None:
            count += 1
        assert {name: state for name, state in shown(ledger).items() if name in start} == start
        assert not any(state[0] == "accepted" for name, state in shown(ledger).items() if name not in start)
        for _ in range(count):
            assert undoing.redo_last(ledger, ADA).action is not None
        assert shown(ledger) == here


def shown(ledger: Ledger) -> dict[str, tuple[str, bool, bool]]:
    rows = browsing.listed(ledger, browsing.Filter(aside=None), limit=500)[1]
    return {row.id: (row.status, row.reviewed, row.aside) for row in rows}


def act(ledger: Ledger, step: str) -> None:
    match step:
        case "reject" | "accept" | "confirm":
            judge(ledger, step, Selection(ids=("000001-000", "000004-001")), ADA)  # type: ignore[arg-type]
        case "bulk":
            judge(ledger, "reject", Selection(shot=2), ADA)
        case "paint":
            painted(ledger, 3, ADA)
        case "again":
            painted(ledger, 4, ADA, replaces=decisions.repairs(ledger, Selection(ids=("000004-001",)))[0].number)
        case "undo":
            undoing.undo_last(ledger, ADA)
        case "redo":
            undoing.redo_last(ledger, ADA)


def test_a_ledger_of_an_older_frdm_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older(tmp_path, monkeypatch)
    with Ledger(tmp_path) as ledger:
        state = shown(ledger)
        assert state["000000-000"] == ("rejected", True, False)
        assert state["000001-000"] == ("accepted", False, False)
        assert state["000000-002"] == ("held", False, False)
        assert len(state) == 9
        assert undoing.undo(ledger, Selection(), who="me") == 1
        assert undoing.undo(ledger, Selection(), who="me") == 0
        painted(ledger, 1, ADA)


def test_an_older_ledger_that_can_not_be_written_to_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older(tmp_path, monkeypatch)
    before = (tmp_path / "ledger.sqlite").read_bytes()
    monkeypatch.setattr(Ledger, "_sealed", lambda self: True)
    with Ledger(tmp_path) as ledger:
        assert len(shown(ledger)) == 9
        with pytest.raises(LedgerError):
            judge(ledger, "reject", Selection(shot=1), ADA)
    assert (tmp_path / "ledger.sqlite").read_bytes() == before


def older(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger as the first version wrote it: frames 0 … 2, two decisions, one of them undone."""
    values = store._held_values
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        then.setattr(store, "_ADD_HELD", store._ADD_HELD.replace(", mask)", ")").replace("?, ?)", "?)"))
        then.setattr(store, "_held_values", lambda span, held: values(span, held)[:-1])
        with Ledger(folder, create=True) as ledger:
            ledger.begin(ROW)
            ledger.add_shot(1, Shot(0, 3))
            a_span(ledger, 0, 3)
            with ledger.writing() as connection:
                for number, verb in enumerate(("reject", "reject", "undo"), 1):
                    connection.execute("INSERT INTO actions VALUES (?, ?, 'me', 'then', '{}')", (number, verb))
                add = "INSERT INTO decisions (action, repair, before, after, undoes) VALUES (?, ?, ?, ?, ?)"
                connection.execute(add, (1, 1, "accepted", "rejected", None))
                connection.execute(add, (2, 3, "accepted", "rejected", None))
                connection.execute(add, (3, 3, "rejected", "accepted", 2))
