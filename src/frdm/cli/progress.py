"""Progress of a long job: a bar on a terminal, plain lines every few seconds elsewhere; always on stderr."""

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from frdm.jobs import Progress, Summary

EVERY = 5.0  # seconds between plain lines
NAMES = {"start": "starting", "shots": "finding shots", "frames": "frames", "finish": "finishing", "done": "done"}


def follow(job: Iterator[Progress]) -> Summary:
    """Run a job to its end, showing its steps; its summary."""
    summary = None
    with Watched() as watched:
        for step in job:
            watched.show(step)
            summary = step.summary or summary
    assert summary is not None, "a job ends with its summary"
    return summary


class Watched:
    """Shows the steps of a job; used with `with`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.said = time.monotonic()
        self.bar = bar_on(self.console) if self.console.is_terminal else None
        self.task = self.bar.add_task("", total=None, rate="", counts="") if self.bar else None

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, step: Progress) -> None:
        """Show one step: a note at once, the rest when it is time."""
        if step.note:
            self.console.print(step.note, markup=False, highlight=False, soft_wrap=True)
        if self.bar and self.task is not None:
            speed = f"{rate(step):.1f} frames/s"
            self.bar.update(self.task, description=NAMES[step.phase], completed=step.frame, total=step.frames or None)
            self.bar.update(self.task, rate=speed, counts=counts(step))
        elif time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            print(line(step), file=sys.stderr, flush=True)


def rate(step: Progress) -> float:
    """Frames a second of this run; what an earlier run did is left out."""
    return max(step.frame - step.resumed, 0) / max(step.seconds, 1e-3)


def counts(step: Progress) -> str:
    return f"found {step.found}, mended {step.mended}, held {step.held}"


def line(step: Progress) -> str:
    """A step as one line of plain text."""
    if step.phase != "frames":
        return f"{NAMES[step.phase]}: {step.frame} of {step.frames}"
    speed = rate(step)
    left = f", {duration((step.frames - step.frame) / speed)} left" if speed > 0 and step.frame < step.frames else ""
    return f"frame {step.frame} of {step.frames}, {speed:.1f} frames/s{left}; {counts(step)}"


def bar_on(console: Console) -> Bar:
    """A bar with frames, frames a second, time left and counts."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    return Bar(*columns, TimeRemainingColumn(), TextColumn("{task.fields[counts]}"), console=console)


def duration(seconds: float) -> str:
    """A time as people say it: `8 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 90:
        return f"{max(whole, 1)} s"
    if whole < 5400:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def amount(bytes_: float) -> str:
    """A size as people say it: `340 MB`, `1.2 GB`."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if bytes_ >= size:
            return f"{bytes_ / size:.3g} {unit}"
    return f"{max(round(bytes_ / 1e3), 1)} kB"
