"""Counts over the ledger, made by SQL: for the summary and the report. Versions that were set aside count for nothing."""

from dataclasses import dataclass

from frdm.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Tally:
    """Repairs of one kind, polarity and present status in one shot."""

    shot: int
    kind: str
    polarity: str
    status: str
    engine: str
    count: int
    pixels: int


@dataclass(frozen=True, slots=True)
class HeldTally:
    """Held defects of one kind with one reason in one shot."""

    shot: int
    kind: str
    polarity: str
    reason: str
    count: int


def repair_tallies(ledger: Ledger) -> list[Tally]:
    """All repairs, counted."""
    query = (
        "SELECT COALESCE(shot, 0), kind, polarity, status, engine, COUNT(*), SUM(altered) FROM repair_states "
        "WHERE NOT aside GROUP BY shot, kind, polarity, status, engine ORDER BY 1, 2, 3, 4, 5"
    )
    return [Tally(*row) for row in ledger.rows(query)]


def held_tallies(ledger: Ledger) -> list[HeldTally]:
    """All held defects, counted."""
    query = (
        "SELECT s.shot, h.kind, h.polarity, h.reason, COUNT(*) FROM held h JOIN spans s ON s.number = h.span "
        "JOIN defects d ON d.held = h.number WHERE NOT d.aside GROUP BY s.shot, h.kind, h.polarity, h.reason ORDER BY 1, 2, 3, 4"
    )
    return [HeldTally(*row) for row in ledger.rows(query)]


def found_in(ledger: Ledger, span: int) -> tuple[int, int, int]:
    """(found, mended, held) of one span that is done, as it stands now."""
    query = (
        "SELECT COUNT(*), COALESCE(SUM(d.status = 'accepted'), 0), COALESCE(SUM(d.repair IS NULL), 0) "
        "FROM spans s JOIN defects d ON d.frame >= s.start AND d.frame < s.stop WHERE s.number = ? AND NOT d.aside"
    )
    found, mended, held = ledger.rows(query, (span,))[0]
    return found, mended, held


def notable(ledger: Ledger, count: int) -> list[str]:
    """Ids of the accepted repairs that alter most, spread over the film: the greatest of each of `count` equal parts, by frame."""
    query = (
        "WITH parts AS (SELECT id, frame, NTILE(?) OVER (ORDER BY frame, number) AS part, altered "
        "FROM repair_states WHERE status = 'accepted') "
        "SELECT id FROM (SELECT id, frame, ROW_NUMBER() OVER (PARTITION BY part ORDER BY altered DESC, id) AS rank FROM parts) "
        "WHERE rank = 1 ORDER BY frame, id"
    )
    return [row[0] for row in ledger.rows(query, (max(1, count),))]
