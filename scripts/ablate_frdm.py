"""What each module and each choice of the diffusion model is worth: the same two stages of training again and again with one thing changed,
judged inside of defects on films that none of them saw.

    python scripts/ablate_frdm.py WINDOWS --out RUNS [--size toy] [--only NAME …]        (needs the [train] extra)

WINDOWS holds files of both kinds (`frdm train film-windows`); of them --windows are taken, cut to the size's tiles. What is more worth
knowing comes first. A row that is done is not done again, a run that was stopped goes on; the table (RUNS/ablation.csv and .md) always has
every row, empty where it was not run, with the command that fills it. Where a change leaves the first stage as it is, its runs share one.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from frdm.diffusion.schedule import Curve, Predicts, Schedule
from frdm.diffusion.tags import numbers_of, told_by
from frdm.diffusion.whole import WholeFrame, resized
from frdm.errors import DatasetError, FrdmError
from frdm.film import Codes
from frdm.model.backbone import SmallParams
from frdm.model.conditioners import SmallConditionerParams
from frdm.model.denoiser import SmallUNetParams
from frdm.model.frdm import FrdmParams, without
from frdm.model.guidance import Switches
from frdm.model.losses import LossParams
from frdm.model.preprocess import Mixing, PreprocessParams
from frdm.motion.tags import measured_tags, plain_caption
from frdm.train.hand import train_hand
from frdm.train.hand_data import Tile
from frdm.train.hand_scores import Restorer, by_diffusion, by_regression, held, nothing, scored, telea
from frdm.train.hand_settings import HandTraining, tiles_for
from frdm.train.hand_shipping import load_hand_run
from frdm.train.hand_windows import GRID

Told = Literal["tags", "nothing", "caption", "tags of the tile"]
SMALL = SmallParams(denoiser=SmallUNetParams((32, 48, 64), 16, 96))
TOY = SmallParams(denoiser=SmallUNetParams((16, 32), 16, 64), conditioners=SmallConditionerParams(32))
SIZES = {
    "toy": replace(FrdmParams.compact(), side=48, small=TOY, preprocess=PreprocessParams((16, 32))),
    "small": replace(FrdmParams.compact(), small=SMALL, preprocess=PreprocessParams((32, 48, 64))),
    "compact": FrdmParams.compact(),
}
COLUMNS = ("variant", "steps", "weights", "preprocess dB", "1 step dB", "4 steps dB", "4 steps texture")
READ = 32  # words of a caption
CUTS = ("degraded", "clean", "damage")  # what windows hold of the cut
Windows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing changed."""

    name: str
    off: tuple[str, ...] = ()  # modules (`Switches`)
    predicts: Predicts | None = None
    curve: Curve | None = None
    adds: bool = True
    defect: float = LossParams().defect
    told: Told = "tags"  # what is learned of the shot: measured tags, a caption of measured words, or tags measured on each tile alone
    mixing: Mixing = "state space"
    last_time: float = HandTraining().last_time
    seed: int = 0
    first_seed: int = 0

    @property
    def first(self) -> "Variant":
        """What of it the first stage hangs on."""
        seed = self.first_seed
        return Variant(f"first {self.mixing} {self.defect:g} {seed}", mixing=self.mixing, defect=self.defect, seed=seed)

    def folder(self, out: Path) -> Path:
        """Where its run lies."""
        return out / self.name.replace(" ", "-").replace(",", "")


