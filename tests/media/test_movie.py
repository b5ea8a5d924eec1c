"""Movies are read as ffmpeg reads them, from any frame on, and refused in one sentence where they can't be."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from frdm.errors import FrdmError, MediaError, TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.media.movie import open_movie
from frdm.media.movie_formats import PIXEL_FORMATS, fill_memory
from media.movie_author import FFMPEG, equal, ffmpeg, needs_ffmpeg, noise_movie, soft_movie

pytestmark = needs_ffmpeg


@pytest.mark.parametrize(
    ("name", "options", "black", "white", "layout"),
    [
        ("yuv420p", (), 16, 235, "ycbcr"),
        ("yuv422p10le", (), 64, 940, "ycbcr"),
        ("yuv422p10le", ("-color_range", "pc"), 0, 1023, "ycbcr"),
        ("gray16le", (), 0, 65535, "y"),
        ("gray10le", ("-color_range", "tv"), 64, 940, "y"),
        ("gbrp12le", (), 0, 4095, "rgb"),
    ],
)
def test_black_and_white(tmp_path: Path, name: str, options: tuple[str, ...], black: float, white: float, layout: str) -> None:
    with open_movie(noise_movie(tmp_path / "film.mkv", "-c:v", "ffv1", *options, format_=name)) as scan:
        encoding = scan.info.encoding
        assert (encoding.black, encoding.white, encoding.layout, encoding.transfer) == (black, white, layout, "video")


def test_jpeg_range_needs_no_tag(tmp_path: Path) -> None:
    with open_movie(soft_movie(tmp_path / "film.avi", "-c:v", "mjpeg", "-pix_fmt", "yuvj422p", frames=2)) as scan:
        assert (scan.info.encoding.black, scan.info.encoding.white, scan.info.encoding.subsampling) == (0, 255, (2, 1))


@pytest.mark.parametrize(("trc", "transfer"), [("bt709", "video"), ("linear", "linear"), ("log100", "log"), ("iec61966-2-1", "srgb")])
def test_transfer_comes_from_the_tag(tmp_path: Path, trc: str, transfer: str) -> None:
    movie = noise_movie(tmp_path / "film.mkv", "-c:v", "ffv1", "-color_trc", trc, "-colorspace", "bt2020nc")
    with open_movie(movie) as scan:
        assert (scan.info.encoding.transfer, scan.info.encoding.matrix) == (transfer, "bt2020")
    with open_movie(movie, transfer="log") as scan:
        assert scan.info.encoding.transfer == "log"


def test_untagged_floats_are_asked_for(tmp_path: Path) -> None:
    movie = tmp_path / "film.mkv"
    with av.open(str(movie), "w") as output:
        stream = output.add_stream(
            "ffv1", rate=24, options={"strict": "experimental", "level": "4"}, width=8, height=8, pix_fmt="gbrpf32le"
        )
        memory = av.VideoFrame(8, 8, "gbrpf32le")
        fill_memory(memory, PIXEL_FORMATS["gbrpf32le"], [np.zeros((8, 8), np.float32)] * 3)
        output.mux(stream.encode(memory))
        output.mux(stream.encode(None))
    with pytest.raises(TransferUnknown, match="--transfer"):
        open_movie(movie)
    with open_movie(movie, transfer="linear") as scan:
        assert scan.frame(0).planes[0].dtype == np.float32


SEEKS = [
    (".mkv", ("-c:v", "ffv1", "-g", "1")),
    (".mkv", ("-c:v", "ffv1", "-g", "5", "-level", "1")),
    (".mp4", ("-c:v", "libx264", "-g", "7", "-bf", "2", "-pix_fmt", "yuv420p")),
    (".mkv", ("-c:v", "libx264", "-g", "7", "-bf", "3", "-x264-params", "open-gop=1", "-pix_fmt", "yuv420p")),
    (".mkv", ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=8", "-pix_fmt", "yuv420p")),
    (".mp4", ("-c:v", "libx265", "-x265-params", "keyint=7:open-gop=1:log-level=error", "-pix_fmt", "yuv420p")),
    (".avi", ("-c:v", "mpeg4", "-g", "6", "-bf", "2")),
    (".mov", ("-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le")),
    (
        ".avi",
        (
            "-c:v",
            "mjpeg",
        ),
    ),
    (".mxf", ("-c:v", "mpeg2video", "-g", "6", "-bf", "2")),
    (".mxf", ("-c:v", "jpeg2000", "-pix_fmt", "yuv422p")),
    (".mpg", ("-c:v", "mpeg2video", "-g", "6", "-bf", "2")),
    (".webm", ("-c:v", "libvpx-vp9", "-g", "6", "-deadline", "realtime", "-cpu-used", "8")),
    (".webm", ("-c:v", "libvpx", "-g", "6", "-auto-alt-ref", "1", "-lag-in-frames", "8")),
]


@pytest.mark.parametrize(("suffix", "options"), SEEKS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else value)
def test_any_frame_is_the_one_of_linear_decoding(tmp_path: Path, suffix: str, options: tuple[str, ...]) -> None:
    movie = soft_movie(tmp_path / f"film{suffix}", *options, sound=suffix not in (".webm", ".mxf"))
    with open_movie(movie) as scan:
        linear = list(scan.frames())
        assert [frame.index for frame in linear] == list(range(scan.info.length))
        assert scan.info.length == 24
        for start in (0, 1, 6, 7, 8, 13, 20, 23):
            part = list(scan.frames(start, min(start + 3, 24)))
            assert [frame.index for frame in part] == list(range(start, min(start + 3, 24)))
            assert all(equal(frame, linear[frame.index]) for frame in part)
        assert all(equal(scan.frame(index), linear[index]) for index in (22, 3, 4, 5, 12))
    raw = ffmpeg("-i", movie, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", scan.pixel_format.name, "-")
    assert len(raw) == sum(plane.nbytes for frame in linear for plane in frame.planes)


def test_several_iterators_at_once(tmp_path: Path) -> None:
    with open_movie(soft_movie(tmp_path / "film.mkv", "-c:v", "ffv1", frames=8)) as scan:
        ahead = scan.frames(2)
        for frame, later in zip(scan.frames(), ahead, strict=False):
            assert later.index == frame.index + 2


def test_an_edit_list_counts(tmp_path: Path) -> None:
    whole = soft_movie(tmp_path / "whole.mp4", "-c:v", "libx264", "-g", "8", "-bf", "2", "-pix_fmt", "yuv420p")
    ffmpeg("-ss", "0.5", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    with open_movie(tmp_path / "cut.mp4") as scan, open_movie(whole) as full:
        frames = list(scan.frames())
        assert len(frames) == scan.info.length == 12
        assert all(equal(frame, full.frame(frame.index + 12)) for frame in frames)


def test_facts(tmp_path: Path) -> None:
    movie = soft_movie(
        tmp_path / "film.mov",
        "-c:v",
        "prores_ks",
        "-profile:v",
        "hq",
        "-pix_fmt",
        "yuv422p10le",
        "-r",
        "24000/1001",
        "-aspect",
        "2.35",
        frames=4,
    )
    with open_movie(movie) as scan:
        info = scan.info
        assert (info.width, info.height, info.rate, info.codec, info.container) == (96, 64, Fraction(24000, 1001), "prores", "mov")
        assert abs(info.pixel_aspect - Fraction(235, 100) * Fraction(64, 96)) < Fraction(1, 500)
        assert re.fullmatch("[0-9a-f]{64}", scan.identity())


def test_identity_follows_the_bytes(tmp_path: Path) -> None:
    movie = noise_movie(tmp_path / "film.mkv", "-c:v", "ffv1")
    with open_movie(movie) as scan:
        before = scan.identity()
    data = bytearray(movie.read_bytes())
    data[-40] ^= 1
    (tmp_path / "other.mkv").write_bytes(data)
    with open_movie(movie) as scan, open_movie(tmp_path / "other.mkv") as other:
        assert before == scan.identity() != other.identity()


@pytest.mark.parametrize("options", [("-c:v", "ffv1"), ("-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-alternate_scan", "1")])
def test_interlaced_film_is_refused_unless_fields(tmp_path: Path, options: tuple[str, ...]) -> None:
    movie = soft_movie(
        tmp_path / "film.mkv",
        "-vf",
        "tinterlace=interleave_top,fieldorder=tff,setfield=tff",
        "-top",
        "1",
        *options,
        "-field_order",
        "tt",
        frames=6,
    )
    with pytest.raises(UnsupportedFilm, match=r"film.mkv: frame 0 is interlaced.*--fields"):
        open_movie(movie)
    with open_movie(movie, fields=True) as scan:
        assert len(list(scan.frames())) == scan.info.length


CONTAINERS = [
    (".mkv", ("-c:v", "ffv1")),
    (".avi", ("-c:v", "ffv1")),
    (".avi", ("-c:v", "mjpeg")),
    (".mov", ("-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le", "-movflags", "+faststart")),
    (".mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "6", "-movflags", "+faststart")),
    (".mxf", ("-c:v", "jpeg2000", "-pix_fmt", "yuv422p")),
    (".mxf", ("-c:v", "mpeg2video")),
]


@pytest.mark.parametrize(("suffix", "options"), CONTAINERS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else value)
@pytest.mark.parametrize("share", [0.35, 0.7, 0.97])
def test_a_film_cut_short_says_its_last_whole_frame(tmp_path: Path, suffix: str, options: tuple[str, ...], share: float) -> None:
    movie = soft_movie(tmp_path / f"film{suffix}", *options, sound=suffix == ".mkv")
    with open_movie(movie) as scan:
        linear = list(scan.frames())
    data = movie.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaError, match=r"frame \d+.* is the last whole one|not one frame|can't be (found|read|opened)") as found:
        open_movie(cut)
    assert "\n" not in str(found.value) and str(cut) in str(found.value)
    said = re.search(r"frame (\d+)", str(found.value))
    if said:
        assert abs(int(said[1]) - share * len(linear)) < 0.3 * len(linear)


def test_the_last_whole_frame_is_exact(tmp_path: Path) -> None:
    movie = noise_movie(tmp_path / "film.mkv", "-c:v", "ffv1", "-level", "3", frames=10)
    data = movie.read_bytes()
    bodies = [data.index(packet) + len(packet) for packet in _packets(movie)]
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: bodies[6] + 40])
    with pytest.raises(MediaError, match="frame 6 .*last whole"):
        open_movie(cut)
    cut.write_bytes(data[: bodies[6] - 1])
    with pytest.raises(MediaError, match="frame 5 .*last whole"):
        open_movie(cut)


def _packets(movie: Path) -> list[bytes]:
    from media.movie_author import packets

    return packets(movie)


def test_a_film_without_its_index(tmp_path: Path) -> None:
    movie = soft_movie(tmp_path / "film.mov", "-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le", frames=4)
    (tmp_path / "cut.mov").write_bytes(movie.read_bytes()[:-2000])
    with pytest.raises(MediaError, match=r"cut short.*moov"):
        open_movie(tmp_path / "cut.mov")


def test_a_broken_slice_is_found(tmp_path: Path) -> None:
    movie = noise_movie(tmp_path / "film.mkv", "-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-slices", "4", frames=5)
    data = bytearray(movie.read_bytes())
    packet = _packets(movie)[3]
    data[data.index(packet) + len(packet) // 2] ^= 0x55
    movie.write_bytes(data)
    with open_movie(movie) as scan, pytest.raises(UnreadableFrame, match="frame 3 .*frame 2 is the last whole"):
        assert len(list(scan.frames())) < 5


@pytest.mark.parametrize("content", [b"", b"a film? no, a text\n" * 50, b"\x00" * 5000, bytes(range(256)) * 100])
@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".avi", ".txt", ".mxf"])
def test_what_is_no_film(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"thing{suffix}"
    path.write_bytes(content)
    with pytest.raises(FrdmError) as found:
        open_movie(path)
    assert "\n" not in str(found.value) and str(path) in str(found.value)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", tmp_path / "tone.mkv")
    with pytest.raises(UnsupportedFilm, match="no moving picture, only audio"):
        open_movie(tmp_path / "tone.mkv")


def test_palettes_are_refused(tmp_path: Path) -> None:
    movie = soft_movie(tmp_path / "film.mov", "-c:v", "qtrle", "-pix_fmt", "rgb555be", frames=2)
    with pytest.raises(UnsupportedFilm, match="rgb555"):
        open_movie(movie)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="can't be opened"):
        open_movie(tmp_path / "none.mkv")


def test_ffmpeg_is_here() -> None:
    assert FFMPEG
