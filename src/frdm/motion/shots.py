"""Shots: where one camera take ends and the next begins, so that no frame is compared with, or mended from, another take.

Cuts are proposed by PySceneDetect and then tested on the frames around them: damage, flashes and flicker are no cuts.
Frames pass once, in order, and a shot is known a few frames after its end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from frdm.film import Encoding, Frame, Real, ScanInfo, Shot, Span
from frdm.motion.shot_lists import read_shots
from frdm.recipe import ShotSettings
from frdm.signal.working import small_luma

WIDTH, HEIGHT = 96, 72  # of the pictures that are compared: grain averages out, composition stays
REACH = 4  # frames looked at on either side of a cut: a flash or burn of up to three frames is none
LAG = 2  # frames that scenedetect waits before it speaks
SAME = 0.9  # likeness at which two frames show the same, however their brightness differs
RETURN = 0.6  # likeness across a cut at which the film has returned to its look …
RISE = 0.2  # … if it is this much more alike than right at the cut


class Frames(Protocol):
    """A film whose frames can be run through (a `Scan` is one)."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


def find_shots(source: Frames, info: ScanInfo, settings: ShotSettings, *, start: int = 0, stop: int | None = None) -> tuple[Shot, ...]:
    """The shots of frames start … stop-1, which they cover without gap.

    Frames outside the range are not read: its ends are ends of shots. Cuts inside lie where they would without the range, but for
    those less than `settings.shortest` frames from its ends. A given list (`settings.list`) is clipped to the range. Raises `RecipeError`.
    """
    stop = info.length if stop is None else stop
    if settings.list is not None:
        return clipped(read_shots(Path(settings.list), info), start, stop)
    if not settings.detect:
        return (Shot(start, stop),)
    return tuple(stream_shots(source.frames(start, stop), info.encoding, settings))


def stream_shots(frames: Iterable[Frame], encoding: Encoding, settings: ShotSettings) -> Iterator[Shot]:
    """Shots of consecutive frames, each given as soon as its end is certain, some `settings.shortest` frames behind the film."""
    for step in follow_shots(frames, encoding, settings):
        if isinstance(step, Shot):
            yield step


def follow_shots(frames: Iterable[Frame], encoding: Encoding, settings: ShotSettings) -> Iterator[Shot | int]:
    """After every frame: shots that have ended, then the number up to which (exclusive) frames are certain to belong to the open one."""
    finder: _CutFinder | None = None
    start = index = 0
    for frame in frames:
        if finder is None:
            finder, start = _CutFinder(settings, frame.index), frame.index
        index = frame.index
        for cut in finder.look(index, compared_picture(frame, encoding)):
            yield Shot(start, cut)
            start = cut
        yield max(finder.certain(index), start)
    if finder is not None:
        for cut in finder.rest(index + 1):
            yield Shot(start, cut)
            start = cut
        yield Shot(start, index + 1)


def spans_of(shots: Iterable[Shot], longest: int) -> tuple[Span, ...]:
    """The units of work: every shot in pieces of at most `longest` frames, counted from its first frame."""
    return tuple(
        Span(shot, start, min(start + longest, shot.stop)) for shot in shots for start in range(shot.start, shot.stop, max(1, longest))
    )


def clipped(shots: Iterable[Shot], start: int, stop: int) -> tuple[Shot, ...]:
    """The parts of shots that lie in frames start … stop-1."""
    parts = (Shot(max(shot.start, start), min(shot.stop, stop)) for shot in shots)
    return tuple(part for part in parts if len(part) > 0)


def compared_picture(frame: Frame, encoding: Encoding) -> Real:
    """The frame as cuts are judged on it: luma, 96 × 72 whatever its shape, softened so that grain and specks weigh little."""
    small = cv2.resize(small_luma(frame, encoding, 2 * WIDTH), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.float32)


def likeness(one: Real, other: Real) -> float:
    """How alike two compared pictures are, −1 … 1, when brightness and contrast are taken out and a shift of up to an eighth allowed."""
    rows, columns = HEIGHT // 8, WIDTH // 8
    middle = one[rows:-rows, columns:-columns]
    flat, other_flat = float(middle.std()) < 1e-3, float(other.std()) < 1e-3
    if flat or other_flat:
        return 1.0 if flat and other_flat and abs(float(one.mean() - other.mean())) < 0.05 else 0.0
    return float(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED).max())


