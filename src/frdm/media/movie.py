"""Movies as scans: MOV, MKV, MP4, MXF, AVI … through PyAV, as native code planes, from any frame on.

Each iterator has a container of its own, so that several may be open at once. A frame reached by seeking is the frame that
decoding from the beginning gives: its time is looked up in the film's index.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from frdm.errors import MediaError, TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.film import Codes, Frame, ScanInfo, Transfer
from frdm.media.movie_formats import PIXEL_FORMATS, ColourTags, PixelFormat, encoding_of, planes_of, tagged_transfer
from frdm.media.movie_index import BrokenPacket, FrameIndex, build_index, decoded, shown, video_stream

_MOST_THREADS = 8  # each holds pictures; more would cost memory and win little
_SAMPLE = 1 << 20  # bytes of head, tail and each place between that count for the identity
_PLACES = 8
_NOT_FILM = ("_pipe", "tty", "image2", "concat", "hls", "dash", "webvtt", "srt", "ass", "applehttp")
_INTERLACED = frozenset({2, 3, 4, 5})  # AVFieldOrder: top or bottom first, stored or shown


class Movie:
    """A movie file that is open for reading; `index` has its frames' times, in units of `time_base`."""

    def __init__(self, info: ScanInfo, index: FrameIndex, pixel_format: PixelFormat, tags: ColourTags, time_base: Fraction) -> None:
        self.info = info
        self.index = index
        self.pixel_format = pixel_format
        self.tags = tags
        self.time_base = time_base
        self.fields = False
        self.field_order = 0  # AVFieldOrder, 0: not known
        self.tag = ""  # the codec's four letters
        self.profile = ""
        self.display_matrix: tuple[int, ...] = ()  # rotation and flips, as FFmpeg holds them
        self._next: tuple[int, Iterator[Frame]] | None = None

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames start … stop-1 in order. Raises `UnreadableFrame` for one that can't be decoded."""
        stop = self.info.length if stop is None else min(stop, self.info.length)
        if start < stop:
            yield from self._read(start, stop)

    def frame(self, index: int) -> Frame:
        """One frame; asking for the following one next goes on without seeking."""
        if not 0 <= index < self.info.length:
            raise IndexError(f"{self.info.path} has frames 0 … {self.info.length - 1}, not {index}")
        place, frames = self._next or (-1, iter(()))
        if place != index:
            self._release()
            frames = self.frames(index)
        frame = next(frames)
        self._next = (index + 1, frames)
        return frame

    def second(self, index: int) -> Fraction:
        """When a frame is shown, in seconds of the container's clock."""
        return int(self.index.times[index]) * self.time_base if self.index.timed else index / self.info.rate

    def _read(self, start: int, stop: int) -> Iterator[Frame]:
        wanted = start
        try:
            for number, picture in self._from(start):
                if number != wanted:
                    break
                yield Frame(number, self._planes(number, picture))
                wanted += 1
                if wanted == stop:
                    return
        except BrokenPacket as error:
            number = wanted if error.time is None else max(wanted, int(self.index.times.searchsorted(error.time)))
            raise UnreadableFrame(self._broken(number, str(error))) from None
        except av.error.FFmpegError as error:
            raise UnreadableFrame(self._broken(wanted, error.strerror or str(error))) from None
        raise UnreadableFrame(self._broken(wanted, "decoding gives no picture for it"))

    def _from(self, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """(frame number, picture) from `start` on, begun at a key frame before it that decodes in time."""
        steps = 0
        while True:
            key = self.index.key_before(start, steps)
            pictures = enumerate(decoded(self.info.path, key, _threads()))
            begun = False
            for order, picture in pictures:
                number = self._number(order, picture)
                if number > start and not begun and key is not None:
                    break
                begun = True
                if number >= start:
                    yield number, picture
            if begun or key is None:
                return
            steps = 2 * steps + 1

    def _number(self, order: int, picture: VideoFrame) -> int:
        """A picture's frame number; between the index's times: that of the frame after."""
        time = shown(picture)
        if not self.index.timed or time is None:
            return order
        return int(self.index.times.searchsorted(time))

    def _planes(self, number: int, picture: VideoFrame) -> tuple[Codes, ...]:
        info = self.info
        if (picture.width, picture.height, picture.format.name) != (info.width, info.height, self.pixel_format.name):
            found = f"{picture.width}×{picture.height} {picture.format.name}"
            wanted = f"{info.width}×{info.height} {self.pixel_format.name}"
            raise UnreadableFrame(
                f"{info.path}: frame {number} is {found} where the film is {wanted}; cut the film there and restore the parts apart"
            )
        if picture.is_corrupt:
            raise UnreadableFrame(self._broken(number, "its data is damaged"))
        if picture.interlaced_frame and not self.fields:
            raise _interlaced(info.path, number)
        return planes_of(picture, self.pixel_format)

    def _broken(self, number: int, why: str) -> str:
        last = f"frame {number - 1} is the last whole one before it" if number else "no frame before it is whole"
        where = f"{self.info.path}: frame {number} can't be decoded ({why}), {last}"
        return f"{where}; copy the film again from its source, or restore other frames with --range"

    def identity(self) -> str:
        """SHA-256 of the size, head, tail and some places between, so that it is cheap for terabytes."""
        size = self.info.path.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        with self.info.path.open("rb") as file:
            for place in range(_PLACES + 1):
                file.seek(max(0, (size - _SAMPLE) * place // _PLACES))
                digest.update(file.read(_SAMPLE))
        return digest.hexdigest()

    def _release(self) -> None:
        if self._next is not None:
            self._next[1].close()  # type: ignore[attr-defined]
            self._next = None

    def close(self) -> None:
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _threads() -> int:
    return min(os.cpu_count() or 1, _MOST_THREADS)


def open_movie(path: Path, *, transfer: Transfer | None = None, fields: bool = False) -> Movie:
    """Open a movie file. `transfer` overrules its tags; `fields` allows interlaced film. Raises `MediaError`."""
    with _opened(path) as container:
        if any(word in container.format.name for word in _NOT_FILM):
            raise UnsupportedFilm(
                f"{path} is not a movie but {container.format.long_name}; give a movie file or a folder of numbered frames"
            )
        stream = _film(path, container)
        picture = _first_picture(path)
        context = stream.codec_context
        if not fields and (context.field_order in _INTERLACED or picture.interlaced_frame):
            raise _interlaced(path, 0)
        movie = _movie(path, stream, picture, transfer)
        movie.fields = fields
        movie.field_order, movie.tag, movie.profile = context.field_order, _tag(stream), context.profile or ""
        movie.display_matrix = _display_matrix(picture)
        return movie


def _tag(stream: VideoStream) -> str:
    try:
        return stream.codec_context.codec_tag
    except UnicodeDecodeError:  # a number, not letters
        return ""


def _display_matrix(picture: VideoFrame) -> tuple[int, ...]:
    for entry in cast(Iterable[SideData], picture.side_data):
        if entry.type is SideDataType.DISPLAYMATRIX:
            return tuple(int(value) for value in np.frombuffer(bytes(entry), np.int32))
    return ()


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path), metadata_errors="replace")
    except av.error.InvalidDataError:
        with path.open("rb") as file:
            head = file.read(8)[4:]
        if head in (b"ftyp", b"mdat", b"wide", b"free", b"moov", b"skip"):
            raise MediaError(
                f"{path} is cut short: its index (moov), which stands at the end, is missing, so no frame can be found; "
                "copy it again from its source"
            ) from None
        raise UnsupportedFilm(f"{path} is not a movie that FFmpeg can read; give a movie file or a folder of numbered frames") from None
    except av.error.FFmpegError as error:
        raise MediaError(f"{path} can't be opened ({error.strerror}); check its name and your right to read it") from None


def _film(path: Path, container: InputContainer) -> VideoStream:
    """The video stream, checked for what can be read."""
    stream = video_stream(container)
    if stream is None:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise UnsupportedFilm(f"{path} has no moving picture, only {kinds}; give a movie file with video")
    if stream.codec_context is None:
        raise UnsupportedFilm(
            f"{path}: its video codec is unknown to FFmpeg; convert it without loss to FFV1 with the program that wrote it"
        )
    return stream


def _first_picture(path: Path) -> VideoFrame:
    try:
        for picture in decoded(path, None, threads=1):
            if picture.format.name not in PIXEL_FORMATS:
                raise UnsupportedFilm(
                    f"{path}: pixel format {picture.format.name} has no code planes of 8 to 16 bits or floats; "
                    "convert the film to one that has, such as rgb24 or yuv422p10"
                )
            return picture
    except (av.error.FFmpegError, BrokenPacket) as error:
        raise MediaError(
            f"{path}: frame 0 can't be decoded ({getattr(error, 'strerror', error)}); copy the film again from its source"
        ) from None
    raise MediaError(f"{path} has not one whole frame; copy the film again from its source")


def _interlaced(path: Path, number: int) -> UnsupportedFilm:
    return UnsupportedFilm(
        f"{path}: frame {number} is interlaced, two fields of different moments, which frdm doesn't restore; "
        "deinterlace or inverse-telecine it first, or give --fields if its fields show the same moment"
    )


def _movie(path: Path, stream: VideoStream, picture: VideoFrame, transfer: Transfer | None) -> Movie:
    pixel_format = PIXEL_FORMATS[picture.format.name]
    context, container = stream.codec_context, stream.container
    tags = ColourTags(picture.color_range, picture.color_primaries, picture.color_trc, picture.colorspace)
    if transfer is None and pixel_format.floating and tags.transfer in (0, 2):
        raise TransferUnknown(f"{path}: its codes are floats without a transfer tag; say --transfer linear (or log, srgb, video)")
    encoding = encoding_of(pixel_format, tags, picture.height, transfer or tagged_transfer(tags))
    time_base = stream.time_base or Fraction(1, 1)
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    metadata = dict(container.metadata) | {f"video:{key}": value for key, value in stream.metadata.items()}
    codec = context.codec.canonical_name
    index = build_index(path, container, stream)  # type: ignore[arg-type]
    info = ScanInfo(
        path,
        picture.width,
        picture.height,
        rate,
        len(index),
        encoding,
        container.format.name.split(",")[0],
        codec,
        aspect,
        metadata=metadata,
    )
    return Movie(info, index, pixel_format, tags, time_base)
