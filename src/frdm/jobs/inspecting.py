"""What a film is like before anything is done to it: its shots, and the defects of a few frames spread over them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frdm.defects.area import find_area
from frdm.defects.dirtmap import GivenMattes
from frdm.fills.hand_job import hand_job
from frdm.film import Defect, MendedFrame, Shot, Span
from frdm.jobs.analysis import given_mattes
from frdm.jobs.stills import single_shots
from frdm.media.scan import Scan, info_at
from frdm.mending import Shared, mend
from frdm.motion.shots import find_shots
from frdm.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A frame that was looked at; `number` is its shot's, from 1."""

    number: int
    shot: Shot
    seen: MendedFrame

    @property
    def defects(self) -> list[Defect]:
        """All that was found, mended or held."""
        return [*(repair.defect for repair in self.seen.repairs), *(held.defect for held in self.seen.held)]

    @property
    def kinds(self) -> Counter[str]:
        return Counter(defect.kind for defect in self.defects)

    @property
    def share(self) -> float:
        """Share of the frame's pixels inside defects."""
        return sum(int(defect.mask.sum()) for defect in self.defects) / self.seen.frame.planes[0].size


def shots(scan: Scan, recipe: Recipe, *, frames: range) -> tuple[Shot, ...]:
    """The shots of a part of a film, all of whose frames are read; of unrelated pictures each is one."""
    if recipe.stills:
        return tuple(single_shots(frames.start, frames.stop))
    return find_shots(scan, scan.info, recipe.shots, start=frames.start, stop=frames.stop)


def samples(scan: Scan, found: Sequence[Shot], recipe: Recipe, *, count: int) -> Iterator[Sample]:
    """About `count` frames, a film's middle of each shot first, more of long shots, in order."""
    given = given_mattes(scan, recipe)
    if isinstance(given, GivenMattes):
        given = given.with_area(find_area(scan, scan.info, recipe.area))
    shared = Shared(hand_job(recipe, info=scan.info))
    for number, shot, index in chosen(found, count):
        for seen in mend(scan, Span(shot, index, index + 1), info=info_at(scan, index), recipe=recipe, given=given, shared=shared):
            yield Sample(number, shot, seen)


def chosen(found: Sequence[Shot], count: int) -> list[tuple[int, Shot, int]]:
    """(shot's number, shot, frame) of the frames to look at: spread evenly over the film's shots, then within them."""
    spread = sorted({round((place + 0.5) * len(found) / count - 0.5) for place in range(count)})
    each = max(1, count // max(len(spread), 1))
    frames = []
    for number in spread:
        shot = found[number]
        wanted = min(each, len(shot))
        frames += [(number + 1, shot, shot.start + round((place + 0.5) * len(shot) / wanted - 0.5)) for place in range(wanted)]
    return frames
