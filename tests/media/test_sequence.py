"""Folders of pictures: exact codes, names and metadata kept, and one sentence for everything that isn't one whole film."""

import shutil
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.errors import MediaError, TransferUnknown, UnreadableFrame, UnsupportedFilm
from frdm.media.scan import open_scan
from frdm.media.sequence import SequenceScan
from frdm.media.writer import open_writer
from media.dpx_author import Author, Part, noise


def png(path: Path, *, height: int = 6, width: int = 7, channels: int = 3, bits: int = 8, seed: int = 0) -> np.ndarray:
    """Writes a PNG of random codes; gives them in R, G, B order."""
    codes = np.random.default_rng(seed).integers(0, 1 << bits, (height, width, channels)).astype(np.uint8 if bits == 8 else np.uint16)
    assert cv2.imwrite(str(path), codes[..., ::-1] if channels == 3 else codes)
    return codes


def folder(at: Path, count: int = 3, name: str = "film_{:04d}.png", **form: Any) -> Path:
    at.mkdir(exist_ok=True)
    for number in range(count):
        png(at / name.format(number + 9), seed=number, **form)
    return at


def picture(path: Path, codes: np.ndarray, names: tuple[str, ...], **attributes: Any) -> None:
    """Writes EXR or TIFF through OpenImageIO."""
    kind = {"float16": "half", "float32": "float"}.get(str(codes.dtype), str(codes.dtype))
    spec = OpenImageIO.ImageSpec(codes.shape[1], codes.shape[0], codes.shape[2], kind)
    spec.channelnames = names
    for name, value in attributes.items():
        spec[name.replace("__", ":")] = value
    out = OpenImageIO.ImageOutput.create(str(path))
    assert out.open(str(path), spec) and out.write_image(codes), out.geterror()
    out.close()


def copied(scan: SequenceScan, out: Path, change: bool = True) -> tuple[str, ...]:
    """Writes the film with one sample of frame 1 changed in each picture plane; gives the warnings."""
    with open_writer(scan, out, start=0, stop=scan.info.length) as writer:
        for frame in scan.frames():
            if frame.index == 1 and change:
                writer.write(*changed(frame, scan.info.encoding.pictures))
            else:
                writer.write(frame, None)
        writer.finish()
        return writer.warnings


def changed(frame: Any, pictures: int) -> tuple[Any, list[np.ndarray]]:
    from frdm.film import Frame

    planes = [plane.copy() for plane in frame.planes]
    masks = [np.zeros(plane.shape, bool) for plane in planes[:pictures]]
    for plane, mask in zip(planes, masks, strict=False):
        plane[2, 3] = 1 if plane[2, 3] != 1 else 2
        mask[2, 3] = True
    return Frame(frame.index, tuple(planes)), masks


def bits_of(plane: np.ndarray) -> np.ndarray:
    """Codes as whole numbers, so that NaNs compare."""
    return np.ascontiguousarray(plane).view(f"u{plane.itemsize}")


def assert_restored(scan: SequenceScan, out: Path) -> None:
    """Frame 1 differs in one place of the picture planes, all else is equal, untouched files to the byte."""
    restored = open_scan(out, transfer=scan.info.encoding.transfer)
    assert restored.info.names == scan.info.names
    assert restored.info.encoding == scan.info.encoding
    for name, before, after in zip(scan.info.names, scan.frames(), restored.frames(), strict=True):
        for number, (a, b) in enumerate(zip(before.planes, after.planes, strict=True)):
            places = np.argwhere(bits_of(a) != bits_of(b)).tolist()
            assert places == ([[2, 3]] if before.index == 1 and number < scan.info.encoding.pictures else [])
        if before.index != 1:
            assert (out / name).read_bytes() == (scan.info.path / name).read_bytes()


