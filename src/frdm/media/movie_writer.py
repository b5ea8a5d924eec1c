"""Movies as outputs: encoded or, where packets stand alone and nothing changed, copied; the same frames always give the same bytes."""

from __future__ import annotations  # PyAV's packets take a parameter in its type stubs alone

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from frdm.errors import OutputError
from frdm.film import Frame, Mask
from frdm.media.movie import Movie, open_movie
from frdm.media.movie_aspect import write_aspect
from frdm.media.movie_codecs import CONSTANT_RATE, Choice, Origin, candidates
from frdm.media.movie_encoder import Clock, describe, encoded, muxing, packet_header, tried
from frdm.media.movie_formats import PIXEL_FORMATS, ColourTags, described, encoding_of
from frdm.media.movie_packets import Passengers, VideoPackets, tags_of, timecode_after
from frdm.media.scan import Scan


class MovieWriter:
    """A movie that is being written beside `out`; `finish` gives it its name."""

    def __init__(self, scan: Scan, out: Path, plan: Plan, *, start: int, stop: int) -> None:
        self._scan, self._out, self._choice = scan, out, plan.choice
        self._start, self._stop, self._next = start, stop, start
        self._part = out.with_name(f"{out.name}.part")
        self._clock = plan.clock
        self._warnings: list[str] = []
        self._passengers: Passengers | None = None
        self._copied = _copying(scan, plan, start)
        self._output = av.open(str(self._part), "w", format=plan.choice.container, container_options=muxing(plan.choice))
        with self._errors():
            self._stream = self._video()
            self._board()
            self._output.start_encoding()
        self._say()

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._warnings)

    def has(self, index: int) -> bool:
        """Never: a movie can't be taken up in its middle."""
        return False

    def write(self, frame: Frame, changed: Sequence[Mask] | None) -> None:
        """Write the next frame; one without changes keeps the scan's packet where the codec allows it."""
        if frame.index != self._next:
            raise ValueError(f"frame {frame.index} where {self._next} is next")
        order = frame.index - self._start
        self._next += 1
        with self._errors():
            packet = None
            if self._copied is not None and (changed is None or not any(mask.any() for mask in changed)):
                packet = self._copied.take(frame.index)
            if packet is not None:
                self._output.mux(self._retimed(packet, order))
            else:
                self._output.mux(encoded(frame.planes, self._scan, self._choice, self._stream, self._clock, order=order))
            if self._passengers is not None:
                self._passengers.until(self._clock.times[order] * self._clock.base)

    def sync(self) -> None:
        """Nothing to do: an unfinished movie is begun anew."""

    def finish(self) -> None:
        """Write what is left, make it safe on disk and give it its name."""
        if self._next != self._stop:
            raise ValueError(f"{self._stop - self._next} frames are missing")
        with self._errors():
            self._output.mux(self._stream.encode(None))
            if self._passengers is not None:
                self._passengers.until(None)
            self._output.close()
            self._close_readers()
            self._shape()
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            self._part.replace(self._out)

    def _shape(self) -> None:
        """Pixels that are not square, where the muxer can't be told of them."""
        aspect = self._scan.info.pixel_aspect
        if self._choice.container != "matroska" or aspect in (0, 1):
            return
        try:
            write_aspect(self._part, aspect)
        except (ValueError, StopIteration, EOFError) as error:
            self._warnings.append(f"the pixels' shape {aspect} is not written ({error})")

    def _video(self) -> VideoStream:
        stream = self._output.add_stream(self._choice.rule.encoder, rate=self._scan.info.rate, options=dict(self._choice.options))
        assert isinstance(stream, VideoStream)
        describe(stream.codec_context, self._scan, self._choice, self._clock)
        stream.time_base = self._clock.base
        if isinstance(self._scan, Movie) and self._scan.display_matrix:
            stream.set_display_matrix(self._scan.display_matrix)
        return stream

    def _board(self) -> None:
        """Everything that goes along with the picture."""
        scan, info = self._scan, self._scan.info
        if isinstance(scan, Movie):
            end = scan.second(self._stop) if self._stop < info.length else None
            self._passengers = Passengers(info.path, self._output, self._clock.begin, end)
            self._warnings += self._passengers.warnings
            self._passengers.chapters()
        own = {key.removeprefix("video:"): value for key, value in info.metadata.items() if key.startswith("video:")}
        self._output.metadata.update(tags_of({key: value for key, value in info.metadata.items() if not key.startswith("video:")}))
        self._stream.metadata.update(tags_of(own))
        timecode = own.get("timecode") or own.get("TIMECODE") or info.metadata.get("timecode")
        if timecode:
            self._timecode(timecode)

    def _timecode(self, timecode: str) -> None:
        try:
            moved = timecode_after(timecode, self._start, self._scan.info.rate)
        except ValueError:
            self._warnings.append(f"the timecode {timecode!r} is not hours, minutes, seconds and frames; it is left out")
            return
        holder: Any = self._output if self._choice.container in CONSTANT_RATE else self._stream
        holder.metadata["timecode"] = moved

    def _say(self) -> None:
        """The sentences about what is lost."""
        choice, info = self._choice, self._scan.info
        if not choice.rule.lossless:
            parts = "only frames with repairs are" if self._copied is not None else "every frame is"
            form = ""
            if choice.converts:
                target = encoding_of(PIXEL_FORMATS[choice.target], ColourTags(), info.height, info.encoding.transfer)
                form = f" and turned from {described(info.encoding)} into {described(target)}"
            self._warnings.insert(
                0, f"{choice.name} loses detail: {parts} compressed again{form}, so codes differ also outside repairs there"
            )
        if choice.container in CONSTANT_RATE and not self._clock.steady:
            self._warnings.append(
                f"{choice.container.upper()} has no times of frames: they come at {info.rate} a second, not at the scan's varying rate"
            )

    def _retimed(self, packet: Packet[Any], order: int) -> Packet[Any]:
        packet.stream = self._stream
        packet.time_base = self._clock.base
        packet.pts, packet.duration = self._clock.at(order)
        packet.dts = packet.pts
        return packet

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the muxer's and the disk's errors into `OutputError`, and leave nothing half-written."""
        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            self._drop()
            why = getattr(error, "strerror", None) or str(error)
            raise OutputError(f"{self._out} can't be written ({why}); make room, or give a place or a --codec that will do") from None
        except BaseException:
            self._drop()
            raise

    def _close_readers(self) -> None:
        for reader in (self._passengers, self._copied):
            if reader is not None:
                reader.close()
        self._passengers = self._copied = None

    def _drop(self) -> None:
        """Close everything and remove the unfinished file."""
        self._close_readers()
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            self._output.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._part.exists():
            self._drop()


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to write that was tried with one frame, whose packet is `packet`."""

    choice: Choice
    clock: Clock
    packet: bytes


