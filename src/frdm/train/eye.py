"""Training the eye, from windows on disk to a checkpoint: one loop, which stops and goes on without leaving a trace in the result."""

import csv
import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from frdm.errors import DatasetError
from frdm.model.eye import Eye, EyeParams
from frdm.train.eye_data import Windows, tensors

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EyeTraining:
    """How the eye is trained."""

    params: EyeParams = field(default_factory=EyeParams)
    steps: int = 15_000
    batch: int = 12
    rate: float = 2e-3  # AdamW's greatest; it rises over `warmup` steps and falls as a half cosine to `last` of itself
    warmup: int = 200
    last: float = 0.01
    decay: float = 0.02
    average: float = 0.998  # of the weights that are kept (EMA)
    seed: int = 0
    start: str | None = None  # weights to begin from, as `frdm train export --keep` leaves them
    drop: tuple[int, ...] = ()  # families that are not learned from (frdm.train.eye_scenes.FAMILIES)
    blind: bool = False  # the net is not told how far there-and-back misses (to measure what that is worth)
    precision: str = "bf16"  # or fp32
    device: str = "cpu"
    threads: int = 2
    checkpoint: float = 180.0  # seconds between checkpoints
    validate: int = 1_000  # steps between validations


class Training:
    """The state of one run: everything that a checkpoint holds."""

    def __init__(self, settings: EyeTraining) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.step = settings, 0
        self.net = Eye(settings.params).to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self.net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.02
        if settings.start is not None:
            begin_from(self.net, Path(settings.start))
        self.kept = Eye(settings.params).to(settings.device)
        self.kept.load_state_dict(self.net.state_dict())
        self.kept.requires_grad_(False).eval()
        weights = [p for p in self.net.parameters() if p.ndim > 1]
        others = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": weights, "weight_decay": settings.decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98))

    def learn(self, batch: dict[str, Any]) -> float:
        """One step; the loss before it."""
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, settings)
        self.net.train()
        if settings.blind:
            batch["half"][:, :4] = 0
        full, half, offsets, truth, sure = tensors(batch, settings.device)
        with torch.autocast(settings.device.split(":")[0], torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = self.net(full, half, offsets)
        loss = loss_of(logits.float(), truth, sure)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self._average(min(settings.average, (1 + self.step) / (10 + self.step)))
        return float(loss.detach())

    def _average(self, share: float) -> None:
        with torch.no_grad():
            for kept, now in zip(self.kept.parameters(), self.net.parameters(), strict=True):
                kept.lerp_(now, 1 - share)
            for held, seen in zip(self.kept.buffers(), self.net.buffers(), strict=True):
                held.copy_(seen)

    def save(self, path: Path) -> None:
        """Write everything under `path`, whole or not at all."""
        state = {
            "step": self.step,
            "settings": dataclasses.asdict(self.settings),
            "net": self.net.state_dict(),
            "kept": self.kept.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises `DatasetError` where it is of other settings."""
        state = torch.load(path, map_location=self.settings.device, weights_only=True)
        now = dataclasses.asdict(self.settings)
        for name, value in state["settings"].items():
            if name not in ("device", "threads", "checkpoint", "validate") and now[name] != value:
                raise DatasetError(f"{path}: made with {name} = {value}, asked for {now[name]}; give the same, or another --out")
        self.net.load_state_dict(state["net"])
        self.kept.load_state_dict(state["kept"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def begin_from(net: Eye, path: Path) -> None:
    """Take over the weights of a file of half-precision tensors, in place. Raises `DatasetError` where they don't fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        net.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DatasetError(
            f"{path}: no weights of this net ({str(error).splitlines()[0]}); give widths and blocks that they have"
        ) from None


def loss_of(logits: torch.Tensor, truth: torch.Tensor, sure: torch.Tensor) -> torch.Tensor:
    """Cross entropy over the pixels whose truth is sure, in nats a pixel: a proper score, so that probabilities come out honest."""
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (each * sure).sum() / sure.sum()


def rate_at(step: int, settings: EyeTraining) -> float:
    """The learning rate of a step."""
    if step < settings.warmup:
        return settings.rate * (step + 1) / settings.warmup
    done = (step - settings.warmup) / max(settings.steps - settings.warmup, 1)
    return settings.rate * (settings.last + (1 - settings.last) * 0.5 * (1 + float(np.cos(np.pi * min(done, 1.0)))))


def train_eye(data: Path, out: Path, settings: EyeTraining, *, tell: Tell = print, held: Windows | None = None) -> Path:
    """Train on the windows under `data`; the checkpoint's path. A run that was stopped goes on. Raises `DatasetError`.

    Validates on `held`, or on the windows under `data` that were made for it.
    """
    torch.set_num_threads(settings.threads)
    out.mkdir(parents=True, exist_ok=True)
    windows, held = Windows(data, "train", drop=frozenset(settings.drop)), held or Windows(data, "val")
    run, path = Training(settings), out / "checkpoint.pt"
    if path.is_file():
        run.load(path)
        tell(f"going on at step {run.step}")
    tell(f"{len(windows)} crops to learn from, {len(held)} to validate; {sum(p.numel() for p in run.net.parameters()):,} weights")
    (out / "settings.json").write_text(json.dumps(dataclasses.asdict(settings), indent=1) + "\n", encoding="utf-8")
    saved, started, first, recent = time.monotonic(), time.monotonic(), run.step, [0.0]
    for batch in windows.batches(run.step, settings.batch, settings.seed):
        if run.step >= settings.steps:
            break
        recent.append(run.learn(batch))
        if run.step % settings.validate == 0 or run.step == settings.steps:
            pace = (time.monotonic() - started) / max(run.step - first, 1)
            row = {"step": run.step, "loss": float(np.mean(recent[-settings.validate :])), **validate(run, held)}
            note(out / "curve.csv", row)
            tell("  ".join(f"{k} {v:.4g}" for k, v in row.items()) + f"  ({pace:.2f} s a step)")
        if time.monotonic() - saved > settings.checkpoint:
            run.save(path)
            saved = time.monotonic()
    run.save(path)
    return path


def validate(run: Training, held: Windows) -> dict[str, float]:
    """Scores of the averaged weights on crops of films that are not learned from, by pixel."""
    counts = {name: np.zeros(3) for name in ("dirt", "line")}  # right, found, there
    false, clean, total, seen = 0.0, 0.0, 0.0, 0.0
    size = 24
    for start in range(0, len(held), size):
        records = held.records(np.arange(start, min(start + size, len(held))))
        batch = {name: records[name] for name in ("full", "half", "offsets", "label")}
        if run.settings.blind:
            batch["half"][:, :4] = 0
        full, half, offsets, truth, sure = tensors(batch, run.settings.device)
        with torch.no_grad(), torch.autocast(run.settings.device.split(":")[0], torch.bfloat16, enabled=run.settings.precision == "bf16"):
            logits = run.kept(full, half, offsets).float()
        total += float(loss_of(logits, truth, sure)) * len(records)
        seen += len(records)
        found, there = (logits > 0).float() * sure, truth * sure
        for place, name in enumerate(counts):
            right = float((found[:, place] * there[:, place]).sum())
            counts[name] += (right, float(found[:, place].sum()), float(there[:, place].sum()))
        undamaged = torch.from_numpy(records["damaged"] == 0)
        false += float(found[undamaged, 0].sum())
        clean += float(undamaged.sum()) * found.shape[-1] * found.shape[-2]
    scores = {"held loss": total / seen}
    for name, (right, got, there_all) in counts.items():
        scores |= {f"{name} F1": 2 * right / max(got + there_all, 1), f"{name} recall": right / max(there_all, 1)}
    return scores | {"false ppm": 1e6 * false / max(clean, 1)}


def note(path: Path, row: dict[str, float]) -> None:
    """Add a row to the run's curve."""
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(row))
        if new:
            table.writeheader()
        table.writerow({k: f"{v:.6g}" for k, v in row.items()})
