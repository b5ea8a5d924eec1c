"""A folder of unrelated pictures for tests: five encodings, four formats, different sizes and names."""

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO
from numpy.typing import NDArray

import tiny

NAMES = ("Aunt Mary.png", "IMG_2.tif", "IMG_10.exr", "leader.dpx", "slide-a.png")  # in the order in which they are restored


def write_sorts(folder: Path, *, specks: bool = True, scale: int = 1) -> Path:
    """Grey 8-bit PNG, RGB 16-bit TIFF, half float EXR, 10-bit DPX, 16-bit RGBA PNG; each soft texture with a few bright specks."""
    folder.mkdir(parents=True)
    shapes = [(scale * h, scale * w) for h, w in ((96, 128), (120, 90), (64, 80), (80, 100), (100, 140))]
    pictures = [speckled(height, width, seed=n, scale=scale, specks=specks) for n, (height, width) in enumerate(shapes)]
    assert cv2.imwrite(str(folder / NAMES[0]), tiny.codes(pictures[0]))
    with_oiio(folder / NAMES[1], np.stack([tiny.codes(pictures[1] * k, 16) for k in (1, 0.9, 0.8)], -1), ("R", "G", "B"))
    with_oiio(folder / NAMES[2], np.stack([pictures[2] ** 2.4 * k for k in (1, 0.9, 0.8)], -1).astype(np.float16), ("R", "G", "B"))
    (folder / NAMES[3]).write_bytes(dpx(np.rint(np.clip(pictures[3], 0, 1) * 1023).astype(np.uint32)))
    colour = np.stack([tiny.codes(pictures[4] * k, 16) for k in (0.8, 0.9, 1)] + [np.full(shapes[4], 40000, np.uint16)], -1)
    assert cv2.imwrite(str(folder / NAMES[4]), colour)
    return folder


def speckled(height: int, width: int, *, seed: int, scale: int, specks: bool) -> NDArray[np.float32]:
    """(height, width) 0 … 1, dark, out of focus, with three sharp specks at `scale` times (20, 20), (20, 50) and (45, 30)."""
    film = 0.45 * tiny.film(1, height=height, width=width, seed=seed, grain=0)[0]
    soft = np.asarray(cv2.GaussianBlur(film, (0, 0), 4 * scale), np.float32)
    soft += np.random.default_rng(seed).normal(0, 0.004, soft.shape).astype(np.float32)
    for row, column in ((20, 20), (20, 50), (45, 30)) if specks else ():
        cv2.circle(soft, (scale * column, scale * row), 2 if scale == 1 else 3, 0.95, -1)
    return soft


def with_oiio(path: Path, codes: NDArray[Any], names: tuple[str, ...]) -> None:
    kind = "half" if codes.dtype == np.float16 else str(codes.dtype)
    spec = OpenImageIO.ImageSpec(codes.shape[1], codes.shape[0], codes.shape[2], kind)
    spec.channelnames = names
    out = OpenImageIO.ImageOutput.create(str(path))
    assert out.open(str(path), spec) and out.write_image(codes), out.geterror()
    out.close()


def dpx(codes: NDArray[np.uint32]) -> bytes:
    """10-bit RGB of equal planes, filled method A, video."""
    height, width = codes.shape
    head = bytearray(2048)
    head[:4] = b"SDPX"
    struct.pack_into(">I", head, 4, 2048)
    struct.pack_into(">IIIII", head, 16, 2048 + 4 * codes.size, 1, 1664, 384, 0)
    struct.pack_into(">HHII", head, 768, 0, 1, width, height)
    struct.pack_into(">IIfIf", head, 780, 0, 0, 0, 1023, 0)
    struct.pack_into(">BBBBHHIII", head, 800, 50, 6, 6, 10, 1, 0, 2048, 0, 0)
    return bytes(head) + ((codes << 22) | (codes << 12) | (codes << 2)).astype(">u4").tobytes()
