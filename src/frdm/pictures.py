"""Pictures for people: wipes, contact sheets, outlines and crops, all 8-bit sRGB and never part of a film."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.display import Picture, look
from frdm.errors import MediaError, OutputError
from frdm.film import Box
from frdm.media.scan import Scan

INK = (255, 255, 255)
BACK = (24, 24, 24)
COLOURS = {"accepted": (80, 170, 255), "held": (255, 255, 255), "rejected": (225, 80, 30)}  # told apart by the colour-blind too


def wipe(before: Picture, after: Picture, *, at: float = 0.5, labels: tuple[str, str] = ("before", "after")) -> Picture:
    """`before` left of the line, `after` right of it; `at` is the line's place, 0 … 1 of the width."""
    width = before.shape[1]
    column = min(max(round(at * width), 0), width)
    out = after.copy()
    out[:, :column] = before[:, :column]
    line = max(1, width // 500)
    out[:, max(0, column - line) : column + line] = INK
    size = text_size(width)
    written(out, labels[0], (size, size), align="left")
    written(out, labels[1], (size, width - size), align="right")
    return out


def wipe_place(index: int, count: int) -> float:
    """Where a moving wipe's line stands: it goes across and back once, starting and ending in the middle."""
    return 0.5 + 0.42 * math.sin(2 * math.pi * index / max(count, 1))


def moving_wipe(before: Iterable[Picture], after: Iterable[Picture], count: int, labels: tuple[str, str]) -> Iterator[Picture]:
    """A wipe a frame, its line moving."""
    for index, (left, right) in enumerate(zip(before, after, strict=True)):
        yield wipe(left, right, at=wipe_place(index, count), labels=labels)


def shown(scan: Scan, start: int, stop: int, *, widest: int = 1920) -> Iterator[Picture]:
    """Frames start … stop-1 of a film as pictures with square pixels, at most `widest` pixels wide."""
    info = scan.info
    width = min(round(info.width * max(float(info.pixel_aspect), 1.0)), widest)
    for frame in scan.frames(start, stop):
        yield fitted(look(frame, info.encoding), width, aspect=float(info.pixel_aspect))


def film_wipe(before: Scan, after: Scan, out: Path, *, frames: range, shift: int = 0, labels: tuple[str, str]) -> None:
    """Write a wipe between two films: a still of the first of `frames` (PNG), or a movie of all (MP4).

    `shift` is how many frames of `before` come before the first of `after`. Raises `MediaError` where the films differ in size,
    `OutputError` where `out` can't be made.
    """
    same_size(before, after)
    start, stop = frames.start, frames.stop
    if out.suffix.lower() == ".png":
        left, right = (next(shown(film, at, at + 1)) for film, at in ((before, start), (after, start - shift)))
        save_png(out, wipe(left, right, labels=labels))
    elif out.suffix.lower() == ".mp4":
        from frdm.media.proxy import write_proxy

        pair = shown(before, start, stop), shown(after, start - shift, stop - shift)
        write_proxy(out, moving_wipe(*pair, len(frames), labels), rate=before.info.rate)
    else:
        raise OutputError(f"{out}: a wipe is written as .mp4 (moving) or .png (still), found {out.suffix or 'no suffix'}; choose one")


def same_size(one: Scan, other: Scan) -> None:
    """Raise `MediaError` unless both films have pictures of one size."""
    sizes = [(film.info.width, film.info.height) for film in (one, other)]
    if sizes[0] != sizes[1]:
        (w, h), (w2, h2) = sizes
        raise MediaError(f"{other.info.path}: pictures of {w2} × {h2}, wanted {w} × {h} as in {one.info.path}; compare films of one size")


def outlined(picture: Picture, places: Iterable[tuple[Box, str]]) -> Picture:
    """The picture with a frame around each box, coloured by its status ("accepted", "held", "rejected")."""
    out = picture.copy()
    line = max(1, picture.shape[1] // 640)
    gap = 3 * line
    for box, status in places:
        corner, other = (box.left - gap, box.top - gap), (box.right + gap, box.bottom + gap)
        cv2.rectangle(out, corner, other, COLOURS.get(status, INK), line, cv2.LINE_AA)
    return out


def crop(picture: Picture, box: Box, *, side: int = 160) -> Picture:
    """A square around the box, at least three times its size, at least 48 pixels, shown `side` pixels high."""
    height, width = picture.shape[:2]
    reach = min(max(48, 3 * (box.bottom - box.top), 3 * (box.right - box.left)), height, width)
    top = min(max((box.top + box.bottom - reach) // 2, 0), height - reach)
    left = min(max((box.left + box.right - reach) // 2, 0), width - reach)
    piece = picture[top : top + reach, left : left + reach]
    smooth = cv2.INTER_AREA if reach > side else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(piece, (side, side), interpolation=smooth), np.uint8)


def fitted(picture: Picture, width: int, *, aspect: float = 1.0) -> Picture:
    """The picture `width` pixels wide, pixels made square (`aspect`: a scan pixel's width by its height)."""
    height = max(1, round(picture.shape[0] * width / (picture.shape[1] * aspect)))
    smooth = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=smooth), np.uint8)


def contact_sheet(tiles: Sequence[tuple[Picture, str]], *, columns: int = 3, width: int = 480) -> Picture:
    """Captioned pictures in a grid; each is shown `width` pixels wide."""
    columns = max(1, min(columns, len(tiles)))
    cells = [captioned(fitted(picture, width), caption) for picture, caption in tiles]
    height = max((cell.shape[0] for cell in cells), default=1)
    gap = 12
    rows = math.ceil(len(cells) / columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), BACK, np.uint8)
    for place, cell in enumerate(cells):
        top, left = gap + place // columns * (height + gap), gap + place % columns * (width + gap)
        sheet[top : top + cell.shape[0], left : left + width] = cell
    return sheet


def captioned(picture: Picture, caption: str) -> Picture:
    """The picture with a line of text under it."""
    size = text_size(picture.shape[1])
    strip = np.full((5 * size // 2, picture.shape[1], 3), BACK, np.uint8)
    written(strip, caption, (size // 2, 4), align="left")
    return np.vstack([picture, strip])


def text_size(width: int) -> int:
    """Height of letters in pixels that can be read in a picture this wide."""
    return max(12, width // 40)


def written(picture: Picture, text: str, corner: tuple[int, int], *, align: str) -> None:
    """Write on the picture itself: `corner` is the (row, column) of the text's upper left or right end."""
    size = text_size(picture.shape[1])
    scale = size / 22
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = corner[1] if align == "left" else corner[1] - wide
    room = size // 3
    picture[max(0, corner[0] - room) : corner[0] + high + 2 * room, max(0, left - room) : left + wide + room] = BACK
    cv2.putText(picture, text, (left, corner[0] + high), cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)


def evenly(count: int, wanted: int) -> list[int]:
    """At most `wanted` numbers spread over 0 … count-1."""
    wanted = min(count, wanted)
    return [round((place + 0.5) * count / wanted - 0.5) for place in range(wanted)]


def png(picture: Picture | NDArray[np.uint8]) -> bytes:
    """The picture as a PNG file's bytes."""
    shown = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return bytes(cv2.imencode(".png", shown)[1].tobytes())


def save_png(path: Path, picture: Picture | NDArray[np.uint8]) -> None:
    """Write a PNG; it stands under its name when it is whole. Raises `OutputError`."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(png(picture))
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: the picture can't be written ({error.strerror}); choose another place") from None
