"""When each frame of a movie is shown and where decoding may begin, found without decoding where that is safe."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from frdm.errors import MediaError
from frdm.media.movie_damage import SliceCheck
from frdm.media.movie_skim import Stamp, is_whole, skim

_ADVICE = "copy the film again from its source, or keep its whole part with: ffmpeg -i IN -map 0 -c copy OUT"

Times = NDArray[np.int64]  # in units of the stream's time base

# Codecs between whose packets and frames there is one to one, once every packet has its own time.
_ONE_TO_ONE = frozenset({"h264", "hevc", "av1", "libdav1d", "vp9", "mpeg2video", "mpeg4", "ffv1", "png", "qtrle", "cfhd"})


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """`times[i]`: when frame i is shown; `keys`: times of frames at which decoding can begin; `timed`: whether times tell frames apart."""

    times: Times
    keys: Times
    timed: bool

    def __len__(self) -> int:
        return len(self.times)

    def key_before(self, frame: int, steps: int) -> int | None:
        """Time of a key frame at or before `frame`, `steps` key frames further back; None: begin with the film."""
        if not self.timed:
            return None
        place = int(np.searchsorted(self.keys, self.times[frame], side="right")) - 1 - steps
        return int(self.keys[place]) if place > 0 else None


def shown(item: Any) -> int | None:
    """When a packet or frame is shown; containers without presentation times keep frames in order of decoding."""
    return int(item.pts) if item.pts is not None else int(item.dts) if item.dts is not None else None


def video_stream(container: InputContainer) -> VideoStream | None:
    """The film: the first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


class BrokenPacket(Exception):
    """A packet whose check sum is wrong; `time` is when its frame would be shown."""

    def __init__(self, time: int | None) -> None:
        super().__init__("its check sum is wrong")
        self.time = time


def build_index(path: Path, container: InputContainer, stream: VideoStream) -> FrameIndex:
    """Every frame's time, without decoding; but decode the film once where packets don't tell the frames.

    Raises `MediaError` for a film that is cut short.
    """
    stamps = skim(path, stream)
    if stamps is None:
        stamps = list(_read_stamps(path, container, stream))
    whole = next((order for order, stamp in enumerate(stamps) if not stamp.whole), len(stamps))
    if whole < len(stamps) or not is_whole(path, container.format.name):
        raise _cut_short(path, whole, max(len(stamps), stream.frames))
    codec = stream.codec_context.codec
    keys = sorted(stamp.time for stamp in stamps if stamp.key and stamp.time is not None)
    times = sorted(stamp.time for stamp in stamps if stamp.time is not None)
    certain = codec.intra_only or codec.name in _ONE_TO_ONE
    certain &= all(stamp.size > 0 for stamp in stamps) and len(set(times)) == len(stamps)
    certain &= bool(stamps) and stamps[0].key and times[:1] == keys[:1]
    if not certain:
        return _decoded_index(path)
    return FrameIndex(np.array(times, np.int64), np.array(keys, np.int64), timed=True)


def _read_stamps(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[Stamp]:
    """The stamps of all packets, read one after the other."""
    number = 0
    try:
        for packet in container.demux(stream):
            time = shown(packet)
            if packet.is_discard or (not packet.size and time is None):  # before an edit list's beginning; the last, empty ones
                continue
            yield Stamp(time, packet.is_keyframe, packet.size, not packet.is_corrupt)
            number += 1
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{path}: frame {number} can't be read ({error.strerror}), frame {number - 1} is the last whole one; {_ADVICE}"
        ) from None


def _cut_short(path: Path, whole: int, wanted: int) -> MediaError:
    """The error for a truncated film: `whole` frames are there."""
    of = f" of {wanted}" if wanted > whole else ""
    last = f"frame {whole - 1}{of} is the last whole one" if whole else f"not one frame{of} is whole"
    return MediaError(f"{path} is cut short: {last}; {_ADVICE}")


def _decoded_index(path: Path) -> FrameIndex:
    """The times of the frames that decoding gives, where packets don't tell (open beginnings, hidden or packed frames)."""
    times: list[int | None] = []
    keys: list[int] = []
    for frame in decoded(path, None):
        times.append(shown(frame))
        if frame.key_frame and frame.pts is not None:
            keys.append(frame.pts)
    known = [time for time in times if time is not None]
    timed = len(known) == len(times) and bool(np.all(np.diff(known) > 0))
    return FrameIndex(np.array(known if timed else range(len(times)), np.int64), np.array(keys, np.int64), timed)


def decoded(path: Path, key: int | None, threads: int = 0) -> Iterator[VideoFrame]:
    """Pictures in the order of showing, from the key frame at time `key` on (None: from the beginning), in a container of their own."""
    with av.open(str(path), metadata_errors="replace") as container:
        stream = video_stream(container)
        assert stream is not None, "open_movie has found it"
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        if key is not None:
            container.seek(key, stream=stream)
        check = SliceCheck() if stream.codec_context.name == "ffv1" else None
        for packet in container.demux(stream):
            if check is not None and packet.size and check.is_broken(bytes(packet)):
                raise BrokenPacket(shown(packet))
            yield from packet.decode()
