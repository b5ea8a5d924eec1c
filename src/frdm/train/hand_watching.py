"""What a run tells while it learns: rows of its curve, scores on films that it does not learn from, sheets of samples, time left."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from frdm.errors import DatasetError
from frdm.pictures import save_png
from frdm.train.hand_data import Tile
from frdm.train.hand_parts import PARTS
from frdm.train.hand_scores import by_diffusion, by_regression, held, nothing, scored
from frdm.train.hand_settings import rate_at

if TYPE_CHECKING:
    from frdm.train.hand import Run

CURVE = "curve.csv"
HELD = 48  # windows that are scored
SHOWN = 12  # of them on a sheet
STEPS = 4  # of the sampler, on sheets
COLUMNS = ("step", *PARTS, "rate", "damaged dB", "held dB")


class Watch:
    """Of one run. The curve holds nothing of the clock: a run that was stopped writes the rows of one that was not."""

    def __init__(self, run: "Run", data: Path, out: Path, tell: Callable[[str], None]) -> None:
        self.run, self.out, self.tell = run, out, tell
        scores = run.processes.first and any(data.glob("val-*.npy"))
        self.held = held(data, run.settings, HELD) if scores else []
        self._started, self._first = time.monotonic(), run.step
        self._board = _board(out) if run.settings.board and run.processes.first else None
        if run.processes.first:
            cut_curve(out / CURVE, run.step)

    def after_step(self) -> None:
        """Write and tell what is due."""
        run, settings = self.run, self.run.settings
        step, last = run.step, run.step == run.settings.steps
        if step % settings.log == 0 or last:
            row = {
                "step": float(step),
                **dict(zip(PARTS, np.mean(run.recent, 0).tolist(), strict=True)),
                "rate": rate_at(step - 1, settings),
            }
            run.recent = []
            if run.processes.first:
                due = bool(self.held) and (step % settings.validate == 0 or last)
                self._note(row | (self._scores() if due else {}))
        if run.processes.first and self.held and settings.strips and (step % settings.strips == 0 or last):
            save_png(self.out / f"samples-{step:06d}.png", self.sheet())

    def _scores(self) -> dict[str, float]:
        run = self.run
        with run.averaged():
            ours = (
                by_regression(run.model, run.settings) if run.settings.stage == "preprocess" else by_diffusion(run.model, run.settings, 1)
            )
            rows = scored(self.held, {"damaged dB": nothing, "held dB": ours})
        return {name: row["dB"] for name, row in rows.items()}

    def sheet(self) -> NDArray[np.uint8]:
        """Held-out windows, one a row: degraded, mask, restored, clean."""
        run, few = self.run, self.held[:SHOWN]
        with run.averaged():
            first = run.settings.stage == "preprocess"
            ours = by_regression(run.model, run.settings) if first else by_diffusion(run.model, run.settings, STEPS)
            made = [one for start in range(0, len(few), 4) for one in ours(few[start : start + 4])]
        return np.concatenate([strip(tile, one) for tile, one in zip(few, made, strict=True)], dtype=np.uint8)

    def _note(self, row: dict[str, float]) -> None:
        note(self.out / CURVE, row)
        if self._board is not None:
            for name, value in row.items():
                self._board.add_scalar(name, value, int(row["step"]))
        done = self.run.step - self._first
        pace = (time.monotonic() - self._started) / max(done, 1)
        left = pace * (self.run.settings.steps - self.run.step)
        said = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "rate")
        self.tell(f"{said}  ({pace:.2f} s a step, {said_time(left)} left)")

    def close(self) -> None:
        """Finish what is open."""
        if self._board is not None:
            self._board.close()


def strip(tile: Tile, made: NDArray[Any]) -> NDArray[np.uint8]:
    """One window: degraded, mask, restored inside of the mask, clean, side by side (S, 4·S, 3)."""
    mask = tile.matte[tile.centre]
    degraded = tile.degraded[:, tile.centre]
    parts = [degraded, np.repeat(mask[None], 3, 0), np.where(mask, made, degraded), tile.clean[:, tile.centre]]
    codes: NDArray[np.uint8] = np.rint(np.clip(np.concatenate(parts, 2), 0, 1) * 255).astype(np.uint8)
    return codes.transpose(1, 2, 0)


def note(path: Path, row: dict[str, float]) -> None:
    """Add a row to the run's curve; what was not measured is left empty."""
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="")
        if new:
            table.writeheader()
        table.writerow({name: f"{value:.6g}" for name, value in row.items()})


def cut_curve(path: Path, step: int) -> None:
    """Take out the rows of steps that are going to be done again."""
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if (row.get("step") or "").isdigit() and int(row["step"]) <= step]
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    part.replace(path)


def said_time(seconds: float) -> str:
    """Seconds in words."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _board(out: Path) -> Any:
    """TensorBoard's writer. Raises `DatasetError` where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise DatasetError("--board: tensorboard is not installed; pip install tensorboard, or read curve.csv") from None
    return SummaryWriter(str(out))
