"""Movies are written without changing a code, with all that went along, and always as the same bytes."""

import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
import pytest

from frdm.errors import OutputError
from frdm.film import Encoding, Frame, ScanInfo
from frdm.media.movie import Movie, open_movie
from frdm.media.movie_encoder import v210_packed
from frdm.media.movie_writer import codec_error, open_movie_writer
from media.movie_author import equal, ffmpeg, needs_ffmpeg, noise_movie, packets, painted, restore, same_codes, soft_movie, times

pytestmark = needs_ffmpeg


LOSSLESS = [
    *((name, "ffv1", ".mkv", ".mkv", None) for name in ("yuv420p", "yuv411p", "yuv422p10le", "yuv444p12le", "yuv420p16le", "yuva444p10le")),
    *(
        (name, "ffv1", ".mkv", ".mkv", None)
        for name in ("gray", "gray10le", "gray12le", "gray16le", "gbrp10le", "gbrp12le", "gbrp16le", "gbrap12le", "bgra")
    ),
    *((name, "ffv1", ".mkv", ".avi", None) for name in ("yuv422p10le", "gray16le", "gbrp16le")),
    *((name, "ffv1", ".mkv", ".mxf", None) for name in ("yuv422p10le", "gbrp10le")),
    *(
        (name, "rawvideo", ".nut", ".mkv", None)
        for name in ("nv12", "uyvy422", "rgb24", "rgb48be", "yuv422p16be", "ya8", "gray16be", "gbrp12be")
    ),
    ("yuv422p", "utvideo", ".avi", ".avi", "utvideo"),
    ("gbrp", "utvideo", ".avi", ".avi", "utvideo"),
    ("rgb24", "huffyuv", ".avi", ".avi", "huffyuv"),
    ("yuv422p10le", "ffvhuff", ".avi", ".avi", "ffvhuff"),
    ("rgb48be", "png", ".mov", ".mov", "png"),
    ("gray16be", "png", ".mov", ".mov", "png"),
    ("argb", "qtrle", ".mov", ".mov", "qtrle"),
    ("yuv422p10le", "v210", ".mov", ".mov", "v210"),
    ("yuv422p10le", "v210", ".avi", ".avi", "v210"),
    ("rgb24", "rawvideo", ".mov", ".mov", "rawvideo"),
    ("uyvy422", "rawvideo", ".avi", ".avi", "rawvideo"),
    ("gbrp10le", "r210", ".mov", ".mov", "r210"),
    ("yuv422p10le", "ffv1", ".mkv", ".mov", "v210"),
]


