"""Shots from a list that an editor or another program made: EDL (CMX 3600), OTIO or CSV."""

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

from frdm.errors import RecipeError
from frdm.film import ScanInfo, Shot


def read_shots(path: Path, info: ScanInfo) -> tuple[Shot, ...]:
    """The shots of a list, as frames of the film; the list's first event begins at the film's first frame.

    CSV is `start,stop` (frames from 0, half-open, a heading is optional) or what `scenedetect list-scenes` writes. Frames that the list
    leaves out become shots of their own. Raises `RecipeError`: unreadable, another frame rate, out of order, or longer than the film.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such shot list; give an EDL, OTIO or CSV file that exists")
    kind = path.suffix.lower()
    if kind == ".csv":
        shots = _from_csv(path)
    elif kind in (".edl", ".otio", ".otioz"):
        shots = _from_timeline(path, info.rate)
    else:
        raise RecipeError(f"{path}: a shot list of type {kind or 'unknown'!r} is not known; give .edl, .otio or .csv")
    return _covering(path, shots, info.length)


def _from_csv(path: Path) -> list[Shot]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecipeError(f"{path}: can't be read as CSV ({error}); give start,stop frames, one shot a line") from None
    if rows and rows[0][0].rstrip(":").lower() == "timecode list":
        rows = rows[1:]
    heading = [cell.lower() for cell in rows[0]] if rows else []
    if "start frame" in heading and "end frame" in heading:  # scenedetect counts from 1 and names the last frame of a shot
        first, last = heading.index("start frame"), heading.index("end frame")
        return [Shot(start - 1, stop) for start, stop in _numbers(path, rows[1:], first, last)]
    if "start" in heading and "stop" in heading:
        return [Shot(*pair) for pair in _numbers(path, rows[1:], heading.index("start"), heading.index("stop"))]
    return [Shot(*pair) for pair in _numbers(path, rows, 0, 1)]


def _numbers(path: Path, rows: list[list[str]], first: int, second: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for row in rows:
        try:
            pairs.append((int(row[first]), int(row[second])))
        except (ValueError, IndexError):
            raise RecipeError(f"{path}: found the line {','.join(row)!r}, wanted two frame numbers: start,stop") from None
    return pairs


def _from_timeline(path: Path, rate: Fraction) -> list[Shot]:
    """The clips of a timeline's first picture track, whose start is the film's first frame."""
    import opentimelineio as otio

    try:
        content = otio.adapters.read_from_file(str(path), **_adapter_settings(path, rate))
        timeline = content if isinstance(content, otio.schema.Timeline) else content.find_children(otio.schema.Timeline)[0]
        track = timeline.video_tracks()[0]
        if track.source_range is not None and path.suffix.lower() != ".edl":  # an EDL's track says something else by it
            track = otio.algorithms.track_trimmed_to_range(track, track.source_range)
        ranges = [clip.range_in_parent() for clip in track if isinstance(clip, otio.schema.Clip)]
    except Exception as error:  # adapters raise anything, from KeyError to their own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RecipeError(f"{path}: can't be read as a timeline ({reason}); give a CMX 3600 EDL or OTIO with a picture track") from None
    return [Shot(_frames(path, r.start_time, rate), _frames(path, r.end_time_exclusive(), rate)) for r in ranges]


def _adapter_settings(path: Path, rate: Fraction) -> dict[str, Any]:
    """An EDL says nothing of its rate: the film's, counted in whole frames a second unless the codes are drop-frame (with a semicolon)."""
    if path.suffix.lower() != ".edl":
        return {}
    drop = b";" in path.read_bytes()
    return {"rate": float(rate) if drop else float(round(rate)), "ignore_timecode_mismatch": True}


def _frames(path: Path, time: Any, rate: Fraction) -> int:
    """A time in the list as a frame number; 24 and 23.976 count the same frames, 25 does not."""
    if abs(time.rate / float(rate) - 1) > 0.005:
        raise RecipeError(
            f"{path}: the list has {time.rate:g} frames a second, the film {float(rate):g}; give a list made at the film's rate"
        )
    frame: float = time.value
    return round(frame)


def _covering(path: Path, shots: list[Shot], length: int) -> tuple[Shot, ...]:
    """The list's shots, checked, and the gaps between them."""
    if not shots:
        raise RecipeError(f"{path}: the list holds no shot; give at least one or leave the list out")
    covered: list[Shot] = []
    end = 0
    for shot in shots:
        if len(shot) <= 0 or shot.start < end:
            raise RecipeError(
                f"{path}: shot {shot.start}–{shot.stop} is empty or begins before frame {end}; give shots in order, none twice"
            )
        if shot.stop > length:
            raise RecipeError(f"{path}: shot {shot.start}–{shot.stop} ends after the film's {length} frames; give this film's own list")
        covered += [Shot(end, shot.start), shot] if shot.start > end else [shot]
        end = shot.stop
    return (*covered, Shot(end, length)) if end < length else tuple(covered)
