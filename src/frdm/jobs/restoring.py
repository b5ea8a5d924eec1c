"""The two jobs that write a film: `restore` finds and mends what isn't done yet and renders all; `render` only renders.

What is read and analysed in one thread is laid over, written and recorded in the other. Killed at any moment, the same call goes on from
the last whole span and gives the same bytes.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import xxhash

from frdm.defects.dirtmap import GivenMattes
from frdm.diffusion.planning import bytes_of
from frdm.errors import LedgerError, OutputError, RecipeError, SettingsChanged
from frdm.fills.hand_job import HandJob, hand_job, refuse_small
from frdm.film import ScanInfo
from frdm.jobs import outputs
from frdm.jobs.analysis import Given, Looked, Plan, Step, analyse, given_mattes
from frdm.jobs.background import ahead
from frdm.jobs.estimating import estimate, frame_bytes, needed_disk
from frdm.jobs.mattes import MatteFolder
from frdm.jobs.progress import Progress, Summary
from frdm.jobs.project import SUFFIX, Project, existing, film_of, making, project_folder, project_row
from frdm.jobs.recording import Recorder, Target
from frdm.jobs.reports import is_about, summarise, write_report
from frdm.ledger.decisions import frames_decided
from frdm.ledger.records import OutputRow
from frdm.ledger.store import Ledger
from frdm.media.scan import Scan, info_at, open_scan, warnings_of
from frdm.media.writer import FilmWriter, open_writer
from frdm.presets import apply_preset
from frdm.recipe import Recipe, recipe_from

_WAITING = 128 << 20  # bytes of frames that may wait between the two threads


@dataclass(frozen=True, slots=True)
class Job:
    """One run on an open project."""

    scan: Scan
    recipe: Recipe
    start: int
    stop: int
    out: Path | None  # None: no film is written
    codec: str | None
    mattes: Path | None
    began: float
    given: Given
    jobs: int = 1
    hand: HandJob | None = None


def restore(
    film: str | Path,
    out: str | Path | None = None,
    *,
    recipe: Recipe | None = None,
    project: str | Path | None = None,
    start: int | None = None,
    stop: int | None = None,
    mattes: str | Path | None = None,
    codec: str | None = None,
    dry_run: bool = False,
    fresh: bool = False,
    jobs: int | None = None,
    memory: int | str | None = None,
) -> Iterator[Progress]:
    """Restore frames start … stop-1 of a film (all by default) into `out`, recording every repair in `project` (`OUT.frdm/` by default).

    `mattes`: a folder that gets one PNG a frame, above 0 where a code may differ. `dry_run` finds and records, but writes no film.
    `fresh` throws an earlier run's records away. `jobs`: spans worked on side by side; more cost memory and change no byte.
    `memory`: bytes, or a text such as "24GiB", that diffusion keeps to, where the recipe asks for it; it changes no byte either.
    Raises `FrdmError`s; whatever happens, nothing half-made stands under `out`'s name.
    """
    began, recipe = time.monotonic(), apply_preset(recipe or Recipe())
    budget = bytes_of(memory) if isinstance(memory, str) else memory
    with open_scan(film, transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills) as scan:
        begin, end = asked_range(scan.info, start, stop)
        side_by_side = jobs_for(jobs)
        hand = hand_job(recipe, info=scan.info, memory=budget, side_by_side=side_by_side)
        if hand is not None and recipe.whole_frame.on:
            for index in range(begin, end) if recipe.stills else ():
                refuse_small(info_at(scan, index), hand.hand.params)
        marked = given_mattes(scan, recipe)
        given = outputs.default_out(scan.info, alone=recipe.stills) if out is None else outputs.named(Path(out))
        target = None if dry_run else given
        folder = project_folder(given, None if project is None else Path(project))
        places = {"the output": given, "the project": folder} | ({} if mattes is None else {"the folder for mattes": Path(mattes)})
        refuse_places(scan.info, places, alone=recipe.stills)
        try:
            with making(folder, project_row(scan, recipe, start=begin, stop=end), fresh=fresh) as opened:
                where = None if mattes is None else Path(mattes)
                job = Job(scan, recipe, begin, end, target, codec, where, began, marked, side_by_side, hand)
                yield from _run(opened, job, again=False)
        finally:
            if target is not None and not folder.exists():  # nothing came of it, so nothing will go on with it
                outputs.drop_unfinished(target)


def render(
    project: str | Path,
    out: str | Path | None = None,
    *,
    codec: str | None = None,
    mattes: str | Path | None = None,
    film: str | Path | None = None,
) -> Iterator[Progress]:
    """Write the film anew from scan and accepted repairs, as the decisions stand now; an `out` that this project made is replaced.

    `film`: where the scan lies now, if it was moved. Raises `LedgerError` when the restoration isn't finished.
    """
    began = time.monotonic()
    with existing(Path(project), alone=True) as opened:
        row, recipe = opened.row, recipe_from(json.loads(opened.row.recipe), str(project))
        made = [output for output in opened.ledger.outputs() if output.state != "replaced"]
        target = outputs.named(Path(out)) if out is not None else _own_place(opened, made)
        codec = codec or next((output.codec for output in reversed(made) if output.path == str(target.resolve())), None)
        with open_scan(film or film_of(opened), transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills) as scan:
            if scan.identity() != row.identity:
                raise SettingsChanged(f"{scan.info.path}: not the film that {project} was made of, or changed since; give that film")
            if str(scan.info.path.resolve()) != row.film:
                opened.ledger.moved(str(scan.info.path.resolve()))
            _refuse_unfinished(opened)
            places = {"the output": target} | ({} if mattes is None else {"the folder for mattes": Path(mattes)})
            refuse_places(scan.info, places, alone=recipe.stills)
            job = Job(scan, recipe, row.start, row.stop, target, codec, None if mattes is None else Path(mattes), began, GivenMattes())
            yield from _run(opened, job, again=True)


def jobs_for(asked: int | None) -> int:
    """How many spans are worked on side by side; one keeps about four cores busy. Raises `RecipeError`."""
    if asked is not None and asked < 1:
        raise RecipeError(f"jobs: {asked} was asked for; give 1 or more")
    return asked or max(1, min(4, (os.cpu_count() or 1) // 4))


def asked_range(info: ScanInfo, start: int | None, stop: int | None) -> tuple[int, int]:
    """The range as frame numbers from 0. Raises `RecipeError` when it isn't in the film."""
    first, last = start or 0, info.length if stop is None else stop
    if not 0 <= first < last <= info.length:
        raise RecipeError(f"{info.path}: frames {first} to {last - 1} were asked for, it has 0 to {info.length - 1}; give a range in it")
    return first, last


