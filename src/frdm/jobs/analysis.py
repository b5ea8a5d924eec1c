"""The first half of a job, in its own thread: find shots, cut them into spans, mend those that are not done, read those that are.

Shots become known as the film passes, so that the first is being mended long before the last is found.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from threading import Event, Lock
from time import monotonic

from frdm.defects.area import find_area
from frdm.defects.dirtmap import GivenMattes, open_mattes
from frdm.defects.stretch import around, block_end, whole_blocks
from frdm.errors import LedgerError, RecipeError
from frdm.fills.hand_job import HandJob
from frdm.film import Frame, MendedFrame, Shot, Span
from frdm.jobs.cutting import Cuts
from frdm.jobs.stills import PictureMattes, single_shots
from frdm.media.album import Album
from frdm.media.scan import Scan, info_at
from frdm.mending import Shared, mend
from frdm.motion.reel import HALO
from frdm.motion.shots import find_shots, follow_shots, spans_of
from frdm.recipe import Recipe

PIECE = 16  # frames of a growing shot that are worked on at least, since what lies around a piece is looked at twice


TELL = 0.25  # seconds between two words about how far the search for shots is


@dataclass(frozen=True, slots=True)
class Looked:
    """So many frames of the range were looked at for cuts."""

    frames: int


@dataclass(frozen=True, slots=True)
class ShotFound:
    """A shot, in order; `number` counts from 1."""

    number: int
    shot: Shot


@dataclass(frozen=True, slots=True)
class AllShotsFound:
    """The shots so far cover the range."""


@dataclass(frozen=True, slots=True)
class SpanBegins:
    """Frames of this span follow; `done`: as read, else mended. Of a shot that is still growing the end is a guess until `SpanEnds`."""

    span: Span
    done: bool


@dataclass(frozen=True, slots=True, eq=False)
class ReadFrame:
    """A frame of a span that is done; `frame` is None where it need not be read."""

    index: int
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class SpanEnds:
    """All frames of this span were given."""

    span: Span


Step = Looked | ShotFound | AllShotsFound | SpanBegins | ReadFrame | MendedFrame | SpanEnds
Put = Callable[[Step], None]


Given = GivenMattes | PictureMattes


def _nothing(_: int) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job has to go through."""

    start: int
    stop: int
    recipe: Recipe
    given: Given
    jobs: int = 1  # spans worked on side by side
    shots: Sequence[Shot] = ()  # known from an earlier run, in order …
    all_shots: bool = False  # … and whether these are all
    done: frozenset[int] = frozenset()  # first frames of the spans that are done
    skip: Callable[[int], bool] = _nothing  # of their frames: whether it need not be read
    hand: HandJob | None = None  # as the job opened it, where the recipe asks for it


def analyse(scan: Scan, plan: Plan, put: Put) -> None:
    """Go through the film and give all that comes of it, spans in order."""
    worker, recipe = _Worker(scan, plan, put), plan.recipe
    grow = recipe.shots.list is None and recipe.shots.detect and not recipe.stills and not recipe.needs_shots
    if plan.jobs == 1 and grow and not plan.all_shots:
        _as_shots_grow(scan, plan, put, worker)
    elif plan.jobs == 1:
        for span in _announced(scan, plan, put):
            worker.span(span)
    else:
        worker.side_by_side(_announced(scan, plan, put))
    put(AllShotsFound())


def _as_shots_grow(scan: Scan, plan: Plan, put: Put, worker: "_Worker") -> None:
    """Work on each shot while its end is still looked for: those of an earlier run first."""
    number, known, start = 0, 0, max(0, around(plan.start, plan.stop)[0])
    for number, shot in enumerate(plan.shots, 1):
        worker.shot(number, shot)
        known = shot.stop
    with Cuts(lambda: _followed(scan, plan, put)) as cuts:
        for place in count():
            grown = cuts.certain(place, max(start, plan.start) + 1) if start < plan.stop else None
            if grown is None:
                return
            if start >= known and not isinstance(grown, Shot):
                number += 1
                start = worker.growing(cuts, place, start=start, number=number).stop
                continue
            shot = cuts.shot(place)
            if belongs(shot, scan, plan):
                number += 1
                worker.shot(number, shot)
            start = shot.stop


