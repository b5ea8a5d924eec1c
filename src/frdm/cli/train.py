"""`frdm train`: windows of damaged film, the eye learned from them, and its weights as a file that ships; the hand's: `train_hand.py`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from frdm.cli import train_hand
from frdm.cli.train_hand import need_torch
from frdm.errors import DatasetError

train = App(name="train", help="Train the nets that find defects and mend them.", default_parameter=Parameter(negative=""))

Clips = Annotated[tuple[Path, ...], Parameter(help="Undamaged film: movies, folders of frames, or folders of movies with a SOURCES.csv.")]


@train.command
def windows(
    clips: Clips,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder for the windows; what is there is not made again.")],
    kind: Annotated[Literal["train", "val"], Parameter(help="To learn from, or to validate.")] = "train",
    files: Annotated[int, Parameter(help="Files of 480 crops (0.2 GiB) each.")] = 80,
    hold_out: Annotated[tuple[str, ...], Parameter(help="Films that only validate (names or patterns); repeat it.")] = (),
    seed: Annotated[int, Parameter(help="Decides everything that is drawn.")] = 11,
    undamaged: Annotated[float, Parameter(help="Share of segments without any damage.")] = 0.35,
    blotchy: Annotated[float, Parameter(help="Share of damaged segments whose dirt is large.")] = 0.0,
    peppered: Annotated[float, Parameter(help="Share of damaged segments full of small, faint dirt.")] = 0.0,
    repainted: Annotated[float, Parameter(help="Share of damaged segments whose pieces are veils of tones of their own.")] = 0.0,
    tinted: Annotated[float, Parameter(help="Share of damaged segments whose pieces have strengths and tints of their own.")] = 0.0,
    blotted: Annotated[float, Parameter(help="Share of damaged segments with large pieces of every outline besides.")] = 0.0,
    faint: Annotated[float, Parameter(help="Share of damaged segments whose pieces are all so thin that they are hardly seen.")] = 0.0,
    alarms: Annotated[bool, Parameter(help="Only crops in which the net that ships takes content for dirt: hard negatives.")] = False,
    processes: Annotated[int, Parameter(help="How many work side by side.")] = 2,
) -> int:
    """Damage clean film, align and measure it as restoring does, and store crops with their truth.

    `--kind val` takes the held-out films alone, without drawn scenes; `--kind train` all others.
    """
    from frdm.train.eye_windows import WindowSettings
    from frdm.train.making import Making, make_windows

    if files < 1 or processes < 1:
        raise DatasetError(f"--files {files} --processes {processes}: 1 or more was wanted; give that")
    made_of = WindowSettings(
        undamaged=undamaged,
        blotchy=blotchy,
        peppered=peppered,
        repainted=repainted,
        tinted=tinted,
        blotted=blotted,
        faint=faint,
    )
    for done in make_windows(clips, out, Making(kind, range(files), hold_out, seed, alarms, made_of), processes=processes):
        print(done, flush=True)
    return 0


@train.command
def eye(
    *,
    data: Annotated[Path, Parameter(help="Folder of windows (`frdm train windows`).")],
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="The run: checkpoint, settings, curve. A run that is there goes on.")],
    alone: Annotated[bool, Parameter(help="The net for single frames, which sees no neighbours.")] = False,
    widths: Annotated[tuple[int, ...], Parameter(help="Channels at 1/2, 1/4 … of the picture; multiples of 16 are quick.")] = (),
    blocks: Annotated[tuple[int, ...], Parameter(help="Residual blocks at each of them.")] = (),
    steps: Annotated[int, Parameter(help="Steps in all; the learning rate falls towards the last.")] = 15_000,
    batch: Annotated[int, Parameter(help="Crops a step.")] = 12,
    rate: Annotated[float, Parameter(help="The greatest learning rate.")] = 2e-3,
    seed: Annotated[int, Parameter(help="Decides first weights and the order of crops.")] = 0,
    start: Annotated[Path | None, Parameter(help="Weights to begin from (`frdm train export --keep`).")] = None,
    drop: Annotated[tuple[str, ...], Parameter(help="Families of film not to learn from: things, particles, flash …")] = (),
    precision: Annotated[Literal["bf16", "fp32"], Parameter(help="Of the sums while learning.")] = "bf16",
    device: Annotated[str, Parameter(help="cpu, cuda, cuda:1 …")] = "cpu",
    threads: Annotated[int, Parameter(help="Of the processor.")] = 2,
    validate: Annotated[int, Parameter(help="Steps between validations.")] = 1_000,
) -> int:
    """Train the eye. Stopped at any time, the same command goes on to the same result."""
    need_torch()
    from frdm.model.eye import ALONE, WITH_NEIGHBOURS, EyeParams
    from frdm.train.eye import EyeTraining, train_eye
    from frdm.train.eye_scenes import FAMILIES
    from frdm.train.hand_parts import refuse_device

    refuse_device(device)
    unknown = [name for name in drop if name not in FAMILIES]
    if unknown:
        raise DatasetError(f"--drop {unknown[0]}: no such family; give some of {', '.join(FAMILIES)}")
    usual = ALONE if alone else WITH_NEIGHBOURS
    settings = EyeTraining(
        params=EyeParams(widths or usual.widths, blocks or usual.blocks, alone),
        steps=steps,
        batch=batch,
        rate=rate,
        seed=seed,
        start=None if start is None else str(start),
        drop=tuple(FAMILIES.index(name) for name in drop),
        precision=precision,
        device=device,
        threads=threads,
        validate=validate,
    )
    print(train_eye(data, out, settings, tell=lambda line: print(line, flush=True)))
    return 0


@train.command
def export(
    checkpoint: Annotated[Path, Parameter(help="A run's checkpoint.pt.")],
    /,
    *,
    name: Annotated[Literal["eye", "eye_alone"], Parameter(help="What the weights are called.")],
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the weights and of weights.json.")] = Path("src/frdm/runtime"),
    data: Annotated[str, Parameter(help="What it was trained on.")] = "see MODEL_CARD.md",
    licence: Annotated[str, Parameter(help="Of the weights.")] = "Apache-2.0",
    kept: Annotated[Path | None, Parameter(name="--keep", help="Where to leave them for a training to begin from (safetensors).")] = None,
    mean: Annotated[tuple[Path, ...], Parameter(help="Kept weights of other trainings of this net: the mean of all is written.")] = (),
    bits: Annotated[int, Parameter(help="Significant bits of every weight: fewer pack better, and every version stays in a history.")] = 11,
) -> int:
    """Write a run's averaged weights as ONNX with half-precision weights, and list them with their sha256."""
    need_torch()
    from frdm.train.shipping import keep, ship

    if not 4 <= bits <= 11:
        raise DatasetError(f"--bits {bits}: 4 … 11 was wanted; give that")
    if kept is not None:
        keep(checkpoint, kept, others=mean)
    print(ship(checkpoint, out / f"{name}.onnx", data=data, licence=licence, others=mean, bits=bits))
    return 0


train.command(train_hand.film_windows, name="film-windows")
train.command(train_hand.preprocess)
train.command(train_hand.frdm)
train.command(train_hand.memory)
train.command(train_hand.export_hand, name="export-hand")
train.command(train_hand.score_hand, name="score-hand")
