"""What became of every frame of a pair of films: kept, or refused and why; as JSON and as lines to read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from frdm.film import ScanInfo


@dataclass(frozen=True, slots=True)
class Verdict:
    """One frame of BEFORE: its partner in AFTER, the reason why it was refused (None: kept), and what was measured."""

    before: int
    after: int | None
    reason: str | None
    figures: dict[str, float] = field(default_factory=dict)


class Report:
    """The verdicts of a pair of films, in order."""

    def __init__(self, before: ScanInfo, after: ScanInfo, partners: Sequence[int | None]) -> None:
        self._before, self._after = before, after
        self._partners = partners
        self.verdicts: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        """Take down one frame."""
        self.verdicts.append(verdict)

    @property
    def kept(self) -> int:
        """Frames that became training data."""
        return sum(verdict.reason is None for verdict in self.verdicts)

    def alone(self) -> list[int]:
        """Frames of AFTER that no frame of BEFORE belongs to."""
        used = {j for j in self._partners if j is not None}
        return [j for j in range(self._after.length) if j not in used]

    def lines(self) -> list[str]:
        """The report to read: a line for each run of frames with one verdict."""
        out = [f"{self.kept} of {self._before.length} frames of {_name(self._before.path)} are pairs with {_name(self._after.path)}:"]
        for (offset, said), group in groupby(self.verdicts, key=_sort):
            run = list(group)
            first, last = run[0].before, run[-1].before
            here = f"{first}" if first == last else f"{first}–{last}"
            there = "" if offset is None else f" ↔ {first + offset}" + ("" if first == last else f"–{last + offset}")
            out.append(f"  BEFORE {here}{there}: {_detail(run, said)}")
        out += [f"  AFTER {run}: shown in no frame of BEFORE" for run in _runs(self.alone())]
        return out

    def json(self) -> str:
        """The report for programs; films are named without their folders, so that the same films give the same bytes."""
        rows = [{"before": v.before, "after": v.after, "kept": v.reason is None, "reason": v.reason, **v.figures} for v in self.verdicts]
        head: dict[str, Any] = {"before": _film(self._before), "after": _film(self._after), "kept": self.kept, "after_alone": self.alone()}
        text = json.dumps(head, ensure_ascii=False, indent=1)
        body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        return text[:-2] + f',\n "frames": [\n  {body}\n ]\n}}\n'


def _sort(verdict: Verdict) -> tuple[int | None, str]:
    """What a line of the report has in common; figures in a reason don't count."""
    offset = None if verdict.after is None else verdict.after - verdict.before
    words = [word for word in (verdict.reason or "").split() if not any(letter.isdigit() for letter in word)]
    return offset, " ".join(words)


def _detail(run: Sequence[Verdict], said: str) -> str:
    if said:
        return f"refused: {run[len(run) // 2].reason}"
    share = sum(v.figures.get("defect", 0.0) for v in run) / len(run)
    noise = sum(v.figures.get("noise", 0.0) for v in run) / len(run)
    return f"kept, {100 * share:.2f} % defect, noise {100 * noise:.2f} %"


def _runs(numbers: Sequence[int]) -> Iterator[str]:
    """3–7, 9 … of rising numbers."""
    for _, group in groupby(enumerate(numbers), key=lambda each: each[1] - each[0]):
        run = [number for _, number in group]
        yield f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}"


def _film(info: ScanInfo) -> dict[str, Any]:
    return {"film": _name(info.path), "frames": info.length, "width": info.width, "height": info.height}


def _name(path: Path) -> str:
    return path.resolve().name
