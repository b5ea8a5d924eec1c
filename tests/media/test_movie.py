"""Movies are read as ffmpeg reads them, from any frame on, and refused in one sentence where they can't be."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from frdm.errors import FrdmError, MediaError, TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.media.movie import open_movie
from frdm.media.movie_formats import PIXEL_FORMATS, fill_memory, planes_of
from media.movie_author import FFMPEG, equal, ffmpeg, needs_ffmpeg, noise_movie, raw_frame, soft_movie, write_raw

pytestmark = needs_ffmpeg

# ffmpeg 5.1 is the oldest that tests must run with: (pixel format, codec, suffix)
HELD = [
    *((f"yuv{sub}p", "ffv1", ".mkv") for sub in ("410", "411", "420", "422", "440", "444")),
    *((f"yuv{sub}p{bits}le", "ffv1", ".mkv") for sub in ("420", "422", "444") for bits in (9, 10, 12, 14, 16)),
    *((f"yuva{sub}p{bits}", "ffv1", ".mkv") for sub in ("420", "422", "444") for bits in ("", "10le", "16le")),
    *((f"gbrp{bits}le", "ffv1", ".mkv") for bits in (9, 10, 12, 14, 16)),
    *((f"gbrap{bits}le", "ffv1", ".mkv") for bits in (10, 12, 16)),
    *((f"gray{bits}", "ffv1", ".mkv") for bits in ("", "10le", "12le", "16le")),
    ("bgra", "ffv1", ".mkv"),
    *((name, "rawvideo", ".nut") for name in ("nv12", "nv21", "yuyv422", "uyvy422", "yvyu422")),
    *((name, "rawvideo", ".nut") for name in ("yuv420p10be", "yuv422p16be", "gray16be", "gray10be", "gbrp12be", "yuv444p12be")),
    *((name, "rawvideo", ".nut") for name in ("rgb24", "bgr24", "rgba", "argb", "abgr", "rgb48le", "rgb48be", "bgr48le", "rgba64be")),
    *((name, "rawvideo", ".nut") for name in ("ya8", "gbrap")),
    ("yuv422p", "utvideo", ".avi"),
    ("gbrp", "utvideo", ".mkv"),
    ("rgb24", "huffyuv", ".avi"),
    ("yuv420p12le", "ffvhuff", ".avi"),
    ("rgb48be", "png", ".mov"),
    ("gray16be", "png", ".mov"),
    ("gray", "png", ".mkv"),
    ("argb", "qtrle", ".mov"),
    ("rgb24", "rawvideo", ".mov"),
    ("bgr24", "rawvideo", ".avi"),
    ("yuv422p10le", "v210", ".mov"),
    ("yuv444p10le", "v410", ".mov"),
    ("gbrp10le", "r210", ".mov"),
    ("gray10le", "jpeg2000", ".mxf"),
    ("yuv422p", "mjpeg", ".avi"),
    ("yuvj420p", "mjpeg", ".mov"),
    ("yuv422p10le", "prores_ks", ".mov"),
    ("yuv420p", "libx264", ".mp4"),
]


PACKED = {
    "rgb24": "RGB",
    "bgr24": "BGR",
    "rgb48": "RGB",
    "bgr48": "BGR",
    "rgba64": "RGBA",
    "y210": "YUYV",
    "ya16": "YA",
    "ya8": "YA",
    "bgr0": "BGR0",
}
PACKED |= {name: name.upper() for name in ("rgba", "bgra", "argb", "abgr")}
PACKED |= {name: name[:4].upper() for name in ("yuyv422", "uyvy422", "yvyu422")}
PAIRED = {"nv12": "UV", "nv21": "VU", "nv16": "UV", "nv24": "UV", "nv42": "VU", "p010": "UV", "p016": "UV", "p210": "UV", "p410": "UV"}
SHIFTED = {"p010": 6, "p210": 6, "p410": 6, "y210": 6}


def unframed(data: bytes, name: str, width: int, height: int) -> dict[str, np.ndarray]:
    """Codes by letter of one frame of ffmpeg's rawvideo, found without frdm's table."""
    stem = name.removesuffix("le").removesuffix("be")
    shape = av.VideoFormat(name, width, height)
    wide = shape.components[0].bits > 8
    values = np.frombuffer(data, (">" if name.endswith("be") else "<") + ("u2" if wide else "u1")) >> SHIFTED.get(stem, 0)
    if stem in PACKED:
        order, rows = PACKED[stem], values.reshape(height, -1)
        found = {letter: rows[:, order.index(letter) :: len(order) // order.count(letter)] for letter in set(order) - {"0"}}
        return {letter: codes[:, :width] if letter not in "UV" else codes for letter, codes in found.items()}
    chroma = (shape.chroma_height(height), shape.chroma_width(width))
    letters = "GBRA" if stem.startswith("gbr") else "YUVA" if len(shape.components) > 2 else "Y"
    planes, place = {}, 0
    for letter in letters[: len(shape.components)]:
        if stem in PAIRED and letter == "U":
            pairs = values[place:].reshape(chroma[0], chroma[1], 2)
            return planes | {PAIRED[stem][0]: pairs[..., 0], PAIRED[stem][1]: pairs[..., 1]}
        rows, columns = chroma if letter in "UV" else (height, width)
        planes[letter] = values[place : place + rows * columns].reshape(rows, columns)
        place += rows * columns
    assert place == len(values)
    return planes


@pytest.mark.parametrize(("name", "codec", "suffix"), HELD)
@pytest.mark.parametrize("size", [(48, 34), (37, 29)])
def test_planes_are_those_of_ffmpeg(tmp_path: Path, name: str, codec: str, suffix: str, size: tuple[int, int]) -> None:
    if size[0] % 2 and codec in ("v210", "v410", "huffyuv", "utvideo", "libx264", "prores_ks", "ffvhuff"):
        pytest.skip(f"{codec} takes even sizes alone")
    random = np.random.default_rng(1)
    data = b"".join(raw_frame(name, *size, random) for _ in range(3))
    movie = write_raw(tmp_path / f"film{suffix}", name, data, "-c:v", codec, size=size)
    with open_movie(movie) as scan:
        frames = list(scan.frames())
        kind = scan.pixel_format.name
        assert scan.info.length == len(frames) == 3
    raw = ffmpeg("-i", movie, "-f", "rawvideo", "-pix_fmt", "yuv444p10le" if kind == "v30xle" else kind, "-")
    each = len(raw) // 3
    for number, frame in enumerate(frames):
        theirs = unframed(raw[number * each :][:each], kind.replace("v30xle", "yuv444p10le"), *size)
        for letter, ours in zip((letter for letter in "RGBYUVA" if letter in theirs), frame.planes, strict=True):
            assert ours.dtype == (np.uint8 if scan.info.encoding.bits <= 8 else np.uint16)
            np.testing.assert_array_equal(ours, theirs[letter])


@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
def test_memory_gives_back_its_codes(name: str) -> None:
    """Every format of the table: codes laid into memory come back."""
    form, random = PIXEL_FORMATS[name], np.random.default_rng(2)
    memory = av.VideoFrame(36, 28, name)
    planes = []
    for letter in form.samples:
        horizontal, vertical = form.subsampling if letter in "UV" else (1, 1)
        codes = random.integers(0, 1 << min(form.bits, 16), (28 // vertical, 36 // horizontal)).astype(
            np.uint8 if form.bits == 8 else np.uint16
        )
        planes.append(codes.astype(form.element.newbyteorder("=")) if form.floating else codes)
    fill_memory(memory, form, planes)
    for ours, back in zip(planes, planes_of(memory, form), strict=True):
        assert ours.dtype == back.dtype
        np.testing.assert_array_equal(ours, back)


PLANAR = {
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "nv42": "yuv444p",
    "p010le": "yuv420p10le",
    "p010be": "yuv420p10le",
    "p016le": "yuv420p16le",
}
PLANAR |= {"p210le": "yuv422p10le", "p410le": "yuv444p10le", "y210le": "yuv422p10le", "y212le": "yuv422p12le", "v30xle": "yuv444p10le"}
PLANAR |= {
    "xv30le": "yuv444p10le",
    "xv36le": "yuv444p12le",
    "ayuv64le": "yuva444p16le",
    "vuya": "yuva444p",
    "vuyx": "yuv444p",
    "vyu444": "yuv444p",
}
PLANAR |= {"x2rgb10le": "gbrp10le", "x2bgr10le": "gbrp10le", "yuv444p10msble": "yuv444p10le", "gbrp12msble": "gbrp12le"}


@pytest.mark.parametrize(("name", "planar"), PLANAR.items())
def test_rare_layouts_lie_where_ffmpeg_finds_them(name: str, planar: str) -> None:
    """A flat picture of one code a sample, as ffmpeg's conversion to planes keeps flat pictures whole."""
    form = PIXEL_FORMATS[name]
    values = {letter: (40 + 30 * order) << (form.bits - 8) for order, letter in enumerate("RGBYUVA")}
    memory = av.VideoFrame(36, 28, name)
    shapes = [(-(-28 // v), -(-36 // h)) for h, v in (form.subsampling if letter in "UV" else (1, 1) for letter in form.samples)]
    fill_memory(memory, form, [np.full(shape, values[letter], np.uint16) for shape, letter in zip(shapes, form.samples, strict=True)])
    turned = planes_of(memory.reformat(format=planar), PIXEL_FORMATS[planar])
    for letter, codes in zip(PIXEL_FORMATS[planar].samples, turned, strict=True):
        assert np.abs(codes.astype(int) - values[letter]).max() <= 1 << max(0, form.bits - 8), letter


def test_grey_with_alpha(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 256, (29, 37, 2), np.uint8)
    movie = write_raw(tmp_path / "film.nut", "ya8", data.tobytes(), "-c:v", "rawvideo", size=(37, 29))
    with open_movie(movie) as scan:
        planes = scan.frame(0).planes
        assert (scan.info.encoding.layout, scan.info.encoding.extra) == ("y", ("alpha",))
    np.testing.assert_array_equal(np.stack(planes, -1), data)


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
