"""The commands of `frdm train` for the hand, the learned fill: its windows, both stages of its training, its files, its scores."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from frdm.errors import DatasetError

if TYPE_CHECKING:
    from frdm.model.frdm import FrdmParams
    from frdm.train.hand_settings import HandTraining, Stage

Data = Annotated[
    Path, Parameter(help="A folder of windows (`frdm train film-windows`), or a pack (`frdm dataset`), of which windows are then made.")
]
Out = Annotated[Path, Parameter(name=["--out", "-o"], help="The run: checkpoint, settings, curve, samples. A run that is there goes on.")]
Backbone = Annotated[Path | None, Parameter(help="Folder of a pretrained backbone: vae, unet, text_encoder …")]
Run = Annotated[Path, Parameter(help="A run's checkpoint.pt.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """What is trained."""

    size: Annotated[Literal["compact", "paper"], Parameter(help="From nothing, or around a pretrained backbone.")] = "compact"
    backbone: Backbone = None
    start: Annotated[
        str | None, Parameter(help="What to begin from: a run's checkpoint, weights, a folder of an exported hand; `shipped`: frdm's own.")
    ] = None
    without: Annotated[tuple[str, ...], Parameter(help="A module of the paper to leave out; repeat it.")] = ()
    predicts: Annotated[
        Literal["clean", "velocity", "noise"] | None, Parameter(help="What the denoiser predicts. Default: clean; paper: the backbone's.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How much is learned at a time, and where."""

    batch: Annotated[int | None, Parameter(help="Tiles at once, in each process. Default: 2; first stage: 4.")] = None
    accumulate: Annotated[int, Parameter(help="Batches whose gradients make one step.")] = 1
    rate: Annotated[float | None, Parameter(help="The greatest learning rate. Default: 4e-4; paper 1e-4.")] = None
    seed: Annotated[int, Parameter(help="Decides first weights, order of tiles, noise.")] = 0
    optimiser: Annotated[
        Literal["adamw", "adamw8bit", "paged"], Parameter(help="The last two keep less on the card; they need bitsandbytes.")
    ] = "adamw"
    recompute: Annotated[bool, Parameter(help="Run blocks again on the way back: slower, far less memory.")] = False
    precision: Annotated[Literal["auto", "bf16", "fp32"], Parameter(help="auto: bf16 on a graphics card, fp32 on the processor.")] = "auto"
    device: Annotated[str, Parameter(help="cpu, cuda, cuda:1 …; several cards: start with torchrun or accelerate launch.")] = "cpu"
    threads: Annotated[int, Parameter(help="Of the processor.")] = 1
    checkpoint: Annotated[float, Parameter(help="Seconds between checkpoints.")] = 120.0
    log: Annotated[int, Parameter(help="Steps between rows of the curve.")] = 50
    validate: Annotated[int, Parameter(help="Steps between scores on held-out films.")] = 500
    strips: Annotated[int, Parameter(help="Steps between sheets of samples (PNG); 0: none.")] = 1_000
    board: Annotated[bool, Parameter(help="Write the curve for TensorBoard too.")] = False


