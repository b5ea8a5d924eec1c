"""Encoders made ready for a scan: size, times, colour tags, and the pictures that they take."""

from __future__ import annotations  # PyAV's packets take a parameter in its type stubs alone

import io
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags as CodecFlags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Colorspace, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from frdm.film import Codes, Encoding
from frdm.media.movie import Movie
from frdm.media.movie_codecs import CONSTANT_RATE, Choice, slices_of
from frdm.media.movie_formats import PIXEL_FORMATS, ColourTags, fill_memory, planes_of
from frdm.media.scan import Scan

_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INP
_THREADS = 4  # fixed, as the bytes of some encoders depend on their number
_TRANSFERS = {"video": 1, "linear": 8, "log": 9, "srgb": 13}  # AVColorTransferCharacteristic
_MATRICES = {"bt709": 1, "bt601": 6, "bt2020": 9}  # AVColorSpace
_SWSCALE = {"bt709": Colorspace.ITU709, "bt601": Colorspace.ITU601, "bt2020": Colorspace.BT2020}


class Clock:
    """When each frame of the output is shown, in units of `base`.

    `begin` is the scan's time in seconds that becomes the output's 0 (None: as it was). `steady`: whether the scan's frames
    come at a constant rate. Then they are counted in frames, which every container keeps exactly; one with the scan's time
    base keeps the scan's numbers.
    """

    def __init__(self, scan: Scan, start: int, stop: int, *, container: str) -> None:
        self.rate = scan.info.rate
        self.base = 1 / self.rate
        self.times = list(range(stop - start))
        self.end = stop - start
        self.begin: Fraction | None = None
        self.steady = True
        if not isinstance(scan, Movie):
            return
        self.begin = scan.second(start) if start or container in CONSTANT_RATE else None
        if not scan.index.timed:
            return
        times = [int(time) for time in scan.index.times[start:stop]]
        self.steady = _steady(times, scan.time_base, self.rate)
        whole = self.begin is not None or (times[0] * scan.time_base * self.rate).denominator == 1
        same_base = container == "matroska" and scan.time_base == Fraction(1, 1000)
        if container in CONSTANT_RATE or (self.steady and whole and not same_base):
            first = 0 if self.begin is not None else int(times[0] * scan.time_base * self.rate)
            self.times = list(range(first, first + stop - start))
            self.end = first + stop - start
            return
        after = int(scan.index.times[stop]) if stop < scan.info.length else times[-1] + max(1, round(1 / (self.rate * scan.time_base)))
        shift = times[0] if start else 0
        self.base = scan.time_base
        self.times = [time - shift for time in times]
        self.end = after - shift

    def at(self, order: int) -> tuple[int, int]:
        """(time, duration) of the order-th frame."""
        after = self.times[order + 1] if order + 1 < len(self.times) else self.end
        return self.times[order], after - self.times[order]


def _steady(times: list[int], base: Fraction, rate: Fraction) -> bool:
    """Whether frames come at `rate`, to one unit of the time base."""
    ideal = np.arange(len(times)) * float(1 / (rate * base)) + times[0]
    return bool(np.all(np.abs(np.array(times) - ideal) <= 1))


def colour_tags(scan: Scan) -> ColourTags:
    """A scan's colour description: a movie's own tags, or what a sequence's encoding says."""
    if isinstance(scan, Movie):
        return scan.tags
    encoding = scan.info.encoding
    matrix = {"rgb": 0, "ycbcr": _MATRICES[encoding.matrix], "y": 2}[encoding.layout]
    return ColourTags(1 if encoding.black > 0 and not encoding.floating else 2, 2, _TRANSFERS[encoding.transfer], matrix)


def _written_tags(scan: Scan, choice: Choice) -> ColourTags:
    """The tags of the output: the scan's, or those of what it was converted to."""
    tags, target = colour_tags(scan), PIXEL_FORMATS[choice.target]
    if target.full:
        tags = ColourTags(2, tags.primaries, tags.transfer, tags.matrix)
    if choice.converts and target.layout != scan.info.encoding.layout:
        matrix = 0 if target.layout == "rgb" else _MATRICES[scan.info.encoding.matrix]
        tags = ColourTags(2 if target.full or target.layout == "rgb" else 1, tags.primaries, tags.transfer, matrix)
    return tags


def describe(context: VideoCodecContext, scan: Scan, choice: Choice, clock: Clock) -> None:
    """Set an encoder that is not open yet to the scan's size, times and colours."""
    info, tags = scan.info, _written_tags(scan, choice)
    context.width, context.height, context.pix_fmt = info.width, info.height, choice.target
    context.time_base = clock.base
    context.framerate = (
        clock.rate if clock.steady or choice.container != "matroska" else Fraction(0)
    )  # Matroska would write it as the duration
    context.sample_aspect_ratio = info.pixel_aspect
    context.color_range, context.color_primaries = tags.range, tags.primaries
    context.color_trc, context.colorspace = tags.transfer, tags.matrix
    context.flags |= CodecFlags.bitexact | CodecFlags.frame_duration
    context.thread_count = _THREADS
    if isinstance(scan, Movie) and scan.field_order > 1:
        context.field_order = scan.field_order