def refuse_places(info: ScanInfo, places: dict[str, Path], *, alone: bool = False) -> None:
    """Raise `OutputError` where something would be written into the scan, or two things into one place. `alone`: a picture is no frame of
    those beside it.
    """
    taken: dict[Path, str] = {}
    for what, place in places.items():
        outputs.refuse_overlap(outputs.film_place(info, alone=alone), place, what)
        if other := taken.get(place.resolve()):
            raise OutputError(f"{place}: given as {other} and as {what}; give two places")
        taken[place.resolve()] = what


def _run(project: Project, job: Job, *, again: bool) -> Iterator[Progress]:
    """Do what is to be done; `again`: an output that doesn't show the newest decisions is made anew."""
    ledger = project.ledger
    if job.out is not None:
        outputs.recover(job.out)
        outputs.refuse_foreign(job.out, ledger.outputs())
        done = _standing(job.out, ledger.outputs())
        stale = done is not None and done.decision != ledger.last_decision()
        if done is not None and not (again and (stale or job.codec != done.codec)):
            yield from _nothing_to_do(project, job, done=done, stale=stale)
            return
        outputs.refuse_unwritable(job.out)
    cost = estimate(job.scan, job.recipe, start=job.start, stop=job.stop, out=job.out, jobs=job.jobs)
    yield Progress("start", 0, job.stop - job.start, note=cost.sentence)
    with ExitStack() as stack, outputs.disk_errors(job.out or project.folder):
        output = writer = place = None
        if job.out is not None:
            place = outputs.place_to_write(job.out)
            _check_disk(ledger, job)
            writer = stack.enter_context(open_writer(job.scan, place, start=job.start, stop=job.stop, codec=job.codec))
            standing = "" if outputs.empty(job.out) else outputs.identity_of(job.out)
            output = ledger.begin_output(str(job.out.resolve()), job.codec, standing=standing)
            yield from (Progress("start", 0, job.stop - job.start, note=warning) for warning in writer.warnings)
        mattes = None if job.mattes is None else MatteFolder(job.mattes, job.scan)
        yield from _frames(project, job, target=Target(output, writer, mattes))
        warnings = warnings_of(job.scan)
        if job.out is not None and place is not None and writer is not None and output is not None:
            yield Progress("finish", 0, 1, seconds=time.monotonic() - job.began)
            warnings = writer.warnings
            _finish(project, job.out, place=place, writer=writer, output=output)
        summary = summarise(project, job.out, mattes=job.mattes, seconds=time.monotonic() - job.began)
        write_report(project, summary.seconds)
        yield _last(job, replace(summary, warnings=warnings))


def _check_disk(ledger: Ledger, job: Job) -> None:
    """Raise `OutputError` when what is left to write can't find room."""
    assert job.out is not None
    begun = [row.number for row in ledger.outputs() if row.path == str(job.out.resolve()) and row.state == "started"]
    written = len(ledger.renders(begun[-1])) if begun and job.scan.info.names else 0
    needed = needed_disk(job.scan, job.start, job.stop, out=job.out) * (1 - written / (job.stop - job.start))
    outputs.fits(job.out.resolve().parent, round(needed))


