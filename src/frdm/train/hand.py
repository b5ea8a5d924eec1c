"""Training the hand, from windows on disk to a checkpoint: one loop for both stages, which stops and goes on without leaving a trace."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import torch

from frdm.errors import DatasetError
from frdm.model.backbone import Backbone
from frdm.model.frdm import Frdm
from frdm.train.hand_batches import batch_of
from frdm.train.hand_data import Tile, Windows
from frdm.train.hand_making import windows_in
from frdm.train.hand_parts import PARTS, Learner, Processes, backbone_of, built, optimiser_of
from frdm.train.hand_settings import MAY_DIFFER, HandTraining, rate_at
from frdm.train.hand_shipped import SHIPPED, read_hand, shipped_hand
from frdm.train.hand_watching import Watch

Tell = Callable[[str], None]
CHECKPOINT = "checkpoint.pt"


class Run:
    """The state of one run: everything that a checkpoint holds."""

    def __init__(
        self, settings: HandTraining, processes: Processes | None = None, *, windows: int = 0, backbone: Backbone | None = None
    ) -> None:
        """`windows`: how many there are to learn from, for their order hangs on it; `backbone`: one that is not read from disk."""
        self.settings, self.step, self.processes, self.windows = settings, 0, processes or Processes(), windows
        self.model, perceptual = built(settings, backbone)
        if settings.start is not None:
            begin_from(self.model, settings.start)
        self.kept = {name: one.detach().clone() for name, one in self.model.learning()}
        self.optimiser = optimiser_of(self.model, settings)
        self.learner = self.processes.shared(Learner(self.model, settings, perceptual), settings.device)
        self.backbone = backbone_of(settings)
        self.recent: list[list[float]] = []  # losses since the curve's last row

    def learn(self, batches: Sequence[tuple[Sequence[Tile], Sequence[int]]]) -> dict[str, float]:
        """One step over `accumulate` batches of tiles and their places; the losses before it."""
        settings, sums = self.settings, torch.zeros(len(PARTS), device=self.settings.device)
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, settings)
        self.optimiser.zero_grad(set_to_none=True)
        for number, (tiles, places) in enumerate(batches):
            batch, t = batch_of(tiles, places, self.model, settings)
            last = number == len(batches) - 1
            alone = nullcontext() if last or self.processes.count == 1 else self.learner.no_sync()  # type: ignore[operator]
            with alone:
                with torch.autocast(settings.device.split(":")[0], torch.bfloat16, enabled=settings.precision == "bf16"):
                    losses = self.learner(batch, t)
                (losses[0] / len(batches)).backward()
            sums += torch.stack([one.detach().float() for one in losses]) / len(batches)
        torch.nn.utils.clip_grad_norm_([one for _, one in self.model.learning()], 1.0)
        self.optimiser.step()
        self.step += 1
        self._average(min(settings.average, (1 + self.step) / (10 + self.step)))
        found = [float(one) for one in self.processes.mean(sums)]
        self.recent.append(found)
        return dict(zip(PARTS, found, strict=True))

    @torch.no_grad()
    def _average(self, share: float) -> None:
        for name, now in self.model.learning():
            self.kept[name].lerp_(now, 1 - share)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """With the kept weights in the model's place, as it will ship."""
        now = {name: one.detach().clone() for name, one in self.model.learning()}
        self._put(self.kept)
        self.model.eval()
        try:
            yield
        finally:
            self._put(now)

    @torch.no_grad()
    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        for name, one in self.model.learning():
            one.copy_(weights[name])

    def save(self, path: Path) -> None:
        """Write everything under `path`, whole or not at all."""
        state = {
            "step": self.step,
            "settings": json.dumps(asdict(self.settings)),
            "weights": {name: one.detach() for name, one in self.model.learning()},
            "kept": self.kept,
            "optimiser": self.optimiser.state_dict(),
            "recent": self.recent,
            "processes": self.processes.count,
            "backbone": self.backbone,
            "windows": self.windows,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises `DatasetError` where it is of other settings."""
        state = read_checkpoint(path, self.settings.device)
        now, then = json.loads(json.dumps(asdict(self.settings))), json.loads(state["settings"])
        for name in sorted({*now, *then} - {*MAY_DIFFER}):
            if now.get(name) != then.get(name):
                raise DatasetError(f"{path}: made with {_difference(name, then.get(name), now.get(name))}; give the same, or another --out")
        if state["processes"] != self.processes.count:
            found = f"{state['processes']} processes, {self.processes.count} found"
            raise DatasetError(f"{path}: made by {found}; start as many, or give another --out")
        if state["windows"] != self.windows:
            raise DatasetError(f"{path}: learned from {state['windows']} windows, {self.windows} found; give the same, or another --out")
        self._put(state["weights"])
        self.kept = state["kept"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.recent = state["step"], state["recent"]


def _difference(name: str, then: Any, now: Any) -> str:
    """The first setting that differs, in words."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted({*then, *now}):
            if then.get(key) != now.get(key):
                return _difference(f"{name}.{key}", then.get(key), now.get(key))
    return f"{name} = {then}, asked for {now}"


def read_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """What `Run.save` wrote. Raises `DatasetError`."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if {"settings", "kept", "step", "processes"} <= set(state) and json.loads(state["settings"])["stage"]:
            return state
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: can't be read ({str(error).splitlines()[0]}); give a checkpoint of the hand") from None
    except Exception as error:  # pickle's own errors share no base
        raise DatasetError(f"{path}: no checkpoint ({type(error).__name__}); give a checkpoint of the hand") from None
    raise DatasetError(f"{path}: a checkpoint of something else; give one of the hand")


def begin_from(model: Frdm, start: str) -> None:
    """Take over weights in place: of a run's checkpoint (its average), a trained model's file, or an exported hand, by its folder or as
    `SHIPPED`. Raises `DatasetError`, or `WeightsError` where a hand's files are not whole.
    """
    found, own = _weights_of(start, model), model.state_dict()
    for name, value in found.items():
        if name not in own or own[name].shape != value.shape:
            raise DatasetError(f"--start {start}: {name} doesn't fit this model; train with the size and modules that it was made with")
    model.load_state_dict(found, strict=False)


def _weights_of(start: str, model: Frdm) -> dict[str, torch.Tensor]:
    """What `--start` names, by the names in the model."""
    path = Path(start)
    if start == SHIPPED or path.is_dir():
        return _hand_for(model, start)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise DatasetError(f"--start {path}: can't be read ({str(error).splitlines()[0]}); give weights that frdm wrote") from None
    found: dict[str, torch.Tensor] = read_checkpoint(path)["kept"]
    return found


def _hand_for(model: Frdm, start: str) -> dict[str, torch.Tensor]:
    """The weights of an exported hand that is built as the model is."""
    hand = shipped_hand() if start == SHIPPED else read_hand(Path(start))
    found, wanted = hand.params, model.params
    if found.size != wanted.size:
        raise DatasetError(f"--start {start}: a hand of size {found.size} found, {wanted.size} asked for; give --size {found.size}")
    if found != wanted:
        then, now = (json.loads(json.dumps(asdict(one))) for one in (found, wanted))
        raise DatasetError(f"--start {start}: made with {_difference('params', then, now)}; train with the modules that it was made with")
    return hand.weights


def train_hand(data: Path, out: Path, settings: HandTraining, *, tell: Tell = print) -> Path:
    """Train on the windows under `data`; the checkpoint's path. A run that was stopped goes on. Raises `DatasetError`."""
    torch.set_num_threads(settings.threads)
    processes = Processes.here()
    with processes.joined(settings.device):
        return _trained(data, out, settings, processes, tell if processes.first else _silent)


def _silent(line: str) -> None:
    """What all processes but the first say."""


def _trained(data: Path, out: Path, settings: HandTraining, processes: Processes, tell: Tell) -> Path:
    data = processes.after_first(lambda: windows_in(data, out, settings, tell))
    windows = Windows(data, "train", settings.tiles)
    windows.refuse_length(settings.params.frames)
    run, path = Run(settings, processes, windows=len(windows)), out / CHECKPOINT
    out.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        run.load(path)
        tell(f"going on at step {run.step}")
    if processes.first:
        (out / "settings.json").write_text(json.dumps(asdict(settings), indent=1) + "\n", encoding="utf-8")
    tell(f"{len(windows)} windows; {sum(one.numel() for _, one in run.model.learning()):,} weights learn")
    watch = Watch(run, data, out, tell)
    saved = time.monotonic()
    coming = windows.batches(numbers_from(run), settings.batch, settings.seed)
    while run.step < settings.steps:
        run.learn([next(coming) for _ in range(settings.accumulate)])
        watch.after_step()
        if processes.first and time.monotonic() - saved > settings.checkpoint:
            run.save(path)
            saved = time.monotonic()
    if processes.first:
        run.save(path)
    watch.close()
    return path


def numbers_from(run: Run) -> Iterator[int]:
    """The numbers of one process's batches in the endless order, from the run's step on."""
    each, processes = run.settings.accumulate, run.processes
    for number in count(run.step * each):
        yield number * processes.count + processes.rank
