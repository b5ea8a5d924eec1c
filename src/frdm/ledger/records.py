"""Rows of the ledger as frozen types."""

import json
from dataclasses import asdict, dataclass

from frdm.film import Box, Kind, Polarity, Provenance, Shot, Status


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """What a project was made of and with."""

    film: str
    identity: str
    start: int
    stop: int
    recipe: str  # canonical JSON
    settings: str
    info: str  # JSON
    versions: str  # JSON
    created: str = ""
    shots_found: bool = False


@dataclass(frozen=True, slots=True)
class ShotRow:
    """A shot; `number` counts from 1."""

    number: int
    shot: Shot


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span that is done. `file` is None where nothing was to mend."""

    number: int
    shot: int
    start: int
    stop: int
    file: str | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class RepairRow:
    """A repair without its pixels, with its present status. Repairs are laid over each other by `first`, then `number`."""

    number: int
    first: int  # number of the first version of it, whose place in that order it takes
    id: str
    span: int | None
    shot: int | None
    file: str
    place: int
    box: Box
    defect_box: Box
    kind: Kind
    polarity: Polarity
    confidence: float
    track: int | None
    provenance: Provenance
    altered: int
    initial: Status
    status: Status


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A defect that was not touched."""

    id: str
    box: Box
    kind: Kind
    polarity: Polarity
    confidence: float
    track: int | None
    reason: str
    aside: int  # 1: a person mended it after all


@dataclass(frozen=True, slots=True)
class FrameRow:
    """What analysis says of a frame; `altered` is the share of its pixels that its repairs may alter, before any decision."""

    frame: int
    noise: float
    repeats: int | None
    altered: float


@dataclass(frozen=True, slots=True)
class RenderRow:
    """A frame as it was written: share altered, and xxh3_128 digests (see the schema)."""

    frame: int
    altered: float
    scan: str
    restored: str
    codes: str


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A film rendered from the project."""

    number: int
    path: str
    codec: str | None
    state: str
    decision: int
    identity: str
    codes: str
    warnings: tuple[str, ...]
    finished: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One line of the history."""

    number: int
    action: int
    verb: str
    who: str
    at: str
    repair: str
    before: Status
    after: Status
    undoes: int | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A defect was looked at, or that was undone (`seen` False)."""

    number: int
    action: int
    verb: str
    who: str
    at: str
    defect: str
    seen: int  # 0 or 1
    undoes: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which repairs are meant; conditions add up, none: all."""

    ids: tuple[str, ...] = ()
    kind: Kind | None = None
    shot: int | None = None
    below: float | None = None  # confidence less than this
    above: float | None = None  # … this or more
    kinds: tuple[Kind, ...] = ()
    engines: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    start: int | None = None  # frames start … stop-1
    stop: int | None = None
    smallest: float | None = None  # px, the square root of the box's area
    largest: float | None = None
    reviewed: bool | None = None
    painted: bool | None = None

    def as_json(self) -> str:
        """Canonical text for the record."""
        return json.dumps({name: value for name, value in asdict(self).items() if value not in (None, ())}, sort_keys=True)

    def __bool__(self) -> bool:
        return self != Selection()


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and from which seat (a page that is open; "" at the command line)."""

    who: str
    seat: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to: its number (None: nothing happened), how many statuses changed, how many defects became reviewed."""

    action: int | None
    changed: int
    reviewed: int = 0


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Something that a person did, once."""

    number: int
    verb: str
    about: str  # of an undo or redo the verb of what was taken back or done again by it in the end; else its own
    who: str
    at: str
    selection: str  # JSON
    undoes: int | None  # the action that an undo or redo turned round
    changed: int  # defects that it decided about or looked at, however many versions they have
    frame: int | None  # first frame that it touched
    undone: bool


@dataclass(frozen=True, slots=True)
class DefectRow:
    """A defect in the list that is browsed: a repair, or one that was held without a fill."""

    number: int
    id: str
    repair: int | None  # its number among the repairs, or …
    held: int | None  # … among the held defects
    shot: int | None
    box: Box
    kind: Kind
    polarity: Polarity
    confidence: float
    track: int | None
    status: Status
    reviewed: bool
    painted: bool
    aside: bool  # another version of it is in force, or its maker took it back
    reason: str  # why it was held, "" for repairs
    provenance: Provenance | None
    altered: int | None
    replaces: str | None  # id of the first version


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A shot that one seat works on, until it lapses."""

    shot: int
    seat: str
    who: str
    at: str
    until: str


@dataclass(frozen=True, slots=True)
class ProtectionRow:
    """A place in frames start … stop-1 where a person lets nothing be altered; the box's frame is `start`."""

    number: int
    action: int
    start: int
    stop: int
    box: Box
    note: str
    who: str
    at: str
    live: bool
