"""The timecode of a film's first frame, and of any other."""

import json
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from frdm.errors import RecipeError
from frdm.jobs.project import Project
from frdm.media.movie_packets import timecode_after
from frdm.media.timecode import picture_timecode

_TAGS = ("timecode", "video:timecode", "TIMECODE", "video:TIMECODE")


def film_timecode(project: Project) -> str | None:
    """What the film says its first frame's timecode is: a movie's tag, or the header of its first picture (DPX, EXR); None: nothing."""
    info = json.loads(project.row.info)
    tags: dict[str, Any] = info.get("metadata", {})
    for name in _TAGS:
        if tags.get(name):
            return str(tags[name])
    first = _first_picture(project, info)
    return picture_timecode(first) if first is not None and first.is_file() else None


def frame_of(timecode: str, rate: Fraction) -> int:
    """How many frames a timecode counts. Raises `RecipeError` where it is none at this rate."""
    parts = timecode.replace(";", ":").replace(".", ":").split(":")
    tops = (24, 60, 60, ceil(rate))
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and int(p) < top for p, top in zip(parts, tops, strict=True)):
        raise RecipeError(f"{timecode}: not a timecode at {float(rate):g} frames a second; give --timecode HH:MM:SS:FF, e.g. 01:00:00:00")
    hours, minutes, seconds, frames = map(int, parts)
    nominal, dropped = ceil(rate), 0
    if is_drop(timecode):
        dropped = _dropped(timecode, rate)
        if frames < dropped and seconds == 0 and minutes % 10:
            raise RecipeError(f"{timecode}: drop-frame timecode leaves this number out; give --timecode a frame that exists")
    total = 60 * hours + minutes
    return (60 * total + seconds) * nominal + frames - dropped * (total - total // 10)


def timecode_of(frame: int, rate: Fraction, *, drop: bool) -> str:
    """The timecode that counts `frame` frames since midnight."""
    return timecode_after("00:00:00;00" if drop else "00:00:00:00", frame, rate)


def is_drop(timecode: str) -> bool:
    """Whether a timecode leaves numbers out so as to keep up with the clock."""
    return ";" in timecode or "." in timecode


def _dropped(timecode: str, rate: Fraction) -> int:
    """Numbers left out in a minute."""
    if round(float(rate), 2) not in (29.97, 59.94):
        raise RecipeError(f"{timecode}: drop-frame timecode (;) is for 29.97 and 59.94 frames a second; give --timecode with a colon")
    return ceil(rate) // 15


def _first_picture(project: Project, info: dict[str, Any]) -> Path | None:
    """The file of frame 0, where the film is numbered pictures."""
    film, names = Path(project.row.film), info.get("names")
    if not names:
        return None
    return film / names[0] if film.is_dir() else film.with_name(names[0])
