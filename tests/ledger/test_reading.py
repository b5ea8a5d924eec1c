"""What exports ask of a ledger."""

from pathlib import Path

from test_decisions import filled

from frdm.ledger import decisions
from frdm.ledger.reading import choices, file_digests, one_state
from frdm.ledger.records import Selection
from frdm.ledger.store import Ledger


def test_all_that_is_read_is_of_one_moment(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger, Ledger(tmp_path) as other:
        with one_state(ledger):
            assert decisions.history(ledger) == []
            assert decisions.decide(other, "reject", Selection(kind="hair"), who="Bob") == 6
            assert decisions.history(ledger) == [] and {row.status for row in decisions.repairs(ledger)} == {"accepted"}
        assert len(decisions.history(ledger)) == 6
        with ledger.writing() as connection:  # and nothing is held on to
            assert connection.in_transaction


def test_how_repairs_were_chosen_and_what_files_hold(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        decisions.decide(ledger, "reject", Selection(kind="hair", shot=2), who="Ada")
        assert choices(ledger) == {1: {"kind": "hair", "shot": 2}}
        assert set(file_digests(ledger).values()) == {"hash"} and len(file_digests(ledger)) == 2