def _announced(scan: Scan, plan: Plan, put: Put) -> Iterator[Span]:
    """The spans, each after its shot was given."""
    for number, shot in enumerate(_shots(scan, plan, put), 1):
        put(ShotFound(number, shot))
        yield from spans_in(shot, plan)


def spans_in(shot: Shot, plan: Plan) -> Iterator[Span]:
    """The spans of a shot, clipped to the asked range; neighbours may still be taken from outside it."""
    for span in spans_of([shot], plan.recipe.span):
        start, stop = max(span.start, plan.start), min(span.stop, plan.stop)
        if start < stop:
            yield Span(shot, start, stop)


def _shots(scan: Scan, plan: Plan, put: Put) -> Iterator[Shot]:
    """Shots that touch the range: those of an earlier run, then the others, each as soon as it is certain. Raises `LedgerError`."""
    yield from plan.shots
    if plan.all_shots:
        return
    if plan.recipe.stills:
        yield from single_shots(plan.shots[-1].stop if plan.shots else plan.start, plan.stop)
        return
    for shot in _found(scan, plan, put):
        if belongs(shot, scan, plan):
            yield shot


def belongs(shot: Shot, scan: Scan, plan: Plan) -> bool:
    """Whether a shot touches the range and was not found by an earlier run. Raises `LedgerError` where it contradicts one."""
    known = plan.shots[-1].stop if plan.shots else 0
    if shot.stop <= plan.start or shot.start >= plan.stop or shot in plan.shots:
        return False
    if shot.start < known:
        raise LedgerError(f"{scan.info.path}: frames {shot.start} to {shot.stop - 1} were no shot in the earlier run; use --fresh")
    return True


def _found(scan: Scan, plan: Plan, put: Put) -> Iterator[Shot]:
    """All shots of the range and its margin; after an interruption from the start again, so that they are the same."""
    settings, info = plan.recipe.shots, scan.info
    if settings.list is not None or not settings.detect:
        return iter(find_shots(scan, info, settings))
    return (step for step in _followed(scan, plan, put) if isinstance(step, Shot))


def _followed(scan: Scan, plan: Plan, put: Put) -> Iterator[Shot | int]:
    """The search for shots through the range and what it hangs on: cuts must lie where the whole film has them."""
    first, last = around(plan.start, plan.stop)
    start, stop = max(0, first), min(scan.info.length, last)
    return follow_shots(_watched(scan.frames(start, stop), plan, put), scan.info.encoding, plan.recipe.shots)


def _watched(frames: Iterator[Frame], plan: Plan, put: Put) -> Iterator[Frame]:
    """The same frames, telling how far they are from time to time."""
    told = monotonic()
    for frame in frames:
        if monotonic() - told > TELL:
            told = monotonic()
            put(Looked(min(max(frame.index - plan.start, 0), plan.stop - plan.start)))
        yield frame


def given_mattes(scan: Scan, recipe: Recipe) -> Given:
    """What the recipe gives beside its numbers, looked at before anything is made. Raises `RecipeError`."""
    if recipe.stills and recipe.shots.list is not None:
        raise RecipeError(f"stills: every picture is a shot of its own, found shots = {recipe.shots.list}; give one of both")
    if isinstance(scan, Album):
        pictures = PictureMattes(scan, recipe)
        pictures.check()
        return pictures
    if recipe.area.area != "auto":
        find_area(scan, scan.info, recipe.area)
    if recipe.shots.list is not None:
        find_shots(scan, scan.info, recipe.shots)
    return open_mattes(recipe, scan.info)


