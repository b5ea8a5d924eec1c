"""What a job came to, in a few lines on stdout."""

import sys
from collections.abc import Mapping
from pathlib import Path

from frdm.cli.progress import duration
from frdm.jobs import Summary
from frdm.reporting import grouped, shares


def print_summary(summary: Summary, *, short: bool = False, again: str = "Use --fresh to start over.") -> None:
    """Print the summary, without places if `short`; warnings go to stderr. `again`: what to say to those who want done work done anew."""
    for warning in summary.warnings:
        print(f"frdm: {warning}", file=sys.stderr)
    for sentence in sentences(summary, again):
        print(sentence)
    if not short:
        for what, place in places(summary).items():
            print(f"{what}: {place}")


def sentences(summary: Summary, again: str = "") -> list[str]:
    """The summary as lines: what was written, found, mended, held, changed."""
    if summary.already_done:
        return [f"{summary.out} is finished already, with these settings; nothing was done. {again}".rstrip()]
    held = sum(summary.held.values())
    shots = f"{summary.shots} shot{'s' * (summary.shots != 1)}"
    said = [f"{summary.frames} frames in {shots}, {duration(summary.seconds)}."]
    said.append(f"Found {summary.defects}{listed(summary.found)}; mended {summary.mended}; held {held}{listed(grouped(summary.held))}.")
    if summary.engines:
        said.append(f"Of all that was found: {', '.join(shares(summary.engines, held))}.")
    if summary.worst_frame is not None:
        worst = f"frame {summary.worst_frame} most, with {100 * summary.worst_altered:.3f} %"
        if summary.out is None:
            said.append(f"No film was written; it would change {100 * summary.altered:.4f} % of the pixels; {worst}.")
        else:
            said.append(f"Changed {100 * summary.altered:.4f} % of the pixels; {worst}. All else is the scan's own, bit by bit.")
    return said


def places(summary: Summary) -> dict[str, Path]:
    """Where things lie."""
    named = {
        "Film": summary.out,
        "Mattes": summary.mattes,
        "Project": summary.project,
        "Report": summary.project / "report.html" if summary.project else None,
    }
    return {what: place for what, place in named.items() if place is not None}


def listed(counts: Mapping[str, int]) -> str:
    """Counts by name in brackets, or nothing."""
    shown = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f" ({shown})" if shown else ""
