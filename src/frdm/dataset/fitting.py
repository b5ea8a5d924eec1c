"""Fitting a pack into a size: a few frames are stored in all ways that come into question, and the best that fits is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frdm.dataset.codec import Coding, Form, picture_bytes
from frdm.dataset.films import Stretch, levels, quantised, resized
from frdm.dataset.sources import Clip
from frdm.film import Real
from frdm.media.scan import open_scan

SCALES = (1.0, 0.9, 0.8, 2 / 3, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25)
COMPRESSED_SCALE = 2 / 3  # at this size a codec's blocks are no longer 8 or 16 px, and its ringing is averaged away
QUALITIES = tuple(range(96, 85, -1))  # below the last, the pack's own codec leaves traces that would be learned
FRAMES = (24, 16, 12, 8, 5)  # a sample, when not even the smallest size fits
OVERHEAD = 900  # bytes a frame: tar header, padding, its share of the manifest
TRIED = 96  # frames that are stored on trial …
PIXELS = 50e6  # … or so many pixels, if that is less


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a clip that becomes one sample; `lossy`: a codec has been at it. `bits` (8 or 16) are the sample's."""

    clip: Clip
    stretch: Stretch
    lossy: bool
    bits: int
    height: int
    width: int

    def scale(self, scale: float) -> float:
        """The scale that is used: compressed film is never kept at its full size."""
        return min(scale, COMPRESSED_SCALE) if self.lossy else scale

    def shape(self, scale: float) -> tuple[int, int]:
        """(height, width) in the pack."""
        return round(self.height * self.scale(scale)), round(self.width * self.scale(scale))

    def kept(self, frames: int) -> Stretch:
        """The middle `frames` frames of it."""
        spare = max(0, len(self.stretch) - frames)
        start = self.stretch.start + spare // 2
        return Stretch(self.stretch.shot, start, start + len(self.stretch) - spare)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pack's pictures will be: the scale, the coding, the longest sample in frames, and the bytes that are expected."""

    scale: float
    coding: Coding
    frames: int
    estimate: int = 0


class Trial:
    """A few frames of all pieces, stored in ways that are asked for. `exact`: some have 16 bits, which only exact codings hold."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self.exact = any(piece.bits > 8 for piece in pieces)
        largest = max(piece.height * piece.width for piece in pieces)
        count = int(min(TRIED, max(4, PIXELS // largest)))
        each = 2 if 2 * len(pieces) <= count else 1
        step = max(1.0, len(pieces) / count)
        self._tried = [pieces[int(step * place)] for place in range(min(len(pieces), count))]
        self._pictures = [picture for piece in self._tried for picture in _pictures(piece, each)]
        self._each, self._known = each, dict[tuple[float, Coding], list[float]]()

    def bytes(self, scale: float, coding: Coding, frames: int) -> int:
        """The pack's size if it were so made."""
        sizes = self._sizes(scale, coding)
        tried = sum(size * len(piece.kept(frames)) for size, piece in zip(sizes, self._tried, strict=True))
        share = sum(len(piece.kept(frames)) for piece in self._tried) / sum(len(piece.kept(frames)) for piece in self._pieces)
        return round(tried / share)

    def least(self, form: Form) -> int:
        """The smallest pack that may be made."""
        return self.bytes(SCALES[-1], self.codings(form, None)[-1], FRAMES[-1])

    def codings(self, form: Form, quality: int | None) -> list[Coding]:
        """The codings that come into question, best first."""
        if form == "png" or quality is not None or self.exact:
            return [Coding(form, quality)]
        return [Coding(form, each) for each in QUALITIES]

    def _sizes(self, scale: float, coding: Coding) -> list[float]:
        """Bytes a frame of every tried piece."""
        if (scale, coding) not in self._known:
            made = []
            for place, piece in enumerate(self._tried):
                mine = self._pictures[place * self._each : (place + 1) * self._each]
                small = [resized(picture.astype(np.float32), piece.scale(scale)) for picture in mine]
                stored = [len(picture_bytes(quantised(picture, piece.bits), coding)) for picture in small]
                made.append(float(np.mean(stored)) + OVERHEAD)
            self._known[scale, coding] = made
        return self._known[scale, coding]


def best_plan(trial: Trial, asked: tuple[Form, int | None, float | None, int], room: float) -> Plan | None:
    """The longest samples, then the largest pictures, then the best quality that fit into `room` bytes; None where nothing does.

    `asked`: form, quality (None: chosen), scale (None: chosen), frames a sample.
    """
    form, quality, asked_scale, longest = asked
    ways = trial.codings(form, quality)
    for frames in (longest, *(count for count in FRAMES if count < longest)):
        for scale in (asked_scale,) if asked_scale else SCALES:
            if trial.bytes(scale, ways[-1], frames) <= room:
                coding = next(way for way in ways if trial.bytes(scale, way, frames) <= room)
                return Plan(scale, coding, frames, trial.bytes(scale, coding, frames))
    return None


def _pictures(piece: Piece, count: int) -> list[Real]:
    """Levels of `count` frames of a piece; of 8-bit film halved in depth to save room."""
    with open_scan(piece.clip.path, transfer=piece.clip.transfer) as scan:
        places = [piece.stretch.start + round((part + 0.5) * len(piece.stretch) / count - 0.5) for part in range(count)]
        kept = np.float16 if piece.bits == 8 else np.float32
        return [np.asarray(levels(scan.frame(at), scan.info.encoding), kept) for at in places]