VARIANTS = (
    Variant("all"),
    Variant("all, second stage of another seed", seed=1),  # how far rows that share a first stage differ by chance
    Variant("all, another seed", seed=1, first_seed=1),
    Variant("without guidance", ("guidance",)),
    Variant("without preprocess", ("preprocess",)),
    Variant("clean film, not added to the picture", adds=False),
    Variant("velocity", predicts="velocity", adds=False),
    Variant("noise", predicts="noise", adds=False),
    Variant("nothing said", told="nothing"),
    Variant("caption", told="caption"),
    Variant("tags of the tile alone", told="tags of the tile"),
    Variant("attention for state spaces", mixing="attention"),
    *(Variant(f"without {one.name}", (one.name,)) for one in fields(Switches) if one.name not in ("guidance", "preprocess")),
    Variant("times even", last_time=0.0),
    Variant("scaled linear schedule", curve="scaled linear"),
    Variant("defects not weighted", defect=0.0),
    Variant("defects weighted by 20", defect=20.0),
)
ASKED = "all, asked without tags"  # the same weights as the first row


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done for a row."""

    data: Path
    out: Path
    size: str
    first: int  # steps of the first stage
    steps: int  # of the second
    windows: int  # to learn from
    scored: int  # to be judged by
    rate: float


# Windows ------------------------------------------------------------------------------------------------------------------------------


def windows_for(plan: Plan, told: Told) -> Path:
    """The folder of the windows of a size, which say what is told; made where it is not there. Raises `DatasetError`."""
    kind = "tags" if told == "nothing" else told
    folder = plan.out / "windows" / kind.replace(" ", "-")
    for name, most in (("train", plan.windows), ("val", plan.scored)):
        path = folder / name / f"{name}-0000.npy"  # apart, so that nothing is scored while it is learned
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = smaller(taken(plan.data, name, most), SIZES[plan.size].side, kind)
            with path.with_suffix(".part").open("wb") as stream:
                np.save(stream, made)
            path.with_suffix(".part").replace(path)
    return folder


def taken(data: Path, kind: str, most: int) -> list[Any]:
    """At most so many windows, evenly from all files of a kind; of those to be judged by, such as are damaged on the centre."""
    files = [np.load(path, mmap_mode="r") for path in sorted(data.glob(f"{kind}-*.npy"))]
    if not files:
        raise DatasetError(f"{data}: no files {kind}-*.npy in it; make them with `frdm train film-windows --kind {kind}`")
    every = [(file, place) for file in files for place in range(len(file))]
    if kind == "val":
        every = [(file, place) for file, place in every if file[place]["damage"][file[place]["centre"]].any()]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    return [every[number][0][every[number][1]] for number in chosen]


def smaller(records: Sequence[Any], side: int, told: str) -> Windows:
    """The middles of windows, with room for the tiles left and above, and whole frames as squares of `side`. Raises `DatasetError`."""
    before = records[0].dtype
    factor = SMALL.codec.factor
    cut, had = side + side * 3 // 4 // factor * factor, before["degraded"].shape[-1]
    if cut > had:
        raise DatasetError(
            f"windows of {had} px found, {cut} px wanted for tiles of {side}; make them with --side {side}, or take --size toy"
        )
    shapes = {name: (*before[name].shape[:-2], cut, cut) for name in CUTS} | {"squares": (*before["squares"].shape[:-2], side, side)}
    out = np.zeros(len(records), [(name, before[name].base, shapes.get(name, before[name].shape)) for name in before.names])
    first = (had - cut) // 2 // GRID * GRID
    inside = slice(first, first + cut)
    for row, record in zip(out, records, strict=True):
        for name in set(before.names) - {*CUTS, "squares"}:
            row[name] = record[name]
        for name in CUTS:
            row[name] = record[name][..., inside, inside]
        row["place"][:2] += first
        _, _, height, width = (int(one) for one in record["place"])
        rows, columns = WholeFrame(height, width, before["squares"].shape[-1]).inner
        whole = record["squares"][..., :rows, :columns]
        row["squares"] = as_square(whole, WholeFrame(height, width, side).inner, side)
        if told == "caption":
            row["caption"] = plain_caption(measured_tags(as_codes(whole))).encode()
        if told == "tags of the tile":
            seen = told_by(measured_tags(as_codes(row["degraded"])))
            if "followed" in before.names and record["followed"]:
                seen.pop("motion", None)  # the neighbours lie still
            row["tags"] = numbers_of(seen)
    return out


def as_codes(planes: Codes) -> Codes:
    """(3, T, H, W) as (T, H, W, 3)."""
    return np.ascontiguousarray(planes.transpose(1, 2, 3, 0))


def as_square(whole: Codes, inner: tuple[int, int], side: int) -> Codes:
    """Whole frames (3, T, h, w) at another size, the last row or column repeated to a square."""
    small = np.rint(np.clip(resized(whole.astype(np.float32), inner), 0, 255)).astype(np.uint8)
    return np.pad(small, [(0, 0), (0, 0), (0, side - inner[0]), (0, side - inner[1])], mode="edge")


# Runs ---------------------------------------------------------------------------------------------------------------------------------


def params_of(variant: Variant, size: str) -> FrdmParams:
    """The model of a variant."""
    params = without(SIZES[size], *variant.off)
    schedule = Schedule(variant.curve or params.schedule.curve, variant.predicts or params.schedule.predicts)
    small = params.small or SMALL
    small = replace(small, conditioners=replace(small.conditioners, words=READ if variant.told == "caption" else 0))
    preprocess = replace(params.preprocess, mixing=variant.mixing)
    return replace(params, schedule=schedule, adds=variant.adds, small=small, preprocess=preprocess)


def settings_for(variant: Variant, plan: Plan, stage: Literal["preprocess", "frdm"]) -> HandTraining:
    """A variant's run of one stage."""
    params = params_of(variant, plan.size)
    silent = 1.0 if variant.told == "nothing" else HandTraining().tiles.silent
    first = stage == "preprocess"
    return HandTraining(
        stage=stage,
        params=params,
        tiles=replace(tiles_for(params, heard=not first), silent=silent),
        losses=LossParams(first=variant.defect, defect=variant.defect),
        last_time=variant.last_time,
        steps=plan.first if first else plan.steps,
        batch=4 if first else 2,
        rate=plan.rate,
        warmup=20,
        seed=variant.seed,
    )


def trained(variant: Variant, plan: Plan) -> Path:
    """Both stages of a variant; the second one's checkpoint."""

    def tell(line: str) -> None:
        print("   ", line, flush=True)

    start = None
    if "preprocess" not in variant.off:
        first = variant.first
        start = train_hand(windows_for(plan, "tags") / "train", first.folder(plan.out), settings_for(first, plan, "preprocess"), tell=tell)
    how = replace(settings_for(variant, plan, "frdm"), start=None if start is None else str(start))
    return train_hand(windows_for(plan, variant.told) / "train", variant.folder(plan.out), how, tell=tell)


