"""`frdm inspect`: what a film is, before anything is done to it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

from frdm.cli.settings import RecipeOptions, chosen_recipe, frames_in
from frdm.display import Picture, look
from frdm.film import ScanInfo, Shot
from frdm.jobs.inspecting import Sample, samples, shots
from frdm.media.scan import Scan, info_at, open_scan
from frdm.pictures import contact_sheet, fitted, outlined, save_png

TILES = 24  # pictures of the sheet


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame showed."""

    number: int  # of its shot
    kinds: Counter[str]
    share: float  # of its pixels inside defects
    grain: float  # of the range from black to white


def inspect(
    film: Annotated[Path, Parameter(help="A movie, or a folder of numbered frames.")],
    /,
    *,
    sheet: Annotated[Path | None, Parameter(help="The contact sheet, a PNG. Default: NAME_sheet.png here.")] = None,
    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, both included, counted from 0.")] = None,
    looks: Annotated[int, Parameter(name="--samples", help="Frames to look at, spread over the shots.")] = 12,
    settings: RecipeOptions = RecipeOptions(),  # noqa: B008 - frozen
) -> int:
    """Say what a film is: encoding, shots, grain, and the damage of a few frames of each; leave a contact sheet with defects outlined."""
    recipe = chosen_recipe(settings)
    with open_scan(film, transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills) as scan:
        for line in described(scan.info):
            print(line)
        wanted = frames_in(frames, scan.info.length, where=film)
        with Console(stderr=True).status("finding shots"):
            found = shots(scan, recipe, frames=wanted)
        seen, tiles = looked_at(samples(scan, found, recipe, count=max(looks, 1)), scan)
    for line in table(found, seen):
        print(line)
    out = sheet or Path(f"{film.resolve().stem}_sheet.png")
    save_png(out, contact_sheet(tiles, columns=3, width=640))
    print(f"Contact sheet: {out}")
    return 0


def described(info: ScanInfo) -> list[str]:
    """What is known of the film, in lines."""
    encoding = info.encoding
    chroma = {(2, 2): " 4:2:0", (2, 1): " 4:2:2", (1, 1): " 4:4:4", (4, 1): " 4:1:1"} if encoding.layout == "ycbcr" else {}
    floating = " float" if encoding.floating else ""
    depth = f"{encoding.bits}-bit{floating} {encoding.layout.upper()}{chroma.get(encoding.subsampling, '')}"
    extra = f", with {' and '.join(encoding.extra)}" if encoding.extra else ""
    what = f"{info.length} frames of {info.width} × {info.height}, {float(info.rate):g} a second, {info.container} {info.codec}"
    codes = f"{depth}, {encoding.transfer}, black {encoding.black:g}, white {encoding.white:g}"
    return [f"{info.path}: {what}".rstrip(), f"Codes: {codes}{extra}; pixel aspect {info.pixel_aspect}"]


def looked_at(found: Iterable[Sample], scan: Scan) -> tuple[list[Look], list[tuple[Picture, str]]]:
    """What the samples show, as figures and as captioned pictures; the frames themselves are let go."""
    console = Console(stderr=True)
    seen, tiles = [], []
    for sample in track(found, "looking", console=console, disable=not console.is_terminal):
        seen.append(Look(sample.number, sample.kinds, sample.share, sample.seen.noise))
        tiles.append(tile(sample, info_at(scan, sample.seen.frame.index)))
    return seen, tiles[:TILES]


def tile(sample: Sample, info: ScanInfo) -> tuple[Picture, str]:
    """The sample's frame with its defects outlined, and a caption."""
    repairs = [(repair.defect.box, "accepted") for repair in sample.seen.repairs]
    held = [(one.defect.box, "held") for one in sample.seen.held]
    picture = outlined(look(sample.seen.frame, info.encoding), [*repairs, *held])
    caption = f"shot {sample.number}, frame {sample.seen.frame.index}: {len(repairs)} to mend, {len(held)} held"
    return fitted(picture, 640, aspect=float(info.pixel_aspect)), caption


def table(found: Sequence[Shot], seen: Sequence[Look]) -> list[str]:
    """A line a shot: its frames, and grain and damage where it was looked at."""
    lines = [f"{len(found)} shot{'' if len(found) == 1 else 's'}; damage as found in {len(seen)} frames:"]
    for number, shot in enumerate(found, 1):
        mine = [one for one in seen if one.number == number]
        lines.append(f"  {number:4d}  {shot.start:6d}–{shot.stop - 1:<6d} {said(mine)}".rstrip())
    return lines


def said(seen: Sequence[Look]) -> str:
    """What was seen of one shot."""
    if not seen:
        return ""
    kinds = sum((one.kinds for one in seen), Counter[str]())
    each = ", ".join(f"{count / len(seen):.1f} {kind}" for kind, count in kinds.most_common()) or "nothing found"
    share, grain = (sum(values) / len(seen) for values in ([one.share for one in seen], [one.grain for one in seen]))
    return f"{each} a frame, {100 * share:.3f} % of the picture; grain {100 * grain:.2f} %"
