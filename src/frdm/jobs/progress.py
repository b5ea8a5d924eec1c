"""What a job tells while it runs and when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Phase = Literal["start", "shots", "frames", "finish", "done"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a job. Counts are of the whole asked range, also where an earlier run did part of it."""

    film: Path
    out: Path | None  # None where no film was written (dry run, detection alone)
    project: Path | None  # None where nothing was recorded (detection alone)
    mattes: Path | None
    frames: int
    shots: int
    found: Mapping[str, int]  # by kind, mended and held together
    mended: int  # accepted repairs
    rejected: int
    held: Mapping[str, int]  # by reason
    altered: float  # mean share of a frame's pixels that may differ from the scan
    worst_frame: int | None  # index of the frame with the greatest such share
    worst_altered: float
    seconds: float
    already_done: bool = False  # the output was there, whole and up to date; nothing was done
    warnings: tuple[str, ...] = ()  # sentences that a user must read
    engines: Mapping[str, int] = field(default_factory=dict)  # accepted repairs by what mended them

    @property
    def defects(self) -> int:
        """All that was found."""
        return sum(self.found.values())


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a job. Items come in order of time; the last one has phase "done" and the `summary`."""

    phase: Phase
    frame: int  # frames done of this phase
    frames: int  # … of so many
    found: int = 0  # since the start of the range, an earlier run's spans included
    mended: int = 0
    held: int = 0
    seconds: float = 0.0  # since the job began
    resumed: int = 0  # frames of `frame` that an earlier run had analysed: leave them out of a speed
    note: str = ""  # a sentence for the user (the estimate, a warning), else ""
    summary: Summary | None = field(default=None)
