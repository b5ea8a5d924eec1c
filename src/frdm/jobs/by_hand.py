"""Repairs by hand on their way into the project: the pixels to disk, the record into the ledger; and what a kill left in between."""

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from frdm.errors import LedgerError
from frdm.film import Repair
from frdm.jobs.clipping import clear
from frdm.jobs.outputs import disk_errors
from frdm.jobs.project import Project
from frdm.ledger import made
from frdm.ledger.made import ByHand, ChangedMeanwhileError, Made, StoredPatches
from frdm.ledger.patches import sync_folder, write_patches
from frdm.ledger.reading import file_digests
from frdm.ledger.records import By

PREFIX = "hand-"
UNNAMED = ".new"  # behind the name of a file that is being written
ABANDONED = 86_400.0  # seconds after which nobody is writing a file any more
TRIES = 5  # when others decide in the same moment


def write_made(project: Project, work: ByHand, by: By) -> tuple[int, list[str]]:
    """Put the patches safely on disk, then record them: never the other way round. (action, ids).

    Raises `LedgerError`, `ChangedMeanwhileError`, `OutputError`; then nothing is left.
    """
    if not work.made:
        return made.record(project.ledger, work, by)
    by_frame: dict[int, list[Made]] = {}
    for one in work.made:
        by_frame.setdefault(one.repair.defect.box.frame, []).append(one)
    ordered = [one for _, found in sorted(by_frame.items()) for one in found]
    with disk_errors(project.patches):
        file = written(project.patches, [(frame, [one.repair for one in found]) for frame, found in sorted(by_frame.items())])
        try:
            return made.record(project.ledger, replace(work, made=ordered, file=file), by)
        finally:
            discard(project, file)


def written(folder: Path, frames: Sequence[tuple[int, Sequence[Repair]]]) -> StoredPatches:
    """Patches, by frame, safely on disk, under a name that says nothing yet."""
    name = f"{PREFIX}{uuid.uuid4().hex[:16]}.npz"
    unnamed, place = folder / (name + UNNAMED), folder / name
    digest, size = write_patches(unnamed, frames)

    def put() -> None:
        unnamed.replace(place)
        sync_folder(folder)

    return StoredPatches(name, digest, size, put, partial(place.unlink, missing_ok=True))


def discard(project: Project, file: StoredPatches | None) -> None:
    """Take a written file away that was not recorded."""
    if file is not None:
        (project.patches / (file.name + UNNAMED)).unlink(missing_ok=True)


def write_clear(project: Project, work: ByHand, by: By) -> tuple[int | None, list[str], list[tuple[int, str]]]:
    """As `write_made`, of what is made only the parts outside of protected places: (action, ids, frames where nothing is left and why).

    The action is None where nothing is left at all.
    """
    for left in reversed(range(TRIES)):
        state = made.protecting(project.ledger)
        parts, refused = clear(project, work.made)
        if not parts:
            return None, [], refused
        try:
            action, ids = write_made(project, replace(work, made=parts, clear_of=state), by)
            return action, ids, refused
        except ChangedMeanwhileError:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def sweep(project: Project) -> list[str]:
    """Take away files of repairs by hand that a kill left without a record; their names. Never one that anybody is writing: they get
    their names while the ledger is held for writing, as it is here, and those without are let be for a day.
    """
    files = [file.name for file in project.patches.glob(f"{PREFIX}*")] if project.patches.is_dir() else []
    if not set(files) - set(file_digests(project.ledger)):
        return []
    swept: list[str] = []
    with suppress(OSError, LedgerError), project.ledger.writing():  # who may only read leaves them
        named = set(file_digests(project.ledger))
        for name in sorted(set(files) - named):
            path = project.patches / name
            if name.endswith(".npz") or time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
                swept.append(name)
    return swept
