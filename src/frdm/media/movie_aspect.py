"""Writes the pixels' shape into a finished Matroska file, as PyAV has no way to tell the muxer.

The display size goes into the video track's header, which then takes its bytes from the empty space (Void) that the muxer leaves before it.
"""

import io
import zlib
from fractions import Fraction
from pathlib import Path

from frdm.media.movie_skim import elements

_SEGMENT, _SEEK_HEAD, _VOID, _INFO, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x114D9B74, 0xEC, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_SEEK, _SEEK_NAME, _SEEK_PLACE, _CRC = 0x4DBB, 0x53AB, 0x53AC, 0xBF
_WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_RATIO = 3  # DisplayUnit: the sizes are but a ratio

Tree = list[tuple[int, bytes]]  # names and contents of elements


def write_aspect(path: Path, aspect: Fraction) -> None:
    """Give the film in a Matroska file pixels `aspect` times as wide as high.

    Raises `ValueError` for a file that isn't laid out as FFmpeg's muxer does.
    """
    with path.open("rb+") as file:
        size = path.stat().st_size
        begin, end = next((begin, end) for name, begin, end in elements(file, 0, size) if name == _SEGMENT)
        head: Tree = []
        first = stop = begin
        for name, at, to in elements(file, begin, end):
            file.seek(at)
            head.append((name, file.read(to - at)))
            stop = to
            if name == _TRACKS:
                break
        if [name for name, _ in head] != [_SEEK_HEAD, _VOID, _INFO, _TRACKS]:
            raise ValueError(f"{path}: its Matroska head is of another form")
        data = _moved(head, aspect, stop - first)
        file.seek(first)
        file.write(data)


def _moved(head: Tree, aspect: Fraction, room: int) -> bytes:
    """The head again, in as many bytes, with the display size in its tracks."""
    (_, seek), _, (_, info), (_, tracks) = head
    wide = _element(_TRACKS, _summed([(name, _track(body, aspect) if name == _TRACK else body) for name, body in _tree(tracks)]))
    grown = len(wide) - len(_element(_TRACKS, tracks))
    start = _element(_SEEK_HEAD, _summed([(name, _sought(body, grown) if name == _SEEK else body) for name, body in _tree(seek)]))
    spare = room - len(start) - len(_element(_INFO, info)) - len(wide)
    if not 2 <= spare < 129:
        raise ValueError(f"{spare} bytes are free in a Matroska head where 2 … 128 were expected")
    return start + _element(_VOID, bytes(spare - 2)) + _element(_INFO, info) + wide


def _track(body: bytes, aspect: Fraction) -> bytes:
    return _joined([(name, _video(inner, aspect) if name == _VIDEO else inner) for name, inner in _tree(body)])


def _video(body: bytes, aspect: Fraction) -> bytes:
    """A video header with its display size: in pixels if that is exact, else as a ratio."""
    tree = [(name, inner) for name, inner in _tree(body) if name not in (_VOID, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT)]
    values = {name: int.from_bytes(inner, "big") for name, inner in tree}
    shape = Fraction(values[_WIDTH], values[_HEIGHT]) * aspect
    shown = values[_WIDTH] * aspect
    exact = shown.denominator == 1
    width, height = (shown.numerator, values[_HEIGHT]) if exact else (shape.numerator, shape.denominator)
    return _joined(
        [*tree, (_SHOWN_WIDTH, _integer(width)), (_SHOWN_HEIGHT, _integer(height)), (_SHOWN_UNIT, bytes([0 if exact else _RATIO]))]
    )


def _sought(body: bytes, grown: int) -> bytes:
    """An entry of the seek head; info and tracks begin `grown` bytes earlier."""
    tree = dict(_tree(body))
    if int.from_bytes(tree[_SEEK_NAME], "big") in (_INFO, _TRACKS):
        place = int.from_bytes(tree[_SEEK_PLACE], "big") - grown
        tree[_SEEK_PLACE] = place.to_bytes(len(tree[_SEEK_PLACE]), "big")
    return _joined(list(tree.items()))


def _tree(body: bytes) -> Tree:
    return [(name, body[begin:end]) for name, begin, end in elements(io.BytesIO(body), 0, len(body))]


def _joined(tree: Tree) -> bytes:
    return b"".join(_element(name, body) for name, body in tree)


def _summed(tree: Tree) -> bytes:
    """The elements, with a new check sum where there was one."""
    rest = _joined([(name, body) for name, body in tree if name != _CRC])
    return (_element(_CRC, zlib.crc32(rest).to_bytes(4, "little")) if len(tree) and tree[0][0] == _CRC else b"") + rest


def _element(name: int, body: bytes) -> bytes:
    length = next(n for n in range(1, 9) if len(body) < (1 << 7 * n) - 1)
    return _integer(name) + (len(body) | 1 << 7 * length).to_bytes(length, "big") + body


def _integer(value: int) -> bytes:
    return value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")
