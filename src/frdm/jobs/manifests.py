"""Digests of a restored film in forms that other tools check: framemd5, md5sum, xxh128sum, ASC MHL."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import xxhash

from frdm.errors import OutputError, RecipeError
from frdm.film import Encoding, Frame, ScanInfo

Manifest = Literal["framemd5", "md5", "xxh128", "mhl"]
_BLOCK = 1 << 20


def check_names(manifests: Sequence[str]) -> None:
    """Raise `RecipeError` for a manifest that isn't known or whose library is missing."""
    for name in manifests:
        if name not in get_args(Manifest):
            raise RecipeError(f"manifest {name}: not known; one of {', '.join(get_args(Manifest))} was wanted")
    if "mhl" in manifests:
        _ascmhl()


class FrameMd5:
    """A framemd5 file as `ffmpeg -i FILM -pix_fmt FORMAT -f framemd5 -` makes it, with FORMAT gray…, gbrp… or yuv…p…, little-endian."""

    def __init__(self, info: ScanInfo) -> None:
        self._encoding = info.encoding
        rate = info.rate
        self._lines = [
            "#format: frame checksums",
            "#version: 2",
            "#hash: MD5",
            f"#tb 0: {rate.denominator}/{rate.numerator}",
            "#media_type 0: video",
            "#codec_id 0: rawvideo",
            f"#dimensions 0: {info.width}x{info.height}",
            "#stream#, dts,        pts, duration,     size, hash",
        ]
        self._count = 0

    def add(self, frame: Frame) -> None:
        """The next frame's digest."""
        parts = [_little(plane) for plane in in_ffmpeg_order(frame, self._encoding)]
        digest = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
        at, size = self._count, sum(len(part) for part in parts)
        self._lines.append(f"0, {at:10d}, {at:10d}, {1:8d}, {size:8d}, {digest}")
        self._count += 1

    def write(self, path: Path) -> Path:
        """Write the file."""
        return write_whole(path, self._lines)


def in_ffmpeg_order(frame: Frame, encoding: Encoding) -> list[Any]:
    """Picture planes in the order in which ffmpeg's planar formats have them."""
    planes = list(frame.planes[: encoding.pictures])
    return [planes[1], planes[2], planes[0]] if encoding.layout == "rgb" else planes


def write_manifests(film: Path, folder: Path, manifests: Sequence[str]) -> list[Path]:
    """Digests of the film's files, written into `folder`, which `md5sum -c` or `xxhsum -c` read there; an MHL goes to the film itself."""
    files = sorted(p for p in film.iterdir() if p.is_file()) if film.is_dir() else [film]
    made: list[Path] = []
    hashes: dict[str, Callable[[], Any]] = {
        "md5": lambda: hashlib.md5(usedforsecurity=False),
        "xxh128": xxhash.xxh3_128,
    }
    for name, start in hashes.items():
        if name in manifests:
            lines = (f"{digest_of(file, start())}  {Path(os.path.relpath(file, folder)).as_posix()}" for file in files)
            made.append(write_whole(folder / f"{film.name}.{name}", lines))
    if "mhl" in manifests:
        made.append(_write_mhl(film))
    return made


def digest_of(file: Path, digest: Any) -> str:
    """A file's digest in hex."""
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return str(digest.hexdigest())


def write_whole(path: Path, lines: Iterable[str]) -> Path:
    """Write a text file, whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: can't be written ({error.strerror}); look at its folder's permissions") from None
    return path


def _little(plane: Any) -> bytes:
    return np.ascontiguousarray(plane).astype(plane.dtype.newbyteorder("<"), copy=False).tobytes()


def _ascmhl() -> Any:
    try:
        from ascmhl import commands
    except ImportError:
        raise RecipeError("manifest mhl: needs the package ascmhl, which is missing; pip install 'frdm[mhl]' or leave it out") from None
    return commands


def _write_mhl(film: Path) -> Path:
    """A new generation in the film's ASC MHL history: of a folder, or of a movie in its folder."""
    root = film if film.is_dir() else film.parent
    options = ["--hash_format", "xxh128", *([] if film.is_dir() else ["--single_file", str(film)])]
    try:
        _ascmhl().create.main(args=[str(root), *options], standalone_mode=False)
    except Exception as error:  # of ascmhl and click: they have no common base
        raise OutputError(f"{root}: ascmhl could not write its manifest ({error}); leave mhl out or mend that") from None
    return root / "ascmhl"