@dataclass
class _CutFinder:
    """PySceneDetect fed frame by frame, and the last few pictures, in which its cuts are tested."""

    settings: ShotSettings
    start: int  # first frame of the film or range
    _detector: Any = field(init=False)
    _time: Any = field(init=False)  # scenedetect's FrameTimecode
    _recent: dict[int, Real] = field(default_factory=dict, init=False)
    _proposed: list[int] = field(default_factory=list, init=False)  # cuts whose later frames have not come yet
    _pending: tuple[int, float] | None = field(default=None, init=False)  # a cut and its likeness, given when no better one is near
    _last: int = field(init=False)  # the last cut given

    def __post_init__(self) -> None:
        from scenedetect import FrameTimecode  # here since it takes most of a second to load
        from scenedetect.detectors import AdaptiveDetector

        self._time = FrameTimecode
        self._detector = AdaptiveDetector(adaptive_threshold=self.settings.threshold, min_scene_len=0, window_width=LAG, luma_only=True)
        self._last = self.start

    def look(self, index: int, picture: Real) -> list[int]:
        """Take the next frame; give the cuts that have become certain."""
        self._recent[index] = picture
        self._recent.pop(index - 2 * REACH, None)
        self._proposed += [time.frame_num for time in self._detector.process_frame(self._time(index, fps=25.0), _steadied(picture))]
        return self._test_proposed(index - REACH + 1) + self._settle(index - REACH)

    def certain(self, index: int) -> int:
        """No cut will be given below this frame, now that `index` was looked at."""
        waiting = [] if self._pending is None else [self._pending[0]]
        return min([index - LAG, *self._proposed, *waiting])

    def rest(self, stop: int) -> list[int]:
        """The cuts that are still waiting when the film has ended with frame stop-1, if they leave long enough shots."""
        return self._test_proposed(stop - self.settings.shortest) + self._settle(stop)

    def _test_proposed(self, until: int) -> list[int]:
        """Test the proposed cuts up to frame `until`."""
        ready = [cut for cut in self._proposed if cut <= until]
        self._proposed = self._proposed[len(ready) :]
        return [given for cut in ready for given in self._consider(cut)]

    def _consider(self, cut: int) -> list[int]:
        """Keep a proposed cut in waiting if it is real; of two that are too near, the one across which the film differs more."""
        alike = self._alike_across(cut)
        if alike is None or cut - self._last < self.settings.shortest:
            return []
        settled = self._settle(cut)
        if self._pending is None or alike < self._pending[1]:
            self._pending = (cut, alike)
        return settled

    def _settle(self, now: int) -> list[int]:
        """Give the waiting cut once no later one can be too near."""
        if self._pending is None or now - self._pending[0] < self.settings.shortest:
            return []
        self._last = self._pending[0]
        self._pending = None
        return [self._last]

    def _alike_across(self, cut: int) -> float | None:
        """Likeness of the frames at both sides of a cut, or None: the film goes on, or returns within a few frames (flash, burn, dirt)."""
        before = [self._recent[i] for i in range(cut - 1, cut - 1 - REACH, -1) if i in self._recent]
        after = [self._recent[i] for i in range(cut, cut + REACH) if i in self._recent]
        at_once = likeness(before[0], after[0])
        if at_once >= SAME:
            return None
        best = max(likeness(b, a) for b in before for a in after)
        return None if best >= max(RETURN, at_once + RISE) else at_once


def _steadied(picture: Real) -> Any:
    """The 8-bit BGR picture for scenedetect, of fixed mean and contrast: flicker and fades vanish, cuts between dark shots show."""
    contrast = max(float(picture.std()), 0.04)
    codes = np.clip((picture - picture.mean()) * (48 / contrast) + 128, 0, 255).astype(np.uint8)
    return cv2.cvtColor(codes, cv2.COLOR_GRAY2BGR)
