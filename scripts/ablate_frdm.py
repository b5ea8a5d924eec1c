"""What each module of the diffusion model is worth: the same two stages of training again and again with one thing changed, judged inside
of defects on films that none of them saw.

    python scripts/ablate_frdm.py WINDOWS --out RUNS [--first 400] [--steps 800] [--only NAME …]        (needs the [train] extra)

WINDOWS holds files of both kinds (`frdm train film-windows`). A run that is done is not done again, one that was stopped goes on; the table
(RUNS/ablation.csv and .md) always has every row, empty where it was not run.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from frdm.diffusion.schedule import Predicts, Schedule
from frdm.errors import FrdmError
from frdm.model.backbone import SmallParams
from frdm.model.denoiser import SmallUNetParams
from frdm.model.frdm import FrdmParams, without
from frdm.model.guidance import Switches
from frdm.model.losses import LossParams
from frdm.model.preprocess import PreprocessParams
from frdm.train.hand import CHECKPOINT, train_hand
from frdm.train.hand_data import Tile
from frdm.train.hand_scores import Restorer, by_diffusion, by_regression, held, scored
from frdm.train.hand_settings import HandTraining, tiles_for
from frdm.train.hand_shipping import load_hand_run

SIZES = {
    "small": replace(
        FrdmParams.compact(), small=SmallParams(denoiser=SmallUNetParams((32, 48, 64), 16, 96)), preprocess=PreprocessParams((32, 48, 64))
    ),
    "compact": FrdmParams.compact(),
}
COLUMNS = ("variant", "steps", "weights", "preprocess dB", "1 step dB", "4 steps dB", "4 steps texture")
SCORED = 160  # held-out windows


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing changed."""

    name: str
    off: tuple[str, ...] = ()  # modules (`Switches`)
    predicts: Predicts | None = None
    adds: bool = True
    defect: float = LossParams().defect
    said: bool = True  # tags are learned
    last_time: float = HandTraining().last_time


VARIANTS = (
    Variant("all"),
    *(Variant(f"without {one.name}", (one.name,)) for one in fields(Switches)),
    Variant("without tags", said=False),
    Variant("clean film, not added to the picture", adds=False),
    Variant("velocity", predicts="velocity", adds=False),
    Variant("noise", predicts="noise", adds=False),
    Variant("defects not weighted", defect=0.0),
    Variant("times even", last_time=0.0),
)
ASKED = "all, asked without tags"  # the same weights as the first row


def settings_for(variant: Variant, size: str, steps: int, stage: str) -> HandTraining:
    """A variant's run of one stage."""
    params = without(SIZES[size], *variant.off)
    predicts = variant.predicts or params.schedule.predicts
    params = replace(params, schedule=Schedule(params.schedule.curve, predicts), adds=variant.adds)
    tiles = replace(tiles_for(params, heard=stage == "frdm"), silent=HandTraining().tiles.silent if variant.said else 1.0)
    how = HandTraining(params=params, tiles=tiles, losses=LossParams(first=variant.defect, defect=variant.defect), steps=steps)
    if stage == "preprocess":
        return replace(how, stage="preprocess", batch=4, rate=4e-4, validate=steps)
    return replace(how, rate=4e-4, last_time=variant.last_time, validate=steps)


def trained(variant: Variant, data: Path, out: Path, plan: tuple[str, int, int]) -> Path:
    """Both stages of a variant; the second one's checkpoint."""
    size, first, steps = plan
    folder, start = out / variant.name.replace(" ", "-").replace(",", ""), None
    if "preprocess" not in variant.off:
        start = train_hand(data, folder / "first", settings_for(variant, size, first, "preprocess"), tell=lambda line: print("   ", line))
    how = replace(settings_for(variant, size, steps, "frdm"), start=None if start is None else str(start))
    return train_hand(data, folder, how, tell=lambda line: print("   ", line))


def judged(checkpoint: Path, tiles: Sequence[Tile], *, silent: bool = False) -> dict[str, str]:
    """One row."""
    model, steps = load_hand_run(checkpoint)
    how = HandTraining(params=model.params, tiles=tiles_for(model.params))
    asked = [replace(tile, tags=np.zeros_like(tile.tags)) for tile in tiles] if silent else tiles
    restorers: dict[str, Restorer] = {"1 step": by_diffusion(model, how, 1), "4 steps": by_diffusion(model, how, 4)}
    if model.preprocess is not None:
        restorers["preprocess"] = by_regression(model, how)
    rows = scored(asked, restorers)
    found = {f"{name} dB": f"{row['dB']:.2f}" for name, row in rows.items()}
    weights = sum(one.numel() for one in model.parameters())
    return {**found, "4 steps texture": f"{rows['4 steps']['texture']:.2f}", "steps": str(steps), "weights": f"{weights:,}"}


def write_table(out: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    """Both files, whole."""
    names = [VARIANTS[0].name, ASKED, *(variant.name for variant in VARIANTS[1:])]
    lines = [[name, *(rows.get(name, {}).get(column, "") for column in COLUMNS[1:])] for name in names]
    with (out / "ablation.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *lines])
    table = ["| " + " | ".join(line) + " |" for line in (list(COLUMNS), ["---"] * len(COLUMNS), *lines)]
    (out / "ablation.md").write_text("\n".join(table) + "\n", encoding="utf-8")


def known_rows(out: Path) -> dict[str, dict[str, str]]:
    """The rows of the table that were filled before."""
    path = out / "ablation.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["variant"]: row for row in csv.DictReader(stream) if row.get("steps")}


def main() -> None:
    """See the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="windows of both kinds")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs and the table")
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--first", type=int, default=400, help="steps of the first stage")
    parser.add_argument("--steps", type=int, default=800, help="steps of the second")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="variants to run, by name; default: all")
    asked = parser.parse_args()
    chosen = [variant for variant in VARIANTS if asked.only is None or variant.name in asked.only]
    if not chosen:
        raise SystemExit(f"--only: none of {', '.join(variant.name for variant in VARIANTS)} named")
    asked.out.mkdir(parents=True, exist_ok=True)
    try:
        torch.set_num_threads(1)
        tiles = held(asked.data, settings_for(VARIANTS[0], asked.size, 1, "frdm"), SCORED)
        for variant in chosen:
            print(variant.name, flush=True)
            folder = asked.out / variant.name.replace(" ", "-").replace(",", "")
            rows = known_rows(asked.out)
            if variant.name in rows and (folder / CHECKPOINT).is_file():
                continue
            checkpoint = trained(variant, asked.data, asked.out, (asked.size, asked.first, asked.steps))
            rows[variant.name] = judged(checkpoint, tiles)
            if variant.name == VARIANTS[0].name:
                rows[ASKED] = judged(checkpoint, tiles, silent=True)
            write_table(asked.out, rows)
    except FrdmError as error:
        raise SystemExit(str(error)) from None
    print((asked.out / "ablation.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