def _frames(project: Project, job: Job, *, target: Target) -> Iterator[Progress]:
    """Run the analysis in its thread and take what comes of it."""
    plan, recorder = _plan(project, job, target), Recorder(project, job.scan, target)
    depth = max(2, min(16, _WAITING // frame_bytes(job.scan.info)))
    with ahead(partial(analyse, job.scan, plan), depth=depth) as events:
        try:
            yield from _taken(events, recorder, job)
        finally:
            recorder.close()


def _taken(events: Iterator[Step], recorder: Recorder, job: Job) -> Iterator[Progress]:
    """Record all that comes and say how far the job is: first in looking for shots, then in frames."""
    counts, before, frames = recorder.counts, 0, job.stop - job.start
    for event in events:
        recorder.take(event)
        seconds = time.monotonic() - job.began
        if isinstance(event, Looked) and counts.frames == 0:
            yield Progress("shots", event.frames, frames, seconds=seconds)
        elif isinstance(event, Looked) or counts.frames != before:
            before = counts.frames
            yield Progress("frames", before, frames, counts.found, counts.mended, counts.held, seconds=seconds, resumed=counts.resumed)


def _plan(project: Project, job: Job, target: Target) -> Plan:
    """What is left to do."""
    ledger = project.ledger
    written = frozenset(row.frame for row in ledger.renders(target.output.number)) if target.output else frozenset()
    decided, writer = frames_decided(ledger), target.writer

    def skip(index: int) -> bool:
        return writer is None or (index in written and index not in decided and writer.has(index))

    return Plan(
        job.start,
        job.stop,
        job.recipe,
        job.given,
        jobs=job.jobs,
        shots=[row.shot for row in ledger.shots()],
        all_shots=project.row.shots_found,
        done=frozenset(span.start for span in ledger.spans()),
        skip=skip,
        hand=job.hand,
    )


def _finish(project: Project, out: Path, *, place: Path, writer: FilmWriter, output: OutputRow) -> None:
    """Give the film its name and record it."""
    ledger = project.ledger
    ledger.finishing(output.number)
    outputs.clear_for(place)
    writer.finish()
    outputs.take_place(place, out)
    codes = xxhash.xxh3_128("".join(row.codes for row in ledger.renders(output.number)).encode()).hexdigest()
    ledger.finish_output(output.number, identity=outputs.identity_of(out), codes=codes, warnings=writer.warnings)


def _standing(out: Path, rows: list[OutputRow]) -> OutputRow | None:
    """The record of the finished film that stands at `out`."""
    for row in reversed(rows):
        if row.path == str(out.resolve()) and row.state == "finished" and out.exists() and outputs.identity_of(out) == row.identity:
            return row
    return None


def _nothing_to_do(project: Project, job: Job, *, done: OutputRow, stale: bool) -> Iterator[Progress]:
    """Say so; only mattes that were asked for are written."""
    assert job.out is not None
    if job.codec is not None and job.codec != done.codec:
        raise SettingsChanged(
            f"{job.out}: finished with {'the default codec' if done.codec is None else f'codec {done.codec}'}, asked for was {job.codec}; "
            f"use frdm render {project.folder} --codec {job.codec} or give the output a new name"
        )
    if job.mattes is not None:
        yield from _frames(project, job, target=Target(mattes=MatteFolder(job.mattes, job.scan)))
    if not is_about(project, done):  # killed between the film and its report
        write_report(project, None)
    summary = summarise(project, job.out, mattes=job.mattes, seconds=time.monotonic() - job.began)
    newer = f"decisions were made since {job.out.name} was written; frdm render {project.folder} -o {job.out} puts them into the film"
    yield _last(job, replace(summary, already_done=True, warnings=(newer,) if stale else ()))


def _last(job: Job, summary: Summary) -> Progress:
    frames = job.stop - job.start
    return Progress("done", frames, frames, summary.defects, summary.mended, sum(summary.held.values()), summary.seconds, summary=summary)


def _own_place(project: Project, made: list[OutputRow]) -> Path:
    """The project's own film: the one that it is named for, else the one that was made first."""
    folder = project.folder.resolve()
    named = folder.with_name(folder.name.removesuffix(SUFFIX)) if folder.name.endswith(SUFFIX) else None
    if named is not None and (not made or any(output.path == str(named) for output in made)):
        return named
    if made:
        return Path(made[0].path)
    raise OutputError(f"{project.folder}: no film was made from this project yet; say where with -o")


def _refuse_unfinished(project: Project) -> None:
    done = sum(span.stop - span.start for span in project.ledger.spans())
    wanted = project.row.stop - project.row.start
    if not project.row.shots_found or done != wanted:
        raise LedgerError(f"{project.folder}: {done} of {wanted} frames are analysed; run the same frdm restore again to finish it first")
