"""A film's shots as a timeline with markers: OTIO, EDL (CMX 3600), and the marker EDL that DaVinci Resolve reads.

A shot is a clip of the scan at its own timecode, so that times in the list are times of the scan. Frames without timecode count from
their file's number, as compositors and Resolve do, or from 0.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from frdm.errors import LedgerError
from frdm.film import Shot
from frdm.jobs.project import Project
from frdm.jobs.times import film_timecode, frame_of, is_drop, timecode_of
from frdm.media.numbering import is_pattern

_RESOLVE = {"GREEN": "Green", "RED": "Red", "YELLOW": "Yellow"}
_REEL = 8  # characters of a reel's name in CMX 3600


@dataclass(frozen=True, slots=True)
class Mark:
    """One marker: frames start … stop-1 of the film, in shot `shot`."""

    shot: int
    start: int
    stop: int
    name: str
    comment: str
    colour: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reel:
    """The film as a timeline sees it: `origin` is the count of its frame 0 at `rate`."""

    name: str
    path: Path
    names: tuple[str, ...]  # first and last file of numbered pictures
    rate: Fraction
    length: int
    origin: int
    drop: bool

    @property
    def ticks(self) -> float:
        """Frames a second of times in an EDL: whole ones, unless they count in drop-frame."""
        return float(self.rate) if self.drop else float(round(self.rate))


def timeline_text(reel: Reel, shots: Mapping[int, Shot], marks: Sequence[Mark], *, edl: bool) -> str:
    """A timeline with a clip a shot and its markers, as OTIO or EDL."""
    import opentimelineio as otio

    rate = reel.ticks if edl else float(reel.rate)
    timeline, track = otio.schema.Timeline(reel.name), otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    first, last = min(shot.start for shot in shots.values()), max(shot.stop for shot in shots.values())
    timeline.global_start_time = otio.opentime.RationalTime(reel.origin + first, rate)
    clips: dict[int, Any] = {}
    for number, shot in shots.items():
        clips[number] = otio.schema.Clip(f"shot {number}", _media(reel, rate), _range(reel.origin + shot.start, len(shot), rate))
        clips[number].metadata["cmx_3600"] = {"reel": _reel_name(reel)}
        track.append(clips[number])
    for mark in marks:
        clips[mark.shot].markers.append(_marker(reel, mark, shots[mark.shot], rate))
    if not edl:
        text: str = otio.adapters.write_to_string(timeline, "otio_json")
        return text + "\n"
    track.source_range = _range(-reel.origin - first, last - first, rate)  # the adapter's way to let record times begin elsewhere than at 0
    lines: str = otio.adapters.write_to_string(timeline, "cmx_3600", rate=rate, reelname_len=None)
    mode = "DROP FRAME" if reel.drop else "NON-DROP FRAME"
    return lines.replace("\n\n", f"\nFCM: {mode}\n\n", 1)


def resolve_edl(reel: Reel, marks: Sequence[Mark]) -> str:
    """What Resolve reads by Timelines > Import > Timeline Markers from EDL. It takes one marker a frame: those of one frame become one."""
    frames: dict[int, list[Mark]] = {}
    for mark in marks:
        frames.setdefault(mark.start, []).append(mark)
    mode = "DROP FRAME" if reel.drop else "NON-DROP FRAME"
    pieces = [f"TITLE: {reel.name}\nFCM: {mode}\n"]
    for number, (frame, there) in enumerate(sorted(frames.items()), 1):
        begin, end = (timecode_of(reel.origin + count, reel.rate, drop=reel.drop) for count in (frame, frame + 1))
        colour = next((colour for colour in ("YELLOW", "RED") if any(mark.colour == colour for mark in there)), "GREEN")
        name = there[0].name if len(there) == 1 else f"{len(there)} defects"
        note = "; ".join(mark.comment if len(there) == 1 else mark.name for mark in there).replace("|", "/")
        length = max(mark.stop for mark in there) - frame
        pieces.append(f"\n{number:03d}  001      V     C        {begin} {end} {begin} {end}\n")
        pieces.append(f"frdm: {note} |C:ResolveColor{_RESOLVE[colour]} |M:{name} |D:{length}\n")
    return "".join(pieces)


def reel_of(project: Project, timecode: str | None) -> Reel:
    """The project's film as a timeline sees it. Raises `LedgerError` for unrelated pictures, `RecipeError` for what is no timecode."""
    info = json.loads(project.row.info)
    if "pictures" in info:
        raise LedgerError(f"{project.folder}: unrelated pictures have no timeline; export json, csv, mattes or overlays")
    rate, film = Fraction(info["rate"]), Path(project.row.film)
    said = timecode or film_timecode(project)
    names = tuple(info["names"])
    counted = int(_numbered(names)[1]) if names else 0
    origin, drop = (counted, False) if said is None else (frame_of(said, rate), is_drop(said))
    return Reel(film.stem if film.suffix and not film.is_dir() else film.name, film, names, rate, info["length"], origin, drop)


def _numbered(names: Sequence[str]) -> tuple[str, str, str]:
    """The first file's name cut in three: before its number, the number, and behind it. The number is where the last name differs."""
    first, last = (re.split(r"(\d+)", name) for name in (names[0], names[-1]))
    places = [place for place in range(1, len(first), 2) if first[place] != last[place]] if len(first) == len(last) else []
    place = places[0] if places else len(first) - 2 - 2 * bool(re.search(r"\d", Path(names[0]).suffix))
    return ("".join(first[:place]), first[place], "".join(first[place + 1 :])) if place > 0 else (names[0], "0", "")


def _media(reel: Reel, rate: float) -> Any:
    """The scan as a timeline refers to it."""
    import opentimelineio as otio

    whole = _range(reel.origin, reel.length, rate)
    if not reel.names or reel.path.name == reel.names[0]:
        return otio.schema.ExternalReference(reel.path.as_uri(), whole)
    before, digits, after = _numbered(reel.names)
    folder = reel.path.parent if is_pattern(reel.path) else reel.path
    return otio.schema.ImageSequenceReference(
        target_url_base=folder.as_uri() + "/",
        name_prefix=before,
        name_suffix=after,
        start_frame=int(digits),
        frame_step=1,
        rate=rate,
        frame_zero_padding=len(digits),
        available_range=whole,
    )


def _marker(reel: Reel, mark: Mark, shot: Shot, rate: float) -> Any:
    """A marker in its clip's own time, cut to the clip."""
    import opentimelineio as otio

    start, stop = max(mark.start, shot.start), min(mark.stop, shot.stop)
    return otio.schema.Marker(
        name=mark.name,
        marked_range=_range(reel.origin + start, stop - start, rate),
        color=mark.colour,
        comment=mark.comment,
        metadata={"frdm": dict(mark.values)},
    )


def _range(start: int, length: int, rate: float) -> Any:
    import opentimelineio as otio

    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate))


def _reel_name(reel: Reel) -> str:
    return re.sub(r"[^A-Z0-9]", "", reel.name.upper())[:_REEL] or "FILM"
