"""What each part of the eye and of what it learns from is worth: the same training again and again with one thing changed, each with
two seeds, judged on films that none of them saw.

    python scripts/ablate_eye.py CLEAN --data WINDOWS --out RUNS [--steps 1500] [--hold-out NAME …]        (needs the [train] extra)

CLEAN holds undamaged movies; WINDOWS the crops to learn from (`frdm train windows CLEAN --out WINDOWS --hold-out …`). Windows of the
held-out films, with every family of hard negatives drawn into some of them, are made under RUNS/held. A run that is done is not done
again; the table (RUNS/ablation.csv) has one row a variant and seed.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from frdm.dataset.sources import find_clips
from frdm.dataset.split import named
from frdm.model.eye import Eye, EyeParams
from frdm.train.eye import EyeTraining, train_eye
from frdm.train.eye_data import Windows, tensors
from frdm.train.eye_scenes import FAMILIES
from frdm.train.eye_windows import WindowSettings, make_file, write_file

SMALL = EyeParams((16, 32, 48, 64, 64), (1, 1, 1, 1, 1))
GROUPS = {
    "weather": ("particles", "rain", "glints"),
    "light": ("flash", "flicker", "burst"),
    "moving": ("things", "limbs"),
    "cuts": ("cut",),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing changed."""

    name: str
    params: EyeParams = SMALL
    drop: tuple[str, ...] = ()
    blind: bool = False  # the net is not told how far there-and-back misses


VARIANTS = (
    Variant("all"),
    Variant("one frame", EyeParams(SMALL.widths, SMALL.blocks, alone=True)),
    Variant("half as wide", EyeParams((16, 16, 32, 32, 32), SMALL.blocks)),
    Variant("twice as wide", EyeParams((32, 64, 96, 128, 128), SMALL.blocks)),
    Variant("without trust pictures", blind=True),
    *(Variant(f"without {name}", drop=families) for name, families in GROUPS.items()),
)


def held_windows(clean: Path, names: Sequence[str], out: Path) -> None:
    """Crops of the held-out films, half of the segments undamaged, every family equally often."""
    clips = [clip for clip in find_clips([clean]) if named(clip.name, names)]
    scenes = {name: 0.085 for name in FAMILIES if name != "film"}
    settings = WindowSettings(undamaged=0.5, blotchy=0.3, tinted=0.3, scenes=scenes, strides=(0.8, 0.2, 0.0))
    out.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        path = out / f"val-{number:04d}.npy"
        if not path.exists():
            write_file(path, make_file(clips, settings, seed=77, number=number))


def judged(checkpoint: Path, held: Windows) -> dict[str, float]:
    """Scores by pixel at p > 0.5, and false pixels in a million on undamaged crops by family."""
    state = torch.load(checkpoint, weights_only=True)
    params = state["settings"]["params"]
    net = Eye(EyeParams(tuple(params["widths"]), tuple(params["blocks"]), params["alone"])).eval()
    net.load_state_dict(state["kept"])
    right = got = there = 0.0
    false, seen = np.zeros(len(FAMILIES)), np.zeros(len(FAMILIES))
    for start in range(0, len(held), 24):
        records = held.records(np.arange(start, min(start + 24, len(held))))
        batch = {name: records[name] for name in ("full", "half", "offsets", "label")}
        if state["settings"].get("blind"):
            batch["half"][:, :4] = 0
        full, half, offsets, truth, sure = tensors(batch, "cpu")
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            found = ((net(full, half, offsets)[:, 0] > 0).float() * sure[:, 0]).numpy()
        dirt = (truth[:, 0] * sure[:, 0]).numpy()
        right, got, there = right + float((found * dirt).sum()), got + float(found.sum()), there + float(dirt.sum())
        clean = records["damaged"] == 0
        np.add.at(false, records["family"][clean], found[clean].sum((1, 2)))
        np.add.at(seen, records["family"][clean], found[0].size)
    scores = {"recall": right / there, "precision": right / max(got, 1), "F1": 2 * right / (got + there)}
    scores["false ppm"] = 1e6 * false.sum() / seen.sum()
    return scores | {f"{name} ppm": 1e6 * false[i] / max(seen[i], 1) for i, name in enumerate(FAMILIES)}


def main() -> None:
    """Train and judge every variant with every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--hold-out", nargs="+", required=True)
    asked = parser.parse_args()
    held_windows(asked.clean, asked.hold_out, asked.out / "held")
    held, table = Windows(asked.out / "held", "val"), asked.out / "ablation.csv"
    done = {(row["variant"], row["seed"]) for row in csv.DictReader(table.open())} if table.exists() else set()
    for seed in asked.seeds:
        for variant in VARIANTS:
            if (variant.name, str(seed)) in done:
                continue
            settings = EyeTraining(
                params=variant.params,
                steps=asked.steps,
                batch=asked.batch,
                seed=seed,
                drop=tuple(FAMILIES.index(name) for name in variant.drop),
                blind=variant.blind,
                threads=1,
                validate=10**9,
            )
            path = train_eye(asked.data, asked.out / f"{variant.name.replace(' ', '_')}_{seed}", settings, held=held)
            weights = sum(p.numel() for p in Eye(variant.params).parameters())
            row = {"variant": variant.name, "seed": seed, "weights": weights, **judged(path, held)}
            print(row, flush=True)
            new = not table.exists()
            with table.open("a", newline="") as stream:
                writer = csv.DictWriter(stream, list(row))
                if new:
                    writer.writeheader()
                writer.writerow({key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()})


if __name__ == "__main__":
    main()
