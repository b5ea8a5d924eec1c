"""DPX: every way of packing against files authored bit by bit, against OpenImageIO and against ffmpeg."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.errors import MediaError, TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.media.dpx import Dpx, parse, planes_of, replace_words, still
from media.dpx_author import FILLED_A, FILLED_B, PACKED, Author, Part, noise

HERE = Path("frame_0001.dpx")
CHANNELS = {6: "Y", 1: "R", 50: "RGB", 51: "RGBA", 52: "ABGR"}
WAYS = [
    (8, PACKED),
    (10, PACKED),
    (10, FILLED_A),
    (10, FILLED_B),
    (12, PACKED),
    (12, FILLED_A),
    (12, FILLED_B),
    (16, PACKED),
    (16, FILLED_A),
]
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg isn't installed")


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Author, list[np.ndarray]]:
    """A file and its planes in frdm's order: pictures, then the others as they come."""
    bits, method = draw(st.sampled_from(WAYS))
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 19))
    seed = draw(st.integers(0, 1000))
    make = lambda number, depth: noise(seed + number, height=height, width=width, bits=depth)  # noqa: E731
    descriptors = draw(st.sampled_from([(6,), (50,), (51,), (52,), (1, 2, 3), (50, 4), (6, 4), (50, 6), (6, 6)]))
    parts, named = [], []
    for number, descriptor in enumerate(descriptors):
        names = CHANNELS.get(descriptor, {2: "G", 3: "B", 4: "A"}.get(descriptor, ""))
        depth = draw(st.sampled_from([8, bits])) if descriptor == 4 else bits
        planes = [make(10 * number + k, depth) for k in range(len(names))]
        parts.append(Part(descriptor, depth, method if depth == bits else PACKED, planes))
        named += list(zip(names, planes, strict=True))
    letters = [name for name, _ in named]
    first = [letters.index(letter) for letter in ("RGB" if "R" in letters else "Y")]
    order = first + [n for n in range(len(named)) if n not in first]
    lines = draw(st.sampled_from(["aligned", "aligned", "tight", "running"])) if len(parts) == 1 else "aligned"
    padding = draw(st.sampled_from([0, 0, 4, 7])) if lines != "running" else 0
    tail = draw(st.sampled_from([0, 0, 5])) if lines == "aligned" else 0
    if lines == "running":  # of so small pictures the size doesn't always tell; then the standard's way holds
        row = width * len(named)
        words = (lambda count: -(-count * bits // 32)) if method == PACKED else (lambda count: -(-count // 3))
        lines = "aligned" if bits in (10, 12) and words(row) * height == words(row * height) else "running"
    author = Author(parts, order=draw(st.sampled_from("<>")), lines=lines, line_padding=padding, tail=tail, seed=seed)
    return author, [named[n][1] for n in order]


@settings(max_examples=300, deadline=None)
@given(layouts())
def test_every_layout_is_read_exactly(made: tuple[Author, list[np.ndarray]]) -> None:
    author, planes = made
    data = bytearray(author.file())
    read = planes_of(data, parse(data, HERE), HERE)
    assert len(read) == len(planes)
    for found, wanted in zip(read, planes, strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype


@settings(max_examples=300, deadline=None)
@given(layouts(), st.integers(0, 1000), st.sampled_from([0.0, 0.05, 0.5, 1.0]))
def test_replacing_words_touches_nothing_else(made: tuple[Author, list[np.ndarray]], seed: int, share: float) -> None:
    """The file with changed words is the file that the author makes of the changed planes, garbage in all unused bits included."""
    author, planes = made
    random = np.random.default_rng(seed)
    data = bytearray(author.file())
    header = parse(data, HERE)
    count = still(header, HERE, "log").encoding.pictures
    wanted, changed = list(planes), []
    for number in range(count):
        mask = random.random(planes[number].shape) < share
        bits = 8 if planes[number].dtype == np.uint8 else author.parts[0].bits
        new = random.integers(0, 1 << bits, mask.shape).astype(planes[number].dtype)
        changed.append(mask)
        wanted[number] = np.where(mask, new, planes[number])
        for part in author.parts:
            part.planes = [wanted[number] if plane is planes[number] else plane for plane in part.planes]
    everywhere_else_wrong = [np.where(mask, code, 0) for mask, code in zip(changed, wanted, strict=False)]
    replace_words(data, header, HERE, planes=everywhere_else_wrong, changed=changed)
    assert bytes(data) == author.file()


def test_a_code_that_does_not_fit_is_no_silent_harm() -> None:
    plane = noise(1, height=3, width=4, bits=10)
    data = bytearray(Author([Part(6, 10, FILLED_A, [plane])]).file())
    with pytest.raises(ValueError, match="10 bits"):
        replace_words(data, parse(data, HERE), HERE, planes=[plane + 1024], changed=[np.ones(plane.shape, bool)])


def write(path: Path, author: Author) -> Path:
    path.write_bytes(author.file())
    return path


def rgb(bits: int = 10, method: int = FILLED_A, *, height: int = 5, width: int = 7) -> list[Part]:
    return [Part(50, bits, method, [noise(k, height=height, width=width, bits=bits) for k in range(3)])]


def with_oiio(path: Path, bits: int) -> np.ndarray:
    """(height, width, channels) codes as OpenImageIO reads them, brought from its 16 bits back to `bits`."""
    import OpenImageIO

    file = OpenImageIO.ImageInput.open(str(path))
    assert file is not None
    codes = file.read_image(0, 0, 0, file.spec().nchannels, "uint8" if bits == 8 else "uint16")
    file.close()
    return codes >> (16 - bits) if bits in (10, 12) else codes


OIIO_WAYS = [way for way in WAYS if way != (16, FILLED_A)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("bits", "method"), OIIO_WAYS)
@pytest.mark.parametrize("width", [6, 8, 16])
def test_openimageio_reads_the_same_codes(tmp_path: Path, bits: int, method: int, order: str, width: int) -> None:
    lines = "tight" if bits == 8 else "aligned"  # OpenImageIO takes 8-bit lines as unpadded, ffmpeg as padded; the file's size tells
    path = write(tmp_path / "a.dpx", Author(rgb(bits, method, width=width), order=order, lines=lines, clean=True))
    form = Dpx()
    planes = form.read(path, form.describe(path, None))
    np.testing.assert_array_equal(np.stack(planes, axis=-1), with_oiio(path, bits))


@pytest.mark.parametrize("packing", ["Filled, method A", "Filled, method B", "Packed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("endian", ["little", "big"])
def test_files_of_openimageio_are_read_exactly(tmp_path: Path, packing: str, bits: int, channels: int, endian: str) -> None:
    import OpenImageIO

    path = tmp_path / "a.dpx"
    spec = OpenImageIO.ImageSpec(12, 5, channels, "uint8" if bits == 8 else "uint16")
    spec["oiio:BitsPerSample"], spec["dpx:Packing"], spec["oiio:Endian"] = bits, packing, endian
    codes = np.random.default_rng(bits).integers(0, 1 << bits, (5, 12, channels)).astype(np.uint16)
    sent = codes.astype(np.uint8) if bits == 8 else codes << (16 - bits)
    out = OpenImageIO.ImageOutput.create("dpx")
    assert out.open(str(path), spec)
    assert out.write_image(sent)
    out.close()
    form = Dpx()
    planes = form.read(path, form.describe(path, "log"))
    np.testing.assert_array_equal(np.stack(planes, axis=-1), codes)


def with_ffmpeg(path: Path, pixels: str, *, channels: int, height: int, width: int) -> np.ndarray:
    run = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", pixels, "-"], capture_output=True, check=True
    )
    codes = np.frombuffer(run.stdout, np.uint8 if pixels in ("rgb24", "rgba", "abgr", "gray") else "<u2")
    if pixels.startswith("gbr"):
        return codes.reshape(channels, height, width)[[2, 0, 1]].transpose(1, 2, 0)
    return codes.reshape(height, width, channels)


@needs_ffmpeg
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("bits", "method", "pixels"),
    [
        (8, PACKED, "rgb24"),
        (10, FILLED_A, "gbrp10le"),
        (10, FILLED_B, "gbrp10le"),
        (12, FILLED_A, "gbrp12le"),
        *((bits, PACKED, pixels) for bits, pixels in ((12, "gbrp12le"), (16, "rgb48le"))),
    ],
)
def test_ffmpeg_reads_the_same_codes(tmp_path: Path, bits: int, method: int, pixels: str, order: str) -> None:
    path = write(tmp_path / "a.dpx", Author(rgb(bits, method, width=9), order=order, clean=True))
    form = Dpx()
    planes = form.read(path, form.describe(path, None))
    np.testing.assert_array_equal(np.stack(planes, axis=-1), with_ffmpeg(path, pixels, channels=3, height=5, width=9))


@needs_ffmpeg
@pytest.mark.parametrize("method", [FILLED_A, FILLED_B])
@pytest.mark.parametrize("width", [7, 8, 9])
def test_ffmpeg_reads_the_same_luma(tmp_path: Path, method: int, width: int) -> None:
    path = write(tmp_path / "a.dpx", Author([Part(6, 10, method, [noise(1, height=5, width=width, bits=10)])], clean=True))
    form = Dpx()
    planes = form.read(path, form.describe(path, None))
    np.testing.assert_array_equal(planes[0][..., None], with_ffmpeg(path, "gray10le", channels=1, height=5, width=width))


@needs_ffmpeg
@pytest.mark.parametrize(
    ("pixels", "bits"),
    [("rgb24", 8), ("rgba", 8), ("abgr", 8), ("gray", 8), ("gbrp10be", 10), ("gbrp12be", 12), ("rgb48be", 16), ("gray16be", 16)],
)
def test_files_of_ffmpeg_are_read_exactly(tmp_path: Path, pixels: str, bits: int) -> None:
    path = tmp_path / "a.dpx"
    noise_in = np.random.default_rng(3).bytes(21 * 9 * 6)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "21x9", "-i", "-", "-frames:v", "1", "-pix_fmt", pixels]
    done = subprocess.run(["ffmpeg", "-v", "error", *source, str(path)], input=noise_in, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this ffmpeg writes no {pixels} DPX")
    form = Dpx()
    planes = form.read(path, form.describe(path, "video"))
    back = {"gbrp10be": "gbrp10le", "gbrp12be": "gbrp12le", "rgb48be": "rgb48le", "gray16be": "gray16le", "abgr": "rgba"}.get(
        pixels, pixels
    )
    np.testing.assert_array_equal(np.stack(planes, axis=-1), with_ffmpeg(path, back, channels=len(planes), height=9, width=21))
    assert planes[0].dtype == (np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize(
    ("code", "meaning"), [(1, "log"), (3, "log"), (13, "log"), (2, "linear"), (5, "video"), (6, "video"), (7, "video")]
)
def test_transfer_comes_from_the_header(tmp_path: Path, code: int, meaning: str) -> None:
    author = Author(rgb(), fields={801: bytes([code]), 160: b"a scanner\0"})
    found = Dpx().describe(write(tmp_path / "a.dpx", author), None)
    assert found.encoding.transfer == meaning
    assert (found.encoding.black, found.encoding.white) == ((95, 685) if meaning == "log" else (0, 1023))


@pytest.mark.parametrize("code", [0, 11, 77, 255])
def test_unknown_transfer_is_asked_for(tmp_path: Path, code: int) -> None:
    path = write(tmp_path / "a.dpx", Author(rgb(), fields={801: bytes([code])}))
    with pytest.raises(TransferUnknown, match=r"a\.dpx.*--transfer"):
        Dpx().describe(path, None)
    assert Dpx().describe(path, "log").encoding.transfer == "log"


def test_linear_of_ffmpeg_is_not_believed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dpx", Author(rgb(), fields={801: b"\2", 160: b"Lavc61.3.100\0"}))
    with pytest.raises(TransferUnknown):
        Dpx().describe(path, None)


@pytest.mark.parametrize(
    ("low", "high", "transfer", "wanted"),
    [(64, 940, 6, (64, 940)), (0, 1023, 1, (95, 685)), (100, 700, 1, (100, 700)), (9, 5, 6, (0, 1023)), (0, 70000, 6, (0, 1023))],
)
def test_black_and_white_are_the_headers_where_sane(tmp_path: Path, low: int, high: int, transfer: int, wanted: tuple[int, int]) -> None:
    fields = {784: struct.pack(">I", low), 792: struct.pack(">I", high), 801: bytes([transfer])}
    encoding = Dpx().describe(write(tmp_path / "a.dpx", Author(rgb(), fields=fields)), None).encoding
    assert (encoding.black, encoding.white) == wanted


def test_cineon_codes_scale_with_the_depth(tmp_path: Path) -> None:
    found = [Dpx().describe(write(tmp_path / "a.dpx", Author(rgb(bits))), None).encoding for bits in (8, 10, 12, 16)]
    assert [(e.black, e.white) for e in found] == [(23.75, 171.25), (95, 685), (380, 2740), (6080, 43840)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({806: struct.pack(">H", 1)}, "run-length"),
        ({800: b"\x64"}, "YCbCr"),
        ({803: b"\x20"}, "32 bits"),
        ({780: struct.pack(">I", 1)}, "signed"),
        ({800: b"\4"}, "channels A"),
    ],
)
def test_what_is_not_read_is_refused_with_the_files_name(tmp_path: Path, fields: dict[int, bytes], words: str) -> None:
    path = write(tmp_path / "a.dpx", Author(rgb(), fields=fields))
    with pytest.raises(UnsupportedFilm, match=rf"a\.dpx.*{words}"):
        Dpx().describe(path, None)


@pytest.mark.parametrize("data", [b"", b"SDPX", b"PNG" * 1000, b"SDPX" + bytes(2044)])
def test_what_is_no_dpx_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.dpx"
    path.write_bytes(data)
    with pytest.raises(UnreadableFrame, match=r"a\.dpx"):
        Dpx().describe(path, None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2400))
def test_a_frame_cut_short_is_never_a_traceback(cut: int) -> None:
    data = bytearray(Author(rgb()).file())[:cut]
    with pytest.raises(MediaError, match="frame_0001"):
        planes_of(data, parse(data, HERE), HERE)


@pytest.mark.parametrize("value", [0, 0xFFFFFFFF])
def test_the_files_offset_serves_where_the_elements_has_none(value: int) -> None:
    parts = rgb()
    data = bytearray(Author(parts, fields={808: struct.pack(">I", value)}).file())
    np.testing.assert_array_equal(planes_of(data, parse(data, HERE), HERE)[1], parts[0].planes[1])


def test_filled_words_that_are_called_packed_are_seen_by_their_size() -> None:
    parts = rgb(width=16)
    data = bytearray(Author(parts, fields={804: struct.pack(">H", 0)}).file())
    np.testing.assert_array_equal(planes_of(data, parse(data, HERE), HERE)[2], parts[0].planes[2])


def test_garbage_in_the_line_padding_field_is_passed_over() -> None:
    parts = rgb()
    data = bytearray(Author(parts, fields={812: struct.pack(">I", 123456)}).file())
    np.testing.assert_array_equal(planes_of(data, parse(data, HERE), HERE)[0], parts[0].planes[0])


def test_rate_aspect_and_texts_of_the_header(tmp_path: Path) -> None:
    fields = {1724: struct.pack(">f", 23.976), 1628: struct.pack(">II", 2, 1), 160: b"Scanner 3\0", 1928: b"\1"}
    found = Dpx().describe(write(tmp_path / "a.dpx", Author(rgb(), fields=fields)), None)
    assert (found.rate, found.pixel_aspect, found.interlaced) == (pytest.approx(24000 / 1001), 2, True)
    assert found.metadata["creator"] == "Scanner 3"


@pytest.mark.parametrize("method", [PACKED, FILLED_A])
def test_tall_pictures_are_read_in_bands(method: int) -> None:
    parts = rgb(10, method, height=150, width=5)
    data = bytearray(Author(parts).file())
    for found, wanted in zip(planes_of(data, parse(data, HERE), HERE), parts[0].planes, strict=True):
        np.testing.assert_array_equal(found, wanted)