def film_windows(
    clips: Annotated[tuple[Path, ...], Parameter(help="Clean film: movies, folders of frames or of movies; or packs (`frdm dataset`).")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder for the windows; what is there is not made again.")],
    kind: Annotated[Literal["train", "val"], Parameter(help="To learn from, or to score.")] = "train",
    files: Annotated[int, Parameter(help="Files of 120 windows each (130 MiB at the usual size).")] = 40,
    hold_out: Annotated[tuple[str, ...], Parameter(help="Films that only score (names or patterns); repeat it.")] = (),
    seed: Annotated[int, Parameter(help="Decides everything that is drawn.")] = 21,
    side: Annotated[int, Parameter(help="px of a tile's side.")] = 96,
    frames: Annotated[int, Parameter(help="Frames of a tile.")] = 5,
    room: Annotated[float, Parameter(help="Room beside a tile for the tiles left and above, as a share of its side; 0: none.")] = 0.75,
    processes: Annotated[int, Parameter(help="How many work side by side.")] = 2,
) -> int:
    """Damage clean film and store windows of it beside the truth: what `frdm train preprocess` and `frdm train frdm` learn from."""
    need_torch()
    from frdm.train.hand_making import Making, make_windows
    from frdm.train.hand_windows import GRID, FilmSettings

    if files < 1 or processes < 1:
        raise DatasetError(f"--files {files} --processes {processes}: 1 or more was wanted; give that")
    if side < GRID or side % GRID or frames < 1 or not 0 <= room <= 1:
        raise DatasetError(f"--side {side} --frames {frames} --room {room:g}: give a side in multiples of {GRID}, 1 frame or more, 0 … 1")
    made_of = FilmSettings(frames=frames, cut=side + round(room * side / GRID) * GRID, square=side)
    for done in make_windows(clips, out, Making(kind, range(files), hold_out, seed, made_of), processes=processes):
        print(done, flush=True)
    return 0


def preprocess(
    *,
    data: Data,
    out: Out,
    steps: Annotated[int, Parameter(help="Steps in all; the learning rate falls towards the last.")] = 4_000,
    model: ModelOptions = ModelOptions(),
    how: StepOptions = StepOptions(),
) -> int:
    """First stage: the preprocess module learns to show clean film at every scale. Stopped, the same command goes on."""
    return trained("preprocess", data, out, steps, (model, how))


def frdm(
    *,
    data: Data,
    out: Out,
    steps: Annotated[int, Parameter(help="Steps in all; the learning rate falls towards the last.")] = 6_000,
    model: ModelOptions = ModelOptions(),
    how: StepOptions = StepOptions(),
) -> int:
    """Second stage: the diffusion model learns; `--start` the first stage's checkpoint. Stopped, the same command goes on.

    To make it your own: `frdm dataset pairs BEFORE AFTER -o PAIRS`, then `frdm train frdm --data PAIRS --start shipped -o RUN`.
    """
    return trained("frdm", data, out, steps, (model, how))


def memory(
    *,
    stage: Annotated[Literal["preprocess", "frdm"], Parameter(help="First or second.")] = "frdm",
    cap: Annotated[str | None, Parameter(name="--vram", help="Memory of the graphics card that may be used, such as 24GiB.")] = None,
    model: ModelOptions = ModelOptions(),
    how: StepOptions = StepOptions(),
) -> int:
    """Measure what a step of training needs: peak memory and seconds, with random tiles; the size paper without --backbone has random
    weights.
    """
    need_torch()
    from frdm.bench.vram import random_backbone
    from frdm.bench.watched import Watch, loaded_psutil
    from frdm.diffusion.planning import bytes_of
    from frdm.train.hand_memory import HEAD, measure
    from frdm.train.hand_parts import refuse_device

    if cap is not None and not how.device.startswith("cuda"):
        raise DatasetError(f"--vram {cap}: a graphics card's memory is capped, a processor's is only measured; leave it out")
    budget, settings = None if cap is None else bytes_of(cap), settings_of(stage, 1, model, how)
    refuse_device(settings.device)
    backbone = random_backbone() if settings.params.small is None and settings.backbone is None else None
    with Watch(os.getpid(), loaded_psutil()) as watch:
        found = measure(settings, lambda: watch.peak, backbone=backbone, budget=budget)
    print(f"{HEAD}\n{found.row()}")
    return 0


def export_hand(
    checkpoint: Run,
    /,
    *,
    name: Annotated[str, Parameter(help="What the files are called: NAME_see.onnx, NAME_step.onnx, NAME_rest.npz.")] = "hand",
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the weights and of weights.json.")] = Path("src/frdm/runtime"),
    data: Annotated[str, Parameter(help="What it was trained on.")] = "see MODEL_CARD.md",
    licence: Annotated[str, Parameter(help="Of the weights.")] = "Apache-2.0",
    backbone: Backbone = None,
    kept: Annotated[Path | None, Parameter(name="--keep", help="Where to leave them for torch too (safetensors).")] = None,
    half: Annotated[bool, Parameter(help="… with half precision, as the ONNX files have them.")] = False,
) -> int:
    """Write a run's averaged weights as two ONNX files with half-precision weights, beside them what lets a training begin from them
    (`--start FOLDER`), and list all with their sha256.

    Of the size paper, which does not leave torch, only `--keep` is written.
    """
    need_torch()
    from frdm.train.hand_shipping import keep_hand, ship_hand, size_of

    if half and kept is None:
        raise DatasetError("--half: nothing is kept for torch; give --keep FILE too, or leave it out")
    if kept is not None:
        keep_hand(checkpoint, kept, backbone=backbone, half=half)
        print(kept)
    if kept is None or size_of(checkpoint) == "compact":
        print(ship_hand(checkpoint, out, name=name, data=data, licence=licence))
    return 0


def score_hand(
    checkpoint: Run,
    /,
    *,
    data: Annotated[Path, Parameter(help="Folder of windows of the kind val.")],
    steps: Annotated[tuple[int, ...], Parameter(help="Of the sampler; repeat it. Default: 1, 2, 4 and 8.")] = (),
    most: Annotated[int, Parameter(help="Windows that are scored.")] = 200,
    backbone: Backbone = None,
    device: Annotated[str, Parameter(help="cpu, cuda, cuda:1 …")] = "cpu",
    threads: Annotated[int, Parameter(help="Of the processor.")] = 1,
) -> int:
    """Score a run on films that it did not learn from, inside of defects: as it is, Telea, the preprocess module, the whole model."""
    need_torch()
    from frdm.train.hand_parts import refuse_device
    from frdm.train.hand_scoring import score

    if min(most, threads, *steps) < 1:
        raise DatasetError("--most, --threads, --steps: 1 or more was wanted; give that")
    refuse_device(device)
    for line in score(checkpoint, data, steps=steps or (1, 2, 4, 8), most=most, backbone=backbone, on=(device, threads)):
        print(line, flush=True)
    return 0


def trained(stage: "Stage", data: Path, out: Path, steps: int, options: tuple[ModelOptions, StepOptions]) -> int:
    """One stage, as it was asked for."""
    need_torch()
    from frdm.train.hand import train_hand
    from frdm.train.hand_parts import refuse_device

    settings = settings_of(stage, steps, *options)
    refuse_device(settings.device)
    print(train_hand(data, out, settings, tell=lambda line: print(line, flush=True)))
    return 0


def settings_of(stage: "Stage", steps: int, model: ModelOptions, how: StepOptions) -> "HandTraining":
    """The options as the settings that they are. Raises `DatasetError` or `RecipeError`."""
    from frdm.model.losses import LossParams
    from frdm.train.hand_parts import Processes
    from frdm.train.hand_settings import HandTraining, tiles_for

    counts = (steps, how.accumulate, how.log, how.validate, how.threads, *(() if how.batch is None else (how.batch,)))
    if min(counts) < 1 or (how.rate is not None and how.rate <= 0):
        raise DatasetError("--steps, --batch, --accumulate, --log, --validate, --threads: 1 or more; --rate: more than 0")
    first, paper = stage == "preprocess", model.size == "paper"
    params = params_of(model)
    precision = how.precision if how.precision != "auto" else "bf16" if how.device.startswith("cuda") else "fp32"
    return HandTraining(
        stage=stage,
        params=params,
        losses=LossParams() if paper else LossParams(first=LossParams().defect),
        tiles=tiles_for(params, heard=not first),
        last_time=0.0 if paper else HandTraining().last_time,
        steps=steps,
        batch=how.batch or (4 if first else HandTraining().batch),
        accumulate=how.accumulate,
        rate=how.rate or (1e-4 if paper else HandTraining().rate),
        seed=how.seed,
        start=model.start,
        backbone=None if model.backbone is None else str(model.backbone),
        optimiser=how.optimiser,
        recompute=how.recompute,
        precision=precision,
        device=Processes.here().device(how.device),
        threads=how.threads,
        checkpoint=how.checkpoint,
        log=how.log,
        validate=how.validate,
        strips=how.strips,
        board=how.board,
    )


def params_of(model: ModelOptions) -> "FrdmParams":
    """The params of a size, less what is left out, predicting what was asked for. Raises `RecipeError`."""
    from dataclasses import replace

    from frdm.diffusion.schedule import Schedule
    from frdm.model.frdm import FrdmParams, without

    params = without(FrdmParams.paper() if model.size == "paper" else FrdmParams.compact(), *model.without)
    if model.predicts is None:
        return params
    schedule = Schedule(params.schedule.curve, model.predicts)
    return replace(params, schedule=schedule, adds=params.adds and model.predicts == "clean")


def need_torch() -> None:
    """Raises `DatasetError` where torch is not installed."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise DatasetError("training: torch is not installed; run `pip install 'frdm[train]'`")