@pytest.mark.parametrize(("bits", "channels"), [(8, 1), (8, 3), (8, 4), (16, 1), (16, 3), (16, 4)])
def test_png_is_read_and_written_exactly(tmp_path: Path, bits: int, channels: int) -> None:
    source = folder(tmp_path / "scan", bits=bits, channels=channels)
    scan = open_scan(source)
    kept = cv2.imread(str(source / "film_0009.png"), cv2.IMREAD_UNCHANGED)
    kept = kept[..., [2, 1, 0, 3][:channels]] if channels > 1 else kept[..., None]
    np.testing.assert_array_equal(np.stack(scan.frame(0).planes, axis=-1), kept)
    assert scan.info.encoding.extra == (("alpha",) if channels == 4 else ())
    assert copied(scan, tmp_path / "out") == ()
    assert_restored(scan, tmp_path / "out")


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def with_chunks(path: Path, extra: list[tuple[bytes, bytes]]) -> None:
    """Puts chunks after a PNG's header."""
    data = path.read_bytes()
    made = b"".join(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in extra)
    path.write_bytes(data[:33] + made + data[33:])


def test_png_keeps_every_other_chunk_and_reads_none_of_them(tmp_path: Path) -> None:
    """Gamma, profile, rotation and significant bits would all tempt a library to change codes."""
    source = folder(tmp_path / "scan", bits=16)
    before = np.stack(open_scan(source).frame(1).planes)
    extra = [
        (b"gAMA", struct.pack(">I", 22222)),
        (b"sBIT", b"\5\5\5"),
        (b"pHYs", struct.pack(">IIB", 1, 2, 0)),
        (b"tEXt", b"Title\0reel 3"),
    ]
    extra.append((b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\3\0\x01\0\0\0\6\0\0\0\0\0\0\0"))
    with_chunks(source / "film_0010.png", extra)
    scan = open_scan(source)
    np.testing.assert_array_equal(np.stack(scan.frame(1).planes), before)
    copied(scan, tmp_path / "out")
    assert [c for c in chunks((tmp_path / "out" / "film_0010.png").read_bytes()) if c[0] not in (b"IDAT",)] == [
        c for c in chunks((source / "film_0010.png").read_bytes()) if c[0] not in (b"IDAT",)
    ]


def test_grey_with_alpha_stays_two_channels(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    codes = np.random.default_rng(0).integers(0, 65536, (6, 7, 2)).astype(np.uint16)
    for number in range(3):
        picture(tmp_path / "scan" / f"{number}.png", codes, ("Y", "A"), oiio__UnassociatedAlpha=1)
    scan = open_scan(tmp_path / "scan")
    assert (scan.info.encoding.layout, scan.info.encoding.extra) == ("y", ("alpha",))
    np.testing.assert_array_equal(np.stack(scan.frame(0).planes, axis=-1), codes)
    copied(scan, tmp_path / "out")
    assert_restored(scan, tmp_path / "out")


TIFFS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 4},
    "deflate": {"compression": "zlib", "predictor": True},
    "tiles": {"tile": (16, 16)},
    "separate": {"planarconfig": "separate"},
    "big-endian": {"byteorder": ">"},
    "big": {"bigtiff": True, "rowsperstrip": 2},
    "separate tiles": {"planarconfig": "separate", "tile": (16, 32)},
}


SORTS = ("miniswhite", "minisblack", "rgb", "unassalpha", "assocalpha")
ALL_TIFFS = [
    (way, kind, sort)
    for way in TIFFS
    for kind in ("uint8", "uint16", "float32")
    for sort in SORTS
    if not (sort.startswith("minis") and "separate" in way) and not (way == "deflate" and kind == "float32")
]


@pytest.mark.parametrize(("way", "kind", "sort"), ALL_TIFFS)
def test_tiff_is_read_and_written_exactly(tmp_path: Path, way: str, kind: str, sort: str) -> None:
    grey, alpha = sort.startswith("minis"), sort.endswith("alpha")
    source = tmp_path / "scan"
    source.mkdir()
    truth = []
    options = {**TIFFS[way], "photometric": sort if grey else "rgb", **({"extrasamples": [sort]} if alpha else {})}
    for number in range(3):
        shape = (37, 41) if grey else (37, 41, 4 if alpha else 3)
        codes = np.random.default_rng(number).integers(0, 256 if kind == "uint8" else 65536, shape).astype(kind)
        stored = codes.transpose(2, 0, 1) if "separate" in way else codes
        tifffile.imwrite(source / f"f{number:03d}.tif", stored, **options, extratags=[(65000, "s", 0, "a private tag", True)])
        truth.append(codes.reshape(37, 41, -1))
    scan = open_scan(source)
    np.testing.assert_array_equal(np.stack(scan.frame(2).planes, axis=-1), truth[2])
    assert copied(scan, tmp_path / "out") == ()
    assert_restored(scan, tmp_path / "out")
    with tifffile.TiffFile(source / "f001.tif") as before, tifffile.TiffFile(tmp_path / "out" / "f001.tif") as after:
        assert after.pages[0].photometric == before.pages[0].photometric
        assert after.pages[0].extrasamples == before.pages[0].extrasamples
        assert after.pages[0].compression == before.pages[0].compression
        if way != "deflate":
            assert after.pages[0].tags[65000].value == "a private tag"


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["uint8", "uint16"]), st.integers(1, 9), st.integers(4, 9), st.sampled_from(["<", ">"]), st.integers(0, 9))
def test_an_uncompressed_tiff_changes_in_the_asked_bytes_only(
    tmp_path_factory: pytest.TempPathFactory, kind: str, strip: int, width: int, order: Any, seed: int
) -> None:
    from frdm.media.stills import Tiff

    at = tmp_path_factory.mktemp("tiff")
    random = np.random.default_rng(seed)
    codes = random.integers(0, 200, (7, width, 3)).astype(kind)
    tifffile.imwrite(at / "a.tif", codes, photometric="rgb", rowsperstrip=strip, byteorder=order)
    mask = random.random((3, 7, width)) < 0.3
    new = np.where(mask, codes.transpose(2, 0, 1) + 1, 0).astype(kind)
    Tiff().rewrite(at / "a.tif", at / "b.tif", planes=new, changed=mask)
    tifffile.imwrite(at / "c.tif", codes + mask.transpose(1, 2, 0), photometric="rgb", rowsperstrip=strip, byteorder=order)
    assert (at / "b.tif").read_bytes() == (at / "c.tif").read_bytes()


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_compression_and_metadata_of_tiff_stay(tmp_path: Path, compression: str) -> None:
    from PIL import Image

    (tmp_path / "scan").mkdir()
    for number in range(3):
        codes = np.random.default_rng(number).integers(0, 4, (30, 31, 3)).astype(np.uint8)
        image = Image.fromarray(codes)
        tags = {270: "reel 4", 315: "the lab", 306: "1999:01:02 03:04:05"}
        image.save(
            tmp_path / "scan" / f"{number}.tif",
            compression=compression,
            tiffinfo=tags,
            dpi=(300, 300),
            icc_profile=b"\0" * 36 + b"acsp" + b"\0" * 88,
        )
    scan = open_scan(tmp_path / "scan")
    assert copied(scan, tmp_path / "out") == ()
    assert_restored(scan, tmp_path / "out")
    with tifffile.TiffFile(tmp_path / "scan" / "1.tif") as before, tifffile.TiffFile(tmp_path / "out" / "1.tif") as after:
        for tag in (259, 270, 315, 306, 282):
            assert after.pages[0].tags[tag].value == before.pages[0].tags[tag].value


