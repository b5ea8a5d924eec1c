"""Where the hand mends better than real film: the measure behind `--engine auto` (docs/diffusion.md).

    python scripts/choose_engine.py OUT.csv --weights DIR CLIP …      # clean movies; without CLIP the drawn film
    python scripts/choose_engine.py OUT.csv --weights DIR --frames 24 --seeds 3 --recipe heavy CLIP …

Clean film is damaged by seed, and each defect is mended twice with its true mask, by neighbours and by the hand. The error of a fill is
its root mean square distance to the clean film with its grain, inside of the mask, in levels of 0 to 1. One row a defect goes to the CSV
file; what `auto` makes of them, and other figures for its two thresholds, are printed. Choose thresholds on some films and look at others.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.bench.clean import CleanFilm, films_in
from frdm.bench.vram import sides
from frdm.cli.bench import drawn_films
from frdm.damage.recipe import load_damage_recipe
from frdm.damage.reel import Damaged, damage_reel
from frdm.defects.classical import Tests, kind_of
from frdm.errors import FrdmError
from frdm.fills.choose import CERTAIN, MARGIN, PROVEN, SEEN, Evidence, Scene, by_film, by_hand, evidence_of, in_rehearsal
from frdm.fills.hand_job import HandJob, hand_job
from frdm.fills.neighbours import Fill, Ground, least_trust, site_of
from frdm.film import KINDS, Box, Defect, Encoding, Frame, Shot
from frdm.mending import lasting
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.recipe import Filling, Recipe
from frdm.signal.grain import measure_grain

ENCODING = Encoding("rgb", 8)
SMALLEST = 12  # px of a mask that is mended at all
LINES = "line"  # mended across, whatever the engine
TRIED = [(seen, proven) for seen in (0.0, 0.3, 0.5, 0.8, 0.9, 1.01) for proven in (0.95, 0.99, 0.999)]


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """A defect with both fills, and what trust the hand earned in rehearsal."""

    defect: Defect
    film: Fill
    hand: Fill
    rehearsal: float


@dataclass(frozen=True, slots=True)
class Row:
    """One defect: what speaks for the neighbours' fill, what both trust, and how wrong both are (trust and error even where held)."""

    film: str
    seed: int
    frame: int
    kind: str
    area: int
    asked: float  # trust that the hole asks for
    trust: float
    agreement: float
    seen: float
    lasting: int
    film_trust_enough: bool
    film_error: float
    hand_trust: float
    rehearsal: float
    hand_error: float

    @property
    def belief(self) -> float:
        """In the neighbours' fill, as `auto` has it."""
        return Evidence(self.trust, self.agreement, self.seen, self.lasting).belief


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--weights", help="folder of an exported hand; default: the one that ships")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recipe", default="heavy")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--size", default="640x480")
    asked = parser.parse_intermixed_args()
    try:
        print(tables(measured(asked)))
    except FrdmError as error:
        raise SystemExit(str(error)) from None


def measured(asked: argparse.Namespace) -> list[Row]:
    """A row for each defect of every film and seed, which go to the file as they come."""
    cv2.setNumThreads(1)
    recipe = Recipe(filling=Filling(engine="auto", weights=asked.weights, steps=asked.steps))
    job = hand_job(recipe)
    assert job is not None
    height, width = sides(asked.size)
    films = films_in(asked.clips) if asked.clips else drawn_films(3 * asked.frames)
    rows: list[Row] = []
    with asked.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Row.__dataclass_fields__))
        writer.writeheader()
        for film in films:
            for seed in range(asked.seeds):
                for row in rows_of(film, seed, clean_of(film, asked.frames, (height, width)), asked.recipe, job):
                    writer.writerow(asdict(row))
                    rows.append(row)
                file.flush()
                print(f"{film.name}, seed {seed}: {len(rows)} defects so far", flush=True)
    return rows


