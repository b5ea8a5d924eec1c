"""A table of tiny films in every form that frdm reads; each knows how to draw itself into a folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO

import tiny
from frdm.film import Codes
from media.dpx_author import FILLED_A, FILLED_B, PACKED, Author, Part
from media.movie_author import noise_movie, soft_movie

HEIGHT, WIDTH, FRAMES = 97, 131, 3
LOG, LINEAR, VIDEO = 1, 2, 6


@dataclass(frozen=True)
class Form:
    """One form of film. `out`: what the restored one is called; `lossy`: it can't equal the scan."""

    name: str
    draw: Callable[[Path, int], Path]  # (folder for it, frames)
    out: str = "out"
    quick: bool = False
    lossy: bool = False
    outside: bool = True  # False: programs with an older FFmpeg can't read what comes out

    def __str__(self) -> str:
        return self.name


def planes(bits: int, count: int, *, frames: int, floating: bool = False) -> list[list[Codes]]:
    """Per frame `count` planes of a panning texture under noise, so that all low bits are in use."""
    drawn = tiny.film(frames, height=HEIGHT, width=WIDTH)
    rng = np.random.default_rng(7)
    found: list[list[Codes]] = []
    for picture in drawn:
        noisy = [np.clip(picture + rng.normal(0, 0.02, picture.shape), 0, 1) for _ in range(count)]
        found.append([one.astype(np.float32) if floating else np.rint(one * (2**bits - 1)).astype(np.uint16) for one in noisy])
    return found


def dpx(
    bits: int, method: int, *, order: str, descriptors: Sequence[int], transfer: int = LOG, lines: str = "aligned"
) -> Callable[[Path, int], Path]:
    """Numbered DPX files with garbage in every place that holds no code."""
    counts = {6: 1, 50: 3, 51: 4, 52: 4, 4: 1}

    def draw(folder: Path, frames: int) -> Path:
        scan = folder / "scan"
        scan.mkdir(parents=True)
        for index, every in enumerate(planes(bits, sum(counts[d] for d in descriptors), frames=frames)):
            parts, left = [], [plane.astype(np.uint8) if bits == 8 else plane for plane in every]
            for descriptor in descriptors:
                parts.append(Part(descriptor, bits, method, left[: counts[descriptor]], transfer))
                left = left[counts[descriptor] :]
            author = Author(parts, order=order, lines=lines, tail=5 if lines == "aligned" else 0, seed=index)
            (scan / f"reel_{index + 86400:07d}.dpx").write_bytes(author.file())
        return scan

    return draw