def test_white_is_zero_turns_the_meaning_over_not_the_codes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "1.tif", np.zeros((4, 4), np.uint8), photometric="miniswhite")
    encoding = open_scan(tmp_path / "1.tif").info.encoding
    assert (encoding.black, encoding.white) == (255, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4]), st.sampled_from([8, 16]), st.integers(0, 99))
def test_png_of_any_size_round_trips(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, channels: int, bits: int, seed: int
) -> None:
    from frdm.media.png import Png

    at = tmp_path_factory.mktemp("png")
    png(at / "a.png", height=height, width=width, channels=channels, bits=bits)
    new = np.random.default_rng(seed).integers(0, 1 << bits, (channels, height, width)).astype(np.uint8 if bits == 8 else np.uint16)
    Png().rewrite(at / "a.png", at / "b.png", planes=tuple(new), changed=[np.ones((height, width), bool)])
    back = cv2.imread(str(at / "b.png"), cv2.IMREAD_UNCHANGED).reshape(height, width, channels)
    np.testing.assert_array_equal(back[..., [2, 1, 0, 3][:channels]] if channels > 1 else back, new.transpose(1, 2, 0))
    np.testing.assert_array_equal(np.stack(Png().read(at / "b.png", Png().describe(at / "b.png", None))), new)


