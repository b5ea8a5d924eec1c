"""Which files of a folder are a film's frames, and in what order."""

import itertools
import os
import re
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

from frdm.errors import MediaError, UnreadableFrame

PICTURES = {".dpx": "dpx", ".exr": "exr", ".tif": "tiff", ".tiff": "tiff", ".png": "png"}  # suffix → container
_UNREAD = {".jpg", ".jpeg", ".jp2", ".j2k", ".cin", ".tga", ".bmp", ".webp", ".dng", ".sgi", ".ppm", ".heic"}
_PATTERN = re.compile(r"%0?\d*d|#+|@+")
_NAME = attrgetter("name")  # files of one folder are in their names' order: paths themselves compare ten times as slowly


def is_pattern(path: Path) -> bool:
    """Whether the name stands for numbered files, as in a.%04d.dpx or a.####.dpx, and is no file itself."""
    return bool(_PATTERN.search(path.name)) and not path.exists()


def is_picture(path: Path) -> bool:
    """Whether the name is one of a picture file that frdm reads."""
    return path.suffix.lower() in PICTURES


def has_siblings(picture: Path) -> bool:
    """Whether files beside a picture differ from it by a number alone: it is one frame of a sequence."""
    pieces = re.split(r"\d+", picture.name)
    expression = re.compile(r"\d+".join(map(re.escape, pieces)))
    return any(file.name != picture.name and expression.fullmatch(file.name) for file in _entries(picture.parent))


def numbered_files(path: Path) -> tuple[Path, ...]:
    """The frames of a folder or of a pattern, by number. Raises `MediaError` where they aren't one whole sequence."""
    folder, matching = (path, None) if path.is_dir() else (path.parent, _as_expression(path.name))
    if matching is None:
        files = [file for file in _entries(folder) if is_picture(file)]
    else:
        files = [file for file in _entries(folder) if matching.fullmatch(file.name)]
    if not files:
        raise MediaError(_nothing(path, folder))
    _require_one_format(path, files)
    return _in_order(path, files)


def unrelated_files(folder: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The pictures of a folder, numbers in their names in order; and the names of pictures in formats that frdm doesn't read.

    Raises `MediaError` where it holds none that frdm reads.
    """
    entries = _entries(folder)
    files = sorted((file for file in entries if is_picture(file)), key=_by_number)
    if not files:
        raise MediaError(_nothing(folder, folder))
    return tuple(files), tuple(sorted(file.name for file in entries if file.suffix.lower() in _UNREAD))


def _by_number(file: Path) -> tuple[list[tuple[str, int]], str]:
    """What names are sorted by: IMG_2 comes before IMG_10."""
    pieces = re.split(r"(\d+)", file.name.lower())
    return [(word, int(number)) for word, number in zip(pieces[::2], [*pieces[1::2], "0"], strict=True)], file.name


def _entries(folder: Path) -> list[Path]:
    """Files of a folder without hidden ones (such as ._name, which macOS leaves on foreign disks)."""
    try:
        with os.scandir(folder) as entries:  # tells files from folders without asking for each
            return [folder / entry.name for entry in entries if not entry.name.startswith(".") and _is_file(entry)]
    except OSError as error:
        raise MediaError(f"{folder}: {error.strerror or error}; give a folder that can be read") from None


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link in a circle, or through a file
        return False


def _as_expression(name: str) -> re.Pattern[str]:
    found = _PATTERN.search(name)
    assert found is not None
    return re.compile(re.escape(name[: found.start()]) + r"\d+" + re.escape(name[found.end() :]))


def _nothing(path: Path, folder: Path) -> str:
    wanted = "numbered .dpx, .exr, .tif or .png files were wanted"
    if path != folder:
        return f"{path}: no file fits this pattern; {wanted}, look at the name and the number's digits"
    others = sorted({file.suffix.lower() for file in _entries(folder)} & _UNREAD)
    if others:
        return f"{path}: only {' and '.join(others)} pictures found, which frdm doesn't read; {wanted}, convert them"
    return f"{path}: the folder holds no pictures; {wanted}, give their folder or a movie file"


def _require_one_format(path: Path, files: Iterable[Path]) -> None:
    kinds = {PICTURES.get(file.suffix.lower()): file for file in sorted(files, key=_NAME)}
    if len(kinds) > 1:
        one, other = list(kinds.values())[:2]
        raise MediaError(f"{path}: {one.name} and {other.name} are of different formats, one was wanted; {_advice(one)}")


def _advice(example: Path) -> str:
    digits = re.findall(r"\d+", example.stem)
    pattern = re.sub(r"(\d+)(?=\D*$)", lambda m: f"%0{len(m[1])}d", example.stem) if digits else example.stem
    return f"give them folders of their own or name one by its pattern, e.g. {pattern}{example.suffix}"


def _in_order(path: Path, files: list[Path]) -> tuple[Path, ...]:
    if len(files) == 1:
        return tuple(files)
    files = sorted(files, key=_NAME)
    parts = {file: re.split(r"(\d+)", file.stem) for file in files}
    heads: dict[tuple[str, ...], Path] = {}
    for file, pieces in parts.items():
        heads.setdefault((*pieces[::2], file.suffix.lower()), file)
    if len(heads) > 1:
        one, other = list(heads.values())[:2]
        raise MediaError(f"{path}: {one.name} and {other.name} belong to different sequences, one was wanted; {_advice(one)}")
    columns = list(zip(*(pieces[1::2] for pieces in parts.values()), strict=True))
    varying = [column for column, values in enumerate(columns) if len({int(value) for value in values}) > 1]
    if len(varying) != 1:
        one, other = files[0], files[-1]
        found = "more than one number changes" if varying else "the same number twice"
        raise MediaError(f"{path}: {one.name} … {other.name}: {found}, one sequence was wanted; {_advice(one)}")
    numbers = sorted(zip(map(int, columns[varying[0]]), files, strict=True), key=lambda one: one[0])
    _require_no_gap(path, numbers)
    return tuple(file for _, file in numbers)


def _require_no_gap(path: Path, numbers: list[tuple[int, Path]]) -> None:
    for (before, left), (after, right) in itertools.pairwise(numbers):
        if after == before:
            raise MediaError(f"{path}: {left.name} and {right.name} have the same number, each frame was wanted once; remove one")
        if after > before + 1:
            count = after - before - 1
            missing = f"frame {before + 1} is" if count == 1 else f"frames {before + 1} to {after - 1} are"
            raise UnreadableFrame(
                f"{path}: {missing} missing between {left.name} and {right.name}; put {'it' if count == 1 else 'them'} back "
                "or give the parts folders of their own"
            )