def open_movie_writer(scan: Scan, out: Path, *, start: int, stop: int, codec: str | None = None) -> MovieWriter:
    """A writer of frames start … stop-1 of `scan` into the movie `out`, whose suffix says the container.

    `codec`: one of movie_codecs' names, with a profile as in "prores:hq", "same" for the scan's; None: the scan's where it is lossless
    or its packets can be copied, else a lossless one (in .mkv always FFV1, in .mp4 H.264). Raises `OutputError` before anything is written.
    """
    _check_place(scan, out)
    origin = Origin(scan.pixel_format.name, scan.tag, scan.profile) if isinstance(scan, Movie) else None
    choices = candidates(scan.info, out, codec, origin)
    clock = Clock(scan, start, stop, container=choices[0].container)
    for choice in choices:
        packet = tried(scan, choice, clock)
        if packet is None:
            continue
        try:
            return MovieWriter(scan, out, Plan(choice, clock, packet), start=start, stop=stop)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{out} can't be written ({error.strerror}); give another place for it") from None
    info = scan.info
    what = f"{codec or 'any lossless codec'} of {info.width}×{info.height} {described(info.encoding)} at {info.rate} frames a second"
    advice = "another --codec" if choices[0].container == "matroska" else ".mkv, or another --codec"
    raise OutputError(f"{out}: {out.suffix} can't hold {what}; use {advice}")


def _copying(scan: Scan, plan: Plan, start: int) -> VideoPackets | None:
    """The scan's packets, if the encoder's can stand among them."""
    choice = plan.choice
    if not isinstance(scan, Movie) or not choice.rule.copies or not choice.same or not scan.index.timed:
        return None
    packets = VideoPackets(scan.info.path, scan.index, start)
    own = packets.take(start)
    packets.close()
    if own is None or packet_header(choice.family, bytes(own)) != packet_header(choice.family, plan.packet):
        return None
    return VideoPackets(scan.info.path, scan.index, start)


def _check_place(scan: Scan, out: Path) -> None:
    if not out.parent.is_dir():
        raise OutputError(f"{out}: the folder {out.parent} is not there; make it or give another place")
    if out.is_dir():
        raise OutputError(f"{out} is a folder; give a movie's name, such as {out / 'film.mkv'}")
    if out.exists() and scan.info.path.exists() and out.samefile(scan.info.path):
        raise OutputError(f"{out} is the scan itself, which is never written over; give another name")


def codec_error(scan: Scan, written: Path, frames: Iterable[Frame], *, start: int = 0) -> tuple[float, float] | None:
    """(greatest, mean) difference in codes that a lossy movie's codec made to `frames`, those given to its writer.

    `start`: the first one's place in the movie. None where its codes can't be compared with the scan's, as they are of another kind.
    """
    greatest, total, count = 0.0, 0.0, 0
    with open_movie(written, fields=True, transfer=scan.info.encoding.transfer) as movie:
        ours, theirs = scan.info.encoding, movie.info.encoding
        if (ours.layout, ours.bits, ours.subsampling, ours.black) != (theirs.layout, theirs.bits, theirs.subsampling, theirs.black):
            return None
        for frame, seen in zip(frames, movie.frames(start), strict=False):
            for given, got in zip(frame.planes, seen.planes, strict=False):
                difference = np.abs(given.astype(np.float64) - got)
                greatest, total, count = max(greatest, float(difference.max())), total + float(difference.sum()), count + difference.size
    return greatest, total / count if count else 0.0
