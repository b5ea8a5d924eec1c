"""Tiny movies for tests: noise of all codes, written with PyAV or the ffmpeg command; and their copies, written with frdm."""

import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.film import Codes, Frame, Mask
from frdm.media.movie import open_movie
from frdm.media.movie_writer import MovieWriter, open_movie_writer

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="the ffmpeg command is not installed")


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run the ffmpeg command; its standard output."""
    done = subprocess.run(
        [FFMPEG or "ffmpeg", "-nostdin", "-y", "-loglevel", "error", *map(str, arguments)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def raw_frame(format_: str, width: int, height: int, random: np.random.Generator) -> bytes:
    """One frame of noise in ffmpeg's rawvideo layout of a pixel format; bits that the format lacks stay 0."""
    shape = av.VideoFormat(format_, width, height)
    bits = shape.components[0].bits
    memory = av.VideoFrame(width, height, format_)
    sizes = [(plane.height, row_bytes(memory, index)) for index, plane in enumerate(memory.planes)]
    if bits <= 8:
        return b"".join(random.integers(0, 256, size, np.uint8).tobytes() for size in sizes)
    order = ">" if format_.endswith("be") else "<"
    shift = 16 - bits if format_.startswith(("p0", "p2", "p4", "y2", "xv")) else 0
    return b"".join((random.integers(0, 1 << bits, (rows, row // 2)) << shift).astype(f"{order}u2").tobytes() for rows, row in sizes)


def row_bytes(memory: av.VideoFrame, index: int) -> int:
    """Bytes of one row of codes of a memory plane, without padding."""
    bare = av.VideoFormat(memory.format.name, memory.width, memory.height)
    bits = max(8, 8 * -(-bare.components[0].bits // 8))
    if len(memory.planes) == 1 and bare.chroma_width() < bare.width:
        return 4 * bare.chroma_width() * bits // 8  # packed 4:2:2: pairs of pixels are whole
    samples = sum(component.width for component in bare.components if component.plane == index)
    return samples * bits // 8


def write_raw(path: Path, format_: str, data: bytes, *options: str, size: tuple[int, int], rate: str = "24") -> Path:
    """A movie at `path` of raw frames of size (width, height), encoded by the ffmpeg command with `options`."""
    raw = path.with_name(path.name + ".raw")
    raw.write_bytes(data)
    head = ("-f", "rawvideo", "-pix_fmt", format_, "-s", f"{size[0]}x{size[1]}", "-r", rate)
    ffmpeg(*head, "-i", raw, "-pix_fmt", format_, *options, path)
    raw.unlink()
    return path


def noise_movie(
    path: Path, *options: str, format_: str = "yuv422p10le", frames: int = 6, size: tuple[int, int] = (48, 34), rate: str = "24"
) -> Path:
    random = np.random.default_rng(3)
    data = b"".join(raw_frame(format_, *size, random) for _ in range(frames))
    return write_raw(path, format_, data, *options, size=size, rate=rate)


def soft_movie(path: Path, *options: str, frames: int = 24, source: str = "testsrc2=s=96x64:r=24", sound: bool = False) -> Path:
    """ffmpeg's own test picture, in which every frame differs, with a tone beside it if asked for."""
    tone = ("-f", "lavfi", "-i", f"sine=r=48000:d={frames / 24}") if sound else ()
    return _made(path, ("-f", "lavfi", "-i", source, *tone, "-frames:v", str(frames), *options))


def _made(path: Path, arguments: Sequence[str]) -> Path:
    ffmpeg(*arguments, path)
    return path


def packets(path: Path, kind: str = "video") -> list[bytes]:
    """The bytes of all packets of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def times(path: Path) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size and packet.pts is not None]
    return sorted(found)


def painted(frame: Frame, value: int = 5) -> tuple[Frame, list[NDArray[np.bool_]]]:
    """A frame with a repaired patch of codes in its corner, and where it differs."""
    planes: list[Codes] = []
    masks = []
    for plane in frame.planes:
        codes, mask = plane.copy(), np.zeros(plane.shape, np.bool_)
        mask[:6, :6] = True
        codes[mask] = value
        planes.append(codes)
        masks.append(mask)
    return Frame(frame.index, tuple(planes)), masks


def equal(ours: Frame, theirs: Frame) -> bool:
    pairs = zip(ours.planes, theirs.planes, strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def nothing(frame: Frame) -> list[Mask]:
    return [np.zeros(plane.shape, np.bool_) for plane in frame.planes]


def restore(
    source: Path,
    out: Path,
    *,
    codec: str | None = None,
    repaired: Sequence[int] = (),
    empty: bool = False,
    part: tuple[int, int | None] = (0, None),
) -> MovieWriter:
    """Write a film as it is but for repairs of a few frames; `empty`: masks without a pixel in place of None."""
    start, stop = part
    with open_movie(source) as scan:
        stop = scan.info.length if stop is None else stop
        with open_movie_writer(scan, out, start=start, stop=stop, codec=codec) as writer:
            for frame in scan.frames(start, stop):
                if frame.index in repaired:
                    writer.write(*painted(frame))
                else:
                    writer.write(frame, nothing(frame) if empty else None)
            writer.finish()
    return writer


def same_codes(source: Path, out: Path, *, start: int = 0, but: Sequence[int] = ()) -> None:
    with open_movie(source) as scan, open_movie(out) as copy:
        assert (scan.info.encoding.bits, scan.info.encoding.layout) == (copy.info.encoding.bits, copy.info.encoding.layout)
        assert (scan.info.encoding.black, scan.info.encoding.white) == (copy.info.encoding.black, copy.info.encoding.white)
        for ours in copy.frames():
            theirs = scan.frame(ours.index + start)
            theirs = painted(theirs)[0] if theirs.index in but else theirs
            assert equal(ours, theirs), ours.index
