"""Every pixel format's codes are found where ffmpeg finds them."""

from pathlib import Path

import av
import numpy as np
import pytest

from frdm.media.movie import open_movie
from frdm.media.movie_formats import PIXEL_FORMATS, fill_memory, planes_of
from media.movie_author import ffmpeg, needs_ffmpeg, raw_frame, write_raw

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
        shape = (28 // vertical, 36 // horizontal)
        codes = random.random(shape) if form.floating else random.integers(0, 1 << form.bits, shape)
        planes.append(codes.astype(form.element.newbyteorder("=") if form.floating else np.uint8 if form.bits == 8 else np.uint16))
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
    turned = planes_of(memory.reformat(format=planar, threads=1), PIXEL_FORMATS[planar])
    for letter, codes in zip(PIXEL_FORMATS[planar].samples, turned, strict=True):
        assert np.abs(codes.astype(int) - values[letter]).max() <= 1 << max(0, form.bits - 8), letter


def test_grey_with_alpha(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 256, (29, 37, 2), np.uint8)
    movie = write_raw(tmp_path / "film.nut", "ya8", data.tobytes(), "-c:v", "rawvideo", size=(37, 29))
    with open_movie(movie) as scan:
        planes = scan.frame(0).planes
        assert (scan.info.encoding.layout, scan.info.encoding.extra) == ("y", ("alpha",))
    np.testing.assert_array_equal(np.stack(planes, -1), data)