def test_an_empty_file_is_found_when_the_film_is_opened(tmp_path: Path) -> None:
    source = folder(tmp_path / "s", count=900)
    (source / "film_0700.png").write_bytes(b"")
    with pytest.raises(UnreadableFrame, match=r"film_0700\.png.*empty"):
        open_scan(source)


def test_lossy_tiff_is_written_lossless_and_said(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "scan").mkdir()
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None] * 3, (64, 64, 3)).copy()
    for number in range(3):
        Image.fromarray(smooth).save(tmp_path / "scan" / f"{number}.tif", compression="jpeg")
    scan = open_scan(tmp_path / "scan")
    assert ["JPEG" in text and "lossless" in text for text in copied(scan, tmp_path / "out")] == [True]
    assert_restored(scan, tmp_path / "out")


ODD_HALVES = np.array([0x7E01, 0xFE23, 0x7C00, 0xFC00, 0x0001, 0x8000, 0x3C00, 0xBC00], np.uint16).view(np.float16)


@pytest.mark.parametrize("compression", ["none", "rle", "zip", "zips", "piz", "pxr24"])
@pytest.mark.parametrize("names", [("Y",), ("R", "G", "B"), ("R", "G", "B", "A"), ("R", "G", "B", "infrared"), ("R", "G", "B", "A", "Z")])
def test_exr_is_read_and_written_exactly(tmp_path: Path, compression: str, names: tuple[str, ...]) -> None:
    (tmp_path / "scan").mkdir()
    for number in range(3):
        codes = np.random.default_rng(number).normal(0.3, 2, (9, 8, len(names))).astype(np.float16)
        codes[4] = ODD_HALVES[:, None]  # NaN, infinities, the smallest number, −0
        extra = {"compression": compression, "reelName": "7", "FramesPerSecond": 23.976, "PixelAspectRatio": 2.0}
        picture(tmp_path / "scan" / f"a.{number}.exr", codes, names, **extra)
    scan = open_scan(tmp_path / "scan")
    assert scan.info.encoding.transfer == "linear"
    assert scan.info.pixel_aspect == Fraction(2)
    assert scan.info.encoding.extra == tuple("alpha" if n == "A" else n for n in names[3:])
    np.testing.assert_array_equal(np.stack([bits_of(p) for p in scan.frame(2).planes], axis=-1), bits_of(codes))
    assert copied(scan, tmp_path / "out") == ()
    assert_restored(scan, tmp_path / "out")
    before, after = (OpenImageIO.ImageInput.open(str(at / "a.1.exr")).spec() for at in (tmp_path / "scan", tmp_path / "out"))
    told = lambda spec: {a.name: a.value for a in spec.extra_attribs}  # noqa: E731
    assert told(after) == told(before)


@pytest.mark.parametrize("compression", ["b44", "b44a", "dwaa", "dwab"])
def test_lossy_exr_is_written_lossless_and_said(tmp_path: Path, compression: str) -> None:
    (tmp_path / "scan").mkdir()
    for number in range(3):
        codes = np.random.default_rng(number).random((32, 33, 3)).astype(np.float16)
        picture(tmp_path / "scan" / f"{number}.exr", codes, ("R", "G", "B"), compression=compression)
    scan = open_scan(tmp_path / "scan")
    assert [compression.upper() in text for text in copied(scan, tmp_path / "out")] == [True]
    assert_restored(scan, tmp_path / "out")