def memory_of(planes: Sequence[Codes], scan: Scan, choice: Choice, context: VideoCodecContext) -> av.VideoFrame:
    """Planes as the encoder's picture: copied, or for a lossy codec that lacks the scan's format converted."""
    memory = av.VideoFrame(context.width, context.height, choice.source)
    fill_memory(memory, PIXEL_FORMATS[choice.source], planes)
    if choice.converts:
        memory.color_range = colour_tags(scan).range or _range_of(scan.info.encoding)
        matrix = _SWSCALE[scan.info.encoding.matrix]
        memory = memory.reformat(
            format=choice.target,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=memory.color_range,
            dst_color_range=context.color_range or memory.color_range,
            interpolation=_SCALING,
            threads=1,
        )
    memory.color_range, memory.colorspace = context.color_range, context.colorspace
    memory.color_primaries, memory.color_trc = context.color_primaries, context.color_trc
    return memory


def _range_of(encoding: Encoding) -> int:
    return 1 if encoding.black > 0 else 2


def tried(scan: Scan, choice: Choice, clock: Clock) -> bytes | None:
    """The packet of a frame of noise, written and read back in memory.

    None if the container refuses it or, of a lossless codec, a code came back changed. Noise of all codes, as some writers
    take what no reader understands (raw pictures) or clip codes at the ends of the range.
    """
    info, file = scan.info, io.BytesIO()
    width, height = (info.width, info.height) if choice.rule.copies else (_cut(info.width, 256), _cut(info.height, 128))
    planes = _noise(info.encoding, height, width)
    options = dict(choice.options)
    if "slices" in options:  # those of the whole picture needn't do for a part of it
        options["slices"] = slices_of(info.encoding, width=width, height=height)
    try:
        with av.open(file, "w", format=choice.container, container_options=muxing(choice)) as output:
            stream = output.add_stream(choice.rule.encoder, rate=clock.rate, options=options)
            assert isinstance(stream, VideoStream)
            describe(stream.codec_context, scan, choice, clock)
            stream.codec_context.width, stream.codec_context.height = width, height
            packets = [*encoded(planes, scan, choice, stream, clock, order=0), *stream.encode(None)]
            own = b"".join(bytes(packet) for packet in packets)
            output.start_encoding()
            if choice.rule.lossless or choice.rule.copies:  # a lone packet of x265 has no times
                output.mux(packets)
        if choice.rule.lossless:
            with av.open(io.BytesIO(file.getvalue()), "r") as again:
                seen = next(again.decode(video=0))
            if not _equal(planes, planes_of(seen, PIXEL_FORMATS[seen.format.name])):
                return None
    except (av.error.FFmpegError, ValueError, StopIteration, KeyError):
        return None
    return own


def _cut(length: int, most: int) -> int:
    """A shorter side that encoders treat alike: the rest to 64 stays."""
    return min(length, most + length % 64)


def _noise(encoding: Encoding, height: int, width: int) -> list[Codes]:
    random = np.random.default_rng(0)
    shapes = [encoding.plane_shape(plane, height, width) for plane in range(encoding.pictures + len(encoding.extra))]
    if encoding.floating:
        return [random.uniform(-1, 2, shape).astype(encoding.dtype) for shape in shapes]
    return [random.integers(0, 1 << encoding.bits, shape, encoding.dtype) for shape in shapes]


def _equal(ours: Sequence[Codes], theirs: Sequence[Codes]) -> bool:
    return len(ours) == len(theirs) and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(ours, theirs, strict=True))


def muxing(choice: Choice) -> dict[str, str]:
    """The container's options: the same bytes in each run; pictures wait half a second for sound at most, as they need much memory."""
    own = {"fflags": "+bitexact"}
    return own if choice.family in ("h264", "h265") else own | {"max_interleave_delta": "500000"}


def packet_header(name: str, packet: bytes) -> bytes:
    """What must be equal in the packets of one stream: the length of uncompressed ones, size and kind of picture of compressed ones."""
    if name == "dnxhr":
        return packet[0x18:0x1C] + packet[0x28:0x2C]  # height and width, compression id
    if name == "prores":
        return packet[16:20] + bytes([packet[20] & 0xCC])  # width and height, chroma and interlacing
    return b"" if name == "mjpeg" else str(len(packet)).encode()


def encoded(
    planes: Sequence[Codes], scan: Scan, choice: Choice, stream: VideoStream, clock: Clock, *, order: int
) -> list[Packet[VideoStream]]:
    """The packets that the encoder gives for the order-th frame."""
    time, duration = clock.at(order)
    if choice.family == "v210":
        packet: Packet[VideoStream] = Packet(v210_packed(planes))  # type: ignore[assignment]
        packet.stream, packet.time_base, packet.is_keyframe = stream, clock.base, True
        packet.pts, packet.dts, packet.duration = time, time, duration
        return [packet]
    memory = memory_of(planes, scan, choice, stream.codec_context)
    memory.time_base, memory.pts, memory.duration = clock.base, time, duration
    return stream.encode(memory)


def v210_packed(planes: Sequence[Codes]) -> bytes:
    """A 10-bit 4:2:2 picture as v210: three codes in a word, rows of whole 128 bytes. (FFmpeg's encoder clips codes to 4 … 1019.)"""
    luma, blue, red = planes
    height, width = luma.shape
    codes = np.zeros((height, -(-width // 48) * 96), np.uint32)
    codes[:, 0 : 2 * width : 4], codes[:, 2 : 2 * width : 4], codes[:, 1 : 2 * width : 2] = blue, red, luma
    words = codes.reshape(height, -1, 3)
    packed: NDArray[np.uint32] = (words[..., 0] | words[..., 1] << 10 | words[..., 2] << 20).astype("<u4")
    return packed.tobytes()