class _Worker:
    """Works on one span after the other; what needs the whole film is found at the first that must be mended."""

    def __init__(self, scan: Scan, plan: Plan, put: Put) -> None:
        self._scan, self._plan, self._put = scan, plan, put
        self._given, self._placed = plan.given, False
        self._placing, self._left = Lock(), Event()
        self._shared = Shared(plan.hand)

    def shot(self, number: int, shot: Shot) -> None:
        """Give all of a shot whose end is known."""
        self._put(ShotFound(number, shot))
        for span in spans_in(shot, self._plan):
            self.span(span)

    def growing(self, cuts: Cuts, place: int, *, start: int, number: int) -> Shot:
        """Give all of a shot whose end is not known yet, and that end: its first span in pieces, of whole blocks where it goes on, that the
        end can no longer touch.
        """
        plan = self._plan
        first = start + max(0, plan.start - start) // plan.recipe.span * plan.recipe.span
        begin, end = max(first, plan.start), min(first + plan.recipe.span, plan.stop)
        self._put(SpanBegins(Span(Shot(start, end), begin, end), done=False))
        at = begin
        while at < end and isinstance(grown := cuts.certain(place, block_end(start, min(at + PIECE, end)) + HALO), int):
            stop = min(whole_blocks(start, grown - HALO), end)
            self._give_mended(Span(Shot(start, grown), at, stop))
            at = stop
        shot = cuts.shot(place)
        self._put(ShotFound(number, shot))
        end = min(end, shot.stop)
        if at < end:
            self._give_mended(Span(shot, at, end))
        self._put(SpanEnds(Span(shot, begin, end)))
        for span in spans_in(shot, plan):
            if span.start > begin:
                self.span(span)
        return shot

    def _give_mended(self, span: Span) -> None:
        for item in self._mend(span):
            self._put(item)

    def span(self, span: Span) -> None:
        """Give one span as it is worked on."""
        done = span.start in self._plan.done
        self._put(SpanBegins(span, done))
        for item in self._read(span) if done else self._mend(span):
            self._put(item)
        self._put(SpanEnds(span))

    def side_by_side(self, spans: Iterator[Span]) -> None:
        """Give the spans in order, the first as it is worked on, the next ones worked on meanwhile."""
        with ThreadPoolExecutor(self._plan.jobs - 1, "frdm-span") as pool:
            waiting: deque[tuple[Span, Future[list[MendedFrame]] | None]] = deque()
            try:
                for span in spans:
                    done = span.start in self._plan.done
                    waiting.append((span, None if done or not waiting else pool.submit(self._alone, span)))
                    if len(waiting) >= self._plan.jobs:
                        self._give(*waiting.popleft())
                while waiting:
                    self._give(*waiting.popleft())
            finally:
                self._left.set()
                pool.shutdown(cancel_futures=True)

    def _give(self, span: Span, result: "Future[list[MendedFrame]] | None") -> None:
        """Give a span that is ready, else work on it now."""
        if result is None or result.cancel():
            self.span(span)
            return
        items = result.result()
        self._put(SpanBegins(span, done=False))
        for frame, item in zip(self._scan.frames(span.start, span.stop), items, strict=True):
            self._put(replace(item, frame=frame))
        self._put(SpanEnds(span))

    def _alone(self, span: Span) -> list[MendedFrame]:
        """What comes of a span, without its frames: those are read again, so that memory does not grow."""
        items = []
        for item in self._mend(span):
            if self._left.is_set():
                break
            items.append(replace(item, frame=Frame(item.frame.index, ())))
        return items

    def _mend(self, span: Span) -> Iterator[MendedFrame]:
        plan, info = self._plan, info_at(self._scan, span.start)
        return mend(self._scan, span, info=info, recipe=plan.recipe, given=self._mattes(), shared=self._shared)

    def _mattes(self) -> Given:
        """The given mattes with the picture area, which is looked for once."""
        if isinstance(self._given, PictureMattes):
            return replace(self._given)  # a span its own: several are worked on at once
        with self._placing:
            if not self._placed:
                self._given = self._given.with_area(find_area(self._scan, self._scan.info, self._plan.recipe.area))
                self._placed = True
            return self._given

    def _read(self, span: Span) -> Iterator[ReadFrame]:
        """The span's frames; only those that are missing in the output are decoded."""
        index = span.start
        while index < span.stop:
            if self._plan.skip(index):
                yield ReadFrame(index, None)
                index += 1
                continue
            stop = next((i for i in range(index + 1, span.stop) if self._plan.skip(i)), span.stop)
            for frame in self._scan.frames(index, stop):
                yield ReadFrame(frame.index, frame)
            index = stop