def judged(checkpoint: Path, tiles: Sequence[Tile]) -> dict[str, str]:
    """One row."""
    model, steps = load_hand_run(checkpoint)
    how = HandTraining(params=model.params, tiles=tiles_for(model.params))
    restorers: dict[str, Restorer] = {"1 step": by_diffusion(model, how, 1), "4 steps": by_diffusion(model, how, 4)}
    if model.preprocess is not None:
        restorers["preprocess"] = by_regression(model, how)
    rows = scored(tiles, restorers)
    found = {f"{name} dB": f"{row['dB']:.2f}" for name, row in rows.items()}
    weights = sum(one.numel() for one in model.parameters())
    return {**found, "4 steps texture": f"{rows['4 steps']['texture']:.2f}", "steps": str(steps), "weights": f"{weights:,}"}


def judging(variant: Variant, plan: Plan) -> list[Tile]:
    """The windows that a variant is judged by."""
    return held(windows_for(plan, variant.told) / "val", settings_for(variant, plan, "frdm"), plan.scored)


# The table ----------------------------------------------------------------------------------------------------------------------------


def write_table(plan: Plan, rows: Mapping[str, Mapping[str, str]], beside: str) -> None:
    """Both files, whole; `beside`: what else is said below the table."""
    every = [VARIANTS[0].name, ASKED, *(variant.name for variant in VARIANTS[1:])]
    lines = [[name, *(rows.get(name, {}).get(column, "") for column in COLUMNS[1:])] for name in every]
    with (plan.out / "ablation.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *lines])
    table = ["| " + " | ".join(line) + " |" for line in (list(COLUMNS), ["---"] * len(COLUMNS), *lines)]
    names = ("size", "first", "steps", "windows", "scored", "rate")
    how = " ".join(f"--{name} {getattr(plan, name)}" for name in names)
    command = f"An empty row is filled by `python scripts/ablate_frdm.py WINDOWS --out RUNS {how} --only ROW`."
    told = ["", beside if len(rows) > len(VARIANTS) else f"{beside} {command}"]
    (plan.out / "ablation.md").write_text("\n".join([*table, *told]) + "\n", encoding="utf-8")


def refuse_another(plan: Plan) -> None:
    """Note in the folder what its table is of. Exits where the table that is there is of another plan: rows of two would look alike."""
    note = plan.out / "plan.json"
    told = json.dumps({name: str(value) for name, value in asdict(plan).items() if name != "out"}, indent=1, sort_keys=True)
    if note.is_file() and note.read_text(encoding="utf-8") != told:
        raise SystemExit(f"{note}: the table in this folder was made with other options than these; give another --out")
    note.write_text(told, encoding="utf-8")


def known_rows(plan: Plan) -> dict[str, dict[str, str]]:
    """The rows of the table that were filled before, after as many steps."""
    path = plan.out / "ablation.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["variant"]: row for row in csv.DictReader(stream) if row.get("steps") == str(plan.steps)}


def ablated(plan: Plan, chosen: Sequence[Variant]) -> None:
    """Fill the rows of some variants. Raises `FrdmError`."""
    tiles = judging(VARIANTS[0], plan)
    plainly = scored(tiles, {"the film as it is": nothing, "Telea": telea})
    said = ", ".join(f"{name} {row['dB']:.2f} dB" for name, row in plainly.items())
    beside = f"{len(tiles)} windows of held-out films; {said}."
    for variant in chosen:
        rows = known_rows(plan)
        if variant.name in rows:
            continue
        print(variant.name, flush=True)
        checkpoint = trained(variant, plan)
        rows[variant.name] = judged(checkpoint, judging(variant, plan))
        if variant.name == VARIANTS[0].name:
            rows[ASKED] = judged(checkpoint, [replace(tile, tags=np.zeros_like(tile.tags)) for tile in tiles])
        write_table(plan, rows, beside)


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="windows of both kinds")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs and the table")
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--first", type=int, default=400, help="steps of the first stage")
    parser.add_argument("--steps", type=int, default=800, help="steps of the second")
    parser.add_argument("--windows", type=int, default=2000, help="to learn from")
    parser.add_argument("--scored", type=int, default=160, help="windows to be judged by")
    parser.add_argument("--rate", type=float, default=4e-4, help="the learning rate")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="variants to run, by name; default: all")
    asked = vars(parser.parse_args())
    only = asked.pop("only")
    chosen = [variant for variant in VARIANTS if only is None or variant.name in only]
    if unknown := set(only or ()) - {variant.name for variant in VARIANTS}:
        names = ", ".join(variant.name for variant in VARIANTS)
        raise SystemExit(f"--only {', '.join(sorted(unknown))}: there is no such row; give some of {names}")
    plan = Plan(**asked)
    plan.out.mkdir(parents=True, exist_ok=True)
    refuse_another(plan)
    try:
        torch.set_num_threads(1)
        ablated(plan, chosen)
    except FrdmError as error:
        raise SystemExit(str(error)) from None
    print((plan.out / "ablation.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