@pytest.mark.parametrize(("name", "codec", "suffix", "out", "kept"), LOSSLESS)
def test_a_film_without_defects_keeps_every_code(tmp_path: Path, name: str, codec: str, suffix: str, out: str, kept: str | None) -> None:
    source = noise_movie(tmp_path / f"scan{suffix}", "-c:v", codec, format_=name, frames=4)
    for empty in (False, True):
        target = tmp_path / f"out{empty}{out}"
        writer = restore(source, target, repaired=(2,), empty=empty)
        assert writer.warnings == ()
        same_codes(source, target, but=(2,))
        with open_movie(target) as copy:
            assert copy.info.codec == (kept or "ffv1")
    assert (tmp_path / f"outFalse{out}").read_bytes() == (tmp_path / f"outTrue{out}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, f"outFalse{out}", f"outTrue{out}"])


def test_framemd5_agrees(tmp_path: Path) -> None:
    source = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", format_="yuv420p10le", size=(37, 29))
    restore(source, tmp_path / "out.mkv")
    sums = [ffmpeg("-i", path, "-f", "framemd5", "-").splitlines() for path in (source, tmp_path / "out.mkv")]
    assert [line for line in sums[0] if b"software" not in line] == [line for line in sums[1] if b"software" not in line]


@pytest.mark.parametrize("size", [(3, 2), (7, 5), (2, 2), (640, 480), (37, 481)])
def test_every_size_holds(tmp_path: Path, size: tuple[int, int]) -> None:
    source = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", "-level", "1", format_="gray10le", frames=2, size=size)
    restore(source, tmp_path / "out.mkv")
    same_codes(source, tmp_path / "out.mkv")


def test_ffv1_can_be_checked(tmp_path: Path) -> None:
    """Level 3 with a check sum for each slice: other tools and frdm itself find a broken frame."""
    source = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", frames=2)
    restore(source, tmp_path / "out.mkv")
    data = bytearray((tmp_path / "out.mkv").read_bytes())
    packet = packets(tmp_path / "out.mkv")[1]
    data[data.index(packet) + 200] ^= 1
    (tmp_path / "out.mkv").write_bytes(data)
    done = subprocess.run(
        [shutil.which("ffmpeg") or "", "-v", "error", "-i", tmp_path / "out.mkv", "-f", "null", "-"], capture_output=True, check=False
    )
    assert b"CRC" in done.stderr


LOSSY = [
    (".mov", ("-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le"), "testsrc2=s=96x64:r=24"),
    (".mov", ("-c:v", "prores_ks", "-profile:v", "lt", "-pix_fmt", "yuv422p10le"), "testsrc2=s=96x64:r=24"),
    (".mov", ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuv444p10le"), "testsrc2=s=96x64:r=24"),
    (".avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p"), "testsrc2=s=96x64:r=24"),
    (".mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), "testsrc2=s=96x64:r=24"),
    (".mov", ("-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"), "testsrc2=s=256x144:r=24"),
    (".mxf", ("-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p"), "testsrc2=s=256x144:r=24"),
    (".mov", ("-c:v", "v210", "-pix_fmt", "yuv422p10le"), "testsrc2=s=96x64:r=24"),
]


@pytest.mark.parametrize(("suffix", "options", "source"), LOSSY, ids=lambda value: " ".join(value) if isinstance(value, tuple) else None)
def test_packets_of_whole_frames_are_copied(tmp_path: Path, suffix: str, options: tuple[str, ...], source: str) -> None:
    film = soft_movie(tmp_path / f"scan{suffix}", *options, source=source, frames=6)
    writer = restore(film, tmp_path / f"out{suffix}", repaired=(2, 3))
    before, after = packets(film), packets(tmp_path / f"out{suffix}")
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, False, True, True]
    assert times(film) == times(tmp_path / f"out{suffix}")
    assert len(writer.warnings) == ("v210" not in options)
    assert all("only frames with repairs" in warning for warning in writer.warnings)
    with open_movie(film) as scan, open_movie(tmp_path / f"out{suffix}") as copy:
        assert (scan.tag, scan.profile, scan.pixel_format) == (copy.tag, copy.profile, copy.pixel_format)
        near = np.abs(copy.frame(2).planes[0].astype(int) - painted(scan.frame(2))[0].planes[0]).mean()
        assert near < 0.03 * scan.info.encoding.white


def test_a_lossy_scan_becomes_ffv1_in_matroska(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    writer = restore(film, tmp_path / "out.mkv")
    same_codes(film, tmp_path / "out.mkv")
    assert writer.warnings == ()


@pytest.mark.parametrize("codec", ["h264", "h265", "mjpeg", "prores", "prores:lt", "dnxhr"])
def test_a_lossy_output_says_what_it_loses(tmp_path: Path, codec: str) -> None:
    film = soft_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp10le", source="testsrc2=s=256x144:r=24", frames=6)
    out = tmp_path / "out.mov"
    writer = restore(film, out, codec=codec)
    assert len(writer.warnings) == 1
    assert "every frame is compressed again" in writer.warnings[0]
    with open_movie(film) as scan, open_movie(out) as copy:
        assert scan.info.length == copy.info.length
        if copy.info.encoding.layout == "ycbcr":
            assert "turned from 10-bit RGB into" in writer.warnings[0]
            green = scan.frame(3).planes[1].mean() / 1023
            span = copy.info.encoding.white - copy.info.encoding.black
            luma = (copy.frame(3).planes[0].mean() - copy.info.encoding.black) / span
            assert abs(green - luma) < 0.1
        else:
            greatest, mean = codec_error(scan, out, scan.frames()) or (0, 0)
            assert 0 < mean < greatest < 512


def test_codec_error_is_none_where_codes_differ_in_kind(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp10le", frames=2)
    restore(film, tmp_path / "out.mp4", codec="h264")
    restore(film, tmp_path / "out.mkv")
    with open_movie(film) as scan:
        assert codec_error(scan, tmp_path / "out.mp4", scan.frames()) is None
        assert codec_error(scan, tmp_path / "out.mkv", scan.frames()) == (0, 0)


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".avi", ".mp4", ".mxf"])
@pytest.mark.parametrize("codec", [None, "h264"])
def test_two_runs_give_the_same_bytes(tmp_path: Path, suffix: str, codec: str | None) -> None:
    if suffix == ".mxf" and codec:
        codec = "prores"
    film = soft_movie(tmp_path / "scan.mov", "-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-timecode", "01:02:03:04", sound=True)
    for name in ("a", "b"):
        restore(film, tmp_path / (name + suffix), codec=codec, repaired=(3,))
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data == (tmp_path / f"b{suffix}").read_bytes()
    assert b"Lavf6" not in data and b"Lavc6" not in data


class Pictures:
    """A sequence of pictures, as far as the writer asks."""

    def __init__(self, path: Path, encoding: Encoding, *, frames: int = 3, size: tuple[int, int] = (36, 24)) -> None:
        random = np.random.default_rng(0)
        self.info = ScanInfo(path, *size, Fraction(24), frames, encoding, "dpx", metadata={"timecode": "00:00:59:22"})
        shapes = [encoding.plane_shape(plane, size[1], size[0]) for plane in range(encoding.pictures + len(encoding.extra))]
        top = 1 << encoding.bits
        self._frames = [Frame(n, tuple(random.integers(0, top, shape).astype(encoding.dtype) for shape in shapes)) for n in range(frames)]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        yield from self._frames[start:stop]

    def frame(self, index: int) -> Frame:
        return self._frames[index]

    def identity(self) -> str:
        return ""

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("layout", ["rgb", "y"])
@pytest.mark.parametrize("transfer", ["log", "linear", "video"])
@pytest.mark.parametrize("extra", [(), ("alpha",)])
def test_sequences_become_ffv1(tmp_path: Path, bits: int, layout: str, transfer: str, extra: tuple[str, ...]) -> None:
    encoding = Encoding(layout, bits, transfer=transfer, white=2.0**bits - 1, extra=extra)  # type: ignore[arg-type]
    scan = Pictures(tmp_path, encoding)
    if layout == "y" and extra and bits > 8:
        with pytest.raises(OutputError, match="can't hold the scan's .*grey with alpha"):
            open_movie_writer(scan, tmp_path / "out.mkv", start=0, stop=3)
        return
    with open_movie_writer(scan, tmp_path / "out.mkv", start=1, stop=3) as writer:
        for frame in scan.frames(1, 3):
            writer.write(frame, None)
        writer.finish()
    with open_movie(tmp_path / "out.mkv") as copy:
        found = copy.info.encoding
        assert (found.layout, found.bits, found.transfer, found.black, found.white, found.extra) == (
            layout,
            bits,
            transfer,
            0,
            2**bits - 1,
            extra,
        )
        assert all(equal(Frame(n, scan.frame(n + 1).planes), copy.frame(n)) for n in range(2))
        assert copy.info.metadata["video:TIMECODE"] == "00:00:59:23"


REFUSED = [
    ("out.mkv", "prores:best", "no profile best"),
    ("out.mkv", "divx", "codec divx is not one"),
    ("out.mkv", "v210", "can't hold the scan's 16-bit RGB"),
    ("out.mkv", "huffyuv", "can't hold the scan's 16-bit RGB"),
    ("out.mkv", "ffv1:3", "no profiles"),
    ("out.mp4", "ffvhuff", "can't hold"),
    ("out.avi", "prores", "can't hold"),
    ("out.webm", None, "suffix .webm names no movie container"),
    ("out", None, "no suffix"),
    ("none/out.mkv", None, "is not there"),
    ("folder.mkv", None, "is a folder"),
    ("out.mov", "same", "codec of a folder of pictures|codec .* is not one"),
]


@pytest.mark.parametrize(("name", "codec", "why"), REFUSED)
def test_impossible_outputs_are_refused_at_once(tmp_path: Path, name: str, codec: str | None, why: str) -> None:
    (tmp_path / "folder.mkv").mkdir()
    scan = Pictures(tmp_path, Encoding("rgb", 16, white=65535))
    with pytest.raises(OutputError, match=why) as found:
        open_movie_writer(scan, tmp_path / name, start=0, stop=3, codec=codec)
    assert "\n" not in str(found.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mkv"]


def test_the_scan_is_never_written_over(tmp_path: Path) -> None:
    film = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1")
    before = film.read_bytes()
    with open_movie(film) as scan, pytest.raises(OutputError, match="never written over"):
        open_movie_writer(scan, tmp_path / "." / "scan.mkv", start=0, stop=2)
    assert film.read_bytes() == before


def test_nothing_is_left_of_an_unfinished_film(tmp_path: Path) -> None:
    film = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1")
    (tmp_path / "out.mkv").write_bytes(b"an older one")
    with open_movie(film) as scan, open_movie_writer(scan, tmp_path / "out.mkv", start=0, stop=6) as writer:
        assert not writer.has(0)
        writer.write(scan.frame(0), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mkv", "scan.mkv"]
    assert (tmp_path / "out.mkv").read_bytes() == b"an older one"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to play a full disk")
def test_a_full_disk(tmp_path: Path) -> None:
    film = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", size=(320, 240), frames=8)
    (tmp_path / "out.mkv.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"out.mkv can't be written \(No space left on device\)"):
        restore(film, tmp_path / "out.mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.mkv"]


def test_frames_in_their_order(tmp_path: Path) -> None:
    film = noise_movie(tmp_path / "scan.mkv", "-c:v", "ffv1")
    with open_movie(film) as scan, open_movie_writer(scan, tmp_path / "out.mkv", start=0, stop=6) as writer:
        with pytest.raises(ValueError, match="0 is next"):
            writer.write(scan.frame(1), None)
        with pytest.raises(ValueError, match="6 frames are missing"):
            writer.finish()


@pytest.mark.parametrize("width", [2, 6, 10, 46, 48, 50, 1920])
def test_v210_is_packed_as_ffmpeg_packs_it(width: int) -> None:
    """Inside 4 … 1019, which is all that ffmpeg's encoder leaves alone."""
    random = np.random.default_rng(4)
    planes = [random.integers(4, 1020, (3, columns)).astype(np.uint16) for columns in (width, width // 2, width // 2)]
    memory = av.VideoFrame(width, 3, "yuv422p10le")
    for plane, codes in zip(memory.planes, planes, strict=True):
        np.frombuffer(plane, np.uint16).reshape(3, -1)[:, : codes.shape[1]] = codes  # type: ignore[call-overload]
    context = av.CodecContext.create("v210", "w")
    context.width, context.height, context.pix_fmt, context.time_base = width, 3, "yuv422p10le", Fraction(1, 25)
    memory.pts = 0
    ours, theirs = v210_packed(planes), bytes(context.encode(memory)[0])
    used = 4 * -(-width * 2 // 3)  # what lies behind the picture is free
    for row in range(3):
        stride = len(ours) // 3
        assert ours[row * stride :][: used - 4] == theirs[row * stride :][: used - 4]
    assert len(ours) == len(theirs)


def test_movies_know_their_seconds(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", frames=5)
    scan = open_movie(film)
    assert isinstance(scan, Movie)
    assert [scan.second(n) for n in range(5)] == times(film)