def test_tiles_windows_and_mixed_channels_of_exr_stay(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    codes = np.random.default_rng(0).random((33, 40, 4)).astype(np.float32)
    codes[..., :3] = codes[..., :3].astype(np.float16)
    for number in range(3):
        spec = OpenImageIO.ImageSpec(40, 33, 4, "float")
        spec.channelnames, spec.channelformats = ("R", "G", "B", "ir"), ("half", "half", "half", "float")
        spec.tile_width, spec.tile_height, spec.x, spec.y, spec.full_width, spec.full_height = 16, 16, -3, 2, 50, 60
        out = OpenImageIO.ImageOutput.create("openexr")
        assert out.open(str(tmp_path / "scan" / f"{number}.exr"), spec) and out.write_image(codes)
        out.close()
    scan = open_scan(tmp_path / "scan")
    assert [p.dtype for p in scan.frame(0).planes] == [np.float16] * 3 + [np.float32]
    copied(scan, tmp_path / "out")
    assert_restored(scan, tmp_path / "out")
    spec = OpenImageIO.ImageInput.open(str(tmp_path / "out" / "1.exr")).spec()
    assert (spec.tile_width, spec.x, spec.y, spec.full_width, spec.full_height) == (16, -3, 2, 50, 60)


@pytest.mark.parametrize("name", ["exr", "tif", "png"])
def test_two_runs_write_the_same_bytes(tmp_path: Path, name: str) -> None:
    """OpenImageIO would put the time into files that have none."""
    (tmp_path / "scan").mkdir()
    for number in range(2):
        codes = np.random.default_rng(number).integers(0, 256, (8, 9, 3)).astype(np.uint8 if name != "exr" else np.float16)
        if name == "tif":
            tifffile.imwrite(tmp_path / "scan" / f"{number}.tif", codes, photometric="rgb", compression="zlib")
        else:
            picture(tmp_path / "scan" / f"{number}.{name}", codes, ("R", "G", "B"), DateTime="")
    scan = open_scan(tmp_path / "scan")
    files = []
    for run in ("one", "two"):
        copied(scan, tmp_path / run)
        files.append((tmp_path / run / f"1.{name}").read_bytes())
    assert files[0] == files[1]
    assert b"20" + b"26:" not in files[0]


def test_dpx_folders_with_infrared(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    for number in range(3):
        planes = [noise(10 * number + k, height=6, width=7, bits=10) for k in range(4)]
        (tmp_path / "scan" / f"s.{number:07d}.DPX").write_bytes(Author([Part(50, 10, 1, planes[:3]), Part(4, 10, 1, planes[3:])]).file())
    scan = open_scan(tmp_path / "scan")
    assert (scan.info.container, scan.info.encoding.extra, scan.info.rate) == ("dpx", ("alpha",), 24)
    copied(scan, tmp_path / "out")
    assert_restored(scan, tmp_path / "out")


def test_transfer_is_passed_on_and_asked_for(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "1.dpx").write_bytes(Author([Part(6, 10, 1, [noise(1, height=4, width=4, bits=10)], transfer=0)]).file())
    with pytest.raises(TransferUnknown):
        open_scan(tmp_path / "scan")
    assert open_scan(tmp_path / "scan", transfer="log").info.encoding.white == 685
    folder(tmp_path / "png")
    assert open_scan(tmp_path / "png", transfer="log").info.encoding.transfer == "log"


@pytest.mark.parametrize("path", ["film_%04d.png", "film_####.png", "film_%d.png", "film_@@@@.png"])
def test_patterns_choose_among_sequences(tmp_path: Path, path: str) -> None:
    folder(tmp_path)
    folder(tmp_path, name="other_{:04d}.png")
    assert open_scan(tmp_path / path).info.names == ("film_0009.png", "film_0010.png", "film_0011.png")


def test_one_picture_is_a_film_of_one_frame(tmp_path: Path) -> None:
    folder(tmp_path)
    scan = open_scan(tmp_path / "film_0010.png")
    assert (scan.info.length, scan.info.names) == (1, ("film_0010.png",))


@pytest.mark.parametrize("name", ["{:d}.png", "film {:d} (scan).png", "r2.d3.{:05d}.v01.png", "{:03d}_gray.PNG"])
def test_order_is_by_number_whatever_the_names(tmp_path: Path, name: str) -> None:
    scan = open_scan(folder(tmp_path / "s", count=5, name=name))
    assert scan.info.names == tuple(name.format(n) for n in range(9, 14))


def test_foreign_files_are_passed_over(tmp_path: Path) -> None:
    source = folder(tmp_path / "s")
    for name in (".DS_Store", "._film_0010.png", "Thumbs.db", "notes.txt", "film.xml", "sheet.jpg"):
        (source / name).write_bytes(b"x")
    (source / "sub.png").mkdir()
    assert open_scan(source).info.length == 3


def test_links_that_lead_nowhere_are_passed_over(tmp_path: Path) -> None:
    source = folder(tmp_path / "s")
    (source / "film_0012.png").symlink_to("film_0012.png")  # to itself
    (source / "film_0013.png").symlink_to("film_0009.png/film_0013.png")  # through a file
    (source / "film_0014.png").symlink_to("film_0099.png")  # to none
    assert open_scan(source).info.names == ("film_0009.png", "film_0010.png", "film_0011.png")


def refused(source: Path, words: str, kind: type[MediaError] = MediaError) -> None:
    with pytest.raises(kind, match=words) as caught:
        list(open_scan(source).frames())
    assert "\n" not in str(caught.value)
    assert source.name in str(caught.value)


def test_what_is_not_one_film_is_refused_in_a_sentence(tmp_path: Path) -> None:
    source = folder(tmp_path / "s")
    (source / "film_0010.png").rename(source / "film_0100.png")
    refused(source, "frame 10 is missing between film_0009.png and film_0011.png")
    (source / "film_0100.png").rename(source / "film_0012.png")
    refused(source, "frame 10 is missing between film_0009.png and film_0011.png", UnreadableFrame)
    (source / "film_0012.png").rename(source / "film_0010.png")
    shutil.copy(source / "film_0010.png", source / "film_10.png")
    refused(source, "film_0010.png and film_10.png have the same number")
    (source / "film_10.png").rename(source / "other_1.png")
    refused(source, "film_0009.png and other_1.png belong to different sequences")
    (source / "other_1.png").rename(source / "film_0012.dpx")
    refused(source, "different formats")


def test_an_empty_folder_and_other_pictures(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    refused(tmp_path / "s", "holds no pictures")
    (tmp_path / "s" / "1.jpg").touch()
    refused(tmp_path / "s", r"\.jpg pictures found")
    refused(tmp_path / "none", "no such file or folder")
    refused(tmp_path / "s" / "a_%04d.png", "no file fits")


@pytest.mark.parametrize(
    ("form", "words"), [({"width": 8}, "8×6"), ({"channels": 1}, "8-bit Y"), ({"bits": 16}, "16-bit RGB"), ({"channels": 4}, "alpha")]
)
def test_a_frame_of_another_sort_is_refused_when_the_film_is_opened(tmp_path: Path, form: dict[str, int], words: str) -> None:
    source = folder(tmp_path / "s")
    png(source / "film_0010.png", **form)
    with pytest.raises(UnreadableFrame, match=rf"film_0010\.png.*{words}.* found, 7×6 8-bit RGB wanted"):
        open_scan(source)


@pytest.mark.parametrize("cut", [0, 20, 60, -1, -13, -20])
def test_a_broken_png_is_told_by_name(tmp_path: Path, cut: int) -> None:
    source = folder(tmp_path / "s")
    broken = source / "film_0010.png"
    broken.write_bytes(broken.read_bytes()[:cut])
    with pytest.raises(UnreadableFrame, match=r"film_0010\.png"):
        list(open_scan(source).frames())


def test_a_flipped_bit_in_a_png_is_found(tmp_path: Path) -> None:
    source = folder(tmp_path / "s")
    data = bytearray((source / "film_0010.png").read_bytes())
    data[70] ^= 4
    (source / "film_0010.png").write_bytes(data)
    with pytest.raises(UnreadableFrame, match=r"film_0010\.png.*IDAT"):
        list(open_scan(source).frames())


@pytest.mark.parametrize("name", ["a.exr", "a.tif"])
def test_a_broken_exr_or_tiff_is_told_by_name(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    at = tmp_path / "s"
    at.mkdir()
    codes = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    picture(at / name, codes, ("R", "G", "B"))
    whole = (at / name).read_bytes()
    for size in (0, 10, len(whole) // 2):
        (at / name).write_bytes(whole[:size])
        with pytest.raises(UnreadableFrame, match=name) as caught:
            list(open_scan(at).frames())
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_what_png_and_tiff_hold_that_frdm_would_lose_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.zeros((4, 4), np.uint8)).convert("P").save(tmp_path / "p.png")
    Image.fromarray(np.zeros((4, 4), bool)).save(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "p.tif", np.zeros((4, 4), np.uint8), photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    tifffile.imwrite(tmp_path / "m.tif", np.zeros((2, 4, 4), np.uint8), photometric="minisblack")
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((4, 4, 4), np.uint8), photometric="separated")
    tifffile.imwrite(tmp_path / "d.tif", np.zeros((4, 4), np.float64), photometric="minisblack")
    picture(tmp_path / "n.exr", np.zeros((4, 4, 2), np.float32), ("u", "v"))
    for name, words in {
        "p.png": "palette",
        "b.png": "1 bits",
        "p.tif": "palette",
        "m.tif": "more than one picture",
        "c.tif": "CMYK",
        "d.tif": "double",
        "n.exr": "channels u, v",
    }.items():
        with pytest.raises(UnsupportedFilm, match=words):
            open_scan(tmp_path / name)


def test_interlaced_png_comes_out_plain_with_the_same_codes(tmp_path: Path) -> None:
    """One pixel is all that the first of Adam7's passes holds, so this file can be made by hand."""
    (tmp_path / "s").mkdir()
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    make = lambda name, body: struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))  # noqa: E731
    data = b"\x89PNG\r\n\x1a\n" + make(b"IHDR", head) + make(b"IDAT", zlib.compress(b"\0\x55")) + make(b"IEND", b"")
    (tmp_path / "s" / "1.png").write_bytes(data)
    scan = open_scan(tmp_path / "s")
    assert scan.frame(0).planes[0].tolist() == [[0x55]]
    with open_writer(scan, tmp_path / "out", start=0, stop=1) as writer:
        writer.write(scan.frame(0), [np.ones((1, 1), bool)])
        writer.finish()
    assert cv2.imread(str(tmp_path / "out" / "1.png"), cv2.IMREAD_UNCHANGED).tolist() == [[0x55]]


def test_identity_changes_with_names_sizes_and_heads(tmp_path: Path) -> None:
    source = folder(tmp_path / "s")
    first = open_scan(source).identity()
    shutil.copytree(source, tmp_path / "moved")
    assert open_scan(tmp_path / "moved").identity() == first
    png(source / "film_0010.png", seed=77)
    second = open_scan(source).identity()
    (source / "film_0009.png").rename(source / "film_0012.png")
    assert len({first, second, open_scan(source).identity()}) == 3


def test_ranges_and_single_frames(tmp_path: Path) -> None:
    with open_scan(folder(tmp_path / "s", count=5)) as scan:
        assert [f.index for f in scan.frames(1, 3)] == [1, 2]
        assert [f.index for f in scan.frames(3)] == [3, 4]
        assert not scan.frame(2).planes[0].flags.writeable
        with pytest.raises(MediaError, match="frame 5"):
            scan.frame(5)