def clean_of(film: CleanFilm, frames: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle frames of a film, (T, H, W, 3)."""
    count = min(frames, film.length)
    first = (film.length - count) // 2
    return np.stack(film.read(list(range(first, first + count)), size))


def rows_of(film: CleanFilm, seed: int, clean: NDArray[np.uint8], recipe: str, job: HandJob) -> Iterator[Row]:
    """A row for each defect that is painted on one film."""
    made = damage_reel(clean, load_damage_recipe(recipe), seed=seed)
    codes = np.asarray(made.degraded, np.uint8)
    frames = [Frame(index, tuple(np.ascontiguousarray(picture[..., c]) for c in range(3))) for index, picture in enumerate(codes)]
    with ThreadPoolExecutor(1) as pool:
        for window in Reel(frames, ENCODING, Shot(0, len(frames)), 0, pool).windows(0, len(frames)):
            index = window.frame.index
            found = defects_in(made, index)
            ground = ground_with(window, np.asarray(made.mask[index] > 0))
            scene = Scene(window, ground, Filling(engine="auto", least_trust=0.0), hand=job)
            yield from (row_of(film.name, seed, one, scene, made) for one in mended(found, scene))


def mended(found: Sequence[Defect], scene: Scene) -> list[Mended]:
    """Each defect with both fills and the hand's rehearsal; no trust is asked for, so that every fill can be compared."""
    every = replace(scene, settings=replace(scene.settings, least_trust=0.0))
    film = [by_film(one, every) for one in found]
    return [Mended(*one) for one in zip(found, film, by_hand(found, every), in_rehearsal(found, every), strict=True)]


def defects_in(made: Damaged, index: int) -> list[Defect]:
    """What is painted on one frame as defects with their true masks, lines left out."""
    found = []
    for number in np.unique(made.ids[index][made.mask[index] > 0]):
        mask = (made.ids[index] == number) & (made.mask[index] > 0)
        kinds = made.kinds[index][mask]
        name = list(KINDS)[int(np.bincount(kinds[kinds > 0]).argmax()) - 1] if (kinds > 0).any() else "dirt"
        if name == LINES or mask.sum() < SMALLEST:
            continue
        rows, columns = np.nonzero(mask)
        box = Box(index, int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
        inside = mask[box.rows, box.columns]
        found.append(Defect(kind_of(inside, mask.shape[0] / 480), "dark", box, inside, 1.0))
    return found


def ground_with(window: Window, suspects: NDArray[np.bool_]) -> Ground:
    """What fills know of a frame whose damage is known."""
    small = suspects if window.scale.same else window.scale.shrink(suspects.astype(np.float32)) > 0
    return Ground(ENCODING, small, Tests.of(window).noise, tuple(measure_grain(plane) for plane in window.frame.planes))


def row_of(name: str, seed: int, one: Mended, scene: Scene, made: Damaged) -> Row:
    """What came of one defect."""
    defect, film, hand = one.defect, one.film, one.hand
    known = evidence_of(film, defect, scene, lasting(scene.window, defect))
    asked = least_trust(site_of(scene.window, defect, scene.ground), Filling())
    errors = [error_of(fill, defect, np.asarray(made.pristine[defect.box.frame], np.float32)) for fill in (film, hand)]
    return Row(
        film=name,
        seed=seed,
        frame=defect.box.frame,
        kind=defect.kind,
        area=int(defect.mask.sum()),
        asked=round(asked, 4),
        trust=known.trust,
        agreement=round(known.agreement, 4),
        seen=round(known.seen, 4),
        lasting=known.lasting,
        film_trust_enough=known.trust >= asked,
        film_error=errors[0],
        hand_trust=0.0 if hand.provenance is None else hand.provenance.trust,
        rehearsal=round(one.rehearsal, 4),
        hand_error=errors[1],
    )


def error_of(fill: Fill, defect: Defect, pristine: NDArray[np.float32]) -> float:
    """Root mean square distance to the film without the defect, inside of its mask, 0 … 1; NaN without a fill."""
    if fill.patch is None:
        return float("nan")
    box, place = defect.box, fill.patch.box
    rows, columns = slice(box.top - place.top, box.bottom - place.top), slice(box.left - place.left, box.right - place.left)
    got = np.stack([codes[rows, columns] for codes in fill.patch.codes], -1).astype(np.float32)
    miss = (got - pristine[box.rows, box.columns])[defect.mask]
    return round(float(np.sqrt((miss**2).mean())) / 255, 5)


def tables(rows: Sequence[Row]) -> str:
    """Errors by engine, and what `auto` makes of the same defects with each pair of thresholds."""
    known = [row for row in rows if np.isfinite([row.film_error, row.hand_error]).all()]
    if not known:
        return "No defect was mended by both."
    film, hand = (np.array([getattr(row, f"{name}_error") for row in known]) for name in ("film", "hand"))
    lines = [
        f"{len(known)} defects of {len(rows)} were mended by both, whatever their trust. The hand is nearer in {(hand < film).mean():.0%}."
    ]
    lines += [
        "",
        "| rule | SEEN | PROVEN | by film | by hand | held | rms of what is mended | hand nearer where taken |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines.append(_line("neighbours", known, [(1 if row.film_trust_enough else 0) for row in known]))
    lines.append(_line("diffusion", known, [2 if row.hand_trust >= row.asked else 0 for row in known]))
    lines.append(_line("nearer of both (unknowable)", known, [2 if h < f else 1 for f, h in zip(film, hand, strict=True)]))
    for seen, proven in TRIED:
        here = "auto" + (" (as it is)" if (seen, proven) == (SEEN, PROVEN) else "")
        lines.append(_line(here, known, [taken(row, seen, proven) for row in known], seen, proven))
    return "\n".join(lines)


def taken(row: Row, seen: float, proven: float) -> int:
    """What the rule takes: 0 none, 1 real film, 2 the hand."""
    trust = min(row.hand_trust, row.rehearsal) if row.hand_trust >= row.asked else 0.0
    if row.film_trust_enough:
        return 2 if row.seen < seen and trust >= proven else 1
    return 2 if trust >= min(max(row.belief, row.asked) + MARGIN, CERTAIN) else 0


def _line(rule: str, rows: Sequence[Row], choices: Sequence[int], *thresholds: float) -> str:
    """One rule's line."""
    errors = [(0.0, row.film_error, row.hand_error)[choice] for row, choice in zip(rows, choices, strict=True) if choice]
    won = [row.hand_error < row.film_error for row, choice in zip(rows, choices, strict=True) if choice == 2]
    shares = [choices.count(choice) / len(rows) for choice in (1, 2, 0)]
    cells = [rule, *(f"{value:g}" for value in thresholds or ())] + ["–"] * (2 - len(thresholds))
    cells += [f"{share:.0%}" for share in shares]
    cells += [f"{np.sqrt(np.mean(np.square(errors))):.4f}" if errors else "–", f"{np.mean(won):.0%}" if won else "–"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
