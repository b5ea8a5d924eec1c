"""Mattes alone: what would be mended and what would be held, without film or project."""

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from frdm.fills.hand_job import hand_job
from frdm.film import MendedFrame
from frdm.jobs.analysis import Plan, ShotFound, analyse, given_mattes
from frdm.jobs.background import ahead
from frdm.jobs.mattes import MatteFolder
from frdm.jobs.progress import Phase, Progress, Summary
from frdm.jobs.recording import held_mask
from frdm.jobs.reports import plain
from frdm.jobs.restoring import asked_range, jobs_for, refuse_places
from frdm.media.scan import Scan, info_at, open_scan, warnings_of
from frdm.presets import apply_preset
from frdm.recipe import Recipe
from frdm.rendering import altered_mask, changed_masks


def detect(
    film: str | Path,
    mattes: str | Path,
    *,
    recipe: Recipe | None = None,
    start: int | None = None,
    stop: int | None = None,
    jobs: int | None = None,
) -> Iterator[Progress]:
    """Write a matte a frame into `mattes`: 255 where a repair would be made, 96 where a defect would be held, else 0."""
    began, recipe = time.monotonic(), apply_preset(recipe or Recipe())
    with open_scan(film, transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills) as scan:
        begin, end = asked_range(scan.info, start, stop)
        refuse_places(scan.info, {"the folder for mattes": Path(mattes)}, alone=recipe.stills)
        plan = Plan(begin, end, recipe, given_mattes(scan, recipe), jobs_for(jobs), hand=hand_job(recipe, info=scan.info))
        seen = _Seen(MatteFolder(Path(mattes), scan), scan)
        with ahead(partial(analyse, scan, plan), depth=4) as events:
            for event in events:
                if isinstance(event, ShotFound):
                    seen.shots = event.number
                if isinstance(event, MendedFrame):
                    seen.frame(event)
                    yield seen.progress("frames", end - begin, began)
        last = seen.progress("done", end - begin, began)
        summary = seen.summary(Path(mattes), last.seconds)
        yield Progress("done", last.frame, last.frames, last.found, last.mended, last.held, last.seconds, summary=summary)


class _Seen:
    """Counts and mattes of what was found."""

    def __init__(self, folder: MatteFolder, scan: Scan) -> None:
        self._folder, self._scan = folder, scan
        self._found: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._mended = self._frames = 0
        self._altered: dict[int, float] = {}
        self.shots = 0

    def frame(self, item: MendedFrame) -> None:
        index = item.frame.index
        info = info_at(self._scan, index)
        changed = changed_masks([repair.patch for repair in item.repairs], info.encoding, height=info.height, width=info.width)
        mask = altered_mask(changed, info.encoding, height=info.height, width=info.width)
        self._folder.write(index, mask, held_mask(item.held, info))
        self._found.update([repair.defect.kind for repair in item.repairs] + [held.defect.kind for held in item.held])
        self._held.update(plain(held.reason) for held in item.held)
        self._mended += len(item.repairs)
        self._frames += 1
        self._altered[index] = float(mask.mean())

    def progress(self, phase: Phase, frames: int, began: float) -> Progress:
        found, held = self._found.total(), self._held.total()
        return Progress(phase, self._frames, frames, found, self._mended, held, time.monotonic() - began)

    def summary(self, mattes: Path, seconds: float) -> Summary:
        worst = max(self._altered, key=lambda frame: self._altered[frame])
        mean = sum(self._altered.values()) / len(self._altered)
        return Summary(
            film=self._scan.info.path,
            out=None,
            project=None,
            mattes=mattes,
            frames=self._frames,
            shots=self.shots,
            found=dict(sorted(self._found.items())),
            mended=self._mended,
            rejected=0,
            held=dict(sorted(self._held.items())),
            altered=mean,
            worst_frame=worst if self._altered[worst] else None,
            worst_altered=self._altered[worst],
            seconds=seconds,
            warnings=warnings_of(self._scan),
        )
