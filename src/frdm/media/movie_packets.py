"""What travels with the picture: sound, subtitles, attachments, chapters, tags and timecode; and the scan's own video packets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from frdm.media.movie_index import FrameIndex, shown, video_stream

_MARGIN = Fraction(2)  # seconds before a range from where packets are read: sound may lie a little earlier in the file
_NOT_TAGS = frozenset(  # of the file or its writer, not of the film
    [
        "encoder",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "duration",
        "number_of_frames",
        "number_of_bytes",
        "bps",
        "software",
        "company_name",
        "product_name",
        "product_version",
        "product_version_num",
        "application_platform",
        "toolkit_version_num",
        "operational_pattern_ul",
        "vendor_id",
        "timecode",
    ]
)


def tags_of(metadata: dict[str, str]) -> dict[str, str]:
    """The metadata that speak of the film; what the file's writer said of itself stays behind."""
    return {key: value for key, value in metadata.items() if _speaks_of_film(key.lower())}


def _speaks_of_film(key: str) -> bool:
    return key not in _NOT_TAGS and not key.startswith("_statistics") and not key.endswith(("_uid", "_umid")) and key != "uid"


def timecode_after(timecode: str, frames: int, rate: Fraction) -> str:
    """`timecode` moved on by `frames`; a semicolon or point before the frames means drop-frame counting."""
    drop = ";" in timecode or "." in timecode
    hours, minutes, seconds, frame = (int(part) for part in timecode.replace(";", ":").replace(".", ":").split(":"))
    nominal = ceil(rate)
    dropped = nominal // 15 if drop else 0  # 2 of 30, 4 of 60, each minute but every tenth
    total = 60 * hours + minutes
    count = ((3600 * hours + 60 * minutes + seconds) * nominal + frame - dropped * (total - total // 10) + frames) % _day(nominal, dropped)
    if dropped:
        tens, rest = divmod(count, 10 * _minute(nominal, dropped) + dropped)
        count += dropped * (9 * tens + max(0, rest - dropped) // _minute(nominal, dropped))
    whole, frame = divmod(count, nominal)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{';' if drop else ':'}{frame:02}"


def _minute(nominal: int, dropped: int) -> int:
    return 60 * nominal - dropped


def _day(nominal: int, dropped: int) -> int:
    return 24 * 6 * (10 * _minute(nominal, dropped) + dropped)


class Passengers:
    """Copies all streams but the picture from a scan into an output, interleaved with its frames.

    `begin` and `end` are the times in seconds of the range's first frame and of the first one after it (None: whole to that side).
    """

    def __init__(self, path: Path, output: OutputContainer, begin: Fraction | None, end: Fraction | None) -> None:
        self.warnings: list[str] = []
        self._container = av.open(str(path), metadata_errors="replace")
        self._output = output
        self._begin = begin
        self._end = end
        self._streams = self._board(video_stream(self._container))
        self._packets = self._read()
        self._waiting: Packet[Stream] | None = next(self._packets, None)
        if (begin or end is not None) and self._streams:
            self.warnings.append(
                "sound and subtitles are cut to the range at whole packets, so they may begin and end some milliseconds off"
            )

    def _board(self, film: Stream | None) -> dict[int, Stream]:
        """Streams of the output by the index of those they continue."""
        taken: dict[int, Stream] = {}
        for stream in self._container.streams:
            if stream.index == (film.index if film else None) or _is_timecode(stream):
                continue
            if stream.type not in ("audio", "subtitle", "attachment"):
                self.warnings.append(f"{stream.type} stream {stream.index} ({_name(stream)}) is left out, as frdm can't keep it in step")
                continue
            try:
                taken[stream.index] = self._take(stream)
            except ValueError:
                where = self._output.format.long_name
                self.warnings.append(f"{stream.type} stream {stream.index} ({_name(stream)}) is left out, as {where} can't hold it")
        return taken

    def _take(self, stream: Stream) -> Stream:
        if stream.type == "attachment" and self._output.format.name != "matroska":
            raise ValueError(stream.type)
        if self._output.format.name == "mxf" and not _is_mxf_sound(stream):
            raise ValueError(stream.type)
        copy = self._output.add_stream_from_template(stream)
        copy.metadata.update(tags_of(stream.metadata))
        copy.disposition = stream.disposition
        return copy

    def _read(self) -> Iterator[Packet[Stream]]:
        wanted = [stream for stream in self._container.streams if stream.index in self._streams and stream.type != "attachment"]
        for stream in self._container.streams:
            if stream not in wanted:
                stream.discard = av.stream.Discard.all
        if not wanted:
            return
        if self._begin is not None and self._begin > _MARGIN:
            self._container.seek(int((self._begin - _MARGIN) * av.time_base))
        for packet in self._container.demux(wanted):
            time = shown(packet)
            if packet.size and time is not None and self._inside(time * packet.time_base):
                yield self._shifted(packet)

    def _inside(self, time: Fraction) -> bool:
        return (self._begin is None or time >= self._begin) and (self._end is None or time < self._end)

    def _shifted(self, packet: Packet[Stream]) -> Packet[Stream]:
        if self._begin is not None:
            shift = round(self._begin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._streams[packet.stream_index]
        return packet

    def until(self, time: Fraction | None) -> None:
        """Write all packets that belong before `time` seconds of the output (None: all that are left)."""
        while self._waiting is not None:
            due = shown(self._waiting)
            if time is not None and due is not None and due * self._waiting.time_base > time:
                return
            self._output.mux(self._waiting)
            self._waiting = next(self._packets, None)

    def chapters(self) -> None:
        """Give the output the scan's chapters, cut to the range."""
        kept = []
        for chapter in self._container.chapters():
            base = chapter["time_base"] or Fraction(1, 1000)
            begin, end = chapter["start"] * base, chapter["end"] * base
            if (self._end is not None and begin >= self._end) or (self._begin is not None and end <= self._begin):
                continue
            shift = self._begin or Fraction(0)
            begin, end = max(begin - shift, Fraction(0)), (end if self._end is None else min(end, self._end)) - shift
            kept.append(chapter | {"start": round(begin / base), "end": round(end / base), "time_base": base})
        if kept:
            self._output.set_chapters(kept)

    def close(self) -> None:
        self._packets.close()  # type: ignore[attr-defined]
        self._container.close()


def _is_timecode(stream: Stream) -> bool:
    return stream.type == "data" and "timecode" in stream.metadata  # the muxer writes a new one from the tag


def _is_mxf_sound(stream: Stream) -> bool:
    """MXF's muxer takes 48 kHz PCM alone, and says so only when the file is begun."""
    return (
        isinstance(stream, AudioStream)
        and stream.codec_context.name in ("pcm_s16le", "pcm_s24le")
        and stream.codec_context.sample_rate == 48000
    )


def _name(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else stream.name or "unknown"


class VideoPackets:
    """The scan's own video packets by frame number, asked for in rising order."""

    def __init__(self, path: Path, index: FrameIndex, start: int) -> None:
        self._container: InputContainer = av.open(str(path), metadata_errors="replace")
        stream = video_stream(self._container)
        assert stream is not None, "the scan was opened"
        key = index.key_before(start, 0)
        if key is not None:
            self._container.seek(key, stream=stream)
        self._index = index
        self._packets = self._container.demux(stream)

    def take(self, number: int) -> Packet[VideoStream] | None:
        """The packet of frame `number`; None if it can't be found."""
        wanted = int(self._index.times[number])
        for packet in self._packets:
            if packet.size and not packet.is_discard and shown(packet) == wanted:
                return packet
        return None

    def close(self) -> None:
        self._container.close()
