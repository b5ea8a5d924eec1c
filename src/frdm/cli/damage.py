"""`frdm damage`: a clean film made dirty, with the truth kept."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

from frdm.cli.settings import frames_in
from frdm.damage.filming import damaged_frames
from frdm.damage.recipe import load_damage_recipe
from frdm.damage.truth import Truth
from frdm.errors import OutputError
from frdm.jobs.outputs import disk_errors, drop_unfinished, empty, named, refuse_overlap, refuse_unwritable
from frdm.media.scan import Scan, open_scan
from frdm.media.writer import FilmWriter, open_writer
from frdm.motion.shots import find_shots
from frdm.recipe import ShotSettings


def damage(
    clean: Annotated[Path, Parameter(help="The clean film: a movie, or a folder of numbered frames. It is never written to.")],
    out: Annotated[Path, Parameter(help="The damaged film: a folder for a folder, else a movie. Nothing may stand there.")],
    /,
    *,
    recipe: Annotated[str, Parameter(help="light, medium, heavy, home-movie, lines, none, or a TOML file (docs/damage.md).")] = "medium",
    seed: Annotated[int, Parameter(help="One seed, one reel: the same film, recipe and seed give the same bytes.")] = 0,
    mattes: Annotated[Path | None, Parameter(help="Folder that gets one 8-bit PNG a frame: 255 where damage was painted.")] = None,
    pristine: Annotated[Path | None, Parameter(help="The same film with grain, flicker and copying, but without defects.")] = None,
    maps: Annotated[Path | None, Parameter(help="Folder that gets opacity, kind, polarity and number of the damage as PNG.")] = None,
    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, both included, counted from 0.")] = None,
    shots: Annotated[str | None, Parameter(help="EDL, OTIO or CSV, or `detect`: hairs in the gate then stand for a shot.")] = None,
    codec: Annotated[str | None, Parameter(help="A movie's codec. Default: the film's own if lossless, else FFV1.")] = None,
    transfer: Annotated[
        Literal["video", "srgb", "log", "linear"] | None, Parameter(help="What the codes mean, where the film can't say.")
    ] = None,
) -> int:
    """Make a clean film dirty, scratched and worn, for training and for tests: the truth about every defect is kept.

    Frames are worked on one by one, so a film of any length fits into memory; each comes out the same whatever --range was asked for.
    """
    chosen = load_damage_recipe(recipe)
    with open_scan(clean, transfer=transfer) as scan:
        wanted = frames_in(frames, scan.info.length, where=clean)
        films = [named(place) for place in (out, pristine) if place is not None]
        check_places(clean, films, [place for place in (mattes, maps) if place is not None])
        cuts = cuts_of(scan, shots)
        with Truth(scan.info, mattes=mattes, maps=maps) as truth, writers(scan, films, wanted, codec) as targets:
            console = Console(stderr=True)
            made = damaged_frames(scan, chosen, seed=seed, frames=wanted, cuts=cuts)
            for one in track(made, "damaging", total=len(wanted), console=console, disable=not console.is_terminal):
                pairs = ((one.degraded, one.degraded_at), (one.pristine, one.pristine_at))
                for target, (frame, changed) in zip(targets, pairs, strict=False):
                    target.write(frame, changed[: scan.info.encoding.pictures])
                with disk_errors(out):
                    truth.write(one.degraded.index, one.maps)
            truth.describe(chosen, seed)
    print(f"Wrote {out}: {len(wanted)} frames, {100 * truth.share:.3f} % of the picture damaged (recipe {recipe}, seed {seed})")
    return 0


def cuts_of(scan: Scan, shots: str | None) -> list[int]:
    """The frames at which the whole film's shots begin, from a list or by looking; none where they weren't asked for."""
    if shots is None:
        return []
    settings = ShotSettings(list=None if shots == "detect" else shots)
    with Console(stderr=True).status("finding shots"):
        return [shot.start for shot in find_shots(scan, scan.info, settings)]


def check_places(film: Path, films: list[Path], folders: list[Path]) -> None:
    """Raise `OutputError` unless every place is free, can be written to, and is none of the others."""
    every = [place.resolve() for place in (*films, *folders)]
    for number, place in enumerate((*films, *folders)):
        refuse_overlap(film, place, "the output")
        twin = [other for other in every[:number] if other.is_relative_to(every[number]) or every[number].is_relative_to(other)]
        if twin:
            raise OutputError(f"{place}: lies in another output of this command, {twin[0]}; give each a place of its own")
        if not empty(place):
            raise OutputError(f"{place}: there is something here already, and it is never written over; give another place")
        refuse_unwritable(place)


@contextmanager
def writers(scan: Scan, places: list[Path], wanted: range, codec: str | None) -> Iterator[list[FilmWriter]]:
    """Writers for the damaged film and, if wanted, the pristine one; both films appear whole at the end, or not at all."""
    try:
        with ExitStack() as stack:
            made = [stack.enter_context(open_writer(scan, place, start=wanted.start, stop=wanted.stop, codec=codec)) for place in places]
            yield made
            for writer in made:
                writer.finish()
    except BaseException:
        for place in places:
            drop_unfinished(place)
        raise
    for writer in made:
        for warning in writer.warnings:
            print(f"frdm: {warning}", file=sys.stderr)