def pictures(suffix: str, kind: str, *, channels: int, **attributes: str) -> Callable[[Path, int], Path]:
    """Numbered pictures written by OpenImageIO: `kind` is its name of the code values' type."""

    def draw(folder: Path, frames: int) -> Path:
        scan = folder / "scan"
        scan.mkdir(parents=True)
        bits, floating = {"uint8": (8, False), "uint16": (16, False), "half": (16, True), "float": (32, True)}[kind]
        for index, every in enumerate(planes(bits, channels, frames=frames, floating=floating)):
            codes = np.stack(every, -1).astype({"uint8": np.uint8, "uint16": np.uint16, "half": np.float16, "float": np.float32}[kind])
            spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, channels, kind)
            spec.channelnames = {1: ("Y",), 2: ("Y", "A"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}[channels]
            for name, value in attributes.items():
                spec[name] = value
            path = scan / f"a.{index + 1}{suffix}"
            file = OpenImageIO.ImageOutput.create(str(path))
            assert file.open(str(path), spec), OpenImageIO.geterror()
            assert file.write_image(codes)
            file.close()
        return scan

    return draw


def noise(suffix: str, codec: str, format_: str, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Callable[[Path, int], Path]:
    """A movie of noise of all codes."""

    def draw(folder: Path, frames: int) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return noise_movie(folder / f"scan{suffix}", "-c:v", codec, format_=format_, frames=frames, size=size)

    return draw


def soft(suffix: str, *options: str, sound: bool = False) -> Callable[[Path, int], Path]:
    """A movie of ffmpeg's test picture."""

    def draw(folder: Path, frames: int) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return soft_movie(folder / f"scan{suffix}", *options, frames=frames, source="testsrc2=s=256x144:r=24", sound=sound)

    return draw


WAYS = [(8, PACKED), (10, PACKED), (10, FILLED_A), (10, FILLED_B), (12, PACKED), (12, FILLED_A), (12, FILLED_B), (16, PACKED)]
METHODS = {PACKED: "packed", FILLED_A: "A", FILLED_B: "B"}
ELEMENTS = {"Y": (6,), "RGB": (50,), "RGBA": (51,), "ABGR": (52,), "RGB+IR": (50, 4)}

DPX = [
    Form(
        f"dpx {bits} {METHODS[method]} {name} {order} {'log' if transfer == LOG else 'linear' if transfer == LINEAR else 'video'}",
        dpx(bits, method, order=order, descriptors=ELEMENTS[name], transfer=transfer),
        quick=(bits, method, name, order)
        in {(10, FILLED_A, "RGB", ">"), (12, PACKED, "RGB+IR", "<"), (16, PACKED, "Y", ">"), (8, PACKED, "ABGR", "<")},
    )
    for number, (bits, method) in enumerate(WAYS)
    for order in "><"
    for place, name in enumerate(ELEMENTS)
    for transfer in [(LOG, LINEAR, VIDEO)[(number + place) % 3]]
]
TIGHT = [
    Form(f"dpx 10 A RGB > {lines} lines", dpx(10, FILLED_A, order=">", descriptors=(50,), lines=lines)) for lines in ("tight", "running")
]
STILLS = [
    Form("exr half RGB", pictures(".exr", "half", channels=3, compression="zip"), quick=True),
    Form("exr half RGBA piz", pictures(".exr", "half", channels=4, compression="piz")),
    Form("exr float Y", pictures(".exr", "float", channels=1, compression="none")),
    Form("exr float RGB", pictures(".exr", "float", channels=3, compression="zips")),
    Form("exr half RGB dwaa", pictures(".exr", "half", channels=3, compression="dwaa")),
    Form("tiff 8 grey", pictures(".tif", "uint8", channels=1, compression="none")),
    Form("tiff 8 RGB zip", pictures(".tif", "uint8", channels=3, compression="zip")),
    Form("tiff 16 RGB none", pictures(".tif", "uint16", channels=3, compression="none"), quick=True),
    Form("tiff 16 RGBA lzw", pictures(".tiff", "uint16", channels=4, compression="lzw")),
    Form("tiff half RGB", pictures(".tif", "half", channels=3, compression="none")),
    *(
        Form(f"png {bits} {name}", pictures(".png", f"uint{bits}", channels=count), quick=(bits, count) in {(8, 4), (16, 1)})
        for bits in (8, 16)
        for count, name in enumerate(("grey", "grey + alpha", "RGB", "RGBA"), 1)
    ),
]
MOVIES = [
    Form("ffv1 420 8", noise(".mkv", "ffv1", "yuv420p"), "out.mkv"),
    Form("ffv1 422 10", noise(".mkv", "ffv1", "yuv422p10le"), "out.mkv", quick=True),
    Form("ffv1 444 16", noise(".mkv", "ffv1", "yuv444p16le"), "out.mkv"),
    Form("ffv1 grey 8", noise(".mkv", "ffv1", "gray"), "out.mkv"),
    Form("ffv1 grey 16", noise(".mkv", "ffv1", "gray16le"), "out.mkv", quick=True),
    Form("ffv1 RGB 12", noise(".mkv", "ffv1", "gbrp12le"), "out.mkv"),
    Form("ffv1 RGBA 8", noise(".mkv", "ffv1", "bgra"), "out.mkv"),
    Form("ffv1 in avi", noise(".avi", "ffv1", "yuv422p10le"), "out.avi"),
    Form("v210 mov", noise(".mov", "v210", "yuv422p10le", size=(132, 98)), "out.mov", quick=True),
    Form("v210 to mkv", noise(".mov", "v210", "yuv422p10le", size=(132, 98)), "out.mkv"),
    Form("raw mov", noise(".mov", "rawvideo", "rgb24"), "out.mov"),
    Form("prores to mkv", soft(".mov", "-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le"), "out.mkv"),
    Form(
        "prores 4444 to mkv", soft(".mov", "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"), "out.mkv", outside=False
    ),
    Form("dnxhr to mkv", soft(".mov", "-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"), "out.mkv"),
    Form("h264 to mkv", soft(".mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2", sound=True), "out.mkv", quick=True),
    Form("h265 10 to mkv", soft(".mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error"), "out.mkv"),
    Form("mjpeg to mkv", soft(".avi", "-c:v", "mjpeg", "-pix_fmt", "yuvj422p"), "out.mkv"),
    Form("mpeg2 to mkv", soft(".mpg", "-c:v", "mpeg2video"), "out.mkv"),
    Form("prores to prores", soft(".mov", "-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le"), "out.mov", lossy=True),
    Form("dnxhr to dnxhr", soft(".mxf", "-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p"), "out.mxf", lossy=True),
    Form("mjpeg to mjpeg", soft(".mov", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), "out.mov", lossy=True),
    Form("h264 to mp4", soft(".mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p"), "out.mp4", lossy=True),
]
FORMS = [*DPX, *TIGHT, *STILLS, *MOVIES]
