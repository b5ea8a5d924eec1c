"""The job that the studio runs: at most one, in a thread of its own, watched by any number of pages.

Pausing is not asking for the job's next step; what works ahead of it then waits too. Stopping ends it at a frame, as a kill would: whole
spans are kept, and the same job goes on from there.
"""

import json
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from frdm import jobs
from frdm.errors import FrdmError, LedgerError, OutputError
from frdm.jobs.pictures_out import export_mattes, export_overlays
from frdm.jobs.progress import Progress
from frdm.jobs.project import SUFFIX, existing
from frdm.ledger import store
from frdm.recipe import recipe_from

Kind = Literal["restore", "render", "export"]
PicturesForm = Literal["overlay-exr", "overlay-png", "mattes"]
State = Literal["running", "paused", "finishing", "done", "failed", "stopped"]
PATIENCE = 30.0  # seconds that a stopped job has to come to its next frame when the studio closes


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as the page shows it."""

    number: int
    kind: Kind
    state: State = "running"
    phase: str = "start"
    frame: int = 0
    frames: int = 0
    per_second: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0
    found: int = 0
    mended: int = 0
    held: int = 0
    note: str = ""
    error: str | None = None
    output: str | None = None

    @property
    def active(self) -> bool:
        return self.state in ("running", "paused", "finishing")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def after(self, step: Progress) -> "JobState":
        """The same, one step on."""
        made, left = max(step.frame - step.resumed, 0), max(step.frames - step.frame, 0)
        speed = made / step.seconds if step.phase == "frames" and made and step.seconds > 0 else None
        out = step.summary.out if step.summary is not None else None
        return replace(
            self,
            state="finishing" if step.phase in ("finish", "done") and self.state == "running" else self.state,
            phase=step.phase,
            frame=step.frame,
            frames=step.frames,
            per_second=speed if step.phase != "finish" else self.per_second,
            seconds_left=left / speed if speed else None,
            seconds=step.seconds,
            found=max(step.found, self.found),
            mended=max(step.mended, self.mended),
            held=max(step.held, self.held),
            note=step.note or self.note,
            output=self.output if out is None else out.name,
        )


@dataclass(frozen=True, slots=True)
class Pictures:
    """What an export makes, in a folder beside the project that bears its name."""

    form: PicturesForm = "overlay-exr"
    alpha: Literal["whole", "soft"] = "whole"

    def beside(self, folder: Path) -> Path:
        """The folder that is made."""
        place = folder.resolve()
        return place.with_name(f"{place.name.removesuffix(SUFFIX)}-{self.form}")

    def steps(self, folder: Path) -> Iterator[Progress]:
        """The work, not begun."""
        if self.form == "mattes":
            return export_mattes(folder, self.beside(folder))
        return export_overlays(folder, self.beside(folder), form="exr" if self.form == "overlay-exr" else "png", alpha=self.alpha)


class Runner:
    """Runs jobs on one project, one after the other."""

    def __init__(self, film: Path, folder: Path) -> None:
        self._film, self._folder = film, folder
        self._lock = threading.Lock()
        self._going, self._left = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._job: JobState | None = None

    @property
    def job(self) -> JobState | None:
        """The running job, or the last one."""
        return self._job

    def start(self, kind: Kind, codec: str | None = None, pictures: Pictures = Pictures()) -> JobState:
        """Begin a job. Raises `LedgerError` while one runs, and where there is nothing to render or to export."""
        steps = self._steps(kind, codec, pictures)
        with self._lock:
            if self._job is not None and self._job.active:
                raise LedgerError(f"a {self._job.kind} job is running on this project; wait for it or stop it")
            if self._thread is not None:
                self._thread.join()
            self._job = JobState(1 if self._job is None else self._job.number + 1, kind)
            if kind == "export":
                self._job = replace(self._job, output=pictures.beside(self._folder).name)
            self._left.clear()
            self._going.set()
            self._thread = threading.Thread(target=self._run, args=(steps,), name="frdm-job", daemon=True)
            self._thread.start()
            return self._job

    def pause(self) -> JobState:
        """Let the job wait. Raises `LedgerError` when none runs."""
        with self._lock:
            job = self._active()
            self._going.clear()
            self._job = replace(job, state="paused", per_second=None, seconds_left=None)
            return self._job

    def resume(self) -> JobState:
        """Let a paused job go on. Raises `LedgerError` when none runs."""
        with self._lock:
            job = self._active()
            self._job = replace(job, state="running")
            self._going.set()
            return self._job

    def stop(self) -> JobState:
        """End the job at its next step. Raises `LedgerError` when none runs."""
        with self._lock:
            job = self._active()
            self._left.set()
            self._going.set()
            return job

    def close(self) -> None:
        """End whatever runs and wait for it."""
        self._left.set()
        self._going.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _active(self) -> JobState:
        if self._job is None or not self._job.active:
            raise LedgerError("no job is running; start one")
        return self._job

    def _steps(self, kind: Kind, codec: str | None, pictures: Pictures) -> Callable[[], Iterator[Progress]]:
        """The job's generator, not begun. Raises `LedgerError`, `OutputError`."""
        if not (self._folder / store.NAME).is_file():
            if kind != "restore":
                raise LedgerError(f"{self._folder.name}: nothing was restored yet; run the restoration first")
            return lambda: jobs.restore(self._film, project=self._folder, codec=codec)
        if kind == "export":
            return lambda: pictures.steps(self._folder)
        if kind == "render":
            return lambda: jobs.render(self._folder, codec=codec)
        with existing(self._folder, alone=False) as project:
            row, made = project.row, [output for output in project.ledger.outputs() if output.state != "replaced"]
        recipe, out = recipe_from(json.loads(row.recipe), str(self._folder)), self._own_place(made[0].path if made else None)
        known = next((output.codec for output in reversed(made) if output.path == str(out.resolve())), None)
        return lambda: jobs.restore(
            row.film, out, recipe=recipe, project=self._folder, start=row.start, stop=row.stop, codec=codec or known
        )

    def _own_place(self, first: str | None) -> Path:
        """Where the project's own film stands or will stand."""
        if first is not None:
            return Path(first)
        folder = self._folder.resolve()
        if folder.name.endswith(SUFFIX):
            return folder.with_name(folder.name.removesuffix(SUFFIX))
        raise OutputError(f"{self._folder}: no film was made from this project yet; make the first with frdm restore -o")

    def _run(self, begin: Callable[[], Iterator[Progress]]) -> None:
        """The job's thread: step by step, until it ends or is to end."""
        try:
            steps = begin()
            try:
                for step in steps:
                    with self._lock:
                        assert self._job is not None
                        self._job = self._job.after(step)
                    self._going.wait()
                    if self._left.is_set():
                        break
            finally:
                steps.close()  # type: ignore[attr-defined]
        except FrdmError as error:
            self._end("failed", str(error))
        except Exception:
            traceback.print_exc()
            self._end("failed", "the job ended with a fault of ours; the terminal shows it")
        else:
            self._end("stopped" if self._left.is_set() and not self._finished() else "done", None)

    def _finished(self) -> bool:
        return self._job is not None and self._job.phase == "done"

    def _end(self, state: State, error: str | None) -> None:
        with self._lock:
            assert self._job is not None
            self._job = replace(self._job, state=state, error=error, per_second=None, seconds_left=None)
